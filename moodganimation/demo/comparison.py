"""Requested and detected: the units of a request beside those that the reader finds in the edit."""

import numpy as np

from ..expressions.moods import convert_expression, mood_of
from ..expressions.sides import units_of
from ..expressions.spaces import ACTION_UNITS, Expression
from ..frame import Frame
from .i18n import localize
from .labels import UNIT_LABELS
from .sessions import FaceEdit

NO_REQUEST = "No slider differs clearly from the photo, so there is nothing to compare."
MIN_REQUESTED_CHANGE = 0.1  # of a unit; smaller changes get no row
MIN_DETECTED_SHARE = 0.25  # a unit is detected if it changed by this share of the request
# The smallest changes that are taken as visible, chosen by eye.
VISIBLE_MOTION = 0.006  # in sides of the crop
VISIBLE_COLOR_CHANGE = 12  # levels of 256, at the 99th percentile of the crop's pixels


def comparison_table(face: FaceEdit, frame: Frame) -> str:
    """Return HTML: a row with both values for every unit whose change was requested.

    The detected values come from the reader of `warp`. For edits by `warp` it is the network that
    made them, so they are no independent measurement. A unit is said to show no change only if it
    is not detected and its pixels do not change either.
    """
    readings, detections = units_of(face.reading), units_of(face.animator.measure(frame))
    requests = convert_expression(face.target, ACTION_UNITS, face.reading)
    rows = []
    for axis, before, requested, detected in zip(
        ACTION_UNITS.axes, readings.values, requests.values, detections.values, strict=True
    ):
        change = requested - before
        if abs(change) < MIN_REQUESTED_CHANGE:
            continue
        remark = ""
        if (detected - before) / change < MIN_DETECTED_SHARE:
            remark = f'<span class="remark">{_undetected_text(face, frame, axis.key)}</span>'
        rows.append(
            f'<tr><th scope="row">{localize(UNIT_LABELS[axis.key])}</th>'
            f"<td>{_bar('requested', requested)}{_bar('detected', detected)}</td>"
            f"<td>{requested:.2f} / {detected:.2f} {remark}</td></tr>"
        )
    if not rows:
        return f"<p>{localize(NO_REQUEST)}</p>"
    titles = (localize(text) for text in ("Slider", "Requested, detected"))
    head = "<tr>" + "".join(f'<th scope="col">{title}</th>' for title in titles) + "<td></td></tr>"
    plane = _mood_plane(requests, detections)
    return f'<table class="comparison-table">{head}{"".join(rows)}</table>{plane}'


def _undetected_text(face: FaceEdit, frame: Frame, key: str) -> str:
    """Return the remark on a unit whose requested change the reader does not detect."""
    if changes_pixels(face, frame, key):
        return localize("visible change, but not detected")
    return localize("no visible change")


def changes_pixels(face: FaceEdit, frame: Frame, key: str) -> bool:
    """Return whether a unit visibly changes the face, against the same edit without the unit."""
    expression = face.state.expression
    indices = expression.space.indices(key)
    values = list(expression.values)
    for index in indices:
        values[index] = face.reading.values[index]
    target = Expression(expression.space, tuple(values))
    without = face.animator.edit(face.portrait, target, face.edit_mask)
    motion = (frame.edit.motion - without.edit.motion)[0].float().numpy()
    distance = np.linalg.norm(motion, axis=0).max() / 2  # motion is in halves of the crop's side
    color = (frame.edit.composite - without.edit.composite)[0].float().numpy()
    levels = np.percentile(np.abs(color), 99) * 127.5  # colors are in [-1, 1]
    return bool(distance > VISIBLE_MOTION or levels > VISIBLE_COLOR_CHANGE)


def _mood_plane(requested: Expression, detected: Expression) -> str:
    """Return HTML: pleasure and arousal, requested as a ring and detected as a dot."""
    dots, texts = "", []
    for kind, expression, radius in (("requested", requested, 9), ("detected", detected, 5)):
        pleasure, arousal, _ = mood_of(expression).values
        dots += f'<circle class="{kind}" r="{radius}" cx="{100 * pleasure:.0f}" '
        dots += f'cy="{-100 * arousal:.0f}"/>'
        values = (("pleasure", pleasure), ("arousal", arousal))
        values = ", ".join(f"{localize(name)} {value:.2f}" for name, value in values)
        texts.append(f"{localize(kind)}: {values}")
    caption = "; ".join(texts)
    return (
        f'<figure class="plane"><svg viewBox="-105 -105 210 210" role="img" aria-label="{caption}">'
        f'<path d="M-100 -100H100V100H-100ZM-100 0H100M0 -100V100"/>{dots}</svg>'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def _bar(kind: str, value: float) -> str:
    """Return HTML: a bar of a value from 0 to 1."""
    return f'<div class="bar {kind}" style="width:{100 * value:.0f}%"></div>'
