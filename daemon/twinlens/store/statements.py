"""Queries that are asked for every single file or every batch of them, written to SQL once.

Peewee takes ten times longer to write such a query than SQLite takes to answer it, which is most of
what recording a file costs. A statement is written at its first use, with named slots for what
differs from call to call, and from then on only binds values.
"""

import json
from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from sqlite3 import Cursor
from typing import Any, cast

from peewee import SQL, Model, Query


@dataclass(frozen=True, slots=True)
class _Slot:
    name: str
    is_many: bool = False


@dataclass(frozen=True, slots=True)
class _Written:
    """A query's text, the names of all values it binds in their order, those of them that stand
    for many, and what is the same at each call."""

    text: str
    names: tuple[str, ...]
    many: frozenset[str]
    constant: dict[str, object]

    @classmethod
    def of(cls, query: Query) -> "_Written":
        text, places = query.sql()
        slots = [place for place in places if isinstance(place, _Slot)]
        names = [p.name if isinstance(p, _Slot) else f"{i}" for i, p in enumerate(places)]
        return cls(
            text,
            tuple(names),
            frozenset(place.name for place in slots if place.is_many),
            {f"{i}": p for i, p in enumerate(places) if not isinstance(p, _Slot)},
        )

    def bound(self, values: dict[str, object]) -> list[object]:
        """The values of one call."""
        for name in self.many:
            values[name] = json.dumps(list(cast("Iterable[object]", values[name])))
        every = self.constant | values
        return [every[name] for name in self.names]


def slot(name: str) -> SQL:
    """A value that each call gives by this name, as SQLite takes it: nothing is converted."""
    return SQL("?", [_Slot(name)])


def any_of(name: str) -> SQL:
    """What stands at the right of `in_` for numbers or texts that each call gives by this name,
    however many: they travel as one value, so that the query's text stays the same."""
    return SQL("(SELECT value FROM json_each(?))", [_Slot(name, is_many=True)])


def each_of(name: str, alias: str) -> SQL:
    """The same as a table of its own, to be selected from: its column is `alias.value`."""
    return SQL(f"json_each(?) AS {alias}", [_Slot(name, is_many=True)])


class Statement:
    """One query on the database that `model` is bound to; `write` gives it as Peewee has it.

    Rows are tuples whose fields have the names of the columns, with SQLite's own values in them.
    """

    def __init__(self, model: type[Model], write: Callable[[], Query]) -> None:
        self._model = model
        self._write = write
        self._written: _Written | None = None
        self._row: Callable[[Any], Any] | None = None

    def all(self, **values: object) -> list[Any]:
        """Every row."""
        cursor = self._execute(values)
        row = self._row_maker(cursor)
        return [row(found) for found in cursor]

    def tuples(self, **values: object) -> Iterator[tuple[Any, ...]]:
        """Every row as it comes, without the names."""
        return self._execute(values)

    def first(self, **values: object) -> Any | None:
        """The first row, or None."""
        cursor = self._execute(values)
        found = cursor.fetchone()
        return None if found is None else self._row_maker(cursor)(found)

    def insert(self, **values: object) -> int:
        """Carry out an INSERT; returns the id of the new row."""
        return cast(int, self._execute(values).lastrowid)

    def change(self, **values: object) -> int:
        """Carry out an UPDATE or DELETE; returns how many rows it met."""
        return self._execute(values).rowcount

    def _execute(self, values: dict[str, object]) -> Cursor:
        if self._written is None:
            self._written = _Written.of(self._write())
        # Not through `execute_sql`, which does nothing more and takes as long as SQLite.
        cursor = cast(Cursor, self._model._meta.database.cursor())
        return cursor.execute(self._written.text, self._written.bound(values))

    def _row_maker(self, cursor: Cursor) -> Callable[[Any], Any]:
        if self._row is None:
            self._row = _row_maker(cursor)
        return self._row


def named_rows(query: Any) -> list[Any]:
    """The rows of a query whose text depends on the call, in the same form as a statement's."""
    cursor = query.model._meta.database.execute(query)
    row = _row_maker(cursor)
    return [row(found) for found in cursor]


def _row_maker(cursor: Cursor) -> Callable[[Any], Any]:
    names = [column[0] for column in cursor.description]
    row: Any = namedtuple("Row", names)  # type: ignore[misc]  # the names come from SQL
    return cast("Callable[[Any], Any]", row._make)
