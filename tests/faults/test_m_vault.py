"""Section M, a new state folder beside a full vault."""

import hashlib
from pathlib import Path

from support.vaulting import House
from support.world import Workers, jpeg, opened_world
from twinlens.maintenance.vault_passes import NOT_MADE
from twinlens.model.vault import BlobState
from twinlens.store import blobs


def test_m9_a_new_database_beside_a_full_vault_removes_nothing_and_takes_it_up(
    tmp_path: Path, workers: Workers
) -> None:
    photos, folder = tmp_path / "photos", tmp_path / "vault"
    with opened_world(tmp_path / "first" / "a.db", photos, workers) as world:
        for number in range(4):
            world.put(f"{number}.jpg", jpeg(number))
        world.scan()
        house = House(world, folder)
        house.make()
        assert house.fill()["stored"] == 4
        before = house.objects()
    (photos / "3.jpg").unlink()

    with opened_world(tmp_path / "second" / "a.db", photos, workers) as world:
        world.scan()
        house = House(world, folder)
        for result in (house.fill(), house.verify(), house.gc()):
            assert result["trouble"] == NOT_MADE, "it works on a vault that it does not know"
        assert house.objects() == before

        # The owner says that it is the vault: all of it is found, and nothing is in a hurry.
        house.store.write(lambda: blobs.take_vault("5eed", house.spec.place))
        assert house.gc()["found"] == 4
        assert house.fill()["stored"] == 3
        for _ in range(3):
            house.later(9)
            house.gc()
        assert house.objects() == before, "what only the vault holds was removed within the grace"
        only_there = hashlib.sha256(jpeg(3)).hexdigest()
        assert house.states()[only_there] is BlobState.FOUND
