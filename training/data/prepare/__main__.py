"""Prepare data sets for training: python -m training.data.prepare COMMAND --help"""

import argparse
import re
import sys
from pathlib import Path

from moodganimation.errors import Problem


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        job = _command(options.command)(options)
        if job is not None:
            job.finish()
            print(job.report.text())
            print(f"written: {options.out}, with report.txt and report.json")
    except (Problem, ValueError, OSError) as problem:
        print(f"prepare: {problem}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("prepare: stopped; the same command goes on from here.", file=sys.stderr)
        return 130
    return 0


def _command(name: str):
    """Imported when asked for: --help needs neither networks nor OpenCV."""
    if name == "openface":
        from .openface import openface as command
    elif name == "affectnet":
        from .affectnet import affectnet as command
    elif name == "affwild":
        from .affwild import affwild as command
    elif name == "photos":
        from .photos import photos as command
    elif name == "pairs":
        from .pairs import pairs as command
    else:
        from .samples import samples as command
    return command


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.data.prepare", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")

    def command(name: str, text: str, more: str = "") -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=f"{text}. {more}")
        added.add_argument("--out", type=Path, required=True, metavar="DIR",
                           help="a new folder, or that of the same command, to go on")  # fmt: skip
        return added

    added = command("openface", "csv files of OpenFace -> aus_openface.pkl",
                    "A file a picture (FaceLandmarkImg) is named by its stem; of a file a video "
                    "(FeatureExtraction), frame 7 of clip.csv is clip_0007, and its picture "
                    "clip_0007.*, clip/0007.* or clip_aligned/frame_det_00_000007.*")  # fmt: skip
    added.add_argument("folder", type=Path, metavar="CSV_FOLDER")
    added.add_argument("--images", type=Path, metavar="DIR", help="pictures, written as crops")
    added.add_argument("--min-confidence", type=_share, default=0.8, metavar="SHARE",
                       help="0: files without that column, too")  # fmt: skip
    added.add_argument("--units", type=float, default=5, choices=(1.0, 5.0),
                       help="what the highest intensity is called in the files")  # fmt: skip
    _crops(added, cropped=True)
    _splits(added, "all before the last _")
    _engines(added)

    added = command("affectnet", "AffectNet's csv and pictures -> moods.pkl",
                    "Crops start from the table's face boxes where it has them.")  # fmt: skip
    added.add_argument("table", type=Path, metavar="CSV")
    added.add_argument("--images", type=Path, metavar="DIR", required=True)
    _crops(added, cropped=True)
    _splits(added, "every picture is a person")
    _engines(added)

    added = command("affwild", "Aff-Wild's videos and annotations -> clips",
                    "Where a frame shows several faces, the largest begins a clip, and the one "
                    "nearest in place goes on. A face that jumps begins a new clip.")  # fmt: skip
    added.add_argument("videos", type=Path, metavar="VIDEOS")
    added.add_argument("annotations", type=Path, metavar="ANNOTATIONS",
                       help="VIDEO.txt, or valence/VIDEO.txt and arousal/VIDEO.txt")  # fmt: skip
    added.add_argument("--every", type=_count, default=1, metavar="N", help="take each Nth frame")
    added.add_argument("--shortest", type=_count, default=4, metavar="FRAMES", help="of a clip")
    _crops(added)
    _splits(added, "the video, less _left or _right")
    _engines(added)

    added = command("photos", "a folder of photos -> crops with labels that the model reads",
                    "Of several faces in a photo the largest is taken.")  # fmt: skip
    added.add_argument("folder", type=Path, metavar="FOLDER")
    _crops(added)
    _splits(added, "every photo is a person; names are paths with _ for /")
    _engines(added)

    added = command("pairs", "photos and landmarks -> before/after pairs with known motion",
                    "A 3-D face model is fitted to the landmarks that "
                    "training/data/prepare/face_mesh_landmarks.py finds, "
                    "and re-rendered. Of a folder that is prepared already (imgs/, "
                    "aus_openface.pkl, lists of names) labels and splits hold, and only pairs are "
                    "written: train with both folders.")  # fmt: skip
    added.add_argument("folder", type=Path, metavar="PHOTOS")
    added.add_argument("--landmarks", type=Path, metavar="FILE",
                       help="landmark file; default: PHOTOS/landmarks.npz")  # fmt: skip
    added.add_argument("--per-photo", type=_count, default=3, metavar="N",
                       help="targets drawn for a photo; bad ones are left out")  # fmt: skip
    added.add_argument("--aus", type=_units, default=(), metavar="UNITS",
                       help="move these, such as 4,9; default: what training needs")  # fmt: skip
    added.add_argument("--low", type=_intensity, default=2.0, metavar="INTENSITY",
                       help="0..5, least of units that were chosen or move alone")  # fmt: skip
    added.add_argument("--singles", type=_whole_share, default=0.0, metavar="SHARE",
                       help="of targets that move one unit alone")  # fmt: skip
    added.add_argument("--flow-size", type=_side, default=144, metavar="CELLS",
                       help="a side of the stored motion, at most 288")  # fmt: skip
    added.add_argument("--smallest", type=int, default=110, metavar="PIXELS",
                       help="side of the crop in the photo, below which it is left")  # fmt: skip
    _splits(added, "every photo is a person; names are paths with _ for /")
    _engines(added)

    command("samples", "make the small data sets of samples/ from the example portraits")
    return parser


def _crops(added, cropped=False) -> None:
    added.add_argument("--size", type=_count, default=144, metavar="PIXELS", help="of a crop")
    added.add_argument("--smallest", type=int, default=48, metavar="PIXELS",
                       help="side of the crop in the picture, below which it is left")  # fmt: skip
    if cropped:
        added.add_argument("--cropped", action="store_true",
                           help="pictures are canonical crops already")  # fmt: skip


def _splits(added, person: str) -> None:
    added.add_argument("--val", type=_share, default=0.05, metavar="SHARE")
    added.add_argument("--test", type=_share, default=0.1, metavar="SHARE")
    added.add_argument("--seed", type=int, default=0, help="of the splits")
    added.add_argument("--person", type=_pattern, metavar="REGEX",
                       help=f"its first group is the person in a name (default: {person}); "
                       "nobody is in two splits")  # fmt: skip


def _engines(added) -> None:
    added.add_argument("--engine", choices=("plain", "processes", "ray"), default="plain",
                       help="the bytes are the same; ray needs ray[data] and, on a cluster, "
        "this folder and the data at the same paths on every machine")  # fmt: skip
    added.add_argument("--workers", type=_count, metavar="N", help="of processes and ray")


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
    from moodganimation.expressions.spaces import ACTION_UNITS

    names = tuple(part for part in text.split(",") if part)
    try:
        for name in names:
            ACTION_UNITS.index(name)
    except InvalidExpression as problem:
        raise argparse.ArgumentTypeError(str(problem)) from None
    return names


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


if __name__ == "__main__":
    sys.exit(main())
