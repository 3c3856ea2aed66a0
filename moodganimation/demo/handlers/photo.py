"""Opening a photo, and the fast lane: plain values in, plain values out."""

import cv2
import gradio as gr
import numpy as np

from ...animator import Animator
from ...errors import InvalidExpression, Message, NoFaceFound, Problem
from ...expressions.moods import mood_of
from ...expressions.request import ExpressionRequest, resolve
from ...expressions.sides import UNIT_SPACES
from ...expressions.spaces import ACTION_UNITS, PAD, Expression
from ...faces.portrait import Portrait
from ...media.images import read_image
from ..i18n import told
from ..models import Models
from ..sessions import PREVIEW, Face, Session, Sessions
from .common import (
    UNTOUCHED,
    hundredths,
    jpeg,
    pictures,
    place,
    render,
    reported,
    rounded,
    timeline_of,
)

MOST_FACES = 24  # of a photo that can be chosen
THUMBNAIL = 128  # side of a face to choose from [px]


class Page:
    """Handlers of the page; a `Problem` becomes its sentence on it."""

    def __init__(self, animator: Animator):
        self.models, self.visits = Models(animator), Sessions()

    @reported
    def open(self, path: str | None, old: str | None, model, request: gr.Request, box=None):
        """Locate the face of an uploaded file. Values: token, note, outline, thumbnails, and
        those of `place`: 17 units, 3 moods, result, attention, color, motion, bars, both."""
        if path is None:
            self.visits.close(old)
            return (
                "",
                told("Upload a photo of a face."),
                None,
                _gallery([]),
                *[gr.skip()] * 20,
                *[None] * 6,
            )
        photo, animator = read_image(path), self.models[model]
        try:
            crops = [] if box is not None else animator.find(photo)[:MOST_FACES]
            portrait = animator.locate(photo, box, crops[0] if crops else None)
        except NoFaceFound as problem:
            if box is not None:
                raise
            self.visits.close(old)
            small = Portrait(photo, np.eye(2, 3), "").within(PREVIEW).photo
            sentence = told(problem.message)
            gr.Warning(sentence, duration=None, title=told("Warning"))
            return "", f"**{sentence}**", small, _gallery([]), *[gr.skip()] * 20, *[None] * 6
        face = Face.of(animator, portrait)
        crops = crops or [portrait.to_face]
        visit = Session(animator, path, photo, crops, face, request.session_hash)
        placed = place(visit, face.anchor)
        token = self.visits.open(visit)
        self.visits.close(old)
        outline = visit.small.copy()
        for crop in visit.crops:
            corners = Portrait(photo, crop, "").within(PREVIEW).corners
            cv2.polylines(outline, [np.int32(corners.round())], True, (255, 200, 0), 2, cv2.LINE_AA)
        height, width = photo.shape[:2]
        note = [
            told("{} x {} pixels", width, height),
            told("face found by: {}", Message(portrait.finder)),
        ]
        if len(visit.crops) > 1:
            count = len(visit.crops)
            note += [told("{} faces: choose one below, the largest is first", count)]
        thumbnails = [Portrait(photo, crop, "").face(THUMBNAIL) for crop in visit.crops]
        return token, " · ".join(note), outline, _gallery(thumbnails), *placed

    @reported
    def turn(self, token, event: gr.SelectData):
        """Put the chosen face to work."""
        visit = self.visits[token]
        visit.turn_to(event.index)
        return place(visit, visit.face.anchor)

    @reported
    def open_at(self, path, old, model, share, request: gr.Request, event: gr.SelectData):
        """Locate the face around a clicked point; share: its height in percent of the picture's."""
        if path is None:
            raise Problem("There is no photo yet: upload one first.")
        height, width = read_image(path).shape[:2]
        x, y = np.array(event.index) * max(1, max(height, width) / PREVIEW)
        half = share / 200 * height
        box = max(0, x - half), max(0, y - half), min(width, x + half), min(height, y + half)
        return self.open(path, old, model, request, box)

    @reported
    def choose(self, token, model):
        """The photo as it is on the sliders, by another model."""
        if not token:
            return UNTOUCHED
        visit = self.visits[token]
        visit.animator = self.models[model]
        visit.face.encoded_by(visit.animator)
        return place(visit, visit.face.anchor)

    def preview(self, request: dict) -> dict:
        """Small JPEGs for a request of the fast lane (see assets/page.js); {} if it is no good."""
        try:
            visit = self.visits[request.get("token")]
            asked = self._asked(visit, request)[1]
            frame = visit.animator.edit(visit.face.small, asked, visit.face.where)
        except (Problem, AttributeError):
            return {}
        names = ("result", "attention", "color", "motion")
        return {n: jpeg(p) for n, p in zip(names, pictures(frame), strict=True)}

    @reported
    def settle(self, token, event: gr.EventData):
        """The full result of the request that the fast lane ended with: 17 units, 3 moods and the
        four pictures; nothing if another photo has come meanwhile."""
        request = event._data if isinstance(event._data, dict) else {}
        if request.get("token", token) != token:
            return UNTOUCHED
        visit = self.visits[token]
        wanted, shown = self._asked(visit, request)
        units, moods = [gr.skip()] * 17, [gr.skip()] * 3
        visit.face.turned = {}
        if "mood" in request:
            visit.face.anchor = _start(visit, Expression(ACTION_UNITS, tuple(request["units"])))
            visit.face.mooded, visit.face.turned = wanted, {"mood": request["mood"]}
            units = list(wanted.values)
        elif "way" not in request:
            visit.face.anchor, moods = wanted, rounded(mood_of(wanted))
        if "way" not in request:
            visit.face.history.add(wanted)
        return *units, *moods, *render(visit, shown)

    def leave(self, request: gr.Request) -> None:
        self.visits.leave(request.session_hash)

    def _asked(self, visit: Session, request: dict) -> tuple[Expression, Expression]:
        """The target expression of a request of the fast lane in Action Units, and the expression
        to give to its generator: for generators of moods, the mood itself. Raises
        InvalidExpression."""
        try:
            if "way" in request:
                share, *settings = request["way"]
                timeline = timeline_of(visit, *settings, request.get("units"))
                reading = visit.face.portrait.reading
                way = timeline.expressions(reading.space, reading)
                point = way[round(min(max(share, 0), 1) * (len(way) - 1))]
                return point, point
            units = Expression(ACTION_UNITS, tuple(request["units"]))
            if "mood" not in request:
                return units, units
            mood = Expression(PAD, tuple(request["mood"]))
            start = _start(visit, units)
            units = hundredths(resolve(ExpressionRequest(axes=mood.asdict()), start, ACTION_UNITS))
            return units, units if visit.animator.space in UNIT_SPACES else mood
        except (KeyError, TypeError, ValueError, OverflowError) as problem:
            if isinstance(problem, Problem):
                raise
            raise InvalidExpression("Every slider needs a number: fill in the empty one.") from None


def _start(visit: Session, units: Expression) -> Expression:
    """Where a mood starts from: the anchor, or the sliders if a hand has moved them since."""
    return visit.face.anchor if units in (visit.face.anchor, visit.face.mooded) else units


def _gallery(thumbnails: list[np.ndarray]) -> dict:
    """Faces to choose from, where there is a choice."""
    several = len(thumbnails) > 1
    return gr.update(value=thumbnails if several else [], visible=several)
