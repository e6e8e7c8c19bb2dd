"""What a daemon tells of itself: that it began, and what is wrong with it."""

import json
import os

from twinlens.model.events import EventName, Severity
from twinlens.model.paths import printable
from twinlens.service.engine import Engine, exiftool_program, utc_text
from twinlens.store import meta


def announce_start(engine: Engine) -> None:
    """Tell that it watches, and note in the store which process does."""
    if exiftool_program(engine.config) is None:
        tell_problem(
            engine,
            "exiftool was not found: RAW and video are hashed but not understood; "
            "install it: sudo apt install libimage-exiftool-perl",
        )
    roots = [printable(place.path) for place in engine.places.all()]
    facts = json.dumps({"pid": os.getpid(), "started_at": utc_text()})
    engine.writer.call(lambda: meta.write("daemon", facts))
    engine.bus.publish(
        engine.new_event(EventName.DAEMON_STARTED, f"watching {', '.join(roots)}", roots=roots)
    )


def tell_problem(engine: Engine, words: str) -> None:
    """Tell of something that wants eyes."""
    engine.bus.publish(engine.new_event(EventName.PROBLEM, words, severity=Severity.WARNING))
