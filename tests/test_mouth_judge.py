"""The judge of opened mouths, on pictures and landmarks that are known."""

from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from moodganimation.expressions.spaces import FACS, Expression
from training.evaluate.judges import draw, mouths, requests, teeth

RNG = np.random.default_rng(0)


def open_mouths(count: int, shift: float = 0.0, gap: float = 0.1) -> list[mouths.OpenMouth]:
    return [
        mouths.OpenMouth(gap + RNG.normal(0, 0.003), 0.5, RNG.normal(shift, 1, 126))
        for _ in range(count)
    ]


def test_a_classifier_tells_other_features_and_not_the_same():
    first, same, other = (np.stack([m.features for m in open_mouths(80, s)]) for s in (0, 0, 1))
    assert 0.35 < mouths.auc(first, same) < 0.65
    assert mouths.auc(first, other) > 0.99


def test_frechet_distances_are_relative_to_those_of_real_halves():
    real, same, other = (np.stack([m.features for m in open_mouths(80, s)]) for s in (0, 0, 1))
    assert mouths.frechet_ratio(same, real) == pytest.approx(1, abs=0.4)
    assert mouths.frechet_ratio(other, real) > 3


def test_frechet_distance_of_equal_sets_is_zero():
    features = RNG.normal(0, 1, (50, 6))
    assert mouths.frechet(features, features) == pytest.approx(0, abs=1e-6)
    assert mouths.frechet(features, features + 2) == pytest.approx(24, rel=1e-6)


def test_mouths_match_one_to_one_by_gap_and_width():
    edits = [mouths.OpenMouth(gap, 0.5, np.zeros(1)) for gap in (0.1, 0.1, 0.3)]
    real = [mouths.OpenMouth(gap, wide, np.zeros(1)) for gap, wide in ((0.11, 0.5), (0.1, 0.9))]
    found = mouths.match_mouths(edits, real)
    assert len(found) == 1 and found[0][1] == 0


def test_too_few_matches_give_no_figure():
    row = mouths.compare(open_mouths(5), open_mouths(5))
    assert row["matched"] <= 5 and np.isnan(row["AUC"]) and np.isnan(row["Frechet"])
    assert row["open"] == 5


def test_features_do_not_depend_on_brightness_of_the_photo():
    points = np.zeros((478, 3))
    points[[33, 263], :2] = (60, 80), (172, 80)
    for row, ids in ((130, mouths.UPPER), (150, mouths.LOWER)):
        points[ids, :2] = [(x, row) for x in np.linspace(90, 142, len(ids))]
    points[mouths.CHEEKS, :2] = (50, 140)
    picture = np.uint8(RNG.integers(60, 120, (240, 240, 3)))
    dark, bright = (mouths.measure_mouth(np.uint8(n * picture), points) for n in (1, 2))
    assert dark.gap == bright.gap == pytest.approx(20 / 112, abs=0.01)
    assert np.abs(dark.features - bright.features).max() < 0.25


def test_requests_open_the_mouth_alone_and_in_a_smile():
    found = requests.mouths(Expression.of(FACS, AU04=0.3))
    assert found["AU25"]["AU12"] == 0 and found["AU12_AU25"]["AU12"] == 1
    assert all(e["AU25"] == 1 and e["AU04"] == 0.3 for e in found.values())


def mouth_points(gap: float) -> np.ndarray:
    """Landmarks (478, 3) of lips that are apart by `gap` of the distance of the eyes."""
    points = np.zeros((478, 3), np.float32)
    points[[33, 263], 0] = 40, 140
    points[[13, 14], 1] = 100, 100 + 100 * gap
    return points


def pack_with_landmarks(folder: Path, points: dict[str, np.ndarray]) -> Path:
    """Write a pack of photos a and b; points: the landmarks of some photos."""
    (folder / "imgs").mkdir(parents=True)
    for name in "ab":
        cv2.imwrite(str(folder / "imgs" / f"{name}.jpg"), np.full((160, 160, 3), 90, np.uint8))
    (folder / "faces.csv").write_text("name,split\na,test\nb,test\n", encoding="utf-8")
    arrays = np.array([*points.values()], np.float32).reshape(-1, 478, 3)
    sizes = np.full((len(points), 2), 160)
    np.savez(folder / "landmarks.npz", names=np.array([*points], str), points=arrays, sizes=sizes)
    return folder


def test_photos_without_landmarks_are_left_out(tmp_path, monkeypatch):
    data = pack_with_landmarks(tmp_path / "open", {"a": mouth_points(0.2)})
    options = SimpleNamespace(landmarks=None, data=data, split="test", photos=1, out=tmp_path / "o")
    draw.draw_mouths(None, options)
    assert [path.parent.name for path in options.out.glob("*/place.json")] == ["a"]
    data, used = pack_with_landmarks(tmp_path / "shut", {"b": mouth_points(0)}), []
    monkeypatch.setattr(
        teeth,
        "displacements_of_photo",
        lambda _, photo, *__: [used.append(photo.name), 0.1][1:],
    )
    assert teeth.judge(None, data, "test", 2)["AU25"]["photos"] == 1
    assert set(used) == {"b"}


def test_a_number_of_photos_below_1_is_refused(capsys):
    with pytest.raises(SystemExit):
        teeth.main(["--data", "DIR", "--photos", "0"])
    assert "must be 1 or more, got 0" in capsys.readouterr().err


@pytest.mark.parametrize("judge", (draw.draw_mouths, teeth.judge))
def test_split_without_landmarks_raises_readable_error(tmp_path, judge):
    data = pack_with_landmarks(tmp_path / "pack", {})
    options = SimpleNamespace(landmarks=None, data=data, split="test", photos=1, out=tmp_path / "o")
    arguments = (options,) if judge is draw.draw_mouths else (data, "test", 1)
    with pytest.raises(ValueError, match=r"No photo of the split has landmarks in .*: make them"):
        judge(None, *arguments)
