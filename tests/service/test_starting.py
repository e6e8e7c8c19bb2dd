"""Claims about a start that takes long."""

import pytest

from support.daemon import eventually
from twinlens.host.readiness import Readiness
from twinlens.service import starting


def test_a_long_start_asks_for_more_time_until_it_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = starting.ASK_EVERY_SECONDS
    monkeypatch.setattr(starting, "ASK_EVERY_SECONDS", 0.01)
    told: list[str] = []

    with starting.starting(Readiness(told.append)):
        eventually(lambda: len(told) > 3, 10.0)
    count = len(told)

    assert set(told) == {"EXTEND_TIMEOUT_USEC=90000000"}
    assert 2 * usual < starting.MORE_SECONDS
    assert len(told) == count
