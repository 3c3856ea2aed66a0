"""Training of `warp` by the options of the command line."""

import dataclasses

import torch
from accelerate import Accelerator, DistributedDataParallelKwargs

from moodganimation.expressions.spaces import SPACES

from ..common.precision import suitable_precision
from ..common.runs import Run, stored_experiment
from ..data.pairs import Pairs
from .experiment import for_space
from .train import train


def train_warp(options) -> None:
    """Train or resume a run. Raises ValueError for unusable data."""
    space = SPACES[options.space]
    experiment = dataclasses.replace(for_space(space), seed=options.seed)
    data = Pairs(options.data, "train", experiment.generator.image_size, space)
    with_motion = sum(row.target in data.flow_of for row in data.rows)
    if with_motion:
        data.with_flow()
    else:
        print("No flow*.npz in the data: motion is not supervised, so training takes longer;")
        print("the first phase, which needs known motion, is skipped.")
        experiment = dataclasses.replace(experiment, phases=experiment.phases[1:])
    photos = len(data.photos)
    print(f"{len(data.rows)} pairs, {with_motion} with known motion; {photos} labelled photos")
    precision = precision_of(options)
    accelerator = Accelerator(
        mixed_precision="bf16" if precision == "bf16" else "no",
        kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=True)],
    )
    start = options.start.name if options.start else ""
    experiment = dataclasses.replace(experiment, precision=precision, start=start)
    run = Run(options.out, experiment, accelerator.is_main_process)
    train(experiment, data, run, accelerator, options.start)


def precision_of(options) -> str:
    """The requested precision; by default that of the run, if it is resumed, or a suitable one."""
    if options.bf16 is not None:
        return "bf16" if options.bf16 else "float32"
    stored = stored_experiment(options.out).get("precision")
    return stored or suitable_precision("cuda" if torch.cuda.is_available() else "cpu")
