"""Section M: configurations that are wrong, change under way or give secrets away, and what stands
around the daemon: locale, clones of a disk, a manager that loses patience."""

import os
import signal
import time
from pathlib import Path

import pytest

from support.daemon import Daemon, House, eventually
from support.mounts import Mounts
from support.pictures import picture, put_picture
from support.receiver import receiving
from support.snapshot import differences, leftovers, snapshot
from twinlens.errors import ConfigError
from twinlens.service.supervisor import load_checked

SOMETIME = 25.0

ODD_CONFIGS = {
    "an unknown key": ("[watch]\nsetle_seconds = 1\n", "line 5", "settle_seconds"),
    "a wrong type": ('[watch]\nsettle_seconds = "soon"\n', "line 5", "settle_seconds"),
    "a key given twice": ("[watch]\nsettle_seconds = 1\nsettle_seconds = 2\n", "line 6", "twice"),
    "an unknown table": ("[wach]\nsettle_seconds = 1\n", "line 4", "watch"),
    "no TOML": ("[watch\n", "line 4", "TOML"),
}


def write(house: House, more: str = "", *, before: bytes = b"", line_end: str = "\n") -> None:
    text = f'[[catalog]]\nname = "home"\nroots = ["{house.root}"]\n{more}'
    text += f'[database]\npath = "{house.database}"\n'
    house.config.write_bytes(before + text.replace("\n", line_end).encode())


@pytest.mark.parametrize("case", ODD_CONFIGS)
def test_m1_a_mistake_in_the_config_is_refused_with_its_line_and_the_nearest_key(
    house: House, case: str
) -> None:
    mistake, line, key = ODD_CONFIGS[case]
    write(house, mistake)

    words = refusal(house)

    assert line in words
    assert key in words


def refusal(house: House) -> str:
    """What `run` refuses the config with; empty where it does not."""
    try:
        load_checked(house.config, {"HOME": str(house.folder)})
    except ConfigError as error:
        return f"{error}\n{error.advice}"
    return ""


def test_m1_the_daemon_does_not_start_with_a_mistake_and_makes_nothing(house: House) -> None:
    write(house, "[watch]\nsetle_seconds = 1\n")

    done = house.cli("run")

    assert done.returncode == 2
    assert done.stderr.count("settle_seconds") == 1
    assert "Traceback" not in done.stderr
    assert not house.database.exists(), "refused before anything is made"


def test_m1_an_empty_config_is_refused_and_told_to_be_empty(house: House) -> None:
    house.config.write_bytes(b"")

    assert "is empty" in refusal(house)


@pytest.mark.parametrize(
    ("before", "line_end"), [(b"\xef\xbb\xbf", "\n"), (b"", "\r\n"), (b"\xef\xbb\xbf", "\r\n")]
)
def test_m1_a_byte_order_mark_and_the_line_ends_of_windows_change_nothing(
    house: House, before: bytes, line_end: str
) -> None:
    write(house, "[watch]\nsettle_seconds = 0.7\n", before=before, line_end=line_end)

    config, warnings = load_checked(house.config, {"HOME": str(house.folder)})

    assert (config.watch.settle_seconds, warnings) == (0.7, [])
    assert config.catalog[0].roots == (house.root,)


def test_m1_the_line_of_a_mistake_is_right_behind_a_byte_order_mark_and_windows_line_ends(
    house: House,
) -> None:
    write(house, "[watch]\nsetle_seconds = 1\n", before=b"\xef\xbb\xbf", line_end="\r\n")

    assert "line 5" in refusal(house)


def test_m2_roots_that_cannot_be_meant_are_refused_with_the_reason(house: House) -> None:
    file = house.folder / "file"
    file.touch()
    state = house.database.parent
    state.mkdir()
    inside = house.root / "state" / "x.db"
    cases: dict[str, tuple[dict[str, object], str]] = {
        "a file": ({"roots": [file]}, "is not a folder"),
        "the whole system": ({"roots": [Path("/")]}, "is the whole system"),
        "the folder of the database": ({"roots": [state]}, "lies within the root"),
        "above the database": ({"database": {"path": str(inside)}}, "lies within the root"),
        "twice": ({"roots": [house.root, house.root]}, "same folder"),
        "one in the other": ({"roots": [house.root, house.root / "2019"]}, "lies within"),
    }
    for case, (options, words) in cases.items():
        house.configure(**options)  # type: ignore[arg-type]  # a table of both kinds of options
        assert words in refusal(house), case
    assert house.cli("run", seconds=20.0).returncode == 2
    assert not inside.parent.exists()
    assert list(state.iterdir()) == []


def test_m2_a_missing_root_is_told_and_waited_for_and_nothing_is_made_in_its_place(
    house: House,
) -> None:
    share = house.folder / "share"
    put_picture(house.root / "one.jpg", 1)
    house.configure(roots=[house.root, share])
    with Daemon(house) as daemon:
        eventually(lambda: "one.jpg" in house.files(), SOMETIME)
        assert not share.exists()
        states = {row["path"]: row["state"] for row in house.status()["roots"]}
        assert states[str(share)] == "unreachable"
        assert f"{share} is not there now" in daemon.log

        put_picture(share / "two.jpg", 2)

        eventually(lambda: "../share/two.jpg" in house.files(), 2 * SOMETIME)
        daemon.stop()


def test_m3_a_root_that_a_reload_no_longer_names_is_not_deleted_and_comes_back_unread(
    house: House,
) -> None:
    other = house.folder / "other"
    put_picture(house.root / "one.jpg", 1)
    put_picture(other / "two.jpg", 2)
    house.configure(roots=[house.root, other], cleanup={"grace_hours": 0, "interval_minutes": 1})
    with Daemon(house) as daemon:
        eventually(lambda: len(house.files()) == 2 and house.is_quiet(), SOMETIME)

        house.configure(cleanup={"grace_hours": 0, "interval_minutes": 1})
        daemon.signal(signal.SIGHUP)
        eventually(lambda: set(house.files()) == {"one.jpg"}, SOMETIME)
        for _ in range(3):
            assert house.ask("cleanup")["removed_originals"] == 0
        assert house.ask("reconcile")
        assert house.status()["orphans"] == 0

        house.configure(roots=[house.root, other])
        daemon.signal(signal.SIGHUP)
        eventually(lambda: len(house.files()) == 2 and house.is_quiet(), SOMETIME)
        daemon.stop()
    assert "file_gone" not in daemon.log
    again = house.scan()
    assert (again["unchanged"], again["bytes_read"]) == (2, 0)
    assert (other / "two.jpg").read_bytes() == picture(2)


def test_m4_a_reload_with_a_broken_config_leaves_the_old_one_at_work(house: House) -> None:
    with Daemon(house) as daemon:
        good = house.config.read_bytes()
        refused = "the new config is not used, the old one stays"
        for count, broken in enumerate((b"", b"[[catalog", b"[watch]\nx = 1\n", b"\xff\xfe"), 1):
            house.config.write_bytes(broken)
            daemon.signal(signal.SIGHUP)
            eventually(lambda: daemon.log.count(refused) == count, SOMETIME)  # noqa: B023
        house.config.unlink()
        daemon.signal(signal.SIGHUP)
        eventually(lambda: daemon.log.count(refused) == 5, SOMETIME)
        put_picture(house.root / "one.jpg", 1)
        house.config.write_bytes(good)
        eventually(lambda: "one.jpg" in house.files(), SOMETIME)
        daemon.stop()


def test_m5_a_secret_that_every_user_may_read_is_warned_of_and_never_repeated(
    house: House,
) -> None:
    secret = house.folder / "secret"
    secret.write_text("hunter2-in-a-file")
    hook = {"url": "http://127.0.0.1:9/", "secret": "hunter2-in-the-config"}
    house.configure(webhook=hook | {"secret_file": str(secret)})
    secret.chmod(0o644)
    house.config.chmod(0o644)

    words = house.cli("config", "check").stdout
    with Daemon(house) as daemon:
        log = daemon.log

    assert f"chmod o-rwx {secret}" in log
    assert f"chmod o-rwx {house.config}" in log
    assert str(secret) in words.replace("\n", "")
    assert "hunter2" not in log + words
    secret.chmod(0o600)
    house.config.chmod(0o640)
    assert "chmod" not in house.cli("config", "check").stdout


@pytest.mark.parametrize("content", [None, b"\n"], ids=["missing", "empty"])
def test_m6_without_its_secret_a_webhook_waits_and_the_daemon_works(
    house: House, content: bytes | None
) -> None:
    secret = house.folder / "secret"
    if content is not None:
        secret.write_bytes(content)
    with receiving() as receiver:
        hook = {"url": receiver.url, "batch_seconds": 0, "secret_file": str(secret)}
        house.configure(webhook=hook | {"events": ["file_arrived"]})
        put_picture(house.root / "one.jpg", 1)

        assert house.cli("config", "check").returncode == 2, "the owner who asks is told"
        with Daemon(house) as daemon:
            eventually(lambda: "one.jpg" in house.files(), SOMETIME)
            eventually(lambda: house.status()["webhooks"]["last_error"], SOMETIME)
            assert str(secret) in house.status()["webhooks"]["last_error"]
            assert f"the secret file {secret}" in daemon.log
            assert receiver.requests == [], "nothing is sent unsigned"
            assert house.status()["webhooks"]["waiting"] == 1


def test_m7_a_cloned_disk_beside_its_original_is_never_taken_for_it(
    house: House, mounts: Mounts
) -> None:
    disk, clone = mounts.new_disk(), mounts.new_disk()
    other = house.folder / "clone"
    other.mkdir()
    mounts.mount(disk, house.root)
    for number in range(3):
        put_picture(mounts.inside(house.root) / f"{number}.jpg", number)
    mounts.unmount(house.root)
    clone.write_bytes(disk.read_bytes())
    mounts.mount(disk, house.root)
    mounts.mount(clone, other)
    put_picture(mounts.inside(other) / "only on the clone.jpg", 99)
    house.configure(roots=[house.root, other])

    house.scan(prefix=mounts.prefix)
    exact = house.duplicates("exact")
    assert [len(group["members"]) for group in exact] == [2, 2, 2]
    for group in exact:
        places = {Path(member["path"]).parent for member in group["members"]}
        assert places == {house.root, other}, "a true copy on another disk"

    mounts.unmount(house.root)
    mounts.unmount(other)
    mounts.mount(clone, house.root)
    mounts.mount(disk, other)
    swapped = house.scan(prefix=mounts.prefix)

    assert swapped["files"] == 7
    listed = set(house.files())
    there = {f"{n}.jpg" for n in range(3)} | {"only on the clone.jpg"}
    assert listed >= there, "what is there is listed where it is"
    for path, row in house.files().items():
        inside = mounts.inside(house.root / path) if ".." not in path else None
        if inside is not None:
            assert inside.exists(), f"{row} is said to be where it is not"


def test_m8_the_c_locale_gives_the_same_library(house: House, tmp_path: Path) -> None:
    names = ("grün.jpg", "日本/写真.jpg", "\udcff\udcfe bad.jpg", "e\u0301.jpg")
    for number, name in enumerate(names):
        put_picture(house.root / name, number)
    assert house.cli("scan", environ={"LC_ALL": "C.UTF-8"}).returncode == 0
    first = snapshot(house.database)
    plain = {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    other = tmp_path / "state" / "other.db"
    house.configure(database={"path": str(other)})

    done = house.cli("scan", environ=plain)
    listed = house.cli("files", "--json", environ=plain)

    assert done.returncode == 0, done.stderr
    assert differences(first, snapshot(other)) == {}
    assert len(first["files"]) == len(names)
    assert len(listed.stdout.splitlines()) == len(names)
    assert house.cli("files", environ=plain).returncode == 0


def test_m9_a_new_database_over_a_full_trash_touches_none_of_it(house: House) -> None:
    house.configure(catalog={"action": "trash"}, trash={"retention_days": 0})
    for name in ("one.jpg", "copy of one.jpg"):
        put_picture(house.root / name, 1)
    house.scan()
    assert house.cli("apply").returncode == 0
    trash = house.root / ".twinlens" / "trash"
    before = {path: path.read_bytes() for path in trash.rglob("*") if path.is_file()}
    assert picture(1) in before.values()
    for path in house.database.parent.iterdir():
        if path.name.startswith("twinlens.db") and path.is_file():
            path.unlink()

    house.scan()
    assert house.ask("trash", "empty", "--at-once")["removed"] == 0
    house.cli("cleanup")
    with Daemon(house) as daemon:
        eventually(house.is_quiet, SOMETIME)
        daemon.stop()

    assert {path: path.read_bytes() for path in before} == before
    (stray,) = house.ask("trash", "list")["strays"]
    assert stray["path"].endswith("one.jpg"), "what lies there is shown"


def test_m10_a_daemon_that_hangs_gives_no_sign_of_life_and_its_successor_goes_on(
    house: House,
) -> None:
    watched = {"WATCHDOG_USEC": "1000000"}
    for number in range(30):
        put_picture(house.root / f"{number}.jpg", number)
    with Daemon(house, environ=watched) as daemon:
        eventually(lambda: daemon.told.count("WATCHDOG=1") >= 2, SOMETIME)
        eventually(lambda: house.status()["files"] > 0, SOMETIME)
        daemon.signal(signal.SIGSTOP)
        time.sleep(0.3)
        alive = daemon.told.count("WATCHDOG=1")
        time.sleep(1.5)
        assert daemon.told.count("WATCHDOG=1") == alive, "a stopped daemon claims to live"
        # What systemd does then.
        os.kill(daemon.pid, signal.SIGABRT)
        os.kill(daemon.pid, signal.SIGCONT)
        assert daemon.wait(SOMETIME) == -signal.SIGABRT
    with Daemon(house, environ=watched) as daemon:
        eventually(lambda: len(house.files()) == 30 and house.is_quiet(), 2 * SOMETIME)
        daemon.stop()
    assert leftovers(house.database) == {}
    fresh = house.folder / "state" / "fresh.db"
    stood = snapshot(house.database)
    house.configure(database={"path": str(fresh)})
    house.scan()
    assert differences(stood, snapshot(fresh)) == {}


def test_m10_the_unit_asks_for_the_watchdog_and_for_a_restart() -> None:
    unit = Path(__file__).resolve().parents[2] / "contrib" / "systemd" / "twinlens.service"
    lines = unit.read_text(encoding="utf-8").splitlines()

    assert any(line.startswith("WatchdogSec=") for line in lines)
    assert "Restart=on-failure" in lines
    assert "Type=notify" in "\n".join(lines)
