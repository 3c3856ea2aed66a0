"""Handlers of the tab Film: edit a film, drive the photo by a film or by a trajectory file."""

from collections.abc import Iterator, Sequence

from ...animation.trajectories import read_trajectory
from ...errors import Message, Problem
from ...expressions import schema
from ...expressions.request import offset_between
from ...expressions.sides import units_of
from ...expressions.spaces import FACS, Expression
from ...faces.portrait import Portrait
from ...frame import Frame
from ...media.figures import curves
from ...media.video_reader import Film, open_film
from ...media.video_writer import write_film
from ...recipe import Recipe
from ...video.editing import edit_video, offset_by
from ...video.reenactment import capture_performance, region_mask, write_curves
from ...video.side_by_side import MIN_COLUMN_SIDE, filmed_faces, write_columns
from ..i18n import localize
from ..recipe_io import current_recipe, panel_settings
from ..sessions import Session, Sessions
from .common import (
    download_name,
    file_data,
    new_path,
    problems_as_answers,
    reported,
    start_progress,
    uploaded_path,
    webp_data_url,
)
from .settings import check_face_count, check_frame_rate, retarget_checkers

MAX_SHORT_FILM_SECONDS = 120  # of films on the page and in the API, see `open_short_film`
MAX_TRAJECTORY_ROWS = 480  # 19 s at 25 frames per second
CURVES_SIZE = (720, 260)  # width and height of the drawing of a performance [px]
DRIVEN_SIDE = 512  # longest side of the film of a driven photo [px]
DEFAULT_TRAJECTORY_FPS = 25


class FilmHandlers:
    """Handlers of the tab Film; each answers some of {"film", "files", "notes", "curves"}."""

    def __init__(self, sessions: Sessions):
        self.sessions = sessions

    @problems_as_answers
    def edit(self, request: dict, tab_hash: str | None = None) -> dict:
        """Change the expression in a film by as much as the sliders change it in the photo.

        request: {"film": {"path"}, "faces", "token"}.
        """
        session = self.sessions[request.get("token")]
        film = open_short_film(uploaded_path(request, "film"))
        target, faces = session.face.state.expression, check_face_count(request.get("faces", 1))
        offset = offset_between(target, session.face.reading)
        if not offset:
            raise Problem("Nothing is changed yet: move a slider, and try again.")
        out, report = (
            new_path(session, "edited-clip", ".mp4"),
            start_progress(session, request, "Editing"),
        )
        recipe = current_recipe(session, target, extra_options={"film": {"faces": faces}})
        edited = edit_video(
            session.animator,
            film,
            out,
            offset_by(offset),
            max_faces=faces,
            progress=report,
            recipe=recipe.text(),
            label=session.label,
        )
        count = Message("A face was edited on {} of {} frames.", edited.edited, edited.frames)
        notes = [localize(note) for note in [*edited.notes, count]]
        return {"film": file_data(out, download_name(session, "clip", ".mp4")), "notes": notes}

    @problems_as_answers
    def drive(self, request: dict, tab_hash: str | None = None) -> dict:
        """Retarget the performance of a film to the photo; also draw and write its curves.

        request: {"film": {"path"}, "strength", "regions", "token", "by": what is carried over,
        "units" or "moods" (`carry` of `Performance.retarget`)}.
        """
        session = self.sessions[request.get("token")]
        film = open_short_film(uploaded_path(request, "film"))
        space = session.animator.reader_space
        defaults = {"strength": 1.0, "regions": [], "by": "units"}
        settings = {
            name: check(request.get(name, defaults[name]))
            for name, check in retarget_checkers(space).items()
        }
        region_mask(settings["regions"], space)  # raises Problem before anything is computed
        portrait = session.face.portrait.downscaled_for("face", DRIVEN_SIDE)
        report = start_progress(session, request, "Reading")
        performance = capture_performance(session.animator, film, report)
        expressions = list(
            performance.retarget(
                portrait.reading,
                strength=settings["strength"],
                regions=settings["regions"],
                carry=settings["by"],
            )
        )
        out, table = new_path(session, "driven", ".mp4"), new_path(session, "curves", ".csv")
        target = session.face.state.expression
        recipe = current_recipe(session, target, extra_options={"film": settings})
        frames = _frames(session, request, portrait, expressions)
        pictures = (frame.view("face", DRIVEN_SIDE) for frame in frames)
        write_notes = write_film(out, pictures, film, recipe=recipe.text(), label=session.label)
        write_curves(table, expressions, performance.fps, performance.found)
        drawing = curves([units_of(expression) for expression in expressions], CURVES_SIZE)
        return {
            "film": file_data(out, download_name(session, "driven", ".mp4")),
            "files": [file_data(table, download_name(session, "curves", ".csv"))],
            "curves": webp_data_url(drawing),
            "notes": [localize(note) for note in [*performance.notes, *write_notes]],
        }

    @problems_as_answers
    def follow_trajectory(self, request: dict, tab_hash: str | None = None) -> dict:
        """Animate the photo along a trajectory file, in the columns of MoodGANimation's figures:
        original, generated, attention, color and the ground truth, if there is one.

        request: {"trajectory": {"path"}, "ground_truth": {"path"} of a film or none, "clip_name":
        the key of a clip in a .pkl of trajectories, or none, "fps", "token"}. The first row of the
        trajectory belongs to the photo.
        """
        session = self.sessions[request.get("token")]
        path = uploaded_path(request, "trajectory")
        if path is None:
            raise Problem("There is no trajectory yet: choose a .csv, .npy or .pkl file.")
        animator = session.animator
        fps = check_frame_rate(request.get("fps") or DEFAULT_TRAJECTORY_FPS)
        clip = str(request.get("clip_name") or "")
        ground_truth = uploaded_path(request, "ground_truth")
        trajectory = read_trajectory(path, animator.space, clip=clip or None)
        _check_length(len(trajectory.expressions))
        side, notes, tiles = max(MIN_COLUMN_SIDE, animator.generator.config.image_size), [], None
        if ground_truth:
            open_short_film(ground_truth)  # raises Problem for a long one
            tiles, notes = filmed_faces(animator, ground_truth, trajectory.frame_numbers[1:], side)
        out = new_path(session, "trajectory", ".mp4", keep=0)
        for old in out.parent.glob("trajectory-*.png"):
            old.unlink(missing_ok=True)
        options = {"film": {"clip": clip, "fps": fps}}
        target = session.face.state.expression
        recipe = current_recipe(session, target, extra_options=options).text()
        expressions = trajectory.expressions[1:]
        frames = _frames(session, request, session.face.portrait, expressions)
        files = write_columns(
            out, frames, side, fps, tiles, captions=True, recipe=recipe, label=session.label
        )
        return {
            "film": file_data(out, download_name(session, "trajectory", ".mp4")),
            "files": [file_data(file) for file in files],
            "notes": [localize(note) for note in [*trajectory.notes, *notes]],
        }

    def restore_settings(self, session: Session | None, recipe: Recipe) -> dict[str, dict]:
        """Return the settings of the tab that a recipe has."""
        clip = schema.text_type("The clip in a .pkl")
        settings = panel_settings(
            recipe,
            "film",
            faces=check_face_count,
            **retarget_checkers(session.animator.reader_space if session else FACS),
            clip=lambda name: name and schema.check(clip, name),
            fps=check_frame_rate,
        )
        return {"film": settings}


def open_short_film(path: str | None) -> Film:
    """Open an uploaded film.

    Raises Problem if there is none, or it may be longer than MAX_SHORT_FILM_SECONDS.
    """
    if path is None:
        raise Problem("There is no video yet: upload one first.")
    film = open_film(path)
    if film.seconds is None:
        raise Problem(
            "The length of this video cannot be determined: save it as an MP4 and try again."
        )
    if film.seconds > MAX_SHORT_FILM_SECONDS:
        raise Problem(
            "A video may last at most {} seconds here: cut it, or use python -m "
            "moodganimation film.",
            MAX_SHORT_FILM_SECONDS,
        )
    return film


def _check_length(rows: int) -> None:
    """Raise Problem for a trajectory that is too short or too long."""
    if not 2 <= rows <= MAX_TRAJECTORY_ROWS:
        raise Problem(
            "On this page a trajectory has 2 to {} rows, not {}: cut it, or use python -m "
            "moodganimation animate.",
            MAX_TRAJECTORY_ROWS,
            rows,
        )


def _frames(
    session: Session, request: dict, portrait: Portrait, expressions: Sequence[Expression]
) -> Iterator[Frame]:
    """Return the edited portrait for each expression; they report the progress."""
    report = start_progress(session, request, "Drawing")
    frames = session.animator.animate(portrait, expressions, where=session.face.edit_mask)
    return reported(frames, len(expressions), report)
