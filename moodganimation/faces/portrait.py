"""Portraits: a photo and where its face is; from the photo to the crop, and the edit back into it.

Face coordinates: x to the right and y down, in halves of the crop's side, 0 in the middle.
"""

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Literal

import cv2
import numpy as np

from ..networks.compositing import EXTENT, smoothstep

FADE = (2, 12)  # cells of 128 from the crop's border over which an edit sets in: no seam
MOTION_EPS = 0.05  # px: motion below it is invisible
LIGHT_EPS = 0.002  # relative change of brightness, likewise
KEEP_EPS = 0.998  # attention above it keeps the photo
CUBIC_MARGIN = 4  # pixels around a place that a cubic lookup may read, and its overshoot
HOLD = 1.5  # lengths of a motion before the photo's border in which it is held back
CANONICAL = 1.25  # side of the crop, in heights of the face from forehead to chin


@dataclass(frozen=True, eq=False)
class Portrait:
    """A located face. Never modified; `encoding` and `reading` come from the animator."""

    photo: np.ndarray  # (H, W, 3) uint8 RGB
    to_face: np.ndarray  # (2, 3) float64: photo pixels (centres at integers) -> face coordinates
    finder: str  # how the face was found, for people
    encoding: object = None  # the generator's
    reading: object = None  # Expression: the Action Units read in the photo

    @property
    def side(self) -> float:
        """Side of the crop [px of the photo]."""
        return float(2 / np.sqrt(abs(np.linalg.det(self.to_face[:, :2]))))

    @property
    def corners(self) -> np.ndarray:
        """(4, 2) corners of the crop in the photo [px]."""
        square = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
        return (square - self.to_face[:, 2]) @ np.linalg.inv(self.to_face[:, :2]).T

    @cached_property
    def box(self) -> tuple[int, int, int, int]:
        """x0, y0, x1, y1: the pixels of the photo that an edit may touch, ends excluded."""
        height, width = self.photo.shape[:2]
        low = np.floor(self.corners.min(0)).astype(int)
        high = np.ceil(self.corners.max(0)).astype(int) + 1
        (x0, y0), (x1, y1) = np.maximum(low, 0), np.minimum(high, (width, height))
        return int(x0), int(y0), int(max(x1, x0)), int(max(y1, y0))

    @cached_property
    def surroundings(self) -> "Portrait":
        """A crop of EXTENT times the side, which turns of the head stay within."""
        return replace(self, to_face=self.to_face / EXTENT, encoding=None)

    def within(self, size: int) -> "Portrait":
        """The same face in a picture whose longer side is at most `size` pixels."""
        scale = size / max(self.photo.shape[:2])
        if scale >= 1:
            return self
        photo = cv2.resize(self.photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        # the centre of pixel i of the small picture stands at (i + .5) / scale - .5 of the photo
        shift = np.full(2, 0.5 / scale - 0.5)
        linear, offset = self.to_face[:, :2], self.to_face[:, 2]
        to_face = np.c_[linear / scale, linear @ shift + offset]
        return replace(self, photo=photo, to_face=to_face)

    def enough_for(self, what: str, size: int) -> "Portrait":
        """The same face in a picture of no more pixels than a view of the "face" or the "photo"
        needs; animations start from it, so that no frame costs more than it shows."""
        if what == "face":  # twice as many as the crop's cells
            size = round(2 * size * max(self.photo.shape[:2]) / self.side)
        return self.within(size)

    def face(self, size: int, photo: np.ndarray | None = None) -> np.ndarray:
        """The crop as (size, size, 3) uint8, of the photo or of another picture of its shape."""
        photo = self.photo if photo is None else photo
        to_crop = cells(self.to_face, size)
        x0, y0, x1, y1 = self.box
        step = max(1, int(self.side / size))  # area-average down to less than two pixels a cell
        if x1 - x0 < step or y1 - y0 < step:
            step = 1
        region = photo[y0:y1, x0:x1]
        if step > 1:
            shape = ((x1 - x0) // step, (y1 - y0) // step)
            region = region[: shape[1] * step, : shape[0] * step]
            region = cv2.resize(region, shape, interpolation=cv2.INTER_AREA)
        # pixel p of the region stands at box + step * p + (step - 1) / 2 of the photo
        place = np.array([x0, y0]) + (step - 1) / 2
        to_crop = np.c_[to_crop[:, :2] * step, to_crop[:, :2] @ place + to_crop[:, 2]]
        flags, border = cv2.INTER_LINEAR, cv2.BORDER_REFLECT_101
        return cv2.warpAffine(region, to_crop, (size, size), flags=flags, borderMode=border)

    def paste(
        self,
        attention: np.ndarray,
        color: np.ndarray,
        motion: np.ndarray,
        light: np.ndarray,
        turn: np.ndarray | None = None,
    ) -> np.ndarray:
        """The composite at the photo's own resolution: I' = A * W(I) + (1 - A) * C.

        attention (h, w) in [0, 1], color (h, w, 3) in [-1, 1], motion (h, w, 2) in face
        coordinates, light (h, w) as for `relight`; each of any size. turn (H, W, 2): the part of
        motion that turns the head, over EXTENT times the crop. OpenCV mixes and brightens, at
        whole grey levels and a fraction of the time. Pixels outside `box`, or that of
        `surroundings` where the head turns, are the photo's, and inside wherever nothing is asked.
        """
        result = self.photo.copy()
        attention = 1 - (1 - attention) * fade(len(attention))
        linear = np.linalg.inv(self.to_face[:, :2])  # face coordinates -> pixels of the photo
        light = light * fade(len(light))
        layer = self
        if turn is None:
            motion = motion * fade(len(motion))[..., None]
        else:
            layer, motion, light = self.surroundings, widened(motion, turn), _padded(light)
        motion = motion @ linear.T.astype(np.float32)
        light = np.where(np.abs(light) > LIGHT_EPS, light, 0)

        along, down = np.abs(motion.transpose(2, 0, 1)) > MOTION_EPS
        box = layer._part(along | down, light != 0)
        if box:
            x0, y0, x1, y1 = box
            moved = layer._moved(motion, box, turn is not None)
            if light.any():
                brighter = 1 + layer._spread(light, box, 0.0)
                moved = cv2.multiply(moved, cv2.merge([brighter] * 3), dtype=cv2.CV_8U)
            result[y0:y1, x0:x1] = moved

        box = self._part(attention < KEEP_EPS)
        if box:
            x0, y0, x1, y1 = box
            keep = np.clip(self._spread(attention - 1, box, 0.0) + 1, 0, 1)
            keep[keep >= KEEP_EPS] = 1
            color = np.clip(self._spread(127.5 * (color + 1), box, None) + 0.5, 0, 255)
            region = result[y0:y1, x0:x1]
            region[:] = cv2.blendLinear(region, np.uint8(color), keep, 1 - keep)
        return result

    def _part(self, *acts: np.ndarray) -> tuple[int, int, int, int] | None:
        """The part of `box` that cells of the crop reach, (h, w) bool each; None where none does.
        So that a small edit of a large face costs little."""
        parts = []
        for act in acts:
            left, top, wide, high = cv2.boundingRect(np.uint8(act))
            if wide:
                a, b, c, d = left - 2, top - 2, left + wide + 1, top + high + 1
                to_photo = cv2.invertAffineTransform(cells(self.to_face, len(act)))
                parts.append(np.array([[a, b, 1], [c, b, 1], [c, d, 1], [a, d, 1]]) @ to_photo.T)
        if not parts:
            return None
        x0, y0, x1, y1 = self.box
        low, high = np.floor(np.vstack(parts).min(0)), np.ceil(np.vstack(parts).max(0)) + 1
        x0, y0 = max(x0, int(low[0])), max(y0, int(low[1]))
        x1, y1 = min(x1, int(high[0])), min(y1, int(high[1]))
        return (x0, y0, x1, y1) if x1 > x0 and y1 > y0 else None

    def _moved(
        self, motion: np.ndarray, box: tuple[int, int, int, int], hold: bool = False
    ) -> np.ndarray:
        """Pixels of a box of the photo, looked up where `motion` [px], over the crop's cells,
        points; hold: never beyond the photo, see `held`."""
        x0, y0, x1, y1 = box
        far = int(np.abs(motion).max()) + CUBIC_MARGIN
        u0, v0 = max(0, x0 - far), max(0, y0 - far)
        around = self.photo[v0 : y1 + far, u0 : x1 + far]
        place = self._spread(motion, box, 0.0)
        if hold:
            place = held(place, (x0, y0), self.photo.shape[1::-1])
        place[..., 0] += np.arange(x0 - u0, x1 - u0, dtype=np.float32)
        place[..., 1] += np.arange(y0 - v0, y1 - v0, dtype=np.float32)[:, None]
        border = cv2.BORDER_REFLECT_101
        return cv2.remap(around, place, None, cv2.INTER_CUBIC, borderMode=border)

    def _spread(self, field: np.ndarray, box, outside: float | None) -> np.ndarray:
        """A field over the crop's cells, (h, w[, C]), at a box's pixels, smoothly; None repeats
        edges."""
        x0, y0, x1, y1 = box
        size = len(field)
        to_cells = cells(self.to_face, size)
        ends = np.array([[x0, y0, 1], [x1, y0, 1], [x1, y1, 1], [x0, y1, 1]]) @ to_cells.T
        left, top = np.clip(ends.min(0) - 3, 0, size - 1).astype(int)
        right, bottom = np.maximum(ends.max(0) + 4, (left + 1, top + 1)).astype(int)
        field = field[top:bottom, left:right]  # no more of it than is looked at
        # Cubic where cells are few, linear where pixels are many: smooth, and a third of the time.
        field = cv2.resize(np.float32(field), None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
        to_cells = cells(self.to_face, 2 * size)
        start = to_cells @ np.array([x0, y0, 1.0]) - (2 * left, 2 * top)
        return cv2.warpAffine(
            field,
            np.c_[to_cells[:, :2], start],
            (x1 - x0, y1 - y0),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE if outside is None else cv2.BORDER_CONSTANT,
            borderValue=(outside or 0.0,) * 4,
        )


def cells(to_face: np.ndarray, size: int) -> np.ndarray:
    """(2, 3): photo pixels -> cells of a crop of `size`, centres at integers."""
    scaled = to_face * (size / 2)
    scaled[:, 2] += (size - 1) / 2
    return scaled


@lru_cache(maxsize=8)
def fade(size: int) -> np.ndarray:
    """(size, size) float32: 0 at the crop's border, 1 inside, smooth between."""
    start, end = (n * size / 128 for n in FADE)
    line = np.minimum(np.arange(size), np.arange(size)[::-1])
    share = smoothstep(np.clip((line - start) / (end - start), 0, 1))
    whole = np.minimum.outer(share, share).astype(np.float32)
    whole.flags.writeable = False  # one for all
    return whole


def held(motion: np.ndarray, corner: tuple[int, int], size: tuple[int, int]) -> np.ndarray:
    """Motion (H, W, 2) [px] of a box whose first pixel is `corner` in a photo of `size`, smaller
    near the photo's borders, so that no lookup leads beyond them: a head that a border cuts is
    stretched there, since nothing is known of the rest."""
    held = np.empty_like(motion)
    for axis in (0, 1):
        along = motion[..., axis]
        shape = (1, -1) if axis == 0 else (-1, 1)
        place = (corner[axis] + np.arange(motion.shape[1 - axis], dtype=np.float32)).reshape(shape)
        room = np.where(along < 0, place, size[axis] - 1 - place)
        held[..., axis] = along * (1 - np.exp(-room / (HOLD * np.abs(along) + 1e-3)))
    return held


def widened(motion: np.ndarray, turn: np.ndarray) -> np.ndarray:
    """Motion (n, n, 2) over a crop and a turn (H, W, 2) over its surroundings, as one motion over
    the surroundings, (EXTENT n, EXTENT n, 2); what is not turn fades at the crop's border."""
    size = len(motion)
    wide = cv2.resize(np.float32(turn), (round(EXTENT * size),) * 2, interpolation=cv2.INTER_LINEAR)
    margin = (len(wide) - size) // 2
    inner = wide[margin : margin + size, margin : margin + size]
    inner += fade(size)[..., None] * (motion - inner)
    return wide


def _padded(field: np.ndarray) -> np.ndarray:
    """A field (n, n) over a crop on its surroundings, 0 around it."""
    return np.pad(field, (round(EXTENT * len(field)) - len(field)) // 2)


def half(size: int, side: Literal["left", "right"]) -> np.ndarray:
    """(size, size) float32: 1 on that side of the person's face, 0 on the other, smooth between."""
    across = np.clip((np.arange(size) + 0.5) / size * 8 - 3.5, 0, 1)  # an eighth of the crop
    share = np.float32(smoothstep(across))  # 1 at the viewer's right
    return np.tile(share if side == "left" else 1 - share, (size, 1))


# Of the canonical crop: center and radii of what can be locked, in shares of its side.
LOCKS = {"eyes": (0.5, 0.36, 0.29, 0.08), "mouth": (0.5, 0.69, 0.23, 0.13)}


def unlocked(size: int, names) -> np.ndarray:
    """(size, size) float32: 0 where these parts of a face are, 1 elsewhere, smooth between."""
    place, free = (np.arange(size) + 0.5) / size, np.ones((size, size), np.float32)
    for x, y, wide, high in (LOCKS[name] for name in names):
        far = np.hypot((place - x)[None] / wide, (place - y)[:, None] / high)
        share = np.clip(3 * (far - 1), 0, 1)  # a third of the radius beyond it
        free *= np.float32(smoothstep(share))
    return free


def square(center, side: float, roll: float = 0.0) -> np.ndarray:
    """`to_face` of a square crop: center (x, y) and side [px], roll [rad, clockwise on screen]."""
    turn = np.array([[np.cos(roll), np.sin(roll)], [-np.sin(roll), np.cos(roll)]]) * (2 / side)
    return np.c_[turn, -turn @ np.asarray(center, np.float64)]


def placed(to_face: np.ndarray) -> tuple[float, float, float, float]:
    """The other way: x, y, side and roll of the square crop that a `to_face` stands for."""
    (a, b), _ = turn = to_face[:, :2]
    x, y = np.linalg.solve(turn, -to_face[:, 2])
    return float(x), float(y), float(2 / np.hypot(a, b)), float(np.arctan2(b, a))
