"""Moved: python training/data/prepare/face_mesh_landmarks.py"""

import sys

if __name__ == "__main__":
    script = "training/data/prepare/face_mesh_landmarks.py"
    print(f"training/landmarks.py is now: python {script}", file=sys.stderr)
    sys.exit(2)
