"""Claims about the memory that the C library keeps: threads share one heap, and what is free goes
back."""

import ctypes
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), "malloc_info"), reason="the C library is not glibc"
)

_HEAPS = """
import ctypes, sys, threading
from twinlens.host.memory import share_one_heap

libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
libc.malloc.restype = ctypes.c_void_p
libc.fclose.argtypes = [ctypes.c_void_p]
libc.malloc_info.argtypes = [ctypes.c_int, ctypes.c_void_p]
if sys.argv[2] == "shared":
    share_one_heap()
together = threading.Barrier(3)

def take():
    together.wait()
    assert libc.malloc(10_000)
    together.wait()

threads = [threading.Thread(target=take) for _ in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
stream = libc.fopen(sys.argv[1].encode(), b"w")
libc.malloc_info(0, stream)
libc.fclose(stream)
"""

_GIVEN_BACK = """
import re
from pathlib import Path
from twinlens.host.memory import give_back

def resident():
    return int(re.search(r"VmRSS:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

small = [bytes(2000) for _ in range(50_000)]
last = bytes(2000)
small.clear()
before = resident()
give_back()
print(before - resident())
"""


def _run(script: str, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script, *words], capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.mark.parametrize(("how", "is_one"), [("shared", True), ("as it comes", False)])
def test_threads_share_one_heap_where_they_are_told_to(
    tmp_path: Path, how: str, is_one: bool
) -> None:
    told = tmp_path / "heaps.xml"

    _run(_HEAPS, str(told), how)

    assert (told.read_text().count("<heap nr=") == 1) is is_one


def test_what_is_free_below_what_is_held_goes_back() -> None:
    assert int(_run(_GIVEN_BACK)) > 50_000
