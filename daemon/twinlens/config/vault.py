"""The part of the configuration that says where originals are stored a second time, and how."""

import re
from enum import StrEnum
from pathlib import Path

from pydantic import Field, SecretStr, field_validator

from twinlens.config.paths import AbsolutePath, in_locale
from twinlens.config.section import Listing, Section, Word

_BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^\0]*)?")


class VaultWay(StrEnum):
    """How a file is brought into a vault in a folder."""

    REFLINK = "reflink"
    HARDLINK = "hardlink"
    COPY = "copy"


class VaultConfig(Section):
    """A second store of all originals, by content; off where no place is named."""

    place: str | None = Field(
        default=None,
        examples=["/mnt/other-disk/twinlens-vault"],
        description="An absolute folder outside every root, best on another disk, or a bucket as "
        "s3://bucket/prefix; it becomes a vault once you say `twinlens vault fill --new`.",
    )
    how: Listing[Word[VaultWay]] = Field(
        default=(VaultWay.REFLINK, VaultWay.COPY),
        min_length=1,
        description="The ways to store a file in a folder, tried in this order: `reflink` shares "
        "blocks where the file system can, `copy` takes the room, `hardlink` takes none and "
        "protects from deletion alone: what is written to the file changes it in the vault too.",
    )
    fill_interval_minutes: float = Field(
        default=60,
        ge=1,
        le=10080,
        description="How often is looked for originals that the vault does not hold yet.",
    )
    gc_interval_hours: float = Field(
        default=24,
        ge=1,
        le=8784,
        description="How often the vault is looked through for what nothing refers to any more.",
    )
    grace_days: float = Field(
        default=30,
        ge=1,
        le=36500,
        description="An original that you deleted stays in the vault for this long, and as long "
        "again in its quarantine.",
    )
    reserve_mib: int = Field(
        default=1024,
        ge=0,
        le=1 << 30,
        description="So much is left free on the vault's disk.",
    )
    endpoint_url: str | None = Field(
        default=None,
        max_length=2048,
        examples=["https://s3.example.org"],
        description="Where the bucket is served; left out, it is Amazon's.",
    )
    region: str | None = Field(
        default=None,
        max_length=64,
        examples=["eu-central-1"],
        description="The region of the bucket, where its server asks for one.",
    )
    access_key: str | None = Field(
        default=None,
        max_length=256,
        examples=["AKIA…"],
        description="Who asks; left out, it is looked for where Amazon's tools do.",
    )
    secret_key: SecretStr | None = Field(
        default=None,
        min_length=1,
        examples=["a long random text"],
        description="The secret that belongs to the access key; keep this file to yourself then.",
    )
    secret_key_file: AbsolutePath | None = Field(
        default=None,
        examples=["/etc/twinlens/vault.secret"],
        description="A file that holds that secret; where both are given, the file is used.",
    )

    @field_validator("place")
    @classmethod
    def _is_folder_or_bucket(cls, value: str | None) -> str | None:
        if value is None or _BUCKET.fullmatch(value):
            return value.rstrip("/") if value else value
        if not value.startswith("/") or "\0" in value or not value.strip("/"):
            raise ValueError("a vault is an absolute folder, or s3://bucket/prefix")
        return in_locale(value)

    @field_validator("endpoint_url")
    @classmethod
    def _is_http(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"https?://[^\s/@?#]+/?", value):
            raise ValueError("an address begins with http:// or https:// and names a host alone")
        return value

    @property
    def folder(self) -> Path | None:
        """The folder, where it is one."""
        is_folder = self.place is not None and self.place.startswith("/")
        return Path(str(self.place)) if is_folder else None
