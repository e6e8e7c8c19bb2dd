"""Claims that every vault has to meet, whatever it lies on."""

import hashlib
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from twinlens.errors import VaultError
from twinlens.model.vault import Marker, PutHow
from twinlens.vault.local import LocalVault
from twinlens.vault.naming import key_of
from twinlens.vault.opening import opened
from twinlens.vault.protocol import Vault, WrongBytesError

MARKER = Marker("5eed" * 8, "2026-01-01T00:00:00+00:00")
SOME = b"some bytes " * 99
LARGE = random.Random(1).randbytes(3 << 20)


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture(params=["folder", "bucket"])
def vault(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Vault]:
    """A new vault of each kind."""
    if request.param == "bucket":
        spec = request.getfixturevalue("bucket")
        with opened(spec, None) as there:
            there.make_marker(MARKER)
            yield there
        return
    folder = tmp_path / "vault"
    folder.mkdir()
    with LocalVault(folder, (PutHow.COPY,)) as there:
        there.make_marker(MARKER)
        yield there


class Library:
    """Files that are to be stored."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def put(self, vault: Vault, content: bytes, sha256: str | None = None) -> PutHow:
        path = self.folder / digest(content)
        path.write_bytes(content)
        descriptor = os.open(path, os.O_RDONLY)
        try:
            return vault.put(descriptor, sha256 or digest(content), len(content))
        finally:
            os.close(descriptor)


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "library")


def read(vault: Vault, sha256: str) -> bytes:
    with vault.open(sha256) as stream:
        return stream.read()


def everything(vault: Vault) -> tuple[set[str], set[str], list[str]]:
    # Of all parts those that a test here can have put something into: each costs a bucket requests.
    used = (b"a", SOME, LARGE, b"another", b"before", b"before and after")
    parts = sorted({"0", *(digest(content)[0] for content in used)})
    listings = [vault.listing(part) for part in parts]
    objects = {sha256 for listing in listings for sha256 in listing.objects}
    away = {sha256 for listing in listings for sha256 in listing.quarantined}
    return objects, away, [stray for listing in listings for stray in listing.strays]


@pytest.mark.parametrize("content", [b"a", SOME, LARGE], ids=["1", "1k", "3M"])
def test_what_is_put_comes_back(vault: Vault, library: Library, content: bytes) -> None:
    library.put(vault, content)

    assert read(vault, digest(content)) == content
    assert vault.size_of(digest(content)) == len(content)
    assert everything(vault) == ({digest(content)}, set(), [])


def test_a_vault_says_which_one_it_is(vault: Vault) -> None:
    assert vault.marker() == MARKER


def test_a_place_that_holds_anything_is_made_no_vault(vault: Vault, library: Library) -> None:
    library.put(vault, b"a")

    with pytest.raises(VaultError, match="not empty"):
        vault.make_marker(Marker("another", MARKER.made_at))
    assert vault.marker() == MARKER


def test_other_bytes_than_the_digest_says_are_not_stored(vault: Vault, library: Library) -> None:
    with pytest.raises(WrongBytesError):
        library.put(vault, LARGE, digest(b"another"))

    assert everything(vault) == (set(), set(), [])


def test_a_file_that_grew_is_not_stored(vault: Vault, library: Library) -> None:
    path = library.folder / "growing"
    path.write_bytes(b"before and after")
    descriptor = os.open(path, os.O_RDONLY)

    with pytest.raises(WrongBytesError):
        vault.put(descriptor, digest(b"before"), len(b"before"))

    os.close(descriptor)
    assert everything(vault) == (set(), set(), [])


def test_an_object_that_is_there_is_read_and_taken(vault: Vault, library: Library) -> None:
    library.put(vault, LARGE)

    assert library.put(vault, LARGE) is PutHow.FOUND
    assert everything(vault) == ({digest(LARGE)}, set(), [])


def test_what_is_quarantined_is_no_object_and_comes_back_whole(
    vault: Vault, library: Library
) -> None:
    library.put(vault, b"a")
    vault.quarantine(digest(b"a"))

    assert everything(vault) == (set(), {digest(b"a")}, [])
    with pytest.raises(FileNotFoundError):
        vault.open(digest(b"a"))
    vault.bring_back(digest(b"a"))
    assert read(vault, digest(b"a")) == b"a"
    assert everything(vault) == ({digest(b"a")}, set(), [])


def test_what_is_put_again_leaves_the_quarantine(vault: Vault, library: Library) -> None:
    library.put(vault, b"a")
    vault.quarantine(digest(b"a"))

    library.put(vault, b"a")

    assert everything(vault) == ({digest(b"a")}, set(), [])


def test_only_what_is_quarantined_can_be_discarded(vault: Vault, library: Library) -> None:
    library.put(vault, b"a")

    vault.discard(digest(b"a"))
    assert read(vault, digest(b"a")) == b"a"

    vault.quarantine(digest(b"a"))
    vault.discard(digest(b"a"))
    assert everything(vault) == (set(), set(), [])


def test_each_move_may_be_asked_for_twice_or_in_vain(vault: Vault, library: Library) -> None:
    library.put(vault, b"a")
    for move in (vault.quarantine, vault.bring_back, vault.discard, vault.set_aside):
        move(digest(b"never stored"))

    vault.quarantine(digest(b"a"))
    vault.quarantine(digest(b"a"))
    vault.bring_back(digest(b"a"))
    vault.bring_back(digest(b"a"))

    assert everything(vault) == ({digest(b"a")}, set(), [])


def test_what_is_set_aside_is_neither_object_nor_stray(vault: Vault, library: Library) -> None:
    library.put(vault, b"a")
    vault.set_aside(digest(b"a"))

    assert everything(vault) == (set(), set(), [])
    library.put(vault, b"a")
    assert read(vault, digest(b"a")) == b"a"


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "abcd", "A" * 64, "g" * 64])
def test_a_name_that_is_no_digest_reaches_nothing(vault: Vault, name: str) -> None:
    for ask in (vault.open, vault.size_of, vault.quarantine, vault.discard, vault.set_aside):
        with pytest.raises(ValueError, match="not a SHA-256"):
            ask(name)


def test_an_object_has_the_path_that_its_digest_says() -> None:
    name = "ab" + "cd" + "0" * 60

    assert key_of(name) == f"ab/cd/{name}"
