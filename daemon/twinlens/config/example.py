"""The documented example file, made from the schema, so that it cannot say what is not so."""

import json
import textwrap
from collections.abc import Iterator

from twinlens.config.words import Option, Schema, accepted

_HEAD = (
    "twinlens: every option there is.",
    "Lines with ## are prose. Lines with # are options that are switched off: they show the "
    "default, or a sample where there is none. Remove the # to change one. What is not switched "
    "off is all that it takes. `twinlens config check` names every mistake at once.",
)

_WIDTH = 100


def example_toml() -> str:
    """The example: all prose and options in the order of the schema, ending in a newline."""
    schema = Schema()
    blocks = ["\n##\n".join("\n".join(_wrapped(text)) for text in _HEAD)]
    options = list(schema.options())
    for section, in_list, table in schema.sections():
        inside = [option for option in options if option.section == section]
        header = f"[[{section}]]" if in_list else f"[{section}]"
        # A list of tables may be empty; written, it needs what its items cannot do without.
        is_needed = not in_list or "default" not in table
        lines = [*_wrapped(table["description"]), header if is_needed else f"# {header}"]
        for option in inside:
            lines += _option_lines(schema, option, is_on=option.is_required and is_needed)
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def _option_lines(schema: Schema, option: Option, *, is_on: bool) -> Iterator[str]:
    has_default = "default" in option.node and option.node["default"] is not None
    value = option.node["default"] if has_default else option.node["examples"][0]
    words = accepted(schema, option.node)
    speaks_for_itself = has_default or is_on or "filled_in" in option.node
    note = "" if speaks_for_itself else " No default: this is a sample."
    if has_default and value in ([], {}) and "examples" in option.node:
        note = f" A sample: {_toml(option.node['examples'][0])}."
    yield ""
    yield from _wrapped(f"{option.node['description']} Accepted is {words}.{note}")
    mark = "" if is_on else "# "
    line = f"{mark}{option.name} = {_toml(value)}"
    if len(line) <= _WIDTH or not isinstance(value, list):
        yield line
        return
    # Not indented: to switch the option on, the same "# " goes from each line.
    items = ", ".join(map(_toml, value))
    yield f"{mark}{option.name} = ["
    yield from (f"{mark}{part}" for part in textwrap.wrap(items, _WIDTH - 3))
    yield f"{mark}]"


def _wrapped(text: str) -> list[str]:
    return [f"## {line}" for line in textwrap.wrap(text, _WIDTH - 3, break_on_hyphens=False)]


def _toml(value: object) -> str:
    """A TOML value on one line; text in JSON's quotes is also right in TOML."""
    if isinstance(value, dict):
        pairs = ", ".join(f"{json.dumps(key)} = {_toml(item)}" for key, item in value.items())
        return f"{{ {pairs} }}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
