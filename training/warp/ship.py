"""Shipping: weights in half precision with a card that says what they are."""

import json
from pathlib import Path

from moodganimation.checkpoint import load_checkpoint, save_generator

CARD = {
    "name": "warp",
    "licence": "weights: for research until retrained on cleared photographs; code: Apache-2.0",
    "data": (
        "11,713 labelled 144-pixel crops, mostly press photographs, some public-domain official "
        "portraits; 20,000 pairs re-rendered from them with a 3-D face model (ICT-FaceKit, MIT), "
        "with known motion. Identities of training, validation and test photographs are apart."
    ),
    "labels": "Action Units by a landmark fit, OpenFace-like, not by FACS coders",
    "dominance": "a definition (Russell & Mehrabian 1977, EMFACS), not learned, not validated",
    "command": "python -m training warp --data DIR PAIRS --out RUN",
}


def ship(source: Path, metrics: Path | None, gains: list[str], out: Path) -> None:
    """Copy a run's generator to `out` with gains, card and measured values in its header.

    gains: AXIS=NUMBER, how much further an axis goes at 1 than the pairs went.
    """
    generator, space, card = load_checkpoint(source)
    for text in gains:
        key, _, value = text.partition("=")
        generator.gain[space.index(key)] = float(value)
    card |= CARD | {"gain": dict(zip(space.keys, generator.gain.tolist(), strict=True))}
    if metrics:
        card["metrics on the test split"] = json.loads(metrics.read_text())
    save_generator(out, generator, space, card)
    print(f"{out}: {out.stat().st_size / 1e6:.1f} MB")
