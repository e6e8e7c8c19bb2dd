"""The log survives hostile names and outputs that nobody reads."""

import json
import logging
import os
import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinlens.model.events import Event, EventName, Severity
from twinlens.notify.logs import (
    JsonFormatter,
    LogListener,
    PatientHandler,
    TextFormatter,
    configure,
    escaped,
)

_HOSTILE = "a\nb\r\x1b[31m\x7f\x9b\udcff\u202egpj\u2028é\U0001f600"


def _record(message: str, *args: object) -> logging.LogRecord:
    return logging.LogRecord("twinlens.x", logging.WARNING, "f.py", 1, message, args, None)


def _read_all(descriptor: int) -> str:
    with os.fdopen(descriptor, "rb") as stream:
        return stream.read().decode()


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    for descriptor in (reading, writing):
        try:
            os.close(descriptor)
        except OSError:
            continue


def test_what_a_terminal_could_act_on_is_spelled_out_and_letters_stay() -> None:
    assert escaped(_HOSTILE) == (r"a\x0ab\x0d\x1b[31m\x7f\x9b\udcff\u202egpj\u2028é" + "\U0001f600")
    assert escaped("صورة 照片") == "صورة 照片"


@given(st.text())
def test_any_text_becomes_one_line_that_can_be_written(text: str) -> None:
    line = TextFormatter().format(_record("looked at %s", text))

    assert len(line.splitlines()) == 1
    assert line.encode("utf-8")
    assert "\x1b" not in line


@given(st.text(st.characters(codec=None)))
def test_any_text_comes_back_from_its_json_line(text: str) -> None:
    line = JsonFormatter().format(_record("%s", text))

    assert line.isascii()
    assert line.isprintable()
    told = json.loads(line)
    assert told["level"] == "warning"
    # Two escaped halves of a pair read as the character they stand for, everywhere in JSON.
    assert told["message"].encode("utf-16", "surrogatepass") == text.encode(
        "utf-16", "surrogatepass"
    )


def test_a_traceback_cannot_pass_for_a_record() -> None:
    try:
        raise OSError("x\n2024-05-01T00:00:00.000Z INFO forged")
    except OSError as error:
        record = _record("failed")
        record.exc_info = (type(error), error, error.__traceback__)

    lines = TextFormatter().format(record).split("\n")

    assert all(line.startswith("  | ") for line in lines[1:])
    assert any("forged" in line for line in lines[1:])
    assert len(JsonFormatter().format(record).splitlines()) == 1


def test_events_are_written_at_their_severity_with_their_details_in_json(
    pipe: tuple[int, int],
) -> None:
    reading, writing = pipe
    event = Event(EventName.ROOT_UNREACHABLE, "root is gone", "77", "now", Severity.ERROR, {"n": 1})

    with configure(logging.INFO, "json", descriptor=writing):
        LogListener()(event)
    os.close(writing)

    told = json.loads(_read_all(reading))
    assert (told["level"], told["message"]) == ("error", "root_unreachable: root is gone")
    assert told["event"] == {"id": "77", "name": "root_unreachable", "details": {"n": 1}}


def test_the_log_is_put_back_as_it_was(pipe: tuple[int, int]) -> None:
    root = logging.getLogger()
    before = (root.handlers[:], root.level, logging.getLogger("httpx").level)

    with configure(logging.DEBUG, descriptor=pipe[1]):
        assert root.level == logging.DEBUG
        assert logging.getLogger("httpx").level == logging.WARNING

    assert (root.handlers[:], root.level, logging.getLogger("httpx").level) == before


def test_a_closed_reader_ends_nothing(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    os.close(reading)

    with configure(descriptor=writing):
        for number in range(100):
            logging.getLogger("twinlens").info("line %s", number)

    assert not [one for one in threading.enumerate() if one.name == "log-writer"]


def test_a_descriptor_that_is_not_there_ends_nothing() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    os.close(writing)
    handler = PatientHandler(writing)

    handler.handle(_record("into the void"))
    handler.close()

    assert not handler._writer.is_alive()


def test_a_stuck_reader_never_holds_the_daemon_up_and_is_told_what_it_missed(
    pipe: tuple[int, int],
) -> None:
    reading, writing = pipe
    handler = PatientHandler(writing, most_waiting=50)
    handler.setFormatter(TextFormatter())
    started = time.monotonic()

    for _ in range(2000):
        handler.handle(_record("x" * 1000))
    seconds = time.monotonic() - started
    collected: list[str] = []
    reader = threading.Thread(target=lambda: collected.append(_read_all(reading)))
    reader.start()
    handler.close(5)
    os.close(writing)
    reader.join(5)

    assert seconds < 2
    lines = collected[0].splitlines()
    written = sum(line.endswith("x" * 1000) for line in lines)
    dropped = sum(
        int(line.split("twinlens.notify.logs: ")[1].split()[0])
        for line in lines
        if "log lines dropped" in line
    )
    assert dropped > 0
    assert written + dropped == 2000


def test_a_non_blocking_output_loses_no_line(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    os.set_blocking(writing, False)
    handler = PatientHandler(writing)
    handler.setFormatter(TextFormatter())
    for _ in range(500):
        handler.handle(_record("y" * 1000))
    collected: list[str] = []
    reader = threading.Thread(target=lambda: collected.append(_read_all(reading)))
    reader.start()

    handler.close(5)
    os.close(writing)
    reader.join(5)

    assert len(collected[0].splitlines()) == 500


def test_a_record_that_cannot_be_put_into_words_stops_nothing(pipe: tuple[int, int]) -> None:
    reading, writing = pipe

    with configure(descriptor=writing):
        logging.getLogger("twinlens").warning("%d files", "many")
        logging.getLogger("twinlens").warning("still here")
    os.close(writing)

    text = _read_all(reading)
    assert "cannot be put into words: TypeError" in text
    assert "still here" in text


def test_the_journals_handler_is_used_where_it_is_handed_in() -> None:
    lines: list[str] = []

    class Journal(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    with configure(journal=Journal()):
        logging.getLogger("twinlens.x").info("a\nb")

    assert lines == [r"INFO twinlens.x: a\x0ab"]
