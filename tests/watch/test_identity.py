"""Claims about recognising a root."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from twinlens.errors import RootError
from twinlens.model.roots import RootIdentity, RootState
from twinlens.watch import identity as identity_module
from twinlens.watch.identity import check_root, identify

_PACKAGE = Path(identity_module.__file__).parents[2]


def _bytes(path: Path) -> bytes:
    return os.fsencode(path)


def test_a_root_is_recognised_again(tmp_path: Path) -> None:
    known = identify(_bytes(tmp_path))

    health = check_root(_bytes(tmp_path), known)

    assert health.state is RootState.ONLINE
    assert health.identity == known
    assert known.inode == tmp_path.stat().st_ino


def test_a_root_seen_for_the_first_time_is_online(tmp_path: Path) -> None:
    assert check_root(_bytes(tmp_path), None).state is RootState.ONLINE


def test_a_missing_root_is_unreachable(tmp_path: Path) -> None:
    health = check_root(_bytes(tmp_path / "none"), None)

    assert health.state is RootState.UNREACHABLE
    assert "missing" in health.detail
    assert health.identity is None


def test_a_file_or_a_link_is_no_root(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to(tmp_path)

    file = check_root(_bytes(tmp_path / "file"), None)
    link = check_root(_bytes(tmp_path / "link"), None)

    assert file.state is link.state is RootState.UNREACHABLE
    assert file.detail == "it is not a folder"
    assert "symbolic link" in link.detail


def test_identifying_a_missing_root_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(RootError, match="missing") as caught:
        identify(_bytes(tmp_path / "none"))

    assert "mounted" in caught.value.advice


def test_another_folder_at_the_path_is_a_change(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    known = identify(_bytes(root))
    root.rename(tmp_path / "old")
    root.mkdir()

    health = check_root(_bytes(root), known)

    assert health.state is RootState.CHANGED
    assert health.identity is not None
    assert health.identity.inode != known.inode


def _health_against(
    known: RootIdentity, now: RootIdentity, monkeypatch: pytest.MonkeyPatch
) -> RootState:
    monkeypatch.setattr(identity_module, "_look", lambda root: (now, None))
    return check_root(b"/root", known).state


_EXT4 = RootIdentity("abc123", 12, "ext4", "/dev/sda1")
_NFS = RootIdentity("0", 12, "nfs", "nas:/photos")
_SSHFS = RootIdentity("0", 12, "fuse.sshfs", "me@nas:/photos")


@pytest.mark.parametrize(
    ("known", "now", "state"),
    [
        (_EXT4, replace(_EXT4, source="/dev/sdb1"), RootState.ONLINE),
        (_EXT4, replace(_EXT4, filesystem="ext3"), RootState.ONLINE),
        (_EXT4, replace(_EXT4, fsid="def"), RootState.CHANGED),
        (_EXT4, replace(_EXT4, inode=13), RootState.CHANGED),
        (_EXT4, replace(_EXT4, filesystem="tmpfs"), RootState.CHANGED),
        (_NFS, replace(_NFS, filesystem="nfs4", source="nas:/photos/"), RootState.ONLINE),
        (_NFS, replace(_NFS, source="nas:/other"), RootState.CHANGED),
        (_NFS, replace(_NFS, inode=13), RootState.CHANGED),
        (_SSHFS, replace(_SSHFS, inode=99), RootState.ONLINE),
        (_SSHFS, replace(_SSHFS, source="me@other:/photos"), RootState.CHANGED),
        (_SSHFS, _EXT4, RootState.CHANGED),
    ],
)
def test_only_what_outlives_a_remount_is_compared(
    known: RootIdentity,
    now: RootIdentity,
    state: RootState,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert _health_against(known, now, monkeypatch) is state


def _in_own_mounts(script: str, folder: Path) -> str:
    done = subprocess.run(
        ["unshare", "-m", "--propagation", "private", sys.executable, "-c", script, str(folder)],
        env={**os.environ, "PYTHONPATH": str(_PACKAGE)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    if done.returncode:
        if any(word in done.stderr for word in ("mount", "unshare", "mkfs", "losetup")):
            pytest.skip(f"no mounts here: {done.stderr.strip()[-200:]}")
        raise AssertionError(done.stderr)
    return done.stdout


_REMOUNT = """
import os, subprocess, sys
from twinlens.watch.identity import check_root, identify
folder = sys.argv[1]
run = lambda *words: subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
root = os.path.join(folder, "mnt")
for name in ("mnt", "other"):
    os.mkdir(os.path.join(folder, name))
for name in ("one", "two"):
    image = os.path.join(folder, name + ".img")
    with open(image, "wb") as file:
        file.truncate(8 << 20)
    run("mkfs.ext4", "-q", "-F", image)
one, two = (os.path.join(folder, name + ".img") for name in ("one", "two"))
raw = os.fsencode(root)
empty = identify(raw)
run("mount", "-o", "loop", one, root)
known = identify(raw)
first = os.stat(root).st_dev
print(check_root(raw, known).state)
run("umount", root)
print(check_root(raw, known).state)
run("mount", "-o", "loop", two, os.path.join(folder, "other"))
run("mount", "-o", "loop", one, root)
print(check_root(raw, known).state, os.stat(root).st_dev == first)
run("umount", root)
run("umount", os.path.join(folder, "other"))
run("mount", "-o", "loop", two, root)
print(check_root(raw, known).state)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount")
def test_a_disk_is_recognised_after_a_remount_and_its_absence_or_exchange_is_seen(
    tmp_path: Path,
) -> None:
    lines = _in_own_mounts(_REMOUNT, tmp_path).splitlines()

    # Same disk; nothing mounted; the same disk under another device number; another disk.
    assert lines[0] == "online"
    assert lines[1] == "changed"
    assert lines[2] in ("online False", "online True")
    assert lines[3] == "changed"


_NOT_READABLE = """
import os, sys
from twinlens.watch.identity import check_root
os.chmod(sys.argv[1], 0)
os.setuid(65534)
health = check_root(os.fsencode(sys.argv[1]), None)
print(health.state, health.detail)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become somebody who is not")
def test_a_folder_that_may_not_be_read_is_unreachable() -> None:
    folder = subprocess.check_output(["mktemp", "-d"], text=True).strip()
    try:
        answer = _in_own_mounts(_NOT_READABLE, Path(folder))
    finally:
        os.rmdir(folder)

    assert answer == "unreachable the folder may not be read\n"
