"""What is read in process is what exiftool says of the same file."""

import io
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from twinlens.media.decoding import decode, register_decoders

DECODED = {"image/jpeg", "image/png", "image/webp", "image/heic", "image/avif", "image/tiff"}
READ_HERE = (
    "EXIF:Make",
    "EXIF:Model",
    "EXIF:Software",
    "EXIF:DateTimeOriginal",
    "EXIF:CreateDate",
    "EXIF:ModifyDate",
    "EXIF:SubSecTimeOriginal",
    "EXIF:OffsetTimeOriginal",
    "EXIF:GPSDateStamp",
    "EXIF:GPSTimeStamp",
    "XMP:DateTimeOriginal",
    "XMP:DateCreated",
    "XMP:CreateDate",
    "XMP:ModifyDate",
    "XMP:DateTimeDigitized",
    "IPTC:DateCreated",
    "IPTC:TimeCreated",
    "IPTC:DigitalCreationDate",
    "IPTC:DigitalCreationTime",
)


@pytest.fixture(scope="module", autouse=True)
def _decoders() -> None:
    register_decoders()


def same(found: str | None, stated: object) -> bool:
    """Equal texts; the truth file holds a text like `1.00` as a number."""
    text = (found or "").strip()
    return text == str(stated).strip() or (isinstance(stated, float) and float(text) == stated)


def test_complete_tags_are_those_of_exiftool(photos: Path, truth: dict[str, Any]) -> None:
    argued = {("dates/elodie/with-null-coordinates.jpg", "EXIF:GPSTimeStamp"): "its parts are 0/0"}
    compared, missed = 0, []

    for path, entry in truth["files"].items():
        media_type = entry["exiftool"].get("File:MIMEType", "")
        if media_type not in DECODED or "Warning" in str(entry["exiftool"]):
            continue
        with open(photos / path, "rb") as stream:
            is_header_enough = media_type != "image/png"
            found = decode(stream, media_type, 10**8, is_header_enough=is_header_enough)
        if found.error or not found.embedded.is_complete:
            continue
        for tag in READ_HERE:
            stated = entry["exiftool"].get(tag)
            if stated is not None and (path, tag) not in argued:
                compared += 1
                if not same(found.embedded.tags.get(tag), stated):
                    missed.append((path, tag, found.embedded.tags.get(tag), stated))

    assert missed == []
    assert compared > 1000


def test_notes_of_cameras_are_reported_as_unread(photos: Path) -> None:
    with open(photos / "makers/immich-nature/prairie_falcon.jpg", "rb") as stream:
        plain = decode(stream, "image/jpeg", 10**8, is_header_enough=True).embedded
    with open(photos / "makers/ianare/Nikon_COOLPIX_P1.jpg", "rb") as stream:
        nikon = decode(stream, "image/jpeg", 10**8, is_header_enough=True).embedded

    assert (plain.is_complete, plain.has_unread_notes) == (True, False)
    assert (nikon.is_complete, nikon.has_unread_notes) == (True, True)


def test_foreign_segments_make_the_tags_incomplete(photos: Path) -> None:
    with open(photos / "makers/exif-org/sony-powershota5.jpg", "rb") as stream:
        found = decode(stream, "image/jpeg", 10**8, is_header_enough=True).embedded

    assert not found.is_complete


def test_a_position_is_read_in_signed_degrees_with_its_time(photos: Path) -> None:
    with open(photos / "live/IMG_5195.HEIC", "rb") as stream:
        tags = decode(stream, "image/heic", 10**8, is_header_enough=True).embedded.tags

    assert float(tags["Composite:GPSLatitude"]) == pytest.approx(39.0513444444)
    assert float(tags["Composite:GPSLongitude"]) == pytest.approx(-94.2887722222)
    assert float(tags["Composite:GPSAltitude"]) == pytest.approx(260.5606383)


@pytest.mark.parametrize("orientation", [0, 9, 99, 65535])
def test_a_nonsense_orientation_is_none(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, "JPEG", exif=exif)
    stream.seek(0)

    assert decode(stream, "image/jpeg", 10**8).orientation is None


@given(st.binary(max_size=200), st.sampled_from([b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08", b""]))
def test_no_exif_block_makes_it_raise(block: bytes, start: bytes) -> None:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, "JPEG", exif=b"Exif\0\0" + start + block)
    stream.seek(0)

    found = decode(stream, "image/jpeg", 10**8)

    assert found.thumbnail is not None


def test_a_directory_that_refers_to_itself_ends() -> None:
    pointer = struct.pack("<HHII", 0x8769, 4, 1, 8)
    block = b"II*\0\x08\0\0\0" + struct.pack("<H", 1) + pointer + struct.pack("<I", 8)
    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, "JPEG", exif=b"Exif\0\0" + block)
    stream.seek(0)

    assert decode(stream, "image/jpeg", 10**8).error is None
