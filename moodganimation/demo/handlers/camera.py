"""Handlers of the tab Live: frames of a camera, edited one at a time, and a recording of them."""

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
from ...errors import Problem, UnreadableImage
from ...expressions import schema
from ...expressions.request import offset_between
from ...expressions.sides import convert_units, units_of
from ...expressions.spaces import FACS, Expression, ExpressionSpace
from ...media.images import MIN_PHOTO_SIDE
from ...media.opening import open_bounded
from ...media.video_writer import write_animation
from ...recipe import Face as FacePlace
from ...recipe import Recipe
from ...video.editing import TargetFunction, offset_by
from ...video.live import ChangeFromNeutral, Live, fit_keyframes
from ...video.reenactment import add_masked_change, region_mask, regions_of, write_curves
from ..i18n import localize
from ..recipe_io import current_recipe, fingerprint, panel_settings
from ..sessions import Session, Sessions, temporary_folder
from .answers import state_answer
from .common import download_name, file_data, jpeg_data_url, parse_units, problems_as_answers
from .keyframes import set_keyframes
from .settings import bool_checker, choice_checker, retarget_checkers
from .views import edited_picture, requested_view

CAMERA_EDITED, PHOTO_MIRRORS = CAMERA_MODES = ("my face, edited", "the photo, as my mirror")
MAX_STREAMS = 8  # cameras at once
MAX_FRAME_BYTES = 2_000_000  # of a JPEG from the page
MAX_FRAME_SIDE = 1280  # [px]
BASE64_GROWTH = 1.4  # a little more than 4/3, for line breaks
MAX_RECORDING_S = 60.0
MAX_RECORDED_FRAMES, MAX_RECORDED_BYTES = 1200, 40_000_000
NEW_RECORDING_GAP_S = 2.0  # a longer pause between recorded frames starts a new recording
MIN_FPS, MAX_FPS = 1.0, 60.0  # of a recording's film
SILENT_S = 20.0  # a stream without frames for this long makes room for another one
IDLE_S = 600.0  # a stream without frames for this long is removed
BAD_FRAME = "The camera's picture cannot be read. Reload the page, or use another camera."
JPEG_DATA_URL_PREFIX = "data:image/jpeg;base64,"


class CameraStream:
    """The stream of one camera, and its recording."""

    def __init__(self, live: Live):
        self.live, self.busy = live, threading.Lock()
        self.recorded: list[tuple[float, bytes]] = []  # seconds and JPEG of each frame
        self.recipe: Recipe | None = None  # of the last recorded frame
        self.label = False  # `Session.label` of the last recorded frame
        self.change_from_neutral = ChangeFromNeutral()
        self.mirrored: list[tuple[float, Expression]] = []  # of the photo, for each recorded frame
        self.used = time.monotonic()
        self.folder = temporary_folder()


class CameraHandlers:
    """Handlers of the tab Live."""

    def __init__(self, sessions: Sessions, animator: Animator):
        self.sessions, self.animator = sessions, animator
        self._streams: OrderedDict[str, CameraStream] = OrderedDict()  # by secret id, oldest first
        self._lock = threading.Lock()

    def frame(self, request: dict) -> dict:
        """Edit one frame of the camera, or let the photo mirror its face.

        request: {"stream_id": of the answer before, or none; "picture": JPEG data URL; "units": the
        sliders, by default those of the session; "token": of a session, whose photo the sliders
        change, or none; "mirror": {"strength", "regions"}, or none to edit the frame;
        "recalibrate": measure the neutral face again; "record"}. Answer: {"stream_id", "picture",
        "found": whether there is a face, "calibrated": whether the neutral face is known,
        "seconds" recorded so far}, or {"problem"}.
        """
        try:
            stream_id, stream = self._stream(request.get("stream_id"))
            session = self.sessions[request["token"]] if request.get("token") else None
            camera_frame = _decoded(request.get("picture"))
            units = self._units(request, session)
            with stream.busy:
                stream.live.animator = session.animator if session else self.animator
                expression, mirror_settings = None, _mirror_settings(request)
                if mirror_settings:
                    recalibrate = bool(request.get("recalibrate"))
                    expression = self._mirrored(
                        stream, camera_frame, session, mirror_settings, recalibrate
                    )
                    view = requested_view(request)
                    picture = jpeg_data_url(edited_picture(session.face, expression, view))
                else:
                    target = _target_function(units, session)
                    picture = jpeg_data_url(stream.live.edit(camera_frame, target))
                seconds = 0
                if request.get("record"):
                    seconds = self._record(stream, picture, expression)
                    animator = stream.live.animator
                    stream.recipe = _recipe(animator, camera_frame, units, session, mirror_settings)
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
        }

    def _units(self, request: dict, session: Session | None) -> Expression:
        """Return the sliders: those of the request, or else those of the session."""
        space = self.animator.reader_space
        start = session.face.state.units if session else Expression.neutral(space)
        values = request.get("units")
        return start if values is None else parse_units(values, start)

    def _mirrored(
        self, stream: CameraStream, camera_frame, session, mirror_settings: dict, recalibrate: bool
    ) -> Expression:
        """Return the photo's expression for a camera frame: the sliders, plus the change of the
        camera's face from its neutral expression."""
        if session is None:
            raise Problem("There is no photo yet: upload one first.")
        change, settings = stream.change_from_neutral, mirror_settings
        if recalibrate:
            change.recalibrate()
        if (camera_reading := stream.live.read(camera_frame)) is not None:
            change.update(time.monotonic(), camera_reading)
        moved = _moved_axes(settings["regions"], change.space)
        reading = session.face.portrait.reading
        start = convert_units(session.face.state.units, reading.space, reading)
        return add_masked_change(start, change.values, change.space, settings["strength"], moved)

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
    def keyframes(self, request: dict, tab_hash: str | None = None) -> dict:
        """Make the recorded expressions of the photo the keyframes of the timeline.

        Answer: `state_answer`, and {"settings": {"animate"}} of the timeline.
        """
        stream, session = self._known(request), self.sessions[request.get("token")]
        if stream is None or len(stream.mirrored) < 2:
            raise Problem(
                "There is no recording of a mirror yet: choose the photo as your mirror, start the "
                "camera and press Record."
            )
        readings = [(seconds, units_of(expression)) for seconds, expression in stream.mirrored]
        fps, keyframes = fit_keyframes(readings)
        settings = {"fps": fps, "mode": "once", "blinks": False}
        set_keyframes(session, keyframes, settings)
        answer = {"settings": {"animate": settings}}
        return answer | state_answer(session, requested_view(request))

    @problems_as_answers
    def save(self, request: dict, tab_hash: str | None = None) -> dict:
        """Write the recording at its own frame rate: {"film": an MP4, "files"}.

        "files" has the expressions of a mirrored photo as a table.
        """
        stream, token = self._known(request), request.get("token")
        if stream is None or len(stream.recorded) < 2:
            raise Problem("There is no recording yet: start the camera and press Record.")
        recorded = list(stream.recorded)
        fps = (len(recorded) - 1) / max(recorded[-1][0] - recorded[0][0], 0.1)
        fps = min(max(fps, MIN_FPS), MAX_FPS)
        for old in Path(stream.folder.name).iterdir():
            old.unlink(missing_ok=True)
        path = Path(stream.folder.name) / f"camera-{time.monotonic_ns()}.mp4"
        recipe = stream.recipe.text()
        write_animation(path, _pictures(recorded), fps, recipe=recipe, label=stream.label)
        name = download_name(self.sessions[token], "camera", ".mp4") if token else "camera.mp4"
        answer = {"film": file_data(path, name), "files": []}
        if stream.mirrored:
            # Frames may have arrived since `recorded` was copied.
            points = [expression for _, expression in stream.mirrored][: len(recorded)]
            table = write_curves(path.with_suffix(".csv"), points, fps, [True] * len(points))
            answer["files"] = [file_data(table, name.replace(".mp4", ".csv"))]
        return answer

    def _known(self, request: dict) -> CameraStream | None:
        with self._lock:
            return self._streams.get(request.get("stream_id"))

    def _stream(self, stream_id: object) -> tuple[str, CameraStream]:
        """Return a stream and its id; an unknown id opens a stream with an id of its own.

        Raises Problem if there are too many streams.
        """
        with self._lock:
            if not isinstance(stream_id, str) or stream_id not in self._streams:
                stream_id = secrets.token_urlsafe(24)
                self._streams[stream_id] = CameraStream(Live(self.animator))
            self._streams.move_to_end(stream_id)
            self._streams[stream_id].used = now = time.monotonic()
            while next(iter(self._streams.values())).used < now - IDLE_S:
                self._streams.popitem(last=False)
            if len(self._streams) > MAX_STREAMS:
                if next(iter(self._streams.values())).used > now - SILENT_S:
                    self._streams.popitem()
                    raise Problem("All cameras of this server are in use: try again in a minute.")
                self._streams.popitem(last=False)
            return stream_id, self._streams[stream_id]

    def _record(self, stream: CameraStream, picture: str, expression: Expression | None) -> float:
        """Record a frame within the limits, and return the seconds since the recording began.

        expression: of the mirroring photo; None if the camera's own face is edited. A pause over
        NEW_RECORDING_GAP_S or a change between these two starts a new recording.
        """
        now = time.monotonic()
        paused = stream.recorded and now - stream.recorded[-1][0] > NEW_RECORDING_GAP_S
        if paused or bool(stream.mirrored) != (expression is not None):
            stream.recorded.clear()
            stream.mirrored.clear()
        began = stream.recorded[0][0] if stream.recorded else now
        size = sum(len(data) for _, data in stream.recorded)
        has_room = len(stream.recorded) < MAX_RECORDED_FRAMES and size < MAX_RECORDED_BYTES
        if now - began < MAX_RECORDING_S and has_room:
            data = base64.b64decode(picture.removeprefix(JPEG_DATA_URL_PREFIX))
            stream.recorded.append((now, data))
            stream.mirrored += [(now, expression)] if expression else []
        return round(now - began, 1)


def _target_function(units: Expression, session: Session | None) -> TargetFunction:
    """Return the function that adds to a face what the sliders change in the photo.

    Without a photo, they are compared with a neutral face.
    """
    reading = session.face.reading if session else Expression.neutral(units.space)
    return offset_by(offset_between(units, reading))


def _mirror_settings(request: dict) -> dict | None:
    """Return the settings of the photo as a mirror; None if the camera's face is edited."""
    settings = request.get("mirror")
    if not settings:
        return None
    schema.check_keys(settings, "A mirror", ("strength", "regions"))
    checkers = retarget_checkers(FACS)
    return {name: checkers[name](settings[name]) for name in ("strength", "regions")}


def _moved_axes(regions: list[str], space: ExpressionSpace) -> np.ndarray:
    """Return `region_mask`; regions that the space lacks are left out.

    The space of a `ChangeFromNeutral` is ACTION_UNITS, which has no head, until it has seen a face.
    """
    known = [name for name in regions if name in regions_of(space)]
    if regions and not known:
        return np.zeros(len(space.axes), bool)
    return region_mask(known, space)


def _recipe(
    animator: Animator, camera_frame: np.ndarray, units: Expression, session, mirror_settings
) -> Recipe:
    """Return the recipe of a camera frame.

    Without a session, the whole frame is the box of its face.
    """
    settings = {"photo": session is not None, "what": CAMERA_MODES[bool(mirror_settings)]}
    options = {"live": settings | (mirror_settings or {})}
    if session:
        return current_recipe(session, units, extra_options=options)
    size = camera_frame.shape[1], camera_frame.shape[0]
    place = FacePlace(size, box=(0, 0, *size))
    return Recipe(fingerprint(animator.checkpoint), place, units, options=options)


def _decoded(url: object) -> np.ndarray:
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


def _pictures(recorded: list[tuple[float, bytes]]) -> Iterator[np.ndarray]:
    for _, data in recorded:
        yield cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
