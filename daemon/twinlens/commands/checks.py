"""One thing that `doctor` looked at."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; `state` is ok, warning or error."""

    name: str
    state: str
    detail: str
    advice: str = ""

    def as_result(self) -> dict[str, Any]:
        """The object that is printed."""
        told = asdict(self)
        return {"check": told.pop("name"), **told}
