"""The six systems of the original repository as values of one type.

Every number is that of the code of the system's branch (training/README.md names them), except of
fields marked "ours". A comment of the form --flag names the original's command-line option for a
field. Names of fields are stored in experiment.json and are options of `--set`, so they do not
change.
"""

from dataclasses import dataclass, replace
from typing import Literal

from moodganimation.expressions.spaces import ACTION_UNITS, VALENCE_AROUSAL, space_named
from moodganimation.networks.base import GeneratorConfig

from ..data.config import DataConfig
from .critics import CriticConfig


@dataclass(frozen=True, kw_only=True)
class Weights:
    """Weights of the terms of the objective; 0 switches a term off. `clip_`: of the clip critic."""

    realism: float = 1.0  # --lambda_D_prob
    condition: float = 4000.0  # --lambda_D_cond; --lambda_D_frame_cond of spatiotemporal
    penalty: float = 10.0  # --lambda_D_gp: gradient penalty
    reconstruction: float = 10.0  # --lambda_cyc: back to the photo, or to the true frame
    attention: float = 0.1  # --lambda_mask: deviation of its mean from `attention_rest`
    # --lambda_mask_smooth: of the attention. GANimation itself has 1e-5.
    smoothness: float = 1e-4
    clip_realism: float = 1.0  # --lambda_D_temp
    clip_condition: float = 4000.0  # --lambda_D_cond of spatiotemporal
    clip_penalty: float = 10.0  # --lambda_D_temp_gp
    told: float = 0.0  # ours: supervised terms (color, attention, composite) in adversarial steps


@dataclass(frozen=True, kw_only=True)
class PretrainStage:
    """Steps of supervised pretraining at one face size, before the adversarial steps. Ours."""

    image_size: int
    steps: int
    batch: int
    rate: float  # falls to a tenth along a cosine


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """All settings of a run."""

    name: str
    space: str
    start: str = ""  # name of the file of initial weights
    data: DataConfig
    generator: GeneratorConfig
    frame_critic: CriticConfig
    clip_critic: CriticConfig | None = None
    weights: Weights = Weights()
    # --recurrent: what each generated frame of a clip starts from: the still photo, the last
    # generated frame, the last true frame (teacher forcing), or a curriculum from true to generated
    # frames. True frames are those of the clip, `Batch.truth`.
    feed: Literal["portrait", "generated", "truth", "curriculum"] = "portrait"
    curriculum: float = 0.5  # share of the adversarial steps after which no true frame is fed
    condition_loss: Literal["mse", "xsigmoid"] = "mse"
    # Divide the condition error, already a mean over the batch, by the batch size once more, as the
    # original does.
    condition_by_batch: bool = True
    attention_rest: float = 0.0  # target of the mean attention; 0 repaints, 1 keeps the photo
    roughness_power: int = 2  # of differences in the smoothness term
    # What the gradient penalty of a frame critic interpolates the fake frame with: the first frame
    # of the clip, the previous fake frame, or the true version of the same frame. That of a clip
    # critic always takes the true clip.
    penalty_pairs: Literal["first", "previous", "real"] = "first"
    penalty_apart: bool = True  # the gradient penalty has an optimizer step of its own
    penalty_every: int = 1  # ours: every N critic steps, with N times the weight
    lessons: tuple[PretrainStage, ...] = ()  # ours: pretraining stages, before adversarial steps
    critics_ahead: int = 0  # ours: adversarial steps at the start that train the critics only
    batch: int = 4  # --batch_size, over all processes
    n_critic: int = 5  # --train_G_every_n_iterations: critic steps per generator step
    epochs: int = 20  # --nepochs_no_decay: with the full learning rate
    # --nepochs_decay: the first of these still has the full rate; in each further one it falls by
    # 1 / decay_epochs, so that the last has that share of it.
    decay_epochs: int = 10
    # Ours: adversarial steps, divided into these epochs; 0: an epoch is all samples once.
    steps: int = 0
    rate: float = 1e-4  # --lr_G
    critic_rate: float = 1e-4  # --lr_D, --lr_D_temp
    beta1: float = 0.5  # --G_adam_b1 ...
    beta2: float = 0.999
    # Initialization of ConvGRU gates: N(0, 0.02) as the original runs; orthogonal as it intended;
    # or ours, open: orthogonal with twice the variance and an update bias of 2, so that the signal
    # does not vanish in a stack of layers.
    gates: Literal["normal", "orthogonal", "open"] = "normal"
    gate_rate: float = 1.0  # ours: factor of the learning rate of ConvGRU gates
    ema: float = 0.999  # ours: decay of the moving average of the generator's weights; 0: none
    seed: int = 0  # ours, of all random numbers
    # Ours. quickest: decided by the hardware, not timed: bf16 on a GPU and on a processor with AMX,
    # else float32; see common/precision.py.
    precision: Literal["quickest", "float32", "bf16", "float64"] = "quickest"
    # Ours, in steps; the original counts seconds:
    log_every: int = 20
    save_every: int = 500
    sample_every: int = 500

    def __post_init__(self):
        """Raise ValueError for settings that do not fit together."""
        self._check_networks()
        self._check_data()
        self._check_numbers()

    def _check_networks(self) -> None:
        """Check the number of axes and the face size of all networks, and the kinds of critics."""
        dimension = len(space_named(self.space).axes)
        configs = [self.generator, self.frame_critic]
        configs += [self.clip_critic] if self.clip_critic else []
        if any(config.condition_dim != dimension for config in configs):
            raise ValueError(
                f"{self.space} has {dimension} axes: set condition_dim of the generator and of "
                "every critic to it (--set space=NAME does all of it)."
            )
        if any(c.image_size != self.generator.image_size for c in configs[1:]):
            raise ValueError("Generator and critics must have one image_size.")
        if self.frame_critic.kind == "clip" or (
            self.clip_critic and self.clip_critic.kind != "clip"
        ):
            raise ValueError(
                "frame_critic is of kind frame or frame_gru, clip_critic of kind clip."
            )

    def _check_data(self) -> None:
        """Check frames per sample, and what photos and clips allow."""
        if self.data.kind != "stills":
            if self.data.frames < 2:
                raise ValueError("A clip needs at least 2 frames: the photo and one to generate.")
            return
        if self.data.frames != 1 or self.feed != "portrait":
            raise ValueError(
                "Photos have one frame: with data.kind=stills, set data.frames=1 and feed=portrait."
            )
        if self.clip_critic:
            raise ValueError("A clip critic needs clips.")
        if self.lessons:
            raise ValueError(
                "Pretraining stages (lessons) need known targets: set data.kind to pairs or clips."
            )

    def _check_numbers(self) -> None:
        """Check the ranges of batches, intervals, schedules, rates and powers."""
        counts = (self.batch, self.n_critic, self.log_every, self.save_every, self.sample_every)
        counts += (self.penalty_every,)
        counts += tuple(n for stage in self.lessons for n in (stage.batch, stage.steps))
        if min(counts) < 1 or min(self.epochs, self.decay_epochs, self.steps, self.seed) < 0:
            raise ValueError(
                "batch, n_critic, every interval (log_every ...), and the batch and steps of "
                "pretraining stages must be at least 1; epochs, decay_epochs, steps and seed at "
                "least 0."
            )
        if self.epochs + self.decay_epochs < 1:
            raise ValueError("epochs and decay_epochs cannot both be 0.")
        if not (0 <= self.ema < 1 and 0 <= self.curriculum <= 1):
            raise ValueError("ema must be from 0 to below 1, curriculum from 0 to 1.")
        if self.roughness_power not in (1, 2) or min(self.rate, self.critic_rate) < 0:
            raise ValueError("roughness_power is 1 or 2, and rates are not negative.")
        if any(stage.image_size < 8 or stage.image_size % 4 for stage in self.lessons):
            raise ValueError(
                "Faces of pretraining stages (lessons) have a side of at least 8 pixels, a "
                "multiple of 4."
            )

    @property
    def pretraining_steps(self) -> int:
        """The steps of all pretraining stages together."""
        return sum(stage.steps for stage in self.lessons)

    def stage_at(self, step: int) -> tuple[PretrainStage | None, int]:
        """Find what a step of the run belongs to, all steps counted from 0.

        Returns its pretraining stage and the step within it; or None and the number of the
        adversarial step.
        """
        for stage in self.lessons:
            if step < stage.steps:
                return stage, step
            step -= stage.steps
        return None, step

    def updates_at(self, step: int) -> tuple[bool, bool]:
        """Return whether an adversarial step updates the generator, and whether it has a gradient
        penalty; it always updates the critics."""
        updates_generator = (step + 1) % self.n_critic == 0 and step >= self.critics_ahead
        return updates_generator, step % self.penalty_every == 0

    def total_steps(self, sample_count: int) -> int:
        """The steps of the run, pretraining included; sample_count: photos or clips of the data."""
        epoch_steps = (self.epochs + self.decay_epochs) * max(1, sample_count // self.batch)
        return self.pretraining_steps + (self.steps or epoch_steps)

    def rate_factor_at(self, step: int, sample_count: int) -> float:
        """The factor of the learning rates at an adversarial step: 1, in later epochs lower, see
        `decay_epochs`.

        If `steps` is set, they are divided into as many equal parts as there are epochs.
        """
        epoch = step // max(1, sample_count // self.batch)
        if self.steps:
            epoch = step * (self.epochs + self.decay_epochs) // self.steps
        epochs_of_decay = max(0, epoch - self.epochs)
        return max(0.0, 1 - epochs_of_decay / self.decay_epochs) if self.decay_epochs else 1.0

    def truth_share(self, step: int, sample_count: int) -> float:
        """The probability that a curriculum feeds true frames at an adversarial step."""
        length = self.curriculum * (self.total_steps(sample_count) - self.pretraining_steps)
        return max(0.0, 1 - step / length) if length else 0.0


def in_space(experiment: Experiment, space: str, size: int | None = None) -> Experiment:
    """Change the space, and the face size if given, in all networks of an experiment."""
    change = {"condition_dim": len(space_named(space).axes)}
    if size is not None:
        change["image_size"] = size
    clip = experiment.clip_critic
    return replace(
        experiment,
        space=space,
        generator=replace(experiment.generator, **change),
        frame_critic=replace(experiment.frame_critic, **change),
        clip_critic=replace(clip, **change) if clip else None,
    )


GANIMATION = Experiment(
    name="ganimation",
    space=ACTION_UNITS.name,
    data=DataConfig(kind="stills"),
    generator=GeneratorConfig(architecture="resnet", condition_dim=17),
    frame_critic=CriticConfig(kind="frame", condition_dim=17),
    roughness_power=1,
)
MOOD = replace(
    in_space(GANIMATION, VALENCE_AROUSAL.name),
    name="mood",
    data=DataConfig(kind="stills", target_noise=0.05, target_reach=2.0),
    attention_rest=1.0,
    roughness_power=2,
)
VIDEO = replace(
    MOOD,
    name="video",
    data=DataConfig(kind="clips", frames=9),
    attention_rest=0.0,
    penalty_pairs="previous",
)
CONVGRU_DISC = replace(
    VIDEO,
    name="convgru_disc",
    frame_critic=replace(VIDEO.frame_critic, kind="frame_gru"),
    condition_loss="xsigmoid",
    penalty_pairs="first",
)
CONVGRU_UNET = replace(
    CONVGRU_DISC,
    name="convgru_unet",
    frame_critic=VIDEO.frame_critic,
    generator=GeneratorConfig(architecture="convgru_unet", condition_dim=2, width=8),
)
SPATIOTEMPORAL = replace(
    CONVGRU_UNET,
    name="spatiotemporal",
    frame_critic=CONVGRU_DISC.frame_critic,
    # Ours: it carries its state from frame to frame, see `CriticConfig.carry`.
    clip_critic=replace(CONVGRU_DISC.frame_critic, kind="clip", carry=True),
    condition_by_batch=False,
)
EXPERIMENTS = {
    e.name: e for e in (GANIMATION, MOOD, VIDEO, CONVGRU_DISC, CONVGRU_UNET, SPATIOTEMPORAL)
}
