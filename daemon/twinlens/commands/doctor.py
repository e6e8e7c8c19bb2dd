"""`doctor`: what twinlens stands on, and what to do about each thing that is not well."""

import os
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from twinlens.commands.action_checks import action_checks
from twinlens.commands.backup import OLD_DAYS, age_days
from twinlens.commands.checks import Check
from twinlens.commands.left_out import pictures_left_out
from twinlens.commands.vault_checks import vault_checks
from twinlens.commands.verify import advice
from twinlens.config.credentials import exposed_secrets
from twinlens.config.roots import inspect_roots
from twinlens.config.schema import Config
from twinlens.errors import StoreError
from twinlens.host.disks import disks_under
from twinlens.host.limits import memory_bytes, read_inotify_limits
from twinlens.host.lock import holder
from twinlens.ingest.limits import DiskReaders, process_count
from twinlens.ingest.reading_turns import turns_at
from twinlens.media.exiftool import exiftool_version, is_new_enough
from twinlens.model.paths import printable
from twinlens.model.roots import RootState, UnreadFolder
from twinlens.model.verification import Verdict
from twinlens.questions import NO_ANSWER, Questions
from twinlens.store import generation, listing, unread_folders, verifications
from twinlens.store import roots as roots_store
from twinlens.store.database import Database, has_wal_reset_bug
from twinlens.store.schema import Schema
from twinlens.watch.identity import check_root
from twinlens.watch.mounts import Mount, current_mounts, mount_of, polling_reason

LEAST_FREE_BYTES = 1 << 30
SHOWN_FOLDERS = 20

_PATIENCE_SECONDS = 5.0
_WAKE = "see whether its server is up; it is looked after again as soon as it answers"


def doctor(
    config: Config, config_path: Path, is_network: Callable[[bytes], str | None]
) -> dict[str, Any]:
    """Look at everything; never raises for something that is not well."""
    questions = Questions()
    checks = [
        *_config(config, config_path, is_network, questions),
        _exiftool(config),
        *_pictures(config),
        _inotify(),
        _sqlite(),
        _memory(config),
        *_database(config),
        *_roots(config, questions),
        *action_checks(config, questions),
        *vault_checks(config, questions),
    ]
    states = [check.state for check in checks]
    worst = next((s for s in ("error", "warning") if s in states), "ok")
    return {"state": worst, "checks": [check.as_result() for check in checks]}


def _config(
    config: Config,
    path: Path,
    is_network: Callable[[bytes], str | None],
    questions: Questions,
) -> Iterator[Check]:
    found = inspect_roots(config, is_network, questions, _PATIENCE_SECONDS)
    for mistake in found.mistakes:
        yield Check("config", "error", str(mistake), f"edit {path}")
    for warning in exposed_secrets(config, path):
        yield Check("config", "warning", warning, f"chmod 640 {path}")
    for warning in config.schedule.warnings():
        yield Check("config", "warning", warning, f"edit {path}")
    if not found.mistakes:
        yield Check("config", "ok", str(path))


def _exiftool(config: Config) -> Check:
    install = "sudo apt install libimage-exiftool-perl"
    program = shutil.which(config.exiftool.path)
    if program is None:
        is_default = config.exiftool.path == "exiftool"
        return Check(
            "exiftool",
            "error",
            f"{config.exiftool.path} was not found: RAW and video cannot be understood",
            install if is_default else "set exiftool.path to where it is, or leave it out",
        )
    version = exiftool_version(program)
    if version is None:
        return Check("exiftool", "error", f"{program} does not answer", install)
    if not is_new_enough(version):
        return Check("exiftool", "error", f"{program} is version {version}: too old", install)
    return Check("exiftool", "ok", f"{program}, version {version}")


def _pictures(config: Config) -> Iterator[Check]:
    words = pictures_left_out(config)
    if words is not None:
        yield Check("pictures", "ok", f"as you want it, {words}")


def _inotify() -> Check:
    limits = read_inotify_limits()
    watches = limits.watches.value
    detail = f"{limits.watches.sysctl} = {watches}, {limits.instances.sysctl} = " + str(
        limits.instances.value
    )
    if watches is not None and watches < 65_536:
        return Check("inotify", "warning", detail, limits.watch_advice(65_536))
    return Check("inotify", "ok", detail)


def _sqlite() -> Check:
    version = sqlite3.sqlite_version
    if has_wal_reset_bug():
        return Check(
            "sqlite",
            "ok",
            f"{version}: its fault with several writing connections (fixed in 3.51.3) cannot "
            f"happen here: twinlens writes through one alone",
        )
    return Check("sqlite", "ok", version)


def _memory(config: Config) -> Check:
    total = memory_bytes()
    processes = process_count(config.workers.processes)
    detail = f"{total >> 20} MiB here, python {sys.version.split()[0]}, {processes} workers"
    return Check("machine", "ok", detail)


def _database(config: Config) -> Iterator[Check]:
    path = config.database.path
    if not path.exists():
        yield Check("database", "ok", f"{path} is made by the first scan")
        return
    free = shutil.disk_usage(path.parent).free
    if free < LEAST_FREE_BYTES:
        yield Check(
            "disk", "warning", f"{free >> 20} MiB are free beside {path}", "make room there"
        )
    try:
        database = Database(path, read_only=True)
        Schema(database).require_current()
        damages = database.quick_check()
        with database.reading():
            files = listing.summary().files
            roots = roots_store.active()
            unread = [f for r in roots for f in unread_folders.of_root(r.id, SHOWN_FOLDERS)]
            further = sum(unread_folders.count(r.id) for r in roots) - len(unread)
            backup, frozen = _backup(), generation.freeze()
            damaged = verifications.damages()
    except StoreError as error:
        yield Check("database", "error", str(error), error.advice)
        return
    if damages:
        yield Check("database", "error", "; ".join(damages[:3]), "restore the last backup")
        return
    pid = holder(path)
    running = f"the daemon runs (process {pid})" if pid else "the daemon does not run"
    number = f"{files} file" if files == 1 else f"{files} files"
    yield Check("database", "ok", f"{path}: {number}, {path.stat().st_size >> 10} KiB")
    yield Check("daemon", "ok" if pid else "warning", running, "" if pid else "twinlens run")
    yield backup
    for damage in damaged:
        state = "error" if damage.verdict is Verdict.ROTTEN else "warning"
        words = f"{printable(damage.path)}: {damage.error}"
        yield Check(damage.verdict.value, state, words, advice(damage))
    if frozen is not None:
        words = f"{frozen.reason}; cleanup waits for a whole scan and a reconcile"
        yield Check("cleanup", "warning", words, "twinlens scan, then twinlens reconcile")
    for root in roots:
        if root.state in (RootState.CHANGED, RootState.SUSPECT):
            words = f"{printable(root.path)}: {root.state.value}: {root.detail}"
            yield Check("root", "warning", words, "twinlens scan")
    for folder in unread:
        words = f"{printable(folder.path)}: the last scan could not read it: {folder.reason}"
        yield Check("folder", "warning", words, f"{_may_read(folder)}, then twinlens scan")
    if further:
        yield Check("folder", "warning", f"and {further} more that it could not read")


def _may_read(folder: UnreadFolder) -> str:
    """What to do so that a folder can be read."""
    if "Permission denied" in folder.reason:
        return "let the user that runs twinlens read and enter it (chmod, chown, setfacl)"
    return "see what the disk says (dmesg)"


def _backup() -> Check:
    found = age_days(datetime.now(UTC))
    advice = "twinlens backup FILE"
    if found is None:
        return Check("backup", "warning", "there never was a backup of the database", advice)
    path, days = found
    words = f"{path}, {days * 24:.0f} hours old" if days < 2 else f"{path}, {days:.0f} days old"
    if not os.path.exists(path):
        return Check("backup", "warning", f"{path} is not there any more", advice)
    if days > OLD_DAYS:
        return Check("backup", "warning", words, advice)
    return Check("backup", "ok", words)


def _roots(config: Config, questions: Questions) -> Iterator[Check]:
    mounts = current_mounts()
    for catalog in config.catalog:
        for root in catalog.roots:
            path = os.fsencode(root)
            look = partial(_root, config, path, mounts)
            late = Check("root", "error", f"{printable(path)}: {NO_ANSWER}", _WAKE)
            yield questions.ask(path, look, _PATIENCE_SECONDS, late)


def _root(config: Config, path: bytes, mounts: Sequence[Mount]) -> Check:
    health = check_root(path, None)
    if health.state is not RootState.ONLINE:
        return Check("root", "error", f"{printable(path)}: {health.detail}", "mount it")
    mount = mount_of(path, mounts)
    reason = polling_reason(mount)
    how = f"polled: {reason}" if reason else "watched by events"
    read = _readers(config, path, "" if mount is None else mount.source)
    return Check("root", "ok", f"{printable(path)}: {health.detail}, {how}; {read}")


def _readers(config: Config, path: bytes, source: str) -> str:
    """How many files of a root are read at once, and why."""
    chosen = DiskReaders(config.workers.readers_per_disk.value)
    try:
        device = os.stat(path).st_dev
    except OSError as error:
        return f"how many read it at once is not known: {error.strerror}"
    has_turns = bool(turns_at(chosen, device, source))
    count = 1 if has_turns else process_count(config.workers.processes)
    if chosen is not DiskReaders.AUTO:
        why = f'workers.readers_per_disk = "{chosen.value}"'
    elif has_turns:
        why = "its disk spins"
    else:
        why = "its disk does not spin" if disks_under(device, source) else "its disk is not known"
    return f"{count} at a time {'reads' if count == 1 else 'read'} files there ({why})"
