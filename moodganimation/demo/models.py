"""The models that visitors can choose from."""

import threading

from ..animator import DEFAULT_CHECKPOINT, Animator
from ..checkpoints.files import generators_in
from ..errors import Problem
from ..resources import CHECKPOINTS


class Models:
    """Animators by name: the server's own model, and all shipped ones, loaded on first use."""

    def __init__(self, animator: Animator):
        self.default_name = animator.card.get("name", DEFAULT_CHECKPOINT.stem)
        self._loaded, self._lock = {self.default_name: animator}, threading.Lock()
        self._shipped_paths = generators_in(CHECKPOINTS)  # {name: path}

    @property
    def names(self) -> list[str]:
        """The names of all models, the default one first."""
        return list(dict.fromkeys([self.default_name, *self._shipped_paths]))

    def name_of(self, animator: Animator) -> str:
        """Return the name of a loaded model."""
        return next(name for name, loaded in self._loaded.items() if loaded is animator)

    def __getitem__(self, name: str | None) -> Animator:
        """Return a model, by default the server's.

        Raises Problem for an unknown name, and NotACheckpoint for a damaged file.
        """
        name = name or self.default_name
        if name not in self.names:
            raise Problem("There is no model called {}.", repr(name))
        with self._lock:
            if name not in self._loaded:
                path = self._shipped_paths[name]
                self._loaded[name] = self._loaded[self.default_name].with_checkpoint(path)
            return self._loaded[name]
