"""Blocks written by the Face Mesh judge: from its values to Markdown."""

from statistics import mean

from ..documents import Block
from ..markdown import table

VALIDATED = ("AU05", "AU06", "AU07", "AU14", "AU23")  # units whose gains were chosen by this judge
COLUMNS = {  # of the table of units: heading -> figure, digits
    "follow": ("follow", 2),
    "right way": ("right way", 2),
    "change at 1": ("change", 4),
    "off-target": ("off-target", 2),
    "displaced": ("displaced", 2),
    "turn [deg]": ("turn", 1),
    "lines [px]": ("lines", 2),
}


def units(values: dict) -> str:
    """Format the figures of every unit, of all of them, and the medians."""
    rows = [
        [name, *(f"{row[key]:.{digits}f}" for key, digits in COLUMNS.values())]
        for name, row in values["units"].items()
    ]
    return f"{table(['unit', *COLUMNS], rows)}\n\n{_photos(_single(values))}"


def units_summary(values: dict) -> str:
    """Format means, medians and the largest values over the units."""
    single = _single(values)
    count, median = len(single), values["units"]["median"]
    lines = max(single, key=lambda unit: single[unit]["lines 95%"])
    shifted = values["noise"]["shifted photos"]["turn"]
    deepest = max(row["in depth"] for row in single.values())
    rows = [
        [f"off-target, mean of the {count} units", f"{_mean(single, 'off-target'):.2f}"],
        [f"off-target, median of the {count} units", f"{median['off-target']:.2f}"],
        [f"displaced, mean of the {count} units", f"{_mean(single, 'displaced'):.2f}"],
        ["turn seen in a photo shifted by a hundredth of its width, median", f"{shifted:.1f} deg"],
        ["largest turn if Face Mesh estimates the depth anew in the edit", f"{deepest:.1f} deg"],
        [
            "largest 95th percentile of *lines*",
            f"{single[lines]['lines 95%']:.2f} px ({lines})",
        ],
    ]
    return table(["figure", "value"], rows)


def units_validation(values: dict) -> str:
    """Format the share of photos in which the units with chosen gains move the right way."""
    chosen = {unit: values["units"][unit] for unit in VALIDATED}
    row = ["right way", *(f"{figures['right way']:.2f}" for figures in chosen.values())]
    return f"{table(['', *chosen], [row])}\n\n{_photos(chosen)}"


def moods(values: dict) -> str:
    """Format what the measures of every mood do over the five levels."""
    rows = []
    for name, row in values["moods"].items():
        shares = (f"{row[key]:.2f}" for key in ("monotone", "strictly"))
        rows.append([*name.split(": "), *shares, f"{row['noise']:.3f}"])
    return table(["mood", "measure", "rises", "strictly", "noise"], rows)


def _single(values: dict) -> dict[str, dict]:
    """The rows of single units."""
    return {name: row for name, row in values["units"].items() if name.startswith("AU")}


def _mean(rows: dict[str, dict], key: str) -> float:
    return mean(row[key] for row in rows.values())


def _photos(rows: dict[str, dict]) -> str:
    """How many photos the figures rest on: those in which Face Mesh found every face."""
    counts = sorted(round(row["photos"]) for row in rows.values())
    if counts[0] == counts[-1]:
        return f"{counts[0]} photos."
    return (
        f"{counts[0]} to {counts[-1]} photos per unit: those in which Face Mesh found every face."
    )


COMMAND = "python -m training.evaluate.judges.face_mesh"
DEFAULT = ("units", "units-summary", "moods")
BLOCKS = {
    "units": Block(f"{COMMAND} SWEEPS --write", units),
    "units-summary": Block(f"{COMMAND} SWEEPS --write", units_summary),
    "moods": Block(f"{COMMAND} SWEEPS --write", moods),
    "units-validation": Block(
        f"{COMMAND} VALIDATION_SWEEPS --write units-validation", units_validation
    ),
}
