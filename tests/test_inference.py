"""Fused norms, bf16, OpenVINO and int8 give the outputs of plain float32, within tolerance."""

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
from moodganimation.networks.base import GeneratorConfig, append_condition
from moodganimation.runtime.backends import (
    BACKENDS,
    INT8,
    fuse_batchnorm,
    lowest_psnr,
    optimize,
    outputs_match,
)
from moodganimation.runtime.openvino import compile_generator
from moodganimation.runtime.quantization import FirstConv, FusedGenerator
from moodganimation.runtime.threads import usable_cores

SMALL = GeneratorConfig(architecture="resnet", condition_dim=2, image_size=32, width=4)


def test_fused_norms_give_the_same_outputs(tiny):
    for _ in range(3):  # norms that are not the identity
        tiny.train()(torch.rand(8, 3, 32, 32) * 2 - 1, torch.rand(8, 17))
    tiny.eval()
    plain, source, units = copy.deepcopy(tiny), torch.rand(2, 3, 32, 32), torch.rand(2, 17)
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in fuse_batchnorm(tiny).modules())
    for one, other in zip(tiny(source, units)[0], plain(source, units)[0], strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=0)


@pytest.mark.parametrize("emotion", ["happy", "surprise", "sad"])
def test_edits_of_every_torch_backend_match_plain_float32(animator, portrait, emotion):
    """Mean error below a hundredth of the range, and 40 dB PSNR."""
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
    """A shipped generator, three copies of a face and three random conditions."""
    network = load_generator(DEFAULT_CHECKPOINT.parent / f"{name}.safetensors")
    source = torch.from_numpy(portrait.face(network.config.image_size)).permute(2, 0, 1)[None]
    drawn = torch.Generator().manual_seed(0)
    condition = torch.rand(3, network.config.condition_dim, generator=drawn)
    return network, (source / 127.5 - 1).expand(3, -1, -1, -1), condition


@pytest.mark.parametrize("int8", [False, True])
@pytest.mark.parametrize("name", TRAINED)
@torch.inference_mode()
def test_fused_generator_matches_the_network(name, int8, portrait):
    """Equal but for rounding in float32; in int8 within a hundredth of the range, and 45 dB."""
    network, source, condition = shipped(name, portrait)
    wanted = network(source, condition)[0]
    found = FusedGenerator(copy.deepcopy(network), int8)(source, condition)
    assert (wanted.composite - source).abs().mean() > 0.005  # there is something to compare
    for one, other in zip(found, wanted, strict=False):
        assert (one - other).abs().mean() < (1e-2 if int8 else 1e-5)
    assert lowest_psnr(found[0], wanted.composite) > (45 if int8 else 100)


@pytest.mark.parametrize("side", [7, 8, 128])
def test_first_conv_matches_condition_planes_at_every_border(side):
    conv = torch.nn.Conv2d(3 + 17, 8, 7, padding=3, bias=False)
    photo, condition = torch.randn(2, 3, side, side), torch.randn(2, 17)
    wanted = conv(append_condition(photo, condition))
    torch.testing.assert_close(FirstConv(conv, side)(photo, condition), wanted, atol=1e-5, rtol=0)


@pytest.mark.parametrize("int8", [False, True])
@pytest.mark.parametrize("name", TRAINED)
def test_openvino_matches_float32(name, int8, portrait):
    """Mean error below a hundredth of the range, and 40 dB; `outputs_match` agrees."""
    pytest.importorskip("openvino")
    network, source, condition = shipped(name, portrait)
    quick = compile_generator(network, int8)
    with torch.inference_mode():
        (wanted, _), (found, _) = network(source, condition), quick(source, condition)
    for one, other in zip(wanted, found, strict=True):
        assert one.shape == other.shape and (one - other).abs().mean() < 1e-2
    assert lowest_psnr(found.composite, wanted.composite) > 40 and outputs_match(quick, network)
    assert list(quick.state_dict()) == list(network.state_dict())


def test_openvino_serves_several_threads_at_once():
    pytest.importorskip("openvino")
    network = build_generator(SMALL).eval()
    quick, source = compile_generator(network), torch.rand(8, 3, 32, 32)

    def edited(i: int) -> torch.Tensor:
        return quick(source[i % 8, None], torch.ones(1, 2))[0].composite

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(edited, range(64)))
    for i, one in enumerate(found):
        torch.testing.assert_close(one, found[i % 8])


def test_openvino_failure_is_logged_and_torch_is_used(monkeypatch, caplog):
    def convert_model(*_, **__):
        raise RuntimeError("no such operation")

    monkeypatch.setitem(sys.modules, "openvino", SimpleNamespace(convert_model=convert_model))
    monkeypatch.setattr("moodganimation.runtime.backends._RANKED", {})
    for _ in range(2):
        network = optimize(build_generator(SMALL).eval(), torch.device("cpu"))
    assert network(torch.zeros(1, 3, 32, 32), torch.zeros(1, 2))[0].composite.shape[1] == 3
    assert network.backend in ("float32", "bf16")
    assert (
        len(caplog.records) == 2 and "in int8" in caplog.text
    )  # once per precision, not per network
    assert all("no such operation" in record.message for record in caplog.records)


@pytest.mark.parametrize("quickest", BACKENDS)
def test_fastest_backend_is_used(quickest, monkeypatch):
    """A copy of the network stands in for OpenVINO, so that the package need not be installed."""
    taken = dict.fromkeys(BACKENDS, 0.5) | {quickest: 0.1}
    monkeypatch.setattr("moodganimation.runtime.backends._RANKED", {})
    monkeypatch.setattr(
        "moodganimation.runtime.backends.compile_generator",
        lambda network, int8=False: copy.copy(network),
    )
    monkeypatch.setattr(
        "moodganimation.runtime.backends.min_forward_times", lambda *_: list(taken.values())
    )
    for backends in (None, [quickest]):  # by measurement, and by name
        network = optimize(build_generator(SMALL).eval(), torch.device("cpu"), backends)
        assert network.backend == network.backends[0] == quickest


def test_int8_below_the_required_psnr_is_logged_and_not_used(monkeypatch, caplog):
    def distorted(network, int8=False):
        quick = copy.copy(network)
        quick.edit = lambda *inputs: (
            (edit := network.edit(*inputs)[0])._replace(composite=edit.composite + 0.03 * int8),
            (),
        )
        return quick

    monkeypatch.setattr("moodganimation.runtime.backends.compile_generator", distorted)
    network = optimize(
        build_generator(SMALL).eval(), torch.device("cpu"), [INT8, "OpenVINO", "float32"]
    )
    assert network.backend == "OpenVINO"
    (record,) = caplog.records
    assert record.levelname == "WARNING" and "36.5 dB" in record.message


def test_psnr_is_that_of_the_worst_picture():
    wanted = torch.zeros(2, 3, 4, 4)
    shown = torch.stack([torch.full((3, 4, 4), 0.02), torch.full((3, 4, 4), 0.2)])
    assert lowest_psnr(shown, wanted) == pytest.approx(20)


def test_cores_are_at_least_one():
    assert 1 <= usable_cores() <= 4096


@pytest.mark.parametrize("backends", [["nope"], "bf16", []])
def test_unknown_backends_raise_value_error(tiny, backends):
    with pytest.raises(ValueError, match="float32, bf16"):
        optimize(tiny, torch.device("cpu"), backends)
