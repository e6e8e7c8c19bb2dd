"""The clocks of real cameras: what is told of them was looked at, picture by picture."""

import os
import shutil
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from twinlens.analysis.sidecar_names import bucket_of
from twinlens.analysis.timestamps import choose, name_candidates
from twinlens.grouping.clock_faults import FaultKind, Frame, find_clock_faults
from twinlens.ingest.analyse import Analyst
from twinlens.ingest.camera_frames import body_of, frame_of
from twinlens.ingest.limits import WorkerLimits
from twinlens.model.files import Look
from twinlens.model.picture import Kind

NOW = datetime(2026, 6, 1, tzinfo=UTC)
# A Nikon whose satellites say 23 October while it says 22, in nine pictures; a Sanyo at midnight on
# 1 January 1998; and pictures made for the purpose, at the start of four epochs and of 2099.
EXPECTED = {
    ("NIKON COOLPIX P6000", FaultKind.OFFSET): 9,
    ("SANYO Electric Co.,Ltd. SR6", FaultKind.NEVER_SET): 1,
    ("TestCam Model X", FaultKind.NEVER_SET): 5,
}


def test_no_clock_of_a_real_camera_is_called_wrong_that_was_right(
    photos: Path, truth: dict[str, Any]
) -> None:
    bodies: dict[tuple[str, bool], list[Frame]] = defaultdict(list)
    analyst = Analyst(WorkerLimits(exiftool=shutil.which("exiftool")))
    for name in truth["files"]:
        found = analyst.analyse(Look(os.fsencode(photos / name))).measurement
        if found is None or found.kind not in (Kind.IMAGE, Kind.RAW):
            continue
        path = os.fsencode(name)
        taken = choose((*found.date_candidates, *name_candidates(path)), now=NOW)
        body = body_of(found.metadata)
        frame = frame_of(path, bucket_of(os.path.basename(path)), taken.candidates, found.metadata)
        if body is not None and frame is not None:
            bodies[body].append(frame)
    analyst.close()

    counts: dict[tuple[str, FaultKind], int] = defaultdict(int)
    for (camera, is_one_body), frames in sorted(bodies.items()):
        for fault in find_clock_faults(camera, frames, is_one_body=is_one_body):
            counts[(fault.camera, fault.kind)] += len(fault.keys)
            print(fault)

    assert len(bodies) > 50
    assert counts == EXPECTED
