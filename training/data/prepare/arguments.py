"""The options of `python -m training.data.prepare`, command by command."""

import argparse
import re
from pathlib import Path


def build_parser(description: str) -> argparse.ArgumentParser:
    """The parser of all commands."""
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
    """Add a command with the option that all of them have."""
    parser = commands.add_parser(name, help=text, description=f"{text}. {more}")
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="a new folder, or that of the same command, to go on",
    )
    return parser


def _add_openface(commands) -> None:
    parser = _add_command(
        commands,
        "openface",
        "csv files of OpenFace -> aus_openface.pkl",
        "A file a picture (FaceLandmarkImg) is named by its stem; of a file a video "
        "(FeatureExtraction), frame 7 of clip.csv is clip_0007, and its picture "
        "clip_0007.*, clip/0007.* or clip_aligned/frame_det_00_000007.*",
    )
    parser.add_argument("folder", type=Path, metavar="CSV_FOLDER")
    parser.add_argument("--images", type=Path, metavar="DIR", help="pictures, written as crops")
    parser.add_argument(
        "--min-confidence",
        type=_share,
        default=0.8,
        metavar="SHARE",
        help="0: files without that column, too",
    )
    parser.add_argument(
        "--units",
        type=float,
        default=5,
        choices=(1.0, 5.0),
        help="what the highest intensity is called in the files",
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
        "Where a frame shows several faces, the largest begins a clip, and the one "
        "nearest in place goes on. A face that jumps begins a new clip.",
    )
    parser.add_argument("videos", type=Path, metavar="VIDEOS")
    parser.add_argument(
        "annotations",
        type=Path,
        metavar="ANNOTATIONS",
        help="VIDEO.txt, or valence/VIDEO.txt and arousal/VIDEO.txt",
    )
    parser.add_argument("--every", type=_count, default=1, metavar="N", help="take each Nth frame")
    parser.add_argument("--shortest", type=_count, default=4, metavar="FRAMES", help="of a clip")
    _add_crops(parser)
    _add_splits(parser, "the video, less _left or _right")
    _add_engines(parser)


def _add_photos(commands) -> None:
    parser = _add_command(
        commands,
        "photos",
        "a folder of photos -> crops with labels that the model reads",
        "Of several faces in a photo the largest is taken.",
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
        "and re-rendered. Of a folder that is prepared already (imgs/, "
        "aus_openface.pkl, lists of names) labels and splits hold, and only pairs are "
        "written: train with both folders.",
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
        help="of PHOTOS/faces.csv, such as R P; default: all",
    )
    _add_targets(parser)
    _add_sizes(parser)
    _add_smallest(parser, default=110, where="photo")
    _add_splits(parser, "every photo is a person; names are paths with _ for /")
    _add_engines(parser)


def _add_sizes(parser: argparse.ArgumentParser) -> None:
    """Options of how many pixels and cells are written."""
    parser.add_argument(
        "--size",
        type=_side,
        default=288,
        metavar="PIXELS",
        help="a side of the pictures that are written, at most 288",
    )
    parser.add_argument(
        "--flow-size",
        type=_side,
        default=144,
        metavar="CELLS",
        help="a side of the stored motion, at most 288",
    )


def _add_targets(parser: argparse.ArgumentParser) -> None:
    """Options of which expressions the pairs show."""
    parser.add_argument(
        "--per-photo",
        type=_count,
        default=3,
        metavar="N",
        help="targets drawn for a photo; bad ones are left out",
    )
    parser.add_argument(
        "--aus",
        type=_units,
        default=(),
        metavar="UNITS",
        help="move these, such as 4,9,12L; default: what training needs",
    )
    parser.add_argument(
        "--low",
        type=_intensity,
        default=2.0,
        metavar="INTENSITY",
        help="0..5, least of units that were chosen or move alone",
    )
    parser.add_argument(
        "--singles",
        type=_whole_share,
        default=0.0,
        metavar="SHARE",
        help="of targets that move one unit alone",
    )


def _add_crops(parser: argparse.ArgumentParser, cropped: bool = False) -> None:
    parser.add_argument("--size", type=_count, default=144, metavar="PIXELS", help="of a crop")
    _add_smallest(parser, default=48, where="picture")
    if cropped:
        parser.add_argument(
            "--cropped", action="store_true", help="pictures are canonical crops already"
        )


def _add_smallest(parser: argparse.ArgumentParser, default: int, where: str) -> None:
    parser.add_argument(
        "--smallest",
        type=int,
        default=default,
        metavar="PIXELS",
        help=f"side of the crop in the {where}, below which it is left",
    )


def _add_splits(parser: argparse.ArgumentParser, person: str) -> None:
    parser.add_argument("--val", type=_share, default=0.05, metavar="SHARE")
    parser.add_argument("--test", type=_share, default=0.1, metavar="SHARE")
    parser.add_argument("--seed", type=int, default=0, help="of the splits")
    parser.add_argument(
        "--person",
        type=_pattern,
        metavar="REGEX",
        help=f"its first group is the person in a name (default: {person}); "
        "nobody is in two splits",
    )


def _add_engines(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--engine",
        choices=("plain", "processes", "ray"),
        default="plain",
        help="the bytes are the same; ray needs ray[data] and, on a cluster, "
        "this folder and the data at the same paths on every machine",
    )
    parser.add_argument("--workers", type=_count, metavar="N", help="of processes and ray")


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"a share is from 0 to below 1, got {text}")
    return value


def _whole_share(text: str) -> float:
    return 1.0 if float(text) == 1 else _share(text)


def _intensity(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 5:
        raise argparse.ArgumentTypeError(f"an intensity is from 0 to 5, got {text}")
    return value


def _units(text: str) -> tuple[str, ...]:
    from moodganimation.errors import InvalidExpression
    from moodganimation.expressions.spaces import FACS

    names = tuple(FACS.canonical(part) for part in text.split(",") if part)
    try:
        for name in names:
            FACS.positions(name)
    except InvalidExpression as problem:
        raise argparse.ArgumentTypeError(str(problem)) from None
    return tuple(sorted(set(names)))


def _side(text: str) -> int:
    value = _count(text)
    if value > 288:
        raise argparse.ArgumentTypeError(f"at most 288, got {text}")
    return value


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more, got {text}")
    return value


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as problem:
        raise argparse.ArgumentTypeError(f"{text!r} is no regular expression: {problem}") from None
    return text
