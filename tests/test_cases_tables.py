"""Tables that other programs and spreadsheets write: as trajectories, and as data to prepare."""

import json

import imageio_ffmpeg
import pytest

from moodganimation.animation.trajectories import Trajectory, read_trajectory
from moodganimation.cli.commands import main
from moodganimation.cli.option_values import with_supported_fps
from moodganimation.errors import InvalidExpression, UnreadableFile
from moodganimation.expressions.spaces import (
    ACTION_UNITS,
    FACS,
    PAD,
    VALENCE_AROUSAL,
    Expression,
    space_named,
)
from training.data.pickles import read_pickle
from training.data.prepare.__main__ import main as prepare

from .conftest import PHOTO

UNITS = [f"{key}_r" for key in ACTION_UNITS.keys]
OPENFACE = ["frame", "face_id", "timestamp", "confidence", "success", "pose_Rx", *UNITS, "AU28_c"]
PYFEAT_UNITS = sorted([*(key[2:] for key in ACTION_UNITS.keys[:-1]), "11", "24", "28", "43"])
PYFEAT = ["FaceRectX", "FaceScore", *(f"AU{n}" for n in PYFEAT_UNITS), "anger", "input", "frame"]
LIBREFACE = ["frame_idx", "frame_time_in_ms", "pitch", "au_1", "au_12", "au_1_intensity"]
LIBREFACE += ["au_12_intensity", "facial_expression"]


def table(path, columns, rows, separator=", ", **usual):
    """A file of rows, each a dict of some columns; the others have the usual value, or 0."""
    lines = [separator.join(columns)]
    lines += [separator.join(str((usual | row).get(c, 0)) for c in columns) for row in rows]
    path.write_text("\n".join(lines) + "\n")
    return path


def openface(path, rows, **usual):
    """What OpenFace's FeatureExtraction writes, 25 frames a second."""
    rows = [{"frame": i + 1, "timestamp": f"{i / 25:.3f}"} | row for i, row in enumerate(rows)]
    return table(path, OPENFACE, rows, success=1, confidence=0.98, **usual)


def unit(way, key="AU12"):
    return [round(point[key], 4) for point in way.expressions]


def said(way) -> str:
    return " ".join(way.notes)


# ---- Trajectories ----


@pytest.mark.parametrize("space", [FACS, ACTION_UNITS, PAD, VALENCE_AROUSAL])
def test_openface_is_read_by_fifths(tmp_path, space):
    rows = [{"AU12_r": x} for x in (0, 2.5, 5)]
    way = read_trajectory(openface(tmp_path / "video.csv", rows), space)
    assert unit(way) == [0, 0.5, 1] and way.expressions[0].space == ACTION_UNITS
    assert (way.frame_numbers, way.fps) == ([0, 1, 2], 25)
    assert "0 to 5 are taken as 0 to 1" in said(way)
    assert "3 other columns are left out (confidence, pose_Rx, AU28_c)" in said(way)


def test_frames_without_a_face_are_bridged(tmp_path):
    rows = [{"AU12_r": 1, "success": 0}, {"AU12_r": 1}, {"success": 0}, {"AU12_r": 2}]
    rows += [{"AU12_r": 4, "success": 0}]
    way = read_trajectory(openface(tmp_path / "video.csv", rows), FACS)
    assert unit(way) == [0.2, 0.2, 0.3, 0.4, 0.4]
    assert "3 of 5 frames show no face; they are interpolated" in said(way)


def test_frames_that_a_table_leaves_out_are_bridged(tmp_path):
    rows = [{"frame": 3, "AU12_r": 0}, {"frame": 4, "AU12_r": 1}, {"frame": 7, "AU12_r": 4}]
    for row in rows:
        row["timestamp"] = row["frame"] / 25
    way = read_trajectory(openface(tmp_path / "video.csv", rows), FACS)
    assert unit(way) == [0, 0.2, 0.4, 0.6, 0.8] and way.frame_numbers == [2, 3, 4, 5, 6]
    assert way.fps == 25 and "2 of 5 frames" in said(way)


def test_every_tenth_frame_is_a_pace_of_its_own(tmp_path):
    rows = [{"frame": 10 * i, "timestamp": i / 3, "AU12_r": i} for i in range(4)]
    way = read_trajectory(openface(tmp_path / "video.csv", rows), FACS)
    assert unit(way) == [0, 0.2, 0.4, 0.6] and way.fps == 3 and "no face" not in said(way)


def test_of_several_faces_the_one_with_most_rows_is_taken_and_said(tmp_path):
    rows = [{"frame": 1, "face_id": 0, "AU12_r": 5}]
    rows += [{"frame": n, "face_id": 3, "AU12_r": 1} for n in (1, 2, 3)]
    rows += [{"frame": n, "face_id": 7, "success": 0} for n in (1, 2, 3, 4)]
    path = openface(tmp_path / "video.csv", rows)
    way = read_trajectory(path, FACS)
    assert unit(way) == [0.2] * 3
    assert "holds 3 faces; 3 is taken, which was found in the most rows" in said(way)
    assert unit(read_trajectory(path, FACS, clip="0")) == [1]
    with pytest.raises(UnreadableFile, match="has no clip '9'; it has 0, 3, 7"):
        read_trajectory(path, FACS, clip="9")


def test_pyfeat_is_read_beside_boxes_emotions_and_names(tmp_path):
    rows = [{"frame": i, "AU12": x, "AU43": 1} for i, x in enumerate((0.25, "", 0.75))]
    path = table(tmp_path / "fex.csv", PYFEAT, rows, ",", input="C:/vídeo, 1.mp4".replace(",", ""))
    way = read_trajectory(path, FACS)
    assert unit(way) == [0.25, 0.5, 0.75] and unit(way, "AU45") == [0, 0, 0]
    assert (way.frame_numbers, way.fps) == ([0, 1, 2], None)
    assert "units that are left out are AU11, AU24, AU28, AU43" in said(way)
    assert "FaceRectX, FaceScore, anger, ..." in said(way) and "1 of 3 frames" in said(way)


def test_pyfeat_units_alone_are_read(tmp_path):
    columns = ["", *(f"AU{n}" for n in PYFEAT_UNITS)]  # as pandas writes them, with its index
    path = table(tmp_path / "aus.csv", columns, [{"": i, "AU12": 0.5} for i in range(2)], ",")
    way = read_trajectory(path, ACTION_UNITS)
    assert unit(way) == [0.5, 0.5] and "AU11, AU24, AU28, AU43" in said(way)


def test_two_faces_without_names_are_one_and_that_is_said(tmp_path):
    rows = [{"frame": n, "AU12": x} for n in (0, 1) for x in (0.5, 1)]
    way = read_trajectory(table(tmp_path / "fex.csv", PYFEAT, rows, ","), FACS)
    assert unit(way) == [0.5, 0.5] and "2 further rows of a frame are left out" in said(way)


def test_moods_beside_units_are_for_generators_of_moods(tmp_path):
    columns = ["frame", "AU12", "valence", "arousal"]
    path = table(tmp_path / "fex.csv", columns, [{"AU12": 0.5, "valence": -0.5}], ",")
    assert unit(read_trajectory(path, FACS)) == [0.5]
    way = read_trajectory(path, VALENCE_AROUSAL)
    assert way.expressions[0].space == VALENCE_AROUSAL and way.expressions[0]["valence"] == -0.5


def test_libreface_has_intensities_beside_flags(tmp_path):
    rows = [
        {"frame_idx": i, "frame_time_in_ms": f"{i * 1000 / 30:.3f}", "au_12_intensity": x}
        for i, x in enumerate((0, 2.5, 5))
    ]
    path = table(tmp_path / "libre.csv", LIBREFACE, rows, ",", au_12=1, facial_expression="happy")
    way = read_trajectory(path, FACS)
    assert unit(way) == [0, 0.5, 1] and unit(way, "AU01") == [0, 0, 0]
    assert way.fps == 30 and "0 to 5 are taken as 0 to 1" in said(way) and "au_12" in said(way)


def test_sides_and_gaze_beside_frames_are_kept(tmp_path):
    path = table(tmp_path / "a.csv", ["frame", "AU12L", "AU61"], [{"AU12L": 0.5, "AU61": 0.25}])
    point = read_trajectory(path, FACS).expressions[0]
    assert point.space == FACS and (point["AU12L"], point["AU12R"], point["AU61"]) == (0.5, 0, 0.25)


def test_rows_that_were_cut_off_show_no_face(tmp_path):
    path = openface(tmp_path / "video.csv", [{"AU12_r": 1}] * 3)
    path.write_text(path.read_text().rstrip()[:-60])
    way = read_trajectory(path, FACS)
    assert unit(way) == [0.2] * 3 and "1 of 3 frames show no face" in said(way)


@pytest.mark.parametrize(
    "columns, row, sentence",
    [
        (OPENFACE[:6], {}, "no column of an Action Unit or a mood; OpenFace writes them with -aus"),
        (["frame", "success", "AU12_c"], {}, "no column of an Action Unit"),
        (OPENFACE, {"success": 0}, "no row in which a face was found"),
        (["frame", "au_12"], {"au_12": 1}, "no column of an Action Unit"),
        (["frame", "AU12", "au12"], {}, "named twice"),
        (["frame", "AU12"], {"AU12": "0.1, 0.2"}, "line 2: 3 values instead of 2"),
    ],
)
def test_tables_of_no_use_are_a_sentence(tmp_path, columns, row, sentence):
    path = table(tmp_path / "video.csv", columns, [row])
    with pytest.raises((UnreadableFile, InvalidExpression), match=sentence):
        read_trajectory(path, FACS)


def test_frames_a_million_apart_are_refused(tmp_path):
    rows = [{"frame": n, "AU12_r": 1} for n in (1, 2, 3, 10**8)]
    with pytest.raises(UnreadableFile, match="more than 100000; cut"):
        read_trajectory(openface(tmp_path / "video.csv", rows), FACS)
    rows[-1]["frame"] = 10**30
    assert len(read_trajectory(openface(tmp_path / "video.csv", rows), FACS).expressions) == 3


def test_axes_without_a_meaning_take_no_units(tmp_path):
    path = openface(tmp_path / "video.csv", [{}])
    with pytest.raises(InvalidExpression, match=r"this model: its tables may be in c4\."):
        read_trajectory(path, space_named("c4"))
    path = table(tmp_path / "c.csv", ["frame", "c1"], [{"c1": 0.5}])
    assert read_trajectory(path, space_named("c4")).expressions[0]["c1"] == 0.5


PLAIN = "AU12,AU25\n0.5,0.25\n0.75,1e-1\n"


@pytest.mark.parametrize(
    "name, data",
    {
        "a.csv": PLAIN.replace(",", ";").replace(".", ",").encode(),  # Excel in Europe
        "b.CSV": PLAIN.replace(",", ";").encode(),
        "c.csv": PLAIN.replace(",", "\t").replace(".", ",").encode("utf-16"),  # Unicode text
        "d.tsv": PLAIN.replace(",", "\t").encode(),
        "e.csv": ("\ufeff" + PLAIN).encode("utf-8"),
        "f.csv": b"AU12,AU25,,\r\n\r\n0.5,0.25,,\r\n,,,\r\n0.75,0.1,,\r\n\r\n",
        "g.csv": b"AU12,AU25\n0.5,0.25,\n0.75,0.1,\n",
        "h.csv": b"sep=;\nAU12;AU25\n0,5;0,25\n0,75;0,1\n",
        "i.csv": b'"AU12","AU25"\n"0,5","0,25"\n"0,75","0,1"\n',
        "j.txt": b"AU12  AU25\n 0.5   0.25\n0.75 0.1 \n",
        "k.csv": b"\n\n ; \nAU12;AU25\n0.5;0.25\n0.75;0.1",
        "l.csv": b"input,AU12,AU25\ncaf\xe9,0.5,0.25\ncaf\xe9,0.75,0.1\n",
        "m.csv": PLAIN.replace("\n", "\r").encode(),
    }.items(),
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_dialects_of_spreadsheets_are_read(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    way = read_trajectory(tmp_path / name, FACS)
    assert unit(way) == [0.5, 0.75] and unit(way, "AU25") == [0.25, 0.1]


@pytest.mark.parametrize("text", ["0,5;-0,25\n1;0\n", "0.5 -0.25\n1 0\n", "0.5\t-0.25\n\n1\t0\n"])
def test_rows_without_names_are_read_alike(tmp_path, text):
    (tmp_path / "a.csv").write_text(text)
    way = read_trajectory(tmp_path / "a.csv", VALENCE_AROUSAL)
    assert [point.values for point in way.expressions] == [(0.5, -0.25), (1, 0)]


@pytest.mark.parametrize(
    "text, sentence",
    [
        ("AU12;AU25\n0,5;0,1;0,2\n", "line 2: 3 values instead of 2"),
        ("AU12;AU25\n0,5;1.234,5\n", "line 2: '1.234,5' is not a number"),
        ("AU12;smile\n0,5;0,1\n", "'smile' is not an axis that can be read here"),
    ],
)
def test_what_is_wrong_in_such_a_table_is_said(tmp_path, text, sentence):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises((UnreadableFile, InvalidExpression), match=sentence):
        read_trajectory(tmp_path / "a.csv", FACS)


@pytest.mark.parametrize("fps, wanted", [(25, 25), (30, 30), (30000 / 1001, 29.97), (12.5, 12.5)])
def test_the_times_of_rows_are_a_pace(tmp_path, fps, wanted):
    rows = "".join(f"{i / fps:.3f},0.5\n" for i in range(300))
    (tmp_path / "a.csv").write_text("time,AU12\n" + rows)
    assert read_trajectory(tmp_path / "a.csv", FACS).fps == pytest.approx(wanted, abs=1e-3)


def test_animations_have_the_pace_of_the_table(tmp_path, capsys):
    path = openface(tmp_path / "video.csv", [{"AU12_r": 1}, {"AU12_r": 2}, {"AU12_r": 3}] * 2)
    command = ["animate", str(PHOTO), "--trajectory", str(path), "--size", "64", "--out"]
    assert main([*command, str(tmp_path / "a.mp4")]) == 0
    assert imageio_ffmpeg.count_frames_and_secs(str(tmp_path / "a.mp4")) == (6, 0.24)
    assert "25 frames per second, from the times of the rows" in capsys.readouterr().err
    assert main([*command, str(tmp_path / "b.mp4"), "--fps", "12"]) == 0
    assert imageio_ffmpeg.count_frames_and_secs(str(tmp_path / "b.mp4")) == (6, 0.5)


@pytest.mark.parametrize(
    "fps, wanted", [(30, (6, 30)), (100, (3, 50)), (120, (2, 40)), (None, (6, 24))]
)
def test_rows_too_fast_for_a_file_are_left_out_evenly(fps, wanted):
    points = [Expression.of(FACS, AU12=i / 10) for i in range(6)]
    way, pace = with_supported_fps(Trajectory(points, [*range(6)], [], fps), 50)
    assert (len(way.expressions), pace) == wanted and len(way.frame_numbers) == len(way.expressions)
    assert bool(way.notes) == (fps is not None)


# ---- Preparing data ----


@pytest.fixture
def folder(tmp_path):
    """Three tables of a video of three frames."""
    for name in "abc":
        rows = [{"AU12_r": i} for i in range(3)]
        (tmp_path / "csv").mkdir(exist_ok=True)
        openface(tmp_path / "csv" / f"{name}.csv", rows)
    return tmp_path / "csv"


def prepared(command, *arguments, out, status=0) -> dict:
    """The report of a run, and its dropped counts by reason."""
    assert prepare([command, *map(str, arguments), "--out", str(out)]) == status
    if status:
        return {}
    report = json.loads((out / "report.json").read_text())
    report["dropped"] = {
        reason: (facts["count"], facts["examples"]) for reason, facts in report["dropped"].items()
    }
    return report


@pytest.mark.parametrize(
    "name, data, reason",
    [
        ("killed.csv", b"", "the file is empty"),
        ("blank.csv", b"\n\n \n", "the file is empty"),
        ("shell.csv", b"\x7fELF\x02\x01\x00\xff", "the file is not a readable csv"),
        (
            "letter.csv",
            b"Dear all,\nthe tables are below.",
            "the file lacks the columns AU01_r, AU02_r, AU04_r, ... of OpenFace's csv files",
        ),
    ],
)
def test_one_bad_table_is_left_out_and_counted(folder, tmp_path, name, data, reason):
    (folder / name).write_bytes(data)
    report = prepared("openface", folder, out=tmp_path / "out")
    assert report["dropped"] == {reason: (1, [name])} and report["kept"]["names"] == 9


def test_only_bad_tables_are_a_sentence(tmp_path, capsys):
    (tmp_path / "csv").mkdir()
    (tmp_path / "csv" / "killed.csv").touch()
    prepared("openface", tmp_path / "csv", out=tmp_path / "out", status=2)
    assert "killed.csv is empty. Run OpenFace with -aus" in capsys.readouterr().err


def test_doubtful_faces_go_before_faces_are_counted(tmp_path):
    columns = ["face", "confidence", *UNITS]
    (tmp_path / "csv").mkdir()
    for i in range(3):
        rows = [{"AU12_r": i, "confidence": 0.97}, {"face": 1, "AU12_r": 4, "confidence": 0.3}]
        table(tmp_path / "csv" / f"p{i}_0.csv", columns, rows[:: 1 if i else -1])
    table(tmp_path / "csv" / "p4_0.csv", columns, [{"confidence": 0.9}] * 2)
    table(tmp_path / "csv" / "p5_0.csv", columns, [{"confidence": 0.2}] * 2)
    report = prepared("openface", tmp_path / "csv", out=tmp_path / "out")
    assert report["dropped"] == {
        "several faces": (1, ["p4_0"]),
        "confidence below 0.8": (1, ["p5_0"]),
        "confidence below 0.8, beside another face": (3, ["p0_0", "p1_0", "p2_0"]),
    }
    units = read_pickle(tmp_path / "out" / "aus_openface.pkl")
    assert [units[f"p{i}_0"][8] for i in range(3)] == [0, 1, 2]


def test_tables_whose_names_are_not_utf8_are_reported(folder, tmp_path):
    (folder / "broken\udce9.csv").touch()
    report = prepared("openface", folder, out=tmp_path / "out")
    assert report["dropped"] == {"the file is empty": (1, ["broken\udce9.csv"])}
    assert "broken\\udce9.csv" in (tmp_path / "out" / "report.txt").read_text("utf-8")


@pytest.mark.parametrize("separator, comma", [(";", False), (";", True), ("\t", True)])
def test_tables_that_excel_saved_are_prepared(folder, tmp_path, separator, comma):
    expected = prepared("openface", folder, out=tmp_path / "one")["kept"]
    for path in folder.iterdir():
        text = path.read_text().replace(", ", separator)
        path.write_text(text.replace(".", ",") if comma else text, "utf-8-sig")
        path.rename(path.with_suffix(".CSV"))
    report = prepared("openface", folder, out=tmp_path / "two")
    assert report["kept"] == expected and report["dropped"] == {}
    tables = [read_pickle(tmp_path / out / "aus_openface.pkl") for out in ("one", "two")]
    assert all((tables[0][name] == tables[1][name]).all() for name in tables[0])


@pytest.fixture
def videos(tmp_path, monkeypatch):
    """Three videos of five frames, each with a face in the middle."""
    import cv2
    import numpy as np

    from moodganimation.faces.portrait import Portrait
    from training.data.prepare import crops

    (tmp_path / "videos").mkdir()
    for name in ("one", "two", "three"):
        file, codec = str(tmp_path / "videos" / f"{name}.avi"), cv2.VideoWriter_fourcc(*"MJPG")
        video = cv2.VideoWriter(file, codec, 10, (64, 64))
        for _ in range(5):
            video.write(np.full((64, 64, 3), 99, np.uint8))
        video.release()
    face = np.array([[1 / 32, 0, -1], [0, 1 / 32, -1]])
    monkeypatch.setattr(crops, "find_faces", lambda photo: [face])
    monkeypatch.setattr(crops, "align_portrait", lambda photo, face: Portrait(photo, face, ""))
    return tmp_path / "videos"


def annotation(path, text="valence,arousal\n" + "0.1,0.2\n" * 5):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def splits(out) -> dict[str, str]:
    lines = (out / "clips.csv").read_text().splitlines()[1:]
    return {line.split(",")[1]: line.split(",")[2] for line in lines}


@pytest.mark.parametrize(
    "below, names",
    [
        ("", ("Train_Set", "Validation_Set")),
        ("VA_Set", ("Train_Set", "Validation_Set")),
        ("Third/VA_Estimation_Challenge", ("train set", "val")),
    ],
)
def test_folders_of_affwild2_are_found_and_keep_their_split(videos, tmp_path, below, names):
    root = tmp_path / "annotations"
    annotation(root / below / names[0] / "one.txt")
    annotation(root / below / names[1] / "two.txt")
    annotation(root / "AU_Set" / "Train_Set" / "one.txt", "AU1,AU2\n" + "0,1\n" * 5)
    annotation(root / "EXPR_Set" / "Train_Set" / "three.txt", "Neutral,Anger\n" + "1\n" * 5)
    report = prepared("affwild", videos, root, "--smallest", 0, out=tmp_path / "out")
    assert splits(tmp_path / "out") == {"one": "train", "two": "val"}
    assert report["kept"]["val clips"] == 1 and report["kept"]["test clips"] == 0
    reason = "annotations of something else than valence and arousal"
    assert report["dropped"] == {reason: (2, ["one", "three"])}
    assert "splits are those of the folders of the annotations, not drawn" in report["notes"]


def test_folders_of_affwild_have_two_files_a_video(videos, tmp_path):
    for split, name in (("train", "one"), ("val", "two"), ("test", "three")):
        for axis, value in (("valence", 0.3), ("arousal", -0.6)):
            annotation(tmp_path / "texts" / split / axis / f"{name}.txt", f"{value}\n" * 5)
    prepared("affwild", videos, tmp_path / "texts", "--smallest", 0, out=tmp_path / "out")
    assert splits(tmp_path / "out") == {"one": "train", "two": "val", "three": "test"}


def test_one_bad_annotation_is_left_out_and_counted(videos, tmp_path):
    texts = tmp_path / "texts"
    annotation(texts / "one.txt")
    annotation(texts / "two.txt", "valence;arousal\n" + "0,1;0,2\n" * 5)
    (texts / "three.txt").write_bytes(b"\x7fELF\x02\x01\x00\xff")
    arguments = (videos, texts, "--smallest", 0, "--val", 0)
    report = prepared("affwild", *arguments, out=tmp_path / "out")
    assert report["dropped"] == {"annotations that cannot be read": (1, ["three"])}
    table = read_pickle(tmp_path / "out" / "clips_annotations.pkl")
    assert len(table) == 10 and all(mood.tolist() == [0.1, 0.2] for mood in table.values())


def test_a_folder_without_annotations_is_a_sentence(videos, tmp_path, capsys):
    (tmp_path / "texts" / "more").mkdir(parents=True)
    prepared("affwild", videos, tmp_path / "texts", out=tmp_path / "out", status=2)
    said = capsys.readouterr().err
    assert "holds no annotations" in said and "in a subfolder" in said
    assert not (tmp_path / "out").exists()
