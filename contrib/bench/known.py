"""A library that is known already: up to a million files on the disk, and the store that a scan of
them would have left.

The files are holes: each takes an inode and no room, and nothing may open them. What is known of
them is written by the product's own store, so the rows are those of today's schema; the
measurements are made up (`known_files.py`). Made once and kept for the next time: an older schema
is brought up to date by the product.
"""

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from known_files import A_FOLDER, COPIES, DISTINCT, PAIRS, VERSION, Content, Folder
from twinlens.analysis.sidecar_names import bucket_of
from twinlens.grouping.duplicates import PRESETS, groups_of, judge
from twinlens.ingest.capture_time import settle_capture_times
from twinlens.ingest.lookalikes import pictures_of
from twinlens.ingest.photographs import regroup_photographs
from twinlens.model.files import Condition, FileStatus, Stat
from twinlens.model.picture import ALGORITHM_VERSION, Confidence, TakenAt
from twinlens.model.verdicts import Lookalike
from twinlens.store import duplicate_groups, files, lookalikes, originals, roots
from twinlens.store.database import Database
from twinlens.store.neighbourhoods import neighbourhoods
from twinlens.store.schema import prepare

_RECORDED_AT = "2024-01-01T00:00:00+00:00"
_FOLDERS_A_TRANSACTION = 25
_CACHE_KIB = 2 << 20


@dataclass(frozen=True, slots=True)
class Known:
    """A made library of so many files."""

    files: int
    folder: Path

    @property
    def root(self) -> Path:
        """The folder of the files."""
        return self.folder / "photos"

    @property
    def arrivals(self) -> Path:
        """One of the folders below it, for new pictures; what is put there is taken away again."""
        return self.root / os.fsdecode(Folder(0).path)

    @property
    def database(self) -> Path:
        """What is known of them."""
        return self.folder / "state" / "twinlens.db"


def make_known(count: int, folder: Path, on_progress: Callable[[int], None]) -> Known:
    """The library below `folder`, made unless it is there.

    Raises ValueError where `count` does not fill whole folders of 200.
    """
    if count < A_FOLDER or count % A_FOLDER:
        raise ValueError(f"not a multiple of {A_FOLDER}: {count}")
    # What another version of the measurements recorded would be read anew by the first scan.
    known = Known(count, folder / f"known-{count}-v{VERSION}-{ALGORITHM_VERSION}")
    finished = known.folder / "finished"
    if not finished.exists():
        shutil.rmtree(known.folder, ignore_errors=True)
        known.root.mkdir(parents=True)
        known.database.parent.mkdir()
        _fill(known, on_progress)
        finished.touch()
    return known


def _fill(known: Known, on_progress: Callable[[int], None]) -> None:
    database = Database(known.database)
    prepare(database)
    with database.connected():
        # Nobody reads meanwhile, and what a power cut spoils is made anew.
        for pragma in ("synchronous = off", f"cache_size = -{_CACHE_KIB}"):
            database.peewee.execute_sql(f"PRAGMA {pragma}")
        root = os.fsencode(known.root)
        with database.peewee.atomic():
            root_id = roots.adopt([("bench", "report", [root])])[0].id
        numbers = range(known.files // A_FOLDER)
        for start in range(0, len(numbers), _FOLDERS_A_TRANSACTION):
            with database.peewee.atomic():
                for number in numbers[start : start + _FOLDERS_A_TRANSACTION]:
                    _add(Folder(number), root, root_id)
                    on_progress((number + 1) * A_FOLDER)
        database.peewee.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)")


def _add(folder: Folder, root: bytes, root_id: int) -> None:
    """Make one folder, then what is known of it. In a transaction."""
    names, contents = folder.names, folder.contents
    stats = _make_holes(root + b"/" + folder.path, names, [one.size for one in contents])
    original_ids = [_record_content(content) for content in contents[:DISTINCT]]
    original_ids += original_ids[:COPIES]
    for name, content, stat, original_id in zip(names, contents, stats, original_ids, strict=True):
        files.put(
            root_id,
            folder.path + b"/" + name,
            radical=bucket_of(name),
            burst_key=None,
            stat=stat,
            is_nested=False,
            original_id=original_id,
            condition=Condition(content.measurement.kind, FileStatus.OK),
            at=_RECORDED_AT,
        )
        originals.add_reference(original_id)
    buckets = [bucket_of(names[place]) for place in folder.paired]
    for neighbourhood in neighbourhoods(root_id, buckets):
        regroup_photographs(root_id, neighbourhood)
    # What the one says is told of the other, too.
    paired = [original_ids[place + side] for place in folder.paired for side in (0, PAIRS)]
    settle_capture_times(paired, _clock)
    for first, second in folder.lookalikes:
        _relate(original_ids[first], original_ids[second])


def _clock() -> datetime:
    return datetime.fromisoformat(_RECORDED_AT)


def _record_content(content: Content) -> int:
    """What the recorder would say of it, without asking its paths, which tell no dates."""
    original_id = originals.put(content.sha256, content.size, content.measurement)
    candidates = content.measurement.date_candidates
    best = candidates[0]
    originals.set_taken(
        original_id,
        captured_at=best.value,
        taken=TakenAt(best.value, best.source, Confidence.HIGH),
        content=candidates,
        path=(),
    )
    return original_id


def _make_holes(folder: bytes, names: Sequence[bytes], sizes: Sequence[int]) -> list[Stat]:
    os.makedirs(folder)
    stats = []
    for name, size in zip(names, sizes, strict=True):
        descriptor = os.open(folder + b"/" + name, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        try:
            os.ftruncate(descriptor, size)
            stats.append(Stat.of(os.fstat(descriptor)))
        finally:
            os.close(descriptor)
    return stats


def _relate(first: int, second: int) -> None:
    """Record what the rules say of two contents that show the same."""
    limits = PRESETS["normal"]
    pictures = pictures_of([first, second])
    verdict = judge(pictures[0], pictures[1], limits)
    if verdict is None:
        raise ValueError(f"a re-encoding was made too unlike its picture: {first}, {second}")
    found = Lookalike(first, second, verdict)
    lookalikes.put([found])
    duplicate_groups.replace({}, groups_of(pictures, [found]))
