"""Publish and subscribe: what happened goes to whoever listens, and no listener can hurt another.

Delivery is synchronous and in the thread that publishes, so a listener must be quick; the slow
ones keep a queue of their own. The bus keeps nothing: who was not listening has missed it, the
store has not.
"""

import logging
import os
import threading
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from twinlens.model.events import Event, EventName, Severity

_log = logging.getLogger(__name__)

Listener = Callable[[Event], None]


def _random_id() -> str:
    return uuid.uuid4().hex


@dataclass(frozen=True, slots=True)
class EventFactory:
    """Makes events, with the clock and the source of ids handed in. `clock` returns aware times."""

    clock: Callable[[], datetime]
    new_id: Callable[[], str] = _random_id

    def __call__(
        self,
        name: EventName,
        message: str,
        *,
        severity: Severity = Severity.INFO,
        **details: object,
    ) -> Event:
        """Make one event. A path given as bytes becomes text with surrogate escapes."""
        at = self.clock().astimezone(UTC).isoformat(timespec="milliseconds")
        plain = {
            key: os.fsdecode(value) if isinstance(value, bytes) else value
            for key, value in details.items()
        }
        return Event(name, message, self.new_id(), at, severity, plain)


class EventBus:
    """Hands each event to all who asked for its name, in the order in which they subscribed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._subscriptions: tuple[_Subscription, ...] = ()

    def subscribe(
        self, listener: Listener, names: Iterable[EventName] | None = None
    ) -> Callable[[], None]:
        """Hear of `names`, or of everything; returns the way out, which may be taken twice."""
        subscription = _Subscription(listener, None if names is None else frozenset(names))
        with self._lock:
            self._subscriptions = (*self._subscriptions, subscription)

        def unsubscribe() -> None:
            with self._lock:
                self._subscriptions = tuple(
                    other for other in self._subscriptions if other is not subscription
                )

        return unsubscribe

    def publish(self, event: Event) -> None:
        """Tell everybody. A listener that fails is logged and stops nothing; the lock is not
        held.
        """
        for subscription in self._subscriptions:
            if subscription.names is not None and event.name not in subscription.names:
                continue
            try:
                subscription.listener(event)
            except Exception:  # noqa: BLE001 - whatever a listener does, the next one is told
                _log.exception("a listener failed on %s", event.name)


@dataclass(frozen=True, slots=True, eq=False)
class _Subscription:
    listener: Listener
    names: frozenset[EventName] | None
