"""The six systems of the seed repository as six values of one type, and their presets.

Every number is that of the branch's code unless a comment says otherwise; fields that end in a
comment with the seed's own flag are its command-line options under our names.
"""

from dataclasses import dataclass, replace
from typing import Literal

from moodganimation.expressions.spaces import ACTION_UNITS, VALENCE_AROUSAL, space_named
from moodganimation.networks.base import GeneratorConfig

from ..data.config import Data
from .critics import CriticConfig


@dataclass(frozen=True, kw_only=True)
class Weights:
    """How much each term of the objective counts."""

    realism: float = 1.0  # --lambda_D_prob
    condition: float = 4000.0  # --lambda_D_cond; --lambda_D_frame_cond of spatiotemporal
    penalty: float = 10.0  # --lambda_D_gp
    reconstruction: float = 10.0  # --lambda_cyc: back to the photo, or to the filmed frame
    attention: float = 0.1  # --lambda_mask
    smoothness: float = 1e-4  # --lambda_mask_smooth
    clip_realism: float = 1.0  # --lambda_D_temp
    clip_condition: float = 4000.0  # --lambda_D_cond of spatiotemporal
    clip_penalty: float = 10.0  # --lambda_D_temp_gp
    told: float = 0.0  # ours: what the filmed or re-rendered target says of color and attention


@dataclass(frozen=True, kw_only=True)
class PretrainStage:
    """Ours: steps before the adversarial ones, on small faces whose target picture is known."""

    image_size: int
    steps: int
    batch: int
    rate: float  # falls to a tenth along a cosine


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A run that anyone can repeat."""

    name: str
    space: str
    start: str = ""  # file whose weights it begins with
    data: Data
    generator: GeneratorConfig
    frame_critic: CriticConfig
    clip_critic: CriticConfig | None = None
    weights: Weights = Weights()
    feed: Literal["portrait", "generated", "truth", "curriculum"] = "portrait"  # --recurrent
    curriculum: float = 0.5  # share of training in which the feed goes from truth to generated
    condition_loss: Literal["mse", "xsigmoid"] = "mse"
    condition_by_batch: bool = True  # divide the mean condition error by the batch once more
    attention_rest: float = 0.0  # where the mean attention is pulled to; 1 keeps the photo
    roughness_power: int = 2  # of differences in the smoothness term
    penalty_pairs: Literal["first", "previous", "real"] = "first"  # the fake's other end
    penalty_apart: bool = True  # a step of its own for the gradient penalty
    penalty_every: int = 1  # ours: the penalty is in one of so many steps, and counts for all
    lessons: tuple[PretrainStage, ...] = ()
    critics_ahead: int = 0  # ours: first adversarial steps in which only the critics learn
    batch: int = 4  # --batch_size, over all processes
    n_critic: int = 5  # --train_G_every_n_iterations
    epochs: int = 20  # --nepochs_no_decay
    decay_epochs: int = 10  # --nepochs_decay
    steps: int = 0  # adversarial steps in all, with the epochs fitted to them; 0: as epochs say
    rate: float = 1e-4  # --lr_G
    critic_rate: float = 1e-4  # --lr_D, --lr_D_temp
    beta1: float = 0.5  # --G_adam_b1 ...
    beta2: float = 0.999
    gates: Literal["normal", "orthogonal", "open"] = "normal"  # how ConvGRU gates begin: N(0,
    # 0.02) as they did, orthogonal as was meant, or ours: so that a stack of them lets through
    gate_rate: float = 1.0  # ours: learning rate of ConvGRU gates as a share of the others'
    ema: float = 0.999  # ours; 0 keeps no average
    seed: int = 0
    precision: Literal["quickest", "float32", "bf16", "float64"] = "quickest"  # bf16 or float32
    log_every: int = 20
    save_every: int = 500
    sample_every: int = 500

    def __post_init__(self):
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
        if self.data.kind == "stills" and (self.data.frames != 1 or self.feed != "portrait"):
            raise ValueError("Photos have one frame and feed the portrait; clips have more.")
        if self.data.kind != "stills" and self.data.frames < 2:
            raise ValueError("A clip needs at least 2 frames: the photo and one to generate.")
        if self.data.kind == "stills" and self.clip_critic:
            raise ValueError("A clip critic needs clips.")
        if self.data.kind == "stills" and self.lessons:
            raise ValueError("Lessons need known targets: pairs or clips (data.kind).")
        if self.frame_critic.kind == "clip" or (
            self.clip_critic and self.clip_critic.kind != "clip"
        ):
            raise ValueError(
                "frame_critic is of kind frame or frame_gru, clip_critic of kind clip."
            )
        counts = (self.batch, self.n_critic, self.log_every, self.save_every, self.sample_every)
        counts += (self.penalty_every,)
        counts += tuple(n for lesson in self.lessons for n in (lesson.batch, lesson.steps))
        if min(counts) < 1 or min(self.epochs, self.decay_epochs, self.steps, self.seed) < 0:
            raise ValueError("Batches and intervals must be at least 1, epochs and steps 0.")
        if self.epochs + self.decay_epochs < 1:
            raise ValueError("epochs and decay_epochs cannot both be 0.")
        if not (0 <= self.ema < 1 and 0 <= self.curriculum <= 1):
            raise ValueError("ema must be from 0 to below 1, curriculum from 0 to 1.")
        if self.roughness_power not in (1, 2) or min(self.rate, self.critic_rate) < 0:
            raise ValueError("roughness_power is 1 or 2, and rates are not negative.")
        if any(lesson.image_size < 8 or lesson.image_size % 4 for lesson in self.lessons):
            raise ValueError("Faces of lessons have a side of at least 8 pixels, a multiple of 4.")

    @property
    def pretraining_steps(self) -> int:
        """Steps of all lessons."""
        return sum(lesson.steps for lesson in self.lessons)

    def stage_at(self, step: int) -> tuple[PretrainStage | None, int]:
        """The lesson of a step and the step within it; None and the adversarial step after them."""
        for lesson in self.lessons:
            if step < lesson.steps:
                return lesson, step
            step -= lesson.steps
        return None, step

    def turn_at(self, step: int) -> tuple[bool, bool]:
        """Whether an adversarial step moves the generator, and whether it has penalties."""
        moved = (step + 1) % self.n_critic == 0 and step >= self.critics_ahead
        return moved, step % self.penalty_every == 0

    def total(self, samples: int) -> int:
        """Steps of the run on that many photos or clips."""
        rounds = (self.epochs + self.decay_epochs) * max(1, samples // self.batch)
        return self.pretraining_steps + (self.steps or rounds)

    def decay_at(self, step: int, samples: int) -> float:
        """Factor of the learning rates at an adversarial step: 1, then down epoch by epoch.

        Where `steps` is set, they are divided into as many equal stretches as there are epochs.
        """
        epoch = step // max(1, samples // self.batch)
        if self.steps:
            epoch = step * (self.epochs + self.decay_epochs) // self.steps
        late = max(0, epoch - self.epochs)
        return max(0.0, 1 - late / self.decay_epochs) if self.decay_epochs else 1.0

    def truth_share(self, step: int, samples: int) -> float:
        """How likely a clip of the curriculum is still fed with filmed frames."""
        length = self.curriculum * (self.total(samples) - self.pretraining_steps)
        return max(0.0, 1 - step / length) if length else 0.0


def in_space(experiment: Experiment, space: str, size: int | None = None) -> Experiment:
    """The experiment with another space (and face size), in all of its networks."""
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
    data=Data(kind="stills"),
    generator=GeneratorConfig(architecture="resnet", condition_dim=17),
    frame_critic=CriticConfig(kind="frame", condition_dim=17),
    roughness_power=1,
)
MOOD = replace(
    in_space(GANIMATION, VALENCE_AROUSAL.name),
    name="mood",
    data=Data(kind="stills", target_noise=0.05, target_reach=2.0),
    attention_rest=1.0,
    roughness_power=2,
)
VIDEO = replace(
    MOOD,
    name="video",
    data=Data(kind="clips", frames=9),
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
    clip_critic=replace(CONVGRU_DISC.frame_critic, kind="clip"),
    condition_by_batch=False,
)
EXPERIMENTS = {
    e.name: e for e in (GANIMATION, MOOD, VIDEO, CONVGRU_DISC, CONVGRU_UNET, SPATIOTEMPORAL)
}
