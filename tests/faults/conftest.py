"""Fixtures of the bench of faults, and its summary: what was tried, survived, and not possible."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from faults.catalogue import FAULTS, fault_of
from support.daemon import House, house_for_everybody
from support.mounts import Mounts
from support.world import Workers, World, opened_world

_HERE = Path(__file__).resolve().parent


@dataclass
class _Bench:
    """What the run has seen: the files of this folder, and for each id how its tests ended."""

    files: set[Path] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)
    passed: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    reasons: dict[str, str] = field(default_factory=dict)

    def take(self, fault: str, report: pytest.TestReport) -> None:
        """Note how one phase of a test ended."""
        if report.failed:
            self.failed.add(fault)
        elif report.skipped:
            # "Skipped: why", with the place before it.
            words = report.longrepr[2] if isinstance(report.longrepr, tuple) else "not said"
            self.reasons.setdefault(fault, words.removeprefix("Skipped: "))
        elif report.when == "call":
            self.passed.add(fault)

    def lines(self) -> Iterator[str]:
        """The summary, line by line."""
        tried = self.passed | self.failed
        impossible = [fault for fault in FAULTS if fault in self.reasons and fault not in tried]
        survived = tried - self.failed
        yield (
            f"{len(tried)} faults tried, {len(survived)} survived, "
            f"{len(impossible)} not possible here"
        )
        for title, faults in (("not survived", sorted(self.failed)), ("not possible", impossible)):
            for fault in faults:
                why = f": {self.reasons[fault]}" if fault in impossible else ""
                yield f"{title}: {fault} {FAULTS.get(fault, '')}{why}"
        if self.files >= set(_HERE.glob("test_*.py")):
            missing = [fault for fault in FAULTS if fault not in self.asked]
            if missing:
                yield f"without a test: {' '.join(missing)}"


_KEY = pytest.StashKey[_Bench]()


def pytest_itemcollected(item: pytest.Item) -> None:
    """Note which ids have a test, whether or not it is run this time."""
    bench = item.config.stash.setdefault(_KEY, _Bench())
    bench.files.add(item.path)
    fault = fault_of(item.name)
    if fault is not None:
        bench.asked.add(fault)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Note how each phase of a test ended."""
    outcome = yield
    fault = fault_of(item.name)
    if fault is not None:
        item.config.stash[_KEY].take(fault, outcome.get_result())  # type: ignore[attr-defined]


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print the figures below all other output."""
    bench = config.stash.get(_KEY, None)
    if bench is not None and (bench.passed or bench.failed or bench.reasons):
        terminalreporter.section("the bench of faults")
        for line in bench.lines():
            terminalreporter.write_line(line)


@pytest.fixture
def house(tmp_path: Path) -> House:
    """An installation with one empty root and a config that makes tests quick."""
    return House(tmp_path)


@pytest.fixture
def open_house() -> Iterator[House]:
    """The same in a folder that every user of the machine can reach."""
    with house_for_everybody() as house:
        yield house


@pytest.fixture
def mounts() -> Iterator[Mounts]:
    """A mount namespace of the test's own."""
    with Mounts() as private:
        yield private


@pytest.fixture(scope="session")
def workers() -> Iterator[Workers]:
    """What looks at files in this process."""
    shared = Workers()
    yield shared
    shared.close()


WorldAt = Callable[[Path], World]


@pytest.fixture
def world_at(tmp_path: Path, workers: Workers) -> Iterator[WorldAt]:
    """Opens a household on this thread whose root is any folder."""
    workers.is_held = False
    with ExitStack() as stack:
        yield lambda photos: stack.enter_context(
            opened_world(tmp_path / "elsewhere" / f"{photos.name}.db", photos, workers)
        )


@pytest.fixture
def world(tmp_path: Path, workers: Workers) -> Iterator[World]:
    """A household on this thread."""
    workers.is_held = False
    with opened_world(tmp_path / "state" / "twinlens.db", tmp_path / "photos", workers) as new:
        yield new
