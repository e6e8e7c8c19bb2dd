"""What is never looked at: the junk of other programs, and what the config leaves out.

One list serves watcher, poller and scanner, so that all three agree. Each entry says whose junk it
is, because an owner who misses a file wants to know who is to blame. The names come from field
rules, section 2. It refuses to judge a file by its content or size: an empty file waits.
"""

import re
from collections.abc import Sequence

CANARY_FOLDER = b".twinlens"
"""The daemon's own folder below a root; ignored, but watched for the canary's sake."""

EXCLUDED = "excluded by the config"
NOT_INCLUDED = "not included by the config"

_NAMES: dict[str, tuple[bytes, ...]] = {
    "Synology": (
        b"@eaDir",
        b"#recycle",
        b"#snapshot",
        b"@tmp",
        b"@sharebin",
        b"@SynologyCloudSync",
        b".SynologyWorkingDirectory",
    ),
    "QNAP": (
        b"@__thumb",
        b".@__thumb",
        b"@Recycle",
        b".@upload_cache",
        b".streams",
        b"@Recently-Snapshot",
    ),
    "snapshots and recycle bins": (
        b".zfs",
        b".snapshot",
        b"~snapshot",
        b".snapshots",
        b".recycle",
        b".ckpt",
        b"lost+found",
    ),
    "Syncthing": (b".stfolder", b".stversions", b".stignore"),
    "macOS": (
        b".DS_Store",
        b".AppleDouble",
        b".Spotlight-V100",
        b".Trashes",
        b".fseventsd",
        b"__MACOSX",
    ),
    "Windows": (
        b"Thumbs.db",
        b"ehthumbs.db",
        b"desktop.ini",
        b"$RECYCLE.BIN",
        b"System Volume Information",
    ),
    "desktop trash": (b".Trash",),
    "photo applications": (b".dtrash",),
}

_FOLDER_NAMES: dict[str, tuple[bytes, ...]] = {
    "Android thumbnails": (b".thumbnails",),
    "photo applications": (b".photostructure",),
    "twinlens": (CANARY_FOLDER,),
}

_PATTERNS: tuple[tuple[str, bytes], ...] = (
    ("Synology thumbnails", rb"syno(?:file|photo)_thumb_.*"),
    ("Synology", rb"~\.synoppsdb.*"),
    ("Syncthing", rb"(?:\.syncthing\..*|~syncthing~.*)\.tmp"),
    ("Android", rb"\.(?:pending|trashed)-[0-9]+-.*|\.thumbdata.*"),
    ("macOS", rb"\._.*"),
    ("desktop trash", rb"\.trash-.*"),
    # What a server leaves of a file that was deleted while somebody still had it open.
    ("deleted but still open", rb"\.smbdelete.*|\.nfs[0-9a-f]{16,}|\.fuse_hidden[0-9a-f]+"),
    (
        "partial transfer",
        rb".*\.(?:part|partial|filepart|crdownload|download|tmp|temp)|\.~.*|~\$.*",
    ),
)

_FILE_PATTERNS: tuple[tuple[str, bytes], ...] = (
    # rsync writes `.NAME.XXXXXX` and renames. Only files: `.family.photos` may be a real folder.
    ("rsync", rb"\..+\.[a-z0-9]{6}"),
)

_FOLDER_PATTERNS: tuple[tuple[str, bytes], ...] = (
    ("photo applications", rb".*\.(?:photoslibrary|lrdata)"),
)


class _Table:
    """Exact names and patterns with their owners; asked once for every path component."""

    def __init__(
        self,
        names: Sequence[dict[str, tuple[bytes, ...]]],
        patterns: Sequence[tuple[str, bytes]],
    ) -> None:
        self._owner_of_name = {
            name.lower(): owner
            for table in names
            for owner, members in table.items()
            for name in members
        }
        self._patterns = [(owner, re.compile(text, re.DOTALL)) for owner, text in patterns]
        joined = b"|".join(b"(?:%s)" % text for _, text in patterns)
        self._any_pattern = re.compile(joined, re.DOTALL).fullmatch

    def owner(self, name: bytes) -> str | None:
        lowered = name.lower()
        found = self._owner_of_name.get(lowered)
        if found is not None or self._any_pattern(lowered) is None:
            return found
        return next(owner for owner, pattern in self._patterns if pattern.fullmatch(lowered))


def _glob_to_expression(pattern: bytes) -> bytes:
    """Translate one glob so that it also matches everything below a folder that it names."""
    only_folders = pattern.endswith(b"/")
    body = pattern.strip(b"/")
    anchored = b"/" in body or pattern.startswith(b"/")
    expression = b"" if anchored else rb"(?:.*/)?"
    parts = body.split(b"/")
    for position, part in enumerate(parts):
        is_last = position == len(parts) - 1
        if part == b"**":
            expression += rb".*" if is_last else rb"(?:.*/)?"
        else:
            expression += _component_to_expression(part) + (b"" if is_last else b"/")
    return expression + (rb"/.*" if only_folders else rb"(?:/.*)?")


def _component_to_expression(part: bytes) -> bytes:
    """`*` and `?` stay within a component; `[...]` and `[!...]` are sets of single bytes."""
    expression = b""
    position = 0
    while position < len(part):
        char = part[position : position + 1]
        position += 1
        end = part.find(b"]", position + 1) if char == b"[" else -1
        if char == b"*":
            expression += rb"[^/]*"
        elif char == b"?":
            expression += rb"[^/]"
        elif end > 0:
            members = part[position:end]
            negated = members[:1] in (b"!", b"^")
            body = members[1:] if negated else members
            escaped = re.sub(rb"([\\\[\]^&~|])", rb"\\\1", body)
            expression += b"(?!/)[" + (b"^" if negated else b"") + escaped + b"]"
            position = end + 1
        else:
            expression += re.escape(char)
    return expression


def _compile(patterns: Sequence[str]) -> re.Pattern[bytes] | None:
    """One expression for all patterns; None where there is none. Raises ValueError on a bad one."""
    if not patterns:
        return None
    expressions = []
    for pattern in patterns:
        expression = _glob_to_expression(pattern.encode("utf-8", "surrogateescape"))
        try:
            re.compile(expression)
        except re.error as error:
            raise ValueError(f"not a usable pattern: {pattern!r} ({error})") from error
        expressions.append(b"(?:%s)" % expression)
    return re.compile(b"|".join(expressions), re.DOTALL | re.IGNORECASE)


class IgnoreList:
    """What is left out below one root.

    `include` and `exclude` are the owner's globs, relative to the root: `*` and `?` stay within a
    component, `**` spans any number of them, a pattern without a slash is looked for at every
    depth (as in `.gitignore`), one that ends in a slash means folders alone, and one that names a
    folder covers all below it. Letters match without regard to case. With a non-empty `include`
    only files that it covers are taken. Raises ValueError on a pattern that cannot be read.
    """

    def __init__(self, include: Sequence[str] = (), exclude: Sequence[str] = ()) -> None:
        self._include = _compile(include)
        self._exclude = _compile(exclude)
        self._files = _Table((_NAMES,), (*_PATTERNS, *_FILE_PATTERNS))
        self._folders = _Table((_NAMES, _FOLDER_NAMES), (*_PATTERNS, *_FOLDER_PATTERNS))

    def reason(self, relative: bytes, *, is_directory: bool) -> str | None:
        """Say why a path is left out; None where it is taken. Every component is judged."""
        *parents, _ = relative.split(b"/")
        for parent in parents:
            owner = self._folders.owner(parent)
            if owner is not None:
                return owner
        return self.reason_in_taken_folder(relative, is_directory=is_directory)

    def reason_in_taken_folder(self, relative: bytes, *, is_directory: bool) -> str | None:
        """As `reason`, for a path whose folder is known to be taken: only its name is judged."""
        if not relative:
            return None
        name = relative[relative.rfind(b"/") + 1 :]
        owner = (self._folders if is_directory else self._files).owner(name)
        if owner is not None or (self._include is None and self._exclude is None):
            return owner
        return self._reason_of_config(relative, is_directory=is_directory)

    def _reason_of_config(self, relative: bytes, *, is_directory: bool) -> str | None:
        # A folder is asked with its slash, which is what patterns for folders alone wait for.
        asked = relative + b"/" if is_directory else relative
        if self._exclude is not None and self._exclude.fullmatch(asked):
            return EXCLUDED
        if self._include is not None and not is_directory and not self._include.fullmatch(asked):
            return NOT_INCLUDED
        return None
