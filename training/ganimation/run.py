"""Training of the six systems by the options of the command line."""

import dataclasses
import json
import os
from pathlib import Path

import torch
from accelerate import Accelerator, PartialState
from accelerate.utils import broadcast_object_list

from moodganimation.expressions.spaces import space_named

from ..common.precision import suitable_precision
from ..common.runs import Run, stored_experiment
from ..data.batches import Samples
from ..data.stills import open_samples
from .experiments import EXPERIMENTS, Experiment
from .overrides import override
from .presets import preset
from .sample_sheets import SampleSheets
from .train import train


def train_system(options) -> None:
    """Train or resume a run, or print its settings with --dry-run.

    Raises ValueError for invalid settings and unusable data.
    """
    experiment = override(preset(EXPERIMENTS[options.experiment], options.preset), options.set)
    if options.start:
        experiment = dataclasses.replace(experiment, start=options.start.name)
    if options.dry_run:
        print(json.dumps(dataclasses.asdict(experiment), indent=1))
        return
    if not (options.data and options.out):
        raise ValueError("--data DIR and --out RUN are needed (or --dry-run).")
    space = space_named(experiment.space)
    # Without --cpu, accelerate also uses Apple's GPUs, which have no float64.
    use_cpu = options.cpu or (experiment.precision == "float64" and not torch.cuda.is_available())
    experiment = with_precision(experiment, options.out, PartialState(cpu=use_cpu))
    accelerator = Accelerator(
        mixed_precision="bf16" if experiment.precision == "bf16" else "no", cpu=use_cpu
    )
    samples = open_samples(options.data, "train", experiment.data, space)
    accelerator.print(*_start_message(experiment, samples, accelerator.num_processes), sep="\n")
    try:
        sheets = SampleSheets(open_samples(options.data, "val", experiment.data, space))
    except ValueError as problem:
        accelerator.print(f"Sample sheets and the errors val.* use training faces: {problem}")
        sheets = SampleSheets(samples)
    run = Run(options.out, experiment, accelerator.is_main_process)
    train(experiment, samples, sheets, run, accelerator, options.start)


def _start_message(experiment: Experiment, samples: Samples, processes: int) -> list[str]:
    """Lines to print at the start: samples, processes, precision, and whether gradient penalties
    are rarer than those of the reference."""
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
            "Several processes were requested, but accelerate launch --cpu starts one (unless it "
            "is given --mpirun_hostfile). On CPUs: accelerate launch --multi_gpu --num_processes N "
            "-m training ... --cpu, or torchrun --nproc_per_node N -m training ... --cpu"
        )
    return lines


def with_precision(experiment: Experiment, folder: Path, state: PartialState) -> Experiment:
    """Replace the precision "quickest" by a definite one.

    It is that stored in the run's folder, or for a new run the one that suits the device of the
    main process.
    """
    if experiment.precision != "quickest":
        return experiment
    precision = stored_experiment(folder).get("precision")
    if state.is_main_process:
        precision = precision or suitable_precision(state.device.type)
    precision = broadcast_object_list([precision])[0]
    return dataclasses.replace(experiment, precision=precision)
