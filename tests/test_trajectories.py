"""Trajectories from files, films beside them, and the columns that show both."""

import pickle
from collections import OrderedDict

import numpy as np
import pytest
from PIL import Image

from moodganimation.animation.trajectories import read_trajectory
from moodganimation.animator import Animator
from moodganimation.checkpoints.files import Checkpoint, build_generator, save_generator
from moodganimation.cli.commands import main
from moodganimation.errors import InvalidExpression, Problem, UnreadableFile
from moodganimation.expressions.spaces import (
    ACTION_UNITS,
    FACS,
    PAD,
    VALENCE_AROUSAL,
    Expression,
    space_named,
)
from moodganimation.media.images import read_image
from moodganimation.media.video_reader import read_frames
from moodganimation.media.video_writer import write_animation
from moodganimation.networks.base import GeneratorConfig
from moodganimation.video.side_by_side import filmed_faces, write_columns

from .conftest import PHOTO

MOODS = np.array([[0.1, -0.2], [0.3, 0.4], [-0.5, 0.6]])


def written(path, text):
    path.write_text(text)
    return path


def pickled(path, table, protocol=2):
    path.write_bytes(pickle.dumps(table, protocol))
    return path


def values(trajectory):
    return np.array([point.values for point in trajectory.expressions])


def memory():
    """A generator that remembers, for valence and arousal."""
    config = GeneratorConfig(
        architecture="convgru_unet", condition_dim=2, image_size=32, width=4, depth=2
    )
    return build_generator(config).eval()


# ---- Files ----


@pytest.mark.parametrize(
    "text", ["0.1,-0.2\n0.3,0.4\n-0.5,0.6\n", "Arousal, valence\n-0.2,0.1\n0.4,0.3\n0.6,-0.5\n\n"]
)
def test_tables_are_read_with_a_header_and_without(tmp_path, text):
    way = read_trajectory(written(tmp_path / "a.csv", text), VALENCE_AROUSAL)
    np.testing.assert_array_equal(values(way), MOODS)
    assert (way.frame_numbers, way.notes) == ([0, 1, 2], [])


def test_axes_that_a_header_leaves_out_are_neutral(tmp_path):
    way = read_trajectory(written(tmp_path / "a.csv", "AU12,au1\n0.5,0.25\n"), ACTION_UNITS)
    assert way.expressions == [Expression.of(ACTION_UNITS, AU12=0.5, AU01=0.25)]


@pytest.mark.parametrize("space", [PAD, ACTION_UNITS])
def test_a_header_of_another_space_is_kept_for_the_generator_to_translate(tmp_path, space):
    way = read_trajectory(written(tmp_path / "a.csv", "valence\n0.5\n"), space)
    assert way.expressions == [Expression.of(VALENCE_AROUSAL, valence=0.5)]


def test_nameless_axes_go_by_their_places(tmp_path):
    space = space_named("c4")
    way = read_trajectory(written(tmp_path / "a.csv", "c2,c0\n0.5,-1\n"), space)
    assert way.expressions == [Expression(space, (-1, 0, 0.5, 0))]
    with pytest.raises(InvalidExpression, match=r"'valence' is not an axis that.*c0, c1, c2, c3"):
        read_trajectory(written(tmp_path / "b.csv", "valence\n0.5\n"), space)


@pytest.mark.parametrize("kind", ["f2", "f4", ">f8"])
def test_arrays_are_read(tmp_path, kind):
    np.save(tmp_path / "a.npy", MOODS.astype(kind))
    way = read_trajectory(tmp_path / "a.npy", VALENCE_AROUSAL, start=1, frames=2)
    np.testing.assert_allclose(values(way), MOODS[1:], atol=1e-3)
    assert way.frame_numbers == [1, 2]


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
def test_a_pickle_is_one_video_in_the_order_of_its_frames(tmp_path, protocol):
    table = OrderedDict((f"178_{n}", np.float32(MOODS[n - 9])) for n in (10, 9, 11))
    way = read_trajectory(pickled(tmp_path / "a.pkl", table, protocol), VALENCE_AROUSAL)
    np.testing.assert_allclose(values(way), MOODS, atol=1e-6)
    assert (way.frame_numbers, way.notes) == ([9, 10, 11], [])


def test_of_several_videos_the_first_unbroken_one_is_taken_and_said(tmp_path):
    table = {f"a_b_{n}.jpg": [0.1, 0] for n in (0, 2)} | {f"c_{n}": [0.2, 0] for n in (5, 6)}
    path = pickled(tmp_path / "a.pkl", table)
    way = read_trajectory(path, VALENCE_AROUSAL)
    assert way.frame_numbers == [5, 6] and "2 videos; c is taken" in way.notes[0]
    way = read_trajectory(path, VALENCE_AROUSAL, clip="a_b")
    assert way.frame_numbers == [0, 2] and "1 frames of a_b are missing" in way.notes[0]
    with pytest.raises(UnreadableFile, match="no clip 'd'; it has a_b, c"):
        read_trajectory(path, VALENCE_AROUSAL, clip="d")


def test_values_out_of_range_are_clipped_and_counted(tmp_path):
    way = read_trajectory(written(tmp_path / "a.csv", "2,0\n0.5,-3\n"), VALENCE_AROUSAL)
    np.testing.assert_array_equal(values(way), [[1, 0], [0.5, -1]])
    assert way.notes == ["2 of 4 values were out of range and are clipped."]
    np.save(tmp_path / "a.npy", np.full((1, 17), 4.0))
    assert "OpenFace" in read_trajectory(tmp_path / "a.npy", ACTION_UNITS).notes[0]


def test_three_values_for_valence_and_arousal_are_pleasure_first(tmp_path):
    way = read_trajectory(written(tmp_path / "a.csv", "0.1,0.2,0.3"), VALENCE_AROUSAL)
    assert way.expressions == [Expression(PAD, (0.1, 0.2, 0.3))]
    assert "dominance is left out" in way.notes[0]


def test_rows_of_moods_are_taken_for_units_only_if_it_is_said(tmp_path):
    path = written(tmp_path / "a.csv", "0.1,0.2,0.3")
    with pytest.raises(InvalidExpression, match=r"3 values a row.*17 axes.*--axes pad"):
        read_trajectory(path, ACTION_UNITS)
    assert read_trajectory(path, ACTION_UNITS, headerless_space=PAD).expressions == [
        Expression(PAD, (0.1, 0.2, 0.3))
    ]


@pytest.mark.parametrize(
    "space, headerless_space, sentence",
    [
        (space_named("c3"), PAD, r"pad cannot be read for this model: its tables may be in c3\."),
        (ACTION_UNITS, FACS, "facs .* may be in action_units, valence_arousal, pad"),
    ],
)
def test_rows_in_a_space_that_is_not_accepted_name_those_that_are(
    tmp_path, space, headerless_space, sentence
):
    path = written(tmp_path / "a.csv", "0.1,0.2,0.3")
    with pytest.raises(InvalidExpression, match=sentence):
        read_trajectory(path, space, headerless_space=headerless_space)


@pytest.mark.parametrize(
    "text, sentence",
    [
        ("", "has 0 rows"),
        ("valence,arousal\n", "has 0 rows"),
        ("0.1,0.2\n0.3\n", "line 2: 1 values instead of 2"),
        ("0.1,0.2\n\n0.3\n", "line 3: 1 values"),
        ("valence,arousal\n0.1,0.2\n0.3,nan\n", "line 3: 'nan' is not a number"),
        ("0.1,inf\n", "line 1: 'inf' is not a number"),
        ("0.1,0.2\n0.1,\n", "line 2: '' is not a number"),
        ("0.1,0.2\n0.1,high\n", "line 2: 'high' is not a number"),
        ("valence,1\n", "line 1: 'valence' is not a number"),
        ("valence,joy\n1,1\n", "line 1: 'joy' is not an axis"),
        ("valence,AU12\n1,1\n", "line 1: 'AU12' is not an axis"),
        ("pleasure,joy\n1,1\n", "line 1: 'joy' is not an axis"),
        ("valence,Valence\n1,1\n", "named twice"),
        ("0.1\n", "1 values a row"),
        ('"0.1,0.2\n', "not a table"),
        ("0.1,0.2\n" * 100_001, "more than 100000 rows"),
    ],
)
def test_tables_that_cannot_be_used_say_where(tmp_path, text, sentence):
    with pytest.raises(Problem, match=sentence):
        read_trajectory(written(tmp_path / "a.csv", text), VALENCE_AROUSAL)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros(3),
        np.zeros((2, 3, 1)),
        np.array([["a"]]),
        np.array([[{}]]),
        np.zeros((2, 2), "c8"),
        np.array([[np.nan, 0]]),
        np.zeros((0, 2)),
        np.zeros((2, 0)),
        np.zeros((1, 5)),
    ],
)
def test_arrays_that_are_no_trajectories_are_refused(tmp_path, array):
    np.save(tmp_path / "a.npy", array, allow_pickle=True)
    with pytest.raises(Problem, match=r"a\.npy"):
        read_trajectory(tmp_path / "a.npy", VALENCE_AROUSAL)


@pytest.mark.parametrize(
    "table",
    [
        {},
        [1],
        {"a": [0.0, 0.0]},
        {"a_1": "text"},
        {"a_1": [0.0, None]},
        {"a_1": [0, float("nan")]},
        {"a_1": [0, 0], "a_01": [0, 0]},
        {"a_1": [0, 0], "a_2": [0]},
        {"a_1": [10**400, 0]},
        {"a_1": np.array([{}])},
        {"a_1": np.zeros(300)},
        {("a", 1): [0, 0]},
        {"a_1": print},
    ],
)
def test_pickles_that_are_no_trajectories_are_refused(tmp_path, table):
    with pytest.raises(UnreadableFile, match=r"a\.pkl"):
        read_trajectory(pickled(tmp_path / "a.pkl", table), VALENCE_AROUSAL)


def test_files_that_lie_about_themselves_are_refused(tmp_path):
    for name in ("a.npy", "a.pkl", "a.csv"):
        (tmp_path / name).write_bytes(b"\x93NUMPY\x01\x00" + bytes(range(200, 256)))
        with pytest.raises(UnreadableFile):
            read_trajectory(tmp_path / name, VALENCE_AROUSAL)
    np.save(tmp_path / "b.npy", np.zeros((4, 2)))
    honest = (tmp_path / "b.npy").read_bytes()
    for shape in (b"(9, 9)", b"(4, 2(", b"(-4,2)"):
        (tmp_path / "b.npy").write_bytes(honest.replace(b"(4, 2)", shape))
        with pytest.raises(UnreadableFile, match="readable"):
            read_trajectory(tmp_path / "b.npy", VALENCE_AROUSAL)


@pytest.mark.parametrize("start, frames", [(3, None), (-1, 2), (2, 2), (0, 0), (0, -1), (0, 4)])
def test_rows_that_are_not_there_are_refused(tmp_path, start, frames):
    np.save(tmp_path / "a.npy", MOODS)
    with pytest.raises(UnreadableFile, match="has 3 rows"):
        read_trajectory(tmp_path / "a.npy", VALENCE_AROUSAL, start=start, frames=frames)


# ---- Films and columns ----


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """Somebody, noise, somebody brighter."""
    photo = np.array(Image.fromarray(read_image(PHOTO)).resize((256, 256)))
    noise = np.random.default_rng(0).integers(0, 255, photo.shape).astype(np.uint8)
    bright = np.uint8(photo // 2 + 127)
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    return write_animation(path, [photo, noise, bright])


@pytest.fixture
def remembering(animator):
    return Animator(
        Checkpoint(memory(), VALENCE_AROUSAL, {}),
        reader=animator.reader,
        finder=animator.finder,
        aligner=animator.aligner,
        device=animator.device,
    )


def test_frames_of_a_film_are_those_asked_for(film):
    frames = dict(read_frames(film, [2, 0]))
    assert list(frames) == [0, 2] and frames[0].shape == (256, 256, 3)
    assert frames[2].mean() > frames[0].mean() + 40


@pytest.mark.parametrize("text", ["", "no video", "#EXTM3U\n#EXTINF:9,\nfilm.mp4\n"])
def test_what_is_no_film_is_said(tmp_path, film, text):
    (tmp_path / "film.mp4").write_bytes(film.read_bytes())
    with pytest.raises(UnreadableFile, match="not a video"):
        next(read_frames(written(tmp_path / "a.avi", text), [0]))
    with pytest.raises(UnreadableFile, match="no video"):
        next(read_frames(tmp_path / "none.avi", [0]))
    with pytest.raises(UnreadableFile, match="has no frame 7"):
        next(read_frames(film, [7]))


def test_filmed_faces_are_crops_or_grey(animator, film):
    faces, notes = filmed_faces(animator, film, [0, 1, 2, 9], 64)
    assert [face.shape for face in faces] == [(64, 64, 3)] * 4
    assert [face.std() > 0 for face in faces] == [True, False, True, False]
    assert "ends before 1 of the 4" in notes[0] and "No face was found on 1 of 3" in notes[1]


def test_columns_are_the_network_s_own(tmp_path, remembering, photo):
    portrait = remembering.locate(photo)
    way = [Expression(VALENCE_AROUSAL, row) for row in MOODS]
    frames = list(remembering.animate(portrait, way))
    truth = [np.full((32, 32, 3), 10 * i, np.uint8) for i in range(3)]
    paths = write_columns(tmp_path / "a.gif", frames, 32, 10, truth)
    assert [path.name for path in paths] == [
        "a.gif",
        "a_composite.png",
        "a_attention.png",
        "a_color.png",
        "a_truth.png",
    ]
    composite, attention, _, filmed = (read_image(path) for path in paths[1:])
    edit = frames[1].edit
    wanted = (edit.composite[0].numpy().transpose(1, 2, 0) + 1) * 127.5
    np.testing.assert_allclose(composite[:, 32:64], wanted, atol=0.51)
    np.testing.assert_allclose(
        attention[:, 32:64, 0], 255 * edit.attention[0, 0].numpy(), atol=0.51
    )
    np.testing.assert_array_equal(filmed, np.concatenate(truth, 1))
    np.testing.assert_array_equal(frames[2].columns(32)[0], portrait.face(32))
    image = Image.open(tmp_path / "a.gif")
    assert (image.size, image.n_frames) == ((5 * 32, 32), 3)


# ---- The command ----


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    path = tmp_path_factory.mktemp("checkpoint") / "memory.safetensors"
    save_generator(path, memory(), VALENCE_AROUSAL, {})
    return path


def animate(*arguments) -> int:
    return main(["animate", *map(str, arguments)])


def test_the_seed_s_test_is_one_command(tmp_path, checkpoint, film, capsys):
    table = OrderedDict((f"9_{n}", [0.1 * n, 0, 0]) for n in (0, 1, 2))
    moods, out = pickled(tmp_path / "moods.pkl", table), tmp_path / "out"
    out.mkdir()
    assert (
        animate(
            film,
            "--trajectory",
            moods,
            "--truth",
            film,
            "--columns",
            "--labels",
            "--feed",
            "generated",
            "--checkpoint",
            checkpoint,
            "--out",
            out / "a.webp",
        )
        == 0
    )
    image = Image.open(out / "a.webp")  # the first condition is the start's: two frames of three
    assert (image.size, image.n_frames) == ((5 * 128, 128 + 22), 2)
    assert sorted(path.name for path in out.iterdir()) == [
        "a.webp",
        "a_attention.png",
        "a_color.png",
        "a_composite.png",
        "a_truth.png",
    ]
    assert read_image(out / "a_truth.png").shape == (128, 2 * 128, 3)
    said = capsys.readouterr().err
    assert "dominance is left out" in said and "No face was found on 1 of 2" in said


def test_a_trajectory_alone_is_an_animation_of_all_its_rows(tmp_path):
    way = written(tmp_path / "a.csv", "AU12,AU25\n0,0\n0.5,0.3\n1,0.6\n")
    assert animate(PHOTO, "--trajectory", way, "--size", 64, "--out", tmp_path / "a.gif") == 0
    assert Image.open(tmp_path / "a.gif").n_frames == 3


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (["--trajectory", "none.csv"], "cannot be read"),
        (
            ["--trajectory", "{csv}", "--preset", "sad"],
            "--preset cannot be combined",
        ),
        (["--trajectory", "{csv}", "--ping-pong"], "--ping-pong cannot be combined"),
        (["--trajectory", "{csv}", "--truth", "{film}"], "--truth needs --columns"),
        (["--trajectory", "{csv}", "--clip", "a"], "leave out"),
        (["--trajectory", "{csv}", "--axes", "feelings"], "not a space"),
        (["--trajectory", "{csv}", "--frames", "1", "--columns"], "2 to 600 frames"),
        (["--trajectory", "{csv}", "--columns", "--truth", "none.avi"], "no video"),
        (["--trajectory", "{csv}", "--columns", "--feed", "generated"], "warp generator"),
        (["--trajectory", "{csv}", "--columns", "--size", "64"], "--size cannot be combined"),
        (["--truth", "{film}", "--columns"], "--truth needs --trajectory"),
        (["--labels"], "--labels needs --columns"),
        (["--start", "1"], "--start needs --trajectory"),
    ],
)
def test_what_cannot_be_animated_is_said(arguments, sentence, film, tmp_path, capsys):
    out = tmp_path / "out"
    out.mkdir()
    csv = written(tmp_path / "a.csv", "AU12\n0.2\n0.9\n")
    arguments = [a.format(csv=csv, film=film) for a in arguments]
    assert animate(PHOTO, *arguments, "--out", out / "a.gif") == 2
    said = capsys.readouterr().err
    assert sentence in said and "Traceback" not in said
    assert list(out.iterdir()) == []


def test_a_pickle_without_frames_is_named_as_such(tmp_path):
    with pytest.raises(UnreadableFile, match="holds no frames"):
        read_trajectory(pickled(tmp_path / "a.pkl", {}), VALENCE_AROUSAL)
