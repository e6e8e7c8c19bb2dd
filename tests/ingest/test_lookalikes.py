"""Claims about the search for near duplicates beside the store."""

from dataclasses import replace

import pytest

from support.made_up import measured, put_file, put_original, stat
from support.stores import Store
from twinlens.grouping.duplicates import PRESETS
from twinlens.ingest.lookalikes import Lookalikes
from twinlens.store import lookalikes as verdicts


def _picture(root_id: int, word: str, width: int) -> int:
    """A live picture in a size of its own, which looks like all others; its id."""
    measurement = replace(measured(phash=0x0F1E2D3C4B5A6978), width=width, height=width * 2 // 3)
    original_id = put_original(word, measurement=measurement)
    put_file(root_id, f"{word}.jpg".encode(), original_id, at=stat(width))
    return original_id


@pytest.mark.parametrize("is_warm", [True, False])
def test_a_first_arrival_reads_all_keys_only_where_the_index_is_cold(
    store: Store, root_id: int, is_warm: bool
) -> None:
    first = store.write(lambda: _picture(root_id, "a", 600))
    second = store.write(lambda: _picture(root_id, "b", 900))
    lookalikes = Lookalikes(PRESETS["normal"])
    if is_warm:
        store.write(lookalikes.warm)
    asked: list[str] = []

    def arrive() -> None:
        connection = store.database.peewee.connection()
        connection.set_trace_callback(asked.append)
        lookalikes.regroup([second])
        connection.set_trace_callback(None)

    store.write(arrive)

    reads = [sql for sql in asked if 'FROM "search_keys"' in sql and "WHERE" not in sql]
    assert len(reads) == (0 if is_warm else 1)
    found = store.read(lambda: [(v.first_id, v.second_id) for v in verdicts.verdicts_on([second])])
    assert found == [(first, second)]
