"""Asked and seen: what an edit was to do, beside what the shipped reader sees in the result."""

from ..expressions.moods import in_space, mood_of
from ..expressions.sides import units_of
from ..expressions.spaces import ACTION_UNITS, Expression
from .i18n import told

NOTHING = "Nothing is asked of the face: the result is the photo."
ASKED = 0.1  # change of a unit that is worth a row
ANSWERED = 0.25  # share of an asked change below which a unit did not respond


def bars(before: Expression, asked: Expression, seen: Expression) -> str:
    """HTML: a row for every unit that was asked to change. before: the photo's reading.

    The reader is the network that moves the face, so it is a witness and no judge.
    """
    before, seen = units_of(before), units_of(seen)
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
            "" if answered else f'<span class="chip">{told("{} did not respond", axis.key)}</span>'
        )
        rows.append(
            f'<tr><th scope="row">{told(" ".join((axis.key, axis.label)))}</th>'
            f"<td>{_bar('asked', wanted)}{_bar('seen', found)}</td>"
            f"<td>{wanted:.2f} / {found:.2f} {chip}</td></tr>"
        )
    if not rows:
        return f"<p>{told(NOTHING)}</p>"
    head = f"<tr><th>{told('unit')}</th><th>{told('asked, seen')}</th><th></th></tr>"
    return f'<table class="bars">{head}{"".join(rows)}</table>{_plane(asked, seen)}'


def _plane(asked: Expression, seen: Expression) -> str:
    """HTML: pleasure and arousal of both, as a ring and a dot."""
    dots, said = "", []
    for kind, expression, radius in (("asked", asked, 9), ("seen", seen, 5)):
        pleasure, arousal, _ = mood_of(expression).values
        dots += f'<circle class="{kind}" r="{radius}" cx="{100 * pleasure:.0f}" '
        dots += f'cy="{-100 * arousal:.0f}"/>'
        said.append(
            f"{told(kind)}: {told('pleasure')} {pleasure:.2f}, {told('arousal')} {arousal:.2f}"
        )
    said = "; ".join(said)
    return (
        f'<figure class="plane"><svg viewBox="-105 -105 210 210" role="img" aria-label="{said}">'
        f'<path d="M-100 -100H100V100H-100ZM-100 0H100M0 -100V100"/>{dots}</svg>'
        f"<figcaption>{said}</figcaption></figure>"
    )


def _bar(kind: str, value: float) -> str:
    return f'<div class="bar {kind}" style="width:{100 * value:.0f}%"></div>'
