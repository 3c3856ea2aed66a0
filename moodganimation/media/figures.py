"""Draw panels, motion arrows, captions, contact sheets and curves: (H, W, 3) uint8 RGB."""

import cv2
import numpy as np

from ..expressions.spaces import Expression

PANEL = 256  # side of a panel [px]
COLUMN_NAMES = ("original", "generated", "attention", "color", "truth")  # of `side_by_side`
MIN_ARROW = 0.5  # shorter arrows are not drawn [px]
SHORT_HUE = 110  # blue, in OpenCV's hues (0 to 180); the longest arrow is red, 0
FONT = cv2.FONT_HERSHEY_SIMPLEX
INK = (30, 30, 30)  # of captions, on white

# Colors of curves; they have a background of their own, for light and dark pages alike.
GROUND, GRID, CURVE_TEXT = (28, 31, 38), (70, 75, 86), (214, 218, 226)
LINES = (
    (255, 176, 59),
    (96, 190, 255),
    (76, 217, 148),
    (255, 122, 112),
    (196, 150, 255),
    (245, 228, 96),
    (255, 140, 205),
    (148, 222, 222),
)
MIN_CHANGE = 0.005  # of an axis over the frames, for its curve to be drawn
LEGEND_LINE = 18  # height of a name beside the curves [px]
SUBPIXEL_BITS = 4  # curves are drawn at 1/16 of a pixel


def panel(values: np.ndarray, side: int = PANEL) -> np.ndarray:
    """Scale values (h, w[, 1 or 3]) in [0, 255] to a panel (side, side, 3)."""
    picture = np.uint8(np.clip(values + 0.5, 0, 255))
    picture = cv2.resize(picture, (side, side), interpolation=cv2.INTER_CUBIC)
    return np.repeat(picture[..., None], 3, 2) if picture.ndim == 2 else picture


def arrows(face: np.ndarray, motion: np.ndarray, every: int = 12) -> np.ndarray:
    """Draw the motion of pixels as arrows on a dimmed face (side, side, 3).

    motion: (h, w, 2) backward flow, in units of half a side. Each arrow ends at a pixel and begins
    where that pixel was taken from. every: spacing of the arrows [px].
    """
    side = len(face)
    grey = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY)
    canvas = np.repeat((grey * 0.6 + 60).astype(np.uint8)[..., None], 3, 2)
    field = cv2.resize(motion, (side, side), interpolation=cv2.INTER_LINEAR) * (side / 2)
    longest = max(float(np.linalg.norm(field, axis=2).max()), 1e-6)
    for y in range(every // 2, side, every):
        for x in range(every // 2, side, every):
            dx, dy = -field[y, x]
            length = float(np.hypot(dx, dy))
            if length < MIN_ARROW:
                continue
            hsv = np.uint8([[[SHORT_HUE - SHORT_HUE * min(1, length / longest), 230, 255]]])
            color = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0, 0].tolist()
            start, end = (round(x - dx), round(y - dy)), (x, y)
            cv2.arrowedLine(canvas, start, end, color, 1, cv2.LINE_AA, tipLength=0.35)
    return canvas


def row(pictures: list[np.ndarray]) -> np.ndarray:
    """Place pictures of equal height side by side."""
    return np.concatenate(pictures, 1)


def grid(pictures: list[np.ndarray], across: int) -> np.ndarray:
    """Place pictures of equal size in rows of `across`; the last row is filled with white."""
    across = min(across, len(pictures))
    missing = -len(pictures) % across
    pictures = [*pictures, *[np.full_like(pictures[0], 255)] * missing]
    return np.concatenate([row(pictures[i : i + across]) for i in range(0, len(pictures), across)])


def side_by_side(pictures: list[np.ndarray], captions: bool = False) -> np.ndarray:
    """Place pictures of one frame side by side, in the order of COLUMN_NAMES; captions: names."""
    if captions:
        pictures = [captioned(p, name) for p, name in zip(pictures, COLUMN_NAMES, strict=False)]
    return row(pictures)


def beside(picture: np.ndarray, *panels: np.ndarray) -> np.ndarray:
    """Place panels beside a picture (H, W, 3), scaled to its height."""
    height = len(picture)
    scaled = (
        cv2.resize(p, (round(p.shape[1] * height / len(p)), height), interpolation=cv2.INTER_AREA)
        for p in panels
    )
    return row([picture, *scaled])


def blank(side: int) -> np.ndarray:
    """A grey square in place of a missing picture."""
    return np.full((side, side, 3), 128, np.uint8)


def captioned(picture: np.ndarray, text: str) -> np.ndarray:
    """Add a white bar with a line of text above a picture."""
    bar = np.full((22, picture.shape[1], 3), 255, np.uint8)
    cv2.putText(bar, text, (4, 15), FONT, 0.42, INK, 1, cv2.LINE_AA)
    return np.concatenate([bar, picture])


def sheet(rows: list[tuple[str, list[np.ndarray]]], columns: list[str]) -> np.ndarray:
    """Draw a contact sheet. rows: name and pictures of each; columns: names above the first row."""
    margin = 92  # for the names of rows [px]
    lines = []
    for i, (name, pictures) in enumerate(rows):
        cells = row(
            [captioned(p, c) if i == 0 else p for p, c in zip(pictures, columns, strict=True)]
        )
        side = np.full((len(cells), margin, 3), 255, np.uint8)
        place = (4, len(cells) - len(pictures[0]) // 2)
        cv2.putText(side, name, place, FONT, 0.45, INK, 1, cv2.LINE_AA)
        lines.append(row([side, cells]))
    return np.concatenate(lines)


def curves(
    expressions: list[Expression], size: tuple[int, int], cursor: int | None = None
) -> np.ndarray:
    """Draw the axes that change most over the frames as curves, with their names on the right.

    size: width and height [px], at least 160 x 60. cursor: number of a frame to mark by a line.
    """
    width, height = max(160, size[0]), max(60, size[1])
    canvas = np.full((height, width, 3), GROUND, np.uint8)
    values = np.array([expression.values for expression in expressions])  # (T, D)
    axes, change = expressions[0].space.axes, np.ptp(values, 0)
    changing = [i for i in np.argsort(-change, kind="stable") if change[i] > MIN_CHANGE]
    shown = sorted(changing[: min(len(LINES), height // LEGEND_LINE - 1)])
    low, high = min([axes[i].low for i in shown] or [0]), 1.0
    left, right, top, bottom = 24, width - 84, 8, height - 9
    x = np.linspace(left, right, len(values)) if len(values) > 1 else np.array([left, right])

    def y_of(value):
        return bottom - (value - low) / (high - low) * (bottom - top)

    def write(text, at, color):
        cv2.putText(canvas, text, at, FONT, 0.38, color, 1, cv2.LINE_AA)

    for value in sorted({low, 0.0, high}):
        y = round(y_of(value))
        cv2.line(canvas, (left, y), (right, y), GRID, 1)
        write(f"{value:g}", (4, y + 4), CURVE_TEXT)
    for color, number, i in zip(LINES, range(len(shown)), shown, strict=False):
        points = np.stack([x, np.broadcast_to(y_of(values[:, i]), x.shape)], 1)
        # A curve that others will cover is drawn wider, so that it is seen on both sides of them.
        covering = sum(np.allclose(values[:, i], values[:, other]) for other in shown[number + 1 :])
        points = np.int32(points * 2**SUBPIXEL_BITS)
        cv2.polylines(canvas, [points], False, color, 2 + 3 * covering, cv2.LINE_AA, SUBPIXEL_BITS)
        write(axes[i].key, (right + 10, LEGEND_LINE * (number + 1)), color)
    if len(changing) > len(shown):
        more = f"+ {len(changing) - len(shown)}"
        write(more, (right + 10, LEGEND_LINE * (len(shown) + 1)), CURVE_TEXT)
    if not shown:
        write("nothing changes", (left + 8, round(y_of(0.5))), CURVE_TEXT)
    if cursor is not None:
        at = round(x[np.clip(cursor, 0, len(x) - 1)])
        cv2.line(canvas, (at, top - 4), (at, bottom + 4), CURVE_TEXT, 1)
    return canvas
