"""What tests let executors do: functions that another process can import."""

import os
import resource
import time
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


def process_id() -> int:
    """Who works."""
    return os.getpid()
