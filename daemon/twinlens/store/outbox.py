"""The webhook outbox: messages that were not delivered yet. It satisfies the notifier's protocol.

Each call is a transaction of its own, made through the writer, so the notifier's thread may use it
freely.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from peewee import fn

from twinlens.store.database import Database
from twinlens.store.tables_work import OutboxEntry as OutboxRow
from twinlens.store.writer import Writer


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """One message: `body` is sent as it is, `attempts` counts the tries that failed."""

    id: int
    target: str
    body: bytes
    attempts: int


class Outbox:
    """Messages by target. Times are seconds since the epoch.

    At most `most` messages are kept; beyond that the oldest are dropped, so that a receiver that is
    dead for a year costs a bounded table.
    """

    def __init__(
        self, database: Database, writer: Writer, clock: Callable[[], str], *, most: int = 1000
    ) -> None:
        self._database = database
        self._writer = writer
        self._clock = clock
        self._most = most

    def put(self, target: str, body: bytes, now: float) -> None:
        """Keep a message for delivery."""

        def write() -> None:
            OutboxRow.insert(
                target=target, body=body, not_before=now, created_at=self._clock()
            ).execute()
            newest = OutboxRow.select(OutboxRow.id).order_by(OutboxRow.id.desc()).limit(self._most)
            OutboxRow.delete().where(OutboxRow.id.not_in(newest)).execute()

        self._writer.call(write)

    def due(self, now: float, limit: int) -> Sequence[OutboxEntry]:
        """Messages to deliver now, the oldest first."""
        with self._database.reading():
            query = (
                OutboxRow.select()
                .where(~OutboxRow.given_up & (OutboxRow.not_before <= now))
                .order_by(OutboxRow.id)
                .limit(limit)
            )
            return [OutboxEntry(r.id, r.target, bytes(r.body), r.attempts) for r in query]

    def delivered(self, entry_id: int) -> None:
        """The receiver took it."""
        self._writer.call(lambda: OutboxRow.delete().where(OutboxRow.id == entry_id).execute())

    def retry(self, entry_id: int, at: float, error: str) -> None:
        """Try again at this time."""
        self._writer.call(
            lambda: (
                OutboxRow.update(attempts=OutboxRow.attempts + 1, not_before=at, error=error[:500])
                .where(OutboxRow.id == entry_id)
                .execute()
            )
        )

    def give_up(self, entry_id: int, error: str) -> None:
        """Never try again; the message stays to be seen."""
        self._writer.call(
            lambda: (
                OutboxRow.update(attempts=OutboxRow.attempts + 1, given_up=True, error=error[:500])
                .where(OutboxRow.id == entry_id)
                .execute()
            )
        )

    def next_due(self) -> float | None:
        """When the next message is to be sent, or None."""
        with self._database.reading():
            value = (
                OutboxRow.select(fn.MIN(OutboxRow.not_before)).where(~OutboxRow.given_up).scalar()
            )
        return None if value is None else float(value)


def counts() -> tuple[int, int, str | None]:
    """(waiting, given up, the last error)."""
    waiting = OutboxRow.select().where(~OutboxRow.given_up).count()
    given_up = OutboxRow.select().where(OutboxRow.given_up).count()
    last = (
        OutboxRow.select()
        .where(OutboxRow.error.is_null(False))
        .order_by(OutboxRow.id.desc())
        .first()
    )
    return int(waiting), int(given_up), None if last is None else last.error
