"""Opening the vault that a spec names."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from twinlens.model.vault import VaultSpec
from twinlens.vault.local import LocalVault
from twinlens.vault.marker import require
from twinlens.vault.protocol import Vault


@contextmanager
def opened(spec: VaultSpec, identity: str | None) -> Iterator[Vault]:
    """The vault, once its marker was found to be the one of this id; None asks for no marker.

    Raises VaultError.
    """
    with LocalVault(Path(spec.place), spec.ways, spec.reserve_bytes) as folder:
        if identity is not None:
            require(spec.place, folder.marker(), identity)
        yield folder
