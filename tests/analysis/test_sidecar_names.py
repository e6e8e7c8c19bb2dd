"""Claims about the names of sidecars, and the key under which files meet."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinlens.analysis.sidecar_names import BUCKET_LENGTH, TargetForm, bucket_of, sidecar_target


@pytest.mark.parametrize(
    ("name", "target", "form", "number"),
    [
        ("DSC_1.JPG.xmp", "dsc_1.jpg", TargetForm.FULL, ""),
        ("DSC_1.xmp", "dsc_1", TargetForm.STEM, ""),
        ("2019.05.01 trip.xmp", "2019.05.01 trip", TargetForm.STEM, ""),
        ("IMG_O1234.AAE", "img_o1234", TargetForm.STEM, ""),
        ("a.jpg.json", "a.jpg", TargetForm.FULL, ""),
        ("a.jpg(1).json", "a(1).jpg", TargetForm.FULL, ""),
        ("a(1).jpg.json", "a(1).jpg", TargetForm.FULL, ""),
        ("a.jpg.supplemental-metadata.json", "a.jpg", TargetForm.FULL, ""),
        ("a.jpg.supplemental-meta.json", "a.jpg", TargetForm.FULL, ""),
        ("a.jpg.supplemental-metadata(2).json", "a(2).jpg", TargetForm.FULL, ""),
        (f"{'n' * 46}.json", "n" * 46, TargetForm.CUT, ""),
        (f"{'n' * 43}.jp.json", f"{'n' * 43}.jp", TargetForm.CUT, ""),
        (f"{'n' * 43}(3).json", "n" * 43, TargetForm.CUT, "(3)"),
        ("metadata.json", "metadata", TargetForm.STEM, ""),
    ],
)
def test_a_sidecar_names_its_picture(name: str, target: str, form: TargetForm, number: str) -> None:
    found = sidecar_target(name.encode())

    assert found is not None
    assert (found.name, found.form, found.number) == (target, form, number)


def test_a_picture_is_no_sidecar() -> None:
    assert sidecar_target(b"a.jpg") is None
    assert sidecar_target(b".xmp") is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("IMG_O1234.AAE", "IMG_1234.HEIC"),
        ("IMG_E1234.JPG", "IMG_1234.HEIC"),
        ("GL010023.LRV", "GX010023.MP4"),
        ("LRV_20200101_120000_11_001.lrv", "VID_20200101_120000_00_001.mp4"),
        ("a.jpg(1).json", "a(1).jpg"),
        (f"{'n' * 46}.json", f"{'n' * 90}.jpg"),
        (f"{'n' * 46}.json", f"{'n' * 90}-edited.jpg"),
        ("PXL_20210801_100000123.RAW-01.COVER.jpg.supple.json", "PXL_20210801_100000123.dng"),
        (
            "00100lPORTRAIT_00100_BURST20190811134326873_CO.json",
            "00100lPORTRAIT_00100_BURST20190811134326873_COVER.jpg",
        ),
        (
            "Mr. Smith on a very long holiday in the mounta.json",
            "Mr. Smith on a very long holiday in the mountains.jpg",
        ),
    ],
)
def test_a_sidecar_meets_its_picture(one: str, other: str) -> None:
    assert bucket_of(one.encode()) == bucket_of(other.encode())


@given(st.binary(max_size=200), st.sampled_from([b".xmp", b".json", b".jpg.json", b".jpg", b""]))
def test_any_name_has_a_bucket_that_a_database_takes(stem: bytes, end: bytes) -> None:
    bucket = bucket_of(stem + end)

    assert len(bucket) <= BUCKET_LENGTH
    bucket.encode("utf-8")
