"""Folders of the data that is shipped with the library: weights and the page's assets."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def _folder(name: str) -> Path:
    """A folder beside the package in a checkout, or inside the package where it is installed."""
    beside = _PACKAGE.parent / name
    return beside if (_PACKAGE.parent / "app.py").exists() else _PACKAGE / "data" / name


CHECKPOINTS = _folder("checkpoints")
ASSETS = _folder("assets")
