"""The names of things in a vault. Pure.

twinlens-vault.json          which vault it is
ab/cd/abcd…                  an object, by the SHA-256 of its bytes
.unfinished/TOKEN            an object that is being made
.quarantine/abcd…            an object that nothing refers to, before it is removed
.damaged/abcd….TOKEN         an object that was found rotten; nobody removes it but you
"""

import re

MARKER = "twinlens-vault.json"
UNFINISHED = ".unfinished"
QUARANTINE = ".quarantine"
DAMAGED = ".damaged"
PARTS = tuple("0123456789abcdef")
"""The first digit of every digest: a vault is looked through part by part, so that what is in
memory at once is a small share of it."""

OWN_FOLDERS = frozenset({UNFINISHED, QUARANTINE, DAMAGED})

_DIGEST = re.compile(r"[0-9a-f]{64}")


def is_digest(name: str) -> bool:
    """Whether a name is a SHA-256 as this program writes it."""
    return _DIGEST.fullmatch(name) is not None


def folders_of(sha256: str) -> tuple[str, str]:
    """The two folders that hold an object. ValueError where it is no digest."""
    if not is_digest(sha256):
        raise ValueError(f"not a SHA-256: {sha256!r}")
    return sha256[:2], sha256[2:4]


def key_of(sha256: str) -> str:
    """The path of an object in its vault."""
    return "/".join((*folders_of(sha256), sha256))


def is_folder_of_objects(name: str) -> bool:
    """Whether a name is one of the 256 that objects lie below."""
    return len(name) == 2 and set(name) <= set(PARTS)


def is_stray(name: str, part: str) -> bool:
    """Whether a name at the top of a vault has no business there, and is told with this part."""
    if name in OWN_FOLDERS or name == MARKER or is_folder_of_objects(name):
        return False
    return name.startswith(part) or (part == PARTS[0] and name[:1] not in PARTS)


def digest_at(key: str) -> str | None:
    """The digest that a path in the vault stands for; None for a path that is no object's."""
    name = key.rpartition("/")[2]
    return name if is_digest(name) and key == key_of(name) else None
