"""exiftool, held by one worker, with a deadline on every call.

A file is handed over as a descriptor's path under /proc, so no name can be taken for an option.
pyexiftool waits for ever on a tool that hangs and spins on one that died: its reader is replaced,
the tool is killed at the deadline, and the next call starts a new one. It must be used from the
thread that will live longest, because the tool ends with the thread that started it.
"""

import contextlib
import fcntl
import json
import os
import re
import select
import subprocess
import time
from collections.abc import Iterable, Mapping
from typing import Any, Final

import exiftool
import exiftool.exceptions

from twinlens.errors import MediaError

MINIMUM_VERSION: Final = "12.15"
ADVICE: Final = "install libimage-exiftool-perl"

_MOST_TAG_BYTES = 4 << 20
_PIPE_BYTES = 1 << 20
_VERSION_SECONDS = 10.0
_KILL_SECONDS = 2.0
# `-fast` skips trailers; `-fast2` would skip maker notes and whatever stands behind `mdat`.
_COMMON = ["-fast", "-api", "largefilesupport=1"]
_AS_NUMBERS = frozenset({"GPSLatitude", "GPSLongitude", "GPSAltitude", "Duration", "Orientation"})
_ALWAYS = ("Orientation", "ImageSize", "Error", "Warning")


class ExifToolError(MediaError):
    """exiftool did not give an answer for this file; the next file may do better."""


class _EndedError(ExifToolError):
    """It ended before it had answered."""

    def __init__(self) -> None:
        super().__init__("exiftool ended unexpectedly")


class ExifTool:
    """One exiftool process, started at the first call and again after it was lost."""

    def __init__(self, program: str, seconds: float) -> None:
        self._program = program
        self._seconds = seconds
        self._tool: Any = None
        self._deadline = 0.0
        self._most_bytes = _MOST_TAG_BYTES

    def read_tags(self, path: bytes, names: Iterable[str]) -> dict[str, str]:
        """Ask for tags by name; gives `Group:Name` (family 0) to text, the first of equal ones.

        `ExifTool:Error`, `ExifTool:Warning`, `Composite:ImageSize` and the orientation as a number
        come unasked, positions in signed degrees, durations in seconds. About 8 ms for all names
        that are ever wanted. Raises `ExifToolError`.
        """
        return self._tags(path, {*names, *_ALWAYS}, ())

    def read_some_tags(self, path: bytes, names: Iterable[str]) -> dict[str, str]:
        """As `read_tags`, in half the time: nothing comes unasked and nothing is summed up."""
        return self._tags(path, set(names), ("-e",))

    def _tags(self, path: bytes, names: set[str], how: tuple[str, ...]) -> dict[str, str]:
        options = [f"-{name}#" if name in _AS_NUMBERS else f"-{name}" for name in sorted(names)]
        return _parsed(self._ask(_MOST_TAG_BYTES, "-json", "-G", "-a", *how, *options, path))

    def read_binary(self, path: bytes, tag: str, most_bytes: int) -> bytes:
        """The bytes of one tag such as `EXIF:PreviewImage`. Raises `ExifToolError`."""
        return self._ask(most_bytes, "-b", f"-{tag}", path)

    def close(self) -> None:
        """End the tool, at once if it does not end by itself; harmless where none runs."""
        if self._is_alive():
            with contextlib.suppress(OSError, ValueError, subprocess.SubprocessError):
                self._tool.terminate(timeout=_KILL_SECONDS)
        self._kill()

    def _ask(self, most_bytes: int, *parameters: str | bytes) -> bytes:
        self._deadline = time.monotonic() + self._seconds
        self._most_bytes = most_bytes
        exiftool.exiftool._read_fd_endswith = self._read_until
        try:
            return self._ask_once(*parameters)
        except _EndedError:
            # Ended by somebody, for want of memory perhaps: no fault of the file, unless again.
            return self._ask_once(*parameters)

    def _ask_once(self, *parameters: str | bytes) -> bytes:
        try:
            if not self._is_alive():
                self._kill()
                self._start()
            answer: bytes = self._tool.execute(*parameters, raw_bytes=True)
        except TimeoutError as error:
            self._kill()
            raise ExifToolError(f"exiftool gave no answer within {self._seconds:g} s") from error
        except ExifToolError:
            self._kill()
            raise
        except BrokenPipeError as error:
            self._kill()
            raise _EndedError from error
        except (
            *(OSError, ValueError, RuntimeError, subprocess.SubprocessError),
            exiftool.exceptions.ExifToolException,
        ) as error:
            self._kill()
            raise ExifToolError(f"exiftool failed: {error}") from error
        return answer

    def _start(self) -> None:
        version = exiftool_version(self._program, min(self._seconds, _VERSION_SECONDS))
        if version is None or not is_new_enough(version):
            raise ExifToolError(
                f"exiftool {MINIMUM_VERSION} or newer is needed; {self._program} is no exiftool of "
                f"that age"
            )
        # An empty config keeps a program in the owner's home from being run.
        self._tool = exiftool.ExifTool(
            self._program, common_args=_COMMON, config_file="", encoding="utf-8"
        )
        self._tool.run()
        for pipe in (self._tool._process.stdout, self._tool._process.stderr):
            with contextlib.suppress(OSError):  # a user's pipes may be at their limit
                fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)

    def _read_until(self, descriptor: int, ending: bytes, block_bytes: int) -> bytes:
        """Stands in for pyexiftool's reader: stops at the deadline, at the end, at too much."""
        answer = bytearray()
        while not answer[-len(ending) - 4 :].rstrip().endswith(ending):
            left = self._deadline - time.monotonic()
            if left <= 0 or not select.select([descriptor], [], [], left)[0]:
                raise TimeoutError
            block = os.read(descriptor, max(block_bytes, _PIPE_BYTES))
            if not block:
                raise _EndedError
            answer += block
            if len(answer) > self._most_bytes:
                raise ExifToolError(f"exiftool gave more than {self._most_bytes} bytes")
        return bytes(answer)

    def _is_alive(self) -> bool:
        process = getattr(self._tool, "_process", None)
        return process is not None and process.poll() is None

    def _kill(self) -> None:
        """End the tool without asking it, and without pyexiftool, which warns and leaves pipes."""
        process = getattr(self._tool, "_process", None)
        if process is not None:
            process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):  # it hangs in the kernel
                process.wait(_KILL_SECONDS)
            for pipe in (process.stdin, process.stdout, process.stderr):
                with contextlib.suppress(OSError):
                    pipe.close()
        if self._tool is not None:
            self._tool._flag_running_false()
        self._tool = None


def exiftool_version(program: str, seconds: float = _VERSION_SECONDS) -> str | None:
    """The version a program states of itself, such as `12.57`; None where it is no exiftool.

    pyexiftool does not ask, and waits for ever on versions that do not speak its protocol.
    """
    try:
        answer = subprocess.run(
            [program, "-config", "", "-ver"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    version = answer.stdout.decode("ascii", "replace").strip()
    return version if re.fullmatch(r"\d{1,3}\.\d{1,3}", version) else None


def is_new_enough(version: str) -> bool:
    """True from 12.15 on; older ones do not speak the protocol that the calls need."""
    return _parts(version) >= _parts(MINIMUM_VERSION)


def _parts(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def _parsed(answer: bytes) -> dict[str, str]:
    try:
        records = json.loads(answer.decode("utf-8", "replace"), parse_float=str, parse_int=str)
    except ValueError as error:
        raise ExifToolError("exiftool gave no readable answer") from error
    record = records[0] if isinstance(records, list) and records else None
    if not isinstance(record, Mapping):
        raise ExifToolError("exiftool gave an empty answer")
    return {
        key: " ".join(map(str, value)) if isinstance(value, list) else str(value)
        for key, value in record.items()
        if ":" in key
    }
