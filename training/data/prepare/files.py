"""Atomic writing of files, and finding the pictures of a folder by name."""

import os
import re
from pathlib import Path

ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".ppm")
NO_PICTURE = "no picture of that name"
SEVERAL_PICTURES = "several pictures of that name"


def write_atomically(path: Path, data: str | bytes) -> None:
    """Write a file atomically."""
    part = path.with_name(f".{path.name}.part")
    if isinstance(data, str):
        data = data.encode(errors="backslashreplace")  # file names may not be UTF-8
    part.write_bytes(data)
    os.replace(part, path)


def require_outside(out: Path, folder: Path) -> None:
    """Raise ValueError if the output folder lies in the folder that is searched for photos."""
    if out.resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"{out} must lie outside {folder}, which is searched for photos.")


def safe_name(text: str) -> str:
    """Replace characters that are unsafe in lists and file names by _; keep at most 180."""
    return re.sub(r"[^\w.-]+", "_", text.replace("\\", "/")).strip(".")[:180] or "_"


def without_ending(name: str) -> str:
    """Remove the ending of a file name, if it is one of ENDINGS."""
    stem, dot, ending = name.rpartition(".")
    return stem if dot and f".{ending.lower()}" in ENDINGS else name


class PictureIndex:
    """The picture files below a folder, found by path or by bare name, whatever their ending.

    paths: all, sorted. other_files: the number of files that are not pictures.
    """

    def __init__(self, folder: Path):
        if not folder.is_dir():
            raise ValueError(f"There is no folder of pictures {folder}.")
        self.folder, self.other_files = folder, 0
        self.paths, self.by_path, self.by_stem = [], {}, {}
        for root, folders, names in os.walk(folder):
            folders.sort()
            for name in sorted(names):
                self._add(Path(root), name)
        self.paths.sort()
        if not self.paths:
            raise ValueError(f"{folder} holds no pictures ({', '.join(ENDINGS)}).")

    def _add(self, root: Path, name: str) -> None:
        if name.startswith(".") or not name.lower().endswith(ENDINGS):
            self.other_files += 1
            return
        path, stem = root / name, without_ending(name)
        self.paths.append(path)
        self.by_path.setdefault(self.relative_name(path), []).append(path)
        self.by_stem.setdefault(stem, []).append(path)

    def relative_name(self, path: Path) -> str:
        """Return the path relative to the folder, without its ending."""
        return without_ending(path.relative_to(self.folder).as_posix())

    def find(self, *names: str) -> Path | str:
        """Find the picture of the first name that matches; return it, or why there is none."""
        for name in names:
            name = without_ending(name.replace("\\", "/"))
            found = self.by_path.get(name) or self.by_stem.get(name.rpartition("/")[2])
            if found:
                return found[0] if len(found) == 1 else SEVERAL_PICTURES
        return NO_PICTURE
