"""Annotation pickles of the original repositories, read without running what they contain."""

import pickle
from pathlib import Path

_ALLOWED = {
    ("collections", "OrderedDict"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("_codecs", "encode"),  # how Python 2's byte strings arrive
    *(
        (f"numpy.{core}.multiarray", name)
        for core in ("core", "_core")
        for name in ("_reconstruct", "scalar")
    ),
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module, name):
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return super().find_class(module, name)


def read_pickle(path: Path) -> dict:
    """A dict of names to numbers or arrays, from Python 2 or 3; anything else raises ValueError."""
    try:
        with open(path, "rb") as file:
            table = _Unpickler(file, encoding="latin1").load()
    except (pickle.UnpicklingError, EOFError, AttributeError, IndexError, ImportError) as problem:
        raise ValueError(
            f"{path} is not a plain pickle of annotations ({problem}); nothing in it was run."
        ) from problem
    if not isinstance(table, dict):
        raise ValueError(f"{path} holds a {type(table).__name__}, not a dict of annotations.")
    return table
