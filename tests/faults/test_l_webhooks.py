"""Section L: receivers of webhooks that fail, hang, lie or attack, and a network that is not there.

Whatever a receiver does, pictures are taken in, messages wait in a bounded table, and what can be
delivered later is.
"""

import hashlib
import hmac
import json
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from support.daemon import Daemon, House, eventually
from support.pictures import put_picture
from support.receiver import Receiver, receiving, status
from support.stores import Store, opened_store
from twinlens.model.events import Event, EventName, Severity
from twinlens.notify.webhook import (
    FIRST_RETRY_SECONDS,
    LONGEST_RETRY_SECONDS,
    WebhookNotifier,
    WebhookTarget,
    sign,
)
from twinlens.store.outbox import Outbox, counts

SOMETIME = 25.0
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "webhooks.md"


class Sending:
    """A notifier with one target, a real outbox, and a clock that the test sets."""

    def __init__(self, store: Store, url: str) -> None:
        self.now = 1_700_000_000.0
        self.store = store
        self.target = WebhookTarget(
            name="home",
            url=url,
            secret=lambda: b"s3cret",
            events=frozenset(EventName),
            batch_seconds=0,
            timeout_seconds=2,
            max_attempts=3,
            allow_private=True,
        )
        self.outbox = Outbox(store.database, store.writer, lambda: "now", most=100)

    def notifier(self, **changes: object) -> WebhookNotifier:
        """A new life of the notifier on the same outbox."""
        target = replace(self.target, **changes)
        return WebhookNotifier([target], self.outbox, clock=lambda: self.now)

    def counts(self) -> tuple[int, int, str | None]:
        """Waiting, given up, the last error."""
        return self.store.read(counts)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as known:
        yield known


@pytest.fixture
def sending(tmp_path: Path, receiver: Receiver) -> Iterator[Sending]:
    with opened_store(tmp_path / "state" / "twinlens.db") as store:
        yield Sending(store, receiver.url)


def event(number: int = 1) -> Event:
    return Event(EventName.FILE_ARRIVED, f"event {number}", str(number), "now", Severity.INFO)


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        return int(closed.getsockname()[1])


def test_l1_messages_for_a_dead_receiver_wait_with_growing_pauses_and_are_delivered_once_it_lives(
    sending: Sending, receiver: Receiver
) -> None:
    dead = sending.notifier(url=f"http://127.0.0.1:{closed_port()}/")
    dead(event())

    first = dead.step(sending.now)
    assert first is not None
    assert FIRST_RETRY_SECONDS / 2 <= first - sending.now <= FIRST_RETRY_SECONDS
    waiting, given_up, error = sending.counts()
    assert (waiting, given_up) == (1, 0)
    assert error is not None
    assert "ConnectError" in error
    sending.now = first
    second_pause = (dead.step(first) or 0) - first
    assert FIRST_RETRY_SECONDS <= second_pause <= 2 * FIRST_RETRY_SECONDS

    sending.now += second_pause
    sending.notifier().step(sending.now)

    assert [json.loads(body)["summary"] for _, body in receiver.requests] == ["event 1"]
    assert sending.counts()[:2] == (0, 0)


def test_l1_a_message_that_nobody_takes_is_given_up_in_the_end_and_stays_to_be_seen(
    sending: Sending,
) -> None:
    dead = sending.notifier(url=f"http://127.0.0.1:{closed_port()}/")
    dead(event())

    for _ in range(4):
        dead.step(sending.now)
        sending.now += LONGEST_RETRY_SECONDS

    assert sending.counts()[:2] == (0, 1)


def drip(handler: BaseHTTPRequestHandler) -> None:
    for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"a" * 40:
        handler.wfile.write(bytes([byte]))
        handler.wfile.flush()
        time.sleep(0.05)


def hang(handler: BaseHTTPRequestHandler) -> None:
    time.sleep(2.5)


@pytest.mark.parametrize("respond", [hang, drip])
def test_l2_a_receiver_that_hangs_or_drips_costs_its_deadline_and_no_more(
    sending: Sending, receiver: Receiver, respond: Callable[[BaseHTTPRequestHandler], None]
) -> None:
    receiver.respond = [respond]
    notifier = sending.notifier(timeout_seconds=0.5)
    notifier(event())
    started = time.monotonic()

    notifier.step(sending.now)

    assert time.monotonic() - started < 2.0
    assert sending.counts() == (1, 0, "no answer within 0.5 s")


def test_l2_pictures_are_taken_in_while_a_receiver_never_answers(house: House) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        hook = {"url": url, "batch_seconds": 0, "timeout_seconds": 60, "events": ["file_arrived"]}
        house.configure(webhook=hook)
        with Daemon(house) as daemon:
            put_picture(house.root / "one.jpg", 1)
            silent.settimeout(SOMETIME)
            connection, _ = silent.accept()
            with connection:
                put_picture(house.root / "two.jpg", 2)
                eventually(lambda: set(house.files()) == {"one.jpg", "two.jpg"}, SOMETIME)
                assert daemon.is_running
    assert house.status()["webhooks"]["waiting"] >= 1


def test_l3_a_redirect_to_the_inside_is_not_followed(sending: Sending, receiver: Receiver) -> None:
    receiver.respond = [status(301, Location=receiver.url), status(302, Location="http://10.0.0.1")]
    notifier = sending.notifier()
    for number in range(2):
        notifier(event(number))
        notifier.step(sending.now)

    assert len(receiver.requests) == 2
    waiting, given_up, error = sending.counts()
    assert (waiting, given_up) == (0, 2)
    assert error is not None
    assert "not followed" in error


def test_l3_an_error_of_the_server_and_its_wish_to_wait_are_heeded_up_to_a_cap(
    sending: Sending, receiver: Receiver
) -> None:
    receiver.respond = [status(500), status(429, Retry_After="120"), status(200)]
    notifier = sending.notifier()
    notifier(event())

    after_error = notifier.step(sending.now) or 0
    sending.now = after_error
    after_wish = notifier.step(sending.now) or 0
    notifier.step(after_wish)

    assert after_wish - sending.now == 120
    assert [headers["x-twinlens-event-id"] for headers, _ in receiver.requests] == [
        receiver.requests[0][0]["x-twinlens-event-id"]
    ] * 3
    assert sending.counts()[:2] == (0, 0)


def test_l3_of_an_answer_of_ten_gigabytes_only_the_beginning_is_taken(
    sending: Sending, receiver: Receiver
) -> None:
    def flood(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(10 << 30))
        handler.end_headers()
        for _ in range(10 << 10):
            handler.wfile.write(b"x" * 2**20)
            receiver.bytes_sent += 2**20

    receiver.respond = [flood]
    notifier = sending.notifier()
    notifier(event())

    notifier.step(sending.now)

    assert sending.counts()[:2] == (0, 0)
    assert receiver.bytes_sent < 50 << 20


def test_l7_a_receiver_can_tell_forgery_and_replay_from_a_second_try(
    sending: Sending, receiver: Receiver
) -> None:
    receiver.respond = [status(503)]
    notifier = sending.notifier()
    notifier(event())
    sending.now = notifier.step(sending.now) or 0
    notifier.step(sending.now)

    (first, body), (second, again) = receiver.requests
    assert body == again
    assert first["x-twinlens-event-id"] == second["x-twinlens-event-id"] == json.loads(body)["id"]
    for headers in (first, second):
        stamp = headers["x-twinlens-timestamp"]
        digest = hmac.new(b"s3cret", f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
        assert headers["x-twinlens-signature"] == f"sha256={digest}"
    assert first["x-twinlens-timestamp"] != second["x-twinlens-timestamp"]
    assert sign(b"s3cret", "1", body) != sign(b"s3cret", "2", body)
    assert sign(b"s3cret", "1", body) != sign(b"s3cret", "1", body + b" ")


def test_l7_owners_are_told_that_a_message_may_come_twice() -> None:
    words = DOCUMENT.read_text(encoding="utf-8")

    assert "*at least once*" in words
    assert "X-Twinlens-Event-Id" in words


def test_l8_a_storm_of_events_is_one_message_and_the_table_of_messages_is_bounded(
    sending: Sending, receiver: Receiver
) -> None:
    notifier = sending.notifier(batch_seconds=30)
    started = time.monotonic()
    for number in range(100_000):
        notifier(event(number))
    notifier.step(sending.now)
    notifier.step(sending.now + 30)

    assert time.monotonic() - started < 20
    ((_, body),) = receiver.requests
    told = json.loads(body)
    assert told["counts"] == {"file_arrived": 100_000}
    assert len(told["events"]) + told["left_out"] == 100_000
    assert len(body) <= 64 << 10

    receiver.answer = 503
    for number in range(300):
        sending.outbox.put("home", b"%d" % number, sending.now + 3600)
    assert sending.counts()[0] == 100
    with sending.store.database.reading():
        newest = sending.outbox.due(sending.now + 7200, 1000)
    assert [entry.body for entry in newest] == [b"%d" % number for number in range(200, 300)]
