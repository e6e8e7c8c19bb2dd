"""The worker processes, as the config wants them."""

from twinlens.config.schema import Config
from twinlens.host.lock import lock_path
from twinlens.ingest.limits import DiskReaders, WorkerLimits, process_count
from twinlens.ingest.worker import start_worker
from twinlens.jobs.pool import WorkerPool
from twinlens.model.paths import printable

SLOWEST_READ = 4 << 20
"""Bytes a second that even a slow disk or share gives: what a large file's deadline is made of."""

QUICK_BYTES = 1 << 20
"""Files up to this size may go to a worker several at a time."""


def worker_pool(config: Config, exiftool: str | None) -> WorkerPool:
    """The pool; `exiftool` is the program's path, None where there is none."""
    workers = config.workers
    limits = WorkerLimits(
        memory_bytes=workers.memory_mib << 20,
        decode_pixels=workers.max_pixels_million * 1_000_000,
        file_bytes=int(workers.max_file_gib * (1 << 30)),
        are_pictures_decoded=config.similarity.enabled,
        exiftool=exiftool,
        # It is there as long as anybody works, and locks on its bytes are of another kind.
        turns=lock_path(config.database.path),
        disk_readers=DiskReaders(workers.readers_per_disk.value),
        # The same workers fill the vault, and that is writing.
        is_confined=config.vault.place is None,
    )

    def deadline(args: tuple[object, ...]) -> float:
        size = getattr(args[0], "size", 0) if args else 0
        return workers.file_seconds + size / SLOWEST_READ

    return WorkerPool(
        process_count(workers.processes),
        initializer=start_worker,
        initargs=(limits,),
        deadline=deadline,
        is_quick=lambda args: 0 < getattr(args[0], "size", 0) <= QUICK_BYTES,
        name=lambda args: printable(getattr(args[0], "path", b"")) if args else "",
        idle_seconds=workers.idle_seconds,
    )
