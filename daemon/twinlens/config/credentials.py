"""Secrets of the configuration: read when they are needed, and not left open to every user."""

import os
import stat
from pathlib import Path

from twinlens.config.schema import Config, WebhookConfig
from twinlens.errors import ConfigError

_LARGEST_BYTES = 4096


def read_secret(webhook: WebhookConfig) -> bytes | None:
    """The secret that signs a webhook's requests, or None where none was asked for.

    ConfigError where a secret file is missing, empty or too large: sending unsigned instead would
    be what the owner did not ask for.
    """
    path = webhook.secret_file
    if path is None:
        return webhook.secret.get_secret_value().encode("utf-8") if webhook.secret else None
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
    """A warning for each webhook whose secret is asked for and cannot be read: it sends nothing
    until it can be."""
    found = []
    for hook in config.notify.webhook:
        try:
            read_secret(hook)
        except ConfigError as error:
            found.append(f"{error}; until it is there, nothing is sent to {hook.url}")
    return found


def exposed_secrets(config: Config, path: Path) -> list[str]:
    """A warning for each file that holds a secret and that every user of the machine may read."""
    files = [hook.secret_file for hook in config.notify.webhook if hook.secret_file]
    if any(hook.secret for hook in config.notify.webhook):
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
