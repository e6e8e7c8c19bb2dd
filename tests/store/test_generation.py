"""Claims about the database's generation: an older copy that is put back is noticed."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from support.stores import Store, opened_store
from twinlens.model.roots import RootState
from twinlens.store import backups, generation, jobs, meta, roots

AT = "2026-01-10T12:00:00+00:00"


def advance(store: Store) -> str | None:
    return generation.advance(store.path, store.writer.call, AT)


def is_frozen(store: Store) -> bool:
    return store.read(generation.freeze) is not None


def lift(store: Store) -> bool:
    return store.write(generation.lift_if_known_again)


def beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.generation")


def test_a_database_that_stays_in_place_is_never_called_older(tmp_path: Path) -> None:
    for _ in range(3):
        with opened_store(tmp_path / "a.db") as store:
            assert [advance(store) for _ in range(3)] == [None] * 3
            assert not is_frozen(store)


def test_a_backup_that_is_put_back_freezes_the_cleanup(tmp_path: Path) -> None:
    path, copy = tmp_path / "a.db", tmp_path / "copy.db"
    with opened_store(path) as store:
        advance(store)
        backups.write(path, copy)
        advance(store)
    for left in tmp_path.glob("a.db-*"):
        left.unlink()
    shutil.copy(copy, path)

    with opened_store(path) as store:
        reason = advance(store)

        assert reason is not None
        assert "older than it was" in reason
        assert is_frozen(store)
        assert advance(store) is None, "it is told once"
        assert is_frozen(store), "and stays so"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda path: path.unlink(), "without the file"),
        (lambda path: path.write_text("{", encoding="utf-8"), "cannot be read"),
        (
            lambda path: path.write_text('{"identity": "x", "number": 1}', encoding="utf-8"),
            "another database",
        ),
    ],
)
def test_a_mark_that_does_not_fit_is_a_doubt(
    tmp_path: Path, change: Callable[[Path], None], words: str
) -> None:
    with opened_store(tmp_path / "a.db") as store:
        advance(store)
        change(beside(store.path))

        reason = advance(store)

        assert reason is not None
        assert words in reason
        assert advance(store) is None


def test_a_new_database_where_one_stood_before_is_a_doubt(tmp_path: Path) -> None:
    with opened_store(tmp_path / "a.db") as store:
        advance(store)
    for left in tmp_path.glob("a.db*"):
        if not left.name.endswith(".generation"):
            left.unlink()

    with opened_store(tmp_path / "a.db") as store:
        assert "new, or was put back" in (advance(store) or "")
        assert is_frozen(store)


def test_a_crash_between_the_two_marks_is_no_sign_of_age(tmp_path: Path) -> None:
    with opened_store(tmp_path / "a.db") as store:
        advance(store)
        before = beside(store.path).read_bytes()
        advance(store)
        beside(store.path).write_bytes(before)

        assert advance(store) is None


@pytest.fixture
def frozen(store: Store, tmp_path: Path) -> tuple[int, int]:
    """A frozen store with two roots that were scanned before."""
    first, second = store.adopt(tmp_path / "one", tmp_path / "two")
    store.write(lambda: [roots.set_scanned(r.id, "2025-01-01T00:00:00") for r in (first, second)])
    advance(store)
    beside(store.path).unlink()
    advance(store)
    return first.id, second.id


def test_a_freeze_ends_with_a_scan_of_every_root(store: Store, frozen: tuple[int, int]) -> None:
    assert not lift(store)
    store.write(lambda: roots.set_scanned(frozen[0], "2024-01-01T00:00:00"))
    assert not lift(store), "one root is missing"
    store.write(lambda: roots.set_scanned(frozen[1], "1999-01-01T00:00:00"))

    assert lift(store), "whatever the clock says"
    assert not is_frozen(store)
    assert not lift(store)


def test_a_scan_that_is_not_recorded_yet_ends_no_freeze(
    store: Store, frozen: tuple[int, int]
) -> None:
    for root_id in frozen:
        store.write(lambda root_id=root_id: roots.set_scanned(root_id, AT))  # type: ignore[misc]  # a default binds it
    store.write(lambda: jobs.ask("scan", {}, AT))

    assert not lift(store)


def test_a_root_that_is_away_ends_no_freeze(store: Store, frozen: tuple[int, int]) -> None:
    for root_id in frozen:
        store.write(lambda root_id=root_id: roots.set_scanned(root_id, AT))  # type: ignore[misc]  # a default binds it
    store.write(lambda: roots.set_health(frozen[0], RootState.UNREACHABLE, "away"))

    assert not lift(store)
    assert store.read(lambda: meta.read("cleanup_freeze"))
