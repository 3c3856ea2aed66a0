"""The options of `python -m training.data.prepare`, command by command."""

import argparse
import re
from pathlib import Path


def build_parser(description: str) -> argparse.ArgumentParser:
    """Build the parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="python -m training.data.prepare", description=description
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    _add_openface(commands)
    _add_affectnet(commands)
    _add_affwild(commands)
    _add_photos(commands)
    _add_pairs(commands)
    _add_command(
        commands, "samples", "make the small data sets of samples/ from the example portraits"
    )
    return parser


def _add_command(commands, name: str, text: str, more: str = "") -> argparse.ArgumentParser:
    """Add a command with the option --out, which all commands have."""
    parser = commands.add_parser(name, help=text, description=f"{text}. {more}")
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="a new folder, or that of an interrupted run, to resume it",
    )
    return parser


def _add_openface(commands) -> None:
    parser = _add_command(
        commands,
        "openface",
        "csv files of OpenFace -> aus_openface.pkl",
        "FaceLandmarkImg writes one csv per picture: labels and picture have the name of the csv. "
        "FeatureExtraction writes one csv per video: frame 7 of clip.csv becomes clip_0007, and "
        "its picture is clip_0007.*, clip/0007.* or clip_aligned/frame_det_00_000007.*",
    )
    parser.add_argument("folder", type=Path, metavar="CSV_FOLDER")
    parser.add_argument("--images", type=Path, metavar="DIR", help="pictures to crop and write")
    parser.add_argument(
        "--min-confidence",
        type=_share,
        default=0.8,
        metavar="SHARE",
        help="least confidence of a face; 0 also accepts files without that column",
    )
    parser.add_argument(
        "--units",
        dest="max_intensity",
        type=float,
        default=5,
        choices=(1.0, 5.0),
        help="highest intensity of the scale of the files: 5 for OpenFace's, 1 for 0..1",
    )
    _add_crops(parser, cropped=True)
    _add_splits(parser, "all before the last _")
    _add_engines(parser)


def _add_affectnet(commands) -> None:
    parser = _add_command(
        commands,
        "affectnet",
        "AffectNet's csv and pictures -> moods.pkl",
        "Crops start from the table's face boxes where it has them.",
    )
    parser.add_argument("table", type=Path, metavar="CSV")
    parser.add_argument("--images", type=Path, metavar="DIR", required=True)
    _add_crops(parser, cropped=True)
    _add_splits(parser, "every picture is a person")
    _add_engines(parser)


def _add_affwild(commands) -> None:
    parser = _add_command(
        commands,
        "affwild",
        "Aff-Wild's videos and annotations -> clips",
        "If a frame shows several faces, a clip starts with the largest and continues with the "
        "nearest one. A face that jumps starts a new clip.",
    )
    parser.add_argument("videos", type=Path, metavar="VIDEOS")
    parser.add_argument(
        "annotations",
        type=Path,
        metavar="ANNOTATIONS",
        help="VIDEO.txt, or valence/VIDEO.txt and arousal/VIDEO.txt, there or in subfolders; "
        "subfolders of a split, such as VA_Set/Train_Set, set it",
    )
    parser.add_argument("--every", type=_count, default=1, metavar="N", help="use every Nth frame")
    parser.add_argument(
        "--shortest", type=_count, default=4, metavar="FRAMES", help="least length of a clip"
    )
    _add_crops(parser)
    _add_splits(parser, "the video, less _left or _right")
    _add_engines(parser)


def _add_photos(commands) -> None:
    parser = _add_command(
        commands,
        "photos",
        "a folder of photos -> crops with labels that the model reads",
        "If a photo shows several faces, the largest is used.",
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    _add_crops(parser)
    _add_splits(parser, "every photo is a person; names are paths with _ for /")
    _add_engines(parser)


def _add_pairs(commands) -> None:
    parser = _add_command(
        commands,
        "pairs",
        "photos and landmarks -> before/after pairs with known motion",
        "A 3-D face model is fitted to the landmarks that "
        "training/data/prepare/face_mesh_landmarks.py finds, "
        "and re-rendered. A prepared folder (imgs/, aus_openface.pkl, lists of names) keeps its "
        "labels and splits, and only pairs are written: train with both folders.",
    )
    parser.add_argument("folder", type=Path, metavar="PHOTOS")
    parser.add_argument(
        "--landmarks",
        type=Path,
        metavar="FILE",
        help="landmark file; default: PHOTOS/landmarks.npz",
    )
    parser.add_argument(
        "--part",
        nargs="+",
        default=(),
        metavar="PART",
        help="use only the photos with these values in the column `part` of PHOTOS/faces.csv, "
        "separated by blanks; default: all",
    )
    _add_targets(parser)
    _add_sizes(parser)
    _add_smallest(parser, default=110, where="photo")
    _add_splits(parser, "every photo is a person; names are paths with _ for /")
    _add_engines(parser)


def _add_sizes(parser: argparse.ArgumentParser) -> None:
    """Add the options for the resolution of pictures and motion."""
    parser.add_argument(
        "--size",
        type=_side,
        default=288,
        metavar="PIXELS",
        help="side of the written pictures, at most 288",
    )
    parser.add_argument(
        "--flow-size",
        type=_side,
        default=144,
        metavar="CELLS",
        help="side of the stored motion, at most 288",
    )


def _add_targets(parser: argparse.ArgumentParser) -> None:
    """Add the options for the target expressions."""
    parser.add_argument(
        "--per-photo",
        type=_count,
        default=3,
        metavar="N",
        help="targets drawn for each photo; rejected ones are not replaced",
    )
    parser.add_argument(
        "--aus",
        type=_units,
        default=(),
        metavar="UNITS",
        help="change these units, such as 4,9,12L; default: a random mix for training",
    )
    parser.add_argument(
        "--low",
        type=_intensity,
        default=2.0,
        metavar="INTENSITY",
        help="least intensity, 0..5, of units of --aus and --singles",
    )
    parser.add_argument(
        "--singles",
        type=_whole_share,
        default=0.0,
        metavar="SHARE",
        help="share of targets that change one unit alone",
    )


def _add_crops(parser: argparse.ArgumentParser, cropped: bool = False) -> None:
    """Add the options for crops; cropped: with the option --cropped."""
    parser.add_argument(
        "--size", type=_count, default=144, metavar="PIXELS", help="side of the crops"
    )
    _add_smallest(parser, default=48, where="picture")
    if cropped:
        parser.add_argument(
            "--cropped", action="store_true", help="pictures are canonical crops already"
        )


def _add_smallest(parser: argparse.ArgumentParser, default: int, where: str) -> None:
    """Add the option for the smallest face."""
    parser.add_argument(
        "--smallest",
        type=int,
        default=default,
        metavar="PIXELS",
        help=f"least side of the face crop in the {where}",
    )


def _add_splits(parser: argparse.ArgumentParser, person: str) -> None:
    """Add the options for splits; person: the default of --person in words."""
    for split, default in (("val", 0.05), ("test", 0.1)):
        parser.add_argument(
            f"--{split}",
            type=_share,
            default=default,
            metavar="SHARE",
            help=f"share of the names in the split {split}",
        )
    parser.add_argument(
        "--seed", type=int, default=0, help="seed of the splits, and of the targets of pairs"
    )
    parser.add_argument(
        "--person",
        type=_pattern,
        metavar="REGEX",
        help="regular expression whose first group is the person in a name (default: "
        f"{person}); no person is in two splits",
    )


def _add_engines(parser: argparse.ArgumentParser) -> None:
    """Add the options for distributing the work."""
    parser.add_argument(
        "--engine",
        choices=("plain", "processes", "ray"),
        default="plain",
        help="how work is distributed; the result is the same. ray needs ray[data] and, on a "
        "cluster, this folder and the data at the same paths on every machine",
    )
    parser.add_argument("--workers", type=_count, metavar="N", help="number, for processes and ray")


def _share(text: str) -> float:
    """Parse a share below 1."""
    value = float(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"a share is from 0 to below 1, got {text}")
    return value


def _whole_share(text: str) -> float:
    """Parse a share of at most 1."""
    return 1.0 if float(text) == 1 else _share(text)


def _intensity(text: str) -> float:
    """Parse an intensity of an Action Unit, 0..5."""
    value = float(text)
    if not 0 <= value <= 5:
        raise argparse.ArgumentTypeError(f"an intensity is from 0 to 5, got {text}")
    return value


def _units(text: str) -> tuple[str, ...]:
    """Parse a list of units, such as 4,9,12L, to sorted keys."""
    from moodganimation.errors import InvalidExpression
    from moodganimation.expressions.spaces import FACS

    names = tuple(FACS.canonical(part) for part in text.split(",") if part)
    try:
        for name in names:
            FACS.indices(name)
    except InvalidExpression as problem:
        raise argparse.ArgumentTypeError(str(problem)) from None
    return tuple(sorted(set(names)))


def _side(text: str) -> int:
    """Parse a side of pictures [px]."""
    value = _count(text)
    if value > 288:
        raise argparse.ArgumentTypeError(f"at most 288, got {text}")
    return value


def _count(text: str) -> int:
    """Parse a number from 1 on."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more, got {text}")
    return value


def _pattern(text: str) -> str:
    """Check a regular expression."""
    try:
        re.compile(text)
    except re.error as problem:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a regular expression: {problem}"
        ) from None
    return text
