"""Rotated photos, lying faces, and mouths covered by masks and hands."""

import cv2
import numpy as np
import pytest
import torch

from moodganimation.animator import INSPECTOR, Animator
from moodganimation.cli.commands import main
from moodganimation.demo.api import API
from moodganimation.errors import NotACheckpoint
from moodganimation.faces.detection import HaarFinder, crop_from_box
from moodganimation.faces.inspection import Inspector, inspect_crops, load_inspector
from moodganimation.faces.portrait import Portrait, center_side_roll, square_crop
from moodganimation.faces.search import find_faces, rotate_photo, rotate_upright
from moodganimation.media.images import read_image, write_image
from moodganimation.media.video_reader import open_film
from moodganimation.recipe import FacePlace
from moodganimation.video.editing import edit_video, offset_by
from training.common import inspector as training
from training.data import occlusion

from .conftest import ASSETS, PHOTO
from .test_films import filmed

PEOPLE = ("astronaut", "portrait-calm", "portrait-dark", "portrait-narrow")
SMILE = {"AU12": 1.0, "AU25": 0.8, "AU26": 0.6, "AU01": 0.9, "AU02": 0.9}


def person(name: str) -> np.ndarray:
    """A photo with room around the face."""
    photo = read_image(ASSETS / f"{name}.png")
    if name == "astronaut":
        return photo
    small = cv2.resize(photo, (256, 256), interpolation=cv2.INTER_AREA)
    return cv2.copyMakeBorder(small, *[64] * 4, cv2.BORDER_REPLICATE)


def rotated(photo: np.ndarray, degrees: float, scale: float = 0.9) -> np.ndarray:
    """The photo rotated clockwise about its center."""
    height, width = photo.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2 - 0.5, height / 2 - 0.5), -degrees, scale)
    return cv2.warpAffine(photo, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)


def difference(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(np.float32(one) - np.float32(other)).mean())


# ---- Rotated photos ----


@pytest.mark.parametrize("quarters", [1, 2, 3])
@pytest.mark.parametrize("name", PEOPLE)
def test_edit_of_a_rotated_photo_equals_that_of_the_upright_one(animator, name, quarters):
    photo = person(name)
    turned = np.ascontiguousarray(np.rot90(photo, quarters))
    upright, portrait = animator.locate(photo), animator.locate(turned)
    assert upright.roll_degrees == 0 and not upright.notes
    assert portrait.roll_degrees == 360 - 90 * quarters
    assert f"rotated {portrait.roll_degrees} degrees" in str(portrait.notes[0])
    assert difference(upright.face(64), portrait.face(64)) < 6  # eyes above mouth
    wanted = animator.edit(upright, upright.reading.replace(**SMILE)).image
    image = animator.edit(portrait, portrait.reading.replace(**SMILE)).image
    assert image.shape == turned.shape
    x0, y0, x1, y1 = portrait.box
    changed = (image != turned).any(2)
    assert changed.sum() > 500
    changed[y0:y1, x0:x1] = False
    assert not changed.any()
    assert difference(np.rot90(image, -quarters), wanted) < 3


def test_reading_of_a_rotated_photo_equals_that_of_the_upright_one(animator, photo, portrait):
    turned = animator.locate(np.ascontiguousarray(np.rot90(photo)))
    np.testing.assert_allclose(turned.reading.vector(), portrait.reading.vector(), atol=0.25)


@pytest.mark.parametrize("degrees", [-40, -20, 20, 40])
def test_tilted_head_has_no_roll_degrees(animator, degrees):
    portrait = animator.locate(rotated(person("portrait-dark"), degrees))
    assert portrait.roll_degrees == 0
    assert np.degrees(center_side_roll(portrait.to_face)[3]) == pytest.approx(degrees, abs=6)


@pytest.mark.parametrize("degrees", [60, 75, -70, 130, -155])
def test_lying_face_is_found_at_its_angle(animator, degrees):
    portrait = animator.locate(rotated(person("portrait-narrow"), degrees))
    assert (portrait.roll_degrees - degrees + 180) % 360 - 180 == pytest.approx(0, abs=12)
    assert portrait.side == pytest.approx(0.9 * 256, rel=0.12)


def test_rotated_grey_photo_has_its_angle(animator):
    grey = np.repeat(person("portrait-calm").mean(2, keepdims=True).astype(np.uint8), 3, 2)
    assert animator.locate(np.ascontiguousarray(np.rot90(grey, 2))).roll_degrees == 180


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_box_by_hand_around_a_rotated_face_sets_it_upright(animator, photo, portrait, quarters):
    turned, to_turned = rotate_photo(photo, quarters)
    x0, y0, x1, y1 = portrait.box
    corners = np.array([(x0 + 12, y0 + 14, 1), (x1 - 14, y1 - 8, 1)]) @ to_turned.T
    by_hand = animator.locate(turned, (*corners.min(0), *corners.max(0)))
    assert by_hand.found_by == "box drawn by hand" and by_hand.roll_degrees == 360 - 90 * quarters
    assert difference(by_hand.face(64), portrait.face(64)) < 12


def test_lying_face_beside_an_upright_one_is_set_upright(animator, photo):
    lying = np.ascontiguousarray(np.rot90(photo))
    both = np.concatenate([photo, lying], 1)
    faces = [Portrait(both, face, "") for face in animator.find(both)]
    assert sorted(face.roll_degrees for face in faces) == [0, 270]
    for face in faces:
        (seen,) = inspect_crops(animator.inspector, both, [face.to_face])
        assert seen.upright


def test_cascade_finds_rotated_faces(animator):
    photo = np.ascontiguousarray(np.rot90(person("portrait-calm")))
    (face,) = find_faces(HaarFinder(), animator.inspector, photo)[:1]
    assert Portrait(photo, face, "").roll_degrees == 270


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_matrix_of_rotate_photo_maps_pixels(quarters):
    photo = np.random.default_rng(0).integers(0, 255, (20, 30, 3)).astype(np.uint8)
    turned, to_turned = rotate_photo(photo, quarters)
    for x, y in ((0, 0), (29, 3), (11, 19)):
        u, v = (to_turned @ (x, y, 1)).astype(int)
        assert (turned[v, u] == photo[y, x]).all()


def test_upside_down_crop_is_set_upright_or_dropped(animator, photo, portrait):
    x, y, side, roll = center_side_roll(portrait.to_face)
    wrong = square_crop((x, y), side, roll + np.pi)
    assert inspect_crops(animator.inspector, photo, [wrong])[0].rotated
    found = find_faces(lambda _: [wrong], animator.inspector, photo)
    assert np.cos(center_side_roll(found[0])[3] - roll) > 0.95
    blank = np.full_like(photo, 128)
    assert rotate_upright(animator.inspector, blank, wrong) is None


def test_finder_is_called_once_for_an_upright_photo(animator, photo):
    looks = []

    def finder(picture):
        looks.append(picture.shape)
        return animator.finder(picture)

    assert len(find_faces(finder, animator.inspector, photo)) == 1 and len(looks) == 1


def test_recipe_of_a_rotated_photo_gives_the_same_portrait(animator, photo):
    turned = np.ascontiguousarray(np.rot90(photo))
    portrait = animator.locate(turned)
    again = FacePlace.of(portrait).locate(animator, turned)
    assert again.roll_degrees == portrait.roll_degrees == 270
    np.testing.assert_allclose(again.to_face, portrait.to_face)


def test_video_without_its_rotation_tag_is_edited_with_a_note(animator, photo, tmp_path):
    lying = np.ascontiguousarray(np.rot90(photo[:256, 96:352]))
    film = open_film(filmed(tmp_path / "lying.mp4", [lying] * 4))
    done = edit_video(animator, film, tmp_path / "out.mp4", offset_by({"AU01": 0.8}))
    assert done.edited == 4
    assert any("turned by 270 degrees" in note and "4 of 4" in note for note in done.notes)


def test_command_line_prints_the_notes_of_a_portrait(tmp_path, photo, capsys):
    path, out = tmp_path / "turned.png", tmp_path / "out.png"
    write_image(path, np.ascontiguousarray(np.rot90(photo, 2)))
    assert main(["edit", str(path), "--set", "AU12=1", "--out", str(out)]) == 0
    assert "rotated 180 degrees" in capsys.readouterr().err
    assert read_image(out).shape == photo.shape


def test_api_returns_the_rotation_of_a_face(animator, tmp_path, photo):
    api = API(animator)
    write_image(tmp_path / "turned.png", np.ascontiguousarray(np.rot90(photo)))
    found = api.locate(str(tmp_path / "turned.png"))
    assert found["turned"] == 270 and len(found["notes"]) == 1 and not found["mouth_covered"]
    assert api.locate(str(PHOTO))["notes"] == []


# ---- Covered mouths ----


def crop(name: str) -> np.ndarray:
    return cv2.resize(read_image(ASSETS / f"{name}.png"), (288, 288), interpolation=cv2.INTER_AREA)


def with_mask(photo: np.ndarray, color, pattern=None) -> np.ndarray:
    """A portrait of 288 pixels behind a mask."""
    outline = [(60, 148), (144, 136), (228, 148), (222, 210), (180, 252), (108, 252), (66, 210)]
    cloth = np.full_like(photo, color)
    for place in range(0, 288, 24) if pattern is not None else ():
        cv2.line(cloth, (place, 0), (place, 288), pattern, 6)
    for y in (175, 200, 225):
        cv2.line(cloth, (0, y), (288, y), tuple(int(0.85 * n) for n in color), 2)
    mask = cv2.fillPoly(np.zeros(photo.shape[:2], np.uint8), [np.array(outline)], 1)
    return np.where(mask[..., None] > 0, cloth, photo)


def with_hand(photo: np.ndarray) -> np.ndarray:
    """A portrait of 288 pixels behind fingers of the skin's own color."""
    skin, photo = photo[88:100, 130:158].mean((0, 1)), photo.copy()
    cv2.ellipse(photo, (20, 210), (75, 55), 0, 0, 360, (0.9 * skin).tolist(), -1)
    for finger in range(4):
        y = 180 + 20 * finger
        cv2.line(photo, (40, y + 8), (200 - 5 * finger, y), (0.95 * skin).tolist(), 20)
        cv2.line(photo, (40, y + 18), (200, y + 10), (0.6 * skin).tolist(), 2)
    return photo


def with_microphone(photo: np.ndarray) -> np.ndarray:
    photo = photo.copy()
    cv2.circle(photo, (144, 208), 36, (40, 40, 44), -1)
    cv2.line(photo, (144, 220), (120, 288), (60, 60, 60), 26)
    return photo


HIDDEN = {
    "white mask": lambda photo: with_mask(photo, (236, 236, 238)),
    "blue mask": lambda photo: with_mask(photo, (150, 190, 215)),
    "black mask": lambda photo: with_mask(photo, (30, 30, 34)),
    "patterned mask": lambda photo: with_mask(photo, (200, 60, 80), (250, 230, 90)),
    "hand": with_hand,
    "microphone": with_microphone,
}


@pytest.mark.parametrize("thing", HIDDEN)
@pytest.mark.parametrize("name", ["portrait-calm", "portrait-dark"])
def test_covered_mouth_is_not_edited(animator, name, thing):
    photo = HIDDEN[thing](crop(name))
    portrait = animator.locate(photo)
    assert portrait.covered == 1 and "seems to be covered" in str(portrait.notes[-1])
    image = animator.edit(portrait, portrait.reading.replace(**SMILE)).image
    changed = (image != photo).any(2)
    assert changed[60:130].mean() > 0.05  # brows
    assert not changed[160:].any()  # from the nose down


def test_uncovered_mouths_do_not_count_as_covered(animator):
    for name in PEOPLE:
        photo = person(name)
        assert animator.locate(photo).covered == 0, name
        dim = np.uint8(0.2 * photo)
        assert animator.locate(dim).covered == 0, name
    glasses = crop("portrait-calm")
    for x in (100, 188):
        cv2.ellipse(glasses, (x, 110), (36, 26), 0, 0, 360, (15, 15, 18), -1)
    beard, rng = crop("portrait-narrow"), np.random.default_rng(0)
    lips = beard[192:216, 106:182].copy()
    for x, y in rng.normal((144, 225), (45, 20), (6000, 2)):
        if 180 < y < 270 and np.hypot(x - 144, y - 190) < 82:
            ends = (int(x), int(y)), (int(x + rng.normal(0, 2)), int(y + 6))
            cv2.line(beard, *ends, rng.uniform(25, 60, 3).tolist(), 1)
    beard[192:216, 106:182] = lips
    for photo in (glasses, beard):
        portrait = animator.locate(photo)
        assert portrait.covered == 0
        image = animator.edit(portrait, portrait.reading.replace(**SMILE)).image
        assert (image != photo).any(2)[190:230, 110:180].mean() > 0.5


def test_covered_mouth_and_edit_mask_combine(animator):
    photo = with_mask(crop("portrait-calm"), (236, 236, 238))
    portrait = animator.locate(photo)
    left = np.tile(np.float32(np.arange(64) < 32), (64, 1))
    image = animator.edit(portrait, portrait.reading.replace(**SMILE), left).image
    changed = (image != photo).any(2)
    assert changed[60:130, :130].any() and not changed[:, 165:].any() and not changed[160:].any()


def test_video_of_a_masked_face_is_edited_above_the_mask_with_a_note(animator, tmp_path):
    frame = with_mask(crop("portrait-dark"), (236, 236, 238))
    film = open_film(filmed(tmp_path / "mask.mp4", [frame] * 4))
    done = edit_video(animator, film, tmp_path / "out.mp4", offset_by(SMILE))
    assert "covered on 4 of 4 frames" in " ".join(done.notes)
    with_smile = list(open_film(done.path).frames())[1]
    assert difference(with_smile[170:], frame[170:]) < 3
    assert difference(with_smile[60:130], frame[60:130]) > 3


def test_api_returns_whether_a_mouth_is_covered(animator, tmp_path):
    write_image(tmp_path / "mask.png", with_mask(crop("portrait-calm"), (30, 30, 34)))
    found = API(animator).locate(str(tmp_path / "mask.png"))
    assert found["mouth_covered"] and "covered" in found["notes"][0]


# ---- The inspector ----


def test_animator_without_an_inspector_does_not_rotate_crops(animator, photo, portrait):
    plain = Animator(
        type(
            "Checkpoint", (), {"generator": animator.generator, "space": animator.space, "card": {}}
        ),
        reader=animator.reader,
        finder=animator.finder,
        aligner=animator.aligner,
        device=animator.device,
    )
    np.testing.assert_array_equal(plain.locate(photo).to_face, portrait.to_face)
    assert plain.locate(photo).covered == 0


def test_damaged_inspector_raises_not_a_checkpoint(tmp_path):
    path = tmp_path / "inspector.safetensors"
    path.write_bytes(INSPECTOR.read_bytes()[:5000])
    with pytest.raises(NotACheckpoint, match="install MoodGANimation again"):
        load_inspector(path)


def test_box_without_a_face_is_not_rotated(animator):
    blank = np.full((200, 300, 3), 128, np.uint8)
    assert rotate_upright(animator.inspector, blank, crop_from_box(50, 50, 150, 150)) is None
    assert animator.locate(blank, (50, 50, 150, 150)).roll_degrees == 0


def test_training_samples_have_the_true_roll():
    """A dark bar above the middle of the crop stands where the roll says."""
    picture = np.full((144, 144, 3), 200, np.uint8)
    picture[20:50, 60:84] = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        roll = rng.uniform(-np.pi, np.pi)
        side = training.WORKING_SIDE
        view = training._render_crop(
            rng, np.float32(cv2.resize(picture, (side, side))), roll, np.zeros(2), 1.0
        ).mean(2)
        middle = (training.SIZE - 1) / 2
        x, y = (
            (middle + 0.52 * middle * np.array([np.sin(roll), -np.cos(roll)])).round().astype(int)
        )
        assert view[y, x] < view.mean() - 5


def test_mouth_share_of_occluders_is_from_0_to_1():
    rng = np.random.default_rng(0)
    face = np.full((96, 96, 3), 128, np.float32)
    assert occlusion.mouth_share(np.ones((96, 96))) == 1
    assert occlusion.mouth_share(np.zeros((96, 96))) == 0
    for _ in range(20):
        picture, share = occlusion.occlude(rng, face, 255 * rng.random(face.shape), near_mouth=True)
        assert picture.shape == face.shape and 0 <= share <= 1
        assert np.isfinite(picture).all()


def test_inspector_training_reduces_the_loss(photo):
    torch.manual_seed(0)
    pictures = [cv2.resize(photo[40:200, 140:300], (144, 144))]
    samples = [training.draw_sample(pictures, np.random.default_rng(seed)) for seed in range(16)]
    assert {sample.covered for sample in samples} == {0.0, 1.0}
    inspector = Inspector()
    optimizer = torch.optim.Adam(inspector.parameters(), 1e-3)
    losses = []
    for _ in range(8):
        loss = training.inspector_loss(inspector, samples)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.8 * losses[0]
