"""Empties the trash by the clock, in slices, on the thread that answers requests: so it never runs
beside an undo, and no request waits for long."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from twinlens.commands.acting import ActionRoom
from twinlens.commands.trash import purge_by_the_clock

SLICE_SECONDS = 20.0
"""No file is begun later than this; the next slice goes on with it."""


@dataclass(frozen=True, slots=True)
class _Sum:
    removed: int = 0
    freed_bytes: int = 0
    kept: int = 0


class Purging:
    """`ask` from any thread; `step` from one. `finished(words, result)` is told of a whole pass."""

    def __init__(self, room: ActionRoom, finished: Callable[[str, dict[str, Any]], None]) -> None:
        self._room = room
        self._finished = finished
        self._is_asked = threading.Event()
        self._sum = _Sum()

    def ask(self) -> None:
        """A pass is due."""
        self._is_asked.set()

    def step(self) -> bool:
        """Do a slice of what was asked for; returns whether there is more."""
        if not self._is_asked.is_set():
            return False
        end = time.monotonic() + SLICE_SECONDS
        is_ended = self._room.is_stopped
        room = replace(self._room, is_stopped=lambda: is_ended() or time.monotonic() > end)
        result = purge_by_the_clock(room)
        if result is not None:
            self._sum = _Sum(
                self._sum.removed + int(result["removed"]),
                self._sum.freed_bytes + int(result["freed_bytes"]),
                self._sum.kept + len(result["kept"]),
            )
            if result["is_cut_short"] and not is_ended():
                return True
            self._tell(result)
        self._is_asked.clear()
        self._sum = _Sum()
        return False

    def _tell(self, result: dict[str, Any]) -> None:
        words = f"trash: {self._sum.removed} files removed, {self._sum.kept} stay"
        if result["frozen_by"]:
            words += f"; frozen by {'; '.join(result['frozen_by'])}"
        told = {
            "removed": self._sum.removed,
            "freed_bytes": self._sum.freed_bytes,
            "kept": self._sum.kept,
            "frozen_by": result["frozen_by"],
        }
        self._finished(words, told)
