"""What makes inference quick changes nothing that can be seen."""

import copy

import numpy as np
import pytest
import torch

from moodganimation.animator import DEFAULT_CHECKPOINT, Animator
from moodganimation.checkpoint import load_generator
from moodganimation.expressions import PRESETS
from moodganimation.inference import cores, folded


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


def test_cores_are_at_least_one():
    assert 1 <= cores() <= 4096
