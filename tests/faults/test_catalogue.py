"""The bench itself: each test names a fault, and the summary tells the truth."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from faults.catalogue import FAULTS, fault_of

HERE = Path(__file__).resolve().parent
TESTS = [
    (path, name)
    for path in sorted(HERE.glob("test_*.py"))
    if path.name != Path(__file__).name
    for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
]


def test_every_test_of_the_bench_names_a_fault_of_its_section() -> None:
    assert TESTS
    for path, name in TESTS:
        fault = fault_of(name)
        assert fault in FAULTS, f"{path.name}: {name} names no fault"
        assert path.name.startswith(f"test_{fault[0].lower()}_"), f"{path.name}: {name}"


def test_every_fault_of_the_catalogue_has_a_test() -> None:
    named = {fault_of(name) for _, name in TESTS}

    assert [fault for fault in FAULTS if fault not in named] == []


def test_the_catalogue_is_whole() -> None:
    sizes = {"A": 15, "B": 15, "C": 13, "D": 28, "E": 18, "F": 17, "G": 10, "H": 12}
    sizes |= {"I": 16, "J": 14, "L": 9, "M": 10}

    assert list(FAULTS) == [f"{s}{n}" for s, size in sizes.items() for n in range(1, size + 1)]


SAMPLE = """
import pytest

def test_a1_holds():
    pass

def test_a2_breaks():
    assert False

@pytest.mark.parametrize("kind", ["here", "there"])
def test_a3_is_possible_in_part(kind):
    if kind == "there":
        pytest.skip("no such thing there")

def test_a4_is_not_possible():
    pytest.skip("no such kernel")
"""


def pytest_in(folder: Path) -> str:
    words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "/dev/null", "--rootdir", "."]
    done = subprocess.run(
        [sys.executable, *words, "--import-mode=importlib", "."],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


def test_the_summary_counts_what_was_tried_survived_and_not_possible(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conftest = (HERE / "conftest.py").read_text(encoding="utf-8")
    (tmp_path / "conftest.py").write_text(conftest, encoding="utf-8")
    (tmp_path / "test_a_sample.py").write_text(SAMPLE, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", f"{HERE.parent}:{HERE.parents[1] / 'daemon'}")

    done = pytest_in(tmp_path)

    assert "3 faults tried, 2 survived, 1 not possible here" in done
    assert f"not survived: A2 {FAULTS['A2']}" in done
    assert f"not possible: A4 {FAULTS['A4']}: no such kernel" in done
    assert f"without a test: {' '.join(list(FAULTS)[4:])}" in done
