"""The least that any look at a tree must do, in a bare loop: `bare_walk.py FOLDER`.

Each folder is listed and each file asked for its `lstat`; nothing is compared.
"""

import os
import sys


def main() -> None:
    """Walk, and print how many files there are."""
    waiting, files = [os.fsencode(sys.argv[1])], 0
    while waiting:
        with os.scandir(waiting.pop()) as found:
            for entry in found:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                else:
                    os.lstat(entry.path)
                    files += 1
    print(files)


if __name__ == "__main__":
    main()
