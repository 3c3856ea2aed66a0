"""What the judges request of a photo: named expressions, from the reading of the photo.

Names are those of sweeps.py, KEY_LLL: axis KEY at LLL percent of its range, all else as it is read.
An axis with an opposite starts from 0 on both. Axes that a space lacks are left out.
"""

from moodganimation.expressions.gaze import look_at_camera
from moodganimation.expressions.sides import posed_as
from moodganimation.expressions.spaces import Expression, ExpressionSpace

from .axes import GAZE, HEAD, LIPS, sided

Requests = dict[str, Expression]

QUARTERS = (0, 25, 50, 75, 100)  # percent
ENDS = (0, 100)
THIRDS = (33, 67, 100)


def opposite_of(space: ExpressionSpace) -> dict[str, str]:
    """The axis that each axis with an opposite excludes."""
    return dict(space.opposites) | {b: a for a, b in space.opposites}


def at(start: Expression, key: str, percent: tuple[int, ...]) -> Requests:
    """One axis at levels, its opposite at 0."""
    opposite = opposite_of(start.space).get(key)
    if opposite:
        start = start.replace(**{opposite: 0})
    return {f"{key}_{level:03d}": start.replace(**{key: level / 100}) for level in percent}


def smile(neutral: Expression, smiling: Expression) -> Expression:
    """The expression that is read in another photo; gaze and head stay as they are."""
    return posed_as(smiling, neutral)


def sides(reading: Expression) -> Requests:
    """Both ends of each side of each lateral unit, and five levels of the units of the lips."""
    space, found = reading.space, {}
    for unit in space.lateral:
        for key in sided(unit):
            found |= at(reading, key, ENDS)
    for key in LIPS:
        found |= at(reading, key, QUARTERS) if key in space.keys else {}
    return found


def gaze(reading: Expression) -> Requests:
    """Five levels of every direction; and the look into the camera, "camera_100"."""
    found = {}
    for key in GAZE:
        found |= at(reading, key, QUARTERS) if key in reading.space.keys else {}
    return found | ({"camera_100": look_at_camera(reading)} if found else {})


def head(reading: Expression) -> Requests:
    """Three levels of every turn, from how the head is read; those beyond the range are left
    out."""
    found = {}
    for key in HEAD if set(HEAD) <= set(reading.space.keys) else ():
        opposite = opposite_of(reading.space)[key]
        for level in THIRDS:
            turned = reading[key] - reading[opposite] + round(3 * level / 100) / 3
            if turned <= 1:
                request = reading.replace(**{key: 0, opposite: 0})
                way = {key: turned} if turned >= 0 else {opposite: -turned}
                found[f"{key}_{level:03d}"] = request.replace(**way)
    return found


REQUESTS = {"sides": sides, "gaze": gaze, "head": head}


def requested(what: str, reading: Expression) -> Requests:
    """Raises ValueError where the space has no axis for it."""
    found = REQUESTS[what](reading)
    if not found:
        raise ValueError(f"The checkpoint's space {reading.space.name} has no axes for {what}.")
    return found
