"""What a checkpoint is worth: on held-out pairs, and as a reader."""

import copy
import json
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from moodganimation.expressions.spaces import ACTION_UNITS, FACS
from moodganimation.networks.compositing import relight, warp
from moodganimation.networks.warp import WarpGenerator

from ..data.pairs import Pairs, collate
from ..data.units import units_of

SELDOM = 0.01  # spread of labels below which an axis is not told: photos hardly show it
BESIDE = 0.06  # of half the side, from the face's edge


@torch.inference_mode()
def on_pairs(generator, data: Pairs, batch: int = 32) -> dict[str, float]:
    """Shares of the flow's and of the light's variance explained, and mean absolute errors on
    [-1, 1] of the result, of its inner mouths alone, of the moved and relit photo, of copying the
    photo and of moving and relighting it as the renderer did; of the distance to the face's edge,
    in pixels of 128, beside it. The change is given by the labels, so that this is the generator's
    error and not the reader's. Pairs whose target is a photograph, in other light, do not count."""
    sums, rendered = np.zeros(12), [i for i, row in enumerate(data.rows) if row[1] not in data.real]
    for first in tqdm(range(0, len(rendered), batch), desc="pairs"):
        rows = rendered[first : first + batch]
        b = collate([data.pair(i) for i in rows], [data.photo(0)])
        encoding = generator.rebase(generator.encode(b.source), b.before)
        edit, _ = generator.edit(encoding, b.after)
        fields = (edit.motion - b.flow, b.flow, edit.light - b.light, b.light)
        squares = [(b.known * x).square().sum() for x in fields]
        moved = relight(warp(b.source, edit.motion), edit.light)
        ideal = relight(warp(b.source, b.flow), b.light)
        wrong = (edit.composite - b.target).abs().mean(1, keepdim=True)
        inner = (b.inner * wrong).sum(), b.inner.sum()
        pictures = (edit.composite, moved, b.source, ideal)
        errors = [(x - b.target).abs().mean() * len(rows) for x in pictures]
        beside = b.outside.abs() < BESIDE  # false where unknown
        off = (encoding.face_distance - b.outside).abs()[beside].sum() * 64, beside.sum()
        sums += [float(x) for x in (*squares, *inner, *errors, *off)]
    names = ("result", "moved photo", "copy", "true flow")
    errors = {name: value / len(rendered) for name, value in zip(names, sums[6:10], strict=True)}
    return {
        "pairs": len(rendered),
        "flow variance explained": 1 - sums[0] / sums[1],
        "light variance explained": 1 - sums[2] / max(sums[3], 1e-12),
        "inner mouth": sums[4] / max(sums[5], 1e-12),
        "edge of the face": sums[10] / max(sums[11], 1e-12),
        **errors,
    }


PARTS = ("extra fields", "light", "inpainting and teeth")
FALLOFF = "falloff"  # of motion at the face's edge


@torch.no_grad()
def without(generator: WarpGenerator, parts) -> WarpGenerator:
    """A copy in which parts are switched off; the others were trained together with them."""
    generator, off = copy.deepcopy(generator), []
    if "extra fields" in parts:
        off.append(generator.extra[2])
    if "light" in parts:
        off.append(generator.lights)
    if "inpainting and teeth" in parts:
        off.append(generator.painter.heads)
    if FALLOFF in parts:
        off.append(generator.rim[-1])  # the face distance is 0 everywhere
    for layer in off:
        layer.weight.zero_()
        layer.bias.zero_()
    if "inpainting and teeth" in parts:
        generator.painter.heads.bias[0] = 30.0  # attention stays closed
    return generator


@torch.inference_mode()
def ablation(generator: WarpGenerator, data: Pairs) -> dict[str, dict]:
    """`on_pairs` of the fields of the axes alone, then with one part after another; and of the
    whole generator without the falloff of motion at the face's edge."""
    rows = {}
    for k in range(len(PARTS) + 1):
        name = f"+ {PARTS[k - 1]}" if k else "fields of the axes"
        rows[name] = on_pairs(without(generator, PARTS[k:]), data)
    return {
        "parts": rows,
        f"without the {FALLOFF}": on_pairs(without(generator, [FALLOFF]), data),
    }


@torch.inference_mode()
def on_photos(generator, data: Pairs) -> dict[str, float]:
    """Correlation of the Action Units read with the labels, one by one and on average; in FACS also
    of all of its axes, which do not count in the average."""
    read, labels = [], []
    for i in range(len(data.photos)):
        picture, label = data.photo(i)
        read.append(generator.read(torch.from_numpy(picture)[None])[0].numpy())
        labels.append(label)
    read, labels = np.array(read), np.array(labels)
    scores = _correlations(data.space.keys, read, labels)
    if data.space == FACS:
        own = _correlations(ACTION_UNITS.keys, units_of(read), units_of(labels))
    else:
        own = scores
    mean = {"mean": float(np.mean(list(own.values())))} if own else {}
    return {"photos": len(labels), **mean, **own, **scores}


def _correlations(keys, read: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Of columns (N, D), without axes that are hardly shown."""
    return {
        key: float(np.corrcoef(read[:, k], labels[:, k])[0, 1])
        for k, key in enumerate(keys)
        if labels[:, k].std() > SELDOM
    }


def report(values: dict, out: Path | None) -> dict:
    """Print nested numbers as JSON, write them to `out`, and return them rounded."""
    values = _rounded(values)
    text = json.dumps(values, indent=1)
    print(text)
    if out:
        out.write_text(text + "\n")
    return values


def _rounded(value):
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    return round(value, 4)
