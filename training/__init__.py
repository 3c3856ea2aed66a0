"""Training, and what it leaves behind: critics read expressions and judge how real faces look."""

import importlib

_HOMES = {"ganimation.critic_checkpoint": ("load_critic",)}
__all__ = ["load_critic"]


def __getattr__(name: str):
    """Public names are fetched when they are first used, so that importing costs nothing."""
    for module, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
