"""Actions of the page's buttons on the open photo: one function each, called by its name.

An action takes the session and a request. What it returns is ignored; it raises Problem.
"""

from dataclasses import replace

import cv2
import numpy as np

from ...errors import Problem
from ...expressions import schema
from ...expressions.presets import GESTURES, PRESET_NAMES
from ...expressions.request import ExpressionRequest, resolve
from ...expressions.sides import GAZE_AND_HEAD, convert_units
from ...expressions.spaces import Expression
from ...faces.masks import LOCKS
from ...faces.portrait import photo_to_crop_matrix
from ...media.images import read_image
from ...recipe import DetailType
from ...video.reenactment import region_mask
from ..sessions import Session
from ..state import HALVES, MASK_SIDE, State
from .common import (
    NEUTRAL,
    PHOTO,
    expression_named,
    parse_units,
    rounded_to_slider_steps,
    uploaded_path,
)
from .requests import requested_state

MAX_PINS = 12
MAX_STROKES, MAX_STROKE_POINTS = 200, 4000  # of the brush, in one request
MAX_STROKE_WIDTH = 1e4  # in cells of the mask
SUBPIXEL_BITS = 4  # of the places of a stroke, as cv2.polylines takes them


def commit(session: Session, request: dict) -> None:
    """Commit the end of a drag of a slider, the mood pad or the face: one step to undo."""
    state, _ = requested_state(session, request)
    session.face.commit(state)


def preset(session: Session, request: dict) -> None:
    """Set the sliders to a preset or a gesture, to neutral, or back to the photo.

    A preset starts from the photo's expression; a gesture is added to the sliders.
    """
    face, name = session.face, request.get("name")
    if name in (PHOTO, NEUTRAL):
        return face.commit(face.state.with_units(expression_named(session, name)))
    intensity = request.get("intensity", 1.0)
    if isinstance(intensity, bool) or not isinstance(intensity, int | float):
        raise Problem("The intensity must be a number from 0 to 1.")
    start = face.state.units if name in GESTURES else face.reading
    target = resolve(ExpressionRequest(name, float(intensity)), start, face.reading.space)
    source = {"preset": name, "intensity": float(intensity)} if name in PRESET_NAMES else {}
    face.commit(face.state.with_units(rounded_to_slider_steps(target), **source))


def undo(session: Session, request: dict) -> None:
    _step(session, -1)


def redo(session: Session, request: dict) -> None:
    _step(session, 1)


def reset(session: Session, request: dict) -> None:
    """Set one region of sliders, or one axis, back to the reading.

    request: {"units": the sliders, and "region" or "axis"}.
    """
    face, units = session.face, parse_units(request.get("units"), session.face.reading)
    if "axis" in request:
        indices = set(face.reading.space.indices(str(request["axis"])))
        chosen = [index in indices for index in range(len(units.values))]
    else:
        chosen = axes_in_region(request.get("region"), units)
    values = np.where(chosen, face.reading.values, units.values)
    face.commit(face.state.with_units(Expression(units.space, tuple(values))))


def copy_expression(session: Session, request: dict) -> None:
    """Copy the expression of another photo's face, in the chosen regions, without gaze and head.

    request: {"other": {"path"}, "regions"}. It locates a face, so it is called through the queue
    and is not one of ACTIONS.
    """
    path, regions = uploaded_path(request, "other"), request.get("regions")
    if path is None or not regions:
        raise Problem("Choose a photo to copy from, and at least one region.")
    face = session.face
    other = session.animator.locate(read_image(path)).reading
    space = face.reading.space
    movable = [axis.region not in GAZE_AND_HEAD for axis in space.axes]
    copied = region_mask(regions, space) & movable
    other = convert_units(other, space, face.reading)
    values = np.where(copied, other.values, face.state.units.values)
    face.commit(face.state.with_units(rounded_to_slider_steps(Expression(space, tuple(values)))))


def apply_to_all_faces(session: Session, request: dict) -> None:
    """Give the sliders' expression to every face of the photo."""
    state = session.face.state
    for face in map(session.face_at, range(len(session.face_transforms))):
        face.commit(face.state.with_units(state.units))
    session.select_face(session.face_index)  # composes its photos with the new edits


def confine(session: Session, request: dict) -> None:
    """Restrict edits to a half of the face ("half"), and lock parts of it ("locked")."""
    state = session.face.state
    half, locked = request.get("half", state.half), request.get("locked", state.locked)
    if not isinstance(half, str) or half not in HALVES:
        raise Problem("There is no part of the face called {}.", repr(half))
    if not isinstance(locked, list | tuple):
        raise Problem("Locked parts must be a list of names.")
    for part in locked:
        if not isinstance(part, str) or part not in LOCKS:
            raise Problem("There is no part of the face called {}.", repr(part))
    session.face.commit(replace(state, half=half, locked=tuple(locked)))


def brush(session: Session, request: dict) -> None:
    """Protect what is painted on the face from edits, or ("alone") edit nothing else.

    Without "strokes" edits act everywhere again.
    """
    mask = painted_mask(session, request.get("strokes") or [])
    mask = mask if mask.any() else None
    only_painted = bool(request.get("alone")) and mask is not None
    session.face.commit(replace(session.face.state, brush_mask=mask, only_painted=only_painted))


def painted_mask(session: Session, strokes: list) -> np.ndarray:
    """Return (MASK_SIDE, MASK_SIDE) over the face's crop, 1 where strokes went, else 0.

    strokes: {"points": [[x, y], ...] in shares of the photo, "radius": in shares of its width}
    each. Raises Problem.
    """
    height, width = session.photo.shape[:2]
    portrait, mask = session.face.portrait, np.zeros((MASK_SIDE, MASK_SIDE), np.uint8)
    to_mask = photo_to_crop_matrix(portrait.to_face, MASK_SIDE)
    try:
        if len(strokes) > MAX_STROKES:
            raise ValueError("too many strokes")
        for stroke in strokes:
            points = np.array(stroke["points"], np.float64).reshape(-1, 2)
            stroke_width = 2 * float(stroke["radius"]) * width * MASK_SIDE / portrait.side
            if len(points) > MAX_STROKE_POINTS or not np.isfinite(points).all():
                raise ValueError("bad points")
            if not 0 < stroke_width < MAX_STROKE_WIDTH:
                raise ValueError("bad radius")
            # Points may lie up to one width or height outside the photo.
            points = (points.clip(-1, 2) * (width, height)) @ to_mask[:, :2].T + to_mask[:, 2]
            line = np.int32((2**SUBPIXEL_BITS * points).round())[None]
            thickness = max(1, min(round(stroke_width), 2 * MASK_SIDE))
            cv2.polylines(mask, line, False, 1, thickness, cv2.LINE_8, SUBPIXEL_BITS)
    except (KeyError, TypeError, ValueError, IndexError):
        raise Problem("This is no painting on the face: paint once more.") from None
    return mask


def label(session: Session, request: dict) -> None:
    """Set whether files say in a corner that they were edited ("on")."""
    session.label = bool(request.get("on"))


def detail(session: Session, request: dict) -> None:
    """Set the strength of folds of the skin ("amount")."""
    amount = schema.check(DetailType, request.get("amount"))
    if not session.animator.generator.config.folds:
        raise Problem("This model has no folds of the skin.")
    session.face.commit(replace(session.face.state, detail=amount))


def pin(session: Session, request: dict) -> None:
    """Pin the current state, to come back to; over the limit the oldest pin is dropped."""
    face = session.face
    frame = face.frame or session.animator.edit(face.portrait, face.target, face.edit_mask)
    session.pins = [*session.pins, (frame.face, face.state)][-MAX_PINS:]


def pinned_state(session: Session, number: object) -> State:
    """Return a pinned state by its number. Raises Problem."""
    if not (isinstance(number, int) and 0 <= number < len(session.pins)):
        raise Problem("There is no such pin.")
    return session.pins[number][1]


def restore_pin(session: Session, request: dict) -> None:
    """Set the state of a pin ("pin"); the pin stays."""
    session.face.commit(pinned_state(session, request.get("pin")))


def select_face(session: Session, request: dict) -> None:
    """Select another face of the photo ("face")."""
    if not isinstance(request.get("face"), int):
        raise Problem("There is no such face in the photo.")
    session.select_face(request["face"])


def cancel(session: Session, request: dict) -> None:
    """Cancel the job that runs, after its current frame."""
    session.cancelled.set()


def axes_in_region(region: object, units: Expression) -> list[bool]:
    """Return for each axis whether it is of a region. Raises Problem for an unknown region."""
    chosen = [axis.region == region for axis in units.space.axes]
    if not any(chosen):
        raise Problem("There is no region called {}.", repr(region))
    return chosen


def _step(session: Session, by: int) -> None:
    """Go to another state of the history."""
    face = session.face
    state = face.history.step(by)
    if state is not None:
        face.restore(state)


ACTIONS = (
    commit,
    preset,
    undo,
    redo,
    reset,
    apply_to_all_faces,
    confine,
    brush,
    label,
    detail,
    pin,
    restore_pin,
    select_face,
    cancel,
)
