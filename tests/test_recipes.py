import base64
import dataclasses
import io
import json
import pickle
import struct
import tracemalloc
import zlib
from xml.etree import ElementTree

import imageio.v3
import numpy as np
import pytest
from PIL import Image
from PIL.ExifTags import IFD
from PIL.ExifTags import Base as Tag

from moodganimation.animation.timeline import Keyframe, Timeline
from moodganimation.animator import DEFAULT_CHECKPOINT
from moodganimation.cli.commands import main
from moodganimation.errors import (
    InvalidValue,
    NotACheckpoint,
    NotARecipe,
    Problem,
    UnreadableFile,
    UnreadableImage,
)
from moodganimation.expressions import schema
from moodganimation.expressions.spaces import ACTION_UNITS, PAD, Expression, space_named
from moodganimation.media.images import read_image, write_image
from moodganimation.media.metadata import read_recipe_text
from moodganimation.media.provenance import EDITED
from moodganimation.media.video_writer import write_animation
from moodganimation.recipe import FORMAT, FacePlace, Fingerprint, Output, Recipe, read_recipe
from moodganimation.video.side_by_side import write_columns

from .conftest import PHOTO

PICTURES, FILMS = ("png", "jpg", "webp"), ("gif", "mp4", "webp")
CHANCE = np.random.default_rng(7)
SMILE = Expression.clipped(ACTION_UNITS, CHANCE.random(17))
MOOD = Expression.clipped(PAD, CHANCE.uniform(-1, 1, 3))
FACE = FacePlace(
    (640, 480), ((0.01 + 1e-17, 1e-3, -3.2 - 1 / 3), (-1e-3, 0.01, -2.0000000000000004))
)
SHIPPED = Fingerprint("warp", "0123456789abcdef" * 4)
RECIPE = Recipe(
    SHIPPED,
    FACE,
    SMILE,
    Timeline((Keyframe(None, 0), Keyframe(SMILE, 1 / 3), Keyframe(MOOD, 0.7)), 23.976, "loop"),
    Output("face", 512, 29.97),
    {"glow": [0.1, -1e-300, 2**53, True, None, "größer\n\0{=;#\\'\""], "eyes": {"left": {}}},
)
LONG = dataclasses.replace(RECIPE, options={str(i): "x" * 900 for i in range(62)})


def picture(side=64) -> np.ndarray:
    y, x = np.mgrid[:side, :side]
    return np.uint8(np.stack([x, y, x + y], -1))


def written(path, recipe: str | None):
    if path.suffix[1:] in PICTURES and path.stem == "still":
        write_image(path, picture(), recipe=recipe)
    else:
        write_animation(path, [np.roll(picture(), 9 * i, 1) for i in range(3)], 10, recipe=recipe)
    return path


FILES = [f"still.{ending}" for ending in PICTURES] + [f"film.{ending}" for ending in FILMS]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One file of each kind, with the recipe in it."""
    folder = tmp_path_factory.mktemp("written")
    for name in FILES:
        written(folder / name, RECIPE.text())
    return folder


@pytest.mark.parametrize("name", FILES)
def test_every_file_keeps_its_recipe_to_the_bit(name, folder, tmp_path):
    assert read_recipe_text(folder / name) == RECIPE.text()
    assert read_recipe(folder / name) == RECIPE
    long = written(tmp_path / name, LONG.text())
    assert len(LONG.text()) > 55_000 and read_recipe_text(long) == LONG.text()
    assert read_recipe(long) == LONG


@pytest.mark.parametrize("name", FILES)
def test_pictures_and_marks_stay_what_they_were(name, folder, tmp_path):
    without = written(tmp_path / name, None)
    with pytest.raises(NotARecipe, match="holds no recipe"):
        read_recipe(without)
    if name.endswith("mp4"):
        assert EDITED.encode() in (folder / name).read_bytes()
        return
    with Image.open(without) as one, Image.open(folder / name) as other:
        assert getattr(one, "n_frames", 1) == getattr(other, "n_frames", 1)
        assert one.info.get("duration") == other.info.get("duration")
        for number in range(getattr(one, "n_frames", 1)):
            one.seek(number)
            other.seek(number)
            assert one.convert("RGB").tobytes() == other.convert("RGB").tobytes()
        if name.endswith("gif"):
            assert other.info["comment"].decode().startswith(EDITED + "\n")
        else:
            assert other.getexif()[0x010E] == EDITED


def test_json_and_links_keep_it_too(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(RECIPE.to_json(), indent=2), "utf-8-sig")
    assert read_recipe(path) == RECIPE
    link = RECIPE.link()
    assert Recipe.from_link("#" + link) == Recipe.from_link(link) == RECIPE
    assert set(link.removeprefix("recipe=")) <= set(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    )
    assert len(link) < 0.6 * len(RECIPE.text())
    assert Recipe.from_link(LONG.link()) == LONG


def test_other_forms_of_a_recipe():
    box = dataclasses.replace(FACE, to_face=None, box=(1.5, 2, 300, 400.25))
    nameless = Expression.of(space_named("c4"), c2=-0.3)
    for recipe in (
        Recipe(SHIPPED, box, SMILE),
        Recipe(SHIPPED, FACE, nameless),
        Recipe(SHIPPED, FACE, timeline=RECIPE.timeline),
    ):
        assert Recipe.from_text(recipe.text()) == recipe
    values = RECIPE.to_json()
    for name in ("timeline", "output", "options"):
        del values[name]
    assert Recipe.from_json(values) == Recipe(SHIPPED, FACE, SMILE)


VALUES = RECIPE.to_json()


@pytest.mark.parametrize(
    "changed, sentence",
    [
        (
            {"moodganimation": FORMAT + 1, "version": "9.1", "more": 1},
            "newer .*'9.1'.* update MoodGANimation",
        ),
        ({"moodganimation": "1"}, "whole number"),
        ({"moodganimation": 0}, "whole number"),
        ({"version": 1}, "version must be a text"),
        ({"run": "rm"}, "not contain 'run'"),
        ({"checkpoint": {"name": "warp"}}, "checkpoint of a recipe lacks sha256"),
        ({"checkpoint": {"name": "warp", "sha256": "no"}}, "64 hexadecimal digits"),
        ({"checkpoint": {"name": "x" * 2000, "sha256": "0" * 64}}, "1 to 1000 characters"),
        ({"checkpoint": None}, "must be an object"),
        ({"face": {"photo": [640, 480]}}, "either a box or to_face"),
        ({"face": {"photo": [640], "box": [0, 0, 9, 9]}}, "size of the photo must be a list of 2"),
        ({"face": {"photo": [10**6, 10**6], "box": [0, 0, 9, 9]}}, "at most 80000000 pixels"),
        ({"face": {"photo": [640.5, 480], "box": [0, 0, 9, 9]}}, "whole number"),
        ({"face": {"photo": [640, 480], "box": [0, 0, 9, float("nan")]}}, "got nan"),
        ({"face": {"photo": [640, 480], "box": [0, 0, 9, 10**9]}}, "from 0 to 640"),
        ({"face": {"photo": [640, 480], "to_face": [[1, 0, 0]]}}, "to_face must be a list of 2"),
        ({"face": {"photo": [640, 480], "to_face": [[0] * 3] * 2}}, "does not lie in a photo"),
        (
            {"face": {"photo": [640, 480], "to_face": [[1e-9, 0, 0], [0, 1e-9, 0]]}},
            "does not lie in a photo",
        ),
        (
            {"face": {"photo": [640, 480], "to_face": [[0.1, 0, 900], [0, 0.1, 0]]}},
            "does not lie in a photo",
        ),
        (
            {"face": {"photo": [640, 480], "to_face": [[1e6, 1e6, 0], [1e6, 1e6, 1]]}},
            "does not lie in a photo",
        ),
        ({"space": "nowhere"}, "not a space"),
        ({"space": "pad"}, "not contain 'AU01'"),
        ({"expression": {"AU12": float("inf")}}, "AU12 must be a number"),
        ({"timeline": []}, "A timeline must be"),
        ({"output": {"view": "ear"}}, "one of face, photo"),
        ({"output": {"size": 10**9}}, "64 to 4096"),
        ({"output": {"size": 512.5}}, "whole number"),
        ({"output": {"fps": 0}}, "from 1 to 60"),
        ({"output": {"path": "/etc"}}, "not contain 'path'"),
        ({"options": [1]}, "Options must have names"),
        ({"options": {"a": [[[[[[1]]]]]]}}, "nested at most 6 deep"),
        ({"options": {"a": [1] * 300}}, "at most 256"),
        ({"options": {"a": "x" * 1001}}, "1 to 1000 characters"),
        ({"options": {"a": "\ud800"}}, "must be a text"),
        ({"options": {"a": 2**60}}, "whole number"),
        ({"options": {"a": float("nan")}}, "got nan"),
        ({"options": {"a": object()}}, "must be a number"),
        ({"options": {1: 2}}, "key of options"),
    ],
)
def test_values_that_are_no_recipe_are_refused(changed, sentence):
    with pytest.raises(Problem, match=sentence):
        Recipe.from_json(VALUES | changed)


@pytest.mark.parametrize("value", [True, "1", None, [1], {}, b"1", 1e999, float("nan"), 10**400])
def test_nothing_else_is_taken_for_a_number(value):
    for kind in (schema.number_type("It", -1e9, 1e9), schema.int_type("It", -(10**9), 10**9)):
        with pytest.raises(InvalidValue, match=r"^It must be a (whole )?number from"):
            schema.check(kind, value)


def test_numbers_of_numpy_are_numbers():
    kind = schema.number_type("It", 0, 1)
    for value in (np.float32(0.5), np.float64(0.5), 0.5):
        assert type(schema.check(kind, value)) is float
    assert schema.check(schema.int_type("It", 0, 9), np.int64(7)) == 7
    assert Output(size=np.int32(512), fps=np.float32(25)) == Output(size=512, fps=25)
    with pytest.raises(InvalidValue, match="whole number"):
        schema.check(schema.int_type("It", 0, 9), np.float64(7))


def test_parts_of_a_recipe_are_of_their_types():
    for wrong in ({"checkpoint": None}, {"face": "face"}, {"timeline": 1}, {"unknown": 1}):
        with pytest.raises(TypeError):
            Recipe(**{"checkpoint": SHIPPED, "face": FACE, "expression": SMILE} | wrong)
    assert pickle.loads(pickle.dumps(RECIPE)) == RECIPE
    assert dataclasses.replace(RECIPE, version="2").face is RECIPE.face


def test_what_says_nothing_is_no_recipe():
    for values in ([], None, {}, {"prompt": "a smile"}):
        with pytest.raises(NotARecipe, match="no recipe of MoodGANimation"):
            Recipe.from_json(values)
    for missing in ("version", "checkpoint", "face"):
        with pytest.raises(InvalidValue, match=f"lacks {missing}"):
            Recipe.from_json({k: v for k, v in VALUES.items() if k != missing})
    with pytest.raises(InvalidValue, match="an expression or a timeline"):
        Recipe(SHIPPED, FACE)
    too_long = dataclasses.replace(RECIPE, options={str(i): "x" * 1000 for i in range(100)})
    with pytest.raises(InvalidValue, match="more than 60,000: use fewer keyframes"):
        too_long.text()


def exif_of(text: bytes) -> Image.Exif:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = text
    return exif


def saved(format: str, **options) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture()).save(file, format, **options)
    return file.getvalue()


def chunk(kind: bytes, data: bytes, size: int | None = None) -> bytes:
    length = len(data) if size is None else size
    return struct.pack(">I", length) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(*chunks: bytes) -> bytes:
    plain_png = saved("PNG")
    return plain_png[:33] + b"".join(chunks) + plain_png[33:]  # behind the header


def recipe_chunk(text: bytes) -> bytes:
    return chunk(b"iTXt", b"moodganimation\0\0\0\0\0" + text)


def gif(comment: bytes) -> bytes:
    plain_gif = saved("GIF")
    pixels = plain_gif.index(b"\x2c", 13 + 3 * 256)  # behind the header and its palette
    return plain_gif[:pixels] + b"\x21\xfe" + comment + plain_gif[pixels:]


def box(kind: bytes, data: bytes, size: int | None = None) -> bytes:
    return struct.pack(">I", 8 + len(data) if size is None else size) + kind + data


FTYP = box(b"ftyp", b"isom" + bytes(4))
NONE, DAMAGED, OTHER = "holds no recipe", "is damaged", "is not one of the files"
ASCII = b"ASCII\0\0\0"


@pytest.mark.parametrize(
    "name, data, sentence",
    [
        ("letter.png", b"I am a letter, not a face.", OTHER),
        ("empty.png", b"", OTHER),
        ("a.svg", b"<svg/>", OTHER),
        ("zeros.png", bytes(100), OTHER),
        ("json.png", b'{"a": 1}', "no recipe of MoodGANimation"),
        ("half.json", b'{"moodganimation": 1, "ver', "not JSON, or it is damaged"),
        ("nested.json", b'{"moodganimation":' + b"[" * 50_000, "nested too deeply"),
        ("nan.json", b'{"moodganimation": NaN}', "NaN is not a number"),
        ("huge.json", b"{" + b" " * 10**6, "larger than 60,000 bytes"),
        ("plain.png", saved("PNG"), NONE),
        ("plain.jpg", saved("JPEG"), NONE),
        ("plain.webp", saved("WEBP"), NONE),
        ("plain.gif", saved("GIF"), NONE),
        ("header.png", saved("PNG")[:20], DAMAGED),
        ("cut.png", png(recipe_chunk(b'{"moodganimation": 1}'))[:60], DAMAGED),
        ("flipped.png", png(chunk(b"iTXt", b"moodganimation\0\0\0\0\0{}")[:-1] + b"?"), DAMAGED),
        ("short.png", png(chunk(b"iTXt", b"moodganimation\0\0\0")), NONE),
        ("latin.png", png(recipe_chunk("{é".encode())), DAMAGED),
        ("broken.png", png(recipe_chunk(b"{broken")), "not JSON"),
        ("text.png", png(recipe_chunk(b"what a day")), NONE),
        ("long.png", png(recipe_chunk(b"{" + b" " * 10**5)), "larger than 60,000 bytes"),
        ("lie.png", png(chunk(b"iTXt", b"moodganimation", 2**32 - 1)), DAMAGED),
        (
            "bomb.png",
            png(chunk(b"iTXt", b"moodganimation\0\1\0\0\0" + zlib.compress(bytes(10**7)))),
            DAMAGED,
        ),
        ("foreign.jpg", saved("JPEG", exif=exif_of(ASCII + b"holiday")), NONE),
        ("parameters.jpg", saved("JPEG", exif=exif_of(ASCII + b'{"steps": 20}')), "no recipe of"),
        ("unicode.webp", saved("WEBP", exif=exif_of(b"UNICODE\0{}")), NONE),
        ("nonsense.jpg", saved("JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\x7fnonsense"), NONE),
        ("start.jpg", b"\xff\xd8\xff\xe1", DAMAGED),
        ("lengths.jpg", b"\xff\xd8\xff\xe1\0\0" * 9, DAMAGED),
        ("header.gif", b"GIF89a", DAMAGED),
        ("cut.gif", gif(b"")[: gif(b"").index(b"\x21\xfe") + 2] + b"\xff" + b"x" * 20, DAMAGED),
        ("words.gif", gif(b"\x05hello\0"), NONE),
        ("lines.gif", gif(b"\x07hello\n{\0"), "not JSON"),
        ("comments.gif", gif(b"\x07hello\n{\0\x21\xfe\x03bye\0"), "not JSON"),
        ("endless.gif", gif((b"\xff" + b"x" * 255) * 10_000 + b"\0"), DAMAGED),
        ("top.mp4", FTYP, NONE),
        ("cut.mp4", FTYP + box(b"moov", b"", 10**6), DAMAGED),
        ("backwards.mp4", FTYP + box(b"moov", b"", 4), DAMAGED),
        ("wide.mp4", FTYP + struct.pack(">I4sQ", 1, b"moov", 2**64 - 1), DAMAGED),
        ("many.mp4", FTYP + box(b"free", b"") * 200_000, NONE),
        ("riff.webp", b"RIFF\xff\xff\xff\xffWEBPEXIF\xff\xff\xff\xff", NONE),
        ("cut.webp", b"RIFF\xff\xff\xff\xffWEBPEXIF\x20\0\0\0II*", DAMAGED),
    ],
)
def test_files_without_a_whole_recipe_are_refused(name, data, sentence, tmp_path):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(Problem, match=sentence):
        read_recipe(path)


@pytest.mark.parametrize("name", FILES)
def test_cut_and_broken_files_say_so_or_keep_the_recipe(name, folder, tmp_path):
    data, path = (folder / name).read_bytes(), tmp_path / name
    for end in range(0, len(data), max(1, len(data) // 60)):
        for spoiled in (data[:end], data[:end] + b"\xff" + data[end + 1 :]):
            path.write_bytes(spoiled)
            try:  # nothing but a Problem, and never half a recipe
                read_recipe(path)
            except Problem as problem:
                assert len(str(problem).splitlines()) == 1
    path.write_bytes(data[: len(data) // 2])
    if name not in ("still.png", "still.jpg", "film.gif", "film.mp4"):  # whose recipe comes first
        with pytest.raises(NotARecipe):
            read_recipe(path)


def test_missing_files_are_said_to_be_missing(tmp_path):
    with pytest.raises(UnreadableFile, match="No such file"):
        read_recipe(tmp_path / "a.png")
    with pytest.raises(UnreadableFile):
        read_recipe(tmp_path)


def link_of(data: bytes) -> str:
    return "recipe=" + base64.urlsafe_b64encode(zlib.compress(data)).decode()


@pytest.mark.parametrize(
    "fragment, sentence",
    [
        ("", "ends before its recipe does"),
        ("recipe=", "ends before its recipe does"),
        ("recipe=%20!", "no recipe, or not all of it"),
        ("recipe=größe", "no recipe, or not all of it"),
        (RECIPE.link()[:-9], "ends before its recipe does|not all of it"),
        (RECIPE.link()[:300], "ends before its recipe does|not all of it"),
        (link_of(b"\0" * 10**8), "larger than 60,000 bytes"),
        (link_of(b'{"moodganimation": 1' + b" " * 70_000), "larger than 60,000 bytes"),
        (link_of(b"[" * 50_000), "nested too deeply"),
        (link_of(b"\xff"), "not JSON"),
        (link_of(b"[]"), "no recipe of MoodGANimation"),
        ("recipe=" + "A" * 10**6, "no recipe, or not all of it"),
    ],
)
def test_links_without_a_whole_recipe_are_refused(fragment, sentence):
    tracemalloc.start()
    with pytest.raises(Problem, match=sentence):
        Recipe.from_link(fragment)
    assert tracemalloc.get_traced_memory()[1] < 4 * 2**20
    tracemalloc.stop()


def test_a_fingerprint_is_that_of_the_file(tmp_path):
    (tmp_path / "net.safetensors").write_bytes(b"abc")
    made = Fingerprint.of(tmp_path / "net.safetensors")
    assert made.name == "net" and made.sha256.startswith("ba7816bf8f01cfea414140de5dae2223")
    with pytest.raises(NotACheckpoint, match="cannot be read"):
        Fingerprint.of(tmp_path / "none")


def test_a_recipe_makes_the_same_picture_again(animator, portrait, photo, tmp_path):
    wish = portrait.reading.replace(AU12=0.9, AU25=0.5)
    made = animator.edit(portrait, wish).image
    recipe = Recipe(Fingerprint.of(DEFAULT_CHECKPOINT), FacePlace.of(portrait), wish)
    write_image(tmp_path / "a.png", made, recipe=recipe.text())
    read = read_recipe(tmp_path / "a.png")
    assert read == recipe
    again = animator.edit(read.face.locate(animator, photo), read.expression).image
    np.testing.assert_array_equal(again, made)
    with pytest.raises(UnreadableImage, match=r"belongs to a photo of .* open the photo"):
        read.face.locate(animator, photo[1:])
    x0, y0, x1, y1 = portrait.box
    by_hand = FacePlace(read.face.photo, box=(x0, y0, x1, y1)).locate(animator, photo)
    assert by_hand.found_by == "box drawn by hand"


def test_columns_and_their_strips_keep_it(animator, portrait, tmp_path):
    frames = animator.animate(portrait, [portrait.reading, SMILE])
    truth = [picture(32)] * 2
    paths = write_columns(tmp_path / "a.gif", frames, 32, 10, truth, False, RECIPE.text())
    assert [read_recipe_text(path) == RECIPE.text() for path in paths] == [True] * 4 + [False]


def test_the_command_line_writes_recipes(tmp_path, photo, animator):
    still, film = tmp_path / "a.jpg", tmp_path / "a.mp4"
    assert main(["edit", str(PHOTO), "--set", "AU12=0.8", "--out", str(still)]) == 0
    made = read_recipe(still)
    assert made.checkpoint == Fingerprint.of(DEFAULT_CHECKPOINT)
    assert made.expression["AU12"] == 0.8 and made.face.photo == photo.shape[1::-1]
    assert (
        main(
            [
                "animate",
                str(PHOTO),
                "--preset",
                "sad",
                "--frames",
                "4",
                "--size",
                "64",
                "--fps",
                "8",
                "--out",
                str(film),
            ]
        )
        == 0
    )
    made = read_recipe(film)
    assert made.output == Output("face", 64, 8) and len(made.timeline.expressions()) == 4
    assert made.timeline.fps == 8 and made.options["feed"] == "portrait"
    reading = animator.read(made.face.locate(animator, read_image(PHOTO)))
    assert made.timeline.expressions(reading.space, reading)[0] == reading
    assert schema.loads(made.text(), "It") == json.loads(made.text())


@pytest.mark.parametrize("ending", ["png", "jpg", "webp", "gif", "mp4", "animated.webp"])
def test_what_was_edited_says_so_to_programs(tmp_path, ending):
    path, picture = tmp_path / f"made.{ending}", np.zeros((64, 64, 3), np.uint8)
    text = RECIPE.text()
    for description, wanted in ((EDITED, 1), ("Filmed", 0)):
        if ending in ("png", "jpg", "webp"):
            write_image(path, picture, description, text)
            with Image.open(path) as image:
                packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp")
            assert (packet is not None) == bool(wanted)
            if packet:
                assert ElementTree.fromstring(packet).tag == "{adobe:ns:meta/}xmpmeta"
        else:
            frames = (np.full_like(picture, 90 * i) for i in range(3))
            write_animation(path, frames, 8, description, text)
            assert imageio.v3.imread(path, index=1).shape[:2] == (64, 64)
        assert path.read_bytes().count(b"compositeWithTrainedAlgorithmicMedia") == wanted
        assert read_recipe(path) == RECIPE


def test_a_comment_of_another_program_that_is_not_ascii_is_no_recipe(tmp_path):
    exif = Image.Exif()
    exif.get_ifd(IFD.Exif)[Tag.UserComment] = b"ASCII\0\0\0caf\xe9"
    path = tmp_path / "foreign.jpg"
    Image.new("RGB", (8, 8)).save(path, exif=exif)
    assert read_recipe_text(path) is None
