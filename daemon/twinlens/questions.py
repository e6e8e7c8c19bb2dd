"""Questions to a disk that may never be answered: a share whose server is gone keeps whoever asks.

So each is asked on a thread of its own, which is waited for only so long. One that hangs stays with
its share, and until it is answered nobody asks that share again: a share costs one thread at most,
however often it is looked at. Patience counts from when the share was asked: who comes later is
told at once if that is longer ago than he would wait, and else waits for the rest.
"""

import threading
from collections.abc import Callable, Hashable, Mapping
from time import monotonic
from typing import Any, Generic, TypeVar

PATIENCE_SECONDS = 10.0
"""A share that does not answer for this long is one that hangs."""

NO_ANSWER = "it does not answer"
"""What is said of such a share."""

Answer = TypeVar("Answer")
Late = TypeVar("Late")
About = TypeVar("About", bound=Hashable)


class _Asked(Generic[Answer]):
    """One question under way, since `began` (monotonic seconds)."""

    def __init__(self, question: Callable[[], Answer], when_over: Callable[[], None]) -> None:
        self.began = monotonic()
        self._question = question
        self._when_over = when_over
        self._answers: list[Answer] = []
        self._error: Exception | None = None
        self._is_over = threading.Event()

    def start(self) -> None:
        """Ask. Raises RuntimeError where the system grants no further thread."""
        threading.Thread(target=self._ask, name="ask-disk", daemon=True).start()

    def wait(self, seconds: float) -> bool:
        """Wait until it has lasted so long; says whether it is over."""
        return self._is_over.wait(max(self.began + seconds - monotonic(), 0.0))

    def answer(self) -> Answer:
        """What it gave, or raised, once it is over."""
        if self._error is not None:
            raise self._error
        return self._answers[0]

    def _ask(self) -> None:
        try:
            self._answers.append(self._question())
        except Exception as error:  # noqa: BLE001 - raised again in whoever asked
            self._error = error
        finally:
            self._when_over()
            self._is_over.set()


class Questions:
    """What disks are being asked; one of these for all who ask the same disks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[Hashable, _Asked[Any]] = {}

    def ask(
        self, about: Hashable, question: Callable[[], Answer], seconds: float, late: Late
    ) -> Answer | Late:
        """The answer to a question about one thing; `late` where that takes longer than this, or
        an earlier question about it has lasted so long.

        Questions about one thing are asked one after the other, and never within each other. What
        a question raises is raised here.
        """
        return self.ask_all({about: question}, seconds, late)[about]

    def ask_all(
        self,
        questions: Mapping[About, Callable[[], Answer]],
        seconds: float,
        late: Late,
    ) -> dict[About, Answer | Late]:
        """The answers to questions about several things, which are asked at the same time."""
        asked = {about: self._begin(about, ask, seconds) for about, ask in questions.items()}
        return {about: self._answer(one, seconds, late) for about, one in asked.items()}

    def _begin(
        self, about: Hashable, question: Callable[[], Answer], seconds: float
    ) -> _Asked[Answer] | None:
        """Ask, once nobody else asks about the same; None where that is not answered in time."""
        while True:
            with self._lock:
                earlier = self._open.get(about)
                if earlier is None:
                    mine = self._open[about] = _Asked(question, lambda: self._close(about))
                    break
            if not earlier.wait(seconds):
                return None
        try:
            mine.start()
        except RuntimeError:
            self._close(about)
            raise
        return mine

    def _answer(self, asked: _Asked[Answer] | None, seconds: float, late: Late) -> Answer | Late:
        return late if asked is None or not asked.wait(seconds) else asked.answer()

    def _close(self, about: Hashable) -> None:
        with self._lock:
            del self._open[about]
