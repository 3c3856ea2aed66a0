"""Recipes: all that made a picture, as plain values inside its file, in JSON or in a link.

A recipe names no file but the checkpoint and holds no picture: whoever has the photo can make the
same again. Reading one runs nothing, and takes no more memory than the largest recipe.
"""

import base64
import dataclasses
import hashlib
import zlib
from dataclasses import field
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import InstanceOf

from . import __version__
from .animation.easing import FASTEST
from .animation.timeline import Timeline
from .errors import (
    InvalidValue,
    NotACheckpoint,
    NotARecipe,
    UnreadableFile,
    UnreadableImage,
    shown,
)
from .expressions import schema
from .expressions.spaces import Expression
from .faces.portrait import Portrait
from .frame import SIZES, VIEWS
from .media.images import LEAST_SIDE, MOST_PIXELS
from .media.metadata import KEY, recipe_in

FORMAT = 1  # of the recipes that this version writes, and the newest that it reads
LINK = "recipe="  # how a link's fragment begins
MOST_LINK = 2 * schema.MOST_BYTES  # letters of a fragment


_Format = schema.whole("The format of a recipe", 1, schema.MOST_NUMBER)
_Checkpoint = schema.string("The name of the checkpoint")
_Digest = schema.string("The SHA-256 of the checkpoint")
_Side = schema.whole("A side of the photo", LEAST_SIDE, MOST_PIXELS)
_Sides = schema.group("The size of the photo", _Side, _Side)
_Value = schema.number("A value of to_face", -1e6, 1e6)
_Row = schema.group("A row of to_face", _Value, _Value, _Value)
_Matrix = schema.group("to_face", _Row, _Row)
_View = schema.choice("The view", VIEWS)
_Size = schema.whole("The size", *SIZES)
_Pace = schema.number("Frames per second", 1, FASTEST)
_Version = schema.string("The version")


@schema.checked
class Fingerprint:
    """Which checkpoint it was."""

    name: _Checkpoint
    sha256: _Digest  # of its file, 64 hexadecimal digits

    def __post_init__(self):
        if not (len(self.sha256) == 64 and set(self.sha256) <= set("0123456789abcdef")):
            raise InvalidValue("The SHA-256 of the checkpoint must be 64 hexadecimal digits.")

    @classmethod
    def of(cls, path: str | Path) -> "Fingerprint":
        """Raises NotACheckpoint for a file that cannot be read."""
        try:
            digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
        except OSError as problem:
            raise NotACheckpoint("{} cannot be read ({}).", path, problem.strerror) from None
        return cls(Path(path).stem, digest)


@schema.checked
class Face:
    """Where the face is in a photo of that size: as `Portrait` says, or in a box drawn by hand."""

    photo: _Sides  # width and height [px]
    to_face: _Matrix | None = None  # (2, 3), as in `Portrait`
    box: Any = None  # x0, y0, x1, y1 [px], as `Animator.locate` takes it

    def __post_init__(self):
        if self.photo[0] * self.photo[1] > MOST_PIXELS:
            raise InvalidValue(
                "A photo has at most {} pixels, not {}.", MOST_PIXELS, list(self.photo)
            )
        if (self.to_face is None) == (self.box is None):
            raise InvalidValue("A face needs either a box or to_face.")
        if self.box is not None:
            edge = schema.number("A side of the box", 0, max(self.photo))
            box = schema.check(schema.group("The box of the face", *[edge] * 4), self.box)
            object.__setattr__(self, "box", box)
        elif not _holds_a_face(np.array(self.to_face), *self.photo):
            raise InvalidValue("to_face is not that of a face in a photo of this size.")

    @classmethod
    def of(cls, portrait: Portrait) -> "Face":
        height, width = portrait.photo.shape[:2]
        return cls((width, height), tuple(map(tuple, portrait.to_face.tolist())))

    def locate(self, animator, photo: np.ndarray) -> Portrait:
        """The portrait that an `Animator` edits, of a photo (H, W, 3) of the same size.

        Raises UnreadableImage for one of another size, and NoFaceFound.
        """
        size = photo.shape[1], photo.shape[0]
        if size != self.photo:
            raise UnreadableImage(
                "The recipe belongs to a photo of {} x {} pixels, and this one has {} x {}: open "
                "the photo that it was made of.",
                self.photo[0],
                self.photo[1],
                size[0],
                size[1],
            )
        if self.box is not None:
            return animator.locate(photo, self.box)
        return animator.encode(Portrait(photo, np.array(self.to_face), "recipe"))


@schema.checked
class Output:
    """What was written of it; None where nothing was asked."""

    view: _View = "photo"  # one of VIEWS
    size: _Size | None = None  # longest side [px]
    fps: _Pace | None = None


@schema.checked
class Recipe:
    """What was edited, by what, and how. `text()` goes into files, `read_recipe` takes it out."""

    checkpoint: InstanceOf[Fingerprint]
    face: InstanceOf[Face]
    expression: InstanceOf[Expression] | None = None
    timeline: InstanceOf[Timeline] | None = None
    output: InstanceOf[Output] = field(default_factory=Output)
    options: Any = field(default_factory=dict)  # of whoever made it: see `schema.anything`
    version: _Version = __version__

    def __post_init__(self):
        if not isinstance(self.options, dict):
            raise InvalidValue("Options must be named, got {}.", shown(self.options))
        object.__setattr__(self, "options", schema.anything(self.options, "options"))
        if self.expression is None and self.timeline is None:
            raise InvalidValue("A recipe needs an expression or a timeline.")

    def to_json(self) -> dict[str, object]:
        """Plain values of which `from_json` makes the same recipe."""
        values = {KEY: FORMAT, "version": self.version}
        values |= {"checkpoint": _said(self.checkpoint), "face": _said(self.face)}
        if self.expression is not None:
            values |= schema.of_expression(self.expression)
        if self.timeline is not None:
            values["timeline"] = self.timeline.to_json()
        return values | {"output": _said(self.output), "options": self.options}

    @classmethod
    def from_json(cls, values: object) -> "Recipe":
        """Raises NotARecipe, and InvalidValue, InvalidExpression or InvalidTimeline for what is
        wrong in one."""
        if not (isinstance(values, dict) and KEY in values):
            raise NotARecipe("This is no recipe of MoodGANimation.")
        if schema.check(_Format, values[KEY]) > FORMAT:
            raise NotARecipe(
                "The recipe is of a newer version of MoodGANimation ({}) than this one ({}): "
                "update it.",
                shown(values.get("version")),
                __version__,
            )
        required = (KEY, "version", "checkpoint", "face")
        optional = ("space", "expression", "timeline", "output", "options")
        schema.fields(values, "A recipe", required, optional)
        made = {"version": values["version"], "options": values.get("options", {})}
        if "expression" in values or "space" in values:
            made["expression"] = schema.to_expression(values)
        if "timeline" in values:
            made["timeline"] = Timeline.from_json(values["timeline"])
        for name, kind in (("checkpoint", Fingerprint), ("face", Face), ("output", Output)):
            made[name] = _made(kind, values.get(name, {}), f"The {name} of a recipe")
        return cls(**made)

    def text(self) -> str:
        """The JSON, one line of ASCII. Raises InvalidValue if it is too long to be put in files."""
        return schema.dumps(self.to_json(), "The recipe")

    @classmethod
    def of_text(cls, text: str | bytes) -> "Recipe":
        """The recipe that a JSON text is; raises what `from_json` does."""
        return cls.from_json(schema.loads(text, "The recipe"))

    def link(self) -> str:
        """The fragment of a link, for behind the #: letters that need no escaping."""
        packed = zlib.compress(self.text().encode(), 9)
        return LINK + base64.urlsafe_b64encode(packed).decode().rstrip("=")

    @classmethod
    def of_link(cls, fragment: str) -> "Recipe":
        """Raises what `from_json` does."""
        letters = fragment[: MOST_LINK + 1].removeprefix("#").removeprefix(LINK)
        unpacker, padding = zlib.decompressobj(), "=" * (-len(letters) % 4)
        try:
            packed = base64.b64decode(letters + padding, b"-_", validate=True)
            text = unpacker.decompress(packed, schema.MOST_BYTES + 1)
        except (ValueError, zlib.error):
            raise NotARecipe("The link holds no recipe, or not all of it: copy it again.") from None
        if len(text) <= schema.MOST_BYTES and not unpacker.eof:
            raise NotARecipe("The link ends before its recipe does: copy it again.")
        return cls.of_text(text)


def read_recipe(path: str | Path) -> Recipe:
    """The recipe inside a picture or an animation that MoodGANimation wrote, or of a JSON file.

    Raises UnreadableFile, NotARecipe and what `Recipe.from_json` raises.
    """
    try:
        with open(path, "rb") as file:
            text = file.read(schema.MOST_BYTES + 1)
        if not text.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
            text = recipe_in(path)
    except OSError as problem:
        raise UnreadableFile("{} cannot be read ({}).", path, problem.strerror) from None
    if text is None:
        raise NotARecipe(
            "{} holds no recipe: MoodGANimation did not write it, or another program that saved "
            "it since has left it out.",
            path,
        )
    return Recipe.of_text(text)


def _holds_a_face(to_face: np.ndarray, width: int, height: int) -> bool:
    """Whether a crop has a size, and pixels of the photo in it."""
    crop = Portrait(np.broadcast_to(np.uint8(0), (height, width, 3)), to_face, "")
    if not np.linalg.det(to_face[:, :2]) or not 1 <= crop.side <= 8 * max(width, height):
        return False
    x0, y0, x1, y1 = crop.box
    return min(x1 - x0, y1 - y0) >= 2


def _said(part: object) -> dict[str, object]:
    """The fields of a part that say something."""
    return {key: value for key, value in dataclasses.asdict(part).items() if value is not None}


def _made(kind: type, values: object, name: str):
    """The part that `_said` these values."""
    names = dataclasses.fields(kind)
    required = [f.name for f in names if f.default is dataclasses.MISSING]
    optional = [f.name for f in names if f.name not in required]
    return kind(**schema.fields(values, name, required, optional))
