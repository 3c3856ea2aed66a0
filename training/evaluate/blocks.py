"""Blocks written by training.evaluate, training pairs and training ablation: values to Markdown."""

from collections.abc import Iterator

from moodganimation.expressions.spaces import ACTION_UNITS, FACS

from .documents import Block
from .markdown import table

DEFAULT = "warp"
SYSTEMS = {
    DEFAULT: "moves the photo's pixels (default)",
    "ganimation": "Action Units on photos",
    "mood": "moods on photos",
    "video": "clips, frame by frame",
    "convgru_disc": "ConvGRU in the frame critic",
    "convgru_unet": "ConvGRU U-Net generator",
    "spatiotemporal": "U-Net and a clip critic",
}
COMPARED = {
    DEFAULT: "Action Units",
    "ganimation": "Action Units",
    "mood": "pleasure, arousal, dominance",
}
UNKNOWN = "-"  # a figure that could not be measured


def models(values: dict) -> str:
    """Format the table of models: {checkpoint's name: what evaluation.json holds}."""
    rows = []
    for name, found in _in_order(values):
        text = SYSTEMS.get(name, found["checkpoint"]["space"])
        follow = _number(found["measures"].get("follow"))
        rows.append([f"`{name}`: {text}", _path(name), follow, _terms(found["checkpoint"]["card"])])
    return table(["system", "checkpoint", "follow", "weights"], rows)


def systems(values: dict) -> str:
    """Format the figures of every system but the default, and whether it passes."""
    rows, counts = [], set()
    for name, found in _in_order(values):
        counts.add(len(found["photos"]["edited"]))
        if name == DEFAULT:
            continue
        figures, passes = found["measures"], found["verdict"]["passes"]
        shares = [_number(figures.get(key)) for key in ("follow", "moved")]
        edited = _number(figures["edited share [%]"], 1)
        verdict = {True: "yes", False: "no", None: UNKNOWN}[passes]
        rows.append([f"`{name}`", *shares, f"{edited} %", verdict, _path(name)])
    heads = ["system", "follow", "moved", "edited", "passes", "checkpoint"]
    return f"{table(heads, rows)}\n\n{_photos(counts)}."


def systems_comparison(values: dict) -> str:
    """Format `warp` beside GANimation's network, and moods beside translated moods."""
    rows = []
    for name, space in COMPARED.items():
        figures, moods = values[name]["measures"], values[name]["mood concordance"]
        keys = ("follow", "moved", "leakage", "sharpness")
        agreement = ", ".join(_number(mood["correlation"]) for mood in moods.values())
        time = f"{values[name]['cost']['photo and edit [ms]']:.0f} ms"
        cells = [_number(figures.get(key)) for key in keys]
        rows.append([f"`{name}`, {space}", *cells, agreement, time])
    moods = "requested and read moods, correlation: pleasure, arousal, dominance"
    heads = ["system, space", "follow", "moved", "leakage", "sharpness", moods]
    return table([*heads, "encode and edit, one thread"], rows)


def systems_restlessness(values: dict) -> str:
    """Format the flicker of an animation by every system, beside a cross-dissolve."""
    figures = {name: found["journeys"] for name, found in _in_order(values)}
    dissolve = next(iter(figures.values()))["restlessness of a cross-dissolve"]
    heads = ["cross-dissolve", *(f"`{name}`" for name in figures)]
    cells = [_number(journey["restlessness"], 3) for journey in figures.values()]
    return table(heads, [[_number(dissolve), *cells]])


def _in_order(values: dict) -> Iterator[tuple[str, dict]]:
    """Known systems in their order, then others."""
    for name in [*SYSTEMS, *sorted(set(values) - set(SYSTEMS))]:
        if name in values:
            yield name, values[name]


def _path(name: str) -> str:
    return f"`checkpoints/{name}.safetensors`"


def _terms(card: dict) -> str:
    """The terms of use of the weights, from the licence in a checkpoint's card."""
    licence = card.get("licence", "")
    return "research only" if "for research" in licence else licence.partition(";")[0] or UNKNOWN


def _number(value: float | None, digits: int = 2) -> str:
    return UNKNOWN if value is None else f"{value:.{digits}f}"


def _photos(counts: set[int]) -> str:
    low, high = min(counts), max(counts)
    span = f"{low:,}" if low == high else f"{low:,} to {high:,}"
    return f"{span} held-out {'photo' if high == 1 else 'photos'}"


def reading(values: dict) -> str:
    """Format the correlation of the Action Units read with the labels; of a reader of FACS also
    that of each side, and of the axes that only FACS has."""
    keys = [*ACTION_UNITS.keys, "mean"]
    tables = [table(keys, [[_number(values.get(f"read {key}")) for key in keys]])]
    told = {key: values[f"read {key}"] for key in FACS.keys if f"read {key}" in values}
    sides = {
        name: [_number(told.get(f"{unit}{side}")) for unit in FACS.lateral]
        for side, name in (("L", "left"), ("R", "right"))
    }
    if any(f"{unit}L" in told for unit in FACS.lateral):
        tables.append(table(["side", *FACS.lateral], [[k, *row] for k, row in sides.items()]))
    for regions in (("mouth", "cheeks"), ("gaze", "head")):
        more = [axis.key for axis in FACS.axes if axis.region in regions and axis.key in told]
        more = [key for key in more if key not in ACTION_UNITS and key[:-1] not in FACS.lateral]
        if more:
            tables.append(table(more, [[_number(told[key]) for key in more]]))
    return "\n\n".join([*tables, f"{values['read photos']:,} photos."])


def ablation(values: dict) -> str:
    """Format the errors with parts switched off, and two references."""
    figures = {
        "motion: variance explained": ("flow variance explained", 3),
        "relighting: variance explained": ("light variance explained", 3),
        "warped photo": ("moved photo", 4),
        "result": ("result", 4),
        "inside mouths": ("inner mouth", 3),
    }
    parts, last = values["parts"], list(values["parts"].values())[-1]
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
    return f"{value:.{digits}f}" if value else "0"


ALL = "python -m training.evaluate --all --data DIR --write"
WARP = "--data DIR PAIRS --checkpoint checkpoints/warp.safetensors --write"
BLOCKS = {
    "models": Block(ALL, models),
    "systems": Block(ALL, systems),
    "systems-comparison": Block(ALL, systems_comparison),
    "systems-restlessness": Block(ALL, systems_restlessness),
    "reading": Block(f"python -m training pairs {WARP}", reading),
    "ablation": Block(f"python -m training ablation {WARP}", ablation),
}
