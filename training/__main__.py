"""Train, measure and ship: python -m training COMMAND --help"""

import argparse
import sys
from pathlib import Path

from moodganimation.errors import Problem


def warp(options) -> None:
    import dataclasses

    import torch
    from accelerate import Accelerator, DistributedDataParallelKwargs

    from .data.pairs import Pairs
    from .runs import Run
    from .warp.experiment import WARP
    from .warp.train import train

    experiment = dataclasses.replace(WARP, seed=options.seed)
    data = Pairs(options.data, "train", experiment.generator.image_size)
    known = sum(row[1] in data.flow_of for row in data.rows)
    if known:
        data.with_flow()
    else:
        print("No flow*.npz in the data: pairs teach by their pictures alone, which takes longer;")
        print("the first phase, which learns motion from known motion, is left out.")
        experiment = dataclasses.replace(experiment, phases=experiment.phases[1:])
    print(f"{len(data.rows)} pairs, {known} with known motion; {len(data.photos)} labelled photos")
    accelerator = Accelerator(
        mixed_precision="bf16" if options.bf16 or torch.cuda.is_available() else "no",
        kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=True)],
    )
    train(experiment, data, Run(options.out, experiment), accelerator)


def aligner(options) -> None:
    from .aligner import train_aligner
    from .data.pairs import Pairs

    print(train_aligner(Pairs(options.data, "train", 128), options.out, seed=options.seed))


def pairs(options) -> None:
    from moodganimation.checkpoint import load_checkpoint

    from .data.pairs import Pairs
    from .warp.evaluate import on_pairs, on_photos, report

    generator, _, _ = load_checkpoint(options.checkpoint)
    generator.gain.fill_(1)  # the pairs know of no gains
    data = Pairs(options.data, options.split, generator.config.image_size)
    values = {f"read {key}": value for key, value in on_photos(generator, data).items()}
    report(values | on_pairs(generator, data.with_flow()), options.out)


def sweeps(options) -> None:
    from moodganimation.animator import Animator

    from .warp.evaluate import frontal, sweeps

    photos = options.photos or frontal(options.data[0], options.split, options.count)
    sweeps(Animator.load(options.checkpoint), photos, options.out)


def finders(options) -> None:
    from moodganimation.aligner import load_aligner
    from moodganimation.animator import ALIGNER

    from .data.pairs import Pairs
    from .find import measure_finders

    data = Pairs(options.data, options.split, 128)
    measure_finders(data, load_aligner(ALIGNER), options.count)


def composites(options) -> None:
    from .data.composites import composites

    composites(options.data[0], options.out)


def ship(options) -> None:
    from .warp.ship import ship

    ship(options.checkpoint, options.metrics, options.gain, options.out)


def main() -> int:
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

    added = command(warp, "train, or go on training, the default generator", out="RUN")
    added.add_argument("--seed", type=int, default=0)
    added.add_argument("--bf16", action=argparse.BooleanOptionalAction, default=_has_fast_bf16())
    added = command(aligner, "train the aligner (minutes)")
    added.add_argument("--seed", type=int, default=0)
    added = command(pairs, "measure a checkpoint on held-out pairs and as a reader", out="JSON")
    added.add_argument("--checkpoint", type=Path, required=True)
    added.add_argument("--split", default="test")
    added = command(sweeps, "draw every Action Unit at five levels, for training/measure.py")
    added.add_argument("--checkpoint", type=Path)
    added.add_argument("--split", default="test")
    added.add_argument("--count", type=int, default=20)
    added.add_argument("--photos", type=Path, nargs="*", help="instead of those of the data")
    added = command(finders, "measure face finders and the aligner", out=None)
    added.add_argument("--split", default="test")
    added.add_argument("--count", type=int, default=150)
    command(composites, "average portraits of nobody from the public-domain ones")
    added = command(ship, "write a checkpoint with its card", data=False, out="FILE")
    added.add_argument("--checkpoint", type=Path, required=True)
    added.add_argument("--metrics", type=Path, help="what evaluate wrote")
    added.add_argument("--gain", nargs="*", default=[], metavar="AXIS=NUMBER")
    options = parser.parse_args()
    try:
        options.run(options)
    except (Problem, ValueError, FileNotFoundError) as problem:
        print(f"training: {problem}", file=sys.stderr)
        return 2
    return 0


def _has_fast_bf16() -> bool:
    """Whether the processor multiplies bf16 matrices in hardware (AMX), as Linux reports it."""
    cpuinfo = Path("/proc/cpuinfo")
    return cpuinfo.exists() and "amx_bf16" in cpuinfo.read_text()


if __name__ == "__main__":
    sys.exit(main())
