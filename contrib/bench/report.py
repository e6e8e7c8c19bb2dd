"""The table that the benchmark prints, and the same numbers for programs."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import median

from measuring import Cost
from subject import Idle

_MIB = 1 << 20
_HEAD = ("", "wall s", "cpu s", "resident MiB", "proportional MiB", "others' cores")


@dataclass(frozen=True, slots=True)
class Round:
    """One turn of the three measurements, each as a whole process."""

    floor: Cost
    scan: Cost
    second_scan: Cost


@dataclass(frozen=True, slots=True)
class Result:
    """What was measured on one corpus. `idle` is None where the daemon was not looked at."""

    corpus: str
    pictures: int
    bytes_total: int
    processes: int
    rounds: tuple[Round, ...]
    idle: Idle | None

    @property
    def floor(self) -> Cost:
        return middle([one.floor for one in self.rounds])

    @property
    def scan(self) -> Cost:
        return middle([one.scan for one in self.rounds])

    @property
    def second_scan(self) -> Cost:
        return middle([one.second_scan for one in self.rounds])

    def ratio(self, value: Callable[[Cost], float]) -> float:
        """How many times the floor a scan takes: the median of the rounds' own ratios.

        Floor and scan of a round run one after the other, so what else the machine does hits both.
        """
        return median(value(one.scan) / value(one.floor) for one in self.rounds)

    def as_json(self) -> dict[str, object]:
        """Everything, the single rounds too."""
        return {
            "corpus": self.corpus,
            "pictures": self.pictures,
            "bytes": self.bytes_total,
            "processes": self.processes,
            "floor": asdict(self.floor),
            "scan": asdict(self.scan),
            "second_scan": asdict(self.second_scan),
            "wall_ratio": round(self.ratio(_wall), 3),
            "cpu_ratio": round(self.ratio(_cpu), 3),
            "idle": None if self.idle is None else asdict(self.idle),
            "rounds": [asdict(one) for one in self.rounds],
        }

    def as_text(self) -> str:
        """A table for the eye."""
        rows = [
            _HEAD,
            _row("floor", self.floor),
            _row("scan", self.scan),
            ("  ratio", f"{self.ratio(_wall):.2f} x", f"{self.ratio(_cpu):.2f} x", "", "", ""),
            _row("second scan", self.second_scan),
        ]
        if self.idle is not None:
            memory = self.idle.memory
            name = f"idle daemon ({memory.processes} processes)"
            share = f"{self.idle.cpu_percent:.2f} %"
            rows.append((name, "", share, _mib(memory.rss_bytes), _mib(memory.pss_bytes), ""))
        title = (
            f"{self.corpus}: {self.pictures} pictures, {self.bytes_total / 1e6:,.0f} MB, "
            f"{self.processes} processes, median of {len(self.rounds)}"
        )
        return "\n".join([title, *_aligned(rows)])


def middle(costs: Sequence[Cost]) -> Cost:
    """The median of each number by itself."""
    return Cost(
        wall_seconds=median(cost.wall_seconds for cost in costs),
        cpu_seconds=median(cost.cpu_seconds for cost in costs),
        rss_bytes=int(median(cost.rss_bytes for cost in costs)),
        pss_bytes=int(median(cost.pss_bytes for cost in costs)),
        others_cores=median(cost.others_cores for cost in costs),
    )


def _wall(cost: Cost) -> float:
    return cost.wall_seconds


def _cpu(cost: Cost) -> float:
    return cost.cpu_seconds


def _row(name: str, cost: Cost) -> tuple[str, ...]:
    return (
        name,
        f"{cost.wall_seconds:.2f}",
        f"{cost.cpu_seconds:.2f}",
        _mib(cost.rss_bytes),
        _mib(cost.pss_bytes),
        f"{cost.others_cores:.1f}",
    )


def _mib(size: int) -> str:
    return f"{size / _MIB:.0f}"


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
