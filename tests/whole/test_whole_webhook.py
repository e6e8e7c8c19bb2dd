"""Webhooks from the daemon to a real receiver."""

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from support.daemon import Daemon, House, eventually
from support.pictures import picture, put_picture

SECRET = "correct horse battery staple"
SOMETIME = 10.0


@dataclass
class Receiver:
    """What arrived; `answer` is the status that it gives."""

    port: int = 0
    answer: int = 204
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    received = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.requests.append(({k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(received.answer)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    received.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield received
    server.shutdown()
    server.server_close()
    thread.join(5.0)


def hook(port: int, **options: object) -> dict[str, object]:
    url = f"http://127.0.0.1:{port}/hook"
    events = ["file_arrived", "duplicate_found", "file_broken"]
    return {"url": url, "secret": SECRET, "events": events, "batch_seconds": 2} | options


def test_a_flood_of_arrivals_is_one_signed_message(house: House, receiver: Receiver) -> None:
    house.configure(webhook=hook(receiver.port, batch_seconds=4))
    for number in range(60):
        put_picture(house.root / f"{number}.jpg", number)
    with Daemon(house) as daemon:
        eventually(lambda: receiver.requests, 2 * SOMETIME)
        eventually(lambda: house.is_quiet() and not house.status()["webhooks"]["waiting"], SOMETIME)
        daemon.stop()

    assert len(receiver.requests) == 1
    headers, body = receiver.requests[0]
    stamp = headers["x-twinlens-timestamp"]
    expected = hmac.new(SECRET.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    assert headers["x-twinlens-signature"] == f"sha256={expected}"
    assert abs(time.time() - int(stamp)) < 60
    assert headers["x-twinlens-event-id"]
    assert SECRET.encode() not in body
    assert json.loads(body)["counts"]["file_arrived"] == 60
    assert SECRET not in daemon.log


@pytest.mark.slow
def test_what_a_dead_receiver_missed_is_delivered_after_a_restart(
    house: House, receiver: Receiver
) -> None:
    receiver.answer = 503
    house.configure(webhook=hook(receiver.port, batch_seconds=0))
    with Daemon(house) as daemon:
        put_picture(house.root / "one.jpg", 1)
        eventually(lambda: receiver.requests, SOMETIME)
        eventually(lambda: house.status()["webhooks"]["last_error"], SOMETIME)
        assert house.status()["webhooks"]["waiting"] >= 1
        assert daemon.is_running
        daemon.stop()
    first = receiver.requests[0]
    receiver.requests.clear()
    receiver.answer = 204

    with Daemon(house) as daemon:
        # The first pause between two tries is about ten seconds.
        eventually(lambda: receiver.requests, 25.0)
        eventually(lambda: house.status()["webhooks"]["waiting"] == 0, SOMETIME)
        daemon.stop()

    again = receiver.requests[0]
    assert again[1] == first[1], "the same message, byte for byte"
    assert again[0]["x-twinlens-event-id"] == first[0]["x-twinlens-event-id"]


def test_a_killed_daemon_delivers_what_it_had_put_down(house: House, receiver: Receiver) -> None:
    receiver.answer = 503
    house.configure(webhook=hook(receiver.port, batch_seconds=0))
    with Daemon(house) as daemon:
        put_picture(house.root / "one.jpg", 1)
        eventually(lambda: house.status()["webhooks"]["waiting"] >= 1, SOMETIME)
        daemon.kill()
    receiver.answer = 204

    with Daemon(house) as daemon:
        eventually(lambda: house.status()["webhooks"]["waiting"] == 0, 25.0)
        daemon.stop()

    assert receiver.requests


def test_only_the_events_that_were_asked_for_are_sent(house: House, receiver: Receiver) -> None:
    house.configure(webhook=hook(receiver.port, batch_seconds=0, events=["file_broken"]))
    with Daemon(house) as daemon:
        put_picture(house.root / "fine.jpg", 1)
        (house.root / "broken.jpg").write_bytes(picture(2)[:300])
        eventually(lambda: receiver.requests, SOMETIME)
        eventually(lambda: len(house.files()) == 2 and house.is_quiet(), SOMETIME)
        daemon.stop()

    text = b"".join(body for _, body in receiver.requests)
    assert b"broken.jpg" in text
    assert b"fine.jpg" not in text
