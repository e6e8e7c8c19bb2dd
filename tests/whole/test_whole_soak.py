"""Everything at once, for as long as there is time: a family that saves, copies and deletes, a
daemon that is killed now and then, and an owner who acts, undoes, empties the trash and has things
counted.

`TWINLENS_SOAK_SECONDS` makes it longer than the minute it takes beside other tests: hours, by hand.
"""

import hashlib
import json
import os
import random
import shutil
import time
from pathlib import Path

import pytest

from support.daemon import Daemon, House, eventually
from support.pictures import picture

SECONDS = float(os.environ.get("TWINLENS_SOAK_SECONDS", "40"))
VERBS = (
    *(("apply",), ("apply",), ("apply",), ("undo",)),
    *(("cleanup",), ("reconcile",), ("trash", "empty", "--at-once"), ("verify", "--all")),
)


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class Family:
    """Does what people do in a folder, and remembers what must never be lost.

    `owed` is what lies at each path by the family's own hand: bytes that were written and closed,
    and neither deleted nor overwritten by the family since.
    """

    def __init__(self, root: Path, chance: random.Random) -> None:
        self.root = root
        self.owed: dict[Path, str] = {}
        self.saves = 0
        self._chance = chance
        self._contents: list[bytes] = []

    def act(self) -> None:
        """One thing; a path that an action has just taken away is no obstacle."""
        dice = self._chance.random()
        try:
            if dice < 0.35 or len(self.owed) < 5:
                self._save(self._new(), self._fresh())
            elif dice < 0.65:
                self._save(self._new(), self._chance.choice(self._contents))
            elif dice < 0.75:
                self._replace(self._any(), self._fresh())
            elif dice < 0.83:
                self._save(self._any(), self._fresh())
            elif dice < 0.93:
                self._rename(self._any(), self._new())
            else:
                self._delete(self._any())
        except FileNotFoundError:
            pass

    def _fresh(self) -> bytes:
        self._contents.append(picture(self._chance.randrange(10**9)))
        return self._contents[-1]

    def _new(self) -> Path:
        folder = self.root / f"year {self._chance.randrange(4)}"
        folder.mkdir(exist_ok=True)
        return folder / f"{self._chance.randrange(10**9)}.jpg"

    def _any(self) -> Path:
        return self._chance.choice(sorted(self.owed))

    def _save(self, path: Path, content: bytes) -> None:
        # What was there is gone by the family's own hand before the first byte is written.
        self._give_up(path)
        path.write_bytes(content)
        self.owed[path] = digest(content)
        self.saves += 1

    def _replace(self, path: Path, content: bytes) -> None:
        beside = path.with_name(f".{path.name}.part")
        beside.write_bytes(content)
        self._give_up(path)
        beside.rename(path)
        self.owed[path] = digest(content)
        self.saves += 1

    def _rename(self, path: Path, to: Path) -> None:
        path.rename(to)
        self.owed[to] = digest(to.read_bytes())
        self.owed.pop(path, None)

    def _delete(self, path: Path) -> None:
        self._give_up(path)
        path.unlink()

    def _give_up(self, path: Path) -> None:
        """The family takes away what it sees at a path. Where it sees no other copy, that was the
        last one, even if an action has put some into the trash."""
        content = self.owed.pop(path, None)
        seen = [one for one, what in self.owed.items() if what == content and one.exists()]
        if not seen:
            self.owed = {one: what for one, what in self.owed.items() if what != content}

    def lost(self) -> list[Path]:
        """The paths whose bytes are nowhere below the root, neither there nor in the trash."""
        # An action moves a file while the tree is read: what is missing is looked for again.
        for _ in range(5):
            there = {
                digest(content)
                for path in sorted(self.root.rglob("*"))
                if (content := _content(path)) is not None
            }
            missing = [path for path, content in self.owed.items() if content not in there]
            if not missing:
                return []
            time.sleep(0.2)
        return missing


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes() if path.is_file() else None
    except FileNotFoundError:
        return None


@pytest.mark.slow
@pytest.mark.timeout(SECONDS * 2 + 240)
def test_nothing_is_lost_while_everything_happens_at_once(house: House) -> None:
    seed = int(os.environ.get("TWINLENS_SEED", random.randrange(10**6)))
    print(f"TWINLENS_SEED={seed}")
    chance = random.Random(seed)
    house.configure(
        catalog={"action": "trash"}, cleanup={"grace_hours": 0}, trash={"retention_days": 0}
    )
    family = Family(house.root, chance)
    ended = time.monotonic() + SECONDS
    taken = 0

    while time.monotonic() < ended:
        with Daemon(house) as daemon:
            life = min(ended, time.monotonic() + chance.uniform(6, 15))
            while time.monotonic() < life:
                for _ in range(chance.randrange(1, 12)):
                    family.act()
                    time.sleep(chance.uniform(0, 0.05))
                verb = chance.choice(VERBS)
                answer = house.cli(*verb, "--json")
                assert answer.returncode in (0, 1, 2), answer.stderr
                assert "Traceback" not in answer.stderr
                if verb == ("apply",) and answer.returncode != 2:
                    taken += int(json.loads(answer.stdout).get("done", 0))
                assert family.lost() == [], verb
            if chance.random() < 0.5:
                daemon.kill()
            else:
                daemon.stop(30)
        assert family.lost() == []

    with Daemon(house) as daemon:
        eventually(lambda: house.root_state()["last_scan_at"] and house.is_quiet(), 60)
        assert family.lost() == []
        daemon.stop(30)
    house.scan()
    assert {path: row["sha256"] for path, row in house.files().items()} == on_disk(house.root)
    assert house.ask("reconcile")["drift"] == 0
    assert house.ask("trash", "list")["strays"] == []
    assert family.saves > SECONDS
    assert taken > 0, "no action was ever carried out: nothing was proved"


def on_disk(root: Path) -> dict[str, str]:
    """The digest of every file that is looked at, by its path below the root."""
    shutil.rmtree(root / ".twinlens", ignore_errors=True)
    return {
        os.path.relpath(path, root): digest(path.read_bytes())
        for path in sorted(root.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }
