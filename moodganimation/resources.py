"""Folders of the data that is shipped with the library: weights and the page's assets."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def _folder(name: str) -> Path:
    """Return a data folder: inside the package if it is installed, beside it in a checkout."""
    installed = _PACKAGE / "data" / name
    return installed if installed.is_dir() else _PACKAGE.parent / name


CHECKPOINTS = _folder("checkpoints")
ASSETS = _folder("assets")
