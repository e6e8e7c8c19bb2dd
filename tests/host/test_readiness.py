"""Claims about what the service manager is told."""

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from twinlens.host.readiness import Readiness


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    address = str(tmp_path / "s")
    if request.param == "abstract":
        address = f"@twinlens-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(address.replace("@", "\0", 1))
        listener.settimeout(5)
        yield listener, address


def test_every_message_arrives_as_systemd_wants_it(manager: tuple[socket.socket, str]) -> None:
    listener, address = manager
    readiness = Readiness(environ={"NOTIFY_SOCKET": address}, monotonic_ns=lambda: 5_000_999)

    readiness.ready()
    readiness.status("looking at\nHÄHN\udcff.jpg")
    readiness.watchdog()
    readiness.reloading()
    readiness.extend_timeout(1.5)
    readiness.stopping()

    assert [listener.recv(4096).decode() for _ in range(6)] == [
        "READY=1",
        "STATUS=looking at HÄHN?.jpg",
        "WATCHDOG=1",
        "RELOADING=1\nMONOTONIC_USEC=5000",
        "EXTEND_TIMEOUT_USEC=1500000",
        "STOPPING=1",
    ]


@pytest.mark.parametrize("address", ["", "/nowhere/at/all", "@nobody-listens-here", "vsock:2:1"])
def test_where_nobody_listens_nothing_happens(address: str) -> None:
    readiness = Readiness(environ={"NOTIFY_SOCKET": address})

    readiness.ready()
    readiness.status("x" * 10_000_000)


def test_without_a_manager_nothing_happens() -> None:
    Readiness(environ={}).ready()


def test_a_manager_that_does_not_read_does_not_hold_the_service_up(
    manager: tuple[socket.socket, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", manager[1])
    readiness = Readiness()
    began = time.monotonic()

    for _ in range(2000):
        readiness.watchdog()

    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdog_is_only_ours_when_it_says_so(
    environ: dict[str, str], seconds: float | None
) -> None:
    assert Readiness(environ=environ).watchdog_seconds == seconds


def test_a_sender_can_be_handed_in() -> None:
    sent: list[str] = []

    Readiness(send=sent.append, environ={}).ready()

    assert sent == ["READY=1"]
