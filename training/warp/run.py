"""Training of `warp`, and of its mouth refiner, by the options of the command line."""

import dataclasses

import torch
from accelerate import Accelerator, DistributedDataParallelKwargs

from moodganimation.checkpoints.files import save_generator
from moodganimation.expressions.spaces import SPACES

from ..common.precision import suitable_precision
from ..common.runs import Run, stored_experiment
from ..data.pairs import Pairs
from .experiment import experiment_for
from .extend import extended
from .loading import load_warp
from .mouths import collect_mouths
from .refine import RefinerExperiment, refine
from .train import train


def train_warp(options) -> None:
    """Train or resume a run.

    Raises ValueError for unusable data, and for a folder with a run of another experiment.
    """
    space = SPACES[options.space]
    experiment = dataclasses.replace(experiment_for(space), seed=options.seed)
    data = Pairs(options.data, "train", experiment.generator.image_size, space)
    with_motion = sum(row.target in data.flow_of for row in data.rows)
    if with_motion:
        data.keep_pairs_with_motion()
    else:
        print(
            "No flow*.npz has the motion of a training pair: it is learned from the pictures alone."
        )
        print("The first phase, which needs known motion, is skipped.")
        experiment = dataclasses.replace(experiment, phases=experiment.phases[1:])
    photos = len(data.photos)
    print(f"{len(data.rows)} pairs, {with_motion} with known motion; {photos} labelled photos")
    precision = precision_of(options)
    # Phases without picture terms leave the painter without gradients.
    accelerator = Accelerator(
        mixed_precision="bf16" if precision == "bf16" else "no",
        kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=True)],
    )
    start = options.start.name if options.start else ""
    experiment = dataclasses.replace(experiment, precision=precision, start=start)
    run = Run(options.out, experiment, accelerator.is_main_process)
    train(experiment, data, run, accelerator, options.start)


def precision_of(options) -> str:
    """The requested precision; by default that of the run that is resumed, else a suitable one."""
    if options.bf16 is not None:
        return "bf16" if options.bf16 else "float32"
    stored = stored_experiment(options.out).get("precision")
    return stored or suitable_precision("cuda" if torch.cuda.is_available() else "cpu")


def train_refiner(options) -> None:
    """Train the mouth refiner of a checkpoint, which is added if it has none, or resume a run.

    Raises ValueError for a checkpoint of another generator, and for unusable data.
    """
    generator, space, card = load_warp(options.checkpoint, facs_only=True)
    if not generator.config.refiner:
        generator = extended(generator, refiner=True)
    experiment = RefinerExperiment(seed=options.seed, precision=suitable_precision("cpu"))
    run = Run(options.out, experiment)
    mouths = {}
    for split in ("train", "val"):
        mouths[split] = collect_mouths(options.data, split, generator, space)
        photographed = int(mouths[split].photographed.sum())
        edited = len(mouths[split]) - photographed
        print(f"{split}: {photographed} photographs of open mouths, {edited} edits that open one")
        if not photographed:
            raise ValueError(f"The split {split} has no photograph of an open mouth.")
        if not edited:
            raise ValueError(f"The split {split} has no photograph whose mouth an edit can open.")
    generator = refine(experiment, generator, mouths["train"], mouths["val"], run)
    card |= {"refiner": {"steps": experiment.steps, "start": options.checkpoint.name}}
    save_generator(options.out / "generator.safetensors", generator, space, card)
