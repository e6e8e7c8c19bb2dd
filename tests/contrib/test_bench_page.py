"""The benchmark's page: the table goes between its markers, the plot shows what was measured."""

import re
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from page import PageError, write_page
from plot import as_svg
from report import Measured
from rows import Row
from sections import SECTIONS

REPOSITORY = Path(__file__).resolve().parents[2]
BEGIN, END = "<!-- what follows is written by contrib/bench/run --write -->", "<!-- up to here -->"


def point(curve: str, files: int, measured: float, unit: str = "s") -> Row:
    return Row("growth", "cost", measured, unit, curve=curve, files=files)


def section(*rows: Row) -> Measured:
    return Measured("first", "First scan", "2026-01-01", "a machine", rows)


def centres(svg: str) -> list[tuple[float, float]]:
    root = ElementTree.fromstring(svg)
    circles = root.iter("{http://www.w3.org/2000/svg}circle")
    return [(float(circle.attrib["cx"]), float(circle.attrib["cy"])) for circle in circles]


def test_the_table_replaces_the_one_before_and_leaves_the_rest(tmp_path: Path) -> None:
    page = tmp_path / "benchmark.md"
    page.write_text(f"# Before\n{BEGIN}\nold numbers\n{END}\nafter\n")

    write_page(page, [section(Row("first", "ratio", 1.4, "x", 1.35, "busy | noisy"))])
    once = page.read_text()
    write_page(page, [section(Row("first", "ratio", 1.4, "x", 1.35, "busy | noisy"))])

    assert page.read_text() == once
    assert once.startswith(f"# Before\n{BEGIN}\n")
    assert once.endswith(f"{END}\nafter\n")
    assert "old numbers" not in once
    assert r"| ratio | 1.40 x | <= 1.35 x | MISSED | busy \| noisy |" in once


def test_a_page_that_would_lose_a_section_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "benchmark.md"
    page.write_text(f"{BEGIN}\n### Second scan\n{END}\n### Why\n")

    with pytest.raises(PageError, match=r"lack: Second scan$"):
        write_page(page, [section(Row("first", "ratio", 1.4, "x"))])

    assert page.read_text() == f"{BEGIN}\n### Second scan\n{END}\n### Why\n"


def test_a_page_without_its_markers_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "benchmark.md"
    page.write_text(f"# Before\n{END}\n{BEGIN}\n")

    with pytest.raises(PageError):
        write_page(page, [section(Row("first", "ratio", 1.4, "x"))])

    assert page.read_text() == f"# Before\n{END}\n{BEGIN}\n"


def test_the_page_of_the_documentation_has_the_markers() -> None:
    text = (REPOSITORY / "docs" / "benchmark.md").read_text()

    assert text.index(BEGIN) < text.index(END)


def test_every_target_of_the_page_is_named_with_a_section_that_exists() -> None:
    text = (REPOSITORY / "docs" / "benchmark.md").read_text()
    targets = text[
        text.index("## The targets") : text.index("## ", text.index("## The targets") + 3)
    ]
    named = set(re.findall(r"^\| `([a-z-]+)`", targets, re.MULTILINE))

    assert len(named) >= 6
    assert named <= {one.name for one in SECTIONS}


def test_more_is_higher_and_later_is_further_right() -> None:
    svg = as_svg([point("scan", 500, 1), point("scan", 2000, 4), point("scan", 1000, 2)])
    (x1, y1), (x2, y2), (x3, y3) = centres(svg)

    assert x1 < x2 < x3
    assert y1 > y2 > y3
    # Both axes are logarithmic: twice as many for twice as much is a straight line.
    assert (y2 - y1) / (x2 - x1) == pytest.approx((y3 - y2) / (x3 - x2), rel=0.01)


def test_milliseconds_and_seconds_share_a_panel() -> None:
    svg = as_svg([point("scan", 500, 1), point("search", 500, 1000, "ms")])

    assert len(set(centres(svg))) == 1
    assert svg.count("by number of files") == 1


def test_memory_has_a_panel_of_its_own() -> None:
    svg = as_svg([point("scan", 500, 1), point("idle", 500, 80, "MiB")])

    assert svg.index("Seconds, by number of files") < svg.index("Memory, by number of files")


def test_the_names_of_the_curves_do_not_cover_each_other() -> None:
    svg = as_svg([point(f"curve {number}", 500, 1 + number / 1000) for number in range(6)])
    root = ElementTree.fromstring(svg)
    heights = sorted(
        float(text.attrib["y"])
        for text in root.iter("{http://www.w3.org/2000/svg}text")
        if (text.text or "").startswith("curve")
    )

    assert len(heights) == 6
    assert all(low + 12 <= high for low, high in pairwise(heights))


def test_a_name_stands_beside_the_end_of_its_curve() -> None:
    svg = as_svg([point("early", 500, 1), point("late", 500, 9), point("late", 100_000, 9)])
    root = ElementTree.fromstring(svg)
    places = {
        text.text: (float(text.attrib["x"]), float(text.attrib["y"]))
        for text in root.iter("{http://www.w3.org/2000/svg}text")
    }
    (x_early, y_early), _, (x_late, y_late) = centres(svg)

    assert 0 < places["early"][0] - x_early < 40
    assert places["early"][1] == pytest.approx(y_early + 4, abs=0.2)
    assert 0 < places["late"][0] - x_late < 40
    assert places["late"][1] == pytest.approx(y_late + 4, abs=0.2)


def test_without_a_curve_there_is_no_plot() -> None:
    with pytest.raises(ValueError, match="no row"):
        as_svg([Row("first", "ratio", 1.4, "x")])
