"""Claims about giving way; each in a process of its own, because it cannot be taken back."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from twinlens.host import courtesy

_PACKAGE = Path(courtesy.__file__).parents[2]


def _run(script: str) -> list[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        env={**os.environ, "PYTHONPATH": str(_PACKAGE)},
        check=True,
        capture_output=True,
        text=True,
        timeout=30,
    ).stdout.splitlines()


def test_the_process_and_what_it_starts_give_way() -> None:
    if platform.machine() not in ("x86_64", "aarch64"):
        pytest.skip(f"no idle class is known for {platform.machine()}")
    lines = _run(
        "import os, subprocess\n"
        "from twinlens.host.courtesy import be_courteous\n"
        "print(be_courteous(12), flush=True)\n"
        "print(os.nice(0), flush=True)\n"
        "subprocess.run(['ionice'])\n"
    )

    assert lines == ["Courtesy(nice=12, is_idle_io=True)", "12", "idle"]


def test_a_higher_nice_value_is_kept_and_an_unknown_machine_left_alone() -> None:
    lines = _run(
        "import os\n"
        "from twinlens.host.courtesy import be_courteous\n"
        "os.nice(15)\n"
        "print(be_courteous(10, machine='vax'))\n"
        "print(be_courteous(10, idle_io=False))\n"
    )

    assert lines == ["Courtesy(nice=15, is_idle_io=False)"] * 2
