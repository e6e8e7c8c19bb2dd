"""Reading files again in a test: the pass itself, its tasks run here, its clock far ahead."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

from support.world import World
from twinlens.events import EventBus, EventFactory
from twinlens.jobs.runner import JobRunner
from twinlens.model.events import Event
from twinlens.service.scrubbing import Scrubbing
from twinlens.store import files, verifications
from twinlens.store import jobs as jobs_store

LATER = "2999-01-01T00:00:00+00:00"


class Here(Executor):
    """Runs tasks in this process, at once."""

    def submit(  # type: ignore[override]  # positional arguments are all a task needs
        self, fn: Callable[..., Any], /, *args: Any
    ) -> "Future[Any]":
        future: Future[Any] = Future()
        future.set_result(fn(*args))
        return future


def settle(world: World, at: str = "2996-01-01T00:00:00+00:00") -> None:
    """Let the files have been recorded well after they were written."""

    def work() -> None:
        for record in files.below(world.root_id, b""):
            row = verifications.File.get_by_id(record.id)
            row.updated_at = at
            row.save()

    world.store.write(work)


def verify(world: World, events: list[Event] | None = None, **argument: object) -> dict[str, Any]:
    """One pass over all files; what it found, in numbers."""
    bus = EventBus()
    if events is not None:
        bus.subscribe(events.append)
    at = "2997-01-01T00:00:00+00:00"
    scrubbing = Scrubbing(
        database=world.store.database,
        writer=world.store.writer,
        places=world.places,
        bus=bus,
        new_event=EventFactory(world.clock),
        clock=lambda: at,
        is_stopped=lambda: False,
    )
    argument.setdefault("before", LATER)
    runner = JobRunner(world.store.database, world.store.writer, Here(), world.at)
    job = world.store.write(lambda: jobs_store.ask("verify", argument, world.at()))
    done = runner.run(job, scrubbing.definition())
    assert done.error is None
    return dict(done.result or {})
