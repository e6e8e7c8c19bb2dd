"""Runs a script as a user whom file permissions stop: root is above them."""

import os
import subprocess
import sys
from pathlib import Path

import twinlens

_SOURCES = Path(twinlens.__file__).parents[1]
_NOBODY = 65534


def run_as_nobody(script: str, *arguments: str) -> str:
    """The script's output. Where this is not root already, it runs as whoever this is."""
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(_SOURCES),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        user=_NOBODY if os.getuid() == 0 else None,
        extra_groups=[] if os.getuid() == 0 else None,
        cwd="/",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
