"""The state of one face on the page, as undo, recipes and links keep it."""

import base64
import zlib
from dataclasses import dataclass, replace

import numpy as np

from ..errors import Problem
from ..expressions import schema
from ..expressions.moods import convert_expression
from ..expressions.presets import PRESET_NAMES
from ..expressions.spaces import PAD, Expression
from ..faces.masks import LOCKS
from ..recipe import DetailType, Recipe

HALVES = {"whole face": None, "their left half": "left", "their right half": "right"}
# The mask is stored in chunks, since a text in a recipe has at most 1000 characters.
CHUNK_LENGTH = 800
MASK_SIDE = 128  # cells; the masks of where edits act cover the crop of a face
_LOCKED_TYPE = schema.list_type(
    "What is locked", schema.choice_type("What is locked", LOCKS), 0, len(LOCKS)
)
_MOOD_TYPE = schema.tuple_type("The mood", object, object, object)  # Expression checks the values
_PRESET_TYPE = schema.choice_type("The emotion", PRESET_NAMES)
_INTENSITY_TYPE = schema.number_type("The intensity", 0, 1)


@dataclass(frozen=True, eq=False)
class State:
    """An expression, what set it, and where the edit acts. Immutable."""

    expression: Expression  # of the sliders, in the space of the reading, rounded to hundredths
    mood: tuple[float, float, float] | None = None  # (P, A, D) in [-1, 1], if it set the sliders
    preset: str | None = None  # if one set the sliders
    intensity: float = 1.0  # of the preset, 0 to 1
    half: str = "whole face"  # a key of HALVES: where edits act
    locked: tuple[str, ...] = ()  # names of LOCKS: parts of the face that edits leave alone
    brush_mask: np.ndarray | None = None  # (MASK_SIDE, MASK_SIDE), 1 where the brush has painted
    only_painted: bool = False  # edits act only where the brush painted; if False, only elsewhere
    detail: float = 1.0  # strength of the skin's folds, 0 to MAX_DETAIL; see `Animator.with_detail`

    def __eq__(self, other: object) -> bool:
        return isinstance(other, State) and self.to_json() == other.to_json()

    __hash__ = None

    def with_expression(self, expression: Expression, **source) -> "State":
        """Return the state with another expression; source: `mood`, or `preset` and `intensity`."""
        cleared = {"mood": None, "preset": None, "intensity": 1.0}
        return replace(self, expression=expression, **cleared | source)

    def to_json(self) -> dict[str, object]:
        """Return plain values from which `from_json` makes an equal state."""
        return schema.expression_to_json(self.expression) | self.recipe_options()

    @classmethod
    def from_recipe(cls, recipe: Recipe, reading: Expression) -> "State":
        """Return the state that a recipe holds for the selected face.

        The expression is the first that the recipe has of: its sliders, its own expression, that of
        its last keyframe; else it is the reading. Raises Problem.
        """
        if "sliders" in recipe.options:
            sliders = {"expression": recipe.options["sliders"]}
            if "sliders_space" in recipe.options:
                sliders["space"] = recipe.options["sliders_space"]
            expression = schema.expression_from_json(sliders)
        else:
            last = recipe.timeline and recipe.timeline.keyframes[-1].expression
            expression = recipe.expression or last or reading
        return cls(convert_expression(expression, reading.space, reading)).with_options(
            recipe.options
        )

    @classmethod
    def from_json(cls, values: dict, reading: Expression) -> "State":
        """Return the state that `to_json` returned.

        reading: of the photo, for axes that `values` leaves out. Raises Problem.
        """
        plain = {key: values[key] for key in ("space", "expression") if key in values}
        expression = schema.expression_from_json(plain) if plain else reading
        return cls(convert_expression(expression, reading.space, reading)).with_options(values)

    def recipe_options(self) -> dict[str, object]:
        """Return all but the target expression, as options of a recipe.

        If a mood set the sliders, the recipe's expression may be that mood, so the options then
        contain the sliders, too.
        """
        options: dict[str, object] = {"half": self.half, "locked": list(self.locked)}
        if self.mood is not None:
            options["mood"] = list(self.mood)
            options["sliders"] = schema.expression_to_json(self.expression)["expression"]
            options["sliders_space"] = self.expression.space.name
        if self.preset is not None:
            options |= {"preset": self.preset, "intensity": self.intensity}
        if self.detail != 1:
            options["detail"] = self.detail
        if self.brush_mask is not None:
            options |= {"alone": self.only_painted, "marked": _pack_mask(self.brush_mask)}
        return options

    def with_options(self, options: dict) -> "State":
        """Return the state with the same expression and the options of a recipe. Raises Problem."""
        half = options.get("half", "whole face")
        if not isinstance(half, str) or half not in HALVES:
            raise Problem("The recipe names a part of the face that does not exist.")
        fields: dict[str, object] = {"half": half, "only_painted": bool(options.get("alone"))}
        fields["locked"] = schema.check(_LOCKED_TYPE, options.get("locked", []))
        fields["detail"] = schema.check(DetailType, options.get("detail", 1.0))
        fields["brush_mask"] = _unpack_mask(options["marked"]) if "marked" in options else None
        if "mood" in options:
            fields["mood"] = Expression(PAD, schema.check(_MOOD_TYPE, options["mood"])).values
        if "preset" in options:
            fields["preset"] = schema.check(_PRESET_TYPE, options["preset"])
            fields["intensity"] = schema.check(_INTENSITY_TYPE, options.get("intensity"))
        return replace(self, **fields)


def _pack_mask(mask: np.ndarray) -> list[str]:
    """Return a mask of 0 and 1, (MASK_SIDE, MASK_SIDE), as compressed bits, in Base64 chunks."""
    packed = base64.b64encode(zlib.compress(np.packbits(mask).tobytes(), 9)).decode()
    return [packed[i : i + CHUNK_LENGTH] for i in range(0, len(packed), CHUNK_LENGTH)]


def _unpack_mask(chunks: object) -> np.ndarray:
    """Return the mask of `_pack_mask`. Raises Problem for damaged data."""
    try:
        packed = base64.b64decode("".join(chunks), validate=True)
        # The limit prevents that a small recipe unpacks to gigabytes.
        bits = zlib.decompressobj().decompress(packed, MASK_SIDE * MASK_SIDE // 8 + 1)
        return np.unpackbits(np.frombuffer(bits, np.uint8)).reshape(MASK_SIDE, MASK_SIDE)
    except (TypeError, ValueError, zlib.error) as problem:
        raise Problem("The painted mask in the recipe is damaged.") from problem


class History:
    """States to undo and redo; over the maximum length the oldest are dropped."""

    def __init__(self, max_length: int = 200):
        self._states: list[State] = []
        self._index, self._max_length = -1, max_length

    def add(self, state: State) -> None:
        """Add a state after the current one, unless they are equal. Undone states are dropped."""
        if self._states and self._states[self._index] == state:
            return
        self._states = [*self._states[: self._index + 1], state][-self._max_length :]
        self._index = len(self._states) - 1

    def step(self, by: int) -> State | None:
        """Go to the previous (-1) or next (1) state and return it; None if there is none."""
        if not self.can_step(by):
            return None
        self._index += by
        return self._states[self._index]

    def can_step(self, by: int) -> bool:
        """Return whether there is a previous (-1) or next (1) state."""
        return 0 <= self._index + by < len(self._states)
