"""Section J, what pictures carry beside their pixels: orders to programs, nonsense, traps for the
reader of tags and for whoever shows them."""

import io
import os
import random
import shutil
import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from support.daemon import House
from support.pictures import picture
from twinlens.ingest.analyse import Analyst
from twinlens.ingest.limits import WorkerLimits
from twinlens.model.files import Look
from twinlens.model.picture import Measurement

PROGRAM = shutil.which("exiftool")
needs_exiftool = pytest.mark.skipif(PROGRAM is None, reason="exiftool is not installed")


@pytest.fixture(scope="module")
def analyst() -> Iterator[Analyst]:
    analyst = Analyst(WorkerLimits(exiftool=PROGRAM))
    yield analyst
    analyst.close()


def measured(analyst: Analyst, path: Path) -> Measurement:
    found = analyst.analyse(Look(os.fsencode(path))).measurement
    assert found is not None
    return found


def write(path: Path, *tags: str) -> Path:
    """A picture with these tags, written by exiftool."""
    assert PROGRAM is not None
    path.write_bytes(picture(5))
    command = [PROGRAM, "-q", "-m", "-n", "-overwrite_original", *tags, str(path)]
    subprocess.run(command, check=True, timeout=30)
    return path


@needs_exiftool
def test_j7_tags_that_give_orders_are_text_cut_to_length_and_shown_harmless(house: House) -> None:
    canary = house.folder / "canary"
    comment = house.folder / "comment"
    comment.write_bytes(b"<script>" + b"A" * (10 << 20))
    orders = {
        "script.jpg": f"-Model=<script>fetch('//x')</script>$(touch {canary})`touch {canary}`",
        "formula.jpg": f"-Model==cmd|'/c touch {canary}'!A0",
        "escape.jpg": "-Model=\x1b]0;mine\x07\x1b[31m\x1b[2J\u202ered",
        "zero.jpg": "-Model=before\0after".replace("\0", "\x01"),
        "bytes.jpg": "-Model=\udcff\udcfe\udc80 bad".encode("utf-8", "surrogateescape").decode(
            "latin-1"
        ),
        "long.jpg": "-Model=" + "M" * 60_000,
        "comment.jpg": f"-Comment<={comment}",
    }
    for name, order in orders.items():
        write(house.root / name, order)
    started = time.monotonic()
    result = house.scan()

    assert time.monotonic() - started < 60
    assert result["failed"] == 0
    rows = house.files()
    assert set(rows) == set(orders)
    for name in ("script.jpg", "escape.jpg", "long.jpg"):
        told = house.cli("why", str(house.root / name))
        assert told.returncode == 0
        assert not set("\x1b\x07\x01\0\u202e") & set(told.stdout), name
        assert ("<script>" in told.stdout) is (name == "script.jpg")
        assert len(told.stdout) < 10_000, name
    assert not canary.exists()
    assert house.database.stat().st_size < 8 << 20


@needs_exiftool
def test_j8_nonsense_in_dates_places_and_orientation_is_left_out(
    analyst: Analyst, tmp_path: Path
) -> None:
    path = write(
        tmp_path / "a.jpg",
        "-DateTimeOriginal=9999:99:99 99:99:99",
        "-CreateDate=0000:00:00 00:00:00",
        "-Orientation#=99",
        "-GPSLatitude=999",
        "-GPSLatitudeRef=N",
        "-GPSLongitude=-4000",
        "-GPSLongitudeRef=E",
    )

    found = measured(analyst, path)

    assert found.error is None
    assert found.orientation in (None, 1)
    assert found.place is None
    assert all(date.rejected for date in found.date_candidates)
    assert found.fingerprint is not None


def with_exif(block: bytes) -> bytes:
    """A picture with this EXIF block as it is."""
    data = picture(6)
    body = b"Exif\0\0" + block
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + data[2:]


def directory(entries: list[tuple[int, int, int, int]], following: int, count: int = -1) -> bytes:
    number = len(entries) if count < 0 else count
    body = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", number) + body + struct.pack("<I", following)


TRAPS = {
    "its own next": directory([(0x010F, 2, 4, 0x41414141)], 8),
    "its own child": directory([(0x8769, 4, 1, 8), (0x8825, 4, 1, 8)], 0),
    "65,535 entries": directory([(0x010F, 2, 4, 0)] * 5000, 0, 65_535),
    "counts without end": directory([(0x9003, 2, 0xFFFFFFFF, 8), (0x0112, 3, 0xFFFF, 0)], 0),
    "beyond the end": directory([(0x8769, 4, 1, 0xFFFFFFF0)], 0xFFFFFFF0),
    "one byte": b"I",
    "nothing": b"",
}


@pytest.mark.parametrize("trap", TRAPS)
def test_j8_a_directory_of_tags_that_is_a_trap_ends_in_time(
    analyst: Analyst, tmp_path: Path, trap: str
) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(with_exif(TRAPS[trap]))
    started = time.monotonic()

    found = measured(analyst, path)

    assert time.monotonic() - started < 20
    assert found.media_type == "image/jpeg"
    assert (found.width, found.height) == (64, 48)
    assert found.fingerprint is not None


def test_j8_no_block_of_tags_keeps_a_picture_from_being_measured(
    analyst: Analyst, tmp_path: Path
) -> None:
    path = tmp_path / "a.jpg"
    for seed in range(60):
        rng = random.Random(seed)
        block = bytearray(directory([(0x8769, 4, 1, 8)] * 3, 0) + rng.randbytes(200))
        for _ in range(8):
            block[rng.randrange(8, len(block))] = rng.randrange(256)
        path.write_bytes(with_exif(bytes(block)))
        assert measured(analyst, path).fingerprint is not None, seed


CVE_2021_22204 = (
    b"AT&TFORM" + struct.pack(">I", 200) + b"DJVUINFO" + struct.pack(">I", 10)
    + b"\0\1\0\1\x18\0\x2c\1\x16\1" + b"ANTa" + struct.pack(">I", 140)
)  # fmt: skip


@needs_exiftool
def test_j11_old_holes_of_exiftool_are_not_reached(house: House) -> None:
    canary = house.folder / "canary"
    order = (
        b'(metadata\n\t(Copyright "\\\n" . qx{touch ' + os.fsencode(canary) + b'} . \\\n" b ") )'
    )
    for name in ("a.djvu", "a.jpg", "a.nef", "a.mov"):
        (house.root / name).write_bytes(CVE_2021_22204 + order.ljust(140))
    # CVE-2022-23935: a name that ends in a pipe sign was run by Perl's open().
    for name in (
        f"touch {canary.name} |",
        f"|touch {canary.name}|.nef",
        "-o=owned.jpg",
        "@args.jpg",
    ):
        (house.root / name.replace("/", "_")).write_bytes(picture(1))
    hidden = io.BytesIO()
    Image.new("RGB", (32, 32)).save(hidden, "TIFF")
    (house.root / f"touch {canary.name} |.nef").write_bytes(hidden.getvalue())

    result = house.scan()

    assert result["files"] == len(list(house.root.iterdir()))
    assert not canary.exists()
    assert not list(house.folder.glob("owned*"))
    assert not (house.root / canary.name).exists()
    rows = house.files()
    assert all(row["sha256"] for row in rows.values())
