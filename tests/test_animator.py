"""The shipped checkpoint on real photographs."""

import time

import cv2
import numpy as np
import pytest
import torch

from moodganimation.animation.easing import interpolate
from moodganimation.animator import DEFAULT_CHECKPOINT, Animator
from moodganimation.checkpoints.files import Checkpoint, build_generator, save_generator
from moodganimation.errors import (
    DeviceMissing,
    InvalidExpression,
    InvalidValue,
    NoFaceFound,
    NotACheckpoint,
    Problem,
    UnreadableImage,
)
from moodganimation.expressions.moods import mood_of
from moodganimation.expressions.presets import PRESETS
from moodganimation.expressions.spaces import (
    ACTION_UNITS,
    PAD,
    VALENCE_AROUSAL,
    Expression,
    space_named,
)
from moodganimation.faces.detection import (
    CenterFaceFinder,
    HaarFinder,
    LandmarkFinder,
    crop_from_points,
)
from moodganimation.faces.masks import half_face_mask
from moodganimation.media.images import read_image
from moodganimation.networks.base import GeneratorConfig
from moodganimation.networks.compositing import compose

from .conftest import ASSETS

FACES = sorted(ASSETS.glob("*.png"))


@pytest.fixture(scope="module")
def portraits(animator) -> list:
    return [animator.locate(read_image(path)) for path in FACES]


def flow(animator, portrait, **units) -> np.ndarray:
    """(128, 128, 2): where the photo's pixels went, in hundredths of the crop's side."""
    start = animator.encode(portrait, Expression.neutral(ACTION_UNITS))
    edit = animator.edit(start, Expression.of(ACTION_UNITS, **units)).edit
    return -50 * edit.motion[0].numpy().transpose(1, 2, 0)


def test_untouched_sliders_return_the_photo_bit_for_bit(animator, portraits):
    for portrait in portraits:
        frame = animator.edit(portrait, animator.read(portrait))
        np.testing.assert_array_equal(frame.image, portrait.photo)


def test_edit_changes_the_face_and_no_pixel_outside_its_box(animator, portraits):
    for portrait in portraits:
        target = 0.0 if portrait.reading["AU12"] > 0.5 else 1.0
        image = animator.edit(portrait, portrait.reading.replace(AU12=target)).image
        changed = (image != portrait.photo).any(2)
        x0, y0, x1, y1 = portrait.box
        assert changed[y0:y1, x0:x1].mean() > 0.03
        changed[y0:y1, x0:x1] = False
        assert not changed.any()


# Where on the canonical crop (rows, columns of 128) a unit moves things, and which way.
@pytest.mark.slow
@pytest.mark.parametrize(
    "unit, rows, columns, axis, sign",
    [
        ("AU26", (112, 120), (56, 72), 1, +1),  # the jaw goes down
        ("AU12", (86, 94), (40, 48), 1, -1),  # lip corners up ...
        ("AU12", (86, 94), (40, 48), 0, -1),  # ... and out
        ("AU01", (34, 40), (50, 58), 1, -1),  # inner brows up
        ("AU02", (34, 40), (30, 38), 1, -1),  # outer brows up
        ("AU04", (34, 40), (50, 58), 1, +1),  # brows down
        ("AU45", (43, 46), (40, 48), 1, +1),  # lids down
        ("AU15", (88, 94), (42, 50), 1, +1),  # lip corners down
    ],
)
def test_unit_moves_its_part_of_the_face(animator, portraits, unit, rows, columns, axis, sign):
    for portrait in portraits:
        moved = flow(animator, portrait, **{unit: 1.0})[slice(*rows), slice(*columns), axis]
        assert sign * moved.mean() > 0.25, unit


def test_motion_is_proportional_to_the_slider(animator, portraits):
    half, whole = (flow(animator, portraits[0], AU12=value) for value in (0.5, 1.0))
    assert np.linalg.norm(half) / np.linalg.norm(whole) == pytest.approx(0.5, abs=0.12)


def test_reader_reads_more_smile_in_a_smiling_face_than_in_a_calm_one(animator, portraits):
    read = {path.stem: p.reading["AU12"] for path, p in zip(FACES, portraits, strict=True)}
    assert read["astronaut"] > 0.4 > read["portrait-calm"]


def test_pictures_of_a_frame_have_shape_and_dtype(animator, portraits):
    frame = animator.edit(portraits[0], PRESETS["surprised"])
    for panel in (frame.face, frame.attention, frame.color, frame.motion):
        assert panel.dtype == np.uint8 and panel.shape == (256, 256, 3)
    assert frame.image.shape == portraits[0].photo.shape
    assert frame.attention.min() < 200  # something was painted in the opened mouth


def test_mood_changes_the_units_of_its_mapping(animator, portrait):
    sadder = mood_of(portrait.reading).replace(pleasure=-0.6)
    assert sadder.space == PAD
    assert (animator.edit(portrait, sadder).image != portrait.photo).any()


def test_frames_of_an_animation_are_edits(animator, portrait):
    way = interpolate(portrait.reading, PRESETS["sad"], 4)
    frames = list(animator.animate(portrait, way))
    np.testing.assert_array_equal(frames[0].image, portrait.photo)
    np.testing.assert_array_equal(frames[2].image, animator.edit(portrait, way[2]).image)
    rows = np.array([point.vector() for point in way])
    np.testing.assert_array_equal(next(animator.animate(portrait, rows[3:])).image, frames[3].image)


@pytest.mark.slow
def test_twelve_megapixels_are_edited_within_a_second(animator, photo):
    large = cv2.resize(photo[:384], (4000, 3000), interpolation=cv2.INTER_CUBIC)
    portrait, seconds = animator.locate(large), []
    for jaw in (0.5, 0.8, 1.0):
        began = time.perf_counter()
        image = animator.edit(portrait, portrait.reading.replace(AU26=jaw)).image
        seconds.append(time.perf_counter() - began)
    assert image.shape == large.shape and min(seconds) < 1


def test_editing_one_portrait_does_not_change_another(animator, portraits):
    before = animator.edit(portraits[0], PRESETS["happy"]).image
    animator.edit(portraits[1], PRESETS["sad"])
    np.testing.assert_array_equal(animator.edit(portraits[0], PRESETS["happy"]).image, before)


def test_tilted_and_small_faces_are_located(animator, photo, portrait):
    centre = np.linalg.solve(portrait.to_face[:, :2], -portrait.to_face[:, 2])
    matrix = cv2.getRotationMatrix2D((256, 256), 25, 0.6)
    turned = animator.locate(cv2.warpAffine(photo, matrix, (512, 512)))
    found = np.linalg.solve(turned.to_face[:, :2], -turned.to_face[:, 2])
    np.testing.assert_allclose(found, matrix @ [*centre, 1], atol=4)
    assert turned.side == pytest.approx(0.6 * portrait.side, rel=0.08)


def test_largest_of_several_faces_is_located(animator, photo):
    small = cv2.resize(photo, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    both = np.zeros((512, 768, 3), np.uint8)
    both[:256, :256], both[:, 256:] = small, photo
    portrait = animator.locate(both)
    assert "largest of 2 faces" in portrait.found_by
    assert portrait.box[0] > 256


def test_box_by_hand_gives_the_same_crop(animator, photo, portrait):
    x0, y0, x1, y1 = portrait.box
    by_hand = animator.locate(photo, (x0 + 12, y0 + 14, x1 - 14, y1 - 8))
    assert by_hand.found_by == "box drawn by hand"
    np.testing.assert_allclose(by_hand.corners, portrait.corners, atol=0.06 * portrait.side)


@pytest.mark.parametrize(
    "box",
    [(0, 0, 5, 5), (-1, 0, 90, 90), (90, 0, 10, 90), (0, 0, 9), "box", (0, 0, float("nan"), 80)],
)
def test_invalid_box_raises_no_face_found(animator, photo, box):
    with pytest.raises(NoFaceFound, match="box"):
        animator.locate(photo, box)


def test_noise_raises_no_face_found(animator):
    noise = np.random.default_rng(0).integers(0, 255, (300, 300, 3)).astype(np.uint8)
    with pytest.raises(NoFaceFound, match="draw a box"):
        animator.locate(noise)


def test_array_that_is_no_photo_raises_unreadable_image(animator):
    with pytest.raises(UnreadableImage):
        animator.locate(np.zeros((64, 64), np.uint8))


def test_trajectory_with_a_wrong_number_of_axes_raises_invalid_expression(animator, portrait):
    with pytest.raises(InvalidExpression):
        next(animator.animate(portrait, np.zeros((4, 5))))


def test_cascade_finds_the_same_face_as_center_face(photo, animator, portrait):
    assert CenterFaceFinder.name in portrait.found_by
    fallback = Animator.load(device="cpu", finder=HaarFinder()).locate(photo)
    assert fallback.found_by == HaarFinder.name
    np.testing.assert_allclose(fallback.corners, portrait.corners, atol=0.08 * portrait.side)


def test_landmark_finder_uses_any_landmarker(photo, portrait):
    points = np.zeros((68, 2))
    five = (
        np.array([(-0.3, -0.26), (0.3, -0.26), (0, 0.14), (-0.26, 0.41), (0.27, 0.41)])
        - portrait.to_face[:, 2]
    ) @ np.linalg.inv(portrait.to_face[:, :2]).T
    points[36:42], points[42:48], points[30], points[48], points[54] = five
    finder = LandmarkFinder(lambda picture: [points], "test points")
    assert finder.name == "test points"
    (found,) = finder(photo)
    np.testing.assert_allclose(found, crop_from_points(five))
    np.testing.assert_allclose(found, portrait.to_face, atol=0.2)


@pytest.mark.parametrize("space", [ACTION_UNITS, PAD])
def test_resnet_checkpoint_edits_with_the_shipped_reader(tmp_path, photo, portrait, space):
    config = GeneratorConfig(
        architecture="resnet", condition_dim=len(space.axes), image_size=64, width=8, depth=1
    )
    path = tmp_path / "resnet.safetensors"
    save_generator(path, build_generator(config), space, {"name": "seed"})
    animator = Animator.load(path, device="cpu")
    mine = animator.locate(photo)
    assert mine.reading == portrait.reading
    np.testing.assert_array_equal(animator.edit(mine, mine.reading).image, photo)
    assert (animator.edit(mine, PRESETS["happy"]).image != photo).any()


def network(animator, architecture: str, space) -> Animator:
    """The shipped animator with fresh weights of another generator."""
    config = GeneratorConfig(
        architecture=architecture, condition_dim=len(space.axes), image_size=32, width=4, depth=2
    )
    torch.manual_seed(0)
    return Animator(
        Checkpoint(build_generator(config).eval(), space, {}),
        reader=animator.reader,
        finder=animator.finder,
        aligner=animator.aligner,
        device=animator.device,
    )


def test_recurrent_generator_keeps_its_state_over_a_clip(animator, photo):
    remembering = network(animator, "convgru_unet", VALENCE_AROUSAL)
    portrait = remembering.locate(photo)
    way = [Expression(VALENCE_AROUSAL, row) for row in ((0.5, 0.5), (0.5, 0.5), (-1, 0))]
    frames = list(remembering.animate(portrait, way))
    assert (frames[0].edit.composite != frames[1].edit.composite).any()
    state = None
    with torch.inference_mode():
        for point, frame in zip(way, frames, strict=True):
            condition = torch.tensor([point.values])
            edit, state = remembering.generator(portrait.encoding, condition, state)
            torch.testing.assert_close(frame.edit.composite, edit.composite)
    again = remembering.edit(portrait, way[0])  # a new clip begins without a memory
    torch.testing.assert_close(again.edit.composite, frames[0].edit.composite)


@pytest.mark.parametrize("architecture", ["resnet", "convgru_unet"])
def test_feed_generated_starts_from_the_last_composite(animator, photo, architecture):
    repainting = network(animator, architecture, VALENCE_AROUSAL)
    portrait = repainting.locate(photo)
    way = np.array([[0.5, 0.5], [0.9, -0.4], [-1, 0]])
    fresh = list(repainting.animate(portrait, way))
    fed = list(repainting.animate(portrait, way, feed="generated"))
    torch.testing.assert_close(fed[0].edit.composite, fresh[0].edit.composite)
    assert (fed[1].edit.composite != fresh[1].edit.composite).any()
    source, state = portrait.encoding, None
    for row, frame in zip(way, fed, strict=True):
        with torch.inference_mode():
            edit, state = repainting.generator(source, torch.tensor(row).float()[None], state)
        torch.testing.assert_close(frame.edit.composite, edit.composite)
        torch.testing.assert_close(frame.edit.attention, edit.attention)  # of this step alone
        source = edit.composite
        # what is pasted into the photo makes the same face, from the photo's own pixels
        whole = compose(portrait.encoding, *frame.total[1:5])
        torch.testing.assert_close(whole.composite, edit.composite, atol=1e-4, rtol=0)
    assert (fed[2].image != fresh[2].image).any()


def test_feed_generated_with_a_mask_keeps_the_last_step_consistent_with_the_picture(
    animator, photo
):
    repainting = network(animator, "resnet", VALENCE_AROUSAL)
    portrait = repainting.locate(photo)
    way = np.array([[0.5, 0.5], [0.9, -0.4], [-1, 0]])
    mask = np.zeros((32, 32), np.float32)
    mask[:, :16] = 1
    plain = list(repainting.animate(portrait, way, feed="generated"))
    masked = list(repainting.animate(portrait, way, feed="generated", where=mask))
    for one, other in zip(masked, plain, strict=True):
        found, wanted = one.edit.composite, other.edit.composite
        torch.testing.assert_close(found, one.total.composite)
        torch.testing.assert_close(found[..., :16], wanted[..., :16], atol=1e-4, rtol=0)
        torch.testing.assert_close(found[..., 16:], portrait.encoding[..., 16:])
        attention = one.edit.attention  # of this step alone
        torch.testing.assert_close(attention[..., :16], other.edit.attention[..., :16])
    assert (masked[2].edit.composite != masked[1].edit.composite).any()


def test_feed_generated_with_warp_raises_problem(animator, portrait):
    with pytest.raises(Problem, match="warp generator"):
        next(animator.animate(portrait, [PRESETS["happy"]], feed="generated"))


@pytest.mark.slow
def test_unnamed_axes_start_at_zero_and_are_not_converted(animator, photo):
    nameless = network(animator, "convgru_unet", space_named("c4"))
    nameless.warm_up()
    portrait = nameless.locate(photo)
    assert nameless.read(portrait) == animator.locate(photo).reading
    start = nameless.start(portrait)
    assert start.values == (0, 0, 0, 0)
    assert (nameless.edit(portrait, start).image != photo).any()  # it is not the photo's
    changed = nameless.edit(portrait, start.replace(c2=1)).edit.composite
    assert (changed != nameless.edit(portrait, start).edit.composite).any()
    for point in (PRESETS["happy"], Expression.of(PAD, pleasure=1)):
        with pytest.raises(InvalidExpression, match="c0 to c3"):
            nameless.edit(portrait, point)
    with pytest.raises(InvalidExpression, match="c0 to c3"):
        animator.edit(animator.locate(photo), start)


def test_mood_generator_starts_at_the_mood_of_the_photo(animator, photo, portrait):
    moody = network(animator, "convgru_unet", VALENCE_AROUSAL)
    mine = moody.locate(photo)
    assert moody.start(mine) == mood_of(portrait.reading, VALENCE_AROUSAL)
    np.testing.assert_array_equal(moody.edit(mine, moody.start(mine)).image, photo)
    wish = Expression(PAD, (0.3, -0.4, 0.9))  # dominance is not among its axes
    same = moody.edit(mine, Expression(VALENCE_AROUSAL, (0.3, -0.4)))
    torch.testing.assert_close(moody.edit(mine, wish).edit.composite, same.edit.composite)


def test_missing_device_and_checkpoint_raise_readable_errors(tmp_path):
    with pytest.raises(DeviceMissing, match="try cpu"):
        Animator.load(device="tpu9")
    with pytest.raises(NotACheckpoint, match="no checkpoint"):
        Animator.load(tmp_path / "none.safetensors")


def test_detail_for_a_generator_without_folds_raises_invalid_value(animator):
    other = animator.with_checkpoint(DEFAULT_CHECKPOINT.parent / "ganimation.safetensors")
    assert other.with_detail(1).detail == 1
    with pytest.raises(InvalidValue, match="The model ganimation renders no skin folds"):
        other.with_detail(0.5)


def test_mask_of_one_half_limits_an_edit_to_it(animator, portrait):
    asked = portrait.reading.replace(AU45=1.0, AU12=0.9)
    whole = animator.edit(portrait, asked).image.astype(int)
    wink = animator.edit(portrait, asked, where=half_face_mask(64, "left")).image.astype(int)
    x = portrait.to_face[0] @ np.stack(
        [*np.indices(portrait.photo.shape[:2])[::-1], np.ones(portrait.photo.shape[:2])]
    ).reshape(3, -1)
    left = (x > 0.15).reshape(portrait.photo.shape[:2])  # the person's left is on the right
    right = (x < -0.15).reshape(portrait.photo.shape[:2])
    np.testing.assert_array_equal(wink[right], portrait.photo[right])
    changed = np.abs(whole - portrait.photo)[left].mean()
    assert np.abs(wink - whole)[left].mean() < 0.2 * changed and changed > 0.1


def test_photo_is_unchanged_where_the_mask_is_0(animator, portrait):
    asked = portrait.reading.replace(AU26=1.0)
    image = animator.edit(portrait, asked, where=np.zeros((8, 8))).image
    np.testing.assert_array_equal(image, portrait.photo)
    for wrong in (np.zeros((8, 8, 3)), np.full((8, 8), np.nan), np.full((8, 8), 2.0)):
        with pytest.raises(Problem, match="mask"):
            animator.edit(portrait, asked, where=wrong)
