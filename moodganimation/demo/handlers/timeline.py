"""Handlers of the timeline: draw its curves, and write its animation."""

from collections.abc import Callable

import numpy as np

from ...animation.timeline import Timeline
from ...errors import InvalidExpression, Message, join_names
from ...expressions import schema
from ...expressions.sides import units_of
from ...expressions.spaces import Expression
from ...frame import Frame, portrait_for_file
from ...media.figures import add_panels, curves, row
from ...media.images import write_image
from ...media.video_writer import write_animation
from ...recipe import Output, Recipe
from ..i18n import localize
from ..recipe_io import current_recipe, panel_settings
from ..sessions import Session, Sessions
from .common import (
    download_name,
    file_data,
    new_path,
    problems_as_answers,
    start_progress,
    timeline_of,
    webp_data_url,
)
from .settings import (
    FORMATS,
    OUTPUT_CHECKERS,
    STRIP,
    TIMELINE_CHECKERS,
    bool_checker,
    checked_settings,
)

MAX_STRIP_PICTURES = 24
CURVES_SIZE = (720, 160)  # width and height of the drawing of a timeline [px]


class TimelineHandlers:
    """Handlers of the timeline and of the panel Animation."""

    def __init__(self, sessions: Sessions):
        self.sessions = sessions

    @problems_as_answers
    def draw_curves(self, request: dict) -> dict:
        """Draw the timeline's Action Units: {"curves": picture, "frames", "seconds"}."""
        session = self.sessions[request.get("token")]
        timeline = timeline_of(session, checked_settings(request, TIMELINE_CHECKERS))
        reading = session.face.reading
        expressions = timeline.expressions(reading.space, reading)
        drawing = curves([units_of(expression) for expression in expressions], CURVES_SIZE)
        return {
            "frames": len(expressions),
            "seconds": len(expressions) / timeline.fps,
            "curves": webp_data_url(drawing),
        }

    @problems_as_answers
    def write(self, request: dict, tab_hash: str | None = None) -> dict:
        """Write the animation in every chosen format: {"files", "notes"}."""
        session = self.sessions[request.get("token")]
        settings = checked_settings(request, TIMELINE_CHECKERS | OUTPUT_CHECKERS)
        if not settings["formats"]:
            raise InvalidExpression("Choose at least one of {}.", join_names(FORMATS))
        timeline = timeline_of(session, settings)
        report = start_progress(session, request, "Drawing")
        pictures, expressions = self._draw(session, timeline, settings, report)
        recipe = self._recipe(session, timeline, settings)
        files, notes = {}, []  # by format
        for name in settings["formats"]:
            start_progress(session, request, Message("Writing {}", Message(name)))
            path = new_path(session, "animation", f".{name.split()[0].lower()}")
            notes += session.original.alpha_notes(path, over_white=settings["panels"])
            if name == STRIP:
                distinct = list(pictures.values())
                count = min(len(distinct), MAX_STRIP_PICTURES)
                indices = np.linspace(0, len(distinct) - 1, count).round()
                strip = row([distinct[int(index)] for index in indices])
                write_image(path, strip, recipe=recipe, label=session.label)
            else:
                frames = (pictures[expression] for expression in expressions)
                write_animation(path, frames, timeline.fps, recipe=recipe, label=session.label)
            content = session.face.state.preset or "animation"
            files[name] = file_data(path, download_name(session, content, path.suffix))
        return {"files": list(files.values()), "notes": list(map(localize, notes))}

    def _draw(
        self, session: Session, timeline: Timeline, settings: dict, report: Callable
    ) -> tuple[dict[Expression, np.ndarray], list[Expression]]:
        """Return {expression: picture}, each drawn once, and the expression of every frame."""
        face, view, size = session.face, settings["view"], settings["size"]
        reading = face.portrait.reading
        expressions = timeline.expressions(reading.space, reading)
        distinct = list(dict.fromkeys(expressions))  # the way back repeats those of the way there
        portrait = face.portrait
        if not settings["panels"]:
            portrait = portrait_for_file(portrait, session.base_photo)
        portrait, pictures = portrait.downscaled_for(view, size), {}
        frames = session.animator.animate(portrait, distinct, where=face.edit_mask)
        for expression, frame in zip(distinct, frames, strict=True):
            report(len(pictures), len(distinct))
            pictures[expression] = _picture(frame, settings)
        return pictures, expressions

    def _recipe(self, session: Session, timeline: Timeline, settings: dict) -> str:
        """Return the recipe of an animation as text."""
        panel = {**settings, "formats": list(settings["formats"]), "keyed": bool(session.keyframes)}
        output = Output(panel.pop("view"), panel.pop("size"), timeline.fps)
        sliders = schema.expression_to_json(session.face.state.expression)
        options = {"animate": panel, "sliders": sliders["expression"]}
        options["sliders_space"] = sliders["space"]
        recipe = current_recipe(session, timeline=timeline, extra_options=options, output=output)
        return recipe.text()

    def restore_settings(self, session: Session | None, recipe: Recipe) -> dict[str, dict]:
        """Return the settings of a recipe's animation, and set the session's keyframes to its own.

        {} for the recipe of a still picture. The recipe of another program has no settings of the
        page: its keyframes are used.
        """
        timeline, output = recipe.timeline, recipe.output
        if timeline is None or session is None:
            return {}
        defaults = {"fps": timeline.fps, "mode": timeline.mode, "blinks": timeline.blinks}
        defaults["keyed"] = True
        checkers = {name: OUTPUT_CHECKERS[name] for name in ("formats", "panels")}
        checkers |= TIMELINE_CHECKERS
        checkers["keyed"] = bool_checker("Keyframes")
        settings = panel_settings(recipe, "animate", defaults, **checkers)
        session.keyframes = [*timeline.keyframes] if settings.pop("keyed") else []
        settings["view"] = output.view
        return {"animate": settings if output.size is None else settings | {"size": output.size}}


def _picture(frame: Frame, settings: dict) -> np.ndarray:
    """Return a frame of the animation; with "panels", beside its attention and color."""
    view = frame.view(settings["view"], settings["size"])
    return add_panels(view, frame.attention, frame.color) if settings["panels"] else view
