"""Shipping: weights in half precision with a card that says what they are."""

import json
from pathlib import Path

from moodganimation.checkpoints.files import load_checkpoint, save_generator
from moodganimation.expressions.axis_map import axis_map
from moodganimation.expressions.spaces import ExpressionSpace
from moodganimation.networks.warp import WarpGenerator


def ship(source: Path, about: Path, metrics: Path | None, gains: list[str], out: Path) -> None:
    """Copy a run's generator to `out` with card and measured values in its header.

    about: JSON of what a person should know (data, licence, labels ...), as checkpoints/cards has
    them. metrics: what `python -m training pairs` or `python -m training.evaluate` wrote. gains:
    AXIS=NUMBER, how much further an axis of `warp` goes at 1 than the pairs went. Both sides of a
    unit share one, and so do opposite axes that share a motion field: AD30=NUMBER.
    """
    generator, space, card = load_checkpoint(source)
    warp = generator.config.architecture == "warp"
    if gains and not warp:
        raise ValueError("Only the warp generator has gains.")
    names = _names_of_gains(generator, space) if warp else ()
    for text in gains:
        key, _, value = text.partition("=")
        generator.gain[_place(key, names, space)] = float(value)
    card |= {"name": out.stem} | _read(about)
    if warp:
        card["gain"] = dict(zip(names, generator.gain.tolist(), strict=True))
    if metrics:
        values = _read(metrics)
        if "verdict" in values:
            values = {key: values[key] for key in ("verdict", "measures", "mood concordance")}
        card["metrics on the test split"] = values
    save_generator(out, generator, space, card)
    print(f"{out}: {out.stat().st_size / 1e6:.1f} MB")


def _names_of_gains(generator: WarpGenerator, space: ExpressionSpace) -> tuple[str, ...]:
    return axis_map(space).units if generator.config.unit_fields else space.keys


def _place(key: str, names: tuple[str, ...], space: ExpressionSpace) -> int:
    """Position of a gain. Raises InvalidExpression for an unknown axis, ValueError for one that has
    no gain of its own."""
    name = space.canonical(key)
    if name not in names:
        space.positions(name)
        raise ValueError(f"{key} has no gain of its own; there are {', '.join(names)}.")
    return names.index(name)


def _read(path: Path) -> dict:
    try:
        values = json.loads(path.read_text())
    except (OSError, ValueError) as problem:
        raise ValueError(f"{path} is not a readable JSON file ({problem}).") from None
    if not isinstance(values, dict):
        raise ValueError(f"{path} holds no JSON object.")
    return values
