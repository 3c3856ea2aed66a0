"""Annotation pickles of the original repositories, read without running what they contain.

A pickle is a program. Here it runs on the slow interpreter of Python's own library, which allocates
nothing that a file merely declares, and it can call nothing but the few functions below: they make
dicts and arrays of numbers. What numpy itself would do with a state from a file is never asked.

`pickle.Unpickler`, in C, cannot be bounded: nine bytes make it allocate a gigabyte. The interpreter
in Python is `pickle._Unpickler`, a private class of the standard library, and this is the only file
that uses it. Its instructions are taken one by one, so that none that a later Python adds is run;
tests/test_bounded_pickle.py fails where a Python has changed what is relied on here.
"""

import io
import math
import pickle
from collections import OrderedDict
from pathlib import Path

import numpy as np

from ..errors import UnreadableFile

MOST_BYTES = 2 << 30  # of a file
_INTERPRETER = pickle._Unpickler
# The instructions that tables are written in, by their names in the standard library.
_NAMES = """
    PROTO FRAME STOP MARK POP POP_MARK DUP NONE NEWTRUE NEWFALSE
    INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT
    STRING BINSTRING SHORT_BINSTRING BINBYTES SHORT_BINBYTES BINBYTES8 BYTEARRAY8 READONLY_BUFFER
    UNICODE BINUNICODE SHORT_BINUNICODE BINUNICODE8
    EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 EMPTY_LIST LIST APPEND APPENDS
    EMPTY_DICT DICT SETITEM SETITEMS EMPTY_SET ADDITEMS FROZENSET
    PUT BINPUT LONG_BINPUT MEMOIZE GET BINGET LONG_BINGET
    GLOBAL STACK_GLOBAL REDUCE NEWOBJ NEWOBJ_EX BUILD
"""
# Refused: persistent ids, the extension registry, instances of old classes, outside buffers.
_REFUSED_NAMES = "PERSID BINPERSID EXT1 EXT2 EXT4 INST OBJ NEXT_BUFFER"
INSTRUCTIONS = bytes(getattr(pickle, name)[0] for name in _NAMES.split())
REFUSED = bytes(getattr(pickle, name)[0] for name in _REFUSED_NAMES.split())
LARGER = 16  # what a file unfolds to may be that many times its size, and a little more


def read_pickle(path: str | Path) -> dict:
    """A dict of names to numbers, texts, arrays of numbers, or lists of numbers and texts.

    From Python 2 or 3, any protocol. Arrays cannot be written to. Raises UnreadableFile for
    anything else, whatever is wrong with it, and OSError.
    """
    path = Path(path)
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise UnreadableFile(
            "{} has more than {} GB: no table of annotations.", path, MOST_BYTES >> 30
        )
    with open(path, "rb") as file:
        try:
            reader = _Reader(io.BytesIO(file.read(size)), LARGER * size + 4096)
            table = reader.table()
        except Exception as problem:  # a hostile file may make an interpreter raise anything
            said = str(problem)[:200] or type(problem).__name__
            if isinstance(problem, KeyError):  # of the table of instructions
                said = "it holds an instruction that tables have no use for"
            raise UnreadableFile(
                "{} is not a plain pickle of annotations ({}); nothing in it was run.", path, said
            ) from problem
    return table


class _Array:
    """An array before and after its state: numpy's own protocol, played by hand."""

    value = None

    def __init__(self, reader: "_Reader"):
        self._reader = reader

    def __setstate__(self, state):
        _, shape, kind, fortran, data = state
        self.value = self._reader.array(data, kind, shape, "F" if fortran else "C")


class _Kind:
    """A dtype of plain numbers, its byte order told later."""

    def __init__(self, name, align=False, copy=False):
        name = name.decode("ascii") if isinstance(name, bytes) else name
        if not isinstance(name, str) or len(name) > 8:
            raise pickle.UnpicklingError("it holds an array that is not one of numbers")
        self.dtype = np.dtype(name)
        if self.dtype.kind not in "biuf" or self.dtype.shape:
            raise pickle.UnpicklingError(f"it holds an array of {name}, not of numbers")

    def __setstate__(self, state):
        order = state[1].decode("ascii") if isinstance(state[1], bytes) else state[1]
        if order not in ("<", ">", "|", "="):
            raise pickle.UnpicklingError("it holds an array of an unknown byte order")
        self.dtype = self.dtype.newbyteorder(order)


class _Reader(_INTERPRETER):
    """The interpreter in Python, with the instructions that tables are written in."""

    dispatch = {code: _INTERPRETER.dispatch[code] for code in INSTRUCTIONS}  # noqa: RUF012

    def __init__(self, file: io.BytesIO, budget: int):
        super().__init__(file, encoding="latin1")
        self.budget = budget
        calls = {
            ("collections", "OrderedDict"): self._ordered,
            ("numpy", "ndarray"): "ndarray",  # only ever an argument of _reconstruct
            ("numpy", "dtype"): _Kind,
            ("_codecs", "encode"): self._encoded,  # how bytes arrive in protocols below 3
        }
        for builtins in ("builtins", "__builtin__"):
            calls[builtins, "bytes"] = lambda: b""  # how no bytes arrive there
        for core in ("numpy.core", "numpy._core"):
            calls[f"{core}.multiarray", "_reconstruct"] = self._empty
            calls[f"{core}.multiarray", "scalar"] = self._scalar
            calls[f"{core}.numeric", "_frombuffer"] = self._from_buffer
        self.calls = calls

    def find_class(self, module, name):
        if (module, name) not in self.calls:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return self.calls[module, name]

    def load_bytearray8(self):
        size = int.from_bytes(self.read(8), "little")
        if size > self.budget:
            raise pickle.UnpicklingError("it is cut short")
        self.append(self.read(size))

    dispatch[pickle.BYTEARRAY8[0]] = load_bytearray8

    def load_build(self):
        state, target = self.stack.pop(), self.stack[-1]
        if not isinstance(target, _Array | _Kind):
            raise pickle.UnpicklingError(f"it sets the state of a {type(target).__name__}")
        target.__setstate__(state)

    dispatch[pickle.BUILD[0]] = load_build

    def spend(self, amount: int) -> None:
        """Bound what is copied or walked: references make much out of little."""
        self.budget -= amount
        if self.budget < 0:
            raise pickle.UnpicklingError("it unfolds to far more than its size")

    def table(self) -> dict:
        """What the file holds, checked and made plain."""
        found = self.load()
        if not isinstance(found, dict):
            raise pickle.UnpicklingError(f"it holds a {type(found).__name__}, not a dict")
        table = {}
        for name, value in dict.items(found):
            if isinstance(name, bytes):
                name = name.decode("latin1")
            if not isinstance(name, str | int | float):
                raise pickle.UnpicklingError(f"it names something by a {type(name).__name__}")
            table[name] = self._plain(value)
        return table

    def _plain(self, value, inner=False):
        self.spend(1)
        if isinstance(value, _Array) and value.value is not None:
            return value.value
        if value is None or isinstance(value, str | int | float | np.generic):
            return value
        if isinstance(value, bytes):
            self.spend(len(value))
            return value.decode("latin1")
        if isinstance(value, list | tuple) and not inner:
            return type(value)(self._plain(one, inner=True) for one in value)
        raise pickle.UnpicklingError(f"it holds a {type(value).__name__} where numbers should be")

    def array(self, data, kind, shape, order="C") -> np.ndarray:
        """A view of bytes as numbers."""
        if isinstance(data, str):  # a byte string of Python 2
            data = self._encoded(data)
        if not isinstance(data, bytes) or not isinstance(kind, _Kind):
            raise pickle.UnpicklingError("it holds an array that is not one of numbers")
        shape = tuple(int(n) for n in shape)
        if len(shape) > 8 or min(shape, default=0) < 0:
            raise pickle.UnpicklingError("it holds an array of an impossible shape")
        if math.prod(shape) * kind.dtype.itemsize != len(data):
            raise pickle.UnpicklingError("it holds an array whose numbers are cut short")
        return np.frombuffer(data, kind.dtype).reshape(shape, order=order)

    def _ordered(self, pairs=()):
        self.spend(len(pairs))
        return OrderedDict(pairs)

    def _encoded(self, text, encoding="latin1"):
        if encoding not in ("latin1", "latin-1") or not isinstance(text, str):
            raise pickle.UnpicklingError("it encodes what is no byte string")
        self.spend(len(text))
        return text.encode("latin1")

    def _empty(self, what, shape, kind):
        if what != "ndarray":
            raise pickle.UnpicklingError("it reconstructs what is no array")
        return _Array(self)

    def _scalar(self, kind, data):
        return self.array(data, kind, (1,))[0]

    def _from_buffer(self, data, kind, shape, order):
        made = _Array(self)
        made.value = self.array(data, kind, shape, "F" if order == "F" else "C")
        return made
