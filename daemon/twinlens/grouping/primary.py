"""The primary: the one member that stands for its group, and the rule that decided.

One order of rules serves pairs and duplicates alike (field rules, section 5); what does not apply
is left at its default and decides nothing. The owner's own choice wins over all of it.

What the camera rendered goes before what was edited from it: the field rules leave it open, and
the original is the one that nothing can bring back. Whoever wants the edit in front says so.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Contender:
    """What the rules ask of a member. `name`, its path or digest, has the last word in a tie.

    `twins` counts the other members that are re-encodings of it: a frame or a line of text added to
    a picture has fewer of them than the picture itself.
    """

    member_id: int
    name: bytes
    is_chosen: bool = False
    is_picture: bool = True
    is_cover: bool = False
    is_rendered: bool = True
    is_edit: bool = False
    is_marked_copy: bool = False
    has_facts: bool = False
    twins: int = 0
    quality_score: float | None = None
    pixels: int | None = None
    size: int = 0


@dataclass(frozen=True, slots=True)
class Choice:
    """The member that stands for the group, and the rule at which it was ahead of all others."""

    member_id: int
    rule: str


_Rule = tuple[str, Callable[[Contender], float]]

_RULES: tuple[_Rule, ...] = (
    ("chosen by the owner", lambda one: one.is_chosen),
    ("a picture before video and sidecar", lambda one: one.is_picture),
    ("cover of its sequence", lambda one: one.is_cover),
    ("rendered before RAW", lambda one: one.is_rendered),
    ("original before its edit", lambda one: not one.is_edit),
    ("no copy mark in its name", lambda one: not one.is_marked_copy),
    ("has kept its capture time and camera", lambda one: one.has_facts),
    ("most members are re-encodings of it", lambda one: one.twins),
    ("highest quality score", lambda one: -1.0 if one.quality_score is None else one.quality_score),
    ("most pixels", lambda one: one.pixels or 0),
    ("most bytes", lambda one: one.size),
)


def choose(contenders: Iterable[Contender]) -> Choice:
    """Pick the primary, the same for any order in. Raises `ValueError` where there is nobody."""
    left = list(contenders)
    if not left:
        raise ValueError("a group without members has no primary")
    if len(left) == 1:
        return Choice(left[0].member_id, "only member")
    for rule, score in _RULES:
        best = max(map(score, left))
        left = [one for one in left if score(one) == best]
        if len(left) == 1:
            return Choice(left[0].member_id, rule)
    first = min(left, key=lambda one: (len(one.name), one.name, one.member_id))
    return Choice(first.member_id, "shortest, then first name")
