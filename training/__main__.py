"""Train, measure and export generators: python -m training COMMAND --help"""

import argparse
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

from moodganimation.errors import Problem
from moodganimation.runtime.terminal import escape_unprintable

from .evaluate.documents import add_write_option, requested_blocks, write_blocks

# Names of `ganimation.presets` and `ganimation.experiments`, repeated here because importing these
# modules, and with them torch, takes seconds.
PRESETS = ("reference", "small", "pretrain")
SYSTEMS = {
    "ganimation": "train GANimation on photos with Action Units",
    "mood": "train GANimation on photos with valence and arousal",
    "video": "train GANimation on clips, whose frames a critic judges one by one",
    "convgru_disc": "train GANimation on clips with a ConvGRU in the frame critic",
    "convgru_unet": "train the ConvGRU U-Net generator on clips",
    "spatiotemporal": "train the U-Net with a recurrent frame critic and a clip critic",
}

OUTPUTS = {  # of --out
    "FOLDER": "folder to write to",
    "FILE": "checkpoint to write",
    "JSON": "file for the figures",
    "RUN": "folder of the run, which is resumed if it exists",
}


def warp(options) -> None:
    """Train or resume the default generator."""
    from .warp.run import train_warp

    train_warp(options)


def train_system(options) -> None:
    """Train or resume one of the six systems."""
    from .ganimation.run import train_system

    train_system(options)


def clips(options) -> None:
    """Make training clips."""
    from .data.synthesis import make_clips

    if len(options.data) > 1:
        raise ValueError("Clips are made from the photos of one folder: give one --data.")
    make_clips(options.data[0], options.out, options.count, options.frames)


def edits(options) -> None:
    """Make training pairs."""
    from .data.synthesis import make_edits

    if len(options.data) > 1:
        raise ValueError("Pairs are made from the photos of one folder: give one --data.")
    make_edits(options.data[0], options.out, options.count)


def verify(options) -> None:
    """Compare a training step with a golden file."""
    from .ganimation.verify import verify

    verify(options.file)


def aligner(options) -> None:
    """Train the aligner."""
    from .common.aligner import train_aligner
    from .data.pairs import Pairs

    print(train_aligner(Pairs(options.data, "train", 128), options.out, seed=options.seed))


def inspector(options) -> None:
    """Train the inspector."""
    from .common.inspector import train_inspector
    from .data.pairs import Pairs

    print(train_inspector(Pairs(options.data, "train", 128), options.out, seed=options.seed))


def calibrate(options) -> None:
    """Fine-tune the reader of a checkpoint."""
    from moodganimation.checkpoints.files import save_generator

    from .data.pairs import Pairs
    from .warp.calibrate import calibrate
    from .warp.evaluate import write_report
    from .warp.loading import load_warp

    generator, space, card = load_warp(options.checkpoint, facs_only=True)
    data = Pairs(options.data, "train", generator.config.image_size, space).keep_pairs_with_motion()
    errors = write_report(calibrate(generator, data, options.seed), out=None)
    save_generator(options.out, generator, space, card | {"calibration": errors})


def folds(options) -> None:
    """Add skin folds to a checkpoint."""
    from moodganimation.checkpoints.files import save_generator

    from .warp.folds import add_folds
    from .warp.loading import load_warp

    generator, space, card = load_warp(options.checkpoint, facs_only=True)
    generator, figures = add_folds(generator, options.data)
    print(figures)
    save_generator(options.out, generator, space, card | {"folds": figures})


def refine(options) -> None:
    """Train the mouth refiner of a checkpoint, or resume its training."""
    from .warp.run import train_refiner

    train_refiner(options)


def pairs(options) -> None:
    """Measure a checkpoint on held-out pairs, and its reader on labelled photos."""
    from .evaluate.blocks import BLOCKS
    from .warp.evaluate import measure_pairs, measure_reader, write_report

    generator, data = _load_without_gains(options)
    values = {f"read {key}": value for key, value in measure_reader(generator, data).items()}
    values |= measure_pairs(generator, data.keep_pairs_with_motion())
    write_blocks(options.blocks, BLOCKS, write_report(values, options.out))


def ablation(options) -> None:
    """Measure a checkpoint with parts switched off."""
    from .evaluate.blocks import BLOCKS
    from .warp.evaluate import measure_ablation, write_report

    generator, data = _load_without_gains(options)
    values = write_report(measure_ablation(generator, data.keep_pairs_with_motion()), options.out)
    write_blocks(options.blocks, BLOCKS, values)


def _load_without_gains(options) -> tuple:
    """Load the generator with gains of 1, since the pairs were made without gains, and the data."""
    from .data.pairs import Pairs
    from .warp.loading import load_warp

    generator, space, _ = load_warp(options.checkpoint)
    generator.gain.fill_(1)
    return generator, Pairs(options.data, options.split, generator.config.image_size, space)


def sweeps(options) -> None:
    """Render sweeps for the judges."""
    from moodganimation.animator import Animator

    from .evaluate.judges.crops import frontal_photos
    from .evaluate.judges.render_sweeps import render_sweeps

    if not (options.photos or options.data):
        raise ValueError("Give --data DIR for the photos of a split, or --photos FILES.")
    photos = options.photos or frontal_photos(options.data, options.split, options.count)
    render_sweeps(Animator.load(options.checkpoint), photos, options.out, options.scale)


def sharpness(options) -> None:
    """Measure the sharpness of sweeps."""
    from .evaluate.judges.sharpness import BLOCKS, measure_sweeps

    _report_tables(options, BLOCKS, sharpness=measure_sweeps(options.sweeps))


def finders(options) -> None:
    """Measure face detectors and the aligner."""
    from moodganimation.animator import ALIGNER
    from moodganimation.faces.alignment import load_aligner

    from .data.pairs import Pairs
    from .evaluate.judges.detection import BLOCKS, measure_finders

    data = Pairs(options.data, options.split, 128)
    rows = measure_finders(data, load_aligner(ALIGNER), options.count)
    _report_tables(options, BLOCKS, finders=rows)


def _report_tables(options, blocks: dict, **tables) -> None:
    """Print tables, and write them as JSON and into the documents if that is requested."""
    from .evaluate.judges.tables import json_values, report

    report(options.out, **tables)
    write_blocks(options.blocks, blocks, json_values(tables))


def composites(options) -> None:
    """Make average portraits, of the first folder of --data."""
    from .data.average_portraits import write_average_portraits

    write_average_portraits(options.data[0], options.out)


def ship(options) -> None:
    """Export a checkpoint with its card."""
    from .ship import ship

    ship(options.checkpoint, options.card, options.metrics, options.gain, options.out)


def main(arguments: list[str] | None = None) -> int:
    """Run a command; return the exit status, 2 after an error that a person can cause."""
    escape_unprintable()
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["bench"]:
        print("training: bench is now: python -m benchmarks training", file=sys.stderr)
        return 2
    options = _parser().parse_args(arguments)
    try:
        if "write" in options:  # a command with --write
            options.blocks = requested_blocks(options)
        options.run(options)
    except (Problem, ValueError, OSError) as problem:
        print(f"training: {problem}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    """Build the parser. A command has the name of the function that runs it."""
    main_parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    commands = main_parser.add_subparsers(required=True, metavar="COMMAND")

    def command(run, text: str, data=True, out="FOLDER") -> argparse.ArgumentParser:
        """Add a command; data: whether it has --data; out: a key of OUTPUTS, None without --out."""
        parser = commands.add_parser(run.__name__, help=text, description=text)
        parser.set_defaults(run=run)
        if data:
            _add_data(parser, required=True)
        if out:
            required, meaning = out != "JSON", OUTPUTS[out]
            parser.add_argument("--out", type=Path, required=required, metavar=out, help=meaning)
        return parser

    for name, text in SYSTEMS.items():
        _add_system(commands, name, text)
    _add_training(command)
    _add_measurements(command)
    command(composites, "make average portraits, of no real person, from public-domain photos")
    parser = command(ship, "export a checkpoint with its card", data=False, out="FILE")
    _add_checkpoint(parser)
    parser.add_argument(
        "--card", type=Path, required=True, metavar="FILE", help="JSON: data, licence, labels"
    )
    parser.add_argument(
        "--metrics", type=Path, metavar="FILE", help="JSON that pairs or training.evaluate wrote"
    )
    parser.add_argument(
        "--gain",
        nargs="*",
        default=[],
        metavar="AXIS=NUMBER",
        help="factor of an axis's motion (warp only); 1: as in the training pairs",
    )
    return main_parser


def _add_system(commands, name: str, text: str) -> None:
    """Add the command of one of the six systems."""
    parser = commands.add_parser(name, help=text, description=text)
    parser.set_defaults(run=train_system, experiment=name)
    _add_data(parser, required=False)
    parser.add_argument("--out", type=Path, metavar="RUN", help=OUTPUTS["RUN"])
    parser.add_argument(
        "--preset", type=_preset, choices=PRESETS, default="reference", help="sizes and schedule"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="A.B=C",
        help="change a setting (training/README.md)",
    )
    parser.add_argument("--start", type=Path, metavar="FILE", help="initial weights")
    parser.add_argument("--dry-run", action="store_true", help="print the experiment and exit")
    parser.add_argument("--cpu", action="store_true", help="do not use a GPU")


def _add_training(command: Callable) -> None:
    """Add the commands that make data, train our generator and check the six systems."""
    parser = command(clips, "make training clips by animating photos with the shipped generator")
    parser.add_argument("--count", type=int, default=1500, help="number of clips")
    parser.add_argument("--frames", type=int, default=8, help="frames per clip")
    parser = command(edits, "make training pairs by editing photos with the shipped generator")
    parser.add_argument("--count", type=int, default=12000, help="number of pairs")
    parser = command(verify, "compare a training step with a golden file", data=False, out=None)
    text = "figures of the original code: tests/golden/train_*.json"
    parser.add_argument("file", type=Path, metavar="FILE", help=text)
    parser = command(warp, "train the default generator, or resume its training", out="RUN")
    parser.add_argument(
        "--space",
        choices=("facs", "action_units"),
        default="facs",
        help="of the data's labels: facs: 50 axes with sides, gaze and head; action_units: 17",
    )
    _add_seed(parser)
    parser.add_argument(
        "--bf16",
        action=argparse.BooleanOptionalAction,
        help="mixed precision in bf16; default: as the run that is resumed, else on a GPU and on a "
        "processor with AMX",
    )
    text = "initial weights; the first phase is then skipped"
    parser.add_argument("--start", type=Path, metavar="FILE", help=text)
    parser = command(
        calibrate, "fine-tune the reader of warp on pairs of photographs (minutes)", out="FILE"
    )
    _add_checkpoint(parser)
    _add_seed(parser)
    parser = command(folds, "add skin folds to warp (minutes)", out="FILE")
    _add_checkpoint(parser)
    parser = command(refine, "train the mouth refiner of warp (an hour on one core)", out="RUN")
    _add_checkpoint(parser)
    _add_seed(parser)
    for run in (aligner, inspector):
        parser = command(run, f"train the {run.__name__} (minutes)")
        _add_seed(parser)


def _add_measurements(command: Callable) -> None:
    """Add the commands that measure; `--write` puts figures of most into the documents."""
    for run, text, block in (
        (pairs, "measure a warp checkpoint on held-out pairs, and its reader", "reading"),
        (ablation, "measure warp on held-out pairs with parts switched off", "ablation"),
    ):
        parser = command(run, text, out="JSON")
        _add_checkpoint(parser)
        _add_split(parser)
        add_write_option(parser, [block])
    parser = command(
        sweeps, "render every unit and mood at five levels, for the judges", data=False
    )
    parser.add_argument("--data", type=Path, metavar="DIR", help="imgs/ and a table with splits")
    _add_checkpoint(parser, required=False)
    _add_split(parser)
    parser.add_argument("--count", type=int, default=20, help="number of photos")
    parser.add_argument("--photos", type=Path, nargs="*", help="photos instead of those of --data")
    parser.add_argument("--scale", type=int, default=3, help="enlargement of photos (default 3)")
    parser = command(sharpness, "measure the sharpness of sweeps", data=False, out="JSON")
    parser.add_argument("sweeps", type=Path, metavar="SWEEPS")
    add_write_option(parser, ["sharpness"], ["sharpness-large-photos"])
    parser = command(finders, "measure face detectors and the aligner", out="JSON")
    _add_split(parser)
    parser.add_argument("--count", type=int, default=150, help="number of photos")
    add_write_option(parser, ["finders"])


def _add_data(command: argparse.ArgumentParser, required: bool) -> None:
    text = "one data folder or several (training/README.md says which files)"
    command.add_argument(
        "--data", type=Path, nargs="+", required=required, metavar="DIR", help=text
    )


def _add_checkpoint(command: argparse.ArgumentParser, required: bool = True) -> None:
    text = "generator to read" if required else "generator to read (default: the shipped one)"
    command.add_argument("--checkpoint", type=Path, required=required, metavar="FILE", help=text)


def _add_seed(command: argparse.ArgumentParser) -> None:
    command.add_argument("--seed", type=int, default=0, help="seed of random numbers (default 0)")


def _add_split(command: argparse.ArgumentParser) -> None:
    text = "part of the data: train, val or test (default)"
    command.add_argument("--split", default="test", help=text)


def _preset(name: str) -> str:
    """Return the name of a preset; warn and replace it if it is deprecated."""
    if name == "taught":
        warnings.warn("--preset taught is now --preset pretrain.", FutureWarning, stacklevel=2)
        return "pretrain"
    return name


if __name__ == "__main__":
    sys.exit(main())
