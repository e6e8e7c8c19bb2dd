"""Claims about files in the store: any name, any number, one row a path."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.made_up import AT, put_file, put_original, stat
from support.stores import Store
from twinlens.model.files import FileStatus, Stat
from twinlens.model.picture import Fingerprint, Kind, Measurement
from twinlens.store import files, known_files, originals
from twinlens.store.integers import to_signed, to_unsigned

NAMES = [
    b"plain.jpg",
    "Übung, 写真, \N{CAMERA}.jpg".encode(),
    b"latin1 \xe9\xff\xfe.jpg",
    b"line\nbreak\ttab\x1b[31m.jpg",
    b"x" * 251 + b".jpg",
    b"' OR 1=1; DROP TABLE file; --.jpg",
    b" leading and trailing ",
    b"\xf0\x28\x8c\x28",
    b"\xed\xa0\x80.jpg",
]


@given(st.integers(min_value=0, max_value=2**64 - 1))
def test_every_unsigned_64_bit_number_comes_back(value: int) -> None:
    signed = to_signed(value)

    assert -(2**63) <= signed < 2**63
    assert to_unsigned(signed) == value


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("folder", [b"", b"2026/01", b"na\xefve\n"])
def test_any_name_comes_back_as_it_was(
    store: Store, root_id: int, folder: bytes, name: bytes
) -> None:
    path = folder + b"/" + name if folder else name

    file_id = store.write(lambda: put_file(root_id, path, None))

    record = store.read(lambda: files.find(root_id, path))
    assert record is not None
    assert (record.id, record.path) == (file_id, path)
    assert list(store.read(lambda: known_files.in_directory(root_id, folder))) == [name]


@pytest.mark.parametrize("number", [0, 1, 2**32, 2**63 - 1, 2**63, 2**64 - 1])
def test_large_inodes_and_devices_come_back_and_are_found(
    store: Store, root_id: int, number: int
) -> None:
    at = Stat(number, number, 10, -5, 2**62)

    def work() -> None:
        put_file(root_id, b"a.jpg", put_original("a"), at=at)

    store.write(work)

    record = store.read(lambda: files.find(root_id, b"a.jpg"))
    assert record is not None
    assert record.stat == at
    assert [r.stat for r in store.read(lambda: files.with_inode(at))] == [at]


@pytest.mark.parametrize("bits", [0, 1, 2**63 - 1, 2**63, 0xFEDCBA9876543210, 2**64 - 1])
def test_large_hashes_come_back(store: Store, bits: int) -> None:
    prints = Fingerprint(bits, bits ^ 1, bits ^ 2, bits ^ 3)
    measurement = Measurement("image/jpeg", Kind.IMAGE, fingerprint=prints)

    def work() -> int:
        original_id = originals.put("ab" * 32, 10, measurement)
        originals.add_reference(original_id)
        return original_id

    original_id = store.write(work)

    assert store.read(lambda: originals.get(original_id)).measurement.fingerprint == prints
    assert store.read(lambda: list(originals.hashes())) == [(original_id, bits)]


def test_a_path_that_changes_keeps_its_row(store: Store, root_id: int) -> None:
    first = store.write(lambda: put_file(root_id, b"a.jpg", None, at=stat(1)))
    second = store.write(lambda: put_file(root_id, b"a.jpg", None, at=stat(2)))

    assert first == second
    assert store.read(lambda: files.count_live(root_id)) == 1


def test_a_file_that_is_gone_is_kept_but_not_live(store: Store, root_id: int) -> None:
    file_id = store.write(lambda: put_file(root_id, b"d/a.jpg", None))

    store.write(lambda: files.set_gone(file_id, AT))

    record = store.read(lambda: files.find(root_id, b"d/a.jpg"))
    assert record is not None
    assert record.status is FileStatus.GONE
    assert store.read(lambda: known_files.in_directory(root_id, b"d")) == {}
    assert store.read(lambda: files.below(root_id, b"")) == []
    assert store.read(lambda: files.count_live(root_id)) == 0


def test_every_folder_that_ever_held_a_file_is_named_once(store: Store, root_id: int) -> None:
    for path in (b"top.jpg", b"b/1.jpg", b"b/2.jpg", b"b/c/1.jpg", b"b.d/1.jpg", b"\xff/1.jpg"):
        store.write(lambda path=path: put_file(root_id, path, None))
    gone = store.write(lambda: put_file(root_id, b"a/gone.jpg", None))
    store.write(lambda: files.set_gone(gone, AT))

    found = store.read(lambda: list(known_files.directories(root_id)))

    assert found == [b"a", b"b", b"b.d", b"b/c", b"\xff"]


@pytest.mark.parametrize(
    ("seen", "is_as"),
    [
        (Stat(1, 2**64 - 1, 10, -5, 2**62), True),
        (Stat(2, 2**64 - 1, 10, -5, 2**62), True),
        (Stat(1, 2**64 - 2, 10, -5, 2**62), False),
        (Stat(1, 2**64 - 1, 11, -5, 2**62), False),
        (Stat(1, 2**64 - 1, 10, -4, 2**62), False),
        (Stat(1, 2**64 - 1, 10, -5, 2**62 + 1), False),
    ],
)
def test_a_file_is_as_it_was_where_all_but_the_device_is_equal(
    store: Store, root_id: int, seen: Stat, is_as: bool
) -> None:
    store.write(lambda: put_file(root_id, b"a.jpg", None, at=Stat(1, 2**64 - 1, 10, -5, 2**62)))

    known = store.read(lambda: known_files.in_directory(root_id, b""))[b"a.jpg"]

    assert known.is_as(seen) is is_as


def test_below_a_folder_are_its_own_files_and_no_neighbours(store: Store, root_id: int) -> None:
    paths = [b"a/1", b"a/b/2", b"a/b/c/3", b"a0/4", b"a-/5", b"a\xff/6", b"aa/7", b"8"]
    store.write(lambda: [put_file(root_id, path, None) for path in paths])

    assert {r.path for r in store.read(lambda: files.below(root_id, b"a"))} == {*paths[:3]}
    assert {r.path for r in store.read(lambda: files.below(root_id, b"a/b"))} == {*paths[1:3]}
    assert {r.path for r in store.read(lambda: files.below(root_id, b""))} == set(paths)


folders = st.lists(st.sampled_from([b"a", b"a b", b"a/", b"b", b"0", b"\xff"]), max_size=3)


@given(paths=st.lists(folders, max_size=8), folder=folders)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_below_agrees_with_the_names(
    store: Store, root_id: int, paths: list[list[bytes]], folder: list[bytes]
) -> None:
    wanted = {b"/".join([*(s.strip(b"/") for s in steps), b"x"]) for steps in paths}
    top = b"/".join(s.strip(b"/") for s in folder)

    def work() -> set[bytes]:
        for record in files.below(root_id, b""):
            files.delete(record.id)
        for path in wanted:
            put_file(root_id, path, None)
        return {record.path for record in files.below(root_id, top)}

    assert store.write(work) == {p for p in wanted if not top or p.startswith(top + b"/")}


def test_forgetting_drops_only_what_is_gone_for_long(store: Store, root_id: int) -> None:
    def work() -> None:
        old = put_file(root_id, b"old", None)
        young = put_file(root_id, b"young", None)
        put_file(root_id, b"live", None)
        files.set_gone(old, "2026-01-01T00:00:00+00:00")
        files.set_gone(young, "2026-01-03T00:00:00+00:00")

    store.write(work)

    assert store.write(lambda: files.forget_gone("2026-01-02T00:00:00+00:00", 10)) == 1
    assert store.read(lambda: files.find(root_id, b"old")) is None
    assert store.read(lambda: files.find(root_id, b"young")) is not None
    assert store.read(lambda: files.find(root_id, b"live")) is not None
