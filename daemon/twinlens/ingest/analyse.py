"""The one function that workers run: a path in, a finding out.

It runs in the main thread of a worker process that `prepare_worker` has bounded, knows nothing of
the store, and lets no file stop the next one.
"""

import logging
import resource
import signal
from dataclasses import replace
from multiprocessing.util import Finalize

from twinlens.analysis.kinds import recognise
from twinlens.host.confinement import deny_changes
from twinlens.host.page_cache import is_held, let_go
from twinlens.ingest.limits import WorkerLimits
from twinlens.ingest.measure import EMPTY, Instruments, measure
from twinlens.ingest.reading_turns import ReadingTurns
from twinlens.media.decoding import register_decoders
from twinlens.media.exiftool import ExifTool
from twinlens.media.reading import (
    Content,
    ReadError,
    open_regular,
    read_content,
    wait_until_sealed,
)
from twinlens.model.files import Finding, Look, Stat
from twinlens.model.picture import Measurement, MediaType
from twinlens.model.unjudged import NOT_MEASURED, OUT_OF_MEMORY, TREATED_CAREFULLY

_log = logging.getLogger(__name__)


class Analyst:
    """Looks at one path after the other within its limits; holds the exiftool that it starts."""

    def __init__(self, limits: WorkerLimits) -> None:
        self._limits = limits
        self._tool = ExifTool(limits.exiftool, limits.exiftool_seconds) if limits.exiftool else None
        self._instruments = Instruments(
            limits.decode_pixels, self._tool, are_pictures_decoded=limits.are_pictures_decoded
        )
        self._turns = ReadingTurns(limits.turns, limits.disk_readers)
        register_decoders()

    def analyse(self, look: Look) -> Finding:
        """Read, hash, recognise and measure what is at a path; no file can make it raise."""
        try:
            with open_regular(look.path) as (descriptor, stat):
                wait_until_sealed(descriptor, stat)
                # Whoever wrote or reads it may need it again; what only we read is not kept.
                is_used = is_held(descriptor)
                turn = self._turns.of(descriptor, stat)
                try:
                    most = self._limits.file_bytes
                    content = read_content(descriptor, look.path, stat, most, turn, is_used=is_used)
                    return self._finding(look, stat, content)
                finally:
                    if not is_used:
                        let_go(descriptor)
        except ReadError as problem:
            return Finding(
                look.path,
                stat=problem.stat,
                problem=str(problem),
                is_transient=problem.is_transient,
                bytes_read=problem.bytes_read,
            )
        except MemoryError:
            # Nothing is known of the path: without `is_transient` that would be an absence.
            return Finding(look.path, problem=OUT_OF_MEMORY, is_transient=True)

    def close(self) -> None:
        """End exiftool, and give back turns."""
        self._turns.close()
        if self._tool is not None:
            self._tool.close()

    def _finding(self, look: Look, stat: Stat, content: Content) -> Finding:
        finding = Finding(look.path, stat=stat, sha256=content.sha256, bytes_read=content.size)
        if content.sha256 in look.known_digests:
            return finding
        media = recognise(content.head, content.read_at)
        if look.is_careful:
            error = TREATED_CAREFULLY if content.size else EMPTY
            # Version 0: not measured, so that a copy of it is not taken as known.
            careful = Measurement(media.media_type, media.kind, error=error, algorithm_version=0)
            return replace(finding, measurement=careful)
        return replace(finding, measurement=self._measured(look, content, media))

    def _measured(self, look: Look, content: Content, media: MediaType) -> Measurement:
        try:
            return measure(content, media, self._instruments)
        except MemoryError:
            error = OUT_OF_MEMORY
        except Exception as problem:  # noqa: BLE001 - the top of a worker's step: one file, one fact
            _log.exception("could not be measured: %r", look.path)
            error = f"{NOT_MEASURED}: {type(problem).__name__}: {problem}"[:256]
        return Measurement(media.media_type, media.kind, error=error)


# The one module-level state of the program: a pool hands its workers a function, not an object.
_analyst: Analyst | None = None


def prepare_worker(limits: WorkerLimits) -> None:
    """Bound this process and make it ready to `analyse`: the initializer of a pool.

    It gives up what no decoder needs (`host.confinement`), before it sees the first picture. No
    core files (they would hold the owner's pictures); Ctrl-C is the parent's business. exiftool
    starts with the first file that needs it and ends with the process.
    """
    global _analyst  # noqa: PLW0603 - see above
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if limits.memory_bytes:
        # Python, numpy and the decoders alone take 300 MB of addresses, and touch a fifth of them.
        most = _address_space() + limits.memory_bytes
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    # Before the confinement: it opens the file of the turns for writing.
    _analyst = Analyst(limits)
    if limits.is_confined and not deny_changes():
        _log.debug("this kernel, or a filter of system calls, lets no worker be confined")
    # Worker processes of multiprocessing leave without atexit; this runs in both ways to leave.
    Finalize(None, _analyst.close, exitpriority=10)


def _address_space() -> int:
    """What this process takes now, in bytes (proc(5), statm)."""
    with open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


def analyse(look: Look) -> Finding:
    """Look at one path in a prepared worker; see `Finding` for what comes back."""
    if _analyst is None:
        raise RuntimeError("prepare_worker has not run in this process")
    return _analyst.analyse(look)
