"""Edit the expression of a face in a photo from the command line."""

import argparse
import json
import sys

from .errors import Problem


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except Problem as problem:
        print(f"moodganimation: {problem}", file=sys.stderr)
        return 2
    return 0


def edit(options) -> None:
    from .asked import opened, recipe, wanted
    from .figures import row
    from .images import write_image

    animator, portrait = opened(options)
    wish = wanted(options, animator, portrait)
    frame = animator.edit(portrait, wish)
    write_image(options.out, frame.image, recipe=recipe(options, portrait, expression=wish))
    if options.panels:
        write_image(options.panels, row([frame.face, frame.attention, frame.color, frame.motion]))


def read(options) -> None:
    from .asked import opened
    from .moods import mood_of

    animator, portrait = opened(options)
    reading = animator.read(portrait)
    values = reading.asdict() | {k: round(v, 2) for k, v in mood_of(reading).asdict().items()}
    print(json.dumps(values, indent=1))


def animate(options) -> None:
    from . import asked
    from .clips import LEAST_SIDE, filmed_faces, write_columns
    from .recipes import Output
    from .video import write_animation

    asked.together(options)
    timeline = asked.timeline(options)
    animator = asked.load(options)
    trajectory = asked.trajectory(options, animator)
    portrait = asked.locate(options, animator, trajectory)
    shown = options.view or "face", 512 if options.size is None else options.size
    if trajectory:
        way, recipe = trajectory.points, None
    else:
        timeline = timeline or asked.way(options, animator, portrait)
        way = timeline.expressions(animator.space, portrait.reading)
        output = Output(*shown, options.fps)
        how = {"feed": options.feed, "columns": options.columns, "labels": options.labels}
        recipe = asked.recipe(options, portrait, timeline=timeline, output=output, options=how)
    if not options.columns:
        frames = animator.animate(portrait.enough_for(*shown), way, options.feed)
        pictures = (frame.view(*shown) for frame in frames)
        write_animation(options.out, pictures, options.fps, recipe=recipe)
        return
    side, truth = max(LEAST_SIDE, animator.generator.config.image_size), None
    if options.truth:
        truth, notes = filmed_faces(animator, options.truth, trajectory.frames[1:], side)
        asked.say(*notes)
    frames = animator.animate(portrait, way[1:], options.feed)  # the first is the photo's own
    written = write_columns(options.out, frames, side, options.fps, truth, options.labels, recipe)
    asked.say(f"written: {', '.join(map(str, written))}")


def sheet(options) -> None:
    from .asked import opened
    from .images import write_image
    from .sheets import contact_sheet

    animator, portrait = opened(options)
    write_image(options.out, contact_sheet(animator, portrait, options.kind))


def convert(options) -> None:
    from .convert import convert

    found = convert(
        options.file,
        options.out,
        space=options.space,
        image_size=options.image_size,
        saturate=options.saturate,
        half=options.half,
    )
    print(found)


def _box(text: str) -> tuple[float, ...]:
    try:
        x0, y0, x1, y1 = map(float, text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError("four numbers, x0,y0,x1,y1") from None
    return x0, y0, x1, y1


def _parser() -> argparse.ArgumentParser:
    from .expressions import COMPOUND, PRESETS

    parser = argparse.ArgumentParser(prog="python -m moodganimation", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for run, text in (
        (edit, "write the photo with another expression"),
        (read, "print the expression in a photo as JSON"),
        (animate, "write a GIF, MP4 or WebP of the change"),
        (sheet, "draw a contact sheet of what the sliders do to a face"),
    ):
        command = commands.add_parser(run.__name__, help=text, description=text)
        command.set_defaults(run=run)
        command.add_argument("photo", metavar="PHOTO")
        command.add_argument("--box", type=_box, metavar="X0,Y0,X1,Y1", help="where the face is")
        command.add_argument("--checkpoint", metavar="FILE", help="default: the shipped one")
        command.add_argument("--device", default="auto", help="auto, cpu or cuda")
        if run is not read:
            command.add_argument("--out", required=True, metavar="FILE")
        if run in (edit, animate):
            command.add_argument("--set", action="append", metavar="AXIS=NUMBER")
            command.add_argument("--preset", choices=list(PRESETS | COMPOUND))
            command.add_argument("--like", metavar="PHOTO2", help="wear the expression of another")
            command.add_argument("--intensity", type=float, default=1.0)
        if run is sheet:
            kinds = ("figure", "units", "moods", "emotions", "fields")
            command.add_argument("--kind", choices=kinds, default="figure")
        if run is edit:
            command.add_argument("--panels", metavar="FILE", help="face, attention, color, motion")
        if run is animate:
            _add_animate(command)
    _add_convert(commands)
    return parser


def _add_animate(command) -> None:
    option = command.add_argument
    option("--frames", type=int, metavar="N", help="default: 24, or all rows of a trajectory")
    option("--fps", type=float, help="default: 24, or the timeline's")
    option("--easing", metavar="NAME", help="default: smooth")
    option("--ping-pong", action="store_true")
    option("--hold", type=int, default=0, metavar="N", help="frames to rest at the end")
    option("--view", choices=("face", "photo"), help="default: face")
    option("--size", type=int, metavar="PIXELS", help="longest side; default: 512")
    option("--trajectory", metavar="FILE", help=".csv, .npy or .pkl: an expression a row")
    option("--timeline", metavar="FILE", help=".json: keyframes, ways between them, blinks")
    option("--axes", metavar="SPACE", help="what a row without a header is: pad, action_units ...")
    option("--clip", metavar="NAME", help="which video of a .pkl; default: the first whole one")
    option("--start", type=int, metavar="ROW", help="first row of a trajectory; default: 0")
    option("--feed", choices=("portrait", "generated"), default="portrait",
           help="what every frame starts from: the photo, or the last generated face")  # fmt: skip
    option("--columns", action="store_true",
           help="original, generated, attention and color side by side, and each as a strip in "
           "a PNG beside FILE; the first expression is the photo's and makes no frame")  # fmt: skip
    option("--truth", metavar="VIDEO", help="what was filmed, as a fifth column")
    option("--labels", action="store_true", help="name the columns")


def _add_convert(commands) -> None:
    text = "make a checkpoint of GANimation, MoodGANimation or their replications one of ours"
    command = commands.add_parser("convert", help=text, description=text)
    command.set_defaults(run=convert)
    command.add_argument("file", metavar="FILE", help="net_epoch_*.pth, *_net_gen.pth, *-G.ckpt")
    command.add_argument("--out", required=True, metavar="FILE.safetensors")
    command.add_argument("--space", metavar="NAME", help="what conditions mean; default: by number")
    command.add_argument("--image-size", type=int, metavar="PIXELS", help="a generator's crops")
    command.add_argument("--saturate", action="store_true", help="it had --do_saturate_mask")
    command.add_argument("--half", action="store_true", help="weights in half precision")


if __name__ == "__main__":
    sys.exit(main())
