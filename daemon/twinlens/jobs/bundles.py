"""Tasks on their way to a worker and back: handing over several small ones at once is cheaper."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any

LARGEST_BUNDLE = 8


@dataclass(frozen=True, slots=True)
class Task:
    """One call; `name` is what it is called in the log."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    future: "Future[Any]"
    deadline: float
    is_quick: bool
    is_urgent: bool
    name: str


@dataclass(slots=True)
class Bundle:
    """Tasks that travel together. `seconds` is how long a worker was seen at work on them: looks
    are counted, so that it is no fault of theirs where this whole process was stopped."""

    tasks: list[Task]
    deadline: float
    seconds: float = 0.0

    @property
    def is_late(self) -> bool:
        """Whether it should have been ended by now."""
        return self.seconds > self.deadline


_Call = tuple[Callable[..., Any], tuple[Any, ...]]


def run_each(calls: list[_Call]) -> list[Any]:
    """In a worker: what each call of a bundle returns."""
    return [function(*arguments) for function, arguments in calls]


def alone(task: Task) -> Task:
    """The same task, that travels with no other."""
    return replace(task, is_quick=False)
