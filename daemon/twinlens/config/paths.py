"""Paths as they stand in the configuration: absolute text, made ready for every locale.

TOML is UTF-8. A path is turned back into its UTF-8 bytes whatever the locale says, so the same file
means the same folders under `LC_ALL=C`. `~` stands for the home handed in as validation context.
"""

import os
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, ValidationInfo


def _to_path(value: object, info: ValidationInfo) -> object:
    """Text to an absolute path; everything else is left for pydantic to refuse."""
    if isinstance(value, Path):
        value = str(value)
    if not isinstance(value, str):
        raise ValueError("a path is text in quotes")
    if not value.strip():
        raise ValueError("the path is empty")
    if "\0" in value:
        raise ValueError("a path cannot hold a zero byte")
    home = (info.context or {}).get("home") if isinstance(info.context, dict) else None
    if home and (value == "~" or value.startswith("~/")):
        value = str(home) + value[1:]
    if not value.startswith("/"):
        raise ValueError("a path must be absolute: begin it with /")
    return Path(in_locale(value))


def in_locale(text: str) -> str:
    """Text from TOML as this process must spell it, so that `os.fsencode` gives back its UTF-8."""
    return os.fsdecode(text.encode("utf-8", "surrogateescape"))


AbsolutePath = Annotated[
    Path,
    BeforeValidator(_to_path, json_schema_input_type=str),
    Field(json_schema_extra={"format": "path"}),
]
"""An absolute path; `..` and links are kept as written, `config.roots` resolves them."""
