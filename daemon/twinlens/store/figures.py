"""Figures of the whole store for the metrics: cheap ones, each from an index, and costly ones.

Files of folders that are no longer watched are counted, too: to leave them out would read every
row.
"""

from dataclasses import dataclass

from peewee import fn

from twinlens.model.actions import ActionKind, StepState
from twinlens.model.files import FileStatus
from twinlens.model.jobs import WorkState
from twinlens.store import exact_copies, tallies
from twinlens.store.rows import tuples
from twinlens.store.tables import DuplicateGroup, FileGroup, Original
from twinlens.store.tables_care import Verification
from twinlens.store.tables_owner import ActionStep
from twinlens.store.tables_work import WorkItem


@dataclass(frozen=True, slots=True)
class Trash:
    """What lies in the trash."""

    items: int
    bytes: int


def files_by_state() -> dict[str, int]:
    """How many files are in which state, soft-deleted ones among them."""
    return {status.value: 0 for status in FileStatus} | tallies.files_by_status()


def originals() -> tuple[int, int]:
    """(contents, orphans among them)."""
    orphans = Original.select().where(Original.orphaned_at.is_null(False)).count()
    return int(Original.select().count()), int(orphans)


def oldest_waiting() -> str | None:
    """When the entry of the queue that waits longest was made."""
    row = (
        WorkItem.select(WorkItem.created_at)
        .where(WorkItem.state == WorkState.PENDING.value)
        .order_by(WorkItem.id)
        .first()
    )
    return None if row is None else str(row.created_at)


def damaged() -> dict[str, int]:
    """How many files were found damaged when they were read again, by verdict."""
    query = (
        Verification.select(Verification.verdict, fn.COUNT(Verification.id))
        .where(Verification.found_at.is_null(False))
        .group_by(Verification.verdict)
    )
    return dict(tuples(query))


def steps_by_outcome() -> dict[tuple[str, str], int]:
    """How many steps of actions there are, by (kind, state)."""
    query = ActionStep.select(ActionStep.kind, ActionStep.state, fn.COUNT(ActionStep.id)).group_by(
        ActionStep.kind, ActionStep.state
    )
    return {(kind, state): int(number) for kind, state, number in tuples(query)}


def trash() -> Trash:
    """What actions have put aside and what it takes."""
    query = ActionStep.select(fn.COUNT(ActionStep.id), fn.SUM(ActionStep.size)).where(
        ActionStep.state.in_([StepState.DONE.value, StepState.HELD.value])
        & (ActionStep.kind != ActionKind.REFLINK.value)
    )
    items, size = next(tuples(query))
    return Trash(int(items), int(size or 0))


def groups_by_type() -> dict[str, int]:
    """How many photographs and series there are, by their strongest tie. Reads every group."""
    query = FileGroup.select(FileGroup.group_type, fn.COUNT(FileGroup.id))
    return dict(tuples(query.group_by(FileGroup.group_type)))


def duplicates_by_class() -> dict[str, int]:
    """How many groups of different contents show the same, by class. Reads every group."""
    query = DuplicateGroup.select(DuplicateGroup.duplicate_class, fn.COUNT(DuplicateGroup.id))
    return dict(tuples(query.group_by(DuplicateGroup.duplicate_class)))


def exact() -> tuple[int, int]:
    """(contents with separate copies in watched folders, bytes that a single copy of each would
    free). Names of one inode, and files of one photograph, are one copy."""
    return exact_copies.numbers()


def oldest_verified() -> str | None:
    """When the sound file was last read again that waits longest. Reads every row of it."""
    value = Verification.select(fn.MIN(Verification.read_at)).scalar()
    return None if value is None else str(value)
