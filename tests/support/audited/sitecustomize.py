"""Loaded by every Python process that has this folder on its path: tells what changes a file.

Each line of $TWINLENS_AUDIT is "event, tab, path" of an event that can change something on a disk.
"""

import os
import sys

_LOG = os.environ.get("TWINLENS_AUDIT")
_CHANGING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# Event: the places of its paths, and of the descriptors that they are relative to (None: no such).
_EVENTS = {
    "os.mkdir": ((0, 2),),
    "os.remove": ((0, 1),),
    "os.rmdir": ((0, 1),),
    "os.rename": ((0, 2), (1, 3)),
    "os.link": ((0, 2), (1, 3)),
    "os.symlink": ((1, 2),),
    "os.truncate": ((0, None),),
    "os.chmod": ((0, 2),),
    "os.chown": ((0, 3),),
    "os.utime": ((0, 3),),
    "os.setxattr": ((0, None),),
    "os.removexattr": ((0, None),),
    "os.chflags": ((0, None),),
}
_CALLS = ("rename", "link", "unlink", "truncate", "fallocate")


def _path(value, folder):
    if isinstance(value, int):
        return os.readlink(f"/proc/self/fd/{value}")
    path = os.fsdecode(value)
    if os.path.isabs(path):
        return path
    if isinstance(folder, int) and folder >= 0:
        return os.path.join(os.readlink(f"/proc/self/fd/{folder}"), path)
    # `open` does not say which folder it is relative to.
    return f"?/{path}"


def _install(log):
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)

    def tell(event, path):
        text = f"{event}\t{path}\n".encode("utf-8", "surrogateescape")
        os.write(descriptor, text)

    def hook(event, arguments):
        if event == "open":
            path, _, flags = arguments
            if isinstance(flags, int) and flags & _CHANGING and path is not None:
                tell(event, _path(path, None))
        elif event == "ctypes.dlsym":
            name = str(arguments[1])
            if any(call in name for call in _CALLS):
                tell(event, f"?/{name}")
        elif event in _EVENTS:
            for place, folder in _EVENTS[event]:
                tell(event, _path(arguments[place], None if folder is None else arguments[folder]))

    sys.addaudithook(hook)


if _LOG:
    _install(_LOG)
