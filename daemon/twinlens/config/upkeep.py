"""The parts of the configuration that look after what is known: copies, reading again."""

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


class VerifyConfig(Section):
    """Reading every picture again now and then, so that a disk that forgets is noticed."""

    minutes_a_day: float = Field(
        default=30,
        ge=0,
        le=1440,
        description="For how long files are read again each day, while nothing else waits; 0 never "
        "does by itself.",
    )
    every_days: float = Field(
        default=90,
        ge=0,
        le=3650,
        description="A file is read again once it has not been read for this long.",
    )


class MetricsConfig(Section):
    """Figures for Prometheus, as a file for the node exporter's textfile collector."""

    file: AbsolutePath | None = Field(
        default=None,
        examples=["/var/lib/prometheus/node-exporter/twinlens.prom"],
        description="Where the figures are written, outside every root; left out, they are not. "
        "Its name ends in .prom, and the daemon must be allowed to write into its folder.",
    )
    interval_seconds: float = Field(
        default=60,
        ge=5,
        le=86_400,
        description="How often is looked whether they changed; the same figures are not written "
        "again, so that a disk can sleep.",
    )
