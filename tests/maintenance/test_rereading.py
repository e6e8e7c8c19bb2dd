"""Claims about reading a file again: the disk's bytes, twice where they are not the expected."""

import hashlib
import os
from pathlib import Path

import pytest

from twinlens.maintenance.rereading import read_again
from twinlens.model.files import Stat
from twinlens.model.verification import Reading


def reading(path: Path, expected: bytes) -> Reading:
    return Reading(os.fsencode(path), hashlib.sha256(expected).hexdigest(), len(expected))


def test_a_sound_file_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"picture")

    read = read_again(reading(path, b"picture"))

    assert read.digests == (hashlib.sha256(b"picture").hexdigest(),)
    assert (read.stat, read.bytes_read) == (Stat.of(path.stat()), 7)


def test_a_file_with_other_bytes_is_read_twice(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"pictura")

    read = read_again(reading(path, b"picture"))

    assert read.digests == (hashlib.sha256(b"pictura").hexdigest(),) * 2
    assert read.bytes_read == 14


@pytest.mark.parametrize("make", [lambda path: None, os.mkfifo, lambda path: path.symlink_to("x")])
def test_what_is_no_file_is_not_opened(tmp_path: Path, make: object) -> None:
    assert callable(make)
    make(tmp_path / "a")

    read = read_again(reading(tmp_path / "a", b""))

    assert (read.stat, read.digests, read.is_transient) == (None, (), False)


def test_a_read_error_is_said_and_no_digest_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"picture")

    def fail(descriptor: int, size: int) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "read", fail)
    read = read_again(reading(path, b"picture"))

    assert (read.stat, read.digests) == (Stat.of(path.stat()), ())
    assert read.problem == "not readable: Input/output error"
