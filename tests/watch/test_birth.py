"""The age of an inode, asked of a real file system."""

import os
import time
from pathlib import Path

import pytest

from twinlens.watch.birth import birth_ns


def test_a_renamed_file_keeps_its_birth(tmp_path: Path) -> None:
    before = time.time_ns()
    path = tmp_path / "a.jpg"
    path.write_bytes(b"x")
    born = birth_ns(os.fsencode(path))
    if born is None:
        pytest.skip("this file system does not tell when an inode was made")

    path.rename(tmp_path / "b.jpg")
    os.utime(tmp_path / "b.jpg", ns=(0, 0))

    assert birth_ns(os.fsencode(tmp_path / "b.jpg")) == born
    # The kernel's clock for inodes ticks a few milliseconds behind.
    assert before - 50_000_000 <= born <= time.time_ns()


def test_a_path_that_is_not_there_is_an_error_and_no_answer(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        birth_ns(os.fsencode(tmp_path / "none.jpg"))


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "link.jpg").symlink_to(tmp_path / "nowhere")

    assert birth_ns(os.fsencode(tmp_path / "link.jpg")) != 0
