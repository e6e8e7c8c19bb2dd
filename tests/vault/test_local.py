"""Claims about a vault in a folder: rot, strays, marks, full disks, and every way of storing."""

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from support.mounts import Mounts
from twinlens.errors import VaultError
from twinlens.model.vault import Marker, PutHow, VaultSpec
from twinlens.vault.local import LocalVault
from twinlens.vault.naming import PARTS, key_of
from twinlens.vault.opening import opened
from twinlens.vault.protocol import SourceError, WrongBytesError

MARKER = Marker("5eed" * 8, "2026-01-01T00:00:00+00:00")
BYTES = b"the bytes of a picture " * 5000
SHA = hashlib.sha256(BYTES).hexdigest()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that is a vault."""
    folder = tmp_path / "vault"
    folder.mkdir()
    with LocalVault(folder, (PutHow.COPY,)) as vault:
        vault.make_marker(MARKER)
    return folder


def store(vault: LocalVault, path: Path, sha256: str = SHA, size: int = len(BYTES)) -> PutHow:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return vault.put(descriptor, sha256, size)
    finally:
        os.close(descriptor)


def picture(folder: Path) -> Path:
    path = folder / "picture.jpg"
    path.write_bytes(BYTES)
    return path


def objects(folder: Path) -> dict[str, bytes]:
    """Every file of the vault but its marker, by its path in it."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "twinlens-vault.json"
    }


def test_an_object_can_be_read_by_its_owner_alone_and_written_by_nobody(
    folder: Path, tmp_path: Path
) -> None:
    with LocalVault(folder, (PutHow.COPY,)) as vault:
        assert store(vault, picture(tmp_path)) is PutHow.COPY

    path = folder / key_of(SHA)
    assert stat.S_IMODE(path.stat().st_mode) == 0o444
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert objects(folder) == {key_of(SHA): BYTES}


def test_a_rotten_object_is_set_aside_and_stored_anew(folder: Path, tmp_path: Path) -> None:
    source = picture(tmp_path)
    with LocalVault(folder, (PutHow.COPY,)) as vault:
        store(vault, source)
        path = folder / key_of(SHA)
        path.chmod(0o644)
        path.write_bytes(b"rotten")

        assert store(vault, source) is PutHow.COPY

        assert path.read_bytes() == BYTES
        (aside,) = (folder / ".damaged").iterdir()
        assert aside.read_bytes() == b"rotten"


@pytest.mark.parametrize("what", ["link", "folder"])
def test_what_is_no_file_at_an_objects_name_is_not_taken_for_one(
    folder: Path, tmp_path: Path, what: str
) -> None:
    source = picture(tmp_path)
    path = folder / key_of(SHA)
    path.parent.mkdir(parents=True)
    if what == "link":
        path.symlink_to(source)
    else:
        path.mkdir()
    with LocalVault(folder, (PutHow.COPY,)) as vault:
        assert vault.size_of(SHA) is None
        assert vault.listing(SHA[:1]).strays == (key_of(SHA),)

        store(vault, source)

    assert path.is_file()
    assert not path.is_symlink()
    assert path.read_bytes() == BYTES


def test_what_does_not_belong_there_is_told_and_left(folder: Path, tmp_path: Path) -> None:
    (folder / "my letters").write_text("dear")
    (folder / "ab").write_text("a file where a folder should be")
    (folder / "cd" / "00").mkdir(parents=True)
    (folder / "cd" / "00" / "holiday.jpg").write_text("x")
    with LocalVault(folder, (PutHow.COPY,)) as vault:
        strays = {stray for part in PARTS for stray in vault.listing(part).strays}
        vault.tidy()

    assert strays == {"my letters", "ab", "cd/00/holiday.jpg"}
    assert (folder / "my letters").read_text() == "dear"


def test_the_marker_tells_an_empty_folder_and_another_vault_from_the_right_one(
    folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "other").mkdir()
    with LocalVault(tmp_path / "other", (PutHow.COPY,)) as other:
        other.make_marker(Marker("other", MARKER.made_at))

    with opened(VaultSpec(str(folder)), MARKER.identity) as vault:
        assert vault.marker() == MARKER
    for name, words in (("empty", "marker is missing"), ("other", "another vault"), ("no", "No ")):
        with (
            pytest.raises(VaultError, match=words),
            opened(VaultSpec(str(tmp_path / name)), MARKER.identity),
        ):
            raise AssertionError("it was opened")
    assert list((tmp_path / "empty").iterdir()) == []


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"twinlens_vault": 1}', b"\xff\xfe\x00"])
def test_a_torn_marker_is_an_error_and_no_absence(folder: Path, text: bytes) -> None:
    (folder / "twinlens-vault.json").write_bytes(text)

    with (
        pytest.raises(VaultError, match="cannot be read"),
        opened(VaultSpec(str(folder)), MARKER.identity),
    ):
        raise AssertionError("it was opened")


def test_a_file_of_the_library_that_cannot_be_read_is_no_fault_of_the_vault(folder: Path) -> None:
    with LocalVault(folder, (PutHow.COPY,)) as vault:
        descriptor = os.open("/proc/self/mem", os.O_RDONLY)
        try:
            with pytest.raises(SourceError) as caught:
                vault.put(descriptor, SHA, len(BYTES))
        finally:
            os.close(descriptor)

    assert caught.value.errno == errno.EIO
    assert objects(folder) == {}


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    point = tmp_path / "vault"
    point.mkdir()
    source = picture(tmp_path)
    with Mounts() as mounts:
        mounts.tmpfs(point, "64k")
        with LocalVault(mounts.inside(point), (PutHow.COPY,)) as vault:
            vault.make_marker(MARKER)
            with pytest.raises(VaultError, match="No space") as caught:
                store(vault, source)
            assert "make room" in caught.value.advice
            assert objects(mounts.inside(point)) == {}


def test_the_reserve_is_left_free(folder: Path, tmp_path: Path) -> None:
    there = os.statvfs(folder)
    reserve = there.f_bavail * there.f_frsize
    with (
        LocalVault(folder, (PutHow.COPY,), reserve) as vault,
        pytest.raises(VaultError, match="No space"),
    ):
        store(vault, picture(tmp_path))

    assert objects(folder) == {}


def test_a_hard_link_is_made_only_where_it_was_asked_for(folder: Path, tmp_path: Path) -> None:
    source = picture(tmp_path)
    mode = source.stat().st_mode
    with LocalVault(folder, (PutHow.REFLINK, PutHow.COPY)) as vault:
        store(vault, source)
        assert source.stat().st_nlink == 1
        (folder / key_of(SHA)).unlink()
    with LocalVault(folder, (PutHow.HARDLINK, PutHow.COPY)) as vault:
        assert store(vault, source) is PutHow.HARDLINK
        assert store(vault, source) is PutHow.HARDLINK

    assert (folder / key_of(SHA)).samefile(source)
    assert source.stat().st_mode == mode
    assert list((folder / ".unfinished").iterdir()) == []


def test_a_hard_link_that_was_written_through_is_noticed(folder: Path, tmp_path: Path) -> None:
    source = picture(tmp_path)
    with LocalVault(folder, (PutHow.HARDLINK,)) as vault:
        store(vault, source)
        source.write_bytes(b"edited in place")

        with pytest.raises(WrongBytesError):
            store(vault, source)

        assert vault.size_of(SHA) is None
    assert source.read_bytes() == b"edited in place"


def test_where_no_way_can_be_gone_it_says_so(tmp_path: Path) -> None:
    point = tmp_path / "vault"
    point.mkdir()
    with Mounts() as mounts:
        mounts.tmpfs(point)
        ways = (PutHow.REFLINK, PutHow.HARDLINK)
        with LocalVault(mounts.inside(point), ways) as vault:
            with pytest.raises(VaultError, match="none of the ways"):
                store(vault, picture(tmp_path))
            assert objects(mounts.inside(point)) == {}


@pytest.fixture
def btrfs(tmp_path: Path) -> Iterator[Path]:
    """A disk on which files can share their blocks."""
    point = tmp_path / "disk"
    point.mkdir()
    image = tmp_path / "disk.img"
    with image.open("wb") as file:
        file.truncate(128 << 20)
    with ExitStack() as stack:
        mounts = stack.enter_context(Mounts())
        try:
            mounts.run("mkfs.btrfs", "-q", "-f", image)
            mounts.run("mount", "-o", "loop", image, point)
        except AssertionError as error:
            pytest.skip(f"no btrfs here: {error}")
        yield mounts.inside(point)


def test_blocks_are_shared_where_that_was_asked_for_and_an_edit_stays_its_own(
    btrfs: Path,
) -> None:
    source = picture(btrfs)
    folder = btrfs / "vault"
    folder.mkdir()
    with LocalVault(folder, (PutHow.REFLINK, PutHow.COPY)) as vault:
        assert store(vault, source) is PutHow.REFLINK
        with source.open("r+b") as file:
            file.write(b"edited")

        assert (folder / key_of(SHA)).read_bytes() == BYTES


def test_leftovers_of_the_dead_are_removed_and_those_of_the_living_are_not(folder: Path) -> None:
    workshop = folder / ".unfinished"
    workshop.mkdir()
    dead, living = workshop / "4194305.aa", workshop / f"{os.getpid()}.bb"
    dead.write_bytes(b"x")
    living.write_bytes(b"y")

    with LocalVault(folder, (PutHow.COPY,)) as vault:
        assert vault.tidy() == 1

    assert not dead.exists()
    assert living.exists()
