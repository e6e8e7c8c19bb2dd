"""When an inode was made: what tells a renamed file from a new one that got a freed inode number.

ext4 gives the number of a deleted file to the next one that is made. With an equal size and mtime
(RAWs of a fixed size, times of whole seconds) nothing else in `stat` tells the two apart.
"""

import ctypes
import os
import struct

_AT_FDCWD = -100
_AT_SYMLINK_NOFOLLOW = 0x100
_STATX_BTIME = 0x800
_STRUCT_BYTES = 256
# struct statx (linux/stat.h): stx_mask leads; stx_btime (seconds, nanoseconds) lies at offset 80.
_MASK = struct.Struct("=I")
_BTIME = struct.Struct("=qI")
_BTIME_OFFSET = 80


def birth_ns(path: bytes) -> int | None:
    """Nanoseconds since the epoch; None where the file system or the C library does not tell.

    A link is not followed. Raises OSError where the path cannot be asked.
    """
    try:
        statx = ctypes.CDLL(None, use_errno=True).statx
    except (AttributeError, OSError):
        return None
    buffer = ctypes.create_string_buffer(_STRUCT_BYTES)
    result = statx(
        ctypes.c_int(_AT_FDCWD),
        ctypes.c_char_p(path),
        ctypes.c_int(_AT_SYMLINK_NOFOLLOW),
        ctypes.c_uint(_STATX_BTIME),
        buffer,
    )
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), path)
    (mask,) = _MASK.unpack_from(buffer)
    if not mask & _STATX_BTIME:
        return None
    seconds, nanoseconds = _BTIME.unpack_from(buffer, _BTIME_OFFSET)
    return int(seconds) * 1_000_000_000 + int(nanoseconds)
