"""Section J, a decoder with a hole: what it can do from within a worker process."""

import ctypes
import os
import socket
from pathlib import Path

import pytest

from support.pictures import picture
from support.tasks import break_out
from twinlens.ingest.limits import WorkerLimits
from twinlens.ingest.worker import look_at, start_worker
from twinlens.jobs.pool import WorkerPool
from twinlens.model.files import Look

SECONDS = 60.0
KEPT = ["a.jpg", "b.jpg", "c.jpg"]


@pytest.mark.parametrize("is_confined", [True, False])
def test_j13_a_decoder_with_a_hole_changes_no_file_and_reaches_nobody(
    tmp_path: Path, is_confined: bool
) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in (*KEPT, "t.jpg"):
        (folder / name).write_bytes(picture(1))
    limits = WorkerLimits(exiftool=None, is_confined=is_confined)
    pool = WorkerPool(
        1, initializer=start_worker, initargs=(limits,), deadline=lambda args: SECONDS
    )
    pool.start_server()
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            got_through = pool.submit(break_out, str(folder), port).result(SECONDS)
        look = Look(os.fsencode(folder / "c.jpg"))
        finding = pool.submit(look_at, look).result(SECONDS) if is_confined else None
    finally:
        pool.shutdown(cancel_futures=True)

    if not is_confined:
        assert "delete" in got_through, "a worker without bounds can do it: the control"
        return
    version = landlock()
    if version < 1:
        pytest.skip("no Landlock here: the kernel lacks it, or a filter of calls denies it")
    too_new = [way for way, needed in (("truncate", 3), ("connect", 4)) if version < needed]
    assert set(got_through) <= set(too_new)
    assert sorted(path.name for path in folder.iterdir()) == [*KEPT, "t.jpg"]
    assert [(folder / name).read_bytes() for name in KEPT] == [picture(1)] * len(KEPT)
    assert finding is not None
    assert finding.measurement is not None
    assert finding.measurement.error is None


def landlock() -> int:
    """The version of Landlock here; below 1 for none."""
    version = ctypes.CDLL(None).syscall(444, None, ctypes.c_size_t(0), 1)
    return int(version)
