"""Requests to a running daemon: small files in a folder beside the database.

The database itself is no letter box: SQLite versions that are still shipped can lose commits when
a second process writes while the first one checkpoints. A request is written under another name
and renamed, so it is seen whole or not at all; the answer comes the same way.
"""

import json
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_LONGEST_BYTES = 1 << 20
_LONGEST_ANSWER_BYTES = 256 << 20
"""An undo names each file; ours alone can write here, so this is only against running wild."""

_KEPT_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Request:
    """What another process asks for. `verb` says what, `argument` how."""

    id: str
    verb: str
    argument: dict[str, Any]


class Spool:
    """The folder of requests of one database."""

    def __init__(self, database: Path) -> None:
        self._folder = database.with_name(f"{database.name}.requests")

    def put(self, verb: str, argument: dict[str, Any]) -> str:
        """Leave a request; returns its id."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        request_id = secrets.token_hex(8)
        self._write(f"{request_id}.request", {"verb": verb, "argument": argument})
        return request_id

    def take(self) -> list[Request]:
        """Take all requests out, the oldest first. What cannot be understood is dropped."""
        found: list[tuple[int, Request]] = []
        for name in self._names(".request"):
            path = self._folder / name
            try:
                stamp = path.stat().st_mtime_ns
                data = json.loads(self._read(path))
                path.unlink()
                request = Request(
                    name.removesuffix(".request"), str(data["verb"]), dict(data["argument"])
                )
            except FileNotFoundError:
                continue
            except (OSError, ValueError, KeyError, TypeError):
                path.unlink(missing_ok=True)
                continue
            found.append((stamp, request))
        return [request for _, request in sorted(found, key=lambda pair: (pair[0], pair[1].id))]

    def answer(self, request: Request, answer: dict[str, Any]) -> None:
        """Leave the answer to a request."""
        self._write(f"{request.id}.answer", answer)

    def wait(
        self,
        request_id: str,
        deadline_seconds: float,
        sleep: Callable[[float], None] = time.sleep,
    ) -> dict[str, Any] | None:
        """Wait for the answer and take it; None where none came in time (the request is gone)."""
        path = self._folder / f"{request_id}.answer"
        waited = 0.0
        while True:
            try:
                text = self._read(path, _LONGEST_ANSWER_BYTES)
            except FileNotFoundError:
                if waited >= deadline_seconds:
                    (self._folder / f"{request_id}.request").unlink(missing_ok=True)
                    return None
                sleep(0.05)
                waited += 0.05
                continue
            path.unlink(missing_ok=True)
            answer: dict[str, Any] = json.loads(text)
            return answer

    def tidy(self, now: float) -> None:
        """Remove answers that nobody took, and writes that were never finished."""
        for name in self._names(""):
            path = self._folder / name
            try:
                if now - path.stat().st_mtime > _KEPT_SECONDS:
                    path.unlink()
            except OSError:
                continue

    def _names(self, ending: str) -> list[str]:
        try:
            return [name for name in os.listdir(self._folder) if name.endswith(ending)]
        except FileNotFoundError:
            return []

    @staticmethod
    def _read(path: Path, limit: int = _LONGEST_BYTES) -> str:
        with path.open(encoding="utf-8") as file:
            return file.read(limit)

    def _write(self, name: str, data: dict[str, Any]) -> None:
        # A dot in front: never taken for a request before it is whole.
        unfinished = self._folder / f".{name}"
        unfinished.write_text(json.dumps(data), encoding="utf-8")
        unfinished.rename(self._folder / name)
