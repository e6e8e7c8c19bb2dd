"""What the read verbs show: records put together with the paths they stand for."""

from dataclasses import dataclass

from twinlens.model.files import FileRecord
from twinlens.model.groups import DuplicateGroup, FileGroup
from twinlens.model.originals import OriginalRecord


@dataclass(frozen=True, slots=True)
class FileView:
    """A file, the content it holds, and its absolute path."""

    path: bytes
    file: FileRecord
    original: OriginalRecord | None


@dataclass(frozen=True, slots=True)
class FileGroupView:
    """A file group with the absolute path of each member, in the members' order; `best` is that
    of a burst's best picture."""

    id: int
    group: FileGroup
    paths: tuple[bytes, ...]
    best: bytes | None = None


@dataclass(frozen=True, slots=True)
class DuplicateView:
    """A duplicate group with the files of each member content, in the members' order."""

    id: str
    group: DuplicateGroup
    reviewed: bool
    files: tuple[tuple[FileView, ...], ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """The numbers of `status`."""

    files: int
    by_status: dict[str, int]
    by_kind: dict[str, int]
    originals: int
    bytes_total: int
    groups: dict[str, int]
    duplicates: dict[str, int]
    reclaimable_bytes: int
    orphans: int
