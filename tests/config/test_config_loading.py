"""Finding and reading the file: every mistake is named, and nothing else than ConfigError comes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twinlens.config.loading import SMALLEST, default_database, find_config, load_config
from twinlens.config.mistakes import InvalidConfigError
from twinlens.errors import ConfigError

ENVIRON = {"HOME": "/home/ada"}
CATALOG = '[[catalog]]\nname = "family"\nroots = ["/srv/photos"]\n'


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def refusal(path: Path, text: str | bytes) -> str:
    """The message with which a file is refused."""
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigError) as caught:
        load_config(path, ENVIRON)
    return str(caught.value)


# Finding


def make(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(SMALLEST, encoding="utf-8")
    return path


def test_the_named_file_goes_before_all_others(tmp_path: Path) -> None:
    named, other = make(tmp_path / "a.toml"), make(tmp_path / "b.toml")

    found = find_config(str(named), {"TWINLENS_CONFIG": str(other)})

    assert found == named


def test_the_environment_goes_before_the_home(tmp_path: Path) -> None:
    named = make(tmp_path / "a.toml")
    make(tmp_path / ".config/twinlens/config.toml")

    found = find_config(None, {"TWINLENS_CONFIG": str(named), "HOME": str(tmp_path)})

    assert found == named


def test_the_home_is_looked_at_when_nothing_is_named(tmp_path: Path) -> None:
    own = make(tmp_path / ".config/twinlens/config.toml")

    assert find_config(None, {"HOME": str(tmp_path)}) == own


def test_xdg_config_home_stands_for_the_folder_in_the_home(tmp_path: Path) -> None:
    make(tmp_path / ".config/twinlens/config.toml")
    moved = make(tmp_path / "elsewhere/twinlens/config.toml")

    environ = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "elsewhere")}

    assert find_config(None, environ) == moved


def test_a_named_file_that_is_missing_is_not_replaced_by_another(tmp_path: Path) -> None:
    make(tmp_path / ".config/twinlens/config.toml")

    with pytest.raises(ConfigError, match=r"--config names /nowhere/x\.toml"):
        find_config("/nowhere/x.toml", {"HOME": str(tmp_path)})


def test_without_a_file_all_places_and_the_smallest_config_are_shown(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        find_config(None, {"HOME": str(tmp_path)})

    message = str(caught.value)
    assert "--config" in message
    assert "$TWINLENS_CONFIG" in message
    assert f"{tmp_path}/.config/twinlens/config.toml" in message
    assert "/etc/twinlens/config.toml" in message
    assert SMALLEST in caught.value.advice


def test_the_smallest_config_runs(config_file: Path) -> None:
    config_file.write_text(SMALLEST, encoding="utf-8")

    config = load_config(config_file, ENVIRON)

    assert [catalog.name for catalog in config.catalog] == ["family"]


# The database's place


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"HOME": "/home/ada"}, "/home/ada/.local/state/twinlens/twinlens.db"),
        ({"HOME": "/home/ada", "XDG_STATE_HOME": "/state"}, "/state/twinlens/twinlens.db"),
        ({"HOME": "/h", "XDG_STATE_HOME": "relative"}, "/h/.local/state/twinlens/twinlens.db"),
        ({"HOME": "/h", "STATE_DIRECTORY": "/var/lib/twinlens"}, "/var/lib/twinlens/twinlens.db"),
        ({"STATE_DIRECTORY": "/var/lib/a:/var/lib/b"}, "/var/lib/a/twinlens.db"),
    ],
)
def test_the_database_lies_in_the_state_folder(environ: dict[str, str], expected: str) -> None:
    assert str(default_database(environ)) == expected


def test_a_database_in_the_file_wins_over_the_state_folder(config_file: Path) -> None:
    config_file.write_text(CATALOG + '[database]\npath = "/data/x.db"\n', encoding="utf-8")

    config = load_config(config_file, {"STATE_DIRECTORY": "/var/lib/twinlens"})

    assert str(config.database.path) == "/data/x.db"


def test_an_empty_database_table_means_the_default(config_file: Path) -> None:
    config_file.write_text(CATALOG + "[database]\n", encoding="utf-8")

    assert load_config(config_file, ENVIRON).database.path == default_database(ENVIRON)


def test_a_tilde_is_the_home(config_file: Path) -> None:
    config_file.write_text('[[catalog]]\nname = "a"\nroots = ["~/Pictures"]', encoding="utf-8")

    config = load_config(config_file, ENVIRON)

    assert config.catalog[0].roots == (Path("/home/ada/Pictures"),)


# The file itself


def test_a_byte_order_mark_and_windows_line_ends_are_read(config_file: Path) -> None:
    config_file.write_bytes(b"\xef\xbb\xbf" + CATALOG.replace("\n", "\r\n").encode())

    assert load_config(config_file, ENVIRON).catalog[0].name == "family"


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n", "\ufeff"])
def test_an_empty_file_is_called_empty(config_file: Path, text: str) -> None:
    assert "is empty" in refusal(config_file, text)


def test_a_syntax_error_names_line_and_column(config_file: Path) -> None:
    message = refusal(config_file, CATALOG + "[watch]\npolling = auto\n")

    assert "line 5: column 11: not TOML" in message


def test_an_unclosed_list_names_the_last_line(config_file: Path) -> None:
    assert "line 3: column" in refusal(config_file, '[[catalog]]\nname = "a"\nroots = ["/srv"\n')


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('[[catalog]]\nname = "a"\nname = "b"\nroots = ["/a"]\n', 3),
        ('[[catalog]]\nroots = ["/a"]\nname = "a"\nname = "b"', 4),
        (CATALOG + "[watch]\n[log]\n[watch]\n", 6),
    ],
)
def test_a_key_given_twice_is_said_to_be(config_file: Path, text: str, line: int) -> None:
    message = refusal(config_file, text)

    assert f"line {line}: column" in message
    assert "given twice" in message


def test_text_of_another_encoding_names_the_line(config_file: Path) -> None:
    assert "line 2: not UTF-8" in refusal(config_file, b'[[catalog]]\nname = "Andr\xe9"\n')


def test_utf_16_is_called_by_its_name(config_file: Path) -> None:
    assert "UTF-16" in refusal(config_file, CATALOG.encode("utf-16"))


def test_a_folder_in_the_files_place_is_a_config_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read"):
        load_config(tmp_path, ENVIRON)


def test_a_huge_file_is_not_read_to_its_end(config_file: Path) -> None:
    assert "larger than 1 MiB" in refusal(config_file, b"#" * (1 << 21))


def test_deep_nesting_is_a_config_error(config_file: Path) -> None:
    assert "nested" in refusal(config_file, "a = " + "[" * 5000 + "]" * 5000)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.one_of(st.binary(max_size=60), st.text(max_size=60).map(str.encode)))
def test_no_bytes_raise_anything_but_a_config_error(config_file: Path, data: bytes) -> None:
    config_file.write_bytes(data)

    with pytest.raises(ConfigError):
        load_config(config_file, ENVIRON)


# Mistakes


def test_every_mistake_is_named_at_once_in_the_order_of_the_file(config_file: Path) -> None:
    text = """\
[[catalog]]
name = "family"
rootz = ["/srv/photos"]
roots = [
    "/srv/photos",
    "pictures",
]

[watch]
settle_seconds = "5"
polling = "sometimes"
# a comment between
recursive = true

[workers]
processes = 1.5
retries = 1000

[[notify.webhook]]
url = "ftp://host/"
secret = 5

[databse]
path = "/x"
"""
    message = refusal(config_file, text)

    assert message.splitlines() == [
        f"{config_file}:",
        "line 3: catalog[0].rootz: unknown key; did you mean roots?",
        'line 4: catalog[0].roots[1]: found "pictures"; a path must be absolute: begin it with /',
        'line 10: watch.settle_seconds: found "5"; accepted is a number from 0.1 to 3600',
        'line 11: watch.polling: found "sometimes"; accepted is one of "auto", "always", "never"',
        "line 13: watch.recursive: unknown key; known here are settle_seconds, "
        "network_settle_seconds, polling, scan_interval_minutes, poll_interval_minutes, "
        "missing_percent_brake",
        "line 16: workers.processes: found 1.5; accepted is a whole number from 0 to 64",
        "line 17: workers.retries: found 1000; accepted is a whole number from 0 to 100",
        'line 20: notify.webhook[0].url: found "ftp://host/"; an address begins with http:// or '
        "https:// and names a host",
        "line 21: notify.webhook[0].secret: found a number (not shown); accepted is text in quotes",
        "line 23: databse: unknown key; did you mean database?",
    ]


def test_each_span_of_the_day_that_is_none_is_named(config_file: Path) -> None:
    text = (
        CATALOG
        + """
[schedule]
quiet_hours = [
    "8:00-22:00",
    "22:00-24:00",
    "00:00-24:00",
    "09:00-09:00",
]
pause_above_busy_percent = 0.5
"""
    )
    message = refusal(config_file, text)

    named = [line.partition(": schedule.")[2] for line in message.splitlines()[1:]]
    assert named == [
        'quiet_hours[0]: found "8:00-22:00"; a span of the day is written "08:00-22:30"',
        'quiet_hours[2]: found "00:00-24:00"; a span of the whole day: long passes would never run',
        'quiet_hours[3]: found "09:00-09:00"; a span that ends when it begins',
        "pause_above_busy_percent: found 0.5; it is in percent: 50 is half of all cores, "
        "0 never waits",
    ]


def test_spans_that_leave_no_minute_are_refused_together(config_file: Path) -> None:
    text = CATALOG + '[schedule]\nquiet_hours = ["08:00-20:00", "20:00-08:00"]\n'

    assert "no minute of the day is left: long passes would never run" in refusal(config_file, text)


def test_mistakes_can_be_read_by_programs(config_file: Path) -> None:
    config_file.write_text(CATALOG + "[log]\nlevel = 3\n", encoding="utf-8")

    with pytest.raises(InvalidConfigError) as caught:
        load_config(config_file, ENVIRON)

    (mistake,) = caught.value.mistakes
    assert (mistake.key, mistake.line, mistake.found) == ("log.level", 5, "found 3")


def test_a_missing_key_is_named_on_the_line_of_its_table(config_file: Path) -> None:
    message = refusal(config_file, CATALOG + '[[catalog]]\nname = "b"\n')

    assert "line 4: catalog[1].roots: missing" in message


def test_a_key_of_another_table_is_pointed_to_it(config_file: Path) -> None:
    message = refusal(config_file, CATALOG + "settle_seconds = 5\n")

    assert "catalog[0].settle_seconds: unknown key; did you mean settle_seconds under [watch]?" in (
        message
    )


def test_single_brackets_are_told_of_double_ones(config_file: Path) -> None:
    message = refusal(config_file, '[catalog]\nname = "a"\nroots = ["/a"]\n')

    assert "catalog: found a table; accepted is a table in double brackets" in message


def test_wrong_items_do_not_make_their_list_too_short(config_file: Path) -> None:
    message = refusal(config_file, '[[catalog]]\nname = "a"\nroots = ["x"]\n')

    assert len(message.splitlines()) == 2


def test_a_secret_is_never_repeated(config_file: Path) -> None:
    text = CATALOG + (
        '[[notify.webhook]]\nurl = "http://h/"\nsecret = ["hunter2"]\nsecrets = "hunter2"\n'
    )

    assert "hunter2" not in refusal(config_file, text)


def test_two_catalogs_of_one_name_are_refused(config_file: Path) -> None:
    text = CATALOG + '[[catalog]]\nname = "Family"\nroots = ["/b"]\n'

    assert "the name family is given to more than one catalog" in refusal(config_file, text)


def test_the_c_locale_means_the_same_folders(config_file: Path) -> None:
    config_file.write_text('[[catalog]]\nname = "a"\nroots = ["/srv/Фото é"]', encoding="utf-8")
    program = (
        "import os, sys; from pathlib import Path; from twinlens.config.loading import load_config;"
        f"config = load_config(Path({str(config_file)!r}), dict(HOME='/'));"
        "print(sys.getfilesystemencoding(), os.fsencode(config.catalog[0].roots[0]).hex())"
    )
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(sys.path),
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
    }

    done = subprocess.run(
        [sys.executable, "-c", program], env=environ, check=True, capture_output=True, text=True
    )

    encoding, spelled = done.stdout.split()
    assert encoding != "utf-8"  # otherwise nothing was tried
    assert bytes.fromhex(spelled) == "/srv/Фото é".encode()
