"""The systemd unit: right in every line, well closed, and open to nothing that was not meant."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

UNIT = Path(__file__).resolve().parents[2] / "contrib/systemd/twinlens.service"
SYSCTL = UNIT.parents[1] / "sysctl.d/60-twinlens.conf"
DROP_IN = UNIT.with_name("twinlens-actions.conf")
HIGHEST_EXPOSURE = 1.5


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed")
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False)


@pytest.fixture(params=["alone", "with the drop-in for actions"])
def unit(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The unit with a program that exists on this machine, and with what lets it act."""
    if request.param != "alone":
        folder = tmp_path / "twinlens.service.d"
        folder.mkdir()
        (folder / "actions.conf").write_bytes(DROP_IN.read_bytes())
    path = tmp_path / "twinlens.service"
    text = UNIT.read_text(encoding="utf-8").replace("/opt/twinlens/bin/python", sys.executable)
    path.write_text(text, encoding="utf-8")
    return str(path)


def directives(path: Path = UNIT) -> list[tuple[str, str]]:
    lines = path.read_text(encoding="utf-8").splitlines()
    pairs = [line.partition("=") for line in lines if line and line[0] not in "#["]
    return [(name, value) for name, _, value in pairs]


def test_systemd_finds_nothing_to_say_about_it(unit: str) -> None:
    done = analyze("verify", unit)

    assert done.stdout + done.stderr == ""  # an unknown key is said, with code 0
    assert done.returncode == 0


def test_its_exposure_is_low(unit: str) -> None:
    done = analyze("security", "--offline=true", "--no-pager", unit)

    score = re.search(r"exposure level .*: ([0-9.]+)", done.stdout)
    assert score, done.stdout + done.stderr
    assert float(score[1]) <= HIGHEST_EXPOSURE


def test_the_pictures_cannot_be_written_to() -> None:
    names = dict(directives())

    assert names["ProtectSystem"] == "strict"
    assert names["ProtectHome"] == "read-only"
    assert "ReadWritePaths" not in names
    assert "BindPaths" not in names


def test_workers_may_step_back_and_cap_their_memory() -> None:
    filters = [value for name, value in directives() if name == "SystemCallFilter"]

    assert filters[0] == "@system-service"
    assert not any("@resources" in value for value in filters)


def test_to_act_it_is_given_one_folder_and_the_right_to_lease_and_no_other() -> None:
    told = directives(DROP_IN)

    assert [value for name, value in told if name == "ReadWritePaths"] == ["/srv/nas"]
    rights = {value for name, value in told if name.endswith(("BoundingSet", "Capabilities"))}
    assert rights == {"CAP_LEASE"}
    assert {name for name, _ in told} == {
        *("RequiresMountsFor", "ReadWritePaths", "CapabilityBoundingSet", "AmbientCapabilities")
    }


@pytest.mark.parametrize("path", [UNIT, DROP_IN], ids=["unit", "drop-in"])
def test_every_directive_has_its_reason(path: Path) -> None:
    explained = False
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            # The description and the target are their own reason.
            explained = line in {"[Unit]", "[Install]"}
        elif line.startswith("#"):
            explained = True
        elif not line:
            explained = False
        else:
            assert explained, line


def test_the_kernel_settings_are_names_and_numbers() -> None:
    lines = SYSCTL.read_text(encoding="utf-8").splitlines()
    settings = [line for line in lines if line and not line.startswith("#")]

    assert len(settings) == 3
    for line in settings:
        name, value = line.split(" = ")
        assert Path("/proc/sys", *name.split(".")).exists() or not Path("/proc/sys/fs").exists()
        assert int(value) > 8192 or name.endswith("instances")
