"""What the owner does not want looked at, by the config."""

import os

from twinlens.config.schema import Config
from twinlens.model.paths import relative_to
from twinlens.watch.ignore import IgnoreList


def ignore_lists(config: Config) -> dict[bytes, IgnoreList]:
    """What is not looked at, by root."""
    return {
        os.fsencode(root): IgnoreList(catalog.include, catalog.exclude)
        for catalog in config.catalog
        for root in catalog.roots
    }


def reason_to_ignore(config: Config, path: bytes) -> str | None:
    """Whose junk an absolute path is; None where it is looked at, or lies below no root."""
    for root, ignore in ignore_lists(config).items():
        relative = relative_to(root, path)
        if relative:
            return ignore.reason(relative, is_directory=False)
    return None
