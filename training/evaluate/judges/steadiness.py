"""Judge by Face Mesh how restless a head is in a video, and in a photo that the video drives.

    python -m moodganimation drive PHOTO --by DRIVER --out RESULT
    python -m training.evaluate.judges.steadiness DRIVER RESULT [--out JSON]

Runs in the environment of face_mesh.py. *restless*: the second difference over time of the points
that no expression moves, root mean square, in pixels of 128 across the canonical crop. *moved*: how
far the same points go from frame to frame, likewise. *gaze* and *yaw*: correlation over the frames
of both videos of where the irises lie between the corners of the eyes, and of the turn of the head.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from .face_mesh import face_mesh, landmarks
from .face_mesh_measures import STILL, pose
from .tables import Rows, report

CROP = 128 / 1.25  # pixels of 128 for a face's height
IRISES = ((468, 33, 133), (473, 362, 263))  # iris, corners


def frames(path: Path) -> Iterator[np.ndarray]:
    """(H, W, 3) uint8 BGR. Raises ValueError for a file that shows none."""
    video = cv2.VideoCapture(str(path))
    good, frame = video.read()
    if not good:
        raise ValueError(f"{path} is not a readable video.")
    while good:
        yield frame
        good, frame = video.read()


def points_of(path: Path, mesh) -> np.ndarray:
    """(T, 478, 3) landmarks of every frame, in pixels of 128 across the median crop."""
    found = [landmarks(mesh, frame) for frame in frames(path)]
    if any(points is None for points in found) or len(found) < 3:
        raise ValueError(f"Face Mesh must find a face in each of three frames or more of {path}.")
    points = np.array(found)
    height = np.median(np.ptp(points[:, :468, 1], axis=1))
    return points * (CROP / height)


def restless(points: np.ndarray) -> float:
    """Of (T, 478, 2 or 3): root mean square of the second differences of what is rigid."""
    return float(np.sqrt(np.square(np.diff(points[:, STILL, :2], 2, axis=0)).sum(-1).mean()))


def moved(points: np.ndarray) -> float:
    """The same of the first differences."""
    return float(np.sqrt(np.square(np.diff(points[:, STILL, :2], axis=0)).sum(-1).mean()))


def gaze(points: np.ndarray) -> np.ndarray:
    """(T,) where the irises lie between the corners, in widths of the eye; to the left positive."""
    seen = []
    for iris, right, left in IRISES:
        across = points[:, left, :2] - points[:, right, :2]
        offset = points[:, iris, :2] - (points[:, left, :2] + points[:, right, :2]) / 2
        seen.append((offset * across).sum(1) / np.square(across).sum(1))
    return np.mean(seen, 0)


def yaw(points: np.ndarray) -> np.ndarray:
    """(T,) degrees that the head turns to the left from the first frame."""
    first, turns = points[0], []
    for frame in points:
        rotation, _ = pose(first[STILL], frame[STILL])
        turns.append(-np.degrees(cv2.Rodrigues(rotation)[0][1, 0]))
    return np.array(turns)


def judge(driver: Path, result: Path) -> dict[str, Rows]:
    """A row for each video, and how they go together."""
    both = {
        name: points_of(path, face_mesh())
        for name, path in (("driver", driver), ("result", result))
    }
    rows = {
        name: {"frames": len(p), "restless": restless(p), "moved": moved(p)}
        for name, p in both.items()
    }
    count = min(map(len, both.values()))
    for name, measure in (("gaze", gaze), ("yaw", yaw)):
        one, other = (measure(points)[:count] for points in both.values())
        rows["driver"][name] = 1.0  # with itself
        rows["result"][name] = float(np.corrcoef(one, other)[0, 1])
    return {"steadiness": rows}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m training.evaluate.judges.steadiness", description=__doc__.splitlines()[0]
    )
    parser.add_argument("driver", type=Path)
    parser.add_argument("result", type=Path)
    parser.add_argument("--out", type=Path, metavar="JSON")
    options = parser.parse_args(arguments)
    try:
        report(options.out, **judge(options.driver, options.result))
    except (ValueError, OSError) as problem:
        print(f"steadiness: {problem}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
