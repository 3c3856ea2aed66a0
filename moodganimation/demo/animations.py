"""The animation between two expressions."""

from pathlib import Path

import gradio as gr

from ..errors import InvalidExpression
from ..expressions import ACTION_UNITS
from ..recipes import Output
from ..timeline import Timeline
from ..video import write_animation
from .keeping import recipe_of
from .rendering import named, reported
from .visits import Visits


class Animations:
    """Handlers of the tab Animate."""

    def __init__(self, visits: Visits):
        self.visits = visits

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
        ends = (named(visit, name, units) for name in (start, end))
        timeline = Timeline.between(*ends, int(frames), fps, easing, ping_pong, int(hold))
        way = timeline.expressions(ACTION_UNITS, visit.face.portrait.reading)
        output = Output(view, int(size), fps)
        recipe = recipe_of(visit, timeline=timeline, output=output).text()
        once = list(dict.fromkeys(way))  # on the way back nothing new is drawn
        portrait, pictures = visit.face.portrait.enough_for(view, int(size)), {}
        edits = visit.animator.animate(portrait, once, where=visit.face.where)
        for point, frame in zip(once, edits, strict=True):
            progress((len(pictures), len(once)), desc="Drawing", unit="frames")
            pictures[point] = frame.view(view, int(size))
        files = {}
        for number, name in enumerate(formats):
            progress((number, len(formats)), desc=f"Writing {name}", unit="files")
            path = Path(visit.folder.name) / f"expression.{name.lower()}"
            files[name] = str(
                write_animation(path, (pictures[point] for point in way), fps, recipe=recipe)
            )
        moving = next((files[name] for name in ("GIF", "WebP") if name in files), None)
        return files.get("MP4"), moving, list(files.values())
