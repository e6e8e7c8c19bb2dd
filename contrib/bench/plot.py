"""The plot of cost against number of files, as SVG.

Written by hand: two panels of straight lines are a page of code, where a library of plots would
bring thirty megabytes that nothing else here needs.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

from rows import Row

_WIDTH, _HEIGHT = 760, 260
"""Of one panel."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 78, 190, 40, 46
"""Room beside the panel; the names of the curves stand on the right."""
_COLOURS = (
    "#0072b2",
    "#d55e00",
    "#009e73",
    "#cc79a7",
    "#56b4e9",
    "#e69f00",
    "#000000",
    "#888888",
    "#a0522d",
)
"""Okabe and Ito's, told apart by those who do not see all colours, and two more."""
_LINE_HEIGHT = 15
_LEADER = 22
"""From the end of a curve to its name."""
_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6}

_TITLES = {"ms a file": "Processor time a file", "s": "Seconds", "MiB": "Memory"}
"""By the unit, in the order of the panels."""

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class _Panel:
    """One diagram: both axes are logarithmic, and curves map names to points."""

    title: str
    unit: str
    curves: dict[str, list[Point]]


def as_svg(rows: Iterable[Row]) -> str:
    """All rows that are points of a curve, those of one unit in one panel; seconds and milliseconds
    share theirs. ValueError where there is none.
    """
    panels = _panels(rows)
    if not panels:
        raise ValueError("no row is a point of a curve")
    # One axis for all, so that one can look from panel to panel.
    files = [x for panel in panels for curve in panel.curves.values() for x, _ in curve]
    across = _Axis(files, _LEFT, _WIDTH - _RIGHT)
    names = [name for panel in panels for name in panel.curves]
    # Not anew in each panel, where the same colour would be another curve.
    colours = {name: _COLOURS[number % len(_COLOURS)] for number, name in enumerate(names)}
    drawn = [
        _drawn(panel, across, _HEIGHT * number, colours) for number, panel in enumerate(panels)
    ]
    size = f'width="{_WIDTH}" height="{_HEIGHT * len(panels)}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif">'
    # A page may be dark.
    paper = '<rect width="100%" height="100%" fill="white"/>'
    return "\n".join([head, paper, *(line for lines in drawn for line in lines), "</svg>"]) + "\n"


def _panels(rows: Iterable[Row]) -> list[_Panel]:
    found: dict[str, dict[str, list[Point]]] = {}
    for row in rows:
        if row.curve and row.files and row.measured and row.measured > 0:
            unit = "s" if row.unit in _SECONDS else row.unit
            value = row.measured * _SECONDS.get(row.unit, 1.0)
            curve = found.setdefault(unit, {}).setdefault(row.curve, [])
            curve.append((float(row.files), value))
    order = [*_TITLES, *(unit for unit in found if unit not in _TITLES)]
    return [
        _Panel(f"{_TITLES.get(unit, unit)}, by number of files", unit.split()[0], found[unit])
        for unit in order
        if unit in found
    ]


def _drawn(panel: _Panel, across: "_Axis", down: int, colours: Mapping[str, str]) -> list[str]:
    costs = [y for curve in panel.curves.values() for _, y in curve]
    up = _Axis(costs, down + _HEIGHT - _BOTTOM, down + _TOP)
    lines = [_text(_LEFT, down + 22, panel.title, size=15, weight="bold")]
    for value in across.decades:
        x = across.place(value)
        lines.append(_line(x, up.start, x, up.end, "#e0e0e0"))
        lines.append(_text(x, up.start + 18, f"{value:,.0f}", anchor="middle"))
    for value in up.decades:
        y = up.place(value)
        lines.append(_line(across.start, y, across.end, y, "#e0e0e0"))
        lines.append(_text(across.start - 8, y + 4, f"{value:,.10g} {panel.unit}", anchor="end"))
    names = []
    for name, curve in panel.curves.items():
        colour = colours[name]
        placed = [(across.place(x), up.place(y)) for x, y in sorted(curve)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
        lines.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        lines += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in placed]
        names.append((placed[-1], name, colour))
    return lines + _named(names)


def _named(ends: Sequence[tuple[Point, str, str]]) -> list[str]:
    """Each curve's name beside its end; those that would cover each other are moved apart."""
    ends = sorted(ends, key=lambda one: one[0][1])
    lines = []
    for ((x, y), name, colour), at in zip(ends, _apart([y for (_, y), _, _ in ends]), strict=True):
        lines.append(_line(x + 5, y, x + _LEADER, at, colour, dashes=True))
        lines.append(_text(x + _LEADER + 4, at + 4, name, colour=colour))
    return lines


def _apart(heights: Sequence[float]) -> list[float]:
    """Ascending heights, moved as little as leaves a line between any two: a crowd keeps its
    middle."""
    crowds: list[list[float]] = []
    for height in heights:
        crowds.append([height])
        while len(crowds) > 1 and _first(crowds[-1]) < _first(crowds[-2]) + (
            len(crowds[-2]) * _LINE_HEIGHT
        ):
            crowds[-2:] = [crowds[-2] + crowds[-1]]
    return [_first(crowd) + place * _LINE_HEIGHT for crowd in crowds for place in range(len(crowd))]


def _first(crowd: Sequence[float]) -> float:
    """Where the first line of a crowd stands, so that all of it stands around its middle."""
    return sum(crowd) / len(crowd) - (len(crowd) - 1) * _LINE_HEIGHT / 2


class _Axis:
    """A logarithmic axis from pixel `start` to `end`, over whole decades."""

    def __init__(self, values: Sequence[float], start: float, end: float) -> None:
        self.start, self.end = start, end
        self._low = floor(log10(min(values)))
        self._high = max(ceil(log10(max(values))), self._low + 1)

    @property
    def decades(self) -> list[float]:
        return [10.0**power for power in range(self._low, self._high + 1)]

    def place(self, value: float) -> float:
        """Where a value lies, in pixels."""
        part = (log10(value) - self._low) / (self._high - self._low)
        return self.start + part * (self.end - self.start)


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, *, dashes: bool = False) -> str:
    pattern = ' stroke-dasharray="2 3"' if dashes else ""
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {ends} stroke="{colour}"{pattern}/>'


def _text(
    x: float,
    y: float,
    words: str,
    *,
    size: int = 12,
    anchor: str = "start",
    weight: str = "normal",
    colour: str = "#333333",
) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{colour}"'
    return f'<text {place} text-anchor="{anchor}" font-weight="{weight}">{escape(words)}</text>'
