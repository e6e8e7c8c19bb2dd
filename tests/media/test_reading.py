"""Only what was proven to be one content of a regular file is returned."""

import errno
import hashlib
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from twinlens.media.reading import (
    CHANGED,
    Content,
    ReadError,
    open_regular,
    read_content,
    wait_until_sealed,
)

LIMIT = 64 << 20


def read(path: Path, most_bytes: int = LIMIT) -> Content:
    with open_regular(os.fsencode(path)) as (descriptor, stat):
        return read_content(descriptor, os.fsencode(path), stat, most_bytes)


def test_a_file_is_hashed_and_held(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"x" * 100_000)

    found = read(path)

    assert found.sha256 == hashlib.sha256(b"x" * 100_000).hexdigest()
    assert (found.size, found.data) == (100_000, b"x" * 100_000)


def test_a_large_file_is_hashed_without_being_held(tmp_path: Path) -> None:
    path = tmp_path / "a.mov"
    piece = os.urandom(1 << 20)
    path.write_bytes(piece * 33)

    with open_regular(os.fsencode(path)) as (descriptor, stat):
        found = read_content(descriptor, os.fsencode(path), stat, LIMIT)
        with found.open() as stream:
            start = stream.read(10)

    assert found.data is None
    assert found.sha256 == hashlib.sha256(piece * 33).hexdigest()
    assert start == piece[:10]


def test_an_empty_file_is_an_empty_content(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.touch()

    assert read(path).sha256 == hashlib.sha256().hexdigest()


def test_reading_leaves_the_time_of_access_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"x")
    os.utime(path, ns=(1, 2))

    read(path)

    assert path.stat().st_atime_ns == 1


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


def _link(path: Path) -> None:
    path.symlink_to("/etc/hostname")


def _loop(path: Path) -> None:
    path.symlink_to(path.name)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_fifo, "a named pipe"),
        (_socket, "a socket"),
        (_link, "a symbolic link"),
        (_loop, "a symbolic link"),
        (Path.mkdir, "a folder"),
    ],
)
def test_what_is_no_regular_file_is_not_opened(
    tmp_path: Path, make: Callable[[Path], None], words: str
) -> None:
    make(tmp_path / "x.jpg")

    with pytest.raises(ReadError, match=words) as caught:
        read(tmp_path / "x.jpg")

    assert caught.value.stat is None
    assert not caught.value.is_transient


def test_a_device_is_not_opened() -> None:
    with pytest.raises(ReadError, match="a device"):
        read(Path("/dev/zero"))


def test_a_missing_path_is_gone(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match=r"^gone$"):
        read(tmp_path / "a.jpg")


def test_a_path_through_a_file_is_gone(tmp_path: Path) -> None:
    (tmp_path / "a").touch()

    with pytest.raises(ReadError, match=r"^gone$"):
        read(tmp_path / "a" / "b.jpg")


def test_a_file_swapped_for_a_pipe_between_look_and_open_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"x")
    real = os.lstat

    def swap(target: bytes) -> os.stat_result:
        seen = real(target)
        path.unlink()
        os.mkfifo(path)
        return seen

    monkeypatch.setattr("twinlens.media.reading.os.lstat", swap)

    with pytest.raises(ReadError, match="a named pipe"):
        read(path)


def test_a_file_that_grew_changed_and_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"x" * 1000)

    with open_regular(os.fsencode(path)) as (descriptor, stat):
        with path.open("ab") as stream:
            stream.write(b"y" * 5_000_000)
        with pytest.raises(ReadError, match="changed") as caught:
            read_content(descriptor, os.fsencode(path), stat, LIMIT)

    assert caught.value.is_transient
    assert caught.value.bytes_read == 1001


def test_a_file_that_was_cut_short_changed(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"x" * 1000)

    with open_regular(os.fsencode(path)) as (descriptor, stat):
        os.truncate(path, 10)
        with pytest.raises(ReadError, match="changed") as caught:
            read_content(descriptor, os.fsencode(path), stat, LIMIT)

    assert caught.value.is_transient


def test_content_rewritten_with_its_old_time_is_seen_by_the_ctime(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"x" * 1000)
    before = path.stat()

    with open_regular(os.fsencode(path)) as (descriptor, stat):
        path.write_bytes(b"y" * 1000)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        with pytest.raises(ReadError, match="changed"):
            read_content(descriptor, os.fsencode(path), stat, LIMIT)


def test_a_file_replaced_by_a_rename_is_read_again(tmp_path: Path) -> None:
    path, other = tmp_path / "a.jpg", tmp_path / "b.jpg"
    path.write_bytes(b"x")
    other.write_bytes(b"y")

    with open_regular(os.fsencode(path)) as (descriptor, stat):
        os.link(path, tmp_path / "kept.jpg")
        fresh = type(stat).of(os.fstat(descriptor))
        os.rename(other, path)
        fresh = type(stat).of(os.fstat(descriptor))
        with pytest.raises(ReadError, match="replaced") as caught:
            read_content(descriptor, os.fsencode(path), fresh, LIMIT)

    assert caught.value.is_transient


def test_a_file_over_the_limit_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.mov"
    path.write_bytes(b"x" * 1000)

    with pytest.raises(ReadError, match="limit of 999") as caught:
        read(path, most_bytes=999)

    assert caught.value.stat is not None
    assert caught.value.bytes_read == 0


def test_a_sparse_file_of_8_tib_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.mov"
    path.touch()
    try:
        os.truncate(path, 8 << 40)
    except OSError as error:
        if error.errno != errno.EFBIG:
            raise
        os.truncate(path, 8 << 30)

    with pytest.raises(ReadError, match="sparse"):
        read(path, most_bytes=0)


@pytest.mark.parametrize(
    ("code", "is_transient"),
    [(errno.EIO, True), (errno.ESTALE, True), (errno.EBUSY, True), (errno.EACCES, False)],
)
def test_an_error_of_the_disk_is_told_with_what_was_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, is_transient: bool
) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"x")

    def fail(*_: object) -> bytes:
        raise OSError(code, "whatever")

    monkeypatch.setattr("twinlens.media.reading.os.read", fail)

    with pytest.raises(ReadError, match="not readable: " + os.strerror(code)) as caught:
        read(path)

    assert caught.value.stat is not None
    assert caught.value.is_transient is is_transient


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    before = set(os.listdir("/proc/self/fd"))

    for _ in range(3):
        with pytest.raises(ReadError):
            read(tmp_path / "missing.jpg")
        (tmp_path / "a.jpg").write_bytes(b"x")
        read(tmp_path / "a.jpg")

    assert set(os.listdir("/proc/self/fd")) == before


SECOND_NS = 1_000_000_000


@pytest.mark.parametrize(
    ("ctime_ns", "now_ns", "expected_ns"),
    [
        (7 * SECOND_NS, 7 * SECOND_NS + 300, SECOND_NS - 300),
        (8 * SECOND_NS, 9 * SECOND_NS, SECOND_NS),
        (7 * SECOND_NS + 5, 7 * SECOND_NS + 5, 10_000_000),
        (7 * SECOND_NS, 8 * SECOND_NS, 0),
        (7 * SECOND_NS + 5, 7 * SECOND_NS + 20_000_000, 0),
        (900 * SECOND_NS, 7 * SECOND_NS, 0),
    ],
    ids=["seconds", "seconds of FAT", "ticks", "later", "ticks later", "another clock"],
)
def test_reading_waits_until_a_later_write_would_show(
    tmp_path: Path, ctime_ns: int, now_ns: int, expected_ns: int
) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"x")
    slept: list[float] = []

    with open_regular(os.fsencode(path)) as (descriptor, stat):
        of_then = stat._replace(ctime_ns=ctime_ns)
        # The ctime that it looks at afterwards is not the one that was waited for.
        with suppress(ReadError):
            wait_until_sealed(descriptor, of_then, lambda: now_ns, slept.append)

    assert sum(slept) == pytest.approx(expected_ns / SECOND_NS)


def test_a_file_that_changes_while_reading_waits_is_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"x")

    with open_regular(os.fsencode(path)) as (descriptor, stat):
        now_ns = stat.ctime_ns
        with pytest.raises(ReadError, match=CHANGED) as caught:
            wait_until_sealed(
                descriptor, stat, lambda: now_ns, lambda seconds: os.truncate(path, 0)
            )

    assert caught.value.is_transient
