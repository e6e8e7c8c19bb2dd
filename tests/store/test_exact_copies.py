"""Claims about what exact copies come to: kept or reckoned, the numbers are those of the files."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.made_up import AT, put_original, stat
from support.stores import Store, opened_store
from twinlens.model.files import Condition, FileStatus
from twinlens.model.picture import Kind
from twinlens.store import exact_copies, files, originals
from twinlens.store.tables import ExactCopy, FileGroup, GroupMember, Original, Root

WORDS = ("x", "y")


def put(root_id: int, name: int, content: int, inode: int, kind: Kind = Kind.IMAGE) -> int:
    """A file of a content, as the recorder puts it: one that had the content is counted already."""
    before = files.find(root_id, b"%d.jpg" % name)
    had = before.original_id if before and before.status is not FileStatus.GONE else None
    if had != content:
        if had is not None:
            originals.remove_reference(had, AT)
        originals.add_reference(content)
    return files.put(
        root_id,
        b"%d.jpg" % name,
        radical="",
        stat=stat(inode),
        is_nested=False,
        original_id=content,
        condition=Condition(kind, FileStatus.OK),
        at=AT,
    )


def go(root_id: int, name: int) -> None:
    found = files.find(root_id, b"%d.jpg" % name)
    if found is not None and found.status is not FileStatus.GONE and found.original_id:
        files.set_gone(found.id, AT)
        originals.remove_reference(found.original_id, AT)


def join(root_id: int, name: int, group_type: str) -> None:
    """Put a file into the one group of its root, which is made where there is none."""
    found = files.find(root_id, b"%d.jpg" % name)
    group = FileGroup.get_or_none(FileGroup.root == root_id)
    if group is None:
        group = FileGroup.create(root=root_id, bucket="", group_type=group_type, rule="")
    elif group.group_type != group_type:
        FileGroup.update(group_type=group_type).where(FileGroup.id == group.id).execute()
    if found is not None:
        GroupMember.insert(
            group=group, file=found.id, file_type="jpeg", is_primary=False, evidence=""
        ).on_conflict_ignore().execute()


def from_scratch(store: Store) -> tuple[int, int]:
    """The numbers with nothing kept; in a transaction, which stays as it was."""
    with store.database.peewee.savepoint() as point:
        ExactCopy.delete().execute()
        shared = Original.select(Original.id).where(Original.reference_count > 1)
        ExactCopy.insert_from(shared, [ExactCopy.original]).execute()
        found = exact_copies.numbers()
        point.rollback()
    return found


verbs = ("put", "sidecar", "go", "join", "burst", "split", "look away", "look")
steps = st.lists(
    st.tuples(st.sampled_from(verbs), st.integers(0, 5), st.integers(0, 5)), max_size=12
)


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=steps)
def test_kept_numbers_are_those_reckoned_from_scratch(tmp_path: Path, steps: list[Any]) -> None:
    database = tmp_path / "twinlens.db"
    database.unlink(missing_ok=True)
    with opened_store(database) as store:
        roots = [root.id for root in store.adopt(tmp_path / "a", tmp_path / "b")]
        contents = store.write(lambda: [put_original(word) for word in WORDS])

        def work() -> None:
            for name in range(4):
                put(roots[name % 2], name, contents[0], name + 1)
            for verb, name, value in steps:
                exact_copies.reckon()
                root_id, content = roots[name % 2], contents[value % 2]
                if verb in ("put", "sidecar"):
                    kind = Kind.SIDECAR if verb == "sidecar" else Kind.IMAGE
                    put(root_id, name, content, value + 1, kind)
                elif verb == "go":
                    go(root_id, name)
                elif verb in ("join", "burst"):
                    join(root_id, name, "burst" if verb == "burst" else "raw_jpeg")
                elif verb == "split":
                    FileGroup.delete().where(FileGroup.root == root_id).execute()
                else:
                    is_active = verb == "look"
                    Root.update(is_active=is_active).where(Root.id == root_id).execute()
                assert exact_copies.numbers() == from_scratch(store), (verb, name, value)

        store.write(work)


@pytest.fixture
def copies(store: Store, root_id: int) -> tuple[int, int]:
    """Two copies of ten bytes: the ids of the files."""

    def work() -> tuple[int, int]:
        content = put_original("same")
        return put(root_id, 1, content, 1), put(root_id, 2, content, 2)

    return store.write(work)


def test_what_was_reckoned_is_not_reckoned_again(
    store: Store, copies: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert store.read(exact_copies.is_anything_unreckoned)

    assert store.write(exact_copies.reckon) == 1

    assert not store.read(exact_copies.is_anything_unreckoned)
    monkeypatch.setattr(exact_copies, "_reckoned", lambda ids: pytest.fail("reckoned again"))
    assert store.read(exact_copies.numbers) == (1, 10)


def test_a_root_that_is_named_again_at_each_start_changes_nothing(
    store: Store, copies: tuple[int, int], tmp_path: Path
) -> None:
    store.write(exact_copies.reckon)

    store.adopt(tmp_path / "photos")

    assert not store.read(exact_copies.is_anything_unreckoned)


SINGLE: dict[str, tuple[list[tuple[str, int]], tuple[int, int]]] = {
    "one is a hard link of the other": ([("link", 2)], (0, 0)),
    "one is a sidecar": ([("sidecar", 2)], (1, 0)),
    "one is gone": ([("go", 2)], (0, 0)),
    "there is a third": ([("put", 3)], (1, 20)),
    "both are one photograph": ([("join", 1), ("join", 2)], (1, 0)),
    "both were one photograph": ([("join", 1), ("join", 2), ("split", 0)], (1, 10)),
    "both are shots of a burst": ([("join", 1), ("join", 2), ("burst", 0)], (1, 10)),
    "the folder is not watched": ([("look away", 0)], (0, 0)),
    "the folder is watched again": ([("look away", 0), ("look", 0)], (1, 10)),
}


@pytest.mark.parametrize("which", SINGLE)
def test_each_change_is_reckoned_with(
    store: Store, root_id: int, copies: tuple[int, int], which: str
) -> None:
    """Everything else was reckoned just before."""
    content = store.read(lambda: files.get_many([copies[0]])[0].original_id)
    assert content is not None

    def change(verb: str, name: int) -> None:
        if verb in ("put", "link", "sidecar"):
            kind = Kind.SIDECAR if verb == "sidecar" else Kind.IMAGE
            put(root_id, name, content, 1 if verb == "link" else name, kind)
        elif verb == "go":
            go(root_id, name)
        elif verb in ("join", "burst"):
            join(root_id, name, "burst" if verb == "burst" else "raw_jpeg")
        elif verb == "split":
            FileGroup.delete().execute()
        else:
            Root.update(is_active=verb == "look").execute()

    steps, expected = SINGLE[which]
    for verb, name in steps:
        store.write(exact_copies.reckon)
        store.write(lambda verb=verb, name=name: change(verb, name))

    assert store.read(exact_copies.numbers) == expected
