"""Whether the roots can be watched side by side: none twice, none in another, none `/`.

Two names for one folder would make every file its own duplicate, so folders are compared by what
they are (device and inode of the opened folder), not only by how they are spelled. Mounts are
judged by a function handed in. A root that is missing is a warning: a share may be mounted later.
"""

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from twinlens.config.mistakes import InvalidConfigError, Mistake
from twinlens.config.schema import Config

NetworkJudge = Callable[[bytes], str | None]
"""The kind of network file system a path lies on (`nfs4`), or None for a local disk."""


@dataclass(frozen=True, slots=True)
class RootsCheck:
    """What is wrong with the folders of a configuration: mistakes refuse it, warnings do not."""

    mistakes: tuple[Mistake, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Root:
    """A root as it is on the disk; `identity` is None where there is no folder now."""

    key: str
    path: Path
    real: Path
    identity: tuple[int, int] | None
    trouble: str | None
    is_folder: bool


def check_roots(config: Config, is_network: NetworkJudge) -> list[str]:
    """The warnings; InvalidConfigError with every mistake where there are any."""
    check = inspect_roots(config, is_network)
    if check.mistakes:
        raise InvalidConfigError("the folders cannot be used", check.mistakes)
    return list(check.warnings)


def inspect_roots(config: Config, is_network: NetworkJudge) -> RootsCheck:
    """Look at every root and at the database's place. It reads folders' states and nothing else."""
    roots = [
        _look(f"catalog[{number}].roots[{place}]", path)
        for number, catalog in enumerate(config.catalog)
        for place, path in enumerate(catalog.roots)
    ]
    mistakes = [mistake for root in roots if (mistake := _own_mistake(root))]
    for number, root in enumerate(roots):
        mistakes += [m for other in roots[:number] if (m := _clash(other, root))]
    warnings = [f"{root.key}: {root.path} {root.trouble}" for root in roots if root.trouble]
    wrong, odd = _database(config.database.path, roots, is_network)
    return RootsCheck((*mistakes, *wrong, *_written(config, roots)), (*warnings, *odd))


def root_holding(config: Config, path: Path) -> Path | None:
    """The root that a path lies in, under whatever name; None where it lies in none of them."""
    place = _Root("", path, Path(os.path.realpath(path)), None, None, is_folder=False)
    roots = (_look("", root) for catalog in config.catalog for root in catalog.roots)
    return next((root.path for root in roots if _is_within(place, root)), None)


def _written(config: Config, roots: list[_Root]) -> list[Mistake]:
    """What twinlens writes besides its database lies outside every root too."""
    mistakes: list[Mistake] = []
    vault = config.vault.folder
    places = {
        "backup.folder": config.backup.folder,
        "vault.place": vault,
        "metrics.file": config.metrics.file,
    }
    for key, path in places.items():
        if path is None:
            continue
        place = _Root(key, path, Path(os.path.realpath(path)), None, None, is_folder=False)
        mistakes += [
            Mistake(key, f"{path} lies within the root {root.path}", "put it outside every root")
            for root in roots
            if root.real != Path("/") and _is_within(place, root)
        ]
    if vault is not None:
        real = os.path.realpath(vault)
        mistakes += [
            Mistake("vault.place", f"{vault} holds the root {root.path}", "give it its own folder")
            for root in roots
            if root.real.is_relative_to(real)
        ]
    return mistakes


def _look(key: str, path: Path) -> _Root:
    real = Path(os.path.realpath(path))
    try:
        # Only a handle: nothing is listed, and a folder that may not be read is still compared.
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError as error:
        missing = f"is not there now ({error.strerror}); it is watched once it is"
        return _Root(key, path, real, None, missing, is_folder=True)
    try:
        result = os.fstat(handle)
    finally:
        os.close(handle)
    is_folder = stat.S_ISDIR(result.st_mode)
    readable = not is_folder or os.access(path, os.R_OK | os.X_OK)
    trouble = None if readable else "may not be read by this user"
    return _Root(key, path, real, (result.st_dev, result.st_ino), trouble, is_folder)


def _own_mistake(root: _Root) -> Mistake | None:
    if not root.is_folder:
        return Mistake(root.key, f"{root.path} is not a folder", "name the folder it is in")
    if root.real == Path("/"):
        return Mistake(root.key, f"{root.path} is the whole system", "name the folder of pictures")
    return None


def _clash(first: _Root, second: _Root) -> Mistake | None:
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


def _is_within(inner: _Root, outer: _Root) -> bool:
    """True also where a folder above `inner` is `outer` under another name."""
    if inner.real.is_relative_to(outer.real):
        return True
    return outer.identity is not None and any(
        _identity(above) == outer.identity for above in inner.real.parents
    )


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        result = path.stat()
    except OSError:
        return None
    return result.st_dev, result.st_ino


def _database(
    path: Path, roots: list[_Root], is_network: NetworkJudge
) -> tuple[list[Mistake], list[str]]:
    """The database: a file on a local disk, outside every root; its folder holds no root either."""
    key = "database.path"
    real = Path(os.path.realpath(path))
    place = _Root(key, path, real, None, None, is_folder=False)
    mistakes = []
    if real.is_dir():
        mistakes.append(Mistake(key, f"{path} is a folder", "name a file in it"))
    mistakes += [
        Mistake(key, f"{path} lies within the root {root.path}", "put it outside every root")
        for root in roots
        if root.real != Path("/") and _is_within(place, root)
    ]
    above = next((folder for folder in real.parents if folder.is_dir()), Path("/"))
    kind = is_network(os.fsencode(above))
    if kind:
        wants = "it must be on a local disk: network shares lose SQLite's locks"
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
