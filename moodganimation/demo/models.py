"""The models that a visitor can choose from."""

import threading

from ..animator import DEFAULT_CHECKPOINT, Animator
from ..checkpoints.files import generators_in
from ..errors import Problem
from ..resources import CHECKPOINTS


class Models:
    """Animators by name: the one of the start, and all shipped ones, loaded when first chosen."""

    def __init__(self, animator: Animator):
        self.first = animator.card.get("name", DEFAULT_CHECKPOINT.stem)
        self._loaded, self._lock = {self.first: animator}, threading.Lock()
        self._shipped = generators_in(CHECKPOINTS)

    @property
    def names(self) -> list[str]:
        return list(dict.fromkeys([self.first, *self._shipped]))

    def name_of(self, animator: Animator) -> str:
        return next(name for name, loaded in self._loaded.items() if loaded is animator)

    def __getitem__(self, name: str | None) -> Animator:
        """None means the first. Raises Problem, and NotACheckpoint for a damaged file."""
        name = name or self.first
        with self._lock:
            if name not in self._loaded:
                if name not in self._shipped:
                    raise Problem("There is no model called {}.", repr(name))
                path = self._shipped[name]
                self._loaded[name] = self._loaded[self.first].with_checkpoint(path)
            return self._loaded[name]
