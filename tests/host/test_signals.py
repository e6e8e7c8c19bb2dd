"""Claims about signals."""

import os
import signal
import threading
import time

import pytest

from twinlens.host.signals import SignalFlags


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_request_to_end_sets_the_stop_flag(number: signal.Signals) -> None:
    with SignalFlags() as flags:
        os.kill(os.getpid(), number)

        assert flags.wait(5)
        assert flags.stop.is_set()
        assert not flags.reload.is_set()


def test_a_hangup_sets_the_reload_flag_until_it_is_cleared() -> None:
    with SignalFlags() as flags:
        os.kill(os.getpid(), signal.SIGHUP)

        assert flags.wait(5)
        assert flags.reload.is_set()
        assert not flags.stop.is_set()
        flags.reload.clear()
        assert not flags.wait(0.01)


def test_a_wait_ends_as_soon_as_a_signal_comes() -> None:
    with SignalFlags() as flags:
        timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGTERM))
        timer.start()
        began = time.monotonic()

        assert flags.wait(30)
        assert time.monotonic() - began < 10
        timer.join()


def test_a_wait_without_a_signal_ends_in_time() -> None:
    with SignalFlags() as flags:
        assert not flags.wait(0.01)


def test_a_storm_of_signals_blocks_nothing() -> None:
    with SignalFlags() as flags:
        for _ in range(5000):
            signal.raise_signal(signal.SIGHUP)

        assert flags.wait(5)


def test_the_old_handlers_come_back_and_no_thread_or_descriptor_stays() -> None:
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    threads = threading.active_count()
    descriptors = len(os.listdir("/proc/self/fd"))

    with SignalFlags():
        assert [signal.getsignal(number) for number in numbers] != before

    assert [signal.getsignal(number) for number in numbers] == before
    assert threading.active_count() == threads
    assert len(os.listdir("/proc/self/fd")) == descriptors


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_that_is_ended_does_not_end_the_service() -> None:
    with SignalFlags() as flags:
        ready, tell = os.pipe()
        child = os.fork()
        if child == 0:
            # Python drops signals that come before it has settled in the child.
            os.write(tell, b"x")
            time.sleep(10)
            os._exit(0)
        os.read(ready, 1)
        os.close(ready)
        os.close(tell)
        os.kill(child, signal.SIGTERM)
        _, status = os.waitpid(child, 0)

        assert os.WTERMSIG(status) == signal.SIGTERM
        assert not flags.wait(0.05)
