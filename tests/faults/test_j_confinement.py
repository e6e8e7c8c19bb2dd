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


@pytest.mark.parametrize("is_confined", [True, False])
def test_j13_a_decoder_with_a_hole_changes_no_file_and_reaches_nobody(
    tmp_path: Path, is_confined: bool
) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("a.jpg", "b.jpg", "c.jpg"):
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
    if got_through and not _has_landlock():
        pytest.skip("this kernel has no Landlock of its third version or later")
    assert [way for way in got_through if way != "connect" or _landlock() >= 4] == []
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        name: picture(1) for name in ("a.jpg", "b.jpg", "c.jpg")
    }
    assert finding is not None
    assert finding.measurement is not None
    assert finding.measurement.error is None


def _landlock() -> int:
    """The version of Landlock here; below 1 for none."""
    version = ctypes.CDLL(None).syscall(444, None, ctypes.c_size_t(0), 1)
    return int(version)


def _has_landlock() -> bool:
    return _landlock() >= 3
