"""Claims about mending a rotten file: the good bytes take its path, what was there goes into the
trash, and whoever saves something meanwhile finds it where it was saved."""

import hashlib
import io
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import pytest

from support.acting import MemoryJournal, contents_everywhere, step_for, tree
from support.killing import calls_of, failures, kills, require_strace, run_under
from twinlens.actions.recovery import recover
from twinlens.actions.repairing import Source, repair
from twinlens.actions.restoring import restore
from twinlens.model.actions import OPEN_STATES, ActionKind, Outcome, Step, StepState

GOOD = b"the bytes of a picture " * 400
ROTTEN = GOOD[:-1] + b"\0"
GOOD_SHA = hashlib.sha256(GOOD).hexdigest()
LONG = pytest.mark.skipif(
    not os.environ.get("TWINLENS_LONG"), reason="takes a minute more: set TWINLENS_LONG=1"
)


def source(data: bytes = GOOD) -> Source:
    @contextmanager
    def opened() -> Iterator[BinaryIO]:
        yield io.BytesIO(data)

    return opened


@pytest.fixture
def rotten(root: Path) -> Path:
    """A rotten file, with attributes of its own."""
    return make(root)


def make(root: Path) -> Path:
    (root / "2019").mkdir(parents=True)
    path = root / "2019" / "a.jpg"
    path.write_bytes(ROTTEN)
    path.chmod(0o640)
    os.utime(path, (1_500_000_000, 1_500_000_123))
    return path


def the_step(root: Path) -> Step:
    name = "2019/a.jpg"
    return step_for(root, name, name, ActionKind.REPAIR, content=ROTTEN)


def mend(root: Path, source_: Source, **more: Callable[[str], None]) -> tuple[MemoryJournal, Step]:
    step = the_step(root)
    journal = MemoryJournal([step])
    repair(step, GOOD_SHA, source_, journal, **more)
    return journal, journal.steps[step.id]


def in_trash(root: Path) -> list[bytes]:
    found = tree(root, with_trash=True)
    return [
        data
        for name, (data, _, _) in found.items()
        if name.startswith(".twinlens") and not name.endswith(".json")
    ]


def test_the_good_bytes_take_the_path_with_all_its_attributes(root: Path, rotten: Path) -> None:
    before = rotten.stat()

    journal, step = mend(root, source())

    assert step.state is StepState.DONE
    after = rotten.stat()
    assert rotten.read_bytes() == GOOD
    assert (after.st_mode, after.st_mtime_ns) == (before.st_mode, before.st_mtime_ns)
    assert in_trash(root) == [ROTTEN]
    assert [state for _, state in journal.history] == [
        StepState.INTENDED,
        StepState.INTENDED,
        StepState.DONE,
    ]


def test_extended_attributes_are_kept(local_root: Path) -> None:
    rotten = make(local_root)
    try:
        os.setxattr(rotten, "user.rating", b"5")
    except OSError as error:
        pytest.skip(f"no extended attributes here: {error}")

    _, step = mend(local_root, source())

    assert step.state is StepState.DONE
    assert os.getxattr(rotten, "user.rating") == b"5"


def test_an_owner_that_is_right_already_is_not_set(
    local_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(local_root)

    def refused(*arguments: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "fchown", refused)  # as the service's filter does

    assert mend(local_root, source())[1].state is StepState.DONE


def test_what_was_saved_into_the_new_file_outlives_a_crash_of_the_swap_back(
    local_root: Path,
) -> None:
    path = make(local_root)
    step = the_step(local_root)
    journal = MemoryJournal([step])

    def crash(point: str) -> None:
        if point == "prepared":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        repair(step, GOOD_SHA, source(), journal, crash)
    # As if the new file had been at the path, was saved into there, and came back into the trash.
    (new,) = (local_root / ".twinlens" / "trash").glob("*/a.jpg")
    new.write_bytes(b"saved in place")

    (outcome,) = recover(journal)

    assert outcome.state is StepState.HELD
    assert path.read_bytes() == ROTTEN
    assert in_trash(local_root) == [b"saved in place"]


@pytest.mark.parametrize("bad", [b"", b"short", ROTTEN, GOOD + b"x"])
def test_a_source_that_is_not_sound_changes_nothing(local_root: Path, bad: bytes) -> None:
    make(local_root)
    before = tree(local_root)

    _, step = mend(local_root, source(bad))

    assert step.state is StepState.REFUSED
    assert "not sound either" in step.reason
    assert tree(local_root) == before
    assert in_trash(local_root) == []


def test_a_file_that_is_not_the_recorded_damage_is_left_alone(local_root: Path) -> None:
    rotten = make(local_root)
    rotten.write_bytes(b"the owner has edited it")

    _, step = mend(local_root, source())

    assert step.state is StepState.REFUSED
    assert rotten.read_bytes() == b"the owner has edited it"


def test_a_file_that_is_open_for_writing_is_left_alone(local_root: Path) -> None:
    rotten = make(local_root)
    with rotten.open("r+b"):
        _, step = mend(local_root, source())

    assert step.state is StepState.REFUSED
    assert "open for writing" in step.reason
    assert rotten.read_bytes() == ROTTEN


def test_a_file_with_another_name_is_left_alone(local_root: Path) -> None:
    rotten = make(local_root)
    os.link(rotten, local_root / "other.jpg")

    _, step = mend(local_root, source())

    assert step.state is StepState.REFUSED
    assert "another name" in step.reason


@pytest.mark.parametrize("point", ["checked", "prepared"])
def test_what_is_saved_before_the_exchange_stays_at_its_path(root: Path, point: str) -> None:
    rotten = make(root)

    def save(reached: str) -> None:
        if reached == point:
            new = rotten.with_name("new")
            new.write_bytes(b"saved meanwhile")
            os.replace(new, rotten)

    _, step = mend(root, source(), reached=save)

    assert step.state is StepState.REFUSED
    assert rotten.read_bytes() == b"saved meanwhile"
    assert in_trash(root) == []


def test_what_is_saved_after_the_exchange_stays_too(root: Path) -> None:
    rotten = make(root)

    def save(reached: str) -> None:
        if reached == "captured":
            new = rotten.with_name("new")
            new.write_bytes(b"saved meanwhile")
            os.replace(new, rotten)

    _, step = mend(root, source(), reached=save)

    assert step.state is StepState.DONE
    assert rotten.read_bytes() == b"saved meanwhile"
    assert in_trash(root) == [ROTTEN]


def test_what_is_saved_in_the_moment_of_each_swap_is_found_at_its_path(local_root: Path) -> None:
    rotten = make(local_root)

    def save(reached: str) -> None:
        new = rotten.with_name("new")
        new.write_bytes(f"saved at {reached}".encode())
        os.replace(new, rotten)

    _, step = mend(local_root, source(), reached=save)

    assert step.state in (StepState.REFUSED, StepState.HELD)
    assert rotten.read_bytes() == b"saved at captured"
    assert not set(in_trash(local_root)) - {b"saved at prepared"}


def test_a_repair_is_taken_back_by_putting_the_rotten_file_beside(root: Path, rotten: Path) -> None:
    journal, step = mend(root, source())

    outcome = restore(step, journal)

    assert outcome.state is StepState.UNDONE
    assert rotten.read_bytes() == GOOD
    assert rotten.with_name("a (restored).jpg").read_bytes() == ROTTEN


def test_no_room_for_the_new_file_changes_nothing(local_root: Path) -> None:
    make(local_root)
    before = tree(local_root)

    @contextmanager
    def full() -> Iterator[BinaryIO]:
        raise OSError(28, "No space left on device")
        yield io.BytesIO()

    _, step = mend(local_root, full)

    assert step.state is StepState.REFUSED
    assert tree(local_root) == before
    assert in_trash(local_root) == []


class FileJournal(MemoryJournal):
    """A journal that outlives the process: what is recorded is on the disk."""

    def __init__(self, steps: list[Step], path: Path) -> None:
        super().__init__(steps)
        self.path = path

    def record(self, outcomes: list[Outcome]) -> None:  # type: ignore[override]  # a list will do
        super().record(outcomes)
        lines = [f"{o.state.value} {(o.evidence or {}).get('keeper_inode', '')}" for o in outcomes]
        with self.path.open("a", encoding="ascii") as file:
            file.write("\n".join(lines) + "\n")

    def read(self) -> None:
        """Take in what another process has recorded."""
        if not self.path.exists():
            return
        for line in self.path.read_text(encoding="ascii").splitlines():
            state, _, inode = line.partition(" ")
            ((number, step),) = self.steps.items()
            known = {"keeper_inode": int(inode), "good_sha256": GOOD_SHA} if inode else None
            evidence = step.evidence if known is None else known
            self.steps[number] = replace(step, state=StepState(state), evidence=evidence)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "fault", ["kill", pytest.param("EIO", marks=LONG), pytest.param("ENOSPC", marks=LONG)]
)
def test_whatever_call_is_the_last_nothing_is_lost_and_recovery_brings_one_end(
    tmp_path: Path, fault: str
) -> None:
    require_strace()

    def case(folder: Path) -> tuple[Path, FileJournal]:
        root = folder / "root"
        make(root)
        return root, FileJournal([the_step(root)], folder / "journal")

    def work(root: Path, journal: FileJournal) -> None:
        repair(the_step(root), GOOD_SHA, source(), journal)

    root, journal = case(tmp_path / "undisturbed")
    log = tmp_path / "undisturbed.log"
    assert run_under(None, log, lambda: work(root, journal)) == 0
    assert (root / "2019/a.jpg").read_bytes() == GOOD
    calls = calls_of(log)
    assert calls["renameat2"] == 1
    ends = set()
    for number, one in enumerate(kills(calls) if fault == "kill" else failures(calls, fault)):
        folder = tmp_path / str(number)
        folder.mkdir()
        root, journal = case(folder)

        run_under(one, folder / "log", lambda r=root, j=journal: work(r, j))

        assert ROTTEN in contents_everywhere(root), one
        journal.read()
        recover(journal)
        (step,) = journal.steps.values()
        assert step.state not in OPEN_STATES, one
        at_path = (root / "2019/a.jpg").read_bytes()
        is_done = step.state is StepState.DONE
        assert at_path == (GOOD if is_done else ROTTEN), one
        assert in_trash(root) == ([ROTTEN] if is_done else []), one
        ends.add(step.state)
        shutil.rmtree(folder)
    assert ends == {StepState.PLANNED, StepState.REFUSED, StepState.DONE} or fault != "kill"
