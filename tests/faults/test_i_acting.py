"""Section I, while something is acted on: owners who save, delete, hold and run the very files,
and file systems that cannot do what is needed."""

import errno
import os
import random
import re
import shutil
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import twinlens
from support.acting import MemoryJournal, contents_everywhere, step_for, tree
from support.fault_folder import FaultFolder
from support.mounts import Mounts
from twinlens.actions.abilities import lacking, probe
from twinlens.actions.performing import perform
from twinlens.actions.restoring import restore
from twinlens.model.actions import ActionKind, Outcome, Step, StepState

PICTURE = b"a picture of the sea " * 9000
NEWER = b"the same picture, with a caption"
EXCHANGING = [ActionKind.TRASH, ActionKind.HARDLINK]
POINTS = ["checked", "intended", "prepared", "captured", "verified"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with two copies of one picture."""
    root = tmp_path / "photos"
    put_two_copies(root)
    return root


def put_two_copies(root: Path) -> None:
    (root / "holiday").mkdir(parents=True)
    (root / "keep.jpg").write_bytes(PICTURE)
    shutil.copy2(root / "keep.jpg", root / "holiday" / "copy.jpg")


def act(
    root: Path, kind: ActionKind, reached: Callable[[str], None] = lambda point: None
) -> tuple[Outcome, Step]:
    step = step_for(root, "holiday/copy.jpg", "keep.jpg", kind)
    journal = MemoryJournal([step])
    (outcome,) = perform([step], journal, reached)
    return outcome, journal.steps[step.id]


def save(path: Path, content: bytes) -> None:
    """As programs save: a new file is renamed over the old one."""
    new = path.with_name("new.tmp")
    new.write_bytes(content)
    os.replace(new, path)


@pytest.mark.parametrize("kind", EXCHANGING)
@pytest.mark.parametrize("point", POINTS)
def test_i1_a_copy_saved_anew_at_any_moment_is_where_it_was_saved(
    root: Path, kind: ActionKind, point: str
) -> None:
    copy = root / "holiday" / "copy.jpg"

    outcome, _ = act(root, kind, lambda at: save(copy, NEWER) if at == point else None)

    assert copy.read_bytes() == NEWER
    assert contents_everywhere(root) >= {PICTURE, NEWER}
    if point in ("checked", "intended", "prepared"):
        assert outcome.state is StepState.REFUSED


@pytest.mark.parametrize("kind", EXCHANGING)
def test_i1_of_saves_that_race_with_actions_none_is_lost(tmp_path: Path, kind: ActionKind) -> None:
    """The form of a minute's length, with a thousand saves, is in tests/actions."""
    chance = random.Random(3)
    refused = done = 0
    for number in range(60):
        root = tmp_path / str(number)
        put_two_copies(root)
        content = NEWER + str(number).encode()
        begun = threading.Event()

        def owner(path: Path, content: bytes, wait: float, begun: threading.Event) -> None:
            begun.wait()
            threading.Event().wait(wait)
            save(path, content)

        path = root / "holiday" / "copy.jpg"
        # An action takes some milliseconds, and more on a machine that has much to do.
        pause = chance.random() ** 2 * 0.15
        thread = threading.Thread(target=owner, args=(path, content, pause, begun))
        thread.start()
        begun.set()
        outcome, _ = act(root, kind)
        thread.join()
        assert path.read_bytes() == content, outcome
        assert contents_everywhere(root) >= {PICTURE, content}
        done += outcome.state is StepState.DONE
        refused += outcome.state is not StepState.DONE
    assert done, "no save came after an action: this was no race"
    assert refused, "no save came into an action: this was no race"


@pytest.mark.parametrize("kind", EXCHANGING)
@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("how", ["deleted", "replaced"])
def test_i2_when_the_kept_file_goes_its_content_stays(
    root: Path, kind: ActionKind, point: str, how: str
) -> None:
    keeper = root / "keep.jpg"

    def interfere(at: str) -> None:
        if at == point and how == "deleted":
            keeper.unlink()
        elif at == point:
            save(keeper, NEWER)

    outcome, _ = act(root, kind, interfere)

    assert PICTURE in contents_everywhere(root), "the last copy was acted on"
    if point != "verified":
        assert outcome.state in (StepState.REFUSED, StepState.HELD)
        assert (root / "holiday" / "copy.jpg").read_bytes() == PICTURE
    if how == "replaced":
        assert keeper.read_bytes() == NEWER


@pytest.mark.parametrize("kind", EXCHANGING)
def test_i2_nobody_is_let_in_to_write_to_the_kept_file_meanwhile(
    root: Path, kind: ActionKind
) -> None:
    met: list[str] = []

    def want_to_write(at: str) -> None:
        if at in ("intended", "prepared"):
            with pytest.raises(BlockingIOError):
                os.open(root / "keep.jpg", os.O_WRONLY | os.O_NONBLOCK)
            met.append(at)

    outcome, _ = act(root, kind, want_to_write)

    assert met
    assert outcome.state is StepState.REFUSED
    assert (root / "holiday" / "copy.jpg").read_bytes() == PICTURE


@pytest.mark.parametrize("kind", EXCHANGING)
@pytest.mark.parametrize("is_one_unit", [True, False])
def test_i3_a_plan_that_names_every_copy_leaves_one(
    root: Path, kind: ActionKind, is_one_unit: bool
) -> None:
    one = step_for(root, "holiday/copy.jpg", "keep.jpg", kind, number=1)
    other = step_for(root, "keep.jpg", "holiday/copy.jpg", kind, number=2)
    journal = MemoryJournal([one, other])

    units = [[one, other]] if is_one_unit else [[one], [other]]
    outcomes = [outcome for unit in units for outcome in perform(unit, journal)]

    live = [data for data, _, _ in tree(root).values()]
    assert PICTURE in live, "no copy was left outside of the trash"
    if is_one_unit:
        assert {outcome.state for outcome in outcomes} == {StepState.REFUSED}
        assert live == [PICTURE, PICTURE]
    else:
        assert outcomes[1].state is StepState.REFUSED


def test_i3_a_file_is_never_its_own_kept_copy(root: Path) -> None:
    os.link(root / "keep.jpg", root / "second name.jpg")
    for victim in ("keep.jpg", "second name.jpg"):
        step = step_for(root, victim, "keep.jpg", ActionKind.TRASH)
        (outcome,) = perform([step], MemoryJournal([step]))
        assert outcome.state is StepState.REFUSED
    assert len(tree(root)) == 3


@pytest.mark.parametrize("kind", EXCHANGING)
def test_i4_a_writer_that_has_the_copy_open_before_is_noticed_and_keeps_its_file(
    root: Path, kind: ActionKind
) -> None:
    copy = root / "holiday" / "copy.jpg"
    with copy.open("r+b") as writer:
        outcome, _ = act(root, kind)
        writer.seek(0)
        writer.write(b"late")

    assert outcome.state is StepState.REFUSED
    assert "open for writing" in outcome.reason
    assert copy.read_bytes().startswith(b"late")
    assert (root / "keep.jpg").read_bytes() == PICTURE


def test_i8_a_rename_onto_another_name_of_the_same_file_leaves_nothing_behind(root: Path) -> None:
    """POSIX: renaming one name of a file onto another of it does nothing, and says that it did."""
    outcome, step = act(root, ActionKind.TRASH)
    assert outcome.state is StepState.DONE
    (item,) = (root / ".twinlens" / "trash").glob("*/copy.jpg")
    copy = root / "holiday" / "copy.jpg"
    os.link(item, copy)

    back = restore(step, MemoryJournal([step]))

    assert back.state is StepState.UNDONE
    assert copy.read_bytes() == PICTURE
    beside = root / "holiday" / "copy (restored).jpg"
    assert beside.stat().st_ino == copy.stat().st_ino
    assert not item.parent.exists(), "an item that was given back stays in the trash"
    assert sorted(tree(root)) == ["holiday/copy (restored).jpg", "holiday/copy.jpg", "keep.jpg"]


def test_i9_where_names_cannot_be_exchanged_nothing_weaker_is_done(
    tmp_path: Path, mounts: Mounts
) -> None:
    behind, point = tmp_path / "behind", tmp_path / "share"
    point.mkdir()
    put_two_copies(behind)
    before = tree(behind, with_trash=True)
    with FaultFolder(mounts, behind, point) as share:
        # What ntfs-3g answers.
        share.order({"call": "rename", "path": "*", "error": errno.EINVAL})
        found = probe(os.fsencode(share.inside))
        missing = {one.name for one in lacking(ActionKind.HARDLINK, found)}
        assert "exchange" in missing, found
        outcome, _ = act(share.inside, ActionKind.HARDLINK)
        in_trash, _ = act(share.inside, ActionKind.TRASH)
    for each in (outcome, in_trash):
        assert each.state is StepState.REFUSED, each
        assert each.reason
    assert tree(behind, with_trash=True) == before


def test_i12_a_call_that_overwrites_unseen_is_nowhere_in_the_program() -> None:
    """FICLONE replaces what is in the file, whatever it is; FIDEDUPERANGE compares first."""
    source = Path(twinlens.__file__).parent
    ficlone, ficlonerange = 0x40049409, 0x4020940D
    found = [
        path
        for path in source.rglob("*.py")
        if path.parent.name != "vault"  # new files of its own: nothing of the owner's below
        and re.search(rf"FICLONE|{ficlone:#x}|{ficlonerange:#x}|{ficlone}|{ficlonerange}",
                      path.read_text(encoding="utf-8"), re.IGNORECASE)
    ]  # fmt: skip
    assert found == []


def test_i12_a_file_that_changes_just_before_its_blocks_are_shared_keeps_its_bytes(
    tmp_path: Path, mounts: Mounts
) -> None:
    point = tmp_path / "disk"
    point.mkdir()
    mounts.mount(mounts.new_disk(128, "btrfs"), point, "btrfs")
    for number, moment in enumerate(("checked", "intended", "prepared", None)):
        root = mounts.inside(point) / str(number)
        put_two_copies(root)
        copy = root / "holiday" / "copy.jpg"

        def interfere(at: str, copy: Path = copy, moment: str | None = moment) -> None:
            if at == moment:
                save(copy, PICTURE.replace(b"sea", b"sky"))

        outcome, _ = act(root, ActionKind.REFLINK, interfere)

        is_left_alone = moment is None
        assert outcome.state is (StepState.DONE if is_left_alone else StepState.REFUSED)
        if not is_left_alone:
            assert copy.read_bytes() == PICTURE.replace(b"sea", b"sky")
        assert (root / "keep.jpg").read_bytes() == PICTURE


@pytest.mark.parametrize("kind", EXCHANGING)
def test_i13_a_copy_that_is_being_run_goes_on_running_and_can_be_given_back(
    tmp_path: Path, kind: ActionKind
) -> None:
    root = tmp_path / "photos"
    (root / "holiday").mkdir(parents=True)
    program = shutil.which("sleep")
    assert program is not None
    shutil.copy2(program, root / "keep.jpg")
    shutil.copy2(program, root / "holiday" / "copy.jpg")
    before = tree(root)
    running = subprocess.Popen([root / "holiday" / "copy.jpg", "60"])
    try:
        outcome, step = act(root, kind)
        assert running.poll() is None, "the program died of it"
        if outcome.state is StepState.DONE:
            assert restore(step, MemoryJournal([step])).state is StepState.UNDONE
        assert tree(root) == before
        assert running.poll() is None
    finally:
        running.kill()
        running.wait()
