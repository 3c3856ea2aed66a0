"""What happens when something on the page is touched: plain values in, plain values out."""

import base64
import dataclasses
import functools
import time
from pathlib import Path

import cv2
import gradio as gr
import numpy as np

from ..animator import Animator
from ..errors import InvalidExpression, NoFaceFound, Problem
from ..expressions import ACTION_UNITS, PAD, PRESETS, Expression
from ..frames import Frame
from ..images import read_image, write_image
from ..moods import mood_of, with_mood
from ..portraits import Portrait
from ..video import EASINGS, interpolate, write_animation
from .models import Models
from .visits import Visit, Visits

PREVIEW = 720  # longest side of a preview [px]
PHOTO, SLIDERS, NEUTRAL = "the photo", "the sliders", "neutral"


def reported(handler):
    """A Problem becomes its sentence on the page."""

    @functools.wraps(handler)
    def report(*arguments, **options):
        try:
            return handler(*arguments, **options)
        except Problem as problem:
            raise gr.Error(str(problem), duration=None, print_exception=False) from None

    return report


class Page:
    """Handlers of the page; a `Problem` becomes its sentence on it."""

    def __init__(self, animator: Animator):
        self.models, self.visits = Models(animator), Visits()

    @reported
    def open(self, path: str | None, old: str | None, model, request: gr.Request, box=None):
        """Locate the face of an uploaded file. Values: token, note, outline, 17 units, 3 moods,
        result, attention, color, motion."""
        if path is None:
            self.visits.close(old)
            return "", "Upload a photo of a face.", None, *[gr.skip()] * 20, *[None] * 4
        photo, animator = read_image(path), self.models[model]
        try:
            portrait = animator.locate(photo, box)
        except NoFaceFound as problem:
            if box is not None:
                raise
            self.visits.close(old)
            small = Portrait(photo, np.eye(2, 3), "").within(PREVIEW).photo
            gr.Warning(str(problem), duration=None)
            return "", f"**{problem}**", small, *[gr.skip()] * 20, *[None] * 4
        small = portrait.within(PREVIEW)
        visit = Visit(animator, portrait, small, portrait.reading, request.session_hash)
        pictures = self._render(visit, visit.anchor)
        token = self.visits.open(visit)
        self.visits.close(old)
        outline = small.photo.copy()
        corners = np.int32(small.corners.round())
        cv2.polylines(outline, [corners], True, (255, 200, 0), 2, cv2.LINE_AA)
        height, width = photo.shape[:2]
        note = f"{width} x {height} pixels · face found by: {portrait.finder}"
        return token, note, outline, *_sliders(visit.anchor), *pictures

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
            return [gr.skip()] * 24
        visit, animator = self.visits[token], self.models[model]
        visit.portrait = animator.encode(visit.portrait)
        encoded = {"encoding": visit.portrait.encoding, "reading": visit.portrait.reading}
        visit.small, visit.animator = dataclasses.replace(visit.small, **encoded), animator
        return *_sliders(visit.anchor), *self._render(visit, visit.anchor)

    def preview(self, request: dict) -> dict:
        """Small JPEGs for a request of the fast lane (see assets/page.js); {} if it is no good."""
        try:
            visit = self.visits[request.get("token")]
            frame = visit.animator.edit(visit.small, self._asked(visit, request)[1])
        except (Problem, AttributeError):
            return {}
        names = ("result", "attention", "color", "motion")
        return {n: _jpeg(p) for n, p in zip(names, _pictures(frame), strict=True)}

    @reported
    def settle(self, token, event: gr.EventData):
        """The full result of the request that the fast lane ended with: 17 units, 3 moods and the
        four pictures; nothing if another photo has come meanwhile."""
        request = event._data if isinstance(event._data, dict) else {}
        if request.get("token", token) != token:
            return [gr.skip()] * 24
        visit = self.visits[token]
        wanted, shown = self._asked(visit, request)
        units, moods = [gr.skip()] * 17, [gr.skip()] * 3
        if "mood" in request:
            visit.anchor = _start(visit, Expression(ACTION_UNITS, tuple(request["units"])))
            visit.mooded = wanted
            units = list(wanted.values)
        elif "way" not in request:
            visit.anchor, moods = wanted, _rounded(mood_of(wanted))
        return *units, *moods, *self._render(visit, shown)

    @reported
    def put(self, token, name, intensity):
        """Sliders on a preset, on neutral or back on the photo, and the result."""
        if name is None:
            return [gr.skip()] * 24
        visit = self.visits[token]
        goal = visit.portrait.reading.towards(self._named(visit, name, None), intensity)
        visit.anchor = _hundredths(goal)
        return *_sliders(visit.anchor), *self._render(visit, visit.anchor)

    @reported
    def make(
        self,
        token,
        start,
        end,
        frames,
        fps,
        easing,
        ping_pong,
        hold,
        view,
        size,
        formats,
        *units,
        progress=gr.Progress(),
    ):
        """Write the animation in every chosen format: MP4, GIF or WebP to show, all files."""
        visit = self.visits[token]
        if not formats:
            raise InvalidExpression("Choose at least one of GIF, MP4 and WebP.")
        ends = (self._named(visit, name, units) for name in (start, end))
        way = interpolate(*ends, int(frames), easing, ping_pong, int(hold))
        once = list(dict.fromkeys(way))  # on the way back nothing new is drawn
        portrait, pictures = visit.portrait.enough_for(view, int(size)), {}
        edits = visit.animator.animate(portrait, once)
        for point, frame in zip(once, edits, strict=True):
            progress((len(pictures), len(once)), desc="Drawing", unit="frames")
            pictures[point] = frame.view(view, int(size))
        files = {}
        for number, name in enumerate(formats):
            progress((number, len(formats)), desc=f"Writing {name}", unit="files")
            path = Path(visit.folder.name) / f"expression.{name.lower()}"
            files[name] = str(write_animation(path, (pictures[point] for point in way), fps))
        moving = next((files[name] for name in ("GIF", "WebP") if name in files), None)
        return files.get("MP4"), moving, list(files.values())

    def leave(self, request: gr.Request) -> None:
        self.visits.leave(request.session_hash)

    def _asked(self, visit: Visit, request: dict) -> tuple[Expression, Expression]:
        """The Action Units that a request of the fast lane wants, and the same in the words that
        its model hears best: a mood as it is, if the model speaks moods. Raises InvalidExpression.
        """
        try:
            if "way" in request:
                start, end, easing, share = request["way"]
                ends = [self._named(visit, name, request.get("units")) for name in (start, end)]
                between = ends[0].towards(ends[1], EASINGS[easing](min(max(share, 0), 1)))
                return between, between
            units = Expression(ACTION_UNITS, tuple(request["units"]))
            if "mood" not in request:
                return units, units
            mood = Expression(PAD, tuple(request["mood"]))
            units = _hundredths(with_mood(_start(visit, units), mood))
            return units, units if visit.animator.space == ACTION_UNITS else mood
        except (KeyError, TypeError, ValueError, OverflowError) as problem:
            if isinstance(problem, Problem):
                raise
            raise InvalidExpression("Every slider needs a number: fill in the empty one.") from None

    def _named(self, visit: Visit, name: str, units) -> Expression:
        if name == PHOTO:
            return visit.portrait.reading
        if name == SLIDERS:
            return Expression(ACTION_UNITS, tuple(units))
        if name == NEUTRAL:
            return Expression.neutral(ACTION_UNITS)
        if name not in PRESETS:
            raise InvalidExpression(f"There is no emotion called {name!r}.")
        return PRESETS[name]

    def _render(self, visit: Visit, expression: Expression) -> tuple:
        """The result as a file of the visit, and the three panels. Old files go."""
        frame = visit.animator.edit(visit.portrait, expression)
        folder = Path(visit.folder.name)
        path = folder / f"{time.monotonic_ns()}.png"
        write_image(path, frame.image)
        for old in sorted(folder.glob("*.png"))[:-4]:  # the page may still be copying the last ones
            old.unlink(missing_ok=True)
        return str(path), *_pictures(frame)[1:]


def _start(visit: Visit, units: Expression) -> Expression:
    """Where a mood starts from: the anchor, or the sliders if a hand has moved them since."""
    return visit.anchor if units in (visit.anchor, visit.mooded) else units


def _sliders(expression: Expression) -> list[float]:
    return [*expression.values, *_rounded(mood_of(expression))]


def _hundredths(expression: Expression) -> Expression:
    return Expression.clipped(expression.space, expression.vector().round(2))


def _rounded(expression: Expression) -> list[float]:
    return [round(value, 2) for value in expression.values]


def _pictures(frame: Frame) -> tuple:
    return frame.image, frame.attention, frame.color, frame.motion


def _jpeg(picture: np.ndarray) -> str:
    _, data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])
    return "data:image/jpeg;base64," + base64.b64encode(data).decode()
