"""Claims about the passes over the vault: what is stored, read again and removed, and when not."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from support.vaulting import House
from support.world import jpeg, opened_world
from twinlens.maintenance.vault_fill import VaultFill
from twinlens.maintenance.vault_gc import ASKS
from twinlens.maintenance.vault_passes import NOT_MADE
from twinlens.maintenance.vault_work import store
from twinlens.model.decisions import DecisionVerb, Statement
from twinlens.model.vault import BlobState
from twinlens.store import blobs, decisions, files, meta, work_items
from twinlens.store.tables_vault import Blob
from twinlens.vault.naming import key_of


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """Three files of two contents, scanned, and an empty vault."""
    with opened_world(tmp_path / "state" / "twinlens.db", tmp_path / "photos") as world:
        world.put("2019/sea.jpg", jpeg(1))
        world.put("copy of sea.jpg", jpeg(1))
        world.put("hill.jpg", jpeg(2))
        world.scan()
        made = House(world, tmp_path / "vault")
        made.make()
        yield made


def drop(house: House, name: str) -> None:
    """The owner deletes a file, and the scan sees it."""
    house.world.path(name).unlink()
    house.world.brake_percent = 100.0
    house.world.restart()
    house.world.scan()


def test_each_content_is_stored_once_and_is_what_the_library_holds(house: House) -> None:
    result = house.fill()

    assert (result["stored"], result["failed"], result["left"]) == (2, 0, 0)
    assert set(house.objects().values()) == house.library()
    assert set(house.states().values()) == {BlobState.KEPT}
    assert house.fill()["stored"] == 0


def test_what_arrives_later_is_stored_by_the_next_pass(house: House) -> None:
    house.fill()
    house.world.put("new.jpg", jpeg(3))
    house.world.scan()

    assert house.fill()["stored"] == 1
    assert set(house.objects().values()) == house.library()


def test_a_file_that_changed_unseen_is_not_stored_and_is_looked_at_again(house: House) -> None:
    path = house.world.path("hill.jpg")
    path.write_bytes(b"edited a moment ago")

    result = house.fill()

    assert (result["stored"], result["failed"]) == (1, 1)
    assert len(house.objects()) == 1
    assert house.store.read(work_items.counts)["pending"] == 1


def test_without_its_marker_nothing_is_stored_and_nothing_concluded(house: House) -> None:
    house.fill()
    before = house.states()
    away = house.folder.with_name("away")
    house.folder.rename(away)
    house.folder.mkdir()
    house.world.put("new.jpg", jpeg(3))
    house.world.scan()

    for result in (house.fill(), house.verify(), house.gc()):
        assert "marker is missing" in result["trouble"]

    assert list(house.folder.iterdir()) == []
    assert house.states() == before
    house.folder.rmdir()
    away.rename(house.folder)
    assert house.fill()["stored"] == 1


def test_another_vault_is_not_written_to(house: House) -> None:
    shutil.rmtree(house.folder)
    identity = house.store.read(blobs.vault_identity)
    house.make("other")
    house.store.write(lambda: blobs.take_vault(str(identity), "there"))

    assert "another vault" in house.fill()["trouble"]
    assert house.objects() == {}


def test_a_vault_that_was_never_made_is_not_made_by_itself(house: House) -> None:
    house.store.write(lambda: meta.write("vault", ""))

    for result in (house.fill(), house.verify(), house.gc()):
        assert result["trouble"] == NOT_MADE


def test_an_object_without_a_row_is_taken_up_once_it_was_read(house: House) -> None:
    house.fill()
    house.store.write(lambda: Blob.delete().execute())

    assert house.gc()["found"] == 2
    assert set(house.states().values()) == {BlobState.FOUND}
    assert house.fill()["stored"] == 2
    assert set(house.states().values()) == {BlobState.KEPT}


def test_a_sound_object_is_found_sound(house: House) -> None:
    house.fill()
    house.later(1)

    result = house.verify()

    assert (result["read"], result["sound"]) == (2, 2)
    rows = house.store.read(lambda: {row.verified_at for row in Blob.select()})
    assert rows == {house.at()}


def test_a_rotten_object_is_told_set_aside_and_stored_anew(house: House) -> None:
    house.fill()
    sha256, good = next(iter(house.objects().items()))
    path = house.folder / key_of(sha256)
    path.chmod(0o600)
    path.write_bytes(good[:-1] + b"\0")

    result = house.verify()

    assert (result["sound"], result["rotten"]) == (1, 1)
    assert house.states()[sha256] is BlobState.ROTTEN
    assert any("rotten" in words for words in house.told)
    house.gc()
    assert not path.exists()
    assert len(list((house.folder / ".damaged").iterdir())) == 1
    assert house.fill()["stored"] == 1
    assert path.read_bytes() == good
    assert house.verify()["sound"] == 2


@pytest.mark.parametrize("how", ["verify", "gc"])
def test_an_object_that_was_lost_is_told_and_stored_anew(house: House, how: str) -> None:
    house.fill()
    sha256 = next(iter(house.objects()))
    (house.folder / key_of(sha256)).unlink()

    result = house.verify() if how == "verify" else house.gc()

    assert result["missing"] == 1
    assert any("lost" in words for words in house.told)
    assert house.fill()["stored"] == 1
    assert set(house.objects().values()) == house.library()


def gone(house: House) -> str:
    """The digest of a content whose only file the owner deletes after it was stored."""
    house.fill()
    content = house.world.path("hill.jpg").read_bytes()
    sha256 = next(s for s, data in house.objects().items() if data == content)
    drop(house, "hill.jpg")
    return sha256


def test_what_nothing_refers_to_goes_by_steps_and_not_before_its_time(house: House) -> None:
    sha256 = gone(house)
    seen = []
    for day in range(0, 85, 5):
        house.later(5)
        house.gc()
        seen.append((day, house.states().get(sha256), sha256 in house.objects()))

    states = [state for _, state, _ in seen]
    order = [BlobState.KEPT, BlobState.QUARANTINED, BlobState.DISCARDED, None]
    assert list(dict.fromkeys(states)) == order
    quarantined = next(day for day, state, _ in seen if state is BlobState.QUARANTINED)
    removed = next(day for day, state, _ in seen if state is None)
    assert quarantined >= 30
    assert removed - quarantined >= 30
    assert not any(is_there for _, _, is_there in seen[-3:])
    assert not list((house.folder / ".quarantine").iterdir())
    assert len(house.objects()) == 1


def test_it_takes_two_passes_however_long_it_was(house: House) -> None:
    sha256 = gone(house)
    house.later(400)
    house.gc()

    assert house.states()[sha256] is BlobState.KEPT

    house.later(31)
    house.gc()
    assert house.states()[sha256] is BlobState.QUARANTINED


def test_a_picture_that_was_there_in_between_begins_anew(house: House) -> None:
    sha256 = gone(house)
    house.gc()
    house.world.put("back.jpg", house.objects()[sha256])
    house.world.scan()
    house.later(31)
    house.gc()
    drop(house, "back.jpg")
    house.later(1)
    house.gc()
    house.later(1)
    house.gc()

    assert house.states()[sha256] is BlobState.KEPT


def test_references_must_have_been_counted_anew_since(house: House) -> None:
    sha256 = gone(house)
    house.gc()
    for _ in range(5):
        house.later(31)
        house.gc(reconciled=False)
    assert house.states()[sha256] is BlobState.KEPT

    house.gc()

    assert house.states()[sha256] is BlobState.QUARANTINED


def test_a_root_in_doubt_freezes_every_step(house: House) -> None:
    sha256 = gone(house)
    house.doubts = ("/photos: it does not answer",)
    for _ in range(5):
        house.later(31)
        assert house.gc()["frozen_by"] == ["/photos: it does not answer"]
    assert house.states()[sha256] is BlobState.KEPT

    house.doubts = ()
    house.gc()
    house.later(31)
    house.gc()
    assert house.states()[sha256] is BlobState.QUARANTINED
    house.doubts = ("/photos: it does not answer",)
    for _ in range(5):
        house.later(31)
        house.gc()
    assert house.states()[sha256] is BlobState.QUARANTINED


@pytest.mark.parametrize("state", [BlobState.QUARANTINED, BlobState.DISCARDED])
def test_a_picture_that_comes_back_brings_its_object_back(house: House, state: BlobState) -> None:
    sha256 = gone(house)
    content = house.objects()[sha256]
    while house.states()[sha256] is not state:
        house.later(31)
        house.gc()
    house.world.put("found again.jpg", content)
    house.world.scan()

    house.gc()

    assert house.objects()[sha256] == content
    assert house.states()[sha256] is BlobState.FOUND
    house.fill()
    assert house.states()[sha256] is BlobState.KEPT
    for _ in range(4):
        house.later(31)
        house.gc()
    assert house.objects()[sha256] == content


@pytest.mark.parametrize("years", [10, -10])
def test_a_clock_that_is_set_lets_nothing_grow_old(house: House, years: int) -> None:
    sha256 = gone(house)
    house.gc()
    house.now += timedelta(days=365 * years)
    house.gc()
    house.gc()
    assert house.states()[sha256] is BlobState.KEPT
    house.later(29)
    house.gc()
    assert house.states()[sha256] is BlobState.KEPT
    house.later(2)
    house.gc()
    assert house.states()[sha256] is BlobState.QUARANTINED


def test_what_the_owner_keeps_by_word_stays(house: House) -> None:
    sha256 = gone(house)

    said = Statement(DecisionVerb.KEEP, sha256)
    house.store.write(lambda: decisions.record(said, house.at()))
    for _ in range(6):
        house.later(31)
        house.gc()

    assert sha256 in house.objects()


def test_files_of_a_folder_that_is_no_longer_watched_hold_their_objects(
    house: House, tmp_path: Path
) -> None:
    house.fill()
    house.store.adopt(tmp_path / "elsewhere")
    for _ in range(6):
        house.later(31)
        house.gc()

    assert len(house.objects()) == 2


def test_implausibly_much_is_not_moved_before_the_owner_says_so(house: House) -> None:
    for seed in range(10, 35):
        house.world.put(f"{seed}.jpg", jpeg(seed))
    house.world.scan()
    house.fill()

    def delete_all() -> None:
        for row in files.below(house.world.root_id, b""):
            files.set_gone(row.id, house.at())

    house.store.write(delete_all)
    for _ in range(3):
        house.later(31)
        result = house.gc()
    assert "twinlens vault gc --accept" in result["asks"]
    assert house.store.read(lambda: meta.read(ASKS)) == result["asks"]
    assert set(house.states().values()) == {BlobState.KEPT}

    house.gc(accept=True)

    assert set(house.states().values()) == {BlobState.QUARANTINED}


def test_strays_are_told_and_never_removed(house: House) -> None:
    (house.folder / "letters.txt").write_text("dear")

    assert house.gc()["strays"] == ["letters.txt"]
    assert (house.folder / "letters.txt").read_text() == "dear"


def test_a_damaged_file_is_not_what_is_stored(house: House) -> None:
    path = house.world.path("hill.jpg")
    content, status = path.read_bytes(), path.stat()
    path.write_bytes(content[:-1] + b"\0")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    house.fill()

    assert content not in house.objects().values()
    assert content[:-1] + b"\0" not in house.objects().values()


def test_a_stopped_pass_goes_on_where_it_was(house: House) -> None:
    state = VaultFill(replace(house.parts(), is_elsewhere_wanted=lambda: True))

    result = house.run(state, store, seconds=45.0)

    assert (result["stored"], result["left"]) == (1, 1)
    assert house.fill()["stored"] == 1


def test_a_worker_that_dies_over_a_file_costs_that_file_only(house: House) -> None:
    calls = []

    def dies_once(asked: Any) -> Any:
        calls.append(asked)
        if len(calls) == 1:
            raise RuntimeError("the worker died")
        return store(asked)

    result = house.run(VaultFill(house.parts()), dies_once)

    assert (result["stored"], result["failed"]) == (1, 1)
    assert house.fill()["stored"] == 1


def test_the_numbers_are_those_of_the_vault(house: House) -> None:
    house.fill()
    numbers = house.store.read(blobs.numbers)

    assert (numbers["kept"], numbers["lacking"], numbers["hardlinked"]) == (2, 0, 0)
    assert numbers["bytes"] == sum(map(len, house.objects().values()))
