"""Every option there is: its name, default, bounds and one sentence on what it does.

An option is born here and nowhere else: the example file, `config check` and the error messages
are made from these models. Values are frozen; a reload builds a new `Config`. No file is opened.
"""

from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from twinlens.config.actions import ActionsConfig
from twinlens.config.bursts import BurstsConfig
from twinlens.config.choices import (
    CatalogAction,
    LogFormat,
    LogLevel,
    PollingChoice,
    Preset,
    ReadersChoice,
)
from twinlens.config.paths import AbsolutePath, in_locale
from twinlens.config.section import Listing, Section, Word
from twinlens.config.upkeep import BackupConfig, MetricsConfig, ScheduleConfig, VerifyConfig
from twinlens.config.vault import VaultConfig
from twinlens.config.webhook import NotifyConfig, WebhookConfig

__all__ = [
    "ActionsConfig",
    "BackupConfig",
    "BurstsConfig",
    "CatalogConfig",
    "CleanupConfig",
    "Config",
    "DatabaseConfig",
    "ExiftoolConfig",
    "LogConfig",
    "NotifyConfig",
    "ScheduleConfig",
    "SimilarityConfig",
    "TrashConfig",
    "VaultConfig",
    "VerifyConfig",
    "WatchConfig",
    "WebhookConfig",
    "WorkersConfig",
]


def _pattern(text: str) -> str:
    """A shell pattern that can match something below a root."""
    if not text.strip(" /") or "\0" in text:
        raise ValueError("a pattern names something below the root, and holds no zero byte")
    return text


def _name(text: str) -> str:
    """A name that fits into one line of output."""
    if not text.strip() or text != text.strip() or len(text) > 64 or not text.isprintable():
        raise ValueError("a name has 1 to 64 printable letters, without blanks around them")
    return text


def _program(text: str) -> str:
    """A program that means the same whatever the working directory is."""
    if not text.strip() or "\0" in text or ("/" in text and not text.startswith("/")):
        raise ValueError("a program is a name looked up in $PATH, or an absolute path")
    return in_locale(text)


_Pattern = Annotated[str, AfterValidator(_pattern)]


class CatalogConfig(Section):
    """A library of pictures: its folders and what may be done in them."""

    name: Annotated[str, AfterValidator(_name)] = Field(
        examples=["family"],
        description="A name of your choice, unique among the catalogs.",
    )
    roots: Listing[AbsolutePath] = Field(
        min_length=1,
        examples=[["/srv/nas/photos"]],
        description="The folders that are watched, with everything below them; no folder may lie "
        "within another.",
    )
    action: Word[CatalogAction] = Field(
        default=CatalogAction.REPORT,
        description="What `twinlens apply` may do with exact copies: `report` never writes below a "
        "root; `trash` moves them into a trash of their own root, `hardlink` makes them names of "
        "the kept file, `reflink` lets them share its blocks.",
    )
    include: Listing[_Pattern] = Field(
        default=(),
        description="Shell patterns: where any are given, only files that match one of them are "
        "looked at; `*.jpg` is looked for at every depth, `2019/*` and `/scans` from the root on, "
        "`**` stands for any number of folders.",
    )
    exclude: Listing[_Pattern] = Field(
        default=(),
        description="Shell patterns of files, and of folders with all below them, that are passed "
        "over, besides the thumbnails, trash and temporary files of known programs.",
    )
    polling: dict[AbsolutePath, Word[PollingChoice]] = Field(
        default_factory=dict,
        examples=[{"/srv/nas/photos": "always"}],
        description="Another choice than `watch.polling` for single roots of this catalog.",
    )
    canary: bool = Field(
        default=False,
        description="Prove that a root's events arrive by writing a small hidden file into it now "
        "and then; off, nothing is ever written below a root.",
    )

    @model_validator(mode="after")
    def _patterns_are_below_the_roots(self) -> Self:
        for pattern in (*self.include, *self.exclude):
            if any(Path(in_locale(pattern)).is_relative_to(root) for root in self.roots):
                raise ValueError(f"the pattern {pattern} begins with a root: leave the root out")
        return self

    @model_validator(mode="after")
    def _polling_names_roots(self) -> Self:
        strangers = [str(path) for path in self.polling if path not in self.roots]
        if strangers:
            raise ValueError(f"polling names {', '.join(strangers)}, which is not among the roots")
        return self


class DatabaseConfig(Section):
    """Where the knowledge is kept."""

    path: AbsolutePath = Field(
        examples=["/var/lib/twinlens/twinlens.db"],
        json_schema_extra={"filled_in": True},  # by `loading`, where the file does not say
        description="The database file, on a local disk and outside every root; left out, it is "
        "twinlens.db in `$STATE_DIRECTORY`, else in ~/.local/state/twinlens.",
    )


class WatchConfig(Section):
    """How changes are noticed."""

    settle_seconds: float = Field(
        default=5.0,
        ge=0.1,
        le=3600,
        description="A file is looked at once it has not changed for this long.",
    )
    network_settle_seconds: float = Field(
        default=30.0,
        ge=0.1,
        le=3600,
        description="The same for roots on a network share, where writers pause for longer.",
    )
    polling: Word[PollingChoice] = Field(
        default=PollingChoice.AUTO,
        description="`auto` trusts the kernel's events on local disks and looks again and again on "
        "network shares; `always` and `never` settle it for all roots.",
    )
    scan_interval_minutes: float = Field(
        default=60,
        ge=0.1,
        le=10080,
        description="Every root is compared with the database this often: the safety net for "
        "events that were lost.",
    )
    poll_interval_minutes: float = Field(
        default=5,
        ge=0.01,
        le=1440,
        description="Polled roots are looked at this often.",
    )
    missing_percent_brake: int = Field(
        default=50,
        ge=1,
        le=100,
        description="When more than this share of a root's files is missing at once, it is not "
        "believed: the root is frozen until you look.",
    )


class WorkersConfig(Section):
    """The processes that read and decode, and how much they may take."""

    processes: int = Field(
        default=0,
        ge=0,
        le=64,
        description="How many processes read files at once; 0 is as many as fit the cores.",
    )
    readers_per_disk: Word[ReadersChoice] = Field(
        default=ReadersChoice.AUTO,
        description="`auto` reads one file at a time from a disk that spins, and as many as there "
        "are processes from any other, or where the kind of disk is not known; `one` and `many` "
        "settle it for all disks.",
    )
    file_seconds: float = Field(
        default=120,
        ge=1,
        le=86400,
        description="A file that takes longer is given up for now and tried again later.",
    )
    memory_mib: int = Field(
        default=2048,
        ge=256,
        le=65536,
        description="The address space one worker process may take besides its program; most of "
        "it is never memory.",
    )
    max_pixels_million: int = Field(
        default=200,
        ge=1,
        le=4000,
        description="A larger picture is hashed and its metadata read, but it is not decoded, and "
        "is unjudged. A JPEG that is not progressive may be eight times as large: it is decoded at "
        "a smaller scale.",
    )
    max_file_gib: float = Field(
        default=64,
        gt=0,
        le=16384,
        description="A larger file is listed, but not read.",
    )
    idle_seconds: float = Field(
        default=60,
        ge=1,
        le=86400,
        description="Workers without work for this long are ended, and their memory is given back.",
    )
    nice: int = Field(
        default=10,
        ge=0,
        le=19,
        description="How far the daemon and its workers stand back for other programs: 0 not at "
        "all, 19 the most. A reload can only raise it; to lower it, restart the daemon.",
    )
    retries: int = Field(
        default=5,
        ge=0,
        le=100,
        description="How often a file that failed is tried again before it waits for a change.",
    )
    retry_pause_seconds: float = Field(
        default=30,
        ge=0.1,
        le=86400,
        description="The pause before the first new try; it doubles with each further one.",
    )


class SimilarityConfig(Section):
    """When two pictures are the same one."""

    enabled: bool = Field(
        default=True,
        description="Off, pictures are not decoded: exact copies, pairs, groups and dates are "
        "found in much less time, but neither pictures that look alike nor damaged ones; on again, "
        "the next scan makes up for it.",
    )
    preset: Word[Preset] = Field(
        default=Preset.NORMAL,
        description="How alike pictures must be: `strict` shows the nearest alone, `loose` more "
        "for review.",
    )
    max_distance: int | None = Field(
        default=None,
        ge=0,
        le=16,
        examples=[8],
        description="The most bits of 64 in which the fingerprints of similar pictures may differ, "
        "in place of the preset's: that of `strict` is 6, of `normal` 12, of `loose` 16.",
    )


class CleanupConfig(Section):
    """Forgetting what no file refers to any more; it never touches a picture."""

    grace_hours: float = Field(
        default=24,
        ge=0,
        le=87600,
        description="An original without files is remembered for this long, in case they return.",
    )
    interval_minutes: float = Field(
        default=60,
        ge=1,
        le=10080,
        description="How often the cleanup runs.",
    )
    batch_limit: int = Field(
        default=1000,
        ge=1,
        le=1_000_000,
        description="The most originals one run forgets.",
    )
    brake_percent: int = Field(
        default=25,
        ge=1,
        le=100,
        description="When more than this share of all originals would be forgotten, nothing is, "
        "until you say `twinlens cleanup --accept`.",
    )


class TrashConfig(Section):
    """What was put into the trash by an action."""

    retention_days: float = Field(
        default=30,
        ge=0,
        le=36500,
        description="What has been in the trash for this long is removed, by the daemon and by "
        "`twinlens trash empty`: each file only after it and another copy of it were read again. "
        "Days count while the machine is on.",
    )


class ExiftoolConfig(Section):
    """The program that reads metadata."""

    path: Annotated[str, AfterValidator(_program)] = Field(
        default="exiftool",
        description="The exiftool program: a name that is looked up in $PATH, or an absolute path.",
    )


class LogConfig(Section):
    """What is written to the log, which goes to stderr or the journal."""

    level: Word[LogLevel] = Field(
        default=LogLevel.INFO,
        description="The least important lines that are logged.",
    )
    format: Word[LogFormat] = Field(
        default=LogFormat.AUTO,
        description="`auto` is the journal's own form under systemd, and text elsewhere.",
    )


def _names_differ(catalogs: tuple[CatalogConfig, ...]) -> tuple[CatalogConfig, ...]:
    """Two catalogs of one name would be one row in the database."""
    names = [catalog.name.casefold() for catalog in catalogs]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"the name {', '.join(twice)} is given to more than one catalog")
    return catalogs


class Config(Section):
    """The whole configuration."""

    catalog: Annotated[Listing[CatalogConfig], AfterValidator(_names_differ)] = Field(
        min_length=1, description="The libraries of pictures, one block each."
    )
    # Required here, so that every other room may rely on a path; `loading` puts the default in.
    database: DatabaseConfig
    watch: WatchConfig = WatchConfig()
    workers: WorkersConfig = WorkersConfig()
    similarity: SimilarityConfig = SimilarityConfig()
    bursts: BurstsConfig = BurstsConfig()
    cleanup: CleanupConfig = CleanupConfig()
    schedule: ScheduleConfig = ScheduleConfig()
    backup: BackupConfig = BackupConfig()
    verify: VerifyConfig = VerifyConfig()
    actions: ActionsConfig = ActionsConfig()
    trash: TrashConfig = TrashConfig()
    metrics: MetricsConfig = MetricsConfig()
    vault: VaultConfig = VaultConfig()
    exiftool: ExiftoolConfig = ExiftoolConfig()
    log: LogConfig = LogConfig()
    notify: NotifyConfig = NotifyConfig()
