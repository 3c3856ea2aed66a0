"""Sweeps: every Action Unit and every mood of some photos at five levels, drawn for the judges.

OUT/NAME/   photo.png    the photo, as it was edited
            KEY_LLL.png  axis KEY at LLL percent of its range, all else as it is read
            place.json   box: x0, y0, x1, y1 [px], ends excluded, beyond which no pixel may change;
                         to_face: 2 x 3, pixels of photo.png -> face coordinates
            motion.npz   KEY: (h, w, 2) backward flow over the crop's cells at 100 percent, in
                         halves of the crop's side, as it is pasted (faded at the border)
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
from moodganimation.faces.portrait import Portrait, fade
from moodganimation.media.images import read_image

from ...data.augment import WHOLE

LEVELS = (0.0, 0.25, 0.5, 0.75, 1.0)  # of an axis's range


def ways(reading: Expression) -> dict[str, list[Expression]]:
    """Every one of the 17 units, and of the mood that they show, at LEVELS; the others as read.

    Where a space has both sides of a unit, they move alike.
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


def sweeps(animator: Animator, photos: list[Path], out: Path, scale: int = 3) -> None:
    """Draw the sweeps of `photos` into `out`.

    Photos are enlarged first, so that a landmark tool does not measure its own pixels; 1 leaves
    photos of full size as they are. Photos whose face is not found are taken as the canonical
    crops that they are.
    """
    for path in tqdm(photos, desc="sweeps"):
        photo = read_image(path)
        if scale != 1:
            photo = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        if animator.find(photo):
            portrait = animator.locate(photo)
        else:
            to_face = WHOLE.copy()
            to_face[:, :2] /= scale
            portrait = animator.encode(Portrait(photo, to_face, "canonical"))
        folder = out / path.stem
        folder.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / "photo.png"), photo[..., ::-1])
        place = {"box": portrait.box, "to_face": portrait.to_face.tolist()}
        (folder / "place.json").write_text(json.dumps(place))
        motion = {}
        start = animator.start(portrait)
        reading = start if start.space == FACS else portrait.reading
        for key, way in ways(reading).items():
            for level, frame in zip(LEVELS, animator.animate(portrait, way), strict=True):
                name = f"{key}_{round(100 * level):03d}.png"
                cv2.imwrite(str(folder / name), frame.image[..., ::-1])
            field = frame.edit.motion[0].float().numpy().transpose(1, 2, 0)
            motion[key] = np.float16(field * fade(len(field))[..., None])
        np.savez_compressed(folder / "motion.npz", **motion)
