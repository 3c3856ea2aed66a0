"""Groups of axes of the space `FACS`, and levels at which they are requested.

Left is the person's left, the viewer's right. The module imports nothing, since some judges run in
separate environments; a test compares LATERAL with the space.
"""

# Units that have an axis for each side.
LATERAL = ("AU01", "AU02", "AU04", "AU05", "AU06", "AU07", "AU09", "AU10", "AU12", "AU14", "AU15")
LATERAL += ("AU20", "AU45")
# Axes around the mouth that ACTION_UNITS lacks.
LIP_UNIT_KEYS = ("AU16", "AU18", "AU22", "AU24", "AU27", "AU28", "AD29", "AD30L", "AD30R", "AD34")
GAZE_AXES = ("AU61", "AU62", "AU63", "AU64")  # left, right, up, down
# Left, right, up, down, tilt left, tilt right.
HEAD_AXES = ("AU51", "AU52", "AU53", "AU54", "AU55", "AU56")
MAX_TURN = 15.0  # turn of the head at 1 [degrees]
PERCENTS = (0, 25, 50, 75, 100)  # levels of most axes, in percent of the range
# Thirds of the range, by which heads are turned: percent in names of requests -> share.
HEAD_LEVELS = {33: 1 / 3, 67: 2 / 3, 100: 1.0}
HEAD_PERCENTS = tuple(HEAD_LEVELS)


def side_keys(unit: str) -> tuple[str, str]:
    """The axes of a lateral unit: left and right."""
    return f"{unit}L", f"{unit}R"
