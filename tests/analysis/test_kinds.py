"""What a file is, by its first bytes and, for ties, by its name."""

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinlens.analysis.ifd import read_directories
from twinlens.analysis.kinds import HEAD_BYTES, as_named, contradiction, recognise
from twinlens.model.picture import Kind, MediaType

JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00"


def tiff(*entries: tuple[int, int, int, bytes]) -> bytes:
    """A little-endian TIFF with one directory of (tag, type, count, 4 bytes of value)."""
    packed = b"".join(struct.pack("<HHI", *entry[:3]) + entry[3] for entry in entries)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + packed + b"\0" * 4


def ftyp(major: bytes, *compatible: bytes) -> bytes:
    body = b"ftyp" + major + b"\0\0\0\0" + b"".join(compatible)
    return struct.pack(">I", len(body) + 4) + body + b"\0" * 32


@pytest.mark.parametrize(
    ("head", "name", "media_type", "kind"),
    [
        (JPEG, b"a.HEIC", "image/jpeg", Kind.IMAGE),
        (JPEG, b"no extension", "image/jpeg", Kind.IMAGE),
        (JPEG, b"CRW_1.THM", "image/jpeg", Kind.SIDECAR),
        (ftyp(b"heic"), b"a.jpg", "image/heic", Kind.IMAGE),
        (ftyp(b"mif1", b"heic"), b"a.heif", "image/heif", Kind.IMAGE),
        (ftyp(b"mif1", b"avif"), b"a.avif", "image/avif", Kind.IMAGE),
        (ftyp(b"avis", b"avif"), b"a.avif", "image/avif", Kind.IMAGE),
        (ftyp(b"crx "), b"a.CR3", "image/x-canon-cr3", Kind.RAW),
        (ftyp(b"qt  "), b"a.mov", "video/quicktime", Kind.VIDEO),
        (ftyp(b"isom"), b"a.mp4", "video/mp4", Kind.VIDEO),
        (ftyp(b"mp42"), b"GL010001.LRV", "video/mp4", Kind.SIDECAR),
        (ftyp(b"3gp4"), b"a.3gp", "video/3gpp", Kind.VIDEO),
        (b"\0\0\0\x08wide\0\0\0\0mdat", b"a.mov", "video/quicktime", Kind.VIDEO),
        (b"\x1a\x45\xdf\xa3\x01\0\0\0\0\0\0\x1f\x42\x82\x84webm", b"a", "video/webm", Kind.VIDEO),
        ((b"\0\0\0\0G" + b"\1" * 187) * 5, b"00001.MTS", "video/m2ts", Kind.VIDEO),
        (b"IIU\0\x18\0\0\0", b"a.rw2", "image/x-panasonic-rw2", Kind.RAW),
        (b"II*\0\x10\0\0\0CR\x02\0", b"a.tif", "image/x-canon-cr2", Kind.RAW),
        (b"<?xpacket begin=''?>", b"a.xmp", "application/rdf+xml", Kind.SIDECAR),
        (
            '\ufeff<?xpacket begin=""?>'.encode("utf-16-le"),
            b"a.xmp",
            "application/rdf+xml",
            "sidecar",
        ),
        (b'{"title": "x", "photoTakenTime": {}}', b"x.json", "application/json", Kind.SIDECAR),
        (b'{"compilerOptions": {}}', b"tsconfig.json", "application/json", Kind.OTHER),
        (b"[Version]\nAppVersion=5.8\n", b"a.jpg.pp3", "text/plain", Kind.SIDECAR),
        (b"plain words\n", b"notes.txt", "text/plain", Kind.OTHER),
        (b"", b"a.NEF", "inode/x-empty", Kind.OTHER),
        (b"", b"a", "inode/x-empty", Kind.OTHER),
    ],
)
def test_the_content_decides_and_the_name_breaks_ties(
    head: bytes, name: bytes, media_type: str, kind: Kind
) -> None:
    assert as_named(recognise(head), name) == MediaType(media_type, Kind(kind))


def test_a_dng_is_one_by_its_version_tag_whatever_its_name_says() -> None:
    head = tiff((0xC612, 1, 4, b"\1\4\0\0"))

    assert recognise(head).media_type == "image/x-adobe-dng"


def test_the_makers_name_alone_does_not_make_a_tiff_a_raw() -> None:
    export = tiff((0x010F, 2, 4, b"NIK\0"), (0x0100, 4, 1, b"\0\1\0\0"))

    assert recognise(export) == MediaType("image/tiff", Kind.IMAGE)


def test_a_raw_without_extension_is_found_by_its_structure_and_maker() -> None:
    head = bytearray(
        tiff((0x00FE, 4, 1, b"\1\0\0\0"), (0x010F, 2, 6, b"\x60\0\0\0"), (0x014A, 4, 2, b"\0" * 4))
    )
    head += b"\0" * (0x60 - len(head)) + b"NIKON\0"

    assert recognise(bytes(head)).media_type == "image/x-nikon-nef"


def test_the_sensors_own_data_anywhere_in_the_file_makes_it_a_raw() -> None:
    """Below IFD0, and beyond the head, where old backs and cameras put it."""
    first = tiff((0x010F, 2, 4, b"LEA\0"), (0x014A, 4, 1, struct.pack("<I", 70_000)))
    below = struct.pack("<H", 1) + struct.pack("<HHIHH", 0x0106, 3, 1, 32803, 0) + b"\0" * 4
    whole = first.ljust(70_000, b"\0") + below

    found = recognise(whole[:HEAD_BYTES], lambda at, size: whole[at : at + size])

    assert found == MediaType("image/x-raw", Kind.RAW)
    assert recognise(whole[:HEAD_BYTES]) == MediaType("image/tiff", Kind.IMAGE)


def test_directories_that_go_round_in_a_circle_end() -> None:
    head = bytearray(tiff((0x014A, 4, 1, struct.pack("<I", 8))))
    head[-4:] = struct.pack("<I", 8)

    assert recognise(bytes(head)) == MediaType("image/tiff", Kind.IMAGE)


@pytest.mark.parametrize(
    ("media", "name", "named"),
    [
        (("image/tiff", Kind.IMAGE), b"old.NEF", ("image/x-nikon-nef", Kind.RAW)),
        (("image/x-nikon-nef", Kind.RAW), b"new.nrw", ("image/x-nikon-nrw", Kind.RAW)),
        (("image/x-nikon-nef", Kind.RAW), b"export.tif", ("image/x-nikon-nef", Kind.RAW)),
        (("image/x-adobe-dng", Kind.RAW), b"GOPR0001.GPR", ("image/x-gopro-gpr", Kind.RAW)),
        (
            ("application/x-plist", Kind.OTHER),
            b"a.AAE",
            ("application/vnd.apple.photos", "sidecar"),
        ),
        (("image/png", Kind.IMAGE), b"a.nef", ("image/png", Kind.IMAGE)),
        (("video/mp4", Kind.VIDEO), b"a.thm", ("video/mp4", Kind.VIDEO)),
    ],
)
def test_a_name_makes_only_the_choices_that_the_content_leaves(
    media: tuple[str, str], name: bytes, named: tuple[str, str]
) -> None:
    assert as_named(MediaType(media[0], Kind(media[1])), name) == MediaType(
        named[0], Kind(named[1])
    )


@pytest.mark.parametrize(
    ("head", "name", "words"),
    [
        (b"<!DOCTYPE html><p>", b"a.jpg", "named .jpg but is HTML"),
        (b"\0" * 4096, b"a.JPG", "named .jpg but is not a known picture"),
        (b"just text", b"a.mov", "named .mov but is text"),
        (b"<html>", b"index.html", None),
        (b"\0" * 300, b"Thumbs.db", None),
        (b"ts file of a translator", b"app_de.ts", None),
        (JPEG, b"a.cr2", None),
    ],
)
def test_only_a_name_that_promises_a_picture_can_lie(
    head: bytes, name: bytes, words: str | None
) -> None:
    assert contradiction(name, as_named(recognise(head), name)) == words


@given(st.binary(max_size=400), st.binary(max_size=12))
def test_no_bytes_and_no_name_make_it_raise(head: bytes, name: bytes) -> None:
    assert isinstance(as_named(recognise(head), name), MediaType)


@given(st.sampled_from([b"II*\0", b"MM\0*"]), st.binary(max_size=300))
def test_no_directory_makes_it_raise(start: bytes, rest: bytes) -> None:
    data = start + rest

    assert len(read_directories(lambda at, size: data[at : at + size]).make) <= 64


def test_real_files_are_what_exiftool_says(photos: Any, truth: dict[str, Any]) -> None:
    argued = {
        "broken/Thumbs.db": "an OLE file, which exiftool takes for FlashPix",
        "formats/fixture-sequence.avif": "exiftool 12.57 does not know the brand avis",
    }
    missed = {}

    for path, entry in truth["files"].items():
        stated = entry["exiftool"].get("File:MIMEType")
        if stated is None or path in argued:
            continue
        with open(photos / path, "rb") as stream:
            media = recognise(stream.read(HEAD_BYTES))
        found = as_named(media, path.rpartition("/")[2].encode())
        if found.media_type != stated:
            missed[path] = (found.media_type, stated)

    assert missed == {}
