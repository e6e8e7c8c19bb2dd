"""Odd facts by name."""

from twinlens.store.tables_work import Meta


def read(key: str) -> str | None:
    """The fact's value, or None."""
    row = Meta.get_or_none(Meta.key == key)
    return None if row is None else str(row.value)


def write(key: str, value: str) -> None:
    """Set the fact. Inside a transaction of the writer."""
    Meta.insert(key=key, value=value).on_conflict_replace().execute()
