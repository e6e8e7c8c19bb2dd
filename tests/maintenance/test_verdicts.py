"""Claims about verdicts: rot is claimed only where nothing else explains the bytes."""

from dataclasses import replace

import pytest

from support.made_up import stat
from twinlens.maintenance.verdicts import judge
from twinlens.model.verification import Candidate, Reread, Verdict

WANTED = Candidate(1, 1, b"a.jpg", stat(5, ctime=10**10), "good", is_racy=False)
SAME = WANTED.stat


@pytest.mark.parametrize(
    ("read", "verdict"),
    [
        (Reread(SAME, ("good",)), Verdict.SOUND),
        (Reread(SAME, ("bad", "bad")), Verdict.ROTTEN),
        (Reread(SAME, ("bad", "good")), Verdict.UNREADABLE),
        (Reread(SAME, ("bad", "worse")), Verdict.UNREADABLE),
        (Reread(SAME, problem="not readable: Input/output error"), Verdict.UNREADABLE),
        (Reread(None, problem="not readable", is_transient=True), Verdict.UNREADABLE),
        (Reread(None, problem="gone"), Verdict.CHANGED),
        (Reread(SAME._replace(mtime_ns=1), ("bad", "bad")), Verdict.CHANGED),
        (Reread(SAME._replace(ctime_ns=1), ("bad", "bad")), Verdict.CHANGED),
        (Reread(SAME._replace(size=1), ("bad", "bad")), Verdict.CHANGED),
        (Reread(SAME._replace(inode=1), ("bad", "bad")), Verdict.CHANGED),
        (Reread(SAME._replace(mtime_ns=1), problem="changed while it was read"), Verdict.CHANGED),
        (Reread(SAME._replace(device=99), ("bad", "bad")), Verdict.ROTTEN),
    ],
)
def test_each_reading_has_its_verdict(read: Reread, verdict: Verdict) -> None:
    found, words = judge(WANTED, read)

    assert found is verdict
    assert bool(words) is (verdict in (Verdict.ROTTEN, Verdict.UNREADABLE))


def test_bytes_that_may_have_been_written_in_the_same_moment_are_no_rot() -> None:
    racy = replace(WANTED, is_racy=True)

    assert judge(racy, Reread(SAME, ("bad", "bad")))[0] is Verdict.CHANGED
    assert judge(racy, Reread(SAME, ("good",)))[0] is Verdict.SOUND
