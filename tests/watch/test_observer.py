"""Claims about the watcher, all with the kernel's own events."""

import errno
import os
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from watchdog.observers.inotify_c import InotifyConstants, InotifyEvent, Mask, WatchDescriptor

from twinlens.watch import observer as observer_module
from twinlens.watch.hints import Hint, HintKind, LostReason
from twinlens.watch.ignore import IgnoreList
from twinlens.watch.observer import Watcher

_PACKAGE = Path(observer_module.__file__).parents[2]
_QUEUE = Path("/proc/sys/fs/inotify/max_queued_events")


class Listener:
    """Keeps all hints and can wait for one."""

    def __init__(self) -> None:
        self.hints: list[Hint] = []
        self._news = threading.Condition()

    def __call__(self, hint: Hint) -> None:
        with self._news:
            self.hints.append(hint)
            self._news.notify_all()

    def wait(self, is_it: Callable[[Hint], bool], seconds: float = 10.0) -> Hint:
        with self._news:
            if not self._news.wait_for(lambda: any(map(is_it, self.hints)), seconds):
                raise AssertionError(f"no such hint among {self.hints[-20:]}")
            return next(filter(is_it, self.hints))

    def wait_for(self, kind: HintKind, path: bytes, seconds: float = 10.0) -> Hint:
        return self.wait(lambda hint: (hint.kind, hint.path) == (kind, path), seconds)

    def of(self, *kinds: HintKind) -> list[bytes]:
        return [hint.path for hint in self.hints if hint.kind in kinds]


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def watcher(listener: Listener) -> Iterator[Watcher]:
    watcher = Watcher(listener)
    watcher.start()
    yield watcher
    watcher.stop()
    watcher.join(10.0)


@pytest.fixture
def root(tmp_path: Path) -> bytes:
    folder = tmp_path / "photos"
    folder.mkdir()
    return os.fsencode(folder)


def _write(path: bytes, content: bytes = b"x") -> bytes:
    with open(path, "wb") as file:
        file.write(content)
    return path


def _fence(root: bytes, listener: Listener) -> None:
    """Wait until everything that happened so far has been told."""
    path = _write(root + b"/fence-%d.jpg" % time.monotonic_ns())
    listener.wait(lambda hint: hint.path == path and hint.is_closed)


def test_a_file_written_and_closed_is_hinted_at_as_closed(
    watcher: Watcher, listener: Listener, root: bytes
) -> None:
    report = watcher.watch(root, IgnoreList())

    path = _write(root + b"/a.jpg")

    assert (report.directories, report.failures, report.advice) == (1, 0, "")
    assert report.is_complete
    hint = listener.wait(lambda hint: hint.path == path and hint.is_closed)
    assert hint == Hint(HintKind.PATH, root, path, is_closed=True)


def test_names_arrive_as_the_bytes_they_are(
    watcher: Watcher, listener: Listener, tmp_path: Path
) -> None:
    root = os.fsencode(tmp_path) + b"/\xff root \xe4"
    os.mkdir(root)
    watcher.watch(root, IgnoreList())

    path = _write(root + b"/\xff\xfe bad\n.jpg")

    listener.wait_for(HintKind.PATH, path)


def test_renames_in_within_and_out_are_told(
    watcher: Watcher, listener: Listener, root: bytes, tmp_path: Path
) -> None:
    outside = os.fsencode(tmp_path) + b"/outside.jpg"
    watcher.watch(root, IgnoreList())

    _write(outside)
    os.rename(outside, root + b"/in.jpg")
    listener.wait_for(HintKind.PATH, root + b"/in.jpg")
    os.rename(root + b"/in.jpg", root + b"/within.jpg")
    moved = listener.wait_for(HintKind.MOVED, root + b"/in.jpg")
    os.rename(root + b"/within.jpg", outside)

    assert moved.destination == root + b"/within.jpg"
    listener.wait_for(HintKind.GONE, root + b"/within.jpg")


def test_a_temporary_name_is_not_told_and_its_rename_counts_as_a_close(
    watcher: Watcher, listener: Listener, root: bytes
) -> None:
    watcher.watch(root, IgnoreList())

    _write(root + b"/.a.jpg.Xy12aB")
    os.rename(root + b"/.a.jpg.Xy12aB", root + b"/a.jpg")
    _fence(root, listener)

    assert [hint for hint in listener.hints if b"fence" not in hint.path] == [
        Hint(HintKind.PATH, root, root + b"/a.jpg", is_closed=True)
    ]


def test_a_move_into_a_recycle_bin_is_told_as_gone(
    watcher: Watcher, listener: Listener, root: bytes
) -> None:
    os.mkdir(root + b"/#recycle")
    _write(root + b"/a.jpg")
    watcher.watch(root, IgnoreList())

    os.rename(root + b"/a.jpg", root + b"/#recycle/a.jpg")

    listener.wait_for(HintKind.GONE, root + b"/a.jpg")


def test_a_deleted_file_and_folder_are_told(
    watcher: Watcher, listener: Listener, root: bytes
) -> None:
    os.mkdir(root + b"/d")
    _write(root + b"/d/a.jpg")
    watcher.watch(root, IgnoreList())

    os.unlink(root + b"/d/a.jpg")
    os.rmdir(root + b"/d")

    listener.wait_for(HintKind.GONE, root + b"/d/a.jpg")
    listener.wait_for(HintKind.FOLDER_GONE, root + b"/d")


def _covered(listener: Listener, paths: set[bytes]) -> set[bytes]:
    folders = listener.of(HintKind.FOLDER)
    told = set(listener.of(HintKind.PATH))
    return {
        path
        for path in paths
        if path in told or any(path.startswith(folder + b"/") for folder in folders)
    }


def test_every_file_of_trees_made_in_a_hurry_is_covered_by_a_hint(
    watcher: Watcher, listener: Listener, root: bytes
) -> None:
    watcher.watch(root, IgnoreList())
    script = "for i in $(seq 100); do mkdir -p d$i/a/b/c; echo x > d$i/a/b/c/f.jpg; done"

    subprocess.run(["bash", "-c", script], cwd=root, check=True)
    _fence(root, listener)

    paths = {root + b"/d%d/a/b/c/f.jpg" % number for number in range(1, 101)}
    assert _covered(listener, paths) == paths
    later = _write(root + b"/d50/a/b/c/later.jpg")
    listener.wait(lambda hint: hint.path == later and hint.is_closed)


def test_every_file_of_an_unpacked_archive_is_covered_by_a_hint(
    watcher: Watcher, listener: Listener, root: bytes, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    for number in range(300):
        folder = source / f"{number % 60:02d}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}.jpg").write_bytes(b"x")
    subprocess.run(["tar", "cf", tmp_path / "a.tar", "-C", source, "."], check=True)
    watcher.watch(root, IgnoreList())

    subprocess.run(["tar", "xf", tmp_path / "a.tar", "-C", root], check=True)
    _fence(root, listener)

    paths = {root + b"/%02d/%d.jpg" % (number % 60, number) for number in range(300)}
    assert _covered(listener, paths) == paths


def test_a_folder_moved_in_is_one_hint_and_is_watched_from_then_on(
    watcher: Watcher, listener: Listener, root: bytes, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    (source / "inner").mkdir(parents=True)
    for number in range(50):
        (source / "inner" / f"{number}.jpg").write_bytes(b"x")
    watcher.watch(root, IgnoreList())

    source.rename(os.fsdecode(root) + "/in")
    listener.wait_for(HintKind.FOLDER, root + b"/in")
    _fence(root, listener)
    told = [path for path in listener.of(*HintKind) if path.startswith(root + b"/in")]
    later = _write(root + b"/in/inner/later.jpg")

    assert told == [root + b"/in"]
    listener.wait_for(HintKind.PATH, later)


def test_a_folder_renamed_within_is_one_hint_and_later_events_use_the_new_name(
    watcher: Watcher, listener: Listener, root: bytes
) -> None:
    os.makedirs(root + b"/old/inner")
    _write(root + b"/old/inner/a.jpg")
    watcher.watch(root, IgnoreList())

    os.rename(root + b"/old", root + b"/new")
    hint = listener.wait_for(HintKind.FOLDER_MOVED, root + b"/old")
    later = _write(root + b"/new/inner/later.jpg")
    listener.wait_for(HintKind.PATH, later)

    assert hint.destination == root + b"/new"
    assert listener.of(HintKind.MOVED) == []


def test_folders_made_just_before_a_rename_are_watched_under_the_new_name(
    watcher: Watcher, listener: Listener, root: bytes
) -> None:
    for number in range(20):
        os.makedirs(root + b"/old%d" % number)
    watcher.watch(root, IgnoreList())

    for number in range(20):
        # What unzip and rsync do: a tree under a temporary name, then its own.
        os.makedirs(root + b"/old%d/in/deep" % number)
        os.rename(root + b"/old%d" % number, root + b"/new%d" % number)
    listener.wait(lambda hint: hint.destination == root + b"/new19")
    _fence(root, listener)
    later = [_write(root + b"/new%d/in/deep/later.jpg" % number) for number in range(20)]

    for path in later:
        listener.wait_for(HintKind.PATH, path)


def test_a_folder_moved_out_sends_no_ghosts(
    watcher: Watcher, listener: Listener, root: bytes, tmp_path: Path
) -> None:
    outside = os.fsencode(tmp_path) + b"/outside"
    os.makedirs(root + b"/d/inner")
    watcher.watch(root, IgnoreList())

    os.rename(root + b"/d", outside)
    listener.wait_for(HintKind.FOLDER_GONE, root + b"/d")
    os.mkdir(root + b"/d")
    listener.wait_for(HintKind.FOLDER, root + b"/d")
    _fence(root, listener)
    _write(outside + b"/inner/ghost.jpg")
    _write(outside + b"/ghost.jpg")
    real = _write(root + b"/d/real.jpg")
    listener.wait_for(HintKind.PATH, real)

    assert not any(b"ghost" in hint.path for hint in listener.hints)
    assert watcher.watch(root, IgnoreList()).directories == 2


def test_ignored_folders_cost_no_watch_and_give_no_hint(
    watcher: Watcher, listener: Listener, root: bytes
) -> None:
    os.makedirs(root + b"/a/@eaDir/x/y")
    os.makedirs(root + b"/private/deep")
    os.symlink(root, root + b"/link")

    report = watcher.watch(root, IgnoreList(exclude=["private/"]))
    os.makedirs(root + b"/@eaDir/z")
    _write(root + b"/@eaDir/z/a.jpg")
    _write(root + b"/private/a.jpg")
    _write(root + b"/a/Thumbs.db")
    _fence(root, listener)

    assert report.directories == 2
    assert all(b"fence" in hint.path for hint in listener.hints)
    assert watcher.watch(root, IgnoreList()).directories == 2


def test_reading_files_gives_no_hints(watcher: Watcher, listener: Listener, root: bytes) -> None:
    path = _write(root + b"/a.jpg")
    watcher.watch(root, IgnoreList())

    for _ in range(10):
        with open(path, "rb") as file:
            file.read()
        os.listdir(root)
    _fence(root, listener)

    assert path not in listener.of(*HintKind)


def test_a_listener_that_fails_does_not_end_the_watcher(root: bytes) -> None:
    told = Listener()

    def fail_then_listen(hint: Hint) -> None:
        told(hint)
        raise RuntimeError("listener")

    watcher = Watcher(fail_then_listen)
    watcher.start()
    try:
        watcher.watch(root, IgnoreList())
        for name in (b"/a.jpg", b"/b.jpg"):
            told.wait_for(HintKind.PATH, _write(root + name))
        assert watcher.is_healthy
    finally:
        watcher.stop()
        watcher.join(10.0)


def test_an_event_that_cannot_be_handled_is_told_and_ends_no_thread(
    watcher: Watcher, listener: Listener, root: bytes
) -> None:
    watcher.watch(root, IgnoreList())
    internal = watcher._observer
    assert internal is not None

    class Broken(InotifyEvent):
        @property
        def is_ignored(self) -> bool:
            raise KeyError("a bookkeeping error")

    internal._queue.handle_event(
        Broken(WatchDescriptor(1), Mask(InotifyConstants.IN_CREATE), 0, b"x")
    )

    lost = listener.wait(lambda hint: hint.kind is HintKind.LOST)
    assert lost.lost is LostReason.BROKEN
    assert watcher.is_healthy


def test_a_deleted_root_is_told_and_can_be_watched_again(
    watcher: Watcher, listener: Listener, root: bytes
) -> None:
    watcher.watch(root, IgnoreList())

    os.rmdir(root)
    lost = listener.wait(lambda hint: hint.kind is HintKind.LOST)
    watcher.unwatch(root)
    refused = watcher.watch(root, IgnoreList())
    os.mkdir(root)
    report = watcher.watch(root, IgnoreList())
    path = _write(root + b"/a.jpg")

    assert (lost.lost, lost.path) == (LostReason.ROOT_GONE, root)
    assert (refused.is_watched, refused.first_errno) == (False, errno.ENOENT)
    assert report.is_complete
    listener.wait_for(HintKind.PATH, path)


def test_a_deleted_root_is_watched_again_without_being_let_go_first(
    watcher: Watcher, listener: Listener, root: bytes
) -> None:
    watcher.watch(root, IgnoreList())
    os.rmdir(root)
    listener.wait(lambda hint: hint.kind is HintKind.LOST)

    assert not watcher.watch(root, IgnoreList()).is_watched
    os.mkdir(root)
    assert watcher.watch(root, IgnoreList()).is_complete
    path = _write(root + b"/a.jpg")

    listener.wait_for(HintKind.PATH, path)


def test_other_roots_are_told_of_while_a_large_tree_is_being_watched(
    watcher: Watcher, listener: Listener, root: bytes, tmp_path: Path
) -> None:
    other = os.fsencode(tmp_path) + b"/other"
    os.makedirs(other + b"/slow")
    watcher.watch(root, IgnoreList())
    path = root + b"/a.jpg"

    class Slow(IgnoreList):
        def reason(self, relative: bytes, *, is_directory: bool) -> str | None:
            if relative == b"slow":
                listener.wait_for(HintKind.PATH, _write(path))
            return super().reason(relative, is_directory=is_directory)

    assert watcher.watch(other, Slow()).directories == 2


def test_a_renamed_root_is_told(watcher: Watcher, listener: Listener, root: bytes) -> None:
    watcher.watch(root, IgnoreList())

    os.rename(root, root + b" renamed")

    lost = listener.wait(lambda hint: hint.kind is HintKind.LOST)
    assert lost.lost is LostReason.ROOT_GONE


def test_a_root_no_longer_watched_gives_no_hints(
    watcher: Watcher, listener: Listener, root: bytes, tmp_path: Path
) -> None:
    other = os.fsencode(tmp_path) + b"/other"
    os.mkdir(other)
    watcher.watch(root, IgnoreList())
    watcher.watch(other, IgnoreList())

    watcher.unwatch(root)
    watcher.unwatch(root)
    _write(root + b"/a.jpg")
    _fence(other, listener)

    assert {hint.root for hint in listener.hints} == {other}


def test_stopping_leaves_no_thread_and_no_descriptor(root: bytes) -> None:
    threads = set(threading.enumerate())
    descriptors = len(os.listdir("/proc/self/fd"))
    watcher = Watcher(lambda hint: None)
    watcher.start()
    watcher.watch(root, IgnoreList())
    names = {thread.name for thread in set(threading.enumerate()) - threads}

    watcher.stop()
    watcher.stop()
    watcher.join(10.0)

    assert names == {"watch-inotify", "watch-hints", "watch-photos"}
    assert set(threading.enumerate()) <= threads
    assert len(os.listdir("/proc/self/fd")) == descriptors
    assert not watcher.is_healthy


def test_a_watcher_that_was_not_started_refuses_politely(root: bytes) -> None:
    watcher = Watcher(lambda hint: None)

    report = watcher.watch(root, IgnoreList())
    watcher.unwatch(root)
    watcher.stop()
    watcher.join(1.0)

    assert not report.is_watched


@pytest.fixture
def short_queue() -> Iterator[Callable[[], None]]:
    """Lower the kernel's queue for as short as it takes to open one descriptor."""
    if not os.access(_QUEUE, os.W_OK):
        pytest.skip("the kernel's queue cannot be made shorter here")
    before = _QUEUE.read_text()
    try:
        _QUEUE.write_text("64")

        def restore() -> None:
            _QUEUE.write_text(before)

        yield restore
    finally:
        _QUEUE.write_text(before)


def test_an_overflow_is_told_once_it_is_mended_and_nothing_stays_unwatched(
    short_queue: Callable[[], None],
    listener: Listener,
    root: bytes,
    caplog: pytest.LogCaptureFixture,
) -> None:
    for number in range(300):
        os.mkdir(root + b"/%d" % number)
    watcher = Watcher(listener)
    watcher.start()
    short_queue()
    try:
        assert watcher.watch(root, IgnoreList()).directories == 301
        assert watcher._observer is not None
        with watcher._observer.group_of(watcher._watches[root])._lock:
            # The reading thread stands still meanwhile.
            for number in range(2000):
                os.mkdir(root + b"/new%d" % number)
        lost = listener.wait(lambda hint: hint.lost is LostReason.OVERFLOW)
        assert (lost.kind, lost.path) == (HintKind.LOST, root)

        deadline = time.monotonic() + 10
        missed: set[bytes] = {b"?"}
        while missed and time.monotonic() < deadline:
            wanted = {root + b"/new%d/a.jpg" % number for number in range(0, 2000, 40)}
            for path in wanted:
                _write(path)
                time.sleep(0.002)
            time.sleep(0.2)
            missed = wanted - set(listener.of(HintKind.PATH))
        assert not missed
        assert "watchdog" not in {record.name.partition(".")[0] for record in caplog.records}
    finally:
        watcher.stop()
        watcher.join(10.0)


def test_an_overflow_removes_no_watch(
    watcher: Watcher, listener: Listener, root: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.makedirs(root + b"/a/b")
    watcher.watch(root, IgnoreList())
    internal = watcher._observer
    assert internal is not None
    removed: list[object] = []
    monkeypatch.setattr(internal._queue, "remove_callbacks", removed.append)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        internal._queue.handle_event(
            InotifyEvent(WatchDescriptor(-1), InotifyConstants.IN_Q_OVERFLOW, 0, b"")
        )
    monkeypatch.undo()

    listener.wait(lambda hint: hint.lost is LostReason.OVERFLOW)
    assert removed == []
    assert watcher.watch(root, IgnoreList()).directories == 3


_LIMITED = """
import os, sys, time
from twinlens.watch.ignore import IgnoreList
from twinlens.watch.observer import Watcher
root = os.fsencode(sys.argv[1])
hints = []
watcher = Watcher(hints.append)
watcher.start()
report = watcher.watch(root, IgnoreList())
print(report.directories, report.failures, report.first_errno, report.is_complete)
print(report.advice)
open(root + b"/a.jpg", "w").close()
for number in range(3):
    os.mkdir(root + b"/new%d" % number)
deadline = time.monotonic() + 10
while time.monotonic() < deadline and not any(h.lost for h in hints):
    time.sleep(0.02)
time.sleep(0.2)
lost = [h for h in hints if h.lost]
print(len(lost), lost[0].lost, "sysctl" in lost[0].detail)
print(any(h.path == root + b"/a.jpg" for h in hints))
watcher.stop()
watcher.join(5)
"""


def _limited(name: str, value: int, script: str, root: bytes) -> list[str]:
    command = f'echo {value} > /proc/sys/user/{name} && exec "$@"'
    done = subprocess.run(
        [
            *("unshare", "-Ur", "sh", "-c", command, "sh"),
            *(sys.executable, "-W", "error", "-c", script, os.fsdecode(root)),
        ],
        env={**os.environ, "PYTHONPATH": str(_PACKAGE)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode and ("unshare" in done.stderr or "/proc/sys/user" in done.stderr):
        pytest.skip(f"the limit cannot be lowered here: {done.stderr.strip()[-200:]}")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_at_the_watch_limit_the_rest_is_watched_and_the_limit_is_named(root: bytes) -> None:
    for number in range(50):
        os.mkdir(root + b"/%d" % number)

    lines = _limited("max_inotify_watches", 20, _LIMITED, root)

    assert lines[0] == f"20 31 {errno.ENOSPC} False"
    assert "user.max_inotify_watches is 20; set it to 65536: sysctl" in lines[1]
    assert lines[2] == "1 watch_limit True"
    assert lines[3] == "True"


_NO_INSTANCE = """
import os, sys
from twinlens.watch.ignore import IgnoreList
from twinlens.watch.observer import Watcher
watcher = Watcher(print)
watcher.start()
report = watcher.watch(os.fsencode(sys.argv[1]), IgnoreList())
print(report.is_watched, report.first_errno)
print(report.advice)
watcher.stop()
watcher.join(5)
"""


def test_without_room_for_a_watcher_the_report_says_so(root: bytes) -> None:
    script = "import logging\nlogging.disable()\n" + _NO_INSTANCE

    lines = _limited("max_inotify_instances", 0, script, root)

    assert lines[0] == f"False {errno.EMFILE}"
    assert "user.max_inotify_instances is 0" in lines[1]


_UNMOUNT = """
import os, subprocess, sys, time
from twinlens.watch.ignore import IgnoreList
from twinlens.watch.observer import Watcher
root = os.fsencode(sys.argv[1])
mount = lambda: subprocess.check_call(["mount", "-t", "tmpfs", "tmpfs", root])
mount()
for number in range(100):
    os.mkdir(root + b"/%d" % number)
hints = []
watcher = Watcher(hints.append)
watcher.start()
watcher.watch(root, IgnoreList())
subprocess.check_call(["umount", root])
deadline = time.monotonic() + 10
while time.monotonic() < deadline and not hints:
    time.sleep(0.02)
time.sleep(0.3)
print(len(hints), hints[0].lost, hints[0].path == root)
mount()
watcher.unwatch(root)
print(watcher.watch(root, IgnoreList()).is_complete)
open(root + b"/a.jpg", "w").close()
while time.monotonic() < deadline and not any(h.path == root + b"/a.jpg" for h in hints):
    time.sleep(0.02)
print(any(h.path == root + b"/a.jpg" for h in hints))
watcher.stop()
watcher.join(5)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount")
def test_an_unmounted_root_is_told_once_and_can_be_watched_again(root: bytes) -> None:
    done = subprocess.run(
        [
            *("unshare", "-m", "--propagation", "private"),
            *(sys.executable, "-W", "error", "-c", _UNMOUNT, os.fsdecode(root)),
        ],
        env={**os.environ, "PYTHONPATH": str(_PACKAGE)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode and ("unshare" in done.stderr or "mount:" in done.stderr):
        pytest.skip(f"no mounts here: {done.stderr.strip()[-200:]}")

    assert done.stderr == ""
    assert done.stdout.splitlines() == ["1 unmounted True", "True", "True"]
