"""Evaluation of a `warp` checkpoint on held-out pairs, and of its reader on labelled photos."""

import copy
import json
from collections import defaultdict
from collections.abc import Collection
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from moodganimation.expressions.spaces import ACTION_UNITS, FACS
from moodganimation.networks.compositing import Edit, backward_warp, relight
from moodganimation.networks.encoding import Encoding
from moodganimation.networks.warp import WarpGenerator

from ..data.pair_batches import PairBatch, collate
from ..data.pairs import Pairs
from ..data.units import units_of

MIN_LABEL_DEVIATION = 0.01  # standard deviation of labels below which no correlation is reported
# True distance from the face edge up to which the predicted one is compared [halves of the side].
EDGE_BAND = 0.06
HALF_SIDE = 64  # converts halves of the side to pixels of 128, whatever the size of the crop
# Pictures that are compared with the target: the composite; the photo warped and relit by the
# generator's fields; the unedited photo; the photo warped and relit by the renderer's fields. These
# names are stored with published figures.
PICTURES = ("result", "moved photo", "copy", "true flow")


@torch.inference_mode()
def measure_pairs(generator: WarpGenerator, data: Pairs, batch: int = 32) -> dict[str, float]:
    """Measure flow, light and pictures on pairs.

    Returns the number of pairs; the "variance explained" of flow and light, which is 1 - squared
    error / squared truth, so 0 for no motion; mean absolute errors of PICTURES and of the
    composite's inner mouths, on [-1, 1]; and the error of the face distance near the edge [px of
    128]. Expressions are the labels, so that the reader's error does not count. Pairs whose target
    is a second photo are left out, since their light differs. Folds are switched off: the renderer
    adds none.
    """
    generator = without_parts(generator, [FOLDS])
    rendered = [i for i, row in enumerate(data.rows) if row.target not in data.second_photos]
    sums = defaultdict(np.float64)
    for first in tqdm(range(0, len(rendered), batch), desc="pairs"):
        rows = rendered[first : first + batch]
        pairs = collate([data.pair(i) for i in rows], [data.photo(0)])  # the photo is not used
        encoding = generator.with_reading(generator.encode(pairs.source), pairs.before)
        edit, _ = generator.edit(encoding, pairs.after)
        values = _sums_of_fields(encoding, edit, pairs) | _sums_of_pictures(edit, pairs)
        for name, value in values.items():
            sums[name] += float(value)
    return {
        "pairs": len(rendered),
        "flow variance explained": 1 - sums["flow error"] / sums["flow"],
        "light variance explained": 1 - sums["light error"] / max(sums["light"], 1e-12),
        "inner mouth": sums["mouth error"] / max(sums["mouth"], 1e-12),
        "edge of the face": sums["edge error"] / max(sums["edge"], 1e-12),
        **{name: sums[name] / len(rendered) for name in PICTURES},
    }


def _sums_of_fields(encoding: Encoding, edit: Edit, batch: PairBatch) -> dict[str, Tensor]:
    """Sums over a batch: of errors of fields, and of what each is divided by (squares or areas)."""
    fields = {
        "flow": batch.flow,
        "flow error": edit.motion - batch.flow,
        "light": batch.light,
        "light error": edit.light - batch.light,
    }
    sums = {name: (batch.field_weight * x).square().sum() for name, x in fields.items()}
    picture_error = (edit.composite - batch.target).abs().mean(1, keepdim=True)
    sums |= {"mouth": batch.mouth.sum(), "mouth error": (batch.mouth * picture_error).sum()}
    near_edge = batch.face_distance.abs() < EDGE_BAND  # false where unknown
    edge_error = (encoding.face_distance - batch.face_distance).abs()[near_edge].sum() * HALF_SIDE
    return sums | {"edge": near_edge.sum(), "edge error": edge_error}


def _sums_of_pictures(edit: Edit, batch: PairBatch) -> dict[str, Tensor]:
    """Sums over a batch of the mean absolute errors of PICTURES."""
    warped = relight(backward_warp(batch.source, edit.motion), edit.light)
    warped_by_truth = relight(backward_warp(batch.source, batch.flow), batch.light)
    pictures = (edit.composite, warped, batch.source, warped_by_truth)
    errors = ((x - batch.target).abs().mean() * len(x) for x in pictures)
    return dict(zip(PICTURES, errors, strict=True))


# In the order in which `measure_ablation` adds them.
ABLATED_PARTS = ("extra fields", "light", "inpainting and teeth")
FALLOFF = "falloff"  # the part that fades motion at the face edge
FOLDS = "folds"  # an optional part
KEEP_LOGIT = 30.0  # its sigmoid is 1: attention that keeps the photo


@torch.no_grad()
def without_parts(generator: WarpGenerator, parts: Collection[str]) -> WarpGenerator:
    """A copy of the generator with parts switched off, without retraining the others.

    parts: of ABLATED_PARTS, FALLOFF and FOLDS. Without light there are no folds either.
    """
    generator, disabled = copy.deepcopy(generator), []
    if "extra fields" in parts:
        disabled.append(generator.extra[2])
    if "light" in parts:
        disabled.append(generator.lights)
    if "inpainting and teeth" in parts:
        disabled.append(generator.painter.heads)
    if FALLOFF in parts:
        disabled.append(generator.rim[-1])  # the face distance is 0 everywhere
    for layer in disabled:
        layer.weight.zero_()
        layer.bias.zero_()
    if "inpainting and teeth" in parts:
        generator.painter.heads.bias[0] = KEEP_LOGIT  # of the attention
        generator.painter.heads.bias[-1] = -KEEP_LOGIT  # of the mouth mask, for a refiner
    if generator.config.folds and {"light", FOLDS} & set(parts):
        generator.folds.units.zero_()
    return generator


@torch.inference_mode()
def measure_ablation(generator: WarpGenerator, data: Pairs) -> dict[str, dict]:
    """Measure the motion fields of the axes alone, then with one part added after another.

    Returns the figures of these as "parts", and those of the whole generator without the falloff of
    motion at the face edge.
    """
    rows = {}
    for k in range(len(ABLATED_PARTS) + 1):
        name = f"+ {ABLATED_PARTS[k - 1]}" if k else "fields of the axes"
        rows[name] = measure_pairs(without_parts(generator, ABLATED_PARTS[k:]), data)
    return {
        "parts": rows,
        f"without the {FALLOFF}": measure_pairs(without_parts(generator, [FALLOFF]), data),
    }


@torch.inference_mode()
def measure_reader(generator: WarpGenerator, data: Pairs) -> dict[str, float]:
    """Measure the correlation of readings and labels of each Action Unit over the labelled photos.

    Returns the number of photos, the mean over the units, and the correlations by key; in FACS also
    those of the axes, which the mean leaves out.
    """
    readings, labels = [], []
    for i in range(len(data.photos)):
        picture, label = data.photo(i)
        readings.append(generator.read(torch.from_numpy(picture)[None])[0].numpy())
        labels.append(label)
    readings, labels = np.array(readings), np.array(labels)
    by_axis = by_unit = _correlations(data.space.keys, readings, labels)
    if data.space == FACS:
        by_unit = _correlations(ACTION_UNITS.keys, units_of(readings), units_of(labels))
    mean = {"mean": float(np.mean(list(by_unit.values())))} if by_unit else {}
    return {"photos": len(labels), **mean, **by_unit, **by_axis}


def _correlations(keys, readings: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Correlations of columns of (N, D) arrays by key, without axes whose labels do not vary."""
    return {
        key: float(np.corrcoef(readings[:, k], labels[:, k])[0, 1])
        for k, key in enumerate(keys)
        if labels[:, k].std() > MIN_LABEL_DEVIATION
    }


def write_report(values: dict, out: Path | None) -> dict:
    """Round nested numbers to four decimals and return them; print them as JSON, and write them to
    `out` if it is given."""
    values = _rounded(values)
    text = json.dumps(values, indent=1)
    print(text)
    if out:
        out.write_text(text + "\n", encoding="utf-8")
    return values


def _rounded(value):
    """Round all numbers of nested dicts to four decimals."""
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    return round(value, 4)
