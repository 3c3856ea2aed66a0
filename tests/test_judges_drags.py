"""The judge of drags: scripted drags from landmarks, tilted photos, and its command."""

import csv

import cv2
import numpy as np
import pytest

from moodganimation.media.images import read_image
from training.evaluate.judges import drags
from training.evaluate.judges.crops import pad_crop, to_face_of_center

from .test_manipulation import ASSETS, FACES

DARK = FACES["portrait-dark"]
PLACES = {"corner": "corner", "chin": "chin", "inner brow": "inner brow", "upper lip": "lip"}
PLACES |= {"outer brow": "outer brow", "brow": "brow", "upper lid": "lid"}


def landmarks() -> np.ndarray:
    """(478, 3) [px of portrait-dark], right where drags begin, on both sides alike."""
    points = np.zeros((478, 3))
    for side, sign in ((0, 1), (1, -1)):
        for name, place in PLACES.items():
            x, y = DARK[place]
            at = (x if sign > 0 else 2 * 216 - x), y
            points[list(drags.LANDMARKS[name][side]), :2] = at
    for ids, x in zip(drags.EYE_CORNER_PAIRS, (150, 283), strict=True):
        points[list(ids), :2] = x, 155
    points[drags.LANDMARKS["chin"][0], :2] = DARK["chin"]
    return points


@pytest.fixture
def pack(tmp_path):
    """A folder with one photo, a canonical crop, as crops.py reads it."""
    (tmp_path / "imgs").mkdir()
    picture = cv2.imread(str(ASSETS / "portrait-dark.png"))
    cv2.imwrite(str(tmp_path / "imgs" / "dark.png"), picture)
    with open(tmp_path / "faces.csv", "w", newline="") as file:
        csv.writer(file).writerows([["name", "split", "yaw"], ["dark", "test", "0.0"]])
    np.savez(
        tmp_path / "landmarks.npz",
        names=["dark"],
        points=landmarks()[None].astype(np.float32),
        sizes=np.array([[432, 432]]),
    )
    return tmp_path


def test_scripted_drags_lead_outwards_and_down_in_the_face_of_either_side():
    points, drag = landmarks(), drags.DRAGS["corner up and out"]
    for left, sign in ((False, -1), (True, 1)):
        begin, end = drags.drag_ends(points, drag, left)
        np.testing.assert_allclose(begin, (150 if not left else 282, 285))
        np.testing.assert_allclose(end - begin, (sign * 13.3, -0.15 * 133))


def test_a_tilted_photo_keeps_its_landmarks_on_its_face():
    photo = read_image(ASSETS / "portrait-dark.png")
    crop = pad_crop("dark", photo, to_face_of_center(432, 432), landmarks())
    turned = drags.tilt(crop, 20)
    before, after = (c.points[:, :2] @ c.to_face[:, :2].T + c.to_face[:, 2] for c in (crop, turned))
    np.testing.assert_allclose(after, before, atol=1e-9)
    (x, y), (u, v) = (turned.points[drags.EYE_CORNER_PAIRS[side][0], :2] for side in (0, 1))
    assert np.degrees(np.arctan2(v - y, u - x)) == pytest.approx(20)
    lip, here = (np.int32(c.points[61, :2].round()) for c in (crop, turned))
    color, there = crop.picture[lip[1], lip[0]], turned.picture[here[1], here[0]]
    assert np.abs(color.astype(int) - there).max() < 12


def test_an_unsteady_hand_stays_near_the_drag():
    places, points = np.array([[0, 0], [10.0, 0]]), landmarks()
    rng, found = np.random.default_rng(0), []
    for _ in range(50):
        begin, end = drags.unsteady_drag(places, points, rng)
        found.append([np.linalg.norm(begin), np.linalg.norm(end - begin), (end - begin)[0]])
    beside, length, along = np.array(found).T
    assert beside.max() < 4 * drags.START_DEVIATION * 133 and 7 <= length.min() < length.max() <= 14
    assert (along / length >= np.cos(np.radians(drags.MAX_ROTATION)) - 1e-9).all()


def test_the_command_measures_a_pack(pack, capsys):
    out = pack / "drags.json"
    arguments = ["--data", str(pack), "--photos", "1", "--out", str(out)]
    assert drags.main(arguments) == 0 and out.is_file()
    *_, last = capsys.readouterr().out.splitlines()
    name, photos, first, *_ = last.split()
    assert (name, photos) == ("all", "10") and float(first) >= 0.9
    assert drags.main(["--data", str(pack / "none")]) == 2
    assert "none" in capsys.readouterr().err
