"""Claims about reading the machine's limits."""

import os
from pathlib import Path

from twinlens.host.limits import memory_bytes, read_inotify_limits


def _sysctl(root: Path, name: str, value: str) -> None:
    path = root / name.replace(".", "/")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value)


def test_the_limits_of_this_machine_can_be_read() -> None:
    limits = read_inotify_limits()

    assert limits.watches.value is not None
    assert limits.watches.value > 0


def test_the_tighter_of_two_limits_is_the_one_to_raise(tmp_path: Path) -> None:
    _sysctl(tmp_path, "fs.inotify.max_user_watches", "8192\n")
    _sysctl(tmp_path, "user.max_inotify_watches", "100000\n")
    _sysctl(tmp_path, "fs.inotify.max_user_instances", "128\n")
    _sysctl(tmp_path, "user.max_inotify_instances", "7\n")

    limits = read_inotify_limits(tmp_path)

    assert limits.watches.sysctl == "fs.inotify.max_user_watches"
    assert limits.instances.sysctl == "user.max_inotify_instances"
    assert limits.queued_events.value is None


def test_the_advice_names_the_sysctl_its_value_and_a_better_one(tmp_path: Path) -> None:
    _sysctl(tmp_path, "fs.inotify.max_user_watches", "8192\n")
    limits = read_inotify_limits(tmp_path)

    assert limits.watch_advice().startswith(
        "fs.inotify.max_user_watches is 8192; set it to 65536: sysctl -w "
    )
    assert "set it to 262144" in limits.watch_advice(100_000)
    assert "not known" in limits.instance_advice()


def test_memory_is_that_of_the_machine_or_of_the_group_if_less(tmp_path: Path) -> None:
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    own = tmp_path / "own"
    service = tmp_path / "cgroup" / "system.slice" / "twinlens.service"
    service.mkdir(parents=True)
    own.write_text("0::/system.slice/twinlens.service\n")

    (service / "memory.max").write_text("max\n")
    assert memory_bytes(tmp_path / "cgroup", own) == machine
    (service.parent / "memory.max").write_text("1073741824\n")
    assert memory_bytes(tmp_path / "cgroup", own) == 1 << 30
    (service / "memory.max").write_text("536870912\n")
    assert memory_bytes(tmp_path / "cgroup", own) == 1 << 29


def test_an_older_control_group_counts_too(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.write_text("9:memory:/docker/abc\n1:name=systemd:/x\n")
    folder = tmp_path / "cgroup" / "memory" / "docker" / "abc"
    folder.mkdir(parents=True)
    (folder / "memory.limit_in_bytes").write_text("268435456\n")

    assert memory_bytes(tmp_path / "cgroup", own) == 1 << 28


def test_without_control_groups_it_is_the_machine(tmp_path: Path) -> None:
    assert memory_bytes(tmp_path / "none", tmp_path / "none") > 0
