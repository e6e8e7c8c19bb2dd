"""Miniatures and their keys lie beside the contents, deflated; candidates and facts without what
JSON repeats.

A miniature of another layout was none, and one of a degenerate picture was never looked at: both
are left out. The contents move into a new table, in which their rows, a third of what they were,
lie close together. The file stays as large as it was, and new rows fill what is free.
"""

import json
import zlib
from functools import cache
from typing import Any

_SIDE, _CHROMA_SIDE = 32, 6
_LUMINANCE = _SIDE * _SIDE
_PIXELS = _LUMINANCE + 2 * _CHROMA_SIDE * _CHROMA_SIDE
_KEYS = 8 * 15
_AT_A_TIME = 2000

_BESIDE = """
    CREATE TABLE "{}" (
        "original_id" INTEGER NOT NULL PRIMARY KEY,
        "{}" BLOB NOT NULL,
        FOREIGN KEY ("original_id") REFERENCES "original" ("id") ON DELETE CASCADE
    )
"""
_MOVED = """
    CREATE TABLE "original_moved" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "sha256" VARCHAR(64) NOT NULL,
        "size" INTEGER NOT NULL,
        "media_type" TEXT NOT NULL,
        "kind" TEXT NOT NULL,
        "width" INTEGER,
        "height" INTEGER,
        "orientation" INTEGER,
        "metadata" TEXT NOT NULL,
        "phash" INTEGER,
        "dhash" INTEGER,
        "ahash" INTEGER,
        "whash" INTEGER,
        "degenerate" TEXT,
        "algorithm_version" INTEGER NOT NULL,
        "quality_score" REAL,
        "latitude" REAL,
        "longitude" REAL,
        "geohash4" TEXT,
        "geohash6" TEXT,
        "geohash8" TEXT,
        "captured_at" TEXT,
        "taken_at" TEXT,
        "taken_at_source" TEXT,
        "taken_at_confidence" TEXT NOT NULL,
        "candidates" TEXT NOT NULL,
        "reference_count" INTEGER NOT NULL CHECK (reference_count >= 0),
        "orphaned_at" TEXT,
        "error" TEXT,
        "image_digest" TEXT,
        "burst_id" TEXT,
        "content_identifier" TEXT
    )
"""
_COPIED = """
    "id", "sha256", "size", "media_type", "kind", "width", "height", "orientation", "phash",
    "dhash", "ahash", "whash", "degenerate", "algorithm_version", "quality_score", "latitude",
    "longitude", "geohash4", "geohash6", "geohash8", "captured_at", "taken_at", "taken_at_source",
    "taken_at_confidence", "reference_count", "orphaned_at", "error", "image_digest", "burst_id",
    "content_identifier"
"""
_INDEXES = {
    "original_sha256": 'CREATE UNIQUE INDEX {} ON "original" ("sha256")',
    "original_size": 'CREATE INDEX {} ON "original" ("size")',
    "original_shared": 'CREATE INDEX {} ON "original" ("reference_count")'
    ' WHERE ("reference_count" > 1)',
    **{
        f"original_{name}": f'CREATE INDEX {{}} ON "original" ("{column}")'
        f' WHERE ("{column}" IS NOT NULL)'
        for name, column in (
            ("orphaned", "orphaned_at"),
            ("captured_at", "captured_at"),
            ("burst_id", "burst_id"),
            ("content_identifier", "content_identifier"),
            ("image_digest", "image_digest"),
        )
    },
}
_TELLING = f'"degenerate" IS NULL AND length("miniature") = {_PIXELS + _KEYS}'


def up(migrator: Any, db: Any) -> None:
    """Make the tables and move what is known into them."""
    db.execute_sql(_BESIDE.format("miniature", "pixels"))
    db.execute_sql(_BESIDE.format("search_keys", "keys"))
    db.execute_sql(_MOVED)
    for name in _INDEXES:
        db.execute_sql(f'DROP INDEX "{name}"')
    db.connection().create_function("packed", 1, _packed, deterministic=True)
    db.connection().create_function("shortened", 1, _shortened, deterministic=True)
    while (last := _last_of_some(db)) is not None:
        for statement in (
            f'INSERT INTO "miniature" SELECT "id", packed(substr("miniature", 1, {_PIXELS}))'
            f' FROM "original" WHERE "id" <= ? AND {_TELLING}',
            f'INSERT INTO "search_keys" SELECT "id", substr("miniature", {_PIXELS + 1})'
            f' FROM "original" WHERE "id" <= ? AND {_TELLING}',
            f'INSERT INTO "original_moved" ({_COPIED}, "candidates", "metadata")'
            f' SELECT {_COPIED}, shortened("candidates"), json("metadata") FROM "original"'
            ' WHERE "id" <= ?',
            # At once, so that the next rows take the room that these leave.
            'DELETE FROM "original" WHERE "id" <= ?',
        ):
            db.execute_sql(statement, (last,))
    # Peewee switches foreign keys off around a migration, so nothing that refers is touched.
    db.execute_sql('DROP TABLE "original"')
    db.execute_sql('ALTER TABLE "original_moved" RENAME TO "original"')
    for name, sql in _INDEXES.items():
        db.execute_sql(sql.format(f'"{name}"'))


def down(migrator: Any, db: Any) -> None:
    """Put the miniatures back into the contents, and the names of fields into the candidates."""
    db.connection().create_function("unpacked", 1, _unpacked, deterministic=True)
    db.connection().create_function("lengthened", 1, _lengthened, deterministic=True)
    db.execute_sql('ALTER TABLE "original" ADD COLUMN "miniature" BLOB')
    db.execute_sql(
        'UPDATE "original" SET "candidates" = lengthened("candidates"), "miniature" ='
        ' (SELECT CAST(unpacked("pixels") || "keys" AS BLOB) FROM "miniature"'
        ' JOIN "search_keys" USING ("original_id") WHERE "original_id" = "original"."id")'
    )
    db.execute_sql('DROP TABLE "search_keys"')
    db.execute_sql('DROP TABLE "miniature"')


def _last_of_some(db: Any) -> int | None:
    """The last id of the next rows to move; None where none is left."""
    query = f'SELECT max("id") FROM (SELECT "id" FROM "original" ORDER BY "id" LIMIT {_AT_A_TIME})'
    last = db.execute_sql(query).fetchone()[0]
    return None if last is None else int(last)


def _shortened(text: str) -> str:
    stored = json.loads(text) or {}
    told = [
        [
            [c["source"], c["value"], c["rank"]] + ([c["rejected"]] if c["rejected"] else [])
            for c in stored.get(which, ())
        ]
        for which in ("content", "path")
    ]
    return json.dumps(told, separators=(",", ":"))


def _lengthened(text: str) -> str:
    names = ("source", "value", "rank", "rejected")
    own, others = (
        [dict(zip(names, (*c, None)[:4], strict=True)) for c in told] for told in json.loads(text)
    )
    return json.dumps({"content": own, "path": others})


def _packed(pixels: bytes) -> bytes:
    """What is left of each square of levels after the levels above and before, deflated."""
    left = b"".join(_unforetold(square, side) for square, side in _squares(pixels))
    packer = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS, strategy=zlib.Z_HUFFMAN_ONLY)
    return packer.compress(left) + packer.flush()


def _unpacked(data: bytes) -> bytes:
    left = zlib.decompress(data, -zlib.MAX_WBITS)
    return b"".join(_foretold(square, side) for square, side in _squares(left))


def _squares(pixels: bytes) -> list[tuple[bytes, int]]:
    middle = _LUMINANCE + _CHROMA_SIDE * _CHROMA_SIDE
    return [
        (pixels[:_LUMINANCE], _SIDE),
        (pixels[_LUMINANCE:middle], _CHROMA_SIDE),
        (pixels[middle:], _CHROMA_SIDE),
    ]


# All levels of a square at once, as the bytes of one long number: a loop over a million pictures'
# levels would take an hour. Each byte is added or subtracted without its highest bit, which is set
# right afterwards, so nothing is carried from one to the next.


def _unforetold(square: bytes, side: int) -> bytes:
    low, high = _halves(side)
    levels = int.from_bytes(square, "little")
    for apart, kept in ((side, _columns(side, 0)), (1, _columns(side, 1))):
        before = (levels << 8 * apart) & kept
        levels = ((levels | high) - (before & low)) ^ ((levels ^ before ^ high) & high)
    return levels.to_bytes(side * side, "little")


def _foretold(square: bytes, side: int) -> bytes:
    low, high = _halves(side)
    levels = int.from_bytes(square, "little")
    steps = [1, 2, 4, 8, 16]
    for apart, kept in (
        *((step, _columns(side, step)) for step in steps),
        *((step * side, _columns(side, 0)) for step in steps),
    ):
        before = (levels << 8 * apart) & kept
        levels = ((levels & low) + (before & low)) ^ ((levels ^ before) & high)
    return levels.to_bytes(side * side, "little")


@cache
def _halves(side: int) -> tuple[int, int]:
    """The lower seven bits of every byte, and the highest."""
    cells = side * side
    return int.from_bytes(b"\x7f" * cells, "little"), int.from_bytes(b"\x80" * cells, "little")


@cache
def _columns(side: int, first: int) -> int:
    """Every byte of the columns from this one on."""
    first = min(first, side)
    return int.from_bytes((bytes(first) + b"\xff" * (side - first)) * side, "little")
