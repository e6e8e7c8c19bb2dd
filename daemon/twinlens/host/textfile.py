"""A small file that another program reads: replaced whole or not at all."""

import os
from pathlib import Path


def publish(path: Path, text: str) -> None:
    """Put the text in place, readable for everybody. Raises OSError.

    It is not brought to the disk: what it says is known anew after a start.
    """
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        descriptor = os.open(
            unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644
        )
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            # Whoever reads it is another user, whatever the umask of this one.
            os.fchmod(file.fileno(), 0o644)
            file.write(text)
        os.replace(unfinished, path)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
