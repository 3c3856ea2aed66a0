"""The private class of the standard library that pickles are read with is as it was reviewed.

Where one of these fails on a new Python, read what has changed in `pickle._Unpickler` and adapt
moodganimation/animation/bounded_pickle.py: until then its limits may not hold.
"""

import inspect
import io
import pickle
import struct
import tracemalloc

import pytest

from moodganimation.animation.bounded_pickle import OPCODES, _BoundedUnpickler, read_pickle
from moodganimation.errors import UnreadableFile

UNPICKLER = pickle._Unpickler
# Persistent ids, the extension registry, instances of old classes and out-of-band buffers.
_REFUSED_NAMES = "PERSID BINPERSID EXT1 EXT2 EXT4 INST OBJ NEXT_BUFFER"
REFUSED = bytes(getattr(pickle, name)[0] for name in _REFUSED_NAMES.split())
# Opcodes followed by a number that says how much follows, or where a value is kept.
SIZED = {
    pickle.BINSTRING: "<i",
    pickle.BINUNICODE: "<I",
    pickle.BINBYTES: "<I",
    pickle.LONG4: "<i",
    pickle.BINUNICODE8: "<Q",
    pickle.BINBYTES8: "<Q",
    pickle.BYTEARRAY8: "<Q",
    pickle.FRAME: "<Q",
    b"N" + pickle.LONG_BINPUT: "<I",
}


def test_every_opcode_of_this_python_is_allowed_or_refused():
    assert not set(OPCODES) & set(REFUSED)
    assert {*UNPICKLER.dispatch} == {*OPCODES, *REFUSED}
    assert {*_BoundedUnpickler.dispatch} == {*OPCODES}


def test_the_unpickler_runs_in_python_and_looks_names_up_in_one_place():
    assert all(inspect.isfunction(run) for run in UNPICKLER.dispatch.values())
    for name in ("load", "find_class", "load_build", "load_bytearray8"):  # overridden, or called
        assert inspect.isfunction(getattr(UNPICKLER, name)), name
    assert [*inspect.signature(UNPICKLER.find_class).parameters] == ["self", "module", "name"]
    assert {"file", "encoding"} <= {*inspect.signature(UNPICKLER.__init__).parameters}
    for opcode in (pickle.GLOBAL, pickle.STACK_GLOBAL):
        names = UNPICKLER.dispatch[opcode[0]].__code__.co_names
        assert "find_class" in names and "getattr" not in names
    imports = {"__import__", "import_module", "modules", "_getattribute"}
    for opcode in OPCODES:
        assert not imports & {*UNPICKLER.dispatch[opcode].__code__.co_names}


def test_opcodes_are_dispatched_by_number_and_work_on_a_stack():
    seen = []

    class Watched(_BoundedUnpickler):
        dispatch = dict(_BoundedUnpickler.dispatch)  # noqa: RUF012

    def watch(reader):
        seen.append((list(reader.stack), reader.append == reader.stack.append))
        seen.append((reader.read(1), reader.memo, reader.encoding))

    Watched.dispatch[pickle.NONE[0]] = watch
    reader = Watched(io.BytesIO(b"\x80\x02K\x05NK."), 100)
    assert reader.load() == 5
    assert seen == [([5], True), (b"K", {}, "latin1")]


@pytest.mark.parametrize("opcode, form", SIZED.items())
def test_a_declared_size_allocates_nothing(tmp_path, opcode, form):
    path = tmp_path / "a.pkl"
    path.write_bytes(b"\x80\x04" + opcode + struct.pack(form, 2**31 - 1) + b".")
    tracemalloc.start()
    with pytest.raises(UnreadableFile, match="not a plain pickle"):
        read_pickle(path)
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


@pytest.mark.parametrize("size", [2, 3000, 2**64 - 1])
def test_a_byte_array_without_its_data_is_named_as_such(tmp_path, size):
    data = b"\x80\x05" + pickle.BYTEARRAY8 + struct.pack("<Q", size) + b"."
    (tmp_path / "a.pkl").write_bytes(data)
    with pytest.raises(UnreadableFile, match="it declares more bytes than it has"):
        read_pickle(tmp_path / "a.pkl")


@pytest.mark.parametrize("opcode", [bytes([code]) for code in REFUSED])
def test_refused_opcodes_are_named_as_such(tmp_path, opcode):
    (tmp_path / "a.pkl").write_bytes(b"\x80\x05" + opcode + b"1\n\0\0\0.")
    with pytest.raises(UnreadableFile, match="an opcode that tables do not need"):
        read_pickle(tmp_path / "a.pkl")
