"""Formats the tables of judges (sides, gaze, head, mouths, teeth, folds) as Markdown."""

from collections.abc import Callable

from ..documents import FigureBlock
from ..markdown import table


def table_formatter(name: str, title: str) -> Callable[[dict], str]:
    """Make a formatter of the table `name` of a judge; title: heading of its first column."""

    def format_rows(values: dict) -> str:
        rows = values[name]
        columns = [key for key in next(iter(rows.values())) if key != "photos"]
        cells = [
            [row, *(_number(figures[key]) for key in columns)] for row, figures in rows.items()
        ]
        counts = sorted({row["photos"] for row in rows.values()})
        span = f"{counts[0]:.0f}" if len(counts) == 1 else f"{counts[0]:.0f} to {counts[-1]:.0f}"
        return f"{table([title, *columns], cells)}\n\n{span} photos."

    return format_rows


def _number(value: float | None) -> str:
    """Format a figure; a missing one as an empty cell."""
    return "" if value is None else f"{value}" if isinstance(value, int) else f"{value:.2f}"


def blocks(judge: str, **titles: str) -> dict[str, FigureBlock]:
    """Make the blocks of a judge; titles: table -> heading of its first column."""
    command = f"python -m training.evaluate.judges.{judge} {judge.upper()} --write"
    return {
        name: FigureBlock(command, table_formatter(name, title)) for name, title in titles.items()
    }
