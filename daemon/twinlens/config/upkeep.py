"""The parts of the configuration that look after what is known: copies of the database."""

from pydantic import Field

from twinlens.config.paths import AbsolutePath
from twinlens.config.section import Section


class BackupConfig(Section):
    """Copies of the database, one a night."""

    folder: AbsolutePath | None = Field(
        default=None,
        examples=["/mnt/other-disk/twinlens"],
        description="Where the copies are put, outside every root and best on another disk; left "
        "out, it is the folder `backups` beside the database.",
    )
    keep: int = Field(
        default=7,
        ge=0,
        le=3650,
        description="How many of the nightly copies are kept; 0 makes none.",
    )
    hour: int = Field(
        default=3,
        ge=0,
        le=23,
        description="The hour of the local clock from which on the night's copy is made.",
    )
