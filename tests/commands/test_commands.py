"""Claims about the verbs that show: exactly the keys of the contract, and nothing that is false."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from support.drift import set_count
from support.made_up import AT, put_file, put_original
from support.stores import Store
from support.world import World, jpeg, opened_world, raw
from twinlens.commands import jobs as jobs_command
from twinlens.commands import maintain, migrate
from twinlens.commands.duplicates import duplicates
from twinlens.commands.files import files
from twinlens.commands.groups import groups
from twinlens.commands.scan import argument_of, result_of, scan_argument
from twinlens.commands.status import status
from twinlens.commands.why import why
from twinlens.config.schema import Config
from twinlens.errors import UsageError
from twinlens.model.jobs import JobState
from twinlens.store import jobs as jobs_store
from twinlens.store import work_items
from twinlens.store.database import Database

FILE_KEYS = {
    *("path", "sha256", "size", "media_type", "kind", "width", "height", "make", "model"),
    *("orientation", "taken_at", "taken_at_source", "taken_at_confidence", "phash", "dhash"),
    *("quality_score", "status", "error"),
}
GROUP_KEYS = {"id", "group_type", "group_types", "primary", "rule", "members"}
DUPLICATE_KEYS = {
    *("id", "duplicate_type", "class", "confidence", "primary", "reviewed"),
    *("reclaimable_bytes", "rule", "members"),
}
SCAN_KEYS = {
    *("files", "originals", "added", "changed", "moved", "gone", "unchanged", "failed"),
    *("bytes_read", "seconds"),
}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A scanned folder with a pair, copies, a re-encoding, a broken and an empty picture."""
    with opened_world(tmp_path / "twinlens.db", tmp_path / "photos") as world:
        world.put("IMG_1.jpg", jpeg(1))
        world.put("IMG_1.nef", raw(1))
        world.put("copy/IMG_1.jpg", jpeg(1))
        world.put("small.jpg", jpeg(1, quality=60))
        world.put("broken.jpg", jpeg(2)[:900])
        world.put("empty.jpg", b"")
        world.put("empty too.jpg", b"")
        world.put(os.fsdecode(b"latin\xe9\n.jpg"), jpeg(3))
        world.scan()
        yield world


def test_a_scan_says_what_it_did(world: World) -> None:
    assert world.results[-1].keys() >= SCAN_KEYS
    assert [world.results[-1][key] for key in ("files", "added", "failed")] == [8, 8, 1]


def test_files_have_the_keys_of_the_contract(world: World) -> None:
    found = {os.path.basename(row["path"]): row for row in files(world.store.database)}

    assert all(row.keys() == FILE_KEYS for row in found.values())
    assert found["IMG_1.jpg"]["make"] == "NIKON CORPORATION"
    assert len(found["IMG_1.jpg"]["phash"]) == 16
    assert (found["broken.jpg"]["status"], found["broken.jpg"]["phash"]) == ("broken", None)
    assert found["broken.jpg"]["error"]
    assert found["empty.jpg"]["status"] == "waiting"


def test_a_name_that_is_no_text_is_shown_with_escapes_and_can_be_asked_for(world: World) -> None:
    (row,) = (row for row in files(world.store.database) if "latin" in row["path"])

    assert row["path"].endswith("latin\udce9\n.jpg")
    assert "\\udce9" in json.dumps(row)
    assert why(world.store.database, row["path"])["file"]["sha256"] == row["sha256"]


def test_groups_have_the_keys_of_the_contract(world: World) -> None:
    (row,) = groups(world.store.database, None)

    assert row.keys() == GROUP_KEYS
    assert [member.keys() for member in row["members"]] == [
        {"path", "file_type", "is_primary", "rule", "evidence", "runner_up", "sequence"}
    ] * 2
    assert row["primary"] == str(world.path("IMG_1.jpg"))
    assert list(groups(world.store.database, "raw_jpeg")) == [row]
    assert list(groups(world.store.database, "burst")) == []


def test_an_unknown_group_type_is_wrong_usage(store: Store) -> None:
    with pytest.raises(UsageError, match="trio") as caught:
        list(groups(store.database, "trio"))

    assert "raw_jpeg" in caught.value.advice


def test_duplicates_have_the_keys_of_the_contract_exact_ones_first(world: World) -> None:
    exact, alike = duplicates(world.store.database, None)

    assert exact.keys() == alike.keys() == DUPLICATE_KEYS
    assert {frozenset(m) for row in (exact, alike) for m in row["members"]} == {
        frozenset({"path", "sha256", "similarity", "is_primary", "decision"})
    }
    assert (exact["duplicate_type"], exact["class"]) == ("exact", "exact")
    assert exact["confidence"] == 100.0
    assert {m["path"] for m in exact["members"]} == {
        str(world.path(name)) for name in ("IMG_1.jpg", "copy/IMG_1.jpg")
    }
    assert alike["duplicate_type"] == "perceptual"
    assert alike["class"] in ("re_encoded", "similar")
    assert sum(m["is_primary"] for m in alike["members"]) == 1
    assert all(0 <= m["similarity"] <= 100 for m in alike["members"])


@pytest.mark.parametrize(
    ("wanted", "types"),
    [("exact", ["exact"]), ("perceptual", ["perceptual"]), (None, ["exact", "perceptual"])],
)
def test_duplicates_of_one_type_are_those_alone(
    world: World, wanted: str | None, types: list[str]
) -> None:
    found = duplicates(world.store.database, wanted)

    assert [row["duplicate_type"] for row in found] == types


def test_an_unknown_kind_of_duplicates_is_wrong_usage(store: Store) -> None:
    with pytest.raises(UsageError, match="twins"):
        list(duplicates(store.database, "twins"))


def test_why_names_every_fact_and_candidate(world: World) -> None:
    told = why(world.store.database, str(world.path("IMG_1.jpg")))

    assert told.keys() == {
        *("file", "name", "waiting", "unread", "content", "taken_at", "groups", "left_open"),
        *("duplicates", "near_misses", "tags", "decisions", "revisions"),
    }
    assert told["file"].keys() > FILE_KEYS
    assert told["content"]["reference_count"] == 2
    assert told["taken_at"]["from_content_alone"] == "2019-05-06T07:08:09"
    assert "EXIF:DateTimeOriginal" in {c["source"] for c in told["taken_at"]["candidates"]}
    assert [row["group_type"] for row in told["groups"]] == ["raw_jpeg"]
    assert [row["duplicate_type"] for row in told["duplicates"]] == ["exact", "perceptual"]
    json.dumps(told)


def test_why_knows_a_file_that_is_gone(world: World) -> None:
    world.path("small.jpg").unlink()
    world.scan()

    told = why(world.store.database, str(world.path("small.jpg")))

    assert told["file"]["status"] == "gone"
    assert told["content"]["reference_count"] == 0
    assert told["content"]["orphaned_at"] is not None
    assert told["duplicates"] == []


def test_why_takes_a_path_as_it_is_typed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(world.path("copy"))

    told = why(world.store.database, "../copy/./IMG_1.jpg")

    assert told["file"]["path"] == str(world.path("copy/IMG_1.jpg"))


def test_why_of_an_unknown_file_is_wrong_usage(store: Store) -> None:
    with pytest.raises(UsageError, match="there is no such file: /no/where"):
        why(store.database, "/no/where.jpg")


def test_status_has_the_keys_of_the_contract_and_agrees_with_the_lists(world: World) -> None:
    told = status(world.store.database)

    assert told.keys() >= {
        *("running", "files", "originals", "queue", "groups", "duplicates", "orphans", "roots"),
    }
    assert told["running"] is False
    assert told["files"] == len(list(files(world.store.database)))
    assert told["originals"] == len({r["sha256"] for r in files(world.store.database)})
    assert told["queue"] == {"pending": 0, "running": 0, "failed": 0}
    assert told["groups"]["raw_jpeg"] == 1
    assert told["duplicates"].keys() == {"exact", "re_encoded", "similar"}
    for name, count in told["duplicates"].items():
        assert count == len(list(duplicates(world.store.database, name)))
    (root,) = told["roots"]
    assert (root["path"], root["state"], root["files"]) == (str(world.photos), "online", 8)
    json.dumps(told)


def test_status_names_what_was_given_up(store: Store, root_id: int, tmp_path: Path) -> None:
    def work() -> None:
        work_items.put(root_id, [b"bad\xff.jpg"], reason="event", not_before=0.0, at=AT)
        ((item, _),) = work_items.lease(0.0, 60.0, 1)
        work_items.fail(item.id, error="the worker died", retry_at=None)

    store.write(work)

    told = status(store.database)

    assert told["queue"]["failed"] == 1
    assert told["given_up"] == [
        {
            "path": f"{tmp_path}/photos/bad\udcff.jpg",
            "attempts": 1,
            "error": "the worker died",
        }
    ]


def test_an_empty_store_is_shown_as_empty(store: Store) -> None:
    assert list(files(store.database)) == []
    assert list(groups(store.database, None)) == []
    assert list(duplicates(store.database, None)) == []
    assert status(store.database)["files"] == 0


def test_a_job_is_listed_cancelled_and_taken_up_again(store: Store) -> None:
    job = store.write(lambda: jobs_store.ask("scan", {"paths": ["/a"]}, AT))

    (row,) = jobs_command.list_jobs(store.database)
    assert (row["id"], row["name"], row["state"]) == (job.id, "scan", "pending")
    assert jobs_command.cancel(store.writer, job.id) == {"id": job.id, "cancel_requested": True}
    store.write(lambda: jobs_store.finish(job.id, JobState.CANCELLED, AT))
    assert jobs_command.retry(store.writer, job.id) == {"id": job.id, "state": "pending"}


def test_a_job_that_is_not_there_or_not_ended_is_wrong_usage(store: Store) -> None:
    job = store.write(lambda: jobs_store.ask("scan", {}, AT))

    with pytest.raises(UsageError, match="no open job 4711"):
        jobs_command.cancel(store.writer, 4711)
    with pytest.raises(UsageError, match="not one that failed"):
        jobs_command.retry(store.writer, job.id)


def test_retry_without_an_id_gives_files_a_new_start(store: Store, root_id: int) -> None:
    def work() -> None:
        work_items.put(root_id, [b"a"], reason="event", not_before=0.0, at=AT)
        ((item, _),) = work_items.lease(0.0, 60.0, 1)
        work_items.fail(item.id, error="e", retry_at=None)

    store.write(work)

    assert jobs_command.retry(store.writer, None) == {"files": 1}
    assert store.read(work_items.counts)["pending"] == 1


def test_the_passes_by_hand_say_what_they_did(store: Store, root_id: int, tmp_path: Path) -> None:
    (tmp_path / "photos" / "year").mkdir(parents=True, exist_ok=True)

    def work() -> None:
        drifted, orphan = put_original("drifted"), put_original("orphan")
        put_file(root_id, b"a", drifted)
        set_count(drifted, 3, AT)
        set_count(orphan, 0, AT)

    store.write(work)

    def clock() -> datetime:
        return datetime(2026, 3, 1, tzinfo=UTC)

    def clean() -> dict[str, object]:
        return maintain.cleanup(
            store.database, store.writer, clock, grace_hours=0.0, batch_limit=10
        )

    first = clean()
    assert maintain.reconcile(store.database, store.writer, clock) == {
        "checked": 2,
        "mended": 1,
        "drift": 2,
        "causes": {"unknown": 1},
        "revived": 0,
        "without_original": 0,
        "orphans": 0,
        "not_asked": [],
    }
    nothing = {"removed_files": 0, "frozen_by": [], "asks": ""}
    assert first == {"checked": 0, "removed_originals": 0, "waiting": 1, **nothing}
    assert clean() == {"checked": 1, "removed_originals": 1, "waiting": 0, **nothing}


def test_the_schema_goes_up_and_down_by_hand(tmp_path: Path) -> None:
    database = Database(tmp_path / "twinlens.db")

    applied = migrate.up(database, None)["applied"]
    assert applied[0] == "0001_first_schema"
    assert migrate.status(database) == {
        "database": str(tmp_path / "twinlens.db"),
        "applied": applied,
        "pending": [],
        "unknown": [],
    }
    assert migrate.down(database, None) == {"reverted": applied[-1:]}
    assert migrate.status(database)["pending"] == applied[-1:]


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "photos" / "sub").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "photos")
    return Config.model_validate(
        {
            "database": {"path": str(tmp_path / "twinlens.db")},
            "catalog": [{"name": "family", "roots": [str(tmp_path / "photos")]}],
        }
    )


def test_a_scan_of_a_path_is_of_that_below_its_root(config: Config, tmp_path: Path) -> None:
    wanted = str(tmp_path / "photos" / "sub")

    assert scan_argument(config, [], accept_missing=False) == {}
    assert scan_argument(config, [wanted + "/"], accept_missing=True) == {
        "paths": [wanted],
        "accept_missing": True,
    }
    assert scan_argument(config, [str(tmp_path / "link" / "sub")], accept_missing=False) == {
        "paths": [wanted]
    }


def test_a_scan_of_a_path_outside_every_root_is_wrong_usage(config: Config, tmp_path: Path) -> None:
    (tmp_path / "photos2").mkdir()
    for outside in (tmp_path, tmp_path / "photos2", Path("/")):
        with pytest.raises(UsageError, match="below none of the watched folders"):
            scan_argument(config, [str(outside)], accept_missing=False)


def test_a_job_that_did_not_end_has_no_result(store: Store) -> None:
    job = store.write(lambda: jobs_store.ask("scan", {"paths": ["/a"]}, AT))

    assert result_of(job) == {}
    assert argument_of(job) == {"paths": ["/a"]}
