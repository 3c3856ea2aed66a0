"""Answers about the open photo, as plain values."""

import zlib

from ...animation.timeline import Keyframe
from ...expressions.moods import mood_of
from ...expressions.request import ExpressionRequest, resolve
from ...expressions.sides import units_of
from ...expressions.spaces import ACTION_UNITS, FACS, ExpressionSpace
from ...faces.portrait import Portrait
from ..i18n import localize
from ..labels import PRESET_LABELS
from ..sessions import Session
from ..state import State
from . import views
from .common import rounded_to_slider_steps, values_of, webp_data_url

PRESET_OF_BUTTON = {"awe": "awed"}  # buttons of the page whose name is not that of the preset


def available_axes(space: ExpressionSpace) -> list[str]:
    """Return the axes of FACS that a generator of a space can show.

    A generator of FACS shows them all. One of moods or of the 17 units shows these units, as the
    axes of both sides.
    """
    if space == FACS:
        return list(FACS.keys)
    return [FACS.keys[index] for key in ACTION_UNITS.keys for index in FACS.indices(key)]


def state_json(session: Session) -> dict:
    """Return the state of the selected face, and of the session what the page shows beside it."""
    face, state = session.face, session.face.state
    mood = state.mood or [round(value, 2) for value in mood_of(units_of(state.expression)).values]
    return {
        "expression": values_of(state.expression),
        "mood": list(mood),
        "preset": state.preset,
        "intensity": state.intensity,
        "half": state.half,
        "locked": list(state.locked),
        "painted": state.brush_mask is not None,
        "brush_mask": fingerprint_of_mask(state),
        "only_painted": state.only_painted,
        "label": session.label,
        "detail": state.detail,
        "undo": face.history.can_step(-1),
        "redo": face.history.can_step(1),
        "pins": [webp_data_url(picture) for picture, _ in session.pins],
        "keyframes": [keyframe_json(keyframe) for keyframe in session.keyframes],
    }


def fingerprint_of_mask(state: State) -> int | None:
    """Return a number by which the page tells brush masks apart; None without a mask."""
    return None if state.brush_mask is None else zlib.crc32(state.brush_mask.tobytes())


def keyframe_json(keyframe: Keyframe) -> dict:
    """Return a keyframe as the timeline shows it; its expression stays on the server."""
    return {"at": keyframe.at, "hold": keyframe.hold, "easing": keyframe.easing}


def state_answer(session: Session, view: str) -> dict:
    """Return {"state", "picture"}: the state, and its picture in a view as a data URL."""
    return {"state": state_json(session), "picture": views.current_url(session, view)}


def face_answer(session: Session, view: str) -> dict:
    """Return `state_answer`, and what else changes with the selected face."""
    face = session.face
    return state_answer(session, view) | {
        "face_index": session.face_index,
        "reading": values_of(face.reading),
        "axes": available_axes(session.animator.space),
        "view_boxes": {"face": views.face_view_fractions(face.portrait), "photo": [0, 0, 1, 1]},
        "unedited": views.photo_url(session, view),
        # The small picture shows the other view.
        "inset": views.current_url(session, "photo" if view == "face" else "face", draft=True),
    }


def photo_answer(session: Session, view: str) -> dict:
    """Return `face_answer`, and what else changes with the open photo.

    "face_corners": of the crop at which each face was found, (4, 2) as fractions of the photo's
    width and height.
    """
    height, width = session.photo.shape[:2]
    portraits = [Portrait(session.photo, to_face, "") for to_face in session.found_crops]
    return face_answer(session, view) | {
        "photo": {"name": session.name, "width": width, "height": height},
        "faces": [views.thumbnail_url(portrait) for portrait in portraits],
        "face_corners": [
            (portrait.corners / (width, height)).round(4).tolist() for portrait in portraits
        ],
        "size_text": localize("{} x {} pixels", width, height),
    }


def preset_pictures(session: Session) -> dict:
    """Return {name: data URL} of the selected face with each preset of the page."""
    face = session.face
    animator, portrait = face.animator, face.close_up.downscaled_for("face", views.THUMBNAIL)
    targets = [
        rounded_to_slider_steps(
            resolve(
                ExpressionRequest(PRESET_OF_BUTTON.get(name, name)),
                face.reading,
                face.reading.space,
            )
        )
        for name in PRESET_LABELS
    ]
    frames = animator.animate(portrait, targets, where=face.edit_mask)
    small = (frame.portrait.face(views.THUMBNAIL, frame.image) for frame in frames)
    return {
        name: webp_data_url(picture) for name, picture in zip(PRESET_LABELS, small, strict=True)
    }


def device_text(session: Session) -> str:
    """Return a line on the device, the face finder, and what cannot be used on this machine."""
    animator = session.animator
    device = "CPU" if animator.device.type == "cpu" else "GPU"
    finder = animator.finder.name
    parts = [localize("Device: {}", device), localize("face finder: {}", finder)]
    missing = animator.unavailable
    parts += [localize("{} cannot be used here ({})", one.name, one.reason) for one in missing]
    return " · ".join(parts)
