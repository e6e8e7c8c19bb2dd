"""What the pool is handed: functions that load the analysis where they run.

The daemon itself never decodes, so it need not hold the decoders: that is 30 MB on a small box.
"""

from twinlens.ingest.limits import WorkerLimits
from twinlens.model.files import Finding, Look


def start_worker(limits: WorkerLimits) -> None:
    """Make a new worker process ready: the pool's initializer."""
    from twinlens.ingest.analyse import prepare_worker  # noqa: PLC0415 - see above

    prepare_worker(limits)


def look_at(look: Look) -> Finding:
    """Look at one path in a worker that was made ready."""
    from twinlens.ingest.analyse import analyse  # noqa: PLC0415 - see above

    return analyse(look)
