"""Claims about the count of a content: its files, its entries in the trash, its other holds."""

from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.drift import set_count
from support.made_up import AT, digest, put_file, put_original
from support.stores import Store
from twinlens.host.uptime import Uptime
from twinlens.model.actions import (
    OPEN_STATES,
    ActionKind,
    Outcome,
    Place,
    Plan,
    PlannedStep,
    Step,
    StepState,
)
from twinlens.model.files import FileStatus
from twinlens.model.vault import BlobState, PutHow
from twinlens.store import actions, blobs, files, holds, lived, originals
from twinlens.store.tables import Root

LATER = "2026-02-03T04:05:06+00:00"


def step_for(store: Store, word: str, kind: ActionKind, root: bytes) -> Step:
    """A journalled step that acts on a copy of the content."""
    planned = PlannedStep(
        1, 1, kind, Place(root, b"copy"), Place(root, b"keeper"), digest(word), 10, "a rule"
    )
    return store.write(lambda: actions.begin(Plan((planned,)), AT))[0]


def is_orphan(store: Store, word: str) -> bool:
    found = store.read(lambda: originals.find(digest(word)))
    assert found is not None
    return found.orphaned_at is not None


@pytest.mark.parametrize("kind", list(ActionKind))
@pytest.mark.parametrize("state", list(StepState))
def test_a_step_refers_to_its_content_while_it_is_open_or_its_file_lies_in_the_trash(
    store: Store, root_id: int, kind: ActionKind, state: StepState
) -> None:
    root = store.read(lambda: Root.get_by_id(root_id).path)

    def lose() -> None:
        original_id = put_original("a")
        files.set_gone(put_file(root_id, b"copy", original_id), AT)
        originals.remove_reference(original_id, AT)

    store.write(lose)
    step = step_for(store, "a", kind, bytes(root))

    store.write(lambda: actions.record([Outcome(step.id, state)], LATER))

    is_in_trash = state in (StepState.DONE, StepState.HELD) and kind is not ActionKind.REFLINK
    is_counted = is_in_trash or state in OPEN_STATES
    references = store.read(lambda: holds.of_content(digest("a")))
    assert (references.files, references.trash) == (0, int(is_counted))
    assert is_orphan(store, "a") is not is_counted


def test_what_was_the_last_reference_makes_an_orphan_in_the_same_transaction(
    store: Store, root_id: int
) -> None:
    def work() -> None:
        original_id = put_original("a")
        file_id = put_file(root_id, b"a", original_id)
        holds.take(digest("a"), holds.JOB, "1")
        blobs.keep(digest("a"), 10, PutHow.COPY, AT)
        files.set_gone(file_id, AT)
        originals.remove_reference(original_id, AT)

    store.write(work)
    assert not is_orphan(store, "a")

    store.write(lambda: holds.release_all(holds.JOB, "1", AT))
    assert not is_orphan(store, "a")

    store.write(lambda: blobs.set_state([digest("a")], BlobState.QUARANTINED, LATER))
    found = store.read(lambda: originals.find(digest("a")))
    assert found is not None
    assert found.orphaned_at == LATER


def test_a_content_that_is_not_known_yet_can_be_held(store: Store, root_id: int) -> None:
    store.write(lambda: blobs.keep(digest("later"), 10, PutHow.COPY, AT))

    def work() -> None:
        original_id = put_original("later")
        originals.add_reference(original_id)
        originals.remove_reference(original_id, AT)

    store.write(work)

    assert not is_orphan(store, "later")
    assert store.write(lambda: holds.release_all(holds.JOB, "nobody", AT)) is None


@dataclass
class Expected:
    """What the definition says of one content."""

    live: set[int] = field(default_factory=set)
    held: set[str] = field(default_factory=set)

    @property
    def count(self) -> int:
        return len(self.live) + len(self.held)


@given(
    st.lists(
        st.one_of(
            st.tuples(st.sampled_from(["come", "go", "go twice"]), st.integers(0, 3)),
            st.tuples(
                st.sampled_from(["take", "take twice", "release", "release twice"]),
                st.sampled_from(["job 1", "job 2", "blob"]),
            ),
            st.tuples(st.just("job ends"), st.sampled_from(["1", "2"])),
        ),
        max_size=20,
    )
)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_the_count_is_what_refers_whatever_comes_in_whatever_order(
    store: Store, root_id: int, steps: list[tuple[str, object]]
) -> None:
    expected = Expected()

    def begin() -> int:
        for record in files.below(root_id, b""):
            files.delete(record.id)
        for job in ("1", "2"):
            holds.release_all(holds.JOB, job, AT)
        blobs.forget([digest("a")], AT)
        original_id = put_original("a")
        set_count(original_id, 0, AT)
        return original_id

    original_id = store.write(begin)

    def come(number: int) -> None:
        record = files.find(root_id, b"%d" % number)
        if record is None or record.status is FileStatus.GONE:
            put_file(root_id, b"%d" % number, original_id)
            expected.live.add(number)

    def go(number: int) -> None:
        record = files.find(root_id, b"%d" % number)
        if record is not None and record.status is not FileStatus.GONE:
            files.set_gone(record.id, LATER)
            originals.remove_reference(original_id, LATER)
            expected.live.discard(number)

    def take(name: str) -> None:
        if name == "blob":
            blobs.keep(digest("a"), 10, PutHow.COPY, LATER)
        else:
            holds.take(digest("a"), holds.JOB, name[4:])

    def release(name: str) -> None:
        if name == "blob":
            blobs.set_state([digest("a")], BlobState.DISCARDED, LATER)
        else:
            holds.release(digest("a"), holds.JOB, name[4:], LATER)

    def do(what: str, value: object) -> None:
        times = 2 if what.endswith("twice") else 1
        for _ in range(times):
            if what == "come":
                come(int(str(value)))
            elif what.startswith("go"):
                go(int(str(value)))
            elif what == "job ends":
                holds.release_all(holds.JOB, str(value), LATER)
                expected.held.discard(f"job {value}")
            elif what.startswith("take"):
                take(str(value))
                expected.held.add(str(value))
            else:
                release(str(value))
                expected.held.discard(str(value))

    for what, value in steps:
        store.write(lambda w=what, v=value: do(w, v))  # type: ignore[misc]  # bound at once
        with store.database.reading():
            found = originals.get(original_id)
            references = holds.of_content(digest("a"))
        assert references.count == expected.count
        assert found.reference_count == references.files == len(expected.live)
        assert (found.orphaned_at is not None) == (expected.count == 0)


def test_one_decrement_too_many_does_no_harm(store: Store, root_id: int) -> None:
    def work() -> int:
        original_id = put_original("a")
        put_file(root_id, b"a", original_id)
        originals.remove_reference(original_id, AT)
        originals.remove_reference(original_id, LATER)
        return original_id

    original_id = store.write(work)

    found = store.read(lambda: originals.get(original_id))
    # The time of the first, which was the one that counted.
    assert (found.reference_count, found.orphaned_at) == (0, AT)


def test_the_seconds_that_passed_for_certain_only_grow(store: Store) -> None:
    def at(boot: str, up: float) -> float:
        return store.write(lambda: lived.advance(Uptime(boot, up)))

    told = [at("a", 100.0), at("a", 160.0), at("a", 160.0), at("b", 30.0), at("b", 20.0)]

    assert told == [0.0, 60.0, 60.0, 90.0, 90.0]
