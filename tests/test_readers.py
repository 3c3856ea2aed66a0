"""Readers of the seed's files: what they take, what they drop and count, what they refuse."""

import pickle
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from moodganimation.expressions.spaces import ACTION_UNITS, PAD, VALENCE_AROUSAL, space_named
from training.data.annotations import read_annotations, read_ids
from training.data.batches import BatchSpec, draw_batch
from training.data.config import DataConfig
from training.data.stills import open_samples
from training.ganimation.experiments import EXPERIMENTS

STILLS, CLIPS = DataConfig(kind="stills"), DataConfig(kind="clips", frames=3)


def dump(path: Path, table) -> Path:
    path.write_bytes(pickle.dumps(table, protocol=2))
    return path


def paint(path: Path, tone=100, mark=None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = np.full((144, 144, 3), tone, np.uint8)
    if mark == "left":
        picture[:, :40] = 250
    cv2.imwrite(str(path), picture)


def stills(folder: Path, table: dict, names: list[str], pictures: list[str]) -> Path:
    for name in pictures:
        paint(folder / "imgs" / f"{name}.jpg")
    dump(folder / "aus_openface.pkl", table)
    (folder / "train_ids.csv").write_text("\n".join(names))
    return folder


# ---- Annotations ----


def test_units_are_divided_by_five_and_invalid_rows_counted(tmp_path):
    good = np.arange(17) / 4
    table = {
        "a": good,
        "b": good[:11],
        "c": good * np.nan,
        "d": good + 2,
        "e": ["high"] * 17,
        "f.jpg": list(good),
    }
    read = read_annotations(dump(tmp_path / "aus.pkl", table), ACTION_UNITS)
    assert list(read.values) == ["a", "f"]
    np.testing.assert_allclose(read.values["a"], good / 5, rtol=1e-6)
    assert sum(read.dropped.values()) == 4 and len(read.dropped) == 4


def test_moods_of_three_numbers_are_reduced_to_two_with_a_note(tmp_path):
    path = dump(tmp_path / "moods.pkl", {"a": [0.5, -0.2, 0.9], "b": [0.1, 0.2]})
    read = read_annotations(path, VALENCE_AROUSAL)
    np.testing.assert_allclose(read.values["a"], [0.5, -0.2], rtol=1e-6)
    assert "dominance is left out" in read.notes[0]
    assert list(read_annotations(path, PAD).values) == ["a"]


def test_conditions_without_names_are_read_unchanged(tmp_path):
    path = dump(tmp_path / "x.pkl", {"a": [3.0, -7.0, 0.0, 1.0]})
    assert read_annotations(path, space_named("c4")).values["a"].tolist() == [3, -7, 0, 1]


def test_uncertain_rows_of_affectnet_are_dropped_and_counted(tmp_path):
    header = "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,"
    rows = [header + "expression,valence,arousal"]
    rows += [
        f"12/{name}.jpg,1,2,3,4,1.5;2.5;3.5,1,{v},{a}"
        for name, v, a in (("a", 0.5, -0.5), ("b", -2, -2), ("c", "n/a", 0))
    ]
    (tmp_path / "train.csv").write_text("\n".join(rows))
    read = read_annotations(tmp_path / "train.csv", VALENCE_AROUSAL)
    assert {k: v.tolist() for k, v in read.values.items()} == {"a": [0.5, -0.5]}
    assert read.dropped["are not numbers"] == 1
    assert sum(n for reason, n in read.dropped.items() if "-2" in reason) == 1


@pytest.mark.parametrize(
    "text, sentence",
    [
        ("subDirectory_filePath,valence\na.jpg,1", "lacks the columns arousal in"),
        ("valence,arousal\n0,0", "lacks the columns subDirectory_filePath"),
        ("", "lacks the columns"),
        ("name,valence,arousal\n", "no usable annotation .*it is empty"),
        ("name,valence,arousal\na,-2,-2", "no usable annotation .*1 are outside -1 to 1"),
    ],
)
def test_invalid_csv_raises_readable_error(tmp_path, text, sentence):
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(ValueError, match=sentence):
        read_annotations(tmp_path / "x.csv", VALENCE_AROUSAL)


def test_other_invalid_files_raise_readable_errors(tmp_path):
    (tmp_path / "x.csv").write_bytes(b"\xff\xfe\x00\x9d" * 40)
    with pytest.raises(ValueError, match="not a readable csv"):
        read_annotations(tmp_path / "x.csv", VALENCE_AROUSAL)
    with pytest.raises(ValueError, match=r"read from \.pkl or \.csv"):
        read_annotations(tmp_path / "x.xlsx", PAD)
    (tmp_path / "ids.csv").write_text("\n \n")
    with pytest.raises(ValueError, match="is empty"):
        read_ids(tmp_path / "ids.csv")
    with pytest.raises(ValueError, match="no list of names"):
        read_ids(tmp_path / "none.csv")


def test_one_ending_of_a_name_is_removed(tmp_path):
    (tmp_path / "ids.csv").write_text("a.jpg.png\nb.png\n")
    assert read_ids(tmp_path / "ids.csv") == ["a.jpg", "b"]


class Hostile:
    def __reduce__(self):
        return (exec, ("raise SystemExit('run')",))


def test_pickle_with_code_is_refused_and_not_run(tmp_path):
    with pytest.raises(ValueError, match="nothing in it was run"):
        read_annotations(dump(tmp_path / "x.pkl", {"a": Hostile()}), PAD)


# ---- Photos ----


def test_photos_need_an_annotation_and_a_picture(tmp_path):
    table = {name: np.full(17, i / 2) for i, name in enumerate("abcd")}
    folder = stills(tmp_path, table, ["a.jpg", "b.jpg", "c.jpg", "z.jpg"], ["a", "b", "d"])
    samples = open_samples([folder], "train", STILLS, ACTION_UNITS)
    assert [path.stem for path, _ in samples.rows] == ["a", "b"]
    assert samples.dropped == {
        "are missing for names of the list": 1,
        "belong to no picture in the folder": 1,
    }
    assert len(samples.report()) == 2


def test_targets_are_noisy_labels_of_other_photos_within_bounds(tmp_path):
    table = {f"p{i}": np.zeros(17) if i % 2 else np.full(17, 5.0) for i in range(20)}
    folder = stills(tmp_path, table, list(table), list(table))
    rng, zero = np.random.default_rng(0), np.zeros(17, np.float32)
    samples = open_samples([folder], "train", STILLS, ACTION_UNITS)
    drawn = np.array([samples.target(zero, rng) for _ in range(200)])
    assert drawn.min() >= -0.1 and drawn.min() < -0.05 and 1 < drawn.max() <= 1.1
    near = replace(STILLS, target_reach=0.5, target_floor=True)
    samples = open_samples([folder], "train", near, ACTION_UNITS)
    drawn = np.array([samples.target(zero, rng) for _ in range(50)])
    assert drawn.min() == 0 and drawn.max() <= 0.1
    never = replace(STILLS, target_apart=2.0)  # nobody is that far: the search ends all the same
    assert open_samples([folder], "train", never, ACTION_UNITS).target(zero, rng).shape == (17,)


def test_unreadable_pictures_are_skipped_and_recorded(tmp_path):
    table = {name: np.zeros(17) for name in "ab"}
    folder = stills(tmp_path, table, ["a.jpg", "b.jpg"], ["a"])
    (folder / "imgs" / "b.jpg").write_bytes(b"not a picture")
    samples = open_samples([folder], "train", STILLS, ACTION_UNITS)
    batch = draw_batch(samples, 0, BatchSpec(0, 16, 2))
    assert batch.frames.shape == (2, 1, 3, 16, 16)
    assert len(samples.unreadable) == 1 and "b.jpg" in next(iter(samples.unreadable))
    (folder / "imgs" / "a.jpg").write_bytes(b"neither")
    samples = open_samples([folder], "train", STILLS, ACTION_UNITS)
    with pytest.raises(ValueError, match="cannot be read"):
        draw_batch(samples, 0, BatchSpec(0, 16, 2))


@pytest.mark.parametrize(
    "break_it, sentence",
    [
        (lambda f: (f / "train_ids.csv").write_text("z.jpg"), "No train samples"),
        (lambda f: (f / "train_ids.csv").unlink(), "no list of names"),
        (lambda f: (f / "aus_openface.pkl").unlink(), "has no annotations of stills"),
        (lambda f: (f / "imgs" / "a.jpg").unlink(), "holds no pictures"),
    ],
)
def test_incomplete_folder_raises_readable_error(tmp_path, break_it, sentence):
    break_it(stills(tmp_path, {"a": np.zeros(17)}, ["a.jpg"], ["a"]))
    with pytest.raises(ValueError, match=sentence):
        open_samples([tmp_path], "train", STILLS, ACTION_UNITS)


def test_epoch_has_every_photo_once(tmp_path):
    table = {f"p{i}": np.full(17, i / 4) for i in range(8)}
    folder = stills(tmp_path, table, list(table), list(table))
    samples = open_samples([folder], "train", STILLS, ACTION_UNITS)
    epochs = [
        [draw_batch(samples, 0, BatchSpec(4 * e + i, 8, 2)) for i in range(4)] for e in (0, 1)
    ]
    seen = [[round(20 * float(c[0, 0])) for b in epoch for c in b.conditions] for epoch in epochs]
    assert sorted(seen[0]) == sorted(seen[1]) == list(range(8))
    assert seen[0] != seen[1]


# ---- Clips ----


def clip_folder(folder: Path, keys=None) -> Path:
    table = OrderedDict()
    for clip, frames in (("v_1", 5), ("v_2", 4), ("short", 2)):
        for t in range(frames):
            paint(folder / "clips" / clip / f"{t:04d}.jpg", 20 * t, "left")
            table[f"{clip}_{t:04d}"] = [t / 10, 0.0]
    table["lost_0000"] = [0, 0]
    dump(folder / "clips_annotations.pkl", table)
    rows = ("clip,split", "v_1,train", "v_2,train", "short,train", "lost,test")
    (folder / "clips.csv").write_text("\n".join(rows))
    return folder


def test_windows_stay_inside_one_video(tmp_path):
    samples = open_samples([clip_folder(tmp_path)], "train", CLIPS, VALENCE_AROUSAL)
    assert len(samples) == (5 - 2) + (4 - 2)
    assert samples.dropped == {"belong to unbroken clips of fewer than 3 frames": 2}
    for i in range(len(samples)):
        sample = samples.sample(i, np.random.default_rng(i), 16)
        steps = np.diff(sample.conditions[:, 0])
        np.testing.assert_allclose(steps, 0.1, atol=1e-6)
        np.testing.assert_allclose(sample.targets, sample.conditions[1:])


def test_windows_do_not_span_dropped_frames(tmp_path):
    folder, table = clip_folder(tmp_path), OrderedDict()
    for t in range(9):
        paint(tmp_path / "clips" / "v_1" / f"{t:04d}.jpg")
        table[f"v_1_{t:04d}"] = [-5.0 if t == 3 else t / 10, 0.0]
    (tmp_path / "clips" / "v_1" / "0007.jpg").unlink()
    dump(folder / "clips_annotations.pkl", table)
    samples = open_samples([folder], "train", CLIPS, VALENCE_AROUSAL)
    windows = [samples.sample(i, np.random.default_rng(0), 8).conditions for i in range(2)]
    assert len(samples) == 2  # 0 1 2 and 4 5 6
    np.testing.assert_allclose(windows[0][:, 0], [0, 0.1, 0.2], atol=1e-6)
    np.testing.assert_allclose(windows[1][:, 0], [0.4, 0.5, 0.6], atol=1e-6)


def test_folders_that_differ_behind_their_last_underscore_are_two_videos(tmp_path):
    table = OrderedDict()
    for video in ("video5_left", "video5_right"):
        for t in range(4):
            paint(tmp_path / "clips" / video / f"{t:05d}.jpg")
            table[f"{video}/{t:05d}.jpg"] = [t / 10, 0.0]
    dump(tmp_path / "clips_annotations.pkl", table)
    (tmp_path / "train_ids.csv").write_text("video5_left")
    samples = open_samples([tmp_path], "train", CLIPS, VALENCE_AROUSAL)
    assert len(samples) == 2 and len(samples.segments) == 1


def test_unusable_pairs_are_counted_or_raise_readable_errors(tmp_path):
    names = [f"{side}_{key}" for side in "st" for key in ACTION_UNITS.keys]
    folder = stills(tmp_path, {"a": np.zeros(17)}, ["a.jpg"], ["a"])
    paint(folder / "pairs" / "a_0.jpg")
    good = dict.fromkeys(names, "1") | {"file": "a_0.jpg", "source": "a", "split": "train"}
    rows = [
        good,
        good | {"t_AU12": "nan"},
        good | {"s_AU01": "much"},
        good | {"t_AU26": "9"},
        good | {"source": "nobody"},
        good | {"file": "gone.jpg"},
    ]
    lines = [",".join(good), *(",".join(row.values()) for row in rows)]
    (folder / "pairs.csv").write_text("\n".join(lines))
    twins = DataConfig(kind="pairs", frames=2)
    samples = open_samples([folder], "train", twins, ACTION_UNITS)
    assert len(samples) == 2 and sum(samples.dropped.values()) == 4
    assert samples.sample(1, np.random.default_rng(0), 16).frames.shape == (2, 3, 16, 16)
    assert "gone.jpg" in next(iter(samples.unreadable))
    assert len(open_samples([folder], "train", twins, space_named("c3"))) == 2
    for name in ("c17", "c50", "c4"):
        with pytest.raises(ValueError, match=f"cannot be converted to {name}"):
            open_samples([folder], "train", twins, space_named(name))
    (folder / "pairs.csv").write_text("file,source,split\n")
    with pytest.raises(ValueError, match="lacks the columns s_AU01"):
        open_samples([folder], "train", twins, ACTION_UNITS)


def test_all_frames_of_a_clip_are_flipped_together(tmp_path):
    samples = open_samples([clip_folder(tmp_path)], "train", CLIPS, VALENCE_AROUSAL)
    sides = set()
    for i in range(20):
        frames = samples.sample(0, np.random.default_rng(i), 16).frames
        flipped = frames[:, :, :, 15].mean((1, 2)) > frames[:, :, :, 0].mean((1, 2))
        assert flipped.all() or not flipped.any()
        sides.add(bool(flipped.all()))
    assert sides == {True, False}


@pytest.mark.parametrize(
    "layout", ["{clip}_{t:04d}.jpg", "{clip}_aligned/frame_det_00_{t:06d}.jpg"]
)
@pytest.mark.parametrize("ending", ["", ".jpg"])
def test_keys_may_be_names_or_paths_of_frames(tmp_path, layout, ending):
    table = OrderedDict()
    for clip in ("178", "9-15"):
        for t in range(4):
            name = layout.format(clip=clip, t=t)
            paint(tmp_path / "clips" / name)
            table[name.removesuffix(".jpg") + ending] = [t / 10, 0.0]
    dump(tmp_path / "clips_annotations.pkl", table)
    samples = open_samples([tmp_path], "train", CLIPS, VALENCE_AROUSAL)
    assert len(samples) == 2 * 2 and len(samples.segments) == 2
    assert "no list of clips: all of its clips are used for train" in samples.report()[0]


def test_split_without_clips_raises_readable_error(tmp_path):
    with pytest.raises(ValueError, match="No val samples"):
        open_samples([clip_folder(tmp_path)], "val", CLIPS, VALENCE_AROUSAL)
    (tmp_path / "clips.csv").write_text("video\nv_1")
    with pytest.raises(ValueError, match="needs the columns clip and split"):
        open_samples([tmp_path], "train", CLIPS, VALENCE_AROUSAL)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_names_its_default_files(name, tmp_path):
    e = EXPERIMENTS[name]
    with pytest.raises(ValueError, match=r"no folder of pictures|has no annotations of clips"):
        open_samples([tmp_path], "train", e.data, space_named(e.space))
