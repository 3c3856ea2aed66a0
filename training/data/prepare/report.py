"""The report of a command as text and JSON: used and dropped items, notes, histograms."""

import json
from collections import Counter

import numpy as np

from moodganimation.expressions.spaces import ACTION_UNITS, FACS, ExpressionSpace

EXAMPLES = 5  # names that are listed for each reason
MAX_REASONS = 4  # in error messages
BINS = 10  # of histograms
BAR = 40  # characters of the longest bar


class Report:
    """Collects counts, notes and histograms while a command runs."""

    def __init__(self, command: str, settings: dict):
        self.command, self.settings = command, settings
        self.kept, self.dropped, self.examples = {}, Counter(), {}
        self.notes, self.counted_notes, self.histograms = [], Counter(), {}

    def drop(self, reason: str, name: str, count: int = 1) -> None:
        """Count a dropped item, and keep its name as an example."""
        self.dropped[reason] += count
        examples = self.examples.setdefault(reason, [])
        if len(examples) < EXAMPLES:
            examples.append(name)

    def note(self, text: str, count: int | None = None) -> None:
        """Add a note; counts of the same text are summed up, and 0 adds nothing."""
        if count is None:
            self.notes.append(text)
        elif count:
            self.counted_notes[text] += count

    def reasons(self) -> str:
        """Return the most frequent reasons of dropped items as one line, or ""."""
        return "; ".join(f"{n} x {reason}" for reason, n in self.dropped.most_common(MAX_REASONS))

    def add_histograms(self, space: ExpressionSpace, values: np.ndarray) -> None:
        """Add a histogram of each axis from values (N, D), in the scale of the files."""
        high = 5.0 if space in (ACTION_UNITS, FACS) else None  # as OpenFace writes them
        for axis, column in zip(space.axes, np.asarray(values).T, strict=True):
            edges = np.linspace(axis.low, high or axis.high, BINS + 1)
            counts, _ = np.histogram(column, edges)
            self.histograms[axis.key] = {
                "edges": [round(float(edge), 6) for edge in edges],
                "counts": counts.tolist(),
                "mean": round(float(column.mean()), 6),
            }

    def json(self) -> str:
        """Format the report as JSON."""
        dropped = {
            reason: {"count": count, "examples": self.examples[reason]}
            for reason, count in self._ordered(self.dropped)
        }
        whole = {
            "command": self.command,
            "settings": self.settings,
            "kept": self.kept,
            "dropped": dropped,
            "notes": self.notes + self._counted(),
            "histograms": self.histograms,
        }
        return json.dumps(whole, indent=1) + "\n"

    def text(self) -> str:
        """Format the report as text."""
        lines = [f"{self.command}: used and dropped items", ""]
        lines += [f"kept     {n:>9,}  {what}" for what, n in self.kept.items()]
        for reason, count in self._ordered(self.dropped):
            names = self.examples[reason]
            more = ", ..." if count > len(names) else ""
            lines.append(f"dropped  {count:>9,}  {reason} ({', '.join(names)}{more})")
        if not self.dropped:
            lines.append(f"dropped  {0:>9}")
        lines += ["", *(f"note: {note}" for note in self.notes + self._counted())]
        for key, histogram in self.histograms.items():
            lines += ["", f"{key}  (mean {histogram['mean']:.3f})", *_bars(histogram)]
        return "\n".join(lines) + "\n"

    def _counted(self) -> list[str]:
        """Format the counted notes, the most frequent first."""
        return [f"{count:,} x {text}" for text, count in self._ordered(self.counted_notes)]

    @staticmethod
    def _ordered(counter: Counter) -> list:
        """Sort texts and counts: the highest count first, then by text."""
        return sorted(counter.items(), key=lambda entry: (-entry[1], entry[0]))


def _bars(histogram: dict) -> list[str]:
    """Format a histogram as a line of text per bin."""
    edges, counts = histogram["edges"], histogram["counts"]
    scale = BAR / max(1, *counts)
    return [
        f"  {low:5.1f} .. {high:4.1f} {n:>9,}  {'#' * round(n * scale)}"
        for low, high, n in zip(edges[:-1], edges[1:], counts, strict=True)
    ]
