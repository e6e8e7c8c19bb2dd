"""The story of what was changed by whom: rows are added, never changed and never removed."""

from twinlens.model.decisions import Revision
from twinlens.store.tables_owner import Revision as Row

ORIGINAL = "original"
"""The entity that decisions are about; its key is the content's SHA-256."""

OWNER = "owner"

RULES = "rules"
"""Who changes what follows by rule from files that came, changed or went."""


def add(
    entity_key: str,
    what: str,
    at: str,
    *,
    before: str | None,
    after: str | None,
    actor: str = OWNER,
) -> None:
    """Note that the owner, a pass or the rules (`actor`) changed what is known of a content. Inside
    a transaction."""
    Row.insert(
        entity=ORIGINAL,
        entity_key=entity_key,
        actor=actor,
        at=at,
        what=what,
        before=before,
        after=after,
    ).execute()


def of_content(sha256: str) -> list[Revision]:
    """The story of one content, oldest first."""
    rows = (
        Row.select().where((Row.entity == ORIGINAL) & (Row.entity_key == sha256)).order_by(Row.id)
    )
    return [
        Revision(r.id, r.entity, r.entity_key, r.actor, r.at, r.what, r.before, r.after)
        for r in rows
    ]
