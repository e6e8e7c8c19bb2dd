"""Metrics: figures for a program that watches programs."""

from dataclasses import dataclass, field
from enum import StrEnum


class MetricKind(StrEnum):
    """A counter only grows; a gauge goes up and down."""

    COUNTER = "counter"
    GAUGE = "gauge"


@dataclass(frozen=True, slots=True)
class Sample:
    """One value, with its labels by name."""

    value: float
    labels: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Metric:
    """A family of samples. `name` is without the prefix `twinlens_`, `help` one line."""

    name: str
    kind: MetricKind
    help: str
    samples: tuple[Sample, ...]
