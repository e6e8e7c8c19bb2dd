"""Many events, one message."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinlens.model.events import Event, EventName, Severity
from twinlens.notify.batching import URGENT_GAP_SECONDS, Batcher
from twinlens.notify.messages import LEAST_BODY_BYTES, message_id_of, render


def _event(
    number: int = 1,
    name: EventName = EventName.FILE_ARRIVED,
    severity: Severity = Severity.INFO,
    **details: object,
) -> Event:
    return Event(name, f"event {number}", str(number), "now", severity, details)


def _render(batcher: Batcher, most: int = 64 * 1024) -> bytes:
    batch = batcher.take(0, at_once=True)
    assert batch is not None
    return render(batch, message_id="m1", sent_at="now", host="nas", max_body_bytes=most)


def test_a_holiday_import_is_one_batch_with_all_counted_and_the_first_told() -> None:
    batcher = Batcher(batch_seconds=30, max_events=50)
    for number in range(5000):
        batcher.add(_event(number), now=number / 250)

    assert batcher.take(29.9) is None
    batch = batcher.take(30)

    assert batch is not None
    assert batch.counts == {EventName.FILE_ARRIVED: 5000}
    assert [event.event_id for event in batch.events] == [str(n) for n in range(50)]
    assert batch.left_out == 4950
    assert batcher.due_at is None


def test_the_window_counts_from_its_first_event() -> None:
    batcher = Batcher(30, 5)
    batcher.add(_event(), now=100)
    batcher.add(_event(), now=129)

    assert batcher.due_at == 130


@pytest.mark.parametrize(
    "urgent",
    [_event(severity=Severity.ERROR), _event(name=EventName.ROOT_UNREACHABLE)],
)
def test_what_needs_a_hand_now_goes_at_once_and_first(urgent: Event) -> None:
    batcher = Batcher(30, 2)
    for number in range(10):
        batcher.add(_event(number), now=0)
    batcher.add(urgent, now=1)

    batch = batcher.take(1)

    assert batch is not None
    assert batch.events[0] is urgent
    assert (len(batch.events), batch.left_out) == (2, 9)


def test_a_storm_of_errors_is_not_a_storm_of_messages() -> None:
    batcher = Batcher(3600, 5)
    messages = 0
    for tenth in range(1000):
        batcher.add(_event(severity=Severity.ERROR), now=tenth / 10)
        messages += batcher.take(tenth / 10) is not None

    assert messages == 100 / URGENT_GAP_SECONDS


def test_a_clock_set_far_back_does_not_hold_a_batch_for_ever() -> None:
    batcher = Batcher(30, 5)
    batcher.add(_event(), now=1_000_000)

    assert batcher.take(10) is not None


def test_the_message_holds_what_its_description_says() -> None:
    batcher = Batcher(30, 2)
    for number in range(3):
        batcher.add(_event(number, path="/p/\udcff.jpg"), now=0)
    batcher.add(_event(9, EventName.PROBLEM), now=0)

    told = json.loads(_render(batcher))

    assert told == {
        "id": "m1",
        "sent_at": "now",
        "host": "nas",
        "summary": "3 file_arrived, 1 problem",
        "counts": {"file_arrived": 3, "problem": 1},
        "events": [
            {
                "id": str(number),
                "name": "file_arrived",
                "at": "now",
                "severity": "info",
                "message": f"event {number}",
                "details": {"path": "/p/\udcff.jpg"},
            }
            for number in range(2)
        ],
        "left_out": 2,
    }


def test_a_single_event_is_its_own_summary() -> None:
    batcher = Batcher(30, 2)
    batcher.add(_event(7), now=0)

    assert json.loads(_render(batcher))["summary"] == "event 7"


def test_a_body_over_the_cap_is_shortened_and_says_so() -> None:
    batcher = Batcher(30, 50)
    for number in range(50):
        batcher.add(_event(number, path="/p/" + "x" * 300), now=0)

    told = json.loads(body := _render(batcher, 4096))

    assert len(body) <= 4096
    assert 0 < len(told["events"]) < 50
    assert told["left_out"] == 50 - len(told["events"])


def test_one_event_too_big_for_the_body_loses_its_details_and_says_so() -> None:
    batcher = Batcher(30, 50)
    batcher.add(_event(1, path="x" * 10_000), now=0)

    told = json.loads(_render(batcher, 4096))

    assert told["events"][0]["shortened"] is True
    assert told["events"][0]["details"] == {}
    assert told["left_out"] == 0


def test_a_message_of_long_escapes_stays_under_the_smallest_cap() -> None:
    batcher = Batcher(30, 50)
    text = "\U0001f600" * 5000
    batcher.add(Event(EventName.PROBLEM, text, "1", "now"), now=0)
    batch = batcher.take(30)
    assert batch is not None

    body = render(batch, message_id="m", sent_at="now", host=text, max_body_bytes=LEAST_BODY_BYTES)

    assert len(body) <= LEAST_BODY_BYTES
    assert json.loads(body)["summary"].startswith("\U0001f600" * 10)


def test_a_body_cap_without_room_for_a_message_is_refused() -> None:
    batcher = Batcher(30, 50)
    batcher.add(_event(), now=0)

    with pytest.raises(ValueError, match="2048"):
        _render(batcher, LEAST_BODY_BYTES - 1)


def test_the_id_is_read_back_and_other_bodies_have_none() -> None:
    batcher = Batcher(30, 50)
    batcher.add(_event(), now=0)

    assert message_id_of(_render(batcher)) == "m1"
    assert [message_id_of(body) for body in (b"", b"[]", b'{"id": 5}', b"\xff")] == [None] * 4


@given(
    st.lists(st.tuples(st.sampled_from(EventName), st.text(max_size=500)), min_size=1),
    st.integers(LEAST_BODY_BYTES, 8000),
    st.integers(1, 20),
)
def test_no_body_is_above_its_cap_and_no_event_is_lost_from_the_counts(
    rows: list[tuple[EventName, str]], most: int, max_events: int
) -> None:
    batcher = Batcher(30, max_events)
    for number, (name, text) in enumerate(rows):
        batcher.add(_event(number, name, path=text), now=0)

    body = _render(batcher, most)

    told = json.loads(body)
    assert len(body) <= most
    assert body.isascii()
    assert sum(told["counts"].values()) == len(rows) == len(told["events"]) + told["left_out"]
