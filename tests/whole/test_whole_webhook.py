"""Webhooks from the daemon to a real receiver."""

import hashlib
import hmac
import json
import time
from collections.abc import Iterator

import pytest

from support.daemon import Daemon, House, eventually
from support.pictures import picture, put_picture
from support.receiver import Receiver, receiving

SECRET = "correct horse battery staple"
SOMETIME = 30.0


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as known:
        yield known


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
