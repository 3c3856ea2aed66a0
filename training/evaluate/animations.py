"""Animates photos by a generator: to a target expression, and along the conditions of clips.

Shapes: N photos, T frames, D axes of the generator's space, S pixels a side.
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
from .runner import Runner, pixels

FRAMES = 16  # of an animation to a target
ANIMATED_PHOTOS = 8


class FrameStrip(NamedTuple):
    """Animations of one face under a title, and their figures by name."""

    title: str
    rows: list[tuple[str, np.ndarray]]  # name, (T, S, S, 3) uint8
    values: dict[str, float]


def target_expressions(space: ExpressionSpace) -> dict[str, tuple[float, ...]]:
    """Strong expressions of a space: name -> values of its axes."""
    if space == ACTION_UNITS:
        return {name: PRESETS[name].values for name in ("happiness", "surprise", "anger")}
    count = len(space.axes)
    if measurable(space):
        return {name: PROTOTYPES[name][1][:count] for name in ("happy", "surprised", "angry")}
    return {f"{space.keys[0]} = {end:+d}": (end,) + (0,) * (count - 1) for end in (1, -1)}


def cosine_easing(frames: int) -> Tensor:
    """Weights from 0 to 1 along half a cosine, (frames,)."""
    return (1 - torch.cos(torch.linspace(0, torch.pi, frames))) / 2


def animate_to_target(runner: Runner, photos: Photos, starts: Tensor) -> FrameStrip:
    """Animate ANIMATED_PHOTOS photos from their readings to the first target expression.

    The figures are means over photos; the frames are those of the first photo. Each frame is an
    edit of the photo; a recurrent generator keeps its state.
    """
    name, target = next(iter(target_expressions(runner.measured).items()))
    faces, begin = photos.faces[:ANIMATED_PHOTOS], starts[:ANIMATED_PHOTOS]
    end = runner.to_conditions(torch.tensor(target).expand(len(begin), -1), begin)
    weights = cosine_easing(FRAMES)[None, :, None]
    animations = _animate(runner, faces, begin[:, None] + weights * (end - begin)[:, None])
    # A cross-dissolve of any two pictures: a blend of black and white has the same restlessness.
    dissolve = cosine_easing(FRAMES)[:, None, None, None]
    values = {
        "restlessness": measures.finite_mean(
            [measures.restlessness(frames) for frames in animations]
        ),
        "restlessness of a cross-dissolve": measures.restlessness(dissolve),
        "background change": measures.finite_mean(
            [measures.background_change(frames) for frames in animations]
        ),
    }
    title = f"{photos.names[0]}: to {name} in {FRAMES} frames"
    return FrameStrip(title, [("generated", pixels(animations[0]))], values)


def regenerate(runner: Runner, clip: Clip) -> FrameStrip:
    """Edit the first frame of a clip by all its conditions, and compare with its own frames.

    The figures call those "filmed", although clips may be synthetic. Errors are mean absolute
    differences on [-1, 1] over the frames after the first.
    """
    generated = _animate(runner, clip.frames[:1], clip.conditions[None])[0]
    error, copy_error = (
        float((x - clip.frames)[1:].abs().mean()) for x in (generated, clip.frames[:1])
    )
    values = {
        "error": error,
        "error of copying the first frame": copy_error,
        "error / copying": error / copy_error if copy_error > 0 else float("nan"),
        "restlessness": measures.restlessness(generated),
        "restlessness as filmed": measures.restlessness(clip.frames),
    }
    rows = [("filmed", pixels(clip.frames)), ("generated", pixels(generated))]
    return FrameStrip(f"{clip.name}: {len(generated)} frames", rows, values)


def _animate(runner: Runner, faces: Tensor, trajectories: Tensor) -> Tensor:
    """Edit faces (N, 3, S, S) by each frame's condition (N, T, D): (N, T, 3, S, S)."""
    runner.stage("frames", trajectories.shape[0] * trajectories.shape[1])
    encoding, state, frames = runner.encode(faces, trajectories[:, 0]), None, []
    for condition in trajectories.unbind(1):
        edit, state = runner.edit(encoding, condition, state)
        frames.append(edit.composite)
    return torch.stack(frames, 1)
