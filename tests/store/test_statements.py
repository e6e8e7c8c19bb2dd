"""Statements: written once, bound anew each time, on whichever database is open."""

import importlib
import pkgutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from peewee import Query

import twinlens.store as store_room
from support.stores import Store, opened_store
from twinlens.store.statements import Statement, any_of, named_rows, slot
from twinlens.store.tables_work import Meta


def by_key() -> Query:
    query: Query = Meta.select().where(Meta.key == slot("key"))
    return query


def inserting() -> Statement:
    return Statement(Meta, lambda: Meta.insert(key=slot("key"), value=slot("value")))


def counted(write: Callable[[], Query], calls: list[int]) -> Callable[[], Query]:
    def writing() -> Query:
        calls.append(1)
        return write()

    return writing


def test_each_call_binds_its_own_values(store: Store) -> None:
    insert, find = inserting(), Statement(Meta, by_key)
    store.write(lambda: [insert.insert(key=k, value=k * 2) for k in ("a", "b")])

    found = store.read(lambda: [find.first(key=k) for k in ("a", "b", "c")])

    assert [row and row.value for row in found] == ["aa", "bb", None]


def test_the_text_is_written_once(store: Store) -> None:
    calls: list[int] = []
    find = Statement(Meta, counted(by_key, calls))

    store.read(lambda: [find.all(key=k) for k in ("a", "b", "c")])

    assert calls == [1]


def test_a_change_says_how_many_rows_it_met(store: Store) -> None:
    insert = inserting()
    change = Statement(
        Meta, lambda: Meta.update(value=slot("value")).where(Meta.key == slot("key"))
    )
    store.write(lambda: insert.insert(key="a", value="1"))

    met = store.write(lambda: [change.change(key=k, value="2") for k in ("a", "b")])

    assert met == [1, 0]


def test_a_value_that_was_not_given_is_an_error(store: Store) -> None:
    find = Statement(Meta, by_key)

    with pytest.raises(KeyError, match="key"):
        store.read(find.first)


def test_a_statement_outlives_the_database_it_was_first_used_on(tmp_path: Path) -> None:
    insert, find = inserting(), Statement(Meta, by_key)
    found: list[Any] = []

    for name in ("one", "two"):
        with opened_store(tmp_path / name / "twinlens.db") as store:
            store.write(lambda: insert.insert(key="name", value=name))  # noqa: B023 - called at once
            found += store.read(lambda: find.all(key="name"))

    assert [row.value for row in found] == ["one", "two"]


def test_rows_of_a_single_query_have_names_too(store: Store) -> None:
    insert = inserting()
    store.write(lambda: insert.insert(key="a", value="1"))

    rows = store.read(lambda: named_rows(Meta.select().where(Meta.key.in_(["a", "b"]))))

    assert [(row.key, row.value) for row in rows] == [("a", "1")]


def every_statement() -> list[tuple[str, Statement]]:
    return [
        (f"{module.name}.{name}", value)
        for module in pkgutil.iter_modules(store_room.__path__)
        if module.name != "migrations"
        for name, value in vars(importlib.import_module(f"twinlens.store.{module.name}")).items()
        if isinstance(value, Statement)
    ]


def test_no_statement_walks_through_a_whole_root(store: Store) -> None:
    """What is asked for every file must cost the same in a large library as in a small one."""
    assert len(every_statement()) > 20

    for name, statement in every_statement():
        sql, places = statement._write().sql()
        plan = store.read(
            lambda sql=sql, places=places: store.database.peewee.execute_sql(
                f"EXPLAIN QUERY PLAN {sql}", [None] * len(places)
            ).fetchall()
        )
        steps = [str(step[3]) for step in plan]
        walks = [step for step in steps if step.startswith("SCAN") and "VIRTUAL" not in step]
        assert not walks, name
        assert not [step for step in steps if step.endswith("(root_id=?)")], name


def test_a_call_may_give_any_number_of_values_at_once(store: Store) -> None:
    insert = inserting()
    find = Statement(Meta, lambda: Meta.select().where(Meta.key.in_(any_of("keys"))))
    store.write(lambda: [insert.insert(key=key, value="") for key in ("a", "'ä'", "c")])

    found = [
        {row.key for row in store.read(lambda keys=keys: find.all(keys=keys))}
        for keys in ([], {"a"}, ("'ä'", "c", "nobody"), map(str, range(40_000)))
    ]

    assert found == [set(), {"a"}, {"'ä'", "c"}, set()]
