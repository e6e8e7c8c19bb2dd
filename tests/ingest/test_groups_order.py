"""Claims about the order of arrival: photographs with all their kinds of files, and bursts, come
and go in any order, and what stands afterwards is what a rebuild from nothing gives."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from support.made_up import digest, found, stat
from support.snapshot import differences, snapshot
from support.stores import Store, opened_store
from twinlens.grouping.duplicates import PRESETS
from twinlens.ingest.recorder import Recorder, Seen
from twinlens.ingest.regroup import Regrouper
from twinlens.model.files import Finding, Stat
from twinlens.model.picture import DateCandidate, Fingerprint, Kind, Measurement, Metadata
from twinlens.store import files

_NOW = datetime(2026, 1, 2, tzinfo=UTC)
_LOOK = 0x0123456789ABCDEF
_TYPES = {
    Kind.IMAGE: "image/jpeg",
    Kind.RAW: "image/x-sony-arw",
    Kind.VIDEO: "video/quicktime",
    Kind.SIDECAR: "application/rdf+xml",
}


@dataclass(frozen=True, slots=True)
class Thing:
    """One content and the name that it usually has."""

    name: str
    kind: Kind = Kind.IMAGE
    taken: str | None = "2019-05-06T07:08:09"
    look: int | None = _LOOK
    identifier: str | None = None
    burst: str | None = None

    @property
    def measurement(self) -> Measurement:
        """What a worker would have measured."""
        dates = (
            () if self.taken is None else (DateCandidate("EXIF:DateTimeOriginal", self.taken, 5),)
        )
        is_seen = self.look is not None and self.kind in (Kind.IMAGE, Kind.RAW)
        look = self.look or 0
        return Measurement(
            _TYPES[self.kind],
            self.kind,
            width=600,
            height=400,
            metadata=Metadata(
                make="SONY",
                model="ILCE-7",
                content_identifier=self.identifier,
                burst_id=self.burst,
                has_subseconds="." in (self.taken or ""),
            ),
            date_candidates=dates,
            fingerprint=Fingerprint(look, look, look, look) if is_seen else None,
            quality_score=50.0,
        )


THINGS = (
    Thing("IMG_0001.jpg"),
    Thing("IMG_0001.arw", Kind.RAW),
    Thing("IMG_0001.xmp", Kind.SIDECAR, "2019-05-09T07:08:09", None),
    Thing("IMG_0001.jpg.json", Kind.SIDECAR, None, None),
    Thing("IMG_0001.mov", Kind.VIDEO, "2019-05-06T07:08:10", None),
    Thing("IMG_E0001.jpg"),
    Thing("IMG_0001-edited.jpg", taken=None, look=_LOOK ^ 0b11),
    Thing("renamed.jpg", identifier="L"),
    Thing("clip.mov", Kind.VIDEO, identifier="L", look=None),
    Thing("DSC_0001.jpg", taken="2020-01-01T10:00:00.100"),
    Thing("DSC_0002.jpg", taken="2020-01-01T10:00:00.600"),
    Thing("DSC_0002.arw", Kind.RAW, taken="2020-01-01T10:00:00.600"),
    Thing("DSC_0003.jpg", taken="2020-01-01T10:00:01.200"),
    Thing("DSC_0004.jpg", taken="2020-01-01T10:00:02.100"),
    Thing("B1.jpg", taken="2021-01-01T10:00:00", burst="B"),
    Thing("B2.jpg", taken="2021-01-01T11:00:00", burst="B"),
    Thing("B3.jpg", taken="2021-01-01T12:00:00", burst="B"),
)
FOLDERS = ("", "JPG/", "RAW/")


class Library:
    """Findings go in, one batch at a time; `files` is what lies there: path to thing and stat."""

    def __init__(self, store: Store, root_id: int) -> None:
        self.store = store
        self.root_id = root_id
        self.recorder = Recorder(lambda: _NOW)
        self.regrouper = Regrouper(PRESETS["normal"], lambda: _NOW)
        self.files: dict[str, tuple[Thing, Stat]] = {}
        self._inode = 0

    def record(self, *batch: Seen) -> None:
        def work() -> None:
            _, touched = self.recorder.record(batch)
            self.regrouper.regroup(touched)

        self.store.write(work)

    def seen(self, path: str) -> Seen:
        thing, at = self.files[path]
        finding = found(path.encode(), thing.name, at, thing.measurement)
        return Seen(self.root_id, path.encode(), finding)

    def add(self, number: int, folder: str) -> None:
        thing = THINGS[number % len(THINGS)]
        self._inode += 1
        path = folder + thing.name
        self.files[path] = thing, stat(self._inode, ctime=self._inode)
        self.record(self.seen(path))

    def remove(self, number: int, folder: str) -> None:
        path = folder + THINGS[number % len(THINGS)].name
        if self.files.pop(path, None) is not None:
            self.record(Seen(self.root_id, path.encode(), Finding(path.encode(), problem="gone")))

    def rename_folder(self, source: str, target: str) -> None:
        """All files of a folder go to another, over what lies there."""
        if source == target:
            return
        inside = [p for p in sorted(self.files) if p.rpartition("/")[0] == source.rstrip("/")]
        batch = []
        for path in inside:
            thing, at = self.files.pop(path)
            self._inode += 1
            moved = at._replace(ctime_ns=at.ctime_ns + self._inode)
            new = target + path.rpartition("/")[2]
            self.files[new] = thing, moved
            known = self.store.read(lambda path=path: files.find(self.root_id, path.encode()))
            assert known is not None
            finding = Finding(new.encode(), stat=moved)
            batch.append(Seen(self.root_id, new.encode(), finding, moved_from=known.id))
        self.record(*batch)


numbers = st.integers(min_value=0, max_value=len(THINGS) - 1)
folders = st.sampled_from(FOLDERS)
deeds = st.one_of(
    st.tuples(st.just("add"), numbers, folders),
    st.tuples(st.just("add"), numbers, st.just("")),
    st.tuples(st.just("remove"), numbers, folders),
    st.tuples(st.just("rename_folder"), folders, folders),
)
ALL = tuple(("add", number, "") for number in range(len(THINGS)))


@given(story=st.lists(deeds, max_size=30), order=st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example(story=[*ALL, ("rename_folder", "", "JPG/")], order=None)
@example(story=[*reversed(ALL), ("remove", 11, ""), ("remove", 7, "")], order=None)
@example(
    story=[*ALL, ("add", 0, "JPG/"), ("rename_folder", "JPG/", ""), ("rename_folder", "", "RAW/")],
    order=None,
)
def test_any_order_of_arrival_gives_the_groups_of_a_rebuild(
    story: Sequence[tuple[str, object, object]], order: object
) -> None:
    with tempfile.TemporaryDirectory(prefix="twinlens-test-") as folder:
        home = Path(folder)
        with opened_store(home / "lived.db") as store:
            library = Library(store, store.adopt(home)[0].id)
            for verb, one, other in story:
                getattr(library, verb)(one, other)
            lived = snapshot(home / "lived.db")
            store.write(library.regrouper.rebuild)
            rebuilt = snapshot(home / "lived.db")
        with opened_store(home / "fresh.db") as store:
            fresh = Library(store, store.adopt(home)[0].id)
            fresh.files = library.files
            paths = sorted(library.files)
            if order is not None:
                order.shuffle(paths)  # type: ignore[attr-defined]  # hypothesis' own Random
            for path in paths:
                fresh.record(fresh.seen(path))
            other_order = snapshot(home / "fresh.db")

    assert differences(lived, rebuilt) == {}
    assert lived["groups"] == other_order["groups"]


def test_all_kinds_of_files_of_one_shot_are_one_group_and_three_shots_a_burst(
    tmp_path: Path,
) -> None:
    with opened_store(tmp_path / "twinlens.db") as store:
        library = Library(store, store.adopt(tmp_path)[0].id)
        for _, number, folder in ALL:
            library.add(number, folder)
    groups = snapshot(tmp_path / "twinlens.db")["groups"]

    found_ = {
        frozenset(Path(row[3].decode()).name for row in group): next(iter(group))[:2]
        for group in groups
    }
    shot = {"IMG_0001.jpg", "IMG_0001.arw", "IMG_0001.xmp", "IMG_0001.jpg.json", "IMG_0001.mov"}
    assert found_ == {
        frozenset({*shot, "IMG_E0001.jpg", "IMG_0001-edited.jpg"}): (
            "raw_jpeg",
            "raw_jpeg live_photo edited sidecar",
        ),
        frozenset({"renamed.jpg", "clip.mov"}): ("live_photo", "live_photo"),
        frozenset({"DSC_0002.jpg", "DSC_0002.arw"}): ("raw_jpeg", "raw_jpeg"),
        frozenset({f"DSC_000{n}.jpg" for n in (1, 2, 3, 4)} | {"DSC_0002.arw"}): (
            "burst",
            "burst",
        ),
        frozenset({"B1.jpg", "B2.jpg", "B3.jpg"}): ("burst", "burst"),
    }
    assert digest("IMG_0001.jpg") in snapshot(tmp_path / "twinlens.db")["counts"]
