"""The small data sets of samples/: the example portraits, edited by the shipped model.

Labels are the requested expressions, not annotations; the edits show them as well as the model can.
"""

import shutil
from collections import OrderedDict
from pathlib import Path

import cv2
import numpy as np

from moodganimation.animation.easing import interpolate
from moodganimation.animator import Animator
from moodganimation.expressions.moods import PROTOTYPES, mood_of
from moodganimation.expressions.presets import PRESETS
from moodganimation.expressions.spaces import ACTION_UNITS, VALENCE_AROUSAL, Expression
from moodganimation.faces.portrait import CANONICAL_SCALE, Portrait
from moodganimation.media.images import read_image
from moodganimation.media.video_writer import write_animation
from moodganimation.resources import ASSETS

from ..augment import CROP_SIDE
from ..pickles import write_pickle
from .crops import as_jpeg, single_threaded
from .files import write_atomically
from .tables import write_ids

PORTRAITS = {  # name -> file; the last two are held out
    "astronaut": "astronaut.png",
    "calm": "portrait-calm.png",
    "dark": "portrait-dark.png",
    "narrow": "portrait-narrow.png",
}
SPLIT_OF = {"astronaut": "train", "calm": "train", "dark": "val", "narrow": "test"}
PRESET_NAMES = ("happiness", "sadness", "surprise")  # in samples/aus
MOODS = ("happy", "sad", "afraid")  # of PROTOTYPES, in samples/moods and samples/affectnet
# AffectNet's codes of expressions, and the row that is marked as uncertain.
CODES, UNCERTAIN = {"happy": 1, "sad": 2, "afraid": 4}, ("calm", "afraid")
FRAMES = 8  # of a clip
EDITED_CROP_SIDE = 192  # side of the face crop in photos that are edited [px]
PHOTO_SIDE = 192  # longer side of AffectNet's pictures [px]
MARGIN = 1.25  # side of AffectNet's pictures, in sides of the crop
# Eyes, nose and corners of the mouth from the centre of the face box, in its sides.
FIVE_POINTS = ((-0.19, -0.16), (0.19, -0.16), (0, 0.09), (-0.17, 0.26), (0.17, 0.26))
QUALITY = 88  # of JPEG files


def samples(options) -> None:
    """Write aus, moods, affectnet, affwild, openface_csv and videos below options.out."""
    out = options.out
    if out.exists() and any(out.iterdir()) and not (out / "README.md").exists():
        raise ValueError(f"{out} is not a folder of samples: choose another one.")
    with single_threaded():
        animator = Animator.load(device="cpu")
        portraits = {}
        for name, file in PORTRAITS.items():
            located = animator.locate(read_image(ASSETS / file))
            side = round(EDITED_CROP_SIDE / located.side * max(located.photo.shape[:2]))
            portraits[name] = animator.encode(located.downscaled(side))
        for make in (_aus, _moods, _affectnet, _affwild, _openface_csv, _videos):
            folder = out / make.__name__.removeprefix("_")
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            make(folder, animator, portraits)
            size = sum(path.stat().st_size for path in folder.rglob("*.*"))
            print(f"{folder}: {len(list(folder.rglob('*.*')))} files, {size / 1000:.0f} kB")


def _aus(folder: Path, animator: Animator, portraits: dict[str, Portrait]) -> None:
    """Write imgs/, aus_openface.pkl with the requested units, and lists of names."""
    units = {}
    for name, portrait in portraits.items():
        for preset in PRESET_NAMES:
            target = PRESETS[preset]
            units[f"{name}_{preset}"] = np.round(5 * target.vector(), 2)
            _crop(
                folder / "imgs" / f"{name}_{preset}.jpg",
                animator.edit(portrait, target).image,
                portrait,
            )
    write_pickle(folder / "aus_openface.pkl", units)
    _ids(folder, units)


def _moods(folder: Path, animator: Animator, portraits: dict[str, Portrait]) -> None:
    """Write imgs/, moods.pkl of [pleasure, arousal, dominance], and lists of names."""
    table = {}
    for name, portrait in portraits.items():
        for mood in MOODS:
            table[f"{name}_{mood}"] = np.array(PROTOTYPES[mood][1])
            _crop(
                folder / "imgs" / f"{name}_{mood}.jpg",
                animator.edit(portrait, PROTOTYPES[mood][0]).image,
                portrait,
            )
    write_pickle(folder / "moods.pkl", table)
    _ids(folder, table)


def _affectnet(folder: Path, animator: Animator, portraits: dict[str, Portrait]) -> None:
    """Write pictures with a margin around the face, and AffectNet's table of each split, with one
    row that is marked as uncertain."""
    rows = {"train": [], "val": [], "test": []}
    for name, portrait in portraits.items():
        for mood in MOODS:
            file = f"{name}_{mood}.jpg"
            edited = animator.edit(portrait, PROTOTYPES[mood][0]).image
            box, points = _write_with_margin(folder / "imgs" / file, edited, portrait)
            valence, arousal = PROTOTYPES[mood][1][:2]
            values = (*box, points, CODES[mood], valence, arousal)
            if (name, mood) == UNCERTAIN:
                values = (*box, points, 9, -2, -2)
            rows[SPLIT_OF[name]].append(",".join(map(str, (f"imgs/{file}", *values))))
    header = "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,"
    header += "expression,valence,arousal"
    for split, lines in rows.items():
        write_atomically(folder / f"affectnet_{split}.csv", "\n".join([header, *lines]) + "\n")
    _ids(folder, [f"{name}_{mood}" for name in portraits for mood in MOODS])


def _affwild(folder: Path, animator: Animator, portraits: dict[str, Portrait]) -> None:
    """Write clips/, clips_annotations.pkl of [valence, arousal], and clips.csv."""
    table, rows = OrderedDict(), ["clip,source,split,frames"]
    for name, mood in (("calm", "happy"), ("dark", "surprised"), ("narrow", "sad")):
        clip = f"{name}_0"
        for i, (image, values) in enumerate(_clip(animator, portraits[name], mood)):
            _crop(folder / "clips" / clip / f"{i:04d}.jpg", image, portraits[name])
            table[f"{clip}_{i:04d}"] = np.array(values)
        rows.append(f"{clip},{name},{SPLIT_OF[name]},{FRAMES}")
    write_pickle(folder / "clips_annotations.pkl", table)
    write_atomically(folder / "clips.csv", "\n".join(rows) + "\n")


def _openface_csv(folder: Path, animator: Animator, portraits: dict[str, Portrait]) -> None:
    """Write tables like those of FaceLandmarkImg, without pose and points, with the requested
    intensities of samples/aus."""
    header = ", ".join(["face", "confidence", *(f"{key}_r" for key in ACTION_UNITS.keys)])
    for name in portraits:
        for preset in PRESET_NAMES:
            values = ", ".join(f"{5 * value:.2f}" for value in PRESETS[preset].values)
            write_atomically(folder / f"{name}_{preset}.csv", f"{header}\n0, 0.98, {values}\n")


def _videos(folder: Path, animator: Animator, portraits: dict[str, Portrait]) -> None:
    """Write three short videos and annotations/ with a line per frame, as in Aff-Wild2; in one of
    them two frames are not annotated."""
    (folder / "annotations").mkdir()
    for name, mood in (("calm", "happy"), ("dark", "surprised"), ("narrow", "sad")):
        frames = [
            *_clip(animator, portraits[name], mood),
            *_clip(animator, portraits[name], mood)[::-1],
        ]
        write_animation(folder / f"{name}.mp4", [image for image, _ in frames], fps=12)
        lines = [f"{valence:.4f},{arousal:.4f}" for _, (valence, arousal) in frames]
        if name == "calm":
            lines[7:9] = ["-5,-5"] * 2
        write_atomically(
            folder / "annotations" / f"{name}.txt", "\n".join(["valence,arousal", *lines]) + "\n"
        )


def _clip(animator: Animator, portrait: Portrait, mood: str) -> list[tuple[np.ndarray, tuple]]:
    """Animate the photo towards a mood: FRAMES pictures with their [valence, arousal]."""
    path = interpolate(Expression.neutral(ACTION_UNITS), PROTOTYPES[mood][0], FRAMES)
    moods = [mood_of(point, VALENCE_AROUSAL).vector().round(4) for point in path]
    images = [frame.image for frame in animator.animate(portrait, path)]
    return list(zip(images, moods, strict=True))


def _crop(path: Path, image: np.ndarray, portrait: Portrait) -> None:
    """Write the canonical crop of an edited photo."""
    _jpeg(path, portrait.face(CROP_SIDE, image))


def _write_with_margin(path: Path, image: np.ndarray, portrait: Portrait) -> tuple[list, str]:
    """Write a square of the picture with a margin around the crop; return the face box in it, and
    five points separated by semicolons, as in AffectNet's table."""
    (x0, y0), (x1, y1) = portrait.corners.min(0), portrait.corners.max(0)
    side = MARGIN * max(x1 - x0, y1 - y0)
    left, top = max(0, round((x0 + x1 - side) / 2)), max(0, round((y0 + y1 - side) / 2))
    part = image[top : top + round(side), left : left + round(side)]
    scale = PHOTO_SIDE / max(part.shape[:2])
    shape = (round(part.shape[1] * scale), round(part.shape[0] * scale))
    _jpeg(path, cv2.resize(part, shape, interpolation=cv2.INTER_AREA))
    x, y = (x0 + x1) / 2 - left, (y0 + y1) / 2 - top
    face = (x1 - x0) / CANONICAL_SCALE  # from forehead to chin
    box = [round(float(v) * scale) for v in (x - face / 2, y - face / 2, face, face)]
    points = [(x + a * face, y + b * face) for a, b in FIVE_POINTS]
    return box, ";".join(f"{float(v) * scale:.1f}" for point in points for v in point)


def _jpeg(path: Path, picture: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, as_jpeg(picture, QUALITY))


def _ids(folder: Path, names) -> None:
    """Write the lists of names NAME_EXPRESSION by SPLIT_OF."""
    splits = {"train": [], "val": [], "test": []}
    for name in names:
        splits[SPLIT_OF[name.rpartition("_")[0]]].append(name)
    write_ids(folder, splits)
