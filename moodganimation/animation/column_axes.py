"""Assigning the columns of a table to the axes of a space."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..errors import InvalidExpression, Message
from ..expressions.spaces import (
    ACTION_UNITS,
    FACS,
    PAD,
    SPACES,
    VALENCE_AROUSAL,
    ExpressionSpace,
)

TIME_COLUMN = "time"  # [s]
# Columns of `video.reenactment.write_curves` that are not axes. Its tables have all axes of
# ACTION_UNITS and PAD, and also those of FACS if the readings are in FACS.
OTHER_COLUMNS = (TIME_COLUMN, "face_found")


def assign_axes(
    path: Path,
    rows: np.ndarray,
    names: list[str] | None,
    space: ExpressionSpace,
    headerless_space: ExpressionSpace | None,
) -> tuple[np.ndarray, ExpressionSpace]:
    """Return rows (T, D) with the columns in the order of a space's axes, and that space.

    It is `space`, the generator's, or another that is accepted for it. FACS is accepted for its own
    generators only, since others would lose its sides, gaze and head. rows: (T, C), one value a
    column. names: (C,) of the columns; None if the file has no header. headerless_space: the space
    of rows without a header; None for `space`. Rows of three values in VALENCE_AROUSAL are taken as
    PAD. Raises InvalidExpression.
    """
    accepted_spaces = [space]
    if space.name in SPACES:
        accepted_spaces += [VALENCE_AROUSAL, PAD, ACTION_UNITS]
    if names is not None:
        return _assign_named_axes(path, rows, names, accepted_spaces)
    if headerless_space not in (None, *accepted_spaces):
        raise not_accepted_error(headerless_space.name, accepted_spaces)
    width, found = rows.shape[1], headerless_space or space
    if found == VALENCE_AROUSAL and width == len(PAD.axes):
        found = PAD
    if width != len(found.axes):
        fitting = [s.name for s in accepted_spaces if len(s.axes) == width]
        hint = fitting and Message(" If they are {}, say so: --axes {}.", *fitting[:1] * 2)
        raise InvalidExpression(
            "{} has {} values a row, but {} has {} axes.{}",
            path,
            width,
            found.name,
            len(found.axes),
            hint or "",
        )
    return rows, found


def not_accepted_error(source: object, accepted_spaces: list[ExpressionSpace]) -> InvalidExpression:
    """Return the error for a table in a space that is not accepted for the generator.

    source: the name of the space, or the path of the table.
    """
    names = ", ".join(space.name for space in dict.fromkeys(accepted_spaces))
    return InvalidExpression(
        "{} cannot be read for this model: its tables may be in {}.", source, names
    )


def _assign_named_axes(
    path: Path, rows: np.ndarray, names: list[str], accepted_spaces: list[ExpressionSpace]
) -> tuple[np.ndarray, ExpressionSpace]:
    """Return what `assign_axes` returns, for columns with names.

    accepted_spaces: see `assign_axes`; the first is the generator's. The space is

    1. the first one that has an axis for every column, but ACTION_UNITS before FACS, so that the
       further axes of FACS keep their values in the photo;
    2. otherwise, if every column is an axis of one of these spaces, the first space that has a
       column for every axis. Further columns are left out. Tables of `write_curves`, with more
       columns than any one space, may also have those of FACS, unless the meaning of the
       generator's axes is unknown.

    Raises InvalidExpression if there is none.
    """
    space = accepted_spaces[0]
    rows, names = _select_columns(
        rows, names, lambda name: name.strip().lower() not in OTHER_COLUMNS
    )
    candidates = [ACTION_UNITS, *accepted_spaces] if space == FACS else accepted_spaces
    found = next((s for s in candidates if names and all(name in s for name in names)), None)
    keys = {space.canonical(name) for name in names}
    is_curve_table = keys.issuperset((*ACTION_UNITS.keys, *PAD.keys))
    readable_spaces = [*accepted_spaces]
    if is_curve_table and space.name in SPACES:
        readable_spaces.append(FACS)
    unreadable = [name for name in names if not any(name in s for s in readable_spaces)]
    if found is None and not unreadable:
        found = next((s for s in (space, *candidates) if keys.issuperset(s.keys)), None)
        rows, names = _select_columns(
            rows, names, lambda name: found is None or found.canonical(name) in found.keys
        )
    if found is None:
        choices = "; or ".join(", ".join(s.keys) for s in dict.fromkeys(accepted_spaces))
        if not names:
            raise InvalidExpression(
                "{}, line 1: no column is an axis; use any of {}.", path, choices
            )
        # If every column is readable, but no space has them all, blame one that `space` lacks.
        wrong = next(name for name in unreadable or names if name not in space)
        raise InvalidExpression(
            "{}, line 1: {} is not an axis that can be read here; use any of {}.",
            path,
            repr(wrong.strip()[:40]),
            choices,
        )
    return _fill_axes(path, rows, names, found), found


def _fill_axes(
    path: Path, rows: np.ndarray, names: list[str], space: ExpressionSpace
) -> np.ndarray:
    """Return rows (T, D) with a value for every axis of a space, 0 for those without a column."""
    filled, named = np.zeros((len(rows), len(space.axes))), set()
    for name, column in zip(names, rows.T, strict=True):
        indices = space.indices(name)
        if named.intersection(indices):
            raise InvalidExpression("{}, line 1: an axis is named twice.", path)
        named.update(indices)
        filled[:, indices] = column[:, None]
    return filled


def _select_columns(
    rows: np.ndarray, names: list[str], keep: Callable[[str], bool]
) -> tuple[np.ndarray, list[str]]:
    """Return the rows and the names with only the columns for whose name `keep` is true."""
    kept = [i for i, name in enumerate(names) if keep(name)]
    return rows[:, kept], [names[i] for i in kept]
