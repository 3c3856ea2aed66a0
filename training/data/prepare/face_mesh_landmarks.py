"""Find the landmarks of the faces in a folder of photos.

    python training/data/prepare/face_mesh_landmarks.py PHOTOS [--out landmarks.npz]

MediaPipe 0.10.21 includes Face Mesh and its weights but needs numpy below 2, so this script runs in
a separate environment with Python 3.9 to 3.12:

    python3.11 -m venv mesh && mesh/bin/pip install mediapipe==0.10.21 "numpy<2" tqdm
    mesh/bin/python training/data/prepare/face_mesh_landmarks.py PHOTOS

Writes an .npz with the arrays

    names (N,)              paths below PHOTOS
    points (N, 478, 3)      float32, of the largest face: x, y [px of the photo, rotated as its EXIF
                            data say], 0 at its left and upper edges, z on the same scale
    sizes (N, 2)            width and height of the photo, rotated so [px]
    faces (N,)              number of detected faces
    dropped (M, 2)          names of photos without landmarks, and the reasons

The same command resumes an interrupted run.
"""

import argparse
import json
import os
import sys
from collections import Counter
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # no log messages of the runtime
os.environ.setdefault("GLOG_minloglevel", "2")

ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".ppm")
BORDER = 0.3  # added around a photo, in longer sides: Face Mesh misses faces that fill the photo
MAX_FACES = 5
MAX_SIDE = 1600  # larger photos are reduced for detection [px]
UNREADABLE, NO_FACE = "the photo cannot be read", "no face was found"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, metavar="PHOTOS")
    parser.add_argument("--out", type=Path, metavar="FILE", help="default: PHOTOS/landmarks.npz")
    options = parser.parse_args()
    out = options.out or options.folder / "landmarks.npz"
    try:
        write(out, *detect_all(options.folder, out))
    except ValueError as problem:
        print(f"landmarks: {problem}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("landmarks: stopped; run the same command to resume.", file=sys.stderr)
        return 130
    return 0


def detect_all(folder: Path, out: Path) -> tuple[dict[str, dict], Path]:
    """Detect the landmarks of all photos of a folder.

    Returns the result of `detect` for each name of a photo, and the path of the log of finished
    photos. Raises ValueError.
    """
    if out.exists():
        raise ValueError(f"{out} exists: move it away, or choose another --out.")
    if out.suffix != ".npz" or not out.parent.is_dir():
        raise ValueError(f"{out} must end in .npz and lie in an existing folder.")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS)
    names = [path.relative_to(folder).as_posix() for path in paths]
    if not paths:
        raise ValueError(f"{folder} holds no photos ({', '.join(ENDINGS)}).")
    log = out.with_name(f".{out.name}.unfinished.jsonl")
    done = _finished(log)
    stamps = {
        name: [path.stat().st_size, path.stat().st_mtime_ns]
        for name, path in zip(names, paths, strict=True)
    }
    done = {name: done[name] for name in names if done.get(name, {}).get("stamp") == stamps[name]}
    from tqdm import tqdm

    mesh = None
    with open(log, "a", encoding="utf-8") as file:
        for name, path in zip(tqdm(names, desc="landmarks"), paths, strict=True):
            if name in done:
                continue
            mesh = mesh or face_mesh()
            done[name] = {"name": name, "stamp": stamps[name], **detect(mesh, path)}
            file.write(json.dumps(done[name]) + "\n")
            file.flush()
    return {name: done[name] for name in names}, log


def _finished(log: Path) -> dict[str, dict]:
    """Read the results of an interrupted run, and remove a truncated last line."""
    if not log.exists():
        return {}
    whole = [line for line in log.read_bytes().splitlines(keepends=True) if line.endswith(b"}\n")]
    log.write_bytes(b"".join(whole))
    return {entry["name"]: entry for entry in map(json.loads, whole)}


def face_mesh():
    """Load Face Mesh. Raises ValueError if MediaPipe is missing."""
    try:
        from mediapipe.python.solutions.face_mesh import FaceMesh
    except ImportError as problem:
        raise ValueError(
            f"MediaPipe's Face Mesh is missing ({problem}): see the top of this script."
        ) from None
    return FaceMesh(
        static_image_mode=True,
        max_num_faces=MAX_FACES,
        refine_landmarks=True,
        min_detection_confidence=0.35,
    )


def detect(mesh, path: Path) -> dict:
    """Detect the largest face of a photo.

    Returns {"size": [width, height], "faces": count, "points": (478, 3)} or {"dropped": reason}.
    """
    import cv2
    import numpy as np

    photo = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if photo is None:
        return {"dropped": UNREADABLE}
    height, width = photo.shape[:2]
    scale = min(1.0, MAX_SIDE / max(height, width))
    if scale < 1:
        photo = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    border = round(BORDER * max(photo.shape[:2]))
    wide = cv2.copyMakeBorder(photo, *[border] * 4, cv2.BORDER_REPLICATE)
    found = mesh.process(cv2.cvtColor(wide, cv2.COLOR_BGR2RGB)).multi_face_landmarks or ()
    faces = []
    for face in found:
        shares = np.array([(point.x, point.y, point.z) for point in face.landmark])
        points = shares * (wide.shape[1], wide.shape[0], wide.shape[1]) - (border, border, 0)
        points /= scale
        faces.append(points)
    if not faces:
        return {"dropped": NO_FACE}
    largest = max(faces, key=lambda points: np.ptp(points[:, 1]))
    return {"size": [width, height], "faces": len(faces), "points": largest.round(3).tolist()}


def write(out: Path, found: dict[str, dict], log: Path) -> None:
    """Write the landmarks, print dropped photos, and delete the log."""
    import numpy as np

    kept = {name: entry for name, entry in found.items() if "points" in entry}
    dropped = [(name, entry["dropped"]) for name, entry in found.items() if "dropped" in entry]
    for reason, count in Counter(reason for _, reason in dropped).items():
        examples = [name for name, other in dropped if other == reason][:3]
        print(f"{count} x {reason} ({', '.join(examples)}{', ...' if count > 3 else ''})")
    several = sum(entry["faces"] > 1 for entry in kept.values())
    if several:
        print(f"{several} x several faces: the largest was taken")
    if not kept:
        raise ValueError("no face was found in any photo; nothing is written.")
    part = out.with_name(f".{out.name}.part")
    with open(part, "wb") as file:
        np.savez_compressed(
            file,
            names=np.array(list(kept)),
            points=np.array([entry["points"] for entry in kept.values()], np.float32),
            sizes=np.array([entry["size"] for entry in kept.values()], np.int32),
            faces=np.array([entry["faces"] for entry in kept.values()], np.int32),
            dropped=np.array(dropped or np.zeros((0, 2), "U1")),
        )
    os.replace(part, out)
    log.unlink()
    print(f"written: {out}, landmarks of {len(kept)} photos")


if __name__ == "__main__":
    sys.exit(main())
