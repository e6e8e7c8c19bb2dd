"""Whether a root is polled: scanned often, because its events cannot be trusted.

The scan itself is the scanner's; when it runs is the business of whoever owns the roots.
"""

from typing import Literal

from twinlens.watch.mounts import Mount, polling_reason

PollingChoice = Literal["auto", "always", "never"]


def should_poll(
    choice: PollingChoice, mount: Mount | None, canary_result: bool | None = None
) -> tuple[bool, str]:
    """Decide, and say why in words for the log.

    `canary_result` is None where no test file was written. One that was seen proves nothing of
    changes made by other machines, so a network mount is polled all the same.
    """
    if choice != "auto":
        return choice == "always", f"the config says {choice}"
    reason = polling_reason(mount)
    if reason is not None:
        return True, reason
    if canary_result is False:
        return True, "a test file was written and no event came"
    proof = "a test file was seen" if canary_result else "the file system is local"
    return False, proof
