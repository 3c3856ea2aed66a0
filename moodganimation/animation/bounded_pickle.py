"""Reading the annotation pickles of the original repositories without running code from them.

A pickle is a program. Here it runs on the interpreter that is written in Python, which does not
allocate memory that a file only declares. It can call nothing but the few functions below, which
make dicts and arrays of numbers. `__setstate__` of numpy is never called with data from a file.

The interpreter in C, `pickle.Unpickler`, cannot be bounded: nine bytes make it allocate a gigabyte.
The one in Python is `pickle._Unpickler`, a private class of the standard library, and this is the
only file that uses it. Its instructions are listed one by one, so that those that a later Python
adds are refused. tests/test_bounded_pickle.py fails if a Python changes what this file relies on.
"""

import io
import math
import pickle
from collections import OrderedDict
from pathlib import Path

import numpy as np

from ..errors import UnreadableFile

MAX_PICKLE_BYTES = 2 << 30  # of a file
# What is unpickled may be MAX_EXPANSION times as large as its file, plus BASE_BUDGET [bytes].
MAX_EXPANSION, BASE_BUDGET = 16, 4096
_INTERPRETER = pickle._Unpickler
# The instructions that tables need, by their names in the standard library. Refused are persistent
# ids, the extension registry, instances of old classes and out-of-band buffers.
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
INSTRUCTIONS = bytes(getattr(pickle, name)[0] for name in _NAMES.split())


def read_pickle(path: str | Path) -> dict:
    """Read a dict of names to numbers, texts, arrays of numbers, or lists of numbers and texts.

    Pickles of any protocol, of Python 2 or 3. Arrays are read-only. Raises UnreadableFile for any
    other content or damage, and OSError.
    """
    path = Path(path)
    size = path.stat().st_size
    if size > MAX_PICKLE_BYTES:
        raise UnreadableFile(
            "{} has more than {} GB: no table of annotations.", path, MAX_PICKLE_BYTES >> 30
        )
    with open(path, "rb") as file:
        try:
            reader = _Reader(io.BytesIO(file.read(size)), MAX_EXPANSION * size + BASE_BUDGET)
            table = reader.table()
        except Exception as error:  # a hostile file may make an interpreter raise anything
            reason = str(error)[:200] or type(error).__name__
            if isinstance(error, KeyError):  # of `dispatch`
                reason = "it holds an instruction that tables have no use for"
            raise UnreadableFile(
                "{} is not a plain pickle of annotations ({}); nothing in it was run.", path, reason
            ) from error
    return table


class _Array:
    """An array that gets its value by __setstate__, as numpy's arrays do."""

    value = None

    def __init__(self, reader: "_Reader"):
        self._reader = reader

    def __setstate__(self, state):
        _, shape, dtype, fortran, data = state
        self.value = self._reader.array(data, dtype, shape, "F" if fortran else "C")


class _Dtype:
    """A dtype of plain numbers, which gets its byte order by __setstate__."""

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
    """The interpreter, restricted to INSTRUCTIONS and to the functions in `calls`."""

    dispatch = {code: _INTERPRETER.dispatch[code] for code in INSTRUCTIONS}  # noqa: RUF012

    def __init__(self, file: io.BytesIO, budget: int):
        super().__init__(file, encoding="latin1")
        self.budget = budget
        calls = {
            ("collections", "OrderedDict"): self._ordered,
            ("numpy", "ndarray"): "ndarray",  # only as an argument of _reconstruct
            ("numpy", "dtype"): _Dtype,
            ("_codecs", "encode"): self._encoded,  # protocols below 3 write bytes as this call
        }
        for builtins in ("builtins", "__builtin__"):
            calls[builtins, "bytes"] = lambda: b""  # and empty bytes as this one
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
        if not isinstance(target, _Array | _Dtype):
            raise pickle.UnpicklingError(f"it sets the state of a {type(target).__name__}")
        target.__setstate__(state)

    dispatch[pickle.BUILD[0]] = load_build

    def spend(self, amount: int) -> None:
        """Reduce the budget by what is copied or visited: references can repeat large data."""
        self.budget -= amount
        if self.budget < 0:
            raise pickle.UnpicklingError("it unfolds to far more than its size")

    def table(self) -> dict:
        """Return the dict in the file, with all values checked and converted to plain types."""
        found = self.load()
        if not isinstance(found, dict):
            raise pickle.UnpicklingError(f"it holds a {type(found).__name__}, not a dict")
        table = {}
        for name, value in dict.items(found):
            if isinstance(name, bytes):
                name = name.decode("latin1")
            if not isinstance(name, str | int | float):
                raise pickle.UnpicklingError(
                    f"a key is a {type(name).__name__}, not a text or a number"
                )
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

    def array(self, data, dtype, shape, order="C") -> np.ndarray:
        """Return a read-only view of bytes as an array."""
        if isinstance(data, str):  # a byte string of Python 2
            data = self._encoded(data)
        if not isinstance(data, bytes) or not isinstance(dtype, _Dtype):
            raise pickle.UnpicklingError("it holds an array that is not one of numbers")
        shape = tuple(int(n) for n in shape)
        if len(shape) > 8 or min(shape, default=0) < 0:
            raise pickle.UnpicklingError("it holds an array of an impossible shape")
        if math.prod(shape) * dtype.dtype.itemsize != len(data):
            raise pickle.UnpicklingError("it holds an array whose numbers are cut short")
        return np.frombuffer(data, dtype.dtype).reshape(shape, order=order)

    def _ordered(self, pairs=()):
        self.spend(len(pairs))
        return OrderedDict(pairs)

    def _encoded(self, text, encoding="latin1"):
        if encoding not in ("latin1", "latin-1") or not isinstance(text, str):
            raise pickle.UnpicklingError("it encodes something other than a byte string")
        self.spend(len(text))
        return text.encode("latin1")

    def _empty(self, array_type, shape, dtype):
        if array_type != "ndarray":
            raise pickle.UnpicklingError("it reconstructs something other than an array")
        return _Array(self)

    def _scalar(self, dtype, data):
        return self.array(data, dtype, (1,))[0]

    def _from_buffer(self, data, dtype, shape, order):
        array = _Array(self)
        array.value = self.array(data, dtype, shape, "F" if order == "F" else "C")
        return array
