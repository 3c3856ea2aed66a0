"""Shipping: weights in half precision with a card that says what they are."""

import json
from pathlib import Path

from moodganimation.checkpoint import load_checkpoint, save_generator

CARD = {
    "licence": "weights: for research until retrained on cleared photographs; code: Apache-2.0",
    "labels": "Action Units by a landmark fit, OpenFace-like, not by FACS coders; moods from them",
    "dominance": "a definition (Russell & Mehrabian 1977, EMFACS), not learned, not validated",
}
PHOTOS = (
    "11,713 labelled 144-pixel crops, mostly press photographs, some public-domain official "
    "portraits"
)
PAIRS = (
    "20,000 pairs re-rendered from them with a 3-D face model (ICT-FaceKit, MIT), with known "
    "motion. Identities of training, validation and test photographs are apart."
)
DATA = {
    "stills": f"{PHOTOS}; 33,629 pairs: {PAIRS}",
    "clips": f"1,600 clips of {PHOTOS.replace('11,713', 'those 11,713')}, moved along expressions "
    "by the warp generator, and 56 clips re-rendered with a 3-D face model (ICT-FaceKit, MIT).",
    "warp": f"{PHOTOS}; {PAIRS}",
}


def ship(source: Path, metrics: Path | None, gains: list[str], out: Path) -> None:
    """Copy a run's generator to `out` with card and measured values in its header.

    metrics: what `python -m training pairs` or `python -m training.evaluate` wrote. gains:
    AXIS=NUMBER, how much further an axis of `warp` goes at 1 than the pairs went.
    """
    generator, space, card = load_checkpoint(source)
    warp = generator.config.architecture == "warp"
    if gains and not warp:
        raise ValueError("Only the warp generator has gains.")
    for text in gains:
        key, _, value = text.partition("=")
        generator.gain[space.index(key)] = float(value)
    kind = "warp" if warp else card.get("experiment", {}).get("data", {}).get("kind", "clips")
    card |= {"name": out.stem, "data": DATA["stills" if kind == "pairs" else kind]} | CARD
    if warp:
        card["command"] = "python -m training warp --data DIR PAIRS --out RUN"
        card["gain"] = dict(zip(space.keys, generator.gain.tolist(), strict=True))
    if metrics:
        values = json.loads(metrics.read_text())
        if "verdict" in values:
            values = {key: values[key] for key in ("verdict", "measures", "mood concordance")}
        card["metrics on the test split"] = values
    save_generator(out, generator, space, card)
    print(f"{out}: {out.stat().st_size / 1e6:.1f} MB")
