"""Reading the annotation pickles of the original repositories without running code from them.

A pickle is a program for a stack machine. Here it is run by the implementation in Python. That
implementation never allocates a size that a file declares without having the data, except in
BYTEARRAY8, which is replaced. A pickle can call only the few functions below, which make dicts and
arrays of numbers. `__setstate__` of numpy is never called with data from a file.

The implementation in C, `pickle.Unpickler`, cannot be limited: nine bytes make it allocate a
gigabyte. The one in Python is `pickle._Unpickler`, a private class of the standard library, and
this is the only file that uses it. Its opcodes are listed one by one, so that those that a later
Python adds are refused. tests/test_bounded_pickle.py fails if a later Python changes what this file
relies on.
"""

import io
import math
import pickle
from collections import OrderedDict
from pathlib import Path

import numpy as np

from ..errors import UnreadableFile

MAX_PICKLE_BYTES = 2 << 30  # of a file
# The budget of a file: it may copy MAX_EXPANSION times its size, plus BASE_BUDGET [bytes].
MAX_EXPANSION, BASE_BUDGET = 16, 4096
_PythonUnpickler = pickle._Unpickler
# The opcodes that tables need, by their names in the standard library. The others are refused:
# persistent ids, the extension registry, instances of old classes and out-of-band buffers. (Without
# those, READONLY_BUFFER has no effect.)
_OPCODE_NAMES = """
    PROTO FRAME STOP MARK POP POP_MARK DUP NONE NEWTRUE NEWFALSE
    INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT
    STRING BINSTRING SHORT_BINSTRING BINBYTES SHORT_BINBYTES BINBYTES8 BYTEARRAY8 READONLY_BUFFER
    UNICODE BINUNICODE SHORT_BINUNICODE BINUNICODE8
    EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 EMPTY_LIST LIST APPEND APPENDS
    EMPTY_DICT DICT SETITEM SETITEMS EMPTY_SET ADDITEMS FROZENSET
    PUT BINPUT LONG_BINPUT MEMOIZE GET BINGET LONG_BINGET
    GLOBAL STACK_GLOBAL REDUCE NEWOBJ NEWOBJ_EX BUILD
"""
OPCODES = bytes(getattr(pickle, name)[0] for name in _OPCODE_NAMES.split())


def read_pickle(path: str | Path) -> dict:
    """Read a pickled dict of numbers, strings, arrays of numbers, and lists or tuples of these.

    Values may also be bools and None. Lists and tuples must not contain others. Bytes, as a value
    or a key, become strings. Keys are strings or numbers. The pickle may have any protocol of
    Python 2 or 3. Arrays are read-only. Raises OSError, and UnreadableFile for damage and any other
    content.
    """
    path = Path(path)
    size = path.stat().st_size
    if size > MAX_PICKLE_BYTES:
        raise UnreadableFile(
            "{} has more than {} GB: no table of annotations.", path, MAX_PICKLE_BYTES >> 30
        )
    with open(path, "rb") as file:
        try:
            budget = MAX_EXPANSION * size + BASE_BUDGET
            table = _BoundedUnpickler(io.BytesIO(file.read(size)), budget).load_table()
        except Exception as error:  # a malicious file can make the unpickler raise anything
            reason = str(error)[:200] or type(error).__name__
            if isinstance(error, KeyError):  # `dispatch` lacks the opcode
                reason = "it contains an opcode that tables do not need"
            raise UnreadableFile(
                "{} is not a plain pickle of annotations ({}); nothing in it was run.", path, reason
            ) from error
    return table


class _Array:
    """Stands for a numpy array while a pickle is read, and gets its value by __setstate__."""

    value: np.ndarray | None = None

    def __init__(self, unpickler: "_BoundedUnpickler"):
        self._unpickler = unpickler

    def __setstate__(self, state):
        _, shape, dtype, fortran, data = state
        self.value = self._unpickler.make_array(data, dtype, shape, "F" if fortran else "C")


class _Dtype:
    """Stands for a dtype of bools, integers or floats; gets its byte order by __setstate__."""

    def __init__(self, name, align=False, copy=False):
        name = name.decode("ascii") if isinstance(name, bytes) else name
        if not isinstance(name, str) or len(name) > 8:
            raise pickle.UnpicklingError("it contains an array of something other than numbers")
        self.dtype = np.dtype(name)
        if self.dtype.kind not in "biuf" or self.dtype.shape:
            raise pickle.UnpicklingError(f"it contains an array of {name}, not of numbers")

    def __setstate__(self, state):
        order = state[1].decode("ascii") if isinstance(state[1], bytes) else state[1]
        if order not in ("<", ">", "|", "="):
            raise pickle.UnpicklingError("it contains an array of an unknown byte order")
        self.dtype = self.dtype.newbyteorder(order)


class _BoundedUnpickler(_PythonUnpickler):
    """The unpickler, restricted to OPCODES, to the functions in `allowed`, and to a budget.

    budget: number of bytes and items that may be copied.
    """

    dispatch = {code: _PythonUnpickler.dispatch[code] for code in OPCODES}  # noqa: RUF012

    def __init__(self, file: io.BytesIO, budget: int):
        super().__init__(file, encoding="latin1")
        self.budget = budget
        # (module, name) in the pickle -> what is called instead
        allowed = {
            ("collections", "OrderedDict"): self._make_ordered_dict,
            ("numpy", "ndarray"): "ndarray",  # only as an argument of _reconstruct
            ("numpy", "dtype"): _Dtype,
            ("_codecs", "encode"): self._encode,  # protocols below 3 write bytes as this call
        }
        for builtins in ("builtins", "__builtin__"):
            allowed[builtins, "bytes"] = lambda: b""  # protocols below 3 write b"" as bytes()
        for core in ("numpy.core", "numpy._core"):
            allowed[f"{core}.multiarray", "_reconstruct"] = self._reconstruct
            allowed[f"{core}.multiarray", "scalar"] = self._make_scalar
            allowed[f"{core}.numeric", "_frombuffer"] = self._from_buffer
        self.allowed = allowed

    def find_class(self, module, name):
        if (module, name) not in self.allowed:
            raise pickle.UnpicklingError(f"it calls {module}.{name}, which is not allowed")
        return self.allowed[module, name]

    def load_bytearray8(self):
        # The method of the standard library allocates the declared size before it reads. This one
        # appends bytes, which `make_array` takes, instead of a bytearray.
        size = int.from_bytes(self.read(8), "little")
        # `min`, since BytesIO.read raises OverflowError for sizes above sys.maxsize.
        data = self.read(min(size, self.budget))
        if len(data) < size:
            raise pickle.UnpicklingError("it declares more bytes than it has")
        self.append(data)

    dispatch[pickle.BYTEARRAY8[0]] = load_bytearray8

    def load_build(self):
        state, target = self.stack.pop(), self.stack[-1]
        if not isinstance(target, _Array | _Dtype):
            raise pickle.UnpicklingError(f"it sets the state of a {type(target).__name__}")
        target.__setstate__(state)

    dispatch[pickle.BUILD[0]] = load_build

    def spend(self, amount: int) -> None:
        """Take bytes or items from the budget, since a file can refer to the same data many times.

        Raises UnpicklingError if the budget is used up.
        """
        self.budget -= amount
        if self.budget < 0:
            raise pickle.UnpicklingError("it expands to far more than its size")

    def load_table(self) -> dict:
        """Return the dict in the file, with all values checked and converted, see `_convert`."""
        content = self.load()
        if not isinstance(content, dict):
            raise pickle.UnpicklingError(f"it contains a {type(content).__name__}, not a dict")
        table = {}
        for name, value in content.items():
            if isinstance(name, bytes):
                name = name.decode("latin1")
            if not isinstance(name, str | int | float):
                raise pickle.UnpicklingError(
                    f"a key is a {type(name).__name__}, not a string or a number"
                )
            table[name] = self._convert(value)
        return table

    def _convert(self, value, in_list=False):
        """Convert an _Array to an array and bytes to a string; other values must need no change.

        Lists and tuples must not contain others.
        """
        self.spend(1)
        if isinstance(value, _Array) and value.value is not None:
            return value.value
        if value is None or isinstance(value, str | int | float | np.generic):
            return value
        if isinstance(value, bytes):
            self.spend(len(value))
            return value.decode("latin1")
        if isinstance(value, list | tuple) and not in_list:
            return type(value)(self._convert(item, in_list=True) for item in value)
        raise pickle.UnpicklingError(
            f"it contains a {type(value).__name__} where numbers are expected"
        )

    def make_array(self, data, dtype, shape, order="C") -> np.ndarray:
        """Return a read-only view of bytes as an array."""
        if isinstance(data, str):  # a byte string of Python 2
            data = self._encode(data)
        if not isinstance(data, bytes) or not isinstance(dtype, _Dtype):
            raise pickle.UnpicklingError("it contains an array of something other than numbers")
        shape = tuple(int(n) for n in shape)
        if len(shape) > 8 or min(shape, default=0) < 0:
            raise pickle.UnpicklingError("it contains an array of an impossible shape")
        if math.prod(shape) * dtype.dtype.itemsize != len(data):
            raise pickle.UnpicklingError("it contains an array whose data do not fit its shape")
        return np.frombuffer(data, dtype.dtype).reshape(shape, order=order)

    def _make_ordered_dict(self, pairs=()):
        self.spend(len(pairs))
        return OrderedDict(pairs)

    def _encode(self, text, encoding="latin1"):
        if encoding not in ("latin1", "latin-1") or not isinstance(text, str):
            raise pickle.UnpicklingError("it encodes something other than a byte string")
        self.spend(len(text))
        return text.encode("latin1")

    def _reconstruct(self, array_type, shape, dtype):
        if array_type != "ndarray":
            raise pickle.UnpicklingError("it reconstructs something other than an array")
        return _Array(self)

    def _make_scalar(self, dtype, data):
        return self.make_array(data, dtype, (1,))[0]

    def _from_buffer(self, data, dtype, shape, order):
        array = _Array(self)
        array.value = self.make_array(data, dtype, shape, "F" if order == "F" else "C")
        return array
