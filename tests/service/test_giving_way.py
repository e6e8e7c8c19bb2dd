"""Claims about giving way: long passes wait when they should, say so, and go on."""

import json
from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.made_up import AT
from twinlens.host.load import Usage
from twinlens.model.jobs import JobRecord, JobState
from twinlens.model.quiet_hours import QuietHours
from twinlens.service.giving_way import GivingWay

DAY = QuietHours.parse(["08:00-12:00", "11:00-22:30"])
NONE = QuietHours()
NIGHT = QuietHours.parse(["22:00-06:30"])


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("quiet", "now", "end"),
    [
        (DAY, "2026-11-21T07:59:59", None),
        (DAY, "2026-11-21T08:00:00", "2026-11-21T22:30:00"),
        (DAY, "2026-11-21T22:29:59", "2026-11-21T22:30:00"),
        (DAY, "2026-11-21T22:30:00", None),
        (NIGHT, "2026-12-31T23:00:00", "2027-01-01T06:30:00"),
        (NIGHT, "2027-01-01T05:00:00", "2027-01-01T06:30:00"),
        (NIGHT, "2027-01-01T12:00:00", None),
        (QuietHours.parse(["18:00-24:00", "00:00-06:00"]), "2026-11-21T19:00", "2026-11-22T06:00"),
        (NONE, "2026-11-21T19:00", None),
        # The night in which the clock is put forward, and the one in which it is put back.
        (NIGHT, "2026-03-28T23:30:00", "2026-03-29T06:30:00"),
        (NIGHT, "2026-10-25T02:30:00", "2026-10-25T06:30:00"),
    ],
)
def test_quiet_hours_end_when_the_clock_on_the_wall_says_so(
    quiet: QuietHours, now: str, end: str | None
) -> None:
    assert quiet.until(at(now)) == (None if end is None else at(end))


@pytest.mark.parametrize(
    "spans",
    [
        ["8:00-12:00"],
        ["08:00"],
        ["25:00-26:00"],
        ["08:00-24:30"],
        ["08:60-09:00"],
        ["08:00-08:00"],
        ["00:00-24:00"],
        ["08:00-20:00", "20:00-08:00"],
    ],
)
def test_spans_that_are_none_or_leave_no_time_are_refused(spans: list[str]) -> None:
    with pytest.raises(ValueError, match=r"span|no minute"):
        QuietHours.parse(spans)


_MINUTES = st.integers(0, 24 * 60 - 1)


@given(st.lists(st.tuples(_MINUTES, _MINUTES), max_size=4), _MINUTES)
def test_when_quiet_ends_it_is_not_quiet_and_until_then_it_is(
    spans: list[tuple[int, int]], minute: int
) -> None:
    texts = [f"{a // 60:02}:{a % 60:02}-{b // 60:02}:{b % 60:02}" for a, b in spans]
    try:
        quiet = QuietHours.parse(texts)
    except ValueError:
        return
    now = datetime(2026, 11, 21, minute // 60, minute % 60)  # noqa: DTZ001 - the clock on the wall

    end = quiet.until(now)

    if end is not None:
        assert now < end
        assert quiet.until(end) is None
        last = end.replace(minute=end.minute) - (end - now) / 2
        assert quiet.until(last) == end


class House:
    """A machine whose clock and load are set by hand."""

    def __init__(self, quiet: QuietHours = NONE, most_percent: float = 0) -> None:
        self.seconds = 0.0
        self.wall = at("2026-11-21T07:00")
        self.others = 0.0
        self._usage = Usage(0, 0, 0)
        self._asked_at = 0.0
        self.told: list[str] = []
        self.way = GivingWay(
            quiet,
            most_percent,
            few=lambda name: 256 if name == "scan" else 0,
            tell=self.told.append,
            usage=self._use,
            now=lambda: self.wall,
            monotonic=lambda: self.seconds,
        )

    def _use(self) -> Usage:
        ticks = int((self.seconds - self._asked_at) * 200)
        self._asked_at = self.seconds
        others = int(ticks * self.others / 100)
        own = (ticks - others) // 2
        before = self._usage
        self._usage = Usage(before.total + ticks, before.busy + others + own, before.own + own)
        return self._usage

    def after(self, seconds: float, others: float) -> bool:
        """Whether a pass has to wait after so long, with others using that share."""
        self.others = others
        self.seconds += seconds
        return self.way.is_paused()


def job(
    number: int, name: str, state: JobState = JobState.PENDING, **argument: object
) -> JobRecord:
    text = json.dumps(argument)
    return JobRecord(number, name, text, state, None, 0, 0, AT, None, None, None, None, False)


def test_passes_wait_while_others_are_busy_and_not_for_their_own_work() -> None:
    house = House(most_percent=40)

    assert not house.after(0, others=0)
    assert not house.after(10, others=30)
    assert house.after(10, others=60)
    # They go on below half of the limit, so that they do not start and stop all the time.
    assert house.after(10, others=30)
    assert not house.after(10, others=10)
    assert not house.after(10, others=30)


def test_a_moment_is_no_measure_and_an_old_measure_says_nothing() -> None:
    house = House(most_percent=40)

    assert not house.after(0, others=0)
    assert not house.after(3, others=100)
    assert not house.after(3600, others=100)
    assert house.after(10, others=100)


def test_only_passes_with_little_to_do_run_in_quiet_hours() -> None:
    house = House(DAY)
    scan, verify = job(1, "scan"), job(2, "verify")
    assert house.way.choose([verify, scan]) is verify
    assert house.told == [""]
    house.wall = at("2026-11-21T09:00")

    assert house.way.is_paused()
    assert house.way.choose([verify, scan]) is scan
    house.way.came_back(job(1, "scan", JobState.RUNNING))
    assert house.way.choose([verify, scan]) is None
    assert house.told == ["", "quiet hours until 22:30"]
    house.wall = at("2026-11-21T22:30")
    assert house.way.choose([verify, scan]) is verify
    assert house.told[-1] == ""


def test_a_pass_that_is_done_is_not_told_to_wait() -> None:
    house = House(DAY)
    house.wall = at("2026-11-21T09:00")

    assert house.way.choose([]) is None
    assert house.way.choose([job(1, "scan")]) is not None
    house.way.came_back(job(1, "scan", JobState.SUCCESS))
    assert house.way.choose([job(2, "scan")]) is not None
    assert house.told == []


def test_nobody_who_asked_by_hand_has_to_wait() -> None:
    house = House(DAY)
    house.wall = at("2026-11-21T09:00")
    backlog, asked = job(1, "verify"), job(2, "scan", by_hand=True)

    assert house.way.choose([backlog, asked]) is asked
    assert not house.way.is_paused()
    assert house.told == ["quiet hours until 22:30"]
    assert house.way.choose([backlog]) is None
    assert house.way.is_paused()


def test_what_is_asked_by_hand_goes_first_behind_older_passes_of_its_kind() -> None:
    house = House()
    scan, bursts, verify = job(1, "scan"), job(2, "detect_bursts"), job(3, "verify")
    by_hand = job(4, "scan", by_hand=True)
    groups = job(5, "detect_duplicates", by_hand=True)

    assert house.way.choose([scan, bursts, verify, by_hand, groups]) is scan
    assert house.way.choose([bursts, verify, by_hand, groups]) is bursts
    assert house.way.choose([verify, by_hand, groups]) is by_hand
    assert house.way.choose([verify, groups]) is groups
    assert house.way.choose([verify]) is verify


def test_a_pass_that_was_called_off_ends_first_and_holds_nothing_up() -> None:
    house = House(DAY)
    house.wall = at("2026-11-21T09:00")
    backlog = job(1, "verify")
    gone = replace(job(2, "verify", by_hand=True), cancel_requested=True)

    assert house.way.choose([backlog, gone]) is gone
    assert house.way.choose([backlog]) is None


def test_a_pass_that_had_its_few_has_paused_until_it_ends() -> None:
    house = House(DAY)
    house.wall = at("2026-11-21T09:00")
    assert house.way.choose([job(1, "scan")]) is not None
    assert not house.way.has_paused("scan")
    house.way.came_back(job(1, "scan", JobState.RUNNING))
    assert house.way.choose([job(1, "scan")]) is None
    assert house.way.has_paused("scan")

    later = job(2, "scan")
    assert house.way.choose([later]) is later
    assert not house.way.has_paused("scan")


def test_a_pass_under_way_makes_room_for_one_that_is_asked_for_by_hand() -> None:
    house = House()
    backlog = job(1, "scan")
    assert house.way.choose([backlog]) is backlog
    assert not house.way.is_paused()

    house.way.asked.set()

    assert house.way.is_paused()
    house.way.came_back(job(1, "scan", JobState.RUNNING))
    house.way.asked.clear()
    assert house.way.choose([backlog, asked := job(2, "verify", by_hand=True)]) is asked
    assert house.way.choose([backlog]) is backlog
    assert not house.way.is_paused()


def test_the_log_tells_once_that_passes_wait_and_once_why_they_go_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    house = House(most_percent=40)
    verify = job(1, "verify")
    house.after(0, others=0)
    for others in (72, 96, 100, 99, 72):
        house.after(10, others)
        assert house.way.choose([verify]) is None
    house.after(10, others=12)
    assert house.way.choose([verify]) is verify

    told = "other programs use 72 % of the processor, more than 40 %"
    assert house.told == [told, ""]
    assert caplog.messages == [
        f"long passes wait: {told}",
        "long passes go on: other programs use 12 % of the processor",
    ]


def test_the_log_tells_that_quiet_hours_are_over_or_that_nobody_waits_any_more(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    house = House(DAY)
    house.wall = at("2026-11-21T09:00")
    assert house.way.choose([job(1, "verify")]) is None
    assert house.way.choose([]) is None
    assert house.way.choose([job(2, "verify")]) is None
    house.way.end()
    house.wall = at("2026-11-21T22:30")
    assert house.way.choose([job(2, "verify")]) is not None

    wait = "long passes wait: quiet hours until 22:30"
    assert caplog.messages == [
        wait,
        "long passes go on: nothing waits any more",
        wait,
        "long passes no longer wait: the daemon ends, or reads its config anew",
        "long passes go on: quiet hours are over",
    ]
