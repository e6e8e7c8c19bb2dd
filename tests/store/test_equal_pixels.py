"""What becomes of the verdicts that older programs wrote on contents of equal coded pixels."""

from pathlib import Path

from support.made_up import measured, put_original
from twinlens.store import lookalikes, meta
from twinlens.store.database import Database
from twinlens.store.schema import Schema

BEFORE, HERE = "0060_what_copies_come_to", "0080_equal_pixels_need_no_verdict"
_VERDICT = "INSERT INTO lookalike VALUES (?, ?, 're_encoded', 100.0, 0, 100.0, 'rule', 0)"


def _upgraded(path: Path) -> Database:
    database = Database(path)
    Schema(database).up(BEFORE)
    with database.connected(), database.peewee.atomic():
        ids = [put_original(word, measurement=measured()) for word in "abcd"]
        assert ids == [1, 2, 3, 4]
        for original_id, pixels in zip(ids, ("x", "x", "y", None), strict=True):
            database.peewee.execute_sql(
                "UPDATE original SET image_digest = ? WHERE id = ?", (pixels, original_id)
            )
        for pair in ((1, 2), (1, 3), (1, 4)):
            database.peewee.execute_sql(_VERDICT, pair)
        meta.write("verdict_rules", "1:12:12")
    Schema(database).up()
    return database


def test_verdicts_that_the_pixels_say_by_themselves_go_and_all_others_stay(tmp_path: Path) -> None:
    database = _upgraded(tmp_path / "old.db")

    with database.reading():
        pairs = [(one.first_id, one.second_id) for one in lookalikes.verdicts_on([1, 2, 3, 4])]
        assert pairs == [(1, 3), (1, 4)]
        assert meta.read("verdict_rules") == "1:12:12"


def test_on_the_way_back_all_verdicts_are_made_anew(tmp_path: Path) -> None:
    database = _upgraded(tmp_path / "old.db")

    Schema(database).down(HERE)

    with database.reading():
        assert meta.read("verdict_rules") == "none"
