import io
import time

import numpy as np
import pytest
from PIL import Image

from moodganimation.errors import UnreadableImage, Unwritable
from moodganimation.media.images import check_photo, read_image, read_photo, write_image
from moodganimation.media.jpeg import parse_segments
from moodganimation.media.provenance import EDITED

from .conftest import PHOTO
from .hostile import jpeg_with, passes, small

# EXIF orientation -> quarter turns to the left, and whether it is mirrored afterwards
TURNS = dict(
    zip(
        range(1, 9),
        [
            (0, False),
            (0, True),
            (2, False),
            (2, True),
            (3, True),
            (3, False),
            (1, True),
            (1, False),
        ],
        strict=True,
    )
)


@pytest.fixture
def picture() -> np.ndarray:
    y, x = np.mgrid[:40, :60]
    return np.uint8(np.stack([4 * x, 6 * y, 100 + 0 * x], -1))


def saved(image: Image.Image, path, **options):
    image.save(path, **options)
    return read_image(path)


def test_a_png_comes_back_as_it_was(picture, tmp_path):
    np.testing.assert_array_equal(saved(Image.fromarray(picture), tmp_path / "a.png"), picture)


def test_exif_orientation_is_applied(picture, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: show it a quarter to the right
    turned = saved(Image.fromarray(picture), tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(turned, np.rot90(picture, -1))


def test_a_damaged_exif_block_does_not_cost_the_photo(picture, tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(picture).save(path, exif=b"Exif\x00\x00II*\x00\xff\xff\xff\x7fnonsense")
    np.testing.assert_array_equal(read_image(path), picture)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "L", "1", "I;16"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_turned_upright(picture, tmp_path, mode, orientation):
    deep = Image.fromarray(np.uint16(picture[..., 0]) * 257)
    image = deep if mode == "I;16" else Image.fromarray(picture).convert(mode)
    upright, exif = saved(image, tmp_path / "a.png"), Image.Exif()
    exif[0x0112] = orientation
    turned = saved(image, tmp_path / "a.png", exif=exif)
    turns, mirrored = TURNS[orientation]
    wanted = np.rot90(upright, turns)
    np.testing.assert_array_equal(turned, wanted[:, ::-1] if mirrored else wanted)


def test_a_large_exif_block_is_ignored(picture, tmp_path):
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "x" * 200_000
    image = Image.fromarray(picture)
    for name in ("a.png", "a.webp"):
        options = {"lossless": True} if name.endswith("webp") else {}
        np.testing.assert_array_equal(saved(image, tmp_path / name, exif=exif, **options), picture)


def test_alpha_lies_on_white(picture, tmp_path):
    half = np.dstack([picture, np.full(picture.shape[:2], 128, np.uint8)])
    seen = saved(Image.fromarray(half), tmp_path / "a.png").astype(int)
    assert np.abs(seen - (picture * (128 / 255) + 255 * (127 / 255))).max() <= 1


def test_grey_and_palettes_become_rgb(picture, tmp_path):
    grey = saved(Image.fromarray(picture).convert("L"), tmp_path / "a.png")
    assert grey.shape == picture.shape
    assert (grey[..., :1] == grey).all()
    few = saved(Image.fromarray(picture).convert("P"), tmp_path / "b.png")
    assert few.shape == picture.shape


def test_sixteen_bits_become_eight(tmp_path):
    deep = (np.arange(40 * 60).reshape(40, 60) * 27).astype(np.uint16)
    seen = saved(Image.fromarray(deep), tmp_path / "a.png")
    assert np.abs(seen[..., 0].astype(float) - deep / 257).max() <= 0.51


@pytest.mark.parametrize(
    ("kind", "largest", "bits"), [(5, 65535, 16), (6, 65535, 16), (5, 4095, 12), (6, 255, 8)]
)
def test_the_bits_of_pgm_and_ppm_are_those_of_their_largest_value(kind, largest, bits):
    channels, dtype = 1 if kind == 5 else 3, ">u2" if largest > 255 else "u1"
    values = np.linspace(0, largest, 40 * 50 * channels).astype(dtype)
    photo = read_photo(b"P%d 50 40 %d\n" % (kind, largest) + values.tobytes())
    assert photo.bits == bits and bool(photo.loss_notes("a.png")) == (bits > 8)
    seen = photo.pixels[..., :channels].ravel().astype(float)
    assert np.abs(seen - values * (255 / largest)).max() <= 0.51


def test_cmyk_becomes_rgb(picture, tmp_path):
    seen = saved(Image.fromarray(picture).convert("CMYK"), tmp_path / "a.jpg", quality=98)
    assert np.abs(seen.astype(int) - picture).mean() < 6


def test_a_photo_from_memory_equals_one_from_disk():
    np.testing.assert_array_equal(read_image(PHOTO.read_bytes()), read_image(PHOTO))


def no_picture(path):
    path.write_text("I am a letter, not a face.")


def empty(path):
    path.write_bytes(b"")


def half_a_picture(path):
    path.write_bytes(PHOTO.read_bytes()[:20000])


def one_pixel(path):
    Image.new("RGB", (1, 1)).save(path, "JPEG")


def hundred_megapixels(path):
    Image.new("1", (10000, 10000)).save(path, "PNG")


def svg(path):
    path.write_text("<svg xmlns='http://www.w3.org/2000/svg' width='100' height='100'/>")


@pytest.mark.parametrize(
    "spoil, sentence",
    [
        (no_picture, "not a readable picture"),
        (empty, "not a readable picture"),
        (half_a_picture, "not a readable picture"),
        (svg, "not a readable picture"),
        (one_pixel, "too small"),
        (hundred_megapixels, "80 megapixels"),
    ],
)
def test_bad_files_are_refused_with_a_sentence(spoil, sentence, tmp_path):
    path = tmp_path / "face.jpg"
    spoil(path)
    with pytest.raises(UnreadableImage, match=sentence):
        read_image(path)


def test_a_missing_file_is_said_to_be_missing(tmp_path):
    with pytest.raises(UnreadableImage, match="There is no file"):
        read_image(tmp_path / "nobody.jpg")


@pytest.mark.parametrize(
    "array",
    [np.zeros((64, 64), np.uint8), np.zeros((64, 64, 4), np.uint8), np.zeros((64, 64, 3)), None],
)
def test_arrays_that_are_no_photos_are_refused(array):
    with pytest.raises(UnreadableImage):
        check_photo(array)


def test_written_pictures_say_that_they_are_edited(picture, tmp_path):
    for ending in ("png", "jpg", "webp"):
        path = tmp_path / f"a.{ending}"
        write_image(path, picture)
        assert Image.open(io.BytesIO(path.read_bytes())).getexif()[0x010E] == EDITED
    assert len(list(tmp_path.iterdir())) == 3


def test_nothing_is_written_where_nothing_can_be(picture, tmp_path):
    with pytest.raises(Unwritable, match="png"):
        write_image(tmp_path / "a.txt", picture)
    with pytest.raises(Unwritable, match="no folder"):
        write_image(tmp_path / "nowhere" / "a.png", picture)
    assert list(tmp_path.iterdir()) == []


def test_a_label_stands_in_a_corner_where_it_is_wanted(photo, tmp_path):
    write_image(tmp_path / "a.png", photo, label=True)
    write_image(tmp_path / "b.png", photo)
    changed = (read_image(tmp_path / "a.png") != photo).any(-1)
    rows, columns = np.nonzero(changed)
    assert rows.min() > 480 and columns.min() > 256 and changed.sum() > 500
    np.testing.assert_array_equal(read_image(tmp_path / "b.png"), photo)
    for side in (32, 64, 3000):  # wherever there is a picture, there is room
        write_image(tmp_path / "a.png", np.zeros((side, side, 3), np.uint8), label=True)
        assert read_image(tmp_path / "a.png").max() > 100


def test_photos_as_thin_as_a_line_are_refused(tmp_path):
    Image.new("1", (6400, 33)).save(tmp_path / "line.png")
    with pytest.raises(UnreadableImage, match="too narrow"):
        read_image(tmp_path / "line.png")


def test_what_phones_append_to_a_photo_is_not_counted_as_passes():
    rest = np.random.default_rng(1).bytes(6_000_000)
    assert rest.count(b"\xff\xda") > 50
    inside = b"\xff\xfe\xff\xff" + (b"\xff\xda" * 40_000)[: 0xFFFF - 2]
    for photo in (PHOTO.read_bytes(), jpeg_with(inside), passes(64, 30)):
        np.testing.assert_array_equal(read_image(photo + rest), read_image(photo))


@pytest.mark.parametrize("comment", [b"\xff\xd9", b"", b"\xff" * 3])
def test_no_comment_hides_passes(comment):
    comment = b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment
    for data in (jpeg_with(comment, data=passes(64, 60)), passes(64, 60, between=comment)):
        with pytest.raises(UnreadableImage):
            read_image(data)


@pytest.mark.slow
@pytest.mark.parametrize("filling", [b"\xff", b"\xff\x00", b"\xff\xfe\x00\x02", b"\xff\xd0", b"\0"])
def test_what_fills_a_jpeg_takes_no_time(filling):
    data = small("JPEG")[:-2] + filling * (20_000_000 // len(filling))
    began = time.perf_counter()
    assert parse_segments(data).too_complex == (filling[1:2] == b"\xfe")
    assert time.perf_counter() - began < 1
