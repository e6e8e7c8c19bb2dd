"""Fixtures that every room's tests may use."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

_HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="session")
def photos() -> Path:
    """The folder of real pictures (read only), or a skip with the reason."""
    folder = Path(os.environ.get("TWINLENS_PHOTOS", _HERE.parent.parent / "shared" / "photos"))
    if not (folder / "truth.json").is_file():
        pytest.skip(f"no real pictures at {folder}; set TWINLENS_PHOTOS to their folder")
    return folder


@pytest.fixture(scope="session")
def truth(photos: Path) -> dict[str, Any]:
    """What independent tools say of those pictures."""
    return json.loads((photos / "truth.json").read_text(encoding="utf-8"))
