"""Searches of the similarity index, in a process of its own: `searching.py DATABASE SEARCHES`.

Prints JSON: seconds to load the index, milliseconds of each search by the clock and of processor
time, memory, and how many of the lookalikes that the database holds were not found.
"""

import json
import sys
import time
from pathlib import Path

from measuring import own_memory
from twinlens.grouping.duplicates import PRESETS
from twinlens.grouping.miniatures import Miniature, turned_keys
from twinlens.grouping.similarity import SimilarityIndex
from twinlens.store import miniatures
from twinlens.store.database import Database


def main() -> None:
    """Load everything, then search for pictures that are known to have a lookalike."""
    database, searches = Database(Path(sys.argv[1]), read_only=True), int(sys.argv[2])
    limit = PRESETS["normal"].max_distance
    index = SimilarityIndex()
    with database.reading():
        before, started = own_memory(), time.perf_counter()
        index.load(miniatures.every_key())
        loaded = time.perf_counter() - started
        pairs = database.peewee.execute_sql(
            "SELECT first_id, second_id FROM lookalike"
            " ORDER BY first_id * 2654435761 % 4294967296 LIMIT ?",
            (searches,),
        ).fetchall()
        known = miniatures.of(first for first, _ in pairs)
    milliseconds, processor, missed = [], [], 0
    for first, second in pairs:
        keys = _keys_in(known[first])
        started, worked = time.perf_counter(), time.process_time()
        found = index.within(keys, turned_keys(keys[0]), limit)
        milliseconds.append((time.perf_counter() - started) * 1000)
        processor.append((time.process_time() - worked) * 1000)
        missed += first not in found or second not in found
    after = own_memory()
    answer = {
        "pictures": len(index),
        "load_seconds": loaded,
        "milliseconds": milliseconds,
        "processor_milliseconds": processor,
        "missed": missed,
        "index_bytes": after.pss_bytes - before.pss_bytes,
    }
    print(json.dumps(answer))


def _keys_in(packed: bytes) -> tuple[int, ...]:
    """The keys of a miniature as the store gives it."""
    found = Miniature.read(packed)
    if found is None:
        raise ValueError("the store gave something else than a miniature")
    return found.keys


if __name__ == "__main__":
    main()
