"""`cleanup` and `reconcile`: the maintenance passes by hand."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from twinlens.maintenance.orphans import Cleanup
from twinlens.maintenance.reconcile import Reconcile
from twinlens.maintenance.trust import Look, look_at
from twinlens.store.database import Database
from twinlens.store.writer import Writer


def cleanup(
    database: Database,
    writer: Writer,
    clock: Callable[[], datetime],
    *,
    grace_hours: float,
    batch_limit: int,
    brake_percent: float = 100.0,
    accept: bool = False,
    look: Look = look_at,
) -> dict[str, Any]:
    """Forget contents that no file refers to; never touches a file. `accept` answers the brake."""
    return (
        Cleanup(database, writer, clock, grace_hours, batch_limit, brake_percent, accept, look)
        .run()
        .as_result()
    )


def reconcile(
    database: Database,
    writer: Writer,
    clock: Callable[[], datetime],
    is_ignored: Callable[[bytes], bool] = lambda path: False,
    look: Look = look_at,
) -> dict[str, Any]:
    """Count references anew, look for files that came back, and mend what drifted."""
    return Reconcile(database, writer, clock, is_ignored, look).run().as_result()
