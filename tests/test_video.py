import imageio.v3 as iio
import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image

from moodganimation.animation.easing import EASINGS, interpolate
from moodganimation.errors import InvalidExpression, Unwritable
from moodganimation.expressions.presets import PRESETS
from moodganimation.expressions.spaces import ACTION_UNITS, Expression
from moodganimation.media import video_writer
from moodganimation.media.provenance import EDITED
from moodganimation.media.video_writer import write_animation

NEUTRAL = Expression.neutral(ACTION_UNITS)


def frames(count=12):
    y, x = np.mgrid[:65, :81]
    for i in range(count):
        yield np.uint8(np.stack([x + 8 * i, y + 100, 0 * x + 60], -1))


@pytest.mark.parametrize("ending", ["gif", "webp", "mp4"])
def test_every_frame_is_written(ending, tmp_path):
    path = write_animation(tmp_path / f"a.{ending}", frames(), fps=10)
    assert list(tmp_path.iterdir()) == [path]
    if ending == "mp4":
        count, seconds = imageio_ffmpeg.count_frames_and_secs(str(path))
        size = iio.improps(path, plugin="FFMPEG").shape[1:3]
        assert b"moov" in path.read_bytes()[:2000]  # plays before it is all there
    else:
        image = Image.open(path)
        count, size = image.n_frames, image.size[::-1]
        seconds = count * image.info.get("duration", 100) / 1000
    assert count == 12 and size == (64, 80)
    assert seconds == pytest.approx(1.2, abs=0.1)


@pytest.mark.parametrize("ending", ["gif", "webp", "mp4"])
def test_animations_say_that_they_are_edited(ending, tmp_path):
    path = write_animation(tmp_path / f"a.{ending}", frames(3))
    if ending == "mp4":
        assert EDITED.encode() in path.read_bytes()
        return
    image = Image.open(path)
    description = image.getexif()[0x010E] if ending == "webp" else image.info["comment"].decode()
    assert description == EDITED
    image.seek(2)  # and every frame is still there


@pytest.mark.parametrize("ending", ["gif", "webp", "mp4"])
def test_frames_that_are_all_alike_are_an_animation_too(ending, tmp_path):
    still = [next(frames())] * 3
    path = write_animation(tmp_path / f"a.{ending}", still)
    seen = iio.imread(path, plugin="FFMPEG" if ending == "mp4" else "pillow", index=0)
    assert np.abs(seen[..., :3].astype(int) - still[0][:64, :80]).mean() < 8


def test_an_encoder_that_fails_leaves_no_file(tmp_path, monkeypatch):
    codec = ("libx264", "no such format", [])
    monkeypatch.setitem(video_writer._CODECS, ".mp4", codec)
    with pytest.raises(Unwritable, match="cannot be written"):
        write_animation(tmp_path / "a.mp4", frames(60))
    assert list(tmp_path.iterdir()) == []


def test_too_large_an_animation_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(video_writer, "MAX_ANIMATION_PIXELS", 20_000)
    with pytest.raises(Unwritable, match="megapixels"):
        write_animation(tmp_path / "a.gif", frames())
    assert list(tmp_path.iterdir()) == []


def test_colors_survive_a_gif(tmp_path):
    path = write_animation(tmp_path / "a.gif", frames(3))
    first = np.array(Image.open(path).convert("RGB")).astype(int)
    assert np.abs(first - next(frames())[:64, :80]).mean() < 8


@pytest.mark.parametrize("way", ["at once", "little by little"])
def test_a_color_that_comes_late_is_in_the_palette(way, tmp_path):
    late = [np.full((64, 80, 3), 40, np.uint8) for _ in range(23)]
    for i in range(17, 23):  # after the first frames, between the eighths
        late[i][:, :40] += np.uint8([(i - 16) * 30 if way == "little by little" else 180, 0, 0])
    path = write_animation(tmp_path / "a.gif", late)
    with Image.open(path) as gif:
        gif.seek(22)
        red = np.array(gif.convert("RGB")).astype(int)[32, 10]
    assert np.abs(red - (220, 40, 40)).max() < 12


def test_a_failing_source_leaves_no_file(tmp_path):
    def failing():
        yield next(frames())
        raise RuntimeError("the lights went out")

    with pytest.raises(RuntimeError, match="lights"):
        write_animation(tmp_path / "a.mp4", failing())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name, fps, source",
    [("a.gif", 60, 3), ("a.avi", 24, 3), ("a.gif", 0, 3), ("a.gif", 24, 0), ("no/a.gif", 24, 3)],
)
def test_what_cannot_be_written_is_refused(name, fps, source, tmp_path):
    with pytest.raises(Unwritable):
        write_animation(tmp_path / name, frames(source), fps)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("easing", EASINGS)
def test_a_way_begins_and_ends_where_it_should(easing):
    way = interpolate(NEUTRAL, PRESETS["happy"], 24, easing)
    assert len(way) == 24
    assert way[0] == NEUTRAL
    np.testing.assert_allclose(way[-1].vector(), PRESETS["happy"].vector(), atol=1e-9)


def test_there_hold_and_back_loops_without_a_jump():
    way = interpolate(NEUTRAL, PRESETS["sad"], 10, "linear", ping_pong=True, hold=4)
    assert len(way) == 10 + 4 + 8
    assert way[9:14] == [PRESETS["sad"]] * 5
    assert way[14:] == way[8:0:-1]


@pytest.mark.parametrize(
    "frames, easing, hold",
    [(1, "smooth", 0), (10**6, "smooth", 0), (24, "bouncy", 0), (24, "smooth", -1)],
)
def test_impossible_ways_are_refused(frames, easing, hold):
    with pytest.raises(InvalidExpression):
        interpolate(NEUTRAL, PRESETS["sad"], frames, easing, hold=hold)


@pytest.mark.parametrize("ending", ["gif", "mp4", "webp"])
def test_every_frame_is_labelled_where_it_is_wanted(ending, tmp_path):
    black = [np.zeros((128, 256, 3), np.uint8)] * 3
    path = write_animation(tmp_path / f"a.{ending}", black, 10, label=True)
    frame = iio.imread(path, index=0, plugin="FFMPEG" if ending == "mp4" else "pillow")
    assert frame[:100].max() < 20 and frame[100:].max() > 100
