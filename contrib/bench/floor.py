"""The least that any program of this kind must do, in a bare loop: `floor.py FOLDER PROCESSES`.

Each file is read once, hashed, decoded as small as a JPEG allows, and given one perceptual hash; of
a RAW that is the JPEG inside it, found by its first bytes.
Nothing is stored, compared or found out about its camera.
"""

import hashlib
import io
import multiprocessing
import os
import sys

import imagehash
from PIL import Image

SIDE = 256
"""The draft size, in pixels, that is asked of a JPEG; twinlens asks for 240."""

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


def look_at_all(paths: list[str]) -> None:
    """One process's share."""
    for path in paths:
        look(path)


def main() -> None:
    """Share the files out among the processes and wait for them."""
    folder, processes = sys.argv[1], int(sys.argv[2])
    paths = sorted(
        os.path.join(place, name) for place, _, names in os.walk(folder) for name in names
    )
    # Forked, as the workers of twinlens are: what is imported above is shared.
    context = multiprocessing.get_context("fork")
    shares = [paths[number::processes] for number in range(processes)]
    workers = [context.Process(target=look_at_all, args=(share,)) for share in shares]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    sys.exit(any(worker.exitcode for worker in workers))


if __name__ == "__main__":
    main()
