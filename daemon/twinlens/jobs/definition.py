"""A job is a declaration: what it works on, how, in how large parts, and with what patience."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from twinlens.errors import UsageError

Item = Any
"""Whatever JSON can hold: items are remembered in the store until their batch is done."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one item: `result` of `process`, or the `error` in words after all retries.
    `is_worker_lost` where the last of them cost a worker."""

    item: Item
    result: Any = None
    error: str | None = None
    is_worker_lost: bool = False


@dataclass(frozen=True, slots=True)
class JobDefinition:
    """One kind of long pass.

    - `discover(argument)` yields the items. It runs once; an interrupted discovery starts anew.
    - `refers_to(items)` gives the SHA-256 of the contents that discovered items are about: none of
      them is forgotten while the job lasts. Called in the transaction that remembers the items.
    - `prepare(item)` turns an item into the argument of `process`, in this process (a look into the
      store, say). Returning None skips the item: it counts as a success with no result.
    - `process(argument)` does the work on the executor: a picklable function that changes nothing.
    - `review(outcomes)` looks at a batch once more before it is recorded: what has to be asked of
      the disk, which no transaction may wait for.
    - `absorb(outcomes)` records a batch, inside the same transaction as the batch's own record, so
      that a batch is never recorded twice and never half.
    - `absorbed(value)` hears what `absorb` returned, after the transaction went through.
    - `finalize()` ends the pass; what it returns is the job's result.

    `few` items are worked on even while long passes have to wait: a pass with so little to do is
    none.

    `retries` are tries after the first for an item that failed; `workers` bounds how many items are
    under way at once (0: as many as the executor likes); `timeout_seconds` is the time one item may
    take on the executor before its outcome is an error, each try for itself; its place on an
    executor that cannot end it stays taken.
    """

    name: str
    discover: Callable[[dict[str, object]], Iterator[Item]]
    process: Callable[[Any], Any]
    absorb: Callable[[Sequence[Outcome]], Any]
    refers_to: Callable[[Sequence[Item]], Iterable[str]] = field(default=lambda items: ())
    prepare: Callable[[Item], Any] = field(default=lambda item: item)
    review: Callable[[Sequence[Outcome]], Sequence[Outcome]] = field(
        default=lambda outcomes: outcomes
    )
    absorbed: Callable[[Any], None] = field(default=lambda value: None)
    finalize: Callable[[], dict[str, object]] = field(default=dict)
    batch_size: int = 32
    few: int = 0
    workers: int = 0
    retries: int = 1
    timeout_seconds: float = 600.0


class Registry:
    """The jobs that this program knows, by name."""

    def __init__(self, definitions: Sequence[JobDefinition] = ()) -> None:
        self._definitions = {definition.name: definition for definition in definitions}

    def add(self, definition: JobDefinition) -> None:
        """Make a job known."""
        self._definitions[definition.name] = definition

    def get(self, name: str) -> JobDefinition:
        """The job of this name; UsageError where there is none."""
        if name not in self._definitions:
            raise UsageError(
                f"there is no job named {name!r}", f"known: {', '.join(sorted(self._definitions))}"
            )
        return self._definitions[name]

    def names(self) -> list[str]:
        """Every known job."""
        return sorted(self._definitions)
