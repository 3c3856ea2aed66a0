"""Folds of the skin: the part of the generator, and the making of its pictures."""

import dataclasses

import cv2
import numpy as np
import pytest
import torch

from moodganimation.expressions.axis_map import axis_map
from moodganimation.expressions.spaces import FACS
from moodganimation.networks.base import GeneratorConfig
from moodganimation.networks.folds import FOLD_FALLOFF, Folds
from moodganimation.networks.warp import WarpGenerator
from training.warp import folds as making
from training.warp.extend import extended
from training.warp.mouths import collect_mouths
from training.warp.train import set_axes

UNITS = axis_map(FACS).fields


@pytest.fixture
def folds() -> Folds:
    torch.manual_seed(0)
    folds = Folds(8, 4, units=3, pictures=1).eval()
    folds.units[1, 0] = 1
    folds.pictures.uniform_(-0.2, 0.2)
    return folds


def fold_map(folds: Folds, face_distance: float = 0.0) -> torch.Tensor:
    return folds.fold_map(torch.zeros(1, 8, 8, 8), torch.full((1, 1, 8, 8), face_distance))


@torch.inference_mode()
def test_units_without_a_picture_have_no_folds(folds):
    places, still = fold_map(folds), torch.zeros(1, 2, 32, 32)
    assert not folds(places, still, torch.tensor([[[1.0, 0, 1], [1, 0, 1]]]), 32).any()
    assert folds(places, still, torch.tensor([[[0.0, 1, 0], [0, 1, 0]]]), 32).any()


@torch.inference_mode()
def test_folds_of_one_side_stay_on_that_side(folds):
    places, still = fold_map(folds), torch.zeros(1, 2, 64, 64)
    light = folds(places, still, torch.tensor([[[0.0, 1, 0], [0, 0, 0]]]), 64)  # the left side
    assert light[..., 36:].any() and not light[..., :28].any()  # at the viewer's right


@torch.inference_mode()
def test_there_are_no_folds_beyond_the_face(folds):
    still, change = torch.zeros(1, 2, 32, 32), torch.tensor([[[0.0, 1, 0], [0, 1, 0]]])
    on_face, faded = (
        folds(fold_map(folds, d), still, change, 32) for d in (-0.2, FOLD_FALLOFF / 2)
    )
    torch.testing.assert_close(faded, on_face / 2)
    assert not folds(fold_map(folds, FOLD_FALLOFF), still, change, 32).any()


@torch.inference_mode()
def test_folds_of_both_sides_mirror_each_other(folds):
    places, still = fold_map(folds), torch.zeros(1, 2, 64, 64)
    light = folds(places, still, torch.tensor([[[0.0, 1, 0], [0, 1, 0]]]), 64)
    torch.testing.assert_close(light, light.flip(-1), atol=1e-5, rtol=0)


CONFIG = GeneratorConfig(
    architecture="warp",
    condition_dim=50,
    unit_fields=len(UNITS),
    image_size=32,
    width=8,
    extra_fields=3,
)


@pytest.fixture
def generator() -> WarpGenerator:
    torch.manual_seed(0)
    generator = WarpGenerator(CONFIG).eval()
    set_axes(generator, FACS)
    return generator


def with_folds_of_brows(generator: WarpGenerator, log_gain: float) -> WarpGenerator:
    """A generator with one fold picture, of AU04, whose log gain is the same everywhere."""
    made = extended(generator, folds=1)
    made.folds.pictures.fill_(log_gain)
    made.folds.units[UNITS.index("AU04"), 0] = 1
    return made


@torch.inference_mode()
def test_a_generator_with_folds_relights_only_what_has_some(generator):
    made = with_folds_of_brows(generator, 0.3)
    source = torch.rand(1, 3, 32, 32) * 2 - 1
    encoding = made.encode(source)
    for unit, brighter in (("AU04L", True), ("AU02L", False)):
        condition = encoding.reading.clone()
        condition[0, FACS.index(unit)] += 0.5
        edit, _ = made.edit(encoding, condition)
        plain, _ = generator.edit(generator.encode(source), condition)
        assert (edit.light.mean() > plain.light.mean() + 0.005) == brighter
    unchanged, _ = made.edit(encoding, encoding.reading)
    assert torch.equal(unchanged.composite, source)


@torch.inference_mode()
def test_folds_of_one_row_leave_the_other_rows_of_a_batch_as_alone(generator):
    torch.nn.init.normal_(generator.lights.weight, 0, 0.5)
    made = with_folds_of_brows(generator, 0.3)
    encoding = made.encode(torch.rand(2, 3, 32, 32) * 2 - 1)
    condition = encoding.reading.clone()
    condition[0, FACS.index("AU04L")] += 0.5
    condition[1, FACS.index("AU02L")] += 0.5  # has no folds
    batch, _ = made.edit(encoding, condition)
    condition[0] = encoding.reading[0]
    without_folds, _ = made.edit(encoding, condition)
    assert without_folds.light[1].abs().max() > 0.01
    assert torch.equal(batch.composite[1], without_folds.composite[1])
    assert not torch.equal(batch.composite[0], without_folds.composite[0])


@torch.inference_mode()
def test_detail_is_how_strong_folds_are(generator):
    made = with_folds_of_brows(generator, 0.2)
    source = torch.rand(1, 3, 32, 32) * 2 - 1
    encoding = made.encode(source)
    condition = encoding.reading.clone()
    condition[0, FACS.index("AU04L")] += 0.5

    def light(detail: float) -> torch.Tensor:
        return made.edit(made.with_detail(encoding, detail), condition)[0].light

    def folds(detail: float) -> torch.Tensor:
        return ((1 + light(detail)) / (1 + light(0.0))).log()

    torch.testing.assert_close(light(1.0), made.edit(encoding, condition)[0].light)
    torch.testing.assert_close(folds(0.5), 0.5 * folds(1.0), atol=1e-5, rtol=1e-3)
    assert folds(1.5).abs().max() > 0.05


def test_parts_are_added_to_generators_that_lack_them(generator):
    made = extended(generator, folds=2, refiner=True)
    assert made.config.folds == 2 and made.config.refiner
    kept = made.state_dict()
    for key, value in generator.state_dict().items():  # the refiner changes where teeth are drawn
        assert torch.equal(kept[key], value) or key.startswith("jaws."), key
    with pytest.raises(ValueError, match="parts that can be added"):
        extended(generator, extra_fields=4)


def test_a_second_refiner_is_refused(generator):
    made = extended(generator, refiner=True)
    with pytest.raises(ValueError, match="has a refiner already"):
        extended(made, refiner=True)
    assert extended(made, folds=2).config.refiner


def points_of_a_face() -> np.ndarray:
    """(468, 2) of a symmetric face, as shares of the crop's side."""
    points = np.random.default_rng(0).uniform(0.2, 0.8, (478, 2))
    points = (points + (points * (-1, 1) + (1, 0))[making.MIRRORED]) / 2
    return points[: making.FACE_POINTS]


def test_the_mean_face_is_symmetric_and_its_own_place():
    face = making.mean_face(points_of_a_face()[None])
    mirrored = face.points[making.MIRRORED[: making.FACE_POINTS]] * (-1, 1) + (
        making.MEAN_FACE_SIDE - 1,
        0,
    )
    np.testing.assert_allclose(face.points, mirrored, atol=1e-9)
    picture = np.random.default_rng(1).uniform(
        0, 255, (making.MEAN_FACE_SIDE, making.MEAN_FACE_SIDE)
    )
    seen = making.warp_to_mean(face, np.float32(picture), face.points)
    np.testing.assert_allclose(seen[face.inside], picture[face.inside], atol=1)


def test_ratio_images_forget_even_light_and_keep_folds():
    face = making.mean_face(points_of_a_face()[None])
    neutral = np.full((making.MEAN_FACE_SIDE, making.MEAN_FACE_SIDE), 120, np.float32)
    even = making.ratio_image(face, neutral, 1.5 * neutral)
    assert np.abs(even).max() < 0.02
    folded = neutral.copy()
    folded[150:154] *= 0.8
    ratio = making.ratio_image(face, neutral, folded)
    inside = face.skin[151] > 0
    assert ratio[151][inside].min() < -0.05


def test_units_share_the_folds_of_a_smile():
    face = making.mean_face(points_of_a_face()[None])
    pattern = np.ones((making.MEAN_FACE_SIDE, making.MEAN_FACE_SIDE), np.float32)
    rises = np.array([1.0, 0.5])
    ratios = np.stack([rise * pattern for rise in rises])
    eyes, rest = making.fold_pictures(face, ratios, rises)
    near, still = making.eye_mask(face), making.static_skin_mask(face)
    np.testing.assert_allclose(eyes, 0.5 * near * still, atol=0.02)
    np.testing.assert_allclose(eyes + rest, still, atol=0.02)


def test_pictures_leave_out_what_moves():
    face = making.mean_face(points_of_a_face()[None])
    still = making.static_skin_mask(face)
    brow = np.int32(np.round(face.points[making.BROWS[0]]))
    assert still[brow[1], brow[0]] < 0.1 and still[0, 0] == 1


def test_stored_pictures_are_the_right_half():
    face = np.zeros((1, making.MEAN_FACE_SIDE, making.MEAN_FACE_SIDE), np.float32)
    face[..., making.MEAN_FACE_SIDE // 2 :] = 1
    assert making.crop_to_stored_half(face)[0, :, 2:].min() == pytest.approx(1)


def write_pack(folder, landmark_count: int = 4) -> None:
    """Write four photos of two people, and the landmarks of the first ones."""
    rng, names = np.random.default_rng(3), ["a0", "a1", "b0", "b1"]
    (folder / "imgs").mkdir()
    points = np.zeros((4, 478, 3), np.float32)
    points[:, : making.FACE_POINTS, :2] = 128 * points_of_a_face() + rng.normal(0, 0.2, (4, 1, 2))
    points[1::2, 61, 0] -= 5  # smiles are wider
    for name in names:
        picture = rng.integers(60, 200, (128, 128, 3), dtype=np.uint8)
        cv2.imwrite(str(folder / "imgs" / f"{name}.jpg"), picture)
    rows = [f"{name},train,{name[0]}" for name in names]
    (folder / "faces.csv").write_text("\n".join(["name,split,person", *rows]), encoding="utf-8")
    arrays = {"names": [f"{name}.jpg" for name in names], "points": points}
    arrays["sizes"] = np.full((4, 2), 128)
    arrays = {key: array[:landmark_count] for key, array in arrays.items()}
    np.savez(folder / "landmarks.npz", **arrays)


def test_photos_without_landmarks_raise_readable_error(tmp_path, generator):
    write_pack(tmp_path, landmark_count=3)
    face = making.mean_face(points_of_a_face()[None])
    for read in (
        lambda: making.all_points(tmp_path, "train"),
        lambda: making.smile_pairs(tmp_path, "train"),
        lambda: making.ratio_images(generator, face, tmp_path, "train"),
        lambda: collect_mouths([tmp_path], "train", generator, FACS),
    ):
        with pytest.raises(ValueError, match=r"landmarks\.npz has no landmarks of b1\.jpg"):
            read()


def test_a_split_without_photos_raises_readable_error(tmp_path, generator):
    write_pack(tmp_path)
    with pytest.raises(ValueError, match="no photos of the split val"):
        collect_mouths([tmp_path], "val", generator, FACS)


def test_folds_are_added_from_a_pack_of_photos(tmp_path, monkeypatch):
    monkeypatch.setattr(making, "STEPS", 10)
    monkeypatch.setattr(making, "BATCH", 2)
    write_pack(tmp_path)
    torch.manual_seed(0)
    config = dataclasses.replace(CONFIG, width=32)  # fewer channels crash this torch's backward
    generator = WarpGenerator(config).eval()
    set_axes(generator, FACS)
    made, measured = making.add_folds(generator, [tmp_path])
    assert measured["people"] == 2 and np.isfinite(measured["error of places [px of 128]"])
    assert made.folds.pictures.abs().sum() > 0
    assert not made.lights.weight[UNITS.index("AU12")].any()
