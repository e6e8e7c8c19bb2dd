"""Ask difPy for what is similar by its own measure: `FOLDER PROCESSES`."""

import json
import sys

import difPy

if __name__ == "__main__":
    folder, processes = sys.argv[1], int(sys.argv[2])
    built = difPy.build(folder, show_progress=False, processes=processes)
    found = difPy.search(built, similarity="similar", show_progress=False, processes=processes)
    matches = found.result.items()
    print(json.dumps([[one, other] for one, others in matches for other, _ in others]))
