"""Claims about what is found out of a file system: it is tried, not believed."""

import os
from pathlib import Path

import pytest

from support.mounts import Mounts
from twinlens.actions import kernel
from twinlens.actions.abilities import NEEDED, lacking, probe
from twinlens.model.actions import ActionKind


def test_every_file_system_here_can_put_into_the_trash_and_link(root: Path) -> None:
    abilities = probe(os.fsencode(root))

    assert lacking(ActionKind.TRASH, abilities) == []
    assert lacking(ActionKind.HARDLINK, abilities) == []
    assert list(root.iterdir()) == []


def test_blocks_can_be_shared_on_btrfs_and_xfs(sharing_root: Path) -> None:
    assert lacking(ActionKind.REFLINK, probe(os.fsencode(sharing_root))) == []


def test_what_is_missing_is_named_with_its_reason(
    local_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without(*arguments: object) -> None:
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(kernel, "exchange", without)
    missing = lacking(ActionKind.HARDLINK, probe(os.fsencode(local_root)))

    assert [(one.name, one.reason) for one in missing] == [("exchange", "Invalid argument")]
    assert lacking(ActionKind.TRASH, probe(os.fsencode(local_root))) == []


def test_all_that_is_needed_is_tried(local_root: Path) -> None:
    tried = {one.name for one in probe(os.fsencode(local_root))}

    assert {name for names in NEEDED.values() for name in names} <= tried


def test_a_folder_of_ours_that_is_in_use_stays(local_root: Path) -> None:
    (local_root / ".twinlens" / "trash").mkdir(parents=True)

    probe(os.fsencode(local_root))

    assert (local_root / ".twinlens" / "trash").is_dir()


def test_what_a_killed_try_left_is_removed_later_and_nothing_else(local_root: Path) -> None:
    old, young = (local_root / ".twinlens" / f"probe-{number:016x}" for number in (1, 2))
    for folder in (old, young):
        folder.mkdir(parents=True)
        (folder / "exchange-a").write_bytes(b"ours")
    strange = local_root / ".twinlens" / "probe-mine"
    strange.mkdir()
    (strange / "picture.jpg").write_bytes(b"not ours")
    for folder in (old, strange):
        os.utime(folder, (1, 1))

    probe(os.fsencode(local_root))

    assert not old.exists()
    assert (young / "exchange-a").exists()
    assert (strange / "picture.jpg").read_bytes() == b"not ours"


def test_a_root_that_is_read_only_says_so(tmp_path: Path) -> None:
    point = tmp_path / "photos"
    point.mkdir()
    with Mounts() as mounts:
        mounts.tmpfs(point)
        mounts.run("mount", "-o", "remount,ro", point)

        with pytest.raises(OSError, match="Read-only"):
            probe(os.fsencode(mounts.inside(point)))
