"""Claims about taking an action back, and about removing from the trash for good."""

import os
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from support.acting import MemoryJournal, step_for, tree
from twinlens.actions import kernel
from twinlens.actions.emptying import purge
from twinlens.actions.performing import perform
from twinlens.actions.recovery import recover
from twinlens.actions.restoring import restore
from twinlens.actions.trash_items import notes
from twinlens.model.actions import ActionKind, Outcome, Place, Step, StepState

PICTURE = b"a picture of the sea " * 9000
IN_TRASH = [ActionKind.TRASH, ActionKind.HARDLINK]


class Acted:
    """A root with two copies, one of which was acted on."""

    def __init__(self, root: Path, kind: ActionKind) -> None:
        self.root = root
        self.copy = root / "holiday" / "copy.jpg"
        self.copy.parent.mkdir()
        (root / "keep.jpg").write_bytes(PICTURE)
        shutil.copy2(root / "keep.jpg", self.copy)
        self.before = tree(root)
        self.inode = self.copy.stat().st_ino
        step = step_for(root, "holiday/copy.jpg", "keep.jpg", kind)
        self.journal = MemoryJournal([step])
        (outcome,) = perform([step], self.journal)
        assert outcome.state is StepState.DONE

    @property
    def step(self) -> Step:
        return self.journal.steps[1]

    @property
    def trash(self) -> list[str]:
        folder = self.root / ".twinlens" / "trash"
        return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))

    def restore(self, *, make_folders: bool = False) -> Outcome:
        return restore(self.step, self.journal, make_folders=make_folders)

    def purge(self, *copies: str) -> Outcome:
        places = [Place(os.fsencode(self.root), os.fsencode(name)) for name in copies]
        return purge(self.step, self.journal, lambda sha256: places)


@pytest.mark.parametrize("kind", IN_TRASH)
def test_undone_the_tree_is_what_it_was(root: Path, kind: ActionKind) -> None:
    acted = Acted(root, kind)

    outcome = acted.restore()

    assert outcome.state is StepState.UNDONE
    assert tree(root) == acted.before
    assert acted.copy.stat().st_ino == acted.inode
    assert (root / "keep.jpg").stat().st_nlink == 1
    assert acted.trash == []


@pytest.mark.parametrize("kind", IN_TRASH)
def test_what_was_saved_at_the_path_since_stays_and_the_copy_comes_beside_it(
    root: Path, kind: ActionKind
) -> None:
    acted = Acted(root, kind)
    (root / "new").write_bytes(b"saved since")
    os.replace(root / "new", acted.copy)
    (root / "holiday" / "copy (restored).jpg").write_bytes(b"taken too")

    outcome = acted.restore()

    assert outcome.state is StepState.UNDONE
    assert acted.copy.read_bytes() == b"saved since"
    assert (root / "holiday" / "copy (restored).jpg").read_bytes() == b"taken too"
    assert (root / "holiday" / "copy (restored 2).jpg").read_bytes() == PICTURE
    assert "copy (restored 2).jpg" in outcome.reason
    assert acted.trash == []


def test_what_was_written_through_a_link_since_stays_at_its_path(root: Path) -> None:
    acted = Acted(root, ActionKind.HARDLINK)
    acted.copy.write_bytes(b"edited in place")

    outcome = acted.restore()

    assert outcome.state is StepState.UNDONE
    assert acted.copy.read_bytes() == b"edited in place"
    assert (root / "holiday" / "copy (restored).jpg").read_bytes() == PICTURE
    assert acted.trash == []


def test_a_link_that_is_the_last_name_of_the_kept_file_stays(root: Path) -> None:
    acted = Acted(root, ActionKind.HARDLINK)
    kept = (root / "keep.jpg").stat().st_ino
    (root / "keep.jpg").unlink()

    outcome = acted.restore()

    assert outcome.state is StepState.UNDONE
    assert acted.copy.stat().st_ino == kept
    assert (root / "holiday" / "copy (restored).jpg").stat().st_ino == acted.inode
    assert acted.trash == []


def test_the_last_name_is_noticed_in_the_moment_of_the_swap_too(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    acted = Acted(root, ActionKind.HARDLINK)
    exchange = kernel.exchange

    def after_a_deletion(*arguments: Any) -> None:
        (root / "keep.jpg").unlink(missing_ok=True)
        exchange(*arguments)

    monkeypatch.setattr(kernel, "exchange", after_a_deletion)
    outcome = acted.restore()

    assert outcome.state is StepState.UNDONE
    assert acted.copy.read_bytes() == PICTURE
    assert (root / "holiday" / "copy (restored).jpg").stat().st_ino == acted.inode
    assert acted.trash == []


def test_a_full_length_name_is_shortened_to_lie_beside_its_path(local_root: Path) -> None:
    name = "x" * 251 + ".jpg"
    (local_root / "keep.jpg").write_bytes(PICTURE)
    (local_root / name).write_bytes(PICTURE)
    step = step_for(local_root, name, "keep.jpg", ActionKind.TRASH)
    journal = MemoryJournal([step])
    perform([step], journal)
    (local_root / name).write_bytes(b"saved since")

    restore(journal.steps[1], journal)

    (beside,) = local_root.glob("x* (restored).jpg")
    assert len(beside.name) == 255
    assert beside.read_bytes() == PICTURE


def test_a_folder_that_is_gone_is_made_again_only_if_asked_for(
    local_root: Path, request: pytest.FixtureRequest
) -> None:
    acted = Acted(local_root, ActionKind.TRASH)
    acted.copy.parent.rmdir()
    local_root.chmod(0o2775)
    before = os.umask(0o077)  # the service's
    request.addfinalizer(lambda: os.umask(before))

    refused = acted.restore()
    assert refused.state is StepState.DONE
    assert "folder is gone" in refused.reason
    assert acted.restore(make_folders=True).state is StepState.UNDONE
    assert stat.S_IMODE(acted.copy.parent.stat().st_mode) == 0o2775
    assert acted.copy.read_bytes() == PICTURE


def test_bytes_written_to_a_file_in_the_trash_come_back_with_it_and_it_is_said(
    local_root: Path,
) -> None:
    acted = Acted(local_root, ActionKind.TRASH)
    (item,) = (local_root / ".twinlens" / "trash").glob("*/copy.jpg")
    item.write_bytes(b"a late writer")

    outcome = acted.restore()

    assert "while it was in the trash" in outcome.reason
    assert acted.copy.read_bytes() == b"a late writer"


def test_an_undo_twice_is_an_undo_once(local_root: Path) -> None:
    acted = Acted(local_root, ActionKind.TRASH)
    acted.restore()

    again = acted.restore()

    assert again.state is StepState.UNDONE
    assert "undone" in again.reason
    assert tree(local_root) == acted.before


def test_a_note_beside_each_item_tells_what_it_is_without_the_database(local_root: Path) -> None:
    acted = Acted(local_root, ActionKind.TRASH)

    (note,) = notes(os.fsencode(local_root))

    assert (note["path"], note["sha256"]) == ("holiday/copy.jpg", acted.step.planned.sha256)
    assert acted.trash == sorted(
        [f"{note['token']}.json", note["token"], f"{note['token']}/copy.jpg"]
    )


@pytest.mark.parametrize("kind", IN_TRASH)
def test_emptied_the_file_is_gone_and_its_content_is_not(root: Path, kind: ActionKind) -> None:
    acted = Acted(root, kind)

    outcome = acted.purge("keep.jpg")

    assert outcome.state is StepState.PURGED
    assert acted.trash == []
    assert (root / "keep.jpg").read_bytes() == PICTURE
    assert acted.restore().state is StepState.PURGED


def test_without_another_copy_nothing_is_removed(local_root: Path) -> None:
    acted = Acted(local_root, ActionKind.TRASH)
    (local_root / "keep.jpg").unlink()

    for copies in ((), ("keep.jpg",)):
        outcome = acted.purge(*copies)

        assert outcome.state is StepState.DONE
        assert "copy" in outcome.reason
    assert acted.restore().state is StepState.UNDONE


@pytest.mark.parametrize("content", [PICTURE[:-1] + b"!", PICTURE + b"!", b""])
def test_another_copy_that_differs_by_now_is_none(local_root: Path, content: bytes) -> None:
    acted = Acted(local_root, ActionKind.TRASH)
    (local_root / "keep.jpg").write_bytes(content)

    outcome = acted.purge("keep.jpg")

    assert outcome.state is StepState.DONE
    assert "not equal" in outcome.reason


def test_a_name_of_the_trashed_file_itself_is_no_other_copy(local_root: Path) -> None:
    acted = Acted(local_root, ActionKind.TRASH)
    (item,) = (local_root / ".twinlens" / "trash").glob("*/copy.jpg")
    os.link(item, local_root / "linked.jpg")

    outcome = acted.purge("linked.jpg", "keep.jpg")

    assert outcome.state is StepState.DONE
    assert "hard link" in outcome.reason


def test_what_somebody_has_taken_out_of_the_trash_comes_to_its_end(local_root: Path) -> None:
    acted = Acted(local_root, ActionKind.TRASH)
    shutil.rmtree(local_root / ".twinlens" / "trash")

    assert "not in the trash" in acted.restore().reason
    assert acted.step.state is StepState.DONE
    outcome = acted.purge("keep.jpg")

    assert outcome.state is StepState.PURGED
    assert "taken it out" in outcome.reason
    assert (local_root / "keep.jpg").read_bytes() == PICTURE


def test_the_trash_seen_through_another_mount_is_no_other_copy(local_root: Path) -> None:
    acted = Acted(local_root, ActionKind.TRASH)
    (item,) = (local_root / ".twinlens" / "trash").glob("*/copy.jpg")
    (item.parent / "beside.jpg").write_bytes(PICTURE)

    outcome = acted.purge(str(item.parent.relative_to(local_root) / "beside.jpg"))

    assert outcome.state is StepState.DONE
    assert "no other copy" in outcome.reason
    assert item.read_bytes() == PICTURE


def test_a_file_that_changed_in_the_trash_is_kept(local_root: Path) -> None:
    acted = Acted(local_root, ActionKind.TRASH)
    (item,) = (local_root / ".twinlens" / "trash").glob("*/copy.jpg")
    item.write_bytes(PICTURE[:-1] + b"!")

    outcome = acted.purge("keep.jpg")

    assert outcome.state is StepState.DONE
    assert "changed while it was in the trash" in outcome.reason


@pytest.mark.parametrize("name", ["keep.jpg", "trash"])
def test_nothing_is_removed_while_somebody_writes(local_root: Path, name: str) -> None:
    acted = Acted(local_root, ActionKind.TRASH)
    (item,) = (local_root / ".twinlens" / "trash").glob("*/copy.jpg")

    with (item if name == "trash" else local_root / name).open("r+b"):
        outcome = acted.purge("keep.jpg")

    assert outcome.state is StepState.DONE
    assert "open for writing" in outcome.reason


def test_what_is_held_is_never_removed_and_can_be_given_back(local_root: Path) -> None:
    acted = Acted(local_root, ActionKind.TRASH)
    acted.journal.record([Outcome(1, StepState.HELD, "captured something else")])

    assert acted.purge("keep.jpg").state is StepState.HELD
    assert acted.restore().state is StepState.UNDONE
    assert tree(local_root) == acted.before


@pytest.mark.parametrize("kind", IN_TRASH)
def test_a_recovery_with_nothing_open_does_nothing(local_root: Path, kind: ActionKind) -> None:
    acted = Acted(local_root, kind)
    before = tree(local_root, with_trash=True)

    assert recover(acted.journal) == []
    assert tree(local_root, with_trash=True) == before


def test_a_root_that_is_away_keeps_its_open_steps_for_later(local_root: Path) -> None:
    acted = Acted(local_root, ActionKind.TRASH)
    acted.journal.record([Outcome(1, StepState.INTENDED)])
    away = local_root.with_name("away")
    local_root.rename(away)

    assert recover(acted.journal) == []
    away.rename(local_root)
    (outcome,) = recover(acted.journal)

    assert outcome.state is StepState.REFUSED
    assert tree(local_root) == acted.before


def test_the_empty_folder_of_a_disk_that_is_not_mounted_ends_no_open_step(
    local_root: Path,
) -> None:
    acted = Acted(local_root, ActionKind.TRASH)
    for state in (StepState.INTENDED, StepState.UNDOING, StepState.PURGING):
        acted.journal.record([Outcome(1, state, evidence={"before": "done"})])
        local_root.rename(local_root.with_name("disk"))
        local_root.mkdir()

        assert recover(acted.journal, lambda root: "it is empty") == []

        assert acted.step.state is state
        local_root.rmdir()
        local_root.with_name("disk").rename(local_root)
    (outcome,) = recover(acted.journal)
    assert outcome.state is StepState.DONE


def test_a_copy_that_is_nowhere_is_not_said_to_be_as_it_was(local_root: Path) -> None:
    acted = Acted(local_root, ActionKind.TRASH)
    acted.journal.record([Outcome(1, StepState.INTENDED)])
    shutil.rmtree(local_root / ".twinlens")

    (outcome,) = recover(acted.journal)

    assert "not at its path nor in the trash" in outcome.reason


def test_hundreds_of_one_name_fit_into_the_trash(local_root: Path) -> None:
    (local_root / "keep.jpg").write_bytes(b"small")
    folders: Sequence[str] = [f"f{number}" for number in range(300)]
    for number, folder in enumerate(folders, 1):
        (local_root / folder).mkdir()
        (local_root / folder / "same.jpg").write_bytes(b"small")
        step = step_for(
            local_root, f"{folder}/same.jpg", "keep.jpg", ActionKind.TRASH, number=number
        )
        (outcome,) = perform([step], MemoryJournal([step]))
        assert outcome.state is StepState.DONE

    assert len(list((local_root / ".twinlens" / "trash").glob("*/same.jpg"))) == 300
