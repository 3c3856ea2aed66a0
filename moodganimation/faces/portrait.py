"""Portraits: a photo and the position of a face in it; from the photo to the crop and back.

Face coordinates: x to the right and y down, from -1 to 1 across the crop. A crop is given by its
`to_face`, the affine matrix (2, 3) from pixels of the photo to face coordinates. Crop pixels: the
crop sampled at any resolution. Centers of pixels are at integers, in the crop as in the photo.
"""

import warnings
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import cv2
import numpy as np

from ..errors import Message
from ..networks.compositing import SURROUNDINGS_SCALE, blend
from .masks import fade_mask

MOTION_EPS = 0.05  # pixels of the photo that move less, in x and in y, need not be computed
LIGHT_EPS = 0.002  # a smaller relative change of brightness is invisible and left out
KEEP_THRESHOLD = 0.998  # where attention is at least this, nothing is painted
# Added to the longest motion [px]: 2 that the cubic interpolation of the photo reads, 2 by which
# that of the motion may overshoot (motion fields are smooth).
CUBIC_MARGIN = 4
# In edits that turn the head, motion that points to a border of the photo is shortened, the more
# the nearer the border; see `damp_at_borders`. This is the distance to the border, in lengths of
# the motion, at which it is shortened by 1 / e.
BORDER_DAMPING = 1.5
# People are told of the roll, rounded to tens of degrees, from here on; less is a tilted head.
MIN_REPORTED_ROLL = 50
# Two crops show the same face if the distance of their centers is below this share of the second
# crop's side, and the ratio of their sides below MAX_SIDE_RATIO.
MAX_CENTER_DISTANCE = 0.5
MAX_SIDE_RATIO = 2
CANONICAL_SCALE = 1.25  # side of the canonical crop, in heights of the face from forehead to chin

Box = tuple[int, int, int, int]  # x0, y0, x1, y1 [px of the photo], ends excluded


@dataclass(frozen=True, eq=False)
class Portrait:
    """A photo and the position of one face. Immutable; `Animator.encode` returns one with encoding
    and reading."""

    # (H, W, 3) uint8 RGB; for 16-bit files uint16, and then `face` and `paste` return uint16.
    photo: np.ndarray
    to_face: np.ndarray  # (2, 3) float64: pixels of the photo -> face coordinates
    found_by: str  # shown to people, for example "CenterFace, the largest of 3 faces"
    encoding: object = None  # of the generator
    # An Expression: the Action Units that the reader read, or those given to `Animator.encode`.
    reading: object = None
    alpha: np.ndarray | None = None  # (H, W), dtype of `photo`: alpha, which edits keep
    # Whether something hides the mouth, so that edits leave out the lower face: 0 or 1 for a photo;
    # for a frame of a video the mean over the frames around it. None: not inspected yet.
    covered: float | None = None

    @property
    def side(self) -> float:
        """Side of the crop [px of the photo]."""
        return float(2 / np.sqrt(abs(np.linalg.det(self.to_face[:, :2]))))

    @property
    def roll_degrees(self) -> int:
        """Clockwise rotation of the face in the photo [degrees], from 0 to 350.

        Rounded to multiples of 10; 0 if that is less than MIN_REPORTED_ROLL in either direction.
        """
        degrees = round(np.degrees(center_side_roll(self.to_face)[3]), -1)
        return int(degrees % 360) if abs(degrees) >= MIN_REPORTED_ROLL else 0

    @property
    def turned(self) -> int:
        """Deprecated name of `roll_degrees`."""
        message = "Portrait.turned is now Portrait.roll_degrees."
        warnings.warn(message, DeprecationWarning, stacklevel=2)
        return self.roll_degrees

    @property
    def mouth_covered(self) -> bool:
        """Whether something hides the mouth; in a video, in most of the frames around this one."""
        return (self.covered or 0) > 0.5

    @property
    def notes(self) -> list[Message]:
        """Messages for people about this face."""
        notes = []
        if self.roll_degrees:
            notes.append(
                Message(
                    "The face is rotated {} degrees clockwise in the photo. The photo itself is "
                    "not rotated.",
                    self.roll_degrees,
                )
            )
        if self.mouth_covered:
            notes.append(
                Message(
                    "The mouth seems to be covered: the lower part of the face is not edited, "
                    "and the Action Units read there are uncertain."
                )
            )
        return notes

    @property
    def corners(self) -> np.ndarray:
        """The corners of the crop (4, 2) [px of the photo], clockwise from its upper left."""
        square = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
        return (square - self.to_face[:, 2]) @ np.linalg.inv(self.to_face[:, :2]).T

    @cached_property
    def box(self) -> Box:
        """The bounding box of the crop, clipped to the photo.

        An edit changes only its pixels; with head motion, only those of `surroundings.box`.
        """
        height, width = self.photo.shape[:2]
        low = np.floor(self.corners.min(0)).astype(int)
        high = np.ceil(self.corners.max(0)).astype(int) + 1
        (x0, y0), (x1, y1) = np.maximum(low, 0), np.minimum(high, (width, height))
        return int(x0), int(y0), int(max(x1, x0)), int(max(y1, y0))

    @cached_property
    def surroundings(self) -> "Portrait":
        """The larger crop around this one that turns of the head stay within."""
        return replace(self, to_face=self.to_face / SURROUNDINGS_SCALE, encoding=None)

    def downscaled(self, size: int) -> "Portrait":
        """Return the portrait with its photo reduced to a longer side of at most `size` pixels."""
        scale = size / max(self.photo.shape[:2])
        if scale >= 1:
            return self
        photo, alpha = (
            picture
            if picture is None
            else cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            for picture in (self.photo, self.alpha)
        )
        # The center of pixel i of the small photo is at (i + .5) / scale - .5 in the large one.
        shift = np.full(2, 0.5 / scale - 0.5)
        linear, offset = self.to_face[:, :2], self.to_face[:, 2]
        to_face = np.c_[linear / scale, linear @ shift + offset]
        return replace(self, photo=photo, to_face=to_face, alpha=alpha)

    def downscaled_for(self, view: Literal["face", "photo"], size: int) -> "Portrait":
        """Return the portrait with the pixels that a view of this size needs, to animate faster."""
        if view == "face":  # twice the view's pixels for the crop
            size = round(2 * size * max(self.photo.shape[:2]) / self.side)
        return self.downscaled(size)

    def with_alpha(self, picture: np.ndarray) -> np.ndarray:
        """Append the photo's alpha channel, if it has one, to a picture (H, W, 3) of its size."""
        return picture if self.alpha is None else np.dstack([picture, self.alpha])

    def face(self, size: int, photo: np.ndarray | None = None) -> np.ndarray:
        """Return the face crop (size, size, C) of the photo or a picture (H, W, C) of its size."""
        photo = self.photo if photo is None else photo
        to_crop = photo_to_crop_matrix(self.to_face, size)
        x0, y0, x1, y1 = self.box
        # Average areas of step x step pixels first, to less than two pixels per crop pixel, since
        # bilinear interpolation alone would skip pixels.
        step = max(1, int(self.side / size))
        if x1 - x0 < step or y1 - y0 < step:
            step = 1
        region = photo[y0:y1, x0:x1]
        if step > 1:
            shape = ((x1 - x0) // step, (y1 - y0) // step)
            region = region[: shape[1] * step, : shape[0] * step]
            region = cv2.resize(region, shape, interpolation=cv2.INTER_AREA)
        # Pixel p of the region is at box + step * p + (step - 1) / 2 in the photo.
        offset = np.array([x0, y0]) + (step - 1) / 2
        to_crop = np.c_[to_crop[:, :2] * step, to_crop[:, :2] @ offset + to_crop[:, 2]]
        flags, border = cv2.INTER_LINEAR, cv2.BORDER_REFLECT_101
        return cv2.warpAffine(region, to_crop, (size, size), flags=flags, borderMode=border)

    def paste(
        self,
        attention: np.ndarray,
        color: np.ndarray,
        motion: np.ndarray,
        light: np.ndarray,
        head_motion: np.ndarray | None = None,
    ) -> np.ndarray:
        """Compute the composite A * W(I) + (1 - A) * C at the photo's own resolution.

        attention (n, n) in [0, 1]; color (n, n, 3) in [-1, 1]; motion (n, n, 2), backward flow
        [face coordinates]; light (n, n), relative change of brightness; each of any n over the
        crop, with head motion a multiple of 4. head_motion (m, m, 2): the backward flow of the turn
        of the head over the surroundings, which over the crop is a part of `motion`. Pixels outside
        `box` (with head motion: `surroundings.box`), and those that the edit does not change, equal
        the photo's. The result is rounded to the photo's own depth of 8 or 16 bits.
        """
        result = self.photo.copy()
        # Transposed, since offsets are rows: `motion @ to_pixels` is in pixels of the photo.
        to_pixels = np.linalg.inv(self.to_face[:, :2]).T.astype(np.float32)
        light = light * fade_mask(len(light))
        if head_motion is None:
            motion = motion * fade_mask(len(motion))[..., None]
            self._warp_and_relight(result, motion @ to_pixels, light)
        else:
            motion, light = _combine_motion(motion, head_motion), _pad_to_surroundings(light)
            self.surroundings._warp_and_relight(result, motion @ to_pixels, light, damp=True)
        self._blend_color(result, attention, color)
        return result

    def _warp_and_relight(
        self, result: np.ndarray, motion: np.ndarray, light: np.ndarray, damp: bool = False
    ) -> None:
        """Write W(I) into `result` where motion or light has an effect.

        motion (n, n, 2) [px of the photo] and light (n, n): over this crop. damp: never look up
        pixels beyond the photo, see `damp_at_borders`.
        """
        light = np.where(np.abs(light) > LIGHT_EPS, light, 0)
        moves_x, moves_y = np.abs(motion.transpose(2, 0, 1)) > MOTION_EPS
        box = self._changed_box(moves_x | moves_y, light != 0)
        if box is None:
            return
        x0, y0, x1, y1 = box
        warped = self._warp(motion, box, damp)
        if light.any():
            gain = 1 + self._resample(light, box, 0.0)
            depth = cv2.CV_8U if self.photo.dtype == np.uint8 else cv2.CV_16U
            warped = cv2.multiply(warped, cv2.merge([gain] * 3), dtype=depth)
        result[y0:y1, x0:x1] = warped

    def _blend_color(self, result: np.ndarray, attention: np.ndarray, color: np.ndarray) -> None:
        """Blend color into `result` where attention, over this crop, is below KEEP_THRESHOLD."""
        attention = 1 - (1 - attention) * fade_mask(len(attention))
        box = self._changed_box(attention < KEEP_THRESHOLD)
        if box is None:
            return
        x0, y0, x1, y1 = box
        white = np.iinfo(self.photo.dtype).max
        # Beyond the crop attention is 1, so its difference from 1 is resampled with 0 outside.
        keep = np.clip(self._resample(attention - 1, box, 0.0) + 1, 0, 1)
        keep[keep >= KEEP_THRESHOLD] = 1
        color = np.clip(white / 2 * (self._resample(color, box, None) + 1) + 0.5, 0, white)
        region = result[y0:y1, x0:x1]
        region[:] = _blend(region, color.astype(region.dtype), keep)

    def _changed_box(self, *masks: np.ndarray) -> Box | None:
        """Return the box of the photo that holds the crop pixels set in any mask (n, n) bool.

        It has a margin of 2 crop pixels, for interpolation, and is clipped to `box`; None if no
        pixel is set. Limited to it, a small edit of a large face takes little time.
        """
        corners = []
        for mask in masks:
            x, y, width, height = cv2.boundingRect(np.uint8(mask))
            if width:
                left, top, right, bottom = x - 2, y - 2, x + width + 1, y + height + 1
                to_photo = cv2.invertAffineTransform(photo_to_crop_matrix(self.to_face, len(mask)))
                corners.append(_corners(left, top, right, bottom) @ to_photo.T)
        if not corners:
            return None
        x0, y0, x1, y1 = self.box
        low, high = np.floor(np.vstack(corners).min(0)), np.ceil(np.vstack(corners).max(0)) + 1
        x0, y0 = max(x0, int(low[0])), max(y0, int(low[1]))
        x1, y1 = min(x1, int(high[0])), min(y1, int(high[1]))
        return (x0, y0, x1, y1) if x1 > x0 and y1 > y0 else None

    def _warp(self, motion: np.ndarray, box: Box, damp: bool) -> np.ndarray:
        """Return the pixels of a box of the photo, warped by motion over the crop.

        motion: (n, n, 2), backward flow [px of the photo].
        """
        x0, y0, x1, y1 = box
        margin = int(np.abs(motion).max()) + CUBIC_MARGIN
        left, top = max(0, x0 - margin), max(0, y0 - margin)
        source = self.photo[top : y1 + margin, left : x1 + margin]
        lookup = self._resample(motion, box, 0.0)
        if damp:
            lookup = damp_at_borders(lookup, (x0, y0), self.photo.shape[1::-1])
        # In place, from offsets to positions in `source`.
        lookup[..., 0] += np.arange(x0 - left, x1 - left, dtype=np.float32)
        lookup[..., 1] += np.arange(y0 - top, y1 - top, dtype=np.float32)[:, None]
        border = cv2.BORDER_REFLECT_101
        return cv2.remap(source, lookup, None, cv2.INTER_CUBIC, borderMode=border)

    def _resample(self, field: np.ndarray, box: Box, outside: float | None) -> np.ndarray:
        """Interpolate a field over the crop, (n, n[, C]), at the pixels of a box of the photo.

        outside: the value beyond the crop; None repeats the values at its border. Returns
        (y1 - y0, x1 - x0[, C]) float32.
        """
        x0, y0, x1, y1 = box
        size = len(field)
        corners = _corners(x0, y0, x1, y1) @ photo_to_crop_matrix(self.to_face, size).T
        left, top = np.clip(corners.min(0) - 3, 0, size - 1).astype(int)
        right, bottom = np.maximum(corners.max(0) + 4, (left + 1, top + 1)).astype(int)
        # Only what the box needs, with 3 crop pixels around it for the interpolation.
        field = np.float32(field[top:bottom, left:right])
        # Fields that are coarser than the photo: cubic to twice their resolution, then bilinear,
        # nearly as smooth as cubic all the way, in a third of the time.
        scale = 1 if size >= self.side else 2
        field = cv2.resize(field, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        to_crop = photo_to_crop_matrix(self.to_face, scale * size)
        start = to_crop @ np.array([x0, y0, 1.0]) - (scale * left, scale * top)
        return cv2.warpAffine(
            field,
            np.c_[to_crop[:, :2], start],
            (x1 - x0, y1 - y0),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE if outside is None else cv2.BORDER_CONSTANT,
            borderValue=(outside or 0.0,) * 4,
        )


def _corners(left: float, top: float, right: float, bottom: float) -> np.ndarray:
    """Return the corners of a rectangle in homogeneous coordinates, (4, 3)."""
    return np.array([[left, top, 1], [right, top, 1], [right, bottom, 1], [left, bottom, 1]])


def _blend(picture: np.ndarray, color: np.ndarray, keep: np.ndarray) -> np.ndarray:
    """Compute keep * picture + (1 - keep) * color of uint8 or uint16 pictures, in whole numbers."""
    if picture.dtype == np.uint8:
        return cv2.blendLinear(picture, color, keep, 1 - keep)
    # blendLinear takes no uint16; in float32 it divides by 1.00001, and so darkens 16-bit values.
    return np.rint(blend(picture, keep[..., None], color))


def photo_to_crop_matrix(to_face: np.ndarray, size: int) -> np.ndarray:
    """(2, 3): pixels of the photo -> pixels of a crop of `size`, centers at integers in both."""
    scaled = to_face * (size / 2)
    scaled[:, 2] += (size - 1) / 2
    return scaled


def damp_at_borders(
    motion: np.ndarray, corner: tuple[int, int], size: tuple[int, int]
) -> np.ndarray:
    """Shorten motion near the photo's borders, so that no lookup leads beyond them.

    The part of a head that the border cuts off is unknown, so what is visible is stretched instead.
    Per component m at the distance d from the border that it points to, the result is
    m * (1 - exp(-d / (BORDER_DAMPING * |m|))). motion: (H, W, 2) [px], over a box of the photo.
    corner: x, y of its first pixel. size: width, height of the photo.
    """
    damped = np.empty_like(motion)
    for axis in (0, 1):
        component = motion[..., axis]
        shape = (1, -1) if axis == 0 else (-1, 1)
        position = corner[axis] + np.arange(motion.shape[1 - axis], dtype=np.float32)
        position = position.reshape(shape)
        distance = np.where(component < 0, position, size[axis] - 1 - position)
        factor = 1 - np.exp(-distance / (BORDER_DAMPING * np.abs(component) + 1e-3))
        damped[..., axis] = component * factor
    return damped


def _combine_motion(motion: np.ndarray, head_motion: np.ndarray) -> np.ndarray:
    """Combine motion over the crop and head motion over the surroundings.

    motion: (n, n, 2), includes the head motion; n is a multiple of 4. head_motion: (m, m, 2).
    Returns (2.5 n, 2.5 n, 2) over the surroundings, with cells as large as those of `motion`. The
    motion of the expression fades out at the crop's border.
    """
    size = len(motion)
    shape = (round(SURROUNDINGS_SCALE * size),) * 2
    combined = cv2.resize(np.float32(head_motion), shape, interpolation=cv2.INTER_LINEAR)
    margin = (len(combined) - size) // 2
    inner = combined[margin : margin + size, margin : margin + size]
    inner += fade_mask(size)[..., None] * (motion - inner)
    return combined


def _pad_to_surroundings(field: np.ndarray) -> np.ndarray:
    """Extend a field (n, n) over the crop to the surroundings with 0; n is a multiple of 4."""
    return np.pad(field, (round(SURROUNDINGS_SCALE * len(field)) - len(field)) // 2)


def rotation_matrix(roll: float) -> np.ndarray:
    """Return the rotation (2, 2) by `roll` [rad], counterclockwise on screen.

    It makes a face with that roll upright.
    """
    return np.array([[np.cos(roll), np.sin(roll)], [-np.sin(roll), np.cos(roll)]])


def square_crop(center, side: float, roll: float = 0.0) -> np.ndarray:
    """Return the `to_face` of a square crop: center (x, y) and side [px], roll [rad, clockwise]."""
    linear = rotation_matrix(roll) * (2 / side)
    return np.c_[linear, -linear @ np.asarray(center, np.float64)]


def center_side_roll(to_face: np.ndarray) -> tuple[float, float, float, float]:
    """Invert `square_crop`: return center x, y and side [px], roll [rad, clockwise on screen]."""
    (a, b), _ = linear = to_face[:, :2]  # a, b = 2 / side * (cos(roll), sin(roll))
    x, y = np.linalg.solve(linear, -to_face[:, 2])
    return float(x), float(y), float(2 / np.hypot(a, b)), float(np.arctan2(b, a))


def is_same_face(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two crops (`to_face`) have about the same center and size."""
    x, y, side, _ = center_side_roll(one)
    other_x, other_y, other_side, _ = center_side_roll(other)
    near = np.hypot(x - other_x, y - other_y) < MAX_CENTER_DISTANCE * other_side
    return near and 1 / MAX_SIDE_RATIO < side / other_side < MAX_SIDE_RATIO
