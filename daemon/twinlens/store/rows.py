"""Rows as plain tuples, typed: peewee's stubs say that every query yields model instances."""

from collections.abc import Iterator
from typing import Any, cast


def tuples(query: Any) -> Iterator[tuple[Any, ...]]:
    """The query's rows as tuples, streamed and not cached."""
    return cast("Iterator[tuple[Any, ...]]", iter(query.tuples().iterator()))
