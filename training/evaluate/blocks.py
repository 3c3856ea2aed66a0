"""Formats blocks of figures as Markdown: of training.evaluate, training pairs, training ablation.

`models` and the three formatters of systems take {name of a checkpoint: contents of its
evaluation.json}; `reading` takes the figures of training pairs, and `ablation` those of training
ablation.
"""

from collections.abc import Iterator

from moodganimation.expressions.spaces import ACTION_UNITS, FACS

from .documents import FigureBlock
from .markdown import table

DEFAULT = "warp"  # the default generator
SYSTEMS = {  # name of the checkpoint -> description in the table of models
    DEFAULT: "moves the photo's pixels (default)",
    "ganimation": "Action Units on photos",
    "mood": "moods on photos",
    "video": "clips, frame by frame",
    "convgru_disc": "ConvGRU in the frame critic",
    "convgru_unet": "ConvGRU U-Net generator",
    "spatiotemporal": "U-Net and a clip critic",
}
COMPARED = {  # name of the checkpoint -> its space, as the table of the comparison names it
    DEFAULT: "Action Units",
    "ganimation": "Action Units",
    "mood": "pleasure, arousal, dominance",
}
UNKNOWN = "-"  # a figure that could not be measured


def models(values: dict) -> str:
    """Format the table of models."""
    rows = []
    for name, evaluation in _in_order(values):
        text = SYSTEMS.get(name, evaluation["checkpoint"]["space"])
        follow = _number(evaluation["measures"].get("follow"))
        rows.append(
            [f"`{name}`: {text}", _path(name), follow, _terms(evaluation["checkpoint"]["card"])]
        )
    return table(["system", "checkpoint", "follow", "weights"], rows)


def systems(values: dict) -> str:
    """Format the figures of every system but the default, and whether it passes the verdict."""
    rows, counts = [], set()
    for name, evaluation in _in_order(values):
        counts.add(len(evaluation["photos"]["edited"]))
        if name == DEFAULT:
            continue
        figures, passes = evaluation["measures"], evaluation["verdict"]["passes"]
        shares = [_number(figures.get(key)) for key in ("follow", "moved")]
        edited = _number(figures["edited share [%]"], 1)
        verdict = {True: "yes", False: "no", None: UNKNOWN}[passes]
        rows.append([f"`{name}`", *shares, f"{edited} %", verdict, _path(name)])
    headings = ["system", "follow", "moved", "edited", "passes", "checkpoint"]
    return f"{table(headings, rows)}\n\n{_photos(counts)}."


def systems_comparison(values: dict) -> str:
    """Format `warp` beside GANimation's network and the generator of moods."""
    rows = []
    for name, space in COMPARED.items():
        figures, moods = values[name]["measures"], values[name]["mood concordance"]
        keys = ("follow", "moved", "leakage", "sharpness")
        agreement = ", ".join(_number(mood["correlation"]) for mood in moods.values())
        time = f"{values[name]['cost']['photo and edit [ms]']:.0f} ms"
        cells = [_number(figures.get(key)) for key in keys]
        rows.append([f"`{name}`, {space}", *cells, agreement, time])
    moods = "requested and read moods, correlation: pleasure, arousal, dominance"
    headings = ["system, space", "follow", "moved", "leakage", "sharpness", moods]
    return table([*headings, "encode and edit, one thread"], rows)


def systems_restlessness(values: dict) -> str:
    """Format the restlessness of animations by every system, beside a cross-dissolve."""
    animations = {name: evaluation["journeys"] for name, evaluation in _in_order(values)}
    dissolve = next(iter(animations.values()))["restlessness of a cross-dissolve"]
    headings = ["cross-dissolve", *(f"`{name}`" for name in animations)]
    cells = [_number(figures["restlessness"], 3) for figures in animations.values()]
    return table(headings, [[_number(dissolve), *cells]])


def _in_order(values: dict) -> Iterator[tuple[str, dict]]:
    """Yield the systems in the order of SYSTEMS, then others by name."""
    for name in [*SYSTEMS, *sorted(set(values) - set(SYSTEMS))]:
        if name in values:
            yield name, values[name]


def _path(name: str) -> str:
    """Format the path of a checkpoint."""
    return f"`checkpoints/{name}.safetensors`"


def _terms(card: dict) -> str:
    """Shorten the licence in a checkpoint's card to the terms of use of its weights."""
    licence = card.get("licence", "")
    return "research only" if "for research" in licence else licence.partition(";")[0] or UNKNOWN


def _number(value: float | None, digits: int = 2) -> str:
    """Format a figure, or UNKNOWN."""
    return UNKNOWN if value is None else f"{value:.{digits}f}"


def _photos(counts: set[int]) -> str:
    """Format the number of photos of all evaluations."""
    low, high = min(counts), max(counts)
    span = f"{low:,}" if low == high else f"{low:,} to {high:,}"
    return f"{span} held-out {'photo' if high == 1 else 'photos'}"


def reading(values: dict) -> str:
    """Format the correlation of readings and labels of each Action Unit.

    For a reader of FACS also of each side, and of the axes that only FACS has.
    """
    keys = [*ACTION_UNITS.keys, "mean"]
    tables = [table(keys, [[_number(values.get(f"read {key}")) for key in keys]])]
    correlations = {key: values[f"read {key}"] for key in FACS.keys if f"read {key}" in values}
    sides = {
        name: [_number(correlations.get(f"{unit}{side}")) for unit in FACS.lateral]
        for side, name in (("L", "left"), ("R", "right"))
    }
    if any(f"{unit}L" in correlations for unit in FACS.lateral):
        tables.append(table(["side", *FACS.lateral], [[k, *row] for k, row in sides.items()]))
    for regions in (("mouth", "cheeks"), ("gaze", "head")):
        extra_keys = [
            axis.key
            for axis in FACS.axes
            if axis.region in regions
            and axis.key in correlations
            and axis.key not in ACTION_UNITS
            and axis.key[:-1] not in FACS.lateral
        ]
        if extra_keys:
            cells = [_number(correlations[key]) for key in extra_keys]
            tables.append(table(extra_keys, [cells]))
    return "\n\n".join([*tables, f"{values['read photos']:,} photos."])


def ablation(values: dict) -> str:
    """Format the errors of `warp` as its parts are added one by one, and two reference errors."""
    figures = {  # heading -> key of the ablation, decimals
        "motion: variance explained": ("flow variance explained", 3),
        "relighting: variance explained": ("light variance explained", 3),
        "warped photo": ("moved photo", 4),
        "result": ("result", 4),
        "inside mouths": ("inner mouth", 3),
    }
    parts, last = values["parts"], list(values["parts"].values())[-1]  # last: with all parts
    rows = [
        [name, *(_error(row[key], digits) for key, digits in figures.values())]
        for name, row in parts.items()
    ]
    references = {
        "the photo, unedited": "copy",
        "the photo, warped and relit with the renderer's motion and light": "true flow",
    }
    errors = [[text, _error(last[key], 4)] for text, key in references.items()]
    explained = values["without the falloff"]["flow variance explained"]
    return (
        f"{last['pairs']:,} re-rendered pairs with known motion:\n\n"
        f"{table(['parts', *figures], rows)}\n\n{table(['reference', 'error'], errors)}\n\n"
        "Without the falloff of motion at the face's edge, the network explains "
        f"{_error(explained, 3)} of the motion's variance."
    )


def _error(value: float, digits: int) -> str:
    """Format an error; an exact 0 without decimals."""
    return f"{value:.{digits}f}" if value else "0"


EVALUATE_ALL = "python -m training.evaluate --all --data DIR --write"
WARP_OPTIONS = "--data DIR PAIRS --checkpoint checkpoints/warp.safetensors --write"
BLOCKS = {
    "models": FigureBlock(EVALUATE_ALL, models),
    "systems": FigureBlock(EVALUATE_ALL, systems),
    "systems-comparison": FigureBlock(EVALUATE_ALL, systems_comparison),
    "systems-restlessness": FigureBlock(EVALUATE_ALL, systems_restlessness),
    "reading": FigureBlock(f"python -m training pairs {WARP_OPTIONS}", reading),
    "ablation": FigureBlock(f"python -m training ablation {WARP_OPTIONS}", ablation),
}
