"""A server on this machine that speaks like S3."""

import logging
from collections.abc import Iterator

import pytest

from twinlens.model.vault import BucketAccess, PutHow, VaultSpec


@pytest.fixture(scope="session")
def bucket_server() -> Iterator[str]:
    """Its address."""
    server = pytest.importorskip("moto.server", reason="moto's server is not installed")
    pytest.importorskip("s3fs", reason="s3fs is not installed")
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    running = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture
def bucket(bucket_server: str, request: pytest.FixtureRequest) -> VaultSpec:
    """An empty place in a bucket of its own."""
    import s3fs  # noqa: PLC0415 - where it is installed

    access = BucketAccess(bucket_server, "us-west-1", "a key", "a secret")
    filesystem = s3fs.S3FileSystem(
        key=access.access_key,
        secret=access.secret_key,
        endpoint_url=bucket_server,
        client_kwargs={"region_name": access.region},
        skip_instance_cache=True,
    )
    name = f"bucket-{abs(hash(request.node.nodeid)):x}"
    filesystem.mkdir(name)
    return VaultSpec(f"s3://{name}/pictures/vault", (PutHow.COPY,), 0, access)
