"""What the buttons of the tab Edit do to the sliders."""

import cv2
import gradio as gr
import numpy as np

from ...errors import Problem
from ...expressions.moods import mood_of
from ...expressions.presets import PRESETS
from ...expressions.request import ExpressionRequest, resolve
from ...expressions.sides import units_of
from ...expressions.spaces import ACTION_UNITS, Expression
from ...faces.portrait import LOCKS
from ...media.images import read_image
from ..recipe_io import RecipeIO
from ..sessions import HALVES, MASK, Sessions
from .common import (
    NEUTRAL,
    PHOTO,
    UNTOUCHED,
    asked_units,
    named,
    place,
    render,
    reported,
    rounded,
)

PAINTED = ("stays as it is", "alone is edited")
MOST_PINS = 12


class Changes:
    """Handlers; each returns `place`'s values, or leaves them untouched."""

    def __init__(self, visits: Sessions, keeper: RecipeIO, restorers):
        self.visits, self.keeper, self.restorers = visits, keeper, restorers

    @reported
    def put(self, token, name, intensity):
        """Sliders on a preset, on neutral or back on the photo, and the result."""
        if name is None:
            return UNTOUCHED
        visit = self.visits[token]
        if name in (PHOTO, NEUTRAL):
            return place(visit, named(visit, name, None))
        request = ExpressionRequest(name, float(intensity))
        target = resolve(request, visit.face.reading, ACTION_UNITS)
        chosen = {"preset": name, "intensity": request.intensity} if name in PRESETS else {}
        return place(visit, target, **chosen)

    @reported
    def undo(self, token):
        return self._step(token, -1)

    @reported
    def redo(self, token):
        return self._step(token, 1)

    @reported
    def reset(self, token, region, *units):
        """One group of sliders back to what was read in the photo."""
        visit = self.visits[token]
        return place(visit, within(region, visit.face.reading, asked_units(units)))

    @reported
    def borrow(self, token, path, regions, *units):
        """The expression of another photo's face, in the chosen regions."""
        visit = self.visits[token]
        if path is None or not regions:
            raise Problem("Choose a photo to copy from, and at least one region.")
        other = units_of(visit.animator.locate(read_image(path)).reading)
        goal = asked_units(units)
        for region in regions:
            goal = within(region, other, goal)
        return place(visit, goal)

    @reported
    def everyone(self, token, *units):
        """The expression of the sliders for every face in the photo."""
        visit, goal = self.visits[token], asked_units(units)
        for face in map(visit.face_at, range(len(visit.crops))):
            face.anchor = goal
            face.history.add(goal)
            face.frame = visit.animator.edit(face.portrait, goal, face.where)
        visit.turn_to(visit.at)
        return place(visit, goal)

    @reported
    def confine(self, token, name, locked, *units):
        """Edits to act on the whole face or on one half of it, but not on what is locked."""
        visit = self.visits[token]
        for part in ({name} - set(HALVES)) | (set(locked) - set(LOCKS)):
            raise Problem("There is no part of the face called {}.", repr(part))
        visit.face.half, visit.face.locked = name, tuple(locked)
        return *UNTOUCHED[:20], *render(visit, asked_units(units))

    @reported
    def label(self, token, on, *units):
        """What is made says in a corner that it was edited, or not."""
        visit = self.visits[token]
        visit.label = bool(on)
        return *UNTOUCHED[:20], *render(visit, asked_units(units))

    @reported
    def canvas(self, token):
        """The face to paint on."""
        return self.visits[token].face.portrait.face(2 * MASK)

    @reported
    def brush(self, token, painting, painted, *units):
        """Keep edits away from what was painted on the face, or to it alone."""
        visit = self.visits[token]
        layers = (painting or {}).get("layers") or []
        marks = [layer[..., 3] for layer in layers if np.ndim(layer) == 3 and layer.shape[2] == 4]
        visit.face.marked, visit.face.alone = None, painted == PAINTED[1]
        if marks and np.max(marks):
            mark = cv2.resize(np.max(marks, 0), (MASK, MASK), interpolation=cv2.INTER_AREA)
            visit.face.marked = np.uint8(mark > 127)
        return *UNTOUCHED[:20], *render(visit, asked_units(units))

    @reported
    def pin(self, token, *units):
        """Keep what is shown, to come back to: the pictures of all pins."""
        visit, goal = self.visits[token], asked_units(units)
        if visit.face.frame is None:
            raise Problem("There is nothing to pin yet.")
        visit.pins = [*visit.pins, (visit.face.frame.face, goal)][-MOST_PINS:]
        return [picture for picture, _ in visit.pins]

    @reported
    def unpin(self, token, event: gr.SelectData):
        """Sliders as they were when the chosen pin was set."""
        visit = self.visits[token]
        if not 0 <= event.index < len(visit.pins):
            raise Problem("There is no such pin.")
        return place(visit, visit.pins[event.index][1])

    @reported
    def restore(self, token, path, link):
        """What a file that was made here, or a link, says: the model, the part of the face, what
        is locked, what the brush does, the emotion and its intensity, `place`, and what the other
        tabs restore."""
        visit, recipe, units = self.keeper.read(token, path, link or "")
        others = [value for restored in self.restorers for value in restored(visit, recipe)]
        if visit is None:
            sliders = [*units.values, *rounded(mood_of(units))]
            return *[gr.skip()] * 6, *sliders, *[gr.skip()] * 6, *others
        face, model = visit.face, self.keeper.models.name_of(visit.animator)
        intensity = face.turned.get("intensity", gr.skip())
        chosen = (
            model,
            face.half,
            list(face.locked),
            PAINTED[face.alone],
            face.turned.get("preset"),
            intensity,
        )
        return *chosen, *place(visit, units, **face.turned), *others

    @reported
    def recipe(self, token):
        return self.keeper.show(token)

    def _step(self, token, by):
        visit = self.visits[token]
        expression = visit.face.history.step(by)
        return UNTOUCHED if expression is None else place(visit, expression)


def within(region: str, wanted: Expression, others: Expression) -> Expression:
    """Action Units of one region as wanted, those of the others as they are."""
    chosen = [axis.region == region for axis in ACTION_UNITS.axes]
    if not any(chosen):
        raise Problem("There is no region called {}.", repr(region))
    return Expression(ACTION_UNITS, tuple(np.where(chosen, wanted.values, others.values)))
