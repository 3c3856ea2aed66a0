"""Presets: the seed's sizes and schedule, a small copy of them, and what learns on two cores."""

from dataclasses import replace

from moodganimation.expressions.spaces import ACTION_UNITS, PAD, VALENCE_AROUSAL

from .experiments import Experiment, PretrainStage, in_space


def preset(experiment: Experiment, name: str) -> Experiment:
    """Apply a preset by name.

    reference: the sizes and schedule of the original. small: a few minutes, to try it out.
    pretrain: supervised stages at growing resolution, then the adversarial objective; `taught` is
    its deprecated name.
    """
    match name:
        case "small":
            return _narrow(experiment, 8, batch=2, frames=4)
        case "pretrain" | "taught":
            return _pretrain(experiment)
        case _:
            return experiment


def _narrow(experiment: Experiment, width: int, batch: int, frames: int) -> Experiment:
    data, clip = experiment.data, experiment.clip_critic
    return replace(
        experiment,
        data=data if data.kind == "stills" else replace(data, frames=frames),
        generator=replace(experiment.generator, width=width),
        frame_critic=replace(experiment.frame_critic, width=width),
        clip_critic=replace(clip, width=width) if clip else None,
        batch=batch,
    )


def _pretrain(experiment: Experiment) -> Experiment:
    """What learns on two cores: 32, 64, then 128 pixels with heads told what targets know, then
    the paper's objective with the seed's slips corrected (penalties between real and fake of the
    same frame, a condition weight that does not hang on the batch)."""
    space = PAD.name if experiment.space == VALENCE_AROUSAL.name else experiment.space
    still = experiment.data.kind == "stills"
    unet = experiment.generator.architecture == "convgru_unet"
    experiment = _narrow(in_space(experiment, space), 32, batch=12, frames=4)
    if unet:
        # A gate sums over thousands of inputs: at higher rates its tanh saturates at once.
        narrow = replace(experiment.generator, width=12)
        experiment = replace(experiment, generator=narrow, gate_rate=0.15)
    lessons = ((32, 4000, 64, 1e-3), (64, 8000, 32, 8e-4), (128, 6000, 12, 5e-4))
    if experiment.clip_critic:  # its gates are most of all parameters
        narrow = replace(experiment.clip_critic, width=16)
        experiment = replace(experiment, clip_critic=narrow)
    share = 1 if still else 3  # frames a clip
    return replace(
        experiment,
        data=replace(
            experiment.data,
            kind="pairs" if still else "clips",
            frames=2 if still else experiment.data.frames,
            augment="crop",  # no tones: instance norms forget them, so heads could not follow
            target_floor=space == ACTION_UNITS.name,
        ),
        lessons=tuple(
            PretrainStage(image_size=size, steps=steps, batch=batch // share // 4 * 4, rate=rate)
            for size, steps, batch, rate in lessons
        ),
        weights=replace(
            experiment.weights, condition=160.0, clip_condition=160.0, attention=0.0, told=1.0
        ),
        condition_by_batch=False,
        penalty_pairs="real",
        penalty_apart=False,
        gates="open",
        critics_ahead=200,
        steps=2000,
    )
