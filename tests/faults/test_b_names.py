"""Section B: names of every kind, and things in a folder that are no files."""

import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.acting import tree
from support.daemon import House
from support.nobody import run_as_nobody
from support.pictures import put_picture
from support.truth import acted, action_room, exact, require_truth, require_world, rows_of
from support.world import World, jpeg, raw
from twinlens.commands.apply import plan_of
from twinlens.commands.undo import undo
from twinlens.commands.why import why
from twinlens.ingest.worker import look_at
from twinlens.model.files import FileStatus, Look
from twinlens.store import work_items
from twinlens.watch.ignore import IgnoreList
from twinlens.watch.scanner import walk

IS_LONG = bool(os.environ.get("TWINLENS_LONG"))
NEVER_A_FILE = 30.0


def require_actions_work(world: World, name: str) -> None:
    """A file of that name is known, goes into the trash, becomes a hard link, and comes back."""
    world.put("a much longer name of the same picture, which is the one that goes.jpg", jpeg(1))
    path = world.put(name, jpeg(1))
    for one in world.photos.rglob("*.*"):
        os.utime(one, (1_400_000_000, 1_400_000_000))
    world.scan()
    require_world(world)
    before = tree(world.photos)
    protect = {"protect": [str(p) for p in world.photos.glob("a much longer*")]}
    for action in ("trash", "hardlink"):
        result = acted(world, action, actions=protect)

        assert [step["state"] for step in result["steps"]] == ["done"], result
        assert result["steps"][0]["victim"] == str(path)
        assert undo(action_room(world, action))["failed"] == []
        assert tree(world.photos) == before
        world.scan()
        require_world(world)


def test_b1_a_name_that_is_no_text_is_known_and_acted_on(world: World) -> None:
    require_actions_work(world, os.fsdecode(b"\xff\xfe bad.jpg"))


def test_b2_a_name_of_255_bytes_is_known_and_acted_on(world: World) -> None:
    require_actions_work(world, "x" * 251 + ".jpg")


@pytest.fixture
def deep(world: World) -> Iterator[str]:
    """The name of a file that lies deeper than any path may be long."""
    names = ["d" * 200] * 60
    current = os.open(world.photos, os.O_RDONLY)
    for name in names:
        os.mkdir(name, dir_fd=current)
        inner = os.open(name, os.O_RDONLY, dir_fd=current)
        os.close(current)
        current = inner
    file = os.open("deep.jpg", os.O_CREAT | os.O_WRONLY, dir_fd=current)
    os.write(file, jpeg(2))
    os.utime(file, (1_400_000_000, 1_400_000_000))
    os.close(file)
    os.close(current)
    yield "/".join([*names, "deep.jpg"])
    subprocess.run(["rm", "-rf", world.photos], check=True)


def test_b3_a_path_longer_than_any_may_be_is_told_and_never_gone(world: World, deep: str) -> None:
    world.put("near.jpg", jpeg(1))

    first, second = world.scan(), world.scan()
    world.drain()

    assert len(deep) > 4096
    assert (first["gone"], second["gone"]) == (0, 0)
    assert set(rows_of(world)) == {"near.jpg"}
    with world.store.database.reading():
        ((item, state, error),) = [
            found for found in [work_items.waiting(world.root_id, os.fsencode(deep))] if found
        ]
    assert (state.value, os.fsdecode(item.path)) == ("failed", deep)
    assert "too long" in str(error)


NAMES = ("a\nb.jpg", "a\tb.jpg", "\x1b[31mred.jpg", "evil\u202egpj.exe.jpg", "\x07bell.jpg")


def test_b4_no_name_writes_a_line_or_an_order_of_its_own(house: House) -> None:
    for number, name in enumerate(NAMES):
        put_picture(house.root / name, number)
        (house.root / f"broken {name}").write_bytes(b"\xff\xd8\xff broken " + bytes([number]))
        put_picture(house.root / "copies" / name, number)
    said = [house.cli("scan"), house.cli("duplicates")]

    for done in said:
        for text in (done.stdout, done.stderr):
            assert not set(text) & {"\x1b", "\x07", "\t", "\u202e"}, done.args
            assert not any(line.startswith("b.jpg") for line in text.splitlines())
    require_truth(house.files(), house.root)


def test_b5_no_name_is_an_option_or_a_command(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    odd = (
        "-rf.nef",
        "|cat.nef|",
        "$(touch canary).nef",
        "`touch canary`.nef",
        "@list.nef",
        "|.nef",
    )
    for number, name in enumerate(odd):
        world.put(name, raw(number))
        world.put(f"{name}.jpg", jpeg(number + 50))

    world.scan()
    require_world(world)

    assert not list(tmp_path.rglob("canary"))
    assert {row["make"] for row in rows_of(world).values()} == {"NIKON CORPORATION"}


def test_b6_markup_and_sql_in_a_name_are_letters(world: World) -> None:
    names = (
        "<img src=x onerror=alert(1)>.jpg",
        "'; DROP TABLE file; --.jpg",
        '" OR 1=1 --.jpg',
        "%' OR '1'='1.jpg",
        "_%.jpg",
        "{0}%s{name}.jpg",
    )
    for number, name in enumerate(names):
        world.put(f"{name}/{name}", jpeg(number))
    world.scan()
    require_world(world)

    for name in names:
        told = why(world.store.database, str(world.path(f"{name}/{name}")))
        assert told["file"]["path"] == str(world.path(f"{name}/{name}"))
    shutil.rmtree(world.path(names[3]))
    world.hint(f"{names[3]}/{names[3]}")
    world.drain()
    require_world(world)


def test_b7_a_pipe_is_passed_over_and_holds_nothing_up(world: World) -> None:
    os.mkfifo(world.path("pipe.jpg"))
    world.put("a.jpg", jpeg(1))

    started = time.monotonic()
    result = world.scan()
    world.hint("pipe.jpg")
    world.drain()

    assert time.monotonic() - started < NEVER_A_FILE
    assert (result["files"], result["skipped"]) == (1, 1)
    require_world(world)


def test_b8_sockets_and_devices_are_never_read(world: World) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can make devices")
    names = ("zero.jpg", "disk.jpg", "socket.jpg")
    try:
        os.mknod(world.path("zero.jpg"), 0o20666, os.makedev(1, 5))
        os.mknod(world.path("disk.jpg"), 0o60666, os.makedev(7, 0))
    except PermissionError:
        pytest.skip("no devices can be made here")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(world.path("socket.jpg")))
        world.put("a.jpg", jpeg(1))

        started = time.monotonic()
        result = world.scan()
        world.hint(*names)
        world.drain()

    assert time.monotonic() - started < NEVER_A_FILE
    assert (result["files"], result["skipped"]) == (1, 3)
    require_world(world)


@pytest.mark.timeout(60)
def test_b9_what_is_swapped_for_a_pipe_or_a_link_is_never_read_as_a_file(world: World) -> None:
    path = world.path("a.jpg")
    secret = world.photos.with_name("secret.jpg")
    secret.write_bytes(b"\xff\xd8 a secret outside")
    is_ended = threading.Event()

    def swap() -> None:
        others = [world.path(name) for name in ("real", "pipe", "link")]
        while not is_ended.is_set():
            others[0].write_bytes(b"BM a true content")
            os.mkfifo(others[1])
            others[2].symlink_to(secret)
            for other in others:
                os.replace(other, path)

    swapper = threading.Thread(target=swap)
    swapper.start()
    seen = set()
    try:
        until = time.monotonic() + 2.0
        while time.monotonic() < until:
            finding = world.workers.submit(look_at, Look(os.fsencode(path))).result(timeout=10)
            seen.add((finding.sha256, finding.problem))
    finally:
        is_ended.set()
        swapper.join()

    digests = {sha256 for sha256, _ in seen if sha256 is not None}
    problems = {problem for sha256, problem in seen if sha256 is None}
    assert len(digests) <= 1, "only the true content was ever hashed"
    assert any("not a regular file" in str(problem) for problem in problems), problems


def test_b10_a_vast_folder_is_walked_in_little_memory(tmp_path: Path) -> None:
    count = 200_000 if IS_LONG else 20_000
    folder = os.open(tmp_path, os.O_RDONLY)
    for number in range(count):
        os.close(os.open(f"{number}.jpg", os.O_CREAT | os.O_WRONLY, 0o600, dir_fd=folder))
    os.close(folder)
    asked = []

    tracemalloc.start()
    (listing,) = walk(
        os.fsencode(tmp_path), IgnoreList((), ()), is_stopped=lambda: bool(asked.append(1))
    )
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(listing.entries) == count
    assert peak < count * 1000, f"{peak / count:.0f} bytes an entry"
    # Whoever wants to end it, or to say how far it is, is asked all the time.
    assert len(asked) >= 2 * count // 1024
    asked.clear()
    assert list(walk(os.fsencode(tmp_path), IgnoreList((), ()), is_stopped=lambda: True)) == []


CLOSED = """
import os, sys
sys.path.insert(0, sys.argv[2])
from pathlib import Path
from support.truth import require_world, rows_of
from support.world import jpeg, opened_world

folder = Path(sys.argv[1])
with opened_world(folder / "state" / "twinlens.db", folder / "photos") as world:
    world.put("closed/a.jpg", jpeg(1))
    kept = world.put("kept.jpg", jpeg(2))
    world.scan()
    before = rows_of(world)
    world.put("kept.jpg", jpeg(3))
    kept.chmod(0o000)
    world.path("closed").chmod(0o000)
    result = world.scan()
    after = rows_of(world)
    assert result["problems"] == [f"{world.path('closed')}: Permission denied"], result
    assert result["gone"] == 0
    for name in before:
        assert after[name]["sha256"] == before[name]["sha256"], name
    assert (after["closed/a.jpg"]["status"], after["kept.jpg"]["status"]) == ("ok", "unreadable")
    assert "ermission" in after["kept.jpg"]["error"]
    kept.chmod(0o644)
    world.path("closed").chmod(0o755)
    world.scan()
    require_world(world)
    print("survived")
"""


def test_b11_what_the_daemon_may_not_read_keeps_what_is_known() -> None:
    folder = Path(tempfile.mkdtemp(prefix="twinlens-test-"))
    folder.chmod(0o777)
    try:
        said = run_as_nobody(CLOSED, str(folder), str(Path(__file__).resolve().parents[1]))
    finally:
        subprocess.run(["chmod", "-R", "u+rwx", folder], check=True)
        shutil.rmtree(folder)

    assert said == "survived\n"


def test_b12_empty_files_are_no_duplicates(world: World) -> None:
    for number in range(100_000 if IS_LONG else 400):
        world.put(f"{number % 10}/{number}.jpg", b"")
    world.put("a.jpg", jpeg(1))

    result = world.scan()

    assert result["failed"] == 0
    assert exact(world) == []
    assert plan_of(action_room(world).config, world.store.database).steps == ()
    assert rows_of(world)["a.jpg"]["status"] == FileStatus.OK.value


def test_b13_an_action_tears_no_photograph_from_its_sidecars(world: World) -> None:
    photograph = {
        "IMG_1.nef": raw(1),
        "IMG_1.jpg": jpeg(1),
        "IMG_1.xmp": b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>",
        "IMG_1.AAE": b"<plist/>",
    }
    for folder in ("kept", "whole", "torn"):
        for name, content in photograph.items():
            world.put(f"{folder}/{name}", content)
    # Here the sidecar is one of its own: nothing else has it.
    world.put("torn/IMG_1.xmp", b"<x:xmpmeta xmlns:x='adobe:ns:meta/'> mine </x:xmpmeta>")
    world.scan()

    result = acted(world)

    left = {folder: set(os.listdir(world.path(folder))) for folder in ("kept", "whole", "torn")}
    assert {step["state"] for step in result["steps"]} == {"done"}
    assert left == {"kept": set(photograph), "whole": set(), "torn": set(photograph)}
    world.scan()
    require_world(world)


def test_b14_what_twinlens_writes_is_never_a_picture_of_the_owner(
    house: House, world: World
) -> None:
    for section, inside in (
        ({"database": {"path": str(house.root / "twinlens.db")}}, house.root / "twinlens.db"),
        ({"backup": {"folder": str(house.root / "copies")}}, house.root / "copies"),
    ):
        house.configure(**section)
        done = house.cli("scan")
        assert done.returncode == 2
        assert "within the root" in done.stderr
        assert not inside.exists()

    world.put("a.jpg", jpeg(1))
    world.put("b/a.jpg", jpeg(1))
    world.scan()
    acted(world)
    assert list((world.photos / ".twinlens").rglob("a.jpg"))
    result = world.scan()
    assert (result["files"], result["added"]) == (1, 0)
    require_world(world)


def test_b15_the_bins_and_thumbnails_of_others_are_passed_over(world: World) -> None:
    names = (
        *(".Trash-1000", "@eaDir", "#recycle", ".stversions", ".snapshots", ".thumbnails"),
        *("$RECYCLE.BIN", "lost+found", "@Recycle", ".recycle", ".zfs"),
    )
    for number, name in enumerate(names):
        world.put(f"{name}/2019/{number}.jpg", jpeg(number))
    world.put("mine/a.jpg", jpeg(90))
    world.put("yours/a.jpg", jpeg(91))

    world.scan()
    assert set(rows_of(world)) == {"mine/a.jpg", "yours/a.jpg"}
    world.ignore = IgnoreList((), ("yours/",))
    world.restart()
    world.scan()

    assert set(rows_of(world)) == {"mine/a.jpg"}
