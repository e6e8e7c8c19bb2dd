"""The section `idle`: what the daemon takes when there is nothing to do."""

import tempfile
from pathlib import Path

from corpus import MANY, prepared
from options import Options
from rows import Row
from subject import Subject

_MIB = 1 << 20
SECTION = "idle"


def measure(options: Options) -> list[Row]:
    """Memory and processor time of the daemon after it took in the corpus itself."""
    corpus, root = prepared(MANY, options)
    with tempfile.TemporaryDirectory(prefix="twinlens-bench-") as place:
        subject = Subject([root], Path(place), options.processes, corpus.pictures)
        subject.forget()
        found = subject.idle(options.rest_seconds, options.watched_seconds)
    processes = f"{found.memory.processes} processes"
    return [
        Row(
            SECTION,
            "memory, shared pages counted once",
            found.memory.pss_bytes / _MIB,
            "MiB",
            target=80,
            note=processes,
        ),
        Row(SECTION, "resident memory", found.memory.rss_bytes / _MIB, "MiB", note=processes),
        Row(SECTION, "processor time, of one core", found.cpu_percent, "%", target=0.1),
    ]
