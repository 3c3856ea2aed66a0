"""Random views of canonical crops, alike for all pictures and fields of a sample."""

import cv2
import numpy as np

FRAME = 144  # side of the canonical crop on disk [px]
LIT, COARSE = 0.4, 0.45  # shares of views with light from a side, and of coarse ones
SPOILT = 0.5  # share of photos with noise, compression or something in front of the face


def whole(size: int) -> np.ndarray:
    """`to_face` of a picture of `size` pixels a side that is a canonical crop."""
    return np.array([[2 / size, 0, 1 / size - 1], [0, 2 / size, 1 / size - 1]])


WHOLE = whole(FRAME)


class View:
    """One random crop, mirror and tone, applied alike to both pictures of a pair and their flow."""

    def __init__(self, rng: np.random.Generator | None, size: int, tone: bool = True):
        side, roll, shift, self.mirror = float(FRAME), 0.0, np.zeros(2), False
        self.gamma, self.gain, self.grey, self.sharpen = 1.0, np.ones(3), False, 0.0
        self.lighting, self.coarse = None, 0
        if rng is not None:
            side = float(np.clip(rng.normal(0.975 * FRAME, 10), 118, 170))
            roll, shift = np.radians(rng.normal(0, 3.5)), rng.normal(0, 4, 2)
            self.mirror = rng.random() < 0.5
        if rng is not None and tone:
            self.grey = rng.random() < 0.15
            self.gamma, self.gain = np.exp(rng.normal(0, 0.18)), np.exp(rng.normal(0, 0.06, 3))
            self.sharpen = rng.uniform(-0.6, 0.8)
            if rng.random() < LIT:
                self.lighting = directed_light(rng, size)
            if rng.random() < COARSE:
                self.coarse = round(size * rng.uniform(0.4, 0.9))
        self.size, scale = size, size / side
        turn = scale * np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
        if self.mirror:
            turn = np.diag([-1.0, 1.0]) @ turn
        middle = np.full(2, (FRAME - 1) / 2) + shift
        self.turn = turn
        self.to_view = np.c_[turn, np.full(2, (size - 1) / 2) - turn @ middle]

    def from_cells(self, cells: int) -> np.ndarray:
        """The affine map from a frame of cells x cells to the view."""
        step = FRAME / cells  # frame = step * cell + (step - 1) / 2
        to_view = self.to_view.copy()
        to_view[:, :2] *= step
        to_view[:, 2] += self.to_view[:, :2] @ np.full(2, (step - 1) / 2)
        return to_view

    def picture(self, pixels: np.ndarray) -> np.ndarray:
        """(s, s, 3) uint8, the whole frame -> (3, S, S) float32 in [-1, 1]."""
        x = cv2.warpAffine(
            pixels,
            self.from_cells(len(pixels)),
            (self.size,) * 2,
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT_101,
        ).astype(np.float32)
        if self.coarse:
            x = cv2.resize(x, (self.coarse,) * 2, interpolation=cv2.INTER_AREA)
            x = cv2.resize(x, (self.size,) * 2, interpolation=cv2.INTER_LINEAR)
        elif self.sharpen:
            x = x + self.sharpen * (x - cv2.GaussianBlur(x, (0, 0), 1))
        if self.lighting is not None:
            x = np.clip(x, 0, 255) * self.lighting
        return (self.tone(x) / 127.5 - 1).transpose(2, 0, 1).astype(np.float32)

    def tone(self, x: np.ndarray) -> np.ndarray:
        """Colors (..., 3), 0..255, in the light of the view."""
        if self.gamma != 1:
            x = (np.clip(x, 0, 255) / 255) ** self.gamma * (255 * self.gain).astype(np.float32)
        if self.grey:
            x = np.repeat(x @ np.float32([[0.299], [0.587], [0.114]]), 3, -1)
        return np.clip(x, 0, 255)

    def place(self, place: np.ndarray) -> np.ndarray:
        """(2, 3) an affine map to face coordinates of the frame -> to those of the view. Of a
        mirrored view, that of a picture which is its own mirror image."""
        halves = np.diag([2 / self.size] * 2) @ self.to_view
        halves[:, 2] += 1 / self.size - 1  # frame pixels -> face coordinates of the view
        pixels = place * (FRAME / 2)
        pixels[:, 2] += (FRAME - 1) / 2
        seen = halves[:, :2] @ pixels
        seen[:, 2] += halves[:, 2]
        if self.mirror:
            seen[:, 0] *= -1
        return seen

    def outside(self, outline: np.ndarray) -> np.ndarray:
        """(1, S, S): how far from a face whose outline (P, 2) is in face coordinates of the frame,
        in halves of the side; within it, negative."""
        pixels = outline * (FRAME / 2) + (FRAME - 1) / 2
        seen = np.int32(np.round(pixels @ self.to_view[:, :2].T + self.to_view[:, 2]))
        face = cv2.fillPoly(np.zeros((self.size,) * 2, np.uint8), [seen], 1)
        out, within = (cv2.distanceTransform(n, cv2.DIST_L2, 5) for n in (1 - face, face))
        return (out - within)[None] * np.float32(2 / self.size)

    def flow(self, flow: np.ndarray) -> np.ndarray:
        """(s, s, 2) in pixels of the 144 frame -> (2, S, S) in halves of the view's side."""
        seen = self.mask(flow.astype(np.float32))
        return np.einsum("ij,jyx->iyx", self.turn * 2 / self.size, seen).astype(np.float32)

    def light(self, shade: np.ndarray) -> np.ndarray:
        """(s, s) how many times brighter -> (1, S, S) relative change of the view's brightness."""
        return (1 + self.mask(shade.astype(np.float32) - 1)) ** np.float32(self.gamma) - 1

    def depth(self, depth: np.ndarray) -> np.ndarray:
        """(s, s) in halves of the frame's side -> (1, S, S) in those of the view's."""
        scale = np.sqrt(abs(np.linalg.det(self.turn))) * FRAME / self.size
        return self.mask(depth, cv2.BORDER_REPLICATE) * np.float32(scale)

    def across(self, across: np.ndarray) -> np.ndarray:
        """(s, s) where across the face places are, left positive -> (1, S, S) of the view."""
        return self.mask(across, cv2.BORDER_REPLICATE) * (-1 if self.mirror else 1)

    def mask(self, cells: np.ndarray, border: int = cv2.BORDER_CONSTANT) -> np.ndarray:
        """(s, s[, C]) values at cells of the frame -> (C, S, S); beyond the frame 0, or as the
        border mode of OpenCV says."""
        seen = cv2.warpAffine(
            cells.astype(np.float32),
            self.from_cells(len(cells)),
            (self.size,) * 2,
            borderMode=border,
        )
        return np.atleast_3d(seen).transpose(2, 0, 1)


def directed_light(rng: np.random.Generator, size: int) -> np.ndarray:
    """(S, S, 1) float32 gain of brightness: light from a side, in places with a shadow's edge."""
    place = (np.arange(size, dtype=np.float32) * 2 + 1 - size) / size
    angle, strength = rng.uniform(0, 2 * np.pi), rng.uniform(0.15, 0.6)
    toward = np.cos(angle) * place[None] + np.sin(angle) * place[:, None]
    if rng.random() < 0.35:
        toward = np.tanh(rng.uniform(1.5, 5) * (toward - rng.uniform(-0.3, 0.3)))
    return np.exp(strength * toward)[..., None]


def spoil(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """(3, S, S) in [-1, 1], with noise, as a poor JPEG, or with a patch over the face, as hands,
    hair and masks are."""
    x = (picture.transpose(1, 2, 0) + 1) * 127.5
    if rng.random() < 0.4:
        x = x + rng.normal(0, rng.uniform(2, 12), x.shape)
    if rng.random() < 0.4:
        data = np.uint8(np.clip(x, 0, 255))
        _, data = cv2.imencode(".jpg", data, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(15, 70))])
        x = cv2.imdecode(data, cv2.IMREAD_COLOR).astype(np.float32)
    if rng.random() < 0.3:
        x = np.ascontiguousarray(x, np.float32)
        cover(rng, x)
    return np.float32(np.clip(x, 0, 255) / 127.5 - 1).transpose(2, 0, 1)


def cover(rng: np.random.Generator, picture: np.ndarray) -> None:
    """Lay an ellipse of some color over a picture (S, S, 3) float32, 0..255."""
    size = len(picture)
    center, axes = rng.uniform(0, size, 2), rng.uniform(0.1, 0.5, 2) * size
    color = rng.uniform(0, 255, 3) if rng.random() < 0.5 else picture.mean((0, 1))
    box = (tuple(map(float, center)), tuple(map(float, axes)), float(rng.uniform(0, 180)))
    cv2.ellipse(picture, box, tuple(map(float, color)), -1)
