"""Presets: sizes and schedule of the original, small networks to try it out, and pretraining."""

from dataclasses import replace

from moodganimation.expressions.spaces import ACTION_UNITS, PAD, VALENCE_AROUSAL

from .experiments import Experiment, PretrainStage, in_space

CLIP_FRAMES = 4  # the first one is given, the others are generated
# Batches are those of photos; see `_for_clips`.
STAGES = (
    PretrainStage(image_size=32, steps=4000, batch=64, rate=1e-3),
    PretrainStage(image_size=64, steps=8000, batch=32, rate=8e-4),
    PretrainStage(image_size=128, steps=6000, batch=12, rate=5e-4),
)


def preset(experiment: Experiment, name: str) -> Experiment:
    """Apply a preset by name.

    reference: the sizes and schedule of the original. small: narrow networks, small batches and
    short clips, to try it out, for as many epochs; `--set steps=N` makes it short. pretrain:
    supervised stages at growing resolution, then the adversarial objective with the supervised
    terms in place of the deviation of the mean attention.
    """
    match name:
        case "small":
            return _resized(experiment, width=8, batch=2)
        case "pretrain":
            return _pretrain(experiment)
        case _:
            return experiment


def _resized(experiment: Experiment, width: int, batch: int) -> Experiment:
    """Change the width of all networks and the batch, and set clips to CLIP_FRAMES."""
    data, clip = experiment.data, experiment.clip_critic
    return replace(
        experiment,
        data=data if data.kind == "stills" else replace(data, frames=CLIP_FRAMES),
        generator=replace(experiment.generator, width=width),
        frame_critic=replace(experiment.frame_critic, width=width),
        clip_critic=replace(clip, width=width) if clip else None,
        batch=batch,
    )


def _pretrain(experiment: Experiment) -> Experiment:
    """Apply the preset pretrain: stages at 32, 64 and 128 pixels, then adversarial steps.

    It is sized for two cores. Two defects of the original are corrected: penalties interpolate real
    and fake versions of the same frame, and the weight of the condition does not depend on the
    batch size.
    """
    space = PAD.name if experiment.space == VALENCE_AROUSAL.name else experiment.space
    is_stills = experiment.data.kind == "stills"
    experiment = _resized(in_space(experiment, space), width=32, batch=12)
    experiment = _with_narrow_recurrent_networks(experiment)
    weights = replace(
        experiment.weights, condition=160.0, clip_condition=160.0, attention=0.0, told=1.0
    )
    return replace(
        experiment,
        data=replace(
            experiment.data,
            kind="pairs" if is_stills else "clips",
            frames=2 if is_stills else experiment.data.frames,
            # No random tones: instance norms remove them, so the generator could not paint them.
            augment="crop",
            target_floor=space == ACTION_UNITS.name,
        ),
        lessons=STAGES if is_stills else tuple(map(_for_clips, STAGES)),
        weights=weights,
        condition_by_batch=False,
        penalty_pairs="real",
        penalty_apart=False,
        gates="open",
        critics_ahead=200,
        steps=2000,
    )


def _with_narrow_recurrent_networks(experiment: Experiment) -> Experiment:
    """Reduce the width of a clip critic and of a ConvGRU generator; with such a generator, also the
    learning rate of the gates of all networks."""
    if experiment.generator.architecture == "convgru_unet":
        # A gate sums over thousands of inputs: at higher rates it soon saturates.
        generator = replace(experiment.generator, width=12)
        experiment = replace(experiment, generator=generator, gate_rate=0.15)
    if experiment.clip_critic:
        clip_critic = replace(experiment.clip_critic, width=16)
        experiment = replace(experiment, clip_critic=clip_critic)
    return experiment


def _for_clips(stage: PretrainStage) -> PretrainStage:
    """Reduce a stage's batch, so that it has about as many generated frames as one of photos.

    It stays a multiple of 4, so that 2 or 4 processes can share it.
    """
    return replace(stage, batch=stage.batch // (CLIP_FRAMES - 1) // 4 * 4)
