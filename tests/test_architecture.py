"""Holds the map of ARCHITECTURE.md: who may import whom, and which library lives where."""

import ast
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "daemon" / "twinlens"

LEVELS = (
    ("errors", "questions", "model"),
    ("config", "analysis", "grouping", "events", "host"),
    ("media", "watch", "store", "notify", "actions", "vault"),
    ("jobs", "ingest", "maintenance"),
    ("commands",),
    ("web",),
    ("service",),
    ("cli",),
)

ALLOWED_SIDEWAYS = {("ingest", "jobs")}
"""Rooms of one level do not know each other, but for these."""

HOMES = {
    "peewee": {"store"},
    "playhouse": {"store"},
    "watchdog": {"watch"},
    "apscheduler": {"maintenance"},
    "imagehash": {"analysis"},
    "numpy": {"analysis", "grouping", "media"},
    "PIL": {"media", "analysis", "ingest"},
    "pillow_heif": {"media"},
    "blake3": {"media"},
    "exiftool": {"media"},
    "systemd": {"host"},
    "httpx": {"notify"},
    "anyio": {"notify"},
    "s3fs": {"vault"},
    "botocore": {"vault"},
    "pebble": {"jobs"},
    "pydantic": {"config"},
    "pydantic_core": {"config"},
    "typer": {"cli"},
    "rich": {"cli"},
}

LEVEL_OF = {room: level for level, rooms in enumerate(LEVELS) for room in rooms}

MODULES = sorted(PACKAGE.rglob("*.py"))


def room_of(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imports_of(path: Path) -> list[tuple[str, int]]:
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: a relative import"
            module = node.module or ""
            found.append((module, node.lineno))
            if module == "twinlens":
                found += [(f"twinlens.{alias.name}", node.lineno) for alias in node.names]
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_down_the_map_only(path: Path) -> None:
    room = room_of(path)
    if room in ("__init__", "__main__"):
        return
    assert room in LEVEL_OF, f"{room} is no room of the map"
    for module, line in imports_of(path):
        parts = module.split(".")
        if parts[0] != "twinlens" or len(parts) < 2 or parts[1] in (room, "__version__"):
            continue
        other = parts[1]
        assert other in LEVEL_OF, f"{path.name}:{line}: {other} is no room of the map"
        is_down = LEVEL_OF[other] < LEVEL_OF[room]
        assert is_down or (room, other) in ALLOWED_SIDEWAYS, (
            f"{path.relative_to(PACKAGE)}:{line}: {room} (level {LEVEL_OF[room]}) may not import "
            f"{other} (level {LEVEL_OF[other]}): hand it in as a callable, from the service"
        )


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_library_lives_in_its_room(path: Path) -> None:
    room = room_of(path)
    for module, line in imports_of(path):
        library = module.split(".")[0]
        if library == "twinlens" or library in sys.stdlib_module_names:
            continue
        assert library in HOMES, f"{path.name}:{line}: {library} has no home in the map"
        assert room in HOMES[library], (
            f"{path.relative_to(PACKAGE)}:{line}: {library} lives in {sorted(HOMES[library])}"
        )


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_module_is_about_one_noun(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    name = path.stem

    assert len(text.splitlines()) <= 400, "look for the second noun"
    assert ast.get_docstring(ast.parse(text)), "a module says what it is for"
    assert name not in {"utils", "util", "helpers", "helper", "common", "base", "misc"}
    if name == "__init__":
        assert len(ast.parse(text).body) <= 2, "an __init__ holds a docstring at most"


def test_no_top_level_module_shadows_the_standard_library() -> None:
    names = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__", "__main__"}

    assert not names & sys.stdlib_module_names


def test_the_map_in_the_documentation_names_every_room() -> None:
    text = (PACKAGE.parent.parent / "ARCHITECTURE.md").read_text(encoding="utf-8")

    for rooms in LEVELS:
        for room in rooms:
            assert f"`{room}" in text, f"ARCHITECTURE.md does not name {room}"


WRITERS = {
    "unlink", "remove", "rename", "replace", "rmdir", "removedirs", "renames", "truncate",
    "ftruncate", "link", "symlink", "mkdir", "makedirs", "chmod", "chown", "utime", "mkfifo",
    "mknod", "rmtree", "copyfile", "copy", "copy2", "move", "write_text", "write_bytes",
}  # fmt: skip

OWN_FILES = {
    "actions": "the one room that may",
    "host": "the lock file and the request spool beside the database",
    "store": "the database's own folder",
    "vault": "the vault's own folder, which lies outside every root",
}
"""Rooms that change files at all. None of the others so much as names a call that could."""


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_other_room_can_change_a_file(path: Path) -> None:
    if room_of(path) in OWN_FILES:
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        owner = node.func.value
        is_file_call = isinstance(owner, ast.Name) and owner.id in {"os", "shutil", "pathlib"}
        assert not (is_file_call and node.func.attr in WRITERS), (
            f"{path.relative_to(PACKAGE)}:{node.lineno}: {node.func.attr} changes a file; only "
            "`actions` touches what lies below a root"
        )
        if isinstance(owner, ast.Name) and owner.id == "os" and node.func.attr == "open":
            flags = ast.unparse(node)
            assert (
                not any(
                    flag in flags
                    for flag in ("O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_APPEND")
                )
                or "os.devnull" in flags
            ), f"{path.relative_to(PACKAGE)}:{node.lineno}: opens to write"
