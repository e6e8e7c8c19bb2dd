"""Live files as the keep rules see them."""

from dataclasses import dataclass

from twinlens.model.actions import Place


@dataclass(frozen=True, slots=True)
class Copy:
    """One live file, with what the keep rules ask.

    `identity` is (device, inode): names of one inode are one copy. `radical` is the name under
    which files of one photograph meet. `obstacle` says why nothing may be done with the file,
    `doubt` why it cannot be relied on to stay in another's stead: then nothing is done with it
    either.
    """

    file_id: int
    catalog: str
    place: Place
    sha256: str
    size: int
    identity: tuple[int, int]
    mtime_ns: int
    kind: str
    radical: str
    quality: float | None = None
    pixels: int | None = None
    is_protected: bool = False
    is_discarded: bool = False
    is_chosen: bool = False
    is_marked_copy: bool = False
    obstacle: str | None = None
    doubt: str | None = None
