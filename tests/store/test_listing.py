"""Claims about what is shown: live files of watched roots, and no duplicate that is none."""

from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from support.made_up import AT, digest, measured, put_file, put_original, stat
from support.stores import Store
from twinlens.commands.duplicates import duplicates
from twinlens.model.files import FileStatus
from twinlens.model.groups import (
    DuplicateClass,
    DuplicateGroup,
    DuplicateMember,
    DuplicateType,
    FileGroup,
    FileMember,
    GroupType,
)
from twinlens.model.picture import Kind
from twinlens.store import duplicate_groups, figures, file_groups, files, listing, originals


@pytest.fixture
def two_roots(store: Store) -> tuple[int, int]:
    first, second = store.adopt(Path("/srv/a"), Path("/srv/b"))
    return first.id, second.id


def similar(*members: int, name: str = "p1") -> DuplicateGroup:
    return DuplicateGroup(
        name,
        DuplicateType.PERCEPTUAL,
        DuplicateClass.SIMILAR,
        80.0,
        "made up",
        tuple(DuplicateMember(m, 100.0 - n, n == 0) for n, m in enumerate(members)),
    )


def test_files_come_in_the_order_of_their_paths(store: Store, two_roots: tuple[int, int]) -> None:
    def work() -> None:
        put_file(two_roots[1], b"0.jpg", None)
        put_file(two_roots[0], b"z/1.jpg", None)
        put_file(two_roots[0], b"\xff.jpg", None)
        put_file(two_roots[0], b"a/9.jpg", None)

    store.write(work)

    assert [view.path for view in store.read(lambda: list(listing.files()))] == [
        b"/srv/a/\xff.jpg",
        b"/srv/a/a/9.jpg",
        b"/srv/a/z/1.jpg",
        b"/srv/b/0.jpg",
    ]


def test_gone_files_and_those_of_roots_no_longer_named_are_not_shown(
    store: Store, two_roots: tuple[int, int]
) -> None:
    def work() -> None:
        shown, hidden = put_original("shown"), put_original("hidden")
        put_file(two_roots[0], b"a.jpg", shown)
        put_file(two_roots[0], b"b.jpg", hidden, status=FileStatus.GONE)
        one = put_file(two_roots[1], b"c.jpg", hidden)
        two = put_file(two_roots[1], b"d.jpg", shown, at=stat(2))
        members = (FileMember(one, "raw", True, ""), FileMember(two, "image", False, ""))
        group = FileGroup(GroupType.RAW_JPEG, "made up", members)
        file_groups.replace_bucket(two_roots[1], "", [group])
        duplicate_groups.replace({}, [similar(shown, hidden)])

    store.write(work)
    whole = store.read(listing.summary)
    assert (whole.files, whole.originals, whole.groups["raw_jpeg"]) == (3, 2, 1)
    assert (whole.duplicates["exact"], whole.duplicates["similar"]) == (1, 1)

    store.adopt(Path("/srv/a"))

    assert [view.path for view in store.read(lambda: list(listing.files()))] == [b"/srv/a/a.jpg"]
    assert store.read(lambda: list(listing.file_groups())) == []
    assert list(duplicates(store.database, None)) == []
    seen = store.read(listing.summary)
    assert (seen.files, seen.originals, seen.bytes_total) == (1, 1, 10)
    assert (seen.groups["raw_jpeg"], seen.reclaimable_bytes) == (0, 0)
    assert seen.duplicates == {"exact": 0, "re_encoded": 0, "similar": 0}


def test_groups_are_counted_of_which_two_contents_are_shown_whatever_became_of_their_files(
    store: Store, two_roots: tuple[int, int]
) -> None:
    watched, unwatched = two_roots
    fates = {"shown": [watched], "gone": [], "unwatched": [unwatched], "twice": [unwatched] * 2,
             "both": [watched, unwatched]}  # fmt: skip
    wanted = {"re_encoded": 0, "similar": 0}

    def work() -> None:
        for together in (*product(fates, repeat=2), *product(fates, repeat=3)):
            name = " ".join(together)
            members = [put_original(f"{name} {place}") for place in range(len(together))]
            for member, fate in zip(members, together, strict=True):
                for number, root_id in enumerate(fates[fate]):
                    put_file(root_id, b"%d %d.jpg" % (member, number), member)
                if fate == "gone":
                    put_file(watched, b"%d.jpg" % member, member, status=FileStatus.GONE)
            kind = DuplicateClass.SIMILAR if "twice" in together else DuplicateClass.RE_ENCODED
            group = replace(similar(*members, name=name), duplicate_class=kind)
            duplicate_groups.replace({}, [group])
            wanted[kind.value] += sum(fate in ("shown", "both") for fate in together) >= 2

    store.write(work)
    store.adopt(Path("/srv/a"))

    assert min(wanted.values()) > 0
    assert store.read(duplicate_groups.shown_by_class) == wanted
    views = store.read(lambda: list(listing.perceptual_groups()))
    assert len(views) == sum(wanted.values())


def test_exact_duplicates_are_separate_copies_and_never_empty_files(
    store: Store, two_roots: tuple[int, int]
) -> None:
    root_id = two_roots[0]

    def work() -> None:
        copies, links, empty = put_original("copies"), put_original("links"), put_original("", 0)
        put_file(root_id, b"copies/1", copies, at=stat(1))
        put_file(root_id, b"copies/2", copies, at=stat(2))
        put_file(root_id, b"copies/3", copies, at=stat(2, device=8))
        put_file(root_id, b"copies/4", copies, at=stat(1))
        put_file(root_id, b"links/1", links, at=stat(3))
        put_file(root_id, b"links/2", links, at=stat(3))
        put_file(root_id, b"empty/1", empty, at=stat(4, size=0), status=FileStatus.WAITING)
        put_file(root_id, b"empty/2", empty, at=stat(5, size=0), status=FileStatus.WAITING)

    store.write(work)

    (shown,) = duplicates(store.database, "exact")
    assert [member["path"] for member in shown["members"]] == [
        f"/srv/a/copies/{n}" for n in (1, 2, 3, 4)
    ]
    assert shown["reclaimable_bytes"] == 20
    summary = store.read(listing.summary)
    assert (summary.duplicates["exact"], summary.reclaimable_bytes) == (1, 20)


def test_equal_sidecars_and_equal_files_of_one_photograph_are_told_and_free_nothing(
    store: Store, two_roots: tuple[int, int]
) -> None:
    root_id = two_roots[0]

    def work() -> None:
        notes = put_original("notes", measurement=measured(Kind.SIDECAR))
        put_file(root_id, b"IMG_1234.AAE", notes, at=stat(1))
        put_file(root_id, b"IMG_O1234.AAE", notes, at=stat(2))
        film = put_original("film", measurement=measured(Kind.VIDEO))
        first = put_file(root_id, b"IMG_1234.MOV", film, at=stat(3))
        second = put_file(root_id, b"IMG_E1234.MOV", film, at=stat(4))
        members = (FileMember(first, "video", True, ""), FileMember(second, "video", False, ""))
        group = FileGroup(GroupType.LIVE_PHOTO, "made up", members)
        file_groups.replace_bucket(root_id, "", [group])

    store.write(work)
    told = {group["rule"].split("; ")[1] for group in duplicates(store.database, "exact")}
    assert told == {
        "all stay, as files of one photograph",
        "all stay, each with the file that it speaks of",
    }
    assert {one["reclaimable_bytes"] for one in duplicates(store.database, "exact")} == {0}
    summary = store.read(listing.summary)
    assert (summary.duplicates["exact"], summary.reclaimable_bytes) == (2, 0)
    assert store.read(figures.exact) == (2, 0)

    def copy() -> None:
        put_file(root_id, b"backup/film.MOV", originals.find_id(digest("film")), at=stat(5))

    store.write(copy)
    (shown,) = (one for one in duplicates(store.database, "exact") if one["reclaimable_bytes"])
    names = [member["path"].rpartition("/")[2] for member in shown["members"]]
    assert sorted(names) == ["IMG_1234.MOV", "IMG_E1234.MOV", "film.MOV"]
    assert shown["reclaimable_bytes"] == 10
    assert shown["rule"].startswith("equal SHA-256 in 3 separate copies; primary")
    summary = store.read(listing.summary)
    assert (summary.duplicates["exact"], summary.reclaimable_bytes) == (2, 10)
    assert store.read(figures.exact) == (2, 10)


def test_nothing_is_reclaimable_from_a_group_whose_primary_is_not_shown(
    store: Store, two_roots: tuple[int, int]
) -> None:
    def work() -> None:
        ids = [put_original(name, 10, measured(phash=n)) for n, name in enumerate("abc")]
        put_file(two_roots[1], b"a.jpg", ids[0])
        put_file(two_roots[0], b"b.jpg", ids[1])
        put_file(two_roots[0], b"c.jpg", ids[2])
        duplicate_groups.replace({}, [similar(*ids)])

    store.write(work)
    (whole,) = duplicates(store.database, "similar")
    assert (whole["primary"], whole["reclaimable_bytes"]) == ("/srv/b/a.jpg", 20)

    store.adopt(Path("/srv/a"))

    (shown,) = duplicates(store.database, "similar")
    assert [m["path"] for m in shown["members"]] == ["/srv/a/b.jpg", "/srv/a/c.jpg"]
    assert (shown["primary"], shown["reclaimable_bytes"]) == (None, 0)


def test_a_file_is_found_by_its_path_gone_or_not(store: Store, two_roots: tuple[int, int]) -> None:
    def work() -> None:
        file_id = put_file(two_roots[0], b"x/a.jpg", put_original("a"))
        files.set_gone(file_id, AT)

    store.write(work)

    view = store.read(lambda: listing.file_at(b"/srv/a/x/a.jpg"))
    assert view is not None
    assert view.file.status is FileStatus.GONE
    assert view.original is not None
    assert view.original.sha256 == digest("a")
    assert store.read(lambda: listing.file_at(b"/srv/a/x/b.jpg")) is None
    assert store.read(lambda: listing.file_at(b"/srv/ax/a.jpg")) is None


def test_a_path_below_two_roots_is_that_of_the_watched_one(store: Store) -> None:
    (old,) = store.adopt(Path("/srv/a"))
    store.write(lambda: put_file(old.id, b"b/x.jpg", None, status=FileStatus.GONE))
    (new,) = store.adopt(Path("/srv/a/b"))
    store.write(lambda: put_file(new.id, b"x.jpg", None))

    view = store.read(lambda: listing.file_at(b"/srv/a/b/x.jpg"))

    assert view is not None
    assert view.file.root_id == new.id


def test_a_bucket_keeps_the_groups_that_did_not_change(store: Store, root_id: int) -> None:
    def group(*ids: int) -> FileGroup:
        members = tuple(FileMember(i, "image", n == 0, "e") for n, i in enumerate(ids))
        return FileGroup(GroupType.RAW_JPEG, "made up", members)

    def work() -> tuple[dict[int, FileGroup], list[FileGroup], set[int], dict[int, FileGroup]]:
        ids = [put_file(root_id, b"%d" % n, None) for n in range(4)]
        file_groups.replace_bucket(root_id, "r", [group(*ids[:2]), group(*ids[2:])])
        before = file_groups.of_bucket(root_id, "r")
        new, touched = file_groups.replace_bucket(root_id, "r", [group(*ids[:2])])
        return before, new, touched, file_groups.of_bucket(root_id, "r")

    before, new, touched, after = store.write(work)

    assert new == []
    assert len(touched) == 2
    assert list(after.items()) == list(before.items())[:1]


def test_a_reviewed_duplicate_group_that_stays_the_same_stays_reviewed(
    store: Store, root_id: int
) -> None:
    def work() -> tuple[list[DuplicateGroup], list[DuplicateGroup]]:
        ids = [put_original(name) for name in "abcd"]
        kept, dropped = similar(*ids[:2]), similar(*ids[2:], name="p2")
        first = duplicate_groups.replace({}, [kept, dropped])
        store.database.peewee.execute_sql("UPDATE duplicate_group SET reviewed = 1")
        second = duplicate_groups.replace(duplicate_groups.touching(ids), [kept])
        return first, second

    first, second = store.write(work)

    assert [group.key for group in first] == ["p1", "p2"]
    assert second == []
    with store.database.reading():
        rows = store.database.peewee.execute_sql("SELECT key, reviewed FROM duplicate_group")
        assert rows.fetchall() == [("p1", 1)]


def test_shared_contents_come_by_their_digests_and_the_first_before_the_last_are_read(
    store: Store, root_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "AT_ONCE", 2)
    words = [f"content {number}" for number in range(5)]

    def work() -> None:
        for word in words:
            content = put_original(word)
            for name in (b"b", b"a"):
                put_file(root_id, word.encode() + name, content)
        put_file(root_id, b"alone", put_original("alone"))

    store.write(work)
    views: list[object] = []
    view = listing._view

    def noting(row: Any) -> Any:
        views.append(row)
        return view(row)

    monkeypatch.setattr(listing, "_view", noting)

    with store.database.reading():
        groups = listing.shared_originals()
        first = next(groups)
        assert len(views) <= 4
        found = [first, *groups]

    assert [files[0].original.sha256 for files in found if files[0].original] == sorted(
        digest(word) for word in words
    )
    assert all([file.path[-1:] for file in files] == [b"a", b"b"] for files in found)
