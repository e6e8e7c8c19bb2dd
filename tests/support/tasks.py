"""What tests let executors do: functions that another process can import."""

import os
import resource
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn


def ready(memory_bytes: int = 0) -> None:
    """Make a worker ready; with `memory_bytes` it may not use more address space."""
    if memory_bytes:
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))


def double(number: int) -> int:
    """Twice the number; the number 13 brings bad luck."""
    if number == 13:
        raise ValueError("bad luck")
    return 2 * number


def slow_thirteen(number: int) -> int:
    """Twice the number; 13 takes its time."""
    if number == 13:
        time.sleep(2.0)
    return 2 * number


def rest(seconds: float) -> None:
    """Takes so long."""
    time.sleep(seconds)


def work_second_time(marker: str) -> str:
    """Fails until it was tried before with this marker."""
    if not os.path.exists(marker):
        Path(marker).touch()
        raise OSError("not the first time")
    return "done"


def leave(code: int) -> NoReturn:
    """The worker dies."""
    os._exit(code)


def loop_for_ever() -> NoReturn:
    """The worker hangs."""
    while True:
        pass


def use_memory(size: int) -> int:
    """The worker needs so much memory."""
    return len(bytes(size))


def break_out(folder: str, port: int) -> list[str]:
    """What a decoder with a hole in it could do: the ways in which it got through.

    The folder holds `a.jpg`, `b.jpg`, `c.jpg` and `t.jpg`; somebody listens at the port.
    """
    place = Path(folder)
    attempts: dict[str, Callable[[], object]] = {
        "make": lambda: (place / "new").write_bytes(b"x"),
        "overwrite": lambda: (place / "a.jpg").write_bytes(b"x"),
        "truncate": lambda: os.truncate(place / "t.jpg", 0),
        "delete": (place / "b.jpg").unlink,
        "rename": lambda: (place / "c.jpg").rename(place / "d.jpg"),
        "link": lambda: os.link(place / "a.jpg", place / "e.jpg"),
        "folder": (place / "f").mkdir,
        "symlink": lambda: (place / "g").symlink_to("a.jpg"),
        "start a program that deletes": lambda: subprocess.run(
            ["rm", "--", place / "a.jpg"], check=True, capture_output=True
        ),
        "connect": lambda: socket.create_connection(("127.0.0.1", port), 2.0).close(),
    }
    got_through = []
    for name, attempt in attempts.items():
        try:
            attempt()
        except (OSError, subprocess.CalledProcessError):
            continue
        got_through.append(name)
    return got_through


def process_id() -> int:
    """Who works."""
    return os.getpid()


def size_of(path: str) -> int:
    """How many bytes can be read from the file."""
    return len(Path(path).read_bytes())
