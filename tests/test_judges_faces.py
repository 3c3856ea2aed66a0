"""Judges of smiles, sides, gaze and head on landmarks, requests and pictures that are known."""

import csv
import json
import pickle
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from moodganimation.expressions.gaze import look_at_camera
from moodganimation.expressions.spaces import ACTION_UNITS, FACS, PAD, Expression
from moodganimation.media.images import read_image
from training.data.mesh_mirror import LEFT, MIRRORED, RIGHT
from training.data.pack import picture_of
from training.evaluate.judges import (
    axes,
    command,
    crops,
    detection,
    draw,
    gaze,
    head,
    requests,
    sides,
)
from training.evaluate.judges import true_smiles as smiles
from training.evaluate.judges.best_units import advect_points, fit_units, within_lips
from training.evaluate.judges.face_mesh_measures import (
    HEAD_POINTS,
    LIP_POINTS,
    LIP_UNITS,
    UNITS,
    registered,
    upright,
)
from training.evaluate.judges.mirror import mirrored_half
from training.evaluate.judges.render_sweeps import sweep_expressions


def symmetric_face() -> np.ndarray:
    """(478, 3): random points, alike on both sides, with eyes; 1 between the eyes' middles."""
    points = np.random.default_rng(3).normal(0, 0.5, (478, 3))
    points[:, 0] *= np.arange(478) != MIRRORED
    for corners, iris, upper, lower in zip(
        gaze.EYE_CORNER_PAIRS, gaze.IRISES, gaze.UPPER_LIDS, gaze.LOWER_LIDS, strict=True
    ):
        middle = 0.5 if 263 in corners else -0.5
        points[list(corners)] = [[middle - 0.2, 0, 0], [middle + 0.2, 0, 0]]
        points[iris] = middle, 0, 0
        for lid, height in ((upper, -0.07), (lower, 0.07)):
            points[list(lid)] = [(middle + x, height, 0) for x in np.linspace(-0.15, 0.15, 7)]
    points[RIGHT, 0] = -np.abs(points[RIGHT, 0])
    points[LEFT] = points[RIGHT] * (-1, 1, 1)
    return points


FACE = symmetric_face()


def moved(points: np.ndarray, ids, x: float = 0, y: float = 0) -> np.ndarray:
    result = points.copy()
    result[list(ids), :2] += x, y
    return result


def placed(points: np.ndarray, degrees: float = 12, scale: float = 90) -> np.ndarray:
    """The same face elsewhere in a picture."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return scale * points @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]]) + (200, 150, 0)


def test_axes_of_the_judges_are_those_of_the_space():
    assert FACS.lateral == axes.LATERAL
    regions = {axis.key: axis.region for axis in FACS.axes}
    assert [key for key in regions if regions[key] == "gaze"] == list(axes.GAZE_AXES)
    assert [key for key in regions if regions[key] == "head"] == list(axes.HEAD_AXES)
    known = {*axes.LATERAL, *axes.GAZE_AXES, *axes.HEAD_AXES, *ACTION_UNITS.keys}
    new = [key for key in FACS.keys if key not in known and key[:-1] not in known]
    assert new == list(axes.LIP_UNIT_KEYS) == list(LIP_UNITS)
    assert set(head.ROTATION_AXES) == set(axes.HEAD_AXES) and set(gaze.DIRECTIONS) == set(
        axes.GAZE_AXES
    )


def test_every_mesh_point_has_a_mirror_partner():
    assert (MIRRORED[MIRRORED] == np.arange(478)).all()
    assert [MIRRORED[i] for i in (33, 133, 61, 468, 234)] == [263, 362, 291, 473, 454]
    assert [i for i in (10, 152, 6, 13, 14, 0, 17) if MIRRORED[i] != i] == []
    np.testing.assert_array_equal(mirrored_half(FACE, "L"), FACE[:, :2])


@pytest.mark.parametrize("edit, left", [(0, 1), (0.5, 0.5), (1, 0)])
def test_remaining_is_the_distance_to_the_smile_relative_to_the_neutral_photo(edit, left):
    way = np.random.default_rng(0).normal(0, 0.1, (478, 3))
    way[HEAD_POINTS] = 0
    way[[195]] = 0
    photo, target = placed(FACE, 4), placed(FACE + way, -9, 70)
    assert smiles.remaining(placed(FACE + edit * way, 20), photo, target) == pytest.approx(left)


def test_summary_of_smiles_is_formatted_for_the_document():
    row = smiles.summary([0.2, 0.4, 0.6, 0.8, 1.5])
    assert (row["people"], row["median"], row["mean"]) == (5, 0.6, pytest.approx(0.7))
    assert (row["25%"], row["75%"]) == (pytest.approx(0.4), pytest.approx(0.8))
    text = smiles.smiles({"smiles": {"photos, the reading": row}})
    assert text.endswith("| photos | the reading | 5 | 0.60 | 0.70 | 0.40 to 0.80 |")


def test_motion_of_one_lip_corner_changes_one_half_only():
    before, after = (registered(p, upright(FACE)) for p in (FACE, moved(FACE, [291], 0.1, -0.1)))
    assert sides.changes("AU12", "L", before, after) == pytest.approx((0.2, 0))
    assert sides.changes("AU12", "R", before, after) == pytest.approx((0, 0.2))


def test_change_of_the_other_half_is_relative_to_the_requested_one():
    rows = sides.sides_table({"AU12L": [(0.2, -0.1), (0.2, 0.1)], "AU45R": [(0.006, 0.0)]})
    assert rows["AU12L"]["other"] == pytest.approx(0.5) and rows["AU12L"]["right way"] == 1
    assert rows["AU45R"]["right way"] == 1  # lids have a lower threshold
    assert rows["median"]["other"] == pytest.approx(0.25)
    assert rows["all"]["other"] == pytest.approx(0.2 / 0.406)


CHIN_AND_LIP = (152, 148, 377, 175, 199, 17)


@pytest.mark.parametrize(
    "unit, after",
    [
        ("AU16", moved(FACE, (14, 87, 317, 17, 84, 314), y=0.05)),
        ("AU18", moved(moved(FACE, [61], 0.05), [291], -0.05)),
        ("AU22", moved(moved(FACE, [0], y=-0.05), [17], y=0.05)),
        ("AU24", moved(FACE, (0, 37, 267), y=0.05)),
        ("AU27", moved(FACE, (14, 152, 148, 377), y=0.1)),
        ("AU28", moved(FACE, (17, 84, 314), y=-0.05)),
        ("AD29", moved(FACE, (152, 148, 377, 14, 17), y=0.02)),
        ("AD30L", moved(FACE, CHIN_AND_LIP, x=0.05)),
        ("AD30R", moved(FACE, CHIN_AND_LIP, x=-0.05)),
        ("AD34", moved(moved(FACE, (205, 207), -0.05), (425, 427), 0.05)),
    ],
)
def test_measures_of_lip_units_grow_in_the_expected_direction(unit, after):
    measure, levels = LIP_UNITS[unit], np.linspace(0, 1, 5)
    values = np.array([[measure(FACE + level * (after - FACE)) for level in levels]])
    found = sides.lip_figures(unit, values)
    assert found["follow"] == pytest.approx(1) and found["right way"] == 1 and found["change"] > 0


@pytest.mark.parametrize("key, way", gaze.DIRECTIONS.items())
def test_gaze_is_measured_in_the_requested_direction(key, way):
    x, y = 0.04 * np.array(way)  # a tenth of an eye's width
    sweep = [placed(moved(FACE, gaze.IRISES, n * x, n * y)) for n in np.linspace(0, 1, 5)]
    found = gaze.axis_figures(key, [sweep])
    assert found["movement"] == pytest.approx(0.1) and found["lids"] == pytest.approx(0)
    assert found["follow"] == pytest.approx(1) and found["right way"] == 1
    back = gaze.axis_figures(key, [sweep[::-1]])
    assert back["right way"] == 0 and back["follow"] == pytest.approx(-1)


def test_motion_of_lids_is_relative_to_that_of_irises():
    lids = [i for lid in (*gaze.UPPER_LIDS, *gaze.LOWER_LIDS) for i in lid]
    sweep = [moved(moved(FACE, gaze.IRISES, y=n), lids, y=n / 4) for n in np.linspace(0, 0.1, 5)]
    assert gaze.axis_figures("AU64", [sweep])["lids"] == pytest.approx(0.25)


def test_closed_eyes_are_detected_and_looks_into_the_camera_measured():
    assert gaze.openness(placed(FACE)) == pytest.approx(0.14 / 0.4)
    upper = [i for lid in gaze.UPPER_LIDS for i in lid]
    assert gaze.openness(moved(FACE, upper, y=0.08)) < gaze.MIN_OPENNESS
    camera = moved(
        moved(FACE, [468], *(0.4 * gaze.CAMERA_POSITION[0])),
        [473],
        *(0.4 * gaze.CAMERA_POSITION[1]),
    )
    aside = moved(camera, gaze.IRISES, x=0.04)
    found = gaze.camera_figures([[placed(aside), placed(camera)]])
    assert found["before"] == pytest.approx(0.1) and found["after"] == pytest.approx(0)
    assert found["nearer"] == 1


def turned(points: np.ndarray, key: str, degrees: float) -> np.ndarray:
    """The head of `points` turned, the nose or the top of the head going the way of the axis."""
    axis, sign = head.ROTATION_AXES[key]
    return points @ cv2.Rodrigues(np.radians(degrees) * sign * np.eye(3)[axis])[0].T


@pytest.mark.parametrize("key, way", [("AU51", (1, 0)), ("AU52", (-1, 0)), ("AU53", (0, -1))])
def test_nose_moves_in_the_direction_of_the_turn(key, way):
    nose = np.array([[0.0, 0, -1]])
    assert turned(nose, key, 10)[0, :2] @ way == pytest.approx(np.sin(np.radians(10)))


def test_the_top_of_the_head_tilts_to_the_persons_left():
    assert turned(np.array([[0.0, -1, 0]]), "AU55", 10)[0, 0] > 0


@pytest.mark.parametrize("key", axes.HEAD_AXES)
def test_turn_about_the_requested_axis_is_measured_and_removed(key):
    photo = placed(FACE, 0)
    edit = turned(photo, key, 10) * 1.1 + (5, 3, 0)
    assert head.turn_about(photo, edit[:, :2], key) == pytest.approx((10, 0), abs=1e-6)
    assert head.expression_change(photo, edit).max() == pytest.approx(0, abs=1e-9)
    smiling = turned(moved(photo, (61, 291), y=-9), key, 10)  # a tenth between the eyes
    change = dict(zip(UNITS, head.expression_change(photo, smiling), strict=True))
    assert change["AU12"] == pytest.approx(0.1, rel=0.05) and change["AU01"] < 1e-6


def test_head_figures_count_turns_within_range_and_kept_expressions():
    photo = placed(FACE, 0)
    right = [photo, *(turned(photo, "AU51", angle) for angle in (5, 10, 15))]
    weak = [photo, *(turned(photo, "AU51", angle) for angle in (2, 4, 6))]
    found = head.axis_figures("AU51", [right, weak, [*weak[:3], None]])
    assert (found["photos"], found["within"]) == (3, pytest.approx(1 / 3))
    assert found["at 15"] == pytest.approx(10.5) and found["expression kept"] == 1


READING = Expression.of(FACS, AU12=0.3, AU61=0.2, AU52=0.5, AU26=0.1)


def test_groups_of_axes_equal_those_of_the_space():
    assert FACS.lateral == axes.LATERAL
    assert tuple(LIP_UNITS) == axes.LIP_UNIT_KEYS
    assert {*axes.LIP_UNIT_KEYS, *axes.GAZE_AXES, *axes.HEAD_AXES} <= set(FACS.keys)


def test_requests_of_sides_change_one_side_of_the_reading():
    found = requests.sides(READING)
    assert len(found) == 2 * 2 * len(axes.LATERAL) + 5 * len(axes.LIP_UNIT_KEYS)
    left = found["AU12L_100"]
    assert (left["AU12L"], left["AU12R"], left["AU61"]) == (1, 0.3, 0.2)
    assert found["AU12L_000"]["AU12L"] == 0 and found["AD30L_050"]["AD30L"] == 0.5


def test_sweeps_set_both_sides_of_a_unit_equal():
    found = sweep_expressions(READING)
    assert tuple(found) == ACTION_UNITS.keys + PAD.keys
    half_way = found["AU45"][2]
    assert (half_way["AU45L"], half_way["AU45R"], half_way["AU12R"]) == (0.5, 0.5, 0.3)


def test_gaze_requests_start_from_0_and_head_requests_from_the_reading():
    found = requests.gaze(READING)
    assert (found["AU62_000"]["AU61"], found["AU62_050"]["AU62"]) == (0, 0.5)
    look = found["camera_100"]  # to the left of a head that is turned to the right
    assert (look["AU61"], look["AU62"]) == (look_at_camera(READING)["AU61"], 0)
    assert look["AU61"] > 0.1
    turns = requests.head(READING)
    assert turns["AU51_033"]["AU52"] == pytest.approx(0.5 - 1 / 3)
    assert turns["AU51_100"]["AU51"] == 0.5 and turns["AU51_100"]["AU52"] == 0
    assert "AU52_033" in turns and "AU52_067" not in turns  # beyond the range
    assert all(turn["AU12"] == pytest.approx(0.3) for turn in turns.values())


def test_requested_smile_keeps_gaze_and_head():
    other = Expression.of(FACS, AU12=0.9, AU62=1, AU51=1)
    found = requests.smile(READING, other)
    assert (found["AU12L"], found["AU26"]) == (0.9, 0)
    assert (found["AU61"], found["AU62"], found["AU51"], found["AU52"]) == (0.2, 0, 0, 0.5)


@pytest.mark.parametrize("what", requests.REQUESTS)
def test_space_without_the_axes_is_refused(what):
    with pytest.raises(ValueError, match=f"action_units has no axes for {what}"):
        requests.requested(what, Expression.neutral(ACTION_UNITS))


def test_padded_crop_has_the_correct_matrix_to_face():
    photo = np.random.default_rng(0).integers(0, 256, (400, 400, 3), np.uint8)
    corners = np.array([[0.0, 0, 0], [399, 399, 0]])
    large = crops.pad_crop("a", photo, crops.to_face_of_center(400, 400), corners)
    assert large.picture.shape == (640, 640, 3)
    np.testing.assert_array_equal(large.picture[120:520, 120:520], photo)
    small = crops.pad_crop(
        "b", photo[:144, :144], crops.to_face_of_center(144, 144), corners * 143 / 399
    )
    assert small.picture.shape == (692, 692, 3)
    for made, side in ((large, 400), (small, 144)):
        faced = made.points[:, :2] @ made.to_face[:, :2].T + made.to_face[:, 2]
        np.testing.assert_allclose(faced, [[1 / side - 1] * 2, [1 - 1 / side] * 2])


def test_frame_of_a_clip_is_the_centre_of_the_crop(tmp_path):
    cv2.imwrite(str(tmp_path / "0000.png"), np.zeros((128, 128, 3), np.uint8))
    found = crops.read_frame(tmp_path / "0000.png", None, "clip/0000.png")
    side = 2 / found.to_face[0, 0]
    assert side == pytest.approx(3 * 144) and abs(len(found.picture) - 1.6 * side) < 2
    middle = (len(found.picture) - 1) / 2
    np.testing.assert_allclose(found.to_face @ (middle, middle, 1), 0, atol=1e-9)


def test_ends_of_a_clip_have_open_lids_and_differ_by_a_smile():
    units = np.zeros((5, 17))
    units[:, 8] = 0.1, 0.0, 0.5, 0.7, 0.9
    units[4, 16] = 1  # a blink
    assert crops.smile_frames(units) == (1, 3)
    assert crops.smile_frames(0.5 * units) is None


def test_point_is_followed_along_a_backward_flow():
    y, x = (np.mgrid[:64, :64] + 0.5) / 32 - 1
    shift = np.exp(-(x**2 + y**2) / 0.1) * 0.1
    motion = np.stack([-shift, 0 * shift], -1)
    (place,) = advect_points(motion, np.array([[0.0, 0.0]]))
    assert place[0] == pytest.approx(0.1 * np.exp(-(place[0] ** 2) / 0.1), abs=2e-3)


def test_best_units_are_fitted_within_their_range():
    fields = np.random.default_rng(0).normal(0, 0.1, (3, 40, 2))
    best = fit_units(
        lambda u: np.tensordot(u, fields, 1), fields[0] / 2 + 2 * fields[1], np.zeros(3)
    )
    assert best[0] == pytest.approx(0.5, abs=0.2) and best[1] == pytest.approx(1, abs=1e-3)
    lips = within_lips(FACE)
    np.testing.assert_array_equal(lips[:20], FACE[LIP_POINTS[:20], :2])


class Screen:
    """An animator of the space FACS that shows the photo."""

    device, space = "cpu", FACS
    generator = SimpleNamespace(moves_pixels=False)

    def encode(self, portrait):
        return portrait

    def start(self, portrait):
        return READING

    def animate(self, portrait, points):
        for _ in points:
            yield SimpleNamespace(image=portrait.photo)


@pytest.fixture
def pack(tmp_path):
    """A pack of two photos of one person, the wider and higher mouth in the first; and a clip."""
    folder = tmp_path / "pack"
    (folder / "imgs").mkdir(parents=True)
    (folder / "clips" / "clip_0").mkdir(parents=True)
    for name, shade in (("p_a", 90), ("p_b", 60)):
        cv2.imwrite(str(folder / "imgs" / f"{name}.webp"), np.full((144, 144, 3), shade, np.uint8))
    smile = moved(placed(FACE, 0, 50), (61, 291), y=-10)
    np.savez(
        folder / "landmarks.npz",
        names=np.array(["p_a.webp", "p_b.webp"]),
        points=np.stack([smile, placed(FACE, 0, 50)]).astype(np.float32),
        sizes=np.full((2, 2), 144),
    )
    with open(folder / "faces.csv", "w", newline="") as file:
        head = ["name", "split", "person", "yaw", "pitch"]
        rows = [["p_a", "test", "p", 1, 0], ["p_b", "test", "p", 12, ""]]
        csv.writer(file).writerows([head, *rows])
    with open(folder / "clips.csv", "w", newline="") as file:
        csv.writer(file).writerows([["clip", "source", "frames"], ["clip_0", "p_a", 2]])
    units = {f"clip_0_{i:04d}": np.float32([0] * 8 + [4 * i] + [0] * 8) for i in range(2)}
    (folder / "clips_aus.pkl").write_bytes(pickle.dumps(units))
    for i in range(2):
        frame = np.full((128, 128, 3), 50 + i, np.uint8)
        cv2.imwrite(str(folder / "clips" / "clip_0" / f"{i:04d}.jpg"), frame)
    return folder


def test_pairs_of_people_are_ordered_neutral_then_smile(pack):
    ((neutral, smiling),) = crops.pairs_of_people(pack, "test")
    assert (neutral.name, smiling.name) == ("p_b", "p_a")
    ((first, last),) = crops.pairs_of_clips(pack, 20, None)
    assert (first.name, last.name) == ("clip_0/0000.jpg", "clip_0/0001.jpg")
    assert [path.stem for path in crops.frontal_photos(pack, "test", 5)] == ["p_a"]
    with pytest.raises(ValueError, match="no two photos of one person"):
        crops.pairs_of_people(pack, "val")


def test_pack_without_head_angles_raises_readable_error(pack):
    (pack / "faces.csv").write_text("name,split\np_a,test\n")
    with pytest.raises(ValueError, match="column yaw of the pack's table has no angle of p_a"):
        crops.frontal_photos(pack, "test", 5)


def test_picture_of_a_longer_name_is_not_found(pack):
    (pack / "imgs" / "p_a.webp").rename(pack / "imgs" / "p_a.b.webp")
    assert picture_of(pack, "p_a.b").name == "p_a.b.webp"
    with pytest.raises(ValueError, match="has no picture p_a"):
        picture_of(pack, "p_a")


def test_detectors_are_measured_on_the_photos_that_exist(monkeypatch):
    crop = np.full((144, 144, 3), 90, np.uint8)
    data = SimpleNamespace(photos=[("a", None)] * 4, picture=lambda path: crop)
    finders = [type("Blind", (), {"name": "blind", "__call__": lambda *_: []})] * 2
    monkeypatch.setattr(detection, "CenterFaceFinder", finders[0])
    monkeypatch.setattr(detection, "HaarFinder", finders[1])
    monkeypatch.setattr(detection, "BACKGROUND_BLUR", 1)  # faster
    rows = detection.measure_finders(data, None, 150)
    assert {row["found"] for row in rows.values()} == {0}
    data.photos = data.photos[:3]
    with pytest.raises(ValueError, match="3 photos are too few"):
        detection.measure_finders(data, None, 150)


def seen(monkeypatch, points_of) -> None:
    """Let the judges see `points_of(name of the picture)`."""
    monkeypatch.setattr(command, "face_mesh", lambda: None)
    monkeypatch.setattr(command.cv2, "imread", lambda path: path)
    monkeypatch.setattr(
        command, "landmarks", lambda mesh, path: None if path is None else points_of(path)
    )


def test_rendered_smiles_are_judged(pack, tmp_path, monkeypatch, animator):
    out = tmp_path / "smiles"
    monkeypatch.setattr(draw.Animator, "load", lambda *_, **__: animator)
    arguments = ["smiles", "--data", str(pack), "--out", str(out)]
    assert draw.main(arguments) == 0
    assert draw.main([*arguments, "--clips"]) == 0
    place = json.loads((out / "p_b" / "place.json").read_text())
    assert place["kind"] == "photos" and 0 <= place["motion"] <= 1.5
    assert set(place["asked"]) == {"neutral", "edit", "best"}
    assert (read_image(out / "p_b" / "neutral.png")[346, 346] == 60).all()
    assert not (out / "clip_0" / "best.png").exists()
    ends = {"neutral": FACE, "smile": moved(FACE, LIP_POINTS, y=-0.2)}
    seen(monkeypatch, lambda path: ends.get(path[:-4].rpartition("/")[2], ends["smile"]))
    rows = smiles.judge(out)["smiles"]
    assert rows["photos, the reading"]["median"] == pytest.approx(0, abs=1e-9)
    assert set(rows) == {
        "photos, the reading",
        "photos, best units",
        "photos, its motion alone",
        "clips, the reading",
    }


def acting(path: str) -> np.ndarray:
    """What a perfect edit of the name would show."""
    key, _, level = path[:-4].rpartition("/")[2].partition("_")
    amount = float(level or 0) / 100
    if key in gaze.DIRECTIONS:
        return moved(FACE, gaze.IRISES, *(0.06 * amount * np.array(gaze.DIRECTIONS[key])))
    if key in head.ROTATION_AXES:
        return turned(FACE, key, axes.MAX_TURN * amount)
    if key[:-1] == "AU12":
        way = 1 if key[-1] == "L" else -1
        return moved(FACE, [291 if way > 0 else 61], way * amount / 9, -amount / 9)
    return FACE


@pytest.mark.parametrize("what", requests.REQUESTS)
def test_perfect_edits_have_perfect_figures(what, pack, tmp_path, monkeypatch):
    out = tmp_path / what
    monkeypatch.setattr(draw.Animator, "load", lambda *_, **__: Screen())
    assert draw.main([what, "--data", str(pack), "--out", str(out), "--photos", "1"]) == 0
    seen(monkeypatch, acting)
    tables = {"sides": sides, "gaze": gaze, "head": head}[what].judge(out)
    if what == "sides":
        assert tables["sides"]["AU12L"]["right way"] == 1
        assert tables["sides"]["AU12L"]["other"] == pytest.approx(0, abs=1e-9)
        assert tuple(tables["lips"]) == axes.LIP_UNIT_KEYS
    elif what == "gaze":
        assert all(row["movement"] == pytest.approx(0.15) for row in tables["gaze"].values())
        assert tables["camera"]["look into the camera"]["photos"] == 1
    else:  # the head is read as turned to the right by half of the range, so that less is left
        assert tables["head"]["AU51"]["at 10"] == pytest.approx(10, abs=0.1)
        assert "AU52" not in tables["head"]


@pytest.mark.parametrize("number", ["0", "-3"])
@pytest.mark.parametrize("what", ["smiles", "mouths", "gaze"])
def test_photos_to_draw_must_be_1_or_more(what, number, capsys):
    with pytest.raises(SystemExit):
        draw.main([what, "--data", "DIR", "--out", "OUT", "--photos", number])
    assert f"must be 1 or more, got {number}" in capsys.readouterr().err


def test_judges_name_missing_input_in_one_sentence(tmp_path, capsys):
    for module in (smiles, sides, gaze, head):
        assert module.main([str(tmp_path)]) == 2
        assert "training.evaluate.judges.draw" in capsys.readouterr().err
    with pytest.raises(ValueError, match=r"neither faces\.csv nor labels\.csv"):
        crops.frontal_photos(tmp_path, "test", 3)
