"""Draw panels, motion arrows, captions, contact sheets and curves: (H, W, 3) uint8 RGB."""

import cv2
import numpy as np

from ..expressions.spaces import Expression

PANEL_SIDE = 256  # [px]
# Names of the pictures of `side_by_side`, from left to right.
COLUMN_NAMES = ("original", "generated", "attention", "color", "truth")
MIN_ARROW_LENGTH = 0.5  # shorter arrows are not drawn [px]
# Hue of the shortest arrows: blue in OpenCV's hues (0 to 180); the longest are red, 0.
SHORTEST_HUE = 110
FONT = cv2.FONT_HERSHEY_SIMPLEX
CAPTION_COLOR = (30, 30, 30)  # on white

# Curves have a dark background of their own, which suits light and dark pages.
CURVE_BACKGROUND, GRID_COLOR = (28, 31, 38), (70, 75, 86)
CURVE_TEXT_COLOR = (214, 218, 226)
CURVE_COLORS = (
    (255, 176, 59),
    (96, 190, 255),
    (76, 217, 148),
    (255, 122, 112),
    (196, 150, 255),
    (245, 228, 96),
    (255, 140, 205),
    (148, 222, 222),
)
MIN_CHANGE = 0.005  # axes that change less over the frames have no curve
LEGEND_ROW_HEIGHT = 18  # of a name beside the curves [px]
SUBPIXEL_BITS = 4  # curves are drawn at 1/16 of a pixel


def panel(values: np.ndarray, side: int = PANEL_SIDE) -> np.ndarray:
    """Scale values (h, w[, 1 or 3]) in [0, 255] to a panel (side, side, 3)."""
    picture = np.uint8(np.clip(values + 0.5, 0, 255))
    picture = cv2.resize(picture, (side, side), interpolation=cv2.INTER_CUBIC)
    return np.repeat(picture[..., None], 3, 2) if picture.ndim == 2 else picture


def arrows(face: np.ndarray, motion: np.ndarray, spacing: int = 12) -> np.ndarray:
    """Draw the motion of pixels as arrows on a dimmed face (side, side, 3).

    motion: (h, w, 2) backward flow, in units of half a side. Each arrow ends at a pixel and begins
    where that pixel was taken from. spacing: distance between arrows [px].
    """
    side = len(face)
    grey = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY)
    canvas = np.repeat((grey * 0.6 + 60).astype(np.uint8)[..., None], 3, 2)
    field = cv2.resize(motion, (side, side), interpolation=cv2.INTER_LINEAR) * (side / 2)
    longest = max(float(np.linalg.norm(field, axis=2).max()), 1e-6)
    for y in range(spacing // 2, side, spacing):
        for x in range(spacing // 2, side, spacing):
            dx, dy = -field[y, x]
            length = float(np.hypot(dx, dy))
            if length < MIN_ARROW_LENGTH:
                continue
            hsv = np.uint8([[[SHORTEST_HUE - SHORTEST_HUE * min(1, length / longest), 230, 255]]])
            color = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0, 0].tolist()
            start, end = (round(x - dx), round(y - dy)), (x, y)
            cv2.arrowedLine(canvas, start, end, color, 1, cv2.LINE_AA, tipLength=0.35)
    return canvas


def row(pictures: list[np.ndarray]) -> np.ndarray:
    """Place pictures of equal height side by side."""
    return np.concatenate(pictures, 1)


def grid(pictures: list[np.ndarray], columns: int) -> np.ndarray:
    """Place pictures of equal size in rows of `columns`; the last row is filled up with white."""
    columns = min(columns, len(pictures))
    missing = -len(pictures) % columns
    pictures = [*pictures, *[np.full_like(pictures[0], 255)] * missing]
    rows = (pictures[i : i + columns] for i in range(0, len(pictures), columns))
    return np.concatenate([row(cells) for cells in rows])


def side_by_side(pictures: list[np.ndarray], captions: bool = False) -> np.ndarray:
    """Place pictures of one frame side by side, in the order of COLUMN_NAMES.

    captions: write these names above them.
    """
    if captions:
        pictures = [captioned(p, name) for p, name in zip(pictures, COLUMN_NAMES, strict=False)]
    return row(pictures)


def add_panels(picture: np.ndarray, *panels: np.ndarray) -> np.ndarray:
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
    cv2.putText(bar, text, (4, 15), FONT, 0.42, CAPTION_COLOR, 1, cv2.LINE_AA)
    return np.concatenate([bar, picture])


def sheet(rows: list[tuple[str, list[np.ndarray]]], columns: list[str]) -> np.ndarray:
    """Draw a contact sheet.

    rows: the name of each row, written on its left, and its pictures, all of one size. columns:
    the names above the first row.
    """
    name_width = 92  # of the cells with the names of rows [px]
    strips = []
    for i, (name, pictures) in enumerate(rows):
        cells = row(
            [captioned(p, c) if i == 0 else p for p, c in zip(pictures, columns, strict=True)]
        )
        name_cell = np.full((len(cells), name_width, 3), 255, np.uint8)
        position = (4, len(cells) - len(pictures[0]) // 2)
        cv2.putText(name_cell, name, position, FONT, 0.45, CAPTION_COLOR, 1, cv2.LINE_AA)
        strips.append(row([name_cell, cells]))
    return np.concatenate(strips)


def curves(
    expressions: list[Expression], size: tuple[int, int], cursor: int | None = None
) -> np.ndarray:
    """Draw the axes that change most over the frames as curves, with their names on the right.

    size: width and height [px]; less than 160 x 60 is raised to that. cursor: number of a frame to
    mark by a line.
    """
    width, height = max(160, size[0]), max(60, size[1])
    canvas = np.full((height, width, 3), CURVE_BACKGROUND, np.uint8)
    left, right, top, bottom = 24, width - 84, 8, height - 9
    values = np.array([expression.values for expression in expressions])  # (T, D)
    if len(values) == 1:  # the ends of a horizontal line
        values = np.repeat(values, 2, 0)
    axes, change = expressions[0].space.axes, np.ptp(values, 0)
    changing = [i for i in np.argsort(-change, kind="stable") if change[i] > MIN_CHANGE]
    shown = sorted(changing[: min(len(CURVE_COLORS), height // LEGEND_ROW_HEIGHT - 1)])
    low, high = min([axes[i].low for i in shown] or [0]), 1.0
    x = np.linspace(left, right, len(values))

    def y_of(value):
        return bottom - (value - low) / (high - low) * (bottom - top)

    def put_text(text, position, color=CURVE_TEXT_COLOR):
        cv2.putText(canvas, text, position, FONT, 0.38, color, 1, cv2.LINE_AA)

    for value in sorted({low, 0.0, high}):
        y = round(y_of(value))
        cv2.line(canvas, (left, y), (right, y), GRID_COLOR, 1)
        put_text(f"{value:g}", (4, y + 4))
    _draw_curves(canvas, x, y_of(values[:, shown]))
    for number, i in enumerate(shown):
        key_position = right + 10, LEGEND_ROW_HEIGHT * (number + 1)
        put_text(axes[i].key, key_position, CURVE_COLORS[number])
    if len(changing) > len(shown):
        more = f"+ {len(changing) - len(shown)}"
        put_text(more, (right + 10, LEGEND_ROW_HEIGHT * (len(shown) + 1)))
    if not shown:
        put_text("nothing changes", (left + 8, round(y_of(0.5))))
    if cursor is not None:
        at = round(x[np.clip(cursor, 0, len(x) - 1)])
        cv2.line(canvas, (at, top - 4), (at, bottom + 4), CURVE_TEXT_COLOR, 1)
    return canvas


def _draw_curves(canvas: np.ndarray, x: np.ndarray, curves: np.ndarray) -> None:
    """Draw curves of these heights (T, N) over the same places x (T,) [px], in CURVE_COLORS."""
    for number, y in enumerate(curves.T):
        # A curve that others will cover is drawn wider, so that it is seen on both sides of them.
        covering = sum(np.allclose(y, other) for other in curves.T[number + 1 :])
        points, color = np.stack([x, y], 1) * 2**SUBPIXEL_BITS, CURVE_COLORS[number]
        cv2.polylines(
            *(canvas, [np.int32(points)], False, color, 2 + 3 * covering),
            *(cv2.LINE_AA, SUBPIXEL_BITS),
        )
