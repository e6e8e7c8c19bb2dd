"""Telling systemd how the service does (sd_notify(3)); silence where nobody listens.

A few lines of our own send, and not systemd's library: that one waits for as long as the manager
does not read, and no signal would be heard meanwhile.
"""

import os
import socket
import time
from collections.abc import Callable, Mapping

Send = Callable[[str], None]


class Readiness:
    """The messages of a service to its manager; none of them ever raises.

    `send` takes the place of the socket, `environ` that of the process's own environment.
    """

    def __init__(
        self,
        send: Send | None = None,
        environ: Mapping[str, str] = os.environ,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._send = send or _sender(environ)
        self._monotonic_ns = monotonic_ns
        self.watchdog_seconds = _watchdog_seconds(environ, os.getpid())
        """How long systemd waits for a sign of life; None where it does not. Give one in half."""

    def ready(self) -> None:
        """Say that starting, or reloading, is done."""
        self._tell("READY=1")

    def status(self, text: str) -> None:
        """Set the line that `systemctl status` shows."""
        self._tell("STATUS=" + " ".join(text.split()))

    def watchdog(self) -> None:
        """Give a sign of life."""
        self._tell("WATCHDOG=1")

    def reloading(self) -> None:
        """Say that the config is being read again; `ready` ends it."""
        self._tell(f"RELOADING=1\nMONOTONIC_USEC={self._monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """Say that the service is going down."""
        self._tell("STOPPING=1")

    def extend_timeout(self, seconds: float) -> None:
        """Ask for so much more time, counted from now, to start or stop."""
        self._tell(f"EXTEND_TIMEOUT_USEC={int(seconds * 1_000_000)}")

    def _tell(self, message: str) -> None:
        try:
            self._send(message)
        except OSError:
            # The manager's socket is gone, or full: the service has better things to do.
            return


def _sender(environ: Mapping[str, str]) -> Send:
    address = environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return _to_nobody
    return _by_socket(address)


def _to_nobody(message: str) -> None:
    del message


def _by_socket(address: str) -> Send:
    # An address that begins with "@" is abstract: no file, a zero byte in front.
    target = "\0" + address[1:] if address.startswith("@") else address

    def send(message: str) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
            channel.setblocking(False)
            channel.sendto(message.encode("utf-8", "replace"), target)

    return send


def _watchdog_seconds(environ: Mapping[str, str], own_pid: int) -> float | None:
    microseconds = environ.get("WATCHDOG_USEC", "")
    pid = environ.get("WATCHDOG_PID", str(own_pid))
    if not microseconds.isdecimal() or int(microseconds) == 0 or pid != str(own_pid):
        return None
    return int(microseconds) / 1_000_000
