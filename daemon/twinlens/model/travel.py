"""Values that travel between processes, thousands a minute."""

from dataclasses import fields
from operator import attrgetter
from typing import Any, TypeVar

Value = TypeVar("Value")


def travels(cls: type[Value]) -> type[Value]:
    """Let a dataclass of several fields be pickled as a call of its class with their values.

    What `dataclass(slots=True)` does by itself asks for the names of the fields of each single
    value, which takes four times as long, at either end.
    """
    values: attrgetter[Any] = attrgetter(*(field.name for field in fields(cls)))  # type: ignore[arg-type]  # it is one

    def __reduce__(self: Value) -> tuple[type[Value], Any]:  # noqa: N807 - this is its name
        return cls, values(self)

    cls.__reduce__ = __reduce__  # type: ignore[method-assign,assignment]  # what a decorator is for
    return cls
