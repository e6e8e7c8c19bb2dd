"""Secrets of the configuration: read when they are needed, and not left open to every user."""

import os
import stat
from pathlib import Path

from pydantic import SecretStr

from twinlens.config.schema import Config, VaultConfig, WebhookConfig
from twinlens.errors import ConfigError

_LARGEST_BYTES = 4096


def read_secret(webhook: WebhookConfig) -> bytes | None:
    """The secret that signs a webhook's requests, or None where none was asked for.

    ConfigError where a secret file is missing, empty or too large: sending unsigned instead would
    be what the owner did not ask for.
    """
    return _secret(webhook.secret_file, webhook.secret)


def read_vault_secret(vault: VaultConfig) -> str | None:
    """The secret of the vault's access key; None where it is left to the usual places.

    ConfigError as for a webhook's.
    """
    secret = _secret(vault.secret_key_file, vault.secret_key)
    return None if secret is None else secret.decode("utf-8", "surrogateescape")


def _secret(path: Path | None, written: SecretStr | None) -> bytes | None:
    if path is None:
        return written.get_secret_value().encode("utf-8") if written else None
    try:
        with path.open("rb") as file:
            secret = file.read(_LARGEST_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"cannot read the secret file {path}: {error.strerror}") from error
    if len(secret) > _LARGEST_BYTES:
        raise ConfigError(f"the secret file {path} is larger than {_LARGEST_BYTES} bytes")
    if not secret.strip():
        raise ConfigError(f"the secret file {path} is empty")
    return secret.strip()


def unreadable_secrets(config: Config) -> list[str]:
    """A warning for each secret that is asked for and cannot be read: nothing is sent to that
    webhook, and nothing stored in that vault, until it can be."""
    found = []
    for hook in config.notify.webhook:
        try:
            read_secret(hook)
        except ConfigError as error:
            found.append(f"{error}; until it is there, nothing is sent to {hook.url}")
    try:
        read_vault_secret(config.vault)
    except ConfigError as error:
        found.append(f"{error}; until it is there, nothing is stored in {config.vault.place}")
    return found


def exposed_secrets(config: Config, path: Path) -> list[str]:
    """A warning for each file that holds a secret and that every user of the machine may read."""
    files = [hook.secret_file for hook in config.notify.webhook if hook.secret_file]
    if config.vault.secret_key_file:
        files.append(config.vault.secret_key_file)
    if config.vault.secret_key or any(hook.secret for hook in config.notify.webhook):
        files.insert(0, path)
    return [
        f"{file} holds a secret and every user may read it: run `chmod o-rwx {file}`"
        for file in dict.fromkeys(files)
        if _is_open_to_all(file)
    ]


def _is_open_to_all(path: Path) -> bool:
    try:
        return bool(os.stat(path).st_mode & (stat.S_IROTH | stat.S_IWOTH))
    except OSError:
        return False  # missing: said where the secret is read
