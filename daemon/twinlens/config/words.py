"""What an option accepts and what was found instead, in words made from the schema.

Secrets are never repeated: an option that holds one says only what kind of value was found.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, time
from typing import Any

from twinlens.config.schema import Config

Node = Mapping[str, Any]
Location = tuple[str | int, ...]

_LONGEST_FOUND = 60


@dataclass(frozen=True, slots=True)
class Option:
    """One option of the table `section` (`notify.webhook`); `in_list` where it is a [[table]]."""

    section: str
    in_list: bool
    name: str
    node: Node
    is_required: bool


class Schema:
    """The JSON schema of `Config`, with references followed."""

    def __init__(self) -> None:
        self._root: Node = Config.model_json_schema()

    def at(self, location: Location) -> Node | None:
        """The part of the schema that governs a place in the file, or None for an unknown key."""
        node: Node = self._root
        for step in location:
            node = self.resolve(node)
            if isinstance(step, int):
                below = node.get("items")
            else:
                below = node.get("properties", {}).get(step) or node.get("additionalProperties")
            if not isinstance(below, Mapping):
                return None
            node = below
        return self.resolve(node)

    def resolve(self, node: Node) -> Node:
        """Follow a reference, and take the part of `X or nothing` that is X; descriptions stay."""
        for choice in node.get("anyOf", ()):
            if choice.get("type") != "null":
                return {**self.resolve(choice), **_own_words(node)}
        if "$ref" in node:
            target = self._root["$defs"][node["$ref"].rpartition("/")[2]]
            return {**self.resolve(target), **_own_words(node)}
        return node

    def is_table(self, node: Node) -> bool:
        """True for a part that has keys of its own."""
        return "properties" in self.resolve(node)

    def keys_at(self, location: Location) -> tuple[str, ...]:
        """The known keys of a table."""
        return tuple((self.at(location) or {}).get("properties", ()))

    def sections(self) -> Iterator[tuple[str, bool, Node]]:
        """Every table in the order of the schema: dotted name, whether it is a list, its node."""
        yield from self._sections_below("", self._root)

    def _sections_below(self, prefix: str, node: Node) -> Iterator[tuple[str, bool, Node]]:
        for name, child in node["properties"].items():
            below = self.resolve(child)
            in_list = self.is_table(below.get("items", {}))
            table = self.resolve(below["items"]) if in_list else below
            if self.is_table(table):
                yield prefix + name, in_list, {**table, **_own_words(child)}
                yield from self._sections_below(f"{prefix}{name}.", table)

    def options(self) -> Iterator[Option]:
        """Every option that is not itself a table, in the order of the schema."""
        tables = {name for name, _, _ in self.sections()}
        for section, in_list, table in self.sections():
            for name, child in table["properties"].items():
                if f"{section}.{name}" not in tables:
                    option = self.resolve(child)
                    is_required = name in table.get("required", ()) and "filled_in" not in option
                    yield Option(section, in_list, name, option, is_required)


_OWN_WORDS = ("description", "default", "examples", "filled_in")


def _own_words(node: Node) -> Node:
    return {key: node[key] for key in _OWN_WORDS if key in node}


def accepted(schema: Schema, node: Node) -> str:
    """What an option takes: `a number from 0.1 to 3600`."""
    node = schema.resolve(node)
    kind = node.get("type")
    if "enum" in node:
        words = "one of " + ", ".join(json.dumps(word) for word in node["enum"])
    elif kind == "array" and schema.is_table(node["items"]):
        words = "a table in double brackets, once for each"
    elif kind == "array":
        words = "a list, each item " + accepted(schema, node["items"])
    elif schema.is_table(node):
        words = "a table"
    elif kind == "object":
        words = "a table, each value " + accepted(schema, node["additionalProperties"])
    elif kind == "string":
        words = "an absolute path in quotes" if node.get("format") == "path" else "text in quotes"
    else:
        words = _SCALARS[str(kind)] + _bounds(node)
    return words


_SCALARS = {"boolean": "true or false", "integer": "a whole number", "number": "a number"}


def _bounds(node: Node) -> str:
    if "exclusiveMinimum" in node:
        return f" above {node['exclusiveMinimum']:.15g}, up to {node['maximum']:.15g}"
    if "minimum" not in node:
        return ""
    return f" from {node['minimum']:.15g} to {node['maximum']:.15g}"


def found(value: object, *, is_secret: bool = False) -> str:
    """A value from the file as its owner would name it, cut to one short line."""
    kind = _kind(value)
    if is_secret:
        return f"{kind} (not shown)"
    if isinstance(value, (Mapping, date, time)):
        return kind
    try:
        text = repr(value) if isinstance(value, float) else json.dumps(value, ensure_ascii=False)
    except TypeError:  # a list with dates in it
        return kind
    return text if len(text) <= _LONGEST_FOUND else text[: _LONGEST_FOUND - 1] + "…"


def _kind(value: object) -> str:
    match value:
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case Mapping():
            return "a table"
        case list():
            return "a list"
    return "a date or time"
