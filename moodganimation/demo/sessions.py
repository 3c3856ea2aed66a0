"""Visits: what the server keeps of an uploaded photo, secret and bounded."""

import base64
import secrets
import tempfile
import threading
import zlib
from collections import OrderedDict
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from ..animation.timeline import Keyframe
from ..animator import Animator
from ..errors import Problem
from ..expressions import schema
from ..expressions.moods import in_space
from ..expressions.presets import PRESETS
from ..expressions.sides import units_of
from ..expressions.spaces import ACTION_UNITS, PAD, Expression
from ..faces.portrait import LOCKS, Portrait, half, unlocked
from ..frame import Frame

MOST_VISITS, MOST_BYTES = 64, 600_000_000  # kept at once; the one unused longest goes first
ENCODING_BYTES = 4_000_000  # of a portrait, for a crop of 128 pixels
PREVIEW = 720  # longest side of a preview [px]
HALVES = {"whole face": None, "their left half": "left", "their right half": "right"}
LINE = 800  # letters of a text in a recipe
MASK = 128  # side of the masks that say where edits may act
_LOCKED = schema.several("What is locked", schema.choice("What is locked", LOCKS), 0, len(LOCKS))
_MOOD = schema.group("The mood", object, object, object)
_EMOTION = schema.choice("The emotion", PRESETS)
_INTENSITY = schema.number("The intensity", 0, 1)


class History:
    """Expressions that were shown, to go back to and forth again; the oldest are forgotten."""

    def __init__(self, most: int = 200):
        self._shown, self._at, self._most = [], -1, most

    def add(self, expression: Expression) -> None:
        """What was undone before it is forgotten."""
        if self._shown and self._shown[self._at] == expression:
            return
        self._shown = [*self._shown[: self._at + 1], expression][-self._most :]
        self._at = len(self._shown) - 1

    def step(self, by: int) -> Expression | None:
        """The one before (-1) or after (1); None where there is none."""
        if not 0 <= self._at + by < len(self._shown):
            return None
        self._at += by
        return self._shown[self._at]


def slider_units(expression: Expression) -> Expression:
    """The 17 Action Units of an expression, in hundredths."""
    return Expression.clipped(ACTION_UNITS, units_of(expression).vector().round(2))


@dataclass(eq=False)
class Face:
    """One face of an uploaded photo, and how far the visitor has come with it."""

    animator: Animator  # that encoded it
    portrait: Portrait  # in the photo with all other faces as they were edited
    small: Portrait  # the same in a picture of at most PREVIEW pixels, for dragging
    anchor: Expression  # the Action Units that mood sliders start from
    mooded: Expression | None = None  # the Action Units that the mood sliders last set
    turned: dict = field(default_factory=dict)  # what set them: {"mood"} or {"preset", "intensity"}
    half: str = "whole face"  # one of HALVES: where edits may act
    locked: tuple[str, ...] = ()  # names of LOCKS: what stays as it is
    marked: np.ndarray | None = None  # (MASK, MASK) 0 or 1: what the brush has marked on the crop
    alone: bool = False  # whether only that is edited; else it stays as it is
    history: History = field(default_factory=History)
    frame: Frame | None = None  # the last one shown

    @classmethod
    def of(cls, animator: Animator, portrait: Portrait) -> "Face":
        return cls(animator, portrait, portrait.within(PREVIEW), slider_units(portrait.reading))

    @property
    def reading(self) -> Expression:
        """The 17 Action Units read in the photo, as sliders have them."""
        return slider_units(self.portrait.reading)

    @property
    def where(self) -> np.ndarray | None:
        """Where edits may act; None: everywhere."""
        side, masks = HALVES[self.half], []
        masks += [] if side is None else [half(MASK, side)]
        masks += [unlocked(MASK, self.locked)] if self.locked else []
        masks += [] if self.marked is None else [self.brushed]
        return np.prod(masks, 0) if masks else None

    @property
    def brushed(self) -> np.ndarray:
        """(MASK, MASK) in [0, 1]: what the brush says, with soft edges against seams."""
        mark = np.clip(cv2.GaussianBlur(np.float32(self.marked), (0, 0), 2), 0, 1)
        return mark if self.alone else 1 - mark

    def options(self) -> dict[str, object]:
        """Where edits may act, as plain values for a recipe."""
        said = {"half": self.half, "locked": list(self.locked)} | self.turned
        if self.marked is None:
            return said
        packed = base64.b64encode(zlib.compress(np.packbits(self.marked).tobytes(), 9)).decode()
        lines = [packed[i : i + LINE] for i in range(0, len(packed), LINE)]
        return said | {"alone": self.alone, "marked": lines}

    def restore(self, options: dict) -> None:
        """Put back what a recipe's options say. Raises Problem for what they cannot say."""
        half, marked = options.get("half", "whole face"), None
        if half not in HALVES:
            raise Problem("The recipe names a part of the face that does not exist.")
        if "marked" in options:
            try:
                packed = base64.b64decode("".join(options["marked"]), validate=True)
                bits = zlib.decompressobj().decompress(packed, MASK * MASK // 8 + 1)
                marked = np.unpackbits(np.frombuffer(bits, np.uint8)).reshape(MASK, MASK)
            except (TypeError, ValueError, zlib.error) as problem:
                raise Problem("The painted mask in the recipe is damaged.") from problem
        self.locked = schema.check(_LOCKED, options.get("locked", []))
        self.half, self.marked, self.alone = half, marked, bool(options.get("alone"))
        self.turned = {}
        if "mood" in options:
            mood = schema.check(_MOOD, options["mood"])
            self.turned["mood"] = list(Expression(PAD, mood).values)
        if "preset" in options:
            self.turned["preset"] = schema.check(_EMOTION, options["preset"])
            self.turned["intensity"] = schema.check(_INTENSITY, options.get("intensity"))

    def encoded_by(self, animator: Animator) -> None:
        if animator is not self.animator:
            self.portrait, self.animator = animator.encode(self.portrait), animator
            known = {"encoding": self.portrait.encoding, "reading": self.portrait.reading}
            self.small = replace(self.small, **known)


@dataclass(eq=False)
class Session:
    """What the server keeps of one uploaded photo until the visitor leaves."""

    animator: Animator  # the model that the visitor chose
    original: str  # the uploaded file
    photo: np.ndarray  # what it shows
    crops: list[np.ndarray]  # of the faces in it, largest first
    face: Face  # the one at work
    session: str | None  # of the visitor's browser tab
    at: int = 0  # its number
    label: bool = False  # whether what is made says in a corner that it was edited
    faces: dict[int, Face] = field(default_factory=dict)  # those that were at work so far
    keyframes: list[Keyframe] = field(default_factory=list)  # of the timeline
    stopped: threading.Event = field(default_factory=threading.Event)  # long work shall end
    gone: threading.Event = field(default_factory=threading.Event)  # the visitor has left
    pins: list[tuple[np.ndarray, Expression]] = field(default_factory=list)  # face crops
    folder: tempfile.TemporaryDirectory = field(
        default_factory=lambda: tempfile.TemporaryDirectory(prefix="moodganimation-")
    )

    def __post_init__(self):
        self.faces[self.at] = self.face
        self.small = self.face.small.photo

    @property
    def nbytes(self) -> int:
        """Memory it takes, about."""
        pictures = (self.photo.nbytes + self.small.nbytes) * min(2, len(self.crops))
        return pictures + ENCODING_BYTES * len(self.faces)

    def others(self) -> dict[str, dict]:
        """The other faces as they were edited, by number, as plain values for a recipe."""
        return {
            str(at): schema.of_expression(face.anchor) | {"options": face.options()}
            for at, face in self.faces.items()
            if at != self.at and face.frame
        }

    def restore(self, face: Face, options: dict) -> None:
        """Put a recipe's finding of a face to work, edited where its options say, and the other
        faces as they were. Raises Problem for what cannot be."""
        at, others = options.get("at", self.at), options.get("others", {})
        face.restore(options)
        if not (isinstance(at, int) and 0 <= at < len(self.crops) and isinstance(others, dict)):
            raise Problem("There is no such face in the photo.")
        for name, said in others.items():
            said = schema.fields(
                said, "A face of the recipe", ("options",), ("space", "expression")
            )
            if not (isinstance(said["options"], dict) and name.isdecimal()):
                raise Problem("A face of the recipe is damaged.")
            other = self.face_at(int(name))
            other.restore(said["options"])
            asked = schema.to_expression(said)
            other.anchor = in_space(asked, ACTION_UNITS, other.portrait.reading)
            other.frame = self.animator.edit(other.portrait, other.anchor, other.where)
        self.faces[at], self.crops[at] = face, face.portrait.to_face
        self.turn_to(at)

    def face_at(self, at: int) -> Face:
        """One of the faces, ready to be edited. Raises Problem for one that is not there."""
        if not 0 <= at < len(self.crops):
            raise Problem("There is no such face in the photo.")
        if at not in self.faces:
            portrait = self.animator.locate(self.photo, face=self.crops[at])
            self.faces[at] = Face.of(self.animator, portrait)
        self.faces[at].encoded_by(self.animator)
        return self.faces[at]

    def turn_to(self, at: int) -> None:
        """Put another face to work, in the photo with all others as they were edited."""
        self.at, self.face = at, self.face_at(at)
        for size, photo in (("portrait", self.photo), ("small", self.small)):
            for other in self.faces.values():
                if other is not self.face and other.frame:
                    place = replace(getattr(other, size), photo=photo)
                    photo = replace(other.frame, portrait=place).image
            setattr(self.face, size, replace(getattr(self.face, size), photo=photo))


class Sessions:
    """Visits by secret token, bounded in memory."""

    def __init__(self):
        self._visits, self._lock = OrderedDict(), threading.Lock()

    def open(self, visit: Session) -> str:
        token = secrets.token_urlsafe(24)
        with self._lock:
            self._visits[token] = visit
            while len(self._visits) > 1 and (
                len(self._visits) > MOST_VISITS
                or sum(v.nbytes for v in self._visits.values()) > MOST_BYTES
            ):
                self._visits.popitem(last=False)[1].gone.set()
        return token

    def __getitem__(self, token: str) -> Session:
        with self._lock:
            visit = self._visits.get(token) if isinstance(token, str) else None
            if visit is None:
                raise Problem("There is no photo yet, or it was put away: upload it once more.")
            self._visits.move_to_end(token)
            return visit

    def close(self, token: str | None) -> None:
        with self._lock:
            if visit := self._visits.pop(token, None):
                visit.gone.set()

    def leave(self, session: str | None) -> None:
        """Forget every photo of a visitor who closed the page."""
        with self._lock:
            gone = [t for t, v in self._visits.items() if v.session == session]
            for token in gone:
                self._visits.pop(token).gone.set()
