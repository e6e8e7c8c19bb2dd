"""Claims about what is never looked at, and about what must never be taken for junk."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinlens.watch.ignore import EXCLUDED, NOT_INCLUDED, IgnoreList


@pytest.mark.parametrize(
    ("path", "owner"),
    [
        (b"2020/@eaDir/IMG_1.jpg/SYNOPHOTO_THUMB_XL.jpg", "Synology"),
        (b"2020/SYNOFILE_THUMB_M.jpg", "Synology"),
        (b"#recycle/a.jpg", "Synology"),
        (b"#RECYCLE/a.jpg", "Synology"),
        (b"a/.@__thumb/b.jpg", "QNAP"),
        (b"@Recently-Snapshot/x/y.jpg", "QNAP"),
        (b".zfs/snapshot/daily/a.jpg", "snapshots"),
        (b"lost+found/#12", "snapshots"),
        (b".stversions/a.jpg", "Syncthing"),
        (b"a/.syncthing.IMG_1.jpg.tmp", "Syncthing"),
        (b"~syncthing~IMG_1.jpg.tmp", "Syncthing"),
        (b"a/IMG_1.jpg.part", "partial"),
        (b"a/IMG_1.JPG.CRDOWNLOAD", "partial"),
        (b"~$report.tif", "partial"),
        (b"a/.IMG_1.jpg.Xy12aB", "rsync"),
        (b".pending-1700000000-IMG.jpg", "Android"),
        (b".trashed-1700000000-IMG.jpg", "Android"),
        (b"DCIM/.thumbnails/1.jpg", "Android"),
        (b"a/._IMG_1.jpg", "macOS"),
        (b"__MACOSX/a.jpg", "macOS"),
        (b"a/thumbs.DB", "Windows"),
        (b"System Volume Information/a.jpg", "Windows"),
        (b".Trash-1000/files/a.jpg", "trash"),
        (b"My.photoslibrary/originals/a.jpg", "applications"),
        (b".twinlens/canary-1", "twinlens"),
        (b".smbdeleteAAA12", "open"),
        (b".nfs000000000012345600000001", "open"),
    ],
)
def test_the_junk_of_other_programs_is_left_out_and_named(path: bytes, owner: str) -> None:
    reason = IgnoreList().reason(path, is_directory=False)

    assert reason is not None
    assert owner in reason


@pytest.mark.parametrize(
    "path",
    [
        b"IMG_1.jpg",
        b"2020/05 holiday/IMG_1.JPG",
        b"IMG_1.sync-conflict-20200101-120000-ABCDEFG.jpg",
        b"part/a.jpg",
        b"tmp/a.jpg",
        b"eaDir/a.jpg",
        b".hidden.jpg",
        b".family.photos/a.jpg",
        b"party.jpg",
        b"a/IMG_1.thumbnails.jpg",
        b"\xff\xfe bad.jpg",
        b"a\nb.jpg",
        b"-rf.jpg",
        b"x" * 255,
    ],
)
def test_a_picture_of_the_owner_is_not_junk(path: bytes) -> None:
    assert IgnoreList().reason(path, is_directory=False) is None


def test_a_name_that_is_junk_as_a_folder_may_be_a_file() -> None:
    ignore = IgnoreList()

    assert ignore.reason(b".thumbnails", is_directory=True) is not None
    assert ignore.reason(b".thumbnails", is_directory=False) is None


def test_a_folder_named_like_an_rsync_temporary_is_taken() -> None:
    ignore = IgnoreList()

    assert ignore.reason(b".my.photos", is_directory=True) is None
    assert ignore.reason(b".my.photos", is_directory=False) is not None


def test_the_root_itself_is_taken() -> None:
    assert IgnoreList(include=["*.jpg"]).reason(b"", is_directory=True) is None


@pytest.mark.parametrize(
    ("pattern", "path", "is_directory", "is_excluded"),
    [
        ("*.gif", b"a.gif", False, True),
        ("*.gif", b"a/b/c.GIF", False, True),
        ("*.gif", b"a.gif.jpg", False, False),
        ("/*.gif", b"a.gif", False, True),
        ("/*.gif", b"a/b.gif", False, False),
        ("private", b"private", True, True),
        ("private", b"a/private/b/c.jpg", False, True),
        ("private", b"privateer/c.jpg", False, False),
        ("private/", b"private", False, False),
        ("private/", b"private", True, True),
        ("private/", b"x/private/a.jpg", False, True),
        ("private/**", b"private", True, True),
        ("private/**", b"private/a/b.jpg", False, True),
        ("private/**", b"a/private/b.jpg", False, False),
        ("**/raw/*.jpg", b"raw/a.jpg", False, True),
        ("**/raw/*.jpg", b"x/y/raw/a.jpg", False, True),
        ("**/raw/*.jpg", b"x/raw/y/a.jpg", False, False),
        ("a/**/z.jpg", b"a/z.jpg", False, True),
        ("a/**/z.jpg", b"a/b/c/z.jpg", False, True),
        ("a/*/z.jpg", b"a/b/c/z.jpg", False, False),
        ("IMG_?.jpg", b"IMG_1.jpg", False, True),
        ("IMG_?.jpg", b"IMG_12.jpg", False, False),
        ("IMG_[0-4].jpg", b"IMG_3.jpg", False, True),
        ("IMG_[!0-4].jpg", b"IMG_3.jpg", False, False),
        ("a[", b"a[", False, True),
        ("ä/*.jpg", "ä/b.jpg".encode(), False, True),
        ("a.b", b"aXb", False, False),
        ("a\nb*", b"a\nb\nc", False, True),
    ],
)
def test_a_glob_covers_what_it_says(
    pattern: str, path: bytes, is_directory: bool, is_excluded: bool
) -> None:
    reason = IgnoreList(exclude=[pattern]).reason(path, is_directory=is_directory)

    assert reason == (EXCLUDED if is_excluded else None)


def test_with_an_include_list_only_its_files_are_taken_but_every_folder_is_entered() -> None:
    ignore = IgnoreList(include=["*.jpg", "scans/"], exclude=["secret.jpg"])

    assert ignore.reason(b"a/b.jpg", is_directory=False) is None
    assert ignore.reason(b"x/scans/b.tif", is_directory=False) is None
    assert ignore.reason(b"a/b.tif", is_directory=False) == NOT_INCLUDED
    assert ignore.reason(b"a/secret.jpg", is_directory=False) == EXCLUDED
    assert ignore.reason(b"a", is_directory=True) is None


def test_junk_stays_junk_whatever_is_included() -> None:
    ignore = IgnoreList(include=["**"])

    assert ignore.reason(b"@eaDir/a.jpg", is_directory=False) is not None


def test_a_pattern_that_cannot_be_read_is_named() -> None:
    with pytest.raises(ValueError, match=re.escape("IMG_[9-0]")):
        IgnoreList(exclude=["IMG_[9-0]"])


_NAMES = st.binary(min_size=1, max_size=12).filter(lambda name: b"/" not in name)


@given(st.lists(_NAMES, min_size=1, max_size=5), st.booleans())
def test_a_path_is_left_out_as_soon_as_one_folder_above_it_is(
    parts: list[bytes], is_directory: bool
) -> None:
    ignore = IgnoreList()
    path = b"/".join(parts)

    above = [b"/".join(parts[:end]) for end in range(1, len(parts))]
    is_above_out = any(ignore.reason(each, is_directory=True) for each in above)
    is_out = ignore.reason(path, is_directory=is_directory) is not None

    assert is_out or not is_above_out
    if not is_above_out:
        own = ignore.reason_in_taken_folder(path, is_directory=is_directory)
        assert is_out == (own is not None)


@given(st.text(max_size=20), st.binary(max_size=40))
def test_any_pattern_is_either_refused_or_answers(pattern: str, path: bytes) -> None:
    try:
        ignore = IgnoreList(exclude=[pattern])
    except ValueError:
        return
    ignore.reason(path, is_directory=False)
