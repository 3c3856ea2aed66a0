"""Files that appear whole or not at all, and the pictures of a folder by their names."""

import os
import re
from pathlib import Path

ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".ppm")
NO_PICTURE = "no picture of that name"
SEVERAL_PICTURES = "several pictures of that name"


def write(path: Path, data: str | bytes) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(data.encode() if isinstance(data, str) else data)
    os.replace(part, path)


def plain_name(text: str) -> str:
    """A name without folders, spaces and signs: it will stand in lists and in file names."""
    return re.sub(r"[^\w.-]+", "_", text.replace("\\", "/")).strip(".")[:180] or "_"


def without_ending(name: str) -> str:
    stem, dot, ending = name.rpartition(".")
    return stem if dot and f".{ending.lower()}" in ENDINGS else name


class Pictures:
    """The picture files below a folder, found by path or by bare name, whatever their ending."""

    def __init__(self, folder: Path):
        if not folder.is_dir():
            raise ValueError(f"There is no folder of pictures {folder}.")
        self.folder, self.others = folder, 0
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
            self.others += 1
            return
        path, stem = root / name, without_ending(name)
        self.paths.append(path)
        self.by_path.setdefault(self.place(path), []).append(path)
        self.by_stem.setdefault(stem, []).append(path)

    def place(self, path: Path) -> str:
        """A path from the folder on, without its ending."""
        return without_ending(path.relative_to(self.folder).as_posix())

    def find(self, *names: str) -> Path | str:
        """The picture that any of the names, tried in turn, means; or why there is none."""
        for name in names:
            name = without_ending(name.replace("\\", "/"))
            found = self.by_path.get(name) or self.by_stem.get(name.rpartition("/")[2])
            if found:
                return found[0] if len(found) == 1 else SEVERAL_PICTURES
        return NO_PICTURE
