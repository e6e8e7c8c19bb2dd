"""The benchmark: it makes what it says, the same each time, and measures without complaint."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

RUN = Path(__file__).resolve().parents[2] / "contrib/bench/run"


def bench(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    shape = ("--corpus", "large", "--pictures", "16", "--size", "320x240", "--rounds", "1")
    return subprocess.run(
        [str(RUN), *shape, "--folder", str(folder), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def make(folder: Path) -> None:
    """The same corpus, without measuring."""
    program = (
        "import corpus, pathlib, sys; "
        "shape = corpus.Corpus('large', 16, (320, 240), copied=0.06, re_encoded=0.06); "
        "corpus.make(shape, pathlib.Path(sys.argv[1]), 1, lambda done: None)"
    )
    subprocess.run([sys.executable, "-c", program, str(folder)], cwd=RUN.parent, check=True)


def pictures(folder: Path) -> list[Path]:
    return sorted(folder.glob("*/photos/**/*.[jJ][pP][gG]"))


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object], str]:
    folder = tmp_path_factory.mktemp("bench")
    numbers = folder / "numbers.json"
    done = bench(
        folder, "--json", str(numbers), "--idle-seconds", "0.5", "--watched-seconds", "0.5"
    )
    assert done.returncode == 0, done.stderr
    return folder, json.loads(numbers.read_text())[0], done.stdout


def test_a_corpus_has_as_many_files_as_it_was_asked_for(
    measured: tuple[Path, dict[str, object], str],
) -> None:
    folder, numbers, _ = measured

    assert len(pictures(folder)) == numbers["pictures"] == 16


def test_one_of_its_pictures_is_a_copy_and_all_others_differ(
    measured: tuple[Path, dict[str, object], str],
) -> None:
    folder, _, _ = measured
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in pictures(folder)]

    assert len(set(digests)) == len(digests) - 1


def test_its_pictures_come_from_a_camera_without_maker_notes(
    measured: tuple[Path, dict[str, object], str],
) -> None:
    folder, _, _ = measured
    with Image.open(next(folder.glob("*/photos/DCIM/100CANON/IMG_0003.JPG"))) as picture:
        details = picture.getexif().get_ifd(0x8769)

    assert details[0x9003] == "2019:03:01 11:14:00"
    assert 0x927C not in details


def test_every_measurement_has_a_time_and_a_memory(
    measured: tuple[Path, dict[str, object], str],
) -> None:
    _, numbers, table = measured

    for name in ("floor", "scan", "second_scan"):
        cost = numbers[name]
        assert isinstance(cost, dict)
        assert cost["wall_seconds"] > 0
        assert cost["cpu_seconds"] > 0
        assert cost["rss_bytes"] > cost["pss_bytes"] > 0
        assert name.replace("_", " ") in table


def test_the_idle_daemon_is_several_processes_with_memory(
    measured: tuple[Path, dict[str, object], str],
) -> None:
    _, numbers, _ = measured
    idle = numbers["idle"]

    assert isinstance(idle, dict)
    assert idle["memory"]["processes"] >= 2
    assert idle["cpu_percent"] < 50


def test_a_corpus_that_is_there_is_used_again(
    measured: tuple[Path, dict[str, object], str],
) -> None:
    folder, _, _ = measured
    before = {path: path.stat().st_ino for path in pictures(folder)}

    make(folder)

    assert {path: path.stat().st_ino for path in pictures(folder)} == before


def test_the_same_pictures_are_made_each_time(
    measured: tuple[Path, dict[str, object], str], tmp_path: Path
) -> None:
    folder, _, _ = measured

    make(tmp_path)

    assert [path.read_bytes() for path in pictures(tmp_path)] == [
        path.read_bytes() for path in pictures(folder)
    ]


def test_a_nonsense_size_is_refused(tmp_path: Path) -> None:
    done = bench(tmp_path, "--size", "huge")

    assert done.returncode == 2
    assert "WIDTHxHEIGHT" in done.stderr
