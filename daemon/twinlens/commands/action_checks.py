"""What each root's file system can do for the action that its catalog allows, for `doctor`.

It is found out by trying, with files of our own, so only where the owner allows actions and the
root is the one that is known. What it cannot do is said; nothing weaker is done in its place.
"""

import os
import pwd
from collections.abc import Iterator

from twinlens.actions.abilities import Ability, lacking, probe
from twinlens.commands.checks import Check
from twinlens.config.choices import CatalogAction
from twinlens.config.schema import Config
from twinlens.errors import StoreError
from twinlens.host.capabilities import CAP_LEASE, has_capability
from twinlens.maintenance.trust import doubt_about
from twinlens.model.actions import ActionKind
from twinlens.model.paths import printable
from twinlens.model.roots import RootRecord
from twinlens.questions import NO_ANSWER, Questions
from twinlens.store import files as files_store
from twinlens.store import roots as roots_store
from twinlens.store.database import Database

_NAME = "actions"
_SAMPLE = 50
_PATIENCE_SECONDS = 15.0


_POLICIES = tuple(kind for kind in ActionKind if kind.value in {one.value for one in CatalogAction})
"""What a catalog can ask for; a repair is asked for file by file."""


def action_checks(config: Config, questions: Questions) -> Iterator[Check]:
    """One row for each root of a catalog that allows actions; never raises. `questions` are those
    that the roots are being asked already."""
    for catalog in config.catalog:
        if catalog.action is CatalogAction.REPORT:
            continue
        kind = ActionKind(catalog.action.value)
        for root in catalog.roots:
            path = os.fsencode(root)

            def ask(path: bytes = path, kind: ActionKind = kind) -> list[Check]:
                return list(_looked(config, path, kind))

            late = [_warning(path, kind, NO_ANSWER, "")]
            yield from questions.ask(path, ask, _PATIENCE_SECONDS, late)


def _looked(config: Config, path: bytes, kind: ActionKind) -> Iterator[Check]:
    try:
        record, known, sample = _recorded(config, path)
    except StoreError as error:
        yield _warning(path, kind, f"not tried: {error}", error.advice)
        return
    if record is None or record.identity is None:
        words = "not tried yet: the folder is tried once a scan has seen it"
        yield Check(_NAME, "ok", f"{printable(path)}: {kind.value}, {words}")
        return
    doubt = doubt_about(record, known)
    if doubt is not None:
        yield _warning(path, kind, f"not tried: {doubt}", "mount it")
        return
    yield _tried(path, kind)
    foreign = _foreign(sample)
    if foreign and not has_capability(CAP_LEASE):
        words = (
            f"{foreign} of {len(sample)} files looked at belong to another user than {_user()}, "
            f"and are spared"
        )
        advice = "give the daemon CAP_LEASE (contrib/systemd/twinlens-actions.conf), or the files"
        yield _warning(path, kind, words, advice)


def _recorded(config: Config, path: bytes) -> tuple[RootRecord | None, int, list[bytes]]:
    if not config.database.path.exists():
        return None, 0, []
    database = Database(config.database.path, read_only=True)
    with database.reading():
        record = next((one for one in roots_store.active() if one.path == path), None)
        if record is None:
            return None, 0, []
        sample = [os.path.join(path, one.path) for one in files_store.sample(record.id, _SAMPLE)]
        return record, files_store.count_live(record.id), sample


def _tried(path: bytes, kind: ActionKind) -> Check:
    try:
        abilities = probe(path)
    except OSError as error:
        words = f"nothing can be written there ({error.strerror})"
        return _warning(path, kind, words, "let the daemon's user write there (docs/actions.md)")
    missing = {one: lacking(one, abilities) for one in _POLICIES}
    possible = [one.value for one in _POLICIES if not missing[one]]
    others = "; ".join(
        f"{one.value} is not possible: {_words(missing[one])}"
        for one in _POLICIES
        if missing[one] and one is not kind
    )
    if missing[kind]:
        advice = f"set action to one of: {', '.join([*possible, CatalogAction.REPORT.value])}"
        return _warning(path, kind, f"is not possible: {_words(missing[kind])}", advice)
    more = f"; {others}" if others else ""
    words = f"{printable(path)}: {kind.value} is possible, tried as {_user()}{more}"
    return Check(_NAME, "ok", words)


def _words(missing: list[Ability]) -> str:
    return ", ".join(f"no {one.name} ({one.reason})" for one in missing)


def _foreign(paths: list[bytes]) -> int:
    own, found = os.geteuid(), 0
    for path in paths:
        try:
            found += os.lstat(path).st_uid != own
        except OSError:
            continue
    return found


def _user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return f"user {os.geteuid()}"


def _warning(path: bytes, kind: ActionKind, words: str, advice: str) -> Check:
    return Check(_NAME, "warning", f"{printable(path)}: {kind.value}: {words}", advice)
