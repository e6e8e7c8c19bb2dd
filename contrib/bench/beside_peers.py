"""The sections `peers-large` and `peers-many`: other programs on the same files, and who is right.

Each program is started anew with an empty home, so that what one of them keeps from run to run
does not help it.
"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from corpus import LARGE, MANY, Corpus, prepared
from costs import cost_rows, cpu, wall
from measuring import CommandError, Cost, cost_of
from options import Options
from peers import PEERS, Asked, Groups, Peer
from progress import say
from rows import Row
from subject import Subject
from truth import Pair, Score, Truth, pairs_of, read_truth, score

_WORTH_COMPARING = 0.5
"""A program that finds less than this part of what is there is not what twinlens is compared with:
speed does not count where the answer is wrong."""


@dataclass(slots=True)
class _Answer:
    """What one program took in each round, and how right it was in the last."""

    kind: str
    costs: list[Cost] = field(default_factory=list)
    exact: Score | None = None
    near: Score | None = None
    note: str = ""


def large(options: Options) -> list[Row]:
    """All of them, on 500 pictures of 12 megapixels."""
    found = _measure("peers-large", LARGE, options, PEERS)
    return [*_table("peers-large", found), *_speed("peers-large", found, 3.0)]


def many(options: Options) -> list[Row]:
    """imagededup on 20,000 small ones."""
    chosen = [peer for peer in PEERS if peer.name == "imagededup pHash"]
    found = _measure("peers-many", MANY, options, chosen)
    return [*_table("peers-many", found), *_speed("peers-many", found, 5.0)]


def _measure(
    section: str, usual: Corpus, options: Options, peers: Sequence[Peer]
) -> dict[str, _Answer]:
    corpus, root = prepared(usual, options)
    truth = read_truth(root.with_name("truth.json"))
    answers = {"twinlens": _Answer("all")} | {peer.name: _Answer(peer.kind) for peer in peers}
    with tempfile.TemporaryDirectory(prefix="twinlens-bench-") as place:
        subject = Subject([root], Path(place) / "twinlens", options.processes, corpus.pictures)
        for number in range(options.peer_rounds):
            say(f"{section}: round {number + 1} of {options.peer_rounds}: twinlens")
            subject.forget()
            answers["twinlens"].costs.append(subject.scan(is_first=True))
            for peer in peers:
                with tempfile.TemporaryDirectory(dir=place) as scratch:
                    asked = Asked(root, options.processes, Path(scratch), options.peers_python)
                    _ask(peer, asked, truth, answers[peer.name])
        exact, similar = subject.duplicates()
    answers["twinlens"].exact = score(_below(exact, root), truth, near=False)
    answers["twinlens"].near = score(_below([*exact, *similar], root), truth, near=True)
    return answers


def _ask(peer: Peer, asked: Asked, truth: Truth, answer: _Answer) -> None:
    answer.note = peer.missing(asked)
    if answer.note:
        return
    say(f"   {peer.name}")
    home = {"HOME": str(asked.scratch), "XDG_CACHE_HOME": str(asked.scratch / "cache")}
    try:
        cost, output = cost_of(peer.command(asked), home)
    except CommandError as error:
        answer.note = f"failed: {str(error).splitlines()[-1][:80]}"
        return
    answer.costs.append(cost)
    said = _below(peer.groups(output, asked), asked.root)
    if peer.kind == "exact":
        answer.exact = score(said, truth, near=False)
    elif peer.kind == "near":
        answer.near = score(said, truth, near=True)


def _below(groups: Groups, root: Path) -> set[Pair]:
    """The pairs, their paths below the root."""
    prefix = f"{root}/"
    return pairs_of([path.removeprefix(prefix) for path in group] for group in groups)


def _table(section: str, answers: dict[str, _Answer]) -> list[Row]:
    rows = []
    for name, answer in answers.items():
        subject, note = f"{name} ({answer.kind})", answer.note
        if answer.near and answer.near.from_bursts:
            note = f"{answer.near.from_bursts} of its pairs are frames of a burst"
        if not answer.costs:
            rows.append(Row(section, "wall", None, "s", subject=subject, note=note))
            continue
        rows += cost_rows(section, subject, answer.costs, note)
        for what, found in (("exact", answer.exact), ("near", answer.near)):
            if found is not None:
                rows += [
                    Row(section, f"{what} recall", 100 * found.recall, "%", subject=subject),
                    Row(section, f"{what} precision", 100 * found.precision, "%", subject=subject),
                ]
    return rows


def _speed(section: str, answers: dict[str, _Answer], target: float) -> list[Row]:
    """How many times as long the fastest near-duplicate program takes that is worth it."""
    return [
        _times_faster(section, answers, "wall clock", wall, target),
        _times_faster(section, answers, "processor time", cpu, target),
    ]


def _times_faster(
    section: str,
    answers: dict[str, _Answer],
    what: str,
    value: Callable[[Cost], float],
    target: float,
) -> Row:
    own = [value(cost) for cost in answers["twinlens"].costs]
    times = {
        name: [value(cost) for cost in answer.costs]
        for name, answer in answers.items()
        if name != "twinlens" and answer.costs and _is_worth_comparing(answer)
    }
    row = f"{what}: times faster than the fastest near-duplicate program"
    if not times:
        return Row(section, row, None, "x", target, "none is installed", "ratio", is_floor=True)
    fastest = min(times, key=lambda name: median(times[name]))
    rounds = tuple(other / mine for other, mine in zip(times[fastest], own, strict=False))
    return Row(
        section, row, median(rounds), "x", target, fastest, "ratio", is_floor=True, rounds=rounds
    )


def _is_worth_comparing(answer: _Answer) -> bool:
    return answer.near is not None and answer.near.recall >= _WORTH_COMPARING
