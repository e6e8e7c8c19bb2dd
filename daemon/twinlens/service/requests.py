"""What may be asked of whoever holds the store, by verb: the daemon answers its spool with it."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from twinlens.commands import apply as apply_command
from twinlens.commands import backup as backup_command
from twinlens.commands import decide as decide_command
from twinlens.commands import jobs as jobs_commands
from twinlens.commands import maintain
from twinlens.commands import repair as repair_command
from twinlens.commands import trash as trash_command
from twinlens.commands import undo as undo_command
from twinlens.commands import vault as vault_command
from twinlens.commands import verify as verify_command
from twinlens.commands.acting import ActionRoom
from twinlens.config.schema import Config
from twinlens.errors import UsageError
from twinlens.ingest.recorder import Touched
from twinlens.maintenance.trust import Look, look_at
from twinlens.model.jobs import BY_HAND
from twinlens.service.engine import Engine, utc_now, utc_text
from twinlens.service.ignoring import reason_to_ignore
from twinlens.store import jobs as jobs_store
from twinlens.store.database import Database
from twinlens.store.writer import Writer

Argument = dict[str, Any]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Holder:
    """Whoever holds the store: its lock, its writer, and how it groups anew what was touched
    (`regroup`, inside a transaction of the writer). An action ends between two units once it
    `is_stopped`. `look` asks the disk about a root."""

    config: Config
    database: Database
    writer: Writer
    regroup: Callable[[Touched], object]
    is_stopped: Callable[[], bool] = lambda: False
    look: Look = look_at

    @classmethod
    def of(cls, engine: Engine) -> "Holder":
        """The holder that an engine is."""
        return cls(
            engine.config,
            engine.database,
            engine.writer,
            engine.absorber.regroup,
            engine.is_stopped,
            engine.look,
        )

    def answer(self, verb: str, argument: Argument) -> dict[str, Any]:
        """Carry out a request; UsageError where it cannot be meant."""
        carry_out = _REQUESTS.get(verb)
        if carry_out is None:
            raise UsageError(f"the daemon does not know the request {verb!r}")
        return carry_out(self, argument)

    def _scan(self, argument: Argument) -> dict[str, Any]:
        at = utc_text()
        asked = argument | {BY_HAND: True}
        return {"job": self.writer.call(lambda: jobs_store.ask("scan", asked, at)).id}

    def _start(self, argument: Argument) -> dict[str, Any]:
        return jobs_commands.start(self.writer, str(argument["name"]), utc_text())

    def _cancel(self, argument: Argument) -> dict[str, Any]:
        return jobs_commands.cancel(self.writer, int(argument["job"]))

    def _retry(self, argument: Argument) -> dict[str, Any]:
        job = argument.get("job")
        return jobs_commands.retry(self.writer, None if job is None else int(job))

    def _cleanup(self, argument: Argument) -> dict[str, Any]:
        limits = self.config.cleanup
        return maintain.cleanup(
            self.database,
            self.writer,
            utc_now,
            grace_hours=limits.grace_hours,
            batch_limit=limits.batch_limit,
            brake_percent=limits.brake_percent,
            accept=bool(argument.get("accept")),
            look=self.look,
        )

    def _reconcile(self, argument: Argument) -> dict[str, Any]:
        return maintain.reconcile(
            self.database,
            self.writer,
            utc_now,
            lambda path: reason_to_ignore(self.config, path) is not None,
            self.look,
        )

    def _note_backup(self, argument: Argument) -> dict[str, Any]:
        return backup_command.note(self.database, self.writer, utc_text, argument)

    def _verify(self, argument: Argument) -> dict[str, Any]:
        return verify_command.ask(self.writer, argument | {BY_HAND: True}, utc_text())

    def _vault_make(self, argument: Argument) -> dict[str, Any]:
        spec, adopt = vault_command.spec_of(self.config), bool(argument.get("adopt"))
        return vault_command.make(self.database, self.writer, spec, utc_text, adopt=adopt)

    def _vault_pass(self, argument: Argument) -> dict[str, Any]:
        place = self.config.vault.place
        return vault_command.ask(self.database, self.writer, place, argument, utc_text())

    def _decide(self, argument: Argument) -> dict[str, Any]:
        verb, paths, value = argument["verb"], argument["paths"], argument["value"]
        return decide_command.decide(self._decision_room(), str(verb), paths, value)

    def _withdraw(self, argument: Argument) -> dict[str, Any]:
        return decide_command.withdraw(self._decision_room(), argument["ids"])

    def _apply(self, argument: Argument) -> dict[str, Any]:
        done = apply_command.apply(self.action_room(), argument.get("plan"))
        if (action := done["action"]) is not None:
            log.info("carried out action %s; to take it back: twinlens undo %s", action, action)
        return done

    def _undo(self, argument: Argument) -> dict[str, Any]:
        make_folders = bool(argument.get("make_folders"))
        done = undo_command.undo(
            self.action_room(), argument.get("what"), make_folders=make_folders
        )
        log.info("undo: %d taken back, %d could not be", len(done["done"]), len(done["failed"]))
        return done

    def _empty(self, argument: Argument) -> dict[str, Any]:
        done = trash_command.empty_trash(
            self.action_room(), at_once=bool(argument.get("at_once")), only=argument["only"]
        )
        log.info("trash emptied: %d files removed for good", done["removed"])
        return done

    def _repair(self, argument: Argument) -> dict[str, Any]:
        return repair_command.mend(
            self.action_room(), str(argument["path"]), dry_run=bool(argument.get("dry_run"))
        )

    def action_room(self) -> ActionRoom:
        """What the verbs that change the owner's files work with."""
        return ActionRoom(
            self.config,
            self.database,
            self.writer,
            self.regroup,
            utc_now,
            self.is_stopped,
            look=self.look,
        )

    def _decision_room(self) -> decide_command.DecisionRoom:
        return decide_command.DecisionRoom(
            self.database,
            self.writer,
            self.regroup,
            utc_now,
            lambda path: reason_to_ignore(self.config, path),
        )


FOR_PASSES = frozenset({"scan", "start", "cancel", "retry", "verify", "vault_pass"})
"""The requests after which another pass may have to go first."""

_REQUESTS: Mapping[str, Callable[[Holder, Argument], dict[str, Any]]] = MappingProxyType(
    {
        "scan": Holder._scan,
        "start": Holder._start,
        "cancel": Holder._cancel,
        "retry": Holder._retry,
        "cleanup": Holder._cleanup,
        "reconcile": Holder._reconcile,
        "note_backup": Holder._note_backup,
        "verify": Holder._verify,
        "vault_make": Holder._vault_make,
        "vault_pass": Holder._vault_pass,
        "decide": Holder._decide,
        "withdraw": Holder._withdraw,
        "apply": Holder._apply,
        "undo": Holder._undo,
        "empty": Holder._empty,
        "repair": Holder._repair,
    }
)
