"""Secrets: read where they are, refused where they are not, and not left open to all."""

from pathlib import Path

import pytest

from twinlens.config.credentials import exposed_secrets, read_secret
from twinlens.config.schema import Config, WebhookConfig
from twinlens.errors import ConfigError


def hook(**options: str) -> WebhookConfig:
    return WebhookConfig.model_validate({"url": "http://host/", **options})


def config(**options: str) -> Config:
    data = {
        "catalog": [{"name": "a", "roots": ["/a"]}],
        "database": {"path": "/b/c"},
        "notify": {"webhook": [{"url": "http://host/", **options}]},
    }
    return Config.model_validate(data)


def test_a_secret_file_is_read_without_the_blanks_around_it(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"hunter2\n")

    assert read_secret(hook(secret_file=str(tmp_path / "secret"))) == b"hunter2"


def test_the_file_goes_before_the_option(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"from the file")

    secret = read_secret(hook(secret="from the option", secret_file=str(tmp_path / "secret")))

    assert secret == b"from the file"


def test_a_secret_in_the_config_is_utf_8() -> None:
    assert read_secret(hook(secret="gehéim")) == "gehéim".encode()


def test_no_secret_is_none() -> None:
    assert read_secret(hook()) is None


@pytest.mark.parametrize("content", [b"", b" \n", b"x" * 5000])
def test_a_file_that_holds_no_secret_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "secret").write_bytes(content)

    with pytest.raises(ConfigError, match="secret file"):
        read_secret(hook(secret_file=str(tmp_path / "secret")))


def test_a_missing_secret_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        read_secret(hook(secret_file=str(tmp_path / "secret")))


@pytest.mark.parametrize(("mode", "warnings"), [(0o644, 1), (0o640, 0), (0o600, 0)])
def test_a_config_with_a_secret_that_all_may_read_is_warned_of(
    tmp_path: Path, mode: int, warnings: int
) -> None:
    path = tmp_path / "config.toml"
    path.touch()
    path.chmod(mode)

    assert len(exposed_secrets(config(secret="hunter2"), path)) == warnings


def test_a_config_without_secrets_may_be_read_by_all(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.touch()
    path.chmod(0o644)

    assert exposed_secrets(config(), path) == []


def test_an_open_secret_file_is_warned_of_and_not_the_config(tmp_path: Path) -> None:
    path, secret = tmp_path / "config.toml", tmp_path / "secret"
    for file in (path, secret):
        file.touch()
        file.chmod(0o644)

    (warning,) = exposed_secrets(config(secret_file=str(secret)), path)

    assert str(secret) in warning
