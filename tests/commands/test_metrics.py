"""Claims about the metrics: Prometheus reads them, they say what is, and they let a disk sleep."""

import math
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.drift import set_count
from support.made_up import AT, put_file, put_original, stat
from support.stores import Store
from support.world import World, jpeg, opened_world, raw
from twinlens.commands.exposition import exposition
from twinlens.commands.metrics import metrics
from twinlens.host import textfile
from twinlens.maintenance.reconcile import Reconcile
from twinlens.model.files import FileStatus
from twinlens.model.metrics import Metric, MetricKind, Sample
from twinlens.model.roots import WatchMode
from twinlens.service.measuring import MetricsFile
from twinlens.store import meta, roots, work_items

LINE = re.compile(
    r'^(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(?P<labels>(?:[a-z_]+="(?:[^"\\\n]|\\[\\"n])*",?)*)\})?'
    r" (?P<value>\S+)$"
)
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\\n]|\\[\\"n])*)"')


def unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: {"n": "\n"}.get(found[1], found[1]), text)


def read(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """The samples as a reader of the format sees them; every family has HELP and TYPE first."""
    assert text.endswith("\n")
    found: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
    family = ""
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            family = line.split(" ")[2]
            continue
        if line.startswith("# TYPE "):
            assert line.split(" ")[2:] in ([family, "gauge"], [family, "counter"])
            continue
        parsed = LINE.match(line)
        assert parsed is not None, line
        assert parsed["name"] == family
        labels = tuple((name, unescaped(v)) for name, v in LABEL.findall(parsed["labels"] or ""))
        assert (family, labels) not in found
        found[family, labels] = float(parsed["value"])
    return found


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A scanned folder: a pair, two copies, a broken picture."""
    with opened_world(tmp_path / "state" / "twinlens.db", tmp_path / "photos") as world:
        world.put("IMG_1.jpg", jpeg(1))
        world.put("IMG_1.nef", raw(1))
        world.put("a.jpg", jpeg(7))
        world.put("b.jpg", jpeg(7))
        world.put("broken.jpg", jpeg(2)[:900])
        world.scan()
        yield world


@given(
    st.lists(
        st.tuples(
            st.text(max_size=20),
            st.floats(allow_nan=False, allow_infinity=False),
            st.text(max_size=12),
        ),
        max_size=5,
        unique_by=lambda one: one[0].encode("utf-8", "backslashreplace"),
    )
)
def test_whatever_a_label_or_a_help_holds_is_read_back(
    values: list[tuple[str, float, str]],
) -> None:
    samples = tuple(Sample(value, {"path": text, "also": other}) for text, value, other in values)
    text = exposition([Metric("m", MetricKind.GAUGE, "a\\b\nc", samples)])

    if not samples:
        assert text == ""
        return
    assert text.startswith("# HELP twinlens_m a\\\\b\\nc\n# TYPE twinlens_m gauge\n")
    text.encode("utf-8")
    found = read(text)
    assert len(found) == len(samples)
    for sample in samples:
        labels = tuple(
            (name, value.encode("utf-8", "backslashreplace").decode("utf-8"))
            for name, value in sorted(sample.labels.items())
        )
        assert math.isclose(found["twinlens_m", labels], sample.value)


def test_the_figures_are_those_of_the_library(world: World) -> None:
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC).timestamp()
    world.store.write(
        lambda: work_items.put(world.root_id, [b"x"], reason="event", not_before=0, at=AT)
    )
    world.path("IMG_1.nef").unlink()
    world.scan()

    found = read(metrics(world.store.database))

    def value(name: str, **labels: str) -> float:
        return found[f"twinlens_{name}", tuple(sorted(labels.items()))]

    assert value("files", state="ok") == 3
    assert value("files", state="broken") == 1
    assert value("files", state="gone") == 1
    assert value("originals") == 4
    assert value("orphans") == 1
    assert value("queue_items", state="pending") == 1
    assert value("queue_oldest_timestamp_seconds") == at
    assert value("duplicates", **{"class": "exact"}) == 1
    assert value("reclaimable_bytes") == world.path("a.jpg").stat().st_size
    assert value("root_online", root=str(world.photos)) == 1
    assert value("watch_overflows_total", root=str(world.photos)) == 0
    assert value("trash_items") == value("trash_bytes") == value("reference_drift_total") == 0
    assert value("database_bytes") >= world.store.path.stat().st_size
    scanned = value("last_success_timestamp_seconds", **{"pass": "scan"})
    assert abs(scanned - datetime.now(UTC).timestamp()) < 60
    assert not any(dict(labels).get("pass") == "reconcile" for _, labels in found)
    assert [v for (name, _), v in found.items() if name == "twinlens_build_info"] == [1]


def test_every_state_of_files_is_counted_whatever_it_is(store: Store, root_id: int) -> None:
    def work() -> None:
        for number, status in enumerate(FileStatus):
            for turn in range(number + 1):
                path = f"{status.value} {turn}".encode()
                put_file(root_id, path, put_original("a"), at=stat(turn), status=status)

    store.write(work)

    found = read(metrics(store.database))

    for number, status in enumerate(FileStatus):
        assert found["twinlens_files", (("state", status.value),)] == number + 1


def test_what_a_scan_finds_in_a_watched_folder_was_missed_by_the_watcher(world: World) -> None:
    def counted() -> tuple[float, float]:
        found = read(metrics(world.store.database))
        return (
            found["twinlens_watch_told_changes_total", ()],
            found["twinlens_watch_missed_changes_total", ()],
        )

    world.put("c.jpg", jpeg(3))
    world.scan()
    assert counted() == (0, 0), "nobody watched"

    def watch() -> None:
        roots.set_watch(world.root_id, WatchMode.INOTIFY, "")
        meta.write("daemon", '{"started_at": "2026-01-01T00:00:00+00:00"}')

    world.store.write(watch)
    world.put("told.jpg", jpeg(4))
    world.hint("told.jpg")
    world.drain()
    assert counted() == (1, 0)

    world.put("missed.jpg", jpeg(5))
    world.path("a.jpg").unlink()
    world.scan()
    assert counted() == (1, 2)


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_the_file_is_written_only_when_a_figure_changed(world: World, tmp_path: Path) -> None:
    target, clock = tmp_path / "twinlens.prom", Clock()
    file = MetricsFile(world.store.database, target, clock)

    assert file.write()
    first = target.stat()
    clock.now += 60
    assert not file.write()
    assert (target.stat().st_ino, target.stat().st_mtime_ns) == (first.st_ino, first.st_mtime_ns)
    assert (first.st_mode & 0o777) == 0o644

    world.store.write(lambda: roots.count_overflow(world.root_id))
    clock.now += 60
    assert file.write()
    assert 'watch_overflows_total{root="' in target.read_text()
    assert not [name for name in os.listdir(tmp_path) if name.endswith(".unfinished")]


def test_while_nothing_changes_the_database_is_not_even_asked(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    file = MetricsFile(world.store.database, tmp_path / "twinlens.prom", clock)
    file.write()
    asked: list[str] = []
    monkeypatch.setattr(
        "twinlens.service.measuring.cheap", lambda path: asked.append("cheap") or ()
    )

    for _ in range(10):
        clock.now += 600
        assert not file.write()

    assert asked == []


def test_costly_figures_take_their_share_of_the_time_and_no_more(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, asked = Clock(), []

    def slow() -> tuple[Metric, ...]:
        asked.append(clock.now)
        clock.now += 10.0
        return (Metric("slow", MetricKind.GAUGE, "slow", (Sample(len(asked)),)),)

    monkeypatch.setattr("twinlens.service.measuring.costly", slow)
    target = tmp_path / "twinlens.prom"
    file = MetricsFile(world.store.database, target, clock)
    file.write()
    for number in range(10):
        clock.now += 10.0
        world.store.write(lambda n=number: meta.write("note", str(n)))  # type: ignore[misc]  # bound at once
        file.write()
    assert len(asked) == 1
    assert "twinlens_slow 1" in target.read_text()

    # Nothing has changed since, but for what was left unasked.
    clock.now += 200.0
    assert file.write()
    assert len(asked) == 2
    assert "twinlens_slow 2" in target.read_text()
    clock.now += 1000.0
    assert not file.write()
    assert len(asked) == 2


def test_a_file_that_cannot_be_written_stops_nothing_and_is_told_once(
    world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    file = MetricsFile(world.store.database, tmp_path / "none" / "twinlens.prom", clock)

    assert not file.write()
    clock.now += 60
    assert not file.write()
    assert [record.message for record in caplog.records] == [
        f"the metrics cannot be written (No such file or directory): {tmp_path}/none/twinlens.prom"
    ]

    (tmp_path / "none").mkdir()
    assert file.write()


def test_a_file_is_replaced_whole_and_never_through_a_link(tmp_path: Path) -> None:
    target, victim = tmp_path / "a.prom", tmp_path / "victim"
    victim.write_text("mine")
    target.symlink_to(victim)
    (tmp_path / ".a.prom.unfinished").symlink_to(victim)

    with pytest.raises(OSError, match="symbolic links"):
        textfile.publish(target, "new\n")
    textfile.publish(target, "new\n")

    assert victim.read_text() == "mine"
    assert (target.read_text(), target.is_symlink()) == ("new\n", False)


def test_drift_that_was_mended_is_counted(store: Store, root_id: int, tmp_path: Path) -> None:
    (tmp_path / "photos" / "year").mkdir(parents=True)
    for turn in (1, 2):
        store.write(lambda: set_count(put_original("a"), 3, AT))
        Reconcile(store.database, store.writer, lambda: datetime.now(UTC)).run()
        assert read(metrics(store.database))["twinlens_reference_drift_total", ()] == 3 * turn
