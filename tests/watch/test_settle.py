"""Claims about waiting until a file is still."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from twinlens.watch.settle import Sample, SettleTracker


def _always(sample: Sample | None) -> Callable[[bytes], Sample | None]:
    return lambda path: sample


def test_a_still_file_is_due_after_two_equal_samples() -> None:
    tracker = SettleTracker(5.0)
    tracker.touch(b"/a", 0.0)

    assert tracker.due(1.0, _always((10, 1))) == []
    assert tracker.next_due() == 6.0
    assert tracker.due(5.9, _always((10, 1))) == []
    assert tracker.due(6.0, _always((10, 1))) == [b"/a"]
    assert len(tracker) == 0
    assert tracker.next_due() is None


def test_a_closed_file_is_due_earlier() -> None:
    tracker = SettleTracker(5.0)
    tracker.touch(b"/a", 0.0, is_closed=True)

    assert tracker.due(1.0, _always((10, 1))) == []
    assert tracker.due(5.0, _always((10, 1))) == [b"/a"]


def test_a_first_look_that_comes_too_late_counts_from_itself() -> None:
    tracker = SettleTracker(5.0)
    tracker.touch(b"/a", 0.0, is_closed=True)

    assert tracker.due(60.0, _always((10, 1))) == []
    assert tracker.next_due() == 65.0


def test_a_close_while_waiting_starts_the_quiet_time_anew() -> None:
    tracker = SettleTracker(5.0)
    tracker.touch(b"/a", 0.0)
    tracker.due(0.0, _always((0, 1)))
    tracker.touch(b"/a", 3.0, is_closed=True)

    assert tracker.next_due() == 3.0
    assert tracker.due(3.1, _always((99, 2))) == []
    assert tracker.due(7.9, _always((99, 2))) == []
    assert tracker.due(8.0, _always((99, 2))) == [b"/a"]


def test_closes_that_change_nothing_do_not_hold_a_file_back() -> None:
    tracker = SettleTracker(5.0)
    settled = []

    for tenth in range(0, 100, 10):
        tracker.touch(b"/a", tenth / 10, is_closed=True)
        settled += tracker.due(tenth / 10 + 0.1, _always((10, 1)))

    assert settled == [b"/a"]


def test_a_file_still_growing_is_not_taken_up() -> None:
    tracker = SettleTracker(5.0)
    tracker.touch(b"/a", 0.0)

    for second in range(0, 300, 5):
        assert tracker.due(float(second), _always((second, second))) == []
    assert tracker.due(300.0, _always((295, 295))) == [b"/a"]


def test_a_changed_time_alone_is_a_change() -> None:
    tracker = SettleTracker(5.0)
    tracker.touch(b"/a", 0.0)
    tracker.due(0.0, _always((10, 1)))

    assert tracker.due(5.0, _always((10, 2))) == []


def test_a_path_that_is_gone_is_due_at_once() -> None:
    tracker = SettleTracker(5.0)
    tracker.touch(b"/a", 0.0)

    assert tracker.due(0.0, _always(None)) == [b"/a"]


def test_a_look_that_fails_means_later() -> None:
    tracker = SettleTracker(5.0)
    tracker.touch(b"/a", 0.0)
    tracker.touch(b"/b", 0.0)

    def look(path: bytes) -> Sample | None:
        if path == b"/a":
            raise OSError("input/output error")
        return None

    assert tracker.due(0.0, look) == [b"/b"]
    assert tracker.due(5.0, _always((1, 1))) == []
    assert tracker.due(10.0, _always((1, 1))) == [b"/a"]


def test_a_flood_on_one_path_costs_one_entry_and_one_look() -> None:
    tracker = SettleTracker(5.0)
    looks: list[bytes] = []

    def look(path: bytes) -> Sample | None:
        looks.append(path)
        return (1, 1)

    for count in range(20_000):
        tracker.touch(b"/a", count / 20_000, is_closed=count % 2 == 0)
    tracker.due(1.0, look)

    assert len(tracker) == 1
    assert looks == [b"/a"]
    assert len(tracker._order) < 3


def test_a_forgotten_path_never_becomes_due() -> None:
    tracker = SettleTracker(5.0)
    tracker.touch(b"/a", 0.0)
    tracker.forget(b"/a")
    tracker.forget(b"/never seen")

    assert tracker.next_due() is None
    assert tracker.due(99.0, _always((1, 1))) == []


def test_a_path_forgotten_and_touched_again_is_looked_at_once() -> None:
    tracker = SettleTracker(5.0)
    tracker.touch(b"/a", 0.0)
    tracker.forget(b"/a")
    tracker.touch(b"/a", 0.0)
    looks: list[bytes] = []

    def look(path: bytes) -> Sample | None:
        looks.append(path)
        return (1, 1)

    tracker.due(0.0, look)

    assert looks == [b"/a"]


@given(
    st.lists(
        st.tuples(st.sampled_from([b"/a", b"/b", b"/c"]), st.booleans(), st.floats(0.0, 3.0)),
        max_size=40,
    ),
    st.floats(0.0, 10.0),
)
def test_every_touched_path_that_stays_still_becomes_due_once(
    touches: list[tuple[bytes, bool, float]], quiet: float
) -> None:
    tracker = SettleTracker(quiet)
    settled: list[bytes] = []
    now = 0.0
    for path, is_closed, pause in touches:
        now += pause
        tracker.touch(path, now, is_closed=is_closed)
    while (at := tracker.next_due()) is not None:
        now = max(now, at)
        settled += tracker.due(now, _always((1, 1)))

    assert sorted(settled) == sorted({path for path, _, _ in touches})


@given(st.lists(st.tuples(st.floats(0.1, 2.0), st.integers(0, 2), st.booleans()), max_size=40))
def test_nothing_is_taken_without_two_equal_samples_so_far_apart(
    steps: list[tuple[float, int, bool]],
) -> None:
    quiet = 2.0
    tracker = SettleTracker(quiet)
    tracker.touch(b"/a", 0.0)
    now = 0.0
    seen: list[tuple[float, Sample]] = []
    closed: list[float] = [-1.0]
    for pause, size, is_closed in steps:
        now += pause
        if is_closed:
            tracker.touch(b"/a", now, is_closed=True)
            closed.append(now)
            now += 0.01

        def look(path: bytes, at: float = now, sample: Sample = (size, 0)) -> Sample:
            seen.append((at, sample))
            return sample

        if tracker.due(now, look):
            last, sample = seen[-1]
            run = [at for at, each in seen if each == sample]
            starts = [*run[:-1], *(at for at in closed if run[0] - quiet < at)]
            assert len(run) >= 2
            assert last - min(starts) >= quiet - 1e-9
            break
