"""exiftool as it is, and a tool that hangs, dies, floods or is not there."""

import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from twinlens.media.exiftool import (
    ExifTool,
    ExifToolError,
    exiftool_version,
    is_new_enough,
)

PROGRAM = shutil.which("exiftool") or ""
needs_exiftool = pytest.mark.skipif(not PROGRAM, reason="exiftool is not installed")


@pytest.fixture
def tool() -> Iterator[ExifTool]:
    tool = ExifTool(PROGRAM, seconds=10)
    yield tool
    tool.close()


def script(path: Path, body: str) -> str:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


@needs_exiftool
def test_tags_come_by_group_and_name_as_text(tool: ExifTool, photos: Path) -> None:
    path = os.fsencode(photos / "live/IMG_4711.MOV")

    tags = tool.read_tags(path, {"Make", "CreationDate", "GPSLatitude", "Duration"})

    assert tags["QuickTime:Make"] == "Apple"
    assert tags["QuickTime:CreationDate"] == "2021:04:10 11:43:59+01:00"
    assert tags["Composite:GPSLatitude"] == "52.2097"
    assert float(tags["QuickTime:Duration"]) == pytest.approx(1.2333, abs=0.001)
    assert tags["Composite:ImageSize"] == "1440x1080"


@needs_exiftool
def test_digits_are_kept_as_they_are_written(tool: ExifTool, photos: Path) -> None:
    path = os.fsencode(photos / "live/IMG_5195.HEIC")

    assert tool.read_tags(path, {"SubSecTimeOriginal"})["EXIF:SubSecTimeOriginal"] == "054"


@needs_exiftool
@pytest.mark.parametrize("name", [b"a\n-ver\n.jpg", b"-ver", b"\xff\xfe.jpg", b"$(touch x)|"])
def test_no_name_is_taken_for_an_option(
    tool: ExifTool, photos: Path, tmp_path: Path, name: bytes
) -> None:
    path = os.path.join(os.fsencode(tmp_path), name)
    shutil.copyfile(photos / "makers/ianare/Canon_40D.jpg", path)
    descriptor = os.open(path, os.O_RDONLY)

    try:
        tags = tool.read_tags(b"/proc/%d/fd/%d" % (os.getpid(), descriptor), {"Make"})
    finally:
        os.close(descriptor)

    assert tags["EXIF:Make"] == "Canon"
    assert os.listdir(os.fsencode(tmp_path)) == [name]


@needs_exiftool
def test_a_missing_file_costs_that_answer_only(tool: ExifTool, photos: Path) -> None:
    with pytest.raises(ExifToolError):
        tool.read_tags(b"/nowhere/a.jpg", {"Make"})

    found = tool.read_tags(os.fsencode(photos / "makers/ianare/Canon_40D.jpg"), {"Make"})

    assert found["EXIF:Make"] == "Canon"


@needs_exiftool
def test_a_tool_that_was_killed_is_started_again(tool: ExifTool, photos: Path) -> None:
    path = os.fsencode(photos / "makers/ianare/Canon_40D.jpg")
    tool.read_tags(path, {"Make"})
    tool._tool._process.kill()
    tool._tool._process.wait()

    assert tool.read_tags(path, {"Make"})["EXIF:Make"] == "Canon"


@needs_exiftool
def test_a_tool_that_is_killed_at_work_is_asked_once_more(tool: ExifTool, photos: Path) -> None:
    path = os.fsencode(photos / "makers/ianare/Canon_40D.jpg")
    tool.read_tags(path, {"Make"})
    process = tool._tool._process
    os.kill(process.pid, signal.SIGSTOP)
    threading.Timer(0.3, process.kill).start()

    assert tool.read_tags(path, {"Make"})["EXIF:Make"] == "Canon"
    assert process.wait(5) == -signal.SIGKILL


@needs_exiftool
def test_a_tool_that_is_killed_again_is_given_up(tool: ExifTool, photos: Path) -> None:
    path = os.fsencode(photos / "makers/ianare/Canon_40D.jpg")
    stopped: list[int] = []
    start = tool._start

    def start_and_stop() -> None:
        start()
        process = tool._tool._process
        os.kill(process.pid, signal.SIGSTOP)
        stopped.append(process.pid)
        threading.Timer(0.3, process.kill).start()

    tool._start = start_and_stop  # type: ignore[method-assign]  # each is killed at work

    with pytest.raises(ExifToolError, match="ended unexpectedly"):
        tool.read_tags(path, {"Make"})

    assert len(stopped) == 2


@needs_exiftool
def test_a_tool_that_hangs_is_killed_at_the_deadline(photos: Path) -> None:
    path = os.fsencode(photos / "makers/ianare/Canon_40D.jpg")
    tool = ExifTool(PROGRAM, seconds=10)
    tool.read_tags(path, {"Make"})
    process = tool._tool._process
    os.kill(process.pid, 19)
    tool._seconds = 0.3
    started = time.monotonic()

    with pytest.raises(ExifToolError, match=r"within 0\.3 s"):
        tool.read_tags(path, {"Make"})

    assert time.monotonic() - started < 5
    assert process.poll() is not None
    tool._seconds = 10
    assert tool.read_tags(path, {"Make"})["EXIF:Make"] == "Canon"
    tool.close()


@needs_exiftool
def test_too_much_output_is_refused(tool: ExifTool, photos: Path) -> None:
    path = os.fsencode(photos / "raw/CRW_0001.CRW")

    with pytest.raises(ExifToolError, match="more than 1000 bytes"):
        tool.read_binary(path, "MakerNotes:JpgFromRaw", 1000)

    assert len(tool.read_binary(path, "MakerNotes:JpgFromRaw", 1 << 20)) == 281610


@pytest.mark.parametrize(
    "body", ["exit 1", "exec sleep 60", "echo 10.80", "cat >/dev/null", "echo usage: exiftool"]
)
def test_a_program_that_is_no_exiftool_fails_in_time(tmp_path: Path, body: str) -> None:
    tool = ExifTool(script(tmp_path / "exiftool", body), seconds=0.5)
    started = time.monotonic()

    with pytest.raises(ExifToolError):
        tool.read_tags(b"/etc/hostname", {"Make"})

    assert time.monotonic() - started < 4
    tool.close()


def test_a_missing_program_is_an_error_of_that_file(tmp_path: Path) -> None:
    tool = ExifTool(str(tmp_path / "exiftool"), seconds=1)

    with pytest.raises(ExifToolError, match="is no exiftool"):
        tool.read_tags(b"/etc/hostname", {"Make"})


@needs_exiftool
def test_the_version_is_the_programs_own() -> None:
    version = exiftool_version(PROGRAM)

    assert version is not None
    assert is_new_enough(version)


def test_what_is_no_exiftool_has_no_version(tmp_path: Path) -> None:
    assert exiftool_version(str(tmp_path / "exiftool")) is None
    assert exiftool_version(script(tmp_path / "a", "echo usage: a")) is None


def test_versions_compare_as_numbers() -> None:
    assert is_new_enough("12.15")
    assert is_new_enough("13.02")
    assert not is_new_enough("12.9")
    assert not is_new_enough("10.80")


@needs_exiftool
def test_closing_ends_the_tool(photos: Path) -> None:
    tool = ExifTool(PROGRAM, seconds=10)
    tool.read_tags(os.fsencode(photos / "makers/ianare/Canon_40D.jpg"), {"Make"})
    process = tool._tool._process

    tool.close()
    tool.close()

    assert process.poll() is not None
