"""The animation between two expressions."""

from pathlib import Path

import gradio as gr

from ..errors import InvalidExpression
from ..video import interpolate, write_animation
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
        way = interpolate(*ends, int(frames), easing, ping_pong, int(hold))
        once = list(dict.fromkeys(way))  # on the way back nothing new is drawn
        portrait, pictures = visit.face.portrait.enough_for(view, int(size)), {}
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
