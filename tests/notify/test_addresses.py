"""Where a webhook may be sent to."""

import ipaddress
import socket
import time

import pytest

from twinlens.notify.addresses import (
    AddressRefusedError,
    NameUnknownError,
    checked_addresses,
    is_public,
)


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0",
        "100.64.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::1", "::", "fe80::1",
        "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:0001::1",
        "64:ff9b::a00:1", "2001:db8::1",
    ],
)  # fmt: skip
def test_what_is_not_on_the_open_internet_is_private(text: str) -> None:
    assert not is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", ["9.9.9.9", "2620:fe::fe", "64:ff9b::909:909", "::ffff:9.9.9.9"])
def test_what_is_on_the_open_internet_is_public(text: str) -> None:
    assert is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "http://localhost/", "http://2130706433/", "http://0x7f.1/",
        "http://[::ffff:127.0.0.1]:80/", "http://169.254.169.254/latest/meta-data",
    ],
)  # fmt: skip
def test_a_private_address_in_any_disguise_is_refused_unless_allowed(url: str) -> None:
    with pytest.raises(AddressRefusedError, match="private"):
        checked_addresses(url, allow_private=False, timeout_seconds=5)

    assert checked_addresses(url, allow_private=True, timeout_seconds=5)


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "gopher://9.9.9.9/", "http:///x", "//9.9.9.9/", "http://9.9.9.9:x/"],
)
def test_only_http_and_https_with_a_host_are_allowed(url: str) -> None:
    with pytest.raises(AddressRefusedError):
        checked_addresses(url, allow_private=True, timeout_seconds=5)


def test_one_private_address_among_public_ones_is_enough_to_refuse(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = [(2, 1, 6, "", ("9.9.9.9", 80)), (2, 1, 6, "", ("10.0.0.1", 80))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers)

    with pytest.raises(AddressRefusedError, match="10\\.0\\.0\\.1"):
        checked_addresses("https://rebinding.example/", allow_private=False, timeout_seconds=5)


def test_a_lookup_that_hangs_ends_at_its_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(1) or [])
    started = time.monotonic()

    with pytest.raises(NameUnknownError, match="did not resolve"):
        checked_addresses("https://slow.example/", allow_private=False, timeout_seconds=0.1)

    assert time.monotonic() - started < 0.8


def test_a_name_that_does_not_exist_may_exist_later(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    with pytest.raises(NameUnknownError, match="not known"):
        checked_addresses("https://nowhere.example/", allow_private=False, timeout_seconds=5)
