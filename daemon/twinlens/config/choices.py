"""The words an option may hold where only a few are meant."""

from enum import StrEnum


class CatalogAction(StrEnum):
    """What is done with the duplicates of a catalog."""

    REPORT = "report"
    TRASH = "trash"
    HARDLINK = "hardlink"
    REFLINK = "reflink"


class PollingChoice(StrEnum):
    """Whether a root is watched by the kernel's events or by looking again and again."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


class ReadersChoice(StrEnum):
    """How many files are read from one disk at once."""

    AUTO = "auto"
    ONE = "one"
    MANY = "many"


class Preset(StrEnum):
    """How alike two pictures must be to be called duplicates."""

    STRICT = "strict"
    NORMAL = "normal"
    LOOSE = "loose"


class BurstPrimary(StrEnum):
    """Which picture stands for a burst."""

    QUALITY = "quality"
    FIRST = "first"
    MIDDLE = "middle"


class LogLevel(StrEnum):
    """The least important line that is still logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """How a log line looks."""

    AUTO = "auto"
    TEXT = "text"
    JSON = "json"
