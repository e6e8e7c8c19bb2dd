"""Claims about the words that people read where programs read JSON."""

from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from twinlens.cli.actions import show_emptied, show_trash
from twinlens.cli.clocks import show_clocks
from twinlens.cli.jobs import show_cancelled, show_retried, show_started
from twinlens.cli.progress import ScanProgress
from twinlens.cli.tables import complaints, show_duplicate, show_duplicates, show_scan


def shown(show: Callable[[Console, Any], None], result: object) -> list[str]:
    paper = StringIO()
    show(Console(file=paper, highlight=False, width=80), result)
    return paper.getvalue().splitlines()


def item(name: str, size: int, path: str) -> dict[str, Any]:
    until = "2026-12-21T10:00:00+00:00"
    return {"id": name, "size": size, "victim": path, "may_be_emptied_at": until, "state": "done"}


def test_the_trash_is_a_table_with_a_word_over_each_column() -> None:
    items = [item("1.1", 82_721, "/photos/a.jpg"), item("1.10", 183_725, "/photos/b.jpg")]

    lines = shown(show_trash, {"items": items, "strays": []})

    assert lines == [
        "id       size  kept until  where it was",
        "1.1   82.7 kB  2026-12-21  /photos/a.jpg",
        "1.10   184 kB  2026-12-21  /photos/b.jpg",
    ]
    assert shown(show_trash, {"items": [], "strays": []}) == ["the trash is empty"]


def test_emptying_tells_what_is_left_for_later() -> None:
    result = {"removed": 1, "freed_bytes": 82_721, "waiting": 7, "kept": []}

    assert shown(show_emptied, result) == ["1 file removed, 82.7 kB freed, 7 left for later"]


def test_clocks_that_were_never_wrong_are_said_to_be_right() -> None:
    assert shown(show_clocks, []) == ["no camera's clock is known to have been wrong"]


def test_a_pass_is_told_of_in_words() -> None:
    ended = {"id": 2, "name": "detect_bursts", "state": "success", "succeeded": 124, "failed": 0}
    asked = {"id": 3, "name": "detect_duplicates"}

    assert shown(show_started, ended) == ["pass 2, detect_bursts: success, 124 done, 0 failed"]
    assert shown(show_started, asked) == [
        "pass 3, detect_duplicates: the daemon was asked; "
        "it goes before all that was not asked for by hand; see: twinlens jobs list"
    ]
    assert shown(show_started, {**asked, "waits_for": "scan (job 1) goes first"}) == [
        "pass 3, detect_duplicates: the daemon was asked; "
        "scan (job 1) goes first; see: twinlens jobs list"
    ]
    assert shown(show_cancelled, {"id": 2}) == ["pass 2 ends after its current batch"]
    assert shown(show_retried, {"files": 0}) == ["no file was given up"]
    assert shown(show_retried, {"files": 1}) == ["1 file tried again"]
    assert shown(show_retried, {"id": 2, "state": "pending"}) == ["pass 2 goes on"]


def test_a_pass_that_reads_no_file_does_not_speak_of_reading(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with ScanProgress(reads=False) as progress:
        progress.update(124, None, 0, 0)
        progress.update(124, 124, 62, 0)
    with ScanProgress() as progress:
        progress.update(0, None, 0, 0)

    told = capsys.readouterr().err
    assert told.startswith("grouping: 62 of 124, ")
    assert "read" not in told


def test_further_copies_of_a_near_duplicate_are_counted_and_not_listed() -> None:
    members = [
        {
            "path": f"/p/{name}{number}.jpg",
            "sha256": name,
            "similarity": similarity,
            "is_primary": (name, number) == ("a", 1),
            "decision": "keep" if (name, number) == ("b", 2) else None,
        }
        for name, similarity, copies in (("a", 100.0, 3), ("b", 98.5, 4), ("c", 97.0, 1))
        for number in range(copies)
    ]
    row = {
        "class": "similar",
        "confidence": 90.0,
        "reclaimable_bytes": 0,
        "rule": "made up",
        "reviewed": False,
        "members": members,
    }

    assert shown(show_duplicate, row)[1:] == [
        "  * 100.0 %  /p/a1.jpg  (and 2 copies)",
        "     98.5 %  /p/b0.jpg  (and 2 copies)",
        "     98.5 %  /p/b2.jpg  keep",
        "     97.0 %  /p/c0.jpg",
    ]
    # Of exact copies each one is what the list is about.
    assert len(shown(show_duplicate, row | {"class": "exact"})) == 1 + len(members)


def a_scan(**numbers: object) -> dict[str, object]:
    names = ("files", "originals", "added", "changed", "moved", "gone", "unchanged", "reread")
    zeros = dict.fromkeys((*names, "failed", "bytes_read", "seconds"), 0)
    return zeros | {"unjudged": {}, "problems": []} | numbers


def test_a_scan_says_which_of_the_unchanged_files_it_read_all_the_same() -> None:
    lines = shown(show_scan, a_scan(unchanged=194, reread=133, bytes_read=5_000_000, seconds=2.0))

    assert any("194 unchanged, 133 of these read again" in line for line in lines)


def test_a_scan_tells_the_broken_from_what_could_not_be_judged() -> None:
    told = complaints(a_scan(failed=1, unjudged={"exiftool is needed for this; install it": 19}))

    assert told[0].startswith("1 file is broken or unreadable among those read")
    assert told[1].startswith("19 files could not be judged (exiftool is needed for this; install")
    assert "broken" not in told[1]
    assert complaints(a_scan()) == []


def test_lists_without_an_entry_say_so_and_what_was_not_looked_for() -> None:
    def show(console: Console, words: str | None) -> None:
        show_duplicates(console, [], words)

    assert shown(show, None) == ["no duplicates are known"]
    assert shown(show, "pictures are not decoded") == [
        "no duplicates are known",
        "pictures are not decoded",
    ]
