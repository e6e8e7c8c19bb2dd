"""Claims about walking a root."""

import errno
import os
import resource
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from twinlens.model.files import Stat
from twinlens.model.paths import join
from twinlens.watch import scanner
from twinlens.watch.descent import OPEN_LIMIT
from twinlens.watch.ignore import IgnoreList
from twinlens.watch.scanner import Listing, walk


@pytest.fixture
def root(tmp_path: Path) -> bytes:
    folder = tmp_path / "photos"
    folder.mkdir()
    return os.fsencode(folder)


def _touch(root: bytes, relative: bytes, content: bytes = b"x") -> bytes:
    path = os.path.join(root, relative)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)
    return path


def _paths(listings: Iterator[Listing]) -> list[bytes]:
    return [join(listing.directory, name) for listing in listings for name, _ in listing.entries]


def _open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_every_regular_file_comes_with_its_stat_in_sorted_order(root: bytes) -> None:
    names = [b"b/2.jpg", b"a.jpg", b"b/1.jpg", b"c.jpg", b"b/c/1.jpg", b"B/x.jpg"]
    for name in names:
        _touch(root, name, name)

    listings = list(walk(root, IgnoreList()))

    assert [listing.directory for listing in listings] == [
        root,
        root + b"/B",
        root + b"/b",
        root + b"/b/c",
    ]
    paths = _paths(listings)
    assert [os.path.relpath(path, root) for path in paths] == [
        b"a.jpg",
        b"c.jpg",
        b"B/x.jpg",
        b"b/1.jpg",
        b"b/2.jpg",
        b"b/c/1.jpg",
    ]
    stats = [stat for listing in listings for _, stat in listing.entries]
    assert stats == [Stat.of(os.lstat(path)) for path in paths]
    assert all(listing.error is None for listing in listings)
    assert {listing.device for listing in listings} == {os.lstat(root).st_dev}


def test_names_are_bytes_whatever_they_hold(root: bytes) -> None:
    names = [b"\xff\xfe bad.jpg", b"a\nb.jpg", b"\x1b[31m.jpg", b"-rf.jpg", b"x" * 255, b" "]
    for name in names:
        _touch(root, name)

    assert _paths(walk(root, IgnoreList())) == sorted(root + b"/" + name for name in names)


def test_links_pipes_sockets_and_devices_are_counted_and_not_touched(root: bytes) -> None:
    _touch(root, b"real/a.jpg")
    os.symlink(b"real", root + b"/link to a folder")
    os.symlink(b".", root + b"/loop")
    os.symlink(b"real/a.jpg", root + b"/link.jpg")
    os.symlink(b"nowhere", root + b"/broken.jpg")
    os.mkfifo(root + b"/pipe.jpg")
    server = socket.socket(socket.AF_UNIX)
    server.bind(root + b"/socket.jpg")
    server.close()
    expected = 6
    if os.geteuid() == 0:
        os.mknod(root + b"/zero.jpg", stat.S_IFCHR | 0o600, os.makedev(1, 5))
        expected += 1

    listings = list(walk(root, IgnoreList()))

    assert _paths(iter(listings)) == [root + b"/real/a.jpg"]
    assert listings[0].skipped == expected
    assert listings[0].error is None


def test_ignored_folders_are_not_entered(root: bytes) -> None:
    _touch(root, b"a.jpg")
    _touch(root, b"@eaDir/a.jpg/SYNOPHOTO_THUMB_XL.jpg")
    _touch(root, b"private/b.jpg")
    _touch(root, b"Thumbs.db")

    listings = list(walk(root, IgnoreList(exclude=["private/"])))

    assert [listing.directory for listing in listings] == [root]
    assert _paths(iter(listings)) == [root + b"/a.jpg"]
    assert listings[0].skipped == 3


def test_a_walk_under_a_folder_sees_that_folder_alone(root: bytes) -> None:
    _touch(root, b"a/b/1.jpg")
    _touch(root, b"a/b/c/2.jpg")
    _touch(root, b"a/3.jpg")
    _touch(root, b"@eaDir/x/4.jpg")

    assert _paths(walk(root, IgnoreList(), under=root + b"/a/b/")) == [
        root + b"/a/b/1.jpg",
        root + b"/a/b/c/2.jpg",
    ]
    assert list(walk(root, IgnoreList(), under=root + b"/@eaDir/x")) == []
    assert len(list(walk(root, IgnoreList(), under=root))) == 5 - 1


@pytest.mark.parametrize("under", [b"/elsewhere", b"2", b"/a/../../x"])
def test_a_folder_that_is_not_below_the_root_is_refused(root: bytes, under: bytes) -> None:
    with pytest.raises(ValueError, match="not"):
        list(walk(root, IgnoreList(), under=root + under if under != b"/elsewhere" else under))


@pytest.mark.parametrize("kind", ["missing", "file", "link"])
def test_a_root_that_cannot_be_read_is_an_error_and_not_empty(root: bytes, kind: str) -> None:
    path = root + b"/x"
    if kind == "file":
        _touch(root, b"x")
    if kind == "link":
        os.symlink(root, path)

    (listing,) = walk(path, IgnoreList())

    assert listing.error
    assert not listing.entries


def test_a_link_on_the_way_to_a_folder_is_not_followed(root: bytes, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "inner").mkdir(parents=True)
    (outside / "inner" / "secret.jpg").write_bytes(b"x")
    os.symlink(outside, root + b"/way")

    (listing,) = walk(root, IgnoreList(), under=root + b"/way/inner")

    assert listing.error
    assert not listing.entries


def test_a_folder_that_goes_while_walking_is_an_error(root: bytes) -> None:
    _touch(root, b"a/1.jpg")
    _touch(root, b"b/2.jpg")
    listings = walk(root, IgnoreList())
    next(listings)
    os.rename(root + b"/b", root + b"/gone")

    rest = list(listings)

    assert [(listing.directory, bool(listing.error)) for listing in rest] == [
        (root + b"/a", False),
        (root + b"/b", True),
    ]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become somebody who is not")
def test_a_folder_that_may_not_be_read_is_an_error_and_the_others_go_on(tmp_path: Path) -> None:
    script = (
        "import os, sys\n"
        "from twinlens.watch.ignore import IgnoreList\n"
        "from twinlens.watch.scanner import walk\n"
        "os.setuid(65534)\n"
        "for l in walk(os.fsencode(sys.argv[1]), IgnoreList()):\n"
        "    print(os.path.basename(l.directory).decode(), l.error, len(l.entries))\n"
    )
    root = Path(subprocess.check_output(["mktemp", "-d"], text=True).strip())
    try:
        for name in ("closed", "open"):
            (root / name).mkdir()
            (root / name / "a.jpg").write_bytes(b"x")
        (root / "closed").chmod(0)
        root.chmod(0o755)

        lines = _run_python(script, str(root)).splitlines()
    finally:
        subprocess.check_call(["rm", "-r", str(root)])

    assert lines[1:] == ["closed Permission denied 0", "open None 1"]


def _run_python(script: str, *arguments: str) -> str:
    package = Path(scanner.__file__).parents[2]
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", script, *arguments],
        env={**os.environ, "PYTHONPATH": str(package)},
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout


def _make_deep(root: bytes, depth: int, name: bytes) -> None:
    """Folders with a file and a sibling at each level; far longer than PATH_MAX."""
    descriptor = os.open(root, os.O_RDONLY)
    for _ in range(depth):
        for each in (name, b"zz sibling"):
            os.mkdir(each, dir_fd=descriptor)
        os.close(os.open(b"a.jpg", os.O_CREAT | os.O_WRONLY, 0o600, dir_fd=descriptor))
        below = os.open(name, os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = below
    os.close(descriptor)


def _remove_deep(root: bytes) -> None:
    # Python's own rmtree recurses.
    subprocess.check_call([b"rm", b"-r", root])


def test_a_tree_far_deeper_than_a_path_may_be_long_is_walked_with_few_descriptors(
    root: bytes,
) -> None:
    depth = 1000
    _make_deep(root, depth, b"d" * 100)
    before = _open_descriptors()
    most = 0
    files = folders = 0
    try:
        for listing in walk(root, IgnoreList()):
            assert listing.error is None
            folders += 1
            files += len(listing.entries)
            if folders % 50 == 0:
                most = max(most, _open_descriptors())
    finally:
        _remove_deep(root)

    assert files == depth
    assert folders == 2 * depth + 1
    assert most - before <= OPEN_LIMIT + 3
    assert _open_descriptors() == before


def test_a_deep_folder_moved_away_meanwhile_is_an_error_and_never_another_one(
    root: bytes,
) -> None:
    depth = OPEN_LIMIT + 10
    _make_deep(root, depth, b"d")
    listings = walk(root, IgnoreList())
    for _ in range(depth + 1):
        next(listings)
    # The folder at the third level was shut; another one takes its place.
    os.rename(root + b"/d/d/d", root + b"/old")
    _touch(root, b"d/d/d/zz sibling/not mine.jpg")

    rest = list(listings)

    assert not any(b"not mine" in path for path in _paths(rest))
    assert any(listing.error for listing in rest)


def test_a_walk_that_is_given_up_leaves_nothing_open(root: bytes) -> None:
    _touch(root, b"a/b/c/1.jpg")
    before = _open_descriptors()

    listings = walk(root, IgnoreList())
    next(listings)
    next(listings)
    listings.close()  # type: ignore[attr-defined]  # it is a generator, promised as an iterator

    assert _open_descriptors() == before


def test_a_walk_can_be_stopped_within_a_large_folder(root: bytes) -> None:
    for number in range(5000):
        os.close(os.open(root + b"/%d.jpg" % number, os.O_CREAT | os.O_WRONLY))
    asked = iter([False, False, True])

    listings = list(walk(root, IgnoreList(), is_stopped=lambda: next(asked)))

    assert listings == []


def test_an_error_in_the_middle_of_a_folder_keeps_what_was_read(
    root: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (b"a.jpg", b"b.jpg", b"c.jpg"):
        _touch(root, name)
    real = os.scandir

    class Failing:
        def __init__(self, descriptor: int) -> None:
            self._inner = real(descriptor)

        def __enter__(self) -> "Iterator[os.DirEntry[str]]":
            yield_two = (next(self._inner) for _ in range(2))

            def entries() -> "Iterator[os.DirEntry[str]]":
                yield from yield_two
                raise OSError(errno.EIO, "Input/output error")

            return entries()

        def __exit__(self, *_: object) -> None:
            self._inner.close()

    monkeypatch.setattr(os, "scandir", Failing)
    (listing,) = walk(root, IgnoreList())

    assert listing.error == "Input/output error"
    assert len(listing.entries) == 2


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount")
def test_another_mount_below_the_root_is_entered_and_its_device_told(root: bytes) -> None:
    script = (
        "import os, subprocess, sys\n"
        "from twinlens.watch.ignore import IgnoreList\n"
        "from twinlens.watch.scanner import walk\n"
        "root = os.fsencode(sys.argv[1])\n"
        "os.mkdir(root + b'/inner')\n"
        "subprocess.check_call(['mount', '-t', 'tmpfs', 'tmpfs', root + b'/inner'])\n"
        "open(root + b'/inner/a.jpg', 'w').close()\n"
        "listings = list(walk(root, IgnoreList()))\n"
        "print(len({l.device for l in listings}), sum(len(l.entries) for l in listings))\n"
    )
    package = Path(scanner.__file__).parents[2]
    done = subprocess.run(
        ["unshare", "-m", "--propagation", "private", sys.executable, "-c", script, root],
        env={**os.environ, "PYTHONPATH": str(package)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip(f"no mount here: {done.stderr.strip()[-200:]}")

    assert done.stdout.split() == ["2", "1"]


def test_a_folder_of_many_files_does_not_need_the_memory_of_a_tree(root: bytes) -> None:
    for number in range(20_000):
        os.close(os.open(root + b"/%06d.jpg" % number, os.O_CREAT | os.O_WRONLY))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    (listing,) = walk(root, IgnoreList())

    assert len(listing.entries) == 20_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 40_000
