"""A guard that watches what kills these trainings, and says what to do about it."""

import math
from collections import defaultdict, deque

PATIENCE = 10  # log lines before something that does not move is called dead
SMALL = 0.02  # mean attention this near to 0 or 1 has collapsed
STILL = 0.02  # share by which the condition loss must have fallen since the beginning
DEAD = 1e-4  # difference of scores, relative to their size, below which a critic tells nothing


class Broken(ValueError):
    """A run that cannot go on; its last saved state is whole."""


class Guard:
    """Reads every log line: returns warnings, each once; raises Broken on what is not finite."""

    def __init__(self):
        self.seen, self.said = defaultdict(lambda: deque(maxlen=PATIENCE)), set()
        self.first = {}

    def watch(self, values: dict[str, float]) -> list[str]:
        for name, value in values.items():
            if not isinstance(value, float):
                continue
            if not math.isfinite(value):
                raise Broken(
                    f"{name} is {value}: the run stopped before saving it. Go on from the last "
                    "state with a lower rate (--set rate=3e-5 --set critic_rate=3e-5 in a new "
                    "folder), or with precision=float32 if it was bf16."
                )
            self.first.setdefault(name, value)
            self.seen[name].append(value)
        found = [self._attention(), self._critic(""), self._critic("clip_")]
        found += [self._condition(side) for side in ("d.", "g.", "d.clip_", "g.clip_")]
        news = [text for text in found if text and text not in self.said]
        self.said |= set(news)
        return news

    def _full(self, name: str) -> bool:
        return len(self.seen.get(name, ())) == PATIENCE

    def _attention(self) -> str | None:
        if not self._full("attention"):
            return None
        if max(self.seen["attention"]) < SMALL:
            return (
                "The attention fell to 0: every pixel is repainted. Lower weights.attention, or "
                "set attention_rest=1, which pulls it towards keeping the photo."
            )
        if min(self.seen["attention"]) > 1 - SMALL:
            return (
                "The attention rose to 1: the photo is copied and nothing is edited. Lower "
                "weights.reconstruction or attention_rest, raise weights.condition, or begin with "
                "--preset pretrain."
            )
        return None

    def _condition(self, side: str) -> str | None:
        name = f"{side}condition"
        if not self._full(name) or min(self.seen[name]) < (1 - STILL) * self.first[name]:
            return None
        who = "The critic does not learn to read" if side[0] == "d" else "Faces do not take on"
        return (
            f"{who} expressions ({name} has not fallen since the beginning). Check that labels "
            "belong to their pictures (samples/), and raise weights.condition"
            + (" or critic_rate." if side[0] == "d" else ".")
        )

    def _critic(self, kind: str) -> str | None:
        names = [f"d.{kind}realism_{side}" for side in ("real", "fake")]
        if not all(map(self._full, names)):
            return None
        real, fake = (self.seen[name] for name in names)
        gaps = [abs(r + f) / (abs(r) + abs(f) + 1e-12) for r, f in zip(real, fake, strict=False)]
        if max(gaps) > DEAD:
            return None
        return (
            f"The {kind.replace('_', ' ')}critic scores real and generated faces alike: "
            "it tells the generator nothing. "
            "Raise critic_rate or n_critic, or lower weights.penalty."
        )
