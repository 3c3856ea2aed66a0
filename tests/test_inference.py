"""What makes inference quick changes nothing that can be seen."""

import copy
import sys
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from moodganimation.animator import DEFAULT_CHECKPOINT, Animator
from moodganimation.checkpoints.files import Checkpoint, build_generator, load_generator
from moodganimation.expressions.presets import PRESETS
from moodganimation.networks.base import GeneratorConfig, with_condition
from moodganimation.runtime.backends import (
    BACKENDS,
    INT8,
    fuse_batchnorm,
    optimize,
    outputs_match,
    psnr,
)
from moodganimation.runtime.openvino import compiled
from moodganimation.runtime.quantization import First, Painting
from moodganimation.runtime.threads import cores

SMALL = GeneratorConfig(architecture="resnet", condition_dim=2, image_size=32, width=4)


def test_folding_leaves_the_function(tiny):
    for _ in range(3):  # norms that are not the identity
        tiny.train()(torch.rand(8, 3, 32, 32) * 2 - 1, torch.rand(8, 17))
    tiny.eval()
    plain, source, units = copy.deepcopy(tiny), torch.rand(2, 3, 32, 32), torch.rand(2, 17)
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in fuse_batchnorm(tiny).modules())
    for one, other in zip(tiny(source, units)[0], plain(source, units)[0], strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=0)


@pytest.mark.parametrize("emotion", ["happy", "surprise", "sad"])
def test_what_is_shown_equals_plain_float32(animator, portrait, emotion):
    """Within a hundredth of the range on average, and 40 dB, whatever precision was chosen."""
    network = load_generator(DEFAULT_CHECKPOINT)
    checkpoint = Checkpoint(network, animator.space, {})
    cpu = torch.device("cpu")
    plain = Animator(checkpoint, reader=network, finder=None, aligner=None, device=cpu)
    exact = plain.encode(portrait, portrait.reading)
    for backend in ("bf16", "float32"):
        quick = Animator.load(device="cpu", backends=[backend])
        face = quick.encode(portrait, portrait.reading)
        seen = quick.edit(face, PRESETS[emotion]).image.astype(float)
        wanted = plain.edit(exact, PRESETS[emotion]).image.astype(float)
        x0, y0, x1, y1 = portrait.box
        error = (seen - wanted)[y0:y1, x0:x1]
        assert np.abs(error).mean() < 2.55
        assert np.square(error).mean() < 255**2 / 1e4  # 40 dB
        read = quick.encode(portrait).reading.vector() - plain.encode(portrait).reading.vector()
        assert np.abs(read).max() < 0.05


TRAINED = ["ganimation", "mood", "video", "convgru_disc"]


def shipped(name: str, portrait) -> tuple:
    """A network of ours, and faces and conditions for it."""
    network = load_generator(DEFAULT_CHECKPOINT.parent / f"{name}.safetensors")
    source = torch.from_numpy(portrait.face(network.config.image_size)).permute(2, 0, 1)[None]
    drawn = torch.Generator().manual_seed(0)
    condition = torch.rand(3, network.config.condition_dim, generator=drawn)
    return network, (source / 127.5 - 1).expand(3, -1, -1, -1), condition


@pytest.mark.parametrize("int8", [False, True])
@pytest.mark.parametrize("name", TRAINED)
@torch.inference_mode()
def test_rewritten_for_a_compiler_a_network_is_the_same(name, int8, portrait):
    """To rounding in float32; in int8 within a hundredth of the range, and 45 dB."""
    network, source, condition = shipped(name, portrait)
    wanted = network(source, condition)[0]
    found = Painting(copy.deepcopy(network), int8)(source, condition)
    assert (wanted.composite - source).abs().mean() > 0.005  # there is something to compare
    for one, other in zip(found, wanted, strict=False):
        assert (one - other).abs().mean() < (1e-2 if int8 else 1e-5)
    assert psnr(found[0], wanted.composite) > (45 if int8 else 100)


@pytest.mark.parametrize("side", [7, 8, 128])
def test_planes_of_the_condition_are_a_bias_exact_at_every_border(side):
    conv = torch.nn.Conv2d(3 + 17, 8, 7, padding=3, bias=False)
    photo, condition = torch.randn(2, 3, side, side), torch.randn(2, 17)
    wanted = conv(with_condition(photo, condition))
    torch.testing.assert_close(First(conv, side)(photo, condition), wanted, atol=1e-5, rtol=0)


@pytest.mark.parametrize("int8", [False, True])
@pytest.mark.parametrize("name", TRAINED)
def test_openvino_shows_what_float32_does(name, int8, portrait):
    """Within a hundredth of the range on average, and 40 dB; in int8 as `optimize` asks for too."""
    pytest.importorskip("openvino")
    network, source, condition = shipped(name, portrait)
    quick = compiled(network, int8)
    with torch.inference_mode():
        (wanted, _), (found, _) = network(source, condition), quick(source, condition)
    for one, other in zip(wanted, found, strict=True):
        assert one.shape == other.shape and (one - other).abs().mean() < 1e-2
    assert psnr(found.composite, wanted.composite) > 40 and outputs_match(quick, network)
    assert list(quick.state_dict()) == list(network.state_dict())


def test_openvino_serves_threads_at_once():
    pytest.importorskip("openvino")
    network = build_generator(SMALL).eval()
    quick, source = compiled(network), torch.rand(8, 3, 32, 32)

    def edited(i: int) -> torch.Tensor:
        return quick(source[i % 8, None], torch.ones(1, 2))[0].composite

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(edited, range(64)))
    for i, one in enumerate(found):
        torch.testing.assert_close(one, found[i % 8])


def test_what_openvino_cannot_take_is_said_and_left_to_torch(monkeypatch, caplog):
    def convert_model(*_, **__):
        raise RuntimeError("no such operation")

    monkeypatch.setitem(sys.modules, "openvino", SimpleNamespace(convert_model=convert_model))
    monkeypatch.setattr("moodganimation.runtime.backends._RANKED", {})
    for _ in range(2):
        network = optimize(build_generator(SMALL).eval(), torch.device("cpu"))
    assert network(torch.zeros(1, 3, 32, 32), torch.zeros(1, 2))[0].composite.shape[1] == 3
    assert network.backend in ("float32", "bf16")
    assert len(caplog.records) == 2 and "in int8" in caplog.text  # once each way, not each network
    assert all("no such operation" in record.message for record in caplog.records)


@pytest.mark.parametrize("quickest", BACKENDS)
def test_what_measures_quickest_is_taken(quickest, monkeypatch):
    """A stand-in for the compiled network serves where the package is missing."""
    taken = dict.fromkeys(BACKENDS, 0.5) | {quickest: 0.1}
    monkeypatch.setattr("moodganimation.runtime.backends._RANKED", {})
    monkeypatch.setattr(
        "moodganimation.runtime.backends.compiled", lambda network, int8=False: copy.copy(network)
    )
    monkeypatch.setattr("moodganimation.runtime.backends.seconds", lambda *_: list(taken.values()))
    for backends in (None, [quickest]):  # measured, and asked for
        network = optimize(build_generator(SMALL).eval(), torch.device("cpu"), backends)
        assert network.backend == network.backends[0] == quickest


def test_int8_that_shows_something_else_is_said_and_not_taken(monkeypatch, caplog):
    def distorted(network, int8=False):
        quick = copy.copy(network)
        quick.edit = lambda *inputs: (
            (edit := network.edit(*inputs)[0])._replace(composite=edit.composite + 0.03 * int8),
            (),
        )
        return quick

    monkeypatch.setattr("moodganimation.runtime.backends.compiled", distorted)
    network = optimize(
        build_generator(SMALL).eval(), torch.device("cpu"), [INT8, "OpenVINO", "float32"]
    )
    assert network.backend == "OpenVINO"
    (record,) = caplog.records
    assert record.levelname == "WARNING" and "36.5 dB" in record.message


def test_decibels_are_those_of_the_worst_picture():
    wanted = torch.zeros(2, 3, 4, 4)
    shown = torch.stack([torch.full((3, 4, 4), 0.02), torch.full((3, 4, 4), 0.2)])
    assert psnr(shown, wanted) == pytest.approx(20)


def test_cores_are_at_least_one():
    assert 1 <= cores() <= 4096


@pytest.mark.parametrize("backends", [["nope"], "bf16", []])
def test_ways_that_are_none_are_told(tiny, backends):
    with pytest.raises(ValueError, match="float32, bf16"):
        optimize(tiny, torch.device("cpu"), backends)
