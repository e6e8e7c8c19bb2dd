"""Claims about order: whatever happens to files, and whenever it is noticed, the store ends up as
after one scan of the same files; and every reference count is the number of live files."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from support.drift import counted_links
from support.snapshot import snapshot
from support.world import Workers, World, jpeg, opened_world, raw
from twinlens.store import files, originals

STORIES = int(os.environ.get("TWINLENS_STORIES", "40"))
"""Set it to thousands to look for a rare one."""

PICTURES = ("IMG_1.jpg", "IMG_1 (1).jpg", "b.jpg", "sub/IMG_1.jpg", "sub/c.jpg")
RAWS = ("IMG_1.nef", "RAW/IMG_1.nef")
OTHERS = ("notes.txt", "sub/notes.txt")
NAMES = PICTURES + RAWS + OTHERS

CONTENTS: dict[str, tuple[bytes, ...]] = {
    ".jpg": (
        jpeg(1),
        jpeg(1, quality=60),
        jpeg(2),
        jpeg(2, size=(128, 96)),
        jpeg(3)[:900],
        b"",
    ),
    ".nef": (raw(1), raw(2)),
    ".txt": (b"a diary\n" * 20, b"another diary\n" * 20),
}

names = st.sampled_from(NAMES)
small = st.integers(min_value=0, max_value=5)
same_kind = names.flatmap(
    lambda name: st.tuples(
        st.just(name), st.sampled_from([n for n in NAMES if n[-4:] == name[-4:]])
    )
)

PAIR: tuple[tuple[str, object], ...] = (
    ("write", ("IMG_1.jpg", 0)),
    ("write", ("IMG_1.nef", 0)),
)

deeds = st.one_of(
    st.tuples(st.just("write"), st.tuples(names, small)),
    st.tuples(st.just("replace"), st.tuples(names, small)),
    st.tuples(st.just("copy"), same_kind),
    st.tuples(st.just("link"), same_kind),
    st.tuples(st.just("rename"), same_kind),
    st.tuples(st.just("exchange"), same_kind),
    st.tuples(st.just("delete"), names),
    st.tuples(st.just("take_away"), names),
    st.tuples(st.just("bring_back"), names),
)
notices = st.one_of(
    st.tuples(st.just("hint"), names),
    st.tuples(st.just("step"), st.none()),
    st.tuples(st.just("finish"), small),
    st.tuples(st.just("restart"), st.none()),
)
scans = st.tuples(st.just("scan"), st.lists(st.one_of(deeds, notices), max_size=4))
stories = st.lists(st.one_of(deeds, notices, scans), min_size=1, max_size=14)


class Story:
    """Carries out a list of deeds and notices in a world."""

    def __init__(self, world: World) -> None:
        self.world = world

    def tell(self, story: list[tuple[str, object]]) -> None:
        for verb, argument in story:
            getattr(self, verb)(*(argument if isinstance(argument, tuple) else (argument,)))

    def write(self, name: str, number: int) -> None:
        contents = CONTENTS[name[-4:]]
        self.world.put(name, contents[number % len(contents)])

    def replace(self, name: str, number: int) -> None:
        contents = CONTENTS[name[-4:]]
        new = self.world.put(".new.tmp", contents[number % len(contents)])
        self._over(new, name)

    def copy(self, source: str, target: str) -> None:
        if source != target and self.world.path(source).exists():
            self.world.put(target, self.world.path(source).read_bytes())

    def link(self, source: str, target: str) -> None:
        path = self.world.path(target)
        if self.world.path(source).exists() and not path.exists():
            path.parent.mkdir(exist_ok=True)
            os.link(self.world.path(source), path)

    def rename(self, source: str, target: str) -> None:
        if source != target and self.world.path(source).exists():
            self._over(self.world.path(source), target)

    def exchange(self, one: str, other: str) -> None:
        if all(self.world.path(name).exists() for name in (one, other)) and one != other:
            aside = self.world.path(".aside.tmp")
            os.rename(self.world.path(one), aside)
            os.rename(self.world.path(other), self.world.path(one))
            os.rename(aside, self.world.path(other))

    def delete(self, name: str) -> None:
        self.world.path(name).unlink(missing_ok=True)

    def take_away(self, name: str) -> None:
        elsewhere = self._elsewhere(name)
        if self.world.path(name).exists():
            elsewhere.parent.mkdir(parents=True, exist_ok=True)
            os.rename(self.world.path(name), elsewhere)

    def bring_back(self, name: str) -> None:
        if self._elsewhere(name).exists():
            self._over(self._elsewhere(name), name)

    def hint(self, name: str) -> None:
        self.world.hint(name)

    def step(self, _: None) -> None:
        self.world.workers.is_held = True
        self.world.intake.step()
        self.world.workers.is_held = False

    def finish(self, number: int) -> None:
        self.world.workers.finish(number)

    def restart(self, _: None) -> None:
        self.world.restart()

    def scan(self, meanwhile: list[tuple[str, object]]) -> None:
        waiting = iter(meanwhile)

        def next_deed() -> None:
            for deed in waiting:
                if deed[0] != "restart":
                    self.tell([deed])
                    break

        self.world.meanwhile = next_deed
        self.world.scan(accept_missing=True)
        self.world.meanwhile = lambda: None

    def _elsewhere(self, name: str) -> Path:
        return self.world.photos.with_name("elsewhere") / name

    def _over(self, path: Path, name: str) -> None:
        target = self.world.path(name)
        target.parent.mkdir(exist_ok=True)
        os.rename(path, target)


@pytest.fixture(scope="module")
def empty_database(tmp_path_factory: pytest.TempPathFactory, workers: Workers) -> Path:
    """A made schema, to be copied: making one takes longer than a story."""
    folder = tmp_path_factory.mktemp("empty")
    with opened_world(folder / "empty.db", folder / "photos", workers):
        pass
    return folder / "empty.db"


def counts_are_links(world: World) -> bool:
    with world.store.database.reading():
        counted = counted_links()
        return {i: n for i, n in originals.counts().items() if n} == counted


@given(story=stories)
@settings(
    max_examples=STORIES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@example(story=[("write", ("b.jpg", 0)), ("scan", []), ("delete", "b.jpg"), ("scan", [])])
@example(story=[*PAIR, ("scan", []), ("rename", ("IMG_1.jpg", "b.jpg")), ("scan", [])])
@example(story=[*PAIR, ("scan", []), ("rename", ("IMG_1.nef", "RAW/IMG_1.nef")), ("scan", [])])
@example(story=[*PAIR, ("scan", []), ("take_away", "IMG_1.nef"), ("scan", [])])
@example(
    story=[
        *PAIR,
        ("scan", []),
        ("take_away", "IMG_1.jpg"),
        ("scan", []),
        ("bring_back", "IMG_1.jpg"),
        ("hint", "IMG_1.jpg"),
    ]
)
@example(
    story=[
        ("write", ("b.jpg", 0)),
        ("write", ("sub/c.jpg", 1)),
        ("scan", []),
        ("exchange", ("b.jpg", "sub/c.jpg")),
        ("scan", [("delete", "b.jpg")]),
    ]
)
@example(
    story=[
        *PAIR,
        ("scan", []),
        ("rename", ("IMG_1.nef", "RAW/IMG_1.nef")),
        ("hint", "RAW/IMG_1.nef"),
        ("hint", "IMG_1.nef"),
        ("step", None),
        ("replace", ("IMG_1.jpg", 1)),
        ("finish", 0),
    ]
)
def test_any_story_ends_as_one_scan_of_the_same_files(
    story: list[tuple[str, object]], empty_database: Path, workers: Workers
) -> None:
    with tempfile.TemporaryDirectory(prefix="twinlens-test-") as folder:
        home = Path(folder)
        for name in ("lived.db", "fresh.db"):
            shutil.copyfile(empty_database, home / name)
        workers.is_held = False
        workers.waiting.clear()
        with opened_world(home / "lived.db", home / "photos", workers) as world:
            Story(world).tell(story)
            world.drain()
            world.scan(accept_missing=True)
            world.drain()
            assert counts_are_links(world)
            with world.store.database.reading():
                live = {r.path for r in files.below(world.root_id, b"")}
        with opened_world(home / "fresh.db", home / "photos", workers) as world:
            world.scan()
            world.drain()

        lived, fresh = snapshot(home / "lived.db"), snapshot(home / "fresh.db")

        on_disk = {
            os.fsencode(path.relative_to(home / "photos"))
            for path in (home / "photos").rglob("*")
            if path.is_file()
        }
        assert live == on_disk
        assert lived == fresh
