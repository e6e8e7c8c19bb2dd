"""Claims about rights: they are read as they are, and programs that are started do not get them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from twinlens.host.capabilities import CAP_LEASE, has_capability


def test_what_the_kernel_says_is_read(tmp_path: Path) -> None:
    (tmp_path / "self").mkdir()
    status = tmp_path / "self" / "status"
    status.write_text("Name:\tpython\nCapEff:\t0000000010000000\n", encoding="ascii")

    assert has_capability(CAP_LEASE, tmp_path)
    assert not has_capability(0, tmp_path)
    status.write_text("Name:\tpython\n", encoding="ascii")
    assert not has_capability(CAP_LEASE, tmp_path)


def test_a_program_that_is_started_does_not_inherit_what_the_manager_gave() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give rights")
    script = (
        "import subprocess\n"
        "from twinlens.host.capabilities import CAP_LEASE, has_capability, keep_from_children\n"
        "def child():\n"
        "    with open('/proc/self/status') as own:\n"
        "        pass\n"
        "    words = ['grep', 'CapEff', '/proc/self/status']\n"
        "    return int(subprocess.check_output(words).split()[1], 16)\n"
        "before = child()\n"
        "keep_from_children()\n"
        "print(before, child(), has_capability(CAP_LEASE))\n"
    )
    rights = ("--bounding-set=-all,+lease", "--inh-caps=+lease", "--ambient-caps=+lease")
    user = ("--reuid=65534", "--regid=65534", "--clear-groups")
    done = subprocess.run(
        ["setpriv", *user, *rights, "--", sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[2] / "daemon")},
    )

    assert done.stdout.split() == [str(1 << CAP_LEASE), "0", "True"]
