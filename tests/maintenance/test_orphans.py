"""Claims about the cleanup: it forgets what is certain, and nothing else."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.drift import set_count
from support.made_up import AT, digest, put_file, put_original
from support.stores import Store
from twinlens.host.uptime import Uptime
from twinlens.maintenance.orphans import Cleanup, CleanupReport
from twinlens.maintenance.reconcile import Reconcile
from twinlens.model.files import FileStatus
from twinlens.model.roots import RootState
from twinlens.store import files, holds, meta, originals, revisions, roots
from twinlens.watch.identity import RootHealth

NOW = datetime(2026, 1, 10, 12, 0, tzinfo=UTC)
HOUR = 3600.0


class House:
    """A store whose two clocks a test sets: the wall clock and the one that nobody sets."""

    def __init__(self, store: Store, root_id: int) -> None:
        self.store = store
        self.root_id = root_id
        self.wall = NOW
        self.boot, self.up = "first", 1000.0
        self.examples = 0

    def pass_hours(self, hours: float) -> None:
        """Time goes on, for both clocks."""
        self.wall += timedelta(hours=hours)
        self.up += hours * HOUR

    def start_again(self, *, off_hours: float = 0.0) -> None:
        """The machine is switched off and on."""
        self.wall += timedelta(hours=off_hours)
        self.boot, self.up = f"{self.boot}, another", 60.0

    def at(self) -> str:
        """What the wall clock shows."""
        return self.wall.isoformat(timespec="seconds")

    def orphan(self, word: str) -> None:
        """A content whose only file goes now."""

        def work() -> None:
            original_id = put_original(word)
            file_id = put_file(self.root_id, word.encode(), original_id)
            files.set_gone(file_id, self.at())
            originals.remove_reference(original_id, self.at())

        self.store.write(work)

    def clean(
        self, *, grace: float = 24.0, limit: int = 100, brake: float = 100.0, accept: bool = False
    ) -> CleanupReport:
        """One pass."""
        return Cleanup(
            self.store.database,
            self.store.writer,
            lambda: self.wall,
            grace,
            limit,
            brake,
            accept,
            steady=lambda: Uptime(self.boot, self.up),
        ).run()

    def reconcile(self) -> None:
        """Count anew."""
        Reconcile(self.store.database, self.store.writer, lambda: self.wall).run()

    def ripen(self, hours: float = 24.1) -> None:
        """Let what are orphans now be ripe at the next pass."""
        self.clean()
        self.reconcile()
        self.pass_hours(hours)

    def knows(self, word: str) -> bool:
        """Whether the content is known."""
        return self.store.read(lambda: originals.find_id(digest(word))) is not None


@pytest.fixture
def house(store: Store, root_id: int, tmp_path: Path) -> House:
    """A household whose watched folder is there."""
    (tmp_path / "photos" / "year").mkdir(parents=True)
    return House(store, root_id)


def test_an_orphan_is_forgotten_after_its_grace_and_not_before(house: House, store: Store) -> None:
    house.orphan("old")
    house.clean()
    house.reconcile()
    house.pass_hours(23.9)
    house.orphan("young")
    early = house.clean()
    house.pass_hours(0.2)

    report = house.clean()

    assert (early.checked, early.removed_originals, early.waiting) == (0, 0, 2)
    assert report == CleanupReport(
        checked=1, removed_originals=1, removed_files=1, frozen_by=(), waiting=1
    )
    assert (house.knows("old"), house.knows("young")) == (False, True)
    assert store.read(lambda: files.find(house.root_id, b"old")) is None
    assert store.read(lambda: files.find(house.root_id, b"young")) is not None
    assert store.read(lambda: meta.read("last_cleanup_at")) == house.at()


def test_that_a_content_was_forgotten_stays_in_its_story(house: House, store: Store) -> None:
    house.orphan("old")
    gone_at = house.at()
    house.ripen()
    house.clean()

    story = store.read(lambda: revisions.of_content(digest("old")))

    assert [(one.actor, one.what, one.at, one.before, one.after) for one in story] == [
        ("cleanup", "forgotten", house.at(), gone_at, None)
    ]


def test_one_pass_is_not_enough_however_long_ago_the_file_went(house: House) -> None:
    house.orphan("old")
    house.pass_hours(1000)
    house.reconcile()

    assert house.clean().removed_originals == 0
    house.reconcile()
    assert house.clean(grace=0.0).removed_originals == 1


def test_nothing_is_forgotten_before_a_whole_reconciliation(house: House) -> None:
    house.orphan("old")
    for _ in range(3):
        house.pass_hours(30)
        assert house.clean().removed_originals == 0

    house.reconcile()

    assert house.clean().removed_originals == 1


def test_a_reconciliation_that_could_not_ask_a_folder_does_not_count(
    house: House, tmp_path: Path
) -> None:
    house.orphan("old")
    house.clean()
    (tmp_path / "photos").rename(tmp_path / "away")
    house.reconcile()
    (tmp_path / "away").rename(tmp_path / "photos")
    house.pass_hours(30)

    assert house.clean().removed_originals == 0


def test_a_content_that_had_a_file_between_two_passes_begins_anew(
    house: House, store: Store
) -> None:
    house.orphan("back")
    house.ripen(20)

    def come_and_go() -> None:
        original_id = originals.find_id(digest("back"))
        file_id = put_file(house.root_id, b"elsewhere", original_id)
        files.set_gone(file_id, house.at())
        originals.remove_reference(original_id or 0, house.at())

    store.write(come_and_go)
    house.clean()
    house.reconcile()
    house.pass_hours(20)

    assert house.clean().removed_originals == 0
    house.pass_hours(5)
    assert house.clean().removed_originals == 1


def test_a_second_pass_finds_nothing(house: House) -> None:
    house.orphan("old")
    house.ripen()
    assert house.clean().removed_originals == 1

    assert house.clean() == CleanupReport(0, 0, 0, ())


@pytest.mark.parametrize("years", [1, 10, -1, -56])
def test_a_wall_clock_that_jumps_makes_nothing_older(house: House, years: int) -> None:
    house.orphan("before")
    house.clean()
    house.reconcile()
    house.wall += timedelta(days=365 * years)
    house.orphan("after")
    house.pass_hours(1)
    house.clean()
    house.reconcile()
    house.pass_hours(1)

    assert (house.clean().checked, house.clean().removed_files) == (0, 0)
    house.pass_hours(23)
    assert house.clean().removed_originals == 2


def test_a_clock_that_comes_right_after_a_start_in_1970_makes_nothing_older(house: House) -> None:
    house.clean()
    right = house.wall
    house.start_again()
    house.wall = datetime(1970, 1, 1, 0, 1, tzinfo=UTC)
    house.orphan("stamped 1970")
    house.wall = right
    house.clean()
    house.reconcile()
    house.pass_hours(1)

    assert house.clean().checked == 0
    assert house.knows("stamped 1970")


def test_the_hours_that_the_machine_was_off_do_not_count(house: House) -> None:
    house.orphan("old")
    house.clean()
    house.reconcile()
    house.start_again(off_hours=1000)

    assert house.clean().checked == 0
    house.pass_hours(24)
    assert house.clean().removed_originals == 1


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["pass", "jump", "start", "clean"]), st.integers(-90_000, 90_000)
        ),
        max_size=25,
    )
)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_the_clocks_do_no_orphan_is_forgotten_before_its_grace_has_truly_passed(
    house: House, steps: list[tuple[str, int]]
) -> None:
    house.examples += 1
    word = f"content {house.examples}"
    house.orphan(word)
    truly = 0.0
    for what, hours in steps:
        if what == "pass":
            house.pass_hours(abs(hours) / 10_000)
            truly += abs(hours) / 10_000
        elif what == "jump":
            house.wall = NOW + timedelta(hours=hours)
        elif what == "start":
            house.start_again(off_hours=abs(hours))
            truly += abs(hours)
        else:
            house.reconcile()
            house.clean()
        assert house.knows(word) or truly >= 24.0
    house.ripen()
    house.clean()
    house.clean()
    assert not house.knows(word)


def test_a_content_with_a_file_is_kept_whatever_its_count_says(house: House, store: Store) -> None:
    def work() -> None:
        original_id = put_original("drifted")
        put_file(house.root_id, b"a.jpg", original_id)
        set_count(original_id, 0, AT)

    store.write(work)
    house.clean()
    house.pass_hours(100)

    assert house.clean(grace=0.0).removed_originals == 0
    assert house.knows("drifted")


def test_a_content_that_something_else_holds_is_kept_until_it_is_released(
    house: House, store: Store
) -> None:
    house.orphan("kept")
    store.write(lambda: holds.take(digest("kept"), holds.JOB, "1"))
    house.ripen(100)

    assert house.clean() == CleanupReport(0, 0, 0, ())

    store.write(lambda: holds.release(digest("kept"), holds.JOB, "1", house.at()))
    house.ripen()
    assert house.clean().removed_originals == 1


@pytest.mark.parametrize("state", [RootState.UNREACHABLE, RootState.CHANGED, RootState.SUSPECT])
def test_nothing_is_forgotten_while_a_root_cannot_be_trusted(
    house: House, store: Store, state: RootState
) -> None:
    house.orphan("old")
    house.ripen(100)
    store.write(lambda: roots.set_health(house.root_id, state, "the cable is out"))

    report = house.clean()

    assert report.removed_originals == report.removed_files == 0
    assert ["the cable is out" in reason for reason in report.frozen_by] == [True]
    assert report.waiting == 1
    assert house.knows("old")
    assert report.as_result()["frozen_by"] == list(report.frozen_by)


def test_after_a_root_is_back_two_passes_and_a_reconciliation_are_needed_again(
    house: House, tmp_path: Path
) -> None:
    house.orphan("old")
    house.ripen(100)
    (tmp_path / "photos").rename(tmp_path / "away")
    assert len(house.clean().frozen_by) == 1
    (tmp_path / "away").rename(tmp_path / "photos")

    assert [house.clean().removed_originals for _ in range(3)] == [0, 0, 0]
    house.reconcile()
    assert house.clean().removed_originals == 1


@pytest.mark.parametrize("left", [[], [".twinlens"], ["lost+found", ".Trash-1000"]])
def test_a_root_that_is_empty_but_for_what_an_empty_disk_holds_freezes_it(
    house: House, store: Store, tmp_path: Path, left: list[str]
) -> None:
    house.orphan("old")
    house.ripen(100)
    store.write(lambda: put_file(house.root_id, b"year/live.jpg", put_original("live")))
    (tmp_path / "photos" / "year").rmdir()
    for name in left:
        (tmp_path / "photos" / name).mkdir()

    report = house.clean()

    assert ["it is empty, and 1 files are known" in one for one in report.frozen_by] == [True]
    assert house.knows("old")


def test_a_root_that_does_not_answer_freezes_it_and_holds_nothing_up(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.orphan("old")
    house.ripen(100)
    asked: list[bytes] = []
    is_over = threading.Event()

    def hang(path: bytes, known: object) -> RootHealth:
        asked.append(path)
        is_over.wait(20.0)
        return RootHealth(RootState.ONLINE, "too late", None)

    monkeypatch.setattr("twinlens.maintenance.trust.PATIENCE_SECONDS", 0.1)
    monkeypatch.setattr("twinlens.maintenance.trust.check_root", hang)

    report = house.clean()

    is_over.set()
    assert len(asked) == 1
    assert ["it does not answer" in one for one in report.frozen_by] == [True]
    assert house.knows("old")


def test_a_root_that_is_no_longer_watched_freezes_nothing(
    house: House, store: Store, tmp_path: Path
) -> None:
    house.orphan("old")
    store.write(lambda: roots.set_health(house.root_id, RootState.UNREACHABLE, "away"))
    (tmp_path / "other").mkdir()
    store.adopt(tmp_path / "other")
    house.ripen()

    assert house.clean().removed_originals == 1


def test_an_older_database_freezes_it(house: House, store: Store) -> None:
    house.orphan("old")
    house.ripen(100)
    beside = store.path.with_name(f"{store.path.name}.generation")
    beside.write_text('{"identity": "another", "number": 99}')

    report = house.clean()

    assert ["another database stood here before" in one for one in report.frozen_by] == [True]
    assert house.knows("old")


class Late:
    """A writer that something gets ahead of, right before the call of this number."""

    def __init__(self, store: Store, number: int, work: Callable[[], object]) -> None:
        self._store, self._number, self._work = store, number, work
        self.calls = 0

    def call(self, work: Callable[[], object]) -> object:
        self.calls += 1
        if self.calls == self._number:
            self._store.write(self._work)
        return self._store.write(work)


def late_pass(house: House, work: Callable[[], object]) -> tuple[CleanupReport, Late]:
    """A pass in which `work` comes between the plan and what follows from it."""
    # Its calls: the generation, the look, and the third applies the plan.
    writer = Late(house.store, 3, work)
    report = Cleanup(
        house.store.database,
        writer,  # type: ignore[arg-type]  # a stand-in
        lambda: house.wall,
        24.0,
        100,
        steady=lambda: Uptime(house.boot, house.up),
    ).run()
    return report, writer


def test_a_file_that_came_back_since_the_plan_was_made_is_spared(house: House) -> None:
    house.orphan("old")
    house.orphan("other")
    house.ripen()

    def revive() -> None:
        put_file(house.root_id, b"old", originals.find_id(digest("old")), status=FileStatus.OK)

    report, _ = late_pass(house, revive)

    assert (report.checked, report.removed_originals) == (2, 1)
    assert (house.knows("old"), house.knows("other")) == (True, False)


def test_a_content_that_is_held_since_the_plan_was_made_is_spared(house: House) -> None:
    house.orphan("old")
    house.ripen()

    report, _ = late_pass(house, lambda: holds.take(digest("old"), holds.JOB, "7"))

    assert (report.checked, report.removed_originals) == (1, 0)
    assert house.knows("old")


def test_a_root_that_goes_since_the_plan_was_made_freezes_it(house: House) -> None:
    house.orphan("old")
    house.ripen()

    report, _ = late_pass(
        house, lambda: roots.set_health(house.root_id, RootState.UNREACHABLE, "away")
    )

    assert (report.checked, report.removed_originals, len(report.frozen_by)) == (1, 0, 1)
    assert house.knows("old")


def test_no_more_than_the_limit_is_forgotten_at_once(house: House) -> None:
    for number in range(5):
        house.orphan(f"word {number}")
    house.ripen()

    assert [house.clean(limit=2).removed_originals for _ in range(4)] == [2, 2, 1, 0]


def test_a_pass_that_would_forget_too_much_forgets_nothing_and_asks(
    house: House, store: Store
) -> None:
    for number in range(30):
        house.orphan(f"word {number}")
    store.write(lambda: put_file(house.root_id, b"live.jpg", put_original("live")))
    house.ripen()

    report = house.clean(brake=25.0)

    assert (report.checked, report.removed_originals, report.removed_files) == (30, 0, 0)
    assert report.asks.startswith("30 of 31 known contents have no file any more")
    assert "twinlens cleanup --accept" in report.asks
    assert store.read(lambda: meta.read("cleanup_asks")) == report.asks
    assert all(house.knows(f"word {number}") for number in range(30))


def test_whoever_accepts_gets_all_of_it_forgotten_in_batches_and_is_asked_no_more(
    house: House, store: Store
) -> None:
    for number in range(30):
        house.orphan(f"word {number}")
    house.ripen()
    house.clean(brake=25.0)

    report = house.clean(brake=25.0, limit=7, accept=True)

    assert (report.checked, report.removed_originals, report.asks) == (30, 30, "")
    assert store.read(lambda: meta.read("cleanup_asks")) == ""


def test_a_few_are_forgotten_whatever_their_share(house: House) -> None:
    for number in range(20):
        house.orphan(f"word {number}")
    house.ripen()

    assert house.clean(brake=1.0).removed_originals == 20


def test_the_rows_of_files_that_went_stay_with_the_content_that_has_no_others(
    house: House, store: Store
) -> None:
    house.orphan("waits")

    def leave_one_of_two() -> None:
        original_id = put_original("has another")
        put_file(house.root_id, b"kept", original_id)
        files.set_gone(put_file(house.root_id, b"went", original_id), house.at())
        originals.remove_reference(original_id, house.at())

    store.write(leave_one_of_two)
    house.clean()
    house.pass_hours(30)

    assert house.clean().removed_files == 1
    assert store.read(lambda: files.find(house.root_id, b"went")) is None
    assert store.read(lambda: files.find(house.root_id, b"waits")) is not None


def test_a_cleanup_that_fails_takes_nothing_back_and_is_done_by_the_next(
    house: House, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for word in ("one", "two"):
        house.orphan(word)
    house.ripen()

    def fail(*values: object, **words: object) -> None:
        raise ValueError("the disk of the database is full")

    with monkeypatch.context() as patched:
        patched.setattr(revisions, "add", fail)
        with pytest.raises(ValueError, match="the disk of the database is full"):
            house.clean()

    gone = store.read(lambda: files.find(house.root_id, b"one"))
    assert gone is not None
    assert gone.status is FileStatus.GONE
    assert (house.knows("one"), house.knows("two")) == (True, True)
    assert house.clean().removed_originals == 2
