"""Rows of what programs cost: the lines of a table, and the ratios between two of them."""

from collections.abc import Callable, Mapping, Sequence

from measuring import Cost
from rows import Row, median_row

MIB = 1 << 20


def cost_rows(section: str, subject: str, costs: Sequence[Cost], note: str = "") -> list[Row]:
    """One line of the section's table: what a program took.

    One that ends within a fraction of a second was never looked at: its memory is not known.
    """
    values = {
        ("wall", "s"): [cost.wall_seconds for cost in costs],
        ("processor", "s"): [cost.cpu_seconds for cost in costs],
        ("resident", "MiB"): [cost.rss_bytes / MIB for cost in costs],
        ("proportional", "MiB"): [cost.pss_bytes / MIB for cost in costs],
        ("others", "cores"): [cost.others_cores for cost in costs],
    }
    return [
        median_row(section, what, rounds, unit, subject=subject, note=note)
        if any(rounds)
        else Row(section, what, None, unit, subject=subject, note=note)
        for (what, unit), rounds in values.items()
    ]


def ratio(
    section: str,
    what: str,
    costs: Mapping[str, Sequence[Cost]],
    value: Callable[[Cost], float],
    target: float,
) -> Row:
    """How many times the floor twinlens takes: the median of the rounds' own ratios.

    Floor and scan of a round run one after the other, so what else the machine does hits both.
    """
    pairs = zip(costs["twinlens"], costs["floor"], strict=True)
    rounds = [value(scan) / value(floor) for scan, floor in pairs]
    return median_row(section, what, rounds, "x", target=target, kind="ratio")


def wall(cost: Cost) -> float:
    """Seconds from start to end."""
    return cost.wall_seconds


def cpu(cost: Cost) -> float:
    """Seconds of processor time."""
    return cost.cpu_seconds
