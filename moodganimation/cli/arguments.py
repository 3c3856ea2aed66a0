"""The options of the command line, in groups that commands share."""

import argparse

from ..expressions.gaze import LOOKS
from ..expressions.presets import PRESET_NAMES
from ..runtime.executors import ENGINES

_TIMELINES = "nod, shake, thinking"
_INTENSITY = "0 to 1: share of the way to the preset and to the expression in PHOTO2"


def of_all(command) -> None:
    command.add_argument("--checkpoint", metavar="FILE", help="default: the shipped one")
    command.add_argument("--device", default="auto", help="auto, cpu or cuda")


def of_photo(command) -> None:
    command.add_argument("photo", metavar="PHOTO")
    command.add_argument("--box", type=_box, metavar="X0,Y0,X1,Y1", help="where the face is")


def of_request(command) -> None:
    option = command.add_argument
    option("--set", action="append", metavar="AXIS=NUMBER", help="as AU12=0.8, AU12L, valence=0.5")
    option("--preset", metavar="NAME", help=f"one of {', '.join(PRESET_NAMES)}")
    option("--like", metavar="PHOTO2", help="the expression in another photo")
    option("--intensity", type=float, default=1.0, metavar="SHARE", help=_INTENSITY)
    option("--look", choices=LOOKS, help="turn both eyes to the camera")


def of_edit(command) -> None:
    command.add_argument("--panels", metavar="FILE", help="face, attention, color, motion")


def of_sheet(command) -> None:
    kinds = ("figure", "units", "moods", "scales", "emotions", "limits", "fields", "muscles")
    command.add_argument("--kind", choices=kinds, default="figure")


def of_batch(command) -> None:
    command.add_argument("folder", metavar="FOLDER", help="of photos, searched with all below it")
    command.add_argument("--recipe", metavar="FILE", help="a .json recipe, or what was made of it")
    command.add_argument(
        "--engine",
        choices=ENGINES,
        default="plain",
        help="processes: a pool; ray: a cluster, with ray[data]",
    )
    command.add_argument("--workers", type=int, metavar="N")


def of_animate(command) -> None:
    option = command.add_argument
    option("--frames", type=int, metavar="N", help="default: 24, or all rows of a trajectory")
    option("--fps", type=float, help="default: 24, or the timeline's")
    option("--easing", metavar="NAME", help="default: smooth")
    option("--ping-pong", action="store_true")
    option("--hold", type=int, default=0, metavar="N", help="frames to rest at the end")
    option("--view", choices=("face", "photo"), help="default: face")
    option("--size", type=int, metavar="PIXELS", help="longest side; default: 512")
    option("--trajectory", metavar="FILE", help=".csv, .npy or .pkl: an expression a row")
    option("--timeline", metavar="FILE", help=f".json: keyframes; or {_TIMELINES}")
    option("--axes", metavar="SPACE", help="what a row without a header is: pad, action_units ...")
    option("--clip", metavar="NAME", help="which video of a .pkl; default: the first whole one")
    option("--start", type=int, metavar="ROW", help="first row of a trajectory; default: 0")
    option(
        "--feed",
        choices=("portrait", "generated"),
        default="portrait",
        help="what every frame starts from: the photo, or the last generated face",
    )
    option(
        "--columns",
        action="store_true",
        help="original, generated, attention and color side by side, and each as a strip in "
        "a PNG beside FILE; the first expression is the photo's and makes no frame",
    )
    option("--truth", metavar="VIDEO", help="what was filmed, as a fifth column")
    option("--labels", action="store_true", help="name the columns")


def of_film(command) -> None:
    option = command.add_argument
    option("video", metavar="VIDEO")
    option(
        "--add",
        action="append",
        metavar="AXIS=NUMBER",
        help="more, or less (AU12=-0.3), than every frame has; --set: that much",
    )
    option("--trajectory", metavar="FILE", help=".csv, .npy or .pkl: what to add, a row a frame")
    option("--timeline", metavar="FILE", help=f".json: what to add, by keyframes; or {_TIMELINES}")
    option("--axes", metavar="SPACE", help="what a row without a header is: pad, action_units ...")
    option("--faces", type=int, default=1, metavar="N", help="how many, largest first; default: 1")


def of_drive(command) -> None:
    option = command.add_argument
    option("--by", required=True, metavar="VIDEO", help="the film whose largest face is read")
    option("--strength", type=float, default=1.0, help="0 to 2, of what the face in the film does")
    option(
        "--regions", default="all", metavar="NAMES", help="of brows,eyes,nose,mouth,head; or all"
    )
    option(
        "--neutral",
        choices=("calm", "median", "first"),
        default="calm",
        help="the face of the film at rest: the median of its calmest frames, or of all, "
        "or the first",
    )
    option("--carry", choices=("units", "moods"), default="units", help="default: units")
    option("--csv", metavar="FILE", help="what the photo is asked frame by frame, and its mood")
    option("--view", choices=("face", "photo"), default="face")
    option("--size", type=int, default=512, metavar="PIXELS", help="longest side; default: 512")


def of_convert(command) -> None:
    option = command.add_argument
    option("file", metavar="FILE", help="net_epoch_*.pth, *_net_gen.pth, *-G.ckpt")
    option("--space", metavar="NAME", help="what conditions mean; default: by number")
    option("--image-size", type=int, metavar="PIXELS", help="a generator's crops")
    option("--saturate", action="store_true", help="it had --do_saturate_mask")
    option("--half", action="store_true", help="weights in half precision")


def _box(text: str) -> tuple[float, ...]:
    try:
        x0, y0, x1, y1 = map(float, text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError("four numbers, x0,y0,x1,y1") from None
    return x0, y0, x1, y1
