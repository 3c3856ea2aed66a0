"""One of the seed's six systems, trained as the command line asks."""

import dataclasses
import json
import os
from pathlib import Path

import torch
from accelerate import Accelerator, PartialState
from accelerate.utils import broadcast_object_list

from moodganimation.expressions.spaces import space_named

from ..common.precision import suitable_precision
from ..common.runs import Run, begun
from ..data.stills import open_samples
from .experiments import EXPERIMENTS, Experiment
from .overrides import override
from .presets import preset
from .samples import Fixed
from .train import train


def train_system(options) -> None:
    """Raises ValueError for settings and data that do not fit."""
    experiment = override(preset(EXPERIMENTS[options.experiment], options.preset), options.set)
    if options.start:
        experiment = dataclasses.replace(experiment, start=options.start.name)
    if options.dry_run:
        print(json.dumps(dataclasses.asdict(experiment), indent=1))
        return
    if not (options.data and options.out):
        raise ValueError("--data DIR and --out RUN are needed (or --dry-run).")
    space = space_named(experiment.space)
    cpu = options.cpu or (experiment.precision == "float64" and not torch.cuda.is_available())
    experiment = with_precision(experiment, options.out, PartialState(cpu=cpu))
    accelerator = Accelerator(
        mixed_precision="bf16" if experiment.precision == "bf16" else "no", cpu=cpu
    )
    say = accelerator.print
    samples = open_samples(options.data, "train", experiment.data, space)
    say(*_introduction(experiment, samples, accelerator.num_processes), sep="\n")
    try:
        fixed = Fixed(open_samples(options.data, "val", experiment.data, space))
    except ValueError as problem:
        say(f"Sample sheets show training faces: {problem}")
        fixed = Fixed(samples)
    run = Run(options.out, experiment, accelerator.is_main_process)
    train(experiment, samples, fixed, run, accelerator, options.start)


def _introduction(experiment: Experiment, samples, processes: int) -> list[str]:
    """What the run is told to do, and what may surprise."""
    lines = [
        f"{experiment.name}: {len(samples)} training samples in {experiment.space}; "
        f"processes: {processes}; {experiment.precision}",
        *samples.report(),
    ]
    if experiment.penalty_every > 1:
        lines.append(
            f"Unlike the reference: gradient penalties in one of {experiment.penalty_every} steps "
            f"of the critics, with {experiment.penalty_every} times their weight."
        )
    if "MASTER_ADDR" in os.environ and processes == 1:
        lines.append(
            "Several processes were asked for, but accelerate launch --cpu starts one (unless "
            "given --mpirun_hostfile). On CPUs: accelerate launch --multi_gpu --num_processes N "
            "-m training ... --cpu, or torchrun --nproc_per_node N -m training ... --cpu"
        )
    return lines


def with_precision(experiment: Experiment, folder: Path, state: PartialState) -> Experiment:
    """The experiment in a definite precision: that of the run in the folder, if it is resumed, or
    else the one that suits the processor of the first process."""
    if experiment.precision != "quickest":
        return experiment
    found = [begun(folder).get("precision")]
    if state.is_main_process:
        found = [found[0] or suitable_precision(state.device.type)]
    return dataclasses.replace(experiment, precision=broadcast_object_list(found)[0])
