"""A camera, frame by frame: the largest face edited as it comes, however long it goes on.

live = Live(animator)
picture = live.edit(photo, added({"AU12": 0.6}))
"""

from collections import deque
from collections.abc import Iterator

import numpy as np

from .animator import Animator
from .expressions.spaces import Expression
from .media.images import check_photo
from .retakes import Wish, edit_face
from .steady import reach
from .tracking import Steady, follow_until, watch

RATE = 12.0  # frames a second that are expected, for how far back smoothing looks


class Live:
    """One stream. What comes next is not known, so a face is steadied by what was before alone."""

    def __init__(self, animator: Animator):
        self.animator, self.found = animator, False  # whether the last frame showed a face
        self._begin()

    def edit(self, photo: np.ndarray, wish: Wish) -> np.ndarray:
        """The frame with what is wished, or as it is where it shows no face.

        photo: (H, W, 3) uint8 RGB, of any size. Raises UnreadableImage for what is no photo.
        """
        for face in self._faces(photo):
            photo = edit_face(self.animator, photo, face, wish, self._past[-1].seconds)
        return photo

    def read(self, photo: np.ndarray) -> Expression | None:
        """The Action Units of the frame's face; None where there is none."""
        return next((face.portrait.reading for face in self._faces(photo)), None)

    def _faces(self, photo: np.ndarray) -> list[Steady]:
        check_photo(photo)
        if self._past and self._past[-1].photo.shape != photo.shape:  # another camera
            self._begin()
        self._frames.append(photo)
        self._past.append(next(self._moments))
        faces = follow_until(list(self._past), reach(RATE))
        self.found = bool(faces)
        return faces

    def _begin(self) -> None:
        self._frames: deque[np.ndarray] = deque()
        self._moments = watch(self.animator, self._pulled(), RATE)
        self._past = deque(maxlen=reach(RATE) + 1)

    def _pulled(self) -> Iterator[np.ndarray]:
        while True:
            yield self._frames.popleft()
