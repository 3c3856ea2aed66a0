"""Renders sweeps for the judges: every Action Unit and every mood axis of photos at five levels.

OUT/NAME/   photo.png    the photo, enlarged as for editing
            KEY_LLL.png  the edit with axis KEY at LLL percent of its range, the others as read
            place.json   box: x0, y0, x1, y1 [px], ends excluded: no pixel outside may change;
                         to_face: 2 x 3, pixels of photo.png -> face coordinates
            motion.npz   KEY: (h, w, 2), backward flow over the crop at 100 percent, in halves of
                         the crop's side, faded at the border as it is pasted
"""

import json
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from moodganimation.animator import Animator
from moodganimation.expressions.moods import mood_of
from moodganimation.expressions.sides import units_of
from moodganimation.expressions.spaces import ACTION_UNITS, FACS, PAD, Expression
from moodganimation.faces.masks import fade_mask
from moodganimation.faces.portrait import Portrait
from moodganimation.media.images import read_image

from ...data.augment import crop_to_face_matrix

LEVELS = (0.0, 0.25, 0.5, 0.75, 1.0)  # shares of an axis's range


def sweep_expressions(reading: Expression) -> dict[str, list[Expression]]:
    """Set each of the 17 units, and each mood axis, to LEVELS: axis -> expressions.

    The other axes stay as read. In a space with sides, both sides of a unit are equal.
    """
    units = units_of(reading)
    return {
        axis.key: [
            start.replace(**{axis.key: axis.low + level * (axis.high - axis.low)})
            for level in LEVELS
        ]
        for start, axes in ((reading, ACTION_UNITS.axes), (mood_of(units), PAD.axes))
        for axis in axes
    }


def render_sweeps(animator: Animator, photos: list[Path], out: Path, scale: int = 3) -> None:
    """Render the sweeps of photos into folders of `out`.

    scale: photos are enlarged by it first, so that the judges detect landmarks more precisely; 1
    for photos of full size. A photo without a detected face is taken for a canonical crop.
    """
    for path in tqdm(photos, desc="sweeps"):
        photo = read_image(path)
        if scale != 1:
            photo = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        if animator.find(photo):
            portrait = animator.locate(photo)
        else:
            to_face = crop_to_face_matrix(len(photo))
            portrait = animator.encode(Portrait(photo, to_face, "canonical"))
        folder = out / path.stem
        folder.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / "photo.png"), photo[..., ::-1])
        place = {"box": portrait.box, "to_face": portrait.to_face.tolist()}
        (folder / "place.json").write_text(json.dumps(place), encoding="utf-8")
        motion_of = {}
        start = animator.start(portrait)
        reading = start if start.space == FACS else portrait.reading
        for key, expressions in sweep_expressions(reading).items():
            for level, frame in zip(LEVELS, animator.animate(portrait, expressions), strict=True):
                name = f"{key}_{round(100 * level):03d}.png"
                cv2.imwrite(str(folder / name), frame.image[..., ::-1])
            motion = frame.edit.motion[0].float().numpy().transpose(1, 2, 0)
            motion_of[key] = np.float16(motion * fade_mask(len(motion))[..., None])
        np.savez_compressed(folder / "motion.npz", **motion_of)
