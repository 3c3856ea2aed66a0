"""Blocks of figures that tests measure; the environment variable WRITE_FIGURES names those to
write: WRITE_FIGURES=fuzz make fuzz."""

import os

from training.evaluate.documents import FigureBlock, write_blocks
from training.evaluate.markdown import table

PARSERS = {  # in tests/test_fuzz.py -> in the document
    "pictures": "pictures",
    "films": "videos",
    "checkpoints": "checkpoints",
    "trajectories": "trajectories",
    "annotations": "annotations, OpenFace's and AffectNet's tables, lists of names",
    "recipes": "recipes (JSON, PNG, JPEG, WebP, GIF, MP4, links)",
    "timelines": "timelines",
    "endpoints": "parameters of the endpoints",
    "camera": "camera frames",
}


def write_requested(name: str, values: dict) -> None:
    """Write a block if WRITE_FIGURES names it. Raises ValueError for an unknown name."""
    requested = [name for name in os.environ.get("WRITE_FIGURES", "").split(",") if name]
    if unknown := set(requested) - set(BLOCKS):
        raise ValueError(f"WRITE_FIGURES names no block of the tests: {', '.join(unknown)}.")
    if name in requested:
        write_blocks([name], BLOCKS, values)


def speed_page(values: dict) -> str:
    """Format how soon a preview follows a slider."""
    return (
        f"A preview appears {values['preview [ms]']:.0f} ms after a slider movement; the model "
        f"takes {values['model [ms]']:.0f} ms of it (Chromium on the same cores, medians)."
    )


def fuzz(values: dict) -> str:
    """Format the cases of every parser and the peak memory."""
    rows = []
    for name, text in PARSERS.items():
        found = values["parsers"][name]
        # Bad camera frames are answered, not refused.
        refused = f"{found['refused']:,}" if found["refused"] else ""
        longest = found["longest [s]"]
        time = f"{longest:.1f} s" if longest >= 0.095 else f"{longest:.2f} s"
        rows.append([text, f"{found['cases']:,}", refused, time])
    lines = table(["parser", "cases", "refused with a message", "longest"], rows)
    peak = values["peak memory [MB]"] / 1000
    return f"{lines}\n\nPeak memory of the whole run, model included: {peak:.1f} GB."


def load(values: dict) -> str:
    """Format what sixteen clients at once got, and the server's memory."""
    low, high = values["edits per client"]
    least, most = values["memory [MB]"]
    return (
        f"{values['edits']:,} edits in {values['seconds']:.0f} s, {low:,} to {high:,} per client. "
        "No errors, no cross-session leakage. "  # the test fails otherwise
        f"Memory: {least:,.0f} to {most:,.0f} MB after the first "
        f"{values['settled after [s]']:.0f} s."
    )


BLOCKS = {
    "speed-page": FigureBlock("WRITE_FIGURES=speed-page make long", speed_page),
    "fuzz": FigureBlock("WRITE_FIGURES=fuzz make fuzz", fuzz),
    "load": FigureBlock("WRITE_FIGURES=load LOAD_SECONDS=240 make load", load),
}
