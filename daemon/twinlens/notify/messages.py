"""The message that a webhook carries: one JSON object, pure ASCII, never above a size.

    {"id": "9f86…", "sent_at": "2024-05-01T10:20:30.123+00:00", "host": "nas",
     "summary": "5000 file_arrived, 1 problem",
     "counts": {"file_arrived": 5000, "problem": 1},
     "events": [{"id", "name", "at", "severity", "message", "details"}, …],
     "left_out": 4951}

`id` is the message's own and stays the same when it is sent again, so a receiver can drop what it
has seen. `host` is there where a name was configured. `counts` covers every event; `left_out` are
those that `events` does not hold for want of room. An event with `"shortened": true` lost its
details for the same reason. Paths are text with surrogate escapes (`\\udcXX`) where they are no
UTF-8.
"""

import json
from collections.abc import Mapping

from twinlens.model.events import Event
from twinlens.notify.batching import Batch

LEAST_BODY_BYTES = 2048
"""A message without a single event fits into this."""

_MOST_SHORT_BYTES = 400


def render(
    batch: Batch, *, message_id: str, sent_at: str, host: str | None, max_body_bytes: int
) -> bytes:
    """Put a batch into words; later events are left out first where the body would grow too big.

    Raises `ValueError` where `max_body_bytes` is below `LEAST_BODY_BYTES`.
    """
    if max_body_bytes < LEAST_BODY_BYTES:
        raise ValueError(f"a message needs {LEAST_BODY_BYTES} bytes, {max_body_bytes} are allowed")
    head: dict[str, object] = {"id": message_id, "sent_at": sent_at}
    if host is not None:
        head["host"] = _cut(host)
    head["summary"] = _summary(batch)
    head["counts"] = {name.value: number for name, number in sorted(batch.counts.items())}
    room = max_body_bytes - len(_encode({**head, "events": [], "left_out": 10**9}))
    events: list[Mapping[str, object]] = []
    for event in batch.events:
        told = _told(event)
        if len(_encode(told)) + 2 > room:
            told = _shortened(event)
        if len(_encode(told)) + 2 > room:
            break
        events.append(told)
        room -= len(_encode(told)) + 2
    left_out = batch.left_out + len(batch.events) - len(events)
    return _encode({**head, "events": events, "left_out": left_out})


def message_id_of(body: bytes) -> str | None:
    """The id inside a rendered message; None where the body is none."""
    try:
        told = json.loads(body)
    except ValueError:
        return None
    found = told.get("id") if isinstance(told, dict) else None
    return found if isinstance(found, str) else None


def _summary(batch: Batch) -> str:
    if len(batch.events) == 1 and batch.left_out == 0:
        return _cut(batch.events[0].message)
    often_first = sorted(batch.counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return ", ".join(f"{number} {name.value}" for name, number in often_first)


def _told(event: Event) -> dict[str, object]:
    return {
        "id": event.event_id,
        "name": event.name.value,
        "at": event.at,
        "severity": event.severity.value,
        "message": event.message,
        "details": event.details,
    }


def _shortened(event: Event) -> dict[str, object]:
    return {**_told(event), "message": _cut(event.message), "details": {}, "shortened": True}


def _cut(text: str) -> str:
    """The beginning of a text; escapes make a character up to twelve bytes long."""
    text = text[:_MOST_SHORT_BYTES]
    while len(_encode(text)) > _MOST_SHORT_BYTES:
        text = text[: len(text) * 3 // 4]
    return text


def _encode(value: object) -> bytes:
    return json.dumps(value, default=str, separators=(",", ":")).encode("ascii")
