"""One reader for each disk that spins: two at once make its arm go to and fro, and both wait.

Only the reading takes turns. What was read is hashed and decoded meanwhile by as many workers as
there are. A disk of which nothing is known (ZFS, a network share) is read like one without an arm:
a turn there would bar readers from disks that it cannot tell apart.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial

from twinlens.host.disks import disks_under
from twinlens.host.turns import Turns
from twinlens.ingest.limits import DiskReaders
from twinlens.model.files import Stat
from twinlens.watch.mounts import current_mounts, mount_of_descriptor

Turn = Callable[[], AbstractContextManager[object]]


class ReadingTurns:
    """The turns of one worker, kept in the file that all workers of a daemon are given."""

    def __init__(self, path: str | None, readers: DiskReaders) -> None:
        is_wanted = path is not None and readers is not DiskReaders.MANY
        self._turns = Turns(path) if path is not None and is_wanted else None
        self._readers = readers
        self._known: dict[int, Turn] = {}

    def of(self, descriptor: int, stat: Stat) -> Turn:
        """What to hold while an open file is read."""
        if stat.device not in self._known:
            numbers = self._numbers(descriptor, stat.device)
            turns = self._turns
            self._known[stat.device] = (
                partial(turns.taken, numbers) if turns is not None and numbers else nullcontext
            )
        return self._known[stat.device]

    def close(self) -> None:
        """Give back what is held."""
        if self._turns is not None:
            self._turns.close()

    def _numbers(self, descriptor: int, device: int) -> list[int]:
        if self._turns is None:
            return []
        mount = mount_of_descriptor(descriptor, current_mounts())
        return turns_at(self._readers, device, mount.source if mount is not None else "")


def turns_at(readers: DiskReaders, device: int, source: str) -> list[int]:
    """The numbers of the disks at which the readers of a device take turns; empty where they need
    not. `device` and `source` as in `host.disks.disks_under`."""
    if readers is DiskReaders.MANY:
        return []
    disks = disks_under(device, source)
    if readers is DiskReaders.ONE:
        return [disk.number for disk in disks] or [device]
    return [disk.number for disk in disks if disk.is_spinning]
