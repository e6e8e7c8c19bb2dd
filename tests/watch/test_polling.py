"""Claims about when a root is polled."""

import pytest

from twinlens.watch.mounts import Mount
from twinlens.watch.polling import PollingChoice, should_poll

_LOCAL = Mount(b"/", "ext4", "/dev/sda1", frozenset(), (8, 1))
_REMOTE = Mount(b"/", "nfs4", "nas:/x", frozenset(), (0, 50))


@pytest.mark.parametrize(
    ("choice", "mount", "canary", "expected", "word"),
    [
        ("auto", _LOCAL, None, False, "local"),
        ("auto", _LOCAL, True, False, "seen"),
        ("auto", _LOCAL, False, True, "no event"),
        ("auto", _REMOTE, None, True, "nfs4"),
        ("auto", _REMOTE, True, True, "nfs4"),
        ("auto", None, None, True, "not known"),
        ("never", _REMOTE, False, False, "never"),
        ("always", _LOCAL, True, True, "always"),
    ],
)
def test_the_owner_decides_then_the_mount_then_the_proof(
    choice: PollingChoice, mount: Mount | None, canary: bool | None, expected: bool, word: str
) -> None:
    is_polled, reason = should_poll(choice, mount, canary)

    assert is_polled is expected
    assert word in reason
