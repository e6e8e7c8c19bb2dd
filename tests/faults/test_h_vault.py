"""Section H, the store of originals (the vault): crashes, strays, rot, other disks, and cleaning up
while something refers to it again."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.killing import calls_of, kills, require_strace, run_under
from support.mounts import Mounts
from support.stores import opened_store
from support.vaulting import House
from support.world import Workers, jpeg, opened_world
from twinlens.maintenance.vault_work import Looking, look_through
from twinlens.model.vault import BlobState, Marker, PutHow
from twinlens.store import blobs
from twinlens.store.tables_vault import Blob
from twinlens.vault.local import LocalVault
from twinlens.vault.naming import key_of

LONG = os.environ.get("TWINLENS_LONG") == "1"
AT = "2026-01-01T00:00:00+00:00"
BYTES = b"the bytes of a picture " * 90_000
SHA = hashlib.sha256(BYTES).hexdigest()


@pytest.fixture
def house(tmp_path: Path, workers: Workers) -> Iterator[House]:
    """Three files of two contents, scanned, and a vault that holds them."""
    with opened_world(tmp_path / "state" / "a.db", tmp_path / "photos", workers) as world:
        world.put("2019/sea.jpg", jpeg(1))
        world.put("copy of sea.jpg", jpeg(1))
        world.put("hill.jpg", jpeg(2))
        world.scan()
        made = House(world, tmp_path / "vault")
        made.make()
        assert made.fill()["stored"] == 2
        yield made


def delete(house: House, name: str) -> str:
    """The owner deletes a file, and the scan sees it; its digest."""
    sha256 = hashlib.sha256(house.world.path(name).read_bytes()).hexdigest()
    house.world.path(name).unlink()
    house.world.brake_percent = 100.0
    house.world.restart()
    house.world.scan()
    return sha256


def until(house: House, sha256: str, state: BlobState) -> None:
    """Let time and passes go by until an object has come to a state."""
    for _ in range(30):
        if house.states().get(sha256) is state:
            return
        house.later(5)
        house.gc()
    raise AssertionError(f"{state} never comes: {house.states()}")


def test_h1_a_crash_between_object_and_row_leaves_an_object_without_row_and_never_the_other_way(
    tmp_path: Path,
) -> None:
    require_strace()

    def storing(folder: Path) -> Callable[[], None]:
        vault_folder, source = folder / "vault", folder / "picture.jpg"
        vault_folder.mkdir(parents=True)
        source.write_bytes(BYTES)
        with LocalVault(vault_folder, (PutHow.COPY,)) as vault:
            vault.make_marker(Marker("5eed", AT))
        with opened_store(folder / "a.db"):
            pass

        def work() -> None:
            descriptor = os.open(source, os.O_RDONLY)
            with LocalVault(vault_folder, (PutHow.COPY,)) as vault:
                how = vault.put(descriptor, SHA, len(BYTES))
            with opened_store(folder / "a.db") as store:
                store.write(lambda: blobs.keep(SHA, len(BYTES), how, AT))

        return work

    log = tmp_path / "calls"
    assert run_under(None, log, storing(tmp_path / "plain"), has_threads=True) == 0
    seen = calls_of(log)
    wanted = ("renameat", "renameat2", "unlinkat", "unlink", "fsync", "fdatasync", "pwrite64")
    faults = list(kills({name: seen[name] for name in wanted if name in seen}))
    step = 1 if LONG else max(1, len(faults) // 9)
    with_object = killed = 0
    for number, fault in enumerate(faults[::step]):
        folder = tmp_path / str(number)
        status = run_under(fault, log, storing(folder), has_threads=True)
        # Which thread makes the last calls differs a little from run to run.
        assert status in (-9, 0), fault
        killed += status == -9
        path = folder / "vault" / key_of(SHA)
        if path.exists():
            with_object += 1
            assert path.read_bytes() == BYTES, f"half an object under its name: {fault}"
        with opened_store(folder / "a.db") as store:
            row = store.read(lambda: blobs.get(SHA))
        assert row is None or path.exists(), f"a row without its object: {fault}"
        assert (folder / "picture.jpg").read_bytes() == BYTES
    assert killed >= len(faults[::step]) * 0.6
    assert with_object, "no kill came late enough to tell anything"


def test_h1_an_object_without_a_row_is_taken_up_and_not_removed(house: House) -> None:
    house.store.write(lambda: Blob.delete().execute())
    before = house.objects()

    assert house.gc()["found"] == 2
    assert house.objects() == before
    assert house.fill()["stored"] == 2
    assert set(house.states().values()) == {BlobState.KEPT}
    assert house.objects() == before


def test_h2_a_crash_between_the_row_and_its_object_leaves_an_object_that_waits_again(
    house: House,
) -> None:
    sha256 = delete(house, "hill.jpg")
    until(house, sha256, BlobState.DISCARDED)
    # The row was dropped, and the process ended before the object was removed.
    house.store.write(lambda: Blob.delete().where(Blob.sha256 == sha256).execute())
    lying = house.folder / ".quarantine" / sha256
    assert lying.exists()

    house.gc()
    assert house.states()[sha256] is BlobState.QUARANTINED
    assert lying.exists(), "it was removed without waiting"
    for _ in range(30):
        house.later(5)
        house.gc()
    assert not lying.exists()
    assert sha256 not in house.states()
    assert set(house.objects().values()) == house.library()


@pytest.mark.parametrize("state", [BlobState.QUARANTINED, BlobState.DISCARDED])
def test_h3_an_object_that_is_wanted_again_while_it_is_on_its_way_out_stays(
    house: House, state: BlobState
) -> None:
    sha256 = delete(house, "hill.jpg")
    content = jpeg(2)
    until(house, sha256, state)

    house.world.put("back again.jpg", content)
    house.world.scan()
    house.gc()
    house.fill()

    assert house.states()[sha256] is BlobState.KEPT
    assert house.objects()[sha256] == content
    for _ in range(20):
        house.later(5)
        house.gc()
    assert house.objects()[sha256] == content


@pytest.mark.parametrize("moment", ["before the worker", "after the worker"])
def test_h3_a_copy_that_arrives_within_the_very_pass_that_removes_ends_with_its_object(
    house: House, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha256 = delete(house, "hill.jpg")
    content = jpeg(2)
    until(house, sha256, BlobState.DISCARDED)
    left = [True]

    def arrive() -> None:
        if left:
            left.clear()
            house.world.put("back again.jpg", content)
            house.world.scan()
            house.fill()

    def look(asked: Looking) -> Any:
        is_it = bool(asked.discard)
        if is_it and moment == "before the worker":
            arrive()
        looked = look_through(asked)
        if is_it and moment == "after the worker":
            arrive()
        return looked

    monkeypatch.setattr("support.vaulting.look_through", look)
    house.later(5)
    house.gc()
    assert not left, "nothing arrived meanwhile"
    # Whatever came of it, the next passes have an object for each content of the library.
    house.gc()
    house.fill()

    assert house.objects()[sha256] == content
    assert house.states()[sha256] is BlobState.KEPT
    assert house.library() <= set(house.objects().values())


def test_h5_what_the_owner_puts_into_the_vault_is_reported_and_never_removed(house: House) -> None:
    strays = {"my letters": b"dear", "ab/00/holiday.jpg": b"x", "note.txt": b"y"}
    for name, data in strays.items():
        path = house.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    told: set[str] = set()
    for _ in range(8):
        house.later(20)
        told |= set(house.gc()["strays"])
        house.verify()

    # The parts that hold no object are left out by the test, and with them what strays there.
    assert told >= {"my letters", "note.txt"}
    for name, data in strays.items():
        assert (house.folder / name).read_bytes() == data


def test_h6_an_object_whose_bytes_are_others_is_put_aside_and_stored_anew(house: House) -> None:
    sha256, good = next(iter(house.objects().items()))
    path = house.folder / key_of(sha256)
    path.chmod(0o600)
    path.write_bytes(good[:-1] + b"\0")

    assert house.verify()["rotten"] == 1
    assert house.states()[sha256] is BlobState.ROTTEN
    house.gc()
    assert house.fill()["stored"] == 1

    assert path.read_bytes() == good
    (aside,) = (house.folder / ".damaged").iterdir()
    assert aside.read_bytes() == good[:-1] + b"\0"
    assert any("rotten" in words for words in house.told)


def test_h7_another_or_no_disk_in_the_place_of_the_vault_stops_its_passes(
    tmp_path: Path, mounts: Mounts, workers: Workers
) -> None:
    point = tmp_path / "vault"
    with opened_world(tmp_path / "state" / "a.db", tmp_path / "photos", workers) as world:
        world.put("sea.jpg", jpeg(1))
        world.scan()
        house = House(world, mounts.inside(point))
        house.make()
        house.fill()
        world.put("new.jpg", jpeg(3))
        world.scan()
        before = house.states()

        mounts.tmpfs(point)
        for result in (house.fill(), house.verify(), house.gc()):
            assert "marker is missing" in result["trouble"]
        assert list(house.folder.iterdir()) == [], "something was written to the wrong disk"
        with LocalVault(house.folder, (PutHow.COPY,)) as other:
            other.make_marker(Marker("other", AT))
        for result in (house.fill(), house.verify(), house.gc()):
            assert "another vault" in result["trouble"]
        assert [path.name for path in house.folder.iterdir()] == ["twinlens-vault.json"]
        assert house.states() == before

        mounts.unmount(point)
        assert house.fill()["stored"] == 1
        assert set(house.objects().values()) == house.library()


def test_h8_while_a_root_is_in_doubt_nothing_in_the_vault_moves_on(house: House) -> None:
    sha256 = delete(house, "hill.jpg")
    house.doubts = ("/srv/photos: it is not there",)
    for _ in range(20):
        house.later(10)
        assert house.gc()["frozen_by"] == ["/srv/photos: it is not there"]
    assert house.states()[sha256] is BlobState.KEPT
    assert sha256 in house.objects()

    house.doubts = ()
    until(house, sha256, BlobState.QUARANTINED)


def test_h9_leftovers_of_a_process_that_is_gone_are_removed_and_those_of_a_living_one_are_not(
    house: House,
) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    workshop = house.folder / ".unfinished"
    workshop.mkdir(exist_ok=True)
    dead, alive = workshop / f"{ended.pid}.abcdef", workshop / f"{os.getpid()}.abcdef"
    for path in (dead, alive):
        path.write_bytes(b"half of a picture")

    result = house.gc()

    assert result["tidied"] == 1
    assert not dead.exists()
    assert alive.read_bytes() == b"half of a picture"
    assert house.gc()["tidied"] == 0


def test_h10_a_pass_that_would_empty_the_vault_asks_first(house: House) -> None:
    for number in range(30):
        house.world.put(f"many/{number}.jpg", jpeg(100 + number))
    house.world.scan()
    house.fill()
    for number in range(30):
        house.world.path(f"many/{number}.jpg").unlink()
    house.world.brake_percent = 100.0
    house.world.restart()
    house.world.scan()
    asks = ""
    for _ in range(10):
        house.later(10)
        asks = house.gc()["asks"]
    assert "30 of 32 objects" in asks
    assert "--accept" in asks
    assert set(house.states().values()) == {BlobState.KEPT}
    assert len(house.objects()) == 32

    house.gc(accept=True)
    assert list(house.states().values()).count(BlobState.QUARANTINED) == 30


def test_h11_an_object_that_is_written_through_another_name_is_found_and_mended(
    house: House, tmp_path: Path
) -> None:
    sha256, good = next(iter(house.objects().items()))
    path = house.folder / key_of(sha256)
    assert path.stat().st_mode & 0o777 == 0o444, "nobody is let in to write by mistake"
    assert path.stat().st_nlink == 1, "it shares no inode with the library"
    name = tmp_path / "linked by the owner.jpg"
    os.link(path, name)
    name.chmod(0o644)
    name.write_bytes(b"edited in place")

    assert house.verify()["rotten"] == 1
    house.gc()
    assert house.fill()["stored"] == 1

    assert path.read_bytes() == good
    assert name.read_bytes() == b"edited in place", "the owner's bytes are lost"
    assert good in house.library()


@pytest.mark.parametrize("years", [1, -1, 80])
def test_h12_a_clock_that_jumps_lets_nothing_in_the_vault_grow_old(
    house: House, years: int
) -> None:
    sha256 = delete(house, "hill.jpg")
    house.gc()
    house.gc()
    for _ in range(4):
        # The wall alone: nobody sets the other clock.
        house.later(0)
        house.now = house.now.replace(year=house.now.year + years)
        house.gc()
        assert house.states()[sha256] is BlobState.KEPT
    assert sha256 in house.objects()
    until(house, sha256, BlobState.QUARANTINED)
