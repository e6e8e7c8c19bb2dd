"""The benchmark's libraries that are known already: they are what a scan would have recorded, and
what is measured on them can fail."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from twinlens.commands.status import status
from twinlens.grouping.duplicates import PRESETS
from twinlens.ingest.regroup import Regrouper
from twinlens.store import originals
from twinlens.store.database import TABLES, Database

BENCH = Path(__file__).resolve().parents[2] / "contrib/bench"
FILES = 400

Rows = list[dict[str, Any]]


def in_bench(program: str, *arguments: object) -> str:
    """Run a few lines with the benchmark's modules at hand; returns what they print."""
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        cwd=BENCH,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a small library lies; made once, as it takes a second."""
    folder = tmp_path_factory.mktemp("known")
    in_bench(
        "import known, pathlib, sys; "
        "known.make_known(int(sys.argv[1]), pathlib.Path(sys.argv[2]), lambda done: None)",
        FILES,
        folder,
    )
    return folder


@pytest.fixture(scope="module")
def measured(folder: Path) -> dict[str, Rows]:
    numbers = folder / "numbers.json"
    done = subprocess.run(
        [
            *(str(BENCH / "run"), "--only", "known,resident,near", "--folder", str(folder)),
            *("--files", str(FILES), "--rounds", "1", "--json", str(numbers)),
            *("--rest-seconds", "0.2", "--watched-seconds", "0.5"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    sections = json.loads(numbers.read_text())["sections"]
    return {name: found["rows"] for name, found in sections.items()}


def database_of(folder: Path) -> Path:
    return next(folder.glob(f"known-{FILES}-*/state/twinlens.db"))


def contents(database: Database) -> dict[str, set[tuple[object, ...]]]:
    """Every row of every table but the odd facts."""
    with database.reading():
        return {
            table._meta.table_name: set(table.select().tuples())
            for table in TABLES
            if table._meta.table_name not in ("meta", "job")
        }


def test_a_library_is_what_the_rules_would_make_of_it(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "twinlens.db"
    shutil.copyfile(database_of(folder), copy)
    database = Database(copy)
    before = contents(database)

    with database.connected(), database.peewee.atomic():
        regrouper = Regrouper(PRESETS["normal"])
        regrouper.settle_dates(originals.every_id())
        regrouper.rebuild()

    after = contents(database)
    assert {name: rows ^ after[name] for name, rows in before.items() if rows != after[name]} == {}


def test_a_library_has_copies_re_encodings_and_pairs(folder: Path) -> None:
    found = contents(Database(database_of(folder), read_only=True))

    assert len(found["file"]) == FILES
    assert len(found["file"]) - len(found["original"]) == FILES // 50
    assert len(found["duplicate_group"]) == FILES // 50
    assert len(found["file_group"]) == 10


def test_the_numbers_of_a_library_are_kept_as_it_is_made(folder: Path) -> None:
    found = status(Database(database_of(folder), read_only=True))

    assert (found["files"], found["originals"]) == (FILES, FILES - FILES // 50)
    assert found["duplicates"] == {"exact": FILES // 50, "re_encoded": FILES // 50, "similar": 0}
    assert found["groups"]["raw_jpeg"] == 10


def test_its_files_take_no_room(folder: Path) -> None:
    files = [path for path in folder.glob("known-*/photos/**/*") if path.is_file()]

    assert len(files) == FILES
    assert sum(path.stat().st_blocks for path in files) == 0
    assert min(path.stat().st_size for path in files) > 1_000_000


def test_a_known_library_is_scanned_without_opening_a_file(measured: dict[str, Rows]) -> None:
    opened = [row for row in measured["known"] if row["what"].endswith("files opened")]

    assert [row["measured"] for row in opened] == [0]


def test_an_opened_file_is_counted_and_a_folder_is_not(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "picture.jpg").write_bytes(b"x")
    program = (
        "import opens, os, pathlib, sys\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "with opens.OpenCounter(folder) as of_folders:\n"
        "    [list(os.scandir(path)) for path in (folder, folder / 'inner')]\n"
        "with opens.OpenCounter(folder) as of_files:\n"
        "    (folder / 'inner' / 'picture.jpg').read_bytes()\n"
        "print(of_folders.folders, of_folders.count, of_files.count)"
    )

    assert in_bench(program, tmp_path).split() == ["2", "0", "1"]


def test_what_is_measured_of_a_known_library_has_a_figure(measured: dict[str, Rows]) -> None:
    curves = {row["curve"]: row["measured"] for row in measured["known"] if row["curve"]}

    assert set(curves) == {"second scan", "status", "duplicates"}
    assert all(value > 0 for value in curves.values())


def test_new_pictures_are_clocked_from_the_end_of_their_settling(
    measured: dict[str, Rows],
) -> None:
    rows = [row for row in measured["resident"] if "beyond settling" in row["what"]]

    assert [bool(row["curve"]) for row in rows] == [True, False]
    for row in rows:
        assert len(row["rounds"]) == 4
        # A second of settling that was not taken away, or was taken twice, would show in the
        # quickest, however busy the machine is.
        assert -100 < min(row["rounds"]) < 900


def test_every_lookalike_of_a_library_is_searched_for_and_found(
    measured: dict[str, Rows], folder: Path
) -> None:
    (missed,) = (row for row in measured["near"] if row["what"].startswith("lookalikes not found"))

    assert missed["measured"] == 0
    assert missed["note"] == f"of {FILES // 50}"


def test_judging_all_pairs_anew_leaves_a_library_as_it_was(
    measured: dict[str, Rows], folder: Path
) -> None:
    assert any(row["what"].startswith("all pairs judged anew") for row in measured["near"])
    found = contents(Database(database_of(folder), read_only=True))

    assert len(found["lookalike"]) == len(found["duplicate_group"]) == FILES // 50
    assert len(found["file_group"]) == 10


def test_new_pictures_are_taken_away_again(measured: dict[str, Rows], folder: Path) -> None:
    assert measured["resident"]
    assert list(folder.glob("known-*/photos/**/arrival-*")) == []


def test_a_library_that_changed_is_not_measured(folder: Path, tmp_path: Path) -> None:
    program = (
        "import known, known_library, pathlib, subject, sys\n"
        "known_one = known.Known(int(sys.argv[1]), pathlib.Path(sys.argv[2]))\n"
        "house = known_library.household_of(known_one, pathlib.Path(sys.argv[3]))\n"
        "try:\n"
        "    known_library.settle(known_one, house)\n"
        "except subject.SubjectError as error:\n"
        "    print(error)"
    )
    library = next(folder.glob("known-*"))
    # One file more than was made is expected.
    assert "remove it" in in_bench(program, FILES + 1, library, tmp_path)
