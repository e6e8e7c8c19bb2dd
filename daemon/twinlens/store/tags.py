"""Words for contents. The owner's come from decisions, so they outlive a content that was
forgotten; a content that comes back gets its words again."""

from collections.abc import Iterable

from twinlens.store import decisions
from twinlens.store.rows import tuples
from twinlens.store.statements import Statement, any_of, slot
from twinlens.store.tables import Original
from twinlens.store.tables_owner import OriginalTag, Tag

MANUAL = "manual"
"""The source of a word that the owner gave."""

_CONTENTS = Statement(
    Original,
    lambda: Original.select(Original.id, Original.sha256).where(Original.id.in_(any_of("ids"))),
)
_GIVEN = Statement(
    OriginalTag,
    lambda: (
        OriginalTag.select(OriginalTag.original, Tag.name)
        .join(Tag)
        .where(OriginalTag.original.in_(any_of("ids")) & (OriginalTag.source == slot("source")))
    ),
)


def of_originals(ids: Iterable[int]) -> dict[int, list[str]]:
    """The words of each content that has any, in alphabetical order."""
    query = (
        OriginalTag.select(OriginalTag.original, Tag.name)
        .join(Tag)
        .where(OriginalTag.original.in_(list(ids)))
        .order_by(Tag.name)
        .distinct()
    )
    found: dict[int, list[str]] = {}
    for original_id, name in tuples(query):
        found.setdefault(original_id, []).append(name)
    return found


def restore(ids: Iterable[int]) -> None:
    """Make the owner's words of these contents those of the standing decisions."""
    wanted = list(ids)
    id_of = {sha256: original_id for original_id, sha256 in _CONTENTS.tuples(ids=wanted)}
    said = {
        (id_of[sha256], name)
        for sha256, names in decisions.tags_of(id_of).items()
        for name in names
    }
    stored = set(_GIVEN.tuples(ids=wanted, source=MANUAL))
    for original_id, name in sorted(stored - said):
        tag_id = Tag.get(Tag.name == name).id
        OriginalTag.delete().where(
            (OriginalTag.original == original_id)
            & (OriginalTag.tag == tag_id)
            & (OriginalTag.source == MANUAL)
        ).execute()
        if not OriginalTag.select().where(OriginalTag.tag == tag_id).exists():
            Tag.delete().where(Tag.id == tag_id).execute()
    for original_id, name in sorted(said - stored):
        tag = Tag.get_or_none(Tag.name == name)
        tag_id = Tag.insert(name=name).execute() if tag is None else tag.id
        OriginalTag.insert(original=original_id, tag=tag_id, source=MANUAL).execute()
