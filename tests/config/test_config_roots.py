"""Roots side by side: one folder under two names is found out, a missing one only warned of."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from twinlens.config import roots as roots_module
from twinlens.config.mistakes import InvalidConfigError
from twinlens.config.roots import RootsCheck, check_roots, clash_of, inspect_roots
from twinlens.config.schema import Config
from twinlens.questions import NO_ANSWER, Questions


def local(_path: bytes) -> None:
    """Every path is on a local disk."""


def config(database: Path, *catalogs: list[str]) -> Config:
    data = {
        "catalog": [{"name": f"c{i}", "roots": roots} for i, roots in enumerate(catalogs)],
        "database": {"path": str(database)},
    }
    return Config.model_validate(data)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with `photos/2024`, `other`, a link to photos, and room for the state."""
    (tmp_path / "photos/2024").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    (tmp_path / "state").mkdir()
    (tmp_path / "link").symlink_to("photos")
    return tmp_path


def look(place: Path, *roots: str, database: str = "state/twinlens.db") -> RootsCheck:
    paths = [f"{place}/{root}" for root in roots]
    return inspect_roots(config(place / database, paths), local)


def test_folders_side_by_side_are_fine(place: Path) -> None:
    assert look(place, "photos", "other") == RootsCheck((), ())


def test_names_that_only_begin_alike_are_fine(place: Path) -> None:
    (place / "photos-old").mkdir()

    assert look(place, "photos", "photos-old") == RootsCheck((), ())


@pytest.mark.parametrize(
    "second", ["photos", "photos/", "photos//", "other/../photos", "link", "link/."]
)
def test_one_folder_under_two_names_is_refused(place: Path, second: str) -> None:
    (mistake,) = look(place, "photos", second).mistakes

    assert mistake.key == "catalog[0].roots[1]"
    assert "same folder" in mistake.found


@pytest.mark.parametrize(
    ("roots", "words"),
    [
        (("photos", "photos/2024"), "lies within"),
        (("photos/2024", "photos"), "holds"),
        (("link", "photos/2024"), "lies within"),
        (("photos", "link/2024"), "lies within"),
        (("photos", "photos/not/yet"), "lies within"),
    ],
)
def test_a_root_within_another_is_refused(place: Path, roots: tuple[str, ...], words: str) -> None:
    (mistake,) = look(place, *roots).mistakes

    assert words in mistake.found


def test_roots_of_different_catalogs_are_compared_too(place: Path) -> None:
    both = config(place / "state/x.db", [f"{place}/photos"], [f"{place}/photos/2024"])

    (mistake,) = inspect_roots(both, local).mistakes

    assert mistake.key == "catalog[1].roots[0]"


def test_the_whole_system_is_refused(place: Path) -> None:
    check = inspect_roots(config(place / "state/x.db", ["/"]), local)

    assert any("whole system" in mistake.found for mistake in check.mistakes)


def test_a_link_to_the_whole_system_is_refused(place: Path) -> None:
    (place / "all").symlink_to("/")

    assert any("whole system" in mistake.found for mistake in look(place, "all").mistakes)


def test_a_file_is_no_root(place: Path) -> None:
    (place / "photo.jpg").touch()

    (mistake,) = look(place, "photo.jpg").mistakes

    assert "is not a folder" in mistake.found


def test_a_missing_root_is_a_warning(place: Path) -> None:
    check = look(place, "photos", "share")

    assert check.mistakes == ()
    assert [f"{place}/share is not there now" in text for text in check.warnings] == [True]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_root_that_may_not_be_read_is_a_warning(place: Path) -> None:
    (place / "other").chmod(0)

    (warning,) = look(place, "other").warnings

    assert "may not be read" in warning


@pytest.mark.parametrize("database", ["photos/x.db", "photos/2024/x.db", "link/new/x.db"])
def test_a_database_within_a_root_is_refused(place: Path, database: str) -> None:
    (mistake,) = look(place, "photos", database=database).mistakes

    assert mistake.key == "database.path"
    assert "lies within the root" in mistake.found


def test_a_folder_is_no_database(place: Path) -> None:
    (mistake,) = look(place, "photos", database="state").mistakes

    assert "is a folder" in mistake.found


def test_a_root_in_the_folder_of_the_database_is_a_warning(place: Path) -> None:
    check = look(place, "photos", database="twinlens.db")

    assert check.mistakes == ()
    assert len(check.warnings) == 1


def test_a_database_on_a_network_share_is_refused(place: Path) -> None:
    asked = []

    def network(path: bytes) -> str:
        asked.append(path)
        return "nfs4"

    check = inspect_roots(config(place / "state/new/x.db", [f"{place}/photos"]), network)

    assert [("nfs4" in mistake.found) for mistake in check.mistakes] == [True]
    assert asked == [os.fsencode(place / "state")]  # the nearest folder that is there


def test_all_mistakes_come_at_once(place: Path) -> None:
    (place / "photo.jpg").touch()
    wrong = config(
        place / "photos/x.db", [f"{place}/photos", f"{place}/link", f"{place}/photo.jpg"]
    )

    with pytest.raises(InvalidConfigError) as caught:
        check_roots(wrong, local)

    assert len(caught.value.mistakes) >= 3
    assert len(str(caught.value).splitlines()) == len(caught.value.mistakes) + 1


def test_without_mistakes_the_warnings_are_returned(place: Path) -> None:
    warnings = check_roots(config(place / "state/x.db", [f"{place}/share"]), local)

    assert len(warnings) == 1


@pytest.mark.parametrize(
    ("bound", "second", "words"),
    [("photos", "other", "same folder"), ("photos", "other/2024", "lies within")],
)
def test_a_bind_mount_of_a_root_is_found_out(
    place: Path, bound: str, second: str, words: str
) -> None:
    program = (
        "from pathlib import Path\n"
        "from twinlens.config.roots import inspect_roots\n"
        "from twinlens.config.schema import Config\n"
        f"place = {str(place)!r}\n"
        "config = Config.model_validate({'database': {'path': place + '/state/x.db'},\n"
        f"    'catalog': [{{'name': 'a', 'roots': [place + '/photos', place + '/{second}']}}]}})\n"
        "print([mistake.found for mistake in inspect_roots(config, lambda path: None).mistakes])"
    )
    mount = f'mount --bind "{place}/{bound}" "{place}/other" || exit 77; exec "$0" -c "$1"'
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", mount]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}

    done = subprocess.run(
        [*command, sys.executable, program],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )

    if done.returncode == 77 or "unshare failed" in done.stderr:
        pytest.skip("mounting needs root and mount namespaces")
    assert done.returncode == 0, done.stderr
    assert words in done.stdout


@pytest.fixture
def hung(place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Path]]:
    """Paths below which nothing is answered."""
    paths: list[Path] = []
    is_over = threading.Event()
    real = os.path.realpath

    def hang(path: Path) -> str:
        if any(Path(path).is_relative_to(one) for one in paths):
            is_over.wait(30.0)
        return real(path)

    monkeypatch.setattr("twinlens.config.roots.os.path.realpath", hang)
    yield paths
    is_over.set()


def test_roots_that_do_not_answer_are_warned_of_and_waited_for_together(
    place: Path, hung: list[Path]
) -> None:
    hung += [place / "photos", place / "other"]
    (place / "local").mkdir()
    started = time.monotonic()

    check = look(place, "photos", "local", "other")

    assert time.monotonic() - started < 5.0
    assert check.mistakes == ()
    assert [NO_ANSWER in words for words in check.warnings] == [True, True]
    assert [words.split(":")[0] for words in check.warnings] == [
        "catalog[0].roots[0]",
        "catalog[0].roots[2]",
    ]


def test_a_root_that_does_not_answer_is_still_compared_by_its_spelling(
    place: Path, hung: list[Path]
) -> None:
    hung.append(place / "photos")

    (mistake,) = look(place, "photos", "photos/2024").mistakes

    assert "lies within" in mistake.found


def test_a_database_whose_disk_does_not_answer_is_refused(
    place: Path, hung: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roots_module, "DATABASE_SECONDS", 2.5)
    hung.append(place / "state")

    (mistake,) = look(place, "photos").mistakes

    assert mistake.key == "database.path"
    assert NO_ANSWER in mistake.found


def test_a_database_whose_disk_has_to_start_turning_is_waited_for(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.path.realpath

    def turn(path: Path) -> str:
        if Path(path).is_relative_to(place / "state"):
            time.sleep(3.0)
        return real(path)

    monkeypatch.setattr("twinlens.config.roots.os.path.realpath", turn)

    check = look(place, "photos")

    assert (check.mistakes, check.warnings) == ((), ())


@pytest.mark.parametrize("late", ["photos", "link"])
def test_of_two_names_of_one_folder_the_one_that_comes_later_is_refused(
    place: Path, late: str
) -> None:
    """Whichever of them the config names first."""
    both = config(place / "state/x.db", [f"{place}/photos", f"{place}/link", f"{place}/other"])

    words = clash_of(both, os.fsencode(place / late), Questions())

    assert words is not None
    assert f"{place}/{late} is the same folder as" in words
    assert clash_of(both, os.fsencode(place / "other"), Questions()) is None


def test_a_root_that_holds_what_twinlens_writes_is_refused_when_it_comes(place: Path) -> None:
    wrong = config(place / "photos/2024/x.db", [f"{place}/other", f"{place}/link"])

    words = clash_of(wrong, os.fsencode(place / "link"), Questions())

    assert words is not None
    assert "lies within the root" in words
    assert clash_of(wrong, os.fsencode(place / "other"), Questions()) is None


def test_a_root_that_hangs_anew_is_not_taken_for_one_that_lies_apart(
    place: Path, hung: list[Path]
) -> None:
    hung.append(place / "link")
    both = config(place / "state/x.db", [f"{place}/photos", f"{place}/link"])

    assert clash_of(both, os.fsencode(place / "link"), Questions()) == NO_ANSWER
