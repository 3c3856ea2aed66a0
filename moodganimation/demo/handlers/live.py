"""The camera: frames in, edited frames out, one at a time; and a recording of them."""

import base64
import secrets
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path

import cv2
import gradio as gr
import numpy as np

from ...errors import Problem, UnreadableImage
from ...expressions import schema
from ...expressions.request import difference
from ...expressions.sides import in_units, units_of
from ...expressions.spaces import ACTION_UNITS, Expression
from ...media.headers import opening
from ...media.images import LEAST_SIDE
from ...media.video_writer import write_animation
from ...recipe import Face as Place
from ...recipe import Recipe
from ...video.editing import STRONGEST, TargetFunction, offset_by
from ...video.live import Live, Mirror, keyframes
from ...video.reenactment import REGIONS, played, taking_part, write_curves
from ..i18n import told
from ..recipe_io import between, choice, fingerprint, recipe_of, said, several, truth
from ..sessions import Session, Sessions
from .common import asked_units, jpeg, reported

CAMERAS = ("my face, edited", "the photo, as my mirror")  # what the camera drives
MOST = 8  # cameras at once
MOST_BYTES = 2_000_000  # of a frame that arrives
MOST_SIDE = 1280  # of it [px]
LONGEST = 60.0  # of a recording [s]
MOST_FRAMES, MOST_TAKEN = 1200, 40_000_000  # of it, and their bytes
SILENT = 20.0  # time after which a camera may make room for another [s]
IDLE = 600.0  # time after which a camera that is silent is forgotten [s]
KEPT = "data:image/jpeg;base64,"


class Stream:
    """One camera of one visitor."""

    def __init__(self, live: Live):
        self.live, self.busy = live, threading.Lock()
        self.taken: list[tuple[float, bytes]] = []  # seconds and JPEG of what is recorded
        self.recipe: Recipe | None = None  # of the last one of them
        self.label = False  # whether that one's visit wants it said that it was edited
        self.mirror = Mirror()
        self.played: list[tuple[float, Expression]] = []  # by the photo, while that was recorded
        self.used = time.monotonic()
        self.folder = tempfile.TemporaryDirectory(prefix="moodganimation-")


class Streams:
    """Handlers of the tab Live."""

    def __init__(self, visits: Sessions, animator, show):
        self.visits, self.animator = visits, animator
        self.show = show  # of `Animations`: keyframes of a visit
        self._streams: OrderedDict[str, Stream] = OrderedDict()
        self._lock = threading.Lock()

    def frame(self, request: dict) -> dict:
        """A frame {live, token, picture, units, record, mirror, calm} edited: {live, picture,
        found, settled, seconds}.

        live: what the frame before came back with; token: of the visit, whose sliders change the
        face as they change the photo; mirror: {strength, regions} if the photo shall play the face
        instead; calm: whether its rest is read anew; seconds: recorded so far. {"said": why} where
        it cannot be.
        """
        try:
            name, stream = self._stream(request.get("live"))
            photo, units = _decoded(request.get("picture")), asked_units(request.get("units") or ())
            visit = self.visits[request["token"]] if request.get("token") else None
            with stream.busy:
                stream.live.animator = visit.animator if visit else self.animator
                point, mirror = None, _mirror(request)
                if mirror:
                    point = self._played(stream, photo, units, visit, mirror, request.get("calm"))
                    frame = visit.animator.edit(visit.face.small, point, visit.face.where)
                    picture = jpeg(frame.image)
                else:
                    picture = jpeg(stream.live.edit(photo, _target_function(units, visit)))
                seconds = self._record(stream, picture, bool(request.get("record")), point)
                if seconds is not None:
                    animator = stream.live.animator
                    stream.recipe = _recipe(animator, photo, units, visit, mirror)
                    stream.label = visit is not None and visit.label
        except Problem as problem:
            return {"said": told(problem.message)}
        except (AttributeError, TypeError):
            return {"said": told("This is no frame of a camera.")}
        return {
            "live": name,
            "picture": picture,
            "found": stream.live.found,
            "settled": point is None or stream.mirror.settled,
            "seconds": seconds or 0,
        }

    def _played(self, stream: Stream, photo, units, visit, mirror: dict, calm) -> Expression:
        """What the photo shows of a frame: the sliders, and what the face does beyond its rest."""
        if visit is None:
            raise Problem("There is no photo yet: upload one first.")
        if calm:
            stream.mirror.calm()
        if (reading := stream.live.read(photo)) is not None:
            stream.mirror.see(time.monotonic(), reading)
        takes = taking_part(mirror["regions"], stream.mirror.space)
        reading = visit.face.portrait.reading
        start = in_units(units, reading.space, reading)
        return played(start, stream.mirror.change, mirror["strength"], takes)

    def restored(self, visit: Session, recipe: Recipe) -> list:
        """What the camera drives, how strongly, and in which regions."""
        return said(
            recipe,
            "live",
            photo=truth,
            what=choice(*CAMERAS),
            strength=between(0, STRONGEST),
            regions=several(*REGIONS),
        )[1:]

    @reported
    def keyframes(self, name, token):
        """What the photo played, for the tab Animate: pace, mode, blinks, keyframes in words,
        their curves, and these unfolded."""
        with self._lock:
            stream = self._streams.get(name)
        if stream is None or len(stream.played) < 2:
            raise Problem(
                "There is no recording of a mirror yet: choose the photo as your mirror, start the "
                "camera and press Record."
            )
        fps, keys = keyframes([(seconds, units_of(point)) for seconds, point in stream.played])
        shown = self.show(self.visits[token], keys, fps, "once", False)
        return fps, "once", False, *shown, gr.update(open=True)

    @reported
    def save(self, name):
        """What was recorded, as an .mp4 at the pace that it was taken, and what the photo played
        as a table."""
        with self._lock:
            stream = self._streams.get(name)
        if stream is None or len(stream.taken) < 2:
            raise Problem("There is no recording yet: start the camera and press Record.")
        taken = list(stream.taken)
        fps = (len(taken) - 1) / max(taken[-1][0] - taken[0][0], 0.1)
        for old in Path(stream.folder.name).iterdir():
            old.unlink(missing_ok=True)
        path = Path(stream.folder.name) / f"camera-{time.monotonic_ns()}.mp4"
        fps, recipe = min(max(fps, 1.0), 60.0), stream.recipe.text()
        write_animation(path, _pictures(taken), fps, recipe=recipe, label=stream.label)
        if not stream.played:
            return str(path), None
        points = [point for _, point in stream.played][: len(taken)]
        table = write_curves(path.with_suffix(".csv"), points, fps, [True] * len(points))
        return str(path), str(table)

    def _stream(self, name) -> tuple[str, Stream]:
        with self._lock:
            if not isinstance(name, str) or name not in self._streams:
                name = secrets.token_urlsafe(24)
                self._streams[name] = Stream(Live(self.animator))
            self._streams.move_to_end(name)
            self._streams[name].used = now = time.monotonic()
            while next(iter(self._streams.values())).used < now - IDLE:
                self._streams.popitem(last=False)
            if len(self._streams) > MOST:  # the one that is silent longest makes room, if any is
                if next(iter(self._streams.values())).used > now - SILENT:
                    self._streams.popitem()
                    raise Problem("All cameras of this server are in use: try again in a minute.")
                self._streams.popitem(last=False)
            return name, self._streams[name]

    def _record(self, stream: Stream, picture: str, on: bool, point) -> float | None:
        """Seconds recorded so far; None where nothing is."""
        now = time.monotonic()
        if not on:
            return None
        again = stream.taken and now - stream.taken[-1][0] > 2  # pressed once more: a new recording
        if again or bool(stream.played) != (point is not None):
            stream.taken.clear()
            stream.played.clear()
        began = stream.taken[0][0] if stream.taken else now
        size = sum(len(data) for _, data in stream.taken)
        if now - began < LONGEST and len(stream.taken) < MOST_FRAMES and size < MOST_TAKEN:
            stream.taken.append((now, base64.b64decode(picture.removeprefix(KEPT))))
            stream.played += [(now, point)] if point else []
        return round(now - began, 1)


def _target_function(units: Expression, visit: Session | None) -> TargetFunction:
    """Add to a face what the sliders change in the photo; without a photo, all that they show."""
    reading = visit.face.reading if visit else Expression.neutral(ACTION_UNITS)
    return offset_by(difference(units, reading))


def _mirror(request: dict) -> dict | None:
    """What is asked of the photo as a mirror; None if the camera's face shall be edited."""
    asked = request.get("mirror")
    if not asked:
        return None
    schema.fields(asked, "A mirror", ("strength", "regions"))
    strength = schema.check(schema.number("Strength", 0, STRONGEST), asked["strength"])
    return {"strength": strength, "regions": several(*REGIONS)(asked["regions"])}


def _recipe(animator, photo: np.ndarray, units: Expression, visit, mirror) -> Recipe:
    """Of a frame; without a photo, the whole frame is where the face is."""
    made = {"photo": visit is not None, "what": CAMERAS[bool(mirror)]} | (mirror or {})
    made = {"live": made}
    if visit:
        return recipe_of(visit, units, made=made)
    size = photo.shape[1], photo.shape[0]
    place = Place(size, box=(0, 0, *size))
    return Recipe(fingerprint(animator.checkpoint), place, units, options=made)


def _decoded(text) -> np.ndarray:
    """(H, W, 3) uint8 RGB of a JPEG as the page sends it."""
    if not (isinstance(text, str) and text.startswith(KEPT) and len(text) < 1.4 * MOST_BYTES):
        raise UnreadableImage("This is no frame of a camera.")
    try:
        data = base64.b64decode(text.removeprefix(KEPT), validate=True)
        with opening(data, ("JPEG",)) as picture:
            if not LEAST_SIDE <= min(picture.size) <= max(picture.size) <= MOST_SIDE:
                raise UnreadableImage("This is no frame of a camera.")
            return np.asarray(picture.convert("RGB"))
    except (OSError, ValueError, SyntaxError):
        raise UnreadableImage("This is no frame of a camera.") from None


def _pictures(taken: list[tuple[float, bytes]]) -> Iterator[np.ndarray]:
    for _, data in taken:
        yield cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
