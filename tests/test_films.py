"""Films: read, followed, taken again with another expression, and driving a photo."""

import subprocess
import threading
import tracemalloc
from itertools import pairwise

import cv2
import imageio_ffmpeg
import numpy as np
import pytest

from moodganimation.animation.trajectories import read_trajectory
from moodganimation.cli.commands import main
from moodganimation.errors import (
    Cancelled,
    InvalidExpression,
    NoFaceFound,
    UnreadableFile,
    Unwritable,
)
from moodganimation.expressions.moods import mood_of
from moodganimation.expressions.presets import PRESETS
from moodganimation.expressions.sides import convert_units
from moodganimation.expressions.spaces import ACTION_UNITS, PAD, VALENCE_AROUSAL, Expression
from moodganimation.faces.portrait import Portrait, center_side_roll, square_crop
from moodganimation.media import ffmpeg, film_header, video_reader
from moodganimation.media.provenance import EDITED
from moodganimation.media.video_reader import open_film
from moodganimation.media.video_writer import write_film
from moodganimation.video import editing
from moodganimation.video.editing import blend_to, edit_video, offset_by
from moodganimation.video.reenactment import Performance, capture_performance, write_curves
from moodganimation.video.smoothing import MAX_RADIUS, windows
from moodganimation.video.tracking import track, track_unsmoothed

from .conftest import ASSETS

FPS = 10
NEUTRAL = Expression.neutral(ACTION_UNITS)
GREY = (110, 120, 130)


def run(*arguments, data=None) -> bytes:
    """What ffmpeg writes to stdout."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *map(str, arguments)]
    return subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout


def filmed(path, frames, *options, fps=FPS, sound=None):
    """A film of (H, W, 3) frames, and of a sound that ffmpeg makes from this description."""
    frames = np.stack(list(frames))
    size = f"{frames.shape[2]}x{frames.shape[1]}"
    made = ["-f", "lavfi", "-i", sound] if sound else []
    run(
        "-f",
        "rawvideo",
        "-pix_fmt",
        "rgb24",
        "-s",
        size,
        "-r",
        fps,
        "-i",
        "pipe:0",
        *made,
        "-c:v",
        "libx264",
        "-qp",
        8,
        "-preset",
        "ultrafast",
        "-pix_fmt",
        "yuv444p",
        *options,
        path,
        data=frames.tobytes(),
    )
    return path


def frames_of(path):
    return list(open_film(path).frames())


def sound_of(path) -> np.ndarray:
    """Samples at 8000 Hz, from the film's beginning on."""
    even = "aresample=8000:async=1:first_pts=0"
    data = run("-i", path, "-map", "0:a:0", "-af", even, "-ac", 1, "-f", "s16le", "-")
    return np.frombuffer(data, np.int16).astype(float)


def greys(count=12, shape=(64, 96)):
    """Frames whose brightness, 20 more each time, says which they are."""
    return [np.full((*shape, 3), 10 + 20 * i, np.uint8) for i in range(count)]


def shown(frames):
    """Which of `greys` these frames are."""
    return [round((frame.mean() - 10) / 20) for frame in frames]


def difference(one, other) -> float:
    return float(np.abs(one.astype(int) - other).mean())


@pytest.fixture(scope="session")
def head(photo):
    """(192, 192, 3): somebody's head and shoulders."""
    return cv2.resize(photo[:256, 100:356], (192, 192), interpolation=cv2.INTER_AREA)


def at(picture, x, width=288):
    """A picture on grey, x pixels from the left; what is beyond the border is cut off."""
    move = np.float32([[1, 0, x], [0, 1, 0]])
    return cv2.warpAffine(picture, move, (width, len(picture)), borderValue=GREY)


# ---- Reading and writing ----


def test_a_film_is_read_at_its_pace_with_even_sides(tmp_path):
    film = open_film(filmed(tmp_path / "a.mkv", greys(12, (65, 97))))
    frames = list(film.frames())
    assert (film.fps, film.estimated_frames, film.sound, film.notes) == (FPS, 12, None, ())
    assert shown(frames) == list(range(12)) and frames[0].shape == (64, 96, 3)


@pytest.mark.parametrize(
    "given, read",
    [("30000/1001",) * 2, ("24000/1001",) * 2, ("12.5", "25/2"), ("120", "60"), ("1/2", "1")],
)
def test_paces_from_1_to_60_are_kept(tmp_path, given, read):
    film = open_film(filmed(tmp_path / "a.mp4", greys(4), fps=given))
    assert str(film.fps) == read
    assert len(list(film.frames())) == pytest.approx(film.estimated_frames, abs=1)


def test_uneven_frames_are_evened(tmp_path):
    lost = ["-vf", "select='not(between(n,3,6))'", "-fps_mode", "vfr"]
    frames = frames_of(filmed(tmp_path / "a.mkv", greys(12), *lost))
    assert shown(frames)[:12] == [0, 1, 2, 2, 2, 2, 2, 7, 8, 9, 10, 11]


def test_a_picture_that_begins_after_the_sound_stays_late(tmp_path):
    later = ["-map", "1:a", "-map", "0:v", "-filter:v", "setpts=PTS+0.5/TB", "-fps_mode", "vfr"]
    late = filmed(tmp_path / "a.mkv", greys(6), *later, "-c:a", "flac", sound="sine=440:d=1.1")
    assert shown(frames_of(late))[4:10] == [0, 0, 1, 2, 3, 4]


def test_a_turned_camera_is_turned_back(tmp_path, photo):
    upright = cv2.resize(photo, (96, 128))
    filmed(tmp_path / "a.mp4", [np.rot90(upright, -1)] * 3)
    run("-display_rotation", 90, "-i", tmp_path / "a.mp4", "-c", "copy", tmp_path / "b.mp4")
    turned = frames_of(tmp_path / "b.mp4")[1]
    assert turned.shape == upright.shape and difference(turned, upright) < 3


def test_pixels_that_are_not_square_are_made_so(tmp_path):
    assert frames_of(filmed(tmp_path / "a.mp4", greys(2), "-vf", "setsar=2"))[0].shape[1] == 192


def test_large_frames_are_reduced_and_it_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(video_reader, "MAX_SIDE", 80)
    film = open_film(filmed(tmp_path / "a.mp4", greys(2)))
    assert next(film.frames()).shape == (52, 80, 3) and "96 x 64 pixels" in film.notes[0]


@pytest.mark.parametrize("tags", [["bt709"] * 3, ["smpte170m"] * 3, None])
def test_colors_stay_what_they_are(tmp_path, tags):
    """Coded by the matrix that the film names, or, as it names none, by that of its size."""
    options = zip(("-colorspace", "-color_primaries", "-color_trc"), tags or (), strict=False)
    matrix = ["-vf", f"scale=out_color_matrix={tags[0] if tags else 'bt601'}"]
    bars = np.repeat(np.uint8([[(200, 60, 40), (60, 180, 50), (50, 60, 210)]] * 64), 32, 1)
    film = open_film(filmed(tmp_path / "a.mp4", [bars] * 2, *matrix, *sum(options, ())))
    write_film(tmp_path / "b.mp4", film.frames(), film)
    again = open_film(tmp_path / "b.mp4")
    assert again.header.color_matrix == "auto"  # it says bt709
    for one, most in ((film, 2), (again, 4)):  # a wrong matrix is off by 20
        assert np.abs(next(one.frames())[:, 16::32].astype(int) - bars[:, 16::32]).max() <= most


@pytest.mark.parametrize("codec, kept", [("aac", "aac"), ("pcm_s16le", "aac"), ("mp3", "mp3")])
def test_sound_stays_with_its_picture(tmp_path, codec, kept):
    """A click while the one white frame is shown."""
    frames = [np.full((64, 64, 3), 255 * (i == 15), np.uint8) for i in range(25)]
    click = f"aevalsrc='between(t,{15 / FPS},{16 / FPS})*sin(3000*t)':d={25 / FPS}"
    film = open_film(filmed(tmp_path / "a.mkv", frames, "-c:a", codec, sound=click))
    assert write_film(tmp_path / "b.mp4", film.frames(), film) == []
    made = open_film(tmp_path / "b.mp4")
    assert (made.sound, made.fps, made.seconds) == (kept, FPS, pytest.approx(2.5, abs=0.1))
    assert np.argmax([frame.mean() for frame in made.frames()]) == 15
    sound = np.abs(sound_of(tmp_path / "b.mp4"))
    loud = np.flatnonzero(sound > 0.5 * sound.max()) / 8000
    np.testing.assert_allclose([loud[0], loud[-1]], [1.5, 1.6], atol=0.03)


def test_sound_that_cannot_be_read_is_left_out_and_said(tmp_path, monkeypatch):
    film = open_film(filmed(tmp_path / "a.mp4", greys(3), sound="sine=440:d=0.3"))
    monkeypatch.setattr("moodganimation.media.video_writer._merge_audio", lambda *_: False)
    assert (
        "sound of the video could not be kept"
        in write_film(tmp_path / "b.mp4", film.frames(), film)[0]
    )
    assert open_film(tmp_path / "b.mp4").sound is None


def test_written_films_play_everywhere_and_say_that_they_are_edited(tmp_path):
    film = open_film(filmed(tmp_path / "a.mp4", greys(3), sound="sine=440:d=0.3"))
    write_film(tmp_path / "b.mp4", film.frames(), film)
    data = (tmp_path / "b.mp4").read_bytes()
    assert b"moov" in data[:64] and EDITED.encode() in data and b"avc1" in data
    assert "yuv420p(tv, bt709" in film_header.header_text(tmp_path / "b.mp4")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "b.mp4"]


def test_what_is_no_film_is_said(tmp_path, monkeypatch):
    film = filmed(tmp_path / "a.mp4", greys(12))
    for name, data, sentence in (
        ("text.mp4", b"no film", "not a video that can be read"),
        ("cut.mp4", film.read_bytes()[:2000], "that can be read"),  # no header
        ("list.mp4", b"#EXTM3U\n#EXTINF:9,\na.mp4\n", "not a video that can be read"),
        ("script.mp4", b"ffconcat version 1.0\nfile a.mp4\n", "not a video that can be read"),
    ):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(UnreadableFile, match=sentence):
            open_film(tmp_path / name)
    run("-f", "lavfi", "-i", "sine=440:d=0.3", tmp_path / "sound.mp4")
    with pytest.raises(UnreadableFile, match="no video track that can be read"):
        open_film(tmp_path / "sound.mp4")
    with pytest.raises(UnreadableFile, match="There is no video"):
        open_film(tmp_path / "none.mp4")
    small = open_film(filmed(tmp_path / "small.mp4", greys(2, (20, 40))))
    with pytest.raises(UnreadableFile, match="40 x 20 pixels, too small"):
        next(small.frames())
    monkeypatch.setattr(ffmpeg, "MAX_FRAME_PIXELS", 1000)
    with pytest.raises(UnreadableFile, match="Not one frame"):
        next(open_film(film).frames())
    monkeypatch.setattr(video_reader, "MAX_FILM_SECONDS", 1)
    with pytest.raises(UnreadableFile, match="videos may last"):
        open_film(film)


def test_a_damaged_film_ends_early(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (20, 64, 64, 3), np.uint8)
    whole = filmed(tmp_path / "a.mp4", noise, "-movflags", "+faststart").read_bytes()
    (tmp_path / "b.mp4").write_bytes(whole[: len(whole) // 2])
    film = open_film(tmp_path / "b.mp4")
    count = len(list(film.frames()))
    assert 5 < count < 15 and "ends after" in editing.truncation_notes(film, count)[0]


def test_a_film_is_not_written_over_itself(tmp_path):
    film = open_film(filmed(tmp_path / "a.mp4", greys(3)))
    with pytest.raises(Unwritable, match="is the video that is read"):
        write_film(tmp_path / "a.mp4", film.frames(), film)


# ---- Steadiness ----


class Simple:
    """An animator of dark squares: it finds, aligns (with a tremor) and reads their brightness."""

    def __init__(self, tremor=0.0):
        self.tremor, self.random, self.looks = tremor, np.random.default_rng(0), 0

    def find(self, photo):
        self.looks += 1
        rows, columns = np.nonzero(photo[..., 0] < 60)
        middle = (columns.mean(), rows.mean()) if len(rows) else None
        return [square_crop(middle, 80)] if middle else []

    def track_crop(self, photo, to_face):
        found = self.find(photo)
        self.looks -= 1
        near = [f for f in found if abs(center_side_roll(f)[0] - center_side_roll(to_face)[0]) < 60]
        x, y, side, roll = center_side_roll(near[0] if near else to_face)
        dx, dy, size, turn = self.random.normal(0, self.tremor, 4)
        to_face = square_crop((x + dx * side, y + dy * side), side * np.exp(size), roll + turn)
        units = Expression.clipped(ACTION_UNITS, self.random.normal(0.5, self.tremor, 17))
        return Portrait(photo, to_face, "", reading=units)


def squares(places, width=320):
    for x in places:
        frame = np.tile(np.uint8(np.linspace(90, 250, width))[:, None], (120, 1, 3))
        if x is not None:
            frame[40:80, max(0, round(x) - 20) : round(x) + 20] = 30
        yield frame


def test_neighborhoods_are_symmetric_and_small():
    seen = [([*items], place) for items, place in windows(range(6), 2)]
    assert [items[place] for items, place in seen] == list(range(6))
    assert seen[0] == ([0, 1, 2], 0) and seen[3] == ([1, 2, 3, 4, 5], 2)
    assert seen[5] == ([3, 4, 5], 2) and list(windows([], 2)) == []


def test_trembling_places_and_readings_are_steadied():
    still = list(squares([160] * 60))
    raw = [m.measured_faces[0].portrait for m in track_unsmoothed(Simple(0.01), still, 30)]
    steady = [faces[0].portrait for _, faces in track(Simple(0.01), still, 30)]
    for values in (
        lambda p: center_side_roll(p.to_face)[0] / 80,
        lambda p: center_side_roll(p.to_face)[3],
        lambda p: np.log(p.side),
        lambda p: p.reading["AU12"],
    ):
        before, after = (np.array([values(p) for p in way]) for way in (raw, steady))
        assert np.diff(after).std() < 0.3 * np.diff(before).std()


def test_what_moves_fast_is_followed_without_delay():
    way = [160 + 100 * np.sin(i / 4) for i in range(60)]  # up to a third of the side a frame
    places = [
        center_side_roll(faces[0].portrait.to_face)[0]
        for _, faces in track(Simple(), squares(way), 30)
    ]
    assert np.abs(np.array(places) - np.round(way)).max() < 0.035 * 80


def test_a_face_that_leaves_and_returns_sets_in_softly():
    way = [160] * 20 + [None] * 12 + [160] * 30
    seen = [[f.presence for f in faces] for _, faces in track(Simple(), squares(way), 30)]
    assert seen[0] == [1] and seen[19] == [1 / 6] and seen[14] == [1]  # the film just begins
    assert all(not faces for faces in seen[20:32])
    back = next(i for i in range(32, 60) if seen[i])
    assert back <= 32 + 8 and [f[0] for f in seen[back : back + 6]] == [i / 6 for i in range(1, 7)]


@pytest.mark.parametrize("place, step", [(90, -1), (220, 1)])
def test_a_cut_begins_a_new_scene_without_softness(place, step):
    """To another picture, or within one: somebody is elsewhere all of a sudden."""
    shots = [*squares([100] * 10), *(frame[:, ::step] for frame in squares([place] * 10))]
    moments = list(track(Simple(), shots, 30))
    assert [moment.scene for moment, _ in moments] == [0] * 10 + [1] * 10
    assert [[face.presence for face in faces] for _, faces in moments] == [[1]] * 20
    assert len({name for moment, _ in moments for name in moment.measured_faces}) == 2


def test_the_finder_looks_now_and_then_only():
    simple = Simple()
    list(track(simple, squares([160] * 61), 30))
    assert simple.looks == 8


def test_memory_does_not_grow_with_the_film():
    def peak(count):
        tracemalloc.start()
        for _ in track(Simple(), squares([160] * count), 30):
            pass
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    few, many = peak(30), peak(200)
    assert many < 1.2 * few < 1.2 * (2 * MAX_RADIUS + 6) * 120 * 320 * 12


def edited(animator, photos, change, fps=30):
    with_change = offset_by(change)
    for moment, faces in track(animator, photos, fps):
        yield editing.edit_face(animator, moment.frame, faces[0], with_change, moment.seconds)


def step(frames) -> list[float]:
    """Mean changes from frame to frame."""
    return [difference(a, b) for a, b in pairwise(frames)]


@pytest.mark.slow
def test_an_edited_still_stays_still(animator, head):
    frames = [at(head, 40)] * 10
    made = list(edited(animator, frames, {"AU12": -0.5, "AU26": 0.7}))
    assert difference(made[0], frames[0]) > 0.5
    assert max(step(made)) < 0.05
    assert max(np.abs(a.astype(int) - b).max() for a, b in pairwise(made)) < 12


@pytest.mark.slow
def test_an_edited_film_trembles_no_more_than_the_film(animator, head):
    noise = np.random.default_rng(0).normal(0, 3, (10, 192, 288, 3))
    frames = list(np.uint8(np.clip(at(head, 40) + noise, 0, 255)))
    made = list(edited(animator, frames, {"AU12": -0.5, "AU26": 0.7}))
    assert max(step(made)) < 1.01 * max(step(frames))


# ---- Taken again ----


@pytest.mark.parametrize(
    "change, units",
    [
        ({"AU12": 0.3, "au1": -0.5}, {"AU01": 0, "AU12": 0.7}),
        (Expression.of(ACTION_UNITS, AU12=0.9), {"AU01": 0.2, "AU12": 1}),
        ({}, {}),
    ],
)
def test_changes_are_added_to_what_is_read(change, units):
    reading = Expression.of(ACTION_UNITS, AU01=0.2, AU12=0.4)
    wished = offset_by(change)(0, reading)
    np.testing.assert_allclose(wished.vector(), reading.replace(**units).vector(), atol=1e-9)


@pytest.mark.parametrize("change", [{"pleasure": 0.5}, Expression.of(VALENCE_AROUSAL, valence=0.5)])
def test_moods_are_added_too(change):
    happier = mood_of(offset_by(change)(0, NEUTRAL))
    assert happier["pleasure"] > 0.2
    assert offset_by({"pleasure": 0.0})(0, PRESETS["sad"]) == PRESETS["sad"]


def test_strength_is_how_much_of_it():
    assert offset_by({"AU12": 0.3}, 2)(0, NEUTRAL)["AU12"] == pytest.approx(0.6)
    assert offset_by({"AU12": 0.3}, 0)(0, NEUTRAL) == NEUTRAL
    half = blend_to(PRESETS["sad"], 0.5)(0, Expression.of(ACTION_UNITS, AU12=0.6))
    assert (half["AU12"], half["AU15"]) == (0.3, 0.5)


def test_changes_may_depend_on_time():
    steps = offset_by([{"AU12": 0.1 * i} for i in range(5)], fps=10)
    assert [round(steps(t, NEUTRAL)["AU12"], 2) for t in (0, 0.1, 0.39, 7)] == [0, 0.1, 0.4, 0.4]
    steps = offset_by([{"AU12": 0.1 * i} for i in range(5)], fps=10, repeat=True)
    assert round(steps(0.7, NEUTRAL)["AU12"], 2) == 0.2
    ramp = offset_by(lambda t: {"AU12": t / 2}, strength=0.5)
    assert ramp(1.0, NEUTRAL)["AU12"] == 0.25


@pytest.mark.parametrize(
    "arguments",
    [
        ({"AU99": 1},),
        ({"AU12": float("nan")},),
        ({"AU12": 1}, 3),
        ({"AU12": 1}, -1),
        ([], 1, 10),
        ([{"AU12": 1}],),
    ],
)
def test_changes_that_cannot_be_are_refused(arguments):
    with pytest.raises(InvalidExpression):
        offset_by(*arguments)


@pytest.fixture(scope="module")
def talk(tmp_path_factory, animator, portrait, head):
    """Somebody who drops the jaw twice and then is gone, with a tone."""
    wide = cv2.resize(
        animator.edit(portrait, portrait.reading.replace(AU25=1, AU26=1)).image[:256, 100:356],
        (192, 192),
        interpolation=cv2.INTER_AREA,
    )
    shares = np.clip(1.4 * np.sin(np.arange(16) / 16 * 2 * np.pi) ** 2 - 0.2, 0, 1)
    frames = [at(np.uint8(head * (1 - s) + wide * s), 40 + i) for i, s in enumerate(shares)]
    frames += [np.full_like(frames[0], GREY)] * 4
    path = tmp_path_factory.mktemp("films") / "talk.mp4"
    return filmed(path, frames, "-pix_fmt", "yuv420p", sound="sine=440:d=2")


def test_a_film_is_taken_again(animator, talk, tmp_path):
    film, seen = open_film(talk), []
    done = edit_video(
        animator,
        film,
        tmp_path / "a.mp4",
        offset_by({"AU01": 0.8, "AU02": 0.8}),
        progress=lambda *at: seen.append(at),
    )
    assert (done.frames, done.edited, done.notes) == (20, 16, [])
    assert seen == [(i, 20) for i in range(1, 21)]
    made = open_film(tmp_path / "a.mp4")
    assert (made.fps, made.estimated_frames, made.sound) == (FPS, 20, "aac")
    changes = [difference(*pair) for pair in zip(film.frames(), made.frames(), strict=True)]
    assert min(changes[:16]) > 1.5 * max(changes[16:]) and max(changes[16:]) < 0.5
    np.testing.assert_allclose(
        np.abs(sound_of(tmp_path / "a.mp4")[:15000]).mean(),
        np.abs(sound_of(talk)[:15000]).mean(),
        rtol=0.01,
    )


def test_what_ends_the_work_leaves_nothing(animator, talk, tmp_path, head):
    def cancel(done, total):
        if done == 3:
            raise Cancelled("Stopped.")

    threads = threading.active_count()
    with pytest.raises(Cancelled):
        edit_video(
            animator, open_film(talk), tmp_path / "a.mp4", offset_by({"AU12": 1}), progress=cancel
        )
    assert threading.active_count() == threads
    film_without_face = open_film(
        filmed(tmp_path / "without_face.mkv", [np.full((64, 64, 3), GREY, np.uint8)] * 3)
    )
    with pytest.raises(NoFaceFound, match="any of the 3 frames"):
        edit_video(animator, film_without_face, tmp_path / "a.mp4", offset_by({"AU12": 1}))
    with pytest.raises(NoFaceFound, match="any of the 3 frames"):
        capture_performance(animator, film_without_face)
    with pytest.raises(InvalidExpression, match="From 1 to 8 faces"):
        edit_video(
            animator, open_film(talk), tmp_path / "a.mp4", offset_by({"AU12": 1}), max_faces=9
        )
    assert [path.name for path in tmp_path.iterdir()] == ["without_face.mkv"]


def test_one_frame_is_a_film(animator, tmp_path, head):
    film = open_film(filmed(tmp_path / "a.mp4", [at(head, 40)]))
    done = edit_video(animator, film, tmp_path / "b.mp4", offset_by({"AU12": -1}))
    assert (done.frames, done.edited, len(frames_of(tmp_path / "b.mp4"))) == (1, 1, 1)


def test_several_faces_are_edited_if_that_is_asked(animator, head):
    both = [np.concatenate([at(head, 0, 192), at(head, 20, 210)[:, ::-1]], 1)] * 2
    seen = list(track(animator, both, FPS, max_faces=2))
    assert [len(faces) for _, faces in seen] == [2, 2] and len(seen[0][0].measured_faces) == 2


# ---- Driving ----


@pytest.fixture(scope="module")
def performance(animator, talk):
    return capture_performance(animator, open_film(talk))


def test_a_film_is_read_frame_by_frame(performance):
    assert performance.units.shape == (20, len(performance.space.axes))
    assert performance.found.sum() == 16
    assert "No face was found on 4 of 20 frames" in performance.notes[0]
    jaw = performance.units[:, performance.space.index("AU26")]
    assert jaw[4] > jaw[0] + 0.25 < jaw[12] and jaw[8] < jaw[4] - 0.25
    assert jaw[19] == jaw[15]


def test_a_photo_does_what_the_film_does(performance):
    start = Expression.of(ACTION_UNITS, AU12=0.4, AU26=0.1)
    way = list(performance.retarget(start))
    assert len(way) == 20 and way[4]["AU26"] > 0.4 > 0.2 > way[0]["AU26"]
    assert way[0]["AU12"] == pytest.approx(0.4, abs=0.15)
    same = convert_units(start, performance.space, start)
    assert list(performance.retarget(start, strength=0)) == [same] * 20
    brows = list(performance.retarget(start, regions=["brows"], strength=2))
    assert {p["AU26"] for p in brows} == {0.1} and len({p["AU01"] for p in brows}) > 1
    moody = list(performance.retarget(start, carry="moods"))
    assert len(moody) == 20 and all(p.space == performance.space for p in moody)


def test_neutral_is_robust():
    units = np.zeros((20, 17), np.float32) + 0.1
    units[5:] += 0.5  # smiles most of the time
    units[7] = np.nan
    performance = Performance(10, units, np.isfinite(units).all(1), [])
    for how, value in (("calm", 0.1), ("median", 0.6), ("first", 0.1)):
        np.testing.assert_allclose(performance.neutral(how), value, atol=1e-6)


@pytest.mark.parametrize(
    "wrong",
    [
        {"strength": 2.1},
        {"regions": ["chin"]},
        {"regions": []},
        {"neutral": "mean"},
        {"carry": "feelings"},
    ],
)
def test_manners_that_do_not_exist_are_refused(performance, wrong):
    with pytest.raises(InvalidExpression):
        performance.retarget(NEUTRAL, **wrong)


def test_curves_are_read_back(performance, tmp_path):
    way = list(performance.retarget(NEUTRAL))
    path = write_curves(tmp_path / "a.csv", way, 10, performance.found)
    header, _, second = path.read_text().splitlines()[:3]
    assert header.startswith("time,AU01") and header.endswith(",face_found")
    assert "AU45,pleasure,arousal,dominance," in header
    assert second.startswith("0.100,") and second.endswith(",1")
    back = read_trajectory(path, way[0].space).expressions
    np.testing.assert_allclose([p.values for p in back], [p.values for p in way], atol=1e-4)
    for space in (PAD, VALENCE_AROUSAL):
        assert read_trajectory(path, space).expressions[3].space == PAD
    with pytest.raises(Unwritable, match=r"must be a \.csv file"):
        write_curves(tmp_path / "a.txt", way, 10, performance.found)


# ---- The commands ----


def command(*arguments) -> int:
    return main([str(argument) for argument in arguments])


def test_film_is_a_command(talk, tmp_path, capsys):
    out = tmp_path / "a.mp4"
    moves = tmp_path / "moves.json"
    moves.write_text('{"keyframes": [{"at": 0}, {"at": 1, "expression": {"AU01": 1}}]}')
    assert (
        command(
            "film",
            talk,
            "--set",
            "AU12=0.9",
            "--add",
            "AU04=0.3",
            "--timeline",
            moves,
            "--out",
            out,
        )
        == 0
    )
    assert "on 16 of 20 frames" in capsys.readouterr().err and len(frames_of(out)) == 20
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "moves.json"]


def test_drive_is_a_command(talk, tmp_path, capsys):
    out, curves = tmp_path / "a.mp4", tmp_path / "a.csv"
    assert (
        command(
            "drive",
            ASSETS / "portrait-calm.png",
            "--by",
            talk,
            "--out",
            out,
            "--size",
            128,
            "--regions",
            "mouth,eyes",
            "--csv",
            curves,
        )
        == 0
    )
    film = open_film(out)
    frames = list(film.frames())
    assert (len(frames), frames[0].shape, film.sound) == (20, (128, 128, 3), "aac")
    assert difference(frames[4], frames[0]) > 3 * difference(frames[8], frames[0])
    assert len(read_trajectory(curves, ACTION_UNITS).expressions) == 20
    assert "No face was found on 4" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (["film", "none.mp4"], "There is no video"),
        (["film", __file__], "not a video that can be read"),
        (["film", "{talk}", "--set", "AU99=1"], "not an axis"),
        (["film", "{talk}", "--add", "AU12"], "--add takes AXIS=NUMBER"),
        (["film", "{talk}", "--add", "AU99=1"], "not an axis"),
        (["film", "{talk}", "--faces", "0"], "From 1 to 8 faces"),
        (["film", "{talk}", "--trajectory", "none.csv"], "cannot be read"),
        (["drive", "{photo}", "--by", "none.mp4"], "There is no video"),
        (["drive", "{photo}", "--by", "{talk}", "--strength", "3"], "from 0 to 2"),
        (["drive", "{photo}", "--by", "{talk}", "--regions", "chin"], "Regions are any of"),
        (["drive", "{photo}", "--by", "{talk}", "--csv", "a.txt"], "must be a .csv file"),
        (["drive", "{photo}", "--by", "{talk}", "--size", "1"], "from 64 to 4096"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_written(
    arguments, sentence, talk, tmp_path, capsys
):
    arguments = [a.format(talk=talk, photo=ASSETS / "portrait-calm.png") for a in arguments]
    assert command(*arguments, "--out", tmp_path / "a.mp4") == 2
    stderr = capsys.readouterr().err
    assert sentence in stderr and "Traceback" not in stderr
    assert list(tmp_path.iterdir()) == []
