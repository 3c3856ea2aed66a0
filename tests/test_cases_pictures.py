"""Any photo: formats, transparency, depth, color, details, and files that links lead to."""

import base64
import io
import os
import struct

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms

from moodganimation.animation.timeline import Timeline
from moodganimation.cli import batch
from moodganimation.errors import UnreadableImage, Unwritable
from moodganimation.files.atomic import atomic_write, resolve_target
from moodganimation.frame import portrait_for_file
from moodganimation.media import decoding
from moodganimation.media.formats import READABLE_ENDINGS
from moodganimation.media.images import Photo, read_image, read_photo, write_image
from moodganimation.media.metadata import read_recipe_text
from moodganimation.media.photo_metadata import PhotoMetadata
from moodganimation.media.pixels import apply_orientation, fill_hidden_colors
from moodganimation.media.profiles import adobe_rgb, to_srgb
from moodganimation.media.video_writer import write_animation
from moodganimation.video.reenactment import write_curves

from . import heif
from .conftest import PHOTO
from .hostile import chunk, jpeg_segment, jpeg_with
from .visits import Visit

Y, X = np.mgrid[:96, :128]
PICTURE = np.uint8(np.stack([X * 2, Y * 2, X + Y], -1))
DEEP = np.uint16(np.stack([X * 500 + Y, Y * 600 + 7, (X + Y) * 250 + 3], -1))
ALPHA = np.uint8(np.clip((X - 20) * 6, 0, 255))


def saved(image: Image.Image, format: str, **options) -> bytes:
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def close(one: np.ndarray, other: np.ndarray, most=4) -> bool:
    return one.shape == other.shape and np.abs(one.astype(int) - other).max() <= most


@pytest.fixture(scope="module")
def frame(animator, portrait):
    return animator.edit(portrait, portrait.reading.replace(AU12=1.0, AU26=1.0))


# ---- HEIC ----


@pytest.mark.parametrize("brand", [b"heic", b"mif1", b"heix"])
def test_heic_is_read_by_its_content(brand, tmp_path):
    path = tmp_path / "wrong.jpg"
    path.write_bytes(heif.heic(heif.coded(PICTURE), brand=brand))
    assert close(read_image(path), PICTURE)


@pytest.mark.parametrize("quarters", range(4))
def test_heic_is_turned_once_whatever_exif_says(quarters):
    block = Image.Exif()
    block[0x0112] = 6
    data = heif.heic(heif.coded(PICTURE, heif.turned(quarters)), heif.exif(block.tobytes()))
    assert close(read_image(data), np.rot90(PICTURE, quarters))


def test_transparency_of_heic_is_kept_and_depth_maps_are_not_transparency():
    photo = read_photo(heif.heic(heif.coded(PICTURE), heif.extra(ALPHA, heif.ALPHA)))
    assert close(photo.alpha, ALPHA, 3) and close(photo.color, PICTURE)
    assert read_photo(heif.heic(heif.coded(PICTURE), heif.extra(ALPHA, heif.DEPTH))).alpha is None


def test_tiles_of_heic_are_put_together_and_the_primary_picture_is_taken():
    left, right = (heif.coded(PICTURE[:64, side], hidden=True) for side in (np.s_[:64], np.s_[64:]))
    data = heif.heic(left, right, heif.grid(1, 2, 128, 64, [1, 2]), primary=3)
    assert close(read_image(data), PICTURE[:64])
    data = heif.heic(heif.coded(PICTURE[::-1].copy()), heif.coded(PICTURE), primary=2)
    assert close(read_image(data), PICTURE)


def test_colors_of_heic_are_converted_and_ten_bits_are_told(tmp_path):
    data = heif.heic(heif.coded(PICTURE, heif.profile(adobe_rgb())))
    expected = np.asarray(to_srgb(Image.fromarray(PICTURE), adobe_rgb()))
    error, unconverted = (
        np.abs(read_image(data).astype(int) - x).mean() for x in (expected, PICTURE)
    )
    assert error < 2 < unconverted / 2  # single pixels differ by more: the encoder is lossy
    photo = read_photo(heif.heic(heif.coded(DEEP)))
    assert photo.bits == 10 and "10 bits" in photo.loss_notes(tmp_path / "a.png")[0]


def test_damaged_heic_is_refused_with_a_sentence_that_names_it():
    data = heif.heic(heif.coded(PICTURE))
    for broken in (data[:200], data[: len(data) // 2], data[:88], data.replace(b"hvcC", b"hvcX")):
        with pytest.raises(UnreadableImage, match="HEIC can be read"):
            read_image(broken)


def test_a_sequence_in_heic_comes_to_a_picture_or_a_sentence():
    data = heif.heic(heif.coded(PICTURE), brand=b"msf1").replace(b"mif1", b"hevc")
    assert close(read_image(data), PICTURE)
    with pytest.raises(UnreadableImage):
        read_image(heif.box(b"ftyp", b"hevc", bytes(4), b"msf1") + heif.box(b"moov", bytes(64)))


def test_a_heic_that_is_too_large_is_not_decoded():
    item = heif.coded(PICTURE)
    item.properties = [p for p in item.properties if p[4:8] != b"ispe"] + [heif.size(9000, 9000)]
    with pytest.raises(UnreadableImage):
        read_image(heif.heic(item))
    tiles = [heif.coded(PICTURE[:64, :64], hidden=True)]
    with pytest.raises(UnreadableImage, match="80 megapixels"):
        read_image(heif.heic(*tiles, heif.grid(1, 1, 20_000, 5_000, [1]), primary=2))


def test_a_decoder_that_is_missing_or_hangs_is_told(monkeypatch, tmp_path):
    data = heif.heic(heif.coded(PICTURE))
    program = tmp_path / "decoder.py"
    monkeypatch.setattr(decoding, "DECODER_PROGRAM", program)
    program.write_text('print(\'{"missing": "pi_heif"}\')')
    with pytest.raises(UnreadableImage, match="install the package pi-heif"):
        read_image(data)
    program.write_text('print(\'{"size": [128, 96], "mode": "RGB", "bits": 8,')
    with pytest.raises(UnreadableImage):
        read_image(data)
    monkeypatch.setattr(decoding, "TIMEOUT", 0.2)
    program.write_text("while True: pass")
    with pytest.raises(UnreadableImage):
        read_image(data)


def test_the_decoder_may_take_little_memory_and_write_nothing(monkeypatch, tmp_path):
    source = decoding.DECODER_PROGRAM.read_text()
    write = f"import os; os.write(os.open({str(tmp_path / 'x')!r}, os.O_CREAT | os.O_WRONLY), b'x')"
    for attempt in ("bytearray(3 * 10**9)", write):
        program = tmp_path / "decoder.py"
        program.write_text(source.replace("    import pi_heif\n", f"    {attempt}\n    1 / 0\n"))
        monkeypatch.setattr(decoding, "DECODER_PROGRAM", program)
        with pytest.raises(UnreadableImage) as refused:
            read_image(heif.heic(heif.coded(PICTURE)))
        assert "ZeroDivision" not in str(refused.value.__cause__)
    assert not (tmp_path / "x").exists() or (tmp_path / "x").stat().st_size == 0


# ---- AVIF ----


def test_avif_is_read_turned_and_keeps_its_transparency():
    image = Image.fromarray(PICTURE)
    assert close(read_image(saved(image, "AVIF", quality=100, subsampling="4:4:4")), PICTURE, 6)
    block = Image.Exif()
    block[0x0112] = 6
    turned = read_image(saved(image, "AVIF", quality=100, subsampling="4:4:4", exif=block))
    assert close(turned, np.rot90(PICTURE, -1), 6)
    image.putalpha(Image.fromarray(ALPHA))
    assert close(read_photo(saved(image, "AVIF", quality=100)).alpha, ALPHA, 2)


def test_a_large_avif_is_not_decoded_and_more_bits_are_told(tmp_path):
    data = saved(Image.fromarray(PICTURE), "AVIF")
    at = data.index(b"ispe") + 8
    with pytest.raises(UnreadableImage):
        read_image(data[:at] + struct.pack(">II", 20_000, 20_000) + data[at + 8 :])
    at = data.index(b"av1C") + 6
    assert decoding.avif_bit_depth(data[:at] + bytes([data[at] | 0x40]) + data[at + 1 :]) == 10
    assert decoding.avif_bit_depth(data) == 8


# ---- JPEG ----


def photo_jpeg(**options) -> bytes:
    return saved(Image.open(PHOTO).convert("RGB"), "JPEG", quality=90, **options)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_rows": 1}])
@pytest.mark.parametrize("cut", [b"", b"\xff", b"\0" * 999])
def test_a_jpeg_without_its_end_is_read_with_a_note(options, cut):
    data = photo_jpeg(**options)
    photo = read_photo(data[:-2] + cut)
    np.testing.assert_array_equal(photo.pixels, read_image(data))
    assert "all its pixels are there" in photo.notes[0] and not read_photo(data).notes


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_rows": 1}])
@pytest.mark.parametrize("end", [b"", b"\xff\xd9", b"\0" * 30_000])
def test_a_jpeg_that_is_cut_in_the_middle_says_how_much_is_missing(options, end):
    data = photo_jpeg(**options)
    if options.get("progressive") and end == b"\xff\xd9":
        pytest.skip("a program may have meant to store no more details")
    with pytest.raises(UnreadableImage, match=r"cut off|incomplete"):
        read_image(data[: len(data) * 6 // 10] + end)


@pytest.mark.parametrize("options", [{}, {"restart_marker_rows": 1}])
def test_baseline_jpeg_cut_in_its_first_row_is_reported_as_cut_off(options):
    data = photo_jpeg(**options)
    with pytest.raises(UnreadableImage, match="its lowest 100 % are missing"):
        read_image(data[: data.index(b"\xff\xda") + 100])


@pytest.mark.parametrize("options", [{}, {"restart_marker_rows": 1}])
def test_a_jpeg_that_lacks_its_last_rows_is_read_with_a_note(options):
    data = photo_jpeg(**options)
    photo = read_photo(data[: len(data) * 97 // 100])
    whole = read_image(data)
    assert "lowest" in photo.notes[0] and "are missing" in photo.notes[0]
    rows = (photo.pixels != whole).any((1, 2))
    share = int(photo.notes[0].split("lowest ")[1].split(" %")[0])
    assert 0 < rows.mean() <= share / 100 <= 0.1


def test_a_photo_with_a_white_border_below_lacks_nothing():
    picture = read_image(PHOTO).copy()
    picture[-40:] = 255
    assert not read_photo(saved(Image.fromarray(picture), "JPEG")).notes


def test_a_picture_with_several_pictures_gives_its_first(tmp_path):
    frames = [Image.fromarray(PICTURE), Image.fromarray(PICTURE[::-1].copy())]
    path = tmp_path / "stereo.mpo"
    frames[0].save(path, "MPO", save_all=True, append_images=frames[1:], quality=98)
    assert close(read_image(path), PICTURE, 12) and not read_photo(path).notes


def test_every_ending_that_is_read_is_searched_for_in_folders(tmp_path):
    names = {f"a{ending}" for ending in READABLE_ENDINGS} | {"B.HEIC", "c.JFIF"}
    for name in (*names, "notes.txt", "film.mp4"):
        (tmp_path / name).touch()
    assert {path.name for path in batch._find_photos(tmp_path)[0]} == names
    assert {".heic", ".heif", ".avif", ".jfif", ".jpe", ".mpo", ".tif"} <= READABLE_ENDINGS


# ---- Transparency ----


def cut_out(mode="RGBA") -> Image.Image:
    image = Image.fromarray(np.dstack([PICTURE, ALPHA]))
    return image if mode == "RGBA" else image.convert(mode)


@pytest.mark.parametrize(
    "image, format",
    [
        (cut_out(), "PNG"),
        (cut_out(), "WEBP"),
        (cut_out(), "TIFF"),
        (cut_out("LA"), "PNG"),
        (cut_out("P"), "PNG"),
    ],
)
@pytest.mark.parametrize("ending", ["png", "webp", "tif"])
def test_transparency_comes_back_as_it_was(image, format, ending, tmp_path):
    photo = read_photo(saved(image, format, **({"lossless": True} if format == "WEBP" else {})))
    expected = np.asarray(image.convert("RGBA"))[..., 3]
    np.testing.assert_array_equal(photo.alpha, expected)
    path = tmp_path / f"a.{ending}"
    lost = write_image(path, np.dstack([photo.color, photo.alpha]), source=photo)
    np.testing.assert_array_equal(np.asarray(Image.open(path).convert("RGBA"))[..., 3], expected)
    assert lost == []


def test_one_color_that_is_transparent_is_transparency(tmp_path):
    image = Image.fromarray(PICTURE).convert("P")
    image.info["transparency"] = image.getpixel((3, 3))
    photo = read_photo(saved(image, "PNG"))
    assert photo.alpha[3, 3] == 0 and set(np.unique(photo.alpha)) == {0, 255}
    grey = Image.fromarray(PICTURE[..., 0])
    assert read_photo(saved(grey, "PNG", transparency=6)).alpha[0, 3] == 0


def test_files_without_transparency_are_white_there_and_say_so(tmp_path):
    photo = read_photo(saved(cut_out(), "PNG"))
    lost = write_image(tmp_path / "a.jpg", np.dstack([photo.color, photo.alpha]), source=photo)
    assert "white in a.jpg" in lost[0]
    assert close(read_image(tmp_path / "a.jpg")[:, :18], np.full((96, 18, 3), 255), 12)


def test_an_edit_leaves_transparency_and_all_that_it_does_not_touch(animator, frame, photo):
    alpha = np.full(photo.shape[:2], 255, np.uint8)
    alpha[:, :250] = 0  # through the middle of the face
    alpha[:, 250:260] = 100
    color = photo.copy()
    color[:, :250] = 0
    source = Photo(photo, color, alpha)
    edited = frame.render_for_file(source)
    np.testing.assert_array_equal(edited[..., 3], alpha)
    np.testing.assert_array_equal(edited[:, :250, :3], color[:, :250])
    seen = alpha > 0  # no hidden black comes in
    assert (edited[seen][:, :3] != color[seen]).any()
    assert np.abs(edited[:, 250:, :3].astype(int) - frame.image[:, 250:])[:, 30:].max() < 60
    x0, y0, x1, y1 = frame.portrait.box
    outside = np.ones(alpha.shape, bool)
    outside[y0:y1, x0:x1] = False
    np.testing.assert_array_equal(edited[outside][:, :3], color[outside])


def test_colors_that_are_hidden_are_those_of_the_nearest_visible_pixel():
    color, alpha = np.zeros((40, 60, 3), np.uint8), np.zeros((40, 60), np.uint8)
    color[:, 30:], alpha[:, 30:] = (200, 100, 50), 255
    assert (fill_hidden_colors(color, alpha) == (200, 100, 50)).all()
    assert (
        fill_hidden_colors(color, None) is color and fill_hidden_colors(color, 0 * alpha) is color
    )


@pytest.mark.parametrize("ending", ["gif", "webp", "mp4"])
def test_animations_are_transparent_where_the_photo_is(ending, animator, portrait, tmp_path):
    alpha = np.full(portrait.photo.shape[:2], 255, np.uint8)
    alpha[:, :256] = 0
    source = Photo(portrait.photo, portrait.photo, alpha)
    small = portrait_for_file(portrait, source).downscaled_for("photo", 128)
    way = Timeline.between(portrait.reading, portrait.reading.replace(AU26=1.0), 3)
    points = way.expressions(animator.space, portrait.reading)
    frames = [frame.view("photo", 128) for frame in animator.animate(small, points)]
    assert frames[0].shape == (128, 128, 4)
    path = write_animation(tmp_path / f"a.{ending}", frames, 10)
    white = source.alpha_notes(path)
    if ending == "mp4":
        video = cv2.VideoCapture(str(path))
        assert video.read()[1][:, :60].min() > 245 and "white in a.mp4" in white[0]
        return
    image = Image.open(path)
    assert image.n_frames >= 2 and white == []
    for number in range(image.n_frames):
        image.seek(number)
        seen = np.asarray(image.convert("RGBA"))[..., 3]
        assert not seen[:, :62].any() and (seen[:, 66:] == 255).all()


def test_soft_edges_are_told_to_be_hard_in_a_gif(tmp_path):
    photo = read_photo(saved(cut_out(), "PNG"))
    assert "half transparent" in photo.alpha_notes(tmp_path / "a.gif")[0]
    assert photo.alpha_notes(tmp_path / "a.webp") == []
    assert "white in a.png" in photo.alpha_notes(tmp_path / "a.png", over_white=True)[0]


# ---- 16 bits ----


def deep_file(picture: np.ndarray, ending: str) -> bytes:
    order = {2: None, 3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}[
        picture.shape[2] if picture.ndim == 3 else 2
    ]
    picture = picture if order is None else cv2.cvtColor(picture, order)
    return cv2.imencode(ending, picture)[1].tobytes()


@pytest.mark.parametrize("ending", [".png", ".tiff"])
@pytest.mark.parametrize("kind", ["grey", "rgb", "rgba"])
@pytest.mark.parametrize("out", ["png", "tif"])
def test_sixteen_bits_come_back_as_they_were(ending, kind, out, tmp_path):
    alpha = np.uint16(ALPHA) * 257
    picture = {"grey": DEEP[..., 0], "rgb": DEEP, "rgba": np.dstack([DEEP, alpha])}[kind]
    photo = read_photo(deep_file(picture, ending))
    assert photo.bits == 16 and photo.color.dtype == np.uint16
    expected = np.repeat(picture[..., None], 3, 2) if kind == "grey" else picture
    whole = photo.color if photo.alpha is None else np.dstack([photo.color, photo.alpha])
    np.testing.assert_array_equal(whole, expected)
    path = tmp_path / f"a.{out}"
    assert write_image(path, whole, source=photo, recipe="{}") == []
    again = read_photo(path)
    np.testing.assert_array_equal(again.color, expected[..., :3])
    assert (again.alpha is None) == (kind != "rgba")
    assert Image.open(path).getexif()[0x010E] and read_recipe_text(path) == "{}"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_sixteen_bits_are_turned_upright_once(orientation, tmp_path):
    block = Image.Exif()
    block[0x0112] = orientation
    write_image(tmp_path / "a.png", DEEP)
    data = (tmp_path / "a.png").read_bytes()
    at = data.index(b"eXIf") - 4
    size = struct.unpack(">I", data[at : at + 4])[0]
    exif = block.tobytes().removeprefix(b"Exif\0\0")
    photo = read_photo(data[:at] + chunk(b"eXIf", exif) + data[at + 12 + size :])
    np.testing.assert_array_equal(photo.color, apply_orientation(DEEP, orientation))
    assert close(photo.pixels, photo.color // 257, 1)
    write_image(tmp_path / "b.png", photo.color, source=photo)
    np.testing.assert_array_equal(read_photo(tmp_path / "b.png").color, photo.color)


def test_an_edit_of_sixteen_bits_is_exact_outside_and_fine_inside(frame, photo):
    deep = np.uint16(np.minimum(photo * np.uint32(257) + 37, 65535))
    edited = frame.render_for_file(Photo(photo, deep, bits=16))
    assert edited.dtype == np.uint16
    x0, y0, x1, y1 = frame.portrait.box
    outside = np.ones(photo.shape[:2], bool)
    outside[y0:y1, x0:x1] = False
    np.testing.assert_array_equal(edited[outside], deep[outside])
    assert close(edited // 257, frame.image, 3)
    changed = (frame.image != photo).any(-1)
    assert len(np.unique(edited[changed] % 257)) > 200  # not eight bits spread out


def test_sixteen_bits_into_eight_are_told(tmp_path):
    photo = read_photo(deep_file(DEEP, ".png"))
    for name in ("a.jpg", "a.webp"):
        lost = write_image(tmp_path / name, photo.color, source=photo)
        assert "16 bits per channel; 8 are kept in" in lost[0]
        assert close(read_image(tmp_path / name), photo.pixels, 12)
    shallow = read_photo(deep_file(DEEP, ".png"), keep_16bit=False)
    assert shallow.color.dtype == np.uint8 and shallow.loss_notes("a.png")


def test_profiles_of_sixteen_bits_are_kept_and_paint_is_converted(frame, photo, tmp_path):
    path = tmp_path / "a.tif"
    write_image(path, DEEP, source=Photo(PICTURE, DEEP, profile=adobe_rgb()))
    read = read_photo(path)
    np.testing.assert_array_equal(read.color, DEEP)
    assert read.profile == adobe_rgb()
    plain, wide = (
        frame.render_for_file(Photo(photo, np.uint16(photo) * 257, profile=profile))
        for profile in (None, adobe_rgb())
    )
    assert (plain != wide).any() and (plain == wide).mean() > 0.9


# ---- Colors and details ----


def adobe_jpeg(space: int, index: str | None, **options) -> bytes:
    block = Image.Exif()
    block.get_ifd(0x8769)[0xA001] = space
    if index:
        block.get_ifd(0x8769)[0xA005] = {1: index, 2: b"0100"}
    return saved(Image.fromarray(PICTURE), "JPEG", exif=block, quality=98, **options)


@pytest.mark.parametrize(
    "space, index, adobe",
    [
        (0xFFFF, "R03", True),
        (0xFFFF, None, True),
        (2, None, True),
        (1, None, False),
        (1, "R98", False),
        (0xFFFF, "R98", False),
    ],
)
def test_adobe_rgb_is_converted_where_only_exif_says_so(space, index, adobe):
    photo = read_photo(adobe_jpeg(space, index))
    plain = read_image(saved(Image.fromarray(PICTURE), "JPEG", quality=98))
    expected = np.asarray(to_srgb(Image.fromarray(plain), adobe_rgb())) if adobe else plain
    np.testing.assert_array_equal(photo.pixels, expected)
    assert bool(photo.notes) == adobe


def test_a_profile_in_the_file_goes_before_exif():
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    photo = read_photo(adobe_jpeg(0xFFFF, "R03", icc_profile=srgb))
    plain = read_image(saved(Image.fromarray(PICTURE), "JPEG", quality=98))
    assert close(photo.pixels, plain, 1) and not photo.notes


def test_adobe_rgb_has_the_colors_of_its_specification():
    # Adobe RGB (1998) Color Image Encoding: green (0, 255, 0) lies beyond sRGB; greys are greys.
    colors = np.uint8([[[128, 128, 128], [255, 255, 255], [0, 255, 0], [200, 100, 100]]])
    seen = np.asarray(to_srgb(Image.fromarray(colors), adobe_rgb()))[0].astype(int)
    assert np.abs(seen[:2] - [[127] * 3, [255] * 3]).max() <= 2
    assert seen[2, 0] == 0 and seen[2, 1] == 255
    assert np.abs(seen[3] - (228, 100, 99)).max() <= 2


def tagged() -> Image.Exif:
    block = Image.Exif()
    block[0x0112], block[0x010F], block[0x013B] = 6, "Maker", "An Artist"
    block[0x8298] = "© José".encode()
    block[0x0132] = "2024:01:02 03:04:05"
    block.get_ifd(0x8769)[0x9003] = "2023:12:31 23:59:59"
    block.get_ifd(0x8769)[0xA431] = "serial number"
    block.get_ifd(0x8825)[1] = "N"
    return block


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "tif"])
def test_details_are_kept_and_the_place_is_not(format, ending, tmp_path):
    dpi = {} if format in ("WEBP", "AVIF") else {"dpi": (240, 240)}
    photo = read_photo(saved(Image.fromarray(PICTURE), format, exif=tagged(), **dpi))
    assert photo.pixels.shape == (128, 96, 3)  # turned
    path = tmp_path / f"a.{ending}"
    lost = write_image(path, photo.color, source=photo, recipe='{"a": 1}')
    nested = format != "TIFF"  # Pillow writes no nested parts into those
    assert len(lost) == nested and (not nested or "place where the photo was taken" in lost[0])
    image = Image.open(path)
    block = image.getexif()
    assert (block[0x013B], block[0x010F], block[0x0132]) == (
        "An Artist",
        "Maker",
        "2024:01:02 03:04:05",
    )
    if format != "AVIF":  # into which Pillow writes ASCII
        assert block[0x8298].encode("latin1").decode() == "© José"
    inner = block.get_ifd(0x8769)
    assert inner.get(0x9003) == ("2023:12:31 23:59:59" if nested else None)
    assert 0xA431 not in inner
    assert not block.get_ifd(0x8825) and 0x0112 not in block
    assert image.size == (96, 128) and read_image(path).shape == (128, 96, 3)
    assert read_recipe_text(path) == '{"a": 1}'
    if dpi:
        assert read_photo(path).metadata.dpi == pytest.approx((240, 240), abs=0.1)


def test_a_photo_that_says_nothing_has_no_notes_and_no_invented_details(tmp_path):
    for format in ("JPEG", "PNG", "TIFF", "WEBP"):
        photo = read_photo(saved(Image.fromarray(PICTURE), format))
        assert photo.notes == () and photo.metadata == PhotoMetadata()
        assert write_image(tmp_path / "a.jpg", photo.color, source=photo) == []


def test_texts_of_a_png_are_details():
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("Author", "Somebody")
    info.add_text("Copyright", "(c) Somebody")
    details = read_photo(saved(Image.fromarray(PICTURE), "PNG", pnginfo=info)).metadata
    assert details.tags == {0x013B: "Somebody", 0x8298: "(c) Somebody"}


def test_damaged_details_do_not_cost_the_photo(tmp_path):
    block = tagged()
    block[0x013B] = "x" * 50_000
    for exif in (block.tobytes(), block.tobytes()[:60], b"Exif\0\0MM\0*\xff\xff\xff\xff"):
        photo = read_photo(jpeg_with(jpeg_segment(0xE1, exif)))
        assert write_image(tmp_path / "a.jpg", photo.color, source=photo) is not None
        assert 0x013B not in photo.metadata.tags


def test_cmyk_and_wide_gamut_photos_are_converted():
    assert read_photo(saved(Image.fromarray(PICTURE).convert("CMYK"), "JPEG")).pixels.shape[2] == 3


def test_tiff_of_eight_bits_is_written_as_it_is_read(tmp_path):
    for picture in (PICTURE, np.dstack([PICTURE, ALPHA])):
        write_image(tmp_path / "a.tif", picture)
        np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "a.tif")), picture)


# ---- Links ----


def test_links_are_written_through(tmp_path, portrait):
    (tmp_path / "elsewhere").mkdir()
    for name, write in (
        ("a.png", lambda path: write_image(path, PICTURE)),
        ("a.gif", lambda path: write_animation(path, [PICTURE] * 2, 10)),
        ("a.csv", lambda path: write_curves(path, [portrait.reading], 10, [True])),
    ):
        real, link, chain = tmp_path / "elsewhere" / name, tmp_path / name, tmp_path / f"b{name}"
        link.symlink_to(real)  # dangling at first
        chain.symlink_to(link)
        for path in (link, chain):
            real.unlink(missing_ok=True)
            write(path)
            assert path.is_symlink() and not real.is_symlink() and real.stat().st_size > 20
        assert {p.name for p in real.parent.iterdir()} == {real.name}
        real.unlink()


def test_links_that_lead_nowhere_and_what_is_no_file_are_refused(tmp_path):
    loop, folder = tmp_path / "loop.png", tmp_path / "folder.png"
    loop.symlink_to(loop)
    folder.mkdir()
    (tmp_path / "far.png").symlink_to(tmp_path / "nowhere" / "a.png")
    (tmp_path / "device.png").symlink_to(os.devnull)
    for name, sentence in (
        ("loop.png", "leads back to itself"),
        ("folder.png", "not a regular file"),
        ("far.png", "no folder"),
        ("device.png", "not a regular file"),
    ):
        with pytest.raises(Unwritable, match=sentence):
            write_image(tmp_path / name, PICTURE)
    assert not os.path.isfile(os.devnull) and loop.is_symlink()


def test_a_failure_leaves_what_a_link_leads_to(tmp_path):
    (tmp_path / "real.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to("real.txt")
    with pytest.raises(Unwritable), atomic_write(tmp_path / "link.txt") as part:
        part.write_text("new")
        raise OSError("full")
    assert (tmp_path / "real.txt").read_text() == "old" and len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("name", ["\u4e2d" * 80 + ".png", "n" * 250 + ".png"])
def test_long_names_are_names(name, tmp_path):
    write_image(tmp_path / name, PICTURE)
    assert resolve_target(tmp_path / name).is_file() and len(list(tmp_path.iterdir())) == 1


def test_a_batch_does_not_write_through_a_link_to_the_photo_that_it_reads(
    animator, tmp_path, monkeypatch
):
    monkeypatch.setattr(batch, "_animator", lambda *_: animator)
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    source = tmp_path / "in" / "a.png"
    source.write_bytes(PHOTO.read_bytes())
    (tmp_path / "out" / "a.png").symlink_to(source)
    request = {"checkpoint": None, "device": "cpu", "expression": None, "label": False}
    request |= {"set": ["AU12=1"], "preset": None, "like": None, "intensity": 1.0, "look": None}
    item = {"photo": str(source), "out": "a.png"}
    assert "leads to the photo" in batch.edit_one(item, request, str(tmp_path / "out"))["why"]
    assert source.read_bytes() == PHOTO.read_bytes()
    (tmp_path / "out" / "a.png").unlink()
    image = Image.open(PHOTO).convert("RGBA")
    image.putpixel((0, 0), (1, 2, 3, 0))
    image.save(source, exif=tagged_upright())
    result = batch.edit_one(item, request, str(tmp_path / "out"))
    assert result["notes"] == ["The place where the photo was taken is left out of the result."]
    assert Image.open(tmp_path / "out" / "a.png").getpixel((0, 0)) == (1, 2, 3, 0)


def tagged_upright() -> Image.Exif:
    block = tagged()
    del block[0x0112]
    return block


# ---- The page ----


@pytest.fixture(scope="module")
def heic(tmp_path_factory, photo):
    path = tmp_path_factory.mktemp("heic") / "IMG_1.HEIC"
    path.write_bytes(heif.heic(heif.coded(photo), heif.exif(tagged().tobytes())))
    return path


def test_the_page_shows_a_picture_of_heic_and_keeps_the_file(animator, heic):
    visit = Visit(animator, heic)
    notes = " ".join(visit.opened["notes"])
    assert "place where the photo was taken" in notes and str(heic.parent) not in notes
    look = visit.studio.show_view({"token": visit.token, "view": "photo"})
    data = base64.b64decode(look["picture"].partition(",")[2])
    assert close(np.asarray(Image.open(io.BytesIO(data))), read_image(heic), 60)
    assert visit.session.original.format == "HEIF" and visit.session.name == "IMG_1"
    boxed = visit.open(heic, box=[0.25, 0.05, 0.65, 0.5])
    assert visit.session.original.format == "HEIF" and "by hand" in boxed["finder"]
    visit.borrow(heic, ["brows"])


def test_the_page_opens_a_file_of_the_same_name_anew(animator):
    visit = Visit(animator)
    token = visit.token
    visit.open(PHOTO)
    assert visit.token != token


def test_the_page_saves_transparency_of_a_photo_with_several_faces(animator, photo, tmp_path):
    image = Image.fromarray(np.concatenate([photo, photo[:, ::-1]], 1))
    alpha = np.full(image.size[::-1], 255, np.uint8)
    alpha[-40:] = 0
    image.putalpha(Image.fromarray(alpha))
    image.save(tmp_path / "two.png")
    visit = Visit(animator, tmp_path / "two.png")
    session = visit.session
    assert len(session.found_crops) == 2
    face = session.face
    visit.settle(AU26=1.0)
    visit.act("select_face", face=1)
    saved_picture = np.asarray(Image.open(visit.saved()))
    np.testing.assert_array_equal(saved_picture[..., 3], alpha)
    x0, y0, x1, y1 = face.portrait.box
    assert (session.base_photo.color[y0:y1, x0:x1] != session.original.color[y0:y1, x0:x1]).any()
    assert (saved_picture[y0:y1, x0:x1, :3] != session.original.color[y0:y1, x0:x1]).any()


def test_soft_edges_of_animated_webp_do_not_add_up(tmp_path):
    frames = np.full((3, 32, 32, 4), 128, np.uint8)
    frames[1, 8:16, 8:16, :3], frames[2, 16:24, 8:16, :3] = 20, 240
    image = Image.open(write_animation(tmp_path / "soft.webp", list(frames), 10))
    assert image.n_frames == 3
    for number in range(3):
        image.seek(number)
        alpha = np.asarray(image.convert("RGBA"))[..., 3].astype(int)
        assert np.abs(alpha - 128).max() <= 2
