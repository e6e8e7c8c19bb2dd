"""The part of `why` about the photograph: the groups a file is in, and what was left open."""

from typing import Any

from twinlens.commands.shapes import group_shape
from twinlens.ingest.photographs import left_open
from twinlens.model.views import FileView
from twinlens.store import file_groups, listing


def groups_of(view: FileView) -> list[dict[str, Any]]:
    """The groups of a file, each member with its rule, the values that decided, and what else it
    might have belonged to."""
    return [group_shape(group) for group in listing.groups_of_file(view.file.id)]


def left_open_of(view: FileView) -> list[str]:
    """What the rules could not decide about the photograph of this file, in words."""
    bucket = file_groups.bucket_of(view.file.id)
    return [] if bucket is None else left_open(view.file.root_id, bucket, view.file.id)
