"""Claims about `backup` by hand: where a copy may not lie, and what is known of it after."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from support.stores import Store
from twinlens.commands.backup import age_days, backup, note
from twinlens.config.schema import Config
from twinlens.errors import UsageError
from twinlens.store import backups


@pytest.fixture
def config(store: Store, tmp_path: Path) -> Config:
    """One root beside the database."""
    (tmp_path / "photos" / "2019").mkdir(parents=True)
    catalog = {"name": "home", "roots": [tmp_path / "photos"]}
    return Config.model_validate({"catalog": [catalog], "database": {"path": store.path}})


def refused(config: Config, file: Path | str, *, force: bool = False) -> str:
    with pytest.raises(UsageError) as error:
        backup(config, str(file), force=force)
    return str(error.value)


def test_a_copy_is_made_and_its_age_is_known(config: Config, store: Store, tmp_path: Path) -> None:
    assert store.read(lambda: age_days(datetime.now(UTC))) is None

    result = backup(config, str(tmp_path / "copy.db"), force=False)
    note(store.database, store.writer, lambda: "2026-01-01T00:00:00+00:00", result)

    assert result == {"path": str(tmp_path / "copy.db"), "bytes": os.stat(result["path"]).st_size}
    assert store.read(lambda: age_days(datetime(2026, 1, 3, 12, tzinfo=UTC))) == (
        result["path"],
        2.5,
    )


def test_nothing_is_written_below_a_root_under_any_name(config: Config, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "photos" / "2019")
    places = ("photos/copy.db", "photos/2019/copy.db", "link/copy.db", "photos/../photos/c")

    for place in places:
        assert "within the root" in refused(config, f"{tmp_path}/{place}")
        assert "within the root" in refused(config, f"{tmp_path}/{place}", force=True)
    assert [*(tmp_path / "photos").rglob("*")] == [tmp_path / "photos" / "2019"]


@pytest.mark.parametrize("end", ["", "-wal", "-shm", ".lock", ".generation"])
def test_the_live_database_is_never_written_over(config: Config, store: Store, end: str) -> None:
    before = store.path.read_bytes()

    assert "live database" in refused(config, f"{store.path}{end}", force=True)
    assert store.path.read_bytes() == before


def test_an_existing_file_is_replaced_with_force_and_only_a_backup(
    config: Config, tmp_path: Path
) -> None:
    picture, copy = tmp_path / "holiday.jpg", tmp_path / "copy.db"
    picture.write_bytes(b"\xff\xd8 the only one")
    backup(config, str(copy), force=False)
    inode = copy.stat().st_ino

    assert "exists already" in refused(config, copy)
    assert "no earlier backup" in refused(config, picture, force=True)
    backup(config, str(copy), force=True)

    assert picture.read_bytes() == b"\xff\xd8 the only one"
    assert copy.stat().st_ino != inode
    assert backups.is_database(copy)


def test_a_link_is_not_followed_to_what_would_be_replaced(config: Config, tmp_path: Path) -> None:
    copy, link = tmp_path / "copy.db", tmp_path / "link.db"
    backup(config, str(copy), force=False)
    link.symlink_to(copy)

    assert "no earlier backup" in refused(config, link, force=True)


def test_a_folder_is_no_file(config: Config, tmp_path: Path) -> None:
    assert "is a folder" in refused(config, tmp_path)
    assert "is a folder" in refused(config, f"{tmp_path}/")
    assert "is no folder" in refused(config, tmp_path / "nowhere" / "copy.db")
