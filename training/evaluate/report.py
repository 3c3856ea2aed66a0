"""Everything measured of one generator, ready for JSON, and the pictures for its page."""

import time
from typing import NamedTuple

import numpy as np
import torch

from moodganimation.expressions.spaces import FACS, ExpressionSpace
from moodganimation.networks.base import Generator

from . import measures
from .definitions import DEFINITIONS
from .estimator import Estimator, measurable, measured_space
from .motion import Walk, filmed, journeys
from .photos import Clip, Photos
from .pictures import Sheet, mood_grids, panels, sweep_sheets
from .recognizer import Recognizer
from .responses import distance, of_pictures, of_responses, response
from .runner import Studio
from .sweeps import random_moods, sweep

FORMAT = "moodganimation-evaluation-1"
SHOWN = 4  # photos on the page
TIMED = 9  # edits one by one, of which the median counts


class Evaluation(NamedTuple):
    values: dict  # what evaluation.json holds
    sweeps: list[Sheet]
    panels: list[Sheet]
    grids: list[Sheet]
    walks: list[Walk]


def evaluate(
    generator: Generator,
    space: ExpressionSpace,
    photos: Photos,
    estimator: Estimator,
    *,
    clips: list[Clip] = (),
    recognizer: Recognizer | None = None,
    seed: int = 0,
    device: torch.device | str = "cpu",
) -> Evaluation:
    """Measure a generator. The same photos and seed give the same figures, costs excepted."""
    studio = Studio(generator, space, torch.device(device))
    not_measured, space = _not_measured(space, recognizer, clips), studio.measured
    readings, starts = studio.starts(photos, estimator)
    made = sweep(studio, photos, starts, estimator, recognizer, SHOWN)
    in_all, of_axes = _measures(made, space, photos, estimator)
    concordance = {}
    if measurable(space):
        moods = random_moods(studio, photos, readings, starts, estimator, seed)
        concordance = moods.concordance()
    walks = [journeys(studio, photos, starts), *(filmed(studio, clip) for clip in clips)]
    sheets = panels(studio, photos, starts, SHOWN), mood_grids(studio, photos, readings, starts)
    cost = _cost(studio, photos, starts)
    values = {
        "format": FORMAT,
        "verdict": verdict(in_all | {"not finite": studio.broken}),
        "measures": in_all,
        "axes": _by_axis(of_axes, space),
        "response": response(made, space),
        "mood concordance": concordance,
        "distance": distance(made, photos, estimator, seed),
        "journeys": walks[0].values,
        "clips": {walk.title: walk.values for walk in walks[1:]},
        "edits": {"made": studio.made, "not finite": studio.broken},
        "cost": cost,
        "not measured": not_measured,
    }
    values |= _about(estimator, photos, seed)
    studio.progress.close()
    return Evaluation(plain(values), sweep_sheets(made, space, photos), *sheets, walks)


def _measures(made, space: ExpressionSpace, photos: Photos, estimator: Estimator):
    """Figures of all axes together, and columns of figures by axis."""
    in_all, of_axes = of_pictures(made)
    if measurable(space):
        figures = of_responses(made, space, photos, estimator)
        in_all, of_axes = figures[0] | in_all, figures[1] | of_axes
    return in_all, of_axes


def _by_axis(columns: dict, space: ExpressionSpace) -> dict[str, dict]:
    """Columns of figures, one a measure, as the figures of every axis."""
    keys = enumerate(space.keys)
    return {key: {name: column[k] for name, column in columns.items()} for k, key in keys}


def _about(estimator: Estimator, photos: Photos, seed: int) -> dict[str, dict]:
    """What a reader needs to know to judge the figures."""
    names = ("name", "independent", "statement")
    return {
        "estimator": {name: getattr(estimator, name) for name in names},
        "photos": {
            "edited": photos.names,
            "others": len(photos.others),
            "remarks": photos.remarks,
            "seed": seed,
        },
        "definitions": DEFINITIONS,
    }


def verdict(values: dict) -> dict:
    """Each criterion of PASSES with its bounds, and all of them; None: it cannot be told."""
    criteria = {}
    for name, (least, most) in measures.PASSES.items():
        value = values.get(name)
        passes = None
        if value is not None and np.isfinite(value):
            passes = (least is None or value >= least) and (most is None or value <= most)
        criteria[name] = {"value": value, "least": least, "most": most, "passes": passes}
    each = [criterion["passes"] for criterion in criteria.values()]
    return {
        "passes": False if False in each else None if None in each else True,
        "criteria": criteria,
    }


def plain(value):
    """Numbers in four digits after the point, numpy's as Python's, and None for what is none."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(item) for item in value]
    if isinstance(value, (float, np.floating)):
        return round(float(value), 4) if np.isfinite(value) else None
    return value.item() if isinstance(value, np.generic) else value


def _cost(studio: Studio, photos: Photos, starts: torch.Tensor) -> dict:
    """Median time of one edit, photo and all, one at a time and, on a CPU, by one thread.

    The only figures that vary from run to run.
    """
    studio.stage("cost", TIMED + 1)
    face, start, times = photos.faces[:1], starts[:1], []
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for _ in range(TIMED + 1):  # the first one pays for what a first call costs
            begin = time.perf_counter()
            encoding = studio.encode(face, start)
            halfway = time.perf_counter()
            studio.edit(encoding, start)
            times.append((time.perf_counter() - begin, time.perf_counter() - halfway))
    finally:
        torch.set_num_threads(threads)
    whole, edit = np.median(times[1:], 0) * 1000
    return {
        "parameters": sum(p.numel() for p in studio.generator.parameters()),
        "side": face.shape[-1],
        "photo and edit [ms]": whole,
        "edit alone [ms]": edit,
        "device": studio.device.type,
        "threads": 1,
    }


def _not_measured(space: ExpressionSpace, recognizer, clips) -> list[str]:
    said = []
    if space == FACS:
        said.append(
            f"sides, gaze, head and what else {space.name} has beside the "
            f"{len(measured_space(space).axes)} Action Units, which were asked for on both sides "
            "alike: python -m training.evaluate.judges.draw, then the judges sides, gaze and head."
        )
    elif not measurable(space):
        said.append(
            f"follow, moved, straightness, leakage and moods: the axes of {space.name} have no "
            "meaning that could be estimated in a picture. The response table shows what they do."
        )
    if recognizer is None:
        said.append(
            "identity: no face-recognition network was given (--recognizer FILE.onnx, OpenCV's "
            "SFace); likeness says only whether what is not edited is left alone."
        )
    said.append("KID: it needs Inception's features; the distance here uses the estimator's.")
    if not clips:
        said.append("error to filmed clips: no clips of this split with conditions in this space.")
    return said
