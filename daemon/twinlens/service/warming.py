"""Loads what the first arrival would wait for, once the daemon is ready.

The keys of a million pictures are scattered over two gigabytes, which a spinning disk takes half a
minute to read. So they are read once beside the writer, for the system to have them in memory, and
then by the writer's thread, which owns the index, in about a second.
"""

import logging
import threading

from twinlens.errors import StoreError
from twinlens.service.engine import Engine
from twinlens.store import miniatures

logger = logging.getLogger(__name__)


def start_warming(engine: Engine) -> threading.Thread:
    """Begin with it on a thread of its own, which ends by itself or soon after the engine's work
    is stopped."""
    thread = threading.Thread(target=_warm, args=(engine,), name="warming", daemon=True)
    thread.start()
    return thread


def _warm(engine: Engine) -> None:
    try:
        with engine.database.reading():
            for _ in miniatures.every_key():
                if engine.is_stopped():
                    return
        engine.writer.call(engine.absorber.warm)
        engine.rest()
    except StoreError as error:
        # Whoever needs it loads it, or meets the same error and knows what to do.
        logger.debug("the search index was not loaded ahead: %s", error)
