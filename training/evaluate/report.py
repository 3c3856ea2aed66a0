"""Evaluates one generator: all figures, ready for JSON, and the contact sheets of its page."""

import time
from typing import NamedTuple

import numpy as np
import torch

from moodganimation.expressions.spaces import FACS, ExpressionSpace
from moodganimation.networks.base import Generator

from . import measures
from .animations import FrameStrip, animate_to_target, regenerate
from .definitions import DEFINITIONS
from .estimator import Estimator, measurable, measured_space
from .photos import Clip, Photos
from .recognizer import Recognizer
from .responses import distance, picture_figures, response, response_figures
from .runner import Runner
from .sheets import Sheet, mood_grids, output_panels, sweep_sheets
from .sweeps import random_moods, sweep

FORMAT = "moodganimation-evaluation-1"
SHEET_PHOTOS = 4  # photos with contact sheets on the page
TIMED_EDITS = 9  # timed one by one; the median is reported


class Evaluation(NamedTuple):
    """The figures and sheets of a generator."""

    values: dict  # the contents of evaluation.json
    sweeps: list[Sheet]
    panels: list[Sheet]
    grids: list[Sheet]
    strips: list[FrameStrip]


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
    """Measure a generator. All figures but the cost are reproducible from photos and seed."""
    runner = Runner(generator, space, torch.device(device))
    measured = runner.measured
    readings, starts = runner.starts(photos, estimator)
    sweeps = sweep(runner, photos, starts, estimator, recognizer, SHEET_PHOTOS)
    totals, by_axis = _measures(sweeps, measured, photos, estimator)
    concordance = _concordance(runner, photos, readings, starts, estimator, seed)
    strips = [animate_to_target(runner, photos, starts)]
    strips += [regenerate(runner, clip) for clip in clips]
    panels = output_panels(runner, photos, starts, SHEET_PHOTOS)
    grids = mood_grids(runner, photos, readings, starts)
    cost = _cost(runner, photos, starts)
    values = {
        "format": FORMAT,
        "verdict": verdict(totals | {"not finite": runner.not_finite}),
        "measures": totals,
        "axes": _by_axis(by_axis, measured),
        "response": response(sweeps, measured),
        "mood concordance": concordance,
        "distance": distance(sweeps, photos, estimator, seed),
        "journeys": strips[0].values,  # of `animate_to_target`; the key of earlier files
        "clips": {strip.title: strip.values for strip in strips[1:]},
        "edits": {"made": runner.edit_count, "not finite": runner.not_finite},
        "cost": cost,
        "not measured": _not_measured(space, recognizer, clips),
    }
    runner.progress.close()
    values = json_values(values | _about(estimator, photos, seed))
    return Evaluation(values, sweep_sheets(sweeps, measured, photos), panels, grids, strips)


def _measures(sweeps, space: ExpressionSpace, photos: Photos, estimator: Estimator):
    """Compute the figures over all axes, and by axis (see responses.Figures)."""
    totals, by_axis = picture_figures(sweeps)
    if measurable(space):
        figures = response_figures(sweeps, space, photos, estimator)
        totals, by_axis = figures[0] | totals, figures[1] | by_axis
    return totals, by_axis


def _concordance(runner: Runner, photos: Photos, *arguments) -> dict[str, dict[str, float]]:
    """Compute the concordance of random moods by axis; {} for axes that cannot be measured.

    arguments: the others of `random_moods`.
    """
    if not measurable(runner.measured):
        return {}
    return random_moods(runner, photos, *arguments).concordance()


def _by_axis(columns: dict, space: ExpressionSpace) -> dict[str, dict]:
    """Transpose columns, one per measure, to the figures of each axis."""
    keys = enumerate(space.keys)
    return {key: {name: column[k] for name, column in columns.items()} for k, key in keys}


def _about(estimator: Estimator, photos: Photos, seed: int) -> dict[str, dict]:
    """Describe the estimator, the photos and the definitions of the figures."""
    names = ("name", "independent", "statement")
    return {
        "estimator": {name: getattr(estimator, name) for name in names},
        "photos": {
            "edited": photos.names,
            "others": len(photos.others),
            "remarks": photos.notes,
            "seed": seed,
        },
        "definitions": DEFINITIONS,
    }


def verdict(values: dict) -> dict:
    """Compare figures with CRITERIA; `passes` is None where a figure is missing."""
    criteria = {}
    for name, (least, most) in measures.CRITERIA.items():
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


def json_values(value):
    """Convert nested values for JSON: four decimals, numpy to Python, None for NaN."""
    if isinstance(value, dict):
        return {key: json_values(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [json_values(item) for item in value]
    if isinstance(value, (float, np.floating)):
        return round(float(value), 4) if np.isfinite(value) else None
    return value.item() if isinstance(value, np.generic) else value


def _cost(runner: Runner, photos: Photos, starts: torch.Tensor) -> dict:
    """Measure the median time of encoding and editing one photo, and of the edit alone.

    With one thread. Only these figures vary between runs.
    """
    runner.stage("cost", TIMED_EDITS + 1)
    face, start, times = photos.faces[:1], starts[:1], []
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for _ in range(TIMED_EDITS + 1):  # the first is a warm-up
            started = time.perf_counter()
            encoding = runner.encode(face, start)
            encoded = time.perf_counter()
            runner.edit(encoding, start)
            times.append((time.perf_counter() - started, time.perf_counter() - encoded))
    finally:
        torch.set_num_threads(threads)
    total, edit = np.median(times[1:], 0) * 1000
    return {
        "parameters": sum(p.numel() for p in runner.generator.parameters()),
        "side": face.shape[-1],
        "photo and edit [ms]": total,
        "edit alone [ms]": edit,
        "device": runner.device.type,
        "threads": 1,
    }


def _not_measured(space: ExpressionSpace, recognizer, clips) -> list[str]:
    """List the figures that are missing, with the reasons, as sentences."""
    reasons = []
    if space == FACS:
        reasons.append(
            f"sides, gaze, head and the other axes of {space.name} beyond the "
            f"{len(measured_space(space).axes)} Action Units, which were requested with equal "
            "sides: python -m training.evaluate.judges.draw, then the judges sides, gaze and head."
        )
    elif not measurable(space):
        reasons.append(
            f"follow, moved, straightness, leakage and moods: the axes of {space.name} have no "
            "known meaning, so they cannot be estimated in a picture. The response table shows "
            "their effect."
        )
    if recognizer is None:
        reasons.append(
            "identity: no face-recognition network was given (--recognizer FILE.onnx, OpenCV's "
            "SFace); likeness only measures whether pixels outside the edit are preserved."
        )
    reasons.append("KID: it needs Inception's features; the distance here uses the estimator's.")
    if not clips:
        reasons.append(
            "error to filmed clips: no clips of this split with conditions in this space."
        )
    return reasons
