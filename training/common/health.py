"""Health checks of a GAN run, each with advice on what to change.

They find collapsed attention, critics that do not learn, conditions that have no effect, and values
that are not finite. Values are named as in the log: terms of critics begin with `d.`, those of the
generator with `g.`; `attention` without a prefix is the mean attention, not a term of the loss.
"""

import math
from collections import defaultdict, deque

PATIENCE = 10  # consecutive log lines in which a problem must hold before it is reported
COLLAPSED = 0.02  # distance of the mean attention from 0 or 1 below which it has collapsed
MIN_DECREASE = 0.02  # a condition loss that fell by less, as a share of its first value, is stuck
# A critic scores real and generated faces alike if their mean scores differ by less, as a share of
# the sum of their absolute values.
MIN_SCORE_GAP = 1e-4


class TrainingDiverged(ValueError):
    """A value of the run is not finite. The state and weights saved last are intact."""


class Guard:
    """Checks the log line by line, and warns once of each problem."""

    def __init__(self):
        self.first_values = {}  # name -> value of the first log line that has it
        self.recent_values = defaultdict(lambda: deque(maxlen=PATIENCE))  # name -> last values
        self.reported = set()  # warnings that were returned

    def check(self, values: dict[str, float]) -> list[str]:
        """Check the values of a log line; return the warnings that are new.

        Raises TrainingDiverged if a value is not finite.
        """
        for name, value in values.items():
            if not isinstance(value, float):
                continue
            if not math.isfinite(value):
                raise TrainingDiverged(
                    f"{name} is {value}: the run stopped, and what it saved last is intact. Start "
                    "a new run from there (--start RUN/generator.safetensors) with lower rates "
                    "(--set rate=3e-5 --set critic_rate=3e-5), or with --set precision=float32 if "
                    "it was bf16."
                )
            self.first_values.setdefault(name, value)
            self.recent_values[name].append(value)
        warnings = [self._attention_warning()]
        warnings += [self._critic_warning(prefix) for prefix in ("", "clip_")]
        prefixes = ("d.", "g.", "d.clip_", "g.clip_")
        warnings += [self._condition_warning(prefix) for prefix in prefixes]
        new = [text for text in warnings if text and text not in self.reported]
        self.reported |= set(new)
        return new

    def _has_enough(self, name: str) -> bool:
        """Whether a value was logged often enough to be judged.

        Never one that is always 0: that of a term whose weight is 0.
        """
        values = self.recent_values.get(name, ())
        return len(values) == PATIENCE and any(values)

    def _attention_warning(self) -> str | None:
        """A warning if the mean attention has collapsed."""
        if not self._has_enough("attention"):
            return None
        if max(self.recent_values["attention"]) < COLLAPSED:
            return (
                "The attention fell to 0: every pixel is repainted. Set attention_rest=1, which "
                "pulls it towards keeping the photo; if it is 1, raise weights.attention."
            )
        if min(self.recent_values["attention"]) > 1 - COLLAPSED:
            return (
                "The attention rose to 1: the photo is copied and nothing is edited. Lower "
                "weights.reconstruction, raise weights.condition, set attention_rest=0 if it is 1, "
                "or begin with --preset pretrain."
            )
        return None

    def _condition_warning(self, term_prefix: str) -> str | None:
        """A warning if a condition loss has not fallen; term_prefix: "d.", "g.clip_" ..."""
        name = f"{term_prefix}condition"
        if not self._has_enough(name):
            return None
        if min(self.recent_values[name]) < (1 - MIN_DECREASE) * self.first_values[name]:
            return None
        is_critic = term_prefix[0] == "d"
        problem = (
            "The critic does not learn to read" if is_critic else "Generated faces do not take on"
        )
        return (
            f"{problem} expressions ({name} has not fallen since the beginning). Check that labels "
            "belong to their pictures, and raise weights.condition"
            + (" or critic_rate." if is_critic else ".")
        )

    def _critic_warning(self, critic_prefix: str) -> str | None:
        """A warning if a critic scores real and generated faces alike.

        critic_prefix: "" of the frame critic, "clip_" of the clip critic.
        """
        names = [f"d.{critic_prefix}realism_{source}" for source in ("real", "fake")]
        if not all(map(self._has_enough, names)):
            return None
        real, fake = (self.recent_values[name] for name in names)
        # The term of real faces is minus their mean score, so the sum of both terms is the gap.
        gaps = [abs(r + f) / (abs(r) + abs(f) + 1e-12) for r, f in zip(real, fake, strict=False)]
        if max(gaps) > MIN_SCORE_GAP:
            return None
        return (
            f"The {critic_prefix.replace('_', ' ')}critic scores real and generated faces alike: "
            "the generator learns nothing from it. "
            "Raise critic_rate or n_critic, or lower weights.penalty."
        )
