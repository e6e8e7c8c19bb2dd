"""Looking the vault through, and removing what nothing refers to, in steps of one pass each.

    kept or found  ── unreferenced in two passes, for the grace, counted anew since ──▶ quarantined
    quarantined    ── moved out of the way; unreferenced for the grace again ─────────▶ discarded
    discarded      ── removed by the next pass ───────────────────────────────────────▶ no row

The decision is committed first, and carried out by the next pass, which looks once more whether
anything refers to the content by then: it is brought back in that case. So a crash leaves a step
that is done again, and no row ever promises what is not there. While a root is in doubt, or the
database is older than it was, no pass counts and nothing moves on. A pass that would move
implausibly much moves nothing and asks.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from twinlens.host.uptime import Uptime, uptime
from twinlens.maintenance.outcomes import Outcome
from twinlens.maintenance.vault_passes import Slice, VaultParts
from twinlens.maintenance.vault_work import Looked, Looking
from twinlens.model.vault import BlobRecord, BlobState, Listing
from twinlens.store import blobs, lived, meta
from twinlens.store.blobs import Moment
from twinlens.store.writer import Writer

GC = "vault_gc"
"""The name of the job."""

ENOUGH_PASSES = 2
FEW_OBJECTS = 20
"""So few are moved whatever their share of the vault: an owner tidies up."""

ASKS = "vault_asks"
"""The fact that remembers what the brake asks; empty where it asks nothing."""

_STRAYS_NAMED = 20
_MOVING = (BlobState.QUARANTINED, BlobState.DISCARDED)


@dataclass(frozen=True, slots=True)
class GcRules:
    """`doubts()` says what freezes it: roots and database, asked in no transaction. `steady` is a
    clock that nobody sets."""

    writer: Writer
    grace_days: float
    brake_percent: float
    doubts: Callable[[], tuple[str, ...]]
    steady: Callable[[], Uptime] = uptime


class VaultGc:
    """The state of one running pass, behind its job definition."""

    def __init__(self, parts: VaultParts, rules: GcRules, all_parts: Sequence[str]) -> None:
        self._parts = parts
        self._rules = rules
        self._all_parts = all_parts
        self._frozen: tuple[str, ...] | None = None
        self._begin()

    def discover(self, argument: dict[str, object]) -> Iterator[list[Any]]:
        """[part, whether the brake was answered] of every part of the vault."""
        self._begin()
        if self._slice.way() is None:
            return
        for part in self._all_parts:
            yield [part, bool(argument.get("accept"))]

    def prepare(self, item: Any) -> Looking | None:
        """What a worker is asked: to carry out what was decided, where that holds still."""
        part, self._is_accepted = item
        if self._slice.is_over(None):
            return None
        way = self._slice.way()
        if way is None:
            return None
        with self._parts.database.reading():
            rows = blobs.rows_of(part)
            moving = [sha256 for sha256, row in rows.items() if row.state in _MOVING]
            free = blobs.unreferenced(moving) if moving else set()
        if self._frozen is None:
            self._frozen = self._rules.doubts()
        orders: dict[str, list[str]] = {}
        for sha256, row in rows.items():
            order = self._order(row, is_free=sha256 in free)
            if order:
                orders.setdefault(order, []).append(sha256)
        return Looking(way, part, **{name: tuple(found) for name, found in orders.items()})

    def absorb(self, outcomes: Sequence[Outcome]) -> None:
        """Let the rows say what lies there, in the current transaction."""
        now = self._now()
        for outcome in outcomes:
            looked = outcome.result
            if outcome.error is not None:
                self._slice.trouble = outcome.error
            if not isinstance(looked, Looked):
                continue
            if looked.trouble:
                self._slice.trouble = looked.trouble
                continue
            part = outcome.item[0]
            self._looked += 1
            self._tidied += looked.tidied
            self._strays += looked.listing.strays
            self._follow(blobs.rows_of(part), looked.listing, now)
            if not self._frozen:
                rows = blobs.rows_of(part)
                there = [s for s, row in rows.items() if row.state not in _MOVING]
                blobs.see(blobs.unreferenced(there), part, now)

    def finalize(self) -> dict[str, object]:
        """Decide what the next pass does, and return what this one found."""
        is_whole = self._looked == len(self._all_parts)
        frozen = self._frozen or self._rules.doubts()
        asks = ""
        if is_whole and not self._slice.trouble and not frozen:
            asks = self._rules.writer.call(self._decide)
        result: dict[str, object] = {
            "objects": self._objects,
            "found": self._found,
            "missing": self._missing,
            "quarantined": self._quarantined,
            "removed": self._removed,
            "tidied": self._tidied,
            "strays": list(self._strays[:_STRAYS_NAMED]),
            "frozen_by": list(frozen),
            "asks": asks,
            "trouble": self._slice.trouble,
            "seconds": self._slice.seconds(),
        }
        self._parts.on_finished(GC, result)
        if self._missing:
            self._parts.tell(f"the vault has lost {self._missing} objects; they are stored anew")
        self._begin()
        return result

    def _order(self, row: BlobRecord, *, is_free: bool) -> str:
        if row.state is BlobState.ROTTEN:
            return "set_aside"
        if row.state not in _MOVING:
            return ""
        if not is_free:
            return "bring_back"
        if self._frozen:
            return ""
        return "quarantine" if row.state is BlobState.QUARANTINED else "discard"

    def _follow(self, rows: dict[str, BlobRecord], listing: Listing, now: Moment) -> None:
        self._objects += len(listing.objects)
        for sha256, size in listing.objects.items():
            row = rows.get(sha256)
            if row is None:
                blobs.note_found(sha256, size, BlobState.FOUND, now)
                self._found += 1
            elif row.state in _MOVING:
                # Brought back because something refers to it again, or not moved yet.
                is_free = bool(blobs.unreferenced([sha256]))
                if not is_free:
                    blobs.set_state([sha256], BlobState.FOUND, now.at)
                elif row.state is BlobState.DISCARDED:
                    blobs.move_on([sha256], BlobState.QUARANTINED, now)
        for sha256 in listing.quarantined - rows.keys():
            blobs.note_found(sha256, 0, BlobState.QUARANTINED, now)
        gone = [s for s in rows if s not in listing.objects and s not in listing.quarantined]
        lost = [s for s in gone if rows[s].state is BlobState.KEPT]
        self._missing += len(lost)
        self._removed += sum(rows[s].state is BlobState.DISCARDED for s in gone)
        blobs.forget(gone, now.at)

    def _decide(self) -> str:
        now = self._now()
        until = now.lived - self._rules.grace_days * 86_400
        there = (BlobState.KEPT, BlobState.FOUND)
        found = blobs.ripe(there, until, now.reconciled_at, ENOUGH_PASSES)
        expired = blobs.ripe([BlobState.QUARANTINED], until, now.reconciled_at, 1)
        asks = self._brake(len(found))
        meta.write(ASKS, asks)
        if not asks:
            blobs.move_on(found, BlobState.QUARANTINED, now)
            self._quarantined = len(found)
        blobs.move_on(expired, BlobState.DISCARDED, now)
        return asks

    def _now(self) -> Moment:
        """In a transaction."""
        lived_seconds = lived.advance(self._rules.steady())
        return Moment(self._parts.clock(), lived_seconds, meta.read("last_reconcile_at") or "")

    def _brake(self, ripe: int) -> str:
        known = blobs.kept_count()
        is_much = ripe > FEW_OBJECTS and ripe * 100 > known * self._rules.brake_percent
        if self._is_accepted or not is_much:
            return ""
        return (
            f"{ripe} of {known} objects of the vault have no file any more; none was moved. "
            "If you deleted them: twinlens vault gc --accept"
        )

    def _begin(self) -> None:
        self._slice = Slice(self._parts)
        self._frozen = None
        self._is_accepted = False
        self._looked = self._objects = self._found = self._missing = 0
        self._quarantined = self._removed = self._tidied = 0
        self._strays: tuple[str, ...] = ()
