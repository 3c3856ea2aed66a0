"""The motion map: which control moves each cell of a face, and how, as JSON for pages with arrows.

    {"grid": 32,
     "to_photo": [[a, b, c], [d, e, f]],   column and row -> the cell's center, normalized
     "scale": 0.001,                       of all vectors, smaller for a small face
     "names": ["AU01", ...],               keys of the controls
     "labels": {"AU01": "AU01 Inner brow raiser", "AU01L": ...},
     "groups": {"AU61": "Gaze", "AU51": "Head", ...},    of controls of gaze and head
     "opposites": {"AU61": "AU62", ...},
     "cells": [-1, 4, ...],                32 x 32, row by row: index in `names`, -1 for none
     "vectors": [12, -30, ...],            two per cell: its motion as that control rises by 1
     "start": {"AU01L": 0.05, ...},        the expression at which the photo is unchanged
     "handles": [{"name": "AU12", "side": "L", "at": [x, y],
                  "moves": {"AU12": [12, -30], ...}}, ...]}

Normalized coordinates are 0 to 1 over the photo's width and height. A vector in them is `scale`
times the integers here. Two opposites are one control with the key of the first: AU61 above 0 looks
left, below 0 right. A handle is the place that a unit moves most. Its `moves` have the vectors of
all controls that move this place, so that a page can compute where it is in an edit. Labels and
groups are English; `texts` lists them for translation.
"""

import numpy as np

from ..expressions.sides import GAZE_AND_HEAD
from ..expressions.spaces import ACTION_UNITS, FACS
from ..faces.portrait import Portrait
from .drags import FACS_ONLY_WEIGHT, MIN_INFLUENCE
from .fields import FaceFields, grid_places

CELLS = 32
VECTOR_STEP = 0.001  # resolution of vectors, over the side of the crop
# Units with a handle -> whether each side has one.
HANDLES = {"AU01": True, "AU02": True, "AU45": True, "AU10": False, "AU12": True, "AU26": False}
MIN_MOTION = 0.01  # [face coordinates] of a handle for a change by 1, to be listed in `moves`
# Where the face counts as the left or the right side, by `PointMotion.left_weight` (0 to 1).
MIN_LEFT, MAX_RIGHT = 0.6, 0.4
IRIS_OFFSET = 0.25  # [cells] from a cell's center, in x and y, to the points tested for an iris


def motion_map(fields: FaceFields, portrait: Portrait) -> dict:
    """Return the motion map of a portrait, about 18 KB as JSON."""
    face_to_normalized = _face_to_normalized(portrait)
    scale = VECTOR_STEP * min(1, portrait.side / max(portrait.photo.shape[:2]))
    places = grid_places(CELLS)
    strongest = _strongest_in_cells(fields, places)
    vectors = fields.vectors_at(places)[np.arange(len(places)), strongest]
    vectors = vectors @ face_to_normalized[:, :2].T
    vectors[strongest < 0] = 0
    step, first = 2 / CELLS, places[0, 0]
    linear, offset = face_to_normalized[:, :2], face_to_normalized[:, 2]
    cell_to_normalized = np.c_[linear * step, linear.sum(1) * first + offset]
    return {
        "grid": CELLS,
        "to_photo": cell_to_normalized.round(6).tolist(),
        "scale": scale,
        "names": [control.key for control in fields.controls],
        "labels": labels(fields),
        "groups": {c.key: c.region.capitalize() for c in fields.controls if c.moves_gaze_or_head},
        "opposites": {c.key: c.opposite for c in fields.controls if c.opposite},
        "cells": strongest.tolist(),
        "vectors": _quantize(vectors, scale).ravel().tolist(),
        "start": dict(zip(fields.space.keys, fields.unchanged.round(2).tolist(), strict=True)),
        "handles": _handles(fields, face_to_normalized, scale),
    }


def labels(fields: FaceFields) -> dict[str, str]:
    """Return labels by key for all controls, their opposites, and the handles of one side."""
    keys = [key for c in fields.controls for key in (c.key, c.opposite) if key]
    keys += [key + side for key, per_side in HANDLES.items() if per_side for side in "LR"]
    names = {axis.key: axis.label for axis in (*ACTION_UNITS.axes, *fields.space.axes)}
    return {key: f"{key} {names[key]}" for key in keys if key in names}


def texts() -> list[str]:
    """Return all labels and groups that a motion map can have, to be translated by a page."""
    axes = (*ACTION_UNITS.axes, *FACS.axes)
    return [f"{axis.key} {axis.label}" for axis in axes] + [
        group.capitalize() for group in GAZE_AND_HEAD
    ]


def strongest_control(fields: FaceFields, places: np.ndarray) -> np.ndarray:
    """Return the control that moves each place (P, 2) most: (P,) indices, -1 for none.

    It has the highest score in the place's group, see `FaceFields.group_mask`. For the head, the
    score is the influence. Otherwise it is the influence times the length of the field there, so
    that large motions come first, times FACS_ONLY_WEIGHT for units that ACTION_UNITS lacks. No
    control is returned where none of any group has more than MIN_INFLUENCE, and where the place's
    group has no control that moves it.
    """
    influences = fields.influences_at(places)
    head = np.array([control.region == "head" for control in fields.controls])
    preferred = [c.in_action_units or c.moves_gaze_or_head for c in fields.controls]
    weights = np.where(preferred, 1, FACS_ONLY_WEIGHT)
    lengths = fields.peaks * influences
    factors = np.where(head, 1, lengths * weights)
    scores = influences * fields.group_mask(influences) * factors
    moved = (influences.max(1) > MIN_INFLUENCE) & (scores.max(1) > 0)
    return np.where(moved, scores.argmax(1), -1)


def _strongest_in_cells(fields: FaceFields, places: np.ndarray) -> np.ndarray:
    """Return `strongest_control` for cells with these centers (P, 2).

    Irises are about as large as a cell. So a cell gets a control of the gaze if one of four points
    around its center has one.
    """
    strongest = strongest_control(fields, places)
    # The last entry, False, is for the index -1: no control.
    is_gaze = np.array([control.region == "gaze" for control in fields.controls] + [False])
    for x, y in ((-1, -1), (1, -1), (-1, 1), (1, 1)):
        offset = IRIS_OFFSET * np.float32((x, y)) * 2 / CELLS
        near = strongest_control(fields, places + offset)
        strongest = np.where(is_gaze[near], near, strongest)
    return strongest


def _handles(fields: FaceFields, face_to_normalized: np.ndarray, scale: float) -> list[dict]:
    """Return the handles as JSON, see the module; none for units that the space lacks."""
    keys = [control.key for control in fields.controls]
    linear, offset, handles = face_to_normalized[:, :2], face_to_normalized[:, 2], []
    has_sides = fields.controls_of_side["L"] != fields.controls
    left = fields.motion.left_weight(fields.grid)
    masks = {"L": left > MIN_LEFT, "R": left < MAX_RIGHT, "": np.ones_like(left, bool)}
    for key, per_side in HANDLES.items():
        if key not in keys:
            continue
        influence = fields.influences[..., keys.index(key)].ravel()
        for side in "LR" if per_side and has_sides else ("",):
            place = fields.grid[np.argmax(influence * masks[side])]
            (vectors,) = fields.vectors_at(place[None])
            x, y = linear @ place + offset
            steps = _quantize(vectors @ linear.T, scale).tolist()
            moving = np.linalg.norm(vectors, axis=1) > MIN_MOTION
            moves = {k: v for k, v, is_moving in zip(keys, steps, moving, strict=True) if is_moving}
            at = [round(float(x), 4), round(float(y), 4)]
            handles.append({"name": key, "side": side, "at": at, "moves": moves})
    return handles


def _face_to_normalized(portrait: Portrait) -> np.ndarray:
    """Return the affine map (2, 3) from face coordinates to normalized coordinates."""
    height, width = portrait.photo.shape[:2]
    linear = np.linalg.inv(portrait.to_face[:, :2])
    # `to_face` counts from the center of the first pixel, normalized coordinates from its corner.
    pixels = np.c_[linear, 0.5 - linear @ portrait.to_face[:, 2]]
    return pixels / np.array([[width], [height]])


def _quantize(vectors: np.ndarray, scale: float) -> np.ndarray:
    """Return vectors as integers, in multiples of `scale`."""
    return np.rint(vectors / scale).astype(int)
