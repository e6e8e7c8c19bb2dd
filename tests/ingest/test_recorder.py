"""Claims about recording: files, contents and references agree after every kind of finding."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.drift import counted_links
from support.made_up import digest, found, measured, stat
from support.stores import Store
from twinlens.grouping.duplicates import PRESETS
from twinlens.ingest.recorder import Change, Recorded, Recorder, Seen
from twinlens.ingest.regroup import Regrouped, Regrouper
from twinlens.model.files import FileRecord, FileStatus, Finding, Stat
from twinlens.model.groups import DuplicateGroup, FileGroup
from twinlens.model.picture import Kind, Measurement
from twinlens.store import duplicate_groups, file_groups, files, originals

SHOT = "2019-05-06T07:08:09"
LOOK = 0x0123456789ABCDEF


class Book:
    """Findings go in, what the store says comes out."""

    def __init__(self, store: Store, root_id: int) -> None:
        self.store = store
        self.root_id = root_id
        self.recorder = Recorder(lambda: datetime(2026, 1, 2, tzinfo=UTC))
        self.regrouper = Regrouper(PRESETS["normal"])
        self.regrouped = Regrouped()

    def record(self, *seen: Seen) -> list[Recorded]:
        def work() -> list[Recorded]:
            results, touched = self.recorder.record(seen)
            self.regrouped = self.regrouper.regroup(touched)
            return results

        return self.store.write(work)

    def changes(self, *seen: Seen) -> list[Change]:
        return [result.change for result in self.record(*seen)]

    def seen(self, path: bytes, finding: Finding, **more: object) -> Seen:
        return replace(Seen(self.root_id, path, finding), **more)  # type: ignore[arg-type]  # test

    def content(
        self, path: bytes, word: str, at: Stat, measurement: Measurement | None = None
    ) -> Seen:
        return self.seen(path, found(path, word, at, measurement))

    def copy(self, path: bytes, word: str, at: Stat) -> Seen:
        """A content that the worker was told is known."""
        return self.seen(path, Finding(path, at, digest(word)))

    def absent(self, path: bytes) -> Seen:
        return self.seen(path, Finding(path, problem="gone"))

    def moved(self, path: bytes, at: Stat, source: int) -> Seen:
        return self.seen(path, Finding(path, stat=at), moved_from=source)

    def file(self, path: bytes) -> FileRecord:
        record = self.store.read(lambda: files.find(self.root_id, path))
        assert record is not None
        return record

    def count(self, word: str) -> int:
        record = self.store.read(lambda: originals.find(digest(word)))
        assert record is not None
        assert (record.orphaned_at is None) == (record.reference_count > 0)
        return record.reference_count

    def groups(self, bucket: str) -> list[FileGroup]:
        return list(self.store.read(lambda: file_groups.of_bucket(self.root_id, bucket)).values())

    def duplicates(self, *words: str) -> list[DuplicateGroup]:
        def work() -> list[DuplicateGroup]:
            ids = [found for word in words if (found := originals.find_id(digest(word)))]
            return list(duplicate_groups.touching(ids).values())

        return self.store.read(work)


@pytest.fixture
def book(store: Store, root_id: int) -> Book:
    return Book(store, root_id)


def test_a_new_file_is_added_with_its_content(book: Book) -> None:
    assert book.changes(book.content(b"a.jpg", "a", stat(1))) == [Change.ADDED]

    assert book.file(b"a.jpg").status is FileStatus.OK
    assert book.count("a") == 1


def test_recording_twice_is_recording_once(book: Book) -> None:
    seen = book.content(b"a.jpg", "a", stat(1))
    book.record(seen)
    before = book.file(b"a.jpg")

    assert book.changes(seen, seen) == [Change.UNCHANGED] * 2
    assert book.file(b"a.jpg") == before
    assert book.count("a") == 1


def test_copies_are_references_to_one_content(book: Book) -> None:
    book.record(book.content(b"a.jpg", "a", stat(1)))

    book.record(book.copy(b"b.jpg", "a", stat(2)), book.copy(b"c.jpg", "a", stat(3)))

    assert book.count("a") == 3


def test_a_changed_file_lets_go_of_its_old_content(book: Book) -> None:
    book.record(book.content(b"a.jpg", "old", stat(1)))

    assert book.changes(book.content(b"a.jpg", "new", stat(1, ctime=1))) == [Change.CHANGED]
    assert (book.count("old"), book.count("new")) == (0, 1)


def test_a_file_that_is_gone_lets_go_once(book: Book) -> None:
    book.record(book.content(b"a.jpg", "a", stat(1)))

    assert book.changes(book.absent(b"a.jpg"), book.absent(b"a.jpg")) == [
        Change.GONE,
        Change.UNCHANGED,
    ]
    assert book.file(b"a.jpg").status is FileStatus.GONE
    assert book.count("a") == 0


def test_the_absence_of_what_was_never_known_is_nothing(book: Book) -> None:
    assert book.changes(book.absent(b"a.jpg")) == [Change.UNCHANGED]


def test_a_file_that_comes_back_is_the_same_file_again(book: Book) -> None:
    book.record(book.content(b"a.jpg", "a", stat(1)))
    file_id = book.file(b"a.jpg").id
    book.record(book.absent(b"a.jpg"))

    assert book.changes(book.copy(b"a.jpg", "a", stat(2))) == [Change.ADDED]
    assert (book.file(b"a.jpg").id, book.file(b"a.jpg").status) == (file_id, FileStatus.OK)
    assert book.count("a") == 1


def test_a_renamed_file_keeps_its_id_and_its_content_is_not_read(book: Book) -> None:
    book.record(book.content(b"a.jpg", "a", stat(1)))
    source = book.file(b"a.jpg")

    seen = book.moved(b"d/b.jpg", stat(1, ctime=5), source.id)
    assert book.changes(book.absent(b"a.jpg"), seen) == [Change.MOVED, Change.UNCHANGED]

    now = book.file(b"d/b.jpg")
    assert (now.id, now.original_id, now.status) == (source.id, source.original_id, FileStatus.OK)
    assert now.stat == stat(1, ctime=5)
    assert book.count("a") == 1


def test_a_rename_that_was_first_seen_as_an_absence_revives_the_file(book: Book) -> None:
    book.record(book.content(b"a.jpg", "a", stat(1)))
    source = book.file(b"a.jpg")
    book.record(book.absent(b"a.jpg"))

    assert book.changes(book.moved(b"b.jpg", stat(1, ctime=5), source.id)) == [Change.MOVED]
    assert book.file(b"b.jpg").status is FileStatus.OK
    assert book.count("a") == 1


def test_a_gone_file_that_is_back_at_its_own_path_is_live_again(book: Book) -> None:
    book.record(book.content(b"a.jpg", "a", stat(1)))
    source = book.file(b"a.jpg")
    book.record(book.absent(b"a.jpg"))

    book.record(book.moved(b"a.jpg", stat(1, ctime=5), source.id))

    assert book.file(b"a.jpg").status is FileStatus.OK
    assert book.count("a") == 1


def test_a_rename_over_another_file_takes_its_place(book: Book) -> None:
    book.record(book.content(b"a.jpg", "a", stat(1)), book.content(b"b.jpg", "b", stat(2)))
    source = book.file(b"a.jpg")

    book.record(book.moved(b"b.jpg", stat(1, ctime=5), source.id))

    assert book.file(b"b.jpg").id == source.id
    assert book.store.read(lambda: files.count_live(book.root_id)) == 1
    assert (book.count("a"), book.count("b")) == (1, 0)


def test_a_rename_whose_source_has_changed_meanwhile_is_looked_at_again(book: Book) -> None:
    book.record(book.content(b"a.jpg", "a", stat(1)))
    source = book.file(b"a.jpg")
    book.record(book.content(b"a.jpg", "new", stat(1, mtime=9, ctime=9)))

    assert book.changes(book.moved(b"b.jpg", stat(1, ctime=5), source.id)) == [Change.AGAIN]
    assert book.changes(book.moved(b"b.jpg", stat(1, ctime=5), 4711)) == [Change.AGAIN]
    assert (book.count("a"), book.count("new")) == (0, 1)


def test_a_file_that_cannot_be_read_keeps_what_was_known(book: Book) -> None:
    book.record(book.content(b"a.jpg", "a", stat(1)))

    unreadable = book.seen(b"a.jpg", Finding(b"a.jpg", stat(1, ctime=3), problem="denied"))
    (result,) = book.record(unreadable)

    assert (result.change, result.error) == (Change.UNREADABLE, "denied")
    now = book.file(b"a.jpg")
    assert (now.status, now.error) == (FileStatus.UNREADABLE, "denied")
    assert now.original_id is not None
    assert book.count("a") == 1

    assert book.changes(book.copy(b"a.jpg", "a", stat(1, ctime=4))) == [Change.UNCHANGED]
    assert (book.file(b"a.jpg").status, book.file(b"a.jpg").error) == (FileStatus.OK, None)
    assert book.count("a") == 1


def test_an_unknown_file_that_cannot_be_read_is_known_by_its_path(book: Book) -> None:
    book.record(book.seen(b"a.jpg", Finding(b"a.jpg", stat(1), problem="denied")))

    assert book.file(b"a.jpg").status is FileStatus.UNREADABLE
    assert book.file(b"a.jpg").original_id is None


def test_a_path_that_could_not_even_be_asked_is_no_absence(book: Book) -> None:
    book.record(book.content(b"a.jpg", "a", stat(1)))
    unknown = Finding(b"a.jpg", problem="not readable: Input/output error", is_transient=True)

    assert book.changes(book.seen(b"a.jpg", unknown)) == [Change.UNREADABLE]
    assert book.changes(book.seen(b"new.jpg", unknown)) == [Change.UNREADABLE]

    assert book.file(b"a.jpg").status is FileStatus.UNREADABLE
    assert book.count("a") == 1
    assert book.store.read(lambda: files.find(book.root_id, b"new.jpg")) is None


def test_a_broken_content_makes_all_its_files_broken(book: Book) -> None:
    broken = measured(error="cut short")

    (result,) = book.record(book.content(b"a.jpg", "a", stat(1), broken))
    book.record(book.copy(b"b.jpg", "a", stat(2)))

    assert (result.change, result.error) == (Change.ADDED, "cut short")
    assert book.file(b"a.jpg").status is FileStatus.BROKEN
    assert book.file(b"b.jpg").status is FileStatus.BROKEN


def test_an_empty_file_waits(book: Book) -> None:
    book.record(book.content(b"a.jpg", "", stat(1, size=0), measured(error="empty file")))

    assert book.file(b"a.jpg").status is FileStatus.WAITING


def test_what_is_older_than_what_was_recorded_is_not_recorded(book: Book) -> None:
    book.record(book.content(b"a.jpg", "new", stat(1, mtime=9, ctime=9)))
    book.record(book.content(b"b.jpg", "renamed here", stat(3, ctime=9)))

    late = book.content(b"a.jpg", "old", stat(1, mtime=5, ctime=5))
    replaced = book.content(b"b.jpg", "was here", stat(2, ctime=5))

    assert book.changes(late, replaced) == [Change.AGAIN, Change.AGAIN]
    assert (book.count("new"), book.count("renamed here")) == (1, 1)


def test_a_second_look_is_believed_though_the_clock_went_back(book: Book) -> None:
    book.record(book.content(b"a.jpg", "from the future", stat(1, ctime=9)))
    look = book.content(b"a.jpg", "now", stat(1, mtime=5, ctime=5))
    assert book.changes(look) == [Change.AGAIN]

    assert book.changes(replace(look, is_second_look=True)) == [Change.CHANGED]
    assert (book.count("from the future"), book.count("now")) == (0, 1)


def test_a_known_content_that_was_forgotten_meanwhile_is_looked_at_again(book: Book) -> None:
    assert book.changes(book.copy(b"a.jpg", "forgotten", stat(1))) == [Change.AGAIN]
    assert book.store.read(lambda: files.find(book.root_id, b"a.jpg")) is None


def test_a_content_that_was_measured_is_not_unmeasured_by_a_careful_look(book: Book) -> None:
    book.record(book.content(b"a.jpg", "a", stat(1), measured(phash=5)))

    careful = measured(error="not decoded", version=0)
    book.record(book.content(b"b.jpg", "a", stat(2), careful))

    assert book.file(b"b.jpg").status is FileStatus.OK
    assert book.count("a") == 2


def test_a_content_that_is_understood_at_last_is_so_for_all_its_files(book: Book) -> None:
    careful = measured(error="not decoded", version=0)
    book.record(book.content(b"IMG_1.jpg", "a", stat(1), careful))
    book.record(book.content(b"IMG_1.arw", "r", stat(2), measured(Kind.RAW, captured=SHOT)))
    assert book.file(b"IMG_1.jpg").status is FileStatus.BROKEN

    book.record(book.content(b"copy.jpg", "a", stat(3), measured(captured=SHOT)))

    assert book.file(b"IMG_1.jpg").status is FileStatus.OK
    assert len(book.groups("IMG_1")) + len(book.groups("img_1")) == 1


def test_a_name_says_when_a_picture_without_a_date_was_taken(book: Book) -> None:
    book.record(book.content(b"a.jpg", "a", stat(1)))
    book.record(book.copy(b"IMG_20190506_070809.jpg", "a", stat(2)))

    record = book.store.read(lambda: originals.find(digest("a")))
    assert record is not None
    assert (record.taken.value, record.captured_at) == ("2019-05-06T07:08:09", None)

    book.record(book.absent(b"IMG_20190506_070809.jpg"))

    record = book.store.read(lambda: originals.find(digest("a")))
    assert record is not None
    assert record.taken.value != "2019-05-06T07:08:09"


def test_a_raw_and_its_jpeg_are_paired_in_either_order_and_parted_when_one_goes(
    book: Book,
) -> None:
    raw = book.content(b"IMG_1.arw", "raw", stat(1), measured(Kind.RAW, captured=SHOT))
    picture = book.content(b"IMG_1.jpg", "jpeg", stat(2), measured(captured=SHOT))

    book.record(picture)
    assert book.regrouped.file_groups == []
    book.record(raw)
    (group,) = book.regrouped.file_groups
    assert {m.file_type for m in group.members} == {"raw", "image"}

    book.record(raw, picture)
    assert book.regrouped.file_groups == []
    book.record(book.absent(b"IMG_1.jpg"))
    bucket = book.store.read(lambda: file_groups.bucket_of(book.file(b"IMG_1.arw").id))
    assert bucket is not None
    assert book.groups(bucket) == []


def test_pictures_that_look_alike_are_found_in_either_order_and_parted_when_one_goes(
    book: Book,
) -> None:
    one = book.content(b"one.jpg", "1", stat(1), measured(phash=LOOK))
    two = book.content(b"two.jpg", "2", stat(2), measured(phash=LOOK ^ 0b11))
    far = book.content(b"far.jpg", "3", stat(3), measured(phash=LOOK ^ (2**40 - 1)))

    book.record(far, two)
    assert book.duplicates("1", "2", "3") == []
    book.record(one)
    (group,) = book.duplicates("1", "2", "3")
    assert {m.original_id for m in group.members} == {
        book.file(b"one.jpg").original_id,
        book.file(b"two.jpg").original_id,
    }

    book.record(book.absent(b"two.jpg"))
    assert book.duplicates("1", "2", "3") == []
    book.record(book.copy(b"two.jpg", "2", stat(2)))
    assert [g.key for g in book.duplicates("1", "2", "3")] == [group.key]


def test_a_raw_and_its_own_jpeg_are_no_duplicates(book: Book) -> None:
    raw = measured(Kind.RAW, captured=SHOT, phash=LOOK)
    book.record(book.content(b"IMG_1.arw", "raw", stat(1), raw))
    book.record(book.content(b"IMG_1.jpg", "jpeg", stat(2), measured(captured=SHOT, phash=LOOK)))

    assert book.duplicates("raw", "jpeg") == []


def test_one_content_is_for_each_of_its_files_what_its_name_makes_of_it(book: Book) -> None:
    look = measured(phash=LOOK)
    book.record(book.content(b"other.jpg", "other", stat(1), measured(phash=LOOK ^ 0b11)))

    book.record(book.content(b"CRW_1.THM", "preview", stat(2), look))
    assert book.file(b"CRW_1.THM").kind is Kind.SIDECAR
    assert book.duplicates("preview", "other") == []

    book.record(book.copy(b"kept.jpg", "preview", stat(3)))
    assert book.file(b"CRW_1.THM").kind is Kind.SIDECAR
    assert book.file(b"kept.jpg").kind is Kind.IMAGE
    assert len(book.duplicates("preview", "other")) == 1

    book.record(book.absent(b"kept.jpg"))
    assert book.duplicates("preview", "other") == []


def test_a_rename_can_change_what_a_file_is(book: Book) -> None:
    book.record(book.content(b"CRW_1.THM", "preview", stat(1), measured(phash=LOOK)))
    source = book.file(b"CRW_1.THM")

    book.record(book.moved(b"kept.jpg", stat(1), source.id))

    assert book.file(b"kept.jpg").kind is Kind.IMAGE


def test_a_rebuild_from_nothing_gives_the_groups_that_stand(book: Book) -> None:
    book.record(
        book.content(b"IMG_1.arw", "raw", stat(1), measured(Kind.RAW, captured=SHOT)),
        book.content(b"IMG_1.jpg", "jpeg", stat(2), measured(captured=SHOT, phash=LOOK)),
        book.content(b"x.jpg", "x", stat(3), measured(captured=SHOT, phash=LOOK ^ 3)),
    )
    before = book.duplicates("raw", "jpeg", "x")
    assert before

    rebuilt = book.store.write(Regrouper(PRESETS["normal"]).rebuild)

    assert (rebuilt.file_groups, rebuilt.duplicate_groups) == ([], [])
    assert book.duplicates("raw", "jpeg", "x") == before


paths = st.sampled_from([b"a.jpg", b"b.jpg", b"c/a.jpg"])
words = st.sampled_from(["x", "y", "z"])
steps = st.lists(
    st.one_of(
        st.tuples(st.just("content"), paths, words),
        st.tuples(st.just("absent"), paths, words),
        st.tuples(st.just("unreadable"), paths, words),
        st.tuples(st.just("moved"), paths, paths),
    ),
    max_size=12,
)


@given(steps=steps, repeats=st.booleans())
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_is_recorded_every_count_is_the_number_of_live_files(
    book: Book, steps: list[tuple[str, bytes, bytes | str]], repeats: bool
) -> None:
    clock = iter(range(1, 1000))

    def now(path: bytes, inode: int = 0) -> Stat:
        return stat(inode or 100 + len(path), ctime=next(clock))

    makers: dict[str, Callable[[bytes, str], Seen]] = {
        "content": lambda path, word: book.content(path, word, now(path)),
        "absent": lambda path, word: book.absent(path),
        "unreadable": lambda path, word: book.seen(path, Finding(path, now(path), problem="no")),
    }
    for verb, path, other in steps:
        if verb == "moved":
            assert isinstance(other, bytes)
            source = book.store.read(lambda: files.find(book.root_id, other))  # noqa: B023
            if source is None:
                continue
            at = source.stat._replace(ctime_ns=now(path).ctime_ns)
            seen = book.moved(path, at, source.id)
        else:
            assert isinstance(other, str)
            seen = makers[verb](path, other)
        book.record(*([seen, seen] if repeats else [seen]))

        with book.store.database.reading():
            counted = counted_links()
            stored = {i: n for i, n in originals.counts().items() if n}
        assert stored == counted
