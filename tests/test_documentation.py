"""What the documentation says is true of the program."""

import hmac
import re
import subprocess
import sys
import tomllib
from hashlib import sha256
from pathlib import Path

import pytest

from twinlens.config.loading import load_config
from twinlens.model.events import EventName
from twinlens.notify.webhook import sign

REPO = Path(__file__).resolve().parent.parent
PAGES = [REPO / "README.md", REPO / "ARCHITECTURE.md", *sorted((REPO / "docs").glob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


def help_of(*words: str) -> str:
    command = [sys.executable, "-m", "twinlens", *words, "--help"]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_config_shown_can_be_loaded(page: Path, tmp_path: Path) -> None:
    for number, text in enumerate(blocks(page, "toml")):
        path = tmp_path / f"{number}.toml"
        path.write_text(text, encoding="utf-8")

        config = load_config(path, {"HOME": str(tmp_path)})

        assert config.catalog[0].name == tomllib.loads(text)["catalog"][0]["name"]


def test_every_verb_of_the_readme_is_known() -> None:
    text = (REPO / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.*?) \|", text, re.MULTILINE)
    verbs = {word for row in rows for word in re.findall(r"`([a-z]+)", row)}
    known = help_of()

    assert len(verbs) >= 13
    for verb in sorted(verbs):
        assert re.search(rf"\b{verb}\b", known), f"the README names {verb}, the program does not"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_modules_that_the_architecture_names_exist() -> None:
    text = (REPO / "ARCHITECTURE.md").read_text(encoding="utf-8")
    package = REPO / "daemon" / "twinlens"

    for name in set(re.findall(r"`([a-z_]+/[a-z_]+\.py)`", text)):
        root = REPO if name.startswith("tests/") else package
        assert (root / name).is_file(), f"ARCHITECTURE.md names {name}"


def test_the_events_of_the_webhook_page_are_the_programs() -> None:
    text = (REPO / "docs" / "webhooks.md").read_text(encoding="utf-8")
    listed = re.search(r"Event names: (.*?)\n\n", text, re.DOTALL)

    assert listed is not None
    assert set(re.findall(r"`([a-z_]+)`", listed.group(1))) == set(EventName)


def test_the_signature_check_of_the_webhook_page_accepts_what_is_sent() -> None:
    (code,) = blocks(REPO / "docs" / "webhooks.md", "python")
    names: dict[str, object] = {}
    exec(code, names)  # the example, as it is printed
    is_genuine = names["is_genuine"]
    assert callable(is_genuine)

    signature = sign(b"secret", "1714558830", b"{}")

    assert is_genuine(b"secret", "1714558830", signature, b"{}")
    assert not is_genuine(b"secret", "1714558831", signature, b"{}")
    assert signature == f"sha256={hmac.new(b'secret', b'1714558830.{}', sha256).hexdigest()}"


def test_the_tests_that_the_safety_page_names_exist() -> None:
    text = (REPO / "docs" / "safety.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w/.]+)(?:::(\w+))?`", text)

    assert len(named) > 30
    for path, test in named:
        place = REPO / path
        assert place.exists(), f"the safety page names {path}"
        if test:
            assert f"\ndef {test}(" in place.read_text(encoding="utf-8"), f"{path} has no {test}"
