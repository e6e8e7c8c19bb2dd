"""Why a step is not carried out, in words. A refusal means that nothing was changed."""

import errno
import os

_WORDS = {
    errno.ENOENT: "is not there any more",
    errno.ENOTDIR: "is not reached by folders alone",
    errno.ELOOP: "is a symbolic link, or lies behind one",
    errno.EXDEV: "lies on another mount than its root, or than the other file",
    errno.EAGAIN: "is open for writing in another program",
    errno.EWOULDBLOCK: "is open for writing in another program",
    errno.ETXTBSY: "is being run as a program",
    errno.EACCES: "belongs to another user, and the daemon may not lock it (CAP_LEASE)",
    errno.EPERM: "may not be changed: it is immutable, or belongs to another user",
    errno.EROFS: "lies on a file system that is mounted read-only",
    errno.EIO: "cannot be read: the disk reports an error",
    errno.ENOSPC: "cannot be acted on: the disk is full",
    errno.EDQUOT: "cannot be acted on: the quota is used up",
    errno.EMLINK: "has as many hard links as the file system allows",
    errno.EMFILE: "cannot be opened: too many files are open",
    errno.ENFILE: "cannot be opened: too many files are open",
}


class Refused(Exception):  # noqa: N818 - it is no error: the file is spared, and that is right
    """The step is not carried out; the message says why, for the owner."""


def refusal(what: str, error: OSError) -> Refused:
    """The refusal for an error of the system about one file."""
    number = error.errno or 0
    return Refused(f"{what} {_WORDS.get(number, f'cannot be used ({os.strerror(number)})')}")
