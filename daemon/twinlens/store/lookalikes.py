"""What near duplicates are found and judged by: facts, looks, and the verdicts on pairs. A pair of
equal coded pixels has no verdict here: the image-data hash says it all.

Only the columns that the rules need are read: a comparison meets many contents that it dismisses.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from peewee import JOIN, chunked, fn

from twinlens.model.groups import DuplicateClass
from twinlens.model.picture import Kind
from twinlens.model.verdicts import Lookalike, Verdict
from twinlens.store import miniatures
from twinlens.store.rows import tuples
from twinlens.store.statements import Statement, any_of, slot
from twinlens.store.tables import Crowded, File, GroupMember, Original
from twinlens.store.tables import Lookalike as Row

_BATCH = 100


_VERDICT = (
    *(Row.first, Row.second, Row.duplicate_class, Row.similarity),
    *(Row.distance, Row.rule, Row.confidence, Row.needs_witness),
)
_LOOKS = Statement(
    Original,
    lambda: Original.select(
        *(Original.id, Original.sha256, Original.size, Original.kind),
        *(Original.width, Original.height, Original.orientation, Original.captured_at),
        *(Original.metadata, Original.image_digest),
    ).where(
        Original.id.in_(any_of("originals"))
        & Original.phash.is_null(False)
        & (Original.reference_count > 0)
    ),
)
_FACTS = Statement(
    Original,
    lambda: Original.select(
        *(Original.id, Original.captured_at, Original.image_digest),
        fn.json_extract(Original.metadata, "$.has_subseconds"),
    ).where(Original.id.in_(any_of("originals"))),
)
_DIGESTS = Statement(
    Original,
    lambda: (
        Original.select(Original.image_digest)
        .where(Original.id.in_(any_of("originals")) & Original.image_digest.is_null(False))
        .distinct()
    ),
)
_WITH_DIGEST = Statement(
    Original,
    lambda: Original.select(Original.image_digest, Original.id).where(
        Original.image_digest.in_(any_of("digests")) & (Original.reference_count > 0)
    ),
)
_SHOTS = Statement(
    File,
    lambda: (
        File.select(File.original, GroupMember.group, GroupMember.sequence)
        .join(GroupMember, JOIN.CROSS)
        .where(
            File.original.in_(any_of("originals"))
            & (GroupMember.file == File.id)
            & GroupMember.sequence.is_null(False)
        )
    ),
)
_VERDICTS = (
    Statement(Row, lambda: Row.select(*_VERDICT).where(Row.first.in_(any_of("originals")))),
    Statement(Row, lambda: Row.select(*_VERDICT).where(Row.second.in_(any_of("originals")))),
)
_FORGET = Statement(
    Row,
    lambda: Row.delete().where(
        Row.first.in_(any_of("originals")) | Row.second.in_(any_of("originals"))
    ),
)


# Each side is counted in its own index.
_COUNTS = Statement(
    Original,
    lambda: Original.select(
        Original.id,
        Row.select(fn.COUNT(Row.second)).where(Row.first == Original.id),
        Row.select(fn.COUNT(Row.first)).where(Row.second == Original.id),
    ).where(Original.id.in_(any_of("originals"))),
)
_CROWDED = Statement(
    Crowded,
    lambda: Crowded.select(Crowded.original).where(Crowded.original.in_(any_of("originals"))),
)
_JOIN_CROWD = Statement(
    Crowded, lambda: Crowded.insert(original=slot("original")).on_conflict_ignore()
)
_LEAVE_CROWD = Statement(
    Crowded, lambda: Crowded.delete().where(Crowded.original == slot("original"))
)


@dataclass(frozen=True, slots=True)
class Looks:
    """What is compared of one content; `miniature` is None where its looks mean nothing."""

    original_id: int
    sha256: str
    size: int
    kind: Kind
    width: int | None
    height: int | None
    orientation: int | None
    captured_at: str | None
    has_subseconds: bool
    make: str | None
    model: str | None
    miniature: bytes | None
    image_digest: str | None


def looks_of(original_ids: Iterable[int], *, with_miniature: bool = True) -> list[Looks]:
    """The looks of those of these contents that are referenced and were decoded."""
    found: list[Looks] = []
    wanted = list(original_ids)
    miniature_of = miniatures.of(wanted) if with_miniature else {}
    for row in _LOOKS.all(originals=wanted):
        facts = json.loads(row.metadata)
        found.append(
            Looks(
                *(row.id, row.sha256, row.size, Kind(row.kind)),
                *(row.width, row.height, row.orientation, row.captured_at),
                has_subseconds=bool(facts.get("has_subseconds")),
                make=facts.get("make"),
                model=facts.get("model"),
                miniature=miniature_of.get(row.id),
                image_digest=row.image_digest,
            )
        )
    return found


class Facts(NamedTuple):
    """What tells two contents apart without a look."""

    original_id: int
    captured_at: str | None
    image_digest: str | None
    has_subseconds: bool


def facts_of(original_ids: Iterable[int]) -> list[Facts]:
    """The plain facts of these contents."""
    rows = _FACTS.tuples(originals=original_ids)
    return [Facts(one, at, digest, bool(is_fine)) for one, at, digest, is_fine in rows]


def twins_of(original_ids: Iterable[int]) -> dict[str, frozenset[int]]:
    """The referenced contents that share an image-data hash with any of these, by the hash, where
    there are two and more."""
    return _with_digest(digest for (digest,) in _DIGESTS.tuples(originals=original_ids))


def twins() -> dict[str, frozenset[int]]:
    """All referenced contents that share an image-data hash with another, by the hash."""
    shared = (
        Original.select(Original.image_digest)
        .where(Original.image_digest.is_null(False) & (Original.reference_count > 0))
        .group_by(Original.image_digest)
        .having(fn.COUNT(Original.id) > 1)
    )
    return _with_digest(digest for (digest,) in tuples(shared))


def _with_digest(digests: Iterable[str]) -> dict[str, frozenset[int]]:
    found: dict[str, set[int]] = {}
    for digest, original_id in _WITH_DIGEST.tuples(digests=list(digests)):
        found.setdefault(digest, set()).add(original_id)
    return {digest: frozenset(together) for digest, together in found.items() if len(together) > 1}


def shots_of(original_ids: Iterable[int]) -> dict[int, frozenset[tuple[int, int]]]:
    """For each content: the burst and the number in it of each of its live files."""
    found: dict[int, set[tuple[int, int]]] = {}
    for original_id, group_id, sequence in _SHOTS.tuples(originals=original_ids):
        found.setdefault(original_id, set()).add((group_id, sequence))
    return {original_id: frozenset(shots) for original_id, shots in found.items()}


def verdicts_on(original_ids: Iterable[int]) -> list[Lookalike]:
    """Every verdict in which one of these contents takes part, each once."""
    found: dict[tuple[int, int], Lookalike] = {}
    wanted = set(original_ids)
    for statement in _VERDICTS:
        rows = statement.tuples(originals=wanted)
        for first, second, name, similarity, distance, rule, confidence, needs_witness in rows:
            verdict = Verdict(
                *(DuplicateClass(name), similarity, distance, rule, confidence),
                needs_witness=bool(needs_witness),
            )
            found[first, second] = Lookalike(first, second, verdict)
    return [found[pair] for pair in sorted(found)]


def judged_ids() -> set[int]:
    """The contents in which any verdict takes part, or that share an image-data hash."""
    first, second = Row.select(Row.first).distinct(), Row.select(Row.second).distinct()
    judged = {int(original_id) for query in (first, second) for (original_id,) in tuples(query)}
    return judged.union(*twins().values())


def judged_among(original_ids: Iterable[int]) -> set[int]:
    """Those of these contents on which there is a verdict."""
    wanted = set(original_ids)
    return {one for one, verdicts in _verdict_counts(wanted).items() if verdicts}


def with_more_verdicts(original_ids: Iterable[int], number: int) -> set[int]:
    """Those of these contents on which there are more verdicts than so many."""
    return {one for one, verdicts in _verdict_counts(original_ids).items() if verdicts > number}


def _verdict_counts(original_ids: Iterable[int]) -> dict[int, int]:
    return {one: first + second for one, first, second in _COUNTS.tuples(originals=original_ids)}


def crowded(original_ids: Iterable[int]) -> set[int]:
    """Those of these contents that stand in a crowd."""
    return {one for (one,) in _CROWDED.tuples(originals=original_ids)}


def is_anyone_crowded() -> bool:
    """Whether there is a crowd at all."""
    return bool(Crowded.select().exists())


def set_crowded(original_ids: Iterable[int], *, is_crowded: bool) -> None:
    """Note that these contents stand in a crowd, or do not. In a transaction."""
    statement = _JOIN_CROWD if is_crowded else _LEAVE_CROWD
    for original_id in original_ids:
        statement.change(original=original_id)


def forget(original_ids: Iterable[int]) -> None:
    """Take back every verdict in which one of these contents takes part. In a transaction."""
    _FORGET.change(originals=list(original_ids))


def put(lookalikes: Iterable[Lookalike]) -> None:
    """Write down verdicts on pairs that have none, the lower id first. In a transaction."""
    rows = [
        {
            "first": min(one.first_id, one.second_id),
            "second": max(one.first_id, one.second_id),
            "duplicate_class": one.verdict.duplicate_class.value,
            "similarity": one.verdict.similarity,
            "distance": one.verdict.distance,
            "confidence": one.verdict.confidence,
            "rule": one.verdict.rule,
            "needs_witness": one.verdict.needs_witness,
        }
        for one in lookalikes
    ]
    for part in chunked(rows, _BATCH):
        Row.insert_many(part).execute()
