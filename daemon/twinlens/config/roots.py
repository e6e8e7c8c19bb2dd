"""Whether the roots can be watched side by side: none twice, none in another, none `/`.

Two names for one folder would make every file its own duplicate, so folders are compared by what
they are (device and inode of the opened folder), not only by how they are spelled. Mounts are
judged by a function handed in. A root that is missing is a warning: a share may be mounted later.
So is one that does not answer: it is compared by its spelling alone.
"""

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from twinlens.config.mistakes import InvalidConfigError, Mistake
from twinlens.config.schema import Config
from twinlens.questions import NO_ANSWER, Questions

LOOK_SECONDS = 2.0
"""How long the folders are waited for, all together: whoever starts must not wait for one of them.
"""

DATABASE_SECONDS = 30.0
"""How long the database is: nothing can be done without it, and its disk may have to start turning.
"""

_DATABASE = "database.path"
_VAULT = "vault.place"

NetworkJudge = Callable[[bytes], str | None]
"""The kind of network file system a path lies on (`nfs4`), or None for a local disk."""


@dataclass(frozen=True, slots=True)
class RootsCheck:
    """What is wrong with the folders of a configuration: mistakes refuse it, warnings do not."""

    mistakes: tuple[Mistake, ...]
    warnings: tuple[str, ...]


Identity = tuple[int, int]
"""(device, inode)"""


@dataclass(frozen=True, slots=True)
class _Place:
    """A path of the config as it is on the disk. `identity` is None where nothing is there now,
    `above` holds those of the folders above it. With `is_silent` only its spelling is known."""

    key: str
    path: Path
    real: Path
    identity: Identity | None = None
    above: frozenset[Identity] = frozenset()
    trouble: str | None = None
    is_folder: bool = True
    is_silent: bool = False


def check_roots(
    config: Config, is_network: NetworkJudge, questions: Questions | None = None
) -> list[str]:
    """The warnings; InvalidConfigError with every mistake where there are any."""
    check = inspect_roots(config, is_network, questions)
    if check.mistakes:
        raise InvalidConfigError("the folders cannot be used", check.mistakes)
    return list(check.warnings)


def inspect_roots(
    config: Config,
    is_network: NetworkJudge,
    questions: Questions | None = None,
    seconds: float = LOOK_SECONDS,
) -> RootsCheck:
    """Look at every root and at what twinlens writes. It reads folders' states and nothing else.

    `questions` are those that the roots are being asked already, by their paths as bytes; all
    together are waited for so many `seconds`.
    """
    keys = _roots(config)
    asked = questions or Questions()
    places = _looked_at(keys | _written(config), asked, seconds)
    roots = [places.pop(key) for key in keys]
    database = places.pop(_DATABASE)
    if database.is_silent:
        database = _looked_at({_DATABASE: database.path}, asked, DATABASE_SECONDS)[_DATABASE]
    mistakes = [mistake for root in roots if (mistake := _own_mistake(root))]
    for number, root in enumerate(roots):
        mistakes += [m for other in roots[:number] if (m := _clash(other, root))]
    warnings = [f"{root.key}: {root.path} {root.trouble}" for root in roots if root.trouble]
    wrong, odd = _database(database, roots, is_network)
    return RootsCheck(
        (*mistakes, *wrong, *_beside_roots(places.values(), roots)), (*warnings, *odd)
    )


def clash_of(config: Config, path: bytes, questions: Questions) -> str | None:
    """Why a root that is there only now cannot be watched beside the others, None where it can.

    A root that was away or did not answer has been compared by its spelling alone. The answer is
    about this one, whichever of two the config names first.
    """
    keys = _roots(config)
    places = _looked_at(keys | _written(config), questions)
    roots = [places.pop(key) for key in keys]
    root = next(one for one in roots if os.fsencode(one.path) == path)
    if root.is_silent:
        return NO_ANSWER
    clashes = (_clash(one, root) for one in roots if one is not root)
    mistakes = (_own_mistake(root), *clashes, *_beside_roots(places.values(), [root]))
    found = next((mistake for mistake in mistakes if mistake is not None), None)
    return None if found is None else f"{found.key}: {found.found}; {found.accepted}"


def root_holding(config: Config, path: Path) -> Path | None:
    """The root that a path lies in, under whatever name; None where it lies in none of them."""
    places = _looked_at({**_roots(config), "": path}, Questions())
    inner = places.pop("")
    return next((root.path for root in places.values() if _is_within(inner, root)), None)


def _roots(config: Config) -> dict[str, Path]:
    """Every root by its key."""
    return {
        f"catalog[{number}].roots[{place}]": path
        for number, catalog in enumerate(config.catalog)
        for place, path in enumerate(catalog.roots)
    }


def _written(config: Config) -> dict[str, Path]:
    """What twinlens writes, by its key: all of it lies outside every root."""
    places = {
        _DATABASE: config.database.path,
        "backup.folder": config.backup.folder,
        _VAULT: config.vault.folder,
        "metrics.file": config.metrics.file,
    }
    return {key: path for key, path in places.items() if path is not None}


def _looked_at(
    paths: Mapping[str, Path], questions: Questions, seconds: float = LOOK_SECONDS
) -> dict[str, _Place]:
    """All of them as they are on the disk, by their keys."""
    looks = {os.fsencode(path): partial(_look, path) for path in paths.values()}
    answers = questions.ask_all(looks, seconds, None)
    found = {key: answers[os.fsencode(path)] or _silent(path) for key, path in paths.items()}
    return {key: replace(place, key=key) for key, place in found.items()}


def _silent(path: Path) -> _Place:
    trouble = f"is not looked at now: {NO_ANSWER}; it is watched once it does"
    return _Place("", path, Path(os.path.normpath(path)), trouble=trouble, is_silent=True)


def _look(path: Path) -> _Place:
    real = Path(os.path.realpath(path))
    above = frozenset(found for folder in real.parents if (found := _identity(folder)))
    try:
        # Only a handle: nothing is listed, and a folder that may not be read is still compared.
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError as error:
        missing = f"is not there now ({error.strerror}); it is watched once it is"
        return _Place("", path, real, None, above, missing)
    try:
        result = os.fstat(handle)
    finally:
        os.close(handle)
    is_folder = stat.S_ISDIR(result.st_mode)
    readable = not is_folder or os.access(path, os.R_OK | os.X_OK)
    trouble = None if readable else "may not be read by this user"
    return _Place("", path, real, (result.st_dev, result.st_ino), above, trouble, is_folder)


def _within_roots(place: _Place, roots: list[_Place]) -> list[Mistake]:
    return [
        Mistake(
            place.key, f"{place.path} lies within the root {root.path}", "put it outside every root"
        )
        for root in roots
        if root.real != Path("/") and _is_within(place, root)
    ]


def _beside_roots(places: Iterable[_Place], roots: list[_Place]) -> Iterator[Mistake]:
    """Where what twinlens writes lies within a root, or the vault around one."""
    for place in places:
        yield from _within_roots(place, roots)
        if place.key == _VAULT:
            for root in roots:
                if root.real.is_relative_to(place.real):
                    words = f"{place.path} holds the root {root.path}"
                    yield Mistake(_VAULT, words, "give it its own folder")


def _own_mistake(root: _Place) -> Mistake | None:
    if not root.is_folder:
        return Mistake(root.key, f"{root.path} is not a folder", "name the folder it is in")
    if root.real == Path("/"):
        return Mistake(root.key, f"{root.path} is the whole system", "name the folder of pictures")
    return None


def _clash(first: _Place, second: _Place) -> Mistake | None:
    """Where two roots share files: by name, through links, or through a bind mount."""
    keep = f"keep one of it and {first.key}"
    if first.real == second.real or (first.identity and first.identity == second.identity):
        return Mistake(second.key, f"{second.path} is the same folder as {first.path}", keep)
    if Path("/") in (first.real, second.real):
        return None  # said already
    if _is_within(second, first):
        return Mistake(second.key, f"{second.path} lies within {first.path}", keep)
    if _is_within(first, second):
        return Mistake(second.key, f"{second.path} holds {first.path}", keep)
    return None


def _is_within(inner: _Place, outer: _Place) -> bool:
    """True also where a folder above `inner` is `outer` under another name."""
    if inner.real.is_relative_to(outer.real):
        return True
    return outer.identity in inner.above


def _identity(path: Path) -> Identity | None:
    try:
        result = path.stat()
    except OSError:
        return None
    return result.st_dev, result.st_ino


def _database(
    place: _Place, roots: list[_Place], is_network: NetworkJudge
) -> tuple[list[Mistake], list[str]]:
    """The database: a file on a local disk, outside every root; its folder holds no root either."""
    key, path, real = place.key, place.path, place.real
    wants = "it must be on a local disk: network shares lose SQLite's locks"
    if place.is_silent:
        return [Mistake(key, f"{path} cannot be looked at: {NO_ANSWER}", wants)], []
    mistakes = []
    if place.identity is not None and place.is_folder:
        mistakes.append(Mistake(key, f"{path} is a folder", "name a file in it"))
    mistakes += _within_roots(place, roots)
    above = next((folder for folder in real.parents if folder.is_dir()), Path("/"))
    kind = is_network(os.fsencode(above))
    if kind:
        mistakes.append(Mistake(key, f"{path} is on a network mount ({kind})", wants))
    # A warning only: a folder that holds both a database and photos is common, and does no harm as
    # long as nothing else of the state lies under the root.
    warnings = [
        f"{root.key}: {root.path} lies in the folder of the database, {real.parent}; "
        "a folder of its own is safer"
        for root in roots
        if root.real.is_relative_to(real.parent) and not real.is_relative_to(root.real)
    ]
    return mistakes, warnings
