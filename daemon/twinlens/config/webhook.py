"""The part of the configuration that says who is told of events, and how."""

from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from twinlens.config.paths import AbsolutePath
from twinlens.config.section import Listing, Section, Word
from twinlens.model.events import EventName


class WebhookConfig(Section):
    """One address that is told of events by HTTP POST."""

    url: str = Field(
        max_length=2048,
        examples=["http://127.0.0.1:8080/hook"],
        description="Where events are posted to: an http or https address.",
    )
    secret: SecretStr | None = Field(
        default=None,
        min_length=1,
        examples=["a long random text"],
        description="Signs what is sent (HMAC-SHA256), so that the receiver can tell it is from "
        "you; keep this file to yourself then.",
    )
    secret_file: AbsolutePath | None = Field(
        default=None,
        examples=["/etc/twinlens/webhook.secret"],
        description="A file that holds the secret; where both are given, the file is used.",
    )
    events: Listing[Word[EventName]] = Field(
        default=(
            EventName.DUPLICATE_FOUND,
            EventName.FILE_BROKEN,
            EventName.FILE_ROTTEN,
            EventName.ROOT_UNREACHABLE,
            EventName.ROOT_BACK,
            EventName.PROBLEM,
        ),
        min_length=1,
        description="The events that are sent.",
    )
    batch_seconds: float = Field(
        default=30,
        ge=0,
        le=86400,
        description="Events of this time span travel in one request; 0 sends each at once.",
    )
    timeout_seconds: float = Field(
        default=10,
        ge=0.1,
        le=300,
        description="The longest a request may take, from connecting to the last byte.",
    )
    max_attempts: int = Field(
        default=12,
        ge=1,
        le=100,
        description="How often a request is tried, with growing pauses, before it is given up.",
    )
    max_body_kib: int = Field(
        default=64,
        ge=4,
        le=10240,
        description="The largest body of one request; more events make more requests.",
    )
    allow_private: bool = Field(
        default=True,
        description="Whether the address may be in the home network or on this machine.",
    )

    @field_validator("url")
    @classmethod
    def _is_http(cls, value: str) -> str:
        try:
            parts = urlsplit(value)
            is_usable = bool(parts.hostname) and parts.port != 0
        except ValueError as error:
            raise ValueError(f"not an address: {error}") from error
        if parts.scheme not in {"http", "https"} or not is_usable:
            raise ValueError("an address begins with http:// or https:// and names a host")
        if parts.username is not None or parts.password is not None:
            raise ValueError("an address holds no user and password: they would stand in logs")
        if any(letter.isspace() or not letter.isprintable() for letter in value):
            raise ValueError("an address holds no blanks and no control characters")
        return value


class NotifyConfig(Section):
    """Who is told of events."""

    log: bool = Field(default=True, description="Write events to the log.")
    webhook: Listing[WebhookConfig] = Field(
        default=(), description="Addresses that are told by HTTP; as many blocks as you like."
    )
