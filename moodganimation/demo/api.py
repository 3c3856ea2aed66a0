"""What programs may ask for: named endpoints, one photo or film in, files and plain values out.

For `gradio_client`, for plain HTTP, and as tools of the Model Context Protocol where the page was
started with them. Nothing is kept between calls but the last files.
"""

import math
import tempfile
from collections import deque
from pathlib import Path
from typing import Literal

from ..animation.named_timelines import named_timeline
from ..animation.timeline import Timeline
from ..animator import Animator
from ..contact_sheets import KINDS, contact_sheet
from ..errors import Problem, shown
from ..expressions.moods import in_space, values_by_axis
from ..expressions.request import ExpressionRequest, resolve
from ..expressions.spaces import ACTION_UNITS, FACS, PAD, Expression
from ..faces.portrait import Portrait
from ..media.images import read_image, write_image
from ..media.video_writer import write_animation, write_film
from ..recipe import Face, Output, Recipe
from ..video.editing import MOST_FACES, edit_video, offset_by
from ..video.reenactment import capture_performance, regions_of, taking_part, write_curves
from .handlers.common import reported
from .handlers.film import SIZE, checked
from .recipe_io import fingerprint

KEPT = 32  # calls whose files are kept for whoever fetches them
LONGEST_SIDE = 1024  # of an animation [px]

Box = list[float] | None


class API:
    """Endpoints; each is a function of files and JSON values."""

    def __init__(self, animator: Animator):
        self.animator, self._folders = animator, deque(maxlen=KEPT)

    @reported
    def read(self, photo: str, box: Box = None) -> dict:
        """Read the expression of the largest face in a photo.

        Args:
            photo: the picture's file
            box: x0, y0, x1, y1 in pixels around the face, forehead to chin; found by itself if None

        Returns:
            17 Action Units from 0 to 1, pleasure, arousal and dominance from -1 to 1, and from 0
            to 1 what else the model reads: each side of a unit (AU12L, AU12R), more of the mouth,
            gaze and head
        """
        values = values_by_axis(self._located(photo, box).reading)
        return {key: round(value, 2) for key, value in values.items()}

    @reported
    def edit(
        self,
        photo: str,
        axes: dict | None = None,
        preset: str | None = None,
        intensity: float = 1.0,
        box: Box = None,
        look: str | None = None,
    ) -> tuple[str, dict]:
        """Give the face in a photo another expression, at the photo's own size.

        Args:
            photo: the picture's file
            axes: target values of Action Units from 0 to 1, such as {"AU12": 0.8}, or of
                pleasure (or valence), arousal and dominance from -1 to 1; of one side of a unit
                (AU12L, AU12R), gaze (AU61 to AU64) and head (AU51 to AU56), where the model has
                them; all others stay as they are read
            preset: an emotion, such as "happy", instead of axes or before them
            intensity: share of the way from the photo's expression to the preset, 0 to 1
            box: x0, y0, x1, y1 in pixels around the face; found by itself if None
            look: "camera" to turn both eyes to it

        Returns:
            the edited picture, a PNG, and its target expression in Action Units
        """
        portrait = self._located(photo, box)
        target = self._target(portrait, axes, preset, intensity, look)
        frame = self.animator.edit(portrait, target)
        path = self._fresh() / "edited.png"
        recipe = Recipe(fingerprint(self.animator.checkpoint), Face.of(portrait), target).text()
        write_image(path, frame.image, recipe=recipe)
        units = FACS if target.space == FACS else ACTION_UNITS
        values = values_by_axis(in_space(target, units, portrait.reading))
        return str(path), {k: round(value, 3) for k, value in values.items() if k not in PAD}

    @reported
    def animate(
        self,
        photo: str,
        axes: dict | None = None,
        preset: str | None = None,
        timeline: dict | str | None = None,
        format: Literal["gif", "mp4", "webp"] = "mp4",
        size: int = 384,
        box: Box = None,
        look: str | None = None,
    ) -> str:
        """Animate the face in a photo: to an expression and back, or along a timeline.

        Args:
            photo: the picture's file
            axes: values as for edit
            preset: an emotion as for edit
            timeline: keyframes, as the README has them, or "nod", "shake" or "thinking", instead
                of axes, preset and look
            format: gif, mp4 or webp
            size: longest side in pixels, 64 to 1024
            box: as for edit
            look: as for edit

        Returns:
            the animation
        """
        portrait, size = self._located(photo, box), int(_number(size))
        if format not in ("gif", "mp4", "webp") or not 64 <= size <= LONGEST_SIDE:
            raise Problem("An animation is a gif, mp4 or webp of 64 to {} pixels.", LONGEST_SIDE)
        start = self.animator.start(portrait)
        if timeline is None:
            target = self._target(portrait, axes, preset, look=look)
            way = Timeline.between(start, target, 24, 24, "smooth", True, 6)
        elif isinstance(timeline, str):
            way = named_timeline(timeline, start)
        else:
            way = Timeline.from_json(timeline)
        points = way.expressions(self.animator.space, portrait.reading)
        path = self._fresh() / f"animation.{format}"
        recipe = Recipe(
            fingerprint(self.animator.checkpoint),
            Face.of(portrait),
            timeline=way,
            output=Output("face", size, way.fps),
        )
        small = portrait.enough_for("face", size)
        frames = (frame.view("face", size) for frame in self.animator.animate(small, points))
        return str(write_animation(path, frames, way.fps, recipe=recipe.text()))

    @reported
    def sheet(self, photo: str, kind: str = "figure", box: Box = None) -> str:
        """Draw what the sliders do to a face, on one sheet.

        Args:
            photo: the picture's file
            kind: figure, units, moods, scales, emotions, limits, fields or muscles
            box: as for edit

        Returns:
            the sheet, a PNG
        """
        if kind not in [*KINDS]:
            raise Problem(
                "There is no sheet called {}; there are {}.", repr(kind), ", ".join(KINDS)
            )
        path = self._fresh() / "sheet.png"
        write_image(path, contact_sheet(self.animator, self._located(photo, box), kind, 160))
        return str(path)

    @reported
    def film(self, video: str, axes: dict, faces: int = 1) -> tuple[str, str]:
        """Change the expression in a film of at most two minutes; its sound is kept.

        Args:
            video: the film's file
            axes: what is added to every frame, such as {"AU12": 0.5}, or of moods, named as for
                edit
            faces: how many faces are edited, the largest first, 1 to 8

        Returns:
            the film, an MP4, and a sentence on what became of it
        """
        film, out = checked(video), self._fresh() / "film.mp4"
        if not axes:
            raise Problem('Say what shall change: axes such as {"AU12": 0.5}.')
        most = int(min(max(_number(faces), 1), MOST_FACES))
        change = offset_by(_numbers(axes), space=self.animator.space)
        done = edit_video(self.animator, film, out, change, most=most)
        said = f"A face was edited on {done.edited} of {done.frames} frames."
        return str(out), " ".join([*done.notes, said])

    @reported
    def drive(
        self,
        photo: str,
        video: str,
        strength: float = 1.0,
        regions: list[str] | None = None,
        box: Box = None,
    ) -> tuple[str, str]:
        """Let the face in a photo play what the face in a film of at most two minutes plays.

        Args:
            photo: the picture's file
            video: the film's file
            strength: times the film's expression, 0 to 2
            regions: of brows, eyes (with the gaze), nose, mouth, and head where the model has it,
                those that take part; all if None
            box: as for edit

        Returns:
            the film, an MP4, and its Action Units frame by frame, a CSV
        """
        portrait, film = self._located(photo, box).enough_for("face", SIZE), checked(video)
        regions = ["all"] if regions is None else regions
        if not (isinstance(regions, list) and all(isinstance(name, str) for name in regions)):
            known = regions_of(self.animator.reader_space)
            raise Problem("Regions are a list of {}.", ", ".join(known))
        taking_part(regions, self.animator.reader_space)
        performance = capture_performance(self.animator, film)
        way = performance.retarget(portrait.reading, strength=_number(strength), regions=regions)
        way, folder = list(way), self._fresh()
        frames = (frame.view("face", SIZE) for frame in self.animator.animate(portrait, way))
        write_film(folder / "driven.mp4", frames, film)
        write_curves(folder / "curves.csv", way, performance.fps, performance.found)
        return str(folder / "driven.mp4"), str(folder / "curves.csv")

    def _located(self, photo: str | None, box: Box) -> Portrait:
        if not photo:
            raise Problem("Send a photo.")
        if box is not None and not (isinstance(box, list) and len(box) == 4):
            raise Problem("A box is four numbers: x0, y0, x1, y1.")
        return self.animator.locate(read_image(photo), box and tuple(map(_number, box)))

    def _target(self, portrait: Portrait, axes, preset, intensity=1.0, look=None) -> Expression:
        request = ExpressionRequest(
            preset, _number(intensity), _numbers(axes), look=look if look != "" else None
        )
        return resolve(request, portrait.reading, self.animator.space)

    def _fresh(self) -> Path:
        folder = tempfile.TemporaryDirectory(prefix="moodganimation-")
        self._folders.append(folder)  # an old one goes, with what is in it
        return Path(folder.name)


def _number(value) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise Problem("{} is not a number.", shown(value))
    return number


def _numbers(axes) -> dict[str, float]:
    if not isinstance(axes, dict | None):
        raise Problem('Axes are named numbers, such as {"AU12": 0.8}.')
    return {str(key): _number(value) for key, value in (axes or {}).items()}
