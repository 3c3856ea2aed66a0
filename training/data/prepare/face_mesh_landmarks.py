"""Find the landmarks of the faces in a folder of photos.

    python training/data/prepare/face_mesh_landmarks.py PHOTOS [--out landmarks.npz]

A script of its own: MediaPipe 0.10.21 carries Face Mesh with its weights but needs numpy below 2,
so give it an environment of its own, with Python 3.9 to 3.12:

    python3.11 -m venv mesh && mesh/bin/pip install mediapipe==0.10.21 "numpy<2" tqdm
    mesh/bin/python training/data/prepare/face_mesh_landmarks.py PHOTOS

Writes names (N,), paths below PHOTOS; points (N, 478, 3) float32, x, y [px of the photo turned
upright, centres at integers] and z on the same scale; sizes (N, 2), width and height; faces (N,),
how many were seen, of which the largest counts; dropped (M, 2), names of photos without landmarks
and why. A run that was cut off goes on with the same command.
"""

import argparse
import json
import os
import sys
from collections import Counter
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # chatter of the graph's engine
os.environ.setdefault("GLOG_minloglevel", "2")

ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".ppm")
BORDER = 0.3  # of the longer side, drawn around a photo: Face Mesh misses faces that fill it
MOST_FACES = 5
LARGEST = 1600  # [px] longer side of what is looked at
UNREADABLE, NO_FACE = "the photo cannot be read", "no face was found"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, metavar="PHOTOS")
    parser.add_argument("--out", type=Path, metavar="FILE", help="default: PHOTOS/landmarks.npz")
    options = parser.parse_args()
    out = options.out or options.folder / "landmarks.npz"
    try:
        write(out, *find(options.folder, out))
    except ValueError as problem:
        print(f"landmarks: {problem}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("landmarks: stopped; the same command goes on from here.", file=sys.stderr)
        return 130
    return 0


def find(folder: Path, out: Path) -> tuple[dict[str, dict], Path]:
    """What came of each photo, by its name, and the log of it."""
    if out.exists():
        raise ValueError(f"{out} exists: move it away, or choose another --out.")
    if out.suffix != ".npz" or not out.parent.is_dir():
        raise ValueError(f"{out} must end in .npz and lie in a folder that there is.")
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
            done[name] = {"name": name, "stamp": stamps[name], **look(mesh, path)}
            file.write(json.dumps(done[name]) + "\n")
            file.flush()
    return {name: done[name] for name in names}, log


def _finished(log: Path) -> dict[str, dict]:
    """Photos of an earlier run; a line that was cut off is forgotten."""
    if not log.exists():
        return {}
    whole = [line for line in log.read_bytes().splitlines(keepends=True) if line.endswith(b"}\n")]
    log.write_bytes(b"".join(whole))
    return {entry["name"]: entry for entry in map(json.loads, whole)}


def face_mesh():
    try:
        from mediapipe.python.solutions.face_mesh import FaceMesh
    except ImportError as problem:
        raise ValueError(
            f"MediaPipe's Face Mesh is missing ({problem}): see the beginning of this script."
        ) from None
    return FaceMesh(
        static_image_mode=True,
        max_num_faces=MOST_FACES,
        refine_landmarks=True,
        min_detection_confidence=0.35,
    )


def look(mesh, path: Path) -> dict:
    """{"size", "faces", "points"} of a photo, or {"dropped": why}."""
    import cv2
    import numpy as np

    photo = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if photo is None:
        return {"dropped": UNREADABLE}
    height, width = photo.shape[:2]
    scale = min(1.0, LARGEST / max(height, width))
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
    import numpy as np

    seen = {name: entry for name, entry in found.items() if "points" in entry}
    lost = [(name, entry["dropped"]) for name, entry in found.items() if "dropped" in entry]
    for reason, count in Counter(reason for _, reason in lost).items():
        examples = [name for name, why in lost if why == reason][:3]
        print(f"{count} x {reason} ({', '.join(examples)}{', ...' if count > 3 else ''})")
    several = sum(entry["faces"] > 1 for entry in seen.values())
    if several:
        print(f"{several} x several faces: the largest was taken")
    if not seen:
        raise ValueError("no face was found in any photo; nothing is written.")
    part = out.with_name(f".{out.name}.part")
    with open(part, "wb") as file:
        np.savez_compressed(
            file,
            names=np.array(list(seen)),
            points=np.array([entry["points"] for entry in seen.values()], np.float32),
            sizes=np.array([entry["size"] for entry in seen.values()], np.int32),
            faces=np.array([entry["faces"] for entry in seen.values()], np.int32),
            dropped=np.array(lost or np.zeros((0, 2), "U1")),
        )
    os.replace(part, out)
    log.unlink()
    print(f"written: {out}, landmarks of {len(seen)} photos")


if __name__ == "__main__":
    sys.exit(main())
