"""Claims about the vault as an owner meets it: by the command line, alone and beside the daemon."""

import shutil
from pathlib import Path

import pytest

from support.daemon import Daemon, House, eventually
from support.world import jpeg


@pytest.fixture
def vault(house: House) -> Path:
    """Three pictures that are known, and an empty folder that is to become the vault."""
    folder = house.folder / "vault"
    folder.mkdir()
    for name, seed in (("a.jpg", 1), ("copy of a.jpg", 1), ("b.jpg", 2)):
        (house.root / name).write_bytes(jpeg(seed))
    house.configure(vault={"place": str(folder), "reserve_mib": 1, "how": ["copy"]})
    house.scan()
    return folder


def stored(vault: Path) -> set[bytes]:
    return {path.read_bytes() for path in vault.glob("??/??/*")}


def test_it_is_made_when_it_is_asked_for_and_not_before(house: House, vault: Path) -> None:
    refused = house.ask("vault", "fill", codes=(1,))
    assert "vault fill --new" in refused["trouble"]
    assert list(vault.iterdir()) == []

    done = house.ask("vault", "fill", "--new")

    assert (done["stored"], done["trouble"]) == (2, "")
    assert stored(vault) == {jpeg(1), jpeg(2)}
    known = house.ask("vault", "status")
    assert (known["kept"], known["lacking"], known["trouble"]) == (2, 0, "")
    assert house.cli("vault", "fill", "--new").returncode == 2


def test_a_folder_that_holds_anything_is_not_taken(house: House, vault: Path) -> None:
    (vault / "letters.txt").write_text("dear")

    done = house.cli("vault", "fill", "--new")

    assert done.returncode == 3
    assert "not empty" in done.stderr
    assert [path.name for path in vault.iterdir()] == ["letters.txt"]


def test_verify_and_gc_tell_what_they_found(house: House, vault: Path) -> None:
    house.ask("vault", "fill", "--new")
    assert house.ask("vault", "verify")["sound"] == 2
    assert house.ask("vault", "gc")["objects"] == 2
    path = next(vault.glob("??/??/*"))
    path.chmod(0o600)
    path.write_bytes(b"rotten")

    assert house.ask("vault", "verify", codes=(1,))["rotten"] == 1
    assert house.ask("vault", "status", codes=(1,))["rotten"] == 1
    assert house.ask("vault", "fill")["stored"] == 1
    assert stored(vault) == {jpeg(1), jpeg(2)}


def test_while_its_disk_is_away_doctor_says_so_and_nothing_is_written(
    house: House, vault: Path
) -> None:
    house.ask("vault", "fill", "--new")
    away = vault.with_name("away")
    vault.rename(away)
    vault.mkdir()
    (house.root / "c.jpg").write_bytes(jpeg(3))
    house.scan()

    assert "marker is missing" in house.ask("vault", "fill", codes=(1,))["trouble"]
    checks = house.ask("doctor", codes=(1,))["checks"]
    found = [check for check in checks if check["check"] == "vault"]
    assert [check["state"] for check in found] == ["error"]
    assert list(vault.iterdir()) == []

    vault.rmdir()
    away.rename(vault)
    assert house.ask("vault", "fill")["stored"] == 1


def test_a_database_that_was_lost_takes_its_vault_again(house: House, vault: Path) -> None:
    house.ask("vault", "fill", "--new")
    shutil.rmtree(house.database.parent)
    house.scan()
    assert "no vault was made" in house.ask("vault", "fill", codes=(1,))["trouble"]

    done = house.ask("vault", "fill", "--adopt")

    assert done["stored"] == 2
    assert house.ask("vault", "status")["kept"] == 2


def test_the_daemon_does_what_is_asked_of_it(house: House, vault: Path) -> None:
    with Daemon(house) as daemon:
        assert house.ask("vault", "fill", "--new")["stored"] == 2
        (house.root / "c.jpg").write_bytes(jpeg(3))
        eventually(lambda: house.ask("vault", "status")["lacking"] == 1, 20.0)
        assert house.ask("vault", "fill")["stored"] == 1
        assert house.ask("vault", "verify")["sound"] == 3
        assert house.ask("status")["vault"]["kept"] == 3
        assert "Traceback" not in daemon.log


def test_a_vault_within_a_root_or_around_one_is_refused(house: House) -> None:
    for place in (house.root / "vault", house.folder):
        house.configure(vault={"place": str(place)})
        done = house.cli("config", "check")
        assert done.returncode == 2
        assert "vault.place" in done.stderr


def test_a_file_that_is_not_damaged_is_not_mended(house: House, vault: Path) -> None:
    done = house.cli("vault", "repair", str(house.root / "a.jpg"))

    assert done.returncode == 2
    assert "nothing is known to be wrong" in done.stderr
    assert (house.root / "a.jpg").read_bytes() == jpeg(1)
