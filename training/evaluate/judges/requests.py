"""What the judges request: target expressions by name, made from the reading of a photo.

Names are KEY_LLL: axis KEY at LLL percent of its range, the others as read. For an axis with an
opposite, the opposite is 0. For axes of the head, LLL percent of the range are added to the reading
instead: 5, 10 or 15 degrees for 033, 067 and 100. Axes that a space lacks are left out.
"""

from moodganimation.expressions.gaze import look_at_camera
from moodganimation.expressions.sides import with_gaze_and_head_of
from moodganimation.expressions.spaces import Expression, ExpressionSpace

from .axes import GAZE_AXES, HEAD_AXES, HEAD_LEVELS, LIP_UNIT_KEYS, PERCENTS, side_keys

Targets = dict[str, Expression]  # name of the picture -> target expression


def opposites(space: ExpressionSpace) -> dict[str, str]:
    """Return the opposite of each axis that has one, by key."""
    return dict(space.opposites) | {b: a for a, b in space.opposites}


def requests_at_levels(start: Expression, key: str, percents: tuple[int, ...]) -> Targets:
    """Request one axis at levels [percent of its range], with its opposite at 0."""
    opposite = opposites(start.space).get(key)
    if opposite:
        start = start.replace(**{opposite: 0})
    return {f"{key}_{percent:03d}": start.replace(**{key: percent / 100}) for percent in percents}


def smile(neutral: Expression, smiling: Expression) -> Expression:
    """Request the reading of a smiling photo, with gaze and head of the neutral one."""
    return with_gaze_and_head_of(smiling, neutral)


def sides(reading: Expression) -> Targets:
    """Request each side of lateral units at 0 and 100 percent, and lip units at PERCENTS."""
    space, targets = reading.space, {}
    for unit in space.lateral:
        for key in side_keys(unit):
            targets |= requests_at_levels(reading, key, (0, 100))
    for key in LIP_UNIT_KEYS:
        targets |= requests_at_levels(reading, key, PERCENTS) if key in space.keys else {}
    return targets


def gaze(reading: Expression) -> Targets:
    """Request every direction at PERCENTS, and the look into the camera as "camera_100"."""
    targets = {}
    for key in GAZE_AXES:
        targets |= requests_at_levels(reading, key, PERCENTS) if key in reading.space.keys else {}
    return targets | ({"camera_100": look_at_camera(reading)} if targets else {})


def head(reading: Expression) -> Targets:
    """Request every turn by HEAD_LEVELS more than read; those outside the range are left out."""
    targets = {}
    for key in HEAD_AXES if set(HEAD_AXES) <= set(reading.space.keys) else ():
        opposite = opposites(reading.space)[key]
        for percent, level in HEAD_LEVELS.items():
            # A difference below 0 is a value of the opposite axis.
            value = reading[key] - reading[opposite] + level
            if value <= 1:
                request = reading.replace(**{key: 0, opposite: 0})
                turn = {key: value} if value >= 0 else {opposite: -value}
                targets[f"{key}_{percent:03d}"] = request.replace(**turn)
    return targets


def mouths(reading: Expression) -> Targets:
    """Request open mouths, without and with a smile."""
    return {
        "AU25": reading.replace(AU25=1),
        "AU12_AU25": reading.replace(AU12=1, AU25=1),
    }


REQUESTS = {"sides": sides, "gaze": gaze, "head": head}


def requested(what: str, reading: Expression) -> Targets:
    """Make the requests of a judge named `what`. Raises ValueError if the space lacks all axes."""
    targets = REQUESTS[what](reading)
    if not targets:
        raise ValueError(f"The checkpoint's space {reading.space.name} has no axes for {what}.")
    return targets
