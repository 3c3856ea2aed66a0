"""Films of any kind: HDR, interlaced, of uneven pace, animated pictures, with several sounds; and
what is left behind where a command ends early."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from fractions import Fraction
from itertools import pairwise
from types import SimpleNamespace

import cv2
import httpx
import numpy as np
import pytest
from PIL import Image, ImageDraw

from moodganimation.animation.sampling import KeyframeSequence
from moodganimation.animation.timeline import FilmTimeline, Keyframe, Timeline, read_timeline
from moodganimation.cli.commands import main
from moodganimation.errors import InvalidTimeline, UnreadableFile, Unwritable
from moodganimation.expressions.presets import PRESETS
from moodganimation.expressions.spaces import ACTION_UNITS, Expression
from moodganimation.files.atomic import atomic_write, check_writable
from moodganimation.media.frame_times import FrameTimes, choose_frame_grid, divided_fps, exact_fps
from moodganimation.media.video_reader import _frame_notes, open_film, read_every, read_frames
from moodganimation.media.video_writer import limit_fps_for, write_film
from moodganimation.runtime.executors import map_items
from moodganimation.runtime.signals import Terminated, raise_on_termination
from moodganimation.video.editing import offset_by
from moodganimation.video.side_by_side import write_columns

from .conftest import ASSETS
from .studio import wait_for
from .test_films import at, difference, filmed, frames_of, greys, head, run, shown, sound_of
from .workers import begun

__all__ = ["head"]  # a fixture
NEUTRAL = Expression.neutral(ACTION_UNITS)
POSIX = pytest.mark.skipif(os.name == "nt", reason="Windows has other signals and shorter paths")
SIGNALS = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


def numbered(count: int):
    """Frames whose brightness, 4 more each time, says which they are."""
    return [np.full((64, 64, 3), 12 + 4 * i, np.uint8) for i in range(count)]


def numbers(frames) -> list[int]:
    """Which of `numbered` these frames are."""
    return [round((frame.mean() - 12) / 4) for frame in frames]


def joined(notes) -> str:
    return " ".join(notes)


# ---- Colors ----

BT2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])
P3 = np.array([[0.8225, 0.1774, 0.0], [0.0332, 0.9669, 0.0], [0.0171, 0.0724, 0.9108]])


def patches(path, signals, matrix: str, primaries: str, transfer: str, *options):
    """A film of patches, 32 pixels wide each, of these R'G'B' signals (0 to 1)."""
    row = np.uint16(np.repeat(np.array(signals)[None], 32, 1) * 65535 + 0.5)
    frames = np.repeat(np.repeat(row, 64, 0)[None], 3, 0)
    tags = f"setparams=colorspace={matrix}:color_primaries={primaries}:color_trc={transfer}"
    coded = f"scale=out_color_matrix={matrix}:out_range=tv,format=yuv444p10le,{tags}"
    run(
        *("-f", "rawvideo", "-pix_fmt", "rgb48le", "-s", f"{frames.shape[2]}x64", "-r", 10),
        *("-i", "pipe:0", "-vf", coded, "-c:v", "ffv1", *options, path),
        data=frames.tobytes(),
    )
    return path


def colors(path) -> np.ndarray:
    """The colors of the patches, as they are read."""
    return next(open_film(path).frames())[32, 16::32].astype(int)


@pytest.mark.parametrize(
    "transfer, grey, white, name",
    [("arib-std-b67", 0.38, 0.75, "HLG"), ("smpte2084", 0.38, 0.58, "PQ")],
)
def test_hdr_reference_levels_become_those_of_ordinary_films(tmp_path, transfer, grey, white, name):
    """ITU-R BT.2408, table 1: signals of an 18% grey card (26 cd/m2) and of diffuse white (203)."""
    signals = [[0.0] * 3, [grey] * 3, [white] * 3, [1.0] * 3]
    path = patches(tmp_path / "a.mkv", signals, "bt2020nc", "bt2020", transfer)
    black, grey, white, peak = colors(path)
    middle = 255 * (1.055 * (26 / 203) ** (1 / 2.4) - 0.055)
    assert black.max() <= 2 and np.abs(grey - middle).max() <= 6
    assert 235 <= white.min() < peak.min() and np.ptp(white) <= 2
    assert f"HDR colors of the video ({name})" in joined(open_film(path).notes)


@pytest.mark.parametrize(
    "primaries, matrix, to_theirs, name",
    [("bt2020", "bt2020nc", BT2020, "BT.2020"), ("smpte432", "bt709", P3, "Display P3")],
)
def test_wide_colors_keep_their_look(tmp_path, primaries, matrix, to_theirs, name):
    expected = np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.2], [0.1, 0.2, 0.8], [0.5, 0.5, 0.5]])
    light = np.clip((expected**2.4) @ to_theirs.T, 0, 1)
    path = patches(tmp_path / "a.mkv", light ** (1 / 2.4), matrix, primaries, "bt709")
    assert np.abs(colors(path) - 255 * expected).max() <= 8
    assert f"wide-gamut colors of the video ({name})" in joined(open_film(path).notes)


def test_ordinary_films_of_ten_bits_are_left_as_they_are(tmp_path):
    expected = np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.2]])
    path = patches(tmp_path / "a.mkv", expected, "bt709", "bt709", "bt709")
    assert np.abs(colors(path) - 255 * expected).max() <= 2 and open_film(path).notes == ()


def test_films_of_full_range_are_no_darker_or_lighter(tmp_path):
    bars = np.repeat(np.uint8([[(200, 60, 40), (10, 10, 10), (245, 245, 245)]] * 64), 32, 1)
    full = ["-vf", "scale=out_range=pc:out_color_matrix=bt601", "-pix_fmt", "yuvj444p"]
    path = filmed(tmp_path / "a.mp4", [bars] * 3, *full)
    assert np.abs(colors(path) - bars[0, 16::32]).max() <= 3


def test_a_turned_hdr_film_is_turned_and_tone_mapped(tmp_path):
    coded = ["-c:v", "libx265", "-x265-params", "log-level=none", "-tag:v", "hvc1"]
    levels = [[0.38] * 3, [0.75] * 3]
    path = patches(tmp_path / "a.mov", levels, "bt2020nc", "bt2020", "arib-std-b67", *coded)
    run("-display_rotation", 90, "-i", path, "-c", "copy", tmp_path / "b.mov")
    upright, turned = (next(open_film(tmp_path / name).frames()) for name in ("a.mov", "b.mov"))
    assert turned.shape == (64, 64, 3) == upright.shape
    assert difference(np.rot90(upright), turned) < 2


def test_frames_by_number_have_the_same_colors(tmp_path):
    levels = [[0.38] * 3, [0.75] * 3]
    path = patches(tmp_path / "a.mkv", levels, "bt2020nc", "bt2020", "arib-std-b67")
    whole = frames_of(path)
    for number, frame in [*read_frames(path, [1]), *read_every(path, 2)]:
        assert difference(frame, whole[number]) <= 1
    assert [number for number, _ in read_every(path, 2)] == [0, 2]


# ---- Fields ----


def combs(frame) -> float:
    """How much rows differ from the mean of their neighbors."""
    rows = frame.astype(float).mean(2)
    return float(np.abs(rows[1:-1] - (rows[:-2] + rows[2:]) / 2).mean())


def passing(count=24):
    """A bar that passes in front of a slanted edge."""
    for i in range(count):
        frame = np.full((64, 96, 3), 60, np.uint8)
        frame[:, 3 * i : 3 * i + 16] = 220
        yield frame


@pytest.mark.parametrize("first", ["tff", "bff"])
@pytest.mark.parametrize("ending", ["ts", "mpg", "mp4", "mkv"])
def test_interlaced_films_become_whole_frames(tmp_path, first, ending):
    fields = ["-vf", f"interlace=scan={first}:lowpass=0", "-flags", "+ildct+ilme"]
    if ending in ("mp4", "mkv"):
        coded = ["-x264opts", f"{first}=1", "-pix_fmt", "yuv420p"]
    else:
        coded = ["-c:v", "mpeg2video", "-qscale:v", "2", "-pix_fmt", "yuv420p"]
    path = filmed(tmp_path / f"a.{ending}", passing(), *fields, *coded, fps=50)
    film = open_film(path)
    frames = list(film.frames())
    assert film.fps == 25 and len(frames) == pytest.approx(12, abs=1)
    assert "interlaced" in joined(film.notes)
    assert max(map(combs, frames[1:-1])) < 3  # 25 with its fields
    assert combs(dict(read_frames(path, [5]))[5]) < 3


def test_dv_tapes_are_interlaced_though_their_header_does_not_say(tmp_path):
    frames = [cv2.resize(frame, (720, 576)) for frame in passing(8)]
    path = filmed(
        *(tmp_path / "a.dv", frames, "-vf", "interlace=lowpass=0:scan=bff"),
        *("-c:v", "dvvideo", "-pix_fmt", "yuv420p"),
        fps=50,
    )
    film = open_film(path)
    assert film.fps == 25 and "interlaced" in joined(film.notes)
    assert len(list(film.frames())) == 4


def test_progressive_films_are_not_deinterlaced(tmp_path):
    lines = np.zeros((64, 64, 3), np.uint8)
    lines[::2] = 200
    film = open_film(filmed(tmp_path / "a.mp4", [lines] * 3))
    assert not film.header.interlaced and film.notes == ()
    assert combs(next(film.frames())) > 150


# ---- Pace ----


def uneven(path, times):
    """A film of `numbered` frames, each from its time [s] on."""
    steps = "+".join(
        f"gte(N,{i + 1})*{after - before:.6f}" for i, (before, after) in enumerate(pairwise(times))
    )
    stamps = f"settb=1/90000,setpts='round(({steps})/TB)'"
    timed = ["-fps_mode", "passthrough", "-enc_time_base", "1/90000", "-bf", 0]
    if path.suffix == ".mp4":
        timed += ["-video_track_timescale", 90000]
    return filmed(path, numbered(len(times)), "-vf", stamps, *timed, fps=25)


def kept(path) -> tuple[Fraction, list[int]]:
    film = open_film(path)
    return film.fps, numbers(film.frames())


@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_films_that_slow_down_in_dim_light_keep_every_frame(tmp_path, ending):
    times = [i / 30 for i in range(20)] + [20 / 30 + i / 15 for i in range(20)]
    fps, seen = kept(uneven(tmp_path / f"a.{ending}", times))
    assert fps == 30 and seen[:20] == list(range(20))
    assert seen[20:56:2] == list(range(20, 38)) and seen[21:57:2] == list(range(20, 38))


def test_films_that_speed_up_keep_every_frame(tmp_path):
    times = [i / 10 for i in range(15)] + [1.5 + i / 30 for i in range(30)]
    fps, seen = kept(uneven(tmp_path / "a.mp4", times))
    assert fps == 30 and set(seen) == set(range(45)) and seen[45:74] == list(range(15, 44))


@pytest.mark.parametrize("gap", [0.7, 5.0])
def test_a_long_frame_of_a_screen_recording_lasts_as_long_as_it_does(tmp_path, gap):
    times = [i / 25 for i in range(10)] + [0.36 + gap + i / 25 for i in range(10)]
    fps, seen = kept(uneven(tmp_path / "a.mkv", times))
    assert set(seen) == set(range(20))
    assert seen.count(9) == pytest.approx(gap * fps, abs=1)


def test_frames_that_come_a_little_early_or_late_are_kept(tmp_path):
    late = np.random.default_rng(0).uniform(-0.008, 0.008, 40)
    fps, seen = kept(uneven(tmp_path / "a.mp4", [0, *(np.arange(1, 41) / 30 + late)]))
    assert set(seen) == set(range(41)) and fps < 61


@pytest.mark.parametrize(
    "times, mean, grid, fps, lost",
    [
        (np.arange(240) / 240, 240, 240, 60, 0),  # slow motion
        (np.arange(100) / 100, 100, 100, 50, 0),
        (np.arange(90) * 1.001 / 90, 89.91, 90, "45000/1001", 0),
        (np.arange(30) * 1.001 / 30, 29.97, 29.97, "30000/1001", 0),
        (np.round(np.arange(99) * 1001 / 30) / 1000, 29.97, 29.97, "30000/1001", 0),  # MKV
        (np.arange(5) * 2.0, 0.5, 0.5, 1, 0),
        (np.arange(5) * 3.33, 0.3, 0.3, 4, 0),  # slides: half a tenth of one is near enough
        ([0, 0.02, 0.06, 0.1, 0.22], 20, 50, 50, 0),
        ([0, 0.001, 0.002, 0.5], 8, 1000, 60, 2),
        (np.arange(50) / 25, 0, 0, 25, 0),  # nothing known
        (np.arange(50) / 25, 60_000, 25, 25, 0),
        ([0], 0, 100, 10, 0),  # one picture, for a tenth of a second
        ([*(np.arange(2000) / 25), 79.961], 25, 25, 25, 1),
        (np.arange(4) / 0.995, 0.995, 0.995, 1, 0),
    ],
)
def test_the_frame_rate_of_frames_at_these_times(times, mean, grid, fps, lost):
    grid = choose_frame_grid(FrameTimes(np.array(times, float), times[-1] + 0.1), mean, grid)
    assert (grid.fps, grid.dropped) == (Fraction(fps), lost)


def test_frames_that_follow_too_fast_are_said_to_be_left_out(tmp_path):
    times = [*(i / 25 for i in range(10)), 0.361, 0.362, 0.5]
    film = open_film(uneven(tmp_path / "a.mkv", times))
    assert film.fps == 60 and "2 of 13 frames are left out" in joined(film.notes)


def test_note_on_dropped_frames_below_60_per_second_names_their_distance():
    times = FrameTimes(np.array([*(np.arange(2000) / 25), 79.961]), 80.0)
    header = SimpleNamespace(average_fps=25, width=64, height=64)
    notes = _frame_notes(header, times, choose_frame_grid(times, 25, 25))
    assert joined(notes) == (
        "1 of 2001 frames are left out: they follow the frame before too closely."
    )


@pytest.mark.parametrize("fps, exact", [(0.995, 1), (0.5, 1), (29.97, "30000/1001"), (25, 25)])
def test_exact_rate_is_never_below_one(fps, exact):
    assert exact_fps(fps) == Fraction(exact)


def test_a_film_that_begins_between_two_frames_skips_none(tmp_path):
    """A sound that begins half a frame earlier moves all frames to where rounding may go either
    way."""
    late = ["-map", "1:a", "-map", "0:v", "-filter:v", "setpts=PTS+0.01668/TB", "-fps_mode", "vfr"]
    path = filmed(
        *(tmp_path / "a.mkv", numbered(40), *late, "-c:a", "flac"),
        fps="30000/1001",
        sound="sine=440:d=1.4",
    )
    film = open_film(path)
    assert str(film.fps) == "30000/1001" and set(numbers(film.frames())) == set(range(40))


# ---- Animated pictures ----

LASTING = [40, 100, 40, 300, 40, 200]  # [ms]


def shapes(count=6, ground=(0, 0, 0, 0)):
    """A red square that moves over a ground; its brightness says which frame it is."""
    for i in range(count):
        image = Image.new("RGBA", (64, 64), ground)
        ImageDraw.Draw(image).rectangle((4 * i, 10, 4 * i + 30, 40), fill=(60 + 30 * i, 0, 0, 255))
        yield image


def animated(path, images, **options):
    first, *others = images
    first.save(path, save_all=True, append_images=others, **options)
    return path


@pytest.mark.parametrize(
    "name, options",
    [
        ("a.webp", {"lossless": True}),
        ("a.png", {"disposal": 1}),
        ("a.gif", {"disposal": 1}),
        ("a.gif", {"disposal": 2}),
        ("a.gif", {"disposal": 3}),
    ],
)
def test_animated_pictures_are_films(tmp_path, name, options):
    path = animated(tmp_path / name, shapes(), duration=LASTING, loop=0, **options)
    film = open_film(path)
    frames = list(film.frames())
    assert film.estimated_frames == len(frames) and "Transparent parts" in joined(film.notes)
    lasting = np.array(LASTING) * float(film.fps) / 1000
    for i, end in enumerate(np.cumsum(lasting)):
        for frame in frames[round(end - lasting[i]) : round(end)]:
            assert abs(int(frame[25, 4 * i + 15, 0]) - (60 + 30 * i)) < 8
            assert frame[55:].min() > 250  # white shows where nothing is
    assert film.seconds == pytest.approx(sum(LASTING) / 1000)


def test_a_default_picture_that_is_no_frame_is_left_out(tmp_path):
    path = animated(tmp_path / "a.png", shapes(6), default_image=True, duration=[100] * 5)
    frames = frames_of(path)
    assert len(frames) == 5 and abs(int(frames[0][25, 20, 0]) - 90) < 4


def test_what_animate_writes_is_a_film(tmp_path):
    film = open_film(filmed(tmp_path / "a.mp4", greys(8)))
    for ending in ("gif", "webp"):
        write_film(tmp_path / f"b.{ending}", film.frames(), film)
        again = open_film(tmp_path / f"b.{ending}")
        assert again.fps == film.fps and shown(again.frames()) == list(range(8))


def test_one_picture_is_a_film_of_one_frame_or_a_photo(tmp_path):
    (image,) = shapes(1)
    image.save(tmp_path / "a.gif")
    assert len(frames_of(tmp_path / "a.gif")) == 1
    for name in ("a.webp", "a.png", "a.jpg"):
        image.convert("RGB").save(tmp_path / name)
        with pytest.raises(UnreadableFile, match="single picture, not a video: open it as a photo"):
            open_film(tmp_path / name)


def test_transparent_parts_of_videos_are_white(tmp_path):
    images = [np.array(image) for image in shapes(4)]
    for name, codec in (("a.webm", "libvpx-vp9"), ("a.mov", "qtrle")):
        pixels = "yuva420p" if codec == "libvpx-vp9" else "argb"
        run(
            *("-f", "rawvideo", "-pix_fmt", "rgba", "-s", "64x64", "-r", 10, "-i", "pipe:0"),
            *("-c:v", codec, "-pix_fmt", pixels, tmp_path / name),
            data=np.stack(images).tobytes(),
        )
        frame = frames_of(tmp_path / name)[0]
        assert frame[55:].min() > 245 and frame[25, 15].max() < 80


# ---- Sound ----


def with_sounds(path, *tones: int, unknown: int):
    """A film with these tones; of the first `unknown` ones no decoder knows the codec."""
    sounds = [("-f", "lavfi", "-i", f"sine={tone}:d=1") for tone in tones]
    maps = [("-map", f"{i + 1}:a") for i in range(len(tones))]
    made = path.with_name("made.mov")
    filmed(path.with_name("picture.mkv"), numbered(10))
    run(
        *("-i", path.with_name("picture.mkv"), *sum(sounds, ()), "-map", "0:v", *sum(maps, ())),
        *("-c:v", "copy", "-c:a", "aac", made),
    )
    data = made.read_bytes()
    for name, other, times in ((b"mp4a", b"apac", 3), (b"esds", b"none", 1)):  # a track has so many
        data = data.replace(name, other, times * unknown)
    path.write_bytes(data)
    return path


def pitch(path) -> float:
    sound = sound_of(path)[2000:6000]
    return float(np.fft.rfftfreq(len(sound), 1 / 8000)[np.abs(np.fft.rfft(sound)).argmax()])


def test_the_first_sound_that_can_be_decoded_is_kept(tmp_path):
    film = open_film(with_sounds(tmp_path / "a.mov", 440, 880, 1320, unknown=1))
    notes = write_film(tmp_path / "b.mp4", film.frames(), film)
    assert notes == ["Audio track 2 of 3 is kept: those before it cannot be decoded."]
    assert pitch(tmp_path / "b.mp4") == pytest.approx(880, abs=10)
    film = open_film(with_sounds(tmp_path / "a.mov", 440, 880, unknown=0))
    assert write_film(tmp_path / "b.mp4", film.frames(), film) == []
    assert pitch(tmp_path / "b.mp4") == pytest.approx(440, abs=10)


def test_a_film_whose_sounds_are_all_unknown_is_silent_and_says_so(tmp_path):
    film = open_film(with_sounds(tmp_path / "a.mov", 440, 880, unknown=2))
    notes = write_film(tmp_path / "b.mp4", film.frames(), film)
    assert notes == ["The sound of the video could not be kept."]
    assert open_film(tmp_path / "b.mp4").header.audio_codecs == ()


def test_a_sound_of_noise_is_passed_over(tmp_path):
    """It names a codec that there is, and holds nothing of it."""
    path = with_sounds(tmp_path / "a.mov", 440, 880, unknown=0)
    film = open_film(path)
    from moodganimation.media import video_writer

    tried = []

    def decodable(film, number):
        tried.append(number)
        return number == 1

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(video_writer, "_is_decodable", decodable)
        notes = write_film(tmp_path / "b.mp4", film.frames(), film)
    assert tried == [0, 1] and "Audio track 2 of 2" in joined(notes)


# ---- Fast films ----


@pytest.mark.parametrize(
    "fps, written",
    [("60", 30), ("60000/1001", 30000 / 1001), ("50", 50), ("120", 30), ("55", 27.5)],
)
def test_fast_films_are_thinned_for_gif(tmp_path, fps, written):
    film = open_film(filmed(tmp_path / "a.mp4", numbered(24), fps=fps))
    slow = limit_fps_for(film, tmp_path / "b.gif")
    assert float(slow.fps) == pytest.approx(written)
    notes = write_film(tmp_path / "b.gif", film.frames(), film)
    if film.fps > 50:
        assert notes == list(slow.notes[len(film.notes) :]) and "A GIF has at most 50" in notes[0]
    else:
        assert notes == []
    assert write_film(tmp_path / "c.gif", slow.frames(), slow) == []
    seconds = 24 / float(Fraction(fps))
    for name in ("b.gif", "c.gif"):
        made = open_film(tmp_path / name)
        assert made.seconds == pytest.approx(seconds, abs=0.04)
        with Image.open(tmp_path / name) as gif:
            assert gif.n_frames == pytest.approx(seconds * written, abs=1)
    assert limit_fps_for(film, "b.mp4") is film is limit_fps_for(film, "b.webp")


def test_thinning_shows_every_so_manieth_frame():
    assert [divided_fps(Fraction(fps), 50) for fps in (24, 50, 51, 60, 144)] == [
        24,
        50,
        Fraction(51, 2),
        30,
        48,
    ]


def test_a_fast_film_drives_a_photo_to_a_gif(tmp_path, head, capsys):
    path = filmed(tmp_path / "a.mp4", [at(head, 40 + i) for i in range(6)], fps="60000/1001")
    out = tmp_path / "b.gif"
    photo = str(ASSETS / "portrait-calm.png")
    assert main(["drive", photo, "--by", str(path), "--size", "96", "--out", str(out)]) == 0
    assert "reduced to 29.97" in capsys.readouterr().err
    assert Image.open(out).n_frames >= 2


# ---- Timelines ----


def test_timelines_of_films_are_as_long_as_films(tmp_path):
    keys = [{"at": 0}, {"at": 3599, "expression": {"AU12": 0.9}}]
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"fps": 60, "blinks": True, "keyframes": keys}))
    way = read_timeline(path, FilmTimeline).sampled()
    assert len(way) == 3599 * 60 + 1
    half, end = way[3599 * 30], way[len(way) - 1]
    assert half["AU12"] == pytest.approx(0.45, abs=0.01) and end["AU12"] == pytest.approx(0.9)
    with pytest.raises(InvalidTimeline, match="at most 600 frames"):
        read_timeline(path)
    path.write_text(json.dumps({"fps": 60, "keyframes": [{"at": 3600, "hold": 9}]}))
    with pytest.raises(InvalidTimeline, match="A film's timeline has at most 216000"):
        read_timeline(path, FilmTimeline)


def test_a_film_of_an_hour_may_have_a_keyframe_a_second(tmp_path):
    keys = [{"at": i, "expression": {"AU12": 0.5 * (i % 2)}} for i in range(3600)]
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"keyframes": keys}))
    way = read_timeline(path, FilmTimeline).sampled()
    assert [way[24 * i]["AU12"] for i in (0, 1, 1000, 3599)] == [0, 0.5, 0, 0.5]


@pytest.mark.parametrize("mode", ["once", "loop", "ping-pong"])
def test_frames_that_are_asked_for_one_by_one_are_those_of_the_whole(mode):
    keys = Keyframe(NEUTRAL, 0.2, 0.1), Keyframe(PRESETS["happy"], 1, 0.3), Keyframe(NEUTRAL, 2)
    way = Timeline(keys, 24, mode, blinks=True).sampled()
    whole = Timeline(keys, 24, mode, blinks=True).expressions()
    assert len(way) == len(whole) and isinstance(way.expressions, KeyframeSequence)
    assert [way[i] for i in reversed(range(len(way)))] == whole[::-1]
    for beyond in (-1, len(way)):
        with pytest.raises(IndexError):
            way[beyond]


def test_timelines_shorter_than_the_film_end_or_repeat():
    keys = Keyframe(NEUTRAL, 0), Keyframe(Expression.of(ACTION_UNITS, AU12=0.8), 1)
    once = offset_by(FilmTimeline(keys, 10).sampled(), fps=10)
    assert [once(t, NEUTRAL)["AU12"] for t in (0, 1, 1.1, 50)] == [0, 0.8, 0.8, 0.8]
    again = offset_by(FilmTimeline(keys, 10, "ping-pong").sampled(), fps=10, repeat=True)
    assert [again(t, NEUTRAL)["AU12"] for t in (0, 1, 2, 3, 100)] == [0, 0.8, 0, 0.8, 0]


def test_a_film_takes_a_timeline_longer_than_itself(tmp_path, head, capsys):
    path = filmed(tmp_path / "a.mp4", [at(head, 40)] * 3)
    keys = tmp_path / "keys.json"
    keys.write_text('{"keyframes": [{"at": 0}, {"at": 100, "expression": {"AU12": 0.9}}]}')
    arguments = ["film", str(path), "--timeline", str(keys), "--out", str(tmp_path / "b.mp4")]
    assert main(arguments) == 0 and "on 3 of 3 frames" in capsys.readouterr().err
    photo = str(ASSETS / "portrait-calm.png")
    arguments = ["animate", photo, "--timeline", str(keys), "--out", str(tmp_path / "c.mp4")]
    assert main(arguments) == 2 and "at most 600 frames" in capsys.readouterr().err


# ---- Names and places ----

LONG = [
    "n" * 251,
    "\u8df3" * 83,
    "\U0001f600" * 62,
    "a\u0301" * 80,
    "\u8df3\u821e" * 20,
]


@POSIX
@pytest.mark.parametrize("name", LONG)
@pytest.mark.parametrize("ending", ["mp4", "gif"])
def test_any_name_that_a_file_can_have_is_written(tmp_path, name, ending):
    film = open_film(filmed(tmp_path / "a.mkv", numbered(3), sound="sine=440:d=0.3"))
    (tmp_path / "out").mkdir()
    path = tmp_path / "out" / f"{name}.{ending}"
    write_film(path, film.frames(), film)
    assert [other.name for other in path.parent.iterdir()] == [path.name]
    assert numbers(frames_of(path)) == [0, 1, 2]


@POSIX
def test_long_names_that_begin_alike_are_written_side_by_side(tmp_path):
    one, other = (tmp_path / ("n" * 200 + end) for end in "ab")
    with atomic_write(one) as part, atomic_write(other) as same:
        assert part != same and max(len(os.fsencode(p.name)) for p in (part, same)) < 255
        part.write_text("a")
        same.write_text("b")
    assert (one.read_text(), other.read_text()) == ("a", "b")


def test_two_writers_of_one_target_do_not_share_a_temporary_file(tmp_path):
    target = tmp_path / "a.txt"
    with atomic_write(target) as one:
        one.write_text("one")
        with atomic_write(target) as other:
            other.write_text("other")
        assert target.read_text() == "other"
    assert target.read_text() == "one" and list(tmp_path.iterdir()) == [target]


def test_places_that_take_no_file_are_told(tmp_path):
    (tmp_path / "folder.csv").mkdir()
    assert check_writable(tmp_path / "a.csv") == tmp_path / "a.csv"
    for name in ("folder.csv", "n" * 260 + ".csv", "none/a.csv"):
        with pytest.raises(Unwritable):
            check_writable(tmp_path / name)
    if getattr(os, "geteuid", int)():  # root may write everywhere
        tmp_path.chmod(0o500)
        with pytest.raises(Unwritable, match="cannot be written"):
            check_writable(tmp_path / "a.csv")
        tmp_path.chmod(0o700)
    assert [path.name for path in tmp_path.iterdir()] == ["folder.csv"]


def test_a_table_that_cannot_be_written_is_told_before_the_film_is_drawn(tmp_path, head, capsys):
    path = filmed(tmp_path / "a.mp4", [at(head, 40)] * 3)
    photo, out = str(ASSETS / "portrait-calm.png"), tmp_path / "out"
    (out / "c.csv").mkdir(parents=True)
    for table in (out / "c.csv", out / ("n" * 260 + ".csv")):
        arguments = ["drive", photo, "--by", str(path), "--out", str(out / "b.mp4")]
        assert main([*arguments, "--csv", str(table)]) == 2
        error = capsys.readouterr().err
        assert error.startswith("moodganimation: ") and "face:" not in error
    assert [other.name for other in out.iterdir()] == ["c.csv"]


def test_strips_whose_names_are_too_long_are_told_before_the_animation_is_drawn(tmp_path):
    def frames():
        raise AssertionError("drawn")
        yield

    with pytest.raises(Unwritable, match="cannot be written"):
        write_columns(tmp_path / ("n" * 250 + ".gif"), frames(), 32, 10)
    assert list(tmp_path.iterdir()) == []


# ---- Endings ----


@pytest.fixture
def talk(tmp_path, head):
    (tmp_path / "in").mkdir()
    return filmed(tmp_path / "in" / "a.mp4", [at(head, 40 + i) for i in range(8)])


def ended(patch, place: str, name: str, after: int = 2):
    """Let a function send `name` to this process when it is called for the second time."""
    calls, (module, function) = [], place.rsplit(".", 1)
    from importlib import import_module

    real = getattr(import_module(module), function)

    def called(*arguments, **options):
        calls.append(1)
        if len(calls) == after:
            signal.raise_signal(getattr(signal, name))
            signal.raise_signal(getattr(signal, name))  # as `timeout` does
        return real(*arguments, **options)

    patch.setattr(place, called)


@pytest.mark.parametrize("name", SIGNALS)
def test_signals_end_a_film_and_leave_nothing(tmp_path, talk, name, monkeypatch, capsys):
    (tmp_path / "out").mkdir()
    ended(monkeypatch, "moodganimation.video.editing.report_progress", name)
    out = str(tmp_path / "out" / "b.mp4")
    before = signal.getsignal(getattr(signal, name))
    assert main(["film", str(talk), "--add", "AU12=0.5", "--out", out]) == 128 + getattr(
        signal, name
    )
    assert "Stopped; no file was written in part." in capsys.readouterr().err
    assert list((tmp_path / "out").iterdir()) == []
    assert signal.getsignal(getattr(signal, name)) == before


@pytest.mark.parametrize("command", ["animate", "drive"])
def test_sigterm_ends_other_commands_too(tmp_path, talk, command, monkeypatch):
    (tmp_path / "out").mkdir()
    photo, out = str(ASSETS / "portrait-calm.png"), str(tmp_path / "out" / "b.mp4")
    options = {"animate": ["--preset", "happy"], "drive": ["--by", str(talk)]}[command]
    place = {
        "animate": "moodganimation.media.video_writer._checked_size",
        "drive": "moodganimation.video.reenactment.report_progress",
    }[command]
    ended(monkeypatch, place, "SIGTERM", 1 if command == "animate" else 2)
    assert main([command, photo, *options, "--out", out]) == 143
    assert list((tmp_path / "out").iterdir()) == []


@POSIX
def test_ignored_signals_stay_ignored():
    """As under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with raise_on_termination():
            signal.raise_signal(signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


@POSIX
def test_workers_of_a_terminated_command_leave_no_files(tmp_path):
    items = [{"out": str(tmp_path / f"{i}.txt")} for i in range(8)]
    with (
        pytest.raises(Terminated) as end,
        raise_on_termination(),
        contextlib.closing(map_items(begun, items, "processes", 2)) as results,
    ):
        list(results)
    assert end.value.status == 143
    names = {path.name for path in tmp_path.iterdir()}
    assert names and all(name.endswith(".begun") for name in names)


@POSIX
@pytest.mark.slow
def test_the_page_server_removes_what_visitors_sent_when_it_is_ended(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    film = filmed(tmp_path / "a.mp4", numbered(3))
    (tmp_path / "files").mkdir()
    command = [sys.executable, "-m", "moodganimation", "demo", "--port", str(port)]
    server = subprocess.Popen(command, env=os.environ | {"TMPDIR": str(tmp_path / "files")})
    try:
        wait_for(lambda: answers(port), 120)
        with film.open("rb") as file:
            url = f"http://127.0.0.1:{port}/gradio_api/upload"
            assert httpx.post(url, files={"files": file}).status_code == 200
        assert [*(tmp_path / "files").rglob("a.mp4")]
    finally:
        server.send_signal(signal.SIGTERM)
        assert server.wait(30) == 0
    assert [*(tmp_path / "files").rglob("a.mp4")] == []


def answers(port: int) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(f"http://127.0.0.1:{port}/").status_code == 200
    return False
