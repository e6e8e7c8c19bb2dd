"""The least that any program of this kind must do, in a bare loop over all files of some folders.

`floor.py look PROCESSES FOLDER…`: each file is read once, hashed, decoded as small as a JPEG
allows, and given one perceptual hash; of a RAW that is the JPEG in it, found by its first bytes.
`floor.py hash PROCESSES FOLDER…`: its SHA-256 and no more. Nothing is stored, compared or found out
about its camera.
"""

import hashlib
import io
import multiprocessing
import os
import sys
from collections.abc import Callable

import imagehash
from PIL import Image

SIDE = 256
"""The draft size, in pixels, that is asked of a JPEG. twinlens asks for 240, which is the same
for a large one, and a quarter of the pixels for one of 640x480; this stays, so that figures can be
compared.
"""

JPEG_START = b"\xff\xd8\xff"


def look(path: str) -> None:
    """All that is done with one file."""
    with open(path, "rb") as stream:
        content = stream.read()
    hashlib.sha256(content).hexdigest()
    start = content.find(JPEG_START)
    if start < 0:
        return
    with Image.open(io.BytesIO(content[start:] if start else content)) as picture:
        picture.draft("L", (SIDE, SIDE))
        imagehash.phash(picture)


def digest(path: str) -> None:
    """The SHA-256 of one file, read piece by piece."""
    with open(path, "rb", buffering=0) as stream:
        hashlib.file_digest(stream, "sha256")


WORK = {"look": look, "hash": digest}


def do_all(work: Callable[[str], None], paths: list[str]) -> None:
    """One process's share."""
    for path in paths:
        work(path)


def main() -> None:
    """Share the files out among the processes and wait for them."""
    work, processes, folders = WORK[sys.argv[1]], int(sys.argv[2]), sys.argv[3:]
    paths = sorted(
        os.path.join(place, name)
        for folder in folders
        for place, _, names in os.walk(folder)
        for name in names
    )
    # Forked, so that what is imported above is shared; a worker of twinlens loads it for itself.
    context = multiprocessing.get_context("fork")
    shares = [paths[number::processes] for number in range(processes)]
    workers = [context.Process(target=do_all, args=(work, share)) for share in shares]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    sys.exit(any(worker.exitcode for worker in workers))


if __name__ == "__main__":
    main()
