"""Claims about `vault repair`: where the good bytes come from, when it refuses, and what is known
after it."""

import hashlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from support.acting import tree
from support.world import World, jpeg, opened_world
from twinlens.commands.acting import ActionRoom
from twinlens.commands.repair import IN_VAULT, mend
from twinlens.commands.undo import undo
from twinlens.commands.vault import make, spec_of
from twinlens.commands.verify import state
from twinlens.config.schema import Config
from twinlens.errors import UsageError
from twinlens.model.verification import Verdict
from twinlens.store import blobs, files, originals, verifications
from twinlens.vault.naming import key_of
from twinlens.vault.opening import opened

GOOD = jpeg(1)
YESTERDAY = (datetime.now(UTC) - timedelta(days=1)).isoformat(timespec="seconds")
SHA = hashlib.sha256(GOOD).hexdigest()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A scanned folder with one picture and a vault that keeps it."""
    with opened_world(tmp_path / "state" / "twinlens.db", tmp_path / "photos") as world:
        (tmp_path / "vault").mkdir()
        world.put("a.jpg", GOOD)
        world.put("other.jpg", jpeg(2))
        world.scan()
        yield world


def room(world: World, action: str = "trash", **more: Any) -> ActionRoom:
    catalog = {"name": "family", "roots": [str(world.photos)], "action": action}
    vault = {"place": str(world.photos.with_name("vault")), "how": ["copy"], "reserve_mib": 0}
    vault |= more.pop("vault", {})
    config = Config.model_validate(
        {
            "catalog": [catalog],
            "database": {"path": str(world.store.path)},
            "vault": vault,
            **more,
        }
    )
    store = world.store
    return ActionRoom(config, store.database, store.writer, world.absorber.regroup, world.clock)


def fill(world: World, **vault: Any) -> Path:
    """Make the vault, and store the picture in it; returns where it lies."""
    own = room(world, vault=vault)
    spec = spec_of(own.config)
    assert spec is not None
    made = make(own.database, own.writer, spec, own.at)
    descriptor = os.open(world.path("a.jpg"), os.O_RDONLY)
    with opened(spec, str(made["vault"])) as there:
        how = there.put(descriptor, SHA, len(GOOD))
    os.close(descriptor)
    world.store.write(lambda: blobs.keep(SHA, len(GOOD), how, own.at()))
    return Path(spec.place) / key_of(SHA)


def rot(world: World, name: str = "a.jpg", verdict: Verdict = Verdict.ROTTEN) -> bytes:
    """Let a file rot, and let the verification have found it."""
    path = world.path(name)
    status = path.stat()
    bad = path.read_bytes()[:-1] + b"\0"
    path.write_bytes(bad)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    def note() -> None:
        record = files.find(world.root_id, os.fsencode(name))
        assert record is not None
        wanted = verifications.candidate(record.id)
        assert wanted is not None
        found = hashlib.sha256(bad).hexdigest() if verdict is Verdict.ROTTEN else None
        verifications.record(wanted, verdict, YESTERDAY, found_sha256=found, error="rot")

    world.store.write(note)
    return bad


def test_a_rotten_file_is_mended_from_the_vault_and_known_to_be_sound(world: World) -> None:
    fill(world)
    bad = rot(world)
    known = state(world.store.database)
    assert known["vault"]["kept"] == 1
    assert "twinlens vault repair" in known["damages"][0]["advice"]

    result = mend(room(world), str(world.path("a.jpg")))

    assert (result["state"], result["source"], result["reason"]) == ("done", IN_VAULT, "")
    assert world.path("a.jpg").read_bytes() == GOOD
    assert bad in {data for data, _, _ in tree(world.photos, with_trash=True).values()}
    world.drain()
    record = world.store.read(lambda: files.find(world.root_id, b"a.jpg"))
    assert record is not None
    assert record.original_id == world.store.read(lambda: originals.find_id(SHA))
    # It is read again before all else, and then it is not damaged any more.
    assert world.store.read(lambda: verifications.due("", world.at())) == [record.id]


def test_where_the_rotten_bytes_have_a_copy_the_mended_file_is_not_taken_for_one(
    world: World,
) -> None:
    fill(world)
    bad = rot(world)
    world.put("copied too late.jpg", bad)
    world.hint("copied too late.jpg")
    world.drain()

    mend(room(world), str(world.path("a.jpg")))

    wrong = world.store.read(lambda: originals.find_id(hashlib.sha256(bad).hexdigest()))
    assert wrong is not None
    record = world.store.read(lambda: files.find(world.root_id, b"a.jpg"))
    assert record is not None
    assert record.original_id != wrong
    world.drain()
    record = world.store.read(lambda: files.find(world.root_id, b"a.jpg"))
    assert record is not None
    assert record.original_id == world.store.read(lambda: originals.find_id(SHA))


def test_a_copy_of_the_library_that_was_found_sound_comes_first(world: World) -> None:
    fill(world)
    world.put("copy.jpg", GOOD)
    world.scan()
    rot(world)

    def sound() -> None:
        record = files.find(world.root_id, b"copy.jpg")
        assert record is not None
        wanted = verifications.candidate(record.id)
        assert wanted is not None
        verifications.record(wanted, Verdict.SOUND, world.at())

    world.store.write(sound)

    result = mend(room(world), str(world.path("a.jpg")))

    assert result["source"] == str(world.path("copy.jpg"))
    assert world.path("a.jpg").read_bytes() == GOOD
    assert world.path("copy.jpg").read_bytes() == GOOD


def test_a_rotten_object_is_passed_over_for_a_copy_that_is_sound(world: World) -> None:
    path = fill(world)
    world.put("copy.jpg", GOOD)
    world.scan()
    rot(world)
    path.chmod(0o600)
    path.write_bytes(b"rotten too")

    result = mend(room(world), str(world.path("a.jpg")))

    assert result["state"] == "done"
    assert result["source"] == str(world.path("copy.jpg"))
    assert world.path("a.jpg").read_bytes() == GOOD


def test_where_every_copy_is_rotten_nothing_is_changed(world: World) -> None:
    path = fill(world)
    rot(world)
    path.chmod(0o600)
    path.write_bytes(b"rotten too")
    before = tree(world.photos)

    result = mend(room(world), str(world.path("a.jpg")))

    assert result["state"] == "refused"
    assert "not sound either" in result["reason"]
    assert tree(world.photos) == before


def test_without_any_copy_it_says_so(world: World) -> None:
    rot(world)

    result = mend(room(world), str(world.path("a.jpg")))

    assert result["sources"] == []
    assert "no copy of it is known" in result["reason"]


@pytest.mark.parametrize("dry_run", [True, False])
def test_in_report_mode_it_only_tells_what_it_could_do(world: World, dry_run: bool) -> None:
    fill(world)
    rot(world)
    before = tree(world.photos, with_trash=True)

    result = mend(room(world, "report"), str(world.path("a.jpg")), dry_run=dry_run)

    assert result["state"] == "refused"
    assert "only reports" in result["reason"]
    assert result["sources"] == [IN_VAULT]
    assert tree(world.photos, with_trash=True) == before


def test_a_dry_run_changes_nothing(world: World) -> None:
    fill(world)
    rot(world)
    before = tree(world.photos, with_trash=True)

    result = mend(room(world), str(world.path("a.jpg")), dry_run=True)

    assert result["sources"] == [IN_VAULT]
    assert tree(world.photos, with_trash=True) == before


def test_a_protected_file_is_not_touched(world: World) -> None:
    fill(world)
    rot(world)

    own = room(world, actions={"protect": [str(world.photos)]})
    result = mend(own, str(world.path("a.jpg")))

    assert "protected" in result["reason"]


def test_what_cannot_be_read_is_not_moved_unseen(world: World) -> None:
    fill(world)
    rot(world, verdict=Verdict.UNREADABLE)

    result = mend(room(world), str(world.path("a.jpg")))

    assert result["state"] == "refused"
    assert "cannot be read" in result["reason"]


def test_a_hard_linked_object_is_no_copy_of_its_own(world: World) -> None:
    fill(world, how=["hardlink"])
    rot(world)

    result = mend(room(world), str(world.path("a.jpg")))

    assert result["sources"] == []
    assert state(world.store.database)["damages"][0]["in_vault"] is False


def test_a_sound_file_is_wrong_usage(world: World) -> None:
    with pytest.raises(UsageError, match="nothing is known to be wrong"):
        mend(room(world), str(world.path("a.jpg")))


def test_a_repair_can_be_undone_and_keeps_both_files(world: World) -> None:
    fill(world)
    bad = rot(world)
    result = mend(room(world), str(world.path("a.jpg")))

    undone = undo(room(world), str(result["action"]))

    assert [one["path"] for one in undone["done"]] == [str(world.path("a.jpg"))]
    assert world.path("a.jpg").read_bytes() == GOOD
    assert world.path("a (restored).jpg").read_bytes() == bad
