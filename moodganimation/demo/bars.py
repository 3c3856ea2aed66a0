"""Asked and seen: what an edit was to do, beside what the shipped reader sees in the result."""

from ..expressions import ACTION_UNITS, Expression
from ..moods import in_space
from .words import told

NOTHING = "Nothing is asked of the face: the result is the photo."
ASKED = 0.1  # change of a unit that is worth a row
ANSWERED = 0.25  # share of an asked change below which a unit did not respond


def bars(before: Expression, asked: Expression, seen: Expression) -> str:
    """HTML: a row for every unit that was asked to change. before: the photo's reading.

    The reader is the network that moves the face, so it is a witness and no judge.
    """
    asked = in_space(asked, ACTION_UNITS, before)
    rows = []
    for axis, was, wanted, found in zip(
        ACTION_UNITS.axes, before.values, asked.values, seen.values, strict=True
    ):
        change = wanted - was
        if abs(change) < ASKED:
            continue
        answered = (found - was) / change >= ANSWERED
        chip = (
            "" if answered else f'<span class="chip">{told(f"{axis.key} did not respond")}</span>'
        )
        rows.append(
            f'<tr><th scope="row">{told(f"{axis.key} {axis.label}")}</th>'
            f"<td>{_bar('asked', wanted)}{_bar('seen', found)}</td>"
            f"<td>{wanted:.2f} / {found:.2f} {chip}</td></tr>"
        )
    if not rows:
        return f"<p>{told(NOTHING)}</p>"
    head = f"<tr><th>{told('unit')}</th><th>{told('asked, seen')}</th><th></th></tr>"
    return f'<table class="bars">{head}{"".join(rows)}</table>'


def _bar(kind: str, value: float) -> str:
    return f'<div class="bar {kind}" style="width:{100 * value:.0f}%"></div>'
