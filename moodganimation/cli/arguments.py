"""Options of the command line, in groups that commands share."""

import argparse

from ..expressions.gaze import LOOKS
from ..expressions.presets import PRESET_NAMES
from ..expressions.request import MAX_DETAIL
from ..expressions.spaces import SPACES
from ..runtime.executors import ENGINES

# Help texts of options that several commands have.
_AXES = f"expression space of a table without a header: {', '.join(SPACES)}, or cN for N axes"
_TIMELINES = "nod, shake, thinking"
_PHOTO = "picture file with a face"
_VIEW = "what to show: the face crop or the whole photo; default: face"
_SIZE = "longer side of the result, 64 to 4096; default: 512"
_INTENSITY = (
    "0 to 1: how far --preset and --like go from the photo's expression to theirs; default: 1"
)


def add_common_options(command: argparse.ArgumentParser) -> None:
    checkpoint = "weights of the generator; default: the shipped ones"
    command.add_argument("--checkpoint", metavar="FILE", help=checkpoint)
    device = "where the networks run: auto, cpu or cuda; default: auto"
    command.add_argument("--device", default="auto", help=device)


def add_photo_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("photo", metavar="PHOTO", help=_PHOTO)
    box = "box around the face in pixels, forehead to chin; default: the largest face"
    command.add_argument("--box", type=_box, metavar="X0,Y0,X1,Y1", help=box)


def add_request_options(command: argparse.ArgumentParser) -> None:
    option = command.add_argument
    axis = "set an axis, for instance AU12=0.8 or valence=0.5; repeatable"
    option("--set", action="append", metavar="AXIS=NUMBER", help=axis)
    preset = f"take a named expression: {', '.join(PRESET_NAMES)}"
    option("--preset", metavar="NAME", help=preset)
    option("--like", metavar="PHOTO2", help="take the expression read in another photo")
    option("--intensity", type=float, default=1.0, metavar="SHARE", help=_INTENSITY)
    option("--look", choices=LOOKS, help="turn both eyes to the camera")


def add_out_option(command: argparse.ArgumentParser, metavar: str) -> None:
    text = "where to write the result"
    command.add_argument("--out", required=True, metavar=metavar, help=text)


def add_label_and_detail_options(command: argparse.ArgumentParser) -> None:
    label = 'draw "edited with MoodGANimation" into a corner'
    command.add_argument("--label", action="store_true", help=label)
    detail = f"0 to {MAX_DETAIL}: strength of skin folds; default: 1, as in real faces"
    command.add_argument("--detail", type=float, default=1.0, metavar="NUMBER", help=detail)


def add_edit_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--panels",
        metavar="FILE",
        help="also write a picture of face, attention, color and motion side by side",
    )


def add_sheet_options(command: argparse.ArgumentParser) -> None:
    kinds = ("figure", "units", "moods", "scales", "emotions", "limits", "fields", "muscles")
    text = "which sheet to draw; default: figure"
    command.add_argument("--kind", choices=kinds, default="figure", help=text)


def add_batch_options(command: argparse.ArgumentParser) -> None:
    folder = "folder of photos; subfolders are searched, too"
    command.add_argument("folder", metavar="FOLDER", help=folder)
    command.add_argument(
        "--recipe",
        metavar="FILE",
        help="take the expression of a recipe: a .json file, or an edited file that contains one",
    )
    command.add_argument(
        "--engine",
        choices=ENGINES,
        default="plain",
        help="plain (default): one photo after the other; processes: a pool of processes; ray: a "
        "Ray cluster, which needs ray[data]",
    )
    command.add_argument(
        "--workers",
        type=_count,
        metavar="N",
        help="number of processes, or of Ray tasks at once",
    )


def add_animate_options(command: argparse.ArgumentParser) -> None:
    option = command.add_argument
    frames = (
        "frames from the photo's expression to the target, without --hold and the way back of "
        "--ping-pong; default: 24, or all rows of a trajectory"
    )
    option("--frames", type=int, metavar="N", help=frames)
    fps = "frames per second; default: that of the timeline or trajectory, else 24"
    option("--fps", type=float, metavar="NUMBER", help=fps)
    easing = "pace of the change: linear, smooth (default), ease in, ease out or spring"
    option("--easing", metavar="NAME", help=easing)
    option("--ping-pong", action="store_true", help="return to the first expression at the end")
    hold = "frames for which the target expression is held; default: 0"
    option("--hold", type=int, default=0, metavar="N", help=hold)
    option("--view", choices=("face", "photo"), help=_VIEW)
    option("--size", type=int, metavar="PIXELS", help=_SIZE)
    option("--trajectory", metavar="FILE", help=".csv, .npy or .pkl with one expression per row")
    timeline = f".json file of keyframes, or the name of a timeline: {_TIMELINES}"
    option("--timeline", metavar="FILE", help=timeline)
    option("--axes", metavar="SPACE", help=_AXES)
    option(
        "--clip",
        metavar="NAME",
        help="which video of a .pkl, or which face of a table; default: the first video without "
        "gaps, or the face found in most rows",
    )
    option("--start", type=int, metavar="ROW", help="first row of a trajectory; default: 0")
    feed = "what each frame starts from: the photo (default), or the last generated face"
    option("--feed", choices=("portrait", "generated"), default="portrait", help=feed)
    option(
        "--columns",
        action="store_true",
        help="show original, generated, attention and color side by side, and write each column "
        "but the first to a PNG; the first expression, whatever its values, makes no frame",
    )
    truth = "video whose faces are shown as a fifth column"
    option("--truth", metavar="VIDEO", help=truth)
    option("--labels", action="store_true", help="write the columns' names above them")


def add_film_options(command: argparse.ArgumentParser) -> None:
    option = command.add_argument
    option("video", metavar="VIDEO", help="video file to edit")
    option(
        "--add",
        action="append",
        metavar="AXIS=NUMBER",
        help="add a number to an axis of the expression in each frame, for instance AU12=-0.3; "
        "repeatable; --set replaces the sum",
    )
    option(
        "--trajectory",
        metavar="FILE",
        help=".csv, .npy or .pkl with changes to add: one row per frame, or at the times in it",
    )
    option(
        "--timeline",
        metavar="FILE",
        help=f".json file of keyframes with changes to add, or a timeline's name: {_TIMELINES}",
    )
    option("--axes", metavar="SPACE", help=_AXES)
    option(
        "--faces",
        type=int,
        default=1,
        metavar="N",
        help="number of faces to edit, the largest first; default: 1",
    )


def add_drive_options(command: argparse.ArgumentParser) -> None:
    option = command.add_argument
    by = "video whose face drives the photo: the largest when tracking begins"
    option("--by", required=True, metavar="VIDEO", help=by)
    strength = "0 to 2: factor of the changes of the driving face; default: 1"
    option("--strength", type=float, default=1.0, metavar="NUMBER", help=strength)
    option(
        "--regions",
        default="all",
        metavar="NAMES",
        help="regions to drive, comma-separated: brows,eyes,nose,mouth,head; or all (default)",
    )
    option(
        "--neutral",
        choices=("calm", "median", "first"),
        default="calm",
        help="neutral expression of the driving face: the median of its calmest frames (default), "
        "the median of all frames, or the first frame",
    )
    option(
        "--carry",
        choices=("units", "moods"),
        default="units",
        help="what to transfer: all Action Units (default), or only the mood",
    )
    option("--csv", metavar="FILE", help="also write a table of each frame's expression and mood")
    option("--view", choices=("face", "photo"), default="face", help=_VIEW)
    option("--size", type=int, default=512, metavar="PIXELS", help=_SIZE)


def add_convert_options(command: argparse.ArgumentParser) -> None:
    option = command.add_argument
    option("file", metavar="FILE", help="checkpoint: net_epoch_*.pth, *_net_gen.pth or *-G.ckpt")
    option(
        "--space",
        metavar="NAME",
        help="expression space of the network's condition; default: by its number of values",
    )
    network = "which network of a file that has several; an error lists their names"
    option("--network", metavar="NAME", help=network)
    option("--image-size", type=int, metavar="PIXELS", help="side of the generator's face crops")
    saturate = "the generator was trained with GANimation's option --do_saturate_mask"
    option("--saturate", action="store_true", help=saturate)
    option("--half", action="store_true", help="write the weights in half precision (float16)")


def _box(text: str) -> tuple[float, ...]:
    """Parse "x0,y0,x1,y1"."""
    try:
        x0, y0, x1, y1 = map(float, text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError("must be four numbers: x0,y0,x1,y1") from None
    return x0, y0, x1, y1


def _count(text: str) -> int:
    """Parse a whole number of at least 1."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number, 1 or more, got {text}")
    return value
