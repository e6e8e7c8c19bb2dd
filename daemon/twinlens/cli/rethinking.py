"""`duplicates --what-if` on the command line."""

from twinlens.cli import showing
from twinlens.cli.options import reading_database
from twinlens.cli.tables import show_duplicate
from twinlens.commands.what_if import what_if
from twinlens.config.schema import Config
from twinlens.service.engine import similarity_limits


def show_what_if(config: Config, preset: str, *, as_json: bool) -> None:
    """Say which groups another preset would bring and which it would take away.

    A group of other members is a new one, and the old one is gone.
    """
    found = what_if(reading_database(config), similarity_limits(config), preset)
    if as_json:
        showing.print_json(found)
        return
    out = showing.console()
    for title, rows in (("would be new", found["new"]), ("would be gone", found["gone"])):
        for row in rows:
            showing.print_line(out, f"[bold]{title}[/bold]")
            show_duplicate(out, row)
            out.print()
    now, then = (
        f"{found[when]['re_encoded']} re-encoded and {found[when]['similar']} similar groups"
        for when in ("now", "then")
    )
    change = f"{len(found['new'])} would be new and {len(found['gone'])} would be gone"
    showing.print_line(out, f"now: {now}; with preset {preset}: {then}; {change}.")
    showing.print_line(out, "Nothing was changed.")
