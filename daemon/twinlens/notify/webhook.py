"""Webhooks: events are batched, kept in an outbox, and delivered at least once.

The body is described in `twinlens.notify.messages`. Each request carries

    X-Twinlens-Event-Id    the message's id: a repeated one was seen before
    X-Twinlens-Timestamp   seconds since the epoch, when it was sent
    X-Twinlens-Signature   sha256=HMAC-SHA256(secret, timestamp + "." + body), where a secret is set

A receiver recomputes the signature over the raw body and refuses old timestamps; that is what
stops forgery and replay. What could not be delivered waits in the outbox, across restarts, until
it is given up.
"""

import hashlib
import hmac
import logging
import random
import threading
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from twinlens.errors import TwinlensError
from twinlens.model.events import Event, EventName
from twinlens.notify.batching import Batcher, is_urgent
from twinlens.notify.delivery import Answer, Outcome, post
from twinlens.notify.messages import LEAST_BODY_BYTES, message_id_of, render

_log = logging.getLogger(__name__)

FIRST_RETRY_SECONDS = 10.0
LONGEST_RETRY_SECONDS = 3600.0
_MOST_WAITING = 10_000
_MOST_UNSTORED = 100
_MOST_PER_STEP = 32
_IDLE_SECONDS = 60.0
_LAST_WORDS_SECONDS = 3.0


class OutboxEntry(Protocol):
    """One message waiting for its receiver; `attempts` counts the tries that failed."""

    @property
    def id(self) -> int: ...
    @property
    def target(self) -> str: ...
    @property
    def body(self) -> bytes: ...
    @property
    def attempts(self) -> int: ...


class Outbox(Protocol):
    """Where messages wait, durably. Times are seconds since the epoch."""

    def put(self, target: str, body: bytes, now: float) -> None: ...
    def due(self, now: float, limit: int) -> Sequence[OutboxEntry]: ...
    def delivered(self, entry_id: int) -> None: ...
    def retry(self, entry_id: int, at: float, error: str) -> None: ...
    def give_up(self, entry_id: int, error: str) -> None: ...
    def next_due(self) -> float | None: ...


@dataclass(frozen=True, slots=True)
class WebhookTarget:
    """A receiver as configured. `name` keys its entries in the outbox.

    `secret` is asked at each try, so that a new secret needs no restart; None signs nothing. Where
    it raises a TwinlensError, the message waits like one whose receiver is down.
    """

    name: str
    url: str
    secret: Callable[[], bytes | None] = field(repr=False)
    events: frozenset[EventName]
    batch_seconds: float = 30.0
    timeout_seconds: float = 10.0
    max_attempts: int = 12
    max_body_bytes: int = 64 * 1024
    allow_private: bool = False
    max_events: int = 50

    def __post_init__(self) -> None:
        if self.max_body_bytes < LEAST_BODY_BYTES:
            raise ValueError(f"{self.name}: max_body_bytes must be at least {LEAST_BODY_BYTES}")


class Sender(Protocol):
    """How one body is sent; `twinlens.notify.delivery.post` but in tests."""

    def __call__(
        self,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        *,
        timeout_seconds: float,
        allow_private: bool,
    ) -> Answer: ...


def sign(secret: bytes, timestamp: str, body: bytes) -> str:
    """The signature header's value: HMAC-SHA256 over the timestamp, a dot, and the raw body."""
    digest = hmac.new(secret, f"{timestamp}.".encode() + body, hashlib.sha256)
    return f"sha256={digest.hexdigest()}"


class WebhookNotifier:
    """An event listener that never blocks, and the thread that turns what it heard into deliveries.

    `clock` is the wall clock in seconds: due times must survive a restart.
    """

    def __init__(
        self,
        targets: Sequence[WebhookTarget],
        outbox: Outbox,
        *,
        host: str | None = None,
        clock: Callable[[], float] = time.time,
        send: Sender = post,
        new_id: Callable[[], str] = lambda: uuid.uuid4().hex,
        jitter: Callable[[], float] = random.random,
        most_waiting: int = _MOST_WAITING,
    ) -> None:
        self._targets = {target.name: target for target in targets}
        self._batchers = {
            target.name: Batcher(target.batch_seconds, target.max_events) for target in targets
        }
        self._outbox = outbox
        self._host = host
        self._clock = clock
        self._send = send
        self._new_id = new_id
        self._jitter = jitter
        self._most_waiting = most_waiting
        self._lock = threading.Lock()
        self._heard: deque[Event] = deque()
        self._overflow: Counter[EventName] = Counter()
        self._unstored: deque[tuple[str, bytes]] = deque(maxlen=_MOST_UNSTORED)
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)

    def __call__(self, event: Event) -> None:
        """Hear of an event; with too many waiting it is only counted, as the next message tells."""
        with self._lock:
            room = self._most_waiting * (2 if is_urgent(event) else 1)
            if len(self._heard) < room:
                self._heard.append(event)
            else:
                self._overflow[event.name] += 1
        self._wake.set()

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to put what it holds into the outbox, to try it once, and to end."""
        self._stopping.set()
        self._wake.set()

    def join(self, deadline_seconds: float) -> bool:
        """Wait for the thread; False where it is still busy after `deadline_seconds`."""
        if self._thread.ident is not None:
            self._thread.join(deadline_seconds)
        return not self._thread.is_alive()

    def step(self, now: float, *, is_last: bool = False) -> float | None:
        """Batch what was heard, store what is ready, deliver what is due; returns the next time."""
        self._collect(now)
        self._store(now, at_once=is_last)
        self._deliver(now, is_last=is_last)
        times = [batcher.due_at for batcher in self._batchers.values()]
        times.append(self._outbox.next_due())
        return min((at for at in times if at is not None), default=None)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait(self._safe_step())
            self._wake.clear()
        self._safe_step(is_last=True)

    def _safe_step(self, *, is_last: bool = False) -> float:
        """One step; what goes wrong in it is logged and tried again. Returns seconds to wait."""
        now = self._clock()
        try:
            again = self.step(now, is_last=is_last)
        except Exception:  # noqa: BLE001 - the thread's top: a full disk must not end it
            _log.exception("webhook step failed")
            return FIRST_RETRY_SECONDS
        return (
            _IDLE_SECONDS if again is None else min(max(again - self._clock(), 0.05), _IDLE_SECONDS)
        )

    def _collect(self, now: float) -> None:
        with self._lock:
            heard, self._heard = self._heard, deque()
            overflow, self._overflow = self._overflow, Counter()
        for name, batcher in self._batchers.items():
            wanted = self._targets[name].events
            for event in heard:
                if event.name in wanted:
                    batcher.add(event, now)
            for event_name, number in overflow.items():
                if event_name in wanted:
                    batcher.count(event_name, number, now)

    def _store(self, now: float, *, at_once: bool) -> None:
        for name, batcher in self._batchers.items():
            batch = batcher.take(now, at_once=at_once)
            if batch is None:
                continue
            body = render(
                batch,
                message_id=self._new_id(),
                sent_at=datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds"),
                host=self._host,
                max_body_bytes=self._targets[name].max_body_bytes,
            )
            self._unstored.append((name, body))
        while self._unstored:
            self._outbox.put(*self._unstored[0], now)
            self._unstored.popleft()

    def _deliver(self, now: float, *, is_last: bool) -> None:
        """Try each due entry once; a receiver that is down is asked once for all of them."""
        started = time.monotonic()
        down: dict[str, Answer] = {}
        for entry in self._outbox.due(now, _MOST_PER_STEP):
            left = _LAST_WORDS_SECONDS - (time.monotonic() - started)
            if (is_last and left <= 0) or (self._stopping.is_set() and not is_last):
                return
            target = self._targets.get(entry.target)
            if target is None:
                self._outbox.give_up(entry.id, "no webhook of this name is configured any more")
                continue
            answer = down.get(target.name)
            if answer is None:
                seconds = min(target.timeout_seconds, left) if is_last else target.timeout_seconds
                answer = self._attempt(target, entry.body, seconds)
            if answer.outcome is Outcome.RETRY:
                down[target.name] = answer
            self._settle(entry, target, answer)

    def _attempt(self, target: WebhookTarget, body: bytes, seconds: float) -> Answer:
        timestamp = str(int(self._clock()))
        headers = {
            "X-Twinlens-Event-Id": message_id_of(body) or hashlib.sha256(body).hexdigest()[:32],
            "X-Twinlens-Timestamp": timestamp,
        }
        try:
            secret = target.secret()
        except TwinlensError as error:
            return Answer(Outcome.RETRY, str(error))
        if secret is not None:
            headers["X-Twinlens-Signature"] = sign(secret, timestamp, body)
        return self._send(
            target.url,
            body,
            headers,
            timeout_seconds=seconds,
            allow_private=target.allow_private,
        )

    def _settle(self, entry: OutboxEntry, target: WebhookTarget, answer: Answer) -> None:
        if answer.outcome is Outcome.DELIVERED:
            self._outbox.delivered(entry.id)
        elif answer.outcome is Outcome.REFUSED or entry.attempts + 1 >= target.max_attempts:
            _log.warning("webhook %s: a message is given up: %s", target.name, answer.reason)
            self._outbox.give_up(entry.id, answer.reason)
        else:
            _log.info("webhook %s: will be tried again: %s", target.name, answer.reason)
            wait = retry_seconds(entry.attempts, answer.retry_after_seconds, self._jitter())
            self._outbox.retry(entry.id, self._clock() + wait, answer.reason)


def retry_seconds(attempts: int, asked: float | None, jitter: float) -> float:
    """How long to wait after `attempts` earlier failures: doubling, capped, half of it random.

    `asked` is the receiver's Retry-After: a lower bound, up to the same cap. `jitter` is in [0, 1).
    """
    longest = min(LONGEST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2.0 ** min(attempts, 20))
    wait = longest * (0.5 + jitter / 2)
    return max(wait, min(asked or 0.0, LONGEST_RETRY_SECONDS))
