"""Resetting a place of a face: its controls get their values in the photo."""

import numpy as np

from ..expressions.spaces import Expression
from .controls import rounded_expression
from .drags import ExpressionChange
from .fields import STRONG_INFLUENCE, FaceFields


def reset_place(fields: FaceFields, at: np.ndarray, before: Expression) -> ExpressionChange:
    """Return the change that resets the place which the edit of `before` shows at `at`.

    at: (2,) [face coordinates]. Controls of the place's group (see `FaceFields.group_mask`) get
    their values in the photo: in the groups of gaze and head all controls, in that of the face
    those with an influence of at least STRONG_INFLUENCE.
    """
    vector = before.vector()
    place = fields.motion.photo_points(np.float32(at)[None], vector)
    influences = fields.influences_at(place)
    (in_group,), changes = fields.group_mask(influences), []
    for control, influence, included in zip(fields.controls, influences[0], in_group, strict=True):
        if not included or (influence < STRONG_INFLUENCE and not control.moves_gaze_or_head):
            continue
        indices = [*control.raised_axes, *control.lowered_axes]
        if (vector[indices] != fields.unchanged[indices]).any():
            changed = vector.copy()
            changed[indices] = fields.unchanged[indices]
            changes.append(control.describe_change(vector, changed))
            vector = changed
    return ExpressionChange(rounded_expression(before, vector), tuple(changes))
