"""Claims about loading a config with everything around it."""

from pathlib import Path

import pytest

from twinlens.config.mistakes import InvalidConfigError
from twinlens.service.supervisor import load_checked


def mistakes(folder: Path, text: str) -> list[str]:
    path = folder / "config.toml"
    path.write_text(text.replace("FOLDER", str(folder)), encoding="utf-8")
    with pytest.raises(InvalidConfigError) as caught:
        load_checked(path, {"HOME": str(folder)})
    return [mistake.key for mistake in caught.value.mistakes]


def test_mistakes_of_every_kind_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    text = """
        [database]
        path = "FOLDER/a/twinlens.db"
        [watch]
        settle_second = 3
        [workers]
        processes = "many"
        [[catalog]]
        name = "f"
        roots = ["FOLDER/a", "FOLDER/a/b"]
        [[catalog]]
        name = "g"
        root = ["FOLDER/c"]
    """

    assert mistakes(tmp_path, text) == [
        "watch.settle_second",
        "workers.processes",
        "catalog[1].root",
        "catalog[0].roots[1]",
        "database.path",
    ]


def test_values_that_do_not_fit_together_are_told_beside_others(tmp_path: Path) -> None:
    text = """
        colour = "blue"
        [[catalog]]
        name = "f"
        roots = ["FOLDER/a"]
        [[catalog]]
        name = "f"
        roots = ["FOLDER/b"]
    """

    assert mistakes(tmp_path, text) == ["colour", "catalog"]
