"""The files of sweeps that render_sweeps.py writes, found with the standard library only."""

from pathlib import Path


def sweep_folders(folder: Path) -> list[Path]:
    """Find the folders of the photos in a folder of sweeps. Raises ValueError if there are none."""
    found = sorted(path.parent for path in folder.glob("*/place.json"))
    if not found:
        raise ValueError(f"{folder} holds no sweeps: make them with python -m training sweeps.")
    return found
