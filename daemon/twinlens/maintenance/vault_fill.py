"""Filling the vault: each content that a live file holds and the vault does not is stored.

A row is written after the object was brought to the disk and read back, never before. A file that
does not hold any more what was recorded is looked at again, like any file that changed. Trouble
with the vault itself ends the pass, and nothing is concluded from it.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from twinlens.maintenance.outcomes import Outcome
from twinlens.maintenance.vault_passes import AT_ONCE, Slice, VaultParts, limit_of
from twinlens.maintenance.vault_work import Stored, Storing
from twinlens.model.vault import BlobState
from twinlens.store import blobs

FILL = "vault"
"""The name of the job."""


class VaultFill:
    """The state of one running fill, behind its job definition."""

    def __init__(self, parts: VaultParts) -> None:
        self._parts = parts
        self._begin(None)

    def discover(self, argument: dict[str, object]) -> Iterator[list[Any]]:
        """[SHA-256, bytes, seconds of the slice] of what is lacking, small ones first."""
        seconds = limit_of(argument)
        self._begin(seconds)
        if self._slice.way() is None:
            return
        with self._parts.database.reading():
            found = blobs.lacking(None if seconds is None else AT_ONCE)
        if seconds is not None and len(found) >= AT_ONCE:
            self._slice.left += 1
        for sha256, size in found:
            yield [sha256, size, seconds]

    def prepare(self, item: Any) -> Storing | None:
        """What a worker is asked; None where the time is up, or no file can be read now."""
        sha256, size, seconds = item
        if self._slice.is_over(seconds):
            return None
        way = self._slice.way()
        if way is None:
            return None
        with self._parts.database.reading():
            row = blobs.get(sha256)
            places = blobs.sources(sha256)
        if not places or (row is not None and row.state is BlobState.KEPT):
            return None
        root_id, path, absolute = places[0]
        self._from[sha256] = (root_id, path)
        return Storing(way, absolute, sha256, size)

    def absorb(self, outcomes: Sequence[Outcome]) -> None:
        """Write the rows of what was stored, in the current transaction."""
        at = self._parts.clock()
        for outcome in outcomes:
            sha256, size, _ = outcome.item
            place = self._from.pop(sha256, None)
            if outcome.error is not None:
                self._failed += not self._parts.is_stopped()
                continue
            stored = outcome.result
            if not isinstance(stored, Stored):
                continue
            if stored.how is not None:
                blobs.keep(sha256, size, stored.how, at)
                self._stored += 1
                self._bytes += size
            elif stored.trouble:
                self._slice.trouble = stored.trouble
                self._slice.left += 1
            else:
                self._failed += 1
                if place is not None:
                    self._parts.look_again(*place)

    def finalize(self) -> dict[str, object]:
        """What the pass did; `left` is 0 where nothing was left for another one."""
        result: dict[str, object] = {
            "stored": self._stored,
            "bytes": self._bytes,
            "failed": self._failed,
            "left": self._slice.left,
            "trouble": self._slice.trouble,
            "seconds": self._slice.seconds(),
        }
        self._parts.on_finished(FILL, result)
        self._begin(None)
        return result

    def _begin(self, seconds: float | None) -> None:
        self._slice = Slice(self._parts, seconds)
        self._stored = self._bytes = self._failed = 0
        self._from: dict[str, tuple[int, bytes]] = {}
