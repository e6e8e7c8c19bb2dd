"""Claims about a poll while a scan waits: what is new goes to the queue, and nothing else does."""

import os

from support.world import World, jpeg
from twinlens.ingest.poll import Poll
from twinlens.model.jobs import JobState
from twinlens.store import jobs as jobs_store
from twinlens.store import work_items


def is_queued(world: World, name: str) -> bool:
    with world.store.database.reading():
        return work_items.waiting(world.root_id, os.fsencode(name)) is not None


def stop_a_scan(world: World) -> set[str]:
    """A scan that ends early; returns what it has still to look at."""

    def stop() -> None:
        world.is_stopped = True

    world.meanwhile = stop
    world.scan()
    world.is_stopped = False
    world.meanwhile = lambda: None
    with world.store.database.reading():
        (job,) = jobs_store.unfinished()
        numbers = jobs_store.pending_batches(job.id)
        items = [item for number in numbers for item in jobs_store.batch_items(job.id, number)]
    assert job.state is JobState.RUNNING
    return {str(item["path"]) for item in items if isinstance(item, dict)}


def poll(world: World) -> None:
    argument: dict[str, object] = {"paths": [str(world.photos)]}
    assert list(Poll(world.parts).definition().discover(argument)) == []


def test_what_is_new_or_changed_is_queued_and_what_a_scan_has_left_is_not(world: World) -> None:
    for number, name in enumerate(("known.jpg", "gone.jpg", "same.jpg")):
        world.put(name, jpeg(number))
    world.scan()
    for number in range(9):
        world.put(f"late/{number}.jpg", jpeg(10 + number))
    left = stop_a_scan(world)
    assert left
    world.put("known.jpg", jpeg(4))
    world.path("gone.jpg").unlink()
    world.put("late/new.jpg", jpeg(30))

    poll(world)

    assert is_queued(world, "known.jpg")
    assert is_queued(world, "late/new.jpg")
    assert not any(is_queued(world, name) for name in {"gone.jpg", "same.jpg", *left})


def test_a_path_that_waits_in_the_queue_is_not_put_off_by_the_next_poll(world: World) -> None:
    world.put("new.jpg", jpeg(1))
    poll(world)
    first = world.queue.next_due()
    assert first is not None

    poll(world)

    assert world.queue.next_due() == first
