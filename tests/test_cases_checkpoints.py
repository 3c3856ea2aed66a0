"""Networks inside other objects are found, and other kinds of files are named in the error."""

import argparse
import io
import json
import pickle
import tarfile
import warnings
import zipfile

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from moodganimation import NotACheckpoint, load_generator
from moodganimation.checkpoints.convert import convert
from moodganimation.checkpoints.files import save_generator
from moodganimation.cli.commands import main
from moodganimation.expressions.spaces import ACTION_UNITS

from .test_convert import critic, edits, generator, original, same

NAME = "net_epoch_30_id_G.pth"


@pytest.fixture
def network():
    torch.manual_seed(0)
    return generator()


def prefixed(weights, prefix):
    return {f"{prefix}{key}": value for key, value in weights.items()}


def adam(network):
    return torch.optim.Adam(network.requires_grad_(True).parameters()).state_dict()


WRAPPED = {
    **{
        key: lambda w, key=key: {key: w, "epoch": 3, "best": 0.5, "arch": "G"}
        for key in ("state_dict", "model", "generator", "G", "net", "params_ema", "netG")
    },
    "module": lambda w: {"state_dict": prefixed(w, "module."), "epoch": 3},
    "compiled": lambda w: {"model": prefixed(w, "_orig_mod.module.")},
    "within": lambda w: {"checkpoint": {"models": {"G": w}}, "epoch": 3},
    "in a list": lambda w: {"networks": [w], "epoch": 3},
    "a part": lambda w: prefixed(w, "generator.") | {"loss.weight": torch.zeros(3)},
    "parts": lambda w: {"state_dict": prefixed(w, "netG.") | {"vgg.0.weight": torch.zeros(3)}},
    "numbers beside": lambda w: w | {"epoch": 3, "options": None},
    "an optimizer beside": lambda w: {"state_dict": w, "optimizer": adam(generator())},
    "options beside": lambda w: {"state_dict": w, "opt": argparse.Namespace(lr=1e-4, name="a")},
    "a loss beside": lambda w: {"state_dict": w, "vgg": {"0.weight": torch.zeros(3)}},
}


@pytest.mark.parametrize("new", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("wrap", WRAPPED.values(), ids=WRAPPED)
def test_networks_in_wrappers_are_unwrapped(wrap, new, network, tmp_path, capsys):
    path, out = tmp_path / "run.pth.tar", tmp_path / "run.safetensors"
    torch.save(wrap(original(network)), path, _use_new_zipfile_serialization=new)
    assert main(["convert", str(path), "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    sizes = "width 4, depth 2, 17 condition values"
    assert printed.startswith(f"GANimation generator, resnet, {sizes}")
    for file in (path, out):
        same(edits(load_generator(file)), edits(network))


def test_entries_beside_the_network_are_counted(network, tmp_path):
    torch.save({"state_dict": original(network), "epoch": 3, "best": 1.0}, tmp_path / "a.pth")
    assert "left out: 2 entries beside the network" in convert(
        tmp_path / "a.pth", tmp_path / "a.safetensors"
    )


TWO = {
    "dicts": lambda g, d: {"G": g, "D": d, "epoch": 3},
    "parts": lambda g, d: prefixed(g, "G.") | prefixed(d, "D."),
    "within": lambda g, d: {"state_dict": prefixed(g, "G.") | prefixed(d, "D."), "epoch": 3},
}


@pytest.mark.parametrize("wrap", TWO.values(), ids=TWO)
def test_one_of_two_networks_is_chosen_by_name(wrap, network, tmp_path, capsys):
    path, out = tmp_path / "run.pth", tmp_path / "run.safetensors"
    torch.save(wrap(original(network), critic("frame").state_dict()), path)
    command = ["convert", str(path), "--out", str(out)]
    assert main(command) == 2 and not out.exists()
    printed = capsys.readouterr().err
    assert "holds 2 networks (" in printed and "G, " in printed and "--network NAME" in printed
    assert main([*command, "--network", "D"]) == 0
    assert "critic, frame" in capsys.readouterr().out
    assert main([*command, "--network", "H"]) == 2
    assert "has no network called 'H'; choose one of " in capsys.readouterr().err
    assert main([*command, "--network", "G"]) == 0
    same(edits(load_generator(out)), edits(network))
    with pytest.raises(NotACheckpoint, match="choose one of them, with convert and --network"):
        load_generator(path)


def test_averaged_weights_are_chosen_by_name(network, tmp_path):
    other = {key: value + 1 for key, value in original(network).items()}
    torch.save({"params": other, "params_ema": original(network)}, tmp_path / "a.pth")
    convert(tmp_path / "a.pth", tmp_path / "a.safetensors", network="params_ema")
    same(edits(load_generator(tmp_path / "a.safetensors")), edits(network))


class Hostile:
    def __reduce__(self):
        return exec, ("raise SystemExit('code of a file was run')",)


@pytest.mark.parametrize(
    "content, sentence",
    [
        ({"state_dict": {}, "epoch": 3}, "is not a tensor"),
        ({"state_dict": Hostile(), "epoch": 3}, "would run code"),
        ({"state_dict": {"net.0.weight": torch.zeros(2, 2)}}, "layers are called net.0.weight"),
        ({"optimizer": {"state": {}, "param_groups": []}, "epoch": 3}, "is not a tensor"),
        ({"model": nn.Linear(1, 1)}, "would run code .*Linear"),
    ],
)
def test_file_without_a_network_raises_not_a_checkpoint(content, sentence, tmp_path):
    torch.save(content, tmp_path / "a.pth")
    with pytest.raises(NotACheckpoint, match=sentence):
        convert(tmp_path / "a.pth", tmp_path / "a.safetensors")


def test_dict_that_contains_itself_raises_not_a_checkpoint(tmp_path):
    content = {"epoch": 3}
    content |= {f"{i}": content for i in range(100)}
    torch.save(content, tmp_path / "a.pth")
    with pytest.raises(NotACheckpoint, match="'epoch' is not a tensor"):
        convert(tmp_path / "a.pth", tmp_path / "a.safetensors")


# ---- Other files ----


def saved(network) -> bytes:
    file = io.BytesIO()
    torch.save(original(network), file)
    return file.getvalue()


def script(path):
    torch.jit.script(nn.Conv2d(3, 3, 1)).save(str(path))


def archived(kind):
    def write(path):
        data = saved(generator())
        if kind == "zip":
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr(f"experiment_1/{NAME}", data)
        else:
            with tarfile.open(path, f"w:{kind}") as archive:
                entry = tarfile.TarInfo(NAME)
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))

    return write


def starting(data):
    return lambda path: path.write_bytes(data + bytes(range(256)) * 4)


def foreign(path):
    save_file({"model.0.weight": torch.zeros(2)}, path, {"format": "pt"})


UNPACK = "an archive; unpack it and choose the file of the network in it"
OTHERS = {
    "script.pt": (script, "a TorchScript program, not weights"),
    "folder.zip": (archived("zip"), UNPACK),
    "renamed.pth": (archived("zip"), UNPACK),
    "a.tar": (archived(""), UNPACK),
    "a.tar.gz": (archived("gz"), UNPACK),
    "a.tar.bz2": (archived("bz2"), UNPACK),
    "a.tar.xz": (archived("xz"), UNPACK),
    "a.7z": (starting(b"7z\xbc\xaf\x27\x1c\0\4"), UNPACK),
    "a.rar": (starting(b"Rar!\x1a\x07\x01\0"), UNPACK),
    "a.onnx": (starting(b"\x08\x08\x12\x07pytorch"), "an ONNX model"),
    "renamed.ckpt": (starting(b"\x08\x08\x12\x07pytorch"), "an ONNX model"),
    "weights.h5": (starting(b"\x89HDF\r\n\x1a\n"), "a file of Keras or TensorFlow"),
    "a.npz": (lambda path: np.savez(path, a=np.zeros(2)), "a file of NumPy arrays"),
    "a.npy": (lambda path: np.save(path, np.zeros(2)), "a file of NumPy arrays"),
    "a.safetensors": (foreign, "a safetensors file, but not a checkpoint of MoodGANimation"),
    "page.pth": (starting(b"<!DOCTYPE html><html>"), "a web page and not the file"),
    "pointer.pth": (starting(b"version https://git-lfs.github.com/spec/v1\n"), "git lfs pull"),
    "a.pkl": (lambda path: path.write_bytes(pickle.dumps({"a": 1})), "a pickle that torch.save"),
    "empty.pth": (lambda path: path.touch(), "it is empty"),
    "experiment": (lambda path: path.mkdir(), "a folder; choose the file"),
}


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.filterwarnings("error")
def test_error_names_the_kind_of_file(name, tmp_path, capfd):
    write, sentence = OTHERS[name]
    folder = tmp_path / "files"
    folder.mkdir()
    path, out = folder / name, tmp_path / "out.safetensors"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript is deprecated
        write(path)
    assert main(["convert", str(path), "--out", str(out)]) == 2
    printed = capfd.readouterr().err
    assert sentence in printed and "Warning" not in printed and len(printed.splitlines()) == 1
    assert not out.exists()
    if name != "experiment":
        with pytest.raises(NotACheckpoint, match=sentence):
            load_generator(path)


def test_our_own_checkpoint_is_not_converted_again(network, tmp_path, capsys):
    path = tmp_path / "mine.safetensors"
    save_generator(path, network, ACTION_UNITS, {})
    assert main(["convert", str(path), "--out", str(tmp_path / "again.safetensors")]) == 2
    printed = capsys.readouterr().err
    assert "a checkpoint of MoodGANimation already; use it as it is, with --checkpoint" in printed
    assert [path.name for path in tmp_path.iterdir()] == ["mine.safetensors"]


def test_malformed_safetensors_header_raises_not_a_checkpoint(tmp_path):
    for i, header in enumerate((b"{", b"[]", json.dumps({"__metadata__": []}).encode(), b"{\xff}")):
        path = tmp_path / f"{i}.safetensors"
        path.write_bytes(len(header).to_bytes(8, "little") + header + b"12345678")
        with pytest.raises(NotACheckpoint, match="safetensors"):
            load_generator(path)
        with pytest.raises(NotACheckpoint):
            convert(path, tmp_path / "out.safetensors")
