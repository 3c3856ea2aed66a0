"""The judge of folds, on ratio images and pictures that are known."""

import json

import cv2
import numpy as np
import pytest

from training.data.ratio_images import FACE_POINTS
from training.evaluate.judges import folds
from training.evaluate.judges.command import RenderedPhoto

RNG = np.random.default_rng(0)
SKIN = np.ones((64, 64), np.float32)


def images(pattern: np.ndarray, noise: float, people: int = 12) -> np.ndarray:
    return pattern + noise * RNG.normal(size=(people, *pattern.shape))


def test_folds_of_half_the_strength_have_the_same_shape():
    real = images(RNG.normal(size=SKIN.shape), 0)
    row = folds.compare(0.5 * real, real, SKIN)
    assert row["photos"] == 12
    assert row["correlation"] == pytest.approx(1) and row["strength"] == pytest.approx(0.5)


def test_other_folds_do_not_correlate():
    first, second = (images(RNG.normal(size=SKIN.shape), 0) for _ in range(2))
    assert abs(folds.compare(first, second, SKIN)["correlation"]) < 0.1


def test_the_median_over_people_is_free_of_their_noise():
    pattern = RNG.normal(size=SKIN.shape)
    row = folds.compare(images(pattern, 2), images(pattern, 2), SKIN)
    assert row["correlation"] > 0.6 and row["correlation of a person"] < 0.3


def test_only_skin_counts():
    real = images(RNG.normal(size=SKIN.shape), 0)
    edits, skin = real.copy(), SKIN.copy()
    edits[:, :32], skin[:32] = 9, 0
    assert folds.compare(edits, real, skin)["correlation"] == pytest.approx(1)


def test_pictures_without_a_face_are_an_error(tmp_path, monkeypatch):
    folder = tmp_path / "person"
    folder.mkdir()
    (folder / "place.json").write_text(json.dumps({}), encoding="utf-8")
    monkeypatch.setattr(RenderedPhoto, "points", lambda self, name: None)
    monkeypatch.setattr(folds, "rendered_photos", lambda at, what: [RenderedPhoto(folder, None)])
    with pytest.raises(ValueError, match="found no face"):
        folds.judge(tmp_path)


def test_a_fold_that_an_edit_draws_is_found(tmp_path, monkeypatch):
    points = np.zeros((478, 3), np.float32)
    y, x = np.mgrid[:22, :22] / 21
    points[:FACE_POINTS, :2] = 40 + 180 * np.stack([x, y], -1).reshape(-1, 2)[:FACE_POINTS]
    points = points + RNG.normal(0, 0.5, points.shape)
    folder = tmp_path / "person"
    folder.mkdir()
    (folder / "place.json").write_text(json.dumps({}), encoding="utf-8")
    plain = np.full((256, 256, 3), 140, np.uint8)
    folded = plain.copy()
    folded[150:156] = 110
    for name, picture in {"neutral": plain, "smile": folded, "edit": folded, "best": plain}.items():
        cv2.imwrite(str(folder / f"{name}.png"), picture)
    monkeypatch.setattr(RenderedPhoto, "points", lambda self, name: points)
    monkeypatch.setattr(folds, "rendered_photos", lambda at, what: [RenderedPhoto(folder, None)])
    rows = folds.judge(tmp_path)["folds"]
    assert rows["the reading"]["correlation"] == pytest.approx(1)
    assert rows["best units"]["strength"] < 0.1
