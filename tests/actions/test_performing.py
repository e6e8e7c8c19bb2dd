"""Claims about carrying out a step: what is captured is verified, and any doubt gives it back."""

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from support.acting import (
    MemoryJournal,
    SameDigest,
    act_as_nobody,
    contents_everywhere,
    step_for,
    tree,
)
from support.mounts import Mounts
from twinlens.actions import contents
from twinlens.actions.performing import perform
from twinlens.model.actions import ActionKind, Outcome, Place, StepState

PICTURE = b"a picture of the sea " * 9000
NEWER = b"the same picture, with a caption"
EXCHANGING = [ActionKind.TRASH, ActionKind.HARDLINK]


def two_copies(root: Path, content: bytes = PICTURE) -> None:
    (root / "holiday").mkdir(exist_ok=True)
    (root / "keep.jpg").write_bytes(content)
    shutil.copy2(root / "keep.jpg", root / "holiday" / "copy.jpg")


def act(
    root: Path,
    kind: ActionKind,
    reached: Callable[[str], None] = lambda point: None,
    *,
    content: bytes | None = None,
) -> tuple[Outcome, MemoryJournal]:
    step = step_for(root, "holiday/copy.jpg", "keep.jpg", kind, content=content)
    journal = MemoryJournal([step])
    (outcome,) = perform([step], journal, reached)
    return outcome, journal


def at(point: str, what: Callable[[], object]) -> Callable[[str], None]:
    """Does something once, when the action has come to a point."""
    left = [what]

    def reached(name: str) -> None:
        if name == point and left:
            left.pop()()

    return reached


def trashed(root: Path) -> list[bytes]:
    return [p.read_bytes() for p in (root / ".twinlens" / "trash").glob("*/*")]


def test_a_copy_goes_to_the_trash_of_its_own_root_whole(root: Path) -> None:
    two_copies(root)
    before = (root / "holiday" / "copy.jpg").stat()

    outcome, journal = act(root, ActionKind.TRASH)

    item = root / ".twinlens" / "trash" / f"{1:016x}" / "copy.jpg"
    assert outcome.state is StepState.DONE
    assert not (root / "holiday" / "copy.jpg").exists()
    assert item.read_bytes() == PICTURE
    assert (item.stat().st_ino, item.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert (root / "keep.jpg").read_bytes() == PICTURE
    assert [state for _, state in journal.history] == [StepState.INTENDED, StepState.DONE]


def test_a_copy_becomes_a_name_of_the_kept_file_and_the_old_one_stays_in_the_trash(
    root: Path,
) -> None:
    two_copies(root)
    before = tree(root)

    outcome, _ = act(root, ActionKind.HARDLINK)

    assert outcome.state is StepState.DONE
    assert (root / "holiday" / "copy.jpg").stat().st_ino == (root / "keep.jpg").stat().st_ino
    assert tree(root) == before
    assert trashed(root) == [PICTURE]


def test_blocks_are_shared_without_a_change_of_any_attribute(sharing_root: Path) -> None:
    root = sharing_root
    two_copies(root)
    os.utime(root / "holiday" / "copy.jpg", (1_000, 2_000))
    (root / "holiday" / "copy.jpg").chmod(0o604)
    os.setxattr(root / "holiday" / "copy.jpg", "user.note", b"from grandmother")
    before, inode = tree(root), (root / "holiday" / "copy.jpg").stat().st_ino

    outcome, _ = act(root, ActionKind.REFLINK)

    assert outcome.state is StepState.DONE, outcome.reason
    assert tree(root) == before
    assert (root / "holiday" / "copy.jpg").stat().st_ino == inode
    assert os.getxattr(root / "holiday" / "copy.jpg", "user.note") == b"from grandmother"
    assert not (root / ".twinlens").exists()


@pytest.mark.parametrize("content", [b"x", b"y" * 4097, b"z" * ((16 << 20) + 5)])
def test_blocks_of_any_length_are_shared(sharing_root: Path, content: bytes) -> None:
    two_copies(sharing_root, content)

    outcome, _ = act(sharing_root, ActionKind.REFLINK)

    assert outcome.state is StepState.DONE, outcome.reason
    assert (sharing_root / "holiday" / "copy.jpg").read_bytes() == content


def test_a_file_system_that_cannot_share_blocks_refuses_and_nothing_weaker_is_done(
    local_root: Path,
) -> None:
    two_copies(local_root)
    before = tree(local_root, with_trash=True)

    outcome, _ = act(local_root, ActionKind.REFLINK)

    if outcome.state is StepState.DONE:
        pytest.skip("the tests run on a file system that can share blocks")
    assert "cannot share blocks" in outcome.reason
    assert tree(local_root, with_trash=True) == before


def test_the_evidence_says_what_was_verified(local_root: Path) -> None:
    two_copies(local_root)

    outcome, _ = act(local_root, ActionKind.TRASH)

    told = outcome.evidence or {}
    assert told["victim_sha256"] == told["keeper_sha256"]
    assert told["bytes_are_equal"] is True
    assert told["were_locked"] is True
    assert told["victim"] != told["keeper"]


@pytest.mark.parametrize("kind", EXCHANGING)
@pytest.mark.parametrize("point", ["checked", "intended", "prepared"])
def test_a_file_replaced_before_the_capture_stays_where_it_was_saved(
    root: Path, kind: ActionKind, point: str
) -> None:
    two_copies(root)

    def save_newer() -> None:
        (root / "new.tmp").write_bytes(NEWER)
        os.replace(root / "new.tmp", root / "holiday" / "copy.jpg")

    outcome, _ = act(root, kind, at(point, save_newer))

    assert outcome.state is StepState.REFUSED
    assert (root / "holiday" / "copy.jpg").read_bytes() == NEWER
    assert (root / "keep.jpg").read_bytes() == PICTURE
    assert trashed(root) == []


@pytest.mark.parametrize("kind", EXCHANGING)
def test_of_two_saves_around_the_capture_both_are_kept_and_the_newest_is_at_the_path(
    root: Path, kind: ActionKind
) -> None:
    two_copies(root)
    target = root / "holiday" / "copy.jpg"

    def save(content: bytes) -> None:
        (root / "new.tmp").write_bytes(content)
        os.replace(root / "new.tmp", target)

    def reached(point: str) -> None:
        if point == "prepared":
            save(NEWER)
        if point == "doubted":
            save(b"the newest")

    outcome, _ = act(root, kind, reached)

    assert outcome.state is StepState.HELD
    assert target.read_bytes() == b"the newest"
    assert trashed(root) == [NEWER]


@pytest.mark.parametrize("kind", EXCHANGING)
def test_a_file_deleted_before_the_capture_is_not_brought_back(
    root: Path, kind: ActionKind
) -> None:
    two_copies(root)
    target = root / "holiday" / "copy.jpg"

    outcome, _ = act(root, kind, at("prepared", target.unlink))

    assert outcome.state is StepState.REFUSED
    assert not target.exists()
    assert trashed(root) == []


@pytest.mark.parametrize("kind", EXCHANGING)
@pytest.mark.parametrize("point", ["intended", "prepared", "captured"])
def test_without_the_kept_file_the_copy_goes_back(root: Path, kind: ActionKind, point: str) -> None:
    two_copies(root)

    outcome, _ = act(root, kind, at(point, (root / "keep.jpg").unlink))

    assert outcome.state in (StepState.REFUSED, StepState.HELD)
    assert (root / "holiday" / "copy.jpg").read_bytes() == PICTURE


@pytest.mark.parametrize("kind", list(ActionKind))
def test_a_file_that_somebody_writes_is_spared(root: Path, kind: ActionKind) -> None:
    two_copies(root)

    for name in ("keep.jpg", "holiday/copy.jpg"):
        with (root / name).open("r+b"):
            outcome, _ = act(root, kind)

        assert outcome.state is StepState.REFUSED
        assert "open for writing" in outcome.reason
    assert trashed(root) == []


@pytest.mark.parametrize("kind", EXCHANGING)
@pytest.mark.parametrize("name", ["keep.jpg", "holiday/copy.jpg"])
@pytest.mark.parametrize("point", ["intended", "prepared"])
def test_a_writer_that_comes_meanwhile_is_not_let_in_and_the_step_gives_way(
    local_root: Path, kind: ActionKind, name: str, point: str
) -> None:
    two_copies(local_root)

    def want_to_write() -> None:
        with pytest.raises(BlockingIOError):
            os.open(local_root / name, os.O_WRONLY | os.O_NONBLOCK)

    outcome, _ = act(local_root, kind, at(point, want_to_write))

    assert outcome.state is StepState.REFUSED
    assert "for writing" in outcome.reason
    assert (local_root / "holiday" / "copy.jpg").read_bytes() == PICTURE
    assert trashed(local_root) == []


def test_equal_hashes_with_unequal_bytes_are_noticed(
    local_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_copies(local_root)
    (local_root / "holiday" / "copy.jpg").write_bytes(PICTURE[:-1] + b"!")

    step = step_for(local_root, "holiday/copy.jpg", "keep.jpg", ActionKind.TRASH)
    same = SameDigest.step(step)
    monkeypatch.setattr(contents, "hashlib", SameDigest)
    (outcome,) = perform([same], MemoryJournal([same]))

    assert outcome.state is StepState.REFUSED
    assert "not equal" in outcome.reason


def test_equal_files_that_are_not_what_was_planned_are_spared(local_root: Path) -> None:
    two_copies(local_root)

    outcome, _ = act(local_root, ActionKind.TRASH, content=PICTURE[::-1])

    assert outcome.state is StepState.REFUSED
    assert "something else" in outcome.reason


@pytest.mark.parametrize("kind", list(ActionKind))
def test_two_names_of_one_file_are_no_pair(local_root: Path, kind: ActionKind) -> None:
    two_copies(local_root)
    (local_root / "holiday" / "copy.jpg").unlink()
    os.link(local_root / "keep.jpg", local_root / "holiday" / "copy.jpg")

    outcome, _ = act(local_root, kind)

    assert outcome.state is StepState.REFUSED
    assert "one file" in outcome.reason


@pytest.mark.parametrize("kind", EXCHANGING)
def test_a_copy_with_another_name_is_spared(local_root: Path, kind: ActionKind) -> None:
    two_copies(local_root)
    os.link(local_root / "holiday" / "copy.jpg", local_root / "elsewhere.jpg")

    outcome, _ = act(local_root, kind)

    assert outcome.state is StepState.REFUSED
    assert "another name" in outcome.reason


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda path: os.chmod(path, 0o600), "modes"),
        (lambda path: os.utime(path, (1, 1)), "times"),
        (lambda path: os.setxattr(path, "user.rating", b"5"), "user.rating"),
    ],
    ids=["mode", "mtime", "xattr"],
)
def test_files_with_unequal_attributes_do_not_become_one(
    local_root: Path, change: Callable[[Path], None], words: str
) -> None:
    two_copies(local_root)
    change(local_root / "holiday" / "copy.jpg")
    before = tree(local_root, with_trash=True)

    outcome, _ = act(local_root, ActionKind.HARDLINK)

    assert outcome.state is StepState.REFUSED
    assert words in outcome.reason
    assert tree(local_root, with_trash=True) == before


@pytest.mark.parametrize("point", ["checked", "prepared", "captured"])
@pytest.mark.parametrize("name", ["keep.jpg", "holiday/copy.jpg"])
def test_a_mode_that_is_changed_meanwhile_is_not_lost(
    local_root: Path, name: str, point: str
) -> None:
    two_copies(local_root)
    inode = (local_root / name).stat().st_ino

    def change() -> None:
        next(p for p in local_root.rglob("*.jpg") if p.stat().st_ino == inode).chmod(0o640)

    outcome, _ = act(local_root, ActionKind.HARDLINK, at(point, change))

    assert outcome.state is StepState.REFUSED
    assert "modes" in outcome.reason
    assert (local_root / name).stat().st_mode & 0o777 == 0o640
    assert trashed(local_root) == []


@pytest.mark.parametrize("target", ["keep.jpg", "holiday/copy.jpg", "holiday"])
def test_no_link_is_followed(local_root: Path, target: str) -> None:
    two_copies(local_root)
    (local_root / target).rename(local_root / "real")
    (local_root / target).symlink_to(local_root / "real")

    step = step_for(local_root, "holiday/copy.jpg", "keep.jpg", ActionKind.TRASH, content=PICTURE)
    (outcome,) = perform([step], MemoryJournal([step]))

    assert outcome.state is StepState.REFUSED
    assert "link" in outcome.reason or "folders" in outcome.reason
    assert trashed(local_root) == []


def test_a_trash_that_is_a_link_is_not_used(local_root: Path, tmp_path: Path) -> None:
    two_copies(local_root)
    (tmp_path / "elsewhere").mkdir()
    (local_root / ".twinlens").symlink_to(tmp_path / "elsewhere")

    outcome, _ = act(local_root, ActionKind.TRASH)

    assert outcome.state is StepState.REFUSED
    assert (local_root / "holiday" / "copy.jpg").read_bytes() == PICTURE
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_fifo_at_the_path_is_refused_and_does_not_hang(local_root: Path) -> None:
    two_copies(local_root)
    (local_root / "holiday" / "copy.jpg").unlink()
    os.mkfifo(local_root / "holiday" / "copy.jpg")

    outcome, _ = act(local_root, ActionKind.TRASH)

    assert outcome.state is StepState.REFUSED
    assert "regular file" in outcome.reason


@pytest.mark.parametrize("path", [b"../outside.jpg", b"/etc/passwd", b"a//b", b""])
def test_a_path_that_leads_out_of_the_root_is_refused(local_root: Path, path: bytes) -> None:
    two_copies(local_root)
    step = step_for(local_root, "holiday/copy.jpg", "keep.jpg", ActionKind.TRASH)
    victim = Place(os.fsencode(local_root), path)
    bad = replace(step, planned=replace(step.planned, victim=victim))

    (outcome,) = perform([bad], MemoryJournal([bad]))

    assert outcome.state is StepState.REFUSED


def test_names_of_any_bytes_and_of_full_length_are_acted_on(local_root: Path) -> None:
    (local_root / "keep.jpg").write_bytes(PICTURE)
    names = [b"\xff\xfe bad.jpg", b"x" * 255, b"-rf \n.jpg"]
    for name in names:
        with open(os.path.join(os.fsencode(local_root), name), "wb") as file:
            file.write(PICTURE)
    for kind in EXCHANGING:
        for number, name in enumerate(names):
            path = os.path.join(os.fsencode(local_root), name)
            if not os.path.exists(path):
                continue
            shutil.copystat(local_root / "keep.jpg", path)
            step = step_for(
                local_root, os.fsdecode(name), "keep.jpg", kind, number=number + len(kind) * 10
            )
            (outcome,) = perform([step], MemoryJournal([step]))
            assert outcome.state is StepState.DONE, outcome.reason


def test_a_mount_below_the_root_is_not_acted_on(tmp_path: Path) -> None:
    outer = tmp_path / "root"
    (outer / "holiday").mkdir(parents=True)
    with Mounts() as mounts:
        mounts.tmpfs(outer / "holiday")
        root = mounts.inside(outer)
        two_copies(root)

        outcome, _ = act(root, ActionKind.TRASH)

        assert outcome.state is StepState.REFUSED
        assert "mount" in outcome.reason
        assert (root / "holiday" / "copy.jpg").read_bytes() == PICTURE


def test_a_unit_is_carried_out_as_a_whole_or_not_at_all(root: Path) -> None:
    for folder in ("kept", "copies"):
        (root / folder).mkdir()
        (root / folder / "a.nef").write_bytes(PICTURE)
        (root / folder / "a.jpg").write_bytes(NEWER)
        (root / folder / "a.xmp").write_bytes(b"<xmp/>")
    before = tree(root)
    names = ("a.nef", "a.jpg", "a.xmp")
    unit = [
        step_for(root, f"copies/{name}", f"kept/{name}", ActionKind.TRASH, number=number)
        for number, name in enumerate(names, 1)
    ]
    journal = MemoryJournal(unit)

    def spoil() -> None:
        (root / "new").write_bytes(b"<xmp>edited</xmp>")
        os.replace(root / "new", root / "copies" / "a.xmp")

    outcomes = perform(unit, journal, at("checked", spoil))

    assert {one.state for one in outcomes} == {StepState.REFUSED}
    after = tree(root)
    assert after.pop("copies/a.xmp")[0] == b"<xmp>edited</xmp>"
    before.pop("copies/a.xmp")
    assert after == before

    (root / "copies" / "a.xmp").write_bytes(b"<xmp/>")
    again = MemoryJournal(unit)
    assert {one.state for one in perform(unit, again)} == {StepState.DONE}
    assert list((root / "copies").iterdir()) == []
    assert contents_everywhere(root) >= {PICTURE, NEWER, b"<xmp/>"}


def test_a_file_of_another_user_is_refused_in_words() -> None:
    said = act_as_nobody(ActionKind.TRASH)

    assert said.startswith("refused")
    assert "another user" in said


def test_an_immutable_file_is_refused_and_nothing_is_left(root: Path) -> None:
    two_copies(root)
    target = root / "holiday" / "copy.jpg"
    done = subprocess.run(["chattr", "+i", target], capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip("no immutable files here")
    try:
        outcomes = [act(root, kind)[0] for kind in EXCHANGING]
    finally:
        subprocess.run(["chattr", "-i", target], check=True)

    assert {one.state for one in outcomes} == {StepState.REFUSED}
    assert target.read_bytes() == PICTURE
    assert trashed(root) == []
    assert list((root / ".twinlens" / "trash").iterdir()) == []
