"""Opening whatever vault a spec names; what a bucket needs is loaded only where one is named."""

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from twinlens.errors import VaultError
from twinlens.model.vault import VaultSpec
from twinlens.vault.local import LocalVault
from twinlens.vault.marker import require
from twinlens.vault.protocol import Vault


@contextmanager
def opened(spec: VaultSpec, identity: str | None) -> Iterator[Vault]:
    """The vault, once its marker was found to be the one of this id; None asks for no marker.

    Raises VaultError.
    """
    if spec.is_bucket:
        if importlib.util.find_spec("s3fs") is None:
            raise VaultError(
                f"{spec.place}: a bucket needs the extra s3", "pip install 'twinlens[s3]'"
            )
        from twinlens.vault.bucket import BucketVault  # noqa: PLC0415 - see above

        bucket = BucketVault(spec.place, spec.access)
        if identity is not None:
            require(spec.place, bucket.marker(), identity)
        yield bucket
        return
    with LocalVault(Path(spec.place), spec.ways, spec.reserve_bytes) as folder:
        if identity is not None:
            require(spec.place, folder.marker(), identity)
        yield folder
