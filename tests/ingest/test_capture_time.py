"""The capture time of a content, by itself and by what lies beside it: made-up rows of a store."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from itertools import permutations

import pytest

from support.made_up import AT, digest, measured, put_file, put_original, stat
from support.stores import Store
from twinlens.ingest.capture_time import settle_capture_times
from twinlens.model.groups import FileGroup, FileMember, GroupType
from twinlens.model.picture import Confidence, DateCandidate, Kind, Measurement
from twinlens.store import file_groups, files, originals
from twinlens.store.tables_owner import UserDecision

SHOT = "2019-05-06T07:08:09"
TAKEOUT = DateCandidate("JSON:PhotoTakenTimeTimestamp", "2019-05-06T05:08:09+00:00", 6)
OTHER_TAKEOUT = DateCandidate("JSON:PhotoTakenTimeTimestamp", "2012-05-06T05:08:09+00:00", 6)
XMP = DateCandidate("XMP:DateTimeOriginal", SHOT, 5)
XMP_CHANGED = DateCandidate("XMP:ModifyDate", "2020-01-02T03:04:05", 12)


def now() -> datetime:
    return datetime(2026, 1, 2, tzinfo=UTC)


def dated(*candidates: DateCandidate, kind: Kind = Kind.IMAGE) -> Measurement:
    return replace(measured(kind), date_candidates=candidates)


class Shelf:
    """Files with made-up contents, and the groups that join them."""

    def __init__(self, store: Store, root_id: int) -> None:
        self.store = store
        self.root_id = root_id
        self.files: dict[str, int] = {}
        self.contents: dict[str, int] = {}

    def put(self, name: str, measurement: Measurement) -> None:
        def work() -> None:
            inode = len(self.files) + 1
            self.contents[name] = put_original(name, measurement=measurement)
            at = stat(inode)
            self.files[name] = put_file(
                self.root_id, name.encode(), self.contents[name], at=at, radical="a"
            )

        self.store.write(work)

    def group(self, *members: tuple[str, str, int | None]) -> None:
        group = FileGroup(
            GroupType.SIDECAR,
            "made up",
            tuple(
                FileMember(self.files[name], part, False, "", sequence=shot)
                for name, part, shot in members
            ),
        )
        self.store.write(lambda: file_groups.replace_bucket(self.root_id, "a", [group]))

    def taken(self, name: str) -> tuple[str | None, str | None, Confidence]:
        self.store.write(lambda: settle_capture_times([self.contents[name]], now))
        found = self.store.read(lambda: originals.get(self.contents[name]))
        return found.taken.value, found.taken.source, found.taken.confidence

    def sources(self, name: str) -> list[str]:
        found = self.store.read(lambda: originals.get(self.contents[name]))
        return [candidate.source for candidate in found.taken.candidates]


@pytest.fixture
def shelf(store: Store, root_id: int) -> Shelf:
    return Shelf(store, root_id)


def test_a_takeout_gives_its_date_to_a_picture_without_one(shelf: Shelf) -> None:
    shelf.put("a.jpg", dated())
    shelf.put("a.jpg.json", dated(TAKEOUT, kind=Kind.SIDECAR))
    shelf.group(("a.jpg", "image", None), ("a.jpg.json", "sidecar", None))

    assert shelf.taken("a.jpg") == (TAKEOUT.value, "sidecar:takeout", Confidence.MEDIUM)
    content = shelf.store.read(lambda: originals.get(shelf.contents["a.jpg"]))
    assert content.captured_at is None


def test_a_sidecar_that_agrees_raises_and_one_that_contradicts_lowers(shelf: Shelf) -> None:
    own = DateCandidate("EXIF:DateTimeOriginal", SHOT, 5)
    for name, beside in (("a", XMP), ("b", OTHER_TAKEOUT)):
        shelf.put(f"{name}.jpg", dated(own))
        shelf.put(f"{name}.side", dated(beside, XMP_CHANGED, kind=Kind.SIDECAR))
        shelf.group((f"{name}.jpg", "image", None), (f"{name}.side", "sidecar", None))
        value, source, confidence = shelf.taken(f"{name}.jpg")

        assert (value, source) == (SHOT, "EXIF:DateTimeOriginal")
        assert confidence is (Confidence.HIGH if name == "a" else Confidence.LOW)
        # When a sidecar was changed says nothing of the picture.
        assert "sidecar:XMP:ModifyDate" not in shelf.sources(f"{name}.jpg")


def test_contradictory_sidecars_are_held_low_in_any_order(store: Store, root_id: int) -> None:
    for count, order in enumerate(permutations(["a.jpg", "one.json", "two.json"])):
        shelf = Shelf(store, root_id)
        contents = {
            "a.jpg": dated(),
            "one.json": dated(TAKEOUT, kind=Kind.SIDECAR),
            "two.json": dated(OTHER_TAKEOUT, kind=Kind.SIDECAR),
        }
        for name in order:
            shelf.put(name, contents[name])
        shelf.group(*((n, "image" if n == "a.jpg" else "sidecar", None) for n in order))

        assert shelf.taken("a.jpg") == (OTHER_TAKEOUT.value, "sidecar:takeout", Confidence.LOW)
        assert shelf.sources("a.jpg").count("sidecar:takeout") == 2, count


def test_a_sidecar_speaks_for_its_own_shot_of_a_burst_only(shelf: Shelf) -> None:
    shelf.put("a.jpg", dated())
    shelf.put("b.jpg", dated())
    shelf.put("a.xmp", dated(XMP, kind=Kind.SIDECAR))
    shelf.group(("a.jpg", "image", 1), ("a.xmp", "sidecar", 1), ("b.jpg", "image", 2))

    assert shelf.taken("a.jpg")[:2] == (SHOT, "sidecar:XMP:DateTimeOriginal")
    assert shelf.taken("b.jpg")[0] is None


def test_a_raw_fills_in_what_its_jpeg_lacks_and_takes_nothing_over(shelf: Shelf) -> None:
    raw = DateCandidate("EXIF:DateTimeOriginal", "2019-05-06T07:08:10+02:00", 2)
    own = DateCandidate("EXIF:DateTimeOriginal", SHOT, 5)
    shelf.put("a.arw", dated(raw, kind=Kind.RAW))
    shelf.put("bare.jpg", dated())
    shelf.put("own.jpg", dated(own))
    shelf.group(("a.arw", "raw", None), ("bare.jpg", "image", None), ("own.jpg", "image", None))

    assert shelf.taken("bare.jpg")[0] in {raw.value, SHOT}
    assert shelf.taken("bare.jpg")[2] is Confidence.MEDIUM
    assert shelf.taken("own.jpg") == (SHOT, "EXIF:DateTimeOriginal", Confidence.MEDIUM)
    assert shelf.taken("a.arw") == (raw.value, "EXIF:DateTimeOriginal", Confidence.HIGH)


def test_a_sidecar_that_is_gone_says_nothing_more(shelf: Shelf) -> None:
    shelf.put("a.jpg", dated())
    shelf.put("a.json", dated(TAKEOUT, kind=Kind.SIDECAR))
    shelf.group(("a.jpg", "image", None), ("a.json", "sidecar", None))
    assert shelf.taken("a.jpg")[0] == TAKEOUT.value

    shelf.store.write(lambda: files.set_gone(shelf.files["a.json"], AT))

    assert shelf.taken("a.jpg")[0] is None


def test_a_sidecar_keeps_its_own_date(shelf: Shelf) -> None:
    shelf.put("a.jpg", dated(DateCandidate("EXIF:DateTimeOriginal", SHOT, 5)))
    shelf.put("a.json", dated(OTHER_TAKEOUT, kind=Kind.SIDECAR))
    shelf.group(("a.jpg", "image", None), ("a.json", "sidecar", None))

    assert shelf.taken("a.json")[:2] == (OTHER_TAKEOUT.value, OTHER_TAKEOUT.source)


def test_what_a_sidecar_says_of_a_clock_never_set_is_kept_as_evidence(shelf: Shelf) -> None:
    unset = DateCandidate("XMP:DateTimeOriginal", "1970:01:01", 5, "clock never set")
    shelf.put("a.jpg", dated())
    shelf.put("a.xmp", dated(unset, kind=Kind.SIDECAR))
    shelf.group(("a.jpg", "image", None), ("a.xmp", "sidecar", None))

    assert shelf.taken("a.jpg") == (None, None, Confidence.NONE)
    assert shelf.sources("a.jpg") == ["sidecar:XMP:DateTimeOriginal"]


def test_the_future_is_marked_and_believed_when_it_has_come(shelf: Shelf) -> None:
    ahead = DateCandidate("EXIF:DateTimeOriginal", "2026-03-04T05:06:07", 5)
    shelf.put("a.jpg", dated(ahead))

    assert shelf.taken("a.jpg") == (None, None, Confidence.NONE)
    content = shelf.store.read(lambda: originals.get(shelf.contents["a.jpg"]))
    assert [c.rejected for c in content.taken.candidates] == ["future"]

    then = datetime(2026, 4, 1, tzinfo=UTC)
    shelf.store.write(lambda: settle_capture_times([shelf.contents["a.jpg"]], lambda: then))
    content = shelf.store.read(lambda: originals.get(shelf.contents["a.jpg"]))

    assert (content.taken.value, content.captured_at) == (ahead.value, ahead.value)
    assert [c.rejected for c in content.taken.candidates] == [None]


def _decide(shelf: Shelf, values: Iterable[tuple[str, str | None]]) -> None:
    for value, withdrawn_at in values:
        UserDecision.insert(
            sha256=digest("a.jpg"),
            verb="date",
            value=value,
            decided_at=AT,
            withdrawn_at=withdrawn_at,
        ).execute()


def test_the_owners_word_wins_until_it_is_withdrawn(shelf: Shelf) -> None:
    shelf.put("a.jpg", dated(DateCandidate("EXIF:DateTimeOriginal", SHOT, 2)))
    said = [("1987-06-05", None), ("1999-01-01", AT)]
    shelf.store.write(lambda: _decide(shelf, said))

    assert shelf.taken("a.jpg") == ("1987-06-05", "owner", Confidence.HIGH)

    shelf.store.write(lambda: UserDecision.update(withdrawn_at=AT).execute())

    assert shelf.taken("a.jpg")[0] == SHOT
