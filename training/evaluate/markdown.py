"""Tables, numbers and words of blocks of figures, as Markdown."""

from collections.abc import Iterable, Sequence

WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; an empty cell stays empty."""
    lines = [_line(heads), "|" + "---|" * len(heads), *map(_line, rows)]
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return "|" + "|".join(f" {cell} " if cell else " " for cell in cells) + "|"


def short(value: float) -> str:
    """One decimal below 10, none from there: 7.9, 13, 113."""
    return f"{value:.1f}" if value < 9.95 else f"{value:.0f}"


def significant(value: float, digits: int = 3) -> str:
    """A number rounded to significant digits, never with an exponent: 0.151, 1.27, 1260."""
    rounded = float(f"{value:.{digits}g}")
    return f"{rounded:.0f}" if rounded >= 10 ** (digits - 1) else f"{rounded:g}"


def duration(seconds: float) -> str:
    """Milliseconds below a tenth of a second, seconds with one decimal from there."""
    return f"{1000 * seconds:.0f} ms" if seconds < 0.0995 else f"{seconds:.1f} s"


def word(number: int) -> str:
    """A number in words up to ten, in digits from there."""
    return WORDS[number] if number < len(WORDS) else f"{number:,}"
