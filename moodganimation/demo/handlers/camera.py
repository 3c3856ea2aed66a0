"""Handlers of the tab Live: edit the frames of a camera one at a time, and record them."""

import base64
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from ...animator import Animator
from ...errors import Message, Problem, UnreadableImage
from ...expressions import schema
from ...expressions.request import offset_between
from ...expressions.sides import convert_units, units_of
from ...expressions.spaces import FACS, Expression, ExpressionSpace
from ...media.images import MIN_PHOTO_SIDE
from ...media.opening import open_bounded
from ...media.video_writer import write_animation
from ...recipe import FacePlace, Recipe
from ...video.editing import TargetFunction, offset_by
from ...video.live import ChangeFromNeutral, Live, fit_keyframes
from ...video.reenactment import add_masked_change, region_mask, regions_of, write_curves
from ..i18n import localize
from ..recipe_io import current_recipe, fingerprint, panel_settings
from ..sessions import Session, Sessions, temporary_folder
from .answers import state_answer
from .common import (
    download_name,
    file_data,
    jpeg_data_url,
    parse_expression,
    problems_as_answers,
    reported,
    start_progress,
)
from .keyframes import set_keyframes
from .settings import bool_checker, choice_checker, retarget_checkers
from .views import edited_picture, requested_view

CAMERA_EDITED, PHOTO_MIRRORS = CAMERA_MODES = ("my face, edited", "the photo, as my mirror")
MAX_STREAMS = 8  # cameras at once
MAX_FRAME_BYTES = 2_000_000  # of a frame's JPEG from the page
MAX_FRAME_SIDE = 1280  # longest side of a frame [px]
BASE64_GROWTH = 1.4  # length of Base64 over that of its data, at most: 4/3 and line breaks
MAX_RECORDING_S = 60.0
MAX_RECORDED_FRAMES, MAX_RECORDED_BYTES = 1200, 40_000_000
NEW_RECORDING_GAP_S = 2.0  # a longer pause between frames with "record" starts a new recording
MIN_FPS, MAX_FPS = 1.0, 60.0  # of a recording's film
REPLACEABLE_AFTER_S = 20.0  # without frames for this long, a stream makes room for a new one
EXPIRES_AFTER_S = 600.0  # without frames for this long, a stream is removed
BAD_FRAME = "The camera's picture cannot be read. Reload the page, or use another camera."
JPEG_DATA_URL_PREFIX = "data:image/jpeg;base64,"


class CameraStream:
    """The stream of one camera, and its recording."""

    def __init__(self, live: Live):
        self.live, self.lock = live, threading.Lock()  # held while a frame is edited
        self.recorded_frames: list[tuple[float, bytes]] = []  # (`time.monotonic()`, JPEG)
        # Time [s] of the last frame that asked to be recorded, also if a limit kept it out.
        self.last_record_request = 0.0
        self.is_full = False  # whether the recording is at its limit
        self.recipe: Recipe | None = None  # of the last recorded frame
        self.label = False  # `Session.label` of the last recorded frame
        self.change_from_neutral = ChangeFromNeutral()
        # (seconds, expression of the mirroring photo) of each frame; empty if there is no mirror.
        self.recorded_expressions: list[tuple[float, Expression]] = []
        self.last_used = time.monotonic()
        self.folder = temporary_folder()


class CameraHandlers:
    """Handlers of the tab Live."""

    def __init__(self, sessions: Sessions, animator: Animator):
        self.sessions, self.animator = sessions, animator
        # By secret id, least recently used first.
        self._streams: OrderedDict[str, CameraStream] = OrderedDict()
        self._lock = threading.Lock()

    def process_frame(self, request: dict) -> dict:
        """Edit one frame of the camera, or let the photo mirror its face.

        request: {"stream_id": of the answer before, or none; "picture": JPEG data URL;
        "expression": of the sliders, by default those of the session; "token": of a session, whose
        photo the sliders change, or none; "mirror": {"strength", "regions"}, or none to edit the
        frame; "recalibrate": measure the neutral face again; "record"}. Answer: {"stream_id",
        "picture", "found": whether there is a face, "calibrated": whether the neutral face is
        known, true without a mirror, "seconds" recorded so far, "full": whether the recording is
        at its limit}, or {"problem"}.
        """
        try:
            stream_id, stream = self._open_stream(request.get("stream_id"))
            session = self.sessions[request["token"]] if request.get("token") else None
            camera_frame = _decode_frame(request.get("picture"))
            sliders = self._slider_expression(request, session)
            with stream.lock:
                stream.live.animator = session.animator if session else self.animator
                expression, mirror_settings = None, _mirror_settings(request)
                if mirror_settings:
                    recalibrate = bool(request.get("recalibrate"))
                    expression = self._mirror_expression(
                        stream, camera_frame, session, mirror_settings, recalibrate
                    )
                    view = requested_view(request)
                    picture = jpeg_data_url(edited_picture(session.face, expression, view))
                else:
                    target = _slider_offset(sliders, session)
                    picture = jpeg_data_url(stream.live.edit(camera_frame, target))
                seconds = 0
                if request.get("record"):
                    seconds = self._record(stream, picture, expression)
                if request.get("record") and not stream.is_full:
                    animator = stream.live.animator
                    stream.recipe = _recipe(
                        animator, camera_frame, sliders, session, mirror_settings
                    )
                    stream.label = session is not None and session.label
        except Problem as problem:
            return {"problem": localize(problem.message)}
        except (AttributeError, TypeError):  # a malformed request
            return {"problem": localize(BAD_FRAME)}
        return {
            "stream_id": stream_id,
            "picture": picture,
            "found": stream.live.found,
            "calibrated": expression is None or stream.change_from_neutral.calibrated,
            "seconds": seconds,
            "full": bool(request.get("record")) and stream.is_full,
        }

    def _slider_expression(self, request: dict, session: Session | None) -> Expression:
        """Return the expression of the sliders: of the request, or else of the session."""
        space = self.animator.reader_space
        start = session.face.state.expression if session else Expression.neutral(space)
        values = request.get("expression")
        return start if values is None else parse_expression(values, start)

    def _mirror_expression(
        self, stream: CameraStream, camera_frame, session, mirror_settings: dict, recalibrate: bool
    ) -> Expression:
        """Return the photo's expression for a camera frame: the session's committed sliders (those
        of the request only enter the recipe), plus the change of the camera's face from neutral."""
        if session is None:
            raise Problem("There is no photo yet: upload one first.")
        change, settings = stream.change_from_neutral, mirror_settings
        if recalibrate:
            change.recalibrate()
        if (camera_reading := stream.live.read(camera_frame)) is not None:
            change.update(time.monotonic(), camera_reading)
        driven = _driven_axes(settings["regions"], change.space)
        reading = session.face.portrait.reading
        start = convert_units(session.face.state.expression, reading.space, reading)
        return add_masked_change(start, change.values, change.space, settings["strength"], driven)

    def restore_settings(self, session: Session | None, recipe: Recipe) -> dict[str, dict]:
        """Return the settings of the tab that a recipe has."""
        retarget = retarget_checkers(self.animator.reader_space)
        settings = panel_settings(
            recipe,
            "live",
            photo=bool_checker("Photo"),
            what=choice_checker("What the camera drives", *CAMERA_MODES),
            strength=retarget["strength"],
            regions=retarget["regions"],
        )
        settings.pop("photo", None)
        return {"live": settings}

    @problems_as_answers
    def edit_recording(self, request: dict, tab_hash: str | None = None) -> dict:
        """Make the recorded Action Units of the mirroring photo the keyframes of the timeline,
        without sides, gaze and head.

        Answer: `state_answer`, and {"settings": {"animate"}} of the timeline.
        """
        stream, session = self._find_stream(request), self.sessions[request.get("token")]
        if stream is None or len(stream.recorded_expressions) < 2:
            raise Problem(
                "There is no recording of a mirror yet: choose the photo as your mirror, start the "
                "camera and press Record."
            )
        recorded = stream.recorded_expressions
        recorded_units = [(seconds, units_of(expression)) for seconds, expression in recorded]
        fps, keyframes = fit_keyframes(recorded_units)
        settings = {"fps": fps, "mode": "once", "blinks": False}
        set_keyframes(session, keyframes, settings)
        answer = {"settings": {"animate": settings}}
        return answer | state_answer(session, requested_view(request))

    @problems_as_answers
    def save_recording(self, request: dict, tab_hash: str | None = None) -> dict:
        """Write the recording at its own frame rate: {"film": an MP4, "files"}.

        "files" has the expressions of a mirrored photo as a table.
        """
        stream, token = self._find_stream(request), request.get("token")
        session = self.sessions[token] if token else None
        if stream is None or len(stream.recorded_frames) < 2:
            raise Problem("There is no recording yet: start the camera and press Record.")
        recorded = list(stream.recorded_frames)
        frames = _decode_recording(recorded)
        if session:
            label = Message("Writing {}", Message("MP4"))
            frames = reported(frames, len(recorded), start_progress(session, request, label))
        fps = (len(recorded) - 1) / max(recorded[-1][0] - recorded[0][0], 0.1)
        fps = min(max(fps, MIN_FPS), MAX_FPS)
        for old in Path(stream.folder.name).iterdir():
            old.unlink(missing_ok=True)
        path = Path(stream.folder.name) / f"camera-{time.monotonic_ns()}.mp4"
        recipe = stream.recipe.text()
        write_animation(path, frames, fps, recipe=recipe, label=stream.label)
        name = download_name(session, "camera", ".mp4") if session else "camera.mp4"
        answer = {"film": file_data(path, name), "files": []}
        if stream.recorded_expressions:
            # Frames may have arrived since `recorded` was copied.
            points = [expression for _, expression in stream.recorded_expressions][: len(recorded)]
            table = write_curves(path.with_suffix(".csv"), points, fps, [True] * len(points))
            answer["files"] = [file_data(table, name.replace(".mp4", ".csv"))]
        return answer

    def _find_stream(self, request: dict) -> CameraStream | None:
        """Return the stream of a request's id; None for an unknown id."""
        stream_id = request.get("stream_id")
        with self._lock:
            return self._streams.get(stream_id) if isinstance(stream_id, str) else None

    def _open_stream(self, stream_id: object) -> tuple[str, CameraStream]:
        """Return a stream and its id; for an unknown id open a stream with a new id.

        Raises Problem if there are too many streams.
        """
        with self._lock:
            if not isinstance(stream_id, str) or stream_id not in self._streams:
                stream_id = secrets.token_urlsafe(24)
                self._streams[stream_id] = CameraStream(Live(self.animator))
            self._streams.move_to_end(stream_id)
            self._streams[stream_id].last_used = now = time.monotonic()
            while next(iter(self._streams.values())).last_used < now - EXPIRES_AFTER_S:
                self._streams.popitem(last=False)
            if len(self._streams) > MAX_STREAMS:
                if next(iter(self._streams.values())).last_used > now - REPLACEABLE_AFTER_S:
                    self._streams.popitem()
                    raise Problem("All cameras of this server are in use: try again in a minute.")
                self._streams.popitem(last=False)
            return stream_id, self._streams[stream_id]

    def _record(self, stream: CameraStream, picture: str, expression: Expression | None) -> float:
        """Record a frame within the limits, and return the seconds recorded so far.

        expression: of the mirroring photo; None if the camera's own face is edited. A change
        between these two starts a new recording, as does a pause over NEW_RECORDING_GAP_S.
        """
        now = time.monotonic()
        paused = now - stream.last_record_request > NEW_RECORDING_GAP_S
        stream.last_record_request = now
        if paused or bool(stream.recorded_expressions) != (expression is not None):
            stream.recorded_frames.clear()
            stream.recorded_expressions.clear()
        began = stream.recorded_frames[0][0] if stream.recorded_frames else now
        size = sum(len(data) for _, data in stream.recorded_frames)
        has_room = len(stream.recorded_frames) < MAX_RECORDED_FRAMES and size < MAX_RECORDED_BYTES
        stream.is_full = now - began >= MAX_RECORDING_S or not has_room
        if not stream.is_full:
            data = base64.b64decode(picture.removeprefix(JPEG_DATA_URL_PREFIX))
            stream.recorded_frames.append((now, data))
            stream.recorded_expressions += [(now, expression)] if expression else []
        return round((stream.recorded_frames[-1][0] if stream.is_full else now) - began, 1)


def _slider_offset(sliders: Expression, session: Session | None) -> TargetFunction:
    """Return the function that adds to a face what the sliders change in the photo.

    Without a photo, they are compared with a neutral face.
    """
    reading = session.face.reading if session else Expression.neutral(sliders.space)
    return offset_by(offset_between(sliders, reading))


def _mirror_settings(request: dict) -> dict | None:
    """Return the settings of the photo as a mirror; None if the camera's face is edited."""
    settings = request.get("mirror")
    if not settings:
        return None
    schema.check_keys(settings, "A mirror", ("strength", "regions"))
    checkers = retarget_checkers(FACS)
    return {name: checkers[name](settings[name]) for name in ("strength", "regions")}


def _driven_axes(regions: list[str], space: ExpressionSpace) -> np.ndarray:
    """Return `region_mask`; regions that the space lacks are left out.

    The space of a `ChangeFromNeutral` is ACTION_UNITS, which has no head, until it is calibrated.
    """
    known = [name for name in regions if name in regions_of(space)]
    if regions and not known:
        return np.zeros(len(space.axes), bool)
    return region_mask(known, space)


def _recipe(
    animator: Animator, camera_frame: np.ndarray, sliders: Expression, session, mirror_settings
) -> Recipe:
    """Return the recipe of a camera frame.

    Without a session, the whole frame is the box of its face.
    """
    settings = {"photo": session is not None, "what": CAMERA_MODES[bool(mirror_settings)]}
    options = {"live": settings | (mirror_settings or {})}
    if session:
        return current_recipe(session, sliders, extra_options=options)
    size = camera_frame.shape[1], camera_frame.shape[0]
    place = FacePlace(size, box=(0, 0, *size))
    return Recipe(fingerprint(animator.checkpoint_path), place, sliders, options=options)


def _decode_frame(url: object) -> np.ndarray:
    """Return (H, W, 3) uint8 RGB of a JPEG data URL from the page. Raises UnreadableImage."""
    if not (isinstance(url, str) and url.startswith(JPEG_DATA_URL_PREFIX)):
        raise UnreadableImage(BAD_FRAME)
    if len(url) >= BASE64_GROWTH * MAX_FRAME_BYTES:
        raise UnreadableImage(BAD_FRAME)
    try:
        data = base64.b64decode(url.removeprefix(JPEG_DATA_URL_PREFIX), validate=True)
        with open_bounded(data, ("JPEG",)) as picture:
            if not MIN_PHOTO_SIDE <= min(picture.size) <= max(picture.size) <= MAX_FRAME_SIDE:
                raise UnreadableImage(BAD_FRAME)
            return np.asarray(picture.convert("RGB"))
    except (OSError, ValueError, SyntaxError):
        raise UnreadableImage(BAD_FRAME) from None


def _decode_recording(recorded: list[tuple[float, bytes]]) -> Iterator[np.ndarray]:
    """Yield the recorded frames, (H, W, 3) uint8 RGB."""
    for _, data in recorded:
        yield cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
