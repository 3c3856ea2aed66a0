"""Writes the outputs of an evaluation: a printed table, evaluation.json and evaluation.html."""

import json
from pathlib import Path

from moodganimation.files.atomic import atomic_write

COLUMNS = {  # of the table: heading -> key of an axis's figure, decimals
    "follow": ("follow", 2),
    "moved": ("moved", 2),
    "R2": ("straightness", 2),
    "gain": ("gain", 2),
    "leakage": ("leakage", 2),
    "/spread": ("leakage by spread", 2),
    "edited%": ("edited share [%]", 1),
    "sharp": ("sharpness", 2),
    "likeness": ("likeness", 3),
    "person": ("same person", 2),
    "r": ("estimator's r", 2),
}


def number(value, digits: int = 3) -> str:
    """Format a figure: a count without decimals, a missing one as a dash."""
    if value is None or isinstance(value, int):
        return "-" if value is None else f"{value:,}"
    return f"{value:.{digits}f}"


def bounds(criterion: dict) -> str:
    """Format the bounds of a criterion, for instance ">= 0.8"."""
    least, most = criterion["least"], criterion["most"]
    if least == most:
        return f"{least:g}"
    return " and ".join(
        text
        for text in (
            f">= {least:g}" if least is not None else "",
            f"<= {most:g}" if most is not None else "",
        )
        if text
    )


def passed(value: bool | None) -> str:
    """Format whether a criterion is met; None means that its figure is missing."""
    return {True: "passes", False: "fails", None: "undecided"}[value]


def table(values: dict) -> str:
    """Format the compact table that is printed; values: those of evaluation.json."""
    about, verdict = values["checkpoint"], values["verdict"]
    columns = {
        head: key
        for head, key in COLUMNS.items()
        if any(axis.get(key[0]) is not None for axis in values["axes"].values())
    }
    lines = [
        f"{about['file']}: {about['architecture']}, {about['space']}, {about['side']} px; "
        f"{len(values['photos']['edited'])} photos of {about['split']}",
        f"{'axis':10}" + "".join(f"{head:>9}" for head in columns),
    ]
    for name, figures in {**values["axes"], "all": values["measures"]}.items():
        cells = (number(figures.get(key), digits) for key, digits in columns.values())
        lines.append(f"{name:10}" + "".join(f"{cell:>9}" for cell in cells))
    for key, figures in values["mood concordance"].items():
        concordance, r, ceiling = (number(value, 2) for value in figures.values())
        lines.append(f"mood concordance, {key}: {concordance} (correlation {r}, ceiling {ceiling})")
    distance, cost = values["distance"], values["cost"]
    lines.append(
        f"KID-like distance: {number(distance['edited'])} edited, "
        f"{number(distance['unedited'])} unedited: {number(distance['added'])} added, "
        f"against {distance['against']}"
    )
    lines += [f"{key}: {number(value)}" for key, value in values["journeys"].items()]
    for title, figures in values["clips"].items():
        lines.append(f"{title}, error / copying: {number(figures['error / copying'], 2)}")
    lines.append(
        f"{cost['photo and edit [ms]']:.1f} ms a photo and edit ({cost['edit alone [ms]']:.1f} "
        f"the edit alone), {cost['device']}, {cost['threads']} thread; "
        f"{cost['parameters']:,} parameters, {about['megabytes']} MB"
    )
    lines += [f"estimator: {values['estimator']['statement']}"]
    lines += [f"not measured: {text}" for text in values["not measured"]]
    lines += values["photos"]["remarks"]
    for name, criterion in verdict["criteria"].items():
        words = f"{number(criterion['value'])}, required {bounds(criterion)}"
        lines.append(f"  {name}: {words}: {passed(criterion['passes'])}")
    return "\n".join([*lines, f"verdict: {passed(verdict['passes'])}"])


def write_files(folder: Path, values: dict, page: str) -> None:
    """Write both files atomically."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    for name, content in (("evaluation.json", text), ("evaluation.html", page)):
        with atomic_write(folder / name) as part:
            part.write_text(content, encoding="utf-8")
