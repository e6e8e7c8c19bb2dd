"""A path in, a finding out: real files, hostile files, and bounded worker processes."""

import hashlib
import io
import multiprocessing
import os
import pickle
import re
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pebble import ProcessPool
from PIL import Image

from twinlens.analysis.kinds import as_named, contradiction
from twinlens.ingest.analyse import Analyst, analyse, prepare_worker
from twinlens.ingest.limits import WorkerLimits
from twinlens.media.reading import GONE
from twinlens.model.files import Finding, Look, Stat
from twinlens.model.picture import Kind, Measurement, MediaType

PROGRAM = shutil.which("exiftool")
needs_exiftool = pytest.mark.skipif(PROGRAM is None, reason="exiftool is not installed")


@pytest.fixture(scope="module")
def analyst() -> Iterator[Analyst]:
    analyst = Analyst(WorkerLimits(exiftool=PROGRAM))
    yield analyst
    analyst.close()


@pytest.fixture(scope="module")
def findings(analyst: Analyst, photos: Path, truth: dict[str, Any]) -> dict[str, Finding]:
    return {name: analyst.analyse(Look(os.fsencode(photos / name))) for name in truth["files"]}


@pytest.fixture
def noise() -> Image.Image:
    values = np.random.default_rng(3).integers(0, 255, (90, 120, 3), dtype=np.uint8)
    return Image.fromarray(values).resize((640, 480), Image.Resampling.BICUBIC)


def look(path: Path, **options: Any) -> Look:
    return Look(os.fsencode(path), **options)


def measured(finding: Finding) -> Measurement:
    assert finding.measurement is not None, finding.problem
    return finding.measurement


def media_of(finding: Finding) -> MediaType:
    """What the file is: the recorder puts the content and the name together."""
    found = measured(finding)
    return as_named(MediaType(found.media_type, found.kind), os.path.basename(finding.path))


def error_of(finding: Finding) -> str | None:
    """What is wrong with the content, or with its name."""
    name = os.path.basename(finding.path)
    return measured(finding).error or contradiction(name, media_of(finding))


# --- the truth of independent tools -------------------------------------------------------------

# Where a tool is wrong, two tools disagree, or the product leaves out on purpose.
ARGUED = {
    "broken/.DS_Store": "no picture by name or content: no error",
    "broken/Thumbs.db": "an OLE file, which exiftool takes for FlashPix",
    "broken/bomb_dims_only.png": "its header's checksum is wrong: its size is not believed",
    "broken/nul_tail.jpg": "half of it is grey: the scaled decoder fills it in another way",
    "broken/truncated.heic": "exiftool and its boxes say truncated, the decoder fills it up",
    "broken/zero_width.gif": "0 x 32 pixels are no size",
    "broken/hopper_bad_exif.jpg": "its orientation is read where exiftool gives up",
    "dups/natural/flower.webp": "exiftool 12.57 does not read its EXIF, which is sound",
    "formats/exif.png": "its hash in the truth ignores that it is transparent",
    "formats/exif_text.png": "as exif.png; exiftool does not see its orientation",
    "formats/fixture-sequence.avif": "exiftool 12.57 does not know the brand avis",
    "makers/mex/Nikon D5000.jpg": "the orientation is that of the embedded thumbnail (IFD1)",
    "raw/CRW_0001.THM": "a sidecar is not decoded",
    "sidecars/DSC_7001.xmp": "the size is that of the picture beside it",
    **{
        f"orientation/hopper_orientation_{n}.webp": "exiftool 12.57 does not read it"
        for n in range(2, 9)
    },
}


def missed(findings: dict[str, Finding], truth: dict[str, Any], judge: Any) -> dict[str, Any]:
    """Every file that the judge finds different, without those that are argued."""
    judged = {name: judge(findings[name], entry) for name, entry in truth["files"].items()}
    return {name: wrong for name, wrong in judged.items() if wrong and name not in ARGUED}


def stated(entry: dict[str, Any], name: str) -> str | None:
    for group in ("EXIF", "MakerNotes", "QuickTime", "SigmaRaw", "XMP"):
        text = str(entry["exiftool"].get(f"{group}:{name}", "")).strip()
        if text:
            return text
    return None


def test_every_digest_is_true(findings: dict[str, Finding], truth: dict[str, Any]) -> None:
    def judge(finding: Finding, entry: dict[str, Any]) -> object:
        is_true = (finding.sha256, finding.bytes_read) == (entry["sha256"], entry["size"])
        return None if is_true else finding

    assert missed(findings, truth, judge) == {}


@needs_exiftool
def test_every_media_type_is_true(findings: dict[str, Finding], truth: dict[str, Any]) -> None:
    def judge(finding: Finding, entry: dict[str, Any]) -> object:
        expected = entry["exiftool"].get("File:MIMEType")
        found = media_of(finding).media_type
        return None if expected in (None, found) else (found, expected)

    assert missed(findings, truth, judge) == {}


@needs_exiftool
def test_every_size_is_true(findings: dict[str, Finding], truth: dict[str, Any]) -> None:
    def judge(finding: Finding, entry: dict[str, Any]) -> object:
        sizes = [tuple(entry.get("decode", {}).get("size", ()))]
        match = re.fullmatch(r"(\d+)[x ](\d+)", entry["exiftool"].get("Composite:ImageSize", ""))
        sizes += [(int(match[1]), int(match[2]))] if match else []
        found = (measured(finding).width, measured(finding).height)
        return None if not any(sizes) or found in sizes else (found, sizes)

    assert missed(findings, truth, judge) == {}


@needs_exiftool
def test_every_make_and_model_is_true(findings: dict[str, Finding], truth: dict[str, Any]) -> None:
    def judge(finding: Finding, entry: dict[str, Any]) -> object:
        found = (measured(finding).metadata.make, measured(finding).metadata.model)
        expected = (stated(entry, "Make"), stated(entry, "Model"))
        return None if found == expected else (found, expected)

    assert missed(findings, truth, judge) == {}


@needs_exiftool
def test_every_orientation_is_true(findings: dict[str, Finding], truth: dict[str, Any]) -> None:
    def judge(finding: Finding, entry: dict[str, Any]) -> object:
        expected = entry["exiftool"].get("Orientation#")
        # XMP sidecars and others say it of a picture; outside 1 to 8 it says nothing.
        expected = expected if expected in range(1, 9) else None
        found = measured(finding).orientation
        return None if found == expected else (found, expected)

    assert missed(findings, truth, judge) == {}


@needs_exiftool
def test_the_broken_carry_an_error_and_the_healthy_do_not(
    findings: dict[str, Finding], truth: dict[str, Any]
) -> None:
    def judge(finding: Finding, entry: dict[str, Any]) -> object:
        verdict = entry.get("decode", {}).get("pillow")
        error = error_of(finding)
        return None if verdict is None or (verdict == "ok") == (error is None) else (error, verdict)

    assert missed(findings, truth, judge) == {}


@needs_exiftool
def test_files_that_no_decoder_judged_have_errors_where_they_should(
    findings: dict[str, Finding], truth: dict[str, Any]
) -> None:
    unjudged = {name for name, entry in truth["files"].items() if "decode" not in entry}

    errors = {name: error_of(findings[name]) for name in unjudged}

    assert {name: error for name, error in errors.items() if error} == {
        "broken/text.mov": "named .mov but is text",
        "broken/zero.mov": "empty file",
        "raw/traps/tiny_header.nef": "broken: its header cannot be understood",
        "raw/traps/tiny_header.orf": "broken: Bad IFD0 directory",
        "raw/traps/tiny_header.raf": "broken: Unknown file type",
        "raw/traps/tiny_header.rw2": "broken: Bad IFD0 directory",
        "video/truncated_moov_missing.mp4": "truncated",
    }


def test_every_hash_is_within_two_bits_of_the_full_pictures(
    findings: dict[str, Finding], truth: dict[str, Any]
) -> None:
    def judge(finding: Finding, entry: dict[str, Any]) -> object:
        expected = entry.get("decode", {}).get("phash")
        if expected is None:
            return None
        found = measured(finding).fingerprint
        if found is None:
            return "no fingerprint"
        distance = (found.phash ^ int(expected, 16)).bit_count()
        return None if distance <= 2 or found.is_degenerate else distance

    assert missed(findings, truth, judge) == {}


def test_pictures_of_nothing_are_degenerate_and_duplicates_are_not(
    findings: dict[str, Finding], truth: dict[str, Any]
) -> None:
    def is_degenerate(name: str) -> bool | None:
        found = measured(findings[name]).fingerprint
        return found.is_degenerate if found else None

    flats = [name for name in truth["files"] if name.startswith("dups/flats/")]
    seen = [
        member["path"]
        for group in truth["near_duplicate_groups"]
        for member in group["members"]
        if not member["path"].startswith("dups/flats/")
    ]

    assert [
        name for name in [*truth["near_uniform_images"], *flats] if not is_degenerate(name)
    ] == []
    assert [name for name in seen if is_degenerate(name)] == []


@needs_exiftool
def test_first_dates_reach_the_tags(findings: dict[str, Finding], truth: dict[str, Any]) -> None:
    def judge(finding: Finding, entry: dict[str, Any]) -> object:
        first = entry["first_valid_date"]
        found = measured(finding).metadata.tags.get(first["tag"]) if first else None
        return None if first is None or found == str(first["value"]).strip() else (found, first)

    assert missed(findings, truth, judge) == {}


@needs_exiftool
def test_live_photos_share_their_identifier(
    findings: dict[str, Finding], truth: dict[str, Any]
) -> None:
    for pair in truth["live_pairs"]:
        found = {
            measured(findings[pair[end]]).metadata.content_identifier for end in ("still", "video")
        }

        assert found == {pair["id"]}


# --- what a path can be -------------------------------------------------------------------------


def test_a_missing_path_is_gone(analyst: Analyst, tmp_path: Path) -> None:
    found = analyst.analyse(look(tmp_path / "a.jpg"))

    assert found == Finding(os.fsencode(tmp_path / "a.jpg"), problem=GONE)


def test_a_pipe_and_a_socket_are_told_and_never_waited_for(
    analyst: Analyst, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "a.jpg")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "b.jpg"))

    found = [analyst.analyse(look(tmp_path / name)) for name in ("a.jpg", "b.jpg")]

    assert [finding.stat for finding in found] == [None, None]
    assert found[0].problem == "not a regular file: a named pipe"
    assert found[1].problem == "not a regular file: a socket"


@pytest.mark.parametrize("name", [b"\xff\xfe.jpg", b"a\nb.jpg", b"-rf.jpg", b"x" * 251 + b".jpg"])
def test_any_name_is_read(analyst: Analyst, photos: Path, tmp_path: Path, name: bytes) -> None:
    path = os.path.join(os.fsencode(tmp_path), name)
    shutil.copyfile(photos / "makers/ianare/Nikon_COOLPIX_P1.jpg", path)

    found = measured(analyst.analyse(Look(path)))

    assert (found.error, found.metadata.make) == (None, "NIKON")


@pytest.mark.parametrize("name", ["a.jpg", "a.CR2", "a.mov", "a"])
def test_an_empty_file_is_nothing_yet_whatever_its_name_promises(
    analyst: Analyst, tmp_path: Path, name: str
) -> None:
    (tmp_path / name).touch()

    found = analyst.analyse(look(tmp_path / name))

    assert found.sha256 == hashlib.sha256().hexdigest()
    assert (measured(found).kind, measured(found).error) == (Kind.OTHER, "empty file")


def test_a_known_content_is_hashed_and_not_measured(
    analyst: Analyst, tmp_path: Path, noise: Image.Image
) -> None:
    path = tmp_path / "a.jpg"
    noise.save(path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()

    found = analyst.analyse(look(path, known_digests=frozenset({digest})))

    assert (found.sha256, found.measurement) == (digest, None)
    assert found.bytes_read == path.stat().st_size
    assert found.stat == Stat.of(path.stat())


def test_a_file_that_stopped_workers_is_hashed_and_named_only(
    analyst: Analyst, tmp_path: Path, noise: Image.Image
) -> None:
    path = tmp_path / "a.jpg"
    noise.save(path)

    found = analyst.analyse(look(path, is_careful=True))

    assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert measured(found).media_type == "image/jpeg"
    assert measured(found).fingerprint is None
    assert "stopped workers" in (measured(found).error or "")


def test_a_file_truncated_in_a_loop_is_never_a_mixture(analyst: Analyst, tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    whole = b"\xff\xd8\xff" + b"x" * 3_000_000
    path.write_bytes(whole)
    short = whole[:1_000_000]
    true = {
        hashlib.sha256(data).hexdigest() for data in (whole, short, short.ljust(3_000_003, b"\0"))
    }
    stop = threading.Event()

    def shake() -> None:
        while not stop.is_set():
            os.truncate(path, 1_000_000)
            os.truncate(path, 3_000_003)

    shaker = threading.Thread(target=shake)
    shaker.start()
    try:
        found = [analyst.analyse(look(path)) for _ in range(30)]
    finally:
        stop.set()
        shaker.join()

    assert {finding.sha256 for finding in found} <= {None, *true}
    assert all(finding.is_transient for finding in found if finding.sha256 is None)


def test_a_measurement_depends_on_the_bytes_alone(
    analyst: Analyst, tmp_path: Path, photos: Path
) -> None:
    for name in ("a.jpg", "b.JPG", "elsewhere"):
        shutil.copyfile(photos / "live/IMG_4711.JPG", tmp_path / name)

    found = {
        repr(measured(analyst.analyse(look(tmp_path / name))))
        for name in ("a.jpg", "b.JPG", "elsewhere")
    }

    assert len(found) == 1


def test_comments_of_megabytes_go_no_further(
    analyst: Analyst, tmp_path: Path, noise: Image.Image
) -> None:
    path = tmp_path / "a.jpg"
    noise.save(path, comment=b"x" * 60_000, exif=_exif({0x010F: "=cmd()\0" + "y" * 60_000}))

    found = measured(analyst.analyse(look(path)))

    assert found.error is None
    assert found.metadata.make == "=cmd()"
    assert len(pickle.dumps(found)) < 4000


def _exif(values: dict[int, str]) -> Image.Exif:
    exif = Image.Exif()
    for tag, value in values.items():
        exif[tag] = value
    return exif


def test_without_exiftool_everything_that_can_goes_on(photos: Path) -> None:
    analyst = Analyst(WorkerLimits(exiftool=None))

    nikon = measured(analyst.analyse(look(photos / "makers/ianare/Nikon_COOLPIX_P1.jpg")))
    raw = measured(analyst.analyse(look(photos / "raw/CRW_0001.CRW")))
    video = measured(analyst.analyse(look(photos / "live/IMG_4711.MOV")))
    sidecar = measured(analyst.analyse(look(photos / "sidecars/DSC_7001.xmp")))

    assert (nikon.error, nikon.metadata.make) == (None, "NIKON")
    assert nikon.fingerprint is not None
    assert "install libimage-exiftool-perl" in (raw.error or "")
    assert (raw.media_type, raw.kind) == ("image/x-canon-crw", Kind.RAW)
    assert "exiftool is needed" in (video.error or "")
    assert (sidecar.error, sidecar.metadata.make) == (None, "Canon")


def test_a_hanging_exiftool_costs_the_extra_tags_only(photos: Path, tmp_path: Path) -> None:
    program = tmp_path / "exiftool"
    program.write_text('#!/bin/sh\n[ "$3" = -ver ] && echo 12.57 && exit\nexec sleep 60\n')
    program.chmod(0o755)
    analyst = Analyst(WorkerLimits(exiftool=str(program), exiftool_seconds=0.3))
    started = time.monotonic()

    nikon = measured(analyst.analyse(look(photos / "makers/ianare/Nikon_COOLPIX_P1.jpg")))
    raw = measured(analyst.analyse(look(photos / "raw/CRW_0001.CRW")))

    assert time.monotonic() - started < 5
    assert (nikon.error, nikon.metadata.make) == (None, "NIKON")
    assert nikon.metadata.tags["ExifTool:Warning"] == "exiftool gave no answer within 0.3 s"
    assert raw.error == "exiftool gave no answer within 0.3 s"
    analyst.close()


def test_a_bug_in_measuring_is_a_fact_of_that_file(
    analyst: Analyst, tmp_path: Path, noise: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.jpg"
    noise.save(path)

    def fail(*_: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("twinlens.ingest.measure.fingerprint", fail)

    found = measured(analyst.analyse(look(path)))

    assert found.error == "could not be measured: RuntimeError: boom"
    assert found.media_type == "image/jpeg"


def test_fuzzed_pictures_give_findings(analyst: Analyst, photos: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(11)
    path = tmp_path / "a.jpg"
    for name in ("orientation/hopper_orientation_6.webp", "makers/ianare/Canon_40D.jpg"):
        good = np.frombuffer((photos / name).read_bytes(), np.uint8)
        for _ in range(40):
            bad = good.copy()
            places = rng.integers(0, bad.size, max(1, bad.size // 500))
            bad[places] = rng.integers(0, 256, places.size)
            path.write_bytes(bad.tobytes())

            assert analyst.analyse(look(path)).measurement is not None


# --- worker processes ---------------------------------------------------------------------------


def test_an_unprepared_process_says_so(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="prepare_worker"):
        analyse(look(tmp_path / "a.jpg"))


def _pool(limits: WorkerLimits) -> ProcessPool:
    return ProcessPool(
        max_workers=1,
        initializer=prepare_worker,
        initargs=[limits],
        context=multiprocessing.get_context("forkserver"),
    )


@needs_exiftool
def test_a_pool_of_bounded_processes_analyses(photos: Path) -> None:
    names = ("live/IMG_4711.JPG", "raw/CRW_0001.CRW", "formats/IMG_2927.HEIC", "broken/zero.jpg")
    with _pool(WorkerLimits(exiftool=PROGRAM)) as pool:
        futures = [pool.schedule(analyse, args=[look(photos / name)]) for name in names]
        found = [measured(future.result(timeout=60)) for future in futures]

    assert [measurement.error for measurement in found] == [None, None, None, "empty file"]
    assert [measurement.metadata.make for measurement in found[:3]] == ["Apple", "Canon", "Apple"]


def test_a_picture_that_needs_too_much_memory_is_a_fact(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    stream = io.BytesIO()
    Image.new("RGB", (12_000, 12_000)).save(stream, "PNG", compress_level=1)
    path.write_bytes(stream.getvalue())
    with _pool(WorkerLimits(memory_bytes=300 << 20)) as pool:
        found = measured(pool.schedule(analyse, args=[look(path)]).result(timeout=60))

    assert found.error == "needs more memory than a worker may use"
    assert found.media_type == "image/png"
