"""Formats tables of figures as text and as JSON, with the standard library only."""

import json
import math
from pathlib import Path

Rows = dict[str, dict[str, float]]  # name of a row -> column -> figure


def table(rows: Rows) -> str:
    """Format a table with one line per row; missing figures are dashes."""
    columns = list(next(iter(rows.values())))
    first_width, widths = max(map(len, rows)), [max(8, len(column)) for column in columns]
    columns_and_widths = list(zip(columns, widths, strict=True))
    lines = [" " * first_width + "".join(f"{c:>{w + 2}}" for c, w in columns_and_widths)]
    for name, row in rows.items():
        cells = (f"{_cell(row[c]):>{w + 2}}" for c, w in columns_and_widths)
        lines.append(f"{name:{first_width}}" + "".join(cells))
    return "\n".join(lines)


def report(out: Path | None, **tables: Rows) -> None:
    """Print tables, and write them to `out` as JSON under their names."""
    print("\n\n".join(table(rows) for rows in tables.values()))
    if out:
        out.write_text(
            json.dumps(json_values(tables), indent=1, allow_nan=False) + "\n", encoding="utf-8"
        )


def ratio(numerator: float, denominator: float) -> float:
    """Divide two numbers; NaN if the denominator is 0."""
    return float(numerator / denominator) if denominator else math.nan


def json_values(tables: dict[str, Rows]) -> dict[str, Rows]:
    """Convert tables for JSON: four decimals, counts as they are, and None for NaN."""
    return {
        name: {
            row: {column: _json_value(value) for column, value in values.items()}
            for row, values in rows.items()
        }
        for name, rows in tables.items()
    }


def _json_value(value: float) -> float | None:
    """Round a figure for JSON; None for NaN."""
    if isinstance(value, int):
        return value
    return round(float(value), 4) if math.isfinite(value) else None


def _cell(value: float) -> str:
    """Format a figure: more decimals for small ones."""
    if not math.isfinite(value):
        return "-"
    return f"{value}" if isinstance(value, int) else f"{value:.{4 if abs(value) < 0.1 else 2}f}"
