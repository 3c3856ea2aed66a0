"""The mouth refiner, its training data and its training."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch

from moodganimation.networks.refiner import (
    BOX_MARGIN,
    CAVITY_DARKENING,
    CAVITY_RATIO,
    CORNER_SHADE,
    HOLE_EROSION,
    SHARPENING,
    SMILE_WIDTHS,
    MouthDrawing,
    Refiner,
    corner_light,
    drawing_ratios,
    estimate_skin_light,
    painted_boxes,
    sharpen,
    shrink_hole,
    soft_hole,
)
from moodganimation.networks.teeth import CHEEK_SHADE, TEETH_DROP, TEETH_STRETCH, JawPlacement
from training.common.runs import Run
from training.warp.mouth_batches import MouthBatch, sample_batch
from training.warp.mouths import INNER_LIPS, Mouths, inner_mouth
from training.warp.refine import RefinerExperiment, RefinerTrainer

HEIGHT, WIDTH = 48, 64
FEATURES = (24, 2, 2)  # channels, rows and columns of the coarsest features of `tiny`


class TinyGenerator:
    """As much of a generator as the trainer needs."""

    def __init__(self):
        self.refiner = Refiner(self.scaled)

    @staticmethod
    def scaled(channels: int) -> int:
        return max(1, channels // 3)


GENERATOR = TinyGenerator()


def drawing(photo: torch.Tensor, saturation: float = 1.0, known: float = 0.0) -> MouthDrawing:
    """A window with a square hole and half-covering teeth in it."""
    hole = torch.zeros(1, 1, HEIGHT, WIDTH)
    hole[..., 12:30, 20:44] = 1
    teeth = torch.zeros(1, 4, HEIGHT, WIDTH)
    teeth[:, :, 12:20] = 0.9
    white, share = 1.4 * photo.mean((2, 3)), torch.full((1, 1, 1, 1), saturation)
    return MouthDrawing(photo, hole, known * hole, teeth, white, share)


def skin(red: float = 0.6, green: float = 0.45, blue: float = 0.4) -> torch.Tensor:
    return torch.tensor([red, green, blue])[None, :, None, None].expand(1, 3, HEIGHT, WIDTH).clone()


@pytest.fixture
def refiner() -> Refiner:
    torch.manual_seed(0)
    refiner = Refiner(lambda n: max(1, n // 4)).eval()
    torch.nn.init.normal_(refiner.leave.weight, 0, 0.2)
    return refiner


def test_the_light_of_even_skin_is_its_color():
    torch.testing.assert_close(estimate_skin_light(skin()), skin(), atol=1e-5, rtol=0)


def test_the_light_follows_a_half_lit_face():
    photo = skin()
    photo[..., : WIDTH // 2] *= 0.2
    skin_light = estimate_skin_light(photo).mean(1)[0]
    assert skin_light[:, -8:].mean() > 2.5 * skin_light[:, :8].mean()
    across = skin_light.mean(0)
    assert (across.diff() > -1e-4).all()  # brighter and brighter towards the lit side


def test_what_is_in_the_mouth_does_not_change_the_light_on_the_skin():
    photo = skin()
    photo[:, :, 14:20, 26:38] = 1.0
    torch.testing.assert_close(estimate_skin_light(photo), skin(), atol=0.02, rtol=0)


@torch.inference_mode()
def test_grey_photographs_get_grey_mouths(refiner):
    color = refiner(drawing(skin(0.5, 0.5, 0.5), saturation=0.0))
    torch.testing.assert_close(color, color[:, :1].expand_as(color), atol=1e-5, rtol=0)


@torch.inference_mode()
def test_drawn_teeth_are_as_dim_as_the_skin():
    for share in (1.0, 0.2):
        photo = share * skin()
        ratios = drawing_ratios(drawing(photo), estimate_skin_light(photo))
        teeth, cavity = ratios[0, :, 14:18, 24:40].mean(), ratios[0, :, 24:28, 24:40].mean((1, 2))
        assert 1.0 < teeth < 1.6
        dark = (1 - CAVITY_DARKENING) * torch.tensor(CAVITY_RATIO)
        torch.testing.assert_close(cavity, dark, atol=0.08, rtol=0)


@torch.inference_mode()
def test_known_parts_of_a_mouth_are_shown_as_they_are():
    photo = skin()
    photo[..., 12:30, 20:44] = 0.8
    skin_light = estimate_skin_light(photo)
    kept = drawing_ratios(drawing(photo, known=1.0), skin_light) * (skin_light + 0.02) - 0.02
    torch.testing.assert_close(kept, photo, atol=1e-3, rtol=0)


@torch.inference_mode()
def test_only_the_surroundings_of_holes_are_computed(refiner):
    one = drawing(skin())
    down, across = next(painted_boxes(one.paint))[1]
    assert (down.start, down.stop, across.start, across.stop) == (0, 40, 8, 56)
    assert down.start <= 12 - BOX_MARGIN and down.stop >= 30 + BOX_MARGIN
    color = refiner(one)
    outside = torch.ones(HEIGHT, WIDTH, dtype=torch.bool)
    outside[down, across] = False
    assert torch.equal(color[0][:, outside], one.photo[0][:, outside])
    assert not torch.equal(color, one.photo)


@torch.inference_mode()
def test_a_row_of_a_batch_is_refined_as_alone(refiner):
    first, second = drawing(skin()), drawing(0.5 * skin())
    second = second._replace(hole=second.hole.roll(8, -1))
    closed = drawing(skin())._replace(hole=torch.zeros(1, 1, HEIGHT, WIDTH))
    both = MouthDrawing(*(torch.cat(rows) for rows in zip(first, closed, second, strict=True)))
    made = refiner(both)
    torch.testing.assert_close(made[:1], refiner(first))
    torch.testing.assert_close(made[2:], refiner(second))
    assert torch.equal(made[1:2], closed.photo)


@pytest.mark.parametrize("height", [2, 10, 40])
def test_lips_of_edits_are_closer_than_the_painter_finds_them(height):
    hole = torch.zeros(1, 1, 60, 4)
    hole[..., 5 : 5 + height, :] = 1
    closed = shrink_hole(hole)[0, 0, :, 0]
    upper, lower = (min(share * height, most) for share, most in HOLE_EROSION)
    assert closed.sum() == pytest.approx(height - upper - lower)
    middle = (closed * torch.arange(60)).sum() / closed.sum()
    assert middle == pytest.approx(5 + (height - 1 + upper - lower) / 2, abs=0.1)


def test_a_hole_covers_the_open_mouth_and_a_narrow_edge():
    inside = torch.zeros(1, 1, 24, 32)
    inside[..., 6:12, 10:20] = 1
    hole = soft_hole(inside, (48, 64))
    assert hole.shape == (1, 1, 48, 64)
    assert (hole[..., 13:23, 21:39] > 0.9).all()
    assert not hole[..., :7, :].any() and not hole[..., 29:, :].any()
    assert not soft_hole(0.2 * inside, (48, 64)).any()  # barely parted in the painter's eyes


def test_the_inner_mouth_of_landmarks_is_an_area():
    points = np.full((478, 2), 0.5)
    angles = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    points[INNER_LIPS] = 0.5 + 0.25 * np.stack([-np.cos(angles), -np.sin(angles)], 1)
    area = float(inner_mouth(points, 32).mean())
    assert area == pytest.approx(np.pi / 16, rel=0.03)


def mouths(count: int = 6) -> Mouths:
    """Random windows, half of them photographed."""
    rng = torch.Generator().manual_seed(2)

    def pictures(channels: int) -> torch.Tensor:
        shape = (count, channels, HEIGHT, WIDTH)
        return torch.randint(0, 256, shape, generator=rng, dtype=torch.uint8)

    white, saturation = torch.full((count, 3), 0.8), torch.ones(count, 1, 1, 1)
    photo, target, hole, teeth = map(pictures, (3, 3, 1, 4))
    known, photographed = torch.zeros_like(hole), torch.arange(count) % 2 == 0
    return Mouths(photo, target, hole, known, teeth, white, saturation, photographed)


EXPERIMENT = RefinerExperiment(steps=4, batch=2, similar=2, critic_from=1, precision="float32")


def batch_of(data: Mouths, seed: int = 0) -> MouthBatch:
    """Two edits and two photographed mouths of their size."""
    return sample_batch(data, 2, 4, 2, torch.Generator().manual_seed(seed))


def steps(trainer: RefinerTrainer, first: int, last: int) -> None:
    for step in range(first, last):
        trainer.step(step, batch_of(mouths(), step))


def test_training_resumes_to_the_bit():
    whole, begun, resumed = (RefinerTrainer(EXPERIMENT, GENERATOR) for _ in range(3))
    steps(whole, 0, 4)
    steps(begun, 0, 2)
    for name, part in begun.parts.items():
        resumed.parts[name].load_state_dict(part.state_dict())
    steps(resumed, 2, 4)
    for a, b in zip(whole.average.parameters(), resumed.average.parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_run_with_former_names_of_settings_can_be_resumed(tmp_path):
    stored = asdict(EXPERIMENT) | {"widest": 900}
    stored["coarse"] = stored.pop("low_frequencies")
    del stored["large_from"]
    (tmp_path / "experiment.json").write_text(json.dumps(stored), encoding="utf-8")
    with pytest.raises(ValueError, match=r"different: large_from\)"):
        Run(tmp_path, EXPERIMENT)
    settings = Run(tmp_path, replace(EXPERIMENT, large_from=900)).settings
    assert settings.keys() == asdict(EXPERIMENT).keys()


def rows_of_holes(data: Mouths) -> None:
    """Give window i of the data a hole of i + 1 rows."""
    data.hole.zero_()
    for row in range(len(data)):
        data.hole[row, :, 4 : 5 + row, 20:40] = 255


def test_a_step_takes_mouths_of_about_one_size():
    rows_of_holes(data := mouths(40))
    assert data.edits_by_size.tolist() == list(range(1, 40, 2))  # the even rows are photographed
    batch = batch_of(data)
    sizes = batch.drawing.hole.mean((1, 2, 3))
    assert sizes.max() - sizes.min() < 0.3 * 40 * 20 / (HEIGHT * WIDTH)


def test_the_photographed_mouths_of_a_step_are_as_open_as_its_edits():
    rows_of_holes(data := mouths(40))
    data.hole[24, :, :, 24:] = 0  # narrow
    similar = data.similar_photographed(torch.tensor([21, 25]), 2)
    assert [sorted(row) for row in similar.tolist()] == [[20, 22], [26, 28]]


def test_teeth_that_the_photo_shows_are_not_painted_in_training():
    data = mouths(4)
    data.known[1, :, :20] = 255
    assert not data.paint[1, :, :20].any()
    assert torch.equal(data.paint[1, :, 20:], data.hole[1, :, 20:])
    assert torch.equal(data.paint[0], data.hole[0])


def test_only_photographed_mouths_have_a_target():
    batch = batch_of(mouths())
    assert batch.photographed.flatten().tolist() == [1, 1, 0, 0]

    def terms(photographed: torch.Tensor) -> dict[str, torch.Tensor]:
        trainer = RefinerTrainer(replace(EXPERIMENT, critic_from=1000), GENERATOR)
        return trainer.step(0, batch._replace(photographed=photographed))

    none, all_of_them = torch.zeros_like(batch.photographed), torch.ones_like(batch.photographed)
    edits, photographs = terms(none), terms(all_of_them)
    assert edits["pixels"] == edits["gradients"] == 0 and edits["low_frequencies"] > 0
    assert photographs["pixels"] > 0
    assert all(photographs[name] == 0 for name in ("low_frequencies", "drawing", "tint"))


def test_a_batch_can_be_made_of_a_single_edit():
    batch = sample_batch(mouths(2), 3, 4, 2, torch.Generator().manual_seed(0))
    assert batch.photographed.flatten().tolist() == [1, 1, 1, 0, 0, 0]


@torch.no_grad()
def test_upper_teeth_are_placed_longer_and_lower_than_they_are_found(tiny):
    jaws, features = tiny.jaws, torch.randn(2, *FEATURES)
    torch.nn.init.normal_(jaws.find[-1].weight, 0, 0.1)
    before = JawPlacement.of(jaws(features))
    jaws.move_upper_teeth_down()
    after = JawPlacement.of(jaws(features))
    down = before.upper[:, :, 1]
    torch.testing.assert_close(after.upper[:, :, 1], TEETH_STRETCH * down)
    torch.testing.assert_close(after.upper[:, :, 2], before.upper[:, :, 2] + TEETH_DROP * down)
    torch.testing.assert_close(after.upper[:, :, 0], before.upper[:, :, 0])
    torch.testing.assert_close(after.lower, before.lower)


def test_back_teeth_are_darker_than_front_teeth(tiny):
    tiny.jaws.upper.fill_(1.0)
    tiny.jaws.shade_back_teeth()
    row = tiny.jaws.upper[0, 0]
    assert row[len(row) // 2] == 1.0
    assert row[0] == row[-1] == pytest.approx(1 - CHEEK_SHADE, abs=0.01)
    assert (row[len(row) // 2 :].diff() <= 0).all()
    assert (tiny.jaws.upper[3] == 1.0).all()  # alpha


def test_sharpening_amplifies_detail_and_keeps_even_color_and_what_is_not_painted():
    even, paint = torch.full((1, 3, 32, 32), 0.5), torch.ones(1, 1, 32, 32)
    torch.testing.assert_close(sharpen(even, paint), even)
    stripes = even + 0.1 * (-1.0) ** torch.arange(32)
    middle = (..., slice(8, 24), slice(8, 24))
    amplified = (sharpen(stripes, paint) - 0.5) / (stripes - 0.5)
    torch.testing.assert_close(amplified[middle].mean().item(), 1 + SHARPENING, atol=0.02, rtol=0)
    assert sharpen(stripes, 0 * paint).equal(stripes)


def test_corners_of_narrow_mouths_darken_and_those_of_smiles_do_not():
    hole = torch.zeros(1, 1, 8, 128)
    hole[..., 30:90] = 1
    left = corner_light(hole)[0, 0, 0]
    assert left[30] < 1 - 0.9 * CORNER_SHADE and left[60] == 1
    torch.testing.assert_close(left[30:90], left[30:90].flip(0))
    hole[..., 10 : 11 + SMILE_WIDTHS[1]] = 1
    assert (corner_light(hole) == 1).all()
