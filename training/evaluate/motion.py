"""A generator over time: from a photo's expression to another, and filmed clips made again.

N photos · T frames · D axes · S pixels a side.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from moodganimation.expressions.moods import PROTOTYPES
from moodganimation.expressions.presets import PRESETS
from moodganimation.expressions.spaces import ACTION_UNITS, ExpressionSpace

from . import measures
from .estimator import measurable
from .photos import Clip, Photos
from .runner import Studio, pixels

FRAMES = 16  # of a journey
JOURNEYS = 8  # photos that go on one


class Walk(NamedTuple):
    """A face over time, and what it is like."""

    title: str
    rows: list[tuple[str, np.ndarray]]  # name, (T, S, S, 3) uint8
    values: dict[str, float]


def destinations(space: ExpressionSpace) -> dict[str, tuple[float, ...]]:
    """Strong expressions of a space, to show and to travel to; the first is the journey's end."""
    if space == ACTION_UNITS:
        return {name: PRESETS[name].values for name in ("happiness", "surprise", "anger")}
    count = len(space.axes)
    if measurable(space):
        return {name: PROTOTYPES[name][1][:count] for name in ("happy", "surprised", "angry")}
    return {f"{space.keys[0]} = {end:+d}": (end,) + (0,) * (count - 1) for end in (1, -1)}


def easing(frames: int) -> Tensor:
    """0 to 1, (frames,), slow at both ends."""
    return (1 - torch.cos(torch.linspace(0, torch.pi, frames))) / 2


def journeys(studio: Studio, photos: Photos, starts: Tensor) -> Walk:
    """From the expression read to the first destination; the means over JOURNEYS photos.

    Each frame starts from the photo, as on the page; a recurrent generator has its state.
    """
    name, point = next(iter(destinations(studio.measured).items()))
    faces, begin = photos.faces[:JOURNEYS], starts[:JOURNEYS]
    end = studio.conditions(torch.tensor(point).expand(len(begin), -1), begin)
    way = easing(FRAMES)[None, :, None]
    films = _film(studio, faces, begin[:, None] + way * (end - begin)[:, None])
    dissolve = easing(FRAMES)[:, None, None, None]  # of any two pictures along the same easing
    values = {
        "restlessness": _mean(measures.restlessness(film) for film in films),
        "restlessness of a cross-dissolve": measures.restlessness(dissolve),
        "background change": _mean(measures.background_change(film) for film in films),
    }
    title = f"{photos.names[0]}: to {name} in {FRAMES} frames"
    return Walk(title, [("generated", pixels(films[0]))], values)


def filmed(studio: Studio, clip: Clip) -> Walk:
    """A clip from its first frame and the conditions of all, against the frames that were filmed.

    Errors are mean absolute, on [-1, 1], over the frames after the first.
    """
    made = _film(studio, clip.frames[:1], clip.conditions[None])[0]
    error, copying = (float((x - clip.frames)[1:].abs().mean()) for x in (made, clip.frames[:1]))
    values = {
        "error": error,
        "error of copying the first frame": copying,
        "error / copying": error / copying if copying > 0 else float("nan"),
        "restlessness": measures.restlessness(made),
        "restlessness as filmed": measures.restlessness(clip.frames),
    }
    rows = [("filmed", pixels(clip.frames)), ("generated", pixels(made))]
    return Walk(f"{clip.name}: {len(made)} frames", rows, values)


def _film(studio: Studio, faces: Tensor, way: Tensor) -> Tensor:
    """Faces (N, 3, S, S) along conditions (N, T, D): (N, T, 3, S, S)."""
    studio.stage("frames", way.shape[0] * way.shape[1])
    encoding, state, frames = studio.encode(faces, way[:, 0]), None, []
    for condition in way.unbind(1):
        edit, state = studio.edit(encoding, condition, state)
        frames.append(edit.composite)
    return torch.stack(frames, 1)


def _mean(values) -> float:
    """The mean of what is a number; NaN if nothing is."""
    values = [value for value in values if np.isfinite(value)]
    return float(np.mean(values)) if values else float("nan")
