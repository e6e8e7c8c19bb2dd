"""Claims about asking a disk that may never answer: nobody waits for ever."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from twinlens.questions import Questions


class Share:
    """Answers once it is told to; `asked` counts who came."""

    def __init__(self) -> None:
        self.asked = 0
        self._answers = threading.Event()

    def ask(self) -> str:
        """What a disk would be asked."""
        self.asked += 1
        self._answers.wait(30.0)
        return "here"

    def answer(self) -> None:
        """From now on everybody gets an answer."""
        self._answers.set()


@pytest.fixture
def share() -> Iterator[Share]:
    """A share that hangs, and answers at the end."""
    hung = Share()
    yield hung
    hung.answer()


def seconds_of(work: Callable[[], object]) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started


def test_an_answer_is_given_and_an_error_is_raised_in_whoever_asked() -> None:
    questions = Questions()

    def fail() -> str:
        raise OSError("no such disk")

    assert questions.ask("a", lambda: "here", 5.0, None) == "here"
    with pytest.raises(OSError, match="no such disk"):
        questions.ask("a", fail, 5.0, None)
    assert questions.ask("a", lambda: "here again", 5.0, None) == "here again"


def test_a_share_that_hangs_is_asked_once_however_often_it_is_looked_at(share: Share) -> None:
    questions = Questions()
    assert questions.ask("share", share.ask, 0.1, "late") == "late"
    before = threading.active_count()

    def look() -> None:
        assert [questions.ask("share", share.ask, 0.1, "late") for _ in range(100)] == (
            ["late"] * 100
        )

    assert seconds_of(look) < 5.0
    assert share.asked == 1
    assert threading.active_count() == before


def test_who_is_more_patient_waits_for_the_rest_of_his_time(share: Share) -> None:
    """A disk that has to start turning is no share that hangs."""
    questions = Questions()
    assert questions.ask("share", share.ask, 0.2, "late") == "late"
    time.sleep(0.5)

    def look() -> None:
        assert questions.ask("share", share.ask, 1.5, "late") == "late"

    assert seconds_of(look) < 1.2
    threading.Timer(0.2, share.answer).start()
    assert questions.ask("share", lambda: "there", 30.0, "late") == "there"


def test_a_share_that_hangs_holds_up_no_question_about_another(share: Share) -> None:
    questions = Questions()
    questions.ask("share", share.ask, 0.1, "late")

    assert questions.ask("disk", lambda: "here", 5.0, "late") == "here"


def test_several_shares_that_hang_are_waited_for_together(share: Share) -> None:
    questions = Questions()
    wanted = dict.fromkeys("abcd", share.ask) | {"disk": lambda: "well"}

    def look() -> None:
        answers = questions.ask_all(wanted, 0.5, None)
        assert answers == dict.fromkeys("abcd") | {"disk": "well"}

    assert seconds_of(look) < 1.5


def test_a_share_that_answers_again_is_asked_anew(share: Share) -> None:
    questions = Questions()
    questions.ask("share", share.ask, 0.1, "late")
    share.answer()

    deadline = time.monotonic() + 10.0
    while questions.ask("share", lambda: "back", 5.0, "late") == "late":
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_whoever_comes_while_another_is_still_patient_waits_and_asks_himself(share: Share) -> None:
    """An answer to a question that was put earlier says nothing of the time since."""
    questions = Questions()
    answers: list[str | None] = []
    first = threading.Thread(
        target=lambda: answers.append(questions.ask("share", share.ask, 20.0, None))
    )
    first.start()
    while not share.asked:
        time.sleep(0.01)
    threading.Timer(0.2, share.answer).start()

    assert questions.ask("share", lambda: "later", 20.0, None) == "later"
    first.join(10.0)
    assert answers == ["here"]


def test_a_thread_that_the_system_does_not_grant_bars_nobody_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    questions = Questions()

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError):
            questions.ask("disk", lambda: "here", 5.0, None)

    assert questions.ask("disk", lambda: "here", 5.0, None) == "here"
