"""Reading the vault's objects again: a copy that nobody reads is only hoped to be one.

An object that is rotten, twice the same way, is a promise no longer: its row says so, it is set
aside, and the next fill stores it anew from the library. One that cannot be read stays as it is,
and is told. Trouble with the vault itself ends the pass and proves nothing of any object.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from twinlens.maintenance.outcomes import Outcome
from twinlens.maintenance.vault_passes import AT_ONCE, Slice, VaultParts, limit_of
from twinlens.maintenance.vault_work import BlobRead, BlobReading
from twinlens.model.vault import BlobState
from twinlens.store import blobs

SCRUB = "vault_verify"
"""The name of the job."""

_FLICKERS = "two readings gave different bytes: disk, cable or memory"


class VaultScrub:
    """The state of one running pass, behind its job definition."""

    def __init__(self, parts: VaultParts) -> None:
        self._parts = parts
        self._begin(None)

    def discover(self, argument: dict[str, object]) -> Iterator[list[Any]]:
        """[SHA-256, seconds of the slice] of the objects not read since `before` (ISO 8601)."""
        seconds = limit_of(argument)
        self._begin(seconds)
        if self._slice.way() is None:
            return
        with self._parts.database.reading():
            limit = None if seconds is None else AT_ONCE
            found = blobs.due(str(argument["before"]), self._parts.clock(), limit)
        if seconds is not None and len(found) >= AT_ONCE:
            self._slice.left += 1
        for sha256 in found:
            yield [sha256, seconds]

    def prepare(self, item: Any) -> BlobReading | None:
        """What a worker is asked; None where the time is up."""
        sha256, seconds = item
        if self._slice.is_over(seconds):
            return None
        way = self._slice.way()
        with self._parts.database.reading():
            row = blobs.get(sha256)
        if way is None or row is None or row.state is not BlobState.KEPT:
            return None
        return BlobReading(way, sha256, row.size)

    def absorb(self, outcomes: Sequence[Outcome]) -> list[str]:
        """Record what reading proved, in the current transaction; returns what is to be told."""
        at = self._parts.clock()
        told = []
        for outcome in outcomes:
            sha256 = outcome.item[0]
            read = outcome.result
            if outcome.error is not None and not self._parts.is_stopped():
                read = BlobRead(problem=outcome.error)
            if not isinstance(read, BlobRead):
                continue
            if read.trouble:
                self._slice.trouble = read.trouble
                self._slice.left += 1
            elif read.is_missing:
                blobs.forget([sha256], at)
                self._missing += 1
                told.append(f"the vault has lost an object, it is stored anew: {sha256}")
            else:
                told += self._judge(sha256, read, at)
        return told

    def absorbed(self, told: Sequence[str]) -> None:
        """Tell of it once it is committed."""
        for words in told:
            self._parts.tell(words)

    def finalize(self) -> dict[str, object]:
        """What the pass found; `left` is 0 where nothing was left for another one."""
        result: dict[str, object] = {
            "read": self._read,
            "sound": self._sound,
            "rotten": self._rotten,
            "missing": self._missing,
            "unreadable": self._unreadable,
            "left": self._slice.left,
            "trouble": self._slice.trouble,
            "seconds": self._slice.seconds(),
        }
        self._parts.on_finished(SCRUB, result)
        self._begin(None)
        return result

    def _judge(self, sha256: str, read: BlobRead, at: str) -> list[str]:
        self._read += 1
        if sha256 in read.digests[:1]:
            self._sound += 1
            blobs.note_read(sha256, at, None)
            return []
        if read.digests and len(set(read.digests)) == 1:
            self._rotten += 1
            blobs.set_state([sha256], BlobState.ROTTEN, at)
            return [f"an object of the vault is rotten, it is set aside and stored anew: {sha256}"]
        self._unreadable += 1
        problem = read.problem or _FLICKERS
        known = blobs.get(sha256)
        is_news = known is not None and known.error != problem
        blobs.note_read(sha256, at, problem)
        return [f"an object of the vault cannot be read ({problem}): {sha256}"] if is_news else []

    def _begin(self, seconds: float | None) -> None:
        self._slice = Slice(self._parts, seconds)
        self._read = self._sound = self._rotten = self._missing = self._unreadable = 0
