"""XMP, IPTC, takeout, Apple's notes and HEIF boxes: read by hand, so hostile input comes first."""

import json
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinlens.errors import MediaError
from twinlens.media.apple import is_apple, read_apple
from twinlens.media.heif import HeifLayout, read_layout
from twinlens.media.iptc import read_iptc
from twinlens.media.takeout import read_takeout
from twinlens.media.xmp import MOST_BYTES, read_xmp

PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:mm="http://ns.adobe.com/xap/1.0/mm/"
 xmlns:evt="http://ns.adobe.com/xap/1.0/sType/ResourceEvent#"
 xmp:CreateDate="2012-03-01T10:20:30.12+01:00" exif:GPSLatitude="48,53.323583N"
 exif:GPSLongitude="21,2.595W">
<xmp:ModifyDate>2012-03-02</xmp:ModifyDate>
<mm:History><rdf:Seq><rdf:li evt:when="2013-01-01T00:00:00"/></rdf:Seq></mm:History>
</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>"""


def test_xmp_is_read_from_attributes_and_elements_in_exiftools_spelling() -> None:
    tags = read_xmp(PACKET.encode())

    assert tags["XMP:CreateDate"] == "2012:03:01 10:20:30.12+01:00"
    assert tags["XMP:ModifyDate"] == "2012:03:02"
    assert float(tags["XMP:GPSLatitude"]) == pytest.approx(48.8887263833)
    assert float(tags["XMP:GPSLongitude"]) == pytest.approx(-21.04325)
    assert len(tags) == 4


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_xmp_is_read_in_every_encoding(encoding: str) -> None:
    assert read_xmp(PACKET.encode(encoding)) == read_xmp(PACKET.encode())


def test_xmp_that_declares_entities_is_refused() -> None:
    bomb = '<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><r>&b;</r>'

    with pytest.raises(MediaError, match="declarations"):
        read_xmp(bomb.encode())


@pytest.mark.parametrize("packet", [b"<x", b"\0" * 10, b"", b"\xff\xfe\0", b" " * (MOST_BYTES + 1)])
def test_xmp_that_is_none_is_refused(packet: bytes) -> None:
    with pytest.raises(MediaError, match="XMP"):
        read_xmp(packet)


def test_iptc_dates_are_read_in_exiftools_spelling() -> None:
    block = b"".join(
        b"\x1c" + bytes(key) + len(value).to_bytes(2, "big") + value
        for key, value in (
            ((2, 0), b"\0\2"),
            ((2, 55), b"20190501"),
            ((2, 60), b"102030+0200"),
            ((2, 25), b"keyword"),
        )
    )

    assert read_iptc(block + b"rubbish") == {
        "IPTC:DateCreated": "2019:05:01",
        "IPTC:TimeCreated": "10:20:30+02:00",
    }


def test_takeout_gives_the_time_the_title_and_the_place() -> None:
    document = {
        "title": "IMG_1.jpg",
        "photoTakenTime": {"timestamp": "1344678000", "formatted": "…"},
        "geoData": {"latitude": 1.5, "longitude": -2.5},
        "people": [{"name": "x"}],
    }

    assert read_takeout(json.dumps(document).encode()) == {
        "JSON:Title": "IMG_1.jpg",
        "JSON:PhotoTakenTimeTimestamp": "1344678000",
        "JSON:GeoDataLatitude": "1.5",
        "JSON:GeoDataLongitude": "-2.5",
    }


@pytest.mark.parametrize("data", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"1" * (1 << 20) + b"1"])
def test_a_takeout_that_is_no_json_is_refused(data: bytes) -> None:
    with pytest.raises(MediaError, match="JSON"):
        read_takeout(data)


def test_json_of_another_shape_gives_nothing() -> None:
    assert read_takeout(b'[{"title": 1}]') == {}
    assert read_takeout(b'{"photoTakenTime": "x", "title": ["y"]}') == {}


def apple_notes(*entries: tuple[int, bytes]) -> bytes:
    start = 14 + 2 + 12 * len(entries)
    directory, values = b"", b""
    for number, value in entries:
        directory += struct.pack(">HHII", number, 2, len(value), start + len(values))
        values += value
    return b"Apple iOS\0\0\1MM" + struct.pack(">H", len(entries)) + directory + values


def test_apples_notes_give_burst_and_live_photo() -> None:
    notes = apple_notes((1, b"rubbish\0"), (0x0B, b"BURST-1\0"), (0x11, b"LIVE-1\0"))

    assert is_apple(notes)
    assert read_apple(notes) == {
        "MakerNotes:BurstUUID": "BURST-1",
        "MakerNotes:ContentIdentifier": "LIVE-1",
    }


@given(st.binary(max_size=200))
def test_no_bytes_make_the_readers_raise_anything_of_their_own(data: bytes) -> None:
    read_iptc(b"\x1c\2" + data)
    read_apple(b"Apple iOS\0\0\1MM" + data)
    read_layout(data, len(data))
    read_layout(b"\0\0\0\xffmeta\0\0\0\0\0\0\0\x80iprp\0\0\0\x40ipma" + data, len(data))
    for reader in (read_xmp, read_takeout):
        try:
            reader(data)
        except MediaError:
            continue


def test_boxes_tell_size_and_truncation_of_real_heic(photos: Path, truth: dict[str, Any]) -> None:
    whole = (photos / "formats/IMG_2927.HEIC").read_bytes()
    broken = (photos / "broken/corrupted.hif").read_bytes()

    assert read_layout(whole, len(whole)) == HeifLayout(3024, 4032, 0, False)
    assert read_layout(whole, len(whole) - 1).is_truncated
    assert read_layout(broken, len(broken)) == HeifLayout(5472, 3648, 0, True)
