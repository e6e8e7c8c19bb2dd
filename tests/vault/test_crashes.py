"""Claims about crashes and errors: at whatever call of the kernel storing ends, a row that says
"kept" has a whole object, nothing else stands under an object's name, and the next try succeeds."""

import hashlib
import os
import shutil
from itertools import product
from pathlib import Path

import pytest

from support.killing import calls_of, failures, kills, require_strace, run_under
from twinlens.model.vault import BlobState, Marker, PutHow
from twinlens.store import blobs
from twinlens.store.database import Database
from twinlens.store.schema import prepare
from twinlens.vault.local import LocalVault
from twinlens.vault.naming import PARTS, key_of

BYTES = b"the bytes of a picture " * 90_000
SHA = hashlib.sha256(BYTES).hexdigest()
AT = "2026-01-01T00:00:00+00:00"


LONG = pytest.mark.skipif(
    not os.environ.get("TWINLENS_LONG"), reason="takes a minute more: set TWINLENS_LONG=1"
)


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """A new database, to be copied."""
    path = tmp_path / "template.db"
    prepare(Database(path))
    return path


class Case:
    """A file of the library, an empty vault, and a database that knows of nothing in it."""

    def __init__(self, folder: Path, ways: tuple[PutHow, ...], template: Path) -> None:
        self.folder = folder / "vault"
        self.folder.mkdir(parents=True)
        self.source = folder / "picture.jpg"
        self.source.write_bytes(BYTES)
        self.ways = ways
        self.database = folder / "twinlens.db"
        shutil.copy(template, self.database)
        with LocalVault(self.folder, ways) as vault:
            vault.make_marker(Marker("5eed", AT))

    def store(self) -> None:
        """What a pass does: the object, then its row."""
        descriptor = os.open(self.source, os.O_RDONLY)
        with LocalVault(self.folder, self.ways) as vault:
            how = vault.put(descriptor, SHA, len(BYTES))
        database = Database(self.database)
        with database.connected(), database.peewee.atomic():
            blobs.keep(SHA, len(BYTES), how, AT)

    def is_kept(self) -> bool:
        database = Database(self.database, read_only=True)
        with database.reading():
            row = blobs.get(SHA)
        return row is not None and row.state is BlobState.KEPT

    def require_row_implies_object(self) -> None:
        path = self.folder / key_of(SHA)
        if path.exists():
            assert path.read_bytes() == BYTES
        assert path.exists() or not self.is_kept()
        assert self.source.read_bytes() == BYTES


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("faults", "way"),
    [
        ("kill", PutHow.COPY),
        *(
            pytest.param(f, w, marks=LONG)
            for f, w in product(("kill", "EIO", "ENOSPC"), PutHow)
            if w in (PutHow.COPY, PutHow.HARDLINK) and (f, w) != ("kill", PutHow.COPY)
        ),
    ],
)
def test_whatever_call_is_the_last_a_row_has_its_object(
    tmp_path: Path, template: Path, way: PutHow, faults: str
) -> None:
    require_strace()
    case = Case(tmp_path / "undisturbed", (way,), template)
    log = tmp_path / "undisturbed.log"
    assert run_under(None, log, case.store) == 0
    assert case.is_kept()
    calls = calls_of(log)
    assert calls["renameat"] == 1
    wanted = kills(calls) if faults == "kill" else failures(calls, faults)
    tried = 0
    for number, fault in enumerate(wanted):
        folder = tmp_path / str(number)
        case = Case(folder, (way,), template)

        run_under(fault, folder / "log", case.store)

        case.require_row_implies_object()
        case.store()
        assert case.is_kept()
        case.require_row_implies_object()
        with LocalVault(case.folder, (way,)) as vault:
            vault.tidy()
            assert sum(len(vault.listing(part).objects) for part in PARTS) == 1
        assert not list((case.folder / ".unfinished").iterdir())
        shutil.rmtree(folder)
        tried += 1
    assert tried >= 15
