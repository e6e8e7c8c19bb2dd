"""Claims about the lasting number of a file system."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from twinlens.watch import filesystem_id as module
from twinlens.watch.filesystem_id import UNKNOWN, filesystem_id

_PACKAGE = Path(module.__file__).parents[2]
_UUID = "389e7d63-72da-46f7-be2a-98a738a903f3"

_MOUNTED = f"""
import os, subprocess, sys
from twinlens.watch.filesystem_id import filesystem_id
image, folder = (os.path.join(sys.argv[1], name) for name in ("image", "mnt"))
os.mkdir(folder)
with open(image, "wb") as file:
    file.truncate(8 << 20)
subprocess.run(["mkfs.ext4", "-q", "-F", "-U", "{_UUID}", image], check=True)
subprocess.run(["mount", "-o", "loop", image, folder], check=True)
descriptor = os.open(folder, os.O_RDONLY)
print(filesystem_id(descriptor, "f2fs"))
print(filesystem_id(descriptor, "ext4") == f"{{os.fstatvfs(descriptor).f_fsid:x}}" != "0")
os.close(descriptor)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount")
def test_where_the_usual_number_is_made_from_the_device_the_uuid_is_asked_for(
    tmp_path: Path,
) -> None:
    done = subprocess.run(
        [
            *("unshare", "-m", "--propagation", "private"),
            *(sys.executable, "-c", _MOUNTED, str(tmp_path)),
        ],
        env={**os.environ, "PYTHONPATH": str(_PACKAGE)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"no mounts here: {done.stderr.strip()[-200:]}")
    uuid, is_usual = done.stdout.split()
    if uuid == UNKNOWN:
        pytest.skip("this kernel does not tell the UUID (before Linux 6.9)")

    assert uuid == _UUID.replace("-", "")
    assert is_usual == "True"


def test_a_file_system_that_does_not_answer_has_no_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_from_udev", lambda device: None)
    descriptor = os.open(tmp_path, os.O_RDONLY)
    try:
        assert filesystem_id(descriptor, "vfat") == UNKNOWN
    finally:
        os.close(descriptor)
