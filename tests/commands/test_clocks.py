"""`clocks`: what is told of the clocks of cameras, from the rows of a store."""

import io
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from support.made_up import measured, put_file, put_original, stat
from support.stores import Store
from twinlens.analysis.sidecar_names import bucket_of
from twinlens.analysis.timestamps import choose
from twinlens.cli.clocks import show_clocks
from twinlens.commands.clocks import clocks
from twinlens.ingest.camera_frames import body_of
from twinlens.model.picture import DateCandidate, Kind, Metadata
from twinlens.store import originals

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def put(
    store: Store,
    root_id: int,
    name: str,
    camera: Metadata,
    *candidates: DateCandidate,
    kind: Kind = Kind.IMAGE,
) -> None:
    def work() -> None:
        found = replace(measured(kind), metadata=camera, date_candidates=candidates)
        content = put_original(name, measurement=found)
        path = os.fsencode(name)
        put_file(root_id, path, content, at=stat(content), radical=bucket_of(path))
        taken = choose(candidates, now=NOW)
        originals.set_taken(content, captured_at=None, taken=taken, content=candidates, path=())

    store.write(work)


def exif(value: str, rejected: str | None = None) -> DateCandidate:
    return DateCandidate("EXIF:DateTimeOriginal", value, 5, rejected)


def faults(store: Store) -> list[dict[str, Any]]:
    return list(clocks(store.database))


def names(fault: dict[str, Any]) -> list[str]:
    return [path.rpartition("/")[2] for path in fault["files"]]


def test_a_pulled_battery_is_told_with_files_evidence_and_correction(
    store: Store, root_id: int
) -> None:
    camera = Metadata(make="Canon", model="EOS", serial="123")
    for number in (1, 2, 5, 6):
        put(store, root_id, f"IMG_{number:04}.JPG", camera, exif(f"2019-05-01T1{number}:00:00"))
    put(store, root_id, "IMG_0003.JPG", camera, exif("2000:01:01 00:00:00", "clock never set"))
    put(store, root_id, "IMG_0004.JPG", camera, exif("2000-01-01T01:00:00"))

    (found,) = faults(store)

    assert set(found) == {"camera", "fault", "files", "evidence", "proposed_offset_seconds"}
    assert (found["camera"], found["fault"]) == ("Canon EOS 123", "never_set")
    assert names(found) == ["IMG_0003.JPG", "IMG_0004.JPG"]
    expected = datetime(2019, 5, 1, 12, tzinfo=UTC) - datetime(2000, 1, 1, tzinfo=UTC)
    assert found["proposed_offset_seconds"] == expected.total_seconds()


def test_bodies_are_never_mixed(store: Store, root_id: int) -> None:
    for number in range(1, 9):
        serial, year = ("1", 2019) if number < 5 else ("2", 2012)
        camera = Metadata(make="Canon", model="EOS", serial=serial)
        put(store, root_id, f"IMG_{number:04}.JPG", camera, exif(f"{year}-05-0{number}T10:00:00"))

    assert faults(store) == []
    assert body_of(Metadata(model="EOS", serial="0000")) == ("EOS", False)
    assert body_of(Metadata(serial="1")) is None


def test_a_day_that_the_satellites_deny_is_told_for_the_series(store: Store, root_id: int) -> None:
    camera = Metadata(make="NIKON", model="P6000")
    for hour in range(12, 16):
        gps = DateCandidate("Composite:GPSDateTime", f"2008-10-23T{hour - 2}:00:00+00:00", 7)
        name = f"DSCN{hour:04}.JPG"
        put(store, root_id, name, camera, exif(f"2008-10-22T{hour}:00:00"), gps)

    (found,) = faults(store)

    assert (found["fault"], found["proposed_offset_seconds"]) == ("offset", 86_400)
    assert found["evidence"][0].startswith("the satellites' time (UTC) lies 22:00:00")


def test_names_that_attack_a_terminal_are_shown_harmless(store: Store, root_id: int) -> None:
    camera = Metadata(make="[red]Evil", model="\u202ecam")
    wrong = exif("1970:01:01 00:00:00", "clock never set")
    put(store, root_id, "a\x1b[31m.jpg", camera, wrong)
    out = io.StringIO()

    show_clocks(Console(file=out, width=200), faults(store))

    assert "\x1b" not in out.getvalue()
    assert "\u202e" not in out.getvalue()
    assert "[red]Evil" in out.getvalue()


def test_a_film_scanned_with_the_year_alone_and_a_video_are_no_faults(
    store: Store, root_id: int, tmp_path: Path
) -> None:
    put(store, root_id, "scan.jpg", Metadata(model="Scanner"), exif("1985-01-01T00:00:00"))
    wrong = exif("1904:01:01 00:00:00", "clock never set")
    put(store, root_id, "a.mov", Metadata(model="EOS"), wrong, kind=Kind.VIDEO)

    assert faults(store) == []
