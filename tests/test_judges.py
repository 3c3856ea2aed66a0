"""Judges of sweeps on landmarks, fields and pictures whose figures are known."""

import json
import math

import cv2
import numpy as np
import pytest

from moodganimation.expressions.moods import mood_of
from moodganimation.expressions.sides import units_of
from moodganimation.expressions.spaces import ACTION_UNITS, PAD
from moodganimation.faces.masks import fade_mask
from moodganimation.media.images import read_image
from training.data.augment import crop_to_face_matrix
from training.evaluate.judges import (
    axes,
    face_mesh,
    face_mesh_measures,
    identity,
    sharpness,
    tables,
)
from training.evaluate.judges.render_sweeps import LEVELS, render_sweeps, sweep_expressions

DRAWN = np.random.default_rng(0).normal(0, 1, (478, 3))  # no face, but points
TO_FACE = np.array([[2 / 128, 0, 1 / 128 - 1], [0, 2 / 128, 1 / 128 - 1]])  # a crop of 128 pixels


def turned(points: np.ndarray, degrees: float, axis: int) -> np.ndarray:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    matrix, (i, j) = np.eye(3), [k for k in range(3) if k != axis]
    matrix[[i, i, j, j], [i, j, i, j]] = c, -s, s, c
    return points @ matrix.T


@pytest.mark.parametrize("axis", range(3))
def test_turn_is_estimated_independent_of_position_and_scale(axis):
    moved = 3 * turned(DRAWN, 7, axis) + (5, -2, 1)
    assert face_mesh_measures.rotation_angle(DRAWN, moved) == pytest.approx(7, abs=1e-4)
    assert face_mesh_measures.rotation_angle(DRAWN, DRAWN) == pytest.approx(0, abs=1e-4)


def test_turn_in_depth_excludes_reflections():
    assert 0 < face_mesh_measures.rotation_angle(DRAWN, DRAWN * (-1, 1, 1)) <= 180


def test_registration_removes_roll_position_and_scale():
    onto = face_mesh_measures.upright(DRAWN)
    moved = 2 * turned(DRAWN, 12, 2) + (40, 30, 0)
    np.testing.assert_allclose(face_mesh_measures.registered(moved, onto), onto, atol=1e-9)


def test_monotone_counts_rows_that_rise_and_never_fall():
    rising, resting = [0, 0.02, 0.05, 0.06, 0.3], [0.004, 0, 0.002, 0.1, 0.3]
    falling, swapped, flat = [0.3, 0.2, 0.1, 0.05, 0], [0, 0.1, 0.05, 0.2, 0.3], [0, 0, 0, 0, 0.004]
    rows = np.array([rising, resting, falling, swapped, flat])
    assert face_mesh_measures.monotone(rows) == 0.4


def oval(radius: float) -> np.ndarray:
    """Points of which Face Mesh's oval is a circle [px] in the middle of a crop of 128."""
    points, around = np.zeros((478, 3)), face_mesh_measures.OVAL
    angles = 2 * np.pi * np.arange(len(around)) / len(around)
    points[around, 0] = 63.5 + radius * np.cos(angles)
    points[around, 1] = 63.5 + radius * np.sin(angles)
    return points


@pytest.mark.parametrize("cells", [64, 128])
def test_lines_measure_motion_outside_the_face_only(cells):
    y, x = (np.mgrid[:cells, :cells] + 0.5) * 128 / cells - 64
    distance = np.hypot(x, y)
    motion = np.zeros((cells, cells, 2), np.float16)
    motion[distance < 36, 0] = 5 / 64
    small, large = oval(30), oval(40)
    where = face_mesh_measures.background_mask(cells, TO_FACE, small)
    assert np.abs(distance[where]).min() == pytest.approx(
        30 + face_mesh_measures.FACE_MARGIN, abs=3
    )
    assert face_mesh_measures.largest_displacement(motion, where) == 0
    motion[distance > 44, 1] = 1.5 / 64
    assert face_mesh_measures.largest_displacement(motion, where) == pytest.approx(1.5, rel=1e-3)
    both = face_mesh_measures.background_mask(cells, TO_FACE, small, large)
    assert not both[distance < 44].any() and both[distance > 52].all()
    assert face_mesh_measures.largest_displacement(motion, np.zeros_like(where)) == 0


def test_every_unit_and_mood_has_a_measure():
    assert tuple(face_mesh_measures.UNITS) == ACTION_UNITS.keys
    assert {mood for mood, _ in face_mesh_measures.MOODS} == set(PAD.keys)
    assert tuple(100 * level for level in LEVELS) == axes.PERCENTS


def test_totals_pool_shares_and_have_medians():
    row = {"follow": 1.0, "off-target": (1.0, 10.0)}
    rows = {"AU01": row, "AU02": row | {"off-target": (1.0, 2.0)}, "AU04": row}
    found = face_mesh.with_totals(rows)
    assert found["AU02"]["off-target"] == 0.5 and found["median"]["off-target"] == 0.1
    assert found["all"] == pytest.approx({"follow": 1, "off-target": 3 / 22})


def noise(side: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (side, side, 3), np.uint8)


def test_blurred_picture_has_less_gradient_energy():
    photo, all_of_it = noise(64), np.ones((64, 64), bool)
    blurred = cv2.GaussianBlur(photo, (0, 0), 1)
    assert sharpness.gradient_energy(blurred, all_of_it) < 0.2 * sharpness.gradient_energy(
        photo, all_of_it
    )
    ramp = np.repeat(np.arange(64, dtype=np.uint8)[None, :, None], 64, 0).repeat(3, 2)
    assert sharpness.gradient_energy(ramp, all_of_it) == pytest.approx(1, abs=1e-4)
    assert math.isnan(sharpness.gradient_energy(photo, ~all_of_it))


def test_face_ellipse_follows_the_crop():
    small, large = (
        sharpness.face_mask((s, s), TO_FACE * (128 / s, 128 / s, 1)) for s in (128, 256)
    )
    assert small[64, 64] and not small[0, 0]
    assert large.mean() == pytest.approx(small.mean(), abs=0.01)


def test_pixels_changed_outside_the_box_are_counted():
    photo = noise(32)
    picture = photo.copy()
    picture[8:16, 8:16] += 1
    assert sharpness.changed_outside(photo, picture, (8, 8, 16, 16)) == 0
    picture[31, 31, 0] += 1
    assert sharpness.changed_outside(photo, picture, (8, 8, 16, 16)) == 1
    assert sharpness.changed_outside(photo, picture, (9, 8, 16, 16)) == 1 + 8


def test_sweeps_change_one_axis_of_the_reading(portrait):
    reading = portrait.reading
    found = sweep_expressions(reading)
    assert tuple(found) == ACTION_UNITS.keys + PAD.keys
    assert [point["AU12"] for point in found["AU12"]] == list(LEVELS)
    units = units_of(reading)
    assert all(units_of(p).replace(AU12=units["AU12"]) == units for p in found["AU12"])
    mood = mood_of(reading)
    assert [point["arousal"] for point in found["arousal"]] == [-1, -0.5, 0, 0.5, 1]
    assert all(point.replace(arousal=mood["arousal"]) == mood for point in found["arousal"])


def test_sweeps_have_the_files_for_judges_and_full_sharpness_if_unchanged(
    animator, photo, portrait, tmp_path, monkeypatch
):
    few = {"AU12": [portrait.reading, portrait.reading.replace(AU12=1)]}
    monkeypatch.setattr(
        "training.evaluate.judges.render_sweeps.sweep_expressions", lambda reading: few
    )
    monkeypatch.setattr("training.evaluate.judges.render_sweeps.LEVELS", (0.0, 1.0))
    path = tmp_path / "someone.png"
    cv2.imwrite(str(path), photo[..., ::-1])
    render_sweeps(animator, [path], tmp_path / "out", scale=1)
    folder = tmp_path / "out" / "someone"
    place = json.loads((folder / "place.json").read_text())
    assert tuple(place["box"]) == portrait.box
    np.testing.assert_allclose(place["to_face"], portrait.to_face)
    motion = np.load(folder / "motion.npz")["AU12"]
    assert motion.shape == (128, 128, 2) and motion.any() and not motion[fade_mask(128) == 0].any()
    np.testing.assert_array_equal(read_image(folder / "AU12_000.png"), photo)
    for key in ACTION_UNITS.keys:
        if key != "AU12":
            cv2.imwrite(str(folder / f"{key}_100.png"), photo[..., ::-1])
    found = sharpness.measure_sweeps(tmp_path / "out")
    assert found["AU01"]["face"] == 1 and math.isnan(found["AU01"]["edited"])
    assert 0.5 < found["AU12"]["edited"] < 1.5 and found["AU12"]["outside"] == 0
    assert found["closed mouth"]["face"] == 1


@pytest.mark.parametrize(("side", "scale"), [(60, 3), (144, 1)])
def test_a_photo_without_a_detected_face_is_a_canonical_crop_of_any_size(
    animator, portrait, tmp_path, monkeypatch, side, scale
):
    monkeypatch.setattr(animator, "find", lambda photo: [])
    few = {"AU12": [portrait.reading]}
    monkeypatch.setattr(
        "training.evaluate.judges.render_sweeps.sweep_expressions", lambda reading: few
    )
    monkeypatch.setattr("training.evaluate.judges.render_sweeps.LEVELS", (1.0,))
    cv2.imwrite(str(tmp_path / "crop.png"), noise(side))
    render_sweeps(animator, [tmp_path / "crop.png"], tmp_path / "out", scale)
    place = json.loads((tmp_path / "out" / "crop" / "place.json").read_text())
    np.testing.assert_allclose(place["to_face"], crop_to_face_matrix(scale * side))


def test_judges_name_missing_input_in_one_sentence(tmp_path):
    for judge in (
        sharpness.measure_sweeps,
        lambda path: face_mesh.read_sweeps(path, None),
        lambda path: identity.edit_distances(path, None),
    ):
        with pytest.raises(ValueError, match="holds no sweeps: make them with"):
            judge(tmp_path)
    with pytest.raises(ValueError, match=r"There is no .*test_ids\.csv"):
        identity.photo_distances(tmp_path, "test", 3, None)


def test_pairs_of_one_person_and_of_strangers_are_neighbours_in_the_list():
    same, strangers = identity.pairs_of_people(["p1_0", "p1_1", "p1_2", "p2_0", "p30_0", "p30_1"])
    assert same == [("p1_0", "p1_1"), ("p1_1", "p1_2"), ("p30_0", "p30_1")]
    assert strangers == [("p1_0", "p2_0"), ("p2_0", "p30_0")]


class Colors:
    """A recognizer that sees the mean color, and no face in what is black."""

    def picture(self, path, scale=1.0):
        return read_image(path)

    def face(self, picture):
        return picture.shape if picture.any() else None

    def features(self, picture, face):
        assert face == picture.shape
        return picture.mean((0, 1)) / 255


def test_edits_are_compared_with_photos_of_one_person(tmp_path):
    (tmp_path / "imgs").mkdir()
    names = {"p1_0": 100, "p1_1": 110, "p2_0": 200, "p2_1": 0, "p3_0": 60}
    for name, grey in names.items():
        cv2.imwrite(str(tmp_path / "imgs" / f"{name}.png"), np.full((32, 32, 3), grey, np.uint8))
    (tmp_path / "test_ids.csv").write_text("".join(f"{name}.png\n" for name in names))
    same, strangers = identity.photo_distances(tmp_path, "test", 1, Colors())
    one = 3**0.5 / 255
    np.testing.assert_allclose(same, [10 * one])
    np.testing.assert_allclose(strangers, [100 * one, 140 * one])
    folder = tmp_path / "sweeps" / "p1_0"
    folder.mkdir(parents=True)
    (folder / "place.json").write_text("{}")
    for name, grey in (("photo", 100), ("AU12_100", 104), ("AU26_100", 120), ("AU26_000", 0)):
        cv2.imwrite(str(folder / f"{name}.png"), np.full((32, 32, 3), grey, np.uint8))
    found = identity.edit_distances(tmp_path / "sweeps", Colors())
    rows = identity.summary(found, np.median(same))
    assert rows["AU12"]["nearer"] == 1 and rows["AU26"]["nearer"] == 0
    assert rows["AU26"]["distance"] == pytest.approx(20 * one)


def test_tables_show_missing_figures_as_dashes(tmp_path, capsys):
    rows = {"AU01": {"face": 0.95, "outside": 3}, "all": {"face": float("nan"), "outside": 0}}
    tables.report(tmp_path / "out.json", sharpness=rows)
    titles, first, last = capsys.readouterr().out.splitlines()
    assert titles.split() == ["face", "outside"]
    assert first.split() == ["AU01", "0.95", "3"] and last.split() == ["all", "-", "0"]
    assert json.loads((tmp_path / "out.json").read_text())["sharpness"]["all"]["face"] is None
