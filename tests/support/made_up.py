"""Made-up facts of files and contents, for tests of what is done with them."""

import hashlib

import numpy as np
from PIL import Image

from twinlens.analysis.miniature import miniature
from twinlens.model.files import Condition, FileStatus, Finding, Stat
from twinlens.model.picture import (
    ALGORITHM_VERSION,
    DateCandidate,
    Fingerprint,
    Kind,
    Measurement,
    Metadata,
)
from twinlens.store import files, originals

AT = "2026-01-02T03:04:05+00:00"
LONG_AGO_NS = 1_600_000_000_000_000_000


def digest(content: str) -> str:
    """The SHA-256 of a content that a word stands for."""
    return hashlib.sha256(content.encode()).hexdigest()


def stat(
    inode: int = 1, *, size: int = 10, mtime: int = 0, ctime: int = 0, device: int = 7
) -> Stat:
    """A stat; times are nanoseconds after a moment long ago."""
    return Stat(device, inode, size, LONG_AGO_NS + mtime, LONG_AGO_NS + ctime)


def picture_of(bits: int) -> Image.Image:
    """A picture of 32x32 whose low coefficients have these signs, the finer the fainter."""
    signs = [1 if bits >> (63 - place) & 1 else -1 for place in range(64)]
    along = np.arange(8)
    waves = np.cos(np.pi * np.outer(along, (np.arange(32) + 0.5) / 32))
    weights = np.array(signs).reshape(8, 8) / (1 + along[:, None] + along[None, :]) ** 1.2
    weights[0, 0] = 0
    cells = waves.T @ weights @ waves
    levels = 128 + 100 * cells / np.abs(cells).max()
    return Image.fromarray(levels.astype(np.uint8))


def measured(
    kind: Kind = Kind.IMAGE,
    *,
    phash: int | None = None,
    captured: str | None = None,
    error: str | None = None,
    version: int = ALGORITHM_VERSION,
    model: str | None = None,
) -> Measurement:
    """What was measured of a content; its four hashes are the same, and its miniature looks like
    them."""
    fingerprint = None
    if phash is not None:
        fingerprint = Fingerprint(
            phash, phash, phash, phash, miniature=miniature(picture_of(phash), None)
        )
    dates = () if captured is None else (DateCandidate("EXIF:DateTimeOriginal", captured, 5),)
    return Measurement(
        "image/x-sony-arw" if kind is Kind.RAW else "image/jpeg",
        kind,
        width=600,
        height=400,
        metadata=Metadata(model=model),
        date_candidates=dates,
        fingerprint=fingerprint,
        error=error,
        algorithm_version=version,
    )


def found(path: bytes, content: str, at: Stat, measurement: Measurement | None = None) -> Finding:
    """A worker read this content at a path."""
    return Finding(path, at, digest(content), measurement or measured(), bytes_read=at.size)


def put_original(content: str, size: int = 10, measurement: Measurement | None = None) -> int:
    """Record a content; in a transaction."""
    return originals.put(digest(content), size, measurement or measured())


def put_file(
    root_id: int,
    path: bytes,
    original_id: int | None,
    *,
    at: Stat | None = None,
    status: FileStatus = FileStatus.OK,
    is_nested: bool = False,
    radical: str = "",
) -> int:
    """Record a file and its reference; in a transaction."""
    original = next(iter(originals.get_many([original_id or 0])), None)
    file_id = files.put(
        root_id,
        path,
        radical=radical,
        stat=at or stat(),
        is_nested=is_nested,
        original_id=original_id,
        condition=Condition(original.measurement.kind if original else None, status),
        at=AT,
    )
    if original_id is not None and status is not FileStatus.GONE:
        originals.add_reference(original_id)
    return file_id
