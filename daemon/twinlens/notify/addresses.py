"""Which addresses a webhook may be sent to, asked before anything is connected.

A name is resolved once, every address it has is checked, and the connection is made to the
checked address itself, so a name that answers differently the second time (DNS rebinding) gains
nothing. What remains: an owner who allows private receivers allows all of them, and a public
address that a router forwards inside looks public from here.
"""

import ipaddress
import socket
import threading
from collections.abc import Sequence
from urllib.parse import urlsplit

SCHEMES = frozenset({"http", "https"})
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class AddressRefusedError(Exception):
    """The address must not be connected to, now or later; the message says why."""


class NameUnknownError(Exception):
    """The name could not be resolved this time."""


def checked_addresses(url: str, *, allow_private: bool, timeout_seconds: float) -> Sequence[str]:
    """The addresses behind a URL in the resolver's order, all of them allowed.

    Raises `AddressRefusedError` for a scheme other than http(s), a URL without a host, and a name
    of which even one address is private while that is not allowed; `NameUnknownError` if it does
    not resolve in time.
    """
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError as error:
        raise AddressRefusedError("the port is no number") from error
    if parts.scheme not in SCHEMES or not parts.hostname:
        raise AddressRefusedError("only http and https addresses with a host are allowed")
    found = _resolve(parts.hostname, port or 0, timeout_seconds)
    if not allow_private:
        for text in found:
            if not is_public(ipaddress.ip_address(text.partition("%")[0])):
                raise AddressRefusedError(f"{parts.hostname} is the private address {text}")
    return found


def is_public(address: Address) -> bool:
    """Whether it is on the open internet: not private, loopback, link-local, multicast or reserved.

    An IPv4 address inside an IPv6 one (mapped, 6to4, Teredo, NAT64) is judged as itself.
    """
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if address.teredo is not None:
            return all(map(is_public, address.teredo))
        if inner is not None:
            return is_public(inner)
    return address.is_global and not address.is_multicast and not address.is_reserved


def _resolve(host: str, port: int, timeout_seconds: float) -> Sequence[str]:
    """Ask the system's resolver in a thread, because nothing else can end a lookup that hangs."""
    answers: list[str] = []
    problems: list[str] = []

    def ask() -> None:
        try:
            for *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
                answers.append(str(address[0]))
        except (OSError, UnicodeError) as error:
            problems.append(str(error))

    lookup = threading.Thread(target=ask, name="webhook-lookup", daemon=True)
    lookup.start()
    lookup.join(timeout_seconds)
    if lookup.is_alive():
        raise NameUnknownError(f"{host} did not resolve in {timeout_seconds:g} s")
    if not answers:
        raise NameUnknownError(f"{host}: {(problems or ['no address'])[0]}")
    return tuple(dict.fromkeys(answers))
