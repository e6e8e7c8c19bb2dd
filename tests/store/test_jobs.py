"""Claims about jobs in the store: what was asked for, how far it is, what came of it."""

import sqlite3

from support.made_up import AT
from support.stores import Store
from twinlens.model.jobs import JobRecord, JobState
from twinlens.store import jobs


def ask(store: Store, name: str = "scan", **argument: object) -> JobRecord:
    return store.write(lambda: jobs.ask(name, argument, AT))


def stored(store: Store, job: JobRecord) -> JobRecord:
    found = store.read(lambda: jobs.get(job.id))
    assert found is not None
    return found


def start(store: Store, job: JobRecord, *batches: list[object]) -> None:
    def work() -> None:
        jobs.begin(job.id, AT)
        jobs.add_batches(job.id, 0, batches)
        jobs.set_discovered(job.id, sum(map(len, batches)))

    store.write(work)


def end_batch(store: Store, job: JobRecord, number: int, succeeded: int, failed: int) -> None:
    store.write(
        lambda: jobs.finish_batch(
            job.id, number, succeeded=succeeded, failed=failed, retries=0, error=None
        )
    )


def end(store: Store, job: JobRecord, state: JobState) -> None:
    store.write(lambda: jobs.finish(job.id, state, AT, error="e", result={"n": 1}))


def test_asking_twice_for_the_same_is_one_job(store: Store) -> None:
    first = ask(store, paths=["/a"], accept_missing=True)

    assert ask(store, accept_missing=True, paths=["/a"]) == first
    assert ask(store, paths=["/b"]).id != first.id
    assert ask(store, "verify", paths=["/a"], accept_missing=True).id != first.id


def test_what_is_asked_while_it_runs_is_run_once_more(store: Store) -> None:
    running = ask(store)
    start(store, running, [1])

    again = ask(store)

    assert again.id != running.id
    assert [job.id for job in store.read(jobs.unfinished)] == [running.id, again.id]


def test_items_come_back_as_they_were_put(store: Store) -> None:
    job = ask(store)
    items: list[object] = [{"path": "\udcff\n", "stat": [2**63, -1]}, None, "x", 1.5]
    start(store, job, items, [2])

    assert store.read(lambda: jobs.pending_batches(job.id)) == [0, 1]
    assert store.read(lambda: jobs.batch_items(job.id, 0)) == items


def test_a_done_batch_is_counted_once_and_not_pending(store: Store) -> None:
    job = ask(store)
    start(store, job, [1, 2, 3], [4])

    end_batch(store, job, 0, succeeded=2, failed=1)

    now = stored(store, job)
    assert (now.total, now.succeeded, now.failed) == (4, 2, 1)
    assert store.read(lambda: jobs.pending_batches(job.id)) == [1]
    assert store.read(lambda: jobs.batch_items(job.id, 0)) == []


def test_an_interrupted_discovery_starts_anew(store: Store) -> None:
    job = ask(store)
    store.write(lambda: jobs.begin(job.id, AT))
    store.write(lambda: jobs.add_batches(job.id, 0, [[1], [2]]))

    is_discovered = store.write(lambda: jobs.begin(job.id, "later"))

    assert not is_discovered
    assert store.read(lambda: jobs.pending_batches(job.id)) == []
    assert stored(store, job).started_at == AT


def test_a_job_whose_items_are_known_goes_on_where_it_was(store: Store) -> None:
    job = ask(store)
    start(store, job, [1], [2])
    end_batch(store, job, 0, succeeded=1, failed=0)

    assert store.write(lambda: jobs.begin(job.id, "later"))
    assert store.read(lambda: jobs.pending_batches(job.id)) == [1]
    assert stored(store, job).succeeded == 1


def test_only_an_open_job_can_be_cancelled(store: Store) -> None:
    job = ask(store)

    assert store.write(lambda: jobs.request_cancel(job.id))
    assert stored(store, job).cancel_requested
    end(store, job, JobState.CANCELLED)
    assert not store.write(lambda: jobs.request_cancel(job.id))
    assert not store.write(lambda: jobs.request_cancel(4711))


def test_a_cancelled_job_that_is_opened_again_has_its_open_batches(store: Store) -> None:
    job = ask(store)
    start(store, job, [1], [2])
    end_batch(store, job, 0, succeeded=1, failed=0)
    store.write(lambda: jobs.request_cancel(job.id))
    end(store, job, JobState.CANCELLED)

    assert store.write(lambda: jobs.reopen(job.id))

    now = stored(store, job)
    assert (now.state, now.cancel_requested, now.error) == (JobState.PENDING, False, None)
    assert now.finished_at is None
    assert store.write(lambda: jobs.begin(job.id, AT))
    assert store.read(lambda: jobs.pending_batches(job.id)) == [1]


def test_a_job_that_did_not_end_badly_is_not_opened_again(store: Store) -> None:
    job = ask(store)

    assert not store.write(lambda: jobs.reopen(job.id))
    end(store, job, JobState.SUCCESS)
    assert not store.write(lambda: jobs.reopen(job.id))


def test_a_job_that_went_through_keeps_its_result_and_no_batches(store: Store) -> None:
    job = ask(store)
    start(store, job, [1])
    end_batch(store, job, 0, succeeded=1, failed=0)

    end(store, job, JobState.SUCCESS)

    assert stored(store, job).result == {"n": 1}
    reader = sqlite3.connect(store.path)
    assert reader.execute("SELECT count(*) FROM job_batch").fetchone() == (0,)
    reader.close()


def test_trim_forgets_old_ended_jobs_and_no_open_one(store: Store) -> None:
    waiting = ask(store, n=-1)
    ended = [ask(store, n=n) for n in range(5)]
    for job in ended:
        end(store, job, JobState.FAILED)

    assert store.write(lambda: jobs.trim(2)) == 3

    left = [job.id for job in store.read(jobs.listing)]
    assert left == [ended[4].id, ended[3].id, waiting.id]
