"""Training and evaluation of generators; `load_critic` loads trained critics."""

import importlib

_HOMES = {"ganimation.critic_checkpoint": ("load_critic",)}
__all__ = ["load_critic"]


def __getattr__(name: str):
    """Import public names when they are first used, so that importing the package is fast."""
    for module, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
