"""Annotation pickles of the original repositories: read as the library reads them, and written."""

import os
import pickle
from pathlib import Path

from moodganimation.animation.bounded_pickle import read_pickle

__all__ = ["read_pickle", "write_pickle"]


def write_pickle(path: Path, table: dict) -> None:
    """A table as the seed repositories read it, by Python 2 as well; whole or not at all."""
    # numpy 2 names a module that older ones do not have; globals of protocol 2 are plain lines
    data = pickle.dumps(table, protocol=2)
    data = data.replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n")
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(data)
    os.replace(part, path)
