"""Roots and catalogs as recorded: who they are, how they fare, how they are watched."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from twinlens.model.roots import RootIdentity, RootRecord, RootState, WatchMode
from twinlens.store.integers import to_signed, to_unsigned
from twinlens.store.tables import Catalog, Root


def adopt(catalogs: Sequence[tuple[str, str, Sequence[bytes]]]) -> list[RootRecord]:
    """Make the table hold exactly these roots as active: (catalog name, action, root paths).

    Roots that are no longer named stay with all their files, inactive.
    """
    named = [path for _, _, paths in catalogs for path in paths]
    Root.update(is_active=False).where(Root.is_active & Root.path.not_in(named)).execute()
    for name, action, paths in catalogs:
        Catalog.insert(name=name, action=action).on_conflict(
            conflict_target=[Catalog.name],
            update={Catalog.action: action},
            where=(Catalog.action != action),
        ).execute()
        catalog = Catalog.get(Catalog.name == name)
        for path in paths:
            Root.insert(catalog=catalog, path=path, is_active=True).on_conflict(
                conflict_target=[Root.path],
                update={Root.catalog: catalog, Root.is_active: True},
                where=((Root.catalog != catalog) | ~Root.is_active),
            ).execute()
    return active()


def active() -> list[RootRecord]:
    """The roots of the config, in the order of their paths."""
    query = Root.select(Root, Catalog).join(Catalog).where(Root.is_active).order_by(Root.path)
    return [_record(row) for row in query]


def every() -> list[RootRecord]:
    """All roots ever named."""
    return [_record(row) for row in Root.select(Root, Catalog).join(Catalog).order_by(Root.path)]


def set_health(root_id: int, state: RootState, detail: str) -> None:
    """Record how the root fares."""
    Root.update(state=state.value, detail=detail).where(Root.id == root_id).execute()


def set_identity(root_id: int, identity: RootIdentity) -> None:
    """Record what the root is recognised by from now on."""
    values = asdict(identity) | {"inode": to_signed(identity.inode)}
    Root.update(identity=json.dumps(values)).where(Root.id == root_id).execute()


def set_watch(root_id: int, mode: WatchMode, detail: str) -> None:
    """Record how the root is watched."""
    Root.update(watch_mode=mode.value, watch_detail=detail).where(Root.id == root_id).execute()


def count_overflow(root_id: int) -> None:
    """Events of the root were lost once more."""
    Root.update(overflows=Root.overflows + 1).where(Root.id == root_id).execute()


def set_scanned(root_id: int, at: str) -> None:
    """A scan of the whole root ended at this time."""
    Root.update(last_scan_at=at).where(Root.id == root_id).execute()


def _record(row: Root) -> RootRecord:
    identity = None
    if row.identity:
        values = json.loads(row.identity)
        identity = RootIdentity(**(values | {"inode": to_unsigned(values["inode"])}))
    return RootRecord(
        id=row.id,
        catalog=row.catalog.name,
        path=bytes(row.path),
        is_active=bool(row.is_active),
        state=RootState(row.state),
        detail=row.detail,
        identity=identity,
        watch_mode=WatchMode(row.watch_mode),
        watch_detail=row.watch_detail,
        overflows=row.overflows,
        last_scan_at=row.last_scan_at,
    )
