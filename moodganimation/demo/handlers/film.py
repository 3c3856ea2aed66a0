"""Films: a clip taken again with another expression, and the photo driven by a clip."""

import contextlib
import time
from pathlib import Path

import gradio as gr

from ...animation.easing import FASTEST
from ...animation.trajectories import read_trajectory
from ...errors import Message, Problem
from ...expressions import schema
from ...expressions.request import difference
from ...expressions.sides import units_of
from ...media.figures import curves
from ...media.video_reader import Film, open_film
from ...media.video_writer import write_film
from ...recipe import Recipe
from ...video.editing import MOST_FACES, STRONGEST, edit_video, offset_by
from ...video.reenactment import REGIONS, capture_performance, taking_part, write_curves
from ...video.side_by_side import LEAST_SIDE, filmed_faces, write_columns
from ..i18n import told
from ..recipe_io import between, choice, recipe_of, said, several, whole
from ..sessions import Session, Sessions
from .common import asked_units, reported, telling

LONGEST = 120  # of a film that is taken on the page [s]
CURVES = (720, 260)  # width and height of the drawing of what was played [px]
LONGEST_WAY = 480  # rows of a trajectory
SIZE = 512  # longest side of a driven photo [px]


class Filming:
    """Handlers of the tab Film."""

    def __init__(self, visits: Sessions):
        self.visits = visits

    @reported
    def edit_video(self, token, path, most, *units, progress=gr.Progress()):
        """The clip with the change that the sliders make to the photo's expression: the film, and
        what became of it. Needs an open photo: its sliders say what changes."""
        visit, film = self.visits[token], checked(path)
        target = asked_units(units)
        change = difference(target, visit.face.reading)
        if not change:
            raise Problem("The sliders ask for nothing: move one, and the clip will change alike.")
        out = _fresh(visit, "retake", ".mp4")
        most = min(max(int(most), 1), MOST_FACES)
        tell = telling(visit, progress, "Editing")
        recipe = recipe_of(visit, target, made={"film": {"faces": most}}).text()
        done = edit_video(
            visit.animator,
            film,
            out,
            offset_by(change),
            most=most,
            progress=tell,
            recipe=recipe,
            label=visit.label,
        )
        edited = Message("A face was edited on {} of {} frames.", done.edited, done.frames)
        return str(out), " ".join(map(told, [*done.notes, edited]))

    @reported
    def follow(self, token, path, clip, fps, truth, progress=gr.Progress()):
        """The photo along a trajectory file, as MoodGANimation shows it: original, generated,
        attention, color and what was filmed, if `truth` is given. The film, all files, and what was
        changed or left out."""
        visit = self.visits[token]
        if path is None:
            raise Problem("There is no trajectory yet: choose a .csv, .npy or .pkl file.")
        animator, fps = visit.animator, float(fps or 25)
        way = read_trajectory(path, animator.space, clip=clip or None)
        if not 2 <= len(way.points) <= LONGEST_WAY:
            raise Problem(
                "On this page a trajectory has 2 to {} rows, not {}: cut it, or use python -m "
                "moodganimation animate.",
                LONGEST_WAY,
                len(way.points),
            )
        side, notes, tiles = max(LEAST_SIDE, animator.generator.config.image_size), [], None
        if truth:
            checked(truth)  # of a sensible length
            tiles, notes = filmed_faces(animator, truth, way.frames[1:], side)
        tell = telling(visit, progress, "Drawing")
        out = _fresh(visit, "trajectory", ".mp4")
        for old in out.parent.glob("trajectory-*.png"):
            old.unlink(missing_ok=True)

        def frames():
            edits = animator.animate(visit.face.portrait, way.points[1:], where=visit.face.where)
            for number, frame in enumerate(edits):
                tell(number + 1, len(way.points) - 1)
                yield frame

        made = {"film": {"clip": clip or "", "fps": fps}}
        recipe = recipe_of(visit, visit.face.anchor, made=made).text()
        written = write_columns(
            out, frames(), side, fps, tiles, labels=True, recipe=recipe, label=visit.label
        )
        return str(out), [str(path) for path in written], " ".join(map(told, [*way.notes, *notes]))

    def restored(self, visit: Session, recipe: Recipe) -> list:
        """Faces, strength, regions, what is carried over, the clip of a .pkl and its pace, as a
        recipe says."""
        return said(
            recipe,
            "film",
            faces=whole(1, MOST_FACES),
            strength=between(0, STRONGEST),
            regions=several(*REGIONS),
            by=choice("units", "moods"),
            clip=lambda name: name and schema.check(schema.string("The clip in a .pkl"), name),
            fps=between(1, FASTEST),
        )

    def cancel(self, token) -> None:
        """End what is being made, after the frame at hand."""
        with contextlib.suppress(Problem):
            self.visits[token].stopped.set()

    @reported
    def drive(self, token, path, strength, regions, by, progress=gr.Progress()):
        """The photo playing what the clip's face plays: the film, its curves as a picture and as a
        csv file, and what became of it."""
        visit, film = self.visits[token], checked(path)
        taking_part(regions)  # said before anything is computed
        portrait, animator = visit.face.portrait.enough_for("face", SIZE), visit.animator
        performance = capture_performance(animator, film, telling(visit, progress, "Reading"))
        way = performance.retarget(
            portrait.reading, strength=float(strength), regions=regions, by=by
        )
        way, tell = list(way), telling(visit, progress, "Drawing")
        out, table = _fresh(visit, "driven", ".mp4"), _fresh(visit, "curves", ".csv")

        def pictures():
            for number, frame in enumerate(animator.animate(portrait, way, where=visit.face.where)):
                tell(number + 1, len(way))
                yield frame.view("face", SIZE)

        made = {"strength": float(strength), "regions": list(regions), "by": by}
        recipe = recipe_of(visit, visit.face.anchor, made={"film": made}).text()
        written = write_film(out, pictures(), film, recipe=recipe, label=visit.label)
        notes = [*performance.notes, *written]
        write_curves(table, way, performance.fps, performance.found)
        drawing = curves([units_of(point) for point in way], CURVES)
        return str(out), drawing, str(table), " ".join(map(told, notes))


def checked(path: str | None) -> Film:
    """A clip of a visitor, if there is one and it is not too long for a page."""
    if path is None:
        raise Problem("There is no clip yet: upload one first.")
    film = open_film(path)
    if film.seconds is None or film.seconds > LONGEST:
        raise Problem(
            "On this page a clip takes at most {} seconds: cut it, or use python -m "
            "moodganimation film.",
            LONGEST,
        )
    return film


def _fresh(visit: Session, name: str, ending: str) -> Path:
    """A new file of the visit; the one before goes."""
    folder = Path(visit.folder.name)
    for old in folder.glob(f"{name}-*{ending}"):
        old.unlink(missing_ok=True)
    return folder / f"{name}-{time.monotonic_ns()}{ending}"
