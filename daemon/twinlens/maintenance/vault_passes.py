"""What the passes over the vault share: which vault it is, what they may take, what they met."""

from collections.abc import Callable
from dataclasses import dataclass

from twinlens.maintenance.vault_work import Way
from twinlens.model.vault import VaultSpec
from twinlens.store import blobs
from twinlens.store.database import Database

NO_VAULT = "no vault is named in the config"
NOT_MADE = "no vault was made yet: twinlens vault fill --new"
AT_ONCE = 5000
"""Objects that one slice with a time limit works on, at the most."""


@dataclass(frozen=True, slots=True)
class VaultParts:
    """What the passes work with.

    `spec` is None where there is none to be reached, and `why_not` says why; `look_again` puts a
    path into the work queue, in the current transaction; `tell` hears of what wants eyes;
    `is_elsewhere_wanted` tells that other passes wait; `on_finished` hears of each, by its name.
    """

    spec: VaultSpec | None
    database: Database
    clock: Callable[[], str]
    monotonic: Callable[[], float]
    look_again: Callable[[int, bytes], None]
    tell: Callable[[str], None]
    is_elsewhere_wanted: Callable[[], bool]
    is_stopped: Callable[[], bool]
    on_finished: Callable[[str, dict[str, object]], None]
    why_not: str = NO_VAULT


class Slice:
    """One pass under way: its time, and the trouble with the vault that ends it early."""

    def __init__(self, parts: VaultParts, seconds: float | None = None) -> None:
        self._parts = parts
        self._started = parts.monotonic()
        self._seconds = seconds
        self._begun = 0
        self.left = 0
        self.trouble = ""

    def way(self) -> Way | None:
        """The vault that is meant; None where there is none, and `trouble` says why."""
        if self._parts.spec is None:
            self.trouble = self._parts.why_not
            return None
        with self._parts.database.reading():
            identity = blobs.vault_identity()
        if identity is None:
            self.trouble = NOT_MADE
            return None
        return Way(self._parts.spec, identity)

    def is_over(self, seconds: object) -> bool:
        """Whether nothing more is begun. The first item always is, so that many short slices come
        to an end; a slice that goes on after a restart has its time from here on."""
        limit = float(seconds) if isinstance(seconds, int | float) else None
        is_late = False
        if self._begun == 0:
            self._started = self._parts.monotonic()
        elif limit is not None:
            is_late = self.seconds() > limit or self._parts.is_elsewhere_wanted()
        if is_late or self.trouble:
            self.left += 1
            return True
        self._begun += 1
        return False

    def seconds(self) -> float:
        """How long it has taken so far."""
        return round(self._parts.monotonic() - self._started, 3)


def limit_of(argument: dict[str, object]) -> float | None:
    """The seconds that a pass may take, None for as long as it takes."""
    seconds = argument.get("seconds")
    return float(seconds) if isinstance(seconds, int | float) else None
