"""Preparing data sets, on tables and films of a few lines each."""

import csv
import importlib.util
import json
import pickle
import shutil
import struct
import subprocess
import sys
from collections import OrderedDict
from pathlib import Path

import cv2
import numpy as np
import pytest

from moodganimation.expressions.spaces import ACTION_UNITS
from moodganimation.faces.portrait import Portrait, square_crop
from training.data.annotations import read_ids
from training.data.pickles import read_pickle, write_pickle
from training.data.prepare import affwild_files, crops, openface
from training.data.prepare.__main__ import main
from training.data.prepare.job import Job
from training.data.prepare.tables import split_people, write_stills

ROOT = Path(__file__).parent.parent
SAMPLES = ROOT / "samples"
FACE = SAMPLES / "aus" / "imgs" / "calm_happiness.jpg"
UNITS = [f"{key}_r" for key in ACTION_UNITS.keys]


def report(out: Path) -> dict:
    assert not (out / "unfinished.jsonl").exists() and not list(out.rglob("*.part"))
    assert (out / "report.txt").read_text()
    return json.loads((out / "report.json").read_text())


def dropped(out: Path) -> dict[str, int]:
    return {reason: facts["count"] for reason, facts in report(out)["dropped"].items()}


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def image_csv(path: Path, *faces: dict, columns=None, separator=", ") -> None:
    """As FaceLandmarkImg writes it, a row a face; what is not given is 0."""
    columns = columns or ["face", "confidence", *UNITS, "AU12_c"]
    lines = [separator.join(columns)]
    lines += [
        separator.join(str(face.get(c, 0.98 if c == "confidence" else 0)) for c in columns)
        for face in faces
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


@pytest.fixture
def tables(tmp_path) -> Path:
    """Four persons with two usable pictures each."""
    for i in range(8):
        image_csv(tmp_path / "csv" / f"p{i // 2}_{i % 2}.csv", {"AU12_r": i / 2, "AU45_r": 5})
    return tmp_path / "csv"


def run(*arguments) -> int:
    return main([str(argument) for argument in arguments])


# OpenFace


def test_openface_tables_of_pictures(tables, tmp_path):
    # other columns, another order, no spaces after commas
    image_csv(
        tables / "p9_0.csv", {"AU01_r": 1.5}, columns=[*UNITS[::-1], "confidence"], separator=","
    )
    assert run("openface", tables, "--out", tmp_path / "out") == 0
    raw = (tmp_path / "out" / "aus_openface.pkl").read_bytes()
    assert raw[:2] == b"\x80\x02" and b"_core" not in raw  # protocol 2, readable by old numpys
    units = read_pickle(tmp_path / "out" / "aus_openface.pkl")
    assert len(units) == 9 and all(v.shape == (17,) and v.dtype == float for v in units.values())
    assert units["p3_1"][8] == 3.5 and units["p3_1"][16] == 5
    assert units["p9_0"].tolist() == [1.5] + [0] * 16
    facts = report(tmp_path / "out")
    assert facts["kept"]["names"] == 9 and facts["histograms"]["AU45"]["counts"][-1] == 8


def test_openface_tables_of_videos(tmp_path):
    columns = ["frame", "face_id", "timestamp", "confidence", "success", *UNITS]
    rows = [{"frame": i, "success": 1, "AU12_r": i} for i in range(1, 5)]
    rows += [{"frame": 5, "success": 0}, {"frame": 6, "success": 1, "confidence": 0.5}]
    rows += [{"frame": 7, "success": 1}] * 2 + [{"frame": "x", "success": 1}]
    image_csv(tmp_path / "csv" / "film.csv", *rows, columns=columns)
    image_csv(tmp_path / "csv" / "other.csv", {"frame": 1, "success": 1}, columns=columns)
    out = tmp_path / "out"
    assert run("openface", tmp_path / "csv", "--out", out, "--val", 0, "--test", 0.1) == 0
    units = read_pickle(out / "aus_openface.pkl")
    assert list(units) == ["film_0001", "film_0002", "film_0003", "film_0004", "other_0001"]
    assert units["film_0004"][8] == 4
    assert dropped(out) == {
        "OpenFace says success 0": 1,
        "confidence below 0.8": 1,
        "several faces": 1,
        "a frame without a number": 1,
    }
    assert read_ids(out / "test_ids.csv") == ["other_0001"]  # a film is in one split
    assert not (out / "val_ids.csv").exists()


def test_openface_rows_that_cannot_be_used_are_counted(tables, tmp_path):
    bad = {"nan": "nan", "text": "big", "high": 5.01, "low": -1, "infinite": "inf"}
    for name, value in bad.items():
        image_csv(tables / f"{name}.csv", {"AU04_r": value})
    image_csv(tables / "two.csv", {}, {})
    image_csv(tables / "none.csv")
    image_csv(tables / "sub" / "p0_0.csv", {})  # a name that there is already
    (tables / "binary.csv").write_bytes(b"\xff\x00\x02\x81")
    assert run("openface", tables, "--out", tmp_path / "out") == 0
    assert dropped(tmp_path / "out") == {
        "a number that is not finite": 2,
        "text or nothing where a number should be": 1,
        "an intensity outside 0 to 5": 2,
        "several faces": 1,
        "no face in the file": 1,
        "a name that another file has already": 1,
        "the file is not a readable csv": 1,
    }
    assert len(read_pickle(tmp_path / "out" / "aus_openface.pkl")) == 8


def test_openface_missing_columns_are_named(tables, tmp_path, capsys):
    columns = [c for c in ["confidence", *UNITS] if c not in ("AU07_r", "AU26_r")]
    image_csv(tmp_path / "alone" / "p5_0.csv", {}, columns=columns)
    assert run("openface", tmp_path / "alone", "--out", tmp_path / "out") == 2
    error = capsys.readouterr().err
    assert "p5_0.csv lacks the columns AU07_r, AU26_r" in error
    image_csv(tmp_path / "alone" / "p6_0.csv", {})  # then the same command goes on
    image_csv(tmp_path / "alone" / "p7_0.csv", {})
    command = ("openface", tmp_path / "alone", "--val", 0, "--out", tmp_path / "out")
    assert run(*command) == 0
    assert "the file lacks the columns AU07_r, AU26_r of OpenFace's csv files" in [
        *dropped(tmp_path / "out")
    ]


def test_openface_other_units_and_no_confidence(tmp_path):
    for i in range(4):
        image_csv(tmp_path / "csv" / f"p{i}_0.csv", {"AU12_r": i / 4}, columns=UNITS)
    folder = tmp_path / "csv"
    assert run("openface", folder, "--out", tmp_path / "a") == 2  # no confidence
    arguments = ("openface", folder, "--min-confidence", 0)
    assert run(*arguments, "--out", tmp_path / "b") == 0
    assert any("--units 1" in note for note in report(tmp_path / "b")["notes"])
    assert run(*arguments, "--units", 1, "--out", tmp_path / "c") == 0
    assert read_pickle(tmp_path / "c" / "aus_openface.pkl")["p3_0"][8] == 3.75


@pytest.fixture
def pictures(tables, tmp_path) -> Path:
    """For the tables: crops, of which one is no picture, one has no face and one is missing."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for i in range(8):
        shutil.copy(FACE, folder / f"p{i // 2}_{i % 2}.jpg")
    (folder / "p0_0.jpg").write_text("no picture")
    (folder / "p0_1.jpg").unlink()
    cv2.imwrite(str(folder / "p1_0.jpg"), np.full((144, 144, 3), 90, np.uint8))
    (folder / "p2_0.jpg").unlink()
    cv2.imwrite(str(folder / "p2_0.png"), cv2.resize(cv2.imread(str(FACE)), (300, 300)))
    shutil.copy(FACE, folder / "p2_1.png")  # beside p2_1.jpg
    shutil.copy(FACE, folder / "stranger.jpg")
    return folder


def test_openface_pictures_are_found_and_cropped(tables, pictures, tmp_path):
    out = tmp_path / "out"
    arguments = ("openface", tables, "--images", pictures, "--val", 0, "--out", out)
    assert run(*arguments) == 0
    kept = ["p1_1", "p2_0", "p3_0", "p3_1"]
    assert list(read_pickle(out / "aus_openface.pkl")) == kept
    assert sorted(path.stem for path in (out / "imgs").iterdir()) == kept
    assert sorted(read_ids(out / "train_ids.csv") + read_ids(out / "test_ids.csv")) == kept
    assert dropped(out) == {
        "no picture of that name": 1,
        "several pictures of that name": 1,
        crops.UNREADABLE: 1,
        crops.NO_FACE: 1,
    }
    face = cv2.imread(str(out / "imgs" / "p2_0.jpg"))
    assert face.shape == (144, 144, 3)  # found again where it was: the sample is canonical
    assert np.abs(face.astype(float) - cv2.imread(str(FACE))).mean() < 6


def test_given_crops_are_copied_unchanged(tables, pictures, tmp_path):
    out = tmp_path / "out"
    assert run("openface", tables, "--images", pictures, "--cropped", "--out", out) == 0
    assert (out / "imgs" / "p3_0.jpg").read_bytes() == FACE.read_bytes()
    assert cv2.imread(str(out / "imgs" / "p2_0.jpg")).shape == (144, 144, 3)
    assert any("1 x of another size" in note for note in report(out)["notes"])


# who is in which split


def test_no_person_is_in_two_splits():
    people = {f"p{i % 37}_{i}": f"p{i % 37}" for i in range(400)}
    shares = {"val": 0.1, "test": 0.2}
    splits = split_people(people, shares, seed=3)
    owners = [{people[name] for name in names} for names in splits.values()]
    assert not (owners[0] & owners[1] or owners[0] & owners[2] or owners[1] & owners[2])
    assert sum(map(len, splits.values())) == 400
    assert 20 <= len(splits["val"]) <= 45 and 60 <= len(splits["test"]) <= 85
    shuffled = dict(sorted(people.items(), key=lambda entry: entry[0][::-1]))
    again = split_people(shuffled, shares, seed=3)
    assert {s: set(names) for s, names in again.items()} == {s: set(n) for s, n in splits.items()}
    assert split_people(people, shares, seed=4) != splits


def test_three_persons_fill_three_splits_whatever_the_shares():
    people = {"a_0": "a", "b_0": "b", "b_1": "b", "c_0": "c"}
    splits = split_people(people, {"val": 0.01, "test": 0.5}, 0)
    assert set(splits) == {"train", "val", "test"}


def test_persons_of_the_table_are_counted(tmp_path):
    job = Job("pairs", tmp_path / "out", {})
    labels = {name: np.zeros(17) for name in "abc"}
    persons = {"a": "p", "b": "p", "c": ""}
    listed = {name: {"split": "train", "person": person} for name, person in persons.items()}
    write_stills(job, ACTION_UNITS, {}, labels, None, "", listed)
    assert job.report.kept["train names"] == 3 and job.report.kept["train persons"] == 2


def test_too_few_persons_raise_readable_error_and_keep_finished_work(
    tables, tmp_path, capsys, monkeypatch
):
    out = tmp_path / "out"
    assert run("openface", tables, "--out", out, "--person", "(p)") == 2
    assert "1 persons (p), which cannot fill 3 splits" in capsys.readouterr().err
    monkeypatch.setattr(openface, "read_table", dict.popitem)  # fails if it is needed again
    assert run("openface", tables, "--out", out, "--person", r"(p\d)") == 0
    assert report(out)["kept"]["train persons"] == 2


# AffectNet

HEADER = (
    "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,"
    "expression,valence,arousal"
)
ROWS = [
    "1/good0.jpg,22,14,115,115,49.5;52.7;93.6;52.7,1,0.5,0.25",
    "1/good1.jpg,22,14,115,115,49.5;52.7,1,-0.5,1",
    "2/good2.jpg,0,0,0,0,49.5;52.7,1,0,0",  # a box that says nothing
    "2/unsure.jpg,22,14,115,115,49.5;52.7,9,-2,-2",
    "2/half.jpg,22,14,115,115,49.5;52.7,2,0.4,-2",
    "2/far.jpg,22,14,115,115,49.5;52.7,2,1.4,0",
    "2/text.jpg,22,14,115,115,49.5;52.7,2,much,0",
    "3/good1.png,22,14,115,115,49.5;52.7,1,0.1,0.1",  # the same name in another folder
    "3/missing.jpg,22,14,115,115,49.5;52.7,1,0.1,0.1",
]


@pytest.fixture
def affectnet(tmp_path) -> Path:
    for name in ("1/good0.jpg", "good1.jpg", "2/good2.jpg"):  # the second not where it should be
        path = tmp_path / "imgs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(FACE, path)
    (tmp_path / "training.csv").write_text("\n".join([HEADER, *ROWS]) + "\n")
    return tmp_path


def test_affectnet(affectnet):
    out = affectnet / "out"
    assert (
        run("affectnet", affectnet / "training.csv", "--images", affectnet / "imgs", "--out", out)
        == 0
    )
    moods = read_pickle(out / "moods.pkl")
    assert {name: mood.tolist() for name, mood in moods.items()} == {
        "good0": [0.5, 0.25],
        "good1": [-0.5, 1],
        "good2": [0, 0],
    }
    assert dropped(out) == {
        "valence or arousal -2: uncertain, or no face": 2,
        "valence or arousal outside -1 to 1": 1,
        "text or nothing where a number should be": 1,
        "a name that another row has already": 1,
        "no picture of that name": 1,
    }
    assert any(crops.BAD_BOX in note for note in report(out)["notes"])
    for name in moods:
        assert cv2.imread(str(out / "imgs" / f"{name}.jpg")).shape == (144, 144, 3)
    assert all(read_ids(out / f"{split}_ids.csv") for split in ("train", "val", "test"))


@pytest.mark.parametrize("first", [[], ["subDirectory_filePath,expression,valence,arousal"]])
def test_affectnet_short_tables_with_and_without_names_of_columns(affectnet, first):
    rows = [f"{name}.jpg,1,0.{i},0.5" for i, name in enumerate(("good0", "good1", "good2"))]
    (affectnet / "short.csv").write_text("\n".join(first + rows))
    assert (
        run(
            "affectnet",
            affectnet / "short.csv",
            "--images",
            affectnet / "imgs",
            "--cropped",
            "--out",
            affectnet / "out",
        )
        == 0
    )
    assert read_pickle(affectnet / "out" / "moods.pkl")["good2"].tolist() == [0.2, 0.5]


def test_tables_other_than_affectnets_are_refused(affectnet, capsys):
    (affectnet / "other.csv").write_text("name,valence\na.jpg,1\n")
    assert (
        run(
            "affectnet",
            affectnet / "other.csv",
            "--images",
            affectnet / "imgs",
            "--out",
            affectnet / "out",
        )
        == 2
    )
    assert "lacks the columns subDirectory_filePath, arousal" in capsys.readouterr().err
    assert not (affectnet / "out").exists()


# Aff-Wild


def film(path: Path, faces: list) -> None:
    """A frame for every entry: its face's place [px], or None for a frame without a face."""
    path.parent.mkdir(parents=True, exist_ok=True)
    video = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10, (160, 96))
    for x in faces:
        frame = np.zeros((96, 160, 3), np.uint8)
        if x is not None:
            frame[32:64, x : x + 32] = 255
        video.write(frame)
    video.release()


@pytest.fixture
def finder(monkeypatch):
    """Finds the white squares of `film`."""

    def find(photo):
        columns = np.flatnonzero(photo[48].mean(-1) > 128)
        return [square_crop((columns.mean(), 48), 64)] if len(columns) else []

    monkeypatch.setattr(crops, "find_faces", find)
    monkeypatch.setattr(crops, "align_portrait", lambda photo, face: Portrait(photo, face, ""))


def test_affwild_clips_are_unbroken_runs(tmp_path, finder):
    still, moods = [40] * 30, [f"0.{i:02d},-0.5" for i in range(30)]
    still[5] = None  # no face
    moods[12] = "-5,-5"  # nobody annotated
    moods[15] = "0.1,x"
    still[22:] = [100] * 8  # another face
    film(tmp_path / "videos" / "one.avi", still)
    film(tmp_path / "videos" / "two.avi", [40] * 6)
    film(tmp_path / "videos" / "silent.avi", [40] * 6)
    film(tmp_path / "videos" / "empty.avi", [40] * 6)
    (tmp_path / "videos" / "empty.avi").write_bytes(b"no video")
    texts = tmp_path / "texts"
    texts.mkdir()
    (texts / "one.txt").write_text("valence,arousal\n" + "\n".join(moods))
    (texts / "two.txt").write_text("valence,arousal\n" + "0,0\n" * 4)  # two lines short
    (texts / "empty.txt").write_text("valence,arousal\n0,0\n")
    (texts / "nowhere.txt").write_text("valence,arousal\n0,0\n")
    out = tmp_path / "out"
    arguments = ("affwild", tmp_path / "videos", texts, "--val", 0, "--size", 32, "--smallest", 0)
    assert run(*arguments, "--out", out) == 0
    table = read_pickle(out / "clips_annotations.pkl")
    expected = [f"one_0_{i:04d}" for i in range(5)] + [f"one_1_{i:04d}" for i in range(6, 12)]
    expected += [f"one_2_{i:04d}" for i in range(16, 22)]
    expected += [f"one_3_{i:04d}" for i in range(22, 30)] + [f"two_0_{i:04d}" for i in range(4)]
    assert list(table) == expected
    assert table["one_1_0007"].tolist() == [0.07, -0.5]
    with open(out / "clips.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["clip"] for row in rows] == ["one_0", "one_1", "one_2", "one_3", "two_0"]
    assert [row["frames"] for row in rows] == ["5", "6", "6", "8", "4"]
    assert {row["split"] for row in rows} == {"train", "test"}
    assert len({row["split"] for row in rows if row["source"] == "one"}) == 1
    files = {path.relative_to(out / "clips").as_posix() for path in out.rglob("*.jpg")}
    assert files == {f"{key[:-5]}/{key[-4:]}.jpg" for key in expected}
    assert cv2.imread(str(out / "clips" / "one_0" / "0000.jpg")).shape == (32, 32, 3)
    assert dropped(out) == {
        "frames in which no face was found": 1,
        affwild_files.NOT_ANNOTATED: 1,
        affwild_files.NO_NUMBER: 1,
        "frames in runs shorter than 4": 2,  # 13 and 14
        affwild_files.NO_LINE: 2,
        "videos that cannot be read, or are empty": 1,
        "annotations without a video": 1,
        "videos without an annotation": 1,
    }


def test_affwild_of_the_first_edition_has_two_files_a_video(tmp_path, finder):
    for name in ("a", "b"):
        film(tmp_path / "videos" / f"{name}.avi", [40] * 8)
        for axis, value in (("valence", 0.3), ("arousal", -0.6)):
            (tmp_path / "texts" / axis).mkdir(parents=True, exist_ok=True)
            (tmp_path / "texts" / axis / f"{name}.txt").write_text(f"{value}\n" * 8)
    out = tmp_path / "out"
    arguments = ("affwild", tmp_path / "videos", tmp_path / "texts", "--every", 2, "--val", 0)
    assert run(*arguments, "--smallest", 0, "--out", out) == 0
    table = read_pickle(out / "clips_annotations.pkl")
    assert list(table)[:4] == ["a_0_0000", "a_0_0002", "a_0_0004", "a_0_0006"]
    assert all(mood.tolist() == [0.3, -0.6] for mood in table.values())
    (tmp_path / "texts" / "arousal" / "b.txt").unlink()
    assert run(*arguments, "--test", 0, "--smallest", 0, "--out", tmp_path / "again") == 0
    assert dropped(tmp_path / "again") == {"annotations of valence or arousal alone": 1}


def test_affwild_with_two_persons_in_a_video(tmp_path, monkeypatch, finder):
    film(tmp_path / "videos" / "both.avi", [40] * 5)
    (tmp_path / "texts").mkdir()
    for side in ("left", "right"):
        (tmp_path / "texts" / f"both_{side}.txt").write_text("valence,arousal\n" + "0,0\n" * 5)
    film(tmp_path / "videos" / "third.avi", [40] * 5)
    (tmp_path / "texts" / "third.txt").write_text("valence,arousal\n" + "0,0\n" * 5)
    places = {"left": 30, "right": 120}
    monkeypatch.setattr(
        crops, "find_faces", lambda photo: [square_crop((120, 48), 64), square_crop((30, 48), 60)]
    )
    seen = []
    monkeypatch.setattr(
        crops, "align_portrait", lambda photo, face: seen.append(face) or Portrait(photo, face, "")
    )
    out = tmp_path / "out"
    assert (
        run(
            "affwild",
            tmp_path / "videos",
            tmp_path / "texts",
            "--val",
            0,
            "--smallest",
            0,
            "--out",
            out,
        )
        == 0
    )
    centers = [round(float(-np.linalg.solve(f[:, :2], f[:, 2])[0])) for f in seen]
    assert centers == [places["left"]] * 5 + [places["right"]] * 10  # of third: the largest
    with open(out / "clips.csv", newline="") as file:
        split = {row["clip"]: row["split"] for row in csv.DictReader(file)}
    assert split["both_left_0"] == split["both_right_0"] != split["third_0"]


# photos


def test_labels_of_photos_are_readings_of_the_model(tmp_path):
    for i, name in enumerate(("calm_happiness", "dark_surprise", "narrow_sadness")):
        path = tmp_path / "photos" / "my album" / f"{'abc'[i]} 1.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(SAMPLES / "aus" / "imgs" / f"{name}.jpg", path)
    two = np.hstack([cv2.imread(str(FACE)), cv2.resize(cv2.imread(str(FACE)), (100, 144))])
    cv2.imwrite(str(tmp_path / "photos" / "two.png"), two)
    cv2.imwrite(str(tmp_path / "photos" / "wall.png"), np.full((200, 200, 3), 77, np.uint8))
    (tmp_path / "photos" / "torn.webp").write_bytes(b"RIFF")
    (tmp_path / "photos" / "list.txt").write_text("not looked at")
    out = tmp_path / "out"
    assert run("photos", tmp_path / "photos", "--out", out) == 0
    units, moods = read_pickle(out / "aus_openface.pkl"), read_pickle(out / "moods.pkl")
    assert list(units) == list(moods) == ["my_album_a_1", "my_album_b_1", "my_album_c_1", "two"]
    lips = ACTION_UNITS.index("AU12"), ACTION_UNITS.index("AU26")
    assert units["my_album_a_1"][lips[0]] > 2 > units["my_album_b_1"][lips[0]]
    assert units["my_album_b_1"][lips[1]] > 1 > units["my_album_c_1"][lips[1]]
    assert moods["my_album_a_1"][0] > 0.3 > moods["my_album_c_1"][0] and len(moods["two"]) == 3
    assert dropped(out) == {crops.UNREADABLE: 1, crops.NO_FACE: 1}
    notes = " ".join(report(out)["notes"])
    assert "READ BY THE SHIPPED MODEL" in notes and "1 x several faces: the largest" in notes
    assert run("photos", tmp_path / "photos", "--out", tmp_path / "photos" / "out") == 2


# interruptions and engines


def test_resumed_run_ends_with_the_same_bytes(tables, pictures, tmp_path, monkeypatch):
    arguments = ("openface", tables, "--images", pictures, "--val", 0)
    assert run(*arguments, "--out", tmp_path / "whole") == 0
    crop, calls, out = crops.crop_picture, [], tmp_path / "cut"

    def counted(item, **options):
        calls.append(item["name"])
        if len(calls) == 5:
            (out / "imgs" / ".p3_0.jpg.part").write_bytes(b"half a picture")
            raise KeyboardInterrupt
        return crop(item, **options)

    monkeypatch.setattr(crops, "crop_picture", counted)
    assert run(*arguments, "--out", out) == 130
    with open(out / "unfinished.jsonl", "a") as log:
        log.write('{"item": "crops/p3_0", "st')  # what a power cut leaves
    (out / "imgs" / "p1_1.jpg").unlink()  # lost: to be made again
    assert not (out / "aus_openface.pkl").exists() and not (out / "report.json").exists()
    assert run(*arguments, "--out", out) == 0
    assert contents(out) == contents(tmp_path / "whole")
    assert calls == ["p0_0", "p1_0", "p1_1", "p2_0", "p3_0", "p1_1", "p3_0", "p3_1"]


def test_picture_changed_before_a_resume_is_processed_again(tables, pictures, tmp_path, capsys):
    out = tmp_path / "out"
    arguments = ("openface", tables, "--images", pictures, "--cropped", "--out", out)
    assert run(*arguments, "--person", "(p)") == 2  # all but the tables is done
    shutil.copy(FACE, pictures / "p0_0.jpg")
    assert run(*arguments, "--size", 128) == 2
    assert "started with other options (size)" in capsys.readouterr().err
    assert run(*arguments) == 0
    assert "p0_0" in read_pickle(out / "aus_openface.pkl")
    assert run(*arguments) == 2  # finished: nothing is mixed into it
    assert "is neither an empty folder" in capsys.readouterr().err


@pytest.mark.parametrize("engine", ["processes", "ray"])
def test_engines_write_the_same_bytes(engine, tables, tmp_path):
    if engine == "ray" and not importlib.util.find_spec("ray"):
        pytest.skip('Ray is not installed: pip install "ray[data]"')
    image_csv(tables / "two.csv", {}, {})
    written = []
    for chosen in ("plain", engine):
        out = tmp_path / chosen
        arguments = ("openface", tables, "--engine", chosen, "--workers", 2)
        assert run(*arguments, "--out", out) == 0
        written.append(contents(out))
    if engine == "ray":
        importlib.import_module("ray").shutdown()
    assert written[0] == written[1] and len(written[0]) == 6  # so the order is the same, too


def test_missing_engines_raise_readable_errors(tables, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("moodganimation.runtime.executors.find_spec", lambda name: None)
    assert run("openface", tables, "--engine", "ray", "--out", tmp_path / "out") == 2
    assert 'pip install "ray[data]"' in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_help_needs_no_networks():
    code = (
        "import sys, training.data.prepare.__main__ as p\n"
        "try: p.main(['affwild', '--help'])\n"
        "except SystemExit: pass\n"
        "print([m for m in ('torch', 'cv2', 'numpy', 'tqdm') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert out.stdout.splitlines()[-1] == "[]" and "VIDEOS" in out.stdout


# pickles


@pytest.mark.parametrize("protocol", range(6))
def test_pickles_of_all_protocols(protocol, tmp_path):
    table = OrderedDict(a=np.arange(17.0), b=np.float32([1, 2]), c=[1, 2.5, "x"], d=(1,), e=3)
    table |= {"f": np.float64(2), "g": np.arange(6.0).reshape(2, 3).T, "i": np.zeros(0)}
    table["h"] = np.arange(3, dtype=">f8")
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(table, protocol=protocol))
    found = read_pickle(tmp_path / "a.pkl")
    assert list(found) == list(table) and found["c"] == [1, 2.5, "x"]
    for name in "abdefghi":
        np.testing.assert_array_equal(found[name], table[name])


def test_pickles_of_python_2(tmp_path):
    # what Python 2 wrote of {'n\xe9': numpy.array([1., -2.])}, in its text and binary protocols
    text = (
        b"(dp0\nS'n\\xe9'\np1\ncnumpy.core.multiarray\n_reconstruct\np2\n(cnumpy\nndarray\np3\n"
        b"(I0\ntp4\nS'b'\np5\ntp6\nRp7\n(I1\n(I2\ntp8\ncnumpy\ndtype\np9\n(S'f8'\np10\nI0\nI1\n"
        b"tp11\nRp12\n(I3\nS'<'\np13\nNNNI-1\nI-1\nI0\ntp14\nbI00\nS'\\x00\\x00\\x00\\x00\\x00"
        b"\\x00\\xf0?\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\xc0'\np15\ntp16\nbs."
    )
    binary = (
        b"\x80\x02}U\x02n\xe9cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85"
        b"U\x01b\x87R(K\x01K\x02\x85cnumpy\ndtype\nU\x02f8K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff"
        b"\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x10" + struct.pack("<2d", 1, -2) + b"tbs."
    )
    for data in (text, binary):
        (tmp_path / "a.pkl").write_bytes(data)
        ((name, value),) = read_pickle(tmp_path / "a.pkl").items()
        assert name == "né" and value.tolist() == [1, -2]


class Code:
    def __reduce__(self):
        return (print, ("this was run",))


LAUGHS = b"\x80\x02]q\x00(K\x01K\x01e" + b"".join(
    b"]q%c(h%ch%ce" % (i + 1, i, i) for i in range(40)
)
HOSTILE = {
    "code": pickle.dumps({"a": Code()}),
    "another class": pickle.dumps({"a": Path("x")}, protocol=2),
    "objects": pickle.dumps({"a": np.array([{}, None], object)}, protocol=2),
    "texts": pickle.dumps({"a": np.array(["x"])}, protocol=2),
    "no dict": pickle.dumps([1, 2]),
    "sets": pickle.dumps({"a": {1}}),
    "empty": b"",
    "text": b"name,valence\nx,1\n",
    "cut short": pickle.dumps({"a": np.arange(17.0)}, protocol=2)[:-30],
    "cut in an array": pickle.dumps({"a": np.arange(4.0)}, 4).replace(b"K\x04\x85", b"K\x09\x85"),
    "a huge text": b"\x80\x04}X\xff\xff\xff\x7fa",
    "a huge array": b"\x80\x05}\x8c\x01a\x96" + struct.pack("<Q", 1 << 60) + b"s.",
    "a huge place": b"\x80\x02}r\xff\xff\xff\x7fj\xfe\xff\xff\x7f.",
    "a huge number": b"\x80\x02}U\x01a\x8b" + struct.pack("<i", 1 << 30) + b"s.",
    "a number of many digits": b"(dS'a'\nI" + b"9" * 5000 + b"\ns.",
    "laughs": LAUGHS + b"}U\x01ah(s.",
    "an array of arrays": b"\x80\x02cnumpy\nndarray\n(J\xff\xff\xff\x7f\x85tR.",
    "a negative shape": b"\x80\x02}U\x01acnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n"
    b"K\x00\x85U\x01b\x87R(K\x01J\xff\xff\xff\xff\x85cnumpy\ndtype\nU\x02f8\x85"
    b"R\x89U\x00tbs.",
    "other codecs": b"\x80\x02}U\x01ac_codecs\nencode\nU\x01xU\x03zip\x86Rs.",
    "a state for a dict": b"\x80\x02}}U\x01aK\x01sb.",
    "persistent": b"\x80\x02}U\x01aPid\ns.",
    "an extension": b"\x80\x02\x82\x01.",
    "an unhashable name": b"\x80\x02}]K\x01s.",
    "an instance": b"(i__builtin__\nlist\n.",
    "nothing on the stack": b"\x80\x0200000.",
    "broken utf-8": b"\x80\x02}X\x02\x00\x00\x00\xff\xfeK\x01s.",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_and_damaged_pickles_raise_readable_errors(kind, tmp_path, capsys):
    (tmp_path / "a.pkl").write_bytes(HOSTILE[kind])
    with pytest.raises(ValueError, match=r"a\.pkl is not a plain pickle of annotations \(.+\)"):
        read_pickle(tmp_path / "a.pkl")
    assert capsys.readouterr().out == ""


def test_huge_files_are_not_read(tmp_path):
    with open(tmp_path / "a.pkl", "wb") as file:
        file.truncate(3 << 30)  # takes no room on the disk
    with pytest.raises(ValueError, match="more than 2 GB"):
        read_pickle(tmp_path / "a.pkl")


def test_written_pickles_can_be_read_by_the_original(tmp_path):
    write_pickle(tmp_path / "a.pkl", OrderedDict(b=np.zeros(2), a=np.ones(17)))
    with open(tmp_path / "a.pkl", "rb") as file:
        table = pickle.load(file)
    assert list(table) == ["b", "a"] and type(table) is OrderedDict and table["a"].sum() == 17


# samples


def test_samples_are_small_and_whole():
    files = [path for path in SAMPLES.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 1_000_000
    for folder, table, width in (("aus", "aus_openface.pkl", 17), ("moods", "moods.pkl", 3)):
        labels, names = read_pickle(SAMPLES / folder / table), []
        for split in ("train", "val", "test"):
            names += read_ids(SAMPLES / folder / f"{split}_ids.csv")
        assert sorted(names) == sorted(labels) and {len(v) for v in labels.values()} == {width}
        for name in names:
            picture = cv2.imread(str(SAMPLES / folder / "imgs" / f"{name}.jpg"))
            assert picture.shape == (144, 144, 3)
    clips = read_pickle(SAMPLES / "affwild" / "clips_annotations.pkl")
    assert len(clips) == 24
    for key in clips:
        clip, _, frame = key.rpartition("_")
        assert (SAMPLES / "affwild" / "clips" / clip / f"{frame}.jpg").is_file()


def test_samples_can_be_prepared(tmp_path):
    (tmp_path / "films").mkdir()
    for name in ("calm", "dark"):
        shutil.copy(SAMPLES / "videos" / f"{name}.mp4", tmp_path / "films")
    out = tmp_path / "out"
    assert (
        run(
            "affwild",
            tmp_path / "films",
            SAMPLES / "videos" / "annotations",
            "--every",
            3,
            "--val",
            0,
            "--shortest",
            2,
            "--out",
            out,
        )
        == 0
    )
    frame = cv2.imread(str(out / "clips" / "dark_0" / "0000.jpg"))
    canonical = cv2.imread(str(SAMPLES / "affwild" / "clips" / "dark_0" / "0000.jpg"))
    assert np.abs(frame.astype(float) - canonical).mean() < 8
