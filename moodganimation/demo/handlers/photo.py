"""Handlers that open a photo, an upload or an example, and that switch the model."""

import functools
from pathlib import Path

import numpy as np

from ...animator import Animator
from ...errors import Message, Problem
from ...faces.portrait import Portrait
from ...media.images import Photo, read_image, read_photo
from ...resources import ASSETS
from ..i18n import localize
from ..models import Models
from ..sessions import PREVIEW_SIDE, FaceEdit, Session, Sessions
from . import views
from .answers import photo_answer
from .common import problems_as_answers, uploaded_path, webp_data_url

MAX_LISTED_FACES = 24  # of a photo, to select from
EXAMPLES = ("portrait-calm", "astronaut", "portrait-dark", "portrait-narrow")
RESULT_NAME = "result.png"  # results are PNG, which decides what of a photo's file they lose


class PhotoHandlers:
    """Handlers that open photos and switch models. They create all sessions."""

    def __init__(self, animator: Animator):
        self.models, self.sessions = Models(animator), Sessions()

    @problems_as_answers
    def open(self, request: dict, tab_hash: str | None) -> dict:
        """Open an uploaded photo, with all its faces or with the one in a box.

        request: {"photo": {"path"}, "box": [x0, y0, x1, y1] as fractions of the photo, or none,
        "model", "token" of the session before, "view"}. Answer: {"token", "notes", "finder"} and
        `photo_answer`; if no face is found, {"no_face": a picture of the photo, "problem"}.
        """
        path = uploaded_path(request, "photo")
        if path is None:
            raise Problem("There is no photo yet: upload one first.")
        original = read_photo(path, keep_16bit=False)
        name = Path(str(request["photo"].get("orig_name") or path)).stem[:60]
        animator = self.models[request.get("model")]
        box = _box_in_pixels(request.get("box"), original.pixels.shape)
        found_crops = [] if box else animator.find(original.pixels)[:MAX_LISTED_FACES]
        if not (box or found_crops):
            return self._no_face_answer(request, original)
        largest = found_crops[0] if found_crops else None
        portrait = animator.locate(original.pixels, box, largest)
        return self._open_session(request, tab_hash, name, original, portrait, found_crops)

    @problems_as_answers
    def open_example(self, request: dict, tab_hash: str | None) -> dict:
        """Open an example ("name"); the rest of request and answer are as for `open`."""
        name = request.get("name")
        if name not in EXAMPLES:
            raise Problem("There is no example called {}.", repr(name))
        animator = self.models[request.get("model")]
        original, portrait = _located_example(animator, name)
        return self._open_session(request, tab_hash, name, original, portrait, [portrait.to_face])

    @problems_as_answers
    def switch_model(self, request: dict, tab_hash: str | None) -> dict:
        """Edit the selected face by another model ("model"); its state stays, and so do the edits
        of other faces. Answer: `photo_answer`."""
        session = self.sessions[request.get("token")]
        animator = self.models[request.get("model")]
        # Before the session has the model, since other requests run meanwhile:
        session.face.reencode(animator)
        session.animator = animator
        session.face.commit(session.face.state)
        answer = {"model": request.get("model")}
        return answer | photo_answer(session, views.requested_view(request))

    def close_tab(self, tab_hash: str | None) -> None:
        """Close the sessions of a browser tab."""
        self.sessions.close_tab(tab_hash)

    def _open_session(
        self, request, tab_hash, name, original: Photo, portrait: Portrait, found_crops
    ) -> dict:
        """Open a session in place of the request's, and return the answer of `open`."""
        animator = self.models[request.get("model")]
        found_crops = found_crops or [portrait.to_face]
        face = FaceEdit.of(animator, portrait)
        session = Session(animator, name, original, found_crops, face, tab_hash)
        token = self.sessions.open(session)
        self.sessions.close(request.get("token"))
        notes = [*portrait.notes, *original.notes, *original.loss_notes(RESULT_NAME)]
        finder = localize("face found by: {}", Message(portrait.found_by))
        answer = {"token": token, "notes": list(map(localize, notes)), "finder": finder}
        return answer | photo_answer(session, views.requested_view(request))

    def _no_face_answer(self, request: dict, original: Photo) -> dict:
        """Close the request's session, and return an answer with the photo to draw a box on."""
        self.sessions.close(request.get("token"))
        picture = webp_data_url(views.fit_within(original.pixels, PREVIEW_SIDE))
        hint = "No face was found. Drag a box around the face, from forehead to chin."
        return {"no_face": picture, "problem": localize(hint)}


@functools.lru_cache(maxsize=2 * len(EXAMPLES))
def _located_example(animator: Animator, name: str) -> tuple[Photo, Portrait]:
    """Return an example and its face, which is located once for all visitors."""
    original = read_photo(ASSETS / f"{name}.png", keep_16bit=False)
    return original, animator.locate(original.pixels)


def example_pictures(animator: Animator) -> tuple[str, dict[str, str]]:
    """Return the first example as the stage shows it, and {name: thumbnail} of all examples."""
    _, portrait = _located_example(animator, EXAMPLES[0])
    first = webp_data_url(views.crop_to_face(portrait, portrait.photo))
    thumbnails = {}
    for name in EXAMPLES:
        photo = read_image(ASSETS / f"{name}.png")
        side = min(photo.shape[:2])
        square = np.ascontiguousarray(photo[:side, :side])
        thumbnails[name] = webp_data_url(views.fit_within(square, views.THUMBNAIL))
    return first, thumbnails


def _box_in_pixels(fractions: object, shape: tuple[int, ...]) -> tuple[float, ...] | None:
    """Convert a box from fractions of the photo's width and height to pixels. Raises Problem."""
    if fractions is None:
        return None
    try:
        x0, y0, x1, y1 = (min(max(float(fraction), 0), 1) for fraction in fractions)
    except (TypeError, ValueError):
        raise Problem("A box is four numbers: x0, y0, x1, y1.") from None
    height, width = shape[:2]
    x0, x1, y0, y1 = min(x0, x1), max(x0, x1), min(y0, y1), max(y0, y1)
    return x0 * width, y0 * height, x1 * width, y1 * height
