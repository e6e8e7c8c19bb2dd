"""Claims about roots in the store."""

from pathlib import Path

from support.made_up import put_file
from support.stores import Store
from twinlens.model.roots import RootIdentity, RootState, WatchMode
from twinlens.store import files, roots
from twinlens.store.tables import Root


def test_a_root_that_is_no_longer_named_keeps_its_id_and_files(store: Store) -> None:
    first, second = store.adopt(Path("/srv/a"), Path("/srv/b"))
    store.write(lambda: put_file(second.id, b"x.jpg", None))

    assert [root.path for root in store.adopt(Path("/srv/a"))] == [b"/srv/a"]
    assert [root.is_active for root in store.read(roots.every)] == [True, False]
    assert store.read(lambda: files.count_live(second.id)) == 1
    assert [root.id for root in store.adopt(Path("/srv/a"), Path("/srv/b"))] == [
        first.id,
        second.id,
    ]


def test_a_root_may_go_to_another_catalog(store: Store) -> None:
    store.adopt(Path("/srv/a"), catalog="old")

    (root,) = store.adopt(Path("/srv/a"), catalog="new")

    assert root.catalog == "new"


def test_what_is_known_of_a_root_comes_back(store: Store) -> None:
    (root,) = store.adopt(Path("/srv/\udcff\n"))
    identity = RootIdentity("ab12", 2**64 - 1, "xfs", "/dev/sdb1")

    def work() -> None:
        roots.set_identity(root.id, identity)
        roots.set_health(root.id, RootState.SUSPECT, "many are missing")
        roots.set_watch(root.id, WatchMode.POLLING, "nfs")
        roots.count_overflow(root.id)
        roots.count_overflow(root.id)

    store.write(work)

    (now,) = store.read(roots.active)
    assert (now.path, now.identity) == (b"/srv/\xff\n", identity)
    assert (now.state, now.detail) == (RootState.SUSPECT, "many are missing")
    assert (now.watch_mode, now.watch_detail, now.overflows) == (WatchMode.POLLING, "nfs", 2)


def test_roots_that_are_named_again_are_not_written(store: Store, tmp_path: Path) -> None:
    store.adopt(tmp_path / "a", tmp_path / "b")
    before = store.write(changes)

    store.adopt(tmp_path / "a", tmp_path / "b")
    assert store.write(changes) == before

    store.adopt(tmp_path / "a")
    store.adopt(tmp_path / "a", tmp_path / "b", catalog="other")
    assert [root.catalog for root in store.read(roots.active)] == ["other", "other"]
    assert store.write(changes) > before


def changes() -> int:
    """How many rows the writer has written in its life."""
    return int(Root._meta.database.execute_sql("SELECT total_changes()").fetchone()[0])
