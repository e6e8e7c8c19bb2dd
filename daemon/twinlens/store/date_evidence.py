"""What else of the library says when a content was taken: the files beside it, and the owner.

Read only. Asked for every content that is recorded, so the queries are written once.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from twinlens.model.files import FileStatus
from twinlens.model.picture import DateCandidate
from twinlens.store import candidates
from twinlens.store.statements import Statement, any_of, slot
from twinlens.store.tables import File, GroupMember, Original
from twinlens.store.tables_owner import UserDecision

MOST_COMPANIONS = 16
"""Contents of one photograph that are asked for a date: bounded, for a sidecar copied everywhere"""


@dataclass(frozen=True, slots=True)
class Companion:
    """Another content of the same photograph: its part in it and what it says by itself."""

    file_type: str
    candidates: tuple[DateCandidate, ...]


_OF_ME = GroupMember.alias()
_MY_FILE = File.alias()

_COMPANIONS = Statement(
    GroupMember,
    lambda: (
        GroupMember.select(GroupMember.file_type, Original.candidates)
        .distinct()
        .join(File, on=(GroupMember.file == File.id))
        .join(Original, on=(File.original == Original.id))
        .join(_OF_ME, on=(_OF_ME.group == GroupMember.group))
        .join(_MY_FILE, on=(_OF_ME.file == _MY_FILE.id))
        .where(
            (_MY_FILE.original == slot("original"))
            & (_MY_FILE.status != FileStatus.GONE.value)
            & (File.status != FileStatus.GONE.value)
            & (Original.id != slot("original_again"))
            & (_OF_ME.file_type != "sidecar")
            & (GroupMember.file_type != "edited")
            # A burst holds several photographs: those of one shot share its number.
            & (
                (_OF_ME.sequence == GroupMember.sequence)
                | (_OF_ME.sequence.is_null() & GroupMember.sequence.is_null())
            )
        )
        .order_by(Original.sha256, GroupMember.file_type)
        .limit(slot("limit"))
    ),
)
_OWNER_DATES = Statement(
    UserDecision,
    lambda: (
        UserDecision.select(UserDecision.sha256, UserDecision.value)
        .where(
            UserDecision.sha256.in_(any_of("digests"))
            & (UserDecision.verb == "date")
            & UserDecision.withdrawn_at.is_null()
        )
        .order_by(UserDecision.decided_at, UserDecision.id)
    ),
)


def companions(original_id: int) -> list[Companion]:
    """The other contents of this content's photographs, in the order of their digests.

    Edits are left out: what they say is a copy. A sidecar has no companions.
    """
    rows = _COMPANIONS.all(original=original_id, original_again=original_id, limit=MOST_COMPANIONS)
    return [Companion(row.file_type, candidates.unpacked(row.candidates)[0]) for row in rows]


def owner_dates(digests: Iterable[str]) -> dict[str, str]:
    """The capture times that the owner gave to these contents (ISO 8601), as they stand."""
    latest = dict(_OWNER_DATES.tuples(digests=digests))
    return {sha256: value for sha256, value in latest.items() if value is not None}
