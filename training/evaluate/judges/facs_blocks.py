"""Blocks of the judges of sides, lips, gaze and head: from their values to Markdown."""

from collections.abc import Callable

from ..documents import Block
from ..markdown import table


def rows_of(name: str, title: str) -> Callable[[dict], str]:
    """A formatter of one table of a judge: a line a row, numbers with two decimals."""

    def written(values: dict) -> str:
        rows = values[name]
        columns = [key for key in next(iter(rows.values())) if key != "photos"]
        lines = [
            [row, *(_number(figures[key]) for key in columns)] for row, figures in rows.items()
        ]
        photos = sorted({row["photos"] for row in rows.values()})
        counts = f"{photos[0]:.0f}" if len(photos) == 1 else f"{photos[0]:.0f} to {photos[-1]:.0f}"
        return f"{table([title, *columns], lines)}\n\n{counts} photos."

    return written


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def blocks(judge: str, **titles: str) -> dict[str, Block]:
    """The blocks of a judge: table -> title of its first column."""
    command = f"python -m training.evaluate.judges.{judge} {judge.upper()} --write"
    return {name: Block(command, rows_of(name, title)) for name, title in titles.items()}
