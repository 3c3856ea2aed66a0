"""Formats the blocks of figures of the Face Mesh judge as Markdown."""

from statistics import mean

from ..documents import FigureBlock
from ..markdown import table

# Units whose gain (`python -m training ship --gain`) was tuned with this judge.
TUNED_UNITS = ("AU05", "AU06", "AU07", "AU14", "AU23")
COLUMNS = {  # of the table of units: heading -> figure, decimals
    "follow": ("follow", 2),
    "right way": ("right way", 2),
    "change at 1": ("change", 4),
    "off-target": ("off-target", 2),
    "displaced": ("displaced", 2),
    "turn [deg]": ("turn", 1),
    "lines [px]": ("lines", 2),
}


def units(values: dict) -> str:
    """Format the figures of every unit, and the rows "all" and "median"."""
    rows = [
        [name, *(f"{row[key]:.{digits}f}" for key, digits in COLUMNS.values())]
        for name, row in values["units"].items()
    ]
    return f"{table(['unit', *COLUMNS], rows)}\n\n{_photos(_without_totals(values))}"


def units_summary(values: dict) -> str:
    """Format means, medians and the largest values over the units."""
    units = _without_totals(values)
    count, median = len(units), values["units"]["median"]
    worst = max(units, key=lambda unit: units[unit]["lines 95%"])
    shifted = values["noise"]["shifted photos"]["turn"]
    deepest = max(row["in depth"] for row in units.values())
    rows = [
        [f"off-target, mean of the {count} units", f"{_mean(units, 'off-target'):.2f}"],
        [f"off-target, median of the {count} units", f"{median['off-target']:.2f}"],
        [f"displaced, mean of the {count} units", f"{_mean(units, 'displaced'):.2f}"],
        ["turn seen in a photo shifted by a hundredth of its width, median", f"{shifted:.1f} deg"],
        ["largest turn if Face Mesh estimates the depth anew in the edit", f"{deepest:.1f} deg"],
        [
            "largest 95th percentile of *lines*",
            f"{units[worst]['lines 95%']:.2f} px ({worst})",
        ],
    ]
    return table(["figure", "value"], rows)


def units_validation(values: dict) -> str:
    """Format *right way* of the units with tuned gains, on the validation split."""
    tuned = {unit: values["units"][unit] for unit in TUNED_UNITS}
    row = ["right way", *(f"{figures['right way']:.2f}" for figures in tuned.values())]
    return f"{table(['', *tuned], [row])}\n\n{_photos(tuned)}"


def moods(values: dict) -> str:
    """Format the share of photos whose mood measures rise over the five levels."""
    rows = []
    for name, row in values["moods"].items():
        shares = (f"{row[key]:.2f}" for key in ("monotone", "strictly"))
        rows.append([*name.split(": "), *shares, f"{row['noise']:.3f}"])
    return table(["mood", "measure", "rises", "strictly", "noise"], rows)


def _without_totals(values: dict) -> dict[str, dict]:
    """Select the rows of units, without "all" and "median"."""
    return {name: row for name, row in values["units"].items() if name.startswith("AU")}


def _mean(rows: dict[str, dict], key: str) -> float:
    """Average a figure over rows."""
    return mean(row[key] for row in rows.values())


def _photos(rows: dict[str, dict]) -> str:
    """Write the number of photos of each row: those in which Face Mesh detected every face."""
    counts = sorted(round(row["photos"]) for row in rows.values())
    if counts[0] == counts[-1]:
        return f"{counts[0]} photos."
    return (
        f"{counts[0]} to {counts[-1]} photos per unit: those in which Face Mesh found every face."
    )


COMMAND = "python -m training.evaluate.judges.face_mesh"
DEFAULT = ("units", "units-summary", "moods")
BLOCKS = {
    "units": FigureBlock(f"{COMMAND} SWEEPS --write", units),
    "units-summary": FigureBlock(f"{COMMAND} SWEEPS --write", units_summary),
    "moods": FigureBlock(f"{COMMAND} SWEEPS --write", moods),
    "units-validation": FigureBlock(
        f"{COMMAND} VALIDATION_SWEEPS --write units-validation", units_validation
    ),
}
