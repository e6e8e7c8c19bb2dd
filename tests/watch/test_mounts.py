"""Claims about reading the table of mounts."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinlens.watch.mounts import (
    Mount,
    current_mounts,
    is_network,
    mount_of,
    mount_of_descriptor,
    polling_reason,
    read_mounts,
)

_TABLE = r"""22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 master:2 - ext4 /dev/vda rw,discard
40 27 8:17 /photos /mnt/my\040photos\011x ro,relatime - ext4 /dev/sdb1 rw
41 27 0:50 / /mnt/nas rw - nfs4 nas:/with\040space rw,vers=4.2
42 41 0:51 / /mnt/nas/inner rw - fuse.sshfs me@host:/ rw
43 27 0:52 / /mnt/nas rw - tmpfs tmpfs rw
nonsense
44 27 x:y / /bad rw - ext4 /dev/x rw
"""


def _mount(filesystem: str) -> Mount:
    return Mount(b"/mnt", filesystem, "source", frozenset(), (0, 1))


def test_escapes_optional_fields_and_both_sets_of_options_are_read() -> None:
    mounts = {mount.mount_point: mount for mount in read_mounts(_TABLE)}

    assert len(mounts) == 5
    assert mounts[b"/"].filesystem == "ext4"
    assert mounts[b"/"].device == (254, 0)
    assert mounts[b"/"].options >= {"rw", "relatime", "discard"}
    spaced = mounts[b"/mnt/my photos\tx"]
    assert spaced.is_read_only
    assert "rw" not in spaced.options


def test_a_mount_point_may_hold_any_byte() -> None:
    point = b"/mnt/\xff\xe2\x80\xa8\x0c\x85"
    line = b"40 27 8:17 / " + point + b" rw - ext4 /dev/sdb1 rw\n"

    mounts = read_mounts(line.decode("utf-8", "surrogateescape"))

    assert [mount.mount_point for mount in mounts] == [point]


@given(st.text())
def test_no_text_breaks_the_reader(text: str) -> None:
    read_mounts(text.encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape"))


@pytest.mark.parametrize(
    ("path", "source"),
    [
        (b"/home/photos", "/dev/vda"),
        (b"/", "/dev/vda"),
        (b"/mnt/nasty", "/dev/vda"),
        (b"/mnt/nas/inner/deep", "me@host:/"),
        (b"/mnt/nas/other", "tmpfs"),
        (b"/mnt/my photos\tx/2020", "/dev/sdb1"),
    ],
)
def test_the_longest_and_last_mount_above_a_path_is_its_own(path: bytes, source: str) -> None:
    mount = mount_of(path, read_mounts(_TABLE))

    assert mount is not None
    assert mount.source == source


def test_a_path_without_a_table_has_no_mount() -> None:
    assert mount_of(b"/home", ()) is None


def test_an_open_folder_names_its_mount_through_links(tmp_path: os.PathLike[str]) -> None:
    link = os.path.join(tmp_path, "link")
    os.symlink("/proc", link)

    descriptor = os.open(link, os.O_RDONLY | os.O_DIRECTORY)
    try:
        mount = mount_of_descriptor(descriptor, current_mounts())
    finally:
        os.close(descriptor)

    assert mount is not None
    assert mount.filesystem == "proc"


@pytest.mark.parametrize(
    "filesystem",
    ["nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "fuse", "fuse.rclone", "9p", "virtiofs", "ceph"],
)
def test_what_others_can_change_is_polled_and_holds_no_database(filesystem: str) -> None:
    reason = polling_reason(_mount(filesystem))

    assert reason is not None
    assert filesystem in reason
    assert is_network(_mount(filesystem))


@pytest.mark.parametrize(
    "filesystem", ["ext4", "btrfs", "xfs", "zfs", "tmpfs", "overlay", "fuseblk", "vfat", "exfat"]
)
def test_a_local_file_system_gives_events_and_may_hold_a_database(filesystem: str) -> None:
    assert polling_reason(_mount(filesystem)) is None
    assert not is_network(_mount(filesystem))


def test_a_mount_that_is_not_known_is_polled() -> None:
    assert polling_reason(None) is not None
    assert not is_network(None)
