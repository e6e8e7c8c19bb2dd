"""Webhooks against a real receiver on the loopback."""

import hashlib
import hmac
import json
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from support.receiver import Receiver, receiving, status
from twinlens.errors import ConfigError
from twinlens.model.events import Event, EventName, Severity
from twinlens.notify.delivery import Answer, Outcome, judge_answer, post, retry_after
from twinlens.notify.webhook import (
    FIRST_RETRY_SECONDS,
    LONGEST_RETRY_SECONDS,
    WebhookNotifier,
    WebhookTarget,
    retry_seconds,
    sign,
)


@dataclass(frozen=True)
class _Entry:
    id: int
    target: str
    body: bytes
    attempts: int = 0


@dataclass
class _MemoryOutbox:
    """An outbox in memory that keeps the protocol's promises."""

    entries: dict[int, tuple[_Entry, float]] = field(default_factory=dict)
    given_up: list[tuple[int, str]] = field(default_factory=list)
    delivered_ids: list[int] = field(default_factory=list)
    last_id: int = 0
    is_full: bool = False

    def put(self, target: str, body: bytes, now: float) -> None:
        if self.is_full:
            raise OSError("disk full")
        self.last_id += 1
        self.entries[self.last_id] = (_Entry(self.last_id, target, body), now)

    def due(self, now: float, limit: int) -> list[_Entry]:
        ready = [entry for entry, at in self.entries.values() if at <= now]
        return sorted(ready, key=lambda entry: entry.id)[:limit]

    def delivered(self, entry_id: int) -> None:
        del self.entries[entry_id]
        self.delivered_ids.append(entry_id)

    def retry(self, entry_id: int, at: float, error: str) -> None:
        entry, _ = self.entries[entry_id]
        self.entries[entry_id] = (replace(entry, attempts=entry.attempts + 1), at)

    def give_up(self, entry_id: int, error: str) -> None:
        del self.entries[entry_id]
        self.given_up.append((entry_id, error))

    def next_due(self) -> float | None:
        return min((at for _, at in self.entries.values()), default=None)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A server that answers what the test put in, in turn, then 204."""
    with receiving() as known:
        yield known


@dataclass
class _Clock:
    now: float = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


def _target(url: str, **changes: object) -> WebhookTarget:
    target = WebhookTarget(
        name="home",
        url=url,
        secret=lambda: b"s3cret",
        events=frozenset(EventName),
        batch_seconds=0,
        timeout_seconds=5,
        max_attempts=3,
        allow_private=True,
    )
    return replace(target, **changes)


def _event(number: int = 1, name: EventName = EventName.FILE_ARRIVED) -> Event:
    severity = Severity.ERROR if name is EventName.PROBLEM else Severity.INFO
    return Event(name, f"event {number}", str(number), "now", severity)


def _send(url: str, seconds: float = 5) -> Answer:
    return post(url, b"{}", {}, timeout_seconds=seconds, allow_private=True)


def test_the_receiver_can_verify_who_sent_it_and_when(receiver: Receiver) -> None:
    clock, outbox = _Clock(), _MemoryOutbox()
    notifier = WebhookNotifier([_target(receiver.url)], outbox, host="nas", clock=clock)

    notifier(_event())
    notifier.step(clock.now)

    ((headers, body),) = receiver.requests
    expected = hmac.new(b"s3cret", b"1700000000." + body, hashlib.sha256).hexdigest()
    assert headers["x-twinlens-signature"] == f"sha256={expected}"
    assert headers["x-twinlens-timestamp"] == "1700000000"
    assert headers["x-twinlens-event-id"] == json.loads(body)["id"]
    assert headers["content-type"] == "application/json"
    assert headers["host"] == receiver.url.split("/")[2]
    assert json.loads(body)["host"] == "nas"
    assert outbox.delivered_ids == [1]


def test_a_signature_is_of_the_timestamp_and_of_the_body() -> None:
    signature = sign(b"key", "5", b"body")

    assert sign(b"key", "5", b"body") == signature
    assert len({signature, sign(b"key", "6", b"body"), sign(b"key", "5", b"Body")}) == 3
    assert sign(b"other", "5", b"body") != signature


def test_without_a_secret_nothing_is_signed(receiver: Receiver) -> None:
    clock = _Clock()
    notifier = WebhookNotifier(
        [_target(receiver.url, secret=lambda: None)], _MemoryOutbox(), clock=clock
    )

    notifier(_event())
    notifier.step(clock.now)

    assert "x-twinlens-signature" not in receiver.requests[0][0]


def test_a_secret_that_cannot_be_read_lets_the_message_wait_unsent(receiver: Receiver) -> None:
    secrets = [ConfigError("the secret file is empty"), b"s3cret"]

    def secret() -> bytes:
        found = secrets.pop(0)
        if isinstance(found, ConfigError):
            raise found
        return found

    clock, outbox = _Clock(), _MemoryOutbox()
    notifier = WebhookNotifier([_target(receiver.url, secret=secret)], outbox, clock=clock)
    notifier(_event())

    clock.now = notifier.step(clock.now) or 0
    assert (receiver.requests, len(outbox.entries)) == ([], 1)
    notifier.step(clock.now)

    assert "x-twinlens-signature" in receiver.requests[0][0]


def test_a_500_is_tried_again_later_with_the_same_id(receiver: Receiver) -> None:
    receiver.respond = [status(500)]
    clock, outbox = _Clock(), _MemoryOutbox()
    notifier = WebhookNotifier([_target(receiver.url)], outbox, clock=clock, jitter=lambda: 0.0)
    notifier(_event())

    again = notifier.step(clock.now)
    assert again == clock.now + FIRST_RETRY_SECONDS / 2
    notifier.step(clock.now)
    assert len(receiver.requests) == 1
    clock.now = again
    notifier.step(clock.now)

    assert outbox.delivered_ids == [1]
    first, second = (headers["x-twinlens-event-id"] for headers, _ in receiver.requests)
    assert first == second


def test_after_its_last_try_a_message_is_given_up(receiver: Receiver) -> None:
    receiver.respond = [status(503)] * 3
    clock, outbox = _Clock(), _MemoryOutbox()
    notifier = WebhookNotifier([_target(receiver.url)], outbox, clock=clock)
    notifier(_event())

    for _ in range(5):
        notifier.step(clock.now)
        clock.now += LONGEST_RETRY_SECONDS

    assert len(receiver.requests) == 3
    assert outbox.given_up == [(1, "HTTP 503")]


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Outcome.DELIVERED),
        (204, Outcome.DELIVERED),
        (301, Outcome.REFUSED),
        (400, Outcome.REFUSED),
        (404, Outcome.REFUSED),
        (410, Outcome.REFUSED),
        (408, Outcome.RETRY),
        (429, Outcome.RETRY),
        (500, Outcome.RETRY),
        (503, Outcome.RETRY),
    ],
)
def test_what_each_status_means(status: int, outcome: Outcome) -> None:
    assert judge_answer(status, {}).outcome is outcome


def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    receiver.respond = [status(301, Location=receiver.url)]

    answer = _send(receiver.url)

    assert (answer.outcome, len(receiver.requests)) == (Outcome.REFUSED, 1)
    assert "not followed" in answer.reason


def test_retry_after_is_heeded_up_to_the_cap(receiver: Receiver) -> None:
    receiver.respond = [status(429, Retry_After="120"), status(503, Retry_After="999999")]
    clock, outbox = _Clock(), _MemoryOutbox()
    notifier = WebhookNotifier([_target(receiver.url)], outbox, clock=clock)
    notifier(_event())

    again = notifier.step(clock.now)
    assert again == clock.now + 120
    clock.now = again
    assert notifier.step(clock.now) == clock.now + LONGEST_RETRY_SECONDS


def test_retry_after_is_a_number_or_a_date_and_nonsense_is_passed_over() -> None:
    assert retry_after("7") == 7
    assert retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert [retry_after(text) for text in (None, "", "soon", "-3")] == [None] * 4


def test_waiting_doubles_with_jitter_and_is_capped() -> None:
    assert all(retry_seconds(n, None, 0.999) > retry_seconds(n, None, 0.0) for n in range(4))
    assert [retry_seconds(n, None, 0.0) for n in range(3)] == [5, 10, 20]
    assert retry_seconds(1000, None, 0.0) == LONGEST_RETRY_SECONDS / 2


def _hang(handler: BaseHTTPRequestHandler) -> None:
    time.sleep(1.5)


def _drip_header(handler: BaseHTTPRequestHandler) -> None:
    for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"a" * 20:
        handler.wfile.write(bytes([byte]))
        handler.wfile.flush()
        time.sleep(0.1)


@pytest.mark.parametrize("respond", [_hang, _drip_header])
def test_a_hang_and_a_drip_end_at_the_deadline(
    receiver: Receiver, respond: Callable[[BaseHTTPRequestHandler], None]
) -> None:
    receiver.respond = [respond]
    started = time.monotonic()

    answer = _send(receiver.url, 0.5)

    assert time.monotonic() - started < 1.2
    assert answer == Answer(Outcome.RETRY, "no answer within 0.5 s")


def test_a_body_that_drips_after_a_200_ends_at_the_deadline_and_is_delivered(
    receiver: Receiver,
) -> None:
    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        for _ in range(20):
            handler.wfile.write(b"x")
            handler.wfile.flush()
            time.sleep(0.1)

    receiver.respond = [drip]
    started = time.monotonic()

    answer = _send(receiver.url, 0.5)

    assert time.monotonic() - started < 1.2
    assert answer.outcome is Outcome.DELIVERED


def test_of_a_huge_answer_only_the_beginning_is_taken(receiver: Receiver) -> None:
    def flood(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(100 * 2**20))
        handler.end_headers()
        for _ in range(100):
            handler.wfile.write(b"x" * 2**20)
            receiver.bytes_sent += 2**20

    receiver.respond = [flood]

    answer = _send(receiver.url)

    assert answer.outcome is Outcome.DELIVERED
    assert receiver.bytes_sent < 50 * 2**20


def test_a_refused_connection_and_a_torn_one_are_worth_another_try(receiver: Receiver) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    assert _send(f"http://127.0.0.1:{port}/").outcome is Outcome.RETRY
    receiver.respond = [lambda handler: handler.connection.shutdown(socket.SHUT_RDWR)]
    assert _send(receiver.url).outcome is Outcome.RETRY


def test_a_private_receiver_is_refused_unless_allowed(receiver: Receiver) -> None:
    clock, outbox = _Clock(), _MemoryOutbox()
    target = _target(receiver.url, allow_private=False)
    notifier = WebhookNotifier([target], outbox, clock=clock)

    notifier(_event())
    notifier.step(clock.now)

    assert receiver.requests == []
    assert outbox.given_up == [(1, "127.0.0.1 is the private address 127.0.0.1")]


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1",
         "-subj", "/CN=127.0.0.1", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            connection, _ = server.accept()
            with connection:
                try:
                    context.wrap_socket(connection, server_side=True).close()
                except OSError:
                    return

        thread = threading.Thread(target=accept)
        thread.start()
        answer = _send(f"https://127.0.0.1:{server.getsockname()[1]}/")
        thread.join()

    assert answer.outcome is Outcome.RETRY
    assert "CERTIFICATE_VERIFY_FAILED" in answer.reason


def test_a_holiday_import_is_one_message(receiver: Receiver) -> None:
    clock = _Clock()
    notifier = WebhookNotifier(
        [_target(receiver.url, batch_seconds=30)], _MemoryOutbox(), clock=clock
    )
    for number in range(5000):
        notifier(_event(number))

    assert notifier.step(clock.now) == clock.now + 30
    notifier.step(clock.now + 30)

    ((_, body),) = receiver.requests
    told = json.loads(body)
    assert told["summary"] == "5000 file_arrived"
    assert (len(told["events"]), told["left_out"]) == (50, 4950)


def test_only_the_events_asked_for_are_sent(receiver: Receiver) -> None:
    clock = _Clock()
    target = _target(receiver.url, events=frozenset({EventName.PROBLEM}))
    notifier = WebhookNotifier([target], _MemoryOutbox(), clock=clock)

    notifier(_event())
    assert notifier.step(clock.now) is None
    notifier(_event(2, EventName.PROBLEM))
    notifier.step(clock.now)

    assert [json.loads(body)["counts"] for _, body in receiver.requests] == [{"problem": 1}]


def test_too_many_events_are_counted_and_told_in_the_next_message(receiver: Receiver) -> None:
    clock = _Clock()
    notifier = WebhookNotifier(
        [_target(receiver.url)], _MemoryOutbox(), clock=clock, most_waiting=10
    )
    for number in range(100):
        notifier(_event(number))
    notifier(_event(100, EventName.PROBLEM))

    notifier.step(clock.now)

    told = json.loads(receiver.requests[0][1])
    assert told["counts"] == {"file_arrived": 100, "problem": 1}
    assert told["events"][0]["name"] == "problem"
    assert told["left_out"] == 90


def test_a_restart_delivers_what_the_outbox_held(receiver: Receiver) -> None:
    receiver.respond = [status(500)]
    clock, outbox = _Clock(), _MemoryOutbox()
    before = WebhookNotifier([_target(receiver.url)], outbox, clock=clock)
    before(_event())
    before.step(clock.now)
    clock.now += LONGEST_RETRY_SECONDS

    WebhookNotifier([_target(receiver.url)], outbox, clock=clock).step(clock.now)

    assert outbox.delivered_ids == [1]
    assert receiver.requests[0][1] == receiver.requests[1][1]


def test_a_message_for_a_webhook_that_is_gone_is_given_up() -> None:
    clock, outbox = _Clock(), _MemoryOutbox()
    outbox.put("former", b"{}", clock.now)

    assert WebhookNotifier([], outbox, clock=clock).step(clock.now) is None

    assert outbox.given_up == [(1, "no webhook of this name is configured any more")]


def test_a_dead_receiver_is_asked_once_and_does_not_hold_up_the_others() -> None:
    asked: list[str] = []

    def send(url: str, body: bytes, headers: object, **_: object) -> Answer:
        asked.append(url)
        return Answer(Outcome.RETRY if url == "dead" else Outcome.DELIVERED, "")

    clock, outbox = _Clock(), _MemoryOutbox()
    targets = [_target("dead", name="dead"), _target("alive", name="alive")]
    notifier = WebhookNotifier(targets, outbox, clock=clock, send=send)
    for _ in range(5):
        outbox.put("dead", b"{}", clock.now)
        outbox.put("alive", b"{}", clock.now)

    notifier.step(clock.now)

    assert (asked.count("dead"), asked.count("alive")) == (1, 5)
    assert len(outbox.entries) == 5


def test_a_full_disk_loses_no_message_and_ends_nothing(receiver: Receiver) -> None:
    clock, outbox = _Clock(), _MemoryOutbox(is_full=True)
    notifier = WebhookNotifier([_target(receiver.url)], outbox, clock=clock)
    notifier(_event())
    with pytest.raises(OSError, match="disk full"):
        notifier.step(clock.now)

    outbox.is_full = False
    notifier.step(clock.now)

    assert json.loads(receiver.requests[0][1])["summary"] == "event 1"


def test_the_thread_delivers_and_says_its_last_words_when_stopped(receiver: Receiver) -> None:
    outbox = _MemoryOutbox()
    notifier = WebhookNotifier([_target(receiver.url, batch_seconds=60)], outbox)
    notifier.start()

    notifier(_event(1, EventName.PROBLEM))
    deadline = time.monotonic() + 5
    while not receiver.requests and time.monotonic() < deadline:
        time.sleep(0.01)
    notifier(_event(2, EventName.DAEMON_STOPPING))
    notifier.stop()

    assert notifier.join(5)
    assert [json.loads(body)["summary"] for _, body in receiver.requests] == ["event 1", "event 2"]
    assert outbox.entries == {}


def test_a_thread_never_started_can_be_stopped() -> None:
    notifier = WebhookNotifier([], _MemoryOutbox())

    notifier.stop()

    assert notifier.join(1)


def test_listening_is_quick_while_the_receiver_hangs(receiver: Receiver) -> None:
    receiver.respond = [_hang]
    notifier = WebhookNotifier([_target(receiver.url, timeout_seconds=1)], _MemoryOutbox())
    notifier.start()
    notifier(_event())
    time.sleep(0.1)
    started = time.monotonic()

    for number in range(20_000):
        notifier(_event(number))
    seconds = time.monotonic() - started
    notifier.stop()

    assert seconds < 2
    assert notifier.join(10)


def test_a_body_cap_too_small_for_any_message_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="max_body_bytes"):
        _target("http://127.0.0.1/", max_body_bytes=100)


def test_the_secret_is_not_shown() -> None:
    assert "s3cret" not in repr(_target("http://127.0.0.1/"))
