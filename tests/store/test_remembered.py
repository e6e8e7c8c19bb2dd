"""Claims about what is remembered of the store: it is what a reading would give."""

import pytest

from support.stores import Store
from twinlens.store import meta
from twinlens.store.remembered import Remembered


def test_nothing_is_read_twice_while_nothing_is_written(store: Store) -> None:
    reads: list[str | None] = []
    fact = Remembered(store.database, store.writer, lambda: reads.append(meta.read("a")) or "read")

    assert [fact(), fact(), fact()] == ["read"] * 3
    assert reads == [None]


def test_what_was_written_is_read_at_the_next_asking(store: Store) -> None:
    fact = Remembered(store.database, store.writer, lambda: meta.read("a"))
    assert fact() is None

    store.write(lambda: meta.write("a", "1"))
    assert fact() == "1"
    store.write(lambda: meta.write("a", "2"))
    assert fact() == "2"


def test_a_write_in_the_middle_of_a_reading_is_not_missed(store: Store) -> None:
    def read() -> str | None:
        found = meta.read("a")
        if found is None:
            store.write(lambda: meta.write("a", "meanwhile"))
        return found

    fact = Remembered(store.database, store.writer, read)

    assert fact() is None
    assert fact() == "meanwhile"


def test_a_transaction_that_failed_leaves_no_doubt(store: Store) -> None:
    fact = Remembered(store.database, store.writer, lambda: meta.read("a"))
    assert fact() is None

    def fail() -> None:
        meta.write("a", "never")
        raise ValueError("by and by")

    with pytest.raises(ValueError, match="by and by"):
        store.write(fail)

    assert fact() is None
