"""Health checks of a GAN run, each with advice on what to change.

They find collapsed attention, critics that do not learn, conditions that have no effect, and values
that are not finite. Names of values are those of the log: `d.` terms of a critic, `g.` of the
generator; `attention` without a prefix is the mean attention, not a term of the loss.
"""

import math
from collections import defaultdict, deque

PATIENCE = 10  # consecutive log lines in which a problem must hold before it is reported
COLLAPSED = 0.02  # distance of the mean attention from 0 or 1 below which it has collapsed
MIN_DECREASE = 0.02  # share of the first condition loss by which it must have fallen
MIN_SCORE_GAP = 1e-4  # between mean scores of real and generated faces, over their magnitude


class TrainingDiverged(ValueError):
    """A value of the run is not finite. The state and weights saved last are intact."""


class Guard:
    """Checks every log line: returns each warning once, raises TrainingDiverged if a value is not
    finite."""

    def __init__(self):
        self.first, self.recent = {}, defaultdict(lambda: deque(maxlen=PATIENCE))  # by name
        self.reported = set()

    def watch(self, values: dict[str, float]) -> list[str]:
        """Check the values of a log line; return new warnings. Raises TrainingDiverged."""
        for name, value in values.items():
            if not isinstance(value, float):
                continue
            if not math.isfinite(value):
                raise TrainingDiverged(
                    f"{name} is {value}: the run stopped before saving it. Start a new run from "
                    "the last weights (--start RUN/generator.safetensors) with lower rates (--set "
                    "rate=3e-5 --set critic_rate=3e-5), or with precision=float32 if it was bf16."
                )
            self.first.setdefault(name, value)
            self.recent[name].append(value)
        warnings = [self._attention(), self._critic(""), self._critic("clip_")]
        warnings += [self._condition(prefix) for prefix in ("d.", "g.", "d.clip_", "g.clip_")]
        new = [text for text in warnings if text and text not in self.reported]
        self.reported |= set(new)
        return new

    def _is_full(self, name: str) -> bool:
        return len(self.recent.get(name, ())) == PATIENCE

    def _attention(self) -> str | None:
        """A warning if the mean attention has collapsed."""
        if not self._is_full("attention"):
            return None
        if max(self.recent["attention"]) < COLLAPSED:
            return (
                "The attention fell to 0: every pixel is repainted. Lower weights.attention, or "
                "set attention_rest=1, which pulls it towards keeping the photo."
            )
        if min(self.recent["attention"]) > 1 - COLLAPSED:
            return (
                "The attention rose to 1: the photo is copied and nothing is edited. Lower "
                "weights.reconstruction or attention_rest, raise weights.condition, or begin with "
                "--preset pretrain."
            )
        return None

    def _condition(self, term_prefix: str) -> str | None:
        """A warning if a condition loss has not fallen; term_prefix: "d.", "g.clip_" ..."""
        name = f"{term_prefix}condition"
        if (
            not self._is_full(name)
            or min(self.recent[name]) < (1 - MIN_DECREASE) * self.first[name]
        ):
            return None
        is_critic = term_prefix[0] == "d"
        problem = (
            "The critic does not learn to read" if is_critic else "Generated faces do not take on"
        )
        return (
            f"{problem} expressions ({name} has not fallen since the beginning). Check that labels "
            "belong to their pictures (samples/), and raise weights.condition"
            + (" or critic_rate." if is_critic else ".")
        )

    def _critic(self, critic_prefix: str) -> str | None:
        """A warning if a critic scores real and generated faces alike.

        critic_prefix: "" of the frame critic, "clip_" of the clip critic.
        """
        names = [f"d.{critic_prefix}realism_{source}" for source in ("real", "fake")]
        if not all(map(self._is_full, names)):
            return None
        real, fake = (self.recent[name] for name in names)
        # The term of real faces is minus their mean score, so the sum of both terms is the gap.
        gaps = [abs(r + f) / (abs(r) + abs(f) + 1e-12) for r, f in zip(real, fake, strict=False)]
        if max(gaps) > MIN_SCORE_GAP:
            return None
        return (
            f"The {critic_prefix.replace('_', ' ')}critic scores real and generated faces alike: "
            "the generator learns nothing from it. "
            "Raise critic_rate or n_critic, or lower weights.penalty."
        )
