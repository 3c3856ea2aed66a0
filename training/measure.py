"""Moved: python -m training.evaluate.judges.face_mesh"""

import sys

if __name__ == "__main__":
    print("training.measure is now: python -m training.evaluate.judges.face_mesh", file=sys.stderr)
    sys.exit(2)
