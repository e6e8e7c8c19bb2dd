"""Ask imagededup's pHash for what is at most 10 of 64 bits apart, as it asks itself where nothing
is said: `FOLDER PROCESSES`.
"""

import json
import os
import sys

from imagededup.methods import PHash

if __name__ == "__main__":
    folder, processes = sys.argv[1], int(sys.argv[2])
    found = PHash(verbose=False).find_duplicates(
        image_dir=folder,
        recursive=True,
        max_distance_threshold=10,
        num_enc_workers=processes,
        num_dist_workers=processes,
    )
    pairs = [(one, other) for one, others in found.items() for other in others]
    print(json.dumps([[os.path.join(folder, name) for name in pair] for pair in pairs]))
