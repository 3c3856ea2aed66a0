"""python -m training warp --data DIR [DIR ...] --out RUN: train, or go on with, a system."""

import argparse
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    warp = commands.add_parser("warp", help="the default generator, from pairs with known motion")
    warp.add_argument("--data", type=Path, nargs="+", required=True, metavar="DIR")
    warp.add_argument("--out", type=Path, required=True, metavar="RUN")
    warp.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()

    import torch
    from accelerate import Accelerator

    from .data.pairs import Pairs
    from .experiments import WARP
    from .runs import Run
    from .train import train

    experiment = WARP
    data = Pairs(arguments.data, "train", experiment.generator.image_size).with_flow()
    precision = "bf16" if torch.cuda.is_available() or torch.cpu._is_amx_tile_supported() else "no"
    train(experiment, data, Run(arguments.out, experiment), Accelerator(mixed_precision=precision))


if __name__ == "__main__":
    main()
