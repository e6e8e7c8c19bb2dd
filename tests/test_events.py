"""The bus: everybody is told, and nobody can hurt another."""

import itertools
import logging
import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest

from twinlens.events import EventBus, EventFactory
from twinlens.model.events import Event, EventName, Severity


def _event(name: EventName = EventName.FILE_ARRIVED) -> Event:
    return Event(name, "a file arrived", "0" * 32, "2024-05-01T10:20:30.000+00:00")


def test_everybody_is_told_in_the_order_of_subscription() -> None:
    bus, heard = EventBus(), list[str]()
    bus.subscribe(lambda _: heard.append("first"))
    bus.subscribe(lambda _: heard.append("second"))

    bus.publish(_event())

    assert heard == ["first", "second"]


def test_only_the_names_asked_for_are_delivered() -> None:
    bus, heard = EventBus(), list[Event]()
    bus.subscribe(heard.append, [EventName.PROBLEM, EventName.FILE_GONE])

    for name in EventName:
        bus.publish(_event(name))

    assert {event.name for event in heard} == {EventName.PROBLEM, EventName.FILE_GONE}


def test_a_failing_listener_is_logged_and_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    bus, heard = EventBus(), list[Event]()

    def fail(event: Event) -> None:
        raise RuntimeError("broken listener")

    bus.subscribe(fail)
    bus.subscribe(heard.append)

    with caplog.at_level(logging.ERROR):
        bus.publish(_event())

    assert len(heard) == 1
    assert "broken listener" in caplog.text


def test_who_unsubscribed_hears_no_more_and_may_do_it_twice() -> None:
    bus, heard, others = EventBus(), list[Event](), list[Event]()
    leave = bus.subscribe(heard.append)
    bus.subscribe(others.append)

    leave()
    leave()
    bus.publish(_event())

    assert heard == []
    assert len(others) == 1


def test_a_listener_may_subscribe_and_leave_while_it_is_told() -> None:
    bus, heard = EventBus(), list[Event]()

    def once(event: Event) -> None:
        leave()
        bus.subscribe(heard.append)

    leave = bus.subscribe(once)

    bus.publish(_event())
    bus.publish(_event())

    assert len(heard) == 1


def test_many_threads_lose_no_event_and_no_subscription() -> None:
    bus, counted = EventBus(), list[Event]()
    bus.subscribe(counted.append)

    def work() -> None:
        for _ in range(200):
            bus.subscribe(lambda _: None)()
            bus.publish(_event())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(counted) == 800


def test_an_event_has_an_id_of_its_own_and_a_time_in_utc() -> None:
    local = datetime(2024, 5, 1, 12, 20, 30, tzinfo=timezone(timedelta(hours=2)))
    numbers = itertools.count(1)
    make = EventFactory(clock=lambda: local, new_id=lambda: str(next(numbers)))

    first = make(EventName.PROBLEM, "disk full", severity=Severity.ERROR, path=b"/p/\xff.jpg", n=3)
    second = make(EventName.PROBLEM, "disk full")

    assert (first.event_id, second.event_id) == ("1", "2")
    assert first.at == "2024-05-01T10:20:30.000+00:00"
    assert first.severity is Severity.ERROR
    assert first.details == {"path": "/p/\udcff.jpg", "n": 3}


def test_ids_are_random_where_no_source_is_handed_in() -> None:
    make = EventFactory(clock=lambda: datetime.now(UTC))

    ids = {make(EventName.PROBLEM, "x").event_id for _ in range(50)}

    assert len(ids) == 50
    assert all(len(one) == 32 for one in ids)
