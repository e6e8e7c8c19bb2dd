"""What every vault can do, whatever it lies on. One suite of tests holds all of them to it."""

from typing import BinaryIO, Protocol

from twinlens.model.vault import Listing, Marker, PutHow


class WrongBytesError(ValueError):
    """The bytes that were to be stored, or that were stored, are not those of the digest."""


class SourceError(OSError):
    """The file that was to be stored could not be read: the vault is not to blame."""


class Vault(Protocol):
    """An open vault. Everything else raises VaultError where the vault itself fails."""

    def marker(self) -> Marker | None:
        """Which vault it is; None where nothing says so. A marker that is torn is an error."""

    def make_marker(self, marker: Marker) -> None:
        """Make a new vault of a place that holds nothing; VaultError where it holds anything."""

    def put(self, source: int, sha256: str, size: int) -> PutHow:
        """Store the content of an open file. When it returns, the object is durable under its name,
        and was read back. An object that is there already is read, and taken if it is sound.

        Raises WrongBytesError and SourceError; then, and after any crash, nothing is under the
        name that was not there before.
        """

    def open(self, sha256: str) -> BinaryIO:
        """A stream of an object's bytes, for whoever checks them. FileNotFoundError for none."""

    def size_of(self, sha256: str) -> int | None:
        """The size of an object; None where there is none."""

    def listing(self, part: str) -> Listing:
        """What lies in one of `naming.PARTS`, by the first digit of the names; with the first part
        comes what begins with none of them."""

    def quarantine(self, sha256: str) -> None:
        """Move an object out of the way. Nothing happens where it is not there."""

    def bring_back(self, sha256: str) -> None:
        """Move it back. Nothing happens where it is not in quarantine."""

    def discard(self, sha256: str) -> None:
        """Remove an object for good that lies in quarantine, and only there."""

    def set_aside(self, sha256: str) -> None:
        """Move a rotten object to where nobody takes it for a good one."""

    def tidy(self) -> int:
        """Remove what processes that are gone have left unfinished; returns how many."""
