"""Claims about life under the unit's restrictions: all of it works, actions where they are let, and
without the drop-in nothing below a root can be written."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support import confined
from support.acting import tree
from support.daemon import Daemon, House, eventually, processes_below
from support.mounts import Mounts
from support.world import jpeg, raw

OTHER_USER, SHARED_GROUP = 1001, 4242


def fill(house: House, owner: int) -> None:
    """A photograph of two files twice over, of this user, in folders that the group can write."""
    for folder in ("2019", "copies of 2019"):
        (house.root / folder).mkdir()
        (house.root / folder / "IMG_1.jpg").write_bytes(jpeg(1))
        (house.root / folder / "IMG_1.nef").write_bytes(raw(1))
    for path in (house.root, *house.root.rglob("*")):
        os.chown(path, owner, SHARED_GROUP)
        path.chmod(0o2775 if path.is_dir() else 0o664)
        os.utime(path, (1_500_000_000, 1_500_000_000))


@contextmanager
def unit(
    house: House, capabilities: tuple[str, ...], *, may_write: bool = True
) -> Iterator[tuple[str, ...]]:
    """What starts a command as the unit would: only the house can be written to."""
    with Mounts() as mounts:
        for path in (house.folder, house.root) if not may_write else (house.folder,):
            mounts.bind(path, path)
        if not may_write:
            mounts.remount(house.root, "bind,ro")
        _close(mounts)
        yield (*mounts.prefix, *confined.prefix(capabilities, groups=str(SHARED_GROUP)))


def configure(house: House, action: str) -> None:
    house.configure(catalog={"action": action}, workers={"processes": 1})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("action", "owner"), [("trash", 65534), ("trash", OTHER_USER), ("hardlink", OTHER_USER)]
)
def test_an_action_its_undo_and_the_trash_work_under_the_unit_with_its_drop_in(
    open_house: House, action: str, owner: int
) -> None:
    house = open_house
    fill(house, owner)
    configure(house, action)
    before = tree(house.root)

    with unit(house, ("lease",)) as prefix:
        house.scan(prefix=prefix)
        rows = house.ask("doctor", prefix=prefix, codes=(0, 1))["checks"]
        done = house.ask("apply", prefix=prefix)
        undone = house.ask("undo", prefix=prefix)
        as_before = tree(house.root)
        house.ask("apply", prefix=prefix)
        emptied = house.ask("trash", "empty", "--at-once", prefix=prefix)

    assert [row["state"] for row in rows if row["check"] == "actions"] == ["ok"], rows
    assert done["done"] == 2, done
    assert len(undone["done"]) == 2
    assert as_before == before
    assert emptied["removed"] == 2, emptied
    assert list((house.root / ".twinlens" / "trash").iterdir()) == []
    assert (house.root / "2019" / "IMG_1.nef").read_bytes() == raw(1)


@pytest.mark.slow
def test_without_the_right_to_lease_files_of_another_user_are_refused_and_stay(
    open_house: House,
) -> None:
    house = open_house
    fill(house, OTHER_USER)
    configure(house, "trash")
    before = tree(house.root)

    with unit(house, ()) as prefix:
        house.scan(prefix=prefix)
        rows = house.ask("doctor", prefix=prefix, codes=(0, 1))["checks"]
        refused = house.ask("apply", prefix=prefix, codes=(1,))

    assert refused["done"] == 0
    assert "CAP_LEASE" in refused["steps"][0]["reason"]
    assert any("CAP_LEASE" in row["advice"] for row in rows if row["check"] == "actions")
    assert tree(house.root) == before


@pytest.mark.slow
def test_without_the_drop_in_nothing_below_a_root_can_be_written(open_house: House) -> None:
    house = open_house
    fill(house, 65534)
    configure(house, "trash")
    before = tree(house.root, with_trash=True)

    with unit(house, (), may_write=False) as prefix:
        house.scan(prefix=prefix)
        refused = house.ask("apply", prefix=prefix, codes=(1,))

    assert "Read-only file system" in refused["steps"][0]["reason"]
    assert tree(house.root, with_trash=True) == before


@pytest.mark.slow
def test_the_daemon_acts_under_the_unit_and_its_children_have_no_rights(open_house: House) -> None:
    house = open_house
    fill(house, OTHER_USER)
    configure(house, "trash")

    with unit(house, ("lease",)) as prefix, Daemon(house, prefix=prefix) as daemon:
        eventually(lambda: len(house.files()) == 4 and house.is_quiet(), 60.0)
        rights = {
            pid: _effective(pid)
            for pid in processes_below(daemon.pid)
            if _name(pid).startswith("python")
        }
        done = house.ask("apply", prefix=prefix)
        daemon.stop()

    assert done["done"] == 2, done
    assert rights.pop(daemon.pid) == 1 << 28, "the daemon itself has the right to lease"
    assert rights
    assert set(rights.values()) == {0}


@pytest.mark.slow
def test_blocks_are_shared_under_the_unit(open_house: House) -> None:
    house = open_house
    if shutil.which("mkfs.btrfs") is None:
        pytest.skip("mkfs.btrfs is not installed")
    configure(house, "reflink")
    with Mounts() as mounts:
        disk = mounts.new_disk(kind="btrfs")
        mounts.bind(house.folder, house.folder)
        mounts.mount(disk, house.root, kind="btrfs")
        inner = mounts.inside(house.root)
        outer, house.root = house.root, inner
        fill(house, OTHER_USER)
        house.root = outer
        # The image of the disk is open for writing, so that `/` cannot be read-only here.
        mounts.tmpfs(Path("/var/tmp"))
        prefix = (*mounts.prefix, *confined.prefix(("lease",), groups=str(SHARED_GROUP)))
        before = tree(inner)

        house.scan(prefix=prefix)
        done = house.ask("apply", prefix=prefix)

        assert done["done"] == 2, done
        assert tree(inner) == before
        assert not (inner / ".twinlens").exists()


def test_the_filter_of_the_unit_refuses_and_lets_through_what_it_says() -> None:
    script = (
        "import os, json\n"
        "said = {}\n"
        "for name, call in {'chown': lambda: os.chown('/', -1, -1), 'pid': os.getpid}.items():\n"
        "    try:\n"
        "        call(); said[name] = 'done'\n"
        "    except OSError as error:\n"
        "        said[name] = error.errno\n"
        "print(json.dumps(said))\n"
    )
    if os.geteuid() != 0:
        pytest.skip("only root can give up rights")
    done = subprocess.run(
        [*confined.prefix(), "python3", "-I", "-c", script],
        capture_output=True,
        text=True,
        check=True,
    )

    assert json.loads(done.stdout) == {"chown": 1, "pid": "done"}


def _close(mounts: Mounts) -> None:
    """ProtectSystem=strict and PrivateTmp=yes."""
    mounts.tmpfs(Path("/var/tmp"))
    mounts.remount(Path("/"), "bind,ro")


def _name(pid: int) -> str:
    return os.path.basename(os.readlink(f"/proc/{pid}/exe"))


def _effective(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("CapEff:"):
            return int(line.split()[1], 16)
    raise AssertionError("no CapEff")
