"""Helpers of all handlers: values of requests and answers, pictures, files, and progress."""

import base64
import functools
import io
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import cv2
import gradio as gr
import numpy as np
from gradio.context import LocalContext
from gradio.utils import get_upload_folder
from PIL import Image

from ...animation.timeline import Timeline
from ...errors import Cancelled, InvalidExpression, Message, Problem
from ...expressions.moods import convert_expression
from ...expressions.presets import preset_named
from ...expressions.spaces import Expression
from ..i18n import localize
from ..sessions import JobProgress, Session

PHOTO, SLIDERS, NEUTRAL = "the photo", "the sliders", "neutral"  # names for `expression_named`
WEBP_QUALITY = 82
DRAFT_WEBP_QUALITY = 70  # of pictures during a drag, and of the inset
JPEG_QUALITY = 85  # of edited frames of the camera
MAX_JOB_NUMBER_LENGTH = 40  # characters


def problems_as_gradio_errors(handler):
    """Decorate an endpoint: raise a Problem as gr.Error with its localized message."""

    @functools.wraps(handler)
    def report(*arguments, **options):
        try:
            return handler(*arguments, **options)
        except Problem as problem:
            raise gr.Error(
                localize(problem.message),
                title=localize("Error"),
                duration=None,
                print_exception=False,
            ) from None

    return report


def problems_as_answers(handler):
    """Decorate a handler: answer a Problem as {"problem": its localized message}.

    A cancelled job is no error: answer {"cancelled": message}.
    """

    @functools.wraps(handler)
    def answer(*arguments, **options):
        try:
            return handler(*arguments, **options)
        except Cancelled as cancelled:
            return {"cancelled": localize(cancelled.message)}
        except Problem as problem:
            return {"problem": localize(problem.message)}

    return answer


def show_notes(*notes: Message) -> None:
    """Show notes to the sender of the current request; do nothing outside of requests."""
    for note in notes if LocalContext.event_id.get(None) else ():
        gr.Info(localize(note), duration=None, title=localize("Note"))


def job_number(request: dict) -> str:
    """Return the number of the job that a request starts, asks for or cancels."""
    return str(request.get("job"))[:MAX_JOB_NUMBER_LENGTH]


def start_progress(
    session: Session, request: dict, step_text: str
) -> Callable[[int, int | None], None]:
    """Reset the progress of a session to that of a request's job, and return callback(done, total).

    The callback records the progress. step_text: see `JobProgress`; total: None if it is not known.
    Both raise Cancelled if the visitor has cancelled the job, also while it waited in the queue, or
    has closed the session.
    """
    job = job_number(request)

    def report(done: int, total: int | None) -> None:
        if job in session.cancelled_jobs or session.closed.is_set():
            raise Cancelled("Cancelled. Nothing was written.")
        session.progress = JobProgress(job, step_text, done, total or 0)

    report(0, None)
    return report


def reported(frames: Iterable, total: int, report: Callable[[int, int | None], None]) -> Iterator:
    """Yield frames, and report their number to a callback of `start_progress`."""
    for done, frame in enumerate(frames, start=1):
        report(done, total)
        yield frame


def uploaded_path(request: dict, key: str) -> str | None:
    """Return the path of an uploaded file, {key: {"path"}} in a request; None if there is none.

    `FileAccess` has checked that the file is the visitor's. Raises Problem for a path outside the
    folder of uploads.
    """
    file = request.get(key)
    path = file.get("path") if isinstance(file, dict) else None
    if path is None:
        return None
    folder = Path(os.path.realpath(get_upload_folder()))
    if not (isinstance(path, str) and Path(os.path.realpath(path)).is_relative_to(folder)):
        raise Problem("This file was not uploaded here.")
    return path


def file_data(path: str | Path, name: str | None = None) -> dict:
    """Return a file as Gradio's FileData; name: of the download, by default the file's own."""
    path = Path(path)
    return {
        "path": str(path),
        "orig_name": name or path.name,
        "meta": {"_type": "gradio.FileData"},
    }


def new_path(session: Session, name: str, suffix: str, keep: int = 1) -> Path:
    """Return a new path in the session's folder, and delete older files of the same name.

    keep: how many older ones stay, since the browser may still be fetching them.
    """
    folder = Path(session.folder.name)
    for old in sorted(folder.glob(f"{name}-*{suffix}"))[: -keep or None]:
        old.unlink(missing_ok=True)
    return folder / f"{name}-{time.monotonic_ns()}{suffix}"


def download_name(session: Session, content: str, suffix: str) -> str:
    """Return the file name of a download: the photo's name, the content of the file, its suffix."""
    stem = f"{session.name}-{content or 'edited'}"
    return re.sub(r"[^\w-]+", "-", stem).strip("-") + suffix


def expression_named(session: Session, name: str) -> Expression:
    """Return the expression of PHOTO, SLIDERS, NEUTRAL or a preset, in the sliders' space."""
    face = session.face
    if name == PHOTO:
        return face.reading
    if name == SLIDERS:
        return face.state.expression
    if name == NEUTRAL:
        return Expression.neutral(face.reading.space)
    return convert_expression(preset_named(name), face.reading.space, face.reading)


def parse_expression(values: object, start: Expression) -> Expression:
    """Return the expression of a request's {axis: value}; other axes are those of `start`.

    Raises InvalidExpression.
    """
    if not isinstance(values, dict):
        raise InvalidExpression(
            'Slider values must be numbers, named by axis, as in {"AU12": 0.5}.'
        )
    try:
        values = {str(key): float(value) for key, value in values.items()}
    except (TypeError, ValueError, OverflowError):
        raise InvalidExpression(
            'Slider values must be numbers, named by axis, as in {"AU12": 0.5}.'
        ) from None
    given = start.space.values_by_index(values)
    return Expression(start.space, tuple(given.get(i, x) for i, x in enumerate(start.values)))


def timeline_of(session: Session, settings: dict) -> Timeline:
    """Return the timeline of a session: its keyframes, or without any a transition.

    The transition goes from the expression that the setting "start" names to that of "end".

    settings: checked values of `settings.TIMELINE_CHECKERS`.
    """
    if session.keyframes:
        keyframes, fps, mode = tuple(session.keyframes), settings["fps"], settings["mode"]
        return Timeline(keyframes, fps, mode, blinks=settings["blinks"])
    ends = (expression_named(session, settings[name]) for name in ("start", "end"))
    return Timeline.between(
        *ends,
        frames=int(settings["frames"]),
        fps=settings["fps"],
        easing=settings["easing"],
        ping_pong=settings["ping_pong"],
        hold=int(settings["hold"]),
    )


def rounded_to_slider_steps(expression: Expression) -> Expression:
    """Return the expression rounded to hundredths, the step of sliders."""
    return Expression.clipped(expression.space, expression.vector().round(2))


def values_of(expression: Expression) -> dict[str, float]:
    """Return {axis: value} for an answer."""
    return {key: round(value, 3) for key, value in expression.asdict().items()}


def webp_data_url(picture: np.ndarray, quality: int = WEBP_QUALITY) -> str:
    """Return a data URL of a picture, (H, W, 3) uint8 RGB."""
    data = io.BytesIO()
    Image.fromarray(picture).save(data, "WEBP", quality=quality, method=0)
    return "data:image/webp;base64," + base64.b64encode(data.getvalue()).decode()


def jpeg_data_url(picture: np.ndarray) -> str:
    """Return a data URL of a picture, (H, W, 3) uint8 RGB."""
    _, data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return "data:image/jpeg;base64," + base64.b64encode(data).decode()
