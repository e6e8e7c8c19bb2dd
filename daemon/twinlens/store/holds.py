"""Holds: what refers to a content beside its live files, so that it is not forgotten.

The count of a content is the number of its live files (kept in the row of the content), of its
entries in the trash and of steps that are under way (both as the journal has them), of the objects
that the vault keeps of it, and of the holds that are taken here, by running jobs. A content whose
count is 0 is an orphan.

A hold has a name, so that to take it twice is to take it once, and to release it twice does no
harm. All functions that change something run inside a transaction of the writer.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from twinlens.model.actions import OPEN_STATES, ActionKind, StepState
from twinlens.model.files import FileStatus
from twinlens.model.vault import BlobState
from twinlens.store.rows import tuples
from twinlens.store.statements import Statement, slot
from twinlens.store.tables import File, Original
from twinlens.store.tables_care import Hold
from twinlens.store.tables_owner import ActionStep
from twinlens.store.tables_vault import Blob

JOB = "job"
"""The holder of a content that a running job is about; the key is the job's id."""

_COUNTED = Statement(
    Original,
    lambda: Original.select(Original.id, Original.reference_count, Original.orphaned_at).where(
        Original.sha256 == slot("sha256")
    ),
)
_IN_TRASH = (StepState.DONE.value, StepState.HELD.value)
_OPEN = tuple(state.value for state in OPEN_STATES)


@dataclass(frozen=True, slots=True)
class References:
    """All that refers to one content."""

    files: int
    trash: int
    jobs: int
    blobs: int

    @property
    def count(self) -> int:
        """The count of the content."""
        return self.files + self.trash + self.jobs + self.blobs


def take(sha256: str, holder: str, key: str) -> None:
    """Refer to a content; it is no orphan as long as this lasts."""
    Hold.insert(sha256=sha256, holder=holder, key=key).on_conflict_ignore().execute()
    Original.update(orphaned_at=None).where(
        (Original.sha256 == sha256) & Original.orphaned_at.is_null(False)
    ).execute()


def release(sha256: str, holder: str, key: str, at: str) -> None:
    """Refer to a content no more; if nothing else does, it is an orphan from `at` on."""
    Hold.delete().where(
        (Hold.sha256 == sha256) & (Hold.holder == holder) & (Hold.key == key)
    ).execute()
    settle([sha256], at)


def release_all(holder: str, key: str, at: str) -> None:
    """Release everything that one holder holds."""
    is_its = (Hold.holder == holder) & (Hold.key == key)
    digests = [sha256 for (sha256,) in tuples(Hold.select(Hold.sha256).where(is_its))]
    if digests:
        Hold.delete().where(is_its).execute()
        settle(digests, at)


def settle(digests: Iterable[str], at: str) -> None:
    """Make orphans of those of the contents that nothing refers to any more, from `at` on, and of
    those that something refers to none. Whoever changes the journal of actions or what the vault
    keeps calls it after."""
    for sha256 in sorted(set(digests)):
        row = _COUNTED.first(sha256=sha256)
        if row is None:
            continue
        is_orphan = row.reference_count == 0 and not is_held(sha256)
        if is_orphan != (row.orphaned_at is not None):
            Original.update(orphaned_at=at if is_orphan else None).where(
                Original.id == row.id
            ).execute()


def is_held(sha256: str) -> bool:
    """Whether something beside files refers to the content."""
    return bool(
        Hold.select(Hold.id).where(Hold.sha256 == sha256).exists()
        or _steps().where(ActionStep.sha256 == sha256).exists()
        or _blobs().where(Blob.sha256 == sha256).exists()
    )


def held() -> Any:
    """A query for the digests of all contents that something beside files refers to, for the
    modules of this room."""
    return Hold.select(Hold.sha256).union_all(_steps()).union_all(_blobs())


def of_content(sha256: str) -> References:
    """All that refers to the content, counted now and not as stored."""
    files = (
        File.select(File.id)
        .join(Original)
        .where((Original.sha256 == sha256) & (File.status != FileStatus.GONE.value))
        .count()
    )
    return References(
        files=int(files),
        trash=int(_steps().where(ActionStep.sha256 == sha256).count()),
        jobs=int(Hold.select().where(Hold.sha256 == sha256).count()),
        blobs=int(_blobs().where(Blob.sha256 == sha256).count()),
    )


def _steps() -> Any:
    """What lies in the trash, or is on its way there or back."""
    is_in_trash = ActionStep.state.in_(_IN_TRASH) & (ActionStep.kind != ActionKind.REFLINK.value)
    return ActionStep.select(ActionStep.sha256).where(is_in_trash | ActionStep.state.in_(_OPEN))


def _blobs() -> Any:
    return Blob.select(Blob.sha256).where(Blob.state == BlobState.KEPT.value)
