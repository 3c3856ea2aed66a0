"""Edit the expression of faces in photos and videos."""

import argparse
import json
import sys

from ..demo import serve
from ..errors import Problem
from ..runtime.signals import Terminated, raise_on_termination
from ..runtime.terminal import escape_unprintable
from . import arguments as option_groups
from .console import print_messages, progress_counter, with_counter


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    escape_unprintable()
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["bench"]:
        print("moodganimation: bench is now python -m benchmarks inference", file=sys.stderr)
        return 2
    options = _parser().parse_args(arguments)
    try:
        with raise_on_termination():
            options.run(options)
    except Problem as problem:
        print(f"moodganimation: {problem}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, Terminated) as end:
        outcome = "Stopped; no file was written in part."
        if options.run is batch:
            outcome = "Stopped. Run the same command again to continue with the remaining photos."
        print(f"moodganimation: {outcome}", file=sys.stderr)
        return end.status if isinstance(end, Terminated) else 130
    return 0


def edit(options) -> None:
    """Write the photo with another expression."""
    from ..media.figures import row
    from ..media.images import holds_16bit, write_image
    from .option_values import load_and_locate, recipe_text, target_expression

    animator, photo, portrait = load_and_locate(options, keep_16bit=holds_16bit(options.out))
    target = target_expression(options, animator, portrait)
    frame = animator.edit(portrait, target)
    recipe = recipe_text(options, portrait, expression=target)
    edited = frame.render_for_file(photo)
    print_messages(
        *write_image(options.out, edited, recipe=recipe, label=options.label, source=photo)
    )
    if options.panels:
        write_image(options.panels, row([frame.face, frame.attention, frame.color, frame.motion]))
        print_messages(*photo.alpha_notes(options.panels, over_white=True))


def read(options) -> None:
    """Print the Action Units and the mood in a photo as JSON."""
    from ..expressions.moods import values_by_axis
    from ..expressions.spaces import PAD
    from .option_values import load_and_locate

    animator, _, portrait = load_and_locate(options)
    values = values_by_axis(animator.read(portrait))
    print(json.dumps({k: round(v, 2 if k in PAD else 3) for k, v in values.items()}, indent=1))


def animate(options) -> None:
    """Write an animation of the photo towards a target expression, or along a timeline or
    trajectory."""
    from ..frame import portrait_for_file
    from ..media.video_writer import check_animation_path, write_animation
    from ..recipe import Output
    from . import option_values

    option_values.check_combinations(options)
    make_timeline = option_values.timeline_factory(options)
    fps = option_values.DEFAULT_FPS if options.fps is None else options.fps
    animator = option_values.check_and_load(options, lambda out: check_animation_path(out, fps))
    trajectory = option_values.trajectory_from_file(options, animator)
    photo, portrait = option_values.locate(options, animator, trajectory)
    view_and_size = (options.view or "face", 512 if options.size is None else options.size)
    if trajectory:
        expressions, recipe = trajectory.expressions, None
    else:
        if make_timeline:
            timeline = make_timeline(animator.start(portrait))
        else:
            timeline = option_values.interpolation(options, animator, portrait)
        expressions = timeline.expressions(animator.space, portrait.reading)
        output = Output(*view_and_size, options.fps)
        settings = {"feed": options.feed, "columns": options.columns, "labels": options.labels}
        recipe = option_values.recipe_text(
            options, portrait, timeline=timeline, output=output, options=settings
        )
    print_messages(*photo.alpha_notes(options.out, over_white=options.columns))
    if not options.columns:
        portrait = portrait_for_file(portrait, photo)
        frames = animator.animate(
            portrait.downscaled_for(*view_and_size), expressions, options.feed
        )
        pictures = (frame.view(*view_and_size) for frame in frames)
        write_animation(options.out, pictures, options.fps, recipe=recipe, label=options.label)
        return
    _animate_columns(options, animator, portrait, trajectory, expressions, recipe)


def _animate_columns(options, animator, portrait, trajectory, expressions, recipe) -> None:
    """Write the pictures of every frame side by side, see `write_columns`."""
    from ..video.side_by_side import MIN_COLUMN_SIDE, filmed_faces, write_columns

    side, truth = max(MIN_COLUMN_SIDE, animator.generator.config.image_size), None
    if options.truth:
        truth, notes = filmed_faces(animator, options.truth, trajectory.frame_numbers[1:], side)
        print_messages(*notes)
    # By convention the first expression is the photo's own: it is dropped, whatever its values.
    frames = animator.animate(portrait, expressions[1:], options.feed)
    written = write_columns(options.out, frames, side, options.fps, truth, options.labels, recipe)
    print_messages(f"written: {', '.join(map(str, written))}")


def batch(options) -> None:
    """Edit every photo in a folder; print the summary."""
    from .batch import batch

    with progress_counter("edited", "photos") as count:
        report = batch(options, count)
    print(report.text())


def film(options) -> None:
    """Write a video in which faces have another expression."""
    from ..media.video_reader import open_film
    from ..media.video_writer import check_film_path
    from ..video.editing import check_faces, edit_video
    from . import option_values

    film = open_film(options.video)
    check_faces(options.faces)
    option_values.require_change(options, *option_values.FILM_CHANGE_OPTIONS)
    animator = option_values.check_and_load(options, lambda out: check_film_path(out, film))
    target = option_values.film_target_function(options, animator, film)
    with progress_counter("edited") as count:
        result = edit_video(
            animator,
            film,
            options.out,
            target,
            max_faces=options.faces,
            progress=count,
            label=options.label,
        )
    summary = f"A face was edited on {result.edited} of {result.frames} frames."
    print_messages(*result.notes, summary)


def drive(options) -> None:
    """Write a video in which the photo has the expressions of the face in a film."""
    from ..frame import portrait_for_file
    from ..media.video_reader import open_film
    from ..media.video_writer import check_film_path, limit_fps_for, write_film
    from ..video.editing import check_strength
    from ..video.reenactment import capture_performance, check_table_path, region_mask, write_curves
    from . import option_values

    film = limit_fps_for(open_film(options.by), options.out)
    regions = option_values.region_names(options)
    # All options are checked before the film is read.
    check_strength(options.strength)
    if options.csv:
        check_table_path(options.csv)
    animator = option_values.check_and_load(options, lambda out: check_film_path(out, film))
    region_mask(regions, animator.reader_space)
    photo, portrait = option_values.locate(options, animator)
    print_messages(*photo.alpha_notes(options.out))
    view_and_size = (options.view, options.size)
    # Raises if it cannot be shown.
    animator.edit(portrait, animator.read(portrait)).view(*view_and_size)
    with progress_counter("read") as count:
        performance = capture_performance(animator, film, count)
    print_messages(*performance.notes)

    def expressions():
        names = ("strength", "neutral", "carry")
        settings = {name: getattr(options, name) for name in names}
        return performance.retarget(animator.read(portrait), regions=regions, **settings)

    shown_portrait = portrait_for_file(portrait, photo).downscaled_for(*view_and_size)
    frames = animator.animate(shown_portrait, expressions())
    pictures = (frame.view(*view_and_size) for frame in frames)
    pictures = with_counter("drawn", pictures, len(performance.units))
    print_messages(*write_film(options.out, pictures, film, label=options.label))
    if options.csv:
        write_curves(options.csv, expressions(), performance.fps, performance.found)


def sheet(options) -> None:
    """Write a contact sheet."""
    from ..contact_sheets import contact_sheet
    from ..media.images import write_image
    from .option_values import load_and_locate

    animator, photo, portrait = load_and_locate(options)
    write_image(options.out, contact_sheet(animator, portrait, options.kind))
    print_messages(*photo.alpha_notes(options.out, over_white=True))


def convert(options) -> None:
    """Convert a checkpoint of another implementation to this project's format."""
    from ..checkpoints.convert import convert

    summary = convert(
        options.file,
        options.out,
        space=options.space,
        image_size=options.image_size,
        saturate=options.saturate,
        float16=options.half,
        network=options.network,
    )
    print(summary)


def demo(options) -> None:
    """Serve the web page."""
    serve.serve(options)


def _parser() -> argparse.ArgumentParser:
    """The parser of all commands; `options.run` is the function of the chosen one."""
    parser = argparse.ArgumentParser(prog="moodganimation", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for run, (text, *groups) in COMMANDS.items():
        command = commands.add_parser(run.__name__, help=text, description=text)
        command.set_defaults(run=run)
        if run not in (convert, demo):
            option_groups.add_common_options(command)
        if run not in (read, demo):
            option_groups.add_out_option(command, "DIR" if run is batch else "FILE")
        if run in (edit, animate, film, drive, batch):
            option_groups.add_label_and_detail_options(command)
        for add_options in groups:
            add_options(command)
    return parser


_PHOTO, _REQUEST = option_groups.add_photo_options, option_groups.add_request_options
COMMANDS = {  # function -> help, and the functions that add its options
    edit: ("change the expression in a photo", _PHOTO, _REQUEST, option_groups.add_edit_options),
    read: ("print the expression in a photo as JSON", _PHOTO),
    animate: (
        "write a GIF, MP4 or WebP in which the expression of a photo changes",
        *(_PHOTO, _REQUEST, option_groups.add_animate_options),
    ),
    sheet: ("draw a contact sheet of many expressions", _PHOTO, option_groups.add_sheet_options),
    film: ("change the expressions in a video", _REQUEST, option_groups.add_film_options),
    drive: (
        "animate a photo with the expressions in a video",
        *(_PHOTO, option_groups.add_drive_options),
    ),
    batch: (
        "edit every photo of a folder; run the same command again to resume",
        *(option_groups.add_batch_options, _REQUEST),
    ),
    convert: (
        "convert a checkpoint of GANimation, MoodGANimation or a reimplementation",
        option_groups.add_convert_options,
    ),
    demo: ("serve the web page", serve.add_arguments),
}
