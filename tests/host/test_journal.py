"""Claims about logging to the journal."""

import importlib.util

import pytest

from twinlens.host.journal import journal_handler


def test_without_a_journal_there_is_no_handler() -> None:
    assert journal_handler({}) is None
    assert journal_handler({"JOURNAL_STREAM": ""}) is None


def test_with_a_journal_there_is_a_handler_where_the_library_is_installed() -> None:
    if importlib.util.find_spec("systemd") is None:
        assert journal_handler({"JOURNAL_STREAM": "8:1"}) is None
        pytest.skip("systemd-python is not installed")
    assert journal_handler({"JOURNAL_STREAM": "8:1"}) is not None
