"""Claims about a vault in a bucket: what a server or a network does wrong is never taken for an
object, nor for the absence of one."""

import hashlib
import http.client
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from twinlens.errors import VaultError
from twinlens.maintenance.vault_work import BlobReading, Storing, Way, read_blob, store
from twinlens.model.vault import BucketAccess, Marker, PutHow, VaultSpec
from twinlens.vault.naming import PARTS, key_of
from twinlens.vault.opening import opened
from twinlens.vault.protocol import WrongBytesError

MARKER = Marker("5eed" * 8, "2026-01-01T00:00:00+00:00")
BYTES = b"the bytes of a picture " * 800_000
"""More than two pieces of an upload."""
SHA = hashlib.sha256(BYTES).hexdigest()


class Proxy:
    """Passes requests on to a server, and refuses all from the `fails_from`-th on; `edit` may
    change what comes back."""

    def __init__(self, target: str) -> None:
        self.count = 0
        self.fails_from = 10**9
        host, _, port = target.removeprefix("http://").partition(":")
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

            def _pass_on(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                proxy.count += 1
                if proxy.count >= proxy.fails_from:
                    self._answer(403, {}, b"")
                    return
                there = http.client.HTTPConnection(host, int(port), timeout=20)
                there.request(self.command, self.path, body, dict(self.headers))
                answer = there.getresponse()
                data = answer.read()
                self._answer(answer.status, dict(answer.getheaders()), data)
                there.close()

            def _answer(self, status: int, headers: dict[str, str], data: bytes) -> None:
                self.send_response(status)
                passed = ("content-length", "transfer-encoding", "connection", "date", "server")
                for name, value in headers.items():
                    if name.lower() not in passed:
                        self.send_header(name, value)
                is_head = self.command == "HEAD"
                size = headers.get("Content-Length", "0") if is_head else str(len(data))
                self.send_header("Content-Length", size)
                self.end_headers()
                if not is_head:
                    self.wfile.write(data)

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _pass_on  # noqa: N815 - http.server's

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


@pytest.fixture
def proxy(bucket_server: str) -> Iterator[Proxy]:
    running = Proxy(bucket_server)
    yield running
    running.close()


@pytest.fixture
def spec(bucket: VaultSpec) -> VaultSpec:
    """A vault that was made."""
    with opened(bucket, None) as vault:
        vault.make_marker(MARKER)
    return bucket


def through(spec: VaultSpec, address: str) -> VaultSpec:
    return replace(spec, access=replace(spec.access, endpoint_url=address))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "picture.jpg"
    path.write_bytes(BYTES)
    return path


def put(spec: VaultSpec, source: Path, sha256: str = SHA) -> PutHow:
    descriptor = os.open(source, os.O_RDONLY)
    try:
        with opened(spec, MARKER.identity) as vault:
            return vault.put(descriptor, sha256, source.stat().st_size)
    finally:
        os.close(descriptor)


def objects(spec: VaultSpec) -> dict[str, bytes]:
    """Every object that is there, as the server gives it."""
    found = {}
    with opened(spec, MARKER.identity) as vault:
        for sha256 in vault.listing(SHA[:1]).objects:
            with vault.open(sha256) as stream:
                found[sha256] = stream.read()
    return found


def unfinished(spec: VaultSpec) -> int:
    with opened(spec, MARKER.identity) as vault:
        filesystem = vault._fs  # type: ignore[attr-defined]  # what no listing shows
    name = spec.place.removeprefix("s3://").partition("/")[0]
    return len(filesystem.list_multipart_uploads(name))


def test_a_large_file_goes_and_comes_in_pieces(spec: VaultSpec, source: Path) -> None:
    assert put(spec, source) is PutHow.UPLOAD
    assert put(spec, source) is PutHow.FOUND

    assert objects(spec) == {SHA: BYTES}
    assert unfinished(spec) == 0


def test_an_upload_of_other_bytes_is_given_up_and_leaves_nothing(
    spec: VaultSpec, source: Path
) -> None:
    other = SHA[:2] + "0" * 62

    with pytest.raises(WrongBytesError):
        put(spec, source, other)

    assert objects(spec) == {}
    assert unfinished(spec) == 0


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_server_that_refuses_from_any_request_on_leaves_a_whole_object_or_none(
    spec: VaultSpec, source: Path, proxy: Proxy
) -> None:
    behind = through(spec, proxy.address)
    put(behind, source)
    requests = proxy.count
    assert requests >= 8
    tried = 0
    for number in range(2, requests + 1):
        with opened(spec, MARKER.identity) as vault:
            vault.quarantine(SHA)
            vault.discard(SHA)
        proxy.count, proxy.fails_from = 0, number

        with pytest.raises(VaultError):
            put(behind, source)

        assert objects(spec) in ({}, {SHA: BYTES})
        tried += 1
    proxy.fails_from = 10**9
    put(behind, source)
    assert objects(spec) == {SHA: BYTES}
    assert tried >= 7


def test_a_rotten_object_is_set_aside_and_stored_anew(spec: VaultSpec, source: Path) -> None:
    put(spec, source)
    with opened(spec, MARKER.identity) as vault:
        path = f"{spec.place}/{key_of(SHA)}"
        vault._fs.pipe_file(path, b"rotten")  # type: ignore[attr-defined]  # behind its back
        way = Way(spec, MARKER.identity)
        rotten = hashlib.sha256(b"rotten").hexdigest()
        assert read_blob(BlobReading(way, SHA, len(BYTES))).digests == (rotten, rotten)

    assert put(spec, source) is PutHow.UPLOAD
    assert objects(spec) == {SHA: BYTES}


def test_a_server_that_is_away_is_trouble_and_no_absence(
    spec: VaultSpec, source: Path, proxy: Proxy
) -> None:
    way = Way(through(spec, proxy.address), MARKER.identity)
    proxy.fails_from = 1

    stored = store(Storing(way, os.fsencode(source), SHA, len(BYTES)))
    read = read_blob(BlobReading(way, SHA, len(BYTES)))

    assert stored.how is None
    assert stored.trouble
    assert not stored.problem
    assert read.trouble
    assert not read.is_missing


@pytest.mark.timeout(120)
def test_nobody_who_listens_is_an_error_of_the_vault(spec: VaultSpec) -> None:
    nobody = through(spec, "http://127.0.0.1:9")

    with pytest.raises(VaultError, match=r"127\.0\.0\.1"), opened(nobody, MARKER.identity):
        raise AssertionError("it was opened")


def test_a_bucket_that_is_not_there_says_so(bucket_server: str) -> None:
    access = BucketAccess(bucket_server, "us-west-1", "a key", "a secret")
    spec = VaultSpec("s3://never-made/vault", (PutHow.COPY,), 0, access)

    with opened(spec, None) as vault, pytest.raises(VaultError, match="no such bucket"):
        vault.make_marker(MARKER)
    with pytest.raises(VaultError, match="marker is missing"), opened(spec, MARKER.identity):
        raise AssertionError("it was opened")


def test_what_does_not_belong_there_is_told(spec: VaultSpec) -> None:
    with opened(spec, MARKER.identity) as vault:
        filesystem = vault._fs  # type: ignore[attr-defined]  # somebody else's upload
        filesystem.pipe_file(f"{spec.place}/letters.txt", b"dear")
        filesystem.pipe_file(f"{spec.place}/00/holiday.jpg", b"x")

        assert set(vault.listing(PARTS[0]).strays) == {"letters.txt", "00/holiday.jpg"}


def test_the_secret_is_in_no_words() -> None:
    access = BucketAccess("http://h", None, "a key", "hunter2")

    assert "hunter2" not in repr(VaultSpec("s3://bucket", (), 0, access))
