"""One file under two spellings: file systems that fold names answer to IMG.JPG and to img.jpg.

Samba, NTFS, HFS+ and ext4's `casefold` do, some of them for the two Unicode forms of an é as well.
Only what stands in the folder's listing is a name; another spelling would be a file that no scan
finds and that never goes.
"""

import os
import unicodedata

from twinlens.ingest.places import Place
from twinlens.model.files import Stat
from twinlens.store import files as files_store


def is_listed(path: bytes) -> bool:
    """Whether a path's folder lists its very name. An error counts as: it may be."""
    folder, _, name = path.rpartition(b"/")
    try:
        return name in os.listdir(folder or b"/")
    except FileNotFoundError:
        return False
    except OSError:
        return True


def is_other_spelling(place: Place, path: bytes, stat: Stat) -> bool:
    """Whether a path that is not known (relative) is no name, but a spelling of a known file.

    Inside a connection of the database.
    """
    spelling = _folded(path)
    alike = [
        known
        for known in files_store.other_names(0, stat)
        if known.root_id == place.root_id and known.path != path
    ]
    return any(_folded(known.path) == spelling for known in alike) and not is_listed(
        place.absolute(path)
    )


def _folded(path: bytes) -> str:
    text = path.decode("utf-8", "surrogateescape")
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
