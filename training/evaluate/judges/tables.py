"""Tables of figures, for people and as JSON. Imports the standard library only."""

import json
import math
from pathlib import Path

Rows = dict[str, dict[str, float]]


def table(rows: Rows) -> str:
    """A line a row under the titles of the first; what is not known is a dash."""
    titles = list(next(iter(rows.values())))
    first, widths = max(map(len, rows)), [max(8, len(title)) for title in titles]
    lines = [" " * first + "".join(f"{t:>{w + 2}}" for t, w in zip(titles, widths, strict=True))]
    for name, row in rows.items():
        cells = (f"{_cell(row[t]):>{w + 2}}" for t, w in zip(titles, widths, strict=True))
        lines.append(f"{name:{first}}" + "".join(cells))
    return "\n".join(lines)


def report(out: Path | None, **tables: Rows) -> None:
    """Print tables, and write them to `out` as JSON, each under its name."""
    print("\n\n".join(table(rows) for rows in tables.values()))
    if out:
        out.write_text(json.dumps(known(tables), indent=1, allow_nan=False) + "\n")


def share(part: float, whole: float) -> float:
    """A part of what may be nothing: not a number then."""
    return float(part / whole) if whole else math.nan


def known(tables: dict[str, Rows]) -> dict[str, Rows]:
    """The values as JSON holds them: four decimals, and None for what is not a number."""
    return {
        name: {
            row: {title: _known(value) for title, value in values.items()}
            for row, values in rows.items()
        }
        for name, rows in tables.items()
    }


def _known(value: float) -> float | None:
    """Four decimals are enough; JSON has no word for what is not a number."""
    return round(float(value), 4) if math.isfinite(value) else None


def _cell(value: float) -> str:
    if not math.isfinite(value):
        return "-"
    return f"{value}" if isinstance(value, int) else f"{value:.{4 if abs(value) < 0.1 else 2}f}"
