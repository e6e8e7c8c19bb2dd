"""Claims about contents in the store: what was measured comes back, references are counted."""

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.drift import counted_links, set_count
from support.made_up import AT, digest, measured, put_file, put_original
from support.stores import Store
from twinlens.model.picture import (
    ALGORITHM_VERSION,
    Confidence,
    DateCandidate,
    Fingerprint,
    Kind,
    Measurement,
    Metadata,
    Place,
    TakenAt,
)
from twinlens.store import files, originals, orphans

LATER = "2026-02-03T00:00:00+00:00"


def test_a_measurement_comes_back_whole(store: Store) -> None:
    whole = Measurement(
        "image/jpeg",
        Kind.IMAGE,
        width=6000,
        height=4000,
        orientation=6,
        metadata=Metadata(
            make="Ma\udcffker",
            model="Model \N{CAMERA}",
            duration_seconds=1.5,
            has_subseconds=True,
            altitude_metres=-3.25,
            tags={"EXIF:Make": "x\ny"},
        ),
        date_candidates=(
            DateCandidate("EXIF:DateTimeOriginal", "2026-01-02T03:04:05.678+01:00", 2),
            DateCandidate("XMP:Date", "0000:00:00", 7, rejected="no date"),
        ),
        fingerprint=Fingerprint(1, 2**63, 3, 2**64 - 1, is_degenerate=True, reason="flat"),
        quality_score=0.25,
        place=Place(47.5, -8.25, "u0qj", "u0qj9h", "u0qj9h2k"),
        error="cut short",
    )

    original_id = store.write(lambda: originals.put(digest("a"), 2**40, whole))

    record = store.read(lambda: originals.get(original_id))
    assert record.measurement == whole
    assert (record.sha256, record.size) == (digest("a"), 2**40)
    assert (record.reference_count, record.orphaned_at) == (0, None)


def test_a_bare_measurement_comes_back_bare(store: Store) -> None:
    bare = Measurement("application/octet-stream", Kind.OTHER)

    original_id = store.write(lambda: originals.put(digest("a"), 0, bare))

    assert store.read(lambda: originals.get(original_id)).measurement == bare


def test_a_content_has_one_row_and_is_measured_anew(store: Store) -> None:
    first = store.write(lambda: put_original("a", measurement=measured(phash=1, version=0)))
    second = store.write(lambda: put_original("a", measurement=measured(phash=2)))

    assert first == second
    assert store.read(lambda: originals.version_of(digest("a"))) == (first, ALGORITHM_VERSION)


def test_the_capture_time_comes_back_with_all_that_was_weighed(store: Store) -> None:
    own = (DateCandidate("EXIF:DateTimeOriginal", "2026-01-02T03:04:05", 5),)
    others = (DateCandidate("name", "2026-01-03", 10), DateCandidate("file", "2026", 12, "vague"))
    taken = TakenAt(own[0].value, own[0].source, Confidence.MEDIUM)
    original_id = store.write(
        lambda: put_original("a", measurement=replace(measured(), date_candidates=own))
    )

    store.write(
        lambda: originals.set_taken(
            original_id, captured_at=own[0].value, taken=taken, content=own, path=others
        )
    )

    record = store.read(lambda: originals.get(original_id))
    assert record.captured_at == own[0].value
    assert record.taken == replace(taken, candidates=(*own, *others))
    assert record.measurement.date_candidates == own


def test_a_content_becomes_an_orphan_at_its_last_reference_and_stops_being_one(
    store: Store,
) -> None:
    original_id = store.write(lambda: put_original("a"))

    def state() -> tuple[int, str | None]:
        record = store.read(lambda: originals.get(original_id))
        return record.reference_count, record.orphaned_at

    assert store.write(lambda: originals.add_reference(original_id)) == 1
    assert store.write(lambda: originals.add_reference(original_id)) == 2
    assert store.write(lambda: originals.remove_reference(original_id, AT)) == 1
    assert state() == (1, None)
    assert store.write(lambda: originals.remove_reference(original_id, AT)) == 0
    assert state() == (0, AT)
    assert store.write(lambda: originals.add_reference(original_id)) == 1
    assert state() == (1, None)


def test_one_reference_taken_away_twice_does_no_harm(store: Store) -> None:
    def work() -> int:
        original_id = put_original("a")
        originals.add_reference(original_id)
        originals.remove_reference(original_id, AT)
        originals.remove_reference(original_id, LATER)
        return original_id

    original_id = store.write(work)

    record = store.read(lambda: originals.get(original_id))
    assert (record.reference_count, record.orphaned_at) == (0, AT)


@given(st.lists(st.booleans(), max_size=12))
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_the_count_is_never_negative_whatever_comes(store: Store, steps: list[bool]) -> None:
    def work() -> None:
        original_id = put_original("counted")
        set_count(original_id, 0, AT)
        expected = 0
        for is_more in steps:
            expected = expected + 1 if is_more else max(expected - 1, 0)
            if is_more:
                count = originals.add_reference(original_id)
            else:
                count = originals.remove_reference(original_id, AT)
            assert count == expected
            assert (originals.get(original_id).orphaned_at is None) == (count > 0)

    store.write(work)


def test_the_count_of_an_unknown_content_is_nothing(store: Store) -> None:
    assert store.write(lambda: originals.remove_reference(4711, AT)) == 0


def test_only_contents_of_that_size_and_version_spare_a_decoding(store: Store) -> None:
    def work() -> None:
        put_original("same size", 10)
        put_original("other size", 11)
        put_original("unmeasured", 10, measured(version=0))

    store.write(work)

    known = store.read(lambda: originals.digests_of_size(10, {ALGORITHM_VERSION}))
    assert known == {digest("same size")}


def test_links_are_counted_from_live_files_alone(store: Store, root_id: int) -> None:
    def work() -> tuple[int, int]:
        first, second = put_original("a"), put_original("b")
        for name in (b"1", b"2", b"3"):
            file_id = put_file(root_id, name, first)
        files.set_gone(file_id, AT)
        put_file(root_id, b"4", None)
        return first, second

    first, _ = store.write(work)

    assert store.read(counted_links) == {first: 2}


def test_an_orphan_that_a_live_file_refers_to_after_all_is_none(store: Store, root_id: int) -> None:
    def work() -> int:
        drifted, orphan = put_original("drifted"), put_original("orphan")
        put_file(root_id, b"a", drifted)
        set_count(drifted, 0, AT)
        set_count(orphan, 0, AT)
        return orphan

    orphan = store.write(work)

    def look(seconds: float) -> None:
        store.write(lambda: orphans.see(seconds))

    look(10.0)
    store.write(orphans.note_reconciled)
    look(20.0)

    assert store.read(lambda: orphans.ripe(10.0)) == [orphan]
    assert store.read(lambda: orphans.ripe(9.9)) == []


def test_a_forgotten_content_leaves_its_gone_files_behind(store: Store, root_id: int) -> None:
    def work() -> int:
        original_id = put_original("a")
        file_id = put_file(root_id, b"a", original_id)
        files.set_gone(file_id, AT)
        originals.remove_reference(original_id, AT)
        return original_id

    original_id = store.write(work)

    assert store.write(lambda: originals.delete([original_id])) == 1
    record = store.read(lambda: files.find(root_id, b"a"))
    assert record is not None
    assert record.original_id is None
