"""Claims about a scan: the disk is the truth, and an error is never an absence."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from support.nobody import run_as_nobody
from support.world import World, jpeg
from twinlens.ingest import survey as survey_module
from twinlens.ingest.survey import Survey
from twinlens.model.events import EventName
from twinlens.model.files import Condition, FileRecord, FileStatus
from twinlens.model.picture import DECODED_VERSIONS
from twinlens.model.roots import RootState
from twinlens.store import files, originals
from twinlens.watch import scanner
from twinlens.watch.ignore import IgnoreList
from twinlens.watch.scanner import Listing

NUMBERS = ("added", "changed", "moved", "gone", "unchanged", "failed")


def numbers(result: dict[str, object]) -> dict[str, object]:
    """What a scan did, without the zeros."""
    return {name: result[name] for name in NUMBERS if result[name]}


def record(world: World, name: str) -> FileRecord | None:
    return world.store.read(lambda: files.find(world.root_id, os.fsencode(name)))


def status(world: World, name: str) -> FileStatus | None:
    found = record(world, name)
    return None if found is None else found.status


def live(world: World) -> set[str]:
    return {os.fsdecode(r.path) for r in world.store.read(lambda: files.below(world.root_id, b""))}


def state(world: World) -> RootState:
    return world.places.state(world.root_id)


def fill(world: World, count: int, folder: str = "") -> list[str]:
    names = [os.path.join(folder, f"{n}.txt") for n in range(count)]
    for name in names:
        world.put(name, f"{name} of a diary\n".encode() * 10)
    return names


def test_new_files_are_read_and_known_ones_are_not(world: World) -> None:
    world.put("a.jpg", jpeg(1))
    world.put("sub/b.jpg", jpeg(2))

    assert numbers(world.scan()) == {"added": 2}
    again = world.scan()

    assert numbers(again) == {"unchanged": 2}
    assert again["bytes_read"] == 0


def test_a_changed_file_is_read_again(world: World) -> None:
    world.put("a.jpg", jpeg(1))
    world.scan()

    world.put("a.jpg", jpeg(2))

    assert numbers(world.scan()) == {"changed": 1}


def test_content_that_was_changed_behind_an_unchanged_mtime_is_noticed(world: World) -> None:
    path = world.put("a.txt", b"first\n" * 50)
    world.scan()
    mtime = path.stat().st_mtime_ns

    path.write_bytes(b"other\n" * 50)
    os.utime(path, ns=(mtime, mtime))

    assert numbers(world.scan()) == {"changed": 1}


def test_a_renamed_file_is_not_read(world: World) -> None:
    path = world.put("a.jpg", jpeg(1))
    world.scan()
    before = record(world, "a.jpg")
    assert before is not None

    world.path("sub").mkdir()
    path.rename(world.path("sub/b.jpg"))
    result = world.scan()

    assert numbers(result) == {"moved": 1}
    assert result["bytes_read"] == 0
    after = record(world, "sub/b.jpg")
    assert after is not None
    assert after.id == before.id
    assert live(world) == {"sub/b.jpg"}


def test_a_rename_is_told_with_the_name_before(world: World) -> None:
    path = world.put("a.jpg", jpeg(1))
    world.scan()
    path.rename(world.path("b.jpg"))
    world.scan()

    (told,) = (event for event in world.events if event.name is EventName.FILE_MOVED)
    assert told.message == f"renamed from {path}: {world.path('b.jpg')}"
    assert told.details["path_before"] == str(path)
    assert told.details["path"] == str(world.path("b.jpg"))


def test_a_picture_that_cannot_be_judged_is_not_told_as_broken(world: World) -> None:
    world.put("a.jxl", b"\xff\x0a" + bytes(200))
    world.put("b.jpg", jpeg(1)[:900])
    world.scan()

    told = {event.name: event.details["path"] for event in world.events if "error" in event.details}
    assert told == {
        EventName.FILE_UNJUDGED: str(world.path("a.jxl")),
        EventName.FILE_BROKEN: str(world.path("b.jpg")),
    }


def test_a_renamed_folder_is_not_read(world: World) -> None:
    fill(world, 5, "one")
    world.scan()

    world.path("one").rename(world.path("two"))
    result = world.scan()

    assert numbers(result) == {"moved": 5}
    assert result["bytes_read"] == 0


def test_a_hard_link_is_no_rename(world: World) -> None:
    path = world.put("a.jpg", jpeg(1))
    world.scan()

    os.link(path, world.path("b.jpg"))
    result = world.scan()

    assert result["moved"] == 0
    assert live(world) == {"a.jpg", "b.jpg"}
    with world.store.database.reading():
        assert set(originals.counts().values()) == {2}


def test_a_deleted_file_is_gone_and_one_that_comes_back_is_found_again(world: World) -> None:
    path = world.put("a.jpg", jpeg(1))
    world.put("b.jpg", jpeg(2))
    world.scan()

    aside = path.rename(world.photos.with_name("aside.jpg"))
    assert numbers(world.scan()) == {"gone": 1, "unchanged": 1}
    assert live(world) == {"b.jpg"}

    aside.rename(path)
    assert numbers(world.scan()) == {"added": 1, "unchanged": 1}
    assert live(world) == {"a.jpg", "b.jpg"}


def test_a_deleted_folder_takes_its_files_along(world: World) -> None:
    fill(world, 3, "a/b")
    world.put("c.jpg", jpeg(1))
    world.scan()

    shutil.rmtree(world.path("a"))

    assert numbers(world.scan()) == {"gone": 3, "unchanged": 1}


def test_files_that_are_ignored_now_go_and_come_back_when_they_are_not(world: World) -> None:
    fill(world, 2, "private")
    world.put("a.jpg", jpeg(1))
    world.scan()

    world.ignore = IgnoreList((), ("private/",))
    world.restart()
    assert numbers(world.scan()) == {"gone": 2, "unchanged": 1}

    world.ignore = IgnoreList((), ())
    world.restart()
    assert numbers(world.scan()) == {"added": 2, "unchanged": 1}
    assert len(live(world)) == 3


def test_leaving_out_most_of_a_root_is_no_loss(world: World) -> None:
    fill(world, 30, "private")
    world.scan()

    world.ignore = IgnoreList((), ("private/",))
    world.restart()

    assert numbers(world.scan()) == {"gone": 30}
    assert state(world) is RootState.ONLINE


def test_a_young_file_waits_until_it_has_settled(world: World) -> None:
    world.put("a.jpg", jpeg(1), is_young=True)

    result = world.scan()

    assert (result["added"], result["waiting"]) == (0, 1)
    assert world.queue.counts()["pending"] == 1


def test_a_name_that_is_no_text_is_a_name(world: World) -> None:
    name = os.fsdecode(b"\xff\xfe\n; rm -rf.jpg")
    world.put(name, jpeg(1))

    assert numbers(world.scan()) == {"added": 1}
    assert live(world) == {name}
    world.path(name).unlink()
    world.put("other.jpg", jpeg(2))
    assert numbers(world.scan()) == {"added": 1, "gone": 1}


def test_a_scan_of_a_folder_says_nothing_of_others(world: World) -> None:
    fill(world, 2, "one")
    fill(world, 2, "two")
    world.scan()
    world.path("one/0.txt").unlink()
    world.path("two/0.txt").unlink()

    result = world.scan(paths=[str(world.path("one"))])

    assert numbers(result) == {"gone": 1, "unchanged": 1}
    assert "two/0.txt" in live(world)


def test_a_scan_of_a_folder_that_was_emptied_does_not_doubt_the_root(world: World) -> None:
    fill(world, 2, "one")
    fill(world, 2, "two")
    world.scan()
    for name in ("one/0.txt", "one/1.txt"):
        world.path(name).unlink()

    assert numbers(world.scan(paths=[str(world.path("one"))])) == {"gone": 2}
    assert state(world) is RootState.ONLINE


def test_an_empty_root_is_suspect_and_nothing_is_gone(world: World) -> None:
    names = fill(world, 3)
    world.scan()
    for name in names:
        world.path(name).unlink()

    result = world.scan()

    assert numbers(result) == {}
    assert len(live(world)) == 3
    assert state(world) is RootState.SUSPECT
    assert "--accept-missing" in str(result["problems"])


def test_the_brake_holds_when_too_many_are_missing_and_the_owner_can_release_it(
    world: World,
) -> None:
    names = fill(world, 50)
    world.scan()
    for name in names[:30]:
        world.path(name).unlink()

    assert numbers(world.scan()) == {"unchanged": 20}
    assert state(world) is RootState.SUSPECT
    assert len(live(world)) == 50

    assert numbers(world.scan(accept_missing=True)) == {"gone": 30, "unchanged": 20}
    assert state(world) is RootState.ONLINE


def test_the_brake_lets_go_by_itself_when_the_files_are_back(world: World) -> None:
    fill(world, 50)
    world.scan()
    aside = world.photos.with_name("aside")
    world.photos.rename(aside)
    world.photos.mkdir()
    for entry in sorted(aside.iterdir())[:10]:
        entry.rename(world.photos / entry.name)
    aside_identity = aside.stat().st_ino
    assert aside_identity != world.photos.stat().st_ino

    assert numbers(world.scan()) == {}
    assert len(live(world)) == 50

    for entry in sorted(aside.iterdir()):
        entry.rename(world.photos / entry.name)
    world.scan()
    assert state(world) is RootState.ONLINE
    assert len(live(world)) == 50


def test_few_absences_are_believed_whatever_their_share(world: World) -> None:
    names = fill(world, 10)
    world.scan()
    for name in names[:9]:
        world.path(name).unlink()

    assert numbers(world.scan()) == {"gone": 9, "unchanged": 1}


def test_a_root_that_is_missing_is_unreachable_and_nothing_is_gone(world: World) -> None:
    fill(world, 3)
    world.scan()
    world.photos.rename(world.photos.with_name("aside"))

    result = world.scan(accept_missing=True)

    assert numbers(result) == {}
    assert "missing" in str(result["problems"])
    assert state(world) is RootState.UNREACHABLE
    assert len(live(world)) == 3


def test_another_folder_at_the_roots_place_is_not_believed(world: World) -> None:
    fill(world, 3)
    world.scan()
    world.photos.rename(world.photos.with_name("aside"))
    world.photos.mkdir()
    world.put("other.jpg", jpeg(9))

    assert numbers(world.scan()) == {}
    assert state(world) is RootState.CHANGED
    assert len(live(world)) == 3

    assert numbers(world.scan(accept_missing=True)) == {"added": 1, "gone": 3}
    assert state(world) is RootState.ONLINE


def test_the_same_files_in_another_folder_are_recognised(world: World) -> None:
    fill(world, 20)
    world.scan()
    aside = world.photos.with_name("aside")
    world.photos.rename(aside)
    shutil.copytree(aside, world.photos)

    result = world.scan()

    assert state(world) is RootState.ONLINE
    assert result["gone"] == 0
    assert len(live(world)) == 20


def test_a_share_that_goes_while_its_files_are_looked_at_loses_none(world: World) -> None:
    names = fill(world, 8)
    world.scan()
    for name in names:
        world.put(name, b"changed " * 50)
    aside = world.photos.with_name("aside")

    def take_away() -> None:
        if world.photos.exists():
            world.photos.rename(aside)

    world.meanwhile = take_away

    result = world.scan()

    assert result["gone"] == 0
    assert live(world) == set(names)
    aside.rename(world.photos)
    world.meanwhile = lambda: None
    world.drain()
    assert len(live(world)) == 8


def test_a_file_that_comes_back_while_its_absence_is_recorded_is_not_gone(world: World) -> None:
    names = fill(world, 4)
    world.scan()
    aside = world.photos.with_name("aside.txt")
    path = world.path(names[0])
    path.rename(aside)
    definition = world.scanner.definition()

    def review(outcomes: Any) -> Any:
        if aside.exists():
            aside.rename(path)
        return definition.review(outcomes)

    job = world.run(replace(definition, review=review), {})
    assert job.error is None
    assert status(world, names[0]) is not FileStatus.GONE
    world.drain()
    assert live(world) == set(names)


def test_a_stopped_walk_believes_no_absence(world: World) -> None:
    fill(world, 3, "one")
    fill(world, 3, "two")
    world.scan()
    shutil.rmtree(world.path("one"))
    survey = Survey(
        world.place,
        still_there=lambda path, stat: True,
        writes=world.places.writes,
        is_stopped=lambda: True,
    )

    with world.store.database.reading():
        assert list(survey.differences()) == []

    assert not survey.count.is_complete
    assert absent(world, survey) == []


def surveyed(world: World, monkeypatch: pytest.MonkeyPatch, change: Any) -> Survey:
    """A survey of what `change` makes of each true listing."""

    def walk(*arguments: Any, **options: Any) -> Iterator[Listing]:
        for listing in scanner.walk(*arguments, **options):
            changed = change(listing)
            if changed is not None:
                yield changed

    monkeypatch.setattr(survey_module, "walk", walk)
    survey = Survey(world.place, still_there=lambda path, stat: True, writes=world.places.writes)
    with world.store.database.reading():
        list(survey.differences())
    return survey


def absent(world: World, survey: Survey) -> list[bytes]:
    with world.store.database.reading():
        return [found.path for found in survey.absent()]


def test_a_folder_that_could_not_be_read_whole_is_no_absence(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(world, 2, "bad/below")
    fill(world, 2, "bad")
    fill(world, 2, "good")
    world.scan()
    shutil.rmtree(world.path("bad/below"))
    world.path("bad/0.txt").unlink()
    world.path("good/0.txt").unlink()

    def change(listing: Listing) -> Listing:
        is_bad = listing.directory.endswith(b"/bad")
        return replace(listing, error="Input/output error") if is_bad else listing

    survey = surveyed(world, monkeypatch, change)

    assert absent(world, survey) == [b"good/0.txt"]
    assert [error for _, error in survey.count.errors] == ["Input/output error"]


def nested(listing: Listing, device: int) -> Listing:
    entries = [(name, stat._replace(device=device)) for name, stat in listing.entries]
    return replace(listing, device=device, entries=entries)


def test_files_of_a_mount_below_the_root_are_not_gone_with_the_mount(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(world, 2, "disk/a")
    world.put("b.txt", b"here\n" * 20)
    world.scan()

    def remember(is_nested: bool) -> None:
        def work() -> None:
            for found in files.below(world.root_id, b"disk"):
                assert found.original_id is not None
                files.put(
                    world.root_id,
                    found.path,
                    radical="",
                    stat=found.stat,
                    is_nested=is_nested,
                    original_id=found.original_id,
                    condition=Condition(found.kind, FileStatus.OK),
                    at=world.at(),
                )

        world.store.write(work)

    remember(True)
    shutil.rmtree(world.path("disk/a"))

    unmounted = surveyed(world, monkeypatch, lambda listing: listing)
    assert absent(world, unmounted) == []

    mounted = surveyed(
        world,
        monkeypatch,
        lambda listing: nested(listing, 4711) if b"/disk" in listing.directory else listing,
    )
    assert absent(world, mounted) == [b"disk/a/0.txt", b"disk/a/1.txt"]


def test_a_scan_below_a_mount_knows_that_it_is_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(world, 1, "disk")

    def walk(*arguments: Any, **options: Any) -> Iterator[Listing]:
        for listing in scanner.walk(*arguments, **options):
            yield nested(listing, 4711)

    monkeypatch.setattr(survey_module, "walk", walk)
    survey = Survey(
        world.place,
        under=os.fsencode(world.path("disk")),
        still_there=lambda path, stat: True,
        writes=world.places.writes,
    )

    with world.store.database.reading():
        assert [d.is_nested for d in survey.differences()] == [True]


def test_a_file_that_could_not_be_read_is_looked_at_at_each_scan(world: World) -> None:
    world.put("a.jpg", jpeg(1))
    world.scan()
    found = record(world, "a.jpg")
    assert found is not None
    world.store.write(lambda: files.set_unreadable(found.id, "denied", world.at()))

    world.scan()

    assert status(world, "a.jpg") is FileStatus.OK


def test_contents_of_an_older_analysis_are_measured_anew(world: World) -> None:
    world.put("a.jpg", jpeg(1))
    world.put("b.jpg", jpeg(1))
    world.scan()

    def make_old() -> None:
        world.store.database.peewee.execute_sql("UPDATE original SET algorithm_version = -1")

    world.store.write(make_old)

    assert numbers(world.scan()) == {"unchanged": 2}
    assert world.store.read(lambda: originals.outdated(DECODED_VERSIONS)) == frozenset()
    assert world.scan()["bytes_read"] == 0


SCAN_AS_NOBODY = """
import json, os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from support.world import opened_world
from twinlens.store import files

home = Path(sys.argv[1])
with opened_world(home / "twinlens.db", home / "photos") as world:
    for name in ("open/a.txt", "open/b.txt", "closed/c.txt", "closed/below/d.txt", "file.txt"):
        world.put(name, name.encode() * 30)
    world.scan()
    os.chmod(world.path("closed"), 0o000)
    os.chmod(world.path("file.txt"), 0o000)
    world.path("open/a.txt").unlink()
    world.hint("closed/c.txt")
    result = world.scan()
    world.drain()
    os.chmod(world.path("closed"), 0o755)
    with world.store.database.reading():
        states = {r.path.decode(): r.status.value for r in files.below(world.root_id, b"")}
    after = world.scan()
print(json.dumps([result["gone"], states, after["gone"], after["problems"]]))
"""


def test_what_the_daemon_may_not_read_is_not_gone() -> None:
    home = Path(tempfile.mkdtemp(prefix="twinlens-test-"))
    home.chmod(0o777)
    try:
        output = run_as_nobody(SCAN_AS_NOBODY, str(home), str(Path(__file__).parents[1]))
    finally:
        shutil.rmtree(home)

    gone, states, gone_later, problems = json.loads(output)
    assert (gone, gone_later, problems) == (1, 0, [])
    assert states.keys() == {"open/b.txt", "closed/c.txt", "closed/below/d.txt", "file.txt"}
    assert states["closed/c.txt"] == "unreadable"
    assert states["closed/below/d.txt"] == "ok"
