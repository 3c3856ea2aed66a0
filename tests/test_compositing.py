import numpy as np
import torch

from moodganimation.networks.compositing import (
    backward_warp,
    blend,
    cell_centers,
    compose,
    confine,
    turn_head,
)


def test_attention_keeps_or_paints():
    source, color = torch.rand(2, 3, 8, 8), torch.rand(2, 3, 8, 8)
    still, one = torch.zeros(2, 2, 8, 8), torch.ones(2, 1, 8, 8)
    torch.testing.assert_close(compose(source, one, color, still, 0 * one).composite, source)
    torch.testing.assert_close(compose(source, 0 * one, color, still, one).composite, color)
    dark = compose(source, one, color, still, -one).composite
    torch.testing.assert_close(dark, -torch.ones_like(source))


def test_blend_is_the_same_on_arrays():
    a, b, t = np.random.default_rng(0).random((3, 4, 4))
    tensors = blend(*(torch.from_numpy(x) for x in (a, t, b)))
    np.testing.assert_allclose(blend(a, t, b), tensors.numpy())


def test_positions_are_centres_of_cells():
    x, y = cell_centers((2, 4), torch.zeros(1))[0]
    torch.testing.assert_close(x[0], torch.tensor([-0.75, -0.25, 0.25, 0.75]))
    torch.testing.assert_close(y[:, 0], torch.tensor([-0.5, 0.5]))


def test_motion_is_a_backward_flow_in_halves_of_the_side():
    picture = torch.rand(1, 3, 16, 16)
    motion = torch.zeros(1, 2, 4, 4)
    motion[:, 0] = 2 * 3 / 16  # look three pixels to the right
    warped = backward_warp(picture, motion)
    torch.testing.assert_close(warped[..., :-3], picture[..., 3:], atol=1e-5, rtol=0)


def test_a_mask_turns_along_with_the_head():
    source, color = torch.rand(2, 1, 3, 16, 16)
    one, mask = torch.ones(1, 1, 16, 16), torch.zeros(1, 1, 16, 16)
    edit = compose(source, 0.5 * one, color[:, :, :1, :1], 0.1 * one.repeat(1, 2, 1, 1), 0.2 * one)
    mask[..., 8:] = 1
    head_motion = torch.zeros(1, 2, 40, 40)
    head_motion[:, 0] = 2 * 2 / 16  # look two pixels to the right
    confined_then_turned = turn_head(source, confine(source, edit, mask), head_motion)
    turned_then_confined = confine(source, turn_head(source, edit, head_motion), mask)
    for a, b in zip(turned_then_confined, confined_then_turned, strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=0)
    light = turned_then_confined.light[0, 0, 0]  # the mask begins two pixels farther left
    torch.testing.assert_close(light, 0.2 * (torch.arange(16) >= 6).float(), atol=1e-5, rtol=0)
