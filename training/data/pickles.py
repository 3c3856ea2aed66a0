"""Reading and writing annotation pickles that the original GANimation repositories read, too."""

import os
import pickle
from pathlib import Path

from moodganimation.animation.bounded_pickle import read_pickle

__all__ = ["read_pickle", "write_pickle"]


def write_pickle(path: Path, table: dict) -> None:
    """Write a table of arrays atomically, so that the original repositories and Python 2 can read
    it."""
    # numpy 2 writes a module name that older versions lack; in protocol 2 it is a line of text
    data = pickle.dumps(table, protocol=2)
    data = data.replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n")
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(data)
    os.replace(part, path)
