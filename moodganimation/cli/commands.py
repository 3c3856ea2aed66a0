"""Edit the expression of a face in a photo or a film from the command line."""

import argparse
import json
import sys

from ..demo import serve
from ..errors import Problem
from .arguments import (
    of_all,
    of_animate,
    of_batch,
    of_convert,
    of_drive,
    of_edit,
    of_film,
    of_photo,
    of_request,
    of_sheet,
)
from .console import counted, counting, say


def main(arguments: list[str] | None = None) -> int:
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["bench"]:
        print("moodganimation: bench is now: python -m benchmarks inference", file=sys.stderr)
        return 2
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except Problem as problem:
        print(f"moodganimation: {problem}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("moodganimation: Stopped; nothing was written.", file=sys.stderr)
        return 130
    return 0


def edit(options) -> None:
    from ..media.figures import row
    from ..media.images import write_image
    from .requests import opened, recipe, target_expression

    animator, portrait = opened(options)
    target = target_expression(options, animator, portrait)
    frame = animator.edit(portrait, target)
    text = recipe(options, portrait, expression=target)
    write_image(options.out, frame.image, recipe=text, label=options.label)
    if options.panels:
        write_image(options.panels, row([frame.face, frame.attention, frame.color, frame.motion]))


def read(options) -> None:
    from ..expressions.moods import values_by_axis
    from ..expressions.spaces import PAD
    from .requests import opened

    animator, portrait = opened(options)
    values = values_by_axis(animator.read(portrait))
    print(json.dumps({k: round(v, 2 if k in PAD else 3) for k, v in values.items()}, indent=1))


def animate(options) -> None:
    from ..media.video_writer import check_animation, write_animation
    from ..recipe import Output
    from ..video.side_by_side import LEAST_SIDE, filmed_faces, write_columns
    from . import requests

    requests.together(options)
    named = requests.timeline(options)
    animator = requests.load(options, lambda out: check_animation(out, options.fps))
    trajectory = requests.trajectory(options, animator)
    portrait = requests.locate(options, animator, trajectory)
    shown = options.view or "face", 512 if options.size is None else options.size
    if trajectory:
        way, recipe = trajectory.points, None
    else:
        if named:
            timeline = named(animator.start(portrait))
        else:
            timeline = requests.interpolation(options, animator, portrait)
        way = timeline.expressions(animator.space, portrait.reading)
        output = Output(*shown, options.fps)
        how = {"feed": options.feed, "columns": options.columns, "labels": options.labels}
        recipe = requests.recipe(options, portrait, timeline=timeline, output=output, options=how)
    if not options.columns:
        frames = animator.animate(portrait.enough_for(*shown), way, options.feed)
        pictures = (frame.view(*shown) for frame in frames)
        write_animation(options.out, pictures, options.fps, recipe=recipe, label=options.label)
        return
    side, truth = max(LEAST_SIDE, animator.generator.config.image_size), None
    if options.truth:
        truth, notes = filmed_faces(animator, options.truth, trajectory.frames[1:], side)
        say(*notes)
    frames = animator.animate(portrait, way[1:], options.feed)  # the first is the photo's own
    written = write_columns(options.out, frames, side, options.fps, truth, options.labels, recipe)
    say(f"written: {', '.join(map(str, written))}")


def batch(options) -> None:
    from .batch import batch

    with counting("edited", "photos") as count:
        print(batch(options, count).text())


def film(options) -> None:
    from ..media.video_reader import open_film
    from ..media.video_writer import check_film
    from ..video.editing import edit_video
    from . import requests

    film = open_film(options.video)
    animator = requests.load(options, lambda out: check_film(out, film))
    target = requests.film_target_function(options, animator, film)
    with counting("edited") as count:
        done = edit_video(
            animator,
            film,
            options.out,
            target,
            most=options.faces,
            progress=count,
            label=options.label,
        )
    say(*done.notes, f"A face was edited on {done.edited} of {done.frames} frames.")


def drive(options) -> None:
    from ..media.video_reader import open_film
    from ..media.video_writer import check_film, write_film
    from ..video.editing import check_strength
    from ..video.reenactment import capture_performance, check_curves, taking_part, write_curves
    from . import requests

    film, regions = open_film(options.by), options.regions.split(",")
    check_strength(options.strength)  # said before anything is computed
    if options.csv:
        check_curves(options.csv)
    animator = requests.load(options, lambda out: check_film(out, film))
    taking_part(regions, animator.reader_space)
    portrait = requests.locate(options, animator)
    shown = options.view, options.size
    animator.edit(portrait, animator.read(portrait)).view(*shown)  # whether that can be shown
    with counting("read") as count:
        performance = capture_performance(animator, film, count)
    say(*performance.notes)

    def way():
        return performance.retarget(
            animator.read(portrait),
            strength=options.strength,
            regions=regions,
            neutral=options.neutral,
            by=options.carry,
        )

    frames = animator.animate(portrait.enough_for(*shown), way())
    pictures = (frame.view(*shown) for frame in frames)
    pictures = counted("drawn", pictures, len(performance.units))
    say(*write_film(options.out, pictures, film, label=options.label))
    if options.csv:
        write_curves(options.csv, way(), performance.fps, performance.found)


def sheet(options) -> None:
    from ..contact_sheets import contact_sheet
    from ..media.images import write_image
    from .requests import opened

    animator, portrait = opened(options)
    write_image(options.out, contact_sheet(animator, portrait, options.kind))


def convert(options) -> None:
    from ..checkpoints.convert import convert

    found = convert(
        options.file,
        options.out,
        space=options.space,
        image_size=options.image_size,
        saturate=options.saturate,
        half=options.half,
    )
    print(found)


def demo(options) -> None:
    serve.serve(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="moodganimation", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for run, text, *groups in (
        (edit, "write the photo with another expression", of_photo, of_request, of_edit),
        (read, "print the expression in a photo as JSON", of_photo),
        (animate, "write a GIF, MP4 or WebP of the change", of_photo, of_request, of_animate),
        (sheet, "draw a contact sheet of what the sliders do to a face", of_photo, of_sheet),
        (film, "write a film in which a face has another expression", of_request, of_film),
        (drive, "write a clip in which the photo does what a film shows", of_photo, of_drive),
        (batch, "edit every photo of a folder; again to go on", of_batch, of_request),
        (
            convert,
            "make a checkpoint of GANimation, MoodGANimation or their replications one of ours",
            of_convert,
        ),
        (demo, "serve the page", serve.add_arguments),
    ):
        command = commands.add_parser(run.__name__, help=text, description=text)
        command.set_defaults(run=run)
        if run not in (convert, demo):
            of_all(command)
        if run not in (read, demo):
            command.add_argument("--out", required=True, metavar="DIR" if run is batch else "FILE")
        if run in (edit, animate, film, drive, batch):
            command.add_argument("--label", action="store_true", help="say in a corner: edited")
        for add in groups:
            add(command)
    return parser
