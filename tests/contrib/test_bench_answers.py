"""The benchmark judges answers: what is true of a corpus, and how other programs' words read."""

import json
from pathlib import Path

import pytest

from corpus import LARGE, Corpus, truth_of
from peers import PEERS, Asked, Peer, of_findimagedupes, of_paragraphs, of_rdfind, of_rmlint
from report import Measured, as_text
from rows import Row, row_of
from truth import Truth, pairs_of, read_truth, score, write_truth

TRUTH = Truth(
    exact=[["a", "b"]],
    re_encoded=[["c", "d"]],
    bursts=[["e", "f", "g"]],
    photographs=[["h.DNG", "h.JPG"]],
)


def asked(folder: Path) -> Asked:
    return Asked(Path("/photos"), 2, folder, Path("python3"))


def test_whoever_says_the_truth_is_complete_and_right() -> None:
    found = score({("a", "b"), ("c", "d")}, TRUTH, near=True)

    assert (found.recall, found.precision, found.from_bursts) == (1.0, 1.0, 0)


def test_whoever_misses_a_pair_is_not_complete() -> None:
    found = score({("a", "b")}, TRUTH, near=True)

    assert (found.recall, found.precision) == (0.5, 1.0)


def test_frames_of_a_burst_are_no_duplicates() -> None:
    found = score(pairs_of([["e", "f"], ["a", "b"], ["c", "d"]]), TRUTH, near=True)

    assert (found.recall, found.from_bursts) == (1.0, 1)
    assert found.precision == pytest.approx(2 / 3)


def test_a_raw_beside_its_jpeg_counts_neither_way() -> None:
    said = pairs_of([["h.JPG", "h.DNG"], ["a", "b"], ["c", "d"]])

    assert score(said, TRUTH, near=True) == score({("a", "b"), ("c", "d")}, TRUTH, near=True)


def test_who_looks_for_equal_bytes_is_not_asked_for_re_encodings() -> None:
    assert score({("a", "b")}, TRUTH, near=False).recall == 1.0
    assert score({("c", "d")}, TRUTH, near=False).precision == 0.0


def test_whoever_says_nothing_finds_nothing_and_says_nothing_false() -> None:
    found = score(set(), TRUTH, near=True)

    assert (found.recall, found.precision) == (0.0, 1.0)


def test_a_group_of_three_is_three_pairs() -> None:
    assert pairs_of([["c", "a", "b"]]) == {("a", "b"), ("a", "c"), ("b", "c")}


def test_the_truth_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_truth(tmp_path / "truth.json", TRUTH)

    assert read_truth(tmp_path / "truth.json") == TRUTH


def test_the_large_corpus_has_copies_re_encodings_bursts_and_raws() -> None:
    truth = truth_of(LARGE)

    assert [len(truth.exact), len(truth.re_encoded), len(truth.photographs)] == [30, 30, 30]
    assert [len(burst) for burst in truth.bursts] == [5] * 8
    assert truth.photographs[0] == [
        "DCIM/100CANON/IMG_0061.JPG",
        "DCIM/100CANON/IMG_0061.DNG",
    ]


def test_no_file_of_a_corpus_has_two_meanings() -> None:
    truth = truth_of(Corpus("small", 100, (64, 64), 1, 0.1, 0.1, 0.1, 0.2))
    groups = [*truth.exact, *truth.re_encoded, *truth.bursts, *truth.photographs]
    paths = [path for group in groups for path in group]

    assert len(paths) == 80
    assert len(set(paths)) == len(paths)


def test_paragraphs_are_groups(tmp_path: Path) -> None:
    text = "/photos/a b.jpg\n/photos/c.jpg\n\n/photos/d.jpg\n/photos/e.jpg\n\n"

    assert of_paragraphs(text, asked(tmp_path)) == [
        ["/photos/a b.jpg", "/photos/c.jpg"],
        ["/photos/d.jpg", "/photos/e.jpg"],
    ]


def test_rmlints_entries_are_grouped_by_content(tmp_path: Path) -> None:
    entries = [
        {"description": "rmlint json-dump of lint files"},
        {"type": "duplicate_file", "checksum": "1", "size": 5, "path": "/photos/a"},
        {"type": "duplicate_file", "checksum": "2", "size": 5, "path": "/photos/b"},
        {"type": "duplicate_file", "checksum": "1", "size": 5, "path": "/photos/c"},
        {"type": "emptyfile", "checksum": "", "size": 0, "path": "/photos/d"},
    ]

    assert of_rmlint(json.dumps(entries), asked(tmp_path)) == [
        ["/photos/a", "/photos/c"],
        ["/photos/b"],
    ]


def test_rdfinds_copies_belong_to_the_first_of_their_number(tmp_path: Path) -> None:
    (tmp_path / "rdfind.txt").write_text(
        "# Automatically generated\n"
        "DUPTYPE_FIRST_OCCURRENCE 3 1 117776 65024 3989573 7 /photos/a b.jpg\n"
        "DUPTYPE_WITHIN_SAME_TREE -3 2 117776 65024 3989572 7 /photos/c.jpg\n"
    )

    assert of_rdfind("", asked(tmp_path)) == [["/photos/a b.jpg", "/photos/c.jpg"]]


def test_findimagedupes_names_may_have_spaces(tmp_path: Path) -> None:
    text = "/photos/a b.jpg /photos/c.jpg\n/photos/d.jpg /photos/e.jpg /photos/f g.jpg\n"

    assert of_findimagedupes(text, asked(tmp_path)) == [
        ["/photos/a b.jpg", "/photos/c.jpg"],
        ["/photos/d.jpg", "/photos/e.jpg", "/photos/f g.jpg"],
    ]


def test_a_program_that_is_not_installed_says_so(tmp_path: Path) -> None:
    absent = Peer("none", "exact", lambda _: ["no-such-program"], of_paragraphs)
    unable = Peer("none", "near", lambda _: ["python3"], of_paragraphs, "no_such_package")

    assert absent.missing(asked(tmp_path)) == "not measured: no-such-program is not installed"
    assert unable.missing(asked(tmp_path)) == "not measured: python3 cannot import no_such_package"


def test_every_program_is_asked_about_the_root_and_nothing_else(tmp_path: Path) -> None:
    for peer in PEERS:
        command = peer.command(asked(tmp_path))
        paths = [word for word in command if word.startswith("/") and "bench" not in word]

        assert "/photos" in paths, peer.name
        assert all(path == "/photos" or path.startswith(str(tmp_path)) for path in paths)


@pytest.mark.parametrize(
    ("measured", "is_floor", "met"),
    [(1.3, False, True), (1.4, False, False), (1.3, True, False), (None, False, None)],
)
def test_a_target_is_a_most_or_a_least(
    measured: float | None, is_floor: bool, met: bool | None
) -> None:
    row = Row("first", "ratio", measured, "x", 1.35, is_floor=is_floor)

    assert row.is_met is met
    assert row_of(json.loads(json.dumps(row.as_json()))) == row


def test_a_missed_target_stands_out_in_the_table() -> None:
    rows = (Row("first", "ratio", 1.4, "x", 1.35), Row("first", "memory", 100, "MiB", 260))
    text = as_text(Measured("first", "First", "2026-01-01", "a machine", rows))

    (ratio,) = (line for line in text.splitlines() if line.startswith("ratio"))
    (memory,) = (line for line in text.splitlines() if line.startswith("memory"))
    assert ratio.split() == ["ratio", "1.40", "x", "<=", "1.35", "x", "MISSED"]
    assert memory.split()[-1] == "met"
