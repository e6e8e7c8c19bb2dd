"""What `doctor` says of the vault: whether it is there, and what it holds and lacks."""

from collections.abc import Iterator

from twinlens.commands.checks import Check
from twinlens.commands.vault import look, spec_of, status
from twinlens.config.schema import Config
from twinlens.errors import ConfigError, StoreError
from twinlens.questions import Questions
from twinlens.store.database import Database
from twinlens.store.schema import Schema


def vault_checks(config: Config, questions: Questions) -> Iterator[Check]:
    """Look at the vault, where one is named. `questions` are those that disks are being asked
    already."""
    if config.vault.place is None or not config.database.path.exists():
        return
    try:
        spec = spec_of(config)
        database = Database(config.database.path, read_only=True)
        Schema(database).require_current()
        known = status(database, config.vault.place)
    except ConfigError as error:
        yield Check("vault", "error", str(error), "put the secret there, readable for the daemon")
        return
    except StoreError:
        return  # said of the database itself
    place, identity = config.vault.place, known["vault"]
    if identity is None or spec is None:
        yield Check("vault", "warning", f"{place}: no vault yet", "twinlens vault fill --new")
        return
    problem = look(spec, str(identity), questions)
    if problem is not None:
        yield Check("vault", "error", problem, "mount it; nothing was forgotten")
        return
    words = f"{place}: {known['kept']} originals kept, {known['lacking']} lacking"
    yield Check("vault", "ok", words)
    for word in ("rotten", "unreadable"):
        if known[word]:
            words = f"{known[word]} objects of the vault are {word}"
            yield Check("vault", "warning", words, "look at its disk (smartctl -a)")
    if known["asks"]:
        yield Check("vault", "warning", known["asks"], "twinlens vault gc --accept")
