"""Claims about the search for near duplicates beside the store."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from support.made_up import found, measured, put_file, put_original, stat
from support.stores import Store
from twinlens.grouping.duplicates import PRESETS
from twinlens.grouping.verdicts import Picture, has_to_be_looked_at
from twinlens.ingest import lookalikes as lookalikes_module
from twinlens.ingest import neighbours
from twinlens.ingest.lookalikes import Lookalikes
from twinlens.ingest.recorder import Recorder, Seen
from twinlens.ingest.regroup import Regrouper
from twinlens.model.picture import Metadata
from twinlens.store import duplicate_groups, files, miniatures
from twinlens.store import lookalikes as verdicts
from twinlens.store import originals as originals_store
from twinlens.store.tables import FileGroup, GroupMember, Lookalike, Original


def _picture(root_id: int, word: str, width: int) -> int:
    """A live picture in a size of its own, which looks like all others; its id."""
    measurement = replace(measured(phash=0x0F1E2D3C4B5A6978), width=width, height=width * 2 // 3)
    original_id = put_original(word, measurement=measurement)
    put_file(root_id, f"{word}.jpg".encode(), original_id, at=stat(width))
    return original_id


@pytest.mark.parametrize("is_warm", [True, False])
def test_a_first_arrival_reads_all_keys_only_where_the_index_is_cold(
    store: Store, root_id: int, is_warm: bool
) -> None:
    first = store.write(lambda: _picture(root_id, "a", 600))
    second = store.write(lambda: _picture(root_id, "b", 900))
    lookalikes = Lookalikes(PRESETS["normal"])
    if is_warm:
        store.write(lookalikes.warm)
    asked: list[str] = []

    def arrive() -> None:
        connection = store.database.peewee.connection()
        connection.set_trace_callback(asked.append)
        lookalikes.regroup([second])
        connection.set_trace_callback(None)

    store.write(arrive)

    reads = [sql for sql in asked if 'FROM "search_keys"' in sql and "WHERE" not in sql]
    assert len(reads) == (0 if is_warm else 1)
    pairs = store.read(lambda: [(v.first_id, v.second_id) for v in verdicts.verdicts_on([second])])
    assert pairs == [(first, second)]


def _series(root_id: int, count: int, *, pixels: str | None, seconds: int) -> list[int]:
    """So many pictures that look alike, each taken later than the one before; their ids."""
    found = []
    for number in range(count):
        at = number * seconds
        captured = f"2026-01-02T{at // 3600:02}:{at // 60 % 60:02}:{at % 60:02}"
        look = replace(measured(phash=0x0F1E2D3C4B5A6978, captured=captured), image_digest=pixels)
        original_id = put_original(f"{pixels} {number}", measurement=look)
        Original.update(captured_at=captured).where(Original.id == original_id).execute()
        put_file(root_id, b"%d.jpg" % original_id, original_id, at=stat(1000 + original_id))
        found.append(original_id)
    return found


def _members(store: Store, original_id: int) -> list[list[int]]:
    groups = store.read(lambda: duplicate_groups.touching([original_id]).values())
    return [sorted(member.original_id for member in group.members) for group in groups]


def test_pictures_of_equal_pixels_are_one_group_and_no_rows_of_pairs(
    store: Store, root_id: int
) -> None:
    ids = store.write(lambda: _series(root_id, 200, pixels="x", seconds=10))
    live = Lookalikes(PRESETS["normal"])

    store.write(lambda: live.regroup(ids[:100]))
    store.write(lambda: live.regroup(ids[100:]))

    assert store.read(Lookalike.select().count) == 0
    assert _members(store, ids[0]) == [ids]

    def remove(original_id: int) -> None:
        for file in files.of_original(original_id):
            files.delete(file.id)
        originals_store.remove_reference(original_id, "2026-01-02T03:04:05+00:00")

    store.write(lambda: remove(ids[7]))
    store.write(lambda: live.regroup([ids[7]]))
    assert _members(store, ids[0]) == [[one for one in ids if one != ids[7]]]
    assert _members(store, ids[7]) == []


def test_of_a_long_series_no_frame_is_held_against_all_others(
    store: Store, root_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = store.write(lambda: _series(root_id, 200, pixels=None, seconds=10))
    asked: list[tuple[int, int]] = []

    def counting(a: Picture, b: Picture) -> bool:
        asked.append((a.original_id, b.original_id))
        return has_to_be_looked_at(a, b)

    monkeypatch.setattr(lookalikes_module, "has_to_be_looked_at", counting)
    store.write(lambda: Lookalikes(PRESETS["normal"]).regroup(ids))

    assert len(asked) < len(ids)
    assert _members(store, ids[0]) == []


def test_of_what_another_time_settles_no_miniature_is_read(
    store: Store, root_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    *others, last = store.write(lambda: _series(root_id, 8, pixels=None, seconds=10))
    undated = store.write(lambda: _picture(root_id, "undated", 600))
    live = Lookalikes(PRESETS["normal"])
    store.write(lambda: live.regroup(others))
    read: list[int] = []
    of = miniatures.of

    def noting(original_ids: Iterable[int]) -> dict[int, bytes]:
        wanted = list(original_ids)
        read.extend(wanted)
        return of(wanted)

    monkeypatch.setattr(miniatures, "of", noting)
    store.write(lambda: live.regroup([last]))

    assert sorted(read) == [last, undated]


def _in_burst(root_id: int, burst: int, frames: list[int]) -> None:
    """Record these contents as the shots of one burst with this id."""
    FileGroup.insert(
        id=burst, root=root_id, bucket="", group_type="burst", aspects="burst", rule="rule"
    ).execute()
    for number, original_id in enumerate(frames, start=1):
        (file,) = files.of_original(original_id)
        GroupMember.insert(
            group=burst,
            file=file.id,
            file_type="image",
            is_primary=False,
            evidence="",
            rule="",
            sequence=number,
        ).execute()


@pytest.mark.parametrize("is_told", [True, False])
def test_a_burst_whose_id_is_given_again_parts_nobody_of_the_old_one(
    store: Store, root_id: int, monkeypatch: pytest.MonkeyPatch, is_told: bool
) -> None:
    monkeypatch.setattr(neighbours, "_CROWD", 0)
    live = Lookalikes(PRESETS["normal"])
    one, two, three = store.write(lambda: _series(root_id, 3, pixels=None, seconds=0))
    store.write(lambda: _in_burst(root_id, 7, [one, two]))
    store.write(lambda: live.regroup([one, two, three]))
    assert _pairs(store) == {(one, three), (two, three)}

    store.write(lambda: FileGroup.delete().execute())
    store.write(lambda: _in_burst(root_id, 7, [three, two]))
    if is_told:
        store.write(live.forget_facts)
    store.write(lambda: live.regroup([two, three]))

    # Nothing was said of the first: whoever makes bursts anew has to tell.
    assert ((one, two) in _pairs(store)) == is_told


def _pairs(store: Store) -> set[tuple[int, int]]:
    return store.read(lambda: {(v.first_id, v.second_id) for v in Lookalike.select()})


def test_facts_are_asked_again_when_bursts_were_made_anew(
    store: Store, root_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[int] = []
    monkeypatch.setattr(Lookalikes, "forget_facts", lambda self: told.append(1))
    live = Regrouper(PRESETS["normal"])
    recorder = Recorder(lambda: datetime(2026, 1, 2, tzinfo=UTC))

    def shoot(number: int) -> None:
        look = measured(captured=f"2020-01-01T10:00:0{number}")
        look = replace(look, metadata=Metadata(burst_id="a burst"))
        finding = found(b"%d.jpg" % number, f"{number}", stat(number + 1), look)
        _, touched = recorder.record([Seen(root_id, finding.path, finding)])
        live.regroup(touched)

    store.write(lambda: shoot(0))
    assert told == []
    for number in range(1, 5):
        store.write(lambda number=number: shoot(number))
    assert told
    assert store.read(FileGroup.select().count) == 1
