"""A small file of our own, written to see whether the watcher notices.

Some mounts take watches and never send an event. This is the one proof, and it writes below a
root, so it is only done where the owner allowed it. It touches nothing that it did not make.
"""

import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

_FOLDER = b".twinlens"
_OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class CanaryResult:
    """Whether events arrive; `is_seen` is None where the file could not be written."""

    is_seen: bool | None
    detail: str


def prove_events(
    root: bytes, saw: Callable[[bytes, float], bool], *, limit_seconds: float = 5.0
) -> CanaryResult:
    """Write `.twinlens/canary-<random>` below a root and ask `saw` whether the watcher told of it.

    `saw` is given the path and the seconds it may wait. The file is written to several times within
    the limit, because a folder that is new itself is watched a moment later. File and
    folder are removed again, the folder only if it was made here. Never raises for a bad root.
    """
    name = b"canary-" + secrets.token_hex(8).encode("ascii")
    try:
        top = os.open(root, _OPEN_FOLDER)
    except OSError as error:
        return _not_written(error)
    try:
        is_ours = _make_folder(top)
        try:
            path = os.path.join(root, _FOLDER, name)
            return _sing(top, name, lambda seconds: saw(path, seconds), limit_seconds)
        finally:
            if is_ours:
                with suppress(OSError):
                    os.rmdir(_FOLDER, dir_fd=top)
    except OSError as error:
        return _not_written(error)
    finally:
        os.close(top)


def _make_folder(top: int) -> bool:
    """Make the folder; False where it was there."""
    try:
        os.mkdir(_FOLDER, 0o700, dir_fd=top)
    except FileExistsError:
        return False
    return True


def _sing(
    top: int, name: bytes, is_heard: Callable[[float], bool], limit_seconds: float
) -> CanaryResult:
    folder = os.open(_FOLDER, _OPEN_FOLDER, dir_fd=top)
    try:
        os.close(os.open(name, _CREATE, 0o600, dir_fd=folder))
        try:
            for _ in range(_ROUNDS):
                _write(folder, name)
                if is_heard(limit_seconds / _ROUNDS):
                    return CanaryResult(True, "a test file was seen")
        finally:
            os.unlink(name, dir_fd=folder)
    finally:
        os.close(folder)
    return CanaryResult(False, f"no event came for a test file in {limit_seconds:g} seconds")


def _write(folder: int, name: bytes) -> None:
    file = os.open(name, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        os.write(file, b"twinlens asks whether its watcher sees this\n")
    finally:
        os.close(file)


def _not_written(error: OSError) -> CanaryResult:
    return CanaryResult(None, f"no test file could be written ({error.strerror})")
