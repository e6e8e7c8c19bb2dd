"""Claims about the tests of the safety gate: take any one of its checks out, and a scenario fails.

Each mutation replaces one expression of one module; the scenario named beside it has to hold for
the gate as it is, and to fail without that check.
"""

import os
from pathlib import Path

import pytest

from actions import (
    scenarios_of_paths,
    scenarios_of_steps,
    scenarios_of_trash,
    scenarios_of_verbs,
)
from support.gate import SCENARIOS
from support.mutations import loaded, refusing_checks

# To import them is to know them.
assert SCENARIOS, (scenarios_of_paths, scenarios_of_steps, scenarios_of_trash, scenarios_of_verbs)
NO = "False"
MOVE = "_rename(folder, name, to_folder, to_name, RENAME_NOREPLACE)"
STOP = "(_ for _ in ()).throw(KeyboardInterrupt())"
MUTATIONS: list[tuple[str, str, str, str]] = [
    # module, expression, what replaces it, the scenario that notices
    ("pairs", "pair.victim.identity == pair.keeper.identity", NO, "two_names_of_one_file"),
    ("pairs", "not planned.size", NO, "empty_files"),
    ("pairs", "victim.st_size != planned.size", NO, "a_copy_that_grew_since_the_plan"),
    ("pairs", "keeper.st_size != planned.size", NO, "a_kept_file_that_grew_since_the_plan"),
    ("pairs", "victim.st_nlink != 1", NO, "a_copy_with_another_name"),
    ("pairs", "not stat.S_ISREG(status.st_mode)", NO, "a_fifo_at_the_path"),
    ("pairs", "difference is not None", NO, "unequal_modes"),
    ("pairs", "not found.are_equal", NO, "equal_hashes_with_unequal_bytes"),
    (
        "pairs",
        "found.first_sha256 != wanted or found.second_sha256 != wanted",
        NO,
        "equal_files_that_are_not_what_was_planned",
    ),
    ("pairs", "not self.lease.is_held", NO, "a_writer_of_the_copy_comes_meanwhile"),
    (
        "pairs",
        "(now.st_size, now.st_mtime_ns) != (self.status.st_size, self.status.st_mtime_ns)",
        NO,
        "a_time_that_is_changed_meanwhile",
    ),
    ("pairs", "self.victim.require_unwritten()", "None", "a_writer_of_the_copy_comes_meanwhile"),
    (
        "pairs",
        "self.keeper.require_unwritten()",
        "None",
        "a_writer_of_the_kept_file_comes_meanwhile",
    ),
    ("pairs", "self.keeper.require_in_place()", "None", "the_kept_file_is_deleted_meanwhile"),
    ("pairs", "not is_there", NO, "the_kept_file_is_replaced_meanwhile"),
    ("attributes", "self.mode != other.mode", NO, "unequal_modes"),
    ("attributes", "self.mtime_ns != other.mtime_ns", NO, "unequal_times"),
    ("attributes", "self.extended != other.extended", NO, "unequal_xattrs"),
    (
        "attributes",
        "(self.user, self.group) != (other.user, other.group)",
        NO,
        "unequal_owners",
    ),
    (
        "captures",
        "self._pair.require_equal_attributes()",
        "None",
        "a_mode_that_is_changed_meanwhile",
    ),
    (
        "captures",
        "item.identity != pair.victim.identity",
        NO,
        "the_copy_is_replaced_before_the_capture",
    ),
    ("captures", "pair.verify()", "{}", "a_writer_of_the_copy_comes_meanwhile"),
    ("captures", "item.identity != keeper.identity", NO, "a_link_that_leads_elsewhere"),
    ("captures", "last_put != link", NO, "a_save_between_two_swaps"),
    ("captures", "came is None or came == put", "True", "a_save_between_two_swaps"),
    (
        "captures",
        "shared != pair.victim.status.st_size",
        NO,
        "blocks_that_the_kernel_finds_unequal",
    ),
    (
        "captures",
        "self._before is None or self._before.difference(Attributes.of(pair.victim.descriptor))",
        NO,
        "an_attribute_that_changes_while_blocks_are_shared",
    ),
    (
        "captures",
        "pair.victim.require_in_place()",
        "None",
        "a_copy_that_is_replaced_while_blocks_are_shared",
    ),
    (
        "captures",
        "kernel.is_read_only(self._pair.victim.descriptor)",
        NO,
        "a_snapshot_that_is_read_only",
    ),
    ("trash_items", "status.st_nlink < 2", NO, "a_link_that_became_the_last_name"),
    ("kernel", MOVE, MOVE.replace("RENAME_NOREPLACE", "0"), "two_saves_around_the_capture"),
    ("kernel", MOVE, MOVE.replace("RENAME_NOREPLACE", "0"), "an_undo_where_the_path_is_taken"),
    (
        "kernel",
        "fcntl.fcntl(self._descriptor, fcntl.F_GETLEASE) == fcntl.F_RDLCK",
        "True",
        "a_writer_of_the_kept_file_comes_meanwhile",
    ),
    (
        "kernel",
        "fcntl.fcntl(self._descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)",
        "None",
        "a_plain_action_is_done_undone_and_emptied",
    ),
    (
        "performing",
        "captures[:len(taken)]",
        "captures[len(taken) - 1:len(taken)]",
        "a_unit_of_which_one_file_was_changed",
    ),
    ("performing", "StepState.INTENDED", "StepState.PLANNED", "a_crash_after_the_capture"),
    (
        "performing",
        "Refused('stopped')",
        "(_ for _ in ()).throw(KeyboardInterrupt())",
        "a_stop_in_the_middle",
    ),
    (
        "folders",
        "os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC",
        "os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC",
        "a_link_instead_of_a_folder",
    ),
    (
        "folders",
        "os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC",
        "os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC",
        "a_trash_that_is_a_link",
    ),
    (
        "folders",
        "os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC",
        "os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC",
        "a_link_instead_of_the_kept_file",
    ),
    (
        "folders",
        "part in (b'', b'.', b'..') or b'/' in part or b'\\x00' in part",
        NO,
        "a_path_that_leads_out_of_the_root",
    ),
    (
        "folders",
        "on_one_mount and mount_id(current) != mount",
        NO,
        "a_folder_on_another_mount",
    ),
    ("emptying", "step.state is not StepState.DONE", NO, "what_is_held_is_no_rubbish"),
    ("emptying", "status.st_nlink != 1", NO, "a_trashed_file_with_another_name"),
    (
        "emptying",
        "(status.st_dev, status.st_ino) == (own.st_dev, own.st_ino)",
        NO,
        "the_trashed_file_is_no_copy_of_itself",
    ),
    ("emptying", "OWN_FOLDER in place.path.split(b'/')", NO, "the_trash_is_no_place_for_a_copy"),
    (
        "emptying",
        "found.first_sha256 != step.planned.sha256",
        NO,
        "both_were_changed_in_the_same_way",
    ),
    ("emptying", "found.are_equal", "True", "another_copy_of_equal_hash_and_other_bytes"),
    (
        "emptying",
        "opens_as(folder, name) == (status.st_dev, status.st_ino)",
        "True",
        "the_other_copy_is_deleted_while_it_is_read",
    ),
    (
        "emptying",
        "lease.is_held and own_lease.is_held",
        "lease.is_held",
        "the_trashed_file_is_wanted_for_writing_at_last",
    ),
    (
        "emptying",
        "lease.is_held and own_lease.is_held",
        "own_lease.is_held",
        "the_other_copy_is_wanted_for_writing_at_last",
    ),
    (
        "emptying",
        "item.identity != (status.st_dev, status.st_ino)",
        NO,
        "the_trashed_file_is_replaced_at_last",
    ),
    ("emptying", "StepState.PURGING", "StepState.DONE", "a_crash_after_the_removal"),
    ("restoring", "step.state not in IN_TRASH", NO, "an_undo_of_what_is_undone"),
    (
        "links",
        "is_as_before and lease.is_held",
        "lease.is_held",
        "an_undo_after_an_edit_through_the_link",
    ),
    (
        "links",
        "is_as_before and lease.is_held",
        "is_as_before",
        "an_undo_while_somebody_begins_to_save_through_the_link",
    ),
    (
        "captures",
        "lambda: keeper.lease.is_held",
        "lambda: True",
        "a_save_in_place_through_the_fresh_link",
    ),
    (
        "captures",
        "self._pair.keeper.require_unwritten()",
        "None",
        "a_writer_of_the_kept_file_comes_before_the_link",
    ),
    (
        "recovery",
        "is_quiet or (lambda: True)",
        "lambda: True",
        "a_crash_and_a_save_through_the_link",
    ),
    ("restoring", "_names_at(target) < 2", NO, "an_undo_where_the_link_is_the_last_name"),
    (
        "trash_items",
        "(status.st_dev, status.st_ino) != identity",
        NO,
        "an_undo_during_which_the_owner_saves",
    ),
    (
        "recovery",
        "doubt(step.planned.victim.root)",
        "None",
        "an_open_step_of_a_disk_that_is_not_mounted",
    ),
    (
        "commands.apply",
        "plan_id is not None and plan_id != plan.id",
        NO,
        "a_plan_that_is_not_the_one_that_was_shown",
    ),
    ("commands.apply", "room.is_stopped()", NO, "a_daemon_that_is_told_to_end"),
    (
        "commands.acting",
        "self.doubts()",
        "lambda root: None",
        "an_action_that_was_broken_off_on_a_disk_that_is_away",
    ),
    (
        "commands.trash",
        "_age(step, seconds) >= most",
        "True",
        "a_trash_that_is_young_and_emptied_by_hand",
    ),
    ("commands.trash", "seconds - most", "seconds", "a_trash_that_is_young"),
    ("commands.trash", "older is None", "True", "a_trash_of_an_older_database"),
    (
        "commands.trash",
        "catalog_of[step.planned.victim.root] not in catalogs",
        "True",
        "a_trash_of_a_catalog_with_a_root_that_is_away",
    ),
]

ELSEWHERE = {
    "kernel.is_unsupported(error)": "only chooses the words of a refusal",
    "item is None": "a mistake of the program itself, not of the world",
}
"""Refusals that need no scenario, and why."""


@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_the_gate_as_it_is_holds_in_every_scenario(local_root: Path, name: str) -> None:
    _require_root_for(name)
    with loaded() as gate:
        SCENARIOS[name](gate, local_root)


@pytest.mark.parametrize(
    "mutation", MUTATIONS, ids=[f"{m[0]}: {m[1][:50]} - {m[3]}" for m in MUTATIONS]
)
def test_without_this_check_a_scenario_fails(
    local_root: Path, mutation: tuple[str, str, str, str]
) -> None:
    module, old, new, name = mutation
    _require_root_for(name)
    with (
        loaded((module if "." in module else f"actions.{module}", old, new)) as gate,
        pytest.raises(AssertionError),
    ):
        SCENARIOS[name](gate, local_root)


@pytest.mark.parametrize("module", ["pairs", "captures", "emptying", "folders"])
def test_every_refusal_of_the_gate_has_its_mutation(module: str) -> None:
    told = [old for name, old, _, _ in MUTATIONS if name == module]

    for check in refusing_checks(f"actions.{module}"):
        assert check in ELSEWHERE or any(old in check for old in told), check


def _require_root_for(scenario: str) -> None:
    if scenario == "unequal_owners" and os.geteuid() != 0:
        pytest.skip("only root can give a file to another user")
