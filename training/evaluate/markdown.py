"""Formats tables and numbers as Markdown, for the blocks of figures in the documents."""

from collections.abc import Iterable, Sequence

NUMBER_WORDS = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
]


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Format a table; an empty cell stays empty."""
    lines = [_line(headings), "|" + "---|" * len(headings), *map(_line, rows)]
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    """Format a line of a table."""
    return "|" + "|".join(f" {cell} " if cell else " " for cell in cells) + "|"


def short(value: float) -> str:
    """Format a number with one decimal below 10, and none from 10 on: 7.9, 13, 113."""
    return f"{value:.1f}" if value < 9.95 else f"{value:.0f}"


def significant(value: float, digits: int = 3) -> str:
    """Round a number to significant digits, without exponent: 0.151, 1.27, 1260."""
    rounded = float(f"{value:.{digits}g}")
    return f"{rounded:.0f}" if rounded >= 10 ** (digits - 1) else f"{rounded:g}"


def duration(seconds: float) -> str:
    """Format a time in milliseconds below 0.1 s, and in seconds with one decimal from there on."""
    return f"{1000 * seconds:.0f} ms" if seconds < 0.0995 else f"{seconds:.1f} s"


def word(number: int) -> str:
    """Write a number as a word up to ten, and in digits above."""
    return NUMBER_WORDS[number] if number < len(NUMBER_WORDS) else f"{number:,}"
