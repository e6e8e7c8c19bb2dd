"""Which copy is kept, and why: the rules by which exact duplicates are told apart.

Only files that are equal byte for byte stand in for each other, and only whole units do: a unit
may go where one other unit, which stays, holds every content of it. The rules rank the units; the
owner may put them in another order. The path has the last word, so that any order in gives the same
answer, and nothing depends on when a file arrived or which row it has.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from twinlens.grouping.belongings import Unit
from twinlens.model.actions import ActionKind, Plan, PlannedStep, Spared
from twinlens.model.copies import Copy
from twinlens.model.paths import printable
from twinlens.model.picture import Kind

_PICTURES = frozenset({Kind.IMAGE.value, Kind.RAW.value, Kind.VIDEO.value})
"""What can be a copy by itself. Two sidecars of equal bytes may speak of two photographs."""

_Score = Callable[[Unit], tuple[object, ...]]


def _paths(unit: Unit) -> tuple[object, ...]:
    first = min((len(copy.place.absolute), copy.place.absolute) for copy in unit.copies)
    return (*first, unit.copies[0].place.absolute)


_RULES: dict[str, tuple[str, _Score]] = {
    "protected": (
        "it lies in a protected folder",
        lambda unit: (not any(copy.is_protected for copy in unit.copies),),
    ),
    "groups": (
        "it belongs to the more complete photograph",
        lambda unit: (-len(unit.contents),),
    ),
    "decisions": (
        "you chose it, or you said that the other may go",
        lambda unit: (
            any(copy.is_discarded for copy in unit.copies),
            not any(copy.is_chosen for copy in unit.copies),
        ),
    ),
    "quality": (
        "it has the better quality score",
        lambda unit: (-max(copy.quality or 0.0 for copy in unit.copies),),
    ),
    "pixels": (
        "it has more pixels",
        lambda unit: (-max(copy.pixels or 0 for copy in unit.copies),),
    ),
    "bytes": ("it has more bytes", lambda unit: (-sum(copy.size for copy in unit.copies),)),
    "names": (
        "its name has no copy mark",
        lambda unit: (any(copy.is_marked_copy for copy in unit.copies),),
    ),
    "oldest": (
        "its file is the oldest",
        lambda unit: (min(copy.mtime_ns for copy in unit.copies),),
    ),
    "path": ("its path is the shortest, or the first of equal length", _paths),
}

DEFAULT_ORDER: tuple[str, ...] = tuple(_RULES)
"""The order of the rules where the owner names none."""


@dataclass(frozen=True, slots=True)
class _Choice:
    """A unit that goes, and the one that stays in its stead."""

    victim: Unit
    keeper: Unit
    rule: str


def make_plan(
    units: Iterable[Unit],
    policies: Mapping[str, ActionKind],
    order: Sequence[str] = DEFAULT_ORDER,
) -> Plan:
    """Decide for every unit of the catalogs in `policies` whether it stays.

    Any order of units gives the same plan. At least one copy of each content stays in its catalog,
    in another inode than each that goes: a backup that is a catalog of its own is no reason to
    thin out the library, nor the other way round. Raises ValueError for a rule that does not exist.
    """
    rules = _ordered(order)
    by_content: dict[tuple[str, str], list[Unit]] = {}
    wanted = [unit for unit in units if unit.catalog in policies]
    for unit in wanted:
        for content in unit.contents:
            by_content.setdefault((unit.catalog, content), []).append(unit)
    victims: list[Unit] = []
    spared: list[Spared] = []
    gone: set[tuple[Copy, ...]] = set()
    names = Counter(copy.identity for unit in wanted for copy in unit.copies)
    for unit in sorted(wanted, key=lambda one: _rank(one, rules), reverse=True):
        others = [
            other
            for content in unit.contents
            for other in by_content[unit.catalog, content]
            if other is not unit and other.copies not in gone
        ]
        better = _better(unit, others, rules)
        if better is None:
            continue
        reason = _why_spared(unit, better, names)
        if reason is not None:
            spared.append(Spared(tuple(copy.place.absolute for copy in unit.copies), reason))
            continue
        gone.add(unit.copies)
        victims.append(unit)
    choices = [_choice(victim, by_content, gone, rules) for victim in victims]
    return Plan(
        _steps(choices, policies),
        tuple(sorted(spared, key=lambda one: (one.paths, one.reason))),
    )


def _ordered(order: Sequence[str]) -> list[tuple[str, _Score]]:
    unknown = [name for name in order if name not in _RULES]
    if unknown:
        raise ValueError(f"there is no rule {unknown[0]!r}; there are {', '.join(_RULES)}")
    names = [*dict.fromkeys(name for name in order if name != "path"), "path"]
    return [_RULES[name] for name in names]


def _rank(unit: Unit, rules: Sequence[tuple[str, _Score]]) -> tuple[tuple[object, ...], ...]:
    return tuple(score(unit) for _, score in rules)


def _better(unit: Unit, others: Sequence[Unit], rules: Sequence[tuple[str, _Score]]) -> Unit | None:
    """The best of the units that rank before this one: whole ones first; None where it leads."""
    own = _rank(unit, rules)
    ahead = [other for other in others if _rank(other, rules) < own]
    sound = [other for other in ahead if other.doubt is None]
    whole = [other for other in sound if unit.contents <= other.contents]
    return min(whole or sound or ahead, key=lambda one: _rank(one, rules), default=None)


def _why_spared(unit: Unit, keeper: Unit, names: Mapping[tuple[int, int], int]) -> str | None:
    if unit.obstacle is not None:
        return unit.obstacle
    if not any(copy.kind in _PICTURES for copy in unit.copies):
        return "it speaks of the file beside it, whose name it bears, and goes only with that"
    if any(names[copy.identity] > 1 for copy in unit.copies):
        return "it has another name (hard link): nothing would be freed"
    if keeper.doubt is not None:
        return f"the copy that would stay cannot be relied on: {keeper.doubt}"
    if not unit.contents <= keeper.contents:
        missing = [copy for copy in unit.copies if copy.sha256 not in keeper.contents]
        name = printable(missing[0].place.path.rpartition(b"/")[2])
        return f"it belongs together with {name}, of which the other place has no copy"
    return None


def _choice(
    victim: Unit,
    by_content: Mapping[tuple[str, str], Sequence[Unit]],
    gone: set[tuple[Copy, ...]],
    rules: Sequence[tuple[str, _Score]],
) -> _Choice:
    """The best unit that stays in the end: the one first seen may have given way to another, which
    then holds all that it held."""
    candidates = [
        unit
        for unit in by_content[victim.catalog, victim.copies[0].sha256]
        if unit.copies not in gone and victim.contents <= unit.contents and unit.doubt is None
    ]
    keeper = min(candidates, key=lambda one: _rank(one, rules))
    words = next(words for words, score in rules if score(victim) != score(keeper))
    return _Choice(victim, keeper, words)


def _steps(
    choices: Sequence[_Choice], policies: Mapping[str, ActionKind]
) -> tuple[PlannedStep, ...]:
    found: list[PlannedStep] = []
    ordered = sorted(choices, key=lambda one: one.victim.copies[0].place.absolute)
    for number, choice in enumerate(ordered, 1):
        for copy in choice.victim.copies:
            kept = next(one for one in choice.keeper.copies if one.sha256 == copy.sha256)
            found.append(
                PlannedStep(
                    number=len(found) + 1,
                    unit=number,
                    kind=policies[choice.victim.catalog],
                    victim=copy.place,
                    keeper=kept.place,
                    sha256=copy.sha256,
                    size=copy.size,
                    rule=choice.rule,
                )
            )
    return tuple(found)
