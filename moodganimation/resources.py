"""Folders of the data that is shipped with the library: weights and the page's assets."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def _folder(name: str) -> Path:
    """A folder inside the package where it is installed, or beside the package in a checkout."""
    inside = _PACKAGE / "data" / name
    return inside if inside.is_dir() else _PACKAGE.parent / name


CHECKPOINTS = _folder("checkpoints")
ASSETS = _folder("assets")
