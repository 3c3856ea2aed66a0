"""Train, measure and ship: python -m training COMMAND --help"""

import argparse
import dataclasses
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

from moodganimation.errors import Problem

from .evaluate.documents import add_write_option, requested_blocks, write_blocks

PRESETS = ("reference", "small", "pretrain")

SEED = {
    "ganimation": "train GANimation: Action Units on photos",
    "mood": "train on moods of photos",
    "video": "train on clips, frame after frame",
    "convgru_disc": "train on clips with a ConvGRU in the frame critic",
    "convgru_unet": "train the ConvGRU U-Net generator on clips",
    "spatiotemporal": "train the U-Net with a recurrent frame critic and a clip critic",
}


def warp(options) -> None:
    import torch
    from accelerate import Accelerator, DistributedDataParallelKwargs

    from moodganimation.expressions.spaces import SPACES

    from .common.precision import suitable_precision
    from .common.runs import Run, begun
    from .data.pairs import Pairs
    from .warp.experiment import for_space
    from .warp.train import train

    space = SPACES[options.space]
    experiment = dataclasses.replace(for_space(space), seed=options.seed)
    data = Pairs(options.data, "train", experiment.generator.image_size, space)
    known = sum(row[1] in data.flow_of for row in data.rows)
    if known:
        data.with_flow()
    else:
        print("No flow*.npz in the data: pairs teach by their pictures alone, which takes longer;")
        print("the first phase, which learns motion from known motion, is left out.")
        experiment = dataclasses.replace(experiment, phases=experiment.phases[1:])
    print(f"{len(data.rows)} pairs, {known} with known motion; {len(data.photos)} labelled photos")
    precision = begun(options.out).get("precision") or suitable_precision(
        "cuda" if torch.cuda.is_available() else "cpu"
    )
    if options.bf16 is not None:
        precision = "bf16" if options.bf16 else "float32"
    experiment = dataclasses.replace(experiment, precision=precision)
    accelerator = Accelerator(
        mixed_precision="bf16" if precision == "bf16" else "no",
        kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=True)],
    )
    if options.start:
        experiment = dataclasses.replace(experiment, start=options.start.name)
    run = Run(options.out, experiment, accelerator.is_main_process)
    train(experiment, data, run, accelerator, options.start)


def seed_system(options) -> None:
    from .ganimation.run import train_system

    train_system(options)


def clips(options) -> None:
    from .data.synthesis import make_clips

    if len(options.data) > 1:
        raise ValueError("Clips are made of the photos of one folder: give one --data.")
    make_clips(options.data[0], options.out, options.count, options.frames)


def edits(options) -> None:
    from .data.synthesis import make_edits

    if len(options.data) > 1:
        raise ValueError("Pairs are made of the photos of one folder: give one --data.")
    make_edits(options.data[0], options.out, options.count)


def verify(options) -> None:
    from .ganimation.verify import verify

    verify(options.file)


def aligner(options) -> None:
    from .common.aligner import train_aligner
    from .data.pairs import Pairs

    print(train_aligner(Pairs(options.data, "train", 128), options.out, seed=options.seed))


def calibrate(options) -> None:
    from moodganimation.checkpoints.files import load_checkpoint, save_generator

    from .data.pairs import Pairs
    from .warp.calibrate import calibrate
    from .warp.evaluate import report

    generator, space, card = load_checkpoint(options.checkpoint)
    data = Pairs(options.data, "train", generator.config.image_size, space).with_flow()
    errors = report(calibrate(generator, data, options.seed), None)
    save_generator(options.out, generator, space, card | {"calibration": errors})


def pairs(options) -> None:
    from .evaluate.blocks import BLOCKS
    from .warp.evaluate import on_pairs, on_photos, report

    generator, data = _without_gains(options)
    values = {f"read {key}": value for key, value in on_photos(generator, data).items()}
    values |= on_pairs(generator, data.with_flow())
    write_blocks(options.blocks, BLOCKS, report(values, options.out))


def ablation(options) -> None:
    from .evaluate.blocks import BLOCKS
    from .warp.evaluate import ablation, report

    generator, data = _without_gains(options)
    values = report(ablation(generator, data.with_flow()), options.out)
    write_blocks(options.blocks, BLOCKS, values)


def _without_gains(options) -> tuple:
    """The generator with gains of 1, since the pairs were made without gains; and the data."""
    from moodganimation.checkpoints.files import load_checkpoint

    from .data.pairs import Pairs

    generator, space, _ = load_checkpoint(options.checkpoint)
    generator.gain.fill_(1)
    return generator, Pairs(options.data, options.split, generator.config.image_size, space)


def sweeps(options) -> None:
    from moodganimation.animator import Animator

    from .evaluate.judges.crops import frontal
    from .evaluate.judges.sweeps import sweeps

    if not (options.photos or options.data):
        raise ValueError("Say whose faces: --data DIR for those of a split, or --photos FILES.")
    photos = options.photos or frontal(options.data, options.split, options.count)
    sweeps(Animator.load(options.checkpoint), photos, options.out, options.scale)


def sharpness(options) -> None:
    from .evaluate.judges.sharpness import BLOCKS, on_sweeps

    _report_tables(options, BLOCKS, sharpness=on_sweeps(options.sweeps))


def finders(options) -> None:
    from moodganimation.animator import ALIGNER
    from moodganimation.faces.alignment import load_aligner

    from .data.pairs import Pairs
    from .evaluate.judges.detection import BLOCKS, measure_finders

    data = Pairs(options.data, options.split, 128)
    rows = measure_finders(data, load_aligner(ALIGNER), options.count)
    _report_tables(options, BLOCKS, finders=rows)


def _report_tables(options, blocks: dict, **tables) -> None:
    """Print tables, and write them as JSON and into the documents where that is requested."""
    from .evaluate.judges.tables import known, report

    report(options.out, **tables)
    write_blocks(options.blocks, blocks, known(tables))


def composites(options) -> None:
    from .data.composites import composites

    composites(options.data[0], options.out)


def ship(options) -> None:
    from .ship import ship

    ship(options.checkpoint, options.card, options.metrics, options.gain, options.out)


def main(arguments: list[str] | None = None) -> int:
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["bench"]:
        print("training: bench is now: python -m benchmarks training", file=sys.stderr)
        return 2
    options = _parser().parse_args(arguments)
    try:
        if "write" in options:
            options.blocks = requested_blocks(options)
        options.run(options)
    except (Problem, ValueError, OSError) as problem:
        print(f"training: {problem}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(run, text: str, data=True, out="FOLDER") -> argparse.ArgumentParser:
        added = commands.add_parser(run.__name__, help=text, description=text)
        added.set_defaults(run=run)
        if data:
            added.add_argument("--data", type=Path, nargs="+", required=True, metavar="DIR")
        if out:
            added.add_argument("--out", type=Path, required=out != "JSON", metavar=out)
        return added

    for name, text in SEED.items():
        _add_system(commands, name, text)
    _add_training(command)
    _add_measurements(command)
    command(composites, "average portraits of nobody from the public-domain ones")
    added = command(ship, "write a checkpoint with its card", data=False, out="FILE")
    added.add_argument("--checkpoint", type=Path, required=True)
    added.add_argument("--card", type=Path, required=True, help="JSON: data, licence ...")
    added.add_argument("--metrics", type=Path, help="what pairs or training.evaluate wrote")
    added.add_argument("--gain", nargs="*", default=[], metavar="AXIS=NUMBER")
    return parser


def _add_system(commands, name: str, text: str) -> None:
    added = commands.add_parser(name, help=text, description=text)
    added.set_defaults(run=seed_system, experiment=name)
    added.add_argument("--data", type=Path, nargs="+", metavar="DIR")
    added.add_argument("--out", type=Path, metavar="RUN")
    added.add_argument("--preset", type=_preset, choices=PRESETS, default="reference")
    added.add_argument("--set", action="append", default=[], metavar="A.B=C")
    added.add_argument("--start", type=Path, metavar="FILE", help="weights to begin with")
    added.add_argument("--dry-run", action="store_true", help="print the experiment and stop")
    added.add_argument("--cpu", action="store_true", help="even where there is a GPU")


def _add_training(command: Callable) -> None:
    """Add the commands that make data, train our generator and check the six systems."""
    added = command(clips, "move photos along expressions, as clips to train on")
    added.add_argument("--count", type=int, default=1500)
    added.add_argument("--frames", type=int, default=8)
    added = command(edits, "edit photos by the shipped generator, as pairs to train on")
    added.add_argument("--count", type=int, default=12000)
    added = command(verify, "recompute a golden training file", data=False, out=None)
    added.add_argument("file", type=Path)
    added = command(warp, "train, or go on training, the default generator", out="RUN")
    added.add_argument(
        "--space",
        choices=("facs", "action_units"),
        default="facs",
        help="axes that it learns: 50 with sides, gaze and head, or 17; the data must have them",
    )
    added.add_argument("--seed", type=int, default=0)
    added.add_argument(
        "--bf16",
        action=argparse.BooleanOptionalAction,
        help="default: where the processor multiplies bf16 in hardware",
    )
    text = "weights to begin with, at the last phase"
    added.add_argument("--start", type=Path, metavar="FILE", help=text)
    added = command(
        calibrate, "teach the reader of warp by pairs of photographs (minutes)", out="FILE"
    )
    added.add_argument("--checkpoint", type=Path, required=True)
    added.add_argument("--seed", type=int, default=0)
    added = command(aligner, "train the aligner (minutes)")
    added.add_argument("--seed", type=int, default=0)


def _add_measurements(command: Callable) -> None:
    """Add the commands that measure, most of which write figures into the documents."""
    for run, text, block in (
        (pairs, "measure a checkpoint on held-out pairs and as a reader", "reading"),
        (ablation, "measure warp on held-out pairs with parts switched off", "ablation"),
    ):
        added = command(run, text, out="JSON")
        added.add_argument("--checkpoint", type=Path, required=True)
        added.add_argument("--split", default="test")
        add_write_option(added, [block])
    added = command(sweeps, "draw every unit and mood at five levels, for the judges", data=False)
    added.add_argument("--data", type=Path, metavar="DIR")
    added.add_argument("--checkpoint", type=Path)
    added.add_argument("--split", default="test")
    added.add_argument("--count", type=int, default=20)
    added.add_argument("--photos", type=Path, nargs="*", help="instead of those of the data")
    added.add_argument("--scale", type=int, default=3, help="enlarge photos first (default 3)")
    added = command(sharpness, "measure how sharp sweeps are", data=False, out="JSON")
    added.add_argument("sweeps", type=Path, metavar="SWEEPS")
    add_write_option(added, ["sharpness"], ["sharpness-large-photos"])
    added = command(finders, "measure face detectors and the aligner", out="JSON")
    added.add_argument("--split", default="test")
    added.add_argument("--count", type=int, default=150)
    add_write_option(added, ["finders"])


def _preset(name: str) -> str:
    """The preset, by its name or its deprecated one."""
    if name == "taught":
        warnings.warn("--preset taught is now --preset pretrain.", FutureWarning, stacklevel=2)
        return "pretrain"
    return name


if __name__ == "__main__":
    sys.exit(main())
