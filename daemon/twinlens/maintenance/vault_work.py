"""What a worker does in the vault: store one file, read one object, look through one part.

The vault may lie on a share that hangs, or behind a network: a worker can be ended, the daemon
cannot. Each of these may be done twice, and may end at any point; what was done is found out by
whoever looks next.
"""

from dataclasses import dataclass, field

from twinlens.errors import VaultError
from twinlens.host.page_cache import is_held, let_go
from twinlens.media.reading import ReadError, open_regular
from twinlens.model.vault import Listing, PutHow, VaultSpec
from twinlens.vault.contents import digest_of
from twinlens.vault.naming import PARTS
from twinlens.vault.opening import opened
from twinlens.vault.protocol import SourceError, WrongBytesError


@dataclass(frozen=True, slots=True)
class Way:
    """The vault that is meant: how it is reached, and the id in its marker."""

    spec: VaultSpec
    identity: str


@dataclass(frozen=True, slots=True)
class Storing:
    """One file to store. `size` is a hint for the deadline: all the bytes that are moved for it."""

    way: Way
    path: bytes
    sha256: str
    content_bytes: int

    @property
    def size(self) -> int:
        """Read, written, read back; a network gives less in a second than a disk."""
        return self.content_bytes * (24 if self.way.spec.is_bucket else 3)


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of it: `how`, or why not. `trouble` is the vault's own, and no file's."""

    how: PutHow | None = None
    problem: str = ""
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class BlobReading:
    """One object to read."""

    way: Way
    sha256: str
    content_bytes: int

    @property
    def size(self) -> int:
        """A hint for the deadline, as above."""
        return self.content_bytes * (16 if self.way.spec.is_bucket else 2)


@dataclass(frozen=True, slots=True)
class BlobRead:
    """What was read: the digest of one reading, or of two where the first was not the expected."""

    digests: tuple[str, ...] = ()
    is_missing: bool = False
    problem: str = ""
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Looking:
    """One part to look through, after what is to be moved there was moved: digests by what is done
    with them."""

    way: Way
    part: str
    quarantine: tuple[str, ...] = ()
    bring_back: tuple[str, ...] = ()
    discard: tuple[str, ...] = ()
    set_aside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Looked:
    """What lies in the part now, and how many leftovers were removed."""

    listing: Listing = field(default_factory=Listing)
    tidied: int = 0
    trouble: str = ""


def store(asked: Storing) -> Stored:
    """Store one file."""
    try:
        with (
            opened(asked.way.spec, asked.way.identity) as vault,
            open_regular(asked.path) as (descriptor, _),
        ):
            is_used = is_held(descriptor)
            how = vault.put(descriptor, asked.sha256, asked.content_bytes)
            if not is_used:
                let_go(descriptor)
            return Stored(how)
    except VaultError as error:
        return Stored(trouble=_words(error))
    except (WrongBytesError, SourceError, ReadError) as error:
        return Stored(problem=str(error))


def read_blob(asked: BlobReading) -> BlobRead:
    """Read one object, twice where the first time gave other bytes."""
    digests: list[str] = []
    try:
        with opened(asked.way.spec, asked.way.identity) as vault:
            while len(digests) < 2 and asked.sha256 not in digests:
                with vault.open(asked.sha256) as stream:
                    digests.append(digest_of(stream.read))
    except FileNotFoundError:
        return BlobRead(is_missing=True)
    except VaultError as error:
        return BlobRead(trouble=_words(error))
    except OSError as error:
        words = error.strerror or str(error)
        # A network that fails says nothing of an object.
        return BlobRead(trouble=words) if asked.way.spec.is_bucket else BlobRead(problem=words)
    return BlobRead(tuple(digests))


def look_through(asked: Looking) -> Looked:
    """Carry out what was decided for a part, and list it."""
    try:
        with opened(asked.way.spec, asked.way.identity) as vault:
            for sha256 in asked.bring_back:
                vault.bring_back(sha256)
            for sha256 in asked.quarantine:
                vault.quarantine(sha256)
            for sha256 in asked.set_aside:
                vault.set_aside(sha256)
            for sha256 in asked.discard:
                vault.discard(sha256)
            tidied = vault.tidy() if asked.part == PARTS[0] else 0
            return Looked(vault.listing(asked.part), tidied)
    except VaultError as error:
        return Looked(trouble=_words(error))


def _words(error: VaultError) -> str:
    return f"{error}; {error.advice}" if error.advice else str(error)
