"""The locked requirements: exact, hashed, all that is declared, and of no particular registry."""

import re
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
FILES = sorted(REPOSITORY.glob("requirements*.txt"))


def requirements(path: Path) -> dict[str, list[str]]:
    """Each pinned requirement and its hashes."""
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line.split("--hash=") for line in text.splitlines() if line.strip()]
    return {line[0].strip(): [part.strip() for part in line[1:]] for line in lines}


def names(path: Path) -> set[str]:
    return {re.split(r"[=\s;]", line)[0] for line in requirements(path)}


def declared(entries: list[str]) -> set[str]:
    return {re.split(r"[<>=~!\[;\s]", entry)[0].lower() for entry in entries}


def test_there_are_four_files() -> None:
    assert [path.name for path in FILES] == [
        "requirements-s3.txt",
        "requirements-systemd.txt",
        "requirements-test.txt",
        "requirements.txt",
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_requirement_is_exact_and_hashed(path: Path) -> None:
    for requirement, hashes in requirements(path).items():
        assert re.match(r"^[a-z0-9-]+==[0-9][^ ]*( ;.*)?$", requirement)
        assert hashes
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", item) for item in hashes)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_host_and_no_option_is_named(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert "://" not in text
    assert not re.search(r"^\s*-(?!-hash=)", text, flags=re.MULTILINE)


def test_all_that_is_declared_is_locked() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))

    wanted = declared(project["project"]["dependencies"]) | declared(
        project["build-system"]["requires"]
    )

    assert wanted <= names(REPOSITORY / "requirements.txt")
    assert declared(project["dependency-groups"]["test"]) <= names(
        REPOSITORY / "requirements-test.txt"
    )
    extra = project["project"]["optional-dependencies"]["s3"]
    assert declared(extra) <= names(REPOSITORY / "requirements-s3.txt")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("requirements.txt", "requirements-test.txt"),
        ("requirements.txt", "requirements-s3.txt"),
        ("requirements-s3.txt", "requirements-test.txt"),
    ],
)
def test_a_package_in_two_files_has_one_version(one: str, other: str) -> None:
    versions = {line.split(";")[0].strip() for line in requirements(REPOSITORY / one)}
    both = names(REPOSITORY / one) & names(REPOSITORY / other)

    for requirement in requirements(REPOSITORY / other):
        if requirement.split("==")[0] in both:
            assert requirement.split(";")[0].strip() in versions
