"""Claims about near misses: what came close to being called a duplicate, and why it is not."""

from pathlib import Path
from typing import Any

import pytest

from support.world import World, jpeg, opened_world
from twinlens.commands.decide import DecisionRoom, decide
from twinlens.commands.why import why
from twinlens.grouping.duplicates import PRESETS


def told(world: World, name: str) -> dict[str, Any]:
    return why(world.store.database, str(world.path(name)), limits=PRESETS["normal"])


def reasons(world: World, name: str) -> dict[str, str]:
    return {Path(miss["path"]).name: miss["because"] for miss in told(world, name)["near_misses"]}


def test_a_rejected_pair_is_named_with_the_owners_word(tmp_path: Path) -> None:
    with opened_world(tmp_path / "twinlens.db", tmp_path / "photos") as world:
        names = ("large.jpg", "smaller.jpg")
        world.put(names[0], jpeg(5, size=(640, 480)))
        world.put(names[1], jpeg(5, size=(480, 360)))
        world.scan()
        (verdict,) = told(world, "large.jpg")["duplicates"][0]["verdicts"]
        assert (Path(verdict["path"]).name, verdict["class"]) == ("smaller.jpg", "re_encoded")
        assert reasons(world, "large.jpg") == {}

        room = DecisionRoom(
            world.store.database,
            world.store.writer,
            world.absorber.regroup,
            world.clock,
            lambda path: None,
        )
        decide(room, "not-duplicate", [str(world.path(name)) for name in names], None)

        assert told(world, "large.jpg")["duplicates"] == []
        for name, other in (names, names[::-1]):
            assert reasons(world, name)[other] == "you said that they are no duplicates"


def test_frames_of_a_burst_are_near_misses_with_their_reason(tmp_path: Path, photos: Path) -> None:
    frames = sorted((photos / "burst" / "focus").glob("*.jpg"))[:4]
    if len(frames) < 4:
        pytest.skip("no burst among the real pictures")
    with opened_world(tmp_path / "twinlens.db", tmp_path / "photos") as world:
        for frame in frames:
            world.put(frame.name, frame.read_bytes())
        world.scan()

        found = reasons(world, frames[0].name)

        assert set(found) == {frame.name for frame in frames[1:]}
        assert all("burst" in reason or "other times" in reason for reason in found.values())
