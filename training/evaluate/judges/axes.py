"""Axes of the space `FACS` that the judges tell apart. Imports nothing: some judges run in
environments of their own. Left is the person's left, the viewer's right."""

LATERAL = ("AU01", "AU02", "AU04", "AU05", "AU06", "AU07", "AU09", "AU10", "AU12", "AU14", "AU15")
LATERAL += ("AU20", "AU45")
LIPS = ("AU16", "AU18", "AU22", "AU24", "AU27", "AU28", "AD29", "AD30L", "AD30R", "AD34")
GAZE = ("AU61", "AU62", "AU63", "AU64")  # left, right, up, down
HEAD = ("AU51", "AU52", "AU53", "AU54", "AU55", "AU56")  # left, right, up, down, tilt left, right
TURN = 15.0  # degrees of the head at 1


def sided(unit: str) -> tuple[str, str]:
    """The axes of a lateral unit."""
    return f"{unit}L", f"{unit}R"
