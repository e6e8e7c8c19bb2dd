"""Lets what the owner said take effect at once: the contents it is about are settled anew."""

from collections.abc import Callable, Iterable
from datetime import datetime

from twinlens.analysis.sidecar_names import bucket_of
from twinlens.ingest.capture_time import settle_capture_times
from twinlens.ingest.recorder import Touched
from twinlens.store import files as files_store
from twinlens.store import tags


def reconsider(
    original_ids: Iterable[int],
    regroup: Callable[[Touched], object],
    clock: Callable[[], datetime],
) -> None:
    """Settle capture time, tags and groups of these contents. Inside a transaction of the writer.

    `regroup` groups anew what it is handed.
    """
    touched = Touched(originals=set(original_ids))
    settle_capture_times(touched.originals, clock)
    for files in files_store.of_originals(touched.originals).values():
        for record in files:
            name = record.path.rpartition(b"/")[2]
            touched.buckets.add((record.root_id, bucket_of(name)))
    tags.restore(touched.originals)
    regroup(touched)
