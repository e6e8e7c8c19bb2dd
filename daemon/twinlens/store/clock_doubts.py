"""Which contents are part of a fault of their camera's clock, as it was last found, and the facts
that faults are found from.

The rows are a conclusion: the search (`ingest/clock_check.py`) makes them anew from the facts.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from twinlens.model.clocks import ClockDoubt
from twinlens.model.files import FileStatus
from twinlens.model.picture import DateCandidate, Kind, Metadata
from twinlens.store import candidates, meta
from twinlens.store.rows import tuples
from twinlens.store.statements import Statement, any_of
from twinlens.store.tables import File, Original, Root
from twinlens.store.tables_care import ClockDoubt as Row

_CHANGES, _CHECKED = "clock_changes", "clock_changes_checked"
_OF_CONTENTS = Statement(
    Row,
    lambda: Row.select(Row.original, Row.fault, Row.stated, Row.evidence).where(
        Row.original.in_(any_of("originals"))
    ),
)


@dataclass(frozen=True, slots=True)
class CameraPicture:
    """A live picture of a camera: its absolute path, its name without marks, and what is known of
    its time."""

    original_id: int
    path: bytes
    radical: str
    metadata: Metadata
    candidates: tuple[DateCandidate, ...]


def pictures() -> Iterator[CameraPicture]:
    """Every live picture that names a camera, in the order of roots and paths; streamed."""
    query = (
        File.select(
            Original.id, Root.path, File.directory, File.name, File.radical, Original.metadata,
            Original.candidates,
        )
        .join(Original)
        .switch(File)
        .join(Root)
        .where(
            (File.status != FileStatus.GONE.value)
            & Root.is_active
            & Original.kind.in_([Kind.IMAGE.value, Kind.RAW.value])
            & (Original.metadata.contains('"make"') | Original.metadata.contains('"model"'))
        )
        .order_by(Root.path, File.directory, File.name)
    )  # fmt: skip
    for original_id, root, directory, name, radical, metadata, told in tuples(query):
        own, others = candidates.unpacked(told)
        parts = (bytes(root).rstrip(b"/"), bytes(directory), bytes(name))
        yield CameraPicture(
            original_id,
            b"/".join(part for part in parts if part),
            radical,
            Metadata(**json.loads(metadata)),
            own + others,
        )


def of_contents(original_ids: Iterable[int]) -> dict[int, ClockDoubt]:
    """What is doubted of the times of these contents; those without a doubt are left out."""
    rows = _OF_CONTENTS.tuples(originals=original_ids)
    return {original_id: _value(*told) for original_id, *told in rows}


def every() -> dict[int, ClockDoubt]:
    """What is doubted, by the id of the content."""
    query = Row.select(Row.original, Row.fault, Row.stated, Row.evidence)
    return {int(original_id): _value(*told) for original_id, *told in tuples(query)}


def put(original_id: int, doubt: ClockDoubt | None) -> None:
    """Record what is doubted of a content, or that nothing is any more. One that was forgotten
    meanwhile is passed over."""
    Row.delete().where(Row.original == original_id).execute()
    if doubt is None or not Original.select().where(Original.id == original_id).exists():
        return
    # Paths may hold what is no valid text: JSON writes it in ASCII.
    evidence = json.dumps(doubt.evidence)
    Row.insert(
        original=original_id, fault=doubt.fault, stated=doubt.stated, evidence=evidence
    ).execute()


def note_change() -> None:
    """Something changed that faults are found from. In a transaction of the writer."""
    meta.write(_CHANGES, str(changes() + 1))


def changes() -> int:
    """How often something changed."""
    return int(meta.read(_CHANGES) or 0)


def note_check(changes_seen: int) -> None:
    """The faults were looked for when so much had changed. In a transaction of the writer."""
    meta.write(_CHECKED, str(changes_seen))


def is_due() -> bool:
    """Whether anything changed since the faults were last looked for."""
    return (meta.read(_CHECKED) or "0") != str(changes())


def _value(fault: str, stated: str, evidence: str) -> ClockDoubt:
    return ClockDoubt(fault, stated, tuple(json.loads(evidence)))
