"""The animation between two expressions."""

from pathlib import Path

import gradio as gr
import numpy as np

from ...animation.easing import EASINGS, FASTEST, MOST_FRAMES
from ...animation.timeline import MODES, Keyframe, Timeline
from ...errors import InvalidExpression, Message, Problem, listing
from ...expressions import schema
from ...expressions.presets import PRESETS
from ...expressions.spaces import ACTION_UNITS
from ...media.figures import beside, curves, row
from ...media.images import write_image
from ...media.video_writer import write_animation
from ...recipe import Output, Recipe
from ..i18n import told
from ..recipe_io import between, choice, recipe_of, said, several, truth, whole
from ..sessions import Session, Sessions
from .common import NEUTRAL, PHOTO, SLIDERS, asked_units, reported, telling, timeline_of

STRIP = "PNG strip"
FORMATS = ("GIF", "MP4", "WebP", STRIP)
MOST_WAY, MOST_HELD = MOST_FRAMES // 4, 120  # frames from one expression to another, and held
MOST_STRIP = 24  # pictures side by side
CURVES = (720, 220)  # width and height of the drawing of a timeline [px]


class Animations:
    """Handlers of the tab Animate."""

    def __init__(self, visits: Sessions):
        self.visits = visits

    @reported
    def add(self, token, at, hold, easing, fps, mode, blinks, *units):
        """The sliders as a keyframe at a moment [s], in place of one that is there: the keyframes
        in words, and their curves."""
        visit = self.visits[token]
        key = Keyframe(asked_units(units), at, hold, easing)
        others = [k for k in visit.keyframes if abs(k.at - key.at) * fps >= 1]
        return self.show(visit, [*others, key], fps, mode, blinks)

    @reported
    def remove(self, token, at, fps, mode, blinks):
        """Without the keyframe nearest to a moment [s]."""
        visit = self.visits[token]
        if not visit.keyframes:
            raise Problem("There is no keyframe to take away.")
        nearest = min(visit.keyframes, key=lambda key: abs(key.at - (at or 0)))
        kept = [key for key in visit.keyframes if key is not nearest]
        return self.show(visit, kept, fps, mode, blinks)

    @reported
    def draw(self, token, fps, mode, blinks):
        """The curves once more, at another pace or in another mode."""
        visit = self.visits[token]
        return self.show(visit, visit.keyframes, fps, mode, blinks)

    def show(self, visit: Session, keyframes: list[Keyframe], fps, mode, blinks):
        """The keyframes of a visit from now on, in words, and their curves."""
        if not keyframes:
            visit.keyframes = []
            nothing = "No keyframes: the animation goes from one expression to another."
            return told(nothing), None
        timeline = Timeline(tuple(keyframes), fps, mode, blinks=blinks)
        visit.keyframes = list(timeline.keyframes)  # only once it is known to be one
        way = timeline.expressions(ACTION_UNITS, visit.face.portrait.reading)
        keys = [
            told("{} s (held {} s)", f"{key.at:.3g}", f"{key.hold:.3g}") for key in visit.keyframes
        ]
        counted = told("{} keyframes", len(keys)), told("{} frames", len(way))
        return f"{counted[0]}: {', '.join(keys)}. {counted[1]}.", curves(way, CURVES)

    def restored(self, visit: Session, recipe: Recipe) -> list:
        """The settings of a recipe's animation and how it is written, its keyframes in words and
        their curves; untouched where it is of a still picture. One that was made elsewhere is
        all keyframes."""
        timeline, output = recipe.timeline, recipe.output
        if timeline is None:
            return [gr.skip()] * 16
        ends = choice(PHOTO, NEUTRAL, SLIDERS, *PRESETS)
        *settings, formats, panels, keyed = said(
            recipe,
            "animate",
            {"fps": timeline.fps, "mode": timeline.mode, "blinks": timeline.blinks, "keyed": True},
            start=ends,
            end=ends,
            frames=whole(2, MOST_WAY),
            fps=between(1, FASTEST),
            easing=choice(*EASINGS),
            ping_pong=truth,
            hold=whole(0, MOST_HELD),
            mode=choice(*MODES),
            blinks=truth,
            formats=several(*FORMATS),
            panels=truth,
            keyed=truth,
        )
        pace = settings[3], *settings[7:]
        shown = self.show(visit, [*timeline.keyframes] if keyed else [], *pace)
        size = gr.skip() if output.size is None else output.size
        return [*settings, output.view, size, formats, panels, *shown, gr.update(open=keyed)]

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
        mode,
        blinks,
        view,
        size,
        formats,
        panels,
        *units,
        progress=gr.Progress(),
    ):
        """Write the animation in every chosen format: MP4, GIF or WebP to show, all files. panels:
        beside each face what the network keeps and what it paints."""
        visit = self.visits[token]
        if not formats or not set(formats) <= set(FORMATS):
            raise InvalidExpression("Choose at least one of {}.", listing(FORMATS))
        timeline = timeline_of(
            visit, start, end, frames, fps, easing, ping_pong, hold, mode, blinks, units
        )
        reading = visit.face.portrait.reading
        way = timeline.expressions(reading.space, reading)
        output = Output(view, int(size), fps)
        made = {
            "start": start,
            "end": end,
            "frames": int(frames),
            "fps": fps,
            "easing": easing,
            "ping_pong": ping_pong,
            "hold": int(hold),
            "mode": mode,
            "blinks": blinks,
            "formats": list(formats),
            "panels": bool(panels),
            "keyed": bool(visit.keyframes),
        }
        sliders = schema.of_expression(asked_units(units))["expression"]
        made = {"animate": made, "sliders": sliders}
        recipe = recipe_of(visit, timeline=timeline, made=made, output=output).text()
        once = list(dict.fromkeys(way))  # on the way back nothing new is drawn
        portrait, pictures = visit.face.portrait.enough_for(view, int(size)), {}
        tell = telling(visit, progress, "Drawing")
        edits = visit.animator.animate(portrait, once, where=visit.face.where)
        for point, frame in zip(once, edits, strict=True):
            tell(len(pictures), len(once))
            shown = frame.view(view, int(size))
            pictures[point] = beside(shown, frame.attention, frame.color) if panels else shown
        files = {}
        for number, name in enumerate(formats):
            progress(
                (number, len(formats)), desc=told("Writing {}", Message(name)), unit=told("files")
            )
            path = Path(visit.folder.name) / f"expression.{name.split()[0].lower()}"
            if name == STRIP:
                chosen = np.linspace(0, len(once) - 1, min(len(once), MOST_STRIP)).round()
                strip = row([pictures[once[int(i)]] for i in chosen])
                write_image(path, strip, recipe=recipe, label=visit.label)
            else:
                shown = (pictures[point] for point in way)
                write_animation(path, shown, fps, recipe=recipe, label=visit.label)
            files[name] = str(path)
        moving = next((files[name] for name in ("GIF", "WebP") if name in files), None)
        return files.get("MP4"), moving, list(files.values())
