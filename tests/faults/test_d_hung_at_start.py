"""Section D, a share that hangs already when twinlens starts."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.daemon import Daemon, House, Row, eventually
from support.fault_folder import FaultFolder
from support.mounts import Mounts
from support.pictures import put_picture
from twinlens.commands.scan import request
from twinlens.model.files import FileStatus
from twinlens.questions import NO_ANSWER

SOON = 20.0
READY_SECONDS = 10.0
ANSWER_SECONDS = 15.0
"""How long a person waits for a verb: a share is given ten, as a disk that has to start turning may
take as long."""


@pytest.fixture
def share(house: House, mounts: Mounts) -> Iterator[FaultFolder]:
    """A share with one picture that an earlier life of the daemon has recorded, beside one on the
    local disk. The share is the first of the two wherever roots are taken in order."""
    behind, point = house.folder / "behind", house.folder / "a share"
    put_picture(behind / "known.jpg", 1)
    put_picture(house.root / "local.jpg", 2)
    point.mkdir()
    with FaultFolder(mounts, behind, point) as folder:
        house.configure(roots=[point, house.root], watch={"network_settle_seconds": 0.3})
        house.scan(prefix=mounts.prefix)
        assert set(_sound(house)) == {"local.jpg", "../a share/known.jpg"}
        yield folder


def _sound(house: House) -> list[str]:
    return [n for n, row in house.files().items() if row["status"] == FileStatus.OK.value]


def _root(house: House, name: str) -> Row:
    found: Row
    (found,) = [root for root in house.status()["roots"] if root["path"].endswith(f"/{name}")]
    return found


def _threads(daemon: Daemon) -> int:
    return len(list(Path(f"/proc/{daemon.pid}/task").iterdir()))


@pytest.mark.timeout(90)
def test_d13_a_share_that_hangs_at_the_start_holds_up_no_other_and_is_taken_up_when_it_answers(
    house: House, mounts: Mounts, share: FaultFolder
) -> None:
    share.hang()
    with Daemon(house, prefix=mounts.prefix, is_waited_for=False) as daemon:
        daemon.wait_for("READY=1", READY_SECONDS)
        eventually(lambda: _root(house, "a share")["detail"] == NO_ANSWER, SOON)
        assert _root(house, "a share")["state"] == "unreachable"
        put_picture(house.root / "arrived.jpg", 3)
        put_picture(house.root / "arrived too.jpg", 3)
        eventually(lambda: len(house.duplicates("exact")) == 1, SOON)
        eventually(house.is_quiet, SOON)
        assert f"unreachable ({NO_ANSWER})" in daemon.log

        assert "../a share/known.jpg" in _sound(house)
        before = _threads(daemon)
        daemon.signal(signal.SIGHUP)
        daemon.wait_for("RELOADING=1", SOON)
        eventually(lambda: daemon.told.count("READY=1") == 2, READY_SECONDS)
        eventually(lambda: _threads(daemon) <= before, SOON, "no further thread waits for it")
        assert "../a share/known.jpg" in _sound(house)

        put_picture(house.folder / "behind" / "new.jpg", 4)
        share.resume()
        eventually(lambda: "../a share/new.jpg" in _sound(house), SOON)
        assert _root(house, "a share")["state"] == "online"
        assert len(_sound(house)) == 5
        daemon.stop()


@pytest.mark.timeout(60)
def test_d13_a_daemon_that_has_never_heard_a_share_ends_in_time(
    house: House, mounts: Mounts, share: FaultFolder
) -> None:
    share.hang()
    with Daemon(house, prefix=mounts.prefix, is_waited_for=False) as daemon:
        daemon.wait_for("READY=1", READY_SECONDS)
        eventually(lambda: NO_ANSWER in daemon.log, SOON)
        assert daemon.stop(30.0) < 10.0


@pytest.mark.timeout(60)
def test_d13_a_share_that_lets_nobody_go_at_the_start_holds_up_no_other(
    house: House, mounts: Mounts, share: FaultFolder
) -> None:
    """Whoever has asked it cannot be ended by SIGKILL before it answers."""
    share.order({"call": "getattr", "path": "/", "seconds": 300.0})
    with Daemon(house, prefix=mounts.prefix, is_waited_for=False) as daemon:
        daemon.wait_for("READY=1", READY_SECONDS)
        put_picture(house.root / "arrived.jpg", 3)
        eventually(lambda: "arrived.jpg" in _sound(house), SOON)
        eventually(house.is_quiet, SOON)
        assert "../a share/known.jpg" in _sound(house)
        daemon.signal(signal.SIGTERM)
        daemon.wait_for("STOPPING=1", 5.0)
        share.die()
        assert daemon.wait(10.0) == 0, daemon.log


@pytest.mark.timeout(60)
def test_d13_every_verb_that_looks_at_the_roots_answers_and_says_which_one_does_not(
    house: House, mounts: Mounts, share: FaultFolder
) -> None:
    share.hang()
    for words in (("config", "check"), ("doctor",), ("scan",), ("status",)):
        started = time.monotonic()
        done = house.cli(*words, prefix=mounts.prefix, seconds=3 * ANSWER_SECONDS)
        assert time.monotonic() - started < ANSWER_SECONDS, words
        told = done.stdout + done.stderr
        before, found, _ = told.partition(NO_ANSWER)
        assert found, told
        assert before.rpartition(str(house.folder))[2].startswith("/a share"), told
    assert set(_sound(house)) == {"local.jpg", "../a share/known.jpg"}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("words", [("config", "check"), ("doctor",)])
def test_d13_a_verb_comes_to_its_end_though_the_share_lets_nobody_go(
    house: House, mounts: Mounts, share: FaultFolder, words: tuple[str, ...]
) -> None:
    share.order({"call": "getattr", "path": "/", "seconds": 300.0})
    try:
        # Waits for the end of its output, too.
        done = house.cli(*words, prefix=mounts.prefix, seconds=ANSWER_SECONDS)
    finally:
        share.die()
    assert NO_ANSWER in done.stdout + done.stderr
    assert done.returncode == {"check": 0, "doctor": 1}[words[-1]], done.stderr


@pytest.mark.timeout(60)
def test_d13_a_share_that_was_not_heard_at_the_start_and_is_another_root_is_not_watched(
    house: House, mounts: Mounts, share: FaultFolder
) -> None:
    """What the check of the config could not see, for want of an answer: each file would be its own
    duplicate."""
    house.configure(roots=[share.point, house.folder / "behind"])
    share.hang()
    with Daemon(house, prefix=mounts.prefix, is_waited_for=False) as daemon:
        daemon.wait_for("READY=1", READY_SECONDS)
        eventually(lambda: "../behind/known.jpg" in _sound(house), SOON)
        share.die()
        mounts.run("umount", share.point)
        mounts.run("mount", "--bind", house.folder / "behind", share.point)
        put_picture(house.folder / "behind" / "new.jpg", 4)

        eventually(lambda: "same folder" in _root(house, "a share")["detail"], SOON)
        eventually(lambda: "../behind/new.jpg" in _sound(house), SOON)
        request(house.database, "scan", {})
        eventually(lambda: daemon.log.count("not looked at: ") == 2, SOON)
        assert "same folder" in daemon.log.rpartition("not looked at: ")[2]
        assert _root(house, "a share")["state"] == "unreachable"
        assert "../a share/new.jpg" not in house.files()
        daemon.stop()
