"""The claim on which an owner lets twinlens near the only copies: in report mode no process of it
opens anything below a root for writing, renames or removes it, whatever it is asked to do."""

import os
import signal
from pathlib import Path

import pytest

from support.acting import tree
from support.daemon import SOURCE, Daemon, House, eventually
from support.world import jpeg, raw

AUDITED = Path(__file__).resolve().parents[1] / "support" / "audited"


def audited(house: House) -> dict[str, str]:
    return {
        "PYTHONPATH": os.pathsep.join([str(AUDITED), str(SOURCE)]),
        "TWINLENS_AUDIT": str(house.folder / "audit"),
    }


def changes(house: House) -> list[tuple[str, str]]:
    """(event, path) of all that any process may have changed."""
    lines = (house.folder / "audit").read_text("utf-8", "surrogateescape").splitlines()
    return [(event, path) for event, _, path in (line.partition("\t") for line in lines)]


def below_root(house: House) -> list[tuple[str, str]]:
    """Those below the root, and those of which it is not known where they were."""
    own = (f"{house.root}/", "?/")
    return [
        (event, path)
        for event, path in changes(house)
        if path.startswith(own) or path == str(house.root)
    ]


def fill(house: House) -> None:
    for folder in ("2019", "copies of 2019"):
        (house.root / folder).mkdir()
        (house.root / folder / "IMG_1.jpg").write_bytes(jpeg(1))
        (house.root / folder / "IMG_1.nef").write_bytes(raw(1))
    (house.root / "broken.jpg").write_bytes(b"\xff\xd8 no picture")
    os.mkfifo(house.root / "pipe.jpg")


@pytest.mark.slow
def test_in_report_mode_a_whole_life_changes_nothing_below_a_root(house: House) -> None:
    fill(house)
    environ = audited(house)
    picture = str(house.root / "2019" / "IMG_1.jpg")
    backup = str(house.folder / "backup.db")

    with Daemon(house, environ=environ) as daemon:
        eventually(lambda: len(house.files()) == 5 and house.is_quiet(), 60.0)
        (house.root / "new.jpg").write_bytes(jpeg(7))
        (house.root / "2019" / "IMG_1.nef").rename(house.root / "2019" / "renamed.nef")
        (house.root / "copies of 2019" / "IMG_1.jpg").unlink()
        eventually(lambda: "new.jpg" in house.files() and house.is_quiet(), 60.0)
        before = tree(house.root.joinpath("2019"))
        for words in (
            ("scan",),
            ("decide", "keep", picture),
            ("decide", "primary", picture),
            ("cleanup",),
            ("reconcile",),
            ("verify",),
            ("backup", backup),
            ("doctor",),
            ("why", picture),
            ("duplicates",),
            ("apply",),
            ("apply", "--dry-run"),
            ("undo",),
            ("trash", "list"),
            ("trash", "empty", "--at-once"),
            ("jobs", "start", "detect_duplicates"),
        ):
            done = house.cli(*words, environ=environ)
            assert "Traceback" not in done.stderr, (words, done.stderr)
            expected = (2,) if words[0] == "apply" else (0, 1, 2)
            assert done.returncode in expected, (words, done.returncode, done.stderr)
        daemon.signal(signal.SIGHUP)
        eventually(house.is_quiet, 60.0)
        daemon.stop()

    assert below_root(house) == []
    assert tree(house.root.joinpath("2019")) == before
    assert not (house.root / ".twinlens").exists()
    # The watch was kept: it saw the database's own files.
    assert any(path.startswith(str(house.database.parent)) for _, path in changes(house))


@pytest.mark.slow
def test_the_watch_sees_an_action_where_one_is_allowed(house: House) -> None:
    fill(house)
    house.configure(catalog={"action": "trash"})
    environ = audited(house)
    assert house.cli("scan", environ=environ).returncode in (0, 1)
    assert below_root(house) == []

    done = house.cli("apply", environ=environ)

    assert done.returncode == 0, done.stderr
    seen = {event for event, _ in below_root(house)}
    assert {"os.mkdir", "ctypes.dlsym", "open"} <= seen
