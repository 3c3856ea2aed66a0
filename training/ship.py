"""Export of checkpoints: weights in half precision with a model card."""

import json
import math
from pathlib import Path

from moodganimation.checkpoints.files import load_checkpoint, save_generator
from moodganimation.expressions.axis_map import axis_map
from moodganimation.expressions.spaces import ExpressionSpace
from moodganimation.networks.warp import WarpGenerator


def ship(source: Path, card_file: Path, metrics: Path | None, gains: list[str], out: Path) -> None:
    """Export a run's generator to `out`, with its card and metrics in the header.

    card_file: JSON with data, licence, labels ..., as in checkpoints/cards. metrics: JSON that
    `python -m training pairs` or `python -m training.evaluate` wrote, of the test split unless it
    names another. gains: AXIS=NUMBER, the factor by which an axis of `warp` moves more than in the
    training pairs. Both sides of a unit share one, and so do opposite axes that share a motion
    field: AD30=NUMBER. Raises ValueError for invalid gains and unreadable files.
    """
    generator, space, card = load_checkpoint(source)
    has_gains = generator.config.architecture == "warp"
    if gains and not has_gains:
        raise ValueError("Only the warp generator has gains.")
    names = _names_of_gains(generator, space) if has_gains else ()
    for text in gains:
        key, _, value = text.partition("=")
        generator.gain[_gain_index(key, names, space)] = _parse_gain(text, value)
    card |= {"name": out.stem} | _read_json(card_file)
    if has_gains:
        card["gain"] = dict(zip(names, generator.gain.tolist(), strict=True))
    if metrics:
        values, split = _read_json(metrics), "test"
        if "verdict" in values:
            split = values.get("checkpoint", {}).get("split", split)
            values = {key: values[key] for key in ("verdict", "measures", "mood concordance")}
        card[f"metrics on the {split} split"] = values
    save_generator(out, generator, space, card)
    print(f"{out}: {out.stat().st_size / 1e6:.1f} MB")


def _parse_gain(text: str, value: str) -> float:
    """Parse the value of a gain AXIS=NUMBER. Raises ValueError for other than finite numbers."""
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"--gain {text}: give AXIS=NUMBER, as AU12=1.3.")
    return number


def _names_of_gains(generator: WarpGenerator, space: ExpressionSpace) -> tuple[str, ...]:
    """The name of each gain: motion fields, or axes for a generator without sides."""
    return axis_map(space).fields if generator.config.has_sides else space.keys


def _gain_index(key: str, names: tuple[str, ...], space: ExpressionSpace) -> int:
    """Return the index of a gain.

    Raises InvalidExpression for an unknown axis, and ValueError for one without a gain of its own.
    """
    name = space.canonical(key)
    if name not in names:
        space.indices(name)  # raises for unknown axes
        raise ValueError(f"{key} has no gain of its own; those with one: {', '.join(names)}.")
    return names.index(name)


def _read_json(path: Path) -> dict:
    """Read a JSON object. Raises ValueError."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise ValueError(f"{path} is not a readable JSON file ({problem}).") from None
    if not isinstance(values, dict):
        raise ValueError(f"{path} does not contain a JSON object.")
    return values
