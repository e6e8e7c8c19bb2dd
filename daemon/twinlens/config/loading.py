"""Finding and reading the configuration file: any mistake refuses it, and all are named."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from twinlens.config.mistakes import InvalidConfigError, Mistake, mistakes_in
from twinlens.config.pruning import without
from twinlens.config.schema import Config
from twinlens.errors import ConfigError

SMALLEST = '[[catalog]]\nname = "family"\nroots = ["/srv/nas/photos"]\n'
"""The smallest configuration that runs."""

SYSTEM_CONFIG = Path("/etc/twinlens/config.toml")
_LARGEST_BYTES = 1 << 20
_MOST_LOOKS = 4


def find_config(explicit: str | None, environ: Mapping[str, str]) -> Path:
    """The file to read: --config, $TWINLENS_CONFIG, the user's own, the system's.

    A file that was named must be there: the next place is not tried in its stead.
    """
    named = [("--config", explicit), ("$TWINLENS_CONFIG", environ.get("TWINLENS_CONFIG"))]
    for source, text in named:
        if text:
            path = Path(text)
            if not _is_there(path):
                raise ConfigError(f"{source} names {path}, which does not exist", _advice())
            return path
    usual = usual_places(environ)
    for path in usual:
        if _is_there(path):
            return path
    looked = ["--config (not given)", "$TWINLENS_CONFIG (not set)", *map(str, usual)]
    raise ConfigError("no configuration found; looked at:\n  " + "\n  ".join(looked), _advice())


def usual_places(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """Where a configuration is looked for when none is named: the user's place, the system's."""
    folder = _home_folder(environ, "XDG_CONFIG_HOME", ".config")
    own = (folder / "twinlens" / "config.toml",) if folder else ()
    return (*own, SYSTEM_CONFIG)


def default_database(environ: Mapping[str, str]) -> Path:
    """Where the database lies when the file does not say: the service's state folder, else home."""
    state = environ.get("STATE_DIRECTORY", "").partition(":")[0]
    if state:
        return Path(state) / "twinlens.db"
    folder = _home_folder(environ, "XDG_STATE_HOME", ".local/state")
    if folder is None:
        raise ConfigError("database.path is not given, and there is no $HOME to put it under")
    return folder / "twinlens" / "twinlens.db"


def load_config(path: Path, environ: Mapping[str, str]) -> Config:
    """Read and check a file; InvalidConfigError with every mistake, one a line.

    `environ` gives the home for `~` and the place of a database that the file does not name.
    """
    text = _read(path)
    data = _parse(path, text)
    if not data:
        raise ConfigError(f"{path} is empty: there is no option in it", _advice())
    context = {"home": environ["HOME"]} if environ.get("HOME") else {}
    whole = _with_database(data, environ)
    try:
        return Config.model_validate(whole, context=context)
    except ValidationError as error:
        details, rest = _all_of_it(whole, error, context)
        raise InvalidConfigError(str(path), mistakes_in(text, details), rest=rest) from error


def _all_of_it(
    data: dict[str, object], error: ValidationError, context: dict[str, str]
) -> tuple[list[ErrorDetails], Config | None]:
    """Every mistake, and the configuration without them.

    How values fit together shows only once each of them is right: so the wrong ones are taken out,
    and the rest is looked at again.
    """
    found = error.errors(include_url=False)
    left: object = data
    for _ in range(_MOST_LOOKS):
        left = without(left, [(d["loc"], d["type"] == "missing") for d in error.errors()])
        try:
            return found, Config.model_validate(left, context=context)
        except ValidationError as further:
            error = further
            places = [detail["loc"] for detail in found]
            new = [d for d in error.errors(include_url=False) if d["loc"] not in places]
            if not new:
                return found, None
            found += new
    return found, None


def _with_database(data: dict[str, object], environ: Mapping[str, str]) -> dict[str, object]:
    database = data.get("database", {})
    if not isinstance(database, dict) or "path" in database:
        return data
    return {**data, "database": {"path": str(default_database(environ)), **database}}


def _home_folder(environ: Mapping[str, str], variable: str, below: str) -> Path | None:
    """An XDG folder; relative values are ignored, as the XDG base directory specification says."""
    value = environ.get(variable, "")
    if value.startswith("/"):
        return Path(value)
    home = environ.get("HOME", "")
    return Path(home) / below if home.startswith("/") else None


def _is_there(path: Path) -> bool:
    """True also for a file that may not be read: it is refused by name, not passed over."""
    try:
        return path.exists()
    except PermissionError:
        return True


def _advice() -> str:
    return f"the smallest that runs is:\n\n{SMALLEST}\n`twinlens config example` shows every option"


def _read(path: Path) -> str:
    """The text of the file, without a byte order mark."""
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    if len(data) > _LARGEST_BYTES:
        raise ConfigError(f"{path} is larger than 1 MiB: this is no configuration")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ConfigError(f"{path} is saved as UTF-16", "save it as UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}: line {line}: not UTF-8 text", "save it as UTF-8") from error
    return text.replace("\r\n", "\n")


def _parse(path: Path, text: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidConfigError(str(path), [_syntax_mistake(text, str(error))]) from error
    except RecursionError as error:
        raise ConfigError(f"{path} is nested too deeply") from error


_PLACE = re.compile(r" \((?:at line (\d+), column (\d+)|at end of document)\)$")
_TWICE = re.compile(r"Cannot (?:overwrite|declare|mutate)")


def _syntax_mistake(text: str, said: str) -> Mistake:
    """tomllib's words and place; "end of document" is the last line that says anything."""
    place = _PLACE.search(said)
    if place and place[1]:
        line, column = int(place[1]), int(place[2])
    else:
        last = text.rstrip().split("\n")
        line, column = len(last), len(last[-1]) + 1
    words = _PLACE.sub("", said)
    if _TWICE.match(words):
        return Mistake(f"column {column}", "given twice", f"keep one of them ({words})", line)
    return Mistake(f"column {column}", "not TOML", words, line)
