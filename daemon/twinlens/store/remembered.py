"""A reading of the store that stands until something is written.

A daemon at rest asks the same few things again and again. To ask SQLite opens its files, which is
most of what a rest costs; as root it sets the owner of the journal each time, a write that keeps a
disk awake. All writes go through one writer, so while it has written nothing, the answer is known.
"""

from collections.abc import Callable
from typing import Generic, TypeVar

from twinlens.store.database import Database
from twinlens.store.writer import Writer

Value = TypeVar("Value")


class Remembered(Generic[Value]):
    """What `read` gives inside a connection; asked anew only after a transaction. The answer must
    not depend on the time, and is shared: nobody may change it."""

    def __init__(self, database: Database, writer: Writer, read: Callable[[], Value]) -> None:
        self._database = database
        self._writer = writer
        self._read = read
        self._held: tuple[int, Value] | None = None

    def __call__(self) -> Value:
        """The value as the store has it now. Raises StoreError where it has to be read and cannot
        be."""
        # First the number: what is committed while it is read makes it old at once.
        transactions = self._writer.transactions
        if self._held is None or self._held[0] != transactions:
            with self._database.reading():
                self._held = transactions, self._read()
        return self._held[1]
