"""How duplicates are acted on, where a catalog allows it."""

from enum import StrEnum

from pydantic import Field

from twinlens.config.paths import AbsolutePath
from twinlens.config.section import Listing, Section, Word


class KeepRule(StrEnum):
    """By what the copy that is kept is told from those that go."""

    PROTECTED = "protected"
    GROUPS = "groups"
    DECISIONS = "decisions"
    QUALITY = "quality"
    PIXELS = "pixels"
    BYTES = "bytes"
    NAMES = "names"
    OLDEST = "oldest"
    PATH = "path"


class ActionsConfig(Section):
    """What `twinlens apply` does in catalogs whose action is not `report`."""

    keep: Listing[Word[KeepRule]] = Field(
        default=tuple(KeepRule),
        description="The rules that choose the copy that is kept, the first one that tells them "
        "apart decides: a protected folder, the more complete photograph, what you decided, "
        "quality, pixels, bytes, a name without a copy mark, the oldest file, the shortest path.",
    )
    protect: Listing[AbsolutePath] = Field(
        default=(),
        examples=[["/srv/nas/photos/archive"]],
        description="Folders in which nothing is ever changed; copies in them are the ones kept.",
    )
