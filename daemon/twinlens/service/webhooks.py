"""Builds the webhook notifier from the config. Loaded only where a webhook is configured: the HTTP
client costs memory that a box without webhooks keeps."""

import os
from functools import partial

from twinlens.config.credentials import read_secret
from twinlens.config.schema import Config
from twinlens.notify.webhook import WebhookNotifier, WebhookTarget
from twinlens.service.engine import Engine, utc_text
from twinlens.store.outbox import Outbox


def webhook_notifier(config: Config, engine: Engine) -> WebhookNotifier:
    """The notifier of all webhooks; its outbox lies in the store."""
    targets = [
        WebhookTarget(
            name=hook.url,
            url=hook.url,
            secret=partial(read_secret, hook),
            events=frozenset(hook.events),
            batch_seconds=hook.batch_seconds,
            timeout_seconds=hook.timeout_seconds,
            max_attempts=hook.max_attempts,
            max_body_bytes=hook.max_body_kib * 1024,
            allow_private=hook.allow_private,
        )
        for hook in config.notify.webhook
    ]
    outbox = Outbox(engine.database, engine.writer, utc_text)
    return WebhookNotifier(targets, outbox, host=os.uname().nodename)
