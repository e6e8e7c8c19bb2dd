"""The same files in any order, with comings, goings and changes between, give the same groups."""

from pathlib import Path
from random import Random

import pytest
from PIL import Image, ImageOps

from support.looks import scene
from support.made_up import digest, put_file
from support.stores import Store, opened_store
from twinlens.analysis.fingerprint import fingerprint
from twinlens.grouping.verdicts import PRESETS
from twinlens.ingest.lookalikes import Lookalikes
from twinlens.model.groups import DuplicateGroup
from twinlens.model.picture import Kind, Measurement
from twinlens.store import duplicate_groups, files, lookalikes, originals

_NORMAL = PRESETS["normal"]


def _measured(picture: Image.Image, image_digest: str | None = None) -> Measurement:
    return Measurement(
        "image/jpeg",
        Kind.IMAGE,
        width=picture.width,
        height=picture.height,
        fingerprint=fingerprint(picture.convert("L"), picture.convert("YCbCr")),
        image_digest=image_digest,
    )


def _library() -> dict[str, Measurement]:
    found = {}
    for seed in range(4):
        whole = scene(seed)
        found |= {
            f"{seed} whole": _measured(whole, "x" if seed == 0 else None),
            f"{seed} half": _measured(whole.resize((240, 180))),
            f"{seed} turned": _measured(whole.transpose(Image.Transpose.ROTATE_90)),
            f"{seed} cut": _measured(whole.crop((24, 18, 456, 342))),
            f"{seed} cut more": _measured(whole.crop((50, 36, 430, 324))),
            f"{seed} framed": _measured(ImageOps.expand(whole, 16, "white")),
        }
    flat = Image.new("RGB", (480, 360), "grey")
    return found | {"flat": _measured(flat, "x"), "other flat": _measured(flat)}


_LIBRARY = _library()


def _add(name: str, number: int, root_id: int) -> int:
    original_id = originals.put(digest(name), 10, _LIBRARY[name])
    put_file(root_id, b"%d-%d.jpg" % (original_id, number), original_id)
    return original_id


def _remove(original_id: int) -> None:
    for file in files.of_original(original_id):
        files.delete(file.id)
    originals.remove_reference(original_id, "2026-01-02T03:04:05+00:00")


def _said(store: Store) -> set[tuple[object, ...]]:
    """The groups by the names of their members: ids differ with the order."""
    names = {digest(name): name for name in _LIBRARY}

    def read() -> set[tuple[object, ...]]:
        known = {one.id: names[one.sha256] for one in originals.get_many(originals.every_id())}
        groups = duplicate_groups.touching(known).values()
        return {_told(group, known) for group in groups}

    return store.read(read)


def _told(group: DuplicateGroup, known: dict[int, str]) -> tuple[object, ...]:
    members = frozenset((known[m.original_id], m.similarity, m.is_primary) for m in group.members)
    return group.key, group.duplicate_class, group.confidence, group.rule, members


@pytest.mark.parametrize("seed", range(4))
def test_any_history_gives_the_groups_of_a_rebuild(tmp_path: Path, seed: int) -> None:
    draw = Random(seed)
    (tmp_path / "pictures").mkdir()
    with opened_store(tmp_path / "one.db") as store:
        (root,) = store.adopt(tmp_path / "pictures")
        live = Lookalikes(_NORMAL)
        ids: dict[str, int] = {}
        waiting = draw.sample(sorted(_LIBRARY), len(_LIBRARY))
        for number, name in enumerate(waiting):
            ids[name] = store.write(lambda name=name, n=number: _add(name, n, root.id))
            store.write(lambda name=name: live.regroup([ids[name]]))
            if draw.random() < 0.3:
                gone = draw.choice(sorted(ids))
                store.write(lambda gone=gone: _remove(ids[gone]))
                store.write(lambda gone=gone: live.regroup([ids[gone]]))
                store.write(lambda gone=gone, n=number: _add(gone, 100 + n, root.id))
                store.write(lambda gone=gone: live.regroup([ids[gone]]))
        after_life = _said(store)
        store.write(lambda: lookalikes.forget(ids.values()))
        store.write(lambda: Lookalikes(_NORMAL).regroup(ids.values()))
        rebuilt = _said(store)
        what_if = store.read(lambda: list(live.groups_under(_NORMAL)))

    assert after_life == rebuilt
    assert {group.key for group in what_if} == {said[0] for said in rebuilt}
    assert after_life == _in_plain_order(tmp_path)


def _in_plain_order(tmp_path: Path) -> set[tuple[object, ...]]:
    with opened_store(tmp_path / "plain.db") as store:
        (root,) = store.adopt(tmp_path / "pictures")
        ids = store.write(
            lambda: [_add(name, n, root.id) for n, name in enumerate(sorted(_LIBRARY))]
        )
        store.write(lambda: Lookalikes(_NORMAL).regroup(ids))
        return _said(store)


def test_what_if_writes_nothing_and_stricter_limits_part_more(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    with opened_store(tmp_path / "one.db") as store:
        (root,) = store.adopt(tmp_path / "pictures")
        ids = store.write(
            lambda: [_add(name, n, root.id) for n, name in enumerate(sorted(_LIBRARY))]
        )
        live = Lookalikes(_NORMAL)
        store.write(lambda: live.regroup(ids))
        before = _said(store)
        strict = store.read(lambda: list(live.groups_under(PRESETS["strict"])))

        assert _said(store) == before
    assert {group.duplicate_class for group in strict} == {said[1] for said in before}
    assert sum(len(g.members) for g in strict) <= sum(len(said[4]) for said in before)  # type: ignore[arg-type]


def test_a_flat_picture_is_a_duplicate_by_its_coded_pixels_alone(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    said = _in_plain_order(tmp_path)

    groups = [{name for name, _, _ in one[4]} for one in said]  # type: ignore[attr-defined]
    assert {"flat", "0 whole"} in groups
    assert not any("other flat" in group for group in groups)
