"""Mistakes in a configuration, each with the key, the line, what was found and what is accepted."""

import difflib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pydantic_core import ErrorDetails

from twinlens.config.lines import lines_of
from twinlens.config.words import Location, Schema, accepted, found
from twinlens.errors import ConfigError

_BARE = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake; `line` counts from 1 and is None where the mistake has no place in the file."""

    key: str
    found: str
    accepted: str
    line: int | None = None

    def __str__(self) -> str:
        place = f"line {self.line}: " if self.line else ""
        return f"{place}{self.key}: {self.found}; {self.accepted}"


class InvalidConfigError(ConfigError):
    """Mistakes in a configuration: the message has them all, `mistakes` one by one.

    `rest` is the configuration without what is wrong in it, where there is one: more may be wrong
    with that.
    """

    def __init__(
        self, source: str, mistakes: Iterable[Mistake], advice: str = "", rest: object = None
    ) -> None:
        self.source = source
        self.rest = rest
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join([f"{source}:", *map(str, self.mistakes)]), advice)


def mistakes_in(text: str, details: Sequence[ErrorDetails]) -> tuple[Mistake, ...]:
    """All that pydantic found, in the order of the file."""
    schema = Schema()
    places = [detail["loc"] for detail in details]
    told = [
        detail
        for detail in details
        if not _is_an_echo(detail, places) and not _is_misspelt(detail, details)
    ]
    lines = lines_of(text, [detail["loc"] for detail in told])
    mistakes = [_mistake(schema, detail, lines.get(detail["loc"])) for detail in told]
    return tuple(sorted(mistakes, key=lambda mistake: mistake.line or 0))


def key_text(location: Location) -> str:
    """A place in the file as its owner would write it: `catalog[0].roots[1]`."""
    text = ""
    for step in location:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{step}" if _BARE.fullmatch(step) else f".{json.dumps(step)}"
    return text.removeprefix(".") or "the file"


def _is_an_echo(detail: ErrorDetails, places: list[Location]) -> bool:
    """A list "too short" only because its items are wrong says nothing new."""
    own = detail["loc"]
    return detail["type"] == "too_short" and any(
        len(place) > len(own) and place[: len(own)] == own for place in places
    )


def _is_misspelt(detail: ErrorDetails, details: Sequence[ErrorDetails]) -> bool:
    """A key that is missing because it stands there under a name much like its own."""
    *table, name = detail["loc"]
    strangers = [
        str(other["loc"][-1])
        for other in details
        if other["type"] == "extra_forbidden" and list(other["loc"][:-1]) == table
    ]
    near = difflib.get_close_matches(str(name), strangers, n=1, cutoff=0.6)
    return detail["type"] == "missing" and bool(near)


def _mistake(schema: Schema, detail: ErrorDetails, line: int | None) -> Mistake:
    location = tuple(step for step in detail["loc"] if step != "[key]")
    key = key_text(location)
    if detail["type"] == "extra_forbidden":
        return Mistake(key, "unknown key", _nearest(schema, location), line)
    node = schema.at(location) or {}
    if detail["type"] == "missing":
        return Mistake(key, "missing", f"accepted is {accepted(schema, node)}", line)
    said = str(detail["ctx"]["error"]) if detail["type"] == "value_error" else ""
    if detail["type"] == "too_short":
        said = "at least one is needed"
    value = found(detail["input"], is_secret=bool(node.get("writeOnly")))
    if said and detail["input"] and isinstance(detail["input"], (dict, list)):
        return Mistake(key, "does not fit together", said, line)
    return Mistake(key, f"found {value}", said or f"accepted is {accepted(schema, node)}", line)


def _nearest(schema: Schema, location: Location) -> str:
    """The known key that was probably meant; one of another table is named in full."""
    *table, name = location
    here = schema.keys_at(tuple(table))
    near = difflib.get_close_matches(str(name).lower(), here, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]}?"
    elsewhere = {option.name: option for option in reversed(tuple(schema.options()))}
    near = difflib.get_close_matches(str(name).lower(), elsewhere, n=1, cutoff=0.8)
    if near:
        option = elsewhere[near[0]]
        brackets = f"[[{option.section}]]" if option.in_list else f"[{option.section}]"
        return f"did you mean {option.name} under {brackets}?"
    return f"known here are {', '.join(here)}" if here else "nothing is known below this key"
