"""Section J: pictures made to harm. Each is looked at by real worker processes, as the daemon does;
whatever a picture does, its digest is true and the next picture is looked at.
"""

import hashlib
import io
import os
import random
import shutil
import struct
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin
from pillow_heif import register_heif_opener

from support.pictures import picture
from twinlens.ingest.limits import WorkerLimits
from twinlens.ingest.worker import look_at, start_worker
from twinlens.jobs.pool import WorkerPool
from twinlens.model.files import Finding, Look
from twinlens.model.picture import Kind, Measurement

LONG = os.environ.get("TWINLENS_LONG") == "1"
MEMORY = 512 << 20
SECONDS = 60.0


class Bench:
    """Workers, and what they say of bytes under a name."""

    def __init__(self, pool: WorkerPool, folder: Path) -> None:
        self._pool = pool
        self._folder = folder

    def look(self, *files: tuple[str, bytes]) -> list[Finding]:
        """Look at these files at once. Each digest is true."""
        futures = []
        for number, (name, data) in enumerate(files):
            folder = self._folder / str(number)
            folder.mkdir(exist_ok=True)
            path = folder / name
            path.write_bytes(data)
            look = Look(os.fsencode(path), size=len(data))
            futures.append(self._pool.submit(look_at, look))
        findings = [future.result(SECONDS) for future in futures]
        for finding, (name, data) in zip(findings, files, strict=True):
            assert finding.sha256 == hashlib.sha256(data).hexdigest(), name
        return findings

    def measured(self, name: str, data: bytes) -> Measurement:
        """What is said of one file."""
        (finding,) = self.look((name, data))
        assert finding.measurement is not None
        return finding.measurement


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    limits = WorkerLimits(
        memory_bytes=MEMORY, exiftool=shutil.which("exiftool"), exiftool_seconds=20.0
    )
    pool = WorkerPool(
        2,
        initializer=start_worker,
        initargs=(limits,),
        deadline=lambda args: SECONDS,
    )
    pool.start_server()
    yield pool
    pool.shutdown(cancel_futures=True)


@pytest.fixture
def bench(pool: WorkerPool, tmp_path: Path) -> Iterator[Bench]:
    """Workers; behind every test they still measure a healthy picture."""
    bench = Bench(pool, tmp_path)
    yield bench
    assert bench.measured("healthy.jpg", picture(1)).error is None


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_of(width: int, height: int, data: bytes) -> bytes:
    """A PNG of one bit a pixel that says this size, whatever its data hold."""
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def flat_png(side: int) -> bytes:
    """A black PNG of this size, in a few bytes a thousand rows."""
    row = b"\0" * (1 + (side + 7) // 8)
    pack = zlib.compressobj(9)
    data = b"".join(pack.compress(row) for _ in range(side)) + pack.flush()
    return png_of(side, side, data)


@pytest.mark.parametrize("side", [30_000, 65_535])
def test_j1_a_bomb_of_pixels_is_measured_by_its_header_and_never_unpacked(
    bench: Bench, side: int
) -> None:
    bomb = png_of(side, side, zlib.compress(b"\0" * 9000))
    assert len(bomb) < 200
    started = time.monotonic()

    found = bench.measured("bomb.png", bomb)

    assert time.monotonic() - started < SECONDS / 2
    assert (found.width, found.height) == (side, side)
    assert found.error is not None
    assert "too large to decode" in found.error
    assert found.fingerprint is None


def test_j2_a_picture_just_below_the_limit_costs_itself_at_most(bench: Bench) -> None:
    large = flat_png(13_300)
    assert len(large) < 60_000
    (finding, other) = bench.look(("large.png", large), ("healthy.jpg", picture(2)))

    found = finding.measurement
    assert found is not None
    assert (found.width, found.height) == (13_300, 13_300)
    assert found.error in (None, "needs more memory than a worker may use")
    assert other.measurement is not None
    assert other.measurement.error is None


@pytest.mark.parametrize("kind", ["zTXt", "iTXt"])
def test_j3_a_bomb_of_text_is_not_unpacked(bench: Bench, kind: str) -> None:
    text = PngImagePlugin.PngInfo()
    if kind == "zTXt":
        text.add_text("Comment", "x" * 200_000_000, zip=True)
    else:
        text.add_itxt("Comment", "x" * 200_000_000, zip=True)
    stream = io.BytesIO()
    Image.new("RGB", (64, 48)).save(stream, "PNG", pnginfo=text)
    assert len(stream.getvalue()) < 300_000

    found = bench.measured("text.png", stream.getvalue())

    assert (found.width, found.height) == (64, 48)
    assert found.error is not None
    assert "text is larger than allowed" in found.error


def encoded(form: str) -> bytes:
    register_heif_opener()
    stream = io.BytesIO()
    Image.open(io.BytesIO(picture(7, (320, 240)))).save(stream, form)
    return stream.getvalue()


FORMATS = {
    "JPEG": "jpg", "PNG": "png", "TIFF": "tif", "GIF": "gif", "WEBP": "webp", "BMP": "bmp",
    "JPEG2000": "jp2", "HEIF": "heic", "AVIF": "avif",
}  # fmt: skip


@pytest.mark.parametrize("form", FORMATS)
def test_j4_a_picture_cut_anywhere_is_broken_and_its_digest_is_true(
    bench: Bench, form: str
) -> None:
    try:
        whole = encoded(form)
    except (KeyError, OSError) as error:
        pytest.skip(f"no {form} can be written here: {error}")
    name = f"a.{FORMATS[form]}"
    cuts = [0, 1, *(len(whole) * part // 20 for part in range(1, 20))]

    findings = bench.look((name, whole), *((name, whole[:cut]) for cut in cuts))

    errors = [finding.measurement and finding.measurement.error for finding in findings]
    assert errors[0] is None, "the whole one is not well: this would tell nothing"
    assert errors[1] == "empty file"
    # A format may be whole before its last bytes; half of one never is.
    one_byte = findings[2].measurement
    assert one_byte is not None
    assert one_byte.kind is Kind.OTHER
    assert all(errors[3:12]), list(zip(cuts, errors[1:], strict=True))


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "WEBP", "HEIF"])
def test_j5_flipped_bits_cost_no_worker_and_no_other_picture(bench: Bench, form: str) -> None:
    whole = encoded(form)
    flipped = []
    for seed in range(1000 if LONG else 40):
        chance = random.Random(seed)
        bad = bytearray(whole)
        for _ in range(max(1, len(bad) * 8 // 500)):
            bad[chance.randrange(len(bad))] ^= 1 << chance.randrange(8)
        flipped.append((f"{seed}.{FORMATS[form]}", bytes(bad)))

    findings = bench.look(*flipped)

    assert all(finding.measurement is not None for finding in findings)
    assert any(finding.measurement.error for finding in findings if finding.measurement)


def hidden_zip() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("script.sh", "touch /tmp/owned")
    return stream.getvalue()


def test_j6_the_type_is_that_of_the_content_and_what_hides_behind_it_is_not_opened(
    bench: Bench,
) -> None:
    png = encoded("PNG")
    html = b"<html><script>alert(1)</script></html>"
    jpeg = picture(3)
    comment = b"\xff\xfe" + struct.pack(">H", len(html) + 2) + html
    named = {
        "png.jpg": (png, "image/png", None),
        "zip.jpg": (jpeg + hidden_zip(), "image/jpeg", None),
        "html in a comment.jpg": (jpeg[:2] + comment + jpeg[2:], "image/jpeg", None),
    }
    findings = bench.look(*((name, data) for name, (data, _, _) in named.items()))
    for finding, (name, (_, media_type, error)) in zip(findings, named.items(), strict=True):
        found = finding.measurement
        assert found is not None
        assert (found.media_type, found.error) == (media_type, error), name
        assert found.fingerprint is not None

    page = bench.measured("page.jpg", html + jpeg)
    assert (page.kind, page.fingerprint) == (Kind.OTHER, None)


NOT_PICTURES = {
    "SVG": b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="x()"/>',
    "EPS": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/tmp/owned) (w) file\n",
    "PDF": b"%PDF-1.7\n1 0 obj<</OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj\n%%EOF\n",
    "PSD": b"8BPS\0\1" + b"\0" * 6 + struct.pack(">HIIHH", 3, 10, 10, 8, 3) + b"\0" * 60,
    "FITS": b"SIMPLE  =                    T".ljust(80) + b"END".ljust(2800),
    "DjVu": b"AT&TFORM" + struct.pack(">I", 40) + b"DJVUINFO" + b"\0" * 40,
    "ELF": b"\x7fELF\2\1\1" + b"\0" * 64,
}


@pytest.mark.parametrize("kind", NOT_PICTURES)
def test_j9_what_is_no_photograph_is_not_decoded_under_whatever_name(
    bench: Bench, kind: str
) -> None:
    canary = Path("/tmp/owned")
    canary.unlink(missing_ok=True)
    for name in ("a.jpg", "a.png", "a.heic"):
        found = bench.measured(name, NOT_PICTURES[kind])
        assert found.fingerprint is None
        assert found.error or found.kind is Kind.OTHER, (name, found)
    assert not canary.exists()


def raw_with_counts(rng: random.Random) -> bytes:
    """A TIFF as RAWs are, whose directory promises far more than there is."""
    entries = rng.choice((1, 40, 65_535))
    body = b""
    for _ in range(min(entries, 60)):
        tag = rng.choice((0x0100, 0x0111, 0x0117, 0x014A, 0x8769, 0x927C, 0xC634, 0x010F))
        kind = rng.randrange(1, 14)
        count = rng.choice((1, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF))
        body += struct.pack("<HHII", tag, kind, count, rng.choice((8, 0, 0xFFFFFFF0, 64)))
    return b"II*\0\x08\0\0\0" + struct.pack("<H", entries) + body + struct.pack("<I", 8)


def heif_with_counts(rng: random.Random, whole: bytes) -> bytes:
    """A HEIC whose boxes promise other sizes and counts than they have."""
    bad = bytearray(whole)
    head = min(len(bad) - 4, 600)
    for _ in range(rng.randrange(1, 6)):
        place = rng.randrange(4, head)
        bad[place : place + 4] = rng.choice((b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff"))
    return bytes(bad)


def test_j10_counts_that_lie_cost_no_worker(bench: Bench) -> None:
    whole = encoded("HEIF")
    rounds = 400 if LONG else 25
    made: list[tuple[str, bytes]] = []
    for seed in range(rounds):
        rng = random.Random(seed)
        ending = rng.choice(("nef", "cr2", "dng", "arw", "tif"))
        made.append((f"{seed}.{ending}", raw_with_counts(rng)))
        made.append((f"{seed}.heic", heif_with_counts(rng, whole)))

    findings = bench.look(*made)

    assert all(finding.measurement is not None for finding in findings)
    assert any(finding.measurement.error for finding in findings if finding.measurement)


def many_frames(form: str, frames: int) -> bytes:
    stream = io.BytesIO()
    first, *rest = (Image.new("L", (8, 8), number % 256) for number in range(frames))
    first.save(stream, form, save_all=True, append_images=rest)
    return stream.getvalue()


def gif_of(frames: int) -> bytes:
    """One small frame, said again and again: Pillow would merge equal ones."""
    one = io.BytesIO()
    Image.new("P", (8, 8), 1).save(one, "GIF")
    data = one.getvalue()
    start = data.index(b"\x2c")
    frame = data[start:-1]
    return data[:start] + (b"\x21\xf9\x04\0\1\0\0\0" + frame) * frames + b";"


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("a.gif", lambda: gif_of(100_000)),
        ("a.png", lambda: many_frames("PNG", 2000)),
        ("a.webp", lambda: many_frames("WEBP", 2000)),
        ("a.tif", lambda: many_frames("TIFF", 2000)),
    ],
)
def test_j12_of_any_number_of_frames_the_first_is_measured(
    bench: Bench, name: str, make: Callable[[], bytes]
) -> None:
    data = make()
    started = time.monotonic()

    found = bench.measured(name, data)

    assert time.monotonic() - started < SECONDS / 2
    assert (found.width, found.height) == (8, 8)
    assert found.error is None


def test_j14_healthy_pictures_are_measured_among_any_number_of_hostile_ones(
    bench: Bench,
) -> None:
    count = 500 if LONG else 40
    whole, bomb = encoded("JPEG"), png_of(30_000, 30_000, zlib.compress(b"\0" * 9000))
    hostile: list[tuple[str, bytes]] = []
    for number in range(count):
        rng = random.Random(number)
        hostile += [
            rng.choice(
                [
                    ("bomb.png", bomb),
                    ("cut.jpg", whole[: rng.randrange(len(whole))]),
                    ("counts.nef", raw_with_counts(rng)),
                    ("eps.jpg", NOT_PICTURES["EPS"]),
                    ("noise.jpg", whole[:600] + rng.randbytes(3000)),
                ]
            )
        ]
    healthy = [(f"{number}.jpg", picture(number)) for number in range(count)]
    mixed = [each for pair in zip(hostile, healthy, strict=True) for each in pair]
    bench.look(*healthy)  # the workers are warm
    started = time.monotonic()
    bench.look(*healthy, *healthy)
    alone = time.monotonic() - started

    started = time.monotonic()
    findings = bench.look(*mixed)
    among = time.monotonic() - started

    for (name, _), finding in zip(mixed, findings, strict=True):
        assert finding.measurement is not None
        if (name, _) in healthy:
            assert finding.measurement.error is None, name
            assert finding.measurement.fingerprint is not None
    # They share their workers with the hostile ones, so their pace is what those leave of it: each
    # costs a tenth of a second at most, where a healthy one costs some milliseconds.
    assert among < 2 * alone + 0.1 * len(hostile) + 2.0
