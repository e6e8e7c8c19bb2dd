"""What reading a file again proves: pure, from what was recorded and what was read.

Rot is claimed only where nothing else explains the bytes: size, time of writing and time of change
are the recorded ones, two readings agree, and the file was not written again in the very moment it
was recorded in. Whatever is in doubt is a change, and is looked at like one.
"""

from twinlens.model.verification import Candidate, Reread, Verdict

_FLICKERS = "two readings gave different bytes: disk, cable or memory"
_ROTS = "its bytes changed, and nothing says that anybody wrote to it"


def judge(wanted: Candidate, read: Reread) -> tuple[Verdict, str | None]:
    """The verdict, and for a damage what is wrong in words."""
    is_unknown = read.stat is None and read.is_transient
    is_untouched = read.stat is not None and wanted.stat.is_same_content_as(read.stat)
    if not is_unknown and not is_untouched:
        return Verdict.CHANGED, None
    if is_unknown or not read.digests:
        return Verdict.UNREADABLE, read.problem
    return _of_bytes(wanted, read.digests)


def _of_bytes(wanted: Candidate, digests: tuple[str, ...]) -> tuple[Verdict, str | None]:
    if digests[0] == wanted.expected:
        return Verdict.SOUND, None
    if len(set(digests)) > 1:
        return Verdict.UNREADABLE, _FLICKERS
    return (Verdict.CHANGED, None) if wanted.is_racy else (Verdict.ROTTEN, _ROTS)
