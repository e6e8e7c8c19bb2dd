"""Claims about reading: a disk that spins has one reader, and no other disk waits for anybody."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.mounts import Mounts
from twinlens.ingest.limits import DiskReaders
from twinlens.ingest.reading_turns import ReadingTurns
from twinlens.model.files import Stat


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file on a real disk of its own."""
    with Mounts() as mounts:
        mounts.mount(mounts.new_disk(), tmp_path)
        folder = mounts.inside(tmp_path)
        (folder / "a.jpg").write_bytes(b"picture")
        yield folder / "a.jpg"
        mounts.unmount(tmp_path)


def set_spinning(path: Path, *, spins: bool) -> None:
    device = path.stat().st_dev
    folder = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}/queue")
    (folder / "rotational").write_text("1" if spins else "0")


def has_to_wait(lock: Path, path: Path, readers: DiskReaders) -> bool:
    """Whether a second worker cannot read the file while a first one does."""
    descriptor = os.open(path, os.O_RDONLY)
    stat = Stat.of(os.fstat(descriptor))
    first, second = ReadingTurns(str(lock), readers), ReadingTurns(str(lock), readers)
    had = threading.Event()

    def read() -> None:
        with second.of(descriptor, stat)():
            had.set()

    reader = threading.Thread(target=read, daemon=True)
    with first.of(descriptor, stat)():
        reader.start()
        waited = not had.wait(0.5)
    assert had.wait(10.0)
    reader.join()
    os.close(descriptor)
    first.close()
    second.close()
    return waited


@pytest.mark.parametrize("spins", [True, False])
def test_one_worker_at_a_time_reads_from_a_disk_that_spins(
    tmp_path_factory: pytest.TempPathFactory, disk: Path, spins: bool
) -> None:
    set_spinning(disk, spins=spins)
    lock = tmp_path_factory.mktemp("state") / "lock"

    assert has_to_wait(lock, disk, DiskReaders.AUTO) is spins
    assert has_to_wait(lock, disk, DiskReaders.ONE)
    assert not has_to_wait(lock, disk, DiskReaders.MANY)


def test_a_disk_of_which_nothing_is_known_is_read_by_all_unless_the_owner_says_otherwise(
    tmp_path: Path,
) -> None:
    path = Path("/dev/shm") / f"twinlens-{os.getpid()}"
    path.write_bytes(b"in memory")
    try:
        assert not has_to_wait(tmp_path / "lock", path, DiskReaders.AUTO)
        assert has_to_wait(tmp_path / "lock", path, DiskReaders.ONE)
    finally:
        path.unlink()
