"""Moved: python -m training.evaluate.judges.identity"""

import sys

if __name__ == "__main__":
    print("training.identity is now: python -m training.evaluate.judges.identity", file=sys.stderr)
    sys.exit(2)
