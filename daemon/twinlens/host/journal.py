"""The systemd journal as a place for the log, where there is one."""

import logging
import os
from collections.abc import Mapping

try:
    from systemd.journal import JournalHandler as _JournalHandler
except ImportError:
    _JournalHandler = None


def journal_handler(environ: Mapping[str, str] = os.environ) -> logging.Handler | None:
    """Give a handler for the journal; None where the output does not go there anyway.

    Without a journal the handler of systemd-python drops every line and says nothing.
    """
    if not environ.get("JOURNAL_STREAM") or _JournalHandler is None:
        return None
    handler: logging.Handler = _JournalHandler(SYSLOG_IDENTIFIER="twinlens")
    return handler
