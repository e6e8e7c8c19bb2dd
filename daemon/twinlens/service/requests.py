"""What may be asked of whoever holds the store, by verb: the daemon answers its spool with it."""

from typing import Any

from twinlens.commands import jobs as jobs_commands
from twinlens.commands import maintain
from twinlens.config.schema import Config
from twinlens.errors import UsageError
from twinlens.service.engine import utc_now, utc_text
from twinlens.store import jobs as jobs_store
from twinlens.store.database import Database
from twinlens.store.writer import Writer


def answer(
    config: Config, database: Database, writer: Writer, verb: str, argument: dict[str, Any]
) -> dict[str, Any]:
    """Carry out a request; UsageError where it cannot be meant."""
    if verb == "scan":
        at = utc_text()
        return {"job": writer.call(lambda: jobs_store.ask("scan", argument, at)).id}
    if verb == "start":
        return jobs_commands.start(writer, str(argument["name"]), utc_text())
    if verb == "cancel":
        return jobs_commands.cancel(writer, int(argument["job"]))
    if verb == "retry":
        job = argument.get("job")
        return jobs_commands.retry(writer, None if job is None else int(job))
    if verb == "cleanup":
        return maintain.cleanup(
            database,
            writer,
            utc_now,
            grace_hours=config.cleanup.grace_hours,
            batch_limit=config.cleanup.batch_limit,
        )
    if verb == "reconcile":
        return maintain.reconcile(database, writer, utc_now)
    raise UsageError(f"the daemon does not know the request {verb!r}")
