"""Claims about the kernel's memory of files: it is left as it was found."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.pictures import picture
from twinlens.host.page_cache import is_held, let_go
from twinlens.ingest.analyse import Analyst
from twinlens.ingest.limits import WorkerLimits
from twinlens.model.files import Look


@pytest.fixture
def photo(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    """A picture that lies on the disk and not in memory, and a descriptor that asks for it."""
    path = tmp_path / "a.jpg"
    path.write_bytes(picture(1, (640, 480)))
    descriptor = os.open(path, os.O_RDONLY)
    if not is_held(descriptor):
        pytest.skip("this kernel does not tell what it holds (cachestat, Linux 6.5)")
    os.fsync(descriptor)
    let_go(descriptor)
    if is_held(descriptor):
        pytest.skip("this file system lives in memory")
    yield path, descriptor
    os.close(descriptor)


def analyse(path: Path) -> None:
    analyst = Analyst(WorkerLimits())
    assert analyst.analyse(Look(os.fsencode(path))).sha256 is not None
    analyst.close()


def test_what_only_we_read_is_not_kept_in_memory(photo: tuple[Path, int]) -> None:
    path, descriptor = photo

    analyse(path)

    assert not is_held(descriptor)


def test_what_others_have_in_memory_stays_there(photo: tuple[Path, int]) -> None:
    path, descriptor = photo
    path.read_bytes()

    analyse(path)

    assert is_held(descriptor)


def test_what_is_not_on_the_disk_yet_stays_in_memory(photo: tuple[Path, int]) -> None:
    path, descriptor = photo
    path.write_bytes(b"new")

    analyse(path)

    assert is_held(descriptor)
    assert path.read_bytes() == b"new"
