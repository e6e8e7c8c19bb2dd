"""`twinlens run`: one daemon after the other, a new one for each config that a reload brings."""

import logging
import os
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from twinlens.config.choices import LogFormat
from twinlens.config.credentials import exposed_secrets, unreadable_secrets
from twinlens.config.loading import load_config
from twinlens.config.mistakes import InvalidConfigError
from twinlens.config.roots import check_roots, inspect_roots
from twinlens.config.schema import Config
from twinlens.errors import ConfigError
from twinlens.events import EventBus
from twinlens.host.capabilities import keep_from_children
from twinlens.host.journal import journal_handler
from twinlens.host.memory import share_one_heap
from twinlens.host.readiness import Readiness
from twinlens.host.signals import SignalFlags
from twinlens.notify.logs import LogListener, LogStyle, configure
from twinlens.questions import Questions
from twinlens.service.daemon import Daemon
from twinlens.service.ignoring import ignore_lists
from twinlens.watch.mounts import current_mounts, is_network, mount_of

logger = logging.getLogger(__name__)


def network_kind(path: bytes) -> str | None:
    """The kind of network file system that a path lies on; None on a local disk."""
    mount = mount_of(path, current_mounts())
    return mount.filesystem if mount is not None and is_network(mount) else None


def load_checked(
    path: Path,
    environ: Mapping[str, str],
    *,
    is_strict: bool = False,
    questions: Questions | None = None,
) -> tuple[Config, list[str]]:
    """The config with its warnings; ConfigError with every mistake there is.

    `questions` are those that the roots are being asked already.
    A webhook whose secret cannot be read is a mistake only where `is_strict`: otherwise that
    webhook alone waits, because pictures are to be looked after with or without it.
    """
    try:
        config = load_config(path, environ)
    except InvalidConfigError as error:
        raise _with_folders(error) from error
    try:
        ignore_lists(config)
    except ValueError as error:
        raise ConfigError(
            f"{path}: a pattern of include or exclude: {error}", "see: twinlens config example"
        ) from error
    unreadable = unreadable_secrets(config)
    if unreadable and is_strict:
        raise ConfigError("\n".join(unreadable))
    warnings = check_roots(config, network_kind, questions)
    warnings += config.schedule.warnings()
    return config, [*warnings, *unreadable, *exposed_secrets(config, path)]


def _with_folders(error: InvalidConfigError) -> InvalidConfigError:
    """The same, and what is wrong with the folders: all mistakes are told at once."""
    if not isinstance(error.rest, Config):
        return error
    check = inspect_roots(error.rest, network_kind)
    return InvalidConfigError(error.source, (*error.mistakes, *check.mistakes), error.advice)


def serve(path: Path, environ: Mapping[str, str] = os.environ) -> None:
    """Run until SIGTERM or SIGINT. SIGHUP loads the config anew; a broken one changes nothing.

    Raises ConfigError where the first config cannot be used, and what stopped a daemon.
    """
    keep_from_children()
    share_one_heap()
    # Of all lives: what one left with a share that hangs, the next need not ask again.
    questions = Questions()
    config, warnings = load_checked(path, environ, questions=questions)
    readiness = Readiness()
    with SignalFlags() as flags:
        while not flags.stop.is_set():
            following = _Following(path, environ, flags, readiness, questions)
            with ExitStack() as stack:
                _log_to(config, stack)
                for warning in warnings:
                    logger.warning("%s", warning)
                bus = EventBus()
                if config.notify.log:
                    bus.subscribe(LogListener())
                daemon = Daemon(config, readiness, bus, questions)
                daemon.run(following.is_ended, flags.wait)
            if following.config is None:
                return
            config, warnings = following.config, following.warnings


class _Following:
    """Looks at the flags: tells a daemon when to end, and holds the config that comes after it."""

    def __init__(
        self,
        path: Path,
        environ: Mapping[str, str],
        flags: SignalFlags,
        readiness: Readiness,
        questions: Questions,
    ) -> None:
        self.config: Config | None = None
        self.warnings: list[str] = []
        self._path = path
        self._environ = environ
        self._flags = flags
        self._readiness = readiness
        self._questions = questions

    def is_ended(self) -> bool:
        """Whether the daemon has to end, for good or for another config."""
        if self._flags.stop.is_set():
            self.config = None
            self._readiness.stopping()
            return True
        if self._flags.reload.is_set():
            self._flags.reload.clear()
            self._reload()
        return self.config is not None

    def _reload(self) -> None:
        self._readiness.reloading()
        try:
            self.config, self.warnings = load_checked(
                self._path, self._environ, is_strict=True, questions=self._questions
            )
        except ConfigError as error:
            logger.error(
                "the new config is not used, the old one stays: %s",
                "; ".join(str(error).splitlines()),
            )
            self._readiness.ready()
            return
        logger.info("the config was read anew: %s", self._path)


def _log_to(config: Config, stack: ExitStack) -> None:
    journal = journal_handler() if config.log.format is LogFormat.AUTO else None
    style: LogStyle = "json" if config.log.format is LogFormat.JSON else "text"
    level: int = logging.getLevelNamesMapping()[config.log.level.value.upper()]
    stack.enter_context(configure(level, style, journal=journal))
