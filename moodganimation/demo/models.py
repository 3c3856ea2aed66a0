"""The models that visitors can choose from."""

import threading

from ..animator import DEFAULT_CHECKPOINT, Animator
from ..checkpoints.files import generators_in
from ..errors import Problem
from ..resources import CHECKPOINTS


class Models:
    """Animators by name: the server's default model, and all shipped ones, loaded on first use."""

    def __init__(self, animator: Animator):
        self.default = animator.card.get("name", DEFAULT_CHECKPOINT.stem)
        self._loaded, self._lock = {self.default: animator}, threading.Lock()
        self._shipped = generators_in(CHECKPOINTS)

    @property
    def names(self) -> list[str]:
        return list(dict.fromkeys([self.default, *self._shipped]))

    def name_of(self, animator: Animator) -> str:
        return next(name for name, loaded in self._loaded.items() if loaded is animator)

    def __getitem__(self, name: str | None) -> Animator:
        """Return a model, by default the server's.

        Raises Problem for an unknown name, and NotACheckpoint for a damaged file.
        """
        name = name or self.default
        with self._lock:
            if name not in self._loaded:
                if name not in self._shipped:
                    raise Problem("There is no model called {}.", repr(name))
                path = self._shipped[name]
                self._loaded[name] = self._loaded[self.default].with_checkpoint(path)
            return self._loaded[name]
