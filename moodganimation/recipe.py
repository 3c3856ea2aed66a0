"""Recipes: all settings that made a picture, stored inside its file, in a JSON file or in a link.

With its recipe and the photo, the same picture can be made again. A recipe holds no pictures, and
of files only the name and the hash of the checkpoint. Reading one runs no code and takes bounded
memory.
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
from .animation.easing import MAX_FPS
from .animation.timeline import Timeline
from .errors import (
    InvalidValue,
    NotACheckpoint,
    NotARecipe,
    UnreadableFile,
    UnreadableImage,
    short_repr,
)
from .expressions import schema
from .expressions.request import MAX_DETAIL
from .expressions.spaces import Expression
from .faces.portrait import Portrait
from .files.regular import check_regular_file
from .frame import MAX_VIEW_SIZE, MIN_VIEW_SIZE, VIEWS
from .media.images import MAX_PHOTO_PIXELS, MIN_PHOTO_SIDE
from .media.metadata import RECIPE_KEY, read_recipe_text

FORMAT = 1  # version of the recipe format that is written, and the newest that can be read
LINK_PREFIX = "recipe="  # begins the fragment of a link: its part after the #
MAX_FRAGMENT = 2 * schema.MAX_BYTES  # characters; base64 makes a recipe longer by a third
# The side of a face's crop is at least MIN_CROP_SIDE [px] and at most MAX_CROP_RATIO times the
# photo's longer side. The crop overlaps the photo by at least MIN_CROP_OVERLAP [px] in x and y.
MIN_CROP_SIDE, MAX_CROP_RATIO, MIN_CROP_OVERLAP = 1, 8, 2
MAX_MATRIX_VALUE = 1e6  # far more than any crop needs

# Types of the fields below, each with its name in messages.
_Format = schema.int_type("The format of a recipe", 1, schema.MAX_INTEGER)
_CheckpointName = schema.text_type("The name of the checkpoint")
_Digest = schema.text_type("The SHA-256 of the checkpoint")
# `FacePlace` checks the area, too.
_PhotoSide = schema.int_type("A side of the photo", MIN_PHOTO_SIDE, MAX_PHOTO_PIXELS)
_PhotoSize = schema.tuple_type("The size of the photo", _PhotoSide, _PhotoSide)
_MatrixValue = schema.number_type("A value of to_face", -MAX_MATRIX_VALUE, MAX_MATRIX_VALUE)
_Row = schema.tuple_type("A row of to_face", _MatrixValue, _MatrixValue, _MatrixValue)
_Matrix = schema.tuple_type("to_face", _Row, _Row)
_View = schema.choice_type("The view", VIEWS)
_Size = schema.int_type("The size", MIN_VIEW_SIZE, MAX_VIEW_SIZE)
_Fps = schema.number_type("Frames per second", 1, MAX_FPS)
_Version = schema.text_type("The version")
DetailType = schema.number_type("Detail", 0, MAX_DETAIL)


@schema.checked_dataclass
class Fingerprint:
    """The name and the hash of a checkpoint."""

    name: _CheckpointName
    sha256: _Digest  # of the file, 64 hexadecimal digits

    def __post_init__(self):
        if not (len(self.sha256) == 64 and set(self.sha256) <= set("0123456789abcdef")):
            raise InvalidValue("The SHA-256 of the checkpoint must be 64 hexadecimal digits.")

    @classmethod
    def of(cls, path: str | Path) -> "Fingerprint":
        """Return the fingerprint of a file. Raises NotACheckpoint if it cannot be read."""
        try:
            digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
        except OSError as error:
            raise NotACheckpoint("{} cannot be read ({}).", path, error.strerror) from None
        return cls(Path(path).stem, digest)


@schema.checked_dataclass
class FacePlace:
    """Where the face is in a photo: the crop of a `Portrait`, or a box drawn by hand.

    `photo` is the size of the photo, not its pixels.
    """

    photo: _PhotoSize  # width and height [px]
    to_face: _Matrix | None = None  # (2, 3), as in `Portrait`
    box: Any = None  # x0, y0, x1, y1 [px], as `Animator.locate` takes it

    def __post_init__(self):
        if self.photo[0] * self.photo[1] > MAX_PHOTO_PIXELS:
            raise InvalidValue(
                "A photo has at most {} pixels, not {}.", MAX_PHOTO_PIXELS, list(self.photo)
            )
        if (self.to_face is None) == (self.box is None):
            raise InvalidValue("A face needs either a box or to_face.")
        if self.box is not None:
            number = schema.number_type("A coordinate of the box", 0, max(self.photo))
            box = schema.check(schema.tuple_type("The box of the face", *[number] * 4), self.box)
            object.__setattr__(self, "box", box)
        elif not _crop_is_valid(np.array(self.to_face), *self.photo):
            raise InvalidValue(
                "The crop of the face does not lie in a photo of {} x {} pixels: the recipe is "
                "damaged.",
                *self.photo,
            )

    @classmethod
    def of(cls, portrait: Portrait) -> "FacePlace":
        """Return the crop of a portrait, with the size of its photo."""
        height, width = portrait.photo.shape[:2]
        return cls((width, height), tuple(map(tuple, portrait.to_face.tolist())))

    def locate(self, animator, photo: np.ndarray) -> Portrait:
        """Return the encoded portrait of this face in a photo (H, W, 3) of the same size.

        Raises UnreadableImage for a photo of another size, and NoFaceFound.
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


@schema.checked_dataclass
class Output:
    """The requested view, size and frame rate; None stands for the default."""

    view: _View = "photo"  # one of VIEWS
    size: _Size | None = None  # longest side [px]
    fps: _Fps | None = None


@schema.checked_dataclass
class Recipe:
    """A face, an expression or a timeline, and everything else that made a picture.

    `text` is what files contain, and `read_recipe` reads it from them. Raises InvalidValue.
    """

    checkpoint: InstanceOf[Fingerprint]
    face: InstanceOf[FacePlace]
    expression: InstanceOf[Expression] | None = None
    timeline: InstanceOf[Timeline] | None = None
    output: InstanceOf[Output] = field(default_factory=Output)
    options: Any = field(default_factory=dict)  # name -> JSON value; each program has its own
    version: _Version = __version__

    def __post_init__(self):
        if not isinstance(self.options, dict):
            raise InvalidValue("Options must have names, got {}.", short_repr(self.options))
        object.__setattr__(self, "options", schema.checked_copy(self.options, "options"))
        if self.expression is None and self.timeline is None:
            raise InvalidValue("A recipe needs an expression or a timeline.")

    @property
    def detail(self) -> float:
        """Strength of skin folds, see `Animator.with_detail`. Raises InvalidValue."""
        return schema.check(DetailType, self.options.get("detail", 1.0))

    def to_json(self) -> dict[str, object]:
        """Return JSON values from which `from_json` restores the recipe."""
        values = {RECIPE_KEY: FORMAT, "version": self.version}
        values |= {"checkpoint": _without_none(self.checkpoint), "face": _without_none(self.face)}
        if self.expression is not None:
            values |= schema.expression_to_json(self.expression)
        if self.timeline is not None:
            values["timeline"] = self.timeline.to_json()
        return values | {"output": _without_none(self.output), "options": self.options}

    @classmethod
    def from_json(cls, values: object) -> "Recipe":
        """Restore a recipe from what `to_json` returned.

        Raises NotARecipe, and for wrong values InvalidValue, InvalidExpression or InvalidTimeline.
        """
        if not (isinstance(values, dict) and RECIPE_KEY in values):
            raise NotARecipe("This is no recipe of MoodGANimation.")
        if schema.check(_Format, values[RECIPE_KEY]) > FORMAT:
            raise NotARecipe(
                "The recipe is of a newer version of MoodGANimation ({}) than this one ({}): "
                "update MoodGANimation.",
                short_repr(values.get("version")),
                __version__,
            )
        required = (RECIPE_KEY, "version", "checkpoint", "face")
        optional = ("space", "expression", "timeline", "output", "options")
        schema.check_keys(values, "A recipe", required, optional)
        parts = {"version": values["version"], "options": values.get("options", {})}
        if "expression" in values or "space" in values:
            parts["expression"] = schema.expression_from_json(values)
        if "timeline" in values:
            parts["timeline"] = Timeline.from_json(values["timeline"])
        for name, kind in (("checkpoint", Fingerprint), ("face", FacePlace), ("output", Output)):
            parts[name] = _from_fields(kind, values.get(name, {}), f"The {name} of a recipe")
        return cls(**parts)

    def text(self) -> str:
        """Return the recipe as one line of ASCII JSON.

        Raises InvalidValue if it is too long to be stored in files.
        """
        return schema.dumps(self.to_json(), "The recipe")

    @classmethod
    def from_text(cls, text: str | bytes) -> "Recipe":
        """Restore a recipe from JSON. Raises what `from_json` raises."""
        return cls.from_json(schema.loads(text, "The recipe"))

    def link(self) -> str:
        """Return the recipe as the fragment of a link, which needs no percent-encoding."""
        compressed = zlib.compress(self.text().encode(), 9)
        return LINK_PREFIX + base64.urlsafe_b64encode(compressed).decode().rstrip("=")

    @classmethod
    def from_link(cls, fragment: str) -> "Recipe":
        """Restore a recipe from a link's fragment. Raises what `from_json` raises."""
        encoded = fragment[: MAX_FRAGMENT + 1].removeprefix("#").removeprefix(LINK_PREFIX)
        decompressor, padding = zlib.decompressobj(), "=" * (-len(encoded) % 4)
        try:
            compressed = base64.b64decode(encoded + padding, b"-_", validate=True)
            # Stops at one byte too many, however much the data would decompress to; `from_text`
            # then raises InvalidValue.
            text = decompressor.decompress(compressed, schema.MAX_BYTES + 1)
        except (ValueError, zlib.error):
            raise NotARecipe("The link holds no recipe, or not all of it: copy it again.") from None
        if len(text) <= schema.MAX_BYTES and not decompressor.eof:
            raise NotARecipe("The link ends before its recipe does: copy it again.")
        return cls.from_text(text)


def read_recipe(path: str | Path) -> Recipe:
    """Read the recipe inside a picture or animation that MoodGANimation wrote, or from a JSON file.

    Raises UnreadableFile, NotARecipe and what `Recipe.from_json` raises.
    """
    check_regular_file(path, UnreadableFile, "choose a picture, an animation or a recipe in it")
    try:
        with open(path, "rb") as file:
            text = file.read(schema.MAX_BYTES + 1)
        if not text.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
            text = read_recipe_text(path)
    except OSError as error:
        raise UnreadableFile("{} cannot be read ({}).", path, error.strerror) from None
    if text is None:
        raise NotARecipe(
            "{} holds no recipe: MoodGANimation did not write the file, or another program removed "
            "the recipe when it saved the file.",
            path,
        )
    return Recipe.from_text(text)


def _crop_is_valid(to_face: np.ndarray, width: int, height: int) -> bool:
    """Whether a crop is neither too small or large for a photo nor outside it.

    The limits are MIN_CROP_SIDE, MAX_CROP_RATIO and MIN_CROP_OVERLAP. A `to_face` without an
    inverse is invalid, too.
    """
    # A portrait without pixels, for its `side` and `box`.
    crop = Portrait(np.broadcast_to(np.uint8(0), (height, width, 3)), to_face, "")
    max_side = MAX_CROP_RATIO * max(width, height)
    if not np.linalg.det(to_face[:, :2]) or not MIN_CROP_SIDE <= crop.side <= max_side:
        return False
    x0, y0, x1, y1 = crop.box
    return min(x1 - x0, y1 - y0) >= MIN_CROP_OVERLAP


def _without_none(part: object) -> dict[str, object]:
    """Return the fields of a dataclass that are not None."""
    return {key: value for key, value in dataclasses.asdict(part).items() if value is not None}


def _from_fields(kind: type, values: object, name: str):
    """Invert `_without_none`: return a dataclass of this kind. name: for messages."""
    fields = dataclasses.fields(kind)
    required = [f.name for f in fields if f.default is dataclasses.MISSING]
    optional = [f.name for f in fields if f.name not in required]
    return kind(**schema.check_keys(values, name, required, optional))
