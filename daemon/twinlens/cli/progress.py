"""The progress of a scan: a bar with rate and time left on a terminal, plain lines elsewhere."""

import sys
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

LINE_EVERY_SECONDS = 10.0


class ScanProgress:
    """Shows how far a scan is, on stderr; `update` may be called from any thread, often."""

    def __init__(self, *, is_quiet: bool = False, reads: bool = True) -> None:
        """`reads` says whether the pass reads files, or goes through what is known of them."""
        self._bar: Bar | None = None
        self._is_quiet = is_quiet
        self._reads = reads
        self._words = "reading" if reads else "grouping"
        self._next_line = 0.0
        self._started = time.monotonic()
        if not is_quiet and sys.stderr.isatty():
            self._bar = Bar(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[rate]}"),
                TimeRemainingColumn(),
                console=Console(stderr=True),
            )
            self._task = self._bar.add_task("looking", total=None, rate="")

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def waits(self, words: str) -> None:
        """What has to be done first: said at once, to whoever reads the result as JSON too."""
        sys.stderr.write(f"twinlens: waiting: {words}\n")

    def update(self, discovered: int, total: int | None, done: int, failed: int) -> None:
        """`discovered` files differ so far, `done` of `total` were looked at."""
        now = time.monotonic()
        if total is None:
            self._started = now
        rate = done / max(now - self._started, 0.001)
        if self._bar is not None:
            words = "looking" if total is None else self._words
            self._bar.update(
                self._task,
                description=words,
                total=total,
                completed=discovered if total is None else done,
                rate=f"{rate:.0f}/s" if done else "",
            )
            return
        if self._is_quiet or now < self._next_line:
            return
        # Without a first number there is nothing to tell, and no rate.
        if not (done if total is not None else discovered and self._reads):
            return
        self._next_line = now + LINE_EVERY_SECONDS
        if total is None:
            sys.stderr.write(f"looking: {discovered} to read so far\n")
        elif total:
            left = (total - done) / rate
            failures = f", {failed} failed" if failed else ""
            speed = f"{rate:.0f}/s, about {left:.0f} s left"
            sys.stderr.write(f"{self._words}: {done} of {total}, {speed}{failures}\n")
