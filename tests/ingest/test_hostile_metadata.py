"""Metadata made to harm: taken as data, cut, never carried out, never shown raw."""

import contextlib
import json
import os
import pickle
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin
from PIL.TiffImagePlugin import IFDRational

from twinlens.analysis.places import place_at
from twinlens.errors import MediaError
from twinlens.ingest.analyse import Analyst
from twinlens.ingest.limits import WorkerLimits
from twinlens.media.takeout import read_takeout
from twinlens.media.xmp import MOST_BYTES, read_xmp
from twinlens.model.files import Look
from twinlens.model.picture import Kind, Measurement

PROGRAM = shutil.which("exiftool")
needs_exiftool = pytest.mark.skipif(PROGRAM is None, reason="exiftool is not installed")
DESCRIPTION = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
    'xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" '
    "{attributes}/></rdf:RDF></x:xmpmeta>"
)
ENTITIES = (
    '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c SYSTEM "file:///etc/passwd">]>'
)


@pytest.fixture(scope="module")
def analyst() -> Iterator[Analyst]:
    analyst = Analyst(WorkerLimits(exiftool=PROGRAM))
    yield analyst
    analyst.close()


def measured(analyst: Analyst, path: Path) -> Measurement:
    found = analyst.analyse(Look(os.fsencode(path))).measurement
    assert found is not None
    assert len(pickle.dumps(found)) < 20_000
    return found


def picture(path: Path, exif: Image.Exif | None = None, xmp: str | None = None) -> Path:
    options: dict[str, object] = {"exif": exif} if exif is not None else {}
    if xmp is not None:
        options["xmp"] = xmp.encode()
    Image.effect_noise((64, 48), 60).convert("RGB").save(path, **options)
    return path


def written(path: Path, *tags: str) -> Path:
    assert PROGRAM is not None
    command = [PROGRAM, "-q", "-m", "-n", "-overwrite_original", *tags, str(picture(path))]
    subprocess.run(command, check=True, timeout=30)
    return path


@needs_exiftool
def test_text_that_gives_orders_stays_text(analyst: Analyst, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    order = f"$(touch {canary}); -execute\n-o={canary}\nIgnore previous instructions"
    path = written(tmp_path / "a.jpg", f"-Model={order}", "-Make=\x1b]0;mine\x07=cmd()|x")

    found = measured(analyst, path).metadata

    assert not canary.exists()
    assert found.model is not None
    assert "touch" in found.model
    assert found.make == "]0;mine=cmd()|x"


@needs_exiftool
def test_what_turns_or_hides_text_on_a_terminal_never_gets_into_a_date(
    analyst: Analyst, tmp_path: Path
) -> None:
    date = "2019\u202e:05:01\x1b[2J 10:20:30"
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = date

    found = measured(analyst, picture(tmp_path / "a.jpg", exif))

    assert all(candidate.rejected for candidate in found.date_candidates)
    assert all(candidate.value.isprintable() for candidate in found.date_candidates)


@needs_exiftool
@pytest.mark.parametrize(
    "date",
    [
        *("9999:99:99 99:99:99", "-001:01:01 00:00:00", "2019:02:29 10:00:00", "\0" * 19),
        *("9" * 5000, "2019:05:01 25:00:00", "0000:00:00 00:00:00", "now; rm -rf /"),
    ],
)
def test_an_impossible_date_is_kept_as_evidence_and_never_believed(
    analyst: Analyst, tmp_path: Path, date: str
) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = date

    found = measured(analyst, picture(tmp_path / "a.jpg", exif))

    assert all(candidate.rejected for candidate in found.date_candidates)
    assert all(len(candidate.value) <= 64 for candidate in found.date_candidates)


@needs_exiftool
def test_impossible_orientations_and_places_are_none(analyst: Analyst, tmp_path: Path) -> None:
    for number, (orientation, degrees) in enumerate(
        [
            (0, (IFDRational(0, 0), IFDRational(0, 0), IFDRational(0, 0))),
            (99, (IFDRational(1, 0), IFDRational(1, 0), IFDRational(1, 0))),
            (65535, (IFDRational(4_000_000_000, 1), IFDRational(0, 1), IFDRational(0, 1))),
        ]
    ):
        exif = Image.Exif()
        exif[0x0112] = orientation
        position = exif.get_ifd(0x8825)
        position[1], position[2], position[3], position[4] = "N", degrees, "E", degrees

        found = measured(analyst, picture(tmp_path / f"{number}.jpg", exif))

        assert (found.orientation, found.place) == (None, None)
    assert place_at(float("nan"), 1.0) is None
    assert place_at(float("inf"), 1.0) is None


@needs_exiftool
def test_ten_megabytes_of_comment_cost_neither_memory_nor_time(
    analyst: Analyst, tmp_path: Path
) -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "x" * 10_000_000)
    text.add_text("Creation Time", "2019:05:01 10:20:30")
    Image.new("RGB", (64, 48), "red").save(tmp_path / "a.png", pnginfo=text)
    started = time.monotonic()

    measured(analyst, tmp_path / "a.png")

    assert time.monotonic() - started < 10


@needs_exiftool
def test_an_xmp_with_entities_says_nothing_and_the_picture_stays_whole(
    analyst: Analyst, tmp_path: Path
) -> None:
    hidden = ENTITIES + DESCRIPTION.format(attributes='tiff:Make="&c;" tiff:Model="&b;"')

    found = measured(analyst, picture(tmp_path / "a.jpg", xmp=hidden))
    (tmp_path / "a.xmp").write_text(hidden)
    sidecar = measured(analyst, tmp_path / "a.xmp")

    assert found.error is None
    for facts in (found.metadata, sidecar.metadata):
        assert "root:" not in repr(facts)
        assert "haha" not in repr(facts)


@pytest.mark.parametrize(
    "packet",
    [
        ENTITIES.encode() + DESCRIPTION.format(attributes="").encode(),
        (ENTITIES + DESCRIPTION.format(attributes="")).encode("utf-16"),
        (ENTITIES + DESCRIPTION.format(attributes="")).encode("utf-16-le"),
        b"<" * 1000,
        b"x" * (MOST_BYTES + 1),
        b"<?xml version='1.0' encoding='utf-7'?>+ADw-x/+AD4-",
        b"\0" * 1000,
    ],
)
def test_a_hostile_packet_is_refused_with_one_kind_of_error(packet: bytes) -> None:
    with pytest.raises(MediaError):
        read_xmp(packet)


def test_a_packet_of_deep_nesting_ends_no_process(analyst: Analyst, tmp_path: Path) -> None:
    deep = b"<a>" * 140_000 + b"</a>" * 140_000
    with contextlib.suppress(MediaError):
        assert read_xmp(deep) == {}
    (tmp_path / "a.xmp").write_bytes(deep)

    assert measured(analyst, tmp_path / "a.xmp").date_candidates == ()


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 500_000,
        b'{"a":' * 100_000,
        b'{"photoTakenTime":{"timestamp":' + b"9" * 100_000 + b"}}",
        b"\xff\xfe\x00",
        b" " * ((1 << 20) + 1),
    ],
)
def test_a_hostile_takeout_is_refused_with_one_kind_of_error(data: bytes) -> None:
    with pytest.raises(MediaError):
        read_takeout(data)


@pytest.mark.parametrize(
    "stamp",
    [
        *("1e999", "NaN", '"9999999999999999999"', '"1; DROP TABLE original"', "true", "[]", "{}"),
        *('"\\u202e1556698830"', '"-99999999999999"', "null"),
    ],
)
def test_a_takeout_of_nonsense_gives_neither_date_nor_place(
    analyst: Analyst, tmp_path: Path, stamp: str
) -> None:
    document = (
        f'{{"title": "a.jpg", "photoTakenTime": {{"timestamp": {stamp}}}, '
        '"geoData": {"latitude": NaN, "longitude": Infinity}}'
    )
    (tmp_path / "a.jpg.json").write_text(document)

    found = measured(analyst, tmp_path / "a.jpg.json")

    assert found.kind is Kind.SIDECAR
    assert [c for c in found.date_candidates if c.rejected is None] == []
    assert found.place is None


def test_a_takeouts_title_is_cleaned_and_cut(analyst: Analyst, tmp_path: Path) -> None:
    title = "\u202e\x1b[31m" + "x" * 1000
    document = {"title": title, "photoTakenTime": {"timestamp": "1556698830"}}
    (tmp_path / "a.json").write_text(json.dumps(document))

    found = measured(analyst, tmp_path / "a.json")

    assert [c.value for c in found.date_candidates] == ["2019-05-01T08:20:30+00:00"]
    assert found.metadata.tags["JSON:Title"] == "[31m" + "x" * 252
