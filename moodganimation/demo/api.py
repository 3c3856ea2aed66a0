"""The API: named endpoints that take one photo or film, and return files and plain values.

They serve `gradio_client`, plain HTTP, and, with `--mcp`, the Model Context Protocol. Clients show
their docstrings as descriptions. No state is kept between calls, except the files of the last ones.
"""

import math
from collections import deque
from pathlib import Path
from typing import Literal

from ..animation.named_timelines import named_timeline
from ..animation.timeline import Timeline
from ..animator import Animator
from ..contact_sheets import contact_sheet
from ..errors import Message, Problem, short_repr
from ..expressions.moods import convert_expression, values_by_axis
from ..expressions.request import ExpressionRequest, resolve
from ..expressions.spaces import ACTION_UNITS, FACS, PAD, Expression
from ..faces.portrait import Portrait
from ..frame import portrait_for_file
from ..media.images import Photo, read_photo, write_image
from ..media.video_writer import write_animation, write_film
from ..recipe import FacePlace, Output, Recipe
from ..video.editing import MAX_FACES, edit_video, offset_by
from ..video.reenactment import capture_performance, region_mask, regions_of, write_curves
from .handlers.common import problems_as_gradio_errors, show_notes
from .handlers.film import DRIVEN_SIDE, open_short_film
from .handlers.settings import MAX_SIZE, MIN_SIZE
from .handlers.sheets import SHEET_FACE_SIDE, check_sheet_kind
from .i18n import localize
from .recipe_io import fingerprint
from .sessions import temporary_folder

KEPT_CALLS = 32  # files of so many last calls are kept, so that clients can fetch them

Box = list[float] | None


class API:
    """The endpoints of one model."""

    def __init__(self, animator: Animator):
        self.animator, self._folders = animator, deque(maxlen=KEPT_CALLS)

    @problems_as_gradio_errors
    def read(self, photo: str, box: Box = None) -> dict:
        """Read the expression of the largest face in a photo.

        Args:
            photo: the picture's file
            box: x0, y0, x1, y1 in pixels around the face, from forehead to chin; by default the
                face is found automatically

        Returns:
            {axis: value}: 17 Action Units from 0 to 1; pleasure, arousal and dominance from -1 to
            1; and further axes of the model from 0 to 1: each side of a unit (AU12L, AU12R), more
            units of the mouth, gaze and head
        """
        values = values_by_axis(self._read_and_locate(photo, box)[1].reading)
        return {key: round(value, 2) for key, value in values.items()}

    @problems_as_gradio_errors
    def locate(self, photo: str, box: Box = None) -> dict:
        """Locate the largest face of a photo, and return what to know before it is edited.

        Args:
            photo: the picture's file
            box: x0, y0, x1, y1 in pixels around the face; by default it is found automatically

        Returns:
            box: the pixels that an edit may change; finder: how the face was found; turned:
            clockwise rotation of the face in the photo in degrees, 0 if it is upright;
            mouth_covered: whether something seems to hide the mouth, so that edits leave the lower
            face as it is; notes: warnings in words
        """
        portrait = self._read_and_locate(photo, box)[1]
        return {
            "box": list(portrait.box),
            "finder": portrait.found_by,
            "turned": portrait.roll_degrees,
            "mouth_covered": portrait.mouth_covered,
            "notes": [str(note) for note in portrait.notes],
        }

    @problems_as_gradio_errors
    def edit(
        self,
        photo: str,
        axes: dict | None = None,
        preset: str | None = None,
        intensity: float = 1.0,
        box: Box = None,
        look: str | None = None,
        detail: float = 1.0,
    ) -> tuple[str, dict]:
        """Give the face in a photo another expression, at the photo's own size.

        Args:
            photo: the picture's file
            axes: target values, such as {"AU12": 0.8}: Action Units from 0 to 1, or pleasure (or
                valence), arousal and dominance from -1 to 1; where the model has them, one side
                of a unit (AU12L, AU12R), gaze (AU61 to AU64) and head (AU51 to AU56); all other
                axes keep their values in the photo
            preset: an emotion, such as "happy", or a gesture, such as "wink"; axes are set after it
            intensity: of the preset, from 0 (the photo's expression) to 1
            box: x0, y0, x1, y1 in pixels around the face; by default it is found automatically
            look: "camera" to turn both eyes to it
            detail: strength of folds of the skin, 0 to 1.5

        Returns:
            the edited picture, a PNG, and its target expression in Action Units
        """
        animator = self.animator.with_detail(_number(detail))
        source, portrait = self._read_and_locate(photo, box, keep_16bit=True, animator=animator)
        target = self._target(portrait, axes, preset, intensity, look)
        frame = animator.edit(portrait, target)
        path = self._new_folder() / "edited.png"
        options = {} if detail == 1 else {"detail": animator.detail}
        recipe = self._recipe(portrait, expression=target, options=options)
        write_image(path, frame.render_for_file(source), recipe=recipe.text(), source=source)
        space = FACS if target.space == FACS else ACTION_UNITS
        values = values_by_axis(convert_expression(target, space, portrait.reading))
        return str(path), {k: round(value, 3) for k, value in values.items() if k not in PAD}

    @problems_as_gradio_errors
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
            preset: a preset as for edit
            timeline: instead of axes, preset and look: "nod", "shake" or "thinking", or
                {"keyframes": [{"at": seconds, "hold": seconds, "easing": "smooth", "expression":
                {axis: value}, "space": "facs"}], "fps": 24, "mode": "once", "blinks": false};
                a keyframe without expression shows the photo's own
            format: gif, mp4 or webp
            size: longest side in pixels, 64 to 1024
            box: as for edit
            look: as for edit

        Returns:
            the animation's file
        """
        (source, portrait), size = self._read_and_locate(photo, box), int(_number(size))
        if format not in ("gif", "mp4", "webp") or not MIN_SIZE <= size <= MAX_SIZE:
            raise Problem("An animation is a gif, mp4 or webp of 64 to {} pixels.", MAX_SIZE)
        start = self.animator.start(portrait)
        if timeline is None:
            target = self._target(portrait, axes, preset, look=look)
            timeline = Timeline.between(
                start, target, frames=24, fps=24, easing="smooth", ping_pong=True, hold=6
            )
        elif isinstance(timeline, str):
            timeline = named_timeline(timeline, start)
        else:
            timeline = Timeline.from_json(timeline)
        expressions = timeline.expressions(self.animator.space, portrait.reading)
        path = self._new_folder() / f"animation.{format}"
        output = Output("face", size, timeline.fps)
        recipe = self._recipe(portrait, timeline=timeline, output=output)
        small = portrait_for_file(portrait, source).downscaled_for("face", size)
        frames = (frame.view("face", size) for frame in self.animator.animate(small, expressions))
        return str(write_animation(path, frames, timeline.fps, recipe=recipe.text()))

    @problems_as_gradio_errors
    def sheet(self, photo: str, kind: str = "figure", box: Box = None) -> str:
        """Draw many expressions of the face in a photo on one contact sheet.

        Args:
            photo: the picture's file
            kind: figure, units, moods, scales, emotions, limits, fields or muscles
            box: as for edit

        Returns:
            the sheet, a PNG
        """
        kind, path = check_sheet_kind(kind), self._new_folder() / "sheet.png"
        portrait = self._read_and_locate(photo, box)[1]
        write_image(path, contact_sheet(self.animator, portrait, kind, SHEET_FACE_SIDE))
        return str(path)

    @problems_as_gradio_errors
    def film(self, video: str, axes: dict, faces: int = 1) -> tuple[str, str]:
        """Change the expression of faces in a film of at most two minutes; its sound is kept.

        Args:
            video: the film's file
            axes: values added in every frame, such as {"AU12": 0.5}, named as for edit
            faces: how many faces are edited, the largest first, 1 to 8

        Returns:
            the film, an MP4, and a sentence on how many frames were edited
        """
        film, out = open_short_film(video), self._new_folder() / "film.mp4"
        if not axes:
            raise Problem('Name at least one axis to change, such as {"AU12": 0.5}.')
        max_faces = int(min(max(_number(faces), 1), MAX_FACES))
        change = offset_by(_numbers(axes), space=self.animator.space)
        edited = edit_video(self.animator, film, out, change, max_faces=max_faces)
        count = Message("A face was edited on {} of {} frames.", edited.edited, edited.frames)
        return str(out), " ".join(map(localize, [*edited.notes, count]))

    @problems_as_gradio_errors
    def drive(
        self,
        photo: str,
        video: str,
        strength: float = 1.0,
        regions: list[str] | None = None,
        box: Box = None,
    ) -> tuple[str, str]:
        """Transfer the expressions of a face in a film of at most two minutes to a photo.

        Args:
            photo: the picture's file
            video: the film's file
            strength: factor on the film's expressions, 0 to 2
            regions: those that are transferred, of brows, eyes (with the gaze), nose, mouth, and
                head if the model has it; by default all
            box: as for edit

        Returns:
            the film, an MP4, and its Action Units frame by frame, a CSV
        """
        portrait = self._read_and_locate(photo, box)[1].downscaled_for("face", DRIVEN_SIDE)
        film = open_short_film(video)
        regions = ["all"] if regions is None else regions
        if not (isinstance(regions, list) and all(isinstance(name, str) for name in regions)):
            known = regions_of(self.animator.reader_space)
            raise Problem("Regions are a list of {}.", ", ".join(known))
        region_mask(regions, self.animator.reader_space)
        performance = capture_performance(self.animator, film)
        expressions = list(
            performance.retarget(portrait.reading, strength=_number(strength), regions=regions)
        )
        folder, animated = self._new_folder(), self.animator.animate(portrait, expressions)
        frames = (frame.view("face", DRIVEN_SIDE) for frame in animated)
        write_film(folder / "driven.mp4", frames, film)
        write_curves(folder / "curves.csv", expressions, performance.fps, performance.found)
        return str(folder / "driven.mp4"), str(folder / "curves.csv")

    def _recipe(self, portrait: Portrait, **fields) -> Recipe:
        """Return the recipe of a result."""
        return Recipe(fingerprint(self.animator.checkpoint_path), FacePlace.of(portrait), **fields)

    def _read_and_locate(
        self,
        photo: str | None,
        box: Box,
        keep_16bit: bool = False,
        animator: Animator | None = None,
    ) -> tuple[Photo, Portrait]:
        """Return a photo and its face; keep_16bit: with 16 bits a channel, if the file has them."""
        if not photo:
            raise Problem("Send a photo.")
        if box is not None and not (isinstance(box, list) and len(box) == 4):
            raise Problem("A box is four numbers: x0, y0, x1, y1.")
        source = read_photo(photo, keep_16bit)
        animator = animator or self.animator
        portrait = animator.locate(source.pixels, box and tuple(map(_number, box)))
        show_notes(*portrait.notes)
        return source, portrait

    def _target(self, portrait: Portrait, axes, preset, intensity=1.0, look=None) -> Expression:
        """Return the target expression of a request. Raises Problem."""
        request = ExpressionRequest(
            preset, _number(intensity), _numbers(axes), look=look if look != "" else None
        )
        return resolve(request, portrait.reading, self.animator.space)

    def _new_folder(self) -> Path:
        """Create a folder for the files of a call; that of the oldest kept call is deleted."""
        folder = temporary_folder()
        self._folders.append(folder)
        return Path(folder.name)


def _number(value) -> float:
    """Return a finite number. Raises Problem."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise Problem("{} is not a number.", short_repr(value))
    return number


def _numbers(axes) -> dict[str, float]:
    """Return {axis: number}. Raises Problem."""
    if not isinstance(axes, dict | None):
        raise Problem('Axes are named numbers, such as {"AU12": 0.8}.')
    return {str(key): _number(value) for key, value in (axes or {}).items()}
