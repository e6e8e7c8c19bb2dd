"""Miniatures: the small picture of every content whose looks mean something, and its search keys.

They lie in two tables beside the contents: the search index reads all keys and no pixels, a
comparison the pixels of a few, and whoever asks for anything else reads neither.
"""

from collections.abc import Iterable, Iterator

from twinlens.model.miniature import KEYS_BYTES
from twinlens.store.statements import Statement, any_of, slot
from twinlens.store.tables import Miniature, SearchKeys

_AT_A_TIME = 4096

_PUT_PIXELS = Statement(
    Miniature,
    lambda: Miniature.insert(
        original=slot("original"), pixels=slot("pixels")
    ).on_conflict_replace(),
)
_PUT_KEYS = Statement(
    SearchKeys,
    lambda: SearchKeys.insert(original=slot("original"), keys=slot("keys")).on_conflict_replace(),
)

_OF = Statement(
    SearchKeys,
    lambda: (
        SearchKeys.select(SearchKeys.original, SearchKeys.keys, Miniature.pixels)
        .join(Miniature, on=(Miniature.original == SearchKeys.original))
        .where(SearchKeys.original.in_(any_of("originals")))
    ),
)


def put(original_id: int, miniature: bytes) -> None:
    """Record the miniature of a content (layout: model/miniature.py). In a transaction."""
    _PUT_KEYS.insert(original=original_id, keys=miniature[:KEYS_BYTES])
    _PUT_PIXELS.insert(original=original_id, pixels=miniature[KEYS_BYTES:])


def forget(original_id: int) -> None:
    """The content's looks mean nothing, or are not known any more. In a transaction."""
    for table in (SearchKeys, Miniature):
        table.delete().where(table.original == original_id).execute()


def of(original_ids: Iterable[int]) -> dict[int, bytes]:
    """The miniatures of those of these contents that have one."""
    rows = _OF.tuples(originals=original_ids)
    return {original_id: keys + pixels for original_id, keys, pixels in rows}


def every_key() -> Iterator[tuple[list[int], bytes]]:
    """The keys of every content, referenced or not: some ids, ascending, and their keys one after
    the other, `KEYS_BYTES` each."""
    query = SearchKeys.select(SearchKeys.original, SearchKeys.keys).order_by(SearchKeys.original)
    database = SearchKeys._meta.database
    cursor = database.execute(query)
    while rows := cursor.fetchmany(_AT_A_TIME):
        yield [original_id for original_id, _ in rows], b"".join([keys for _, keys in rows])
