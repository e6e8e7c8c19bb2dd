"""Files that do harm to whoever looks at them, by a tool that does it for them."""

import shutil

import pytest

from support.daemon import House

KILL_WORKER = "os.kill(os.getppid(), signal.SIGKILL); sys.exit(1)"


def stand_in(house: House, when_asked: str) -> str:
    """A program in exiftool's place: it tells a version, and does `when_asked` for a file whose
    name has `poison` in it. The rest goes to the real one."""
    real = shutil.which("exiftool")
    if real is None:
        pytest.skip("exiftool is not installed")
    script = house.folder / "exiftool"
    script.write_text(
        "#!/usr/bin/env python3\n"
        "import os, subprocess, sys, time, signal\n"
        f"real = subprocess.Popen([{real!r}, *sys.argv[1:]], stdin=subprocess.PIPE)\n"
        "if '-stay_open' not in sys.argv:\n"
        "    real.stdin.close()\n"
        "    sys.exit(real.wait())\n"
        "for line in sys.stdin.buffer:\n"
        "    target = line.strip()\n"
        "    if target.startswith(b'/proc/'):\n"
        "        try:\n"
        "            target = os.readlink(target)\n"
        "        except OSError:\n"
        "            pass\n"
        "    if b'poison' in target:\n"
        "        real.kill()\n"
        f"        {when_asked}\n"
        "    real.stdin.write(line)\n"
        "    real.stdin.flush()\n"
        "real.stdin.close()\n"
        "real.wait()\n",
        encoding="utf-8",
    )
    script.chmod(0o755)
    return str(script)
