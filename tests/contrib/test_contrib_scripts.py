"""The scripts, without network: what they refuse, what they write, what they start."""

import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SCRIPTS = [
    REPOSITORY / name
    for name in (
        ".ci/run",
        "contrib/run",
        "contrib/test",
        "contrib/lock",
        "contrib/install",
        "contrib/setup.sh",
    )
]

FAKE_PYTHON = """\
#!/bin/sh
# Answers that the extra is there, so that nothing is built in a test.
case "$*" in *systemd.daemon*) exit 0 ;; esac
exec {python} "$@"
"""
FAKE_TWINLENS = """\
#!/bin/sh
printf '%s\\n' "$*" >>{calls}
case "$*" in *scan) exit {code} ;; *check) exit {check} ;; esac
"""


class Checkout:
    """A copy of the scripts, with a virtual environment in which everything is installed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "checkout"
        self.home = folder / "home"
        self.calls = folder / "calls"
        self.home.mkdir(parents=True)
        shutil.copytree(REPOSITORY / "contrib", self.folder / "contrib")
        for path in [*REPOSITORY.glob("requirements*.txt"), REPOSITORY / "pyproject.toml"]:
            shutil.copy2(path, self.folder)
        self._make_venv()

    def _make_venv(self) -> None:
        venv = self.folder / ".venv"
        (venv / "bin").mkdir(parents=True)
        self._write_program(venv / "bin/python", FAKE_PYTHON.format(python=sys.executable))
        self.scan_ends_with(0)
        for name in ("requirements.txt", "requirements-test.txt"):
            (venv / f".stamp-{name}").write_text(self._checksum(name), encoding="utf-8")
        stamp = f"{self.folder.resolve()} {self._checksum('pyproject.toml')}"
        (venv / ".stamp-twinlens").write_text(stamp, encoding="utf-8")

    def scan_ends_with(self, code: int) -> None:
        self._write_twinlens(code, 0)

    def check_ends_with(self, code: int) -> None:
        self._write_twinlens(0, code)

    def _write_twinlens(self, code: int, check: int) -> None:
        text = FAKE_TWINLENS.format(calls=self.calls, code=code, check=check)
        self._write_program(self.folder / ".venv/bin/twinlens", text)

    def run(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Call contrib/run with a bare environment."""
        return subprocess.run(
            [str(self.folder / "contrib/run"), *arguments],
            env={"PATH": os.environ["PATH"], "HOME": str(self.home), **environ},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            # Whoever starts the tests in the background has them ignore Ctrl-C, which is inherited.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def called(self) -> list[str]:
        return self.calls.read_text(encoding="utf-8").splitlines() if self.calls.exists() else []

    def _checksum(self, name: str) -> str:
        return hashlib.sha256((self.folder / name).read_bytes()).hexdigest()

    @staticmethod
    def _write_program(path: Path, text: str) -> None:
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    if shutil.which("exiftool") is None:
        pytest.skip("exiftool is not installed, and the scripts would install it")
    return Checkout(tmp_path)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / 'my "pictures" é'
    folder.mkdir()
    return folder


def read(path: Path) -> dict[str, object]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_bash_understands_it_and_it_stops_at_errors(script: Path) -> None:
    subprocess.run(["bash", "-n", str(script)], check=True)

    if script.suffix != ".sh":
        assert os.access(script, os.X_OK)
        assert "\nset -euo pipefail\n" in script.read_text(encoding="utf-8")


def test_ci_runs_what_a_developer_runs_and_nothing_else() -> None:
    lines = (REPOSITORY / ".ci/run").read_text(encoding="utf-8").splitlines()
    commands = [line for line in lines if line and not line.startswith(("#", "set "))]

    assert len(commands) == 1
    assert "contrib/test" in commands[0]


def test_help_is_given_without_doing_anything(checkout: Checkout) -> None:
    done = checkout.run("--help")

    assert done.returncode == 0
    assert "FOLDER" in done.stdout
    assert checkout.called() == []


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("/nowhere/photos", "there is no folder"),
        ("/etc/passwd", "is not a folder"),
        ("/", "whole system"),
        ("--sacn", "no option --sacn"),
    ],
)
def test_what_cannot_be_meant_ends_with_2_before_any_work(
    checkout: Checkout, argument: str, words: str
) -> None:
    done = checkout.run(argument)

    assert done.returncode == 2
    assert words in done.stderr
    assert checkout.called() == []
    assert list(checkout.home.iterdir()) == []


def test_it_scans_shows_and_stays(checkout: Checkout, pictures: Path) -> None:
    done = checkout.run(str(pictures))

    assert done.returncode == 0, done.stderr
    assert checkout.called()[1:] == ["scan", "status", "run"]


def test_once_does_not_stay(checkout: Checkout, pictures: Path) -> None:
    checkout.run("--once", str(pictures))

    assert checkout.called()[1:] == ["scan", "status"]


def test_broken_files_do_not_end_it_but_a_locked_database_does(
    checkout: Checkout, pictures: Path
) -> None:
    checkout.scan_ends_with(1)
    some_failed = checkout.run("--once", str(pictures)).returncode
    checkout.scan_ends_with(3)
    locked = checkout.run("--once", str(pictures)).returncode

    assert (some_failed, locked) == (0, 3)


def test_the_config_lies_where_a_plain_twinlens_looks(checkout: Checkout, pictures: Path) -> None:
    if Path("/etc/twinlens/config.toml").exists():
        pytest.skip("this machine has a configuration of its own")

    checkout.run("--once", f"{pictures}/../{pictures.name}")

    written = read(checkout.home / ".config/twinlens/config.toml")
    assert written["catalog"] == [{"name": "photos", "roots": [str(pictures)]}]
    state = checkout.home / ".local/state/twinlens"
    assert written["database"] == {"path": str(state / "twinlens.db")}
    assert state.stat().st_mode & 0o777 == 0o700


def test_a_config_of_ones_own_is_left_alone(checkout: Checkout, pictures: Path) -> None:
    own = checkout.home / ".config/twinlens/config.toml"
    own.parent.mkdir(parents=True)
    own.write_text("# mine\n", encoding="utf-8")

    done = checkout.run("--once", str(pictures))

    other = checkout.folder / ".run/config.toml"
    assert own.read_text(encoding="utf-8") == "# mine\n"
    assert checkout.called() == [
        f"--config {other}.new config check",
        f"--config {other} scan",
        f"--config {other} status",
    ]
    assert f"--config {other} duplicates" in done.stderr
    assert read(other)["database"] == {"path": str(checkout.folder / ".run/state/twinlens.db")}


def test_folders_that_cannot_be_watched_together_leave_the_config_as_it_was(
    checkout: Checkout, pictures: Path
) -> None:
    checkout.run("--once", str(pictures))
    config = checkout.home / ".config/twinlens/config.toml"
    before = config.read_bytes()
    checkout.check_ends_with(2)

    done = checkout.run("--once", str(pictures), str(pictures.parent))

    assert done.returncode == 2
    assert config.read_bytes() == before
    assert not list(config.parent.glob("*.new"))


def test_a_daemon_that_watches_already_is_not_given_other_folders(
    checkout: Checkout, pictures: Path
) -> None:
    checkout.run("--once", str(pictures))
    config = checkout.home / ".config/twinlens/config.toml"
    before = config.read_bytes()
    lock = checkout.home / ".local/state/twinlens/twinlens.db.lock"
    lock.write_text("4711\n", encoding="ascii")
    other = checkout.home.parent / "other"
    other.mkdir()

    with lock.open("r+b") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = checkout.run("--once", str(other))

    assert done.returncode == 3
    assert "process 4711" in done.stderr
    assert config.read_bytes() == before


def test_the_database_is_never_within_a_watched_folder(checkout: Checkout) -> None:
    done = checkout.run("--once", str(checkout.home))

    assert done.returncode == 0, done.stderr
    assert list(checkout.home.iterdir()) == []
    assert read(checkout.folder / ".run/config.toml")["database"] == {
        "path": str(checkout.folder / ".run/state/twinlens.db")
    }


def test_without_folders_a_sample_library_is_used(checkout: Checkout) -> None:
    checkout.run("--once", XDG_CONFIG_HOME=str(checkout.home / "xdg"))

    (catalog,) = read(checkout.home / "xdg/twinlens/config.toml")["catalog"]
    assert catalog["roots"] == [str(checkout.folder / ".run/sample-photos")]
    assert (checkout.folder / ".run/sample-photos").is_dir()


def test_ctrl_c_during_the_scan_ends_it_cleanly(checkout: Checkout, pictures: Path) -> None:
    text = "#!/bin/sh\nkill -INT $PPID\nexit 130\n"
    (checkout.folder / ".venv/bin/twinlens").write_text(text, encoding="utf-8")

    done = checkout.run(str(pictures))

    assert done.returncode == 130
    assert "stopped" in done.stderr


def test_installing_needs_root(checkout: Checkout) -> None:
    if os.geteuid() == 0:
        done = subprocess.run(
            [str(checkout.folder / "contrib/install"), "--sideways"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, "no option" in done.stderr) == (2, True)
    else:
        done = subprocess.run(
            [str(checkout.folder / "contrib/install")],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, "needs root" in done.stderr) == (1, True)


def test_what_the_faults_are_provoked_with_is_offered_and_never_insisted_on() -> None:
    script = "command() { return 1; }; is_root() { return 1; }; offer_bench_packages"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f"source contrib/setup.sh; {script}"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "sudo apt-get install strace btrfs-progs xfsprogs" in done.stderr
