"""Resetting a place of a face: its controls return to the values read in the photo."""

import numpy as np

from ..expressions.spaces import Expression
from .controls import rounded_expression
from .drags import ExpressionChange
from .fields import STRONG_INFLUENCE, FaceFields


def reset_place(fields: FaceFields, at: np.ndarray, before: Expression) -> ExpressionChange:
    """Reset the controls that move the place shown at `at` in the edit of `before`.

    at: (2,) [face coordinates]. These are the controls of the group of the place (see
    `FaceFields.groups`) with an influence of at least STRONG_INFLUENCE, or all of them for gaze and
    head.
    """
    vector = before.vector()
    place = fields.motion.photo_points(np.float32(at)[None], vector)
    influences = fields.influences_at(place)
    (in_group,), changes = fields.groups(influences), []
    for control, influence, included in zip(fields.controls, influences[0], in_group, strict=True):
        if not included or (influence < STRONG_INFLUENCE and not control.moves_gaze_or_head):
            continue
        indices = [*control.raised, *control.lowered]
        if (vector[indices] != fields.unchanged[indices]).any():
            changed = vector.copy()
            changed[indices] = fields.unchanged[indices]
            changes.append(control.described_change(vector, changed))
            vector = changed
    return ExpressionChange(rounded_expression(before, vector), tuple(changes))
