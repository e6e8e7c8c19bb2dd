"""Claims about miniatures in the store: whose are kept, and that an upgrade loses nothing."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from support.made_up import digest, measured, put_original
from support.stores import Store
from twinlens.analysis.miniature import miniature
from twinlens.grouping.miniatures import Miniature
from twinlens.model.miniature import KEYS_BYTES
from twinlens.model.picture import DateCandidate, Fingerprint, Kind, Measurement, Metadata
from twinlens.store import files, lookalikes, miniatures, originals, roots
from twinlens.store.database import Database
from twinlens.store.schema import Schema

_FILE_OF_THAT_TIME = """
    INSERT INTO file (root_id, directory, name, radical, size, mtime_ns, ctime_ns, device, inode,
        is_nested, original_id, kind, status, first_seen_at, updated_at)
    VALUES (?, x'', CAST('a.jpg' AS BLOB), 'a', 1, 1, 1, 1, 1, 0, 9, 'image', 'ok', '', '')
"""
BEFORE, HERE = "0030_vault", "0040_miniatures_apart"


def looking_like(phash: int) -> bytes:
    fingerprint = measured(phash=phash).fingerprint
    assert fingerprint is not None
    assert fingerprint.miniature is not None
    return fingerprint.miniature


def test_a_miniature_comes_back_and_its_keys_come_first(store: Store) -> None:
    one = store.write(lambda: put_original("a", measurement=measured(phash=1)))
    other = store.write(lambda: put_original("b", measurement=measured(phash=2)))

    assert store.read(lambda: miniatures.of([one, other, 99])) == {
        one: looking_like(1),
        other: looking_like(2),
    }
    assert store.read(lambda: list(miniatures.every_key())) == [
        ([one, other], looking_like(1)[:KEYS_BYTES] + looking_like(2)[:KEYS_BYTES])
    ]


def test_a_content_measured_anew_has_the_new_miniature_or_none(store: Store) -> None:
    drawn = Measurement(
        "image/png",
        Kind.IMAGE,
        fingerprint=Fingerprint(1, 1, 1, 1, True, "drawn", miniature=looking_like(1)),
    )
    one = store.write(lambda: put_original("a", measurement=measured(phash=1)))

    store.write(lambda: put_original("a", measurement=measured(phash=2)))
    assert store.read(lambda: miniatures.of([one])) == {one: looking_like(2)}

    store.write(lambda: put_original("a", measurement=drawn))
    assert store.read(lambda: miniatures.of([one])) == {}
    assert store.read(lambda: list(miniatures.every_key())) == []


def test_a_forgotten_content_takes_its_miniature_along(store: Store) -> None:
    one = store.write(lambda: put_original("a", measurement=measured(phash=1)))

    store.write(lambda: originals.delete([one]))

    assert store.read(lambda: list(miniatures.every_key())) == []
    assert store.read(lambda: miniatures.of([one])) == {}


def _old_row(number: int, **facts: Any) -> dict[str, Any]:
    """A row as programs before the migration wrote it."""
    return {
        "id": number,
        "sha256": digest(str(number)),
        "size": 10,
        "media_type": "image/jpeg",
        "kind": "image",
        "phash": number,
        "dhash": 2,
        "ahash": 3,
        "whash": 4,
        "algorithm_version": 5,
        "taken_at_confidence": "none",
        "reference_count": 1,
        "metadata": "{}",
        "candidates": '{"content": [], "path": []}',
        **facts,
    }


@pytest.fixture
def old(tmp_path: Path) -> tuple[Database, list[dict[str, Any]]]:
    """A database of before with every kind of row: more than are moved at a time."""
    pixels = np.random.default_rng(4).integers(0, 256, (2050, 1096), dtype=np.uint8)
    pixels[:20] = np.arange(1096) // 40  # smooth, as pictures are
    keys = np.random.default_rng(5).integers(0, 256, (2050, KEYS_BYTES), dtype=np.uint8)
    rows = [
        _old_row(number, miniature=pixels[number].tobytes() + keys[number].tobytes())
        for number in range(1, 2050)
    ]
    own = [
        {"source": "EXIF:CreateDate", "value": "2026-01-02", "rank": 7, "rejected": None},
        {"source": "XMP:Date", "value": "0000", "rank": 8, "rejected": 'no "date"'},
    ]
    others = [{"source": "mtime", "value": "2026-01-03", "rank": 12, "rejected": None}]
    rows[7]["candidates"] = json.dumps({"content": own, "path": others})
    rows[7]["metadata"] = json.dumps({"make": "Ma\udcffker", "tags": {"EXIF:Make": "x: y, z"}})
    rows.append(_old_row(3000))
    database = Database(tmp_path / "old.db")
    schema = Schema(database)
    schema.up(BEFORE)
    with database.connected(), database.peewee.atomic():
        for row in rows:
            names, places = ", ".join(row), ", ".join("?" for _ in row)
            database.peewee.execute_sql(
                f"INSERT INTO original ({names}) VALUES ({places})", tuple(row.values())
            )
    return database, rows


def _everything(database: Database) -> list[dict[str, Any]]:
    with database.reading():
        cursor = database.peewee.execute_sql("SELECT * FROM original ORDER BY id")
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]


def test_an_old_database_keeps_every_fact(old: tuple[Database, list[dict[str, Any]]]) -> None:
    database, rows = old

    Schema(database).up()

    with database.reading():
        kept = miniatures.of(range(4000))
        some = originals.get(8)
    assert sorted(kept) == list(range(1, 2050))
    for row in rows[:-1]:
        read = Miniature.read(kept[row["id"]])
        assert read is not None
        levels = np.frombuffer(row["miniature"], dtype=np.uint8, count=1096)
        assert np.array_equal(read.luminance.ravel(), levels[:1024])
        assert np.array_equal(read.chroma.ravel(), levels[1024:])
        assert kept[row["id"]][:KEYS_BYTES] == row["miniature"][1096:]
    assert some.measurement.metadata == Metadata(make="Ma\udcffker", tags={"EXIF:Make": "x: y, z"})
    assert some.measurement.date_candidates == (
        DateCandidate("EXIF:CreateDate", "2026-01-02", 7),
        DateCandidate("XMP:Date", "0000", 8, 'no "date"'),
    )
    assert some.taken.candidates[2:] == (DateCandidate("mtime", "2026-01-03", 12),)


def test_the_way_back_gives_what_was_there(old: tuple[Database, list[dict[str, Any]]]) -> None:
    database, _ = old
    before = _everything(database)

    Schema(database).up(HERE)
    Schema(database).down(HERE)

    after = _everything(database)
    for row in (*before, *after):
        row["metadata"] = json.loads(row["metadata"])
    assert after == before


def test_an_upgrade_leaves_what_refers_to_a_content(
    old: tuple[Database, list[dict[str, Any]]], tmp_path: Path
) -> None:
    database, _ = old
    with database.connected(), database.peewee.atomic():
        root_id = roots.adopt([("family", "report", [bytes(tmp_path)])])[0].id
        database.peewee.execute_sql(_FILE_OF_THAT_TIME, (root_id,))
        database.peewee.execute_sql(
            "INSERT INTO lookalike VALUES (8, 9, 'similar', 90.0, 3, 90.0, 'rule', 0)"
        )

    Schema(database).up()

    with database.reading():
        assert [one.path for one in files.of_original(9)] == [b"a.jpg"]
        assert [(one.first_id, one.second_id) for one in lookalikes.verdicts_on([9])] == [(8, 9)]
        assert database.peewee.execute_sql("PRAGMA foreign_key_check").fetchall() == []
    with database.connected():
        with database.peewee.atomic():
            originals.delete([9])
        assert lookalikes.verdicts_on([8]) == []


def test_an_upgraded_database_holds_its_rows_close_together(
    old: tuple[Database, list[dict[str, Any]]],
) -> None:
    database, rows = old

    Schema(database).up()

    with database.reading():
        pages = database.peewee.execute_sql(
            "SELECT count(*), sum(unused) FROM dbstat WHERE name = 'original'"
        ).fetchone()
    count, unused = pages
    assert count < len(rows) / 8
    assert unused < 0.2 * 4096 * count


def test_the_analysis_packs_a_miniature_as_the_upgrade_did(
    old: tuple[Database, list[dict[str, Any]]],
) -> None:
    """So that equal pictures are equal bytes, whenever they were measured."""
    database, rows = old
    Schema(database).up()
    levels = np.frombuffer(rows[3]["miniature"], dtype=np.uint8, count=1096)
    colours = np.zeros((6, 6, 3), dtype=np.uint8)
    colours[:, :, 1:] = np.moveaxis(levels[1024:].reshape(2, 6, 6), 0, 2)

    made = miniature(
        Image.fromarray(levels[:1024].reshape(32, 32)), Image.fromarray(colours, mode="YCbCr")
    )

    with database.reading():
        assert miniatures.of([4])[4][KEYS_BYTES:] == made[KEYS_BYTES:]
