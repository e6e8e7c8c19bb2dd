"""What the pool is handed: functions that load the analysis where they run.

The daemon itself never decodes, so it need not hold the decoders: that is 30 MB on a small box.
"""

import importlib
from dataclasses import dataclass

from twinlens.model.files import Finding, Look

PRELOAD = ("twinlens.ingest.analyse",)
"""What the workers' server imports once, so that its workers share the memory."""

_LOADED_BY_WORKERS = ("scipy.fftpack", "pywt")
"""What imagehash loads at its first hash. The server lives as long as the daemon and would keep
these 25 MB for nothing while nobody works."""


EXIFTOOL_IS_MISSING = "exiftool is needed for this"
"""How the error of a content begins that has to be measured again once exiftool is there."""


@dataclass(frozen=True, slots=True)
class WorkerLimits:
    """The bounds of one worker process and of the exiftool that it starts.

    The defaults let a picture of 200 megapixels through, the largest that phones make, which needs
    about 1 GB while it is decoded; a JPEG of that size needs 5 MB.
    """

    memory_bytes: int = 2 << 30
    """What the worker may take beside its program and libraries (RLIMIT_AS); 0: no bound."""
    decode_pixels: int = 200_000_000
    """Larger pictures are not decoded. A JPEG counts as it is decoded: an eighth of each side."""
    file_bytes: int = 256 << 30
    """Larger files are not read; 0: no bound."""
    exiftool_seconds: float = 10.0
    """How long one answer of exiftool may take."""
    exiftool: str | None = None
    """The program; None where there is none. Only RAWs and videos cannot do without it."""


def start_worker(limits: WorkerLimits) -> None:
    """Make a new worker process ready: the pool's initializer."""
    from twinlens.ingest.analyse import prepare_worker  # noqa: PLC0415 - see above

    for name in _LOADED_BY_WORKERS:
        importlib.import_module(name)
    prepare_worker(limits)


def look_at(look: Look) -> Finding:
    """Look at one path in a worker that was made ready."""
    from twinlens.ingest.analyse import analyse  # noqa: PLC0415 - see above

    return analyse(look)
