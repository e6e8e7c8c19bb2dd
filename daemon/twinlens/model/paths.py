"""Paths are bytes; as text they are UTF-8 with surrogate escapes, whatever the locale says."""


def to_text(path: bytes) -> str:
    """The path as text; bytes that are no UTF-8 become lone surrogates (`\\udcXX`)."""
    return path.decode("utf-8", "surrogateescape")


def to_bytes(text: str) -> bytes:
    """The path behind such a text."""
    return text.encode("utf-8", "surrogateescape")


def printable(path: bytes) -> str:
    """The path for a human's eyes: control characters and undecodable bytes are escaped."""
    text = path.decode("utf-8", "backslashreplace")
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
        for char in text
    )


def join(root: bytes, relative: bytes) -> bytes:
    """The absolute path of a path relative to a root."""
    return root.rstrip(b"/") + b"/" + relative


def relative_to(root: bytes, path: bytes) -> bytes | None:
    """The part of an absolute path below the root; None where it lies elsewhere."""
    prefix = root.rstrip(b"/") + b"/"
    if path.startswith(prefix):
        return path[len(prefix) :]
    return b"" if path.rstrip(b"/") == root.rstrip(b"/") else None
