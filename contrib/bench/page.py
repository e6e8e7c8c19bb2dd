"""The page that shows the last numbers: the table between its markers, and the plot beside it."""

from collections.abc import Sequence
from pathlib import Path

from plot import as_svg
from report import Measured, cells, costs_table

_BEGIN = "<!-- what follows is written by contrib/bench/run --write -->"
_END = "<!-- up to here -->"
_TITLE = "### "
PLOT_ENDING = ".svg"


class PageError(Exception):
    """The page cannot take the table; the message says why."""


def write_page(page: Path, sections: Sequence[Measured]) -> None:
    """Put the sections' numbers into the page; the plot is named like the page, as SVG.

    Without a curve among the numbers the plot stays as it is. Raises PageError, also where the
    page has a section that would be lost.
    """
    text = page.read_text(encoding="utf-8")
    before, begin, rest = text.partition(_BEGIN)
    old, end, after = rest.partition(_END)
    if not (begin and end):
        raise PageError(f"{page} has no lines {_BEGIN!r} and {_END!r}")
    titles = {line.removeprefix(_TITLE) for line in old.splitlines() if line.startswith(_TITLE)}
    if missing := sorted(titles - {section.title for section in sections}):
        raise PageError(f"{page} shows what these numbers lack: {', '.join(missing)}")
    tables = "\n\n".join(_section(section) for section in sections)
    page.write_text(f"{before}{_BEGIN}\n\n{tables}\n\n{_END}{after}", encoding="utf-8")
    rows = [row for section in sections for row in section.rows]
    if any(row.curve for row in rows):
        page.with_suffix(PLOT_ENDING).write_text(as_svg(rows), encoding="utf-8")


def _section(section: Measured) -> str:
    parts = [f"{_TITLE}{section.title}", f"{section.taken}, {section.machine}"]
    alone = [cells(row) for row in section.rows if not row.subject]
    if alone:
        parts.append(_markdown([("", "measured", "target", "", ""), *alone]))
    subjects = list(dict.fromkeys(row.subject for row in section.rows if row.subject))
    if subjects:
        parts.append(_markdown(costs_table(section.rows, subjects)))
    return "\n\n".join(parts)


def _markdown(table: Sequence[tuple[str, ...]]) -> str:
    head, *lines = [[cell.replace("|", r"\|") for cell in line] for line in table]
    # Columns that no line fills take room for nothing.
    used = [column for column in range(len(head)) if any(line[column] for line in [head, *lines])]
    rule = ["---" if column == 0 or not head[column] else "---:" for column in used]
    rows = [[line[column] for column in used] for line in (head, *lines)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (rows[0], rule, *rows[1:]))
