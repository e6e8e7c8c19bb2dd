"""`cleanup` and `reconcile`: the maintenance passes by hand."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from twinlens.maintenance.orphans import Cleanup
from twinlens.maintenance.reconcile import Reconcile
from twinlens.store.database import Database
from twinlens.store.writer import Writer


def cleanup(
    database: Database,
    writer: Writer,
    clock: Callable[[], datetime],
    *,
    grace_hours: float,
    batch_limit: int,
) -> dict[str, Any]:
    """Forget contents that no file refers to; never touches a file."""
    return Cleanup(database, writer, clock, grace_hours, batch_limit).run().as_result()


def reconcile(database: Database, writer: Writer, clock: Callable[[], datetime]) -> dict[str, Any]:
    """Count references anew and mend what drifted."""
    return Reconcile(database, writer, clock).run().as_result()
