"""Names for the 468 points of MediaPipe's Face Mesh; right and left are the person's.

Corresponding points of two lists, such as upper and lower lip, have the same index.
"""

import numpy as np

FACE_POINTS = 468  # of the mesh; MediaPipe adds 10 points of the irises

UPPER_LIP_OUTER = [185, 40, 39, 37, 0, 267, 269, 270, 409]
LOWER_LIP_OUTER = [146, 91, 181, 84, 17, 314, 405, 321, 375]
UPPER_LIP_INNER = [191, 80, 81, 82, 13, 312, 311, 310, 415]
LOWER_LIP_INNER = [95, 88, 178, 87, 14, 317, 402, 318, 324]
UPPER_LIP_MIDDLE = [184, 74, 73, 72, 11, 302, 303, 304, 408]
LOWER_LIP_MIDDLE = [77, 90, 180, 85, 16, 315, 404, 320, 307]
UPPER_LIP_NEXT = [183, 42, 41, 38, 12, 268, 271, 272, 407]  # between the middle and the inner edge
LOWER_LIP_NEXT = [96, 89, 179, 86, 15, 316, 403, 319, 325]
CORNERS_OUTER, CORNERS_INNER = [61, 291], [78, 308]
LIP_EDGES = UPPER_LIP_OUTER + LOWER_LIP_OUTER + UPPER_LIP_INNER + LOWER_LIP_INNER
LIPS = LIP_EDGES + UPPER_LIP_MIDDLE + LOWER_LIP_MIDDLE + UPPER_LIP_NEXT + LOWER_LIP_NEXT

UPPER_LIDS = [246, 161, 160, 159, 158, 157, 173, 466, 388, 387, 386, 385, 384, 398]
LOWER_LIDS = [7, 163, 144, 145, 153, 154, 155, 249, 390, 373, 374, 380, 381, 382]
EYE_CORNERS = [33, 133, 263, 362]
# Corners of the right eye and of the left, each at the viewer's left, then right.
EYE_CORNER_PAIRS = ((33, 133), (362, 263))
IRISES = (468, 473)  # centres of the irises of the right eye and of the left, where they are known
EYES = UPPER_LIDS + LOWER_LIDS + EYE_CORNERS
# Pairs of points, upper and lower, where the lids are farthest apart.
LID_GAPS = [(159, 145), (158, 153), (160, 144), (386, 374), (385, 380), (387, 373)]
# The same, with further pairs towards the corners.
LID_PAIRS = [*LID_GAPS, (161, 163), (157, 154), (388, 390), (384, 381)]

BROWS = [70, 63, 105, 66, 107, 55, 65, 52, 53, 46, 300, 293, 334, 296, 336, 285, 295, 282, 283, 276]
CHIN = [152, 148, 377, 176, 400, 175, 199]
FOREHEAD = [10, 338, 109, 151, 67, 297]
# The outline of the face, clockwise from the top of the forehead as seen by the viewer.
OVAL = [10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377]
OVAL += [152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109]
# Points that no expression moves: bridge of the nose, corners of the eyes, temples and forehead.
RIGID = [168, 6, 197, 195, 33, 133, 362, 263, 127, 356, 234, 454, 10, 109, 338, 67, 297]
NOSE_BASE, LIP_TOP = 2, 0  # on the midline: where the nose meets the lip, and the lip's upper edge


def lid_gap(points: np.ndarray) -> float:
    """Compute the mean opening of both eyes in an upright face [px], from points (468, 2)."""
    return float(np.mean([points[low, 1] - points[up, 1] for up, low in LID_GAPS]))
