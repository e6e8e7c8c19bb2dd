"""Scenarios of what may lie on the way to a file: links, mounts, pipes, ways out of the root."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

from support.acting import step_for
from support.gate import (
    TRASH,
    Gate,
    act,
    copies,
    instead,
    refused,
    scenario,
)
from twinlens.model.actions import Place, StepState


@scenario
def a_fifo_at_the_path(gate: Gate, root: Path) -> None:
    copies(root)
    (root / "holiday" / "copy.jpg").unlink()
    os.mkfifo(root / "holiday" / "copy.jpg")
    refused(act(gate, root)[0], "regular file")


@scenario
def a_link_instead_of_a_folder(gate: Gate, root: Path) -> None:
    copies(root)
    (root / "holiday").rename(root / "real")
    (root / "holiday").symlink_to(root / "real")
    outcome, _ = act(gate, root)
    assert outcome.state is StepState.REFUSED, outcome


@scenario
def a_link_instead_of_the_kept_file(gate: Gate, root: Path) -> None:
    copies(root)
    (root / "keep.jpg").rename(root / "real.jpg")
    (root / "keep.jpg").symlink_to("real.jpg")
    outcome, _ = act(gate, root)
    assert outcome.state is StepState.REFUSED, outcome


@scenario
def a_trash_that_is_a_link(gate: Gate, root: Path) -> None:
    copies(root)
    outside = root.with_name("outside")
    outside.mkdir()
    (root / ".twinlens").symlink_to(outside)
    act(gate, root)
    assert list(outside.iterdir()) == []


@scenario
def a_path_that_leads_out_of_the_root(gate: Gate, root: Path) -> None:
    copies(root)
    outside = root.with_name("outside.jpg")
    shutil.copy2(root / "keep.jpg", outside)
    step = step_for(root, "holiday/copy.jpg", "keep.jpg", TRASH)
    victim = Place(os.fsencode(root), b"../outside.jpg")
    act(gate, root, step=replace(step, planned=replace(step.planned, victim=victim)))
    assert outside.exists()


@scenario
def a_folder_on_another_mount(gate: Gate, root: Path) -> None:
    copies(root)
    numbers = iter(range(1000))
    with instead(gate["actions.folders"], mount_id=lambda descriptor: next(numbers)):
        refused(act(gate, root)[0], "another mount")
