"""Which disks a file system lies on, and which of them have to move an arm to read.

It reads sysfs alone, so neither a disk that sleeps nor a share that hangs is touched.
"""

import os
from dataclasses import dataclass
from pathlib import Path

_SYS = Path("/sys")


@dataclass(frozen=True, slots=True, order=True)
class Disk:
    """One disk: its device number (`os.makedev`), and whether the kernel says that it spins
    (queue/rotational, Documentation/ABI/stable/sysfs-block)."""

    number: int
    is_spinning: bool


def disks_under(device: int, source: str = "", sys: Path = _SYS) -> tuple[Disk, ...]:
    """The disks under a device, in order of their numbers; empty where that cannot be told.

    `device` is what `stat` reports. btrfs reports numbers that belong to no device, so `source`,
    what is mounted (proc(5), mountinfo), is looked up then. Partitions, RAID, LVM, encryption and
    caches are followed down. Network shares, ZFS and disks joined by FUSE name no device.
    """
    starts = _numbered(device, sys) or _named(source, sys)
    found: dict[Path, None] = {}
    while starts:
        below = starts.pop()
        if (below / "partition").exists():
            below = below.parent
        slaves = [link.resolve() for link in _listed(below / "slaves")]
        starts += slaves
        if not slaves:
            found[below] = None
    return tuple(sorted({disk for folder in found if (disk := _disk(folder)) is not None}))


def _numbered(device: int, sys: Path) -> list[Path]:
    folder = sys / "dev" / "block" / f"{os.major(device)}:{os.minor(device)}"
    return [folder.resolve()] if folder.exists() else []


def _named(source: str, sys: Path) -> list[Path]:
    if not source.startswith("/dev/"):
        return []
    # A service may see no devices, but it sees what the kernel calls them.
    name = os.path.basename(os.path.realpath(source))
    folders = [sys / "class" / "block" / name]
    if not folders[0].exists():
        names = (sys / "class" / "block").glob("dm-*/dm/name")
        folders = [text.parent.parent for text in names if _read(text) == name]
    members = [
        member.resolve()
        for folder in folders
        for twin in (sys / "fs" / "btrfs").glob(f"*/devices/{folder.name}")
        for member in _listed(twin.parent)
    ]
    return members or [folder.resolve() for folder in folders if folder.exists()]


def _disk(folder: Path) -> Disk | None:
    major, colon, minor = _read(folder / "dev").partition(":")
    if not (colon and major.isdecimal() and minor.isdecimal()):
        return None
    number = os.makedev(int(major), int(minor))
    return Disk(number, _read(folder / "queue" / "rotational") == "1")


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
