"""A vault in a bucket of S3, or of anything that speaks like it (MinIO, Garage, Ceph).

An upload becomes an object in one instant, when its last request is answered; there is no renaming,
so what is moved is copied by the server and then removed. After an upload the object is read back
from the server: a checksum that only travels along proves what was sent, not what was kept.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO

from botocore.exceptions import BotoCoreError, ClientError
from s3fs import S3FileSystem

from twinlens.errors import VaultError
from twinlens.model.vault import BucketAccess, Listing, Marker, PutHow
from twinlens.vault.contents import digest_of, read_source
from twinlens.vault.marker import from_text, to_text
from twinlens.vault.naming import (
    DAMAGED,
    MARKER,
    QUARANTINE,
    digest_at,
    is_digest,
    is_folder_of_objects,
    is_stray,
    key_of,
)
from twinlens.vault.protocol import SourceError, WrongBytesError

PIECE_BYTES = 8 << 20
"""What is sent and fetched at once, and so about what is held in memory."""

_MOST_PIECES = 9000
"""S3 takes 10,000 pieces of one upload; a larger file is sent in larger ones."""

_ABANDONED = timedelta(days=2)
_CONFIG = {"connect_timeout": 10, "read_timeout": 60, "retries": {"max_attempts": 3}}


class BucketVault:
    """The vault at `s3://bucket/prefix`. Nothing is asked before it is used."""

    def __init__(self, place: str, access: BucketAccess) -> None:
        self.place = place
        self._prefix = place.removeprefix("s3://").rstrip("/")
        client = {"region_name": access.region} if access.region else {}
        self._fs = S3FileSystem(
            key=access.access_key,
            secret=access.secret_key,
            endpoint_url=access.endpoint_url,
            client_kwargs=client,
            config_kwargs=_CONFIG,
            use_listings_cache=False,
            skip_instance_cache=True,
        )

    def marker(self) -> Marker | None:
        """See Vault."""
        try:
            with self._translated():
                return from_text(self.place, self._fs.cat_file(self._at(MARKER)))
        except FileNotFoundError:
            return None

    def make_marker(self, marker: Marker) -> None:
        """See Vault."""
        with self._translated():
            there = self._names(self._prefix)
            if there:
                raise VaultError(
                    f"{self.place}: is not empty ({there[0]}), so no vault is made of it",
                    "name another prefix, or say --adopt where it is a vault already",
                )
            try:
                self._fs.pipe_file(self._at(MARKER), to_text(marker))
            except FileNotFoundError as error:
                raise VaultError(f"{self.place}: there is no such bucket", "make it") from error

    def put(self, source: int, sha256: str, size: int) -> PutHow:
        """See Vault."""
        path = self._at(key_of(sha256))
        with self._translated():
            self.bring_back(sha256)
            if self._is_sound(path, sha256):
                return PutHow.FOUND
            self.set_aside(sha256)
            try:
                self._upload(source, path, sha256, size)
            except FileNotFoundError as error:
                raise VaultError(f"{self.place}: there is no such bucket", "make it") from error
            if not self._is_sound(path, sha256):
                self._remove(path)
                raise VaultError(
                    f"{self.place}: gave back other bytes than it was given", "look at its server"
                )
            return PutHow.UPLOAD

    def open(self, sha256: str) -> BinaryIO:
        """See Vault."""
        path = self._at(key_of(sha256))
        with self._translated():
            stream: BinaryIO = self._fs.open(
                path, "rb", block_size=PIECE_BYTES, cache_type="readahead"
            )
            return stream

    def size_of(self, sha256: str) -> int | None:
        """See Vault."""
        path = self._at(key_of(sha256))
        try:
            with self._translated():
                return int(self._fs.info(path)["size"])
        except FileNotFoundError:
            return None

    def listing(self, part: str) -> Listing:
        """See Vault."""
        objects: dict[str, int] = {}
        strays: list[str] = []
        with self._translated():
            strays += [name for name in self._names(self._prefix) if is_stray(name, part)]
            for path, facts in self._fs.find(self._prefix, prefix=part, detail=True).items():
                key = path.removeprefix(f"{self._prefix}/")
                sha256 = digest_at(key)
                if sha256 is not None:
                    objects[sha256] = int(facts["size"])
                elif is_folder_of_objects(key.partition("/")[0]):
                    strays.append(key)
            away = [
                path.rpartition("/")[2] for path in self._fs.find(self._at(QUARANTINE), prefix=part)
            ]
        return Listing(objects, frozenset(filter(is_digest, away)), tuple(strays))

    def quarantine(self, sha256: str) -> None:
        """See Vault."""
        self._move(self._at(key_of(sha256)), self._away(sha256))

    def bring_back(self, sha256: str) -> None:
        """See Vault."""
        if self.size_of(sha256) is None:
            self._move(self._away(sha256), self._at(key_of(sha256)))

    def discard(self, sha256: str) -> None:
        """See Vault."""
        key_of(sha256)
        with self._translated():
            self._remove(self._away(sha256))

    def set_aside(self, sha256: str) -> None:
        """See Vault."""
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
        self._move(self._at(key_of(sha256)), self._at(f"{DAMAGED}/{sha256}.{stamp}"))

    def tidy(self) -> int:
        """See Vault: uploads that were never finished take room, and no listing shows them."""
        bucket, _, prefix = self._prefix.partition("/")
        removed = 0
        with self._translated():
            answer = self._fs.call_s3("list_multipart_uploads", Bucket=bucket, Prefix=prefix)
            for upload in answer.get("Uploads") or ():
                if datetime.now(UTC) - upload["Initiated"] > _ABANDONED:
                    which = {"Bucket": bucket, "Key": upload["Key"], "UploadId": upload["UploadId"]}
                    self._fs.call_s3("abort_multipart_upload", **which)
                    removed += 1
        return removed

    def _upload(self, source: int, path: str, sha256: str, size: int) -> None:
        piece = max(PIECE_BYTES, size // _MOST_PIECES + 1)
        upload = self._fs.open(path, "wb", block_size=piece, autocommit=False)
        found = hashlib.sha256()
        try:
            for chunk in read_source(source, size):
                found.update(chunk)
                upload.write(chunk)
            if found.hexdigest() != sha256:
                raise WrongBytesError("its bytes are not those that were recorded")
            upload.close()
            upload.commit()
        except BaseException:
            # Nothing of it is to be seen; where that fails too, `tidy` removes it later.
            upload.closed = True
            with suppress(OSError, BotoCoreError, ClientError):
                upload.discard()
            raise

    def _is_sound(self, path: str, sha256: str) -> bool:
        try:
            with self._fs.open(
                path, "rb", block_size=PIECE_BYTES, cache_type="readahead"
            ) as stream:
                return digest_of(stream.read) == sha256
        except FileNotFoundError:
            return False

    def _move(self, path: str, to: str) -> None:
        with self._translated(), suppress(FileNotFoundError):
            self._fs.info(path)
            self._fs.copy(path, to)
            self._fs.rm_file(path)

    def _remove(self, path: str) -> None:
        with suppress(FileNotFoundError):
            self._fs.rm_file(path)

    def _names(self, path: str) -> list[str]:
        try:
            found: list[Any] = self._fs.ls(path, detail=False)
        except FileNotFoundError:
            return []
        return [str(entry).rstrip("/").rpartition("/")[2] for entry in found if entry != path]

    def _at(self, key: str) -> str:
        return f"{self._prefix}/{key}"

    def _away(self, sha256: str) -> str:
        return self._at(f"{QUARANTINE}/{sha256}")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (FileNotFoundError, SourceError):
            raise
        except (OSError, BotoCoreError, ClientError) as error:
            words = " ".join(str(error).split()) or type(error).__name__
            raise VaultError(
                f"{self.place}: {words}", "look at its server, the network, and the access key"
            ) from error
