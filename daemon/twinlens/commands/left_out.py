"""What is not looked at as twinlens is set up, in sentences: what is not found is not "none"."""

import shutil

from twinlens.config.schema import Config


def left_out(config: Config) -> list[str]:
    """A sentence for each part of the work that is not done."""
    found = [] if (words := pictures_left_out(config)) is None else [words]
    if shutil.which(config.exiftool.path) is None:
        found.append(
            f"{config.exiftool.path} was not found: RAW and video are not understood, and fewer "
            f"facts are read of pictures; see twinlens doctor"
        )
    return found


def pictures_left_out(config: Config) -> str | None:
    """Why nothing is said of what pictures show; None where they are looked at."""
    if config.similarity.enabled:
        return None
    return (
        "pictures are not decoded (similarity.enabled = false): neither like ones nor damage "
        "inside a file is found"
    )
