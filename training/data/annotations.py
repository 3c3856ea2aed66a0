"""Annotation files as tables: name -> condition vector.

The formats are those of the GANimation repositories that this project reimplements, and AffectNet's
csv. Action Units are stored as OpenFace writes them, 0..5, and are divided by 5 here; moods are
stored in [-1, 1]. Invalid rows are dropped, and counted by their reason.
"""

import csv
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from moodganimation.expressions.spaces import (
    ACTION_UNITS,
    FACS,
    PAD,
    VALENCE_AROUSAL,
    ExpressionSpace,
)

from .pickles import read_pickle

UNIT_SPACES = (ACTION_UNITS, FACS)
DEFAULT_NAMES = {  # (kind of data, space) -> file names to try, in this order
    ("stills", ACTION_UNITS.name): ("aus_openface.pkl", "aus.pkl"),
    ("stills", FACS.name): ("facs.pkl",),
    ("stills", "others"): ("moods.pkl", "{split}.pkl", "affectnet*{split}.csv", "{split}*.csv"),
    ("clips", ACTION_UNITS.name): ("clips_aus.pkl",),
    ("clips", FACS.name): ("clips_facs.pkl",),
    ("clips", "others"): ("clips_annotations.pkl", "{split}_annotations.pkl"),
}


@dataclass
class Table:
    """The valid rows of an annotation file, and what was dropped."""

    values: dict[str, np.ndarray]  # name -> condition (D,), in the order of the file
    all_names: list[str] = field(default_factory=list)  # of dropped rows, too; in the same order
    # Reason -> number of rows. A reason completes the sentence "... rows left out: they".
    dropped: Counter = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)  # sentences about assumptions


def find_annotations(
    folder: Path, name: str, kind: str, space: ExpressionSpace, split: str
) -> Path:
    """Find the annotation file of a folder: `name`, or if that is "" the first default that exists.

    kind: "stills" or "clips". Raises ValueError if there is none.
    """
    patterns = (
        [name] if name else DEFAULT_NAMES[kind, space.name if space in UNIT_SPACES else "others"]
    )
    for pattern in (text.replace("{split}", split) for text in patterns):
        if Path(pattern).is_absolute():
            matches = [Path(pattern)] if Path(pattern).exists() else []
        else:
            # {split}*.csv also matches the list of names {split}_ids.csv.
            matches = [path for path in sorted(folder.glob(pattern)) if "_ids" not in path.name]
        if matches:
            return matches[0]
    raise ValueError(
        f"{folder} has no annotations of {kind} in {space.name}: none of "
        f"{', '.join(patterns).replace('{split}', split)}. "
        "Name them with --set data.annotations=FILE."
    )


def read_annotations(path: Path, space: ExpressionSpace) -> Table:
    """Read a pickle or csv of annotations. Raises ValueError if it has no valid row."""
    if path.suffix == ".pkl":
        table = _valid_rows(read_pickle(path).items(), space)
    elif path.suffix == ".csv":
        table = _valid_rows(_rows_of_csv(path, space), space)
    else:
        raise ValueError(f"{path}: annotations are read from .pkl or .csv files.")
    if not table.values:
        reasons = "; ".join(f"{n} {reason}" for reason, n in table.dropped.items()) or "it is empty"
        raise ValueError(f"{path} holds no usable annotation in {space.name}: {reasons}.")
    return table


def read_ids(path: Path) -> list[str]:
    """Read names, one per line and without a header.

    Text after a tab is ignored, and endings of pictures are removed. Raises ValueError if there are
    no names.
    """
    if not path.exists():
        raise ValueError(f"There is no list of names {path}.")
    try:
        lines = [line.split("\t")[0].strip() for line in path.read_text("utf-8-sig").splitlines()]
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not a text file of names, one per line.") from None
    names = list(dict.fromkeys(without_ending(line) for line in lines if line))
    if not names:
        raise ValueError(f"{path} is empty: it should hold one file name per line.")
    return names


def without_ending(name: str) -> str:
    """Remove the ending of a file name, if it is that of a JPEG or PNG file."""
    for ending in (".jpg", ".jpeg", ".png", ".JPG", ".PNG"):
        if name.endswith(ending):
            return name.removesuffix(ending)
    return name


def _valid_rows(rows, space: ExpressionSpace) -> Table:
    """Keep rows (name, values) with one finite number per axis of the space, within its ranges."""
    table = Table({})
    has_units, dimension = space in UNIT_SPACES, len(space.axes)
    without_dominance = 0
    for name, values in rows:
        name = without_ending(name.decode("latin1") if isinstance(name, bytes) else str(name))
        table.all_names.append(name)
        try:
            vector = np.asarray(values, np.float64).reshape(-1)
        except (TypeError, ValueError, OverflowError):
            table.dropped["are not numbers"] += 1
            continue
        if space == VALENCE_AROUSAL and len(vector) == len(PAD.axes):
            vector, without_dominance = vector[:dimension], without_dominance + 1
        if len(vector) != dimension:
            table.dropped[f"have {len(vector)} values where {space.name} has {dimension}"] += 1
        elif not np.isfinite(vector).all():
            table.dropped["are not finite"] += 1
        elif has_units and not ((vector >= 0) & (vector <= 5)).all():
            table.dropped["are outside 0 to 5"] += 1
        elif (
            not has_units
            and space.name in (PAD.name, VALENCE_AROUSAL.name)
            and (np.abs(vector) > 1).any()
        ):  # AffectNet writes -2 for uncertain annotations and pictures without a face
            table.dropped["are outside -1 to 1 (AffectNet's -2: uncertain or no face)"] += 1
        else:
            table.values[name] = np.float32(vector / 5 if has_units else vector)
    if without_dominance:
        table.notes.append(
            "moods have three numbers: pleasure is taken as valence, dominance is left out"
        )
    return table


def _rows_of_csv(path: Path, space: ExpressionSpace):
    """Yield name and values of each row of AffectNet's csv, or of one with a column of names and a
    column per axis."""
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, skipinitialspace=True)
            columns = {(name or "").strip(): name for name in reader.fieldnames or ()}
            name = next(
                (c for c in ("subDirectory_filePath", "name", "file") if c in columns), None
            )
            missing = [key for key in space.keys if key not in columns]
            if name is None:
                missing.insert(0, "subDirectory_filePath")
            if missing:
                raise ValueError(
                    f"{path} lacks the columns {', '.join(missing)} in its first line."
                )
            for row in reader:
                values = [row[columns[key]] for key in space.keys]
                yield (row[columns[name]] or "").rsplit("/", 1)[-1], values
    except (UnicodeDecodeError, csv.Error) as problem:
        raise ValueError(f"{path} is not a readable csv file ({problem}).") from None
