"""Section I, the trash: where it may not lie, names that collide, ways back that are blocked, late
writers, and a removal that races with a way back."""

import itertools
import os
import random
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from support.acting import MemoryJournal, contents_everywhere, step_for, tree
from support.daemon import PROGRAM, House
from support.mounts import Mounts
from support.pictures import picture
from twinlens.actions.emptying import purge
from twinlens.actions.performing import perform
from twinlens.actions.restoring import restore
from twinlens.model.actions import ActionKind, Outcome, Place, Step, StepState

PICTURE = b"a picture of the sea " * 9000
IN_TRASH = [ActionKind.TRASH, ActionKind.HARDLINK]
LONG = os.environ.get("TWINLENS_LONG") == "1"


class Acted:
    """A root with two copies, and what became of the action on one of them."""

    def __init__(self, root: Path, kind: ActionKind) -> None:
        self.root = root
        self.copy = root / "holiday" / "copy.jpg"
        self.copy.parent.mkdir(parents=True, exist_ok=True)
        (root / "keep.jpg").write_bytes(PICTURE)
        shutil.copy2(root / "keep.jpg", self.copy)
        self.before = tree(root)
        self._step = step_for(root, "holiday/copy.jpg", "keep.jpg", kind)
        self.journal = MemoryJournal([self._step])

    def act(self) -> Outcome:
        (outcome,) = perform([self._step], self.journal)
        return outcome

    @property
    def step(self) -> Step:
        return self.journal.steps[self._step.id]

    @property
    def item(self) -> Path:
        (found,) = (self.root / ".twinlens" / "trash").glob("*/copy.jpg")
        return found

    def restore(self, *, make_folders: bool = False) -> Outcome:
        return restore(self.step, self.journal, make_folders=make_folders)

    def purge(self, *copies: str) -> Outcome:
        return purge(self.step, self.journal, lambda sha256: self.places(copies))

    def places(self, names: Sequence[str]) -> list[Place]:
        return [Place(os.fsencode(self.root), os.fsencode(name)) for name in names]


@pytest.mark.parametrize("kind", IN_TRASH)
@pytest.mark.parametrize("which", [".twinlens", ".twinlens/trash"])
def test_i5_a_trash_that_is_a_link_is_refused_and_nothing_is_put_behind_it(
    tmp_path: Path, kind: ActionKind, which: str
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    acted = Acted(tmp_path / "photos", kind)
    link = acted.root / which
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(elsewhere)

    outcome = acted.act()

    assert outcome.state is StepState.REFUSED
    assert "not reached by folders alone" in outcome.reason or "link" in outcome.reason
    assert tree(acted.root) == acted.before
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize("kind", IN_TRASH)
@pytest.mark.parametrize("which", [".twinlens", ".twinlens/trash"])
def test_i5_a_trash_on_another_disk_is_refused_and_nothing_is_copied_there(
    tmp_path: Path, mounts: Mounts, kind: ActionKind, which: str
) -> None:
    point = tmp_path / "photos"
    (point / which).mkdir(parents=True)
    mounts.tmpfs(point / which)
    inside = Acted(mounts.inside(point), kind)

    outcome = inside.act()

    assert outcome.state is StepState.REFUSED
    assert "mount" in outcome.reason
    assert tree(inside.root) == inside.before
    files = [p for p in (mounts.inside(point) / which).rglob("*") if p.is_file()]
    assert files == [], "something was copied to the other disk"


@pytest.mark.parametrize("kind", IN_TRASH)
@pytest.mark.parametrize("lack", ["size=1m", "nr_inodes=16"])
def test_i5_on_a_full_disk_nothing_is_half_done_and_room_lets_it_go_on(
    tmp_path: Path, mounts: Mounts, kind: ActionKind, lack: str
) -> None:
    point = tmp_path / "photos"
    point.mkdir()
    mounts.run("mount", "-t", "tmpfs", "-o", lack, "tmpfs", point)
    acted = Acted(mounts.inside(point), kind)
    if lack.startswith("size"):
        ballast = [fill(acted.root / "ballast")]
    else:
        ballast = list(use_inodes(acted.root))
    before = tree(acted.root)

    outcome = acted.act()

    assert outcome.state is StepState.REFUSED
    assert "full" in outcome.reason, outcome.reason
    assert tree(acted.root) == before
    left = [p for p in (acted.root / ".twinlens").rglob("*") if not p.is_dir()]
    assert left == [], "something was left that nobody will look for"

    for path in ballast:
        path.unlink()
    again = Acted(acted.root, kind)
    assert again.act().state is StepState.DONE
    assert again.restore().state is StepState.UNDONE
    assert again.copy.read_bytes() == PICTURE


def fill(path: Path) -> Path:
    """Write until no byte fits any more."""
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError:
            return path


def use_inodes(folder: Path) -> list[Path]:
    """Make empty files until there are no more."""
    made = []
    for number in itertools.count():
        path = folder / f"ballast {number}"
        try:
            path.touch(exist_ok=False)
        except OSError:
            return made
        made.append(path)
    raise AssertionError("there is no end of inodes")


def test_i6_any_number_of_files_of_one_name_fit_into_the_trash(tmp_path: Path) -> None:
    many = 10_000 if LONG else 120
    root = tmp_path / "photos"
    root.mkdir()
    journal = MemoryJournal()
    for number in range(many):
        for folder in ("keep", f"{number}"):
            (root / folder).mkdir(exist_ok=True)
        kept, name = f"keep/{number}.jpg", f"{number}/IMG_0001.jpg"
        (root / kept).write_bytes(b"picture %d" % number)
        shutil.copy2(root / kept, root / name)
        step = step_for(root, name, kept, ActionKind.TRASH, number=number + 1)
        journal.steps[step.id] = step
        (outcome,) = perform([step], journal)
        assert outcome.state is StepState.DONE

    items = sorted((root / ".twinlens" / "trash").glob("*/IMG_0001.jpg"))
    assert {item.read_bytes() for item in items} == {b"picture %d" % n for n in range(many)}
    for number in random.Random(1).sample(range(many), 20):
        assert restore(journal.steps[number + 1], journal).state is StepState.UNDONE
        assert (root / f"{number}" / "IMG_0001.jpg").read_bytes() == b"picture %d" % number


@pytest.mark.parametrize("kind", IN_TRASH)
def test_i7_what_stands_at_the_path_is_never_overwritten_by_a_way_back(
    tmp_path: Path, kind: ActionKind
) -> None:
    acted = Acted(tmp_path / "photos", kind)
    assert acted.act().state is StepState.DONE
    (acted.root / "new").write_bytes(b"saved since")
    os.replace(acted.root / "new", acted.copy)

    outcome = acted.restore()

    assert outcome.state is StepState.UNDONE
    assert "copy (restored).jpg" in outcome.reason
    assert acted.copy.read_bytes() == b"saved since"
    assert acted.copy.with_name("copy (restored).jpg").read_bytes() == PICTURE


@pytest.mark.parametrize("kind", IN_TRASH)
@pytest.mark.parametrize("blocked", ["a folder at the path", "a file where its folder was"])
def test_i7_a_way_back_that_is_blocked_keeps_the_file(
    tmp_path: Path, kind: ActionKind, blocked: str
) -> None:
    acted = Acted(tmp_path / "photos", kind)
    assert acted.act().state is StepState.DONE
    shutil.rmtree(acted.copy.parent)
    if blocked.startswith("a file"):
        acted.copy.parent.write_bytes(b"a file now")
    else:
        acted.copy.mkdir(parents=True)

    outcome = acted.restore(make_folders=True)

    everywhere = tree(acted.root, with_trash=True)
    outside_of_keep = [data for path, (data, *_) in everywhere.items() if path != "keep.jpg"]
    assert PICTURE in outside_of_keep, "the file that was to come back is nowhere"
    if blocked.startswith("a file"):
        assert outcome.state is StepState.DONE
        assert outcome.reason
        assert acted.copy.parent.read_bytes() == b"a file now"


def test_i7_a_folder_that_is_gone_is_made_again_on_request_only(tmp_path: Path) -> None:
    acted = Acted(tmp_path / "photos", ActionKind.TRASH)
    acted.act()
    acted.copy.parent.rmdir()

    refused = acted.restore()
    assert refused.state is StepState.DONE
    assert "folder is gone" in refused.reason
    assert acted.item.read_bytes() == PICTURE

    assert acted.restore(make_folders=True).state is StepState.UNDONE
    assert acted.copy.read_bytes() == PICTURE


@pytest.mark.parametrize("kind", IN_TRASH)
def test_i4_bytes_written_to_a_file_in_the_trash_are_never_removed(
    tmp_path: Path, kind: ActionKind
) -> None:
    acted = Acted(tmp_path / "photos", kind)
    assert acted.act().state is StepState.DONE
    with acted.item.open("r+b") as late:
        late.write(b"late")
        while_open = acted.purge("keep.jpg")
    status = acted.item.stat()
    os.utime(acted.item, ns=(status.st_atime_ns, 1_500_000_000_000_000_000))

    after = acted.purge("keep.jpg")

    assert "writ" in while_open.reason
    assert "changed while it was in the trash" in after.reason
    assert after.state is StepState.DONE
    assert acted.item.read_bytes() == b"late" + PICTURE[4:]
    assert (acted.root / "keep.jpg").read_bytes() == PICTURE
    back = acted.restore()
    assert back.state is StepState.UNDONE
    assert b"late" + PICTURE[4:] in contents_everywhere(acted.root)


def test_i11_a_way_back_restores_mode_times_and_attributes(tmp_path: Path) -> None:
    acted = Acted(tmp_path / "photos", ActionKind.TRASH)
    acted.copy.chmod(0o604)
    os.utime(acted.copy, (1_000, 2_000))
    os.setxattr(acted.copy, "user.note", b"from grandmother")
    before, inode = tree(acted.root), acted.copy.stat().st_ino
    assert acted.act().state is StepState.DONE

    assert acted.restore().state is StepState.UNDONE

    assert tree(acted.root) == before
    assert acted.copy.stat().st_ino == inode
    assert os.getxattr(acted.copy, "user.note") == b"from grandmother"


@pytest.mark.parametrize("what", ["mode", "mtime", "xattr"])
def test_i11_files_that_differ_in_an_attribute_do_not_become_one(tmp_path: Path, what: str) -> None:
    acted = Acted(tmp_path / "photos", ActionKind.HARDLINK)
    if what == "mode":
        acted.copy.chmod(0o604)
    elif what == "mtime":
        os.utime(acted.copy, (1_000, 2_000))
    else:
        os.setxattr(acted.copy, "user.note", b"from grandmother")
    before = tree(acted.root)

    outcome = acted.act()

    assert outcome.state is StepState.REFUSED
    assert tree(acted.root) == before
    assert acted.copy.stat().st_nlink == 1


def test_i11_a_way_back_from_a_link_gives_each_path_what_it_had(tmp_path: Path) -> None:
    acted = Acted(tmp_path / "photos", ActionKind.HARDLINK)
    assert acted.act().state is StepState.DONE
    # The owner changes what both paths now are; the one that comes back is as it was.
    (acted.root / "keep.jpg").chmod(0o600)

    assert acted.restore().state is StepState.UNDONE

    assert tree(acted.root)["holiday/copy.jpg"] == acted.before["holiday/copy.jpg"]
    assert acted.copy.stat().st_ino != (acted.root / "keep.jpg").stat().st_ino


@pytest.mark.parametrize("kind", IN_TRASH)
def test_i16_of_a_removal_and_a_way_back_at_once_one_happens(
    tmp_path: Path, kind: ActionKind
) -> None:
    seen = set()
    chance = random.Random(5)
    for number in range(40):
        # Now the one has a little start, and now the other.
        late = chance.random() * 0.005
        acted = Acted(tmp_path / str(number), kind)
        assert acted.act().state is StepState.DONE
        start, go = os.pipe()
        child = os.fork()
        if child == 0:
            os.read(start, 1)
            time.sleep(late if number % 2 else 0.0)
            back = acted.restore()
            os._exit(0 if back.state is StepState.UNDONE else 1)
        os.write(go, b"!")
        time.sleep(0.0 if number % 2 else late)
        removed = acted.purge("keep.jpg").state is StepState.PURGED
        _, status = os.waitpid(child, 0)
        os.close(start)
        os.close(go)
        is_back = os.waitstatus_to_exitcode(status) == 0

        assert (acted.root / "keep.jpg").read_bytes() == PICTURE
        if is_back:
            assert acted.copy.read_bytes() == PICTURE
        if not removed and not is_back:
            assert acted.item.read_bytes() == PICTURE
        seen.add((removed, is_back))
    assert len(seen) > 1, f"this was no race: {seen}"


def test_i16_a_removal_and_a_way_back_asked_for_at_once_come_one_after_the_other(
    house: House,
) -> None:
    house.configure(catalog={"action": "trash"})
    for name in ("one.jpg", "copy.jpg"):
        (house.root / name).write_bytes(picture(1))
    house.scan()
    assert house.ask("apply")["done"] == 1
    both = [
        subprocess.Popen(
            [*PROGRAM, "--config", str(house.config), *words, "--json"],
            env=house.environ(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for words in (("trash", "empty", "--at-once"), ("undo",))
    ]
    told = [process.communicate(timeout=60) for process in both]

    assert all("Traceback" not in error for _, error in told), told
    is_removed = '"removed": 1' in told[0][0]
    is_back = len(list(house.root.glob("*.jpg"))) == 2
    assert not (is_removed and is_back), told
    assert [path.read_bytes() for path in house.root.glob("*.jpg")] == [picture(1)] * (1 + is_back)
    left = house.ask("trash", "list")["items"]
    assert len(left) == (0 if is_removed or is_back else 1)
