"""The example file is made from the schema, and every line of it can be used as it stands."""

import re
import tomllib
from pathlib import Path

from twinlens.config.example import example_toml
from twinlens.config.loading import load_config
from twinlens.config.schema import Config
from twinlens.config.words import Schema

REPOSITORY = Path(__file__).resolve().parents[2]


def switched_on(text: str) -> str:
    """The example with every option that is switched off switched on."""
    return re.sub(r"^# (?=\S)", "", text, flags=re.MULTILINE)


def test_the_file_in_the_repository_is_the_generated_one() -> None:
    kept = (REPOSITORY / "config.example.toml").read_text(encoding="utf-8")

    assert kept == example_toml(), "write it anew: twinlens config example > config.example.toml"


def test_as_it_stands_it_is_the_smallest_config(tmp_path: Path) -> None:
    (tmp_path / "example.toml").write_text(example_toml(), encoding="utf-8")

    config = load_config(tmp_path / "example.toml", {"HOME": "/home/ada"})

    bare = {
        "catalog": [{"name": "family", "roots": ["/srv/nas/photos"]}],
        "database": {"path": "/home/ada/.local/state/twinlens/twinlens.db"},
    }
    assert config == Config.model_validate(bare)


def test_with_every_option_switched_on_it_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "full.toml").write_text(switched_on(example_toml()), encoding="utf-8")

    config = load_config(tmp_path / "full.toml", {})

    assert config.notify.webhook[0].secret_file == Path("/etc/twinlens/webhook.secret")


def test_every_option_stands_in_it_at_its_default() -> None:
    data = tomllib.loads(switched_on(example_toml()))

    for option in Schema().options():
        table = data
        for name in option.section.split("."):
            below = table[name]
            table = below[0] if isinstance(below, list) else below
        assert option.name in table
        if option.node.get("default") is not None:
            assert table[option.name] == option.node["default"]


def test_its_lines_fit_a_terminal() -> None:
    assert max(map(len, example_toml().splitlines())) <= 100
