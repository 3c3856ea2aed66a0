"""Pictures about pictures: panels, arrows, strips and contact sheets. (H, W, 3) uint8 RGB."""

import cv2
import numpy as np

from ..expressions.spaces import Expression

PANEL = 256  # side of a panel [px]
COLUMNS = ("original", "generated", "attention", "color", "truth")

# Of curves, on a ground of their own, so that they are read on light and on dark pages alike.
GROUND, GRID, INK = (28, 31, 38), (70, 75, 86), (214, 218, 226)
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
STILL = 0.005  # what an axis that does not change may change


def panel(values: np.ndarray, side: int = PANEL) -> np.ndarray:
    """(h, w[, 1 or 3]) in [0, 255] as a panel."""
    picture = np.uint8(np.clip(values + 0.5, 0, 255))
    picture = cv2.resize(picture, (side, side), interpolation=cv2.INTER_CUBIC)
    return np.repeat(picture[..., None], 3, 2) if picture.ndim == 2 else picture


def arrows(face: np.ndarray, motion: np.ndarray, every: int = 12) -> np.ndarray:
    """Where what is seen at a place went to, on a dimmed face.

    motion: (h, w, 2) backward flow in halves of the side. Only places that move are drawn.
    """
    side = len(face)
    grey = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY)
    canvas = np.repeat((grey * 0.6 + 60).astype(np.uint8)[..., None], 3, 2)
    field = cv2.resize(motion, (side, side), interpolation=cv2.INTER_LINEAR) * (side / 2)
    fastest = max(float(np.linalg.norm(field, axis=2).max()), 1e-6)
    for y in range(every // 2, side, every):
        for x in range(every // 2, side, every):
            dx, dy = -field[y, x]
            length = float(np.hypot(dx, dy))
            if length < 0.5:
                continue
            hue = np.uint8([[[110 - 110 * min(1, length / fastest), 230, 255]]])
            color = cv2.cvtColor(hue, cv2.COLOR_HSV2RGB)[0, 0].tolist()
            start, end = (round(x - dx), round(y - dy)), (x, y)
            cv2.arrowedLine(canvas, start, end, color, 1, cv2.LINE_AA, tipLength=0.35)
    return canvas


def row(pictures: list[np.ndarray]) -> np.ndarray:
    """Pictures of one height side by side."""
    return np.concatenate(pictures, 1)


def grid(pictures: list[np.ndarray], across: int) -> np.ndarray:
    """Pictures of one shape, so many a row; the last row is filled up with white."""
    across = min(across, len(pictures))
    missing = -len(pictures) % across
    pictures = [*pictures, *[np.full_like(pictures[0], 255)] * missing]
    return np.concatenate([row(pictures[i : i + across]) for i in range(0, len(pictures), across)])


def columns(pictures: list[np.ndarray], labels: bool = False) -> np.ndarray:
    """What a generator saw and said of one frame, side by side: the first four or all `COLUMNS`."""
    if labels:
        pictures = [labelled(p, name) for p, name in zip(pictures, COLUMNS, strict=False)]
    return row(pictures)


def beside(picture: np.ndarray, *panels: np.ndarray) -> np.ndarray:
    """A picture (H, W, 3) and panels as high as it, side by side."""
    height = len(picture)
    scaled = (
        cv2.resize(p, (round(p.shape[1] * height / len(p)), height), interpolation=cv2.INTER_AREA)
        for p in panels
    )
    return row([picture, *scaled])


def blank(side: int) -> np.ndarray:
    """Grey: nothing is known here."""
    return np.full((side, side, 3), 128, np.uint8)


def labelled(picture: np.ndarray, text: str) -> np.ndarray:
    """The picture below a line of text."""
    bar = np.full((22, picture.shape[1], 3), 255, np.uint8)
    cv2.putText(bar, text, (4, 15), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (30, 30, 30), 1, cv2.LINE_AA)
    return np.concatenate([bar, picture])


def sheet(rows: list[tuple[str, list[np.ndarray]]], columns: list[str]) -> np.ndarray:
    """A contact sheet: (name, pictures) a row, under the names of the columns."""
    margin = 92
    lines = []
    for i, (name, pictures) in enumerate(rows):
        cells = row(
            [labelled(p, c) if i == 0 else p for p, c in zip(pictures, columns, strict=True)]
        )
        side = np.full((len(cells), margin, 3), 255, np.uint8)
        place = (4, len(cells) - len(pictures[0]) // 2)
        cv2.putText(side, name, place, cv2.FONT_HERSHEY_SIMPLEX, 0.45, (30, 30, 30), 1, cv2.LINE_AA)
        lines.append(row([side, cells]))
    return np.concatenate(lines)


def curves(
    expressions: list[Expression], size: tuple[int, int], cursor: int | None = None
) -> np.ndarray:
    """The axes that change most over the frames, and their names beside them.

    size: width and height [px], at least 160 x 60. cursor: a frame to draw a line at.
    """
    width, height = max(160, size[0]), max(60, size[1])
    canvas = np.full((height, width, 3), GROUND, np.uint8)
    values = np.array([expression.values for expression in expressions])  # (T, D)
    axes, change = expressions[0].space.axes, np.ptp(values, 0)
    shown = [i for i in np.argsort(-change, kind="stable") if change[i] > STILL]
    shown, others = sorted(shown[: min(len(LINES), height // 18 - 1)]), len(shown)
    low, high = min([axes[i].low for i in shown] or [0]), 1.0
    left, right, top, bottom = 24, width - 84, 8, height - 9
    x = np.linspace(left, right, len(values)) if len(values) > 1 else np.array([left, right])

    def place(value):
        return bottom - (value - low) / (high - low) * (bottom - top)

    def write(text, at, color):
        cv2.putText(canvas, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.38, color, 1, cv2.LINE_AA)

    for value in sorted({low, 0.0, high}):
        y = round(place(value))
        cv2.line(canvas, (left, y), (right, y), GRID, 1)
        write(f"{value:g}", (4, y + 4), INK)
    for color, number, i in zip(LINES, range(len(shown)), shown, strict=False):
        points = np.stack([x, np.broadcast_to(place(values[:, i]), x.shape)], 1)
        # one that lies under others is wider than they are
        under = sum(np.allclose(values[:, i], values[:, other]) for other in shown[number + 1 :])
        points, thick = np.int32(points * 16), 2 + 3 * under  # in sixteenths of a pixel
        cv2.polylines(canvas, [points], False, color, thick, cv2.LINE_AA, 4)
        write(axes[i].key, (right + 10, 18 + 18 * number), color)
    if others > len(shown):
        write(f"+ {others - len(shown)}", (right + 10, 18 + 18 * len(shown)), INK)
    if not shown:
        write("nothing changes", (left + 8, round(place(0.5))), INK)
    if cursor is not None:
        at = round(x[np.clip(cursor, 0, len(x) - 1)])
        cv2.line(canvas, (at, top - 4), (at, bottom + 4), INK, 1)
    return canvas
