"""Numbers that only grow, counted in the transaction of what they count; for the metrics."""

from peewee import SQL

from twinlens.store.tables_work import Meta

TOLD = "changes_told"
"""Changes that the watcher's events told of."""

MISSED = "changes_missed"
"""Changes that a scan found in a folder which was watched by events all the while."""

DRIFT = "reference_drift"
"""The sum of all differences between stored and counted references that were mended."""

_PREFIX = "count."


def add(name: str, number: int) -> None:
    """Count on. In a transaction."""
    if number:
        Meta.insert(key=_PREFIX + name, value=str(number)).on_conflict(
            conflict_target=[Meta.key],
            update={Meta.value: SQL("CAST(CAST(value AS INTEGER) + ? AS TEXT)", [number])},
        ).execute()


def get(name: str) -> int:
    """How far it has come."""
    row = Meta.get_or_none(Meta.key == _PREFIX + name)
    return 0 if row is None else int(row.value)
