"""Judge by Face Mesh the jitter of the head in a video and in a photo driven by it.

    python -m moodganimation drive PHOTO --by DRIVER --out RESULT
    python -m training.evaluate.judges.steadiness DRIVER RESULT [--out JSON]

It runs in the environment of face_mesh.py. Lengths are in pixels of 128 across the canonical crop.

*restless*: jitter: root mean square second difference over time of the rigid landmarks. *moved*:
speed: root mean square of their first difference. *gaze*, *yaw*: correlation of the two videos,
frame by frame, of the horizontal position of the irises between the corners of the eyes, and of the
yaw of the head.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from ...rendering.mesh_points import EYE_CORNER_PAIRS, IRISES
from .face_mesh import face_mesh, landmarks
from .face_mesh_measures import HEAD_POINTS, pose
from .tables import Rows, report

# Height of Face Mesh's box [px of 128 across the canonical crop]; 1.25 is CANONICAL_SCALE of
# faces.portrait.
FACE_HEIGHT = 128 / 1.25


def read_frames(path: Path) -> Iterator[np.ndarray]:
    """Yield the frames (H, W, 3) uint8 BGR of a video. Raises ValueError for an unreadable file."""
    video = cv2.VideoCapture(str(path))
    is_read, frame = video.read()
    if not is_read:
        raise ValueError(f"{path} is not a readable video.")
    while is_read:
        yield frame
        is_read, frame = video.read()


def points_of(path: Path, mesh) -> np.ndarray:
    """Detect the landmarks (T, 478, 3) of a video [px of 128 across the crop of median size].

    Raises ValueError if a frame shows no face, or for fewer than three frames.
    """
    found = [landmarks(mesh, frame) for frame in read_frames(path)]
    if any(points is None for points in found) or len(found) < 3:
        raise ValueError(f"Face Mesh must find a face in each of three frames or more of {path}.")
    points = np.array(found)
    height = np.median(np.ptp(points[:, :468, 1], axis=1))
    return points * (FACE_HEIGHT / height)


def jitter(points: np.ndarray) -> float:
    """Root mean square second difference over time of the rigid points of (T, 478, 2 or 3)."""
    return float(np.sqrt(np.square(np.diff(points[:, HEAD_POINTS, :2], 2, axis=0)).sum(-1).mean()))


def speed(points: np.ndarray) -> float:
    """Root mean square first difference over time of the rigid points of (T, 478, 2 or 3)."""
    return float(np.sqrt(np.square(np.diff(points[:, HEAD_POINTS, :2], axis=0)).sum(-1).mean()))


def horizontal_gaze(points: np.ndarray) -> np.ndarray:
    """Position (T,) of the irises between the corners, in widths of the eye; positive towards the
    person's left."""
    positions = []
    for iris, (first, second) in zip(IRISES, EYE_CORNER_PAIRS, strict=True):
        across = points[:, second, :2] - points[:, first, :2]
        offset = points[:, iris, :2] - (points[:, first, :2] + points[:, second, :2]) / 2
        positions.append((offset * across).sum(1) / np.square(across).sum(1))
    return np.mean(positions, 0)


def yaw(points: np.ndarray) -> np.ndarray:
    """Rotation (T,) of the head to the left since the first frame [degrees]."""
    first, angles = points[0], []
    for frame in points:
        rotation, _ = pose(first[HEAD_POINTS], frame[HEAD_POINTS])
        angles.append(-np.degrees(cv2.Rodrigues(rotation)[0][1, 0]))
    return np.array(angles)


def judge(driver: Path, result: Path) -> dict[str, Rows]:
    """Compute the table with a row for each video."""
    points = {
        name: points_of(path, face_mesh())
        for name, path in (("driver", driver), ("result", result))
    }
    rows = {
        name: {"frames": len(p), "restless": jitter(p), "moved": speed(p)}
        for name, p in points.items()
    }
    count = min(map(len, points.values()))
    for column, measure in (("gaze", horizontal_gaze), ("yaw", yaw)):
        of_driver, of_result = (measure(p)[:count] for p in points.values())
        rows["driver"][column] = 1.0  # with itself
        rows["result"][column] = float(np.corrcoef(of_driver, of_result)[0, 1])
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
