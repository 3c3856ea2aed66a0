"""Options of the command line, in groups that commands share."""

import argparse

from ..expressions.gaze import LOOKS
from ..expressions.presets import PRESET_NAMES
from ..expressions.request import MAX_DETAIL
from ..expressions.spaces import SPACES
from ..runtime.executors import ENGINES

_AXES = f"expression space of a table without a header: {', '.join(SPACES)}, or cN for N axes"
_TIMELINES = "nod, shake, thinking"
_INTENSITY = "0 to 1: share of the way to the preset and to the expression in PHOTO2"


def add_common_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--checkpoint", metavar="FILE", help="model; default: the shipped one")
    command.add_argument("--device", default="auto", help="auto, cpu or cuda")


def add_photo_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("photo", metavar="PHOTO")
    box = "box around the face in pixels, forehead to chin; default: the largest face"
    command.add_argument("--box", type=_box, metavar="X0,Y0,X1,Y1", help=box)


def add_request_options(command: argparse.ArgumentParser) -> None:
    option = command.add_argument
    option("--set", action="append", metavar="AXIS=NUMBER", help="as AU12=0.8 or valence=0.5")
    option("--preset", metavar="NAME", help=f"one of {', '.join(PRESET_NAMES)}")
    option("--like", metavar="PHOTO2", help="the expression in another photo")
    option("--intensity", type=float, default=1.0, metavar="SHARE", help=_INTENSITY)
    option("--look", choices=LOOKS, help="turn both eyes to the camera")


def add_detail_options(command: argparse.ArgumentParser) -> None:
    text = f"0 to {MAX_DETAIL}: how strong folds of the skin are; default: 1"
    command.add_argument("--detail", type=float, default=1.0, metavar="NUMBER", help=text)


def add_edit_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--panels", metavar="FILE", help="picture of the face, attention, color and motion"
    )


def add_sheet_options(command: argparse.ArgumentParser) -> None:
    kinds = ("figure", "units", "moods", "scales", "emotions", "limits", "fields", "muscles")
    text = "which sheet to draw; default: figure"
    command.add_argument("--kind", choices=kinds, default="figure", help=text)


def add_batch_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("folder", metavar="FOLDER", help="of photos; subfolders are searched, too")
    command.add_argument(
        "--recipe", metavar="FILE", help="a .json recipe, or a file that contains one"
    )
    command.add_argument(
        "--engine",
        choices=ENGINES,
        default="plain",
        help="plain: one photo after the other; processes: a pool; ray: a cluster (ray[data])",
    )
    command.add_argument(
        "--workers", type=_count, metavar="N", help="number of processes or Ray workers"
    )


def add_animate_options(command: argparse.ArgumentParser) -> None:
    option = command.add_argument
    option("--frames", type=int, metavar="N", help="default: 24, or all rows of a trajectory")
    option("--fps", type=float, help="frames per second; default: 24, or the timeline's")
    option("--easing", metavar="NAME", help="of the way to the expression; default: smooth")
    option("--ping-pong", action="store_true", help="go back to the start")
    option("--hold", type=int, default=0, metavar="N", help="frames to stay at the end")
    option("--view", choices=("face", "photo"), help="what is shown; default: face")
    option("--size", type=int, metavar="PIXELS", help="longest side; default: 512")
    option("--trajectory", metavar="FILE", help=".csv, .npy or .pkl: one expression a row")
    option("--timeline", metavar="FILE", help=f".json: keyframes; or {_TIMELINES}")
    option("--axes", metavar="SPACE", help=_AXES)
    option(
        "--clip",
        metavar="NAME",
        help="which video of a .pkl, or face of a table; default: the first video without gaps",
    )
    option("--start", type=int, metavar="ROW", help="first row of a trajectory; default: 0")
    option(
        "--feed",
        choices=("portrait", "generated"),
        default="portrait",
        help="what each frame starts from: the photo, or the last generated face",
    )
    option(
        "--columns",
        action="store_true",
        help="show original, generated, attention and color side by side, and write each column's "
        "pictures to a PNG; the first expression is the photo's and makes no frame",
    )
    option("--truth", metavar="VIDEO", help="the filmed faces, as a fifth column")
    option("--labels", action="store_true", help="write names above the columns")


def add_film_options(command: argparse.ArgumentParser) -> None:
    option = command.add_argument
    option("video", metavar="VIDEO")
    option(
        "--add",
        action="append",
        metavar="AXIS=NUMBER",
        help="number to add to what each frame shows, as AU12=-0.3; --set replaces the sum",
    )
    option(
        "--trajectory", metavar="FILE", help=".csv, .npy or .pkl: changes to add, one row a frame"
    )
    option(
        "--timeline", metavar="FILE", help=f".json: changes to add, as keyframes; or {_TIMELINES}"
    )
    option("--axes", metavar="SPACE", help=_AXES)
    option(
        "--faces",
        type=int,
        default=1,
        metavar="N",
        help="how many are edited, the largest first; default: 1",
    )


def add_drive_options(command: argparse.ArgumentParser) -> None:
    option = command.add_argument
    option("--by", required=True, metavar="VIDEO", help="video whose largest face is read")
    option("--strength", type=float, default=1.0, help="0 to 2: factor of the face's changes")
    option(
        "--regions",
        default="all",
        metavar="NAMES",
        help="some of brows,eyes,nose,mouth,head; or all",
    )
    option(
        "--neutral",
        choices=("calm", "median", "first"),
        default="calm",
        help="neutral face of the video: median of its calmest frames, median of all frames, or "
        "first frame; default: calm",
    )
    option(
        "--carry",
        choices=("units", "moods"),
        default="units",
        help="what is transferred: every unit, or only the mood; default: units",
    )
    option("--csv", metavar="FILE", help="write the target expression and mood of each frame")
    option("--view", choices=("face", "photo"), default="face", help="what is shown; default: face")
    option("--size", type=int, default=512, metavar="PIXELS", help="longest side; default: 512")


def add_convert_options(command: argparse.ArgumentParser) -> None:
    option = command.add_argument
    option("file", metavar="FILE", help="net_epoch_*.pth, *_net_gen.pth, *-G.ckpt")
    option(
        "--space",
        metavar="NAME",
        help="expression space of the generator's conditions; default: by how many there are",
    )
    option("--network", metavar="NAME", help="which network of a file with several")
    option("--image-size", type=int, metavar="PIXELS", help="side of the generator's face crops")
    option(
        "--saturate", action="store_true", help="the generator was trained with --do_saturate_mask"
    )
    option("--half", action="store_true", help="weights in half precision")


def _box(text: str) -> tuple[float, ...]:
    try:
        x0, y0, x1, y1 = map(float, text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError("four numbers, x0,y0,x1,y1") from None
    return x0, y0, x1, y1


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more, got {text}")
    return value
