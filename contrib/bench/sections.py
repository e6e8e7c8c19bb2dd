"""The parts of the benchmark, in the order of the table. A new part is one line here."""

from collections.abc import Callable
from dataclasses import dataclass

import beside_peers
import database
import directories
import dirty
import first_scan
import growth
import idle
import known_library
import latency
import near_search
import resident
import start
from options import Options
from rows import Row


@dataclass(frozen=True, slots=True)
class Section:
    """A part that can be measured by itself: its name, its title, and what measures it.

    `measure` may raise CommandError or SubjectError: then the section has no rows, the others do.
    """

    name: str
    title: str
    measure: Callable[[Options], list[Row]]


SECTIONS = (
    Section("first-large", "First scan, 500 pictures of 12 megapixels", first_scan.large),
    Section("first-many", "First scan, 20,000 small pictures", first_scan.many),
    Section("hash-only", "Without the analysis of pictures", first_scan.without_pictures),
    Section("dirty", "Broken and hostile files among 2,000 small pictures", dirty.measure),
    Section("growth", "More and more small pictures", growth.measure),
    Section("peers-large", "Other programs, 500 pictures of 12 megapixels", beside_peers.large),
    Section("peers-many", "Other programs, 20,000 small pictures", beside_peers.many),
    Section("idle", "The daemon at rest, having scanned 20,000 pictures itself", idle.measure),
    Section("known", "Looking again at a library that did not change", known_library.measure),
    Section("resident", "The daemon of a library that is known", resident.measure),
    Section("near", "Lookalikes among all that is known", near_search.measure),
    Section("latency", "From closed to recorded, 50 pictures a second", latency.measure),
    Section("directories", "Very many folders, and an overflow", directories.measure),
    Section("start", "The command line before it has anything to do", start.measure),
    Section("database", "The bytes that are kept of a file", database.measure),
)
