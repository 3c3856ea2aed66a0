"""Edit the expression of a face in a photo from the command line."""

import argparse
import json
import sys

from .errors import InvalidExpression, Problem

# What `sheet` draws: the intensities of the MoodGANimation figure.
INTENSITIES = (0, 0.12, 0.25, 0.5, 0.75, 0.87, 1)


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except Problem as problem:
        print(f"moodganimation: {problem}", file=sys.stderr)
        return 2
    return 0


def edit(options) -> None:
    from .figures import row
    from .images import write_image

    animator, portrait = _open(options)
    frame = animator.edit(portrait, _wanted(options, portrait.reading))
    write_image(options.out, frame.image)
    if options.panels:
        write_image(options.panels, row([frame.face, frame.attention, frame.color, frame.motion]))


def read(options) -> None:
    from .moods import mood_of

    animator, portrait = _open(options)
    reading = animator.read(portrait)
    values = reading.asdict() | {k: round(v, 2) for k, v in mood_of(reading).asdict().items()}
    print(json.dumps(values, indent=1))


def animate(options) -> None:
    from .video import interpolate, write_animation

    animator, portrait = _open(options)
    way = interpolate(
        portrait.reading,
        _wanted(options, portrait.reading),
        options.frames,
        options.easing,
        options.ping_pong,
        options.hold,
    )
    frames = animator.animate(portrait.enough_for(options.view, options.size), way)
    shown = (frame.view(options.view, options.size) for frame in frames)
    write_animation(options.out, shown, options.fps)


def sheet(options) -> None:
    from .expressions import PRESETS, SHEET_PRESETS
    from .figures import sheet as draw
    from .images import write_image

    animator, portrait = _open(options)
    rows = []
    for name in SHEET_PRESETS:
        way = [portrait.reading.towards(PRESETS[name], t) for t in INTENSITIES]
        rows.append((name, [frame.face for frame in animator.animate(portrait, way)]))
    write_image(options.out, draw(rows, [f"{t:g}" for t in INTENSITIES]))


def _open(options):
    """The animator and the located portrait; says on stderr how the face was found."""
    from .animator import Animator
    from .images import check_picture, read_image
    from .video import check_animation

    for out in (getattr(options, "out", None), getattr(options, "panels", None)):
        if out and not hasattr(options, "fps"):  # said before anything is computed
            check_picture(out)
        elif out:
            check_animation(out, options.fps)
    photo = read_image(options.photo)
    animator = Animator.load(options.checkpoint, options.device)
    for missing in animator.unavailable:
        print(f"{missing.name} cannot be used here: {missing.reason}", file=sys.stderr)
    portrait = animator.locate(photo, options.box)
    print(f"face: {portrait.finder}", file=sys.stderr)
    return animator, portrait


def _wanted(options, reading):
    """The expression that --preset, --intensity and --set ask for, starting from the photo's."""
    from .expressions import ACTION_UNITS, PAD, PRESETS
    from .moods import mood_of, with_mood

    wanted = reading
    if options.preset:
        if not 0 <= options.intensity <= 1:
            raise InvalidExpression(f"Intensity must be from 0 to 1, got {options.intensity}.")
        wanted = wanted.towards(PRESETS[options.preset], options.intensity)
    pairs = [_pair(text) for text in options.set]
    mood = {key.strip().lower(): value for key, value in pairs if key in PAD}
    if mood:
        wanted = with_mood(wanted, mood_of(wanted).replace(**mood))
    units = {key: value for key, value in pairs if key not in PAD}
    for key in units:
        if key not in ACTION_UNITS:
            keys = ", ".join(ACTION_UNITS.keys + PAD.keys)
            raise InvalidExpression(f"{key!r} is not an axis; there are {keys}.")
    return wanted.replace(**units)


def _pair(text: str) -> tuple[str, float]:
    key, _, value = text.partition("=")
    try:
        return key, float(value)
    except ValueError:
        raise InvalidExpression(f"--set wants AXIS=NUMBER, as AU12=0.8; got {text!r}.") from None


def _box(text: str) -> tuple[float, ...]:
    try:
        x0, y0, x1, y1 = map(float, text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError("four numbers, x0,y0,x1,y1") from None
    return x0, y0, x1, y1


def _parser() -> argparse.ArgumentParser:
    from .expressions import PRESETS

    parser = argparse.ArgumentParser(prog="python -m moodganimation", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for run, text in (
        (edit, "write the photo with another expression"),
        (read, "print the expression in a photo as JSON"),
        (animate, "write a GIF, MP4 or WebP of the change"),
        (sheet, "draw seven expressions at seven intensities"),
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
            command.add_argument("--set", action="append", default=[], metavar="AXIS=NUMBER")
            command.add_argument("--preset", choices=list(PRESETS))
            command.add_argument("--intensity", type=float, default=1.0)
        if run is edit:
            command.add_argument("--panels", metavar="FILE", help="face, attention, color, motion")
        if run is animate:
            command.add_argument("--frames", type=int, default=24)
            command.add_argument("--fps", type=float, default=24)
            command.add_argument("--easing", default="smooth")
            command.add_argument("--ping-pong", action="store_true")
            command.add_argument("--hold", type=int, default=0, help="frames to rest at the end")
            command.add_argument("--view", choices=("face", "photo"), default="face")
            command.add_argument("--size", type=int, default=512, help="longest side [px]")
    return parser


if __name__ == "__main__":
    sys.exit(main())
