"""Section D: the vault on a disk that rots, is full, or is another than the roots'."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from support.mounts import Mounts, fill_up
from support.truth import require_world
from support.vaulting import House
from support.world import Workers, World, jpeg, opened_world
from twinlens.model.vault import BlobState, PutHow
from twinlens.vault.naming import key_of


@pytest.fixture
def library(tmp_path: Path, workers: Workers) -> Iterator[World]:
    """Two pictures, scanned."""
    with opened_world(tmp_path / "state" / "a.db", tmp_path / "photos", workers) as world:
        world.put("sea.jpg", jpeg(1))
        world.put("hill.jpg", jpeg(2))
        world.scan()
        yield world


def vault_on_disk(library: World, mounts: Mounts, tmp_path: Path) -> House:
    """A new vault on a disk of its own."""
    point = tmp_path / "disk"
    point.mkdir()
    mounts.mount(mounts.new_disk(), point)
    house = House(library, mounts.inside(point) / "vault")
    house.make()
    return house


def test_d25_a_byte_that_rots_in_the_vault_is_found_and_healed_from_the_library(
    library: World, tmp_path: Path
) -> None:
    house = House(library, tmp_path / "vault")
    house.make()
    assert house.fill()["stored"] == 2
    sha256, good = next(iter(house.objects().items()))
    path = house.folder / key_of(sha256)
    status = path.stat()
    path.chmod(0o600)
    rotten = bytearray(good)
    rotten[len(good) // 2] ^= 4
    path.write_bytes(rotten)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    assert house.fill()["stored"] == 0, "nothing but reading it finds it"
    assert house.verify()["rotten"] == 1

    assert house.states()[sha256] is BlobState.ROTTEN
    assert house.fill()["stored"] == 1
    assert house.objects()[sha256] == good
    assert set(house.objects().values()) == house.library()
    assert bytes(rotten) in {one.read_bytes() for one in (house.folder / ".damaged").iterdir()}
    require_world(library)


def test_d25_rot_that_the_library_cannot_heal_is_told_and_kept(
    library: World, tmp_path: Path
) -> None:
    house = House(library, tmp_path / "vault")
    house.make()
    house.fill()
    library.path("hill.jpg").unlink()
    library.scan()
    sha256 = next(one for one, data in house.objects().items() if data == jpeg(2))
    path = house.folder / key_of(sha256)
    path.chmod(0o600)
    path.write_bytes(jpeg(2)[:-1] + b"\0")

    assert house.verify()["rotten"] == 1
    assert house.fill()["stored"] == 0

    assert any("rotten" in words for words in house.told)
    everywhere = [one for one in house.folder.rglob("*") if one.is_file()]
    assert jpeg(2)[:-1] + b"\0" in [one.read_bytes() for one in everywhere]
    require_world(library)


@pytest.mark.parametrize("how", [PutHow.HARDLINK, PutHow.REFLINK])
def test_d15_between_disks_the_vault_takes_no_other_way_than_it_was_told(
    library: World, mounts: Mounts, tmp_path: Path, how: PutHow
) -> None:
    house = vault_on_disk(library, mounts, tmp_path)
    house.spec = replace(house.spec, ways=(how,))

    result = house.fill()

    assert result["stored"] == 0
    assert house.objects() == {}
    assert all(one.stat().st_nlink == 1 for one in library.photos.rglob("*.jpg"))
    house.spec = replace(house.spec, ways=(how, PutHow.COPY))
    assert house.fill()["stored"] == 2
    assert set(house.objects().values()) == house.library()


def test_d7_a_full_vault_takes_nothing_by_halves_and_goes_on_when_there_is_room(
    library: World, mounts: Mounts, tmp_path: Path
) -> None:
    house = vault_on_disk(library, mounts, tmp_path)
    ballast = fill_up(house.folder.parent)

    result = house.fill()

    assert result["stored"] == 0
    assert house.objects() == {}
    assert BlobState.KEPT not in house.states().values()
    ballast.unlink()
    assert house.fill()["stored"] == 2
    assert set(house.objects().values()) == house.library()
    require_world(library)
