"""Section I, whole plans: crashes in the middle, doubled requests, and what was shown before."""

import os
import random
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from support.acting import contents_everywhere, tree
from support.daemon import PROGRAM, House
from support.killing import calls_of, kills, require_strace, run_under
from support.pictures import picture
from support.world import Workers, World, jpeg, opened_world, raw
from twinlens.commands.acting import ActionRoom
from twinlens.commands.apply import apply, plan_of, shown
from twinlens.config.schema import Config


def config_of(world: World, action: str) -> Config:
    catalog = {"name": "family", "roots": [str(world.photos)], "action": action}
    return Config.model_validate({"catalog": [catalog], "database": {"path": world.store.path}})


def room_of(world: World, action: str) -> ActionRoom:
    store = world.store
    return ActionRoom(
        config_of(world, action), store.database, store.writer, world.absorber.regroup, world.clock
    )


@pytest.mark.parametrize("action", ["trash", "hardlink"])
def test_i10_a_crash_between_capture_and_end_is_brought_to_one_end_by_the_next_start(
    tmp_path: Path, workers: Workers, action: str
) -> None:
    require_strace()

    def library(folder: Path) -> Path:
        with opened_world(folder / "a.db", folder / "photos", workers) as world:
            for name, seed in (("a.jpg", 1), ("b/a.jpg", 1), ("c.jpg", 2), ("d/c.jpg", 2)):
                world.put(name, jpeg(seed))
                os.utime(world.path(name), (1_500_000_000, 1_500_000_000))
            world.scan()
        return folder

    def act_in(folder: Path) -> Callable[[], None]:
        def work() -> None:
            with opened_world(folder / "a.db", folder / "photos", workers) as world:
                apply(room_of(world, action))

        return work

    log = tmp_path / "calls"
    assert run_under(None, log, act_in(library(tmp_path / "plain"))) == 0
    renames = {"renameat2": calls_of(log)["renameat2"]}
    assert renames["renameat2"] >= 2
    for number, fault in enumerate(kills(renames)):
        folder = library(tmp_path / str(number))
        before = tree(folder / "photos")
        assert run_under(fault, log, act_in(folder)) == -9
        with opened_world(folder / "a.db", folder / "photos", workers) as world:
            room = room_of(world, action)
            room.recover()
            assert room.recover() == [], "a second recovery finds something to do"
            assert contents_everywhere(world.photos) >= {data for data, _, _ in before.values()}
            live = tree(world.photos)
            assert {data for data, _, _ in live.values()} == {
                data for data, _, _ in before.values()
            }, fault
            answer = apply(room)
            if answer["action"] is not None:
                assert shown(world.store.database, answer["action"])["held"] == 0
            assert plan_of(room.config, world.store.database).steps == (), "the work is done"
            assert world.scan()["gone"] == 0


def test_i14_the_same_action_asked_for_twice_is_done_once(house: House) -> None:
    house.configure(catalog={"action": "trash"})
    for name in ("one.jpg", "copy.jpg", "again.jpg"):
        (house.root / name).write_bytes(picture(1))
    house.scan()
    words = [*PROGRAM, "--config", str(house.config), "apply", "--json"]
    both = [
        subprocess.Popen(
            words, env=house.environ(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    told = [process.communicate(timeout=60) for process in both]

    codes = [process.returncode for process in both]
    assert 0 in codes, told
    for code, (_, error) in zip(codes, told, strict=True):
        assert code in (0, 2, 3), error
        assert "Traceback" not in error
    assert house.ask("apply")["action"] is None, "a third time there is nothing to do"
    assert [path.read_bytes() for path in house.root.glob("*.jpg")] == [picture(1)]
    items = list((house.root / ".twinlens" / "trash").glob("*/*.jpg"))
    assert [item.read_bytes() for item in items] == [picture(1)] * 2
    assert len(house.ask("trash", "list")["items"]) == 2


@pytest.mark.parametrize("seed", range(4))
def test_i15_what_is_shown_beforehand_is_what_is_done(world: World, seed: int) -> None:
    chance = random.Random(seed)
    for number in range(14):
        shot = chance.randrange(5)
        folder = chance.choice(("2019", "2020", "copies", "deep/er"))
        is_raw = chance.random() < 0.2
        name = f"IMG_{shot}{'.nef' if is_raw else '.jpg'}"
        if chance.random() < 0.3:
            name = f"{number} {name}"
        world.put(f"{folder}/{name}", raw(shot) if is_raw else jpeg(shot))
    world.scan()
    room = room_of(world, "trash")
    before = tree(world.photos, with_trash=True)

    plan = plan_of(room.config, world.store.database).as_result()
    assert tree(world.photos, with_trash=True) == before, "a dry run writes"
    assert plan["steps"], "a library without copies tells nothing"
    done = shown(world.store.database, apply(room, str(plan["plan"]))["action"])

    keys = ("number", "unit", "kind", "victim", "keeper", "sha256", "size", "rule")
    assert done["plan"] == plan["plan"]
    assert [{key: step[key] for key in keys} for step in done["steps"]] == plan["steps"]
    gone = {world.path(name) for name in set(before) - set(tree(world.photos))}
    assert gone == {Path(step["victim"]) for step in done["steps"] if step["state"] == "done"}
