"""Ask czkawka for pictures that look alike, at its own similarity 10 of 50: `FOLDER PROCESSES`."""

import json
import os
import sys

if __name__ == "__main__":
    os.environ["RAYON_NUM_THREADS"] = sys.argv[2]

    import czkawka

    finder = czkawka.ImageSimilarity()
    finder.set_directories([sys.argv[1]])
    finder.set_similarity(10)
    print(json.dumps([[str(path) for path in group] for group in finder.find_similar()]))
