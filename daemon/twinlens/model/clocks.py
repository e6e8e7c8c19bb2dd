"""What is doubted of the time that a camera gave to a picture: frozen values."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ClockDoubt:
    """A fault of the camera's clock that a content is part of.

    `fault` is `never_set`, `jumped` or `offset`; `stated` the local time that the camera told (ISO
    8601), which is what is doubted; `evidence` says in words why.
    """

    fault: str
    stated: str
    evidence: tuple[str, ...]
