"""The error family: one tree, each with a title for the log and advice for the human.

    TwinlensError
    ├── ConfigError          wrong or missing configuration             exit 2
    ├── UsageError           a command that cannot be meant             exit 2
    └── CannotRunError       cannot run now                             exit 3
        ├── LockedError      another twinlens holds the database
        ├── StoreError       the database is unusable
        ├── RootError        a watched folder is missing or wrong
        └── VaultError       the vault is away, full, or another one
    MediaError (ValueError)  one file that cannot be understood: recorded, never fatal

Foreign exceptions are translated where they enter, with `from`.
"""


class TwinlensError(Exception):
    """Anything twinlens raises on purpose. `title` is for the log, `advice` for the human."""

    title = "twinlens could not go on"

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.advice = advice


class ConfigError(TwinlensError):
    """The configuration cannot be used; the message lists every mistake, one a line."""

    title = "the configuration cannot be used"


class UsageError(TwinlensError):
    """A command line that cannot be meant."""

    title = "wrong usage"


class CannotRunError(TwinlensError):
    """Nothing is wrong with the words, but it cannot be done now."""

    title = "cannot run now"


class LockedError(CannotRunError):
    """Another twinlens process works on this database."""

    title = "another twinlens is running on this database"


class StoreError(CannotRunError):
    """The database is missing, unreadable, corrupt, full, or of another version."""

    title = "the database is unusable"


class RootError(CannotRunError):
    """A watched folder is missing, is not a folder, or is not the one it was."""

    title = "a watched folder is unusable"


class VaultError(CannotRunError):
    """The vault is not there, is full, gives errors, or is not the one it was."""

    title = "the vault is unusable"


class MediaError(ValueError):
    """One file that cannot be understood. The message is what is recorded with the file."""
