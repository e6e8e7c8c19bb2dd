"""The small form of the benchmark: no ratio is worse than recorded by half, and it would tell."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

BENCH = Path(__file__).resolve().parents[2] / "contrib/bench"
BOUNDS = BENCH / "bounds.toml"


def check(
    bounds: Path, folder: Path, *, rounds: int = 3, modules: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """`modules` is a folder whose modules every Python that is measured finds first."""
    command = [sys.executable, str(BENCH / "benchmark.py"), "--check", "--rounds", str(rounds)]
    return subprocess.run(
        [*command, "--bounds", str(bounds), "--folder", str(folder)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ if modules is None else {**os.environ, "PYTHONPATH": str(modules)},
    )


def start_alone(folder: Path, ratio: float) -> Path:
    path = folder / "bounds.toml"
    path.write_text(f"[start]\nratio = {ratio}\npictures = 0\n")
    return path


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_nothing_costs_more_than_recorded_by_half(tmp_path: Path) -> None:
    names = tomllib.loads(BOUNDS.read_text())

    done = check(BOUNDS, tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert set(names) == {"start", "many", "large"}
    met = [line for line in done.stdout.splitlines() if " met " in line]
    assert [line.partition(":")[0] for line in met] == list(names)


def test_a_ratio_above_its_bound_is_a_failure(tmp_path: Path) -> None:
    done = check(start_alone(tmp_path, 0.5), tmp_path, rounds=1)

    assert done.returncode == 1
    assert "MISSED" in done.stdout


def test_a_program_that_became_slow_is_a_failure(tmp_path: Path) -> None:
    recorded = tomllib.loads(BOUNDS.read_text())["start"]["ratio"]
    (tmp_path / "sitecustomize.py").write_text(
        "import sys, time\n"
        "if any(word.endswith('/twinlens') for word in sys.orig_argv):\n"
        "    while time.process_time() < 5:\n"
        "        pass\n"
    )

    done = check(start_alone(tmp_path, recorded), tmp_path, rounds=1, modules=tmp_path)

    assert done.returncode == 1, done.stdout + done.stderr
    assert "MISSED" in done.stdout
