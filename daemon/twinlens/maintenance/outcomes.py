"""What a pass of maintenance is told of its items by the job framework, which it does not know."""

from typing import Any, Protocol


class Outcome(Protocol):
    """What became of one item."""

    @property
    def item(self) -> Any:
        """What `discover` gave."""

    @property
    def result(self) -> Any:
        """What the worker returned; None where the item was passed over."""

    @property
    def error(self) -> str | None:
        """Why there is no result."""
