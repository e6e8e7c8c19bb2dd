"""The log: one record a line, as text or JSON, whatever the names of the files hold.

A file name is hostile text: it may carry newlines that forge records, escape sequences that drive
a terminal, or marks that turn the reading direction. All of it is escaped. Writing never blocks
or ends the daemon: lines go through a bounded queue, and an output that is closed or stuck costs
lines, which are counted and told.
"""

import json
import logging
import os
import select
import threading
import time
import unicodedata
from collections import deque
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, Self

from twinlens.model.events import Event, Severity

LogStyle = Literal["text", "json"]

_MOST_WAITING = 10_000
_QUIET_LIBRARIES = ("httpx", "httpcore", "apscheduler", "watchdog", "exiftool", "PIL", "peewee")
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_HARMLESS = frozenset("\u200c\u200d")  # joiners, part of many emoji and of Persian words
_LEVELS: Mapping[Severity, int] = MappingProxyType(
    {
        Severity.INFO: logging.INFO,
        Severity.WARNING: logging.WARNING,
        Severity.ERROR: logging.ERROR,
    }
)


def escaped(text: str) -> str:
    """The text on one line, with all that a terminal or a log reader could act on spelled out.

    Control and format characters, line separators and surrogates become `\\xNN`, `\\uNNNN` or
    `\\UNNNNNNNN`.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        _spelled(character)
        if unicodedata.category(character) in _UNSAFE and character not in _HARMLESS
        else character
        for character in text
    )


def _spelled(character: str) -> str:
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


class TextFormatter(logging.Formatter):
    """`2024-05-01T10:20:30.123Z INFO twinlens.watch: message`, then any traceback behind `|`."""

    def __init__(self, *, with_time: bool = True) -> None:
        super().__init__()
        self._with_time = with_time

    def format(self, record: logging.LogRecord) -> str:
        """One line, and one marked line for each line of a traceback."""
        line = escaped(f"{record.levelname} {record.name}: {record.getMessage()}")
        if self._with_time:
            line = f"{_utc(record.created)} {line}"
        return "\n".join([line, *(f"  | {escaped(part)}" for part in self._traceback(record))])

    def _traceback(self, record: logging.LogRecord) -> list[str]:
        return self.formatException(record.exc_info).split("\n") if record.exc_info else []


class JsonFormatter(logging.Formatter):
    """One ASCII JSON object a line: at, level, logger, message; traceback and event if any."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, in which nothing but JSON's own escapes stands for what is not plain ASCII."""
        told: dict[str, object] = {
            "at": _utc(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            told["traceback"] = self.formatException(record.exc_info)
        event = getattr(record, "event", None)
        if isinstance(event, Event):
            told["event"] = {"id": event.event_id, "name": event.name, "details": event.details}
        return json.dumps(told, default=str).replace("\x7f", "\\u007f")


def _utc(seconds: float) -> str:
    thousandths = int(seconds % 1 * 1000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{thousandths:03d}Z"


class PatientHandler(logging.Handler):
    """Writes lines to a descriptor from a thread of its own: no reader can hold the daemon up.

    With `most_waiting` lines waiting, further ones are dropped and counted; the count is written
    as soon as the reader goes on. A descriptor that is closed or broken ends the writing and
    nothing else.
    """

    def __init__(self, descriptor: int, *, most_waiting: int = _MOST_WAITING) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._most_waiting = most_waiting
        self._waiting: deque[bytes] = deque()
        self._dropped = 0
        self._closing = False
        self._changed = threading.Condition()
        self._writer = threading.Thread(target=self._write_all, name="log-writer", daemon=True)
        self._writer.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Queue one record; never blocks on the output, never raises."""
        try:
            line = self._line(record)
        except Exception as error:  # noqa: BLE001 - such a record stops nothing
            line = self._notice(f"a log record cannot be put into words: {type(error).__name__}")
        with self._changed:
            if len(self._waiting) >= self._most_waiting:
                self._dropped += 1
            else:
                self._waiting.append(line)
            self._changed.notify()

    def close(self, deadline_seconds: float = 2.0) -> None:
        """Write what is waiting, for `deadline_seconds` at most, and end the thread."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._writer is not threading.current_thread():
            self._writer.join(deadline_seconds)
        super().close()

    def _write_all(self) -> None:
        while (lines := self._next_lines()) is not None:
            try:
                _write(self._descriptor, lines)
            except OSError:
                # The reader is gone. There is no other place to say so, and no reason to stop.
                self._descriptor = -1

    def _next_lines(self) -> bytes | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing)
            if not self._waiting:
                return None
            lines = b"".join(self._waiting)
            self._waiting.clear()
            if self._dropped:
                lines += self._notice(f"{self._dropped} log lines dropped, the output was not read")
                self._dropped = 0
            return lines

    def _line(self, record: logging.LogRecord) -> bytes:
        return self.format(record).encode("utf-8", "backslashreplace") + b"\n"

    def _notice(self, message: str) -> bytes:
        attributes = {"name": __name__, "levelname": "WARNING", "msg": message}
        return self._line(logging.makeLogRecord(attributes))


def _write(descriptor: int, data: bytes) -> None:
    if descriptor < 0:
        return
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(descriptor, rest) :]
        except BlockingIOError:  # whoever shares the descriptor made it non-blocking
            select.select([], [descriptor], [])


class LogOutput:
    """The configured log; a context manager that puts everything back as it was."""

    def __init__(self, handler: logging.Handler, level: int) -> None:
        self._root = logging.getLogger()
        self._handler = handler
        self._former = (self._root.handlers[:], self._root.level)
        self._root.handlers[:] = [handler]
        self._root.setLevel(level)
        self._former_levels = {name: logging.getLogger(name).level for name in _QUIET_LIBRARIES}
        for name in _QUIET_LIBRARIES:
            logging.getLogger(name).setLevel(max(level, logging.WARNING))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Write out what is waiting and restore the handlers and levels of before."""
        self._root.handlers[:], level = self._former
        self._root.setLevel(level)
        for name, former in self._former_levels.items():
            logging.getLogger(name).setLevel(former)
        self._handler.close()


def configure(
    level: int = logging.INFO,
    style: LogStyle = "text",
    *,
    descriptor: int = 2,
    journal: logging.Handler | None = None,
) -> LogOutput:
    """Send all logging to `descriptor`, or under systemd to the journal's handler, handed in.

    The journal keeps time and level itself, so its lines carry neither.
    """
    handler = journal or PatientHandler(descriptor)
    handler.setFormatter(
        JsonFormatter() if style == "json" else TextFormatter(with_time=journal is None)
    )
    return LogOutput(handler, level)


class LogListener:
    """An event listener that writes each event to the log at its severity."""

    def __init__(self, logger: logging.Logger | None = None) -> None:
        self._logger = logger or logging.getLogger("twinlens.events")

    def __call__(self, event: Event) -> None:
        """Write one event; its id and details travel along for the JSON style."""
        self._logger.log(
            _LEVELS[event.severity], "%s: %s", event.name, event.message, extra={"event": event}
        )
