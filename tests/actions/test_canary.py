"""Claims about the test file that proves events."""

import os
import stat
import threading
from pathlib import Path

from twinlens.actions.canary import prove_events
from twinlens.watch.hints import Hint, HintKind
from twinlens.watch.ignore import IgnoreList
from twinlens.watch.observer import Watcher


def _never(path: bytes, seconds: float) -> bool:
    return False


def test_a_watcher_that_works_sees_the_file(tmp_path: Path) -> None:
    root = os.fsencode(tmp_path)
    news = threading.Condition()
    hints: list[Hint] = []

    def listen(hint: Hint) -> None:
        with news:
            hints.append(hint)
            news.notify_all()

    def saw(path: bytes, seconds: float) -> bool:
        with news:
            return news.wait_for(
                lambda: any(h.kind is HintKind.CANARY and h.path == path for h in hints), seconds
            )

    watcher = Watcher(listen)
    watcher.start()
    try:
        watcher.watch(root, IgnoreList())
        for _ in range(2):
            hints.clear()
            result = prove_events(root, saw)
            assert result.is_seen
            assert {hint.kind for hint in hints} == {HintKind.CANARY}
    finally:
        watcher.stop()
        watcher.join(10.0)
    assert list(tmp_path.iterdir()) == []


def test_a_deaf_watcher_is_told_apart_and_nothing_is_left(tmp_path: Path) -> None:
    result = prove_events(os.fsencode(tmp_path), _never, limit_seconds=0.1)

    assert result.is_seen is False
    assert "no event" in result.detail
    assert list(tmp_path.iterdir()) == []


def test_the_file_is_there_while_it_is_asked_about(tmp_path: Path) -> None:
    modes: list[int] = []

    def saw(path: bytes, seconds: float) -> bool:
        modes.append(stat.S_IMODE(os.stat(path).st_mode))
        modes.append(stat.S_IMODE(os.stat(os.path.dirname(path)).st_mode))
        return True

    prove_events(os.fsencode(tmp_path), saw)

    assert modes == [0o600, 0o700]


def test_a_folder_that_was_there_stays_with_all_it_holds(tmp_path: Path) -> None:
    (tmp_path / ".twinlens").mkdir()
    (tmp_path / ".twinlens" / "marker").write_text("mine")

    prove_events(os.fsencode(tmp_path), _never, limit_seconds=0.1)

    assert [path.name for path in (tmp_path / ".twinlens").iterdir()] == ["marker"]


def test_a_link_in_place_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    root = tmp_path / "root"
    root.mkdir()
    (root / ".twinlens").symlink_to(outside)
    before = outside.stat().st_mtime_ns

    result = prove_events(os.fsencode(root), _never, limit_seconds=0.1)

    assert result.is_seen is None
    assert outside.stat().st_mtime_ns == before
    assert (root / ".twinlens").is_symlink()


def test_a_root_that_is_missing_proves_nothing(tmp_path: Path) -> None:
    result = prove_events(os.fsencode(tmp_path / "none"), _never)

    assert result.is_seen is None
    assert "written" in result.detail


def test_a_question_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    def saw(path: bytes, seconds: float) -> bool:
        raise TimeoutError("asked in vain")

    result = prove_events(os.fsencode(tmp_path), saw)

    assert result.is_seen is None
    assert list(tmp_path.iterdir()) == []
