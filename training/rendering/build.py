"""Make face_model.npz: ICT-FaceKit light without the parts that frontal faces do not show.

    python -m training.rendering.build FACEXMODEL [--out FILE]

FACEXMODEL is the folder of that name in https://github.com/ICT-VGL/ICT-FaceKit (MIT licence, see
FACE_MODEL_LICENSE.txt). Three arrays were measured on photographs and are copied from the current
file: `landmarks` (the vertex of each Face Mesh point: nearest after alignment, then moved by the
mean error of fits), `identity_mean` (the mean of fitted faces) and `brightness` (the mean
brightness, in standard deviations, of the vertices over 425 public-domain portraits).
"""

import argparse
import io
import json
import zipfile
from pathlib import Path

import numpy as np

from .model import LENGTH_STEP, MODEL_FILE

# Part: its ranges of vertices and of polygons, ends excluded, in the generic neutral mesh.
PARTS = {
    "face": (0, 9409, 0, 9230),
    "mouth_socket": (11248, 13294, 11144, 13226),
    "gums_tongue": (14062, 17039, 14034, 17006),
    "teeth": (17039, 21451, 17006, 21496),
    "eyeball_left": (21451, 23021, 21496, 23094),
    "eyeball_right": (23021, 24591, 23094, 24692),
    "eye_socket_left": (13294, 13678, 13226, 13630),
    "eye_socket_right": (13678, 14062, 13630, 14034),
}
UNUSED_EXPRESSIONS = {"eyeLookIn_L", "eyeLookIn_R", "eyeLookOut_L", "eyeLookOut_R", "mouthClose"}
IDENTITIES = 50  # of 100; one unit of each is a standard deviation of the scanned people


def read_obj(path: Path) -> tuple[np.ndarray, list[list[int]]]:
    """Read vertices (V, 3) and polygons, lists of vertex indices from 0 on."""
    vertices, polygons = [], []
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.startswith("v "):
                vertices.append(line.split()[1:4])
            elif line.startswith("f "):
                polygons.append([int(text.split("/")[0]) - 1 for text in line.split()[1:]])
    return np.array(vertices, np.float64), polygons


def trim(neutral, polygons, expressions: dict, identities) -> dict[str, np.ndarray]:
    """Keep PARTS and the used expressions; return the arrays of the file but the measured ones.

    neutral (V, 3); expressions: name -> (V, 3) displacements; identities (I, V, 3) displacements.
    """
    kept = np.concatenate([np.arange(*part[:2]) for part in PARTS.values()])
    new_index = np.full(len(neutral), -1)
    new_index[kept] = np.arange(len(kept))
    corners, vertex_ends, triangle_ends = [], [], []
    for _, last, start, end in PARTS.values():
        for polygon in polygons[start:end]:
            corners += [(polygon[0], *polygon[k : k + 2]) for k in range(1, len(polygon) - 1)]
        vertex_ends.append(new_index[last - 1] + 1)
        triangle_ends.append(len(corners))
    names = [name for name in expressions if name not in UNUSED_EXPRESSIONS]

    def as_multiples(displacements) -> np.ndarray:
        # integer multiples of LENGTH_STEP, vertices last, compress well
        displacement = np.stack(displacements)[:, kept] / LENGTH_STEP
        return np.ascontiguousarray(np.round(displacement).astype(np.int16).transpose(0, 2, 1))

    return {
        "neutral": neutral[kept].astype(np.float32),
        "triangles": new_index[np.array(corners)].astype(np.uint16),
        "part_names": np.array(list(PARTS)),
        "vertex_ends": np.array(vertex_ends, np.int32),
        "triangle_ends": np.array(triangle_ends, np.int32),
        "expression_names": np.array(names),
        "expressions": as_multiples([expressions[name] for name in names]),
        "identities": as_multiples(identities),
    }


def write_model(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write an .npz with LZMA compression, which numpy.load reads, too."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as file:
        for name, array in arrays.items():
            data = io.BytesIO()
            np.lib.format.write_array(data, array, allow_pickle=False)
            file.writestr(zipfile.ZipInfo(f"{name}.npy"), data.getvalue(), zipfile.ZIP_LZMA)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, metavar="FACEXMODEL")
    parser.add_argument("--out", type=Path, default=MODEL_FILE)
    options = parser.parse_args()
    neutral, polygons = read_obj(options.folder / "generic_neutral_mesh.obj")
    index = json.loads((options.folder / "vertex_indices.json").read_text(encoding="utf-8"))

    def displacement(name: str) -> np.ndarray:
        return read_obj(options.folder / f"{name}.obj")[0] - neutral

    expressions = {name: displacement(name) for name in index["expressions"]}
    identities = [displacement(f"identity{i:03d}") for i in range(IDENTITIES)]
    with np.load(MODEL_FILE, allow_pickle=False) as current:
        measured = {key: current[key] for key in ("landmarks", "identity_mean", "brightness")}
    write_model(options.out, trim(neutral, polygons, expressions, identities) | measured)
    print(f"{options.out}: {options.out.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
