"""Actions on the open photo: one function each. Requests name an action by the function's name.

An action takes the session and a request. Its return value is ignored. It raises Problem.
"""

from dataclasses import replace

import cv2
import numpy as np

from ...errors import Problem
from ...expressions import schema
from ...expressions.presets import GESTURES, check_preset
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
    job_number,
    parse_expression,
    rounded_to_slider_steps,
    start_progress,
    uploaded_path,
)
from .requests import requested_state

MAX_PINS = 12
MAX_STROKES, MAX_STROKE_POINTS = 200, 4000  # of the brush, in one request
MAX_STROKE_WIDTH = 1e4  # [cells of the mask]
SUBPIXEL_BITS = 4  # fractional bits of a stroke's coordinates, `shift` of cv2.polylines


def commit(session: Session, request: dict) -> None:
    """Commit the end of a drag of a slider, the mood pad, the face or the play head: one step to
    undo."""
    state, _ = requested_state(session, request)
    session.face.commit(state)


def apply_preset(session: Session, request: dict) -> None:
    """Set the sliders to a preset or a gesture, to neutral, or back to the photo.

    A preset starts from the photo's expression. A gesture sets only its own axes, and the other
    sliders stay.
    """
    face, name = session.face, request.get("name")
    if name in (PHOTO, NEUTRAL):
        return face.commit(face.state.with_expression(expression_named(session, name)))
    check_preset(name)
    intensity = request.get("intensity", 1.0)
    if isinstance(intensity, bool) or not isinstance(intensity, int | float):
        raise Problem("The intensity must be a number from 0 to 1.")
    start = face.state.expression if name in GESTURES else face.reading
    target = resolve(ExpressionRequest(name, float(intensity)), start, face.reading.space)
    source = {"preset": name, "intensity": float(intensity)}
    face.commit(face.state.with_expression(rounded_to_slider_steps(target), **source))


def undo(session: Session, request: dict) -> None:
    """Go to the previous state of the history."""
    _step(session, -1)


def redo(session: Session, request: dict) -> None:
    """Go to the next state of the history."""
    _step(session, 1)


def reset_sliders(session: Session, request: dict) -> None:
    """Set one region of sliders, or one axis, back to the reading.

    request: {"expression": the sliders, and "region" or "axis"}.
    """
    face = session.face
    expression = parse_expression(request.get("expression"), face.reading)
    if "axis" in request:
        indices = set(face.reading.space.indices(str(request["axis"])))
        is_reset = [index in indices for index in range(len(expression.values))]
    else:
        is_reset = axes_in_region(request.get("region"), expression)
    values = np.where(is_reset, face.reading.values, expression.values)
    face.commit(face.state.with_expression(Expression(expression.space, tuple(values))))


def copy_expression(session: Session, request: dict) -> None:
    """Copy the expression of another photo's face, in the chosen regions, without gaze and head.

    request: {"other": {"path"}, "regions", "job"}. It is none of ACTIONS: it locates a face, which
    takes long, so it is called through the queue.
    """
    path, regions = uploaded_path(request, "other"), request.get("regions")
    if path is None or not regions:
        raise Problem("Choose a photo to copy from, and at least one region.")
    face, report = session.face, start_progress(session, request, "Reading")
    other = session.animator.locate(read_image(path)).reading
    report(1, 1)
    space = face.reading.space
    is_copyable = [axis.region not in GAZE_AND_HEAD for axis in space.axes]
    is_copied = region_mask(regions, space) & is_copyable
    other = convert_units(other, space, face.reading)
    values = np.where(is_copied, other.values, face.state.expression.values)
    expression = rounded_to_slider_steps(Expression(space, tuple(values)))
    face.commit(face.state.with_expression(expression))


def apply_to_all_faces(session: Session, request: dict) -> None:
    """Give the sliders' expression to every face of the photo."""
    state = session.face.state
    for face in map(session.face_at, range(len(session.found_crops))):
        face.commit(face.state.with_expression(state.expression))
    session.select_face(session.face_index)  # to compose its photos with the new edits


def restrict_edits(session: Session, request: dict) -> None:
    """Restrict edits to a half of the face ("half", one of HALVES), and lock parts ("locked")."""
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


def set_brush_mask(session: Session, request: dict) -> None:
    """Protect what is painted on the face from edits, or edit only that ("only_painted").

    Without "strokes" the brush restricts nothing.
    """
    mask = painted_mask(session, request.get("strokes") or [])
    mask = mask if mask.any() else None
    only_painted = bool(request.get("only_painted")) and mask is not None
    session.face.commit(replace(session.face.state, brush_mask=mask, only_painted=only_painted))


def painted_mask(session: Session, strokes: list) -> np.ndarray:
    """Return (MASK_SIDE, MASK_SIDE) over the face's crop, 1 where strokes went, else 0.

    strokes: of {"points": [[x, y], ...] as fractions of the photo's width and height, "radius": as
    a fraction of its width}. Raises Problem.
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
        raise Problem("The brush strokes cannot be read: paint again.") from None
    return mask


def set_label(session: Session, request: dict) -> None:
    """Set whether a label in a corner of written files says that they were edited ("on")."""
    session.label = bool(request.get("on"))


def set_detail(session: Session, request: dict) -> None:
    """Set the strength of folds of the skin ("amount")."""
    amount = schema.check(DetailType, request.get("amount"))
    if not session.animator.generator.config.folds:
        raise Problem("This model has no folds of the skin.")
    session.face.commit(replace(session.face.state, detail=amount))


def add_pin(session: Session, request: dict) -> None:
    """Pin the current state, so that it can be restored; over the limit drop the oldest pin."""
    face = session.face
    frame = face.frame or session.animator.edit(face.portrait, face.target, face.edit_mask)
    session.pins = [*session.pins, (frame.face, face.state)][-MAX_PINS:]


def pinned_state(session: Session, index: object) -> State:
    """Return a pinned state by its index. Raises Problem."""
    if not (isinstance(index, int) and 0 <= index < len(session.pins)):
        raise Problem("There is no such pin.")
    return session.pins[index][1]


def restore_pin(session: Session, request: dict) -> None:
    """Restore the state of a pin ("pin", its index); the pin stays."""
    session.face.commit(pinned_state(session, request.get("pin")))


def select_face(session: Session, request: dict) -> None:
    """Select another face of the photo ("face", its index)."""
    if not isinstance(request.get("face"), int):
        raise Problem("There is no such face in the photo.")
    session.select_face(request["face"])


def cancel_job(session: Session, request: dict) -> None:
    """Cancel a job ("job", its number): one that waits, or the running one after its frame."""
    session.cancelled_jobs.append(job_number(request))


def axes_in_region(region: object, expression: Expression) -> list[bool]:
    """Return for each axis whether it is of a region. Raises Problem for an unknown region."""
    is_in_region = [axis.region == region for axis in expression.space.axes]
    if not any(is_in_region):
        raise Problem("There is no region called {}.", repr(region))
    return is_in_region


def _step(session: Session, by: int) -> None:
    """Go to the previous (-1) or next (1) state of the history, if there is one."""
    face = session.face
    state = face.history.step(by)
    if state is not None:
        face.restore(state)


ACTIONS = (
    commit,
    apply_preset,
    undo,
    redo,
    reset_sliders,
    apply_to_all_faces,
    restrict_edits,
    set_brush_mask,
    set_label,
    set_detail,
    add_pin,
    restore_pin,
    select_face,
    cancel_job,
)
