"""Claims about the outbox: in order, tried again, given up, and never without end."""

import pytest

from support.made_up import AT
from support.stores import Store
from twinlens.store import outbox
from twinlens.store.outbox import Outbox


@pytest.fixture
def box(store: Store) -> Outbox:
    return Outbox(store.database, store.writer, lambda: AT, most=5)


def bodies(box: Outbox, now: float, limit: int = 100) -> list[bytes]:
    return [entry.body for entry in box.due(now, limit)]


def test_messages_come_in_the_order_in_which_they_were_put(box: Outbox) -> None:
    for number in range(4):
        box.put("hook", b"%d\xff" % number, now=10.0 - number)

    assert bodies(box, 10.0) == [b"0\xff", b"1\xff", b"2\xff", b"3\xff"]
    assert bodies(box, 10.0, limit=2) == [b"0\xff", b"1\xff"]


def test_a_delivered_message_is_gone(box: Outbox) -> None:
    box.put("hook", b"a", now=0.0)
    (entry,) = box.due(0.0, 1)

    box.delivered(entry.id)

    assert bodies(box, 1e9) == []
    assert box.next_due() is None


def test_a_message_that_failed_waits_for_its_time_and_counts_its_tries(box: Outbox) -> None:
    box.put("hook", b"a", now=0.0)
    (entry,) = box.due(0.0, 1)

    box.retry(entry.id, 60.0, "refused")

    assert bodies(box, 59.0) == []
    assert box.next_due() == 60.0
    assert [e.attempts for e in box.due(60.0, 1)] == [1]


def test_a_message_that_was_given_up_stays_to_be_seen(box: Outbox, store: Store) -> None:
    box.put("hook", b"a", now=0.0)
    box.put("hook", b"b", now=0.0)
    (first, _) = box.due(0.0, 2)

    box.give_up(first.id, "e" * 1000)

    assert bodies(box, 1e9) == [b"b"]
    assert store.read(outbox.counts) == (1, 1, "e" * 500)


def test_a_receiver_that_is_dead_for_a_year_costs_a_bounded_table(box: Outbox) -> None:
    for number in range(12):
        box.put("hook", b"%d" % number, now=0.0)

    assert bodies(box, 0.0) == [b"7", b"8", b"9", b"10", b"11"]
