"""Generators of FACS: sides along the midline, opposite axes, and turns of the head."""

import numpy as np
import pytest
import torch

from moodganimation.expressions.axis_map import axis_map, mirrored_axes
from moodganimation.expressions.spaces import FACS, Expression
from moodganimation.faces.portrait import Portrait, damp_at_borders, square_crop
from moodganimation.networks.base import GeneratorConfig
from moodganimation.networks.compositing import SURROUNDINGS_SCALE, part_over_crop, resize
from moodganimation.networks.head import backward_head_motion, forward_head_motion, left_weight
from moodganimation.networks.motion_fields import mix_fields
from moodganimation.networks.warp import WarpGenerator
from training.warp.train import set_axes


@pytest.fixture
def sided():
    """A small generator of FACS with random fields."""
    torch.manual_seed(0)
    config = GeneratorConfig(
        architecture="warp",
        condition_dim=len(FACS.axes),
        unit_fields=len(axis_map(FACS).fields),
        image_size=32,
        width=8,
        extra_fields=3,
    )
    generator = WarpGenerator(config).eval().requires_grad_(False)
    set_axes(generator, FACS)
    torch.nn.init.normal_(generator.fields.weight)
    generator.rim[-1].bias.fill_(-1.0)
    return generator


def known(generator, across: torch.Tensor | None = None):
    """An encoding that reads 0 in a random face, which lies upright in the middle."""
    encoding = generator.encode(torch.rand(1, 3, 32, 32) * 2 - 1)
    across = torch.linspace(-2, 2, 32).expand(1, 1, 32, 32) if across is None else across
    depth = torch.full((1, 1, 8, 8), 0.5)
    return encoding._replace(
        reading=torch.zeros(1, 50), left_weight=left_weight(across), depth=depth
    )


def request(**values: float) -> torch.Tensor:
    return torch.tensor(Expression.of(FACS, **values).values).float()[None]


def test_both_sides_are_the_sum_of_each(sided):
    sided.extra[2].weight.zero_()
    sided.extra[2].bias.zero_()
    encoding = known(sided)
    weights = [sided._to_units(request(**{key: 0.7})) for key in ("AU12", "AU12L", "AU12R")]
    pad, none = torch.zeros(1, 2, 3), torch.zeros(1, 2, 32)

    def values(weights: torch.Tensor) -> torch.Tensor:
        return sided.forward_fields(encoding, mix_fields(weights, *sided.field_kernels()))

    both, left, right = (values(torch.cat([w, pad], 2)) for w in weights)
    bias = values(none)
    torch.testing.assert_close(both + bias, left + right, atol=1e-5, rtol=1e-4)
    assert left[..., :10].abs().max() < 1e-6 < left[..., 22:].abs().max()
    assert right[..., 22:].abs().max() < 1e-6 < right[..., :10].abs().max()


def test_opposite_axes_undo_each_other(sided):
    for first, second in FACS.opposites:
        if first == "AU63":  # lids follow the eyes up and down by fields of their own
            continue
        change = request(**{first: 0.6}) + request(**{second: 0.6})
        assert not sided._to_units(change).any() and not (change @ sided.turns).any()


def test_a_turn_reaches_beyond_the_crop_and_ends_in_its_surroundings(sided):
    encoding = known(sided)
    edit, _ = sided.edit(encoding, request(AU51=1))
    size = round(SURROUNDINGS_SCALE * 8)
    assert edit.head_motion.shape == (1, 2, size, size)
    assert (
        edit.head_motion[0, 0, size // 2, size // 2] < -0.05
    )  # looks where the face was: to the right
    edge = torch.cat(
        [edit.head_motion[..., 0], edit.head_motion[..., -1], edit.head_motion[..., 0, :]], -1
    )
    assert edge.abs().max() < 1e-4
    expected = resize(part_over_crop(edit.head_motion), edit.motion.shape[-2:])
    torch.testing.assert_close(edit.motion, expected, atol=1e-5, rtol=1e-4)
    assert sided.edit(encoding, request(AU12=1))[0].head_motion is None


@pytest.mark.parametrize(("key", "axis", "sign"), [("AU51", 0, 1), ("AU54", 1, 1), ("AU53", 1, -1)])
def test_what_is_near_the_camera_turns_farther(key, axis, sign):
    turn = torch.tensor(axis_map(FACS).turns[FACS.index(key)])[None]
    depth = torch.full((1, 1, 32, 32), 0.3)
    depth[..., 10:22, 10:22] = 1.0
    moved = forward_head_motion(depth, turn)[0, axis] * sign
    assert moved[40, 40] > 1.8 * moved[40, 52] > 0.05


def test_a_turned_photo_keeps_what_lies_outside_its_surroundings():
    photo = np.random.default_rng(0).integers(0, 256, (300, 300, 3), np.uint8)
    portrait = Portrait(photo, square_crop((150, 150), 80), "")
    turn = backward_head_motion(torch.full((1, 1, 32, 32), 0.5), torch.tensor([[1.0, 0, 0]]))
    turn = turn[0].movedim(0, -1).numpy()
    still = np.ones((32, 32)), np.zeros((32, 32, 3)), np.zeros((32, 32, 2)), np.zeros((32, 32))
    result = portrait.paste(*still[:2], turn[24:56, 24:56].copy(), still[3], turn)
    changed = (result != photo).any(2)
    x0, y0, x1, y1 = portrait.surroundings.box
    assert changed[110:190, 110:190].mean() > 0.9
    changed[y0:y1, x0:x1] = False
    assert not changed.any() and x0 > 40


def test_the_mirror_of_a_mirror_is_the_face():
    swapped = mirrored_axes(FACS)
    assert swapped[FACS.index("AU12L")] == FACS.index("AU12R")
    assert swapped[FACS.index("AU51")] == FACS.index("AU52")
    assert swapped[FACS.index("AU63")] == FACS.index("AU63")
    assert np.array_equal(swapped[swapped], np.arange(50))


def test_a_turn_never_looks_beyond_the_photo():
    motion = np.random.default_rng(0).normal(0, 30, (40, 50, 2)).astype(np.float32)
    x, y = np.meshgrid(np.arange(50), np.arange(40))
    place = damp_at_borders(motion, (0, 0), (50, 40)) + np.stack([x, y], -1)
    assert place.min() >= 0 and place[..., 0].max() <= 49 and place[..., 1].max() <= 39
    far = damp_at_borders(0 * motion + 1, (200, 200), (450, 440))
    np.testing.assert_allclose(far, 1, atol=1e-3)
