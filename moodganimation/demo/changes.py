"""What the buttons of the tab Edit do to the sliders."""

import numpy as np

from ..errors import Problem
from ..expressions import ACTION_UNITS, Expression
from ..images import read_image
from ..portraits import half
from .rendering import UNTOUCHED, named, place, render, reported
from .visits import Visits

HALVES = ("whole face", "their left half", "their right half")
MASK = 128  # side of the masks of halves


class Changes:
    """Handlers; each returns `place`'s values, or leaves them untouched."""

    def __init__(self, visits: Visits):
        self.visits = visits

    @reported
    def put(self, token, name, intensity):
        """Sliders on a preset, on neutral or back on the photo, and the result."""
        if name is None:
            return UNTOUCHED
        visit = self.visits[token]
        return place(
            visit, visit.face.portrait.reading.towards(named(visit, name, None), intensity)
        )

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
        return place(visit, within(region, visit.face.portrait.reading, _units(units)))

    @reported
    def borrow(self, token, path, regions, *units):
        """The expression of another photo's face, in the chosen regions."""
        visit = self.visits[token]
        if path is None or not regions:
            raise Problem("Choose a photo to copy from, and at least one region.")
        other = visit.animator.locate(read_image(path)).reading
        goal = _units(units)
        for region in regions:
            goal = within(region, other, goal)
        return place(visit, goal)

    @reported
    def everyone(self, token, *units):
        """The expression of the sliders for every face in the photo."""
        visit, goal = self.visits[token], _units(units)
        at = visit.at
        for other in range(len(visit.crops)):
            visit.turn_to(other)
            place(visit, goal)
        visit.turn_to(at)
        return place(visit, goal)

    @reported
    def confine(self, token, name, *units):
        """Edits to act on the whole face or on one half of it."""
        visit = self.visits[token]
        sides = dict(zip(HALVES, (None, "left", "right"), strict=True))
        if name not in sides:
            raise Problem(f"There is no part of the face called {name!r}.")
        visit.face.where = half(MASK, sides[name]) if sides[name] else None
        return *UNTOUCHED[:20], *render(visit, _units(units))

    def _step(self, token, by):
        visit = self.visits[token]
        expression = visit.face.history.step(by)
        return UNTOUCHED if expression is None else place(visit, expression)


def within(region: str, wanted: Expression, others: Expression) -> Expression:
    """Action Units of one region as wanted, those of the others as they are."""
    chosen = [axis.region == region for axis in ACTION_UNITS.axes]
    if not any(chosen):
        raise Problem(f"There is no region called {region!r}.")
    return Expression(ACTION_UNITS, tuple(np.where(chosen, wanted.values, others.values)))


def _units(values) -> Expression:
    try:
        return Expression(ACTION_UNITS, tuple(values))
    except TypeError:
        raise Problem("Every slider needs a number: fill in the empty one.") from None
