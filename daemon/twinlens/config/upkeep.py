"""The parts of the configuration that look after what is known: copies, reading again."""

from typing import Annotated

from pydantic import AfterValidator, Field

from twinlens.config.paths import AbsolutePath
from twinlens.config.section import Listing, Section
from twinlens.model.quiet_hours import QuietHours, span_of

LEAST_MINUTES = 60
"""Quiet hours that leave less of the day than this are warned of."""


def _span(text: str) -> str:
    """One span of the day."""
    span_of(text)
    return text


def _spans(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Spans of the day that leave some of it."""
    QuietHours.parse(texts)
    return texts


def _percent(share: float) -> float:
    """A share that was not meant as a part of 1."""
    if 0 < share < 1:
        raise ValueError("it is in percent: 50 is half of all cores, 0 never waits")
    return share


class ScheduleConfig(Section):
    """Passes that run by the clock."""

    reconcile_interval_hours: float = Field(
        default=24,
        ge=0.1,
        le=8784,
        description="How often the counts in the database are checked against the files, and "
        "mended.",
    )
    quiet_hours: Annotated[
        Listing[Annotated[str, AfterValidator(_span)]], AfterValidator(_spans)
    ] = Field(
        default=(),
        examples=[["08:00-22:30"]],
        description="Spans of the day, by the local clock, in which long passes wait: reading what "
        "a scan found beyond 256 files, reading files again, the vault, grouping anew. What "
        "arrives does not wait, nor what you ask for by hand.",
    )
    pause_above_busy_percent: Annotated[float, AfterValidator(_percent)] = Field(
        default=0,
        ge=0,
        le=100,
        description="The same passes wait while other programs use more than this many percent of "
        "all cores, and go on when they use less than half of it; 0 never waits, and 1 is the "
        "least otherwise.",
    )

    def warnings(self) -> list[str]:
        """What may be meant, but is odd."""
        left = QuietHours.parse(self.quiet_hours).minutes_left()
        if left >= LEAST_MINUTES:
            return []
        return [
            f"schedule.quiet_hours leaves {left} min of the day: a large scan may take many days "
            "to come to its end"
        ]


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
