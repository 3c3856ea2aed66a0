"""Train, measure and export generators: python -m training COMMAND --help"""

import argparse
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

from moodganimation.errors import Problem
from moodganimation.runtime.terminal import escape_unprintable

from .evaluate.documents import add_write_option, requested_blocks, write_blocks

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
    from moodganimation.checkpoints.files import load_checkpoint, save_generator

    from .data.pairs import Pairs
    from .warp.calibrate import calibrate
    from .warp.evaluate import report

    generator, space, card = load_checkpoint(options.checkpoint)
    data = Pairs(options.data, "train", generator.config.image_size, space).with_flow()
    errors = report(calibrate(generator, data, options.seed), None)
    save_generator(options.out, generator, space, card | {"calibration": errors})


def folds(options) -> None:
    """Add skin folds to a checkpoint."""
    from moodganimation.checkpoints.files import load_checkpoint, save_generator

    from .warp.folds import add_folds

    generator, space, card = load_checkpoint(options.checkpoint)
    generator, figures = add_folds(generator, options.data)
    print(figures)
    save_generator(options.out, generator, space, card | {"folds": figures})


def refine(options) -> None:
    """Train the mouth refiner of a checkpoint, or resume its training."""
    import torch

    from moodganimation.checkpoints.files import load_checkpoint, save_generator

    from .common.precision import suitable_precision
    from .common.runs import Run
    from .warp.extend import extended
    from .warp.mouths import collect_mouths
    from .warp.refine import RefinerExperiment, refine

    generator, space, card = load_checkpoint(options.checkpoint)
    if not generator.config.refiner:
        generator = extended(generator, refiner=True)
    precision = suitable_precision("cuda" if torch.cuda.is_available() else "cpu")
    experiment = RefinerExperiment(seed=options.seed, precision=precision)
    run = Run(options.out, experiment)
    train, val = (
        collect_mouths(options.data, split, generator, space) for split in ("train", "val")
    )
    photos, edits = int(train.real.sum()), int((~train.real).sum())
    print(f"{photos} photographs of open mouths, {edits} edits that open a mouth")
    generator = refine(experiment, generator, train, val, run)
    card |= {"refiner": {"steps": experiment.steps, "start": options.checkpoint.name}}
    save_generator(options.out / "generator.safetensors", generator, space, card)


def pairs(options) -> None:
    """Measure a checkpoint on held-out pairs, and its reader."""
    from .evaluate.blocks import BLOCKS
    from .warp.evaluate import on_pairs, on_photos, report

    generator, data = _without_gains(options)
    values = {f"read {key}": value for key, value in on_photos(generator, data).items()}
    values |= on_pairs(generator, data.with_flow())
    write_blocks(options.blocks, BLOCKS, report(values, options.out))


def ablation(options) -> None:
    """Measure a checkpoint with parts switched off."""
    from .evaluate.blocks import BLOCKS
    from .warp.evaluate import ablation, report

    generator, data = _without_gains(options)
    values = report(ablation(generator, data.with_flow()), options.out)
    write_blocks(options.blocks, BLOCKS, values)


def _without_gains(options) -> tuple:
    """Load the generator, with gains of 1 since the pairs were made without gains, and the data."""
    from moodganimation.checkpoints.files import load_checkpoint

    from .data.pairs import Pairs

    generator, space, _ = load_checkpoint(options.checkpoint)
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
    from .evaluate.judges.sharpness import BLOCKS, on_sweeps

    _report_tables(options, BLOCKS, sharpness=on_sweeps(options.sweeps))


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
    from .data.composites import composites

    composites(options.data[0], options.out)


def ship(options) -> None:
    """Export a checkpoint with its card."""
    from .ship import ship

    ship(options.checkpoint, options.card, options.metrics, options.gain, options.out)


def main(arguments: list[str] | None = None) -> int:
    """Run a command; return the exit status, 2 after an error that a person can mend."""
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
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(run, text: str, data=True, out="FOLDER") -> argparse.ArgumentParser:
        added = commands.add_parser(run.__name__, help=text, description=text)
        added.set_defaults(run=run)
        if data:
            text = "one folder or several"
            added.add_argument(
                "--data", type=Path, nargs="+", required=True, metavar="DIR", help=text
            )
        if out:
            text = OUTPUTS[out]
            added.add_argument("--out", type=Path, required=out != "JSON", metavar=out, help=text)
        return added

    for name, text in SYSTEMS.items():
        _add_system(commands, name, text)
    _add_training(command)
    _add_measurements(command)
    command(composites, "make average portraits, of no real person, from public-domain photos")
    added = command(ship, "export a checkpoint with its card", data=False, out="FILE")
    _add_checkpoint(added)
    added.add_argument(
        "--card", type=Path, required=True, metavar="FILE", help="JSON: data, licence, labels"
    )
    added.add_argument(
        "--metrics", type=Path, metavar="FILE", help="file of --out of pairs or training.evaluate"
    )
    added.add_argument(
        "--gain",
        nargs="*",
        default=[],
        metavar="AXIS=NUMBER",
        help="factor of an axis's motion; 1: as in the training pairs (warp only)",
    )
    return parser


def _add_system(commands, name: str, text: str) -> None:
    """Add the command of one of the six systems."""
    added = commands.add_parser(name, help=text, description=text)
    added.set_defaults(run=train_system, experiment=name)
    added.add_argument("--data", type=Path, nargs="+", metavar="DIR", help="one folder or several")
    added.add_argument("--out", type=Path, metavar="RUN", help=OUTPUTS["RUN"])
    added.add_argument(
        "--preset", type=_preset, choices=PRESETS, default="reference", help="sizes and schedule"
    )
    added.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="A.B=C",
        help="change a setting (training/README.md)",
    )
    added.add_argument("--start", type=Path, metavar="FILE", help="initial weights")
    added.add_argument("--dry-run", action="store_true", help="print the experiment and exit")
    added.add_argument("--cpu", action="store_true", help="do not use a GPU")


def _add_training(command: Callable) -> None:
    """Add the commands that make data, train our generator and check the six systems."""
    added = command(clips, "make training clips by animating photos with the shipped generator")
    added.add_argument("--count", type=int, default=1500, help="number of clips")
    added.add_argument("--frames", type=int, default=8, help="frames per clip")
    added = command(edits, "make training pairs by editing photos with the shipped generator")
    added.add_argument("--count", type=int, default=12000, help="number of pairs")
    added = command(verify, "compare a training step with a golden file", data=False, out=None)
    text = "figures of the original code: tests/golden/train_*.json"
    added.add_argument("file", type=Path, metavar="FILE", help=text)
    added = command(warp, "train the default generator, or resume its training", out="RUN")
    added.add_argument(
        "--space",
        choices=("facs", "action_units"),
        default="facs",
        help="facs: 50 axes with sides, gaze and head; action_units: 17; as the data's labels",
    )
    _add_seed(added)
    added.add_argument(
        "--bf16",
        action=argparse.BooleanOptionalAction,
        help="mixed precision in bf16; default: as the run that is resumed, else on a GPU and on a "
        "processor with AMX",
    )
    text = "initial weights; the first phase is then skipped"
    added.add_argument("--start", type=Path, metavar="FILE", help=text)
    added = command(
        calibrate, "fine-tune the reader of warp on pairs of photographs (minutes)", out="FILE"
    )
    _add_checkpoint(added)
    _add_seed(added)
    added = command(folds, "add skin folds to warp (minutes)", out="FILE")
    _add_checkpoint(added)
    added = command(refine, "train the mouth refiner of warp (an hour on one core)", out="RUN")
    _add_checkpoint(added)
    _add_seed(added)
    for run in (aligner, inspector):
        added = command(run, f"train the {run.__name__} (minutes)")
        _add_seed(added)


def _add_measurements(command: Callable) -> None:
    """Add the commands that measure; `--write` puts figures of most into the documents."""
    for run, text, block in (
        (pairs, "measure a warp checkpoint on held-out pairs, and its reader", "reading"),
        (ablation, "measure warp on held-out pairs with parts switched off", "ablation"),
    ):
        added = command(run, text, out="JSON")
        _add_checkpoint(added)
        _add_split(added)
        add_write_option(added, [block])
    added = command(sweeps, "render every unit and mood at five levels, for the judges", data=False)
    added.add_argument("--data", type=Path, metavar="DIR")
    _add_checkpoint(added, required=False)
    _add_split(added)
    added.add_argument("--count", type=int, default=20, help="number of photos")
    added.add_argument("--photos", type=Path, nargs="*", help="photos instead of those of --data")
    added.add_argument("--scale", type=int, default=3, help="enlargement of photos (default 3)")
    added = command(sharpness, "measure the sharpness of sweeps", data=False, out="JSON")
    added.add_argument("sweeps", type=Path, metavar="SWEEPS")
    add_write_option(added, ["sharpness"], ["sharpness-large-photos"])
    added = command(finders, "measure face detectors and the aligner", out="JSON")
    _add_split(added)
    added.add_argument("--count", type=int, default=150, help="number of photos")
    add_write_option(added, ["finders"])


def _add_checkpoint(command: argparse.ArgumentParser, required: bool = True) -> None:
    text = "generator to read" if required else "generator to read (default: the shipped one)"
    command.add_argument("--checkpoint", type=Path, required=required, metavar="FILE", help=text)


def _add_seed(command: argparse.ArgumentParser) -> None:
    command.add_argument("--seed", type=int, default=0, help="of the random numbers (default 0)")


def _add_split(command: argparse.ArgumentParser) -> None:
    text = "part of the data: train, val or test (default)"
    command.add_argument("--split", default="test", help=text)


def _preset(name: str) -> str:
    """Return the name of a preset, whose deprecated name is accepted with a warning."""
    if name == "taught":
        warnings.warn("--preset taught is now --preset pretrain.", FutureWarning, stacklevel=2)
        return "pretrain"
    return name


if __name__ == "__main__":
    sys.exit(main())
