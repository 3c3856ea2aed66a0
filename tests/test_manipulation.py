"""Dragging on a face: the right units for the right places, exact motion, and what is no drag."""

import copy
import dataclasses
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from moodganimation.checkpoints.files import Checkpoint, build_generator
from moodganimation.errors import InvalidValue, Problem
from moodganimation.expressions.spaces import ACTION_UNITS, FACS, Expression
from moodganimation.faces.portrait import Portrait
from moodganimation.manipulation.controls import make_controls
from moodganimation.manipulation.face import Manipulation
from moodganimation.manipulation.fields import sample_bilinear
from moodganimation.manipulation.motion_map import strongest_control
from moodganimation.media.images import read_image
from moodganimation.networks.base import GeneratorConfig
from moodganimation.networks.point_motion import PointMotion

ASSETS = Path(__file__).parent.parent / "assets"
# Places of four faces [px], the distance between the eyes, and the way to the viewer's right that
# leads away from the middle of the face.
FACES = {
    "portrait-calm": {
        "corner": (157, 297),
        "chin": (217, 365),
        "inner brow": (185, 132),
        "outer brow": (122, 124),
        "brow": (168, 127),
        "lid": (152, 146),
        "lip": (217, 290),
        "eyes": 129,
        "out": -1,
    },
    "portrait-narrow": {
        "corner": (283, 286),
        "chin": (217, 365),
        "inner brow": (247, 133),
        "outer brow": (308, 122),
        "brow": (262, 127),
        "lid": (284, 147),
        "lip": (217, 282),
        "eyes": 134,
        "out": 1,
    },
    "portrait-dark": {
        "corner": (150, 285),
        "chin": (217, 360),
        "inner brow": (187, 128),
        "outer brow": (125, 117),
        "brow": (168, 121),
        "lid": (150, 149),
        "lip": (217, 283),
        "eyes": 133,
        "out": -1,
    },
    "astronaut": {
        "corner": (244, 141),
        "chin": (225, 166),
        "inner brow": (241, 92.5),
        "outer brow": (259, 93),
        "brow": (246, 92),
        "lid": (247, 98.5),
        "lip": (224, 140),
        "eyes": 44,
        "out": 1,
    },
}
DRAGS = {  # place, outwards and down [distances between the eyes]
    "AU12": ("corner", 0.10, -0.15),
    "AU15": ("corner", 0, 0.12),
    "AU26": ("chin", 0, 0.25),
    "AU01": ("inner brow", 0, -0.12),
    "AU02": ("outer brow", 0, -0.12),
    "AU04": ("brow", 0, 0.10),
    "AU45": ("lid", 0, 0.12),
    "AU05": ("lid", 0, -0.05),
    "AU10": ("lip", 0, -0.08),
    "AU20": ("corner", 0.12, 0),
}


@pytest.fixture(scope="module")
def calm(animator):
    portrait = animator.locate(read_image(ASSETS / "portrait-calm.png"))
    return Manipulation(animator, portrait)


def shares(manipulation: Manipulation, pixel) -> np.ndarray:
    return (np.asarray(pixel) + 0.5) / manipulation.portrait.photo.shape[1::-1]


def dragged(manipulation: Manipulation, pixel, way, before=None, side="both"):
    before = manipulation.reading if before is None else before
    at, to = shares(manipulation, pixel), shares(manipulation, np.add(pixel, way))
    return manipulation.drag(before, at, to, side)


def where(manipulation: Manipulation, pixel, expression) -> np.ndarray:
    """The pixel to which an expression takes a pixel of the photo."""
    to_face = manipulation.portrait.to_face
    face = to_face[:, :2] @ pixel + to_face[:, 2]
    gone = manipulation.fields.motion.displacements(face[None], expression.vector()[None])[0, 0]
    return np.asarray(pixel) + np.linalg.solve(to_face[:, :2], gone)


@pytest.mark.parametrize("name", FACES)
@pytest.mark.parametrize("degrees", [0, 20])
def test_ten_drags_move_the_unit_that_is_meant(animator, name, degrees):
    photo, places = read_image(ASSETS / f"{name}.png"), FACES[name]
    height, width = photo.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    photo = cv2.warpAffine(photo, turn, (width, height), borderMode=cv2.BORDER_REFLECT)
    manipulation, wrong = Manipulation(animator, animator.locate(photo)), {}
    for unit, (place, out, down) in DRAGS.items():
        way = turn[:, :2] @ (out * places["out"] * places["eyes"], down * places["eyes"])
        drag = dragged(manipulation, turn @ (*places[place], 1), way)
        if drag.keys[:1] != (unit,) or drag.changes[0][1] <= 0:
            wrong[unit] = drag.changes
    assert not wrong


@pytest.mark.parametrize(
    "values",
    [{}, {"AU12": 1.0}, {"AU26": 1.0, "AU02L": 0.8}, {"AU52": 0.9, "AU55": 0.7, "AU12R": 1.0}],
)
def test_places_come_from_where_the_picture_shows_them(animator, portrait, values):
    motion = PointMotion(animator.generator, portrait.encoding)
    target = animator.start(portrait).replace(**values)
    edit, _ = animator.generator.edit(portrait.encoding, torch.tensor([target.values]).float())
    places = np.float32(np.random.default_rng(0).uniform(-0.8, 0.8, (400, 2)))
    source = motion.photo_points(places, target.vector())
    shown = places + sample_bilinear(edit.motion[0].movedim(0, -1).numpy(), places)
    error = np.linalg.norm(source - shown, axis=1) * 64  # px of 128
    assert np.median(error) < 0.05 and np.percentile(error, 90) < 0.3
    gone = motion.displacements(source, target.vector()[None])[0]
    assert np.percentile(np.linalg.norm(source + gone - places, axis=1), 90) < 2e-3


def test_the_grabbed_place_follows_the_pointer(calm):
    way = np.array([0, 12.0])
    drag = dragged(calm, FACES["portrait-calm"]["lid"], way)
    fields, linear = calm.fields, calm.portrait.to_face[:, :2]
    place = np.float32(calm._to_face(shares(calm, FACES["portrait-calm"]["lid"])))
    points = np.stack([calm.reading.vector(), drag.expression.vector()])
    before, after = fields.motion.displacements(place[None], points)[:, 0]
    assert np.linalg.norm(linear @ way - (after - before)) < 0.05 * np.linalg.norm(linear @ way)


def test_a_smile_dragged_down_again_first_undoes_it(calm):
    smile = calm.reading.replace(AU12=0.9)
    corner = where(calm, FACES["portrait-calm"]["corner"], smile)
    drag = dragged(calm, corner, (5, 15), smile)
    name, amount = drag.changes[0]
    assert name == "AU12" and amount < -0.2
    assert drag.expression["AU12"] >= calm.reading["AU12"] - 0.01
    far = dragged(calm, corner, (-3, 50), smile)
    assert far.keys == ("AU12", "AU15")
    assert far.expression["AU12"] == pytest.approx(calm.reading["AU12"], abs=0.02)


def test_one_side_moves_alone_and_central_units_move_whole(calm):
    places = FACES["portrait-calm"]
    one = dragged(calm, places["corner"], (-13, -19), side="one")
    assert one.keys[0] == "AU12R" and one.expression["AU12L"] == calm.reading["AU12L"]
    both = dragged(calm, places["corner"], (-13, -19))
    change = [both.expression[key] - calm.reading[key] for key in ("AU12L", "AU12R")]
    assert both.keys[0] == "AU12" and change[0] == pytest.approx(change[1], abs=0.011)
    assert dragged(calm, places["chin"], (0, 30), side="one").keys[0] == "AU26"


@pytest.mark.parametrize(
    "pixel, way, name",
    [
        ((281, 154), (6, 0), "AU61"),  # irises: the person's left is the viewer's right
        ((152, 154), (-6, 0), "AU62"),
        ((281, 154), (0, -6), "AU63"),
        ((152, 154), (0, 6), "AU64"),
        ((217, 60), (20, 0), "AU51"),  # forehead
        ((217, 60), (-20, 0), "AU52"),
        ((217, 60), (0, -20), "AU53"),
        ((217, 60), (0, 20), "AU54"),
        ((215, 230), (20, 0), "AU51"),  # tip of the nose
        ((395, 200), (0, 25), "AU55"),  # beside the face
        ((30, 200), (0, 25), "AU56"),
    ],
)
def test_irises_look_and_what_shows_no_expression_turns_the_head(calm, pixel, way, name):
    drag = dragged(calm, pixel, way)
    assert drag.keys[0] == name and drag.changes[0][1] > 0
    for a, b in FACS.opposites:
        assert 0 in (drag.expression[a], drag.expression[b])


def test_eyes_go_both_ways_at_once(calm):
    drag = dragged(calm, (152, 154), (5, 5))
    assert set(drag.keys) == {"AU61", "AU64"}


def test_nothing_happens_without_a_drag_and_far_from_the_face(animator, portrait):
    manipulation = Manipulation(animator, portrait)
    for pixel, way in (((224, 140), (0, 0)), ((2, 500), (10, 0))):
        drag = dragged(manipulation, pixel, way)
        assert drag.changes == () and drag.expression == manipulation.reading


def test_a_covered_mouth_cannot_be_dragged(animator, calm):
    portrait = dataclasses.replace(calm.portrait, covered=1.0)
    masked, places = Manipulation(animator, portrait), FACES["portrait-calm"]
    assert dragged(masked, places["chin"], (0, 30)).keys[0] == "AU54"  # the head is left
    assert dragged(masked, places["lid"], (0, 12)).keys == ("AU45",)
    assert dragged(calm, places["chin"], (0, 30)).keys == ("AU26",)


def test_a_double_click_returns_its_place_to_the_photo(calm):
    changed = calm.reading.replace(AU12=0.9, AU02=0.8, AU61=0.7, AU51=0.5)

    def reset(pixel, expression):
        return calm.reset(expression, shares(calm, where(calm, pixel, expression)))

    lips = reset(FACES["portrait-calm"]["corner"], changed)
    assert lips.keys == ("AU12",)
    assert lips.expression == changed.replace(
        AU12L=calm.reading["AU12L"], AU12R=calm.reading["AU12R"]
    )
    eyes = reset((281, 154), changed)
    assert eyes.expression == changed.replace(AU61=calm.reading["AU61"], AU62=calm.reading["AU62"])
    assert len(eyes.keys) == 1
    head = reset((217, 60), changed)
    assert head.keys == ("AU51",) and head.expression["AU12"] == pytest.approx(0.9)
    assert calm.reset(calm.reading, shares(calm, (157, 297))).changes == ()


def test_the_motion_map_is_small_plain_json(calm):
    found = calm.motion_map()
    text = json.dumps(found, allow_nan=False)
    assert len(text) < 20_000 and json.loads(text) == found
    count = found["grid"] ** 2
    assert len(found["cells"]) == count and len(found["vectors"]) == 2 * count
    assert max(found["cells"]) < len(found["names"])
    to_photo, names = np.array(found["to_photo"]), found["names"]

    def strongest(pixel) -> str:
        at = np.linalg.solve(to_photo[:, :2], shares(calm, pixel) - to_photo[:, 2])
        column, row = np.rint(at).astype(int)
        return names[found["cells"][row * found["grid"] + column]]

    places = FACES["portrait-calm"]
    assert strongest(places["corner"]) == "AU12" and strongest((281, 154)) == "AU61"
    assert strongest((217, 60)) == "AU51" and strongest(places["inner brow"]) == "AU01"
    assert found["start"] == {k: round(v, 2) for k, v in calm.reading.asdict().items()}


def test_handles_stand_where_their_units_move(calm):
    found = calm.motion_map()
    handles = found["handles"]
    assert len(handles) == 10 and {h["name"] for h in handles} == {
        *("AU01", "AU02", "AU10", "AU12", "AU26", "AU45")
    }
    for handle in handles:
        x, _ = handle["at"]
        if handle["side"]:
            assert (handle["side"] == "L") == (x > 0.5)
        way = np.array(handle["moves"][handle["name"]]) * found["scale"]
        drag = calm.drag(calm.reading, handle["at"], handle["at"] + 0.4 * way)
        assert drag.keys[0] == handle["name"]
        assert drag.changes[0][1] == pytest.approx(0.4, abs=0.12)


def test_opposites_are_one_control_and_sides_can_be_parted():
    keys = [control.key for control in make_controls(FACS)]
    assert "AU12" in keys and "AU61" in keys and not {"AU12L", "AU62"} & {*keys}
    left = [control.key for control in make_controls(FACS, "L")]
    assert len(left) == len(keys) and "AU12L" in left and "AU12R" not in left
    (gaze,) = (control for control in make_controls(FACS) if control.key == "AU61")
    point = Expression.of(FACS, AU62=0.3).vector()
    moved = gaze.apply_changes(point, [0.5, -2.0])
    assert [Expression(FACS, tuple(row))["AU61"] for row in moved] == pytest.approx([0.2, 0])
    assert moved[1][FACS.index("AU62")] == 1
    assert gaze.describe_change(point, moved[0]) == ("AU61", 0.5)
    assert gaze.describe_change(point, moved[1]) == ("AU62", 0.7)


@pytest.fixture
def without_sides(animator, tiny):
    other = type(animator)(
        Checkpoint(tiny, ACTION_UNITS, {}),
        reader=animator.reader,
        finder=animator.finder,
        aligner=animator.aligner,
        device=animator.device,
    )
    return Manipulation(other, other.locate(read_image(ASSETS / "portrait-calm.png")))


def test_spaces_without_sides_can_be_dragged(without_sides):
    reading = without_sides.portrait.reading
    drag = dragged(without_sides, (217, 300), (0, 5), reading, "one")
    assert drag.expression.space == without_sides.space == ACTION_UNITS
    assert without_sides.motion_map()["handles"]


def test_a_place_whose_group_has_no_control_has_none_in_the_motion_map(without_sides):
    fields, places = copy.copy(without_sides.fields), np.zeros((1, 2), np.float32)
    fields.influences = np.full_like(fields.influences, 0.3)  # too weak for the face: head
    assert strongest_control(fields, places).tolist() == [-1]
    fields.influences[..., 4] = 0.6
    assert strongest_control(fields, places).tolist() == [4]


def test_what_is_no_drag_raises_a_readable_error(calm):
    start = calm.reading
    for place in ((0.1, float("nan")), "here", (0.5,), None):
        with pytest.raises(InvalidValue, match="A place on the photo must be two finite"):
            calm.drag(start, place, (0.5, 0.5))
        with pytest.raises(InvalidValue, match="A place on the photo must be two finite"):
            calm.reset(start, place)
    with pytest.raises(InvalidValue, match="sides or \"one\", not 'left'"):
        calm.drag(start, (0.5, 0.5), (0.5, 0.6), "left")


def test_generators_that_repaint_raise_a_readable_error(animator):
    generator = build_generator(
        GeneratorConfig(architecture="resnet", condition_dim=17, width=8, depth=1, image_size=32)
    ).eval()
    other = type(animator)(
        Checkpoint(generator, ACTION_UNITS, {}),
        reader=animator.reader,
        finder=animator.finder,
        aligner=animator.aligner,
        device=animator.device,
    )
    photo = np.zeros((64, 64, 3), np.uint8)
    portrait = other.encode(Portrait(photo, np.eye(2, 3) / 32, ""))
    with pytest.raises(Problem, match="repaints faces"):
        Manipulation(other, portrait)
