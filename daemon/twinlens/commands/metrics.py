"""`metrics`: how it stands, as figures for Prometheus.

Times are given as moments and not as ages, so that the text only changes when something did.
"""

import os
import platform
import sqlite3
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from twinlens import __version__
from twinlens.commands.exposition import exposition
from twinlens.model.metrics import Metric, MetricKind, Sample
from twinlens.model.paths import printable
from twinlens.model.roots import RootState
from twinlens.store import counters, figures, meta, outbox, work_items
from twinlens.store import roots as roots_store
from twinlens.store.database import Database

GAUGE, COUNTER = MetricKind.GAUGE, MetricKind.COUNTER

_PASSES = {
    "cleanup": "last_cleanup_at",
    "reconcile": "last_reconcile_at",
    "verify": "last_verify_at",
    "purge": "last_purge_at",
    "vault_fill": "last_vault_fill_at",
    "vault_verify": "last_vault_verify_at",
    "vault_gc": "last_vault_gc_at",
}
"""The facts that remember when a pass last went through."""


def metrics(database: Database) -> str:
    """Everything, as Prometheus text."""
    with database.reading():
        return exposition((*cheap(database.path), *costly()))


def cheap(database: Path) -> tuple[Metric, ...]:
    """What costs next to nothing, however large the library is. Inside a connection."""
    queue, oldest = work_items.counts(), figures.oldest_waiting()
    contents, orphans = figures.originals()
    trash = figures.trash()
    waiting, given_up, _ = outbox.counts()
    build = {
        "version": __version__,
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
    }
    return (
        _one("build_info", GAUGE, "What this is; always 1.", 1, build),
        _by("queue_items", "Paths in the work queue.", "state", queue),
        _at(
            "queue_oldest_timestamp_seconds",
            "When the path that waits longest came into the queue.",
            {"": oldest},
        ),
        _by(
            "files",
            "Files known, by state; gone is soft-deleted.",
            "state",
            figures.files_by_state(),
        ),
        _one("originals", GAUGE, "Contents known.", contents),
        _one("orphans", GAUGE, "Contents that nothing refers to.", orphans),
        _one(
            "watch_told_changes_total",
            COUNTER,
            "Changes that events told of.",
            counters.get(counters.TOLD),
        ),
        _one(
            "watch_missed_changes_total",
            COUNTER,
            "Changes that a scan found in a folder that was watched by events.",
            counters.get(counters.MISSED),
        ),
        *_roots(),
        _one(
            "reference_drift_total",
            COUNTER,
            "References by which stored counts were found wrong, and mended.",
            counters.get(counters.DRIFT),
        ),
        _by(
            "damaged_files",
            "Files found damaged when they were read again.",
            "verdict",
            {"rotten": 0, "unreadable": 0} | figures.damaged(),
        ),
        _by(
            "webhook_messages",
            "Webhook messages not delivered yet.",
            "state",
            {"waiting": waiting, "given_up": given_up},
        ),
        _one("trash_items", GAUGE, "Files in the trash.", trash.items),
        _one("trash_bytes", GAUGE, "Bytes in the trash.", trash.bytes),
        Metric(
            "action_steps",
            GAUGE,
            "Steps of actions in the journal, by what came of them.",
            tuple(
                Sample(number, {"kind": kind, "state": state})
                for (kind, state), number in sorted(figures.steps_by_outcome().items())
            ),
        ),
        _at(
            "last_success_timestamp_seconds",
            "When a pass last went through.",
            _passes(),
            "pass",
        ),
        _one("database_bytes", GAUGE, "The database's files.", _size(database)),
    )


def costly() -> tuple[Metric, ...]:
    """What reads many rows. Inside a connection."""
    copies, reclaimable = figures.exact()
    return (
        _by("groups", "Photographs and series, by type.", "type", figures.groups_by_type()),
        _by(
            "duplicates",
            "Groups of duplicates, by class; exact ones are contents with several files.",
            "class",
            {"exact": copies} | figures.duplicates_by_class(),
        ),
        _one(
            "reclaimable_bytes", GAUGE, "What one copy of each exact duplicate frees.", reclaimable
        ),
        _at(
            "verification_oldest_timestamp_seconds",
            "When the file that waits longest was last read again.",
            {"": figures.oldest_verified()},
        ),
    )


def _roots() -> tuple[Metric, ...]:
    records = roots_store.active()
    labels = {record.id: {"root": printable(record.path)} for record in records}
    return (
        Metric(
            "root_online",
            GAUGE,
            "Whether a folder can be believed.",
            tuple(Sample(r.state is RootState.ONLINE, labels[r.id]) for r in records),
        ),
        Metric(
            "watch_overflows_total",
            COUNTER,
            "How often events of a folder were lost.",
            tuple(Sample(r.overflows, labels[r.id]) for r in records),
        ),
    )


def _passes() -> dict[str, str | None]:
    found = {name: meta.read(key) for name, key in _PASSES.items()}
    scans = [record.last_scan_at for record in roots_store.active()]
    # All folders: the one that waits longest.
    found["scan"] = min((at for at in scans if at), default=None) if all(scans) else None
    return found


def _one(
    name: str, kind: MetricKind, words: str, value: float, labels: Mapping[str, str] | None = None
) -> Metric:
    return Metric(name, kind, words, (Sample(value, dict(labels or {})),))


def _by(name: str, words: str, label: str, values: Mapping[str, int]) -> Metric:
    samples = tuple(Sample(number, {label: which}) for which, number in sorted(values.items()))
    return Metric(name, GAUGE, words, samples)


def _at(name: str, words: str, times: Mapping[str, str | None], label: str = "") -> Metric:
    """Moments as seconds since the epoch; what never was has no sample."""
    samples = tuple(
        Sample(datetime.fromisoformat(at).timestamp(), {label: which} if label else {})
        for which, at in sorted(times.items())
        if at
    )
    return Metric(name, GAUGE, words, samples)


def _size(database: Path) -> int:
    # By stat alone: to open and close the file would drop SQLite's locks.
    return sum(_bytes(database.with_name(database.name + end)) for end in ("", "-wal"))


def _bytes(path: Path) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0
