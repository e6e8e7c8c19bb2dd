"""The other programs: how each is asked, and how its answer reads."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Literal

Kind = Literal["exact", "near", "metadata"]
Groups = Sequence[Collection[str]]
"""Files that a program calls the same, by their whole paths; groups may overlap."""

ASKING = Path(__file__).resolve().parent / "asking"


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: about which folder, in how many processes; `scratch` is for what is written."""

    root: Path
    processes: int
    scratch: Path
    python: Path
    """The Python that has the peers' packages."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A program, what it finds, the command that asks it, and the reader of its output."""

    name: str
    kind: Kind
    command: Callable[[Asked], Sequence[str]]
    groups: Callable[[str, Asked], Groups]
    package: str = ""
    """What `python` has to be able to import; without it the command's program has to be there."""

    def missing(self, asked: Asked) -> str:
        """Why it cannot be asked; "" where it can."""
        if not self.package:
            program = self.command(asked)[0]
            return "" if shutil.which(program) else f"not measured: {program} is not installed"
        # Imported and not looked for: a package whose own packages are missing is of no use.
        probe = [str(asked.python), "-c", f"import {self.package}"]
        if subprocess.run(probe, capture_output=True, check=False).returncode == 0:
            return ""
        return f"not measured: {asked.python.name} cannot import {self.package}"


def _script(name: str) -> Callable[[Asked], Sequence[str]]:
    return lambda asked: [
        str(asked.python),
        str(ASKING / f"{name}.py"),
        str(asked.root),
        str(asked.processes),
    ]


def _of_json(output: str, _: Asked) -> Groups:
    """The last line: some programs talk before."""
    found: list[list[str]] = json.loads(output.strip().splitlines()[-1])
    return found


def of_paragraphs(output: str, _: Asked) -> Groups:
    """A path a line, groups apart by an empty line: jdupes, fdupes."""
    return [part.splitlines() for part in output.strip().split("\n\n") if part]


def of_rmlint(output: str, _: Asked) -> Groups:
    """JSON with an entry for each file; equal files have one checksum and size."""
    entries = [one for one in json.loads(output) if one.get("type") == "duplicate_file"]
    entries.sort(key=_rmlint_key)
    return [[one["path"] for one in group] for _, group in groupby(entries, _rmlint_key)]


def _rmlint_key(entry: dict[str, object]) -> tuple[str, str]:
    return str(entry["checksum"]), str(entry["size"])


def of_rdfind(_: str, asked: Asked) -> Groups:
    """Its results file: type, id, depth, size, device, inode, priority, path. A copy's id is
    negative."""
    groups: dict[int, list[str]] = {}
    for line in _rdfind_results(asked).read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            fields = line.split(" ", 7)
            groups.setdefault(abs(int(fields[1])), []).append(fields[7])
    return list(groups.values())


def _rdfind_results(asked: Asked) -> Path:
    return asked.scratch / "rdfind.txt"


def of_findimagedupes(output: str, asked: Asked) -> Groups:
    """A group a line, its paths apart by spaces, which names may hold too: the root tells."""
    return [re.split(f" (?={re.escape(str(asked.root))}/)", line) for line in output.splitlines()]


PEERS = (
    Peer(
        "rmlint",
        "exact",
        lambda asked: ["rmlint", "-T", "df", "-o", "json", str(asked.root)],
        of_rmlint,
    ),
    Peer("jdupes", "exact", lambda asked: ["jdupes", "-r", "-q", str(asked.root)], of_paragraphs),
    Peer("fdupes", "exact", lambda asked: ["fdupes", "-r", "-q", str(asked.root)], of_paragraphs),
    Peer(
        "rdfind",
        "exact",
        lambda asked: [
            *("rdfind", "-dryrun", "true", "-makeresultsfile", "true"),
            *("-outputname", str(_rdfind_results(asked)), str(asked.root)),
        ],
        of_rdfind,
    ),
    Peer("czkawka", "near", _script("czkawka_groups"), _of_json, "czkawka"),
    Peer("imagededup pHash", "near", _script("imagededup_groups"), _of_json, "imagededup.methods"),
    Peer("difPy", "near", _script("difpy_groups"), _of_json, "difPy"),
    Peer(
        "findimagedupes",
        "near",
        lambda asked: ["findimagedupes", "-R", "-t", "90%", str(asked.root)],
        of_findimagedupes,
    ),
    Peer(
        "exiftool -fast2",
        "metadata",
        lambda asked: ["exiftool", "-fast2", "-json", "-r", str(asked.root)],
        lambda _, __: [],
    ),
)
