"""What makes inference quick changes nothing that can be seen."""

import copy
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from moodganimation.animator import DEFAULT_CHECKPOINT, Animator
from moodganimation.checkpoint import build_generator, load_generator
from moodganimation.compiled import compiled
from moodganimation.expressions import PRESETS
from moodganimation.generators import GeneratorConfig
from moodganimation.inference import cores, folded, prepared


def test_folding_leaves_the_function(tiny):
    for _ in range(3):  # norms that are not the identity
        tiny.train()(torch.rand(8, 3, 32, 32) * 2 - 1, torch.rand(8, 17))
    tiny.eval()
    plain, source, units = copy.deepcopy(tiny), torch.rand(2, 3, 32, 32), torch.rand(2, 17)
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in folded(tiny).modules())
    for one, other in zip(tiny(source, units)[0], plain(source, units)[0], strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=0)


@pytest.mark.parametrize("emotion", ["happy", "surprise", "sad"])
def test_what_is_shown_equals_plain_float32(animator, portrait, emotion):
    """Within a hundredth of the range on average, and 40 dB, whatever precision was chosen."""
    network = load_generator(DEFAULT_CHECKPOINT)
    plain = Animator(network, animator.space, reader=network, finder=None, aligner=None,
                     device=torch.device("cpu"))  # fmt: skip
    exact = plain.encode(portrait, portrait.reading)
    for bf16 in (True, False):
        quick = Animator.load(device="cpu", bf16=bf16)
        face = quick.encode(portrait, portrait.reading)
        seen = quick.edit(face, PRESETS[emotion]).image.astype(float)
        wanted = plain.edit(exact, PRESETS[emotion]).image.astype(float)
        x0, y0, x1, y1 = portrait.box
        error = (seen - wanted)[y0:y1, x0:x1]
        assert np.abs(error).mean() < 2.55
        assert np.square(error).mean() < 255**2 / 1e4  # 40 dB
        read = quick.encode(portrait).reading.vector() - plain.encode(portrait).reading.vector()
        assert np.abs(read).max() < 0.05


@pytest.mark.parametrize("name", ["ganimation", "mood", "video", "convgru_disc"])
def test_openvino_shows_what_float32_does(name, portrait):
    """Within a hundredth of the range on average, and 40 dB."""
    pytest.importorskip("openvino")
    network = load_generator(DEFAULT_CHECKPOINT.parent / f"{name}.safetensors")
    quick, axes = compiled(network), network.config.condition_dim
    source = torch.from_numpy(portrait.face(network.config.image_size)).permute(2, 0, 1)[None]
    source = (source / 127.5 - 1).expand(3, -1, -1, -1)
    condition = torch.rand(3, axes, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        (wanted, _), (found, _) = network(source, condition), quick(source, condition)
    assert (wanted.composite - source).abs().mean() > 0.005  # there is something to compare
    for one, other in zip(wanted, found, strict=True):
        assert (one - other).abs().mean() < 1e-2
    error = (found.composite - wanted.composite).square().mean(dim=(1, 2, 3))
    assert (error < 2**2 / 1e4).all()  # 40 dB
    assert list(quick.state_dict()) == list(network.state_dict())


def test_what_openvino_cannot_take_is_said_once_and_left_to_torch(monkeypatch, caplog):
    def convert_model(*_, **__):
        raise RuntimeError("no such operation")

    monkeypatch.setitem(sys.modules, "openvino", SimpleNamespace(convert_model=convert_model))
    monkeypatch.setattr("moodganimation.inference._RANKED", {})
    config = GeneratorConfig(architecture="resnet", condition_dim=2, image_size=32, width=4)
    network = prepared(build_generator(config).eval(), torch.device("cpu"))
    assert network(torch.zeros(1, 3, 32, 32), torch.zeros(1, 2))[0].composite.shape[1] == 3
    (record,) = caplog.records
    assert record.levelname == "WARNING" and "no such operation" in record.message


@pytest.mark.parametrize("quickest", ["float32", "bf16", "OpenVINO"])
def test_what_measures_quickest_is_taken(quickest, monkeypatch):
    """A stand-in for the compiled network serves where the package is missing."""
    config = GeneratorConfig(architecture="resnet", condition_dim=2, image_size=32, width=4)
    stand_in = build_generator(config).eval()
    taken = {"float32": 0.5, "bf16": 0.6, "OpenVINO": 0.7} | {quickest: 0.1}
    monkeypatch.setattr("moodganimation.inference._RANKED", {})
    monkeypatch.setattr("moodganimation.inference.compiled", lambda _: stand_in)
    monkeypatch.setattr("moodganimation.inference.seconds", lambda *_: list(taken.values()))
    network = prepared(build_generator(config).eval(), torch.device("cpu"))
    assert (network is stand_in) == (quickest == "OpenVINO")
    assert network.bf16 == (taken["bf16"] < 0.9 * taken["float32"])


def test_cores_are_at_least_one():
    assert 1 <= cores() <= 4096
