"""Section L, the network: no route, no names, false names, inner addresses, false certificates."""

import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.daemon import SOURCE, Daemon, House, eventually
from support.mounts import Mounts
from support.pictures import put_picture
from support.receiver import Receiver, receiving
from twinlens.config.schema import WebhookConfig
from twinlens.notify.addresses import AddressRefusedError, checked_addresses
from twinlens.notify.delivery import Answer, Outcome, post

SOMETIME = 25.0


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as known:
        yield known


def send(url: str, seconds: float = 5.0, *, allow_private: bool = True) -> Answer:
    return post(url, b"{}", {}, timeout_seconds=seconds, allow_private=allow_private)


def test_l1_without_a_route_a_try_ends_at_once_and_is_worth_another() -> None:
    words = run_without_network(
        "from twinlens.notify.delivery import post\n"
        "for host in ('192.0.2.1', '[2001:db8::1]'):\n"
        "    print(post(f'http://{host}/', b'{}', {}, timeout_seconds=5, allow_private=True))\n"
    )

    assert words.count("Outcome.RETRY") == 2, words
    assert words.count("ConnectError") == 2, words


def run_without_network(script: str) -> str:
    """What a script prints in a network namespace that has no interface up."""
    words = ["unshare", "--net", "--", sys.executable, "-c", script]
    if os.geteuid() != 0:
        pytest.skip("only root can make a network namespace")
    done = subprocess.run(
        words,
        env={"PYTHONPATH": str(SOURCE), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    if "unshare failed" in done.stderr:
        pytest.skip(f"no network namespaces here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "http://169.254.169.254/latest/meta-data", "http://2130706433/",
        "http://0x7f.1/", "http://[::ffff:127.0.0.1]/", "http://[::1]/", "http://localhost/",
        "http://10.0.0.1/", "http://0.0.0.0/",
    ],
)  # fmt: skip
def test_l4_an_inner_address_in_any_disguise_is_refused_unless_allowed(url: str) -> None:
    answer = send(url, allow_private=False)

    assert answer.outcome is Outcome.REFUSED
    assert "private" in answer.reason
    assert checked_addresses(url, allow_private=True, timeout_seconds=5)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "gopher://127.0.0.1/", "ftp://host/", "x"])
def test_l4_a_scheme_other_than_http_is_refused_in_the_config_and_at_the_connection(
    url: str,
) -> None:
    with pytest.raises(ValueError, match="http"):
        WebhookConfig.model_validate({"url": url})

    assert send(url).outcome is Outcome.REFUSED


def test_l4_a_name_that_changes_its_address_after_the_check_gains_nothing(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    real = socket.getaddrinfo

    def rebinding(host: str, port: object, *rest: object, **more: object) -> object:
        if host != "rebinding.example":
            return real(host, port, *rest, **more)  # type: ignore[arg-type]  # passed on as it came
        asked.append(host)
        # Public at the first question, the machine itself at every later one.
        address = "192.0.2.1" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)

    answer = send(f"http://rebinding.example:{receiver.port}/", 0.5, allow_private=True)
    assert answer.outcome is Outcome.RETRY
    assert (len(asked), receiver.requests) == (1, [])
    # The control: what would have happened, had it been asked again.
    send(f"http://rebinding.example:{receiver.port}/", 2.0, allow_private=True)
    assert len(receiver.requests) == 1


def test_l4_one_inner_address_among_outer_ones_is_enough_to_refuse(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = [(2, 1, 6, "", ("9.9.9.9", 80)), (2, 1, 6, "", ("10.0.0.1", 80))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers)

    with pytest.raises(AddressRefusedError, match=r"10\.0\.0\.1"):
        checked_addresses("https://mixed.example/", allow_private=False, timeout_seconds=5)


class Authority:
    """A certificate authority of the test, which this process trusts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._openssl(
            *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=CA"),
            *("-keyout", "ca.key", "-out", "ca.pem"),
        )

    def _openssl(self, *words: str) -> None:
        subprocess.run(["openssl", *words], cwd=self.folder, check=True, capture_output=True)

    def certificate(self, name: str, *, is_expired: bool = False) -> ssl.SSLContext:
        """What a server needs to show a certificate for `name` from this authority."""
        (self.folder / "names").write_text(f"subjectAltName={name}\n", encoding="ascii")
        self._openssl(
            *("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=server"),
            *("-keyout", "key.pem", "-out", "asked.pem"),
        )
        when = ("-days", "-1") if is_expired else ("-days", "1")
        self._openssl(
            *("x509", "-req", "-in", "asked.pem", "-CA", "ca.pem", "-CAkey", "ca.key"),
            *("-CAcreateserial", "-extfile", "names", "-out", "cert.pem", *when),
        )
        return self.shown("cert.pem", "key.pem")

    def shown(self, certificate: str, key: str) -> ssl.SSLContext:
        """What a server needs to show these files."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / certificate, self.folder / key)
        return context


@contextmanager
def tls_server(context: ssl.SSLContext) -> Iterator[tuple[int, list[bytes]]]:
    """Answers one request over TLS; the port and what arrived."""
    arrived: list[bytes] = []

    def answer() -> None:
        try:
            connection, _ = server.accept()
            with connection, context.wrap_socket(connection, server_side=True) as tls:
                request = tls.recv(65536)
                # Whoever closes before all was read resets the connection, answer and all.
                while not request.endswith(b"{}") and (more := tls.recv(65536)):
                    request += more
                arrived.append(request)
                tls.sendall(b"HTTP/1.1 204 Fine\r\nContent-Length: 0\r\n\r\n")
        except OSError:
            return

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=answer)
        thread.start()
        yield server.getsockname()[1], arrived
        thread.join(10.0)


def test_l5_only_a_valid_certificate_of_the_right_name_from_a_trusted_authority_is_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    strangers = tmp_path / "strangers"
    strangers.mkdir()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    right = authority.certificate("IP:127.0.0.1")
    cases = {
        "the right one": right,
        "wrong name": authority.certificate("DNS:another.example"),
        "expired": authority.certificate("IP:127.0.0.1", is_expired=True),
        "self-signed": Authority(strangers).shown("ca.pem", "ca.key"),
    }
    told = {}
    for case, context in cases.items():
        with tls_server(context) as (port, arrived):
            answer = send(f"https://127.0.0.1:{port}/")
        told[case] = (answer.outcome, bool(arrived and arrived[0]), answer.reason)

    assert told.pop("the right one")[:2] == (Outcome.DELIVERED, True)
    for case, (outcome, has_arrived, reason) in told.items():
        assert (outcome, has_arrived) == (Outcome.RETRY, False), case
        assert "CERTIFICATE_VERIFY_FAILED" in reason, case


def test_l6_names_that_never_resolve_delay_neither_the_start_nor_the_pictures(
    house: House, mounts: Mounts
) -> None:
    resolver = house.folder / "resolv.conf"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as black_hole:
        try:
            black_hole.bind(("127.0.0.153", 53))
        except OSError as error:
            pytest.skip(f"no name server can be played here: {error}")
        resolver.write_text("nameserver 127.0.0.153\noptions timeout:30 attempts:5\n")
        mounts.run("mount", "--bind", resolver, "/etc/resolv.conf")
        hook = {"url": "http://receiver.example/", "batch_seconds": 0, "timeout_seconds": 1.0}
        house.configure(webhook=hook | {"events": ["file_arrived"]})
        started = time.monotonic()
        with Daemon(house, prefix=mounts.prefix) as daemon:
            took = time.monotonic() - started
            put_picture(house.root / "one.jpg", 1)
            eventually(lambda: "one.jpg" in house.files(), SOMETIME)
            eventually(lambda: house.status()["webhooks"]["last_error"], SOMETIME)
            assert black_hole.recv(512), "the name server was asked"
            assert daemon.stop() < SOMETIME
    webhooks = house.status()["webhooks"]
    assert took < SOMETIME
    assert "receiver.example did not resolve in 1 s" in webhooks["last_error"]
    assert (webhooks["waiting"], webhooks["given_up"]) == (1, 0)


def test_l9_without_any_network_the_daemon_starts_and_takes_pictures_in(house: House) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can make a network namespace")
    if subprocess.run(["unshare", "--net", "true"], check=False).returncode != 0:
        pytest.skip("no network namespaces here")
    hook = {"url": "http://127.0.0.1:9/", "batch_seconds": 0, "events": ["file_arrived"]}
    house.configure(webhook=hook)
    put_picture(house.root / "one.jpg", 1)
    # The manager's socket is one of the network's names: nobody hears of READY in there.
    with Daemon(house, prefix=("unshare", "--net", "--"), is_waited_for=False) as daemon:
        eventually(lambda: "daemon_started" in daemon.log, 2 * SOMETIME)
        eventually(lambda: "one.jpg" in house.files(), SOMETIME)
        eventually(lambda: house.status()["webhooks"]["last_error"], SOMETIME)
        assert "ConnectError" in house.status()["webhooks"]["last_error"]
        assert house.status()["webhooks"]["waiting"] >= 1
        assert daemon.stop() < SOMETIME
