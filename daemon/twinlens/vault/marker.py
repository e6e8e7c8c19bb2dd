"""The marker file: which vault it is. An empty folder says nothing of itself, and a mount point
whose disk is away is an empty folder."""

import json

from twinlens.errors import VaultError
from twinlens.model.vault import Marker

_FORM = 1


def to_text(marker: Marker) -> bytes:
    """The content of the file."""
    facts = {"twinlens_vault": marker.identity, "made_at": marker.made_at, "form": _FORM}
    return json.dumps(facts, indent=1).encode("ascii") + b"\n"


def from_text(place: str, text: bytes) -> Marker:
    """The marker that a file holds. VaultError where it is torn, or of a later form."""
    try:
        facts = json.loads(text)
        marker, form = Marker(str(facts["twinlens_vault"]), str(facts["made_at"])), facts["form"]
    except (ValueError, KeyError, TypeError) as error:
        raise VaultError(
            f"{place}: its marker cannot be read", "put it back from a copy, or name another vault"
        ) from error
    if form != _FORM:
        raise VaultError(f"{place}: was made by a newer twinlens", "install that version again")
    return marker


def require(place: str, found: Marker | None, wanted: str) -> None:
    """Raise VaultError unless it is the vault of this id."""
    if found is None:
        raise VaultError(
            f"{place}: its marker is missing: its disk is away, or it is another folder",
            "mount it; nothing was forgotten",
        )
    if found.identity != wanted:
        raise VaultError(
            f"{place}: it is another vault than the one that was filled",
            "mount the right one, or say: twinlens vault fill --adopt",
        )
