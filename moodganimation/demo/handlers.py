"""What happens when something on the page is touched: plain values in, plain values out."""

import base64
import functools
import secrets
from dataclasses import replace
from pathlib import Path

import cv2
import gradio as gr
import numpy as np

from ..animator import Animator, Frame
from ..errors import InvalidExpression, Problem
from ..expressions import ACTION_UNITS, PAD, PRESETS, Expression
from ..images import read_image, write_image
from ..moods import mood_of, with_mood
from ..video import EASINGS, interpolate, write_animation
from .visits import Visit, Visits

PREVIEW = 720  # longest side of a preview [px]
LARGE = 4_000_000  # pixels from which a result is a JPEG: a PNG would take seconds
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
    """Handlers: plain values in, plain values out; a Problem becomes a message on the page."""

    def __init__(self, animator: Animator):
        self.animator, self.visits = animator, Visits()

    @reported
    def open(self, path: str | None, old: str | None, request: gr.Request, box=None):
        """Locate the face of an uploaded file; outputs as in `build`."""
        self.visits.close(old)
        if path is None:
            return "", "Upload a photo of a face.", None, *[gr.skip()] * 20, *[None] * 4
        portrait = self.animator.locate(read_image(path), box)
        height, width = portrait.photo.shape[:2]
        scale = min(1.0, PREVIEW / max(height, width))
        small = cv2.resize(portrait.photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        # centre of pixel i of the small picture stands at (i + .5) / scale - .5 of the photo
        linear, shift = portrait.to_face[:, :2] / scale, 0.5 / scale - 0.5
        offset = portrait.to_face[:, :2] @ [shift, shift] + portrait.to_face[:, 2]
        small = replace(portrait, photo=small, to_face=np.c_[linear, offset])
        visit = Visit(portrait, small, portrait.reading, request.session_hash)
        token = self.visits.open(visit)
        outline = small.photo.copy()
        corners = np.linalg.inv(small.to_face[:, :2]) @ (
            np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]).T - small.to_face[:, 2:]
        )
        cv2.polylines(outline, [np.int32(corners.T)], True, (255, 200, 0), 2, cv2.LINE_AA)
        note = f"{width} x {height} pixels · face found by: {portrait.finder}"
        return (
            token,
            note,
            outline,
            *self._sliders(visit.anchor),
            *self._render(visit, visit.anchor),
        )

    @reported
    def open_at(self, path, old, share, request: gr.Request, event: gr.SelectData):
        """Locate the face around a clicked point; share: its height in percent of the picture's."""
        height, width = read_image(path).shape[:2]
        x, y = np.array(event.index) * max(height, width) / min(PREVIEW, max(height, width))
        half = share / 200 * height
        box = max(0, x - half), max(0, y - half), min(width, x + half), min(height, y + half)
        return self.open(path, old, request, box)

    def preview(self, request: dict) -> dict:
        """Small JPEGs for a request of the fast lane (see assets/page.js); {} if it is no good."""
        try:
            visit = self.visits[request.get("token")]
            frame = self.animator.edit(visit.small, self._asked(visit, request))
        except (ValueError, TypeError, AttributeError, KeyError):
            return {}
        names = ("result", "attention", "color", "motion")
        return {n: _jpeg(p) for n, p in zip(names, _pictures(frame), strict=True)}

    @reported
    def settle(self, token, event: gr.EventData):
        """The full result of the request that the fast lane ended with."""
        visit, request = self.visits[token], dict(event._data or {})
        wanted = self._asked(visit, request)
        units, moods = [gr.skip()] * 17, [gr.skip()] * 3
        if "mood" in request:
            units = list(wanted.values)
        elif "way" not in request:
            visit.anchor, moods = wanted, _rounded(mood_of(wanted))
        return *units, *moods, *self._render(visit, wanted)

    @reported
    def put(self, token, name, intensity):
        """Sliders on a preset, on neutral or back on the photo, and the result."""
        visit = self.visits[token]
        goal = visit.portrait.reading.towards(self._named(visit, name, None), intensity)
        visit.anchor = Expression.clipped(ACTION_UNITS, goal.vector().round(2))
        return *self._sliders(visit.anchor), *self._render(visit, visit.anchor)

    @reported
    def make(self, token, start, end, frames, fps, easing, ping_pong, hold, view, size, formats,
             *units, progress=gr.Progress()):  # fmt: skip
        """Write the animation in every chosen format."""
        visit = self.visits[token]
        if not formats:
            raise InvalidExpression("Choose at least one of GIF, MP4 and WebP.")
        ends = (self._named(visit, name, units) for name in (start, end))
        way = interpolate(*ends, int(frames), easing, ping_pong, int(hold))
        pictures = []
        for i, frame in enumerate(self.animator.animate(visit.portrait, way)):
            progress((i, len(way)), desc="Drawing", unit="frames")
            pictures.append(frame.view(view, int(size)))
        files = {}
        for i, name in enumerate(formats):
            progress((i, len(formats)), desc=f"Writing {name}", unit="files")
            path = Path(visit.folder.name) / f"expression.{name.lower()}"
            files[name] = str(write_animation(path, pictures, fps))
        moving = next((files[name] for name in ("GIF", "WebP") if name in files), None)
        return files.get("MP4"), moving, list(files.values())

    def leave(self, request: gr.Request) -> None:
        self.visits.leave(request.session_hash)

    def _asked(self, visit: Visit, request: dict) -> Expression:
        if "way" in request:
            start, end, easing, share = request["way"]
            ends = [self._named(visit, name, request.get("units")) for name in (start, end)]
            if easing not in EASINGS or not 0 <= share <= 1:
                raise InvalidExpression("An interpolation goes from 0 to 1.")
            return ends[0].towards(ends[1], EASINGS[easing](share))
        if "mood" in request:
            units = with_mood(visit.anchor, Expression(PAD, tuple(request["mood"]))).vector()
            return Expression.clipped(ACTION_UNITS, units.round(2))
        return Expression(ACTION_UNITS, tuple(request["units"]))

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
        frame = self.animator.edit(visit.portrait, expression)
        large = frame.portrait.photo[..., 0].size > LARGE
        path = Path(visit.folder.name) / f"{secrets.token_hex(4)}.{'jpg' if large else 'png'}"
        for old in path.parent.glob("[0-9a-f]*.[jp][pn]g"):
            old.unlink(missing_ok=True)
        write_image(path, frame.image)
        return str(path), *_pictures(frame)[1:]

    def _sliders(self, expression: Expression) -> list[float]:
        return [*expression.values, *_rounded(mood_of(expression))]


def _rounded(expression: Expression) -> list[float]:
    return [round(value, 2) for value in expression.values]


def _pictures(frame: Frame) -> tuple:
    return frame.image, frame.attention, frame.color, frame.motion


def _jpeg(picture: np.ndarray) -> str:
    _, data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])
    return "data:image/jpeg;base64," + base64.b64encode(data).decode()
