import cv2
import numpy as np
import pytest

from moodganimation.faces.alignment import apply_offset
from moodganimation.faces.detection import FIVE_POINTS, crop_from_points
from moodganimation.faces.portrait import Portrait, square_crop


@pytest.fixture
def scene(photo) -> Portrait:
    return Portrait(photo, square_crop((225.0, 110.0), 150.0, 0.2), "by hand")


def nothing(size=128):
    zeros = [np.zeros((size, size, *channels)) for channels in ((), (3,), (2,), ())]
    return zeros[0] + 1, *zeros[1:]


def test_square_crop_has_its_side_and_corners(scene):
    assert scene.side == pytest.approx(150)
    sides = np.linalg.norm(np.diff(scene.corners, axis=0), axis=1)
    np.testing.assert_allclose(sides, 150)
    np.testing.assert_allclose(scene.corners.mean(0), (225, 110))


def test_roll_rotates_the_crop_clockwise(photo):
    top_left, top_right, *_ = Portrait(photo, square_crop((225, 110), 150, 0.2), "").corners
    assert np.arctan2(*(top_right - top_left)[::-1]) == pytest.approx(0.2)


def test_paste_with_attention_1_returns_the_photo_bit_for_bit(scene):
    np.testing.assert_array_equal(scene.paste(*nothing()), scene.photo)


def test_paste_changes_no_pixel_outside_the_box(scene):
    attention, color, motion, light = nothing()
    result = scene.paste(0 * attention, color + 0.6, motion + 0.1, light + 0.2)
    changed = np.argwhere((result != scene.photo).any(2))
    x0, y0, x1, y1 = scene.box
    assert len(changed) > 5000
    assert (changed >= (y0, x0)).all() and (changed < (y1, x1)).all()


def test_color_is_pasted_at_its_place_in_the_photo(photo):
    portrait = Portrait(photo, square_crop((255.5, 255.5), 256), "")
    attention, color, motion, light = nothing()
    color[40:60, 70:90] = 250 / 127.5 - 1
    attention[40:60, 70:90] = 0
    result = portrait.paste(attention, color, motion, light)
    painted = np.argwhere((result != photo).any(2))
    centre = painted.mean(0)[::-1]  # cell 79.5, 49.5 of 128 over 256 pixels from 127.5
    np.testing.assert_allclose(centre, (128 + 160 - 0.5, 128 + 100 - 0.5), atol=1)
    assert result[128 + 100, 128 + 160].tolist() == [250, 250, 250]


def test_paint_leaves_16_bit_pixels_around_it_in_the_box_exactly_as_they_are():
    photo = np.full((512, 512, 3), 65535, np.uint16)
    photo[:, ::3] = 50001
    portrait = Portrait(photo, square_crop((255.5, 255.5), 256), "")
    attention, color, motion, light = nothing()
    attention[40:60, 70:72] = attention[40:42, 70:90] = 0
    attention[58:60, 70:90] = attention[40:60, 88:90] = 0  # a frame; its inside is not painted
    result = portrait.paste(attention, color, motion, light)
    x, y = np.array([128 + 2 * 80, 128 + 2 * 50])  # its center [px]; cells are 2 px
    inside = np.s_[y - 4 : y + 4, x - 4 : x + 4]
    np.testing.assert_array_equal(result[inside], photo[inside])
    assert (result[y, x - 18] == 32768).all()


def test_motion_warps_the_photos_own_pixels(photo):
    portrait = Portrait(photo, square_crop((255.5, 255.5), 256), "")
    attention, color, motion, light = nothing()
    motion[..., 0] = 10 / 128  # ten pixels to the right
    result = portrait.paste(attention, color, motion, light)
    middle = np.s_[220:290, 220:290]
    np.testing.assert_allclose(
        result[middle].astype(int), photo[220:290, 230:300].astype(int), atol=2
    )


def test_light_changes_brightness_by_its_share(photo):
    portrait = Portrait(photo, square_crop((255.5, 255.5), 256), "")
    *others, light = nothing()
    result = portrait.paste(*others, light - 0.25)
    middle = np.s_[220:290, 220:290]
    np.testing.assert_allclose(result[middle], 0.75 * photo[middle], atol=0.51)


def test_small_crop_averages_the_photo(photo):
    fine = np.uint8(np.indices((800, 800)).sum(0) % 2 * 255)
    portrait = Portrait(np.repeat(fine[..., None], 3, 2), square_crop((399.5, 399.5), 640), "")
    face = portrait.face(128).astype(int)
    assert np.abs(face - 127.5).max() < 3


def test_downscaled_portrait_has_the_same_face(photo, scene):
    small = scene.downscaled(200)
    assert max(small.photo.shape) == 200
    difference = small.face(64).astype(int) - scene.face(64)
    assert np.abs(difference).mean() < 4
    np.testing.assert_allclose(small.corners, (scene.corners + 0.5) * 200 / 512 - 0.5, atol=1e-6)


def test_crop_has_no_offset_against_the_photo(photo):
    marked = np.zeros_like(photo)
    cv2.circle(marked, (240, 130), 5, (255, 255, 255), -1)
    portrait = Portrait(marked, square_crop((225, 110), 150, 0.2), "")
    y, x = np.argwhere(portrait.face(128)[..., 0] > 128).mean(0)
    seen = portrait.to_face @ (240, 130, 1)
    np.testing.assert_allclose(((x + 0.5) / 64 - 1, (y + 0.5) / 64 - 1), seen, atol=0.01)


def test_crop_may_extend_beyond_the_photo(photo):
    portrait = Portrait(photo, square_crop((10, 10), 300), "")
    assert portrait.face(64).shape == (64, 64, 3)
    result = portrait.paste(np.zeros((128, 128)), *nothing()[1:])
    assert result.shape == photo.shape and (result != photo).any()


def test_five_points_of_the_template_give_the_canonical_crop():
    place = square_crop((300, 200), 180, 0.3)
    points = (FIVE_POINTS - place[:, 2]) @ np.linalg.inv(place[:, :2]).T
    np.testing.assert_allclose(crop_from_points(points), place, atol=1e-9)


def test_apply_offset_moves_a_crop_by_the_offset():
    coarse = square_crop((300, 200), 180, 0.1)
    centre = (np.array([0.2, -0.1]) - coarse[:, 2]) @ np.linalg.inv(coarse[:, :2]).T
    wanted = square_crop(centre, 180 * np.exp(0.3), 0.1 + 0.25)
    np.testing.assert_allclose(apply_offset(coarse, (0.2, -0.1, 0.3, 0.25)), wanted, atol=1e-9)


def test_paste_of_a_crop_at_or_beyond_the_border():
    photo = np.zeros((200, 300, 3), np.uint8)
    attention, color, motion, light = nothing()
    for roll in np.linspace(-3, 3, 9):
        for x, y in ((-190.8, -128.4), (480, 90), (150, 380), (-60, 100)):
            portrait = Portrait(photo, square_crop((x, y), 345.8, roll), "by hand")
            result = portrait.paste(0 * attention, color, motion + 0.1, light + 0.2)
            assert result.shape == photo.shape
