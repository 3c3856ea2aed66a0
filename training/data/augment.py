"""Random views of canonical crops, alike for all pictures and fields of a sample."""

import cv2
import numpy as np

FRAME = 144  # side of the canonical crop on disk [px]
WHOLE = np.array([[2 / FRAME, 0, 1 / FRAME - 1], [0, 2 / FRAME, 1 / FRAME - 1]])  # `to_face` of it


class View:
    """One random crop, mirror and tone, applied alike to both pictures of a pair and their flow."""

    def __init__(self, rng: np.random.Generator | None, size: int, tone: bool = True):
        side, roll, shift, self.mirror = float(FRAME), 0.0, np.zeros(2), False
        self.gamma, self.gain, self.grey, self.sharpen = 1.0, np.ones(3), False, 0.0
        if rng is not None:
            side = float(np.clip(rng.normal(FRAME, 7), 124, 164))
            roll, shift = np.radians(rng.normal(0, 3)), rng.normal(0, 3.5, 2)
            self.mirror = rng.random() < 0.5
        if rng is not None and tone:
            self.grey = rng.random() < 0.15
            self.gamma, self.gain = np.exp(rng.normal(0, 0.18)), np.exp(rng.normal(0, 0.06, 3))
            self.sharpen = rng.uniform(-0.6, 0.8)
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
        if self.sharpen:
            x = x + self.sharpen * (x - cv2.GaussianBlur(x, (0, 0), 1))
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

    def mask(self, cells: np.ndarray) -> np.ndarray:
        """(s, s[, C]) values at cells of the frame -> (C, S, S)."""
        seen = cv2.warpAffine(
            cells.astype(np.float32), self.from_cells(len(cells)), (self.size,) * 2
        )
        return np.atleast_3d(seen).transpose(2, 0, 1)
