"""The page: a photo in, sliders, the changed photo out, and how it was done beside it."""

import argparse
import base64
import functools
import os
import secrets
import tempfile
import threading
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from pathlib import Path

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

import cv2
import gradio as gr
import numpy as np
from PIL import Image

from moodganimation.animator import DEFAULT_CHECKPOINT, Animator, Frame
from moodganimation.errors import InvalidExpression, Problem
from moodganimation.expressions import ACTION_UNITS, PAD, PRESETS, Expression
from moodganimation.images import read_image, write_image
from moodganimation.moods import mood_of, with_mood
from moodganimation.portraits import Portrait
from moodganimation.video import EASINGS, MOST_FRAMES, interpolate, write_animation

ASSETS = Path(__file__).parent / "assets"
PREVIEW = 720  # longest side of a preview [px]
MOST_BYTES = 600_000_000  # of photos kept for visitors; the one unused longest goes first
PHOTO, SLIDERS, NEUTRAL = "the photo", "the sliders", "neutral"
REGIONS = tuple(dict.fromkeys(axis.region for axis in ACTION_UNITS.axes))


@dataclass(eq=False)
class Visit:
    """What the server keeps of one uploaded photo until the visitor leaves."""

    portrait: Portrait
    small: Portrait  # the same face in a picture of at most PREVIEW pixels, for dragging
    anchor: Expression  # the Action Units that mood sliders start from
    session: str | None  # of the visitor's browser tab
    folder: tempfile.TemporaryDirectory = field(
        default_factory=lambda: tempfile.TemporaryDirectory(prefix="moodganimation-")
    )


class Visits:
    """Visits by secret token, bounded in memory."""

    def __init__(self):
        self._visits, self._lock = OrderedDict(), threading.Lock()

    def open(self, visit: Visit) -> str:
        token = secrets.token_urlsafe(24)
        with self._lock:
            self._visits[token] = visit
            kept = [v.portrait.photo.nbytes for v in self._visits.values()]
            while len(kept) > 1 and sum(kept) > MOST_BYTES:
                kept.pop(0)
                self._visits.popitem(last=False)
        return token

    def __getitem__(self, token: str) -> Visit:
        with self._lock:
            visit = self._visits.get(token) if isinstance(token, str) else None
            if visit is None:
                raise Problem("There is no photo yet, or it was put away: upload it once more.")
            self._visits.move_to_end(token)
            return visit

    def close(self, token: str | None) -> None:
        with self._lock:
            self._visits.pop(token, None)

    def leave(self, request: gr.Request) -> None:
        """Forget every photo of a visitor who closed the page."""
        with self._lock:
            gone = [t for t, v in self._visits.items() if v.session == request.session_hash]
            for token in gone:
                del self._visits[token]


class PhotoInput(gr.Image):
    """gr.Image that hands over the file as it came, and says what is wrong with it."""

    is_template = True  # for Gradio: shown by the page's own gr.Image

    def preprocess(self, payload):
        try:
            return super().preprocess(payload)
        except (OSError, ValueError, Image.DecompressionBombError):
            raise gr.Error(
                "This is not a picture that can be read, or it is far too large: "
                "use a JPEG, PNG or WebP photo.",
                duration=None,
            ) from None


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
        except (Problem, TypeError, AttributeError):
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
        return Expression.neutral(ACTION_UNITS) if name == NEUTRAL else PRESETS[name]

    def _render(self, visit: Visit, expression: Expression) -> tuple:
        frame = self.animator.edit(visit.portrait, expression)
        large = frame.portrait.photo.size > 3 * 4_000_000  # a PNG would take seconds
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


def build(animator: Animator) -> gr.Blocks:
    """The whole page over one animator."""
    page = Page(animator)
    names = [PHOTO, NEUTRAL, SLIDERS, *PRESETS]

    def preview(request: dict) -> dict:
        return page.preview(request)

    with gr.Blocks(title="MoodGANimation", delete_cache=(600, 3600)) as demo:
        gr.Markdown(
            "# MoodGANimation\nMove a muscle or a mood: your own photo changes, at its own "
            "resolution. Please edit only faces of people who agree to it.\n\n" + _status(animator)
        )
        lane = gr.HTML(
            "",
            html_template="",
            js_on_load=(ASSETS / "page.js").read_text(),
            server_functions=[preview],
            elem_id="lane",
        )
        with gr.Row():
            with gr.Column(scale=5, min_width=420):
                photo = PhotoInput(
                    type="filepath",
                    image_mode=None,
                    sources=["upload", "webcam", "clipboard"],
                    label="Photo",
                    height=240,
                    elem_id="photo",
                )
                note = gr.Markdown("Upload a photo of a face.", elem_id="note")
                gr.Examples([str(p) for p in sorted(ASSETS.glob("*.png"))], photo, label="Examples")
                with gr.Accordion("Another face, or none found?", open=False):
                    share = gr.Slider(5, 100, 50, step=1, label="Height of the face, % of photo")
                    outline = gr.Image(
                        label="Click on the middle of the face", interactive=False, buttons=[]
                    )
                units, moods, preset, intensity = _controls()
                with gr.Row():
                    reset = gr.Button("Reset", elem_id="reset")
                    neutral = gr.Button("Neutral first", elem_id="neutral")
            with gr.Column(scale=6, min_width=420, elem_id="sight"):
                result = gr.Image(
                    label="Result",
                    interactive=False,
                    buttons=["download", "fullscreen"],
                    height=480,
                    elem_id="result",
                )
                with gr.Row():
                    panels = [
                        gr.Image(
                            label=label,
                            interactive=False,
                            format="jpeg",
                            buttons=[],
                            height=190,
                            min_width=120,
                            elem_id=label.lower(),
                        )
                        for label in ("Attention", "Color", "Motion")
                    ]
                gr.Markdown(
                    "Result = attention x moved photo + (1 - attention) x color: **white** keeps "
                    "the photo's own pixels, **black** is painted; arrows show where they moved."
                )
        with gr.Accordion("Animation", open=True):
            with gr.Row():
                start = gr.Dropdown(names, value=PHOTO, label="From")
                end = gr.Dropdown(names, value=SLIDERS, label="To", elem_id="end")
                easing = gr.Dropdown(list(EASINGS), value="smooth", label="Easing")
                view = gr.Radio(["face", "photo"], value="face", label="Picture")
            with gr.Row():
                frames = gr.Slider(2, MOST_FRAMES // 4, 24, step=1, label="Frames", buttons=[])
                fps = gr.Slider(1, 60, 24, step=1, label="Frames per second", buttons=[])
                hold = gr.Slider(0, 120, 6, step=1, label="Hold at the end [frames]", buttons=[])
                size = gr.Slider(64, 1280, 384, step=2, label="Longest side [px]", buttons=[])
                ping_pong = gr.Checkbox(True, label="There and back")
            scrub = gr.Slider(0, 1, 0, step=0.01, label="Scrub", elem_id="scrub", buttons=[])
            with gr.Row():
                formats = gr.CheckboxGroup(
                    ["GIF", "MP4", "WebP"], value=["GIF", "MP4"], label="Write"
                )
                make = gr.Button("Make the animation", variant="primary", elem_id="make")
            with gr.Row():
                moving = gr.Image(
                    label="GIF or WebP", interactive=False, buttons=["download"], elem_id="gif"
                )
                film = gr.Video(label="MP4", interactive=False, loop=True, elem_id="mp4")
                files = gr.Files(label="Downloads", elem_id="files")

        pictures = [result, *panels]
        opened = [lane, note, outline, *units, *moods, *pictures]
        private = {"api_visibility": "private", "trigger_mode": "always_last"}
        shared = private | {"concurrency_id": "generator", "concurrency_limit": 2}
        photo.change(page.open, [photo, lane], opened, **shared)
        outline.select(page.open_at, [photo, lane, share], opened, **shared)
        hidden = {"show_progress": "hidden"}
        lane.input(page.settle, lane, [*units, *moods, *pictures], **shared, **hidden)
        for sliders, request in ((units, "{units: v}"), (moods, "{mood: v}")):
            gr.on(
                [s.input for s in sliders],
                None,
                sliders,
                None,
                **private,
                js=f"(...v) => {{ window.moodganimation.ask({request}) }}",
            )
        scrub.input(
            None,
            [start, end, easing, scrub, *units],
            None,
            **private,
            js="(a, b, e, t, ...v) => { window.moodganimation.ask({way: [a, b, e, t], units: v}) }",
        )
        placed = [*units, *moods, *pictures]
        gr.on(
            [preset.input, intensity.input], page.put, [lane, preset, intensity], placed, **shared
        )
        for button, name in ((reset, PHOTO), (neutral, NEUTRAL)):
            goal = gr.State(name), gr.State(1.0)
            button.click(page.put, [lane, *goal], placed, **shared)
        make.click(
            page.make,
            [lane, start, end, frames, fps, easing, ping_pong, hold, view, size, formats, *units],
            [film, moving, files],
            **shared,
        )
        demo.unload(page.visits.leave)
    return demo


def _controls() -> tuple[list, list, gr.Radio, gr.Slider]:
    """Sliders of the Action Units in their order, of the mood, and the emotions, in three tabs."""
    with gr.Tab("Action Units"), gr.Row():
        units = {}
        for regions in (REGIONS[:-1], REGIONS[-1:]):
            with gr.Column(min_width=190, elem_classes="slim"):
                for region in regions:
                    gr.Markdown(f"**{region.capitalize()}**")
                    for axis in (a for a in ACTION_UNITS.axes if a.region == region):
                        label = f"{axis.key} {axis.label}"
                        units[axis.key] = gr.Slider(
                            0, 1, 0, step=0.01, label=label, elem_id=axis.key, buttons=[]
                        )
    with gr.Tab("Mood"):
        moods = [
            gr.Slider(-1, 1, 0, step=0.01, label=a.label, elem_id=a.key, buttons=[])
            for a in PAD.axes
        ]
        gr.Markdown(
            "Moods and Action Units are tied by a documented mapping. *Dominance* follows its "
            "definition only: no data set of faces carries it, so it is not validated."
        )
    with gr.Tab("Emotions"):
        preset = gr.Radio(list(PRESETS), label="Emotion", elem_id="preset")
        intensity = gr.Slider(
            0, 1, 1, step=0.01, label="Intensity", elem_id="intensity", buttons=[]
        )
    return [units[key] for key in ACTION_UNITS.keys], moods, preset, intensity


def _status(animator: Animator) -> str:
    device = "CPU" if animator.device.type == "cpu" else "GPU"
    name = animator.card.get("name", DEFAULT_CHECKPOINT.stem)
    line = (
        f"Device: **{device}** · checkpoint: **{name}** · face finder: **{animator.finder.name}**"
    )
    missing = (f"; {m.name} cannot be used here ({m.reason})" for m in animator.unavailable)
    return line + "".join(missing)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", help="default: the shipped one")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", 7860)))
    options = parser.parse_args()
    try:
        animator = Animator.load(options.checkpoint, options.device)
    except Problem as problem:
        raise SystemExit(f"moodganimation: {problem}") from None
    animator.warm_up()
    build(animator).queue(max_size=32).launch(
        server_name=os.environ.get("GRADIO_SERVER_NAME"),
        server_port=options.port,
        css_paths=ASSETS / "page.css",
        max_file_size="40mb",
        run_history=False,
        footer_links=[],
        enable_monitoring=False,
        ssr_mode=False,
    )


if __name__ == "__main__":
    main()
