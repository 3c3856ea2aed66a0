"""Pictures of the selected face in the two views of the stage: the face, and the whole photo."""

from dataclasses import replace

import cv2
import numpy as np

from ...expressions.spaces import Expression
from ...faces.portrait import CANONICAL_SCALE, Portrait
from ..sessions import FaceEdit, Session, close_up_of
from .common import DRAFT_WEBP_QUALITY, WEBP_QUALITY, webp_data_url

# Of the stage and of animations. "face" is the whole crop of the face in animations (`Frame.view`),
# and on the stage a square of FACE_VIEW times the crop's side.
VIEWS = ("face", "photo")
# The square is 1.22 heights of the face wide, and the crop CANONICAL_SCALE heights, a little more,
# since edits fade out at its border.
FACE_VIEW = 1.22 / CANONICAL_SCALE
THUMBNAIL = 112  # side of small pictures of a face [px]


def fit_within(picture: np.ndarray, side: int) -> np.ndarray:
    """Return the picture, scaled down if its longer side is over `side` pixels."""
    scale = side / max(picture.shape[:2])
    if scale >= 1:
        return picture
    return cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def requested_view(request: dict) -> str:
    """Return the view of a request, by default the face."""
    view = request.get("view", "face")
    return view if view in VIEWS else "face"


def face_view_box(portrait: Portrait) -> tuple[int, int, int, int]:
    """Return the box of the view "face": a square around the face, clipped to the portrait's photo.

    x0, y0, x1, y1 in pixels of that photo.
    """
    height, width = portrait.photo.shape[:2]
    center, half = portrait.corners.mean(0), FACE_VIEW * portrait.side / 2
    low = np.clip(np.round(center - half), 0, (width - 2, height - 2)).astype(int)
    high = np.clip(np.round(center + half), low + 2, (width, height)).astype(int)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def face_view_fractions(portrait: Portrait) -> list[float]:
    """Return `face_view_box` as fractions of the photo's width and height."""
    height, width = portrait.photo.shape[:2]
    x0, y0, x1, y1 = face_view_box(portrait)
    return [x0 / width, y0 / height, x1 / width, y1 / height]


def crop_to_face(portrait: Portrait, picture: np.ndarray) -> np.ndarray:
    """Return the part `face_view_box` of a picture as large as the portrait's photo."""
    x0, y0, x1, y1 = face_view_box(portrait)
    return np.ascontiguousarray(picture[y0:y1, x0:x1])


def edited_picture(face: FaceEdit, expression: Expression, view: str) -> np.ndarray:
    """Return the face with an expression in a view, (H, W, 3) uint8 RGB."""
    portrait = face.reduced_portrait if view == "photo" else face.close_up
    picture = face.animator.edit(portrait, expression, face.edit_mask).image
    return picture if view == "photo" else crop_to_face(portrait, picture)


def edited_url(face: FaceEdit, expression: Expression, view: str, draft: bool = False) -> str:
    """Return `edited_picture` as a data URL; draft: in DRAFT_WEBP_QUALITY."""
    quality = DRAFT_WEBP_QUALITY if draft else WEBP_QUALITY
    return webp_data_url(edited_picture(face, expression, view), quality)


def current_url(session: Session, view: str, draft: bool = False) -> str:
    """Return the current state of the selected face in a view, as a data URL."""
    return edited_url(session.face, session.face.target, view, draft)


def photo_url(session: Session, view: str) -> str:
    """Return the photo without edits of any face in a view, as a data URL."""
    if view == "photo":
        return webp_data_url(session.reduced_photo)
    close_up = close_up_of(replace(session.face.portrait, photo=session.photo))
    return webp_data_url(crop_to_face(close_up, close_up.photo))


def thumbnail_url(portrait: Portrait) -> str:
    """Return a small picture of the face, as a data URL."""
    return webp_data_url(portrait.face(THUMBNAIL))
