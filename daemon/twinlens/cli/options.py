"""What every verb is given: the config, the database it names, and the wish for JSON."""

import os
from pathlib import Path
from typing import Annotated

import typer

from twinlens.config.loading import find_config, load_config
from twinlens.config.schema import Config
from twinlens.store.database import Database
from twinlens.store.schema import Schema

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def config_of(context: typer.Context) -> Config:
    """The config that the command line, the environment or the usual places name."""
    return load_config(config_path(context), os.environ)


def config_path(context: typer.Context) -> Path:
    """Where that config lies."""
    return find_config(context.find_root().obj, os.environ)


def reading_database(config: Config) -> Database:
    """The database, query-only, with the schema that this program knows."""
    database = Database(config.database.path, read_only=True)
    Schema(database).require_current()
    return database
