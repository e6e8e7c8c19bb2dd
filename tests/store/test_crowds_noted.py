"""Crowds that older programs' verdicts tell of."""

from pathlib import Path

from support.made_up import measured, put_original
from twinlens.store import lookalikes, meta
from twinlens.store.database import Database
from twinlens.store.schema import Schema

BEFORE, HERE = "0070_numbers_from_indexes", "0090_crowds"
_VERDICT = "INSERT INTO lookalike VALUES (?, ?, 'similar', 95.0, 3, 90.0, 'rule', 0)"


def _upgraded(path: Path) -> Database:
    database = Database(path)
    Schema(database).up(BEFORE)
    with database.connected(), database.peewee.atomic():
        ids = [put_original(f"frame {n}", measurement=measured()) for n in range(203)]
        for other in ids[1:-1]:
            database.peewee.execute_sql(_VERDICT, (ids[0], other))
        database.peewee.execute_sql(_VERDICT, (ids[5], ids[6]))
        meta.write("verdict_rules", "1:12:12")
    Schema(database).up()
    return database


def test_who_has_too_many_verdicts_is_noted_and_loses_them_and_no_other_does(
    tmp_path: Path,
) -> None:
    database = _upgraded(tmp_path / "old.db")

    with database.reading():
        assert lookalikes.crowded(range(1000)) == {1}
        pairs = [(one.first_id, one.second_id) for one in lookalikes.verdicts_on(range(1000))]
        assert pairs == [(6, 7)]
        assert meta.read("verdict_rules") == "1:12:12"


def test_on_the_way_back_all_verdicts_are_made_anew(tmp_path: Path) -> None:
    database = _upgraded(tmp_path / "old.db")

    Schema(database).down(HERE)

    with database.reading():
        assert meta.read("verdict_rules") == "none"
