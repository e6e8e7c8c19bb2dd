"""The command line's contract: words, exit codes, JSON keys, and output that survives any name."""

import json
import os
import sqlite3
import subprocess
from pathlib import Path

import pytest

from support.daemon import PROGRAM, Daemon, House, eventually
from support.pictures import picture, put_picture

SCAN = {
    *("files", "originals", "added", "changed", "moved", "gone", "unchanged", "failed"),
    *("bytes_read", "seconds"),
}
STATUS = {"running", "files", "originals", "queue", "groups", "duplicates", "orphans", "roots"}
FILE = {
    *("path", "sha256", "size", "media_type", "kind", "width", "height", "make", "model"),
    *("orientation", "taken_at", "taken_at_source", "taken_at_confidence", "phash", "dhash"),
    *("quality_score", "status", "error"),
}
GROUP = {"id", "group_type", "group_types", "primary", "rule", "members"}
GROUP_MEMBER = {"path", "file_type", "is_primary"}
DUPLICATE = {
    *("id", "duplicate_type", "class", "confidence", "primary", "reviewed", "reclaimable_bytes"),
    *("rule", "members"),
}
DUPLICATE_MEMBER = {"path", "sha256", "similarity", "is_primary"}

VERBS = (
    *("run", "scan", "status", "files", "groups", "duplicates", "why", "decide", "cleanup"),
    *("reconcile", "clocks", "backup", "verify", "apply", "undo"),
    *("trash", "trash list", "trash restore", "trash empty"),
    *("doctor", "config", "config check", "config example", "migrate", "migrate status"),
    *("migrate up", "migrate down", "jobs", "jobs list", "jobs start"),
    *("jobs cancel", "jobs retry"),
    *("vault", "vault status", "vault fill", "vault verify", "vault repair", "vault gc"),
)
READ_VERBS = ("status", "files", "groups", "duplicates", "jobs list", "doctor", "migrate status")


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory, photos: Path) -> House:
    """A few real pictures with a pair and copies, scanned; tests only read it."""
    house = House(tmp_path_factory.mktemp("library"))
    raw = photos / "raw"
    for source, name in (("CRW_0001.CRW", "a.CRW"), ("CRW_0001.JPG", "a.JPG")):
        (house.root / name).write_bytes((raw / source).read_bytes())
    (house.root / "copy of a.JPG").write_bytes((raw / "CRW_0001.JPG").read_bytes())
    (house.root / "broken.jpg").write_bytes(picture(1)[:300])
    house.scan()
    return house


def lines(house: House, *words: str) -> list[dict[str, object]]:
    done = house.cli(*words, "--json")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_scan_tells_its_numbers(library: House) -> None:
    assert set(library.scan()) >= SCAN


def test_status_tells_its_facts(library: House) -> None:
    found = library.ask("status")

    assert set(found) >= STATUS
    assert set(found["queue"]) >= {"pending", "running", "failed"}
    assert set(found["duplicates"]) >= {"exact", "re_encoded", "similar"}
    assert found["running"] is False
    assert found["files"] == 4
    assert found["roots"][0]["path"] == str(library.root)


def test_files_tell_theirs(library: House) -> None:
    rows = lines(library, "files")

    assert [set(row) for row in rows] == [FILE] * 4
    assert all(os.path.isabs(str(row["path"])) for row in rows)


def test_groups_tell_theirs(library: House) -> None:
    rows = lines(library, "groups")

    assert [set(row) for row in rows] == [GROUP] * len(rows)
    assert [row["group_type"] for row in rows] == ["raw_jpeg"]
    members = rows[0]["members"]
    assert isinstance(members, list)
    assert all(set(member) >= GROUP_MEMBER for member in members)
    assert lines(library, "groups", "--type", "burst") == []


def test_duplicates_tell_theirs(library: House) -> None:
    rows = lines(library, "duplicates", "--type", "exact")

    assert [set(row) for row in rows] == [DUPLICATE]
    members = rows[0]["members"]
    assert isinstance(members, list)
    assert all(set(member) >= DUPLICATE_MEMBER for member in members)
    assert sum(member["is_primary"] for member in members) == 1


def test_a_kind_of_duplicates_may_be_written_as_it_is_shown(house: House) -> None:
    big = picture(3, (640, 480))
    (house.root / "a.jpg").write_bytes(big)
    (house.root / "b.jpg").write_bytes(big)
    (house.root / "c.jpg").write_bytes(picture(3, (320, 240)))
    house.scan()

    rows = lines(house, "duplicates", "--type", "re-encoded")

    assert rows == lines(house, "duplicates", "--type", "re_encoded")
    assert [row["class"] for row in rows] == ["re_encoded"]
    classes = [str(row["class"]) for row in lines(house, "duplicates")]
    assert classes == sorted(classes)


def test_what_another_preset_would_change_is_counted(library: House) -> None:
    told = library.cli("duplicates", "--what-if", "strict").stdout.splitlines()

    assert told[-2].endswith("; 0 would be new and 0 would be gone.")
    assert told[-1] == "Nothing was changed."


def test_why_tells_everything_of_one_file(library: House) -> None:
    found = library.ask("why", str(library.root / "a.JPG"))

    assert set(found) >= {"file", "content", "taken_at", "groups", "duplicates"}
    assert set(found["file"]) >= FILE
    assert found["taken_at"]["candidates"]
    assert found["groups"][0]["members"][0]["evidence"]


@pytest.mark.parametrize("words", [("doctor",), ("migrate", "status"), ("config", "check")])
def test_other_verbs_tell_one_object(library: House, words: tuple[str, ...]) -> None:
    assert library.ask(*words)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(house: House, verb: str) -> None:
    done = house.cli(*verb.split(), "-h")

    assert done.returncode == 0
    assert "Usage: " in done.stdout
    assert done.stdout == house.cli(*verb.split(), "--help").stdout


@pytest.mark.parametrize(
    "words",
    [
        ("explode",),
        ("files", "--explode"),
        ("scan", "--json", "--explode"),
        ("why",),
        ("jobs", "cancel"),
        ("jobs", "cancel", "many"),
        ("groups", "--type"),
    ],
)
def test_words_that_mean_nothing_are_wrong_usage(library: House, words: tuple[str, ...]) -> None:
    done = library.cli(*words)

    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("groups", "--type", "nonsense"),
        ("duplicates", "--type", "nonsense"),
        ("why", "/nowhere/at/all.jpg"),
        ("scan", "/nowhere"),
        ("jobs", "cancel", "4711"),
        ("jobs", "retry", "4711"),
    ],
)
def test_words_about_what_is_not_there_are_wrong_usage(
    library: House, words: tuple[str, ...]
) -> None:
    done = library.cli(*words)

    assert done.returncode == 2, done.stdout
    assert done.stderr.startswith("twinlens: ")
    assert "Traceback" not in done.stderr


def test_nothing_to_say_shows_the_help(house: House) -> None:
    done = house.cli()

    assert done.returncode in (0, 2)
    assert "Usage: " in done.stdout + done.stderr


def test_a_config_with_mistakes_names_all_of_them(house: House) -> None:
    house.config.write_text(
        '[[catalog]]\nname = "x"\nroots = ["relative"]\naction = "explode"\n'
        '[watch]\nsettle_seconds = "soon"\n',
        encoding="utf-8",
    )

    for words in (("scan",), ("run",), ("status",), ("config", "check")):
        done = house.cli(*words)
        assert done.returncode == 2
        for key in ("roots", "action", "settle_seconds"):
            assert key in done.stderr, (words, key)


@pytest.mark.parametrize("verb", ["files", "status", "groups", "duplicates", "jobs list", "why x"])
def test_without_a_database_it_is_said_how_to_get_one(house: House, verb: str) -> None:
    done = house.cli(*verb.split())

    assert done.returncode == 3
    assert "there is no database yet" in done.stderr
    assert "twinlens scan" in done.stderr
    assert not house.database.exists()


def test_a_scan_that_found_broken_pictures_ends_with_one(house: House) -> None:
    put_picture(house.root / "fine.jpg", 1)
    assert house.cli("scan").returncode == 0

    (house.root / "broken.jpg").write_bytes(picture(2)[:300])

    done = house.cli("scan")
    assert done.returncode == 1
    assert "1 files are broken" in done.stderr or "1 file is broken" in done.stderr
    assert house.cli("scan").returncode == 0, "what was told once is no news"


def test_the_config_is_looked_for_in_order(house: House, tmp_path: Path) -> None:
    def check(environ: dict[str, str], *words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*PROGRAM, *words, "config", "check", "--json"],
            env=house.environ(environ),
            capture_output=True,
            text=True,
            check=False,
        )

    own = tmp_path / ".config" / "twinlens" / "config.toml"
    named = tmp_path / "named.toml"
    given = tmp_path / "given.toml"
    own.parent.mkdir(parents=True)
    for path in (own, named, given):
        path.write_bytes(house.config.read_bytes())
    environ = {"TWINLENS_CONFIG": str(named)}

    assert json.loads(check(environ, "--config", str(given)).stdout)["path"] == str(given)
    assert json.loads(check(environ).stdout)["path"] == str(named)
    assert json.loads(check({}).stdout)["path"] == str(own)
    named.unlink()
    missing = check(environ)
    assert missing.returncode == 2
    assert str(named) in missing.stderr, "a config that was named is not silently replaced"


def test_the_example_is_a_config_that_is_accepted(house: House) -> None:
    example = house.cli("config", "example").stdout
    house.config.write_text(
        example.replace("/srv/nas/photos", str(house.root)).replace(
            "/var/lib/twinlens/twinlens.db", str(house.database)
        ),
        encoding="utf-8",
    )

    done = house.cli("config", "check")

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("verb", ["files --json", "files", "duplicates", "config example"])
@pytest.mark.parametrize("reader", ["head -c 10", "true"])
def test_a_reader_that_has_read_enough_is_no_error(library: House, verb: str, reader: str) -> None:
    command = " ".join((*PROGRAM, "--config", str(library.config), verb))

    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command} | {reader} > /dev/null"],
        env=library.environ(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.stderr, done.returncode) == ("", 0)


@pytest.mark.parametrize("verb", ["config check", "status", "scan"])
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_who_closes_a_standard_stream_is_served_all_the_same(
    house: House, verb: str, closed: str
) -> None:
    put_picture(house.root / "a.jpg", 1)
    assert house.cli("scan").returncode == 0
    command = f'exec "$@" {verb} {closed}'

    done = subprocess.run(
        ["sh", "-c", command, "sh", *PROGRAM, "--config", str(house.config)],
        env=house.environ(),
        capture_output=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, b"")
    assert bool(done.stdout) == (">&-" not in closed.split())


def test_output_to_a_full_disk_is_an_error(library: House) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*PROGRAM, "--config", str(library.config), "files", "--json"],
            env=library.environ(),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert done.returncode == 1
    assert done.stderr == "twinlens: the output cannot be written: No space left on device\n"


NAMES = (
    b"caf\xe9.jpg",
    b"new\nline.jpg",
    b"\x1b[31mred.jpg",
    "\u202egpj.exe.jpg".encode(),
    b"[bold].jpg",
)


@pytest.mark.parametrize("locale", [{"LC_ALL": "C", "PYTHONUTF8": "0"}, {"LC_ALL": "C.UTF-8"}])
def test_any_name_survives_any_locale(house: House, locale: dict[str, str]) -> None:
    for number, name in enumerate(NAMES):
        with open(os.path.join(os.fsencode(house.root), name), "wb") as file:
            file.write(picture(number))
    scanned = house.cli("scan", "--json", environ=locale)
    assert scanned.returncode == 0, scanned.stderr

    printed = house.cli("files", "--json", environ=locale).stdout
    paths = [json.loads(line)["path"] for line in printed.splitlines()]
    found = {os.path.basename(p.encode("utf-8", "surrogateescape")) for p in paths}
    assert found == set(NAMES)
    for verb in ("files", "status", "duplicates", "groups", "jobs list"):
        done = house.cli(*verb.split(), environ=locale)
        assert done.returncode == 0, (verb, done.stderr)
        assert "\x1b" not in done.stdout
        assert "\u202e" not in done.stdout
    assert len(house.cli("files", environ=locale).stdout.splitlines()) < len(NAMES) + 5
    for path in paths:
        why = house.cli("why", path.encode("utf-8", "surrogateescape"), environ=locale)
        assert why.returncode == 0, (path, why.stderr)
        assert "\x1b" not in why.stdout


def test_why_takes_a_path_relative_to_where_it_is_asked(library: House) -> None:
    assert library.ask("why", "photos/a.JPG")["file"]["path"] == str(library.root / "a.JPG")
    assert library.ask("why", "photos/../photos/./a.JPG")["file"]["status"] == "ok"


@pytest.mark.parametrize("columns", ["40", "80", "200"])
@pytest.mark.parametrize("verb", READ_VERBS)
def test_what_people_read_holds_whole_paths_and_no_json(
    library: House, verb: str, columns: str
) -> None:
    printed = library.cli(*verb.split(), environ={"COLUMNS": columns}).stdout

    assert "{" not in printed
    assert "None" not in printed
    assert all(line == line.rstrip() for line in printed.splitlines()), "blanks at a line's end"
    if verb == "files":
        for path in library.files():
            assert str(library.root / path) in printed, "a path that is cut cannot be pasted"


def test_a_broken_file_is_shown_with_its_reason(library: House) -> None:
    row = next(line for line in library.cli("files").stdout.splitlines() if "broken.jpg" in line)

    assert library.files()["broken.jpg"]["error"] in row


def test_status_knows_whether_the_daemon_runs(house: House) -> None:
    with Daemon(house) as daemon:
        eventually(lambda: house.root_state()["last_scan_at"], 8.0)
        assert house.ask("status")["running"] is True
        daemon.kill()

    assert house.ask("status")["running"] is False


def test_read_verbs_change_nothing(library: House) -> None:
    before = library.database.read_bytes()

    for verb in READ_VERBS:
        library.cli(*verb.split())

    assert library.database.read_bytes() == before


def test_a_schema_from_the_future_is_refused(house: House) -> None:
    house.scan()
    with sqlite3.connect(house.database) as connection:
        connection.execute(
            "INSERT INTO schema_migration (name, applied) VALUES ('9999_from_the_future', '2099')"
        )
    connection.close()

    for verb in ("scan", "files", "run"):
        done = house.cli(verb)
        assert done.returncode == 3, (verb, done.stderr)
        assert "9999_from_the_future" in done.stderr
