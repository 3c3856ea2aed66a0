"""Measures on pictures and generators whose figures are known, and the whole command."""

import copy
import csv
import json
import pickle

import cv2
import numpy as np
import pytest
import torch

from moodganimation.checkpoints.files import build_generator, generators_in, save_generator
from moodganimation.expressions.spaces import ACTION_UNITS, FACS, PAD, VALENCE_AROUSAL, space_named
from moodganimation.networks.base import Generator, GeneratorConfig
from moodganimation.networks.compositing import compose
from moodganimation.resources import CHECKPOINTS
from training.evaluate import blocks, measures
from training.evaluate.__main__ import main
from training.evaluate.estimator import Estimator, reader_estimator, repeatability
from training.evaluate.output import COLUMNS, table
from training.evaluate.page import page
from training.evaluate.photos import Photos, open_photos
from training.evaluate.recognizer import (
    CROP_LANDMARKS,
    TEMPLATE_LANDMARKS,
    Recognizer,
    _to_template,
)
from training.evaluate.report import evaluate
from training.rendering import facs

SIDE = 64
STEP = 0.5  # of lightness on [-1, 1] at intensity 1
CELLS = [(16 + 8 * (k // 4), 14 + 9 * (k % 4)) for k in range(17)]  # of 6 x 7 pixels in the face
MIXING = np.eye(17) + 0.25 * np.eye(17, k=1)  # each unit raises the next one too, the last none


def cells(values: torch.Tensor) -> torch.Tensor:
    """(B, 17) -> (B, 1, SIDE, SIDE): a cell for each value."""
    picture = torch.zeros(len(values), 1, SIDE, SIDE)
    for k, (y, x) in enumerate(CELLS):
        picture[:, 0, y : y + 6, x : x + 7] = values[:, k, None, None]
    return picture


class Lamps(Generator):
    """Brightens the cell of each Action Unit of the condition."""

    def __init__(self, strength=1.0, broken=False):
        super().__init__(GeneratorConfig(architecture="resnet", condition_dim=17, image_size=SIDE))
        self.register_parameter("unused", torch.nn.Parameter(torch.zeros(3)))
        self.strength, self.broken, self.states = strength, broken, []

    def edit(self, encoding, condition, state=None):
        self.states.append(state)
        lights = STEP * self.strength * (condition @ torch.from_numpy(MIXING).float())
        color = encoding + cells(lights)
        if self.broken:
            color[0, 0, 0, 0] = torch.nan
        still = torch.zeros(len(color), 2, 1, 1)
        closed = torch.zeros(len(color), 1, SIDE, SIDE)
        edit = compose(encoding, closed, color, still, still[:, :1])
        return edit, (state or 0) + 1


def see(faces):
    """The lights of the cells against the darkest place; features: the mean color."""
    faces = torch.nn.functional.interpolate(faces, (SIDE, SIDE), mode="nearest")
    base = faces[:, 0, 2:8, 2:8].mean((1, 2))
    units = [faces[:, 0, y : y + 6, x : x + 7].mean((1, 2)) - base for y, x in CELLS]
    return torch.stack(units, 1).double().numpy() / STEP, faces.mean((2, 3)).double().numpy()


JUDGE = Estimator(see, "lamp meter", True, "It sees lamps.")


@pytest.fixture
def photos() -> Photos:
    tones = torch.linspace(-0.5, -0.2, 4)[:, None, None, None]
    grey = lambda side: tones.expand(4, 3, side, side).clone()  # noqa: E731
    return Photos(["<a>", "b", "c", "d"], grey(SIDE), grey(128), grey(128), [*"wxyz"], {}, [])


def test_follow_is_the_rank_correlation_and_0_for_flat_responses():
    values = np.array([[0, 1, 2, 3, 9], [4, 3, 2, 1, 0], [0, 0, 1, 2, 3], [1, 1, 1, 1, 1 + 1e-5]])
    expected = [1, -1, 0.97468, 0]  # the third as scipy.stats.spearmanr has it
    np.testing.assert_allclose(measures.follow(values, 0.001), expected, atol=1e-5)


def test_straightness_is_r_squared_of_rising_responses():
    line = np.arange(5.0)
    values = np.stack([line, -line, line**2, 0 * line])
    squares = np.corrcoef(line, line**2)[0, 1] ** 2
    np.testing.assert_allclose(measures.straightness(values, 1e-3), [1, 0, squares, 0], atol=1e-9)


def test_leakage_is_the_change_of_other_axes_over_that_of_the_requested_one():
    changes = np.zeros((2, 3, 3))
    changes[:, 0] = [0.8, 0.2, -0.2]
    changes[:, 1] = [0.0, 0.4, 0.4]
    changes[:, 2] = [0.1, 0.1, -0.3]  # the wrong way
    by_axis, in_all = measures.leakage(changes, 0.001)
    np.testing.assert_allclose(by_axis, [0.25, 0.5, np.nan])
    assert in_all == pytest.approx((0.2 + 0.2 + 0.1) / (0.8 + 0.4 - 0.3))
    assert np.isnan(measures.leakage(changes[:, :1, :1], 0.001)[1])


def test_concordance_is_lower_for_shifted_and_scaled_values():
    x = np.array([-1.0, 0, 1])
    assert measures.concordance(x, x) == pytest.approx(1)
    assert measures.concordance(x, -x) == pytest.approx(-1)
    assert measures.concordance(x, x + 1) == pytest.approx((4 / 3) / (4 / 3 + 1))
    assert measures.concordance(x, x / 2) == pytest.approx(0.8)


def test_edited_share_counts_visible_pixels_of_the_face():
    source = torch.zeros(2, 3, SIDE, SIDE)
    result = source.clone()
    result[0, :, :, : SIDE // 2] = (
        measures.VISIBLE_CHANGE * 1.1
    )  # the left half of a symmetric face
    result[1] = measures.VISIBLE_CHANGE * 0.9
    share = measures.edited_share(measures.edited_mask(source, result))
    np.testing.assert_allclose(share, [0.5, 0], atol=1e-6)


def test_sharpness_decreases_with_blur_and_is_nan_without_edited_pixels():
    torch.manual_seed(0)
    source = torch.rand(1, 3, SIDE, SIDE) * 2 - 1
    blurred = torch.nn.functional.avg_pool2d(source, 3, 1, 1)
    mask = torch.ones(1, 1, SIDE, SIDE, dtype=torch.bool)
    assert measures.sharpness(source, source, mask) == pytest.approx(1)
    assert measures.sharpness(source, 2 * source, mask) == pytest.approx(2)
    assert measures.sharpness(source, blurred, mask) < 0.5
    assert measures.sharpness(source, source, mask & False).isnan()


def test_likeness_depends_on_unedited_pixels_only():
    torch.manual_seed(0)
    source = torch.rand(1, 3, SIDE, SIDE) - 0.5
    result = source.clone()
    result[..., 40:50, 28:38] += 0.5
    mask = measures.edited_mask(source, result)
    assert measures.likeness(source, result, mask) == pytest.approx(1)
    assert measures.likeness(source, result, mask & False) < 0.99
    softened = torch.nn.functional.avg_pool2d(result, 3, 1, 1)
    assert measures.likeness(source, softened, mask) < 0.7
    assert measures.likeness(source, result, mask | True).isnan()


def test_similarity_equals_its_definition_for_flat_pictures():
    a, b = torch.full((1, 3, 32, 32), 0.2), torch.full((1, 3, 32, 32), 0.6)
    c1 = 0.02**2
    expected = (2 * 0.2 * 0.6 + c1) / (0.2**2 + 0.6**2 + c1)
    torch.testing.assert_close(
        measures.structural_similarity(a, b),
        torch.full((1, 1, 32, 32), expected),
        atol=1e-3,
        rtol=0,
    )


def test_kernel_distance_is_unbiased_and_grows_with_distance():
    rng = np.random.default_rng(0)
    draw = lambda: rng.normal(size=(40, 8))  # noqa: E731
    equal = [measures.kernel_distance(draw(), draw()) for _ in range(40)]
    assert abs(np.mean(equal)) < 4 * np.std(equal) / np.sqrt(40)
    assert measures.kernel_distance(draw(), draw() + 1) > 5 * np.std(equal)
    one, other = np.array([[1.0], [2.0]]), np.array([[0.0], [1.0]])
    # within: 3^3 and 1^3; across: 1, 2^3, 1, 3^3
    assert measures.kernel_distance(one, other) == pytest.approx(27 + 1 - 2 * (1 + 8 + 1 + 27) / 4)


def test_restlessness_is_low_for_even_motion_and_high_for_noise():
    even = torch.linspace(0, 1, 12)[:, None, None, None].expand(12, 3, 8, 8)
    torch.manual_seed(0)
    assert measures.restlessness(even) == pytest.approx(0, abs=1e-5)
    assert measures.restlessness(torch.rand(60, 3, 16, 16)) == pytest.approx(1.7, abs=0.1)
    assert np.isnan(measures.restlessness(0 * even))


def test_background_change_excludes_edited_pixels():
    frames = torch.zeros(3, 3, 32, 32)
    frames[1, :, :8, :8], frames[2, :, :8, :8] = 0.5, 1.0
    assert measures.background_change(frames) == 0
    frames[1, :, 20, 20] = measures.VISIBLE_CHANGE / 2
    kept = 32 * 32 - 10 * 10
    expected = 127.5 * measures.VISIBLE_CHANGE / 2 / kept  # up and down, in two steps
    assert measures.background_change(frames) == pytest.approx(expected, rel=1e-4)


def test_repeatability_is_the_change_by_a_shift_of_one_pixel():
    slope = torch.linspace(0, 1, 65)[None, None, None, :64].expand(3, 3, 64, 64).contiguous()
    look = lambda faces: (faces[:, :1, 32, 32].expand(-1, 17).double().numpy(), None)  # noqa: E731
    found = repeatability(Estimator(look, "", True, ""), slope, ACTION_UNITS)
    np.testing.assert_allclose(found, 1 / 64 / np.sqrt(2), rtol=1e-4)  # two of four ways


@pytest.mark.slow
def test_generator_of_known_behavior_has_the_known_figures(photos):
    values = evaluate(Lamps(), ACTION_UNITS, photos, JUDGE).values
    np.testing.assert_allclose(values["response"]["values"], MIXING, atol=1e-4)
    for name in ("follow", "moved", "straightness", "gain"):
        assert values["measures"][name] == pytest.approx(1), name
    assert values["axes"]["AU12"]["leakage"] == pytest.approx(0.25 / 16, abs=1e-4)
    assert values["axes"]["AU45"]["leakage"] == pytest.approx(0, abs=1e-4)
    assert values["measures"]["leakage"] == pytest.approx(16 * 0.25 / 16 / 17, abs=1e-4)
    face = int(measures.face_region((SIDE, SIDE)).sum())
    relight = 100 * 2 * 42 / face  # its own cell and, fainter, the next one
    assert values["axes"]["AU12"]["edited share [%]"] == pytest.approx(relight, abs=0.01)
    assert values["measures"]["likeness"] == pytest.approx(1, abs=1e-3)
    assert values["verdict"]["passes"] is True
    # of dominance, which the mapping leaves to its definition, little can be read back
    assert all(0.15 < mood["ceiling"] <= 1 for mood in values["mood concordance"].values())
    for mood in values[
        "mood concordance"
    ].values():  # the lamps leak, the moods follow all the same
        assert mood["asked and estimated"] == pytest.approx(mood["ceiling"], abs=0.15)


@pytest.mark.slow
def test_generator_that_copies_the_photo_fails(photos):
    values = evaluate(Lamps(strength=0), ACTION_UNITS, photos, JUDGE).values
    assert values["measures"]["follow"] == values["measures"]["moved"] == 0
    assert values["measures"]["leakage"] is None and values["measures"]["sharpness"] is None
    assert values["verdict"]["passes"] is False
    assert values["journeys"]["restlessness"] is None


@pytest.mark.slow
def test_response_below_the_noise_counts_in_follow_but_not_in_moved(photos):
    values = evaluate(Lamps(strength=0.015), ACTION_UNITS, photos, JUDGE).values
    assert values["measures"]["follow"] == pytest.approx(1)
    assert values["measures"]["moved"] == 0


def test_edits_that_are_not_finite_are_counted_and_fail(photos):
    values = evaluate(Lamps(broken=True), ACTION_UNITS, photos, JUDGE).values
    edits = values["edits"]
    assert 0 < edits["not finite"] < edits["made"]
    assert values["verdict"]["criteria"]["not finite"]["passes"] is False
    json.dumps(values, allow_nan=False)


@pytest.mark.slow
def test_state_is_passed_in_animations_and_not_in_single_edits(photos):
    lamps = Lamps()
    evaluate(lamps, ACTION_UNITS, photos, JUDGE)
    assert lamps.states[: 17 * measures.LEVEL_COUNT] == [None] * 17 * measures.LEVEL_COUNT
    assert [*range(1, 16)] == [state for state in lamps.states if state is not None]


class Moody(Lamps):
    """Renders a smile by the value of its first axis."""

    def edit(self, encoding, condition, state=None):
        units = torch.zeros(len(condition), 17)
        units[:, ACTION_UNITS.index("AU12")] = (condition[:, 0] + 1) / 2
        return super().edit(encoding, units, state)


def test_mood_generators_are_evaluated_by_moods(photos):
    evaluation = evaluate(Moody(), VALENCE_AROUSAL, photos, JUDGE)
    values = evaluation.values
    assert list(values["axes"]) == ["valence", "arousal"]
    assert values["axes"]["valence"]["follow"] > 0.8 and values["axes"]["valence"]["moved"] == 1
    assert values["axes"]["arousal"]["follow"] == 0
    assert {key for key, _ in COLUMNS.values()} <= set(values["measures"])
    assert values["response"]["columns"][-2:] == ["valence", "arousal"]
    assert "dominance" not in values["mood concordance"]
    assert len(evaluation.grids) == 2 and len(evaluation.sweeps) == 2


def test_axes_without_a_name_list_the_missing_figures(photos):
    values = evaluate(Moody(), space_named("c4"), photos, JUDGE).values
    assert values["verdict"]["passes"] is None
    assert "follow" not in values["measures"] and "edited share [%]" in values["measures"]
    assert any("c4" in text for text in values["not measured"])
    assert len(values["response"]["values"]) == 4
    assert values["mood concordance"] == {}


def test_page_has_every_section_and_no_external_resource(photos):
    evaluation = evaluate(Lamps(), ACTION_UNITS, photos, JUDGE)
    about = {
        **dict.fromkeys(("file", "architecture", "space", "split", "data"), "a<b>"),
        **{"side": SIDE, "megabytes": 1.0, "card": {"note": "<i>"}},
    }
    values = {"checkpoint": about} | evaluation.values
    html = page(values, evaluation)
    for name in (
        "verdict",
        "axes",
        "response",
        "moods",
        "sweeps",
        "panels",
        "time",
        "cost",
        "definitions",
        "photos",
    ):
        assert f'<section id="{name}">' in html
    assert html.count("data:image/jpeg;base64,") == 17 * 4 + 3 * 4 + 2 * 5 + 1
    assert "://" not in html and "a<b>" not in html and "&lt;a&gt;" in html
    assert "AU12: Lip corner puller" in html and "It sees lamps." in html
    assert "verdict: passes" in table(values)
    every = dict.fromkeys(blocks.SYSTEMS, values)
    assert blocks.models(every).count("`checkpoints/") == len(every)
    assert "| yes |" in blocks.systems(every) and blocks.systems(every).endswith(
        "4 held-out photos."
    )
    assert "`mood`" in blocks.systems_comparison(every)
    assert "`video`" in blocks.systems_restlessness(every)


def test_shipped_reader_states_that_it_is_part_of_its_generator(animator, tiny):
    reader = animator.reader
    itself, relative = (reader_estimator(reader, judged) for judged in (reader, tiny))
    stranger = reader_estimator(reader, Lamps())
    assert not itself.independent and "not an independent judgement" in itself.statement
    assert not relative.independent and "same design" in relative.statement
    assert stranger.independent
    with_other_eyes = copy.deepcopy(reader)
    with torch.no_grad():
        next(with_other_eyes.eyes.parameters()).add_(1)
    assert "same design" in reader_estimator(reader, with_other_eyes).statement
    faces = torch.rand(2, 3, 128, 128) * 2 - 1
    units, features = stranger.estimate(faces)
    read, apart = reader.read(faces).numpy(), 1e-5
    if read.shape[1] == len(FACS.axes):
        read, apart = facs.mean_of_sides(read), 0.02  # sides are clipped before or after their mean
    np.testing.assert_allclose(units.clip(0, 1), read, atol=apart)
    assert features.shape == (2, 192)
    assert stranger.estimate(faces[..., ::2, ::2])[0].shape == (2, 17)


def draw(name: str) -> np.ndarray:
    """A face of ellipses, (144, 144, 3)."""
    rng = np.random.default_rng(sum(map(ord, name)))
    picture = np.full((144, 144, 3), rng.uniform(60, 120, 3), np.uint8)
    cv2.ellipse(picture, (72, 74), (48, 57), 0, 0, 360, rng.uniform(120, 220, 3).tolist(), -1)
    for x in (49, 94):
        cv2.circle(picture, (x, 53), 6, (30, 30, 30), -1)
    cv2.ellipse(picture, (72, 101), (20, 6), 0, 0, 180, (60, 40, 150), 3)
    return cv2.GaussianBlur(picture, (0, 0), 1.2)


@pytest.fixture
def folder(tmp_path):
    """Three drawn test photos, and a filmed clip with moods."""
    folder = tmp_path / "faces"
    (folder / "imgs").mkdir(parents=True)
    (folder / "clips" / "one").mkdir(parents=True)
    for name in "abc":
        cv2.imwrite(str(folder / "imgs" / f"{name}.jpg"), draw(name))
    (folder / "test_ids.csv").write_text("a.jpg\nb.jpg\nc.jpg\n")
    moods = {}
    for t in range(3):
        picture = draw("c")[8:-8, 8:-8].copy()
        picture[80:100] = np.uint8(picture[80:100] * (1 - 0.2 * t))
        cv2.imwrite(str(folder / "clips" / "one" / f"{t:04d}.jpg"), picture)
        moods[f"one_{t:04d}"] = np.array([0.3 * t, 0, 0], np.float32)
    (folder / "clips_annotations.pkl").write_bytes(pickle.dumps(moods, protocol=2))
    return folder


@pytest.fixture
def checkpoint(tmp_path):
    """Writes a tiny random generator and says where."""

    def write(architecture: str, space):
        torch.manual_seed(0)
        config = GeneratorConfig(
            architecture=architecture,
            condition_dim=len(space.axes),
            image_size=32,
            width=8,
            depth=1,
        )
        path = tmp_path / f"{architecture}.safetensors"
        save_generator(path, build_generator(config), space, {"name": "tiny & random"})
        return path

    return write


@pytest.mark.slow
def test_command_writes_json_and_page_reproducibly(folder, checkpoint, tmp_path, capsys):
    path, out = checkpoint("convgru_unet", PAD), tmp_path / "out"
    reports = []
    for _ in range(2):
        assert main([str(path), "--data", str(folder), "--out", str(out)]) == 0
        reports.append(json.loads((out / "evaluation.json").read_text()))
    assert {p.name for p in out.iterdir()} == {"evaluation.json", "evaluation.html"}
    assert all(report.pop("cost")["parameters"] > 0 for report in reports)
    assert reports[0] == reports[1]
    report, printed = reports[0], capsys.readouterr().out
    assert report["photos"]["edited"] == ["a", "b", "c"] and report["photos"]["others"] == 0
    assert report["clips"]["one: 3 frames"]["error of copying the first frame"] > 0
    assert any("24 photos were requested" in text for text in report["photos"]["remarks"])
    assert "dominance" in report["axes"] and "verdict: fails" in printed
    assert "one: 3 frames" in (out / "evaluation.html").read_text()


@pytest.mark.slow
def test_command_evaluates_warp_generators_of_action_units(folder, checkpoint, tmp_path):
    path, out = checkpoint("warp", ACTION_UNITS), tmp_path / "out"
    command = [str(path), "--data", str(folder), "--out", str(out), "--count", "1"]
    assert main(command) == 0
    report = json.loads((out / "evaluation.json").read_text())
    assert report["photos"]["edited"] == ["a"] and report["photos"]["others"] == 2
    assert report["estimator"]["independent"] is False
    (note,) = report["photos"]["remarks"][1:]
    assert note.startswith("No filmed clips") and str(folder) not in note


def test_all_shipped_checkpoints_are_evaluated_into_separate_folders(monkeypatch, tmp_path):
    calls = []
    monkeypatch.setattr(
        "training.evaluate.__main__.evaluate_file", lambda *args: calls.append(args)
    )
    assert main(["--all", "--data", "faces", "--out", str(tmp_path)]) == 0
    names = {path.stem: out for path, out, _ in calls}
    assert names == {name: tmp_path / name for name in generators_in(CHECKPOINTS)}
    assert set(names) == set(blocks.SYSTEMS)


@pytest.mark.parametrize(
    "change, sentence",
    [
        (["--all"], "Name one CHECKPOINT, or use --all"),
        (["--write"], "--write needs --all"),
        (["--split", "val"], "no list of names val_ids.csv; --split can be test"),
        (["--data", "nowhere"], "There is no folder nowhere"),
        (["--count", "0"], "--count must be at least 1"),
        (["--device", "abacus"], "cannot be used here"),
        (["--recognizer", "none.onnx"], "There is no recognizer at none.onnx"),
    ],
)
def test_command_with_invalid_options_prints_one_sentence(
    folder, checkpoint, change, sentence, capsys
):
    path = checkpoint("resnet", VALENCE_AROUSAL)
    command = [str(path), "--data", str(folder), "--out", str(folder / "out"), *change]
    assert main(command) == 2
    assert sentence in capsys.readouterr().err
    assert not (folder / "out").exists()


def test_missing_photos_are_refused(folder, tmp_path, capsys):
    other = tmp_path / "notes.safetensors"
    other.write_text("no weights")
    assert main([str(other), "--data", str(folder)]) == 2
    assert "not a readable checkpoint" in capsys.readouterr().err
    (folder / "test_ids.csv").write_text("x.jpg\n")
    with pytest.raises(ValueError, match=r"No photo of test_ids\.csv"):
        open_photos(folder, "test", 3, 32, 0)
    for path in (folder / "imgs").iterdir():
        path.unlink()
    with pytest.raises(ValueError, match="holds no pictures"):
        open_photos(folder, "test", 3, 32, 0)


def test_frontal_photos_come_first_and_unreadable_ones_are_reported(folder):
    with open(folder / "labels.csv", "w", newline="") as file:
        csv.writer(file).writerows(
            [["name", "yaw", "pitch"], ["a", 30, 0], ["b", 2, -3], ["c", -20, 4]]
        )
    names = [open_photos(folder, "test", n, 32, 0).names for n in (1, 3)]
    assert names == [["b"], ["b", "c", "a"]]
    (folder / "imgs" / "b.jpg").write_text("no picture")
    photos = open_photos(folder, "test", 1, 32, 0)
    assert photos.names == ["c"] and "b.jpg is not a readable picture" in photos.notes[0]
    assert photos.faces.shape == (1, 3, 32, 32) and photos.other_names == ["a"]


def field(number: int, content) -> bytes:
    """A field of a protocol buffer: a whole number, or bytes with their length."""
    if isinstance(content, int):
        return bytes([number << 3, content])
    return bytes([number << 3 | 2, len(content)]) + content


@pytest.mark.slow
def test_recognizer_distinguishes_faces(tmp_path, photos):
    """With a network in ONNX that only averages the colors of what it sees."""

    def node(kind: bytes, source: bytes, result: bytes) -> bytes:
        return field(1, field(1, source) + field(2, result) + field(4, kind))

    def tensor(name: bytes, *shape: int) -> bytes:
        sides = b"".join(field(1, field(1, n)) for n in shape)
        return field(1, name) + field(2, field(1, field(1, 1) + field(2, sides)))

    graph = node(b"GlobalAveragePool", b"data", b"mean") + node(b"Flatten", b"mean", b"fc1")
    graph += field(11, tensor(b"data", 1, 3, 112, 112)) + field(12, tensor(b"fc1", 1, 3))
    path = tmp_path / "colors.onnx"
    path.write_bytes(field(1, 7) + field(7, graph) + field(8, field(2, 11)))
    recognizer = Recognizer(path)
    faces = torch.tensor([[1.0, -1, -1], [1, 1, -1]])[:, :, None, None].expand(2, 3, 64, 64)
    features = recognizer.features(faces)
    np.testing.assert_allclose(features, [[1, 0, 0], [0.5**0.5, 0.5**0.5, 0]], atol=1e-5)
    values = evaluate(Lamps(), ACTION_UNITS, photos, JUDGE, recognizer=recognizer).values
    assert values["measures"]["same person"] == pytest.approx(1, abs=1e-3)
    assert not any(text.startswith("identity") for text in values["not measured"])
    path.write_bytes(b"no network")
    with pytest.raises(ValueError, match="SFace"):
        Recognizer(path)


def test_canonical_crops_are_aligned_to_the_template_of_the_recognizer():
    matrix = _to_template(144)
    places = ((np.array(CROP_LANDMARKS) + 1) * 144 - 1) / 2
    moved = places @ matrix[:, :2].T + matrix[:, 2]
    assert np.abs(moved - TEMPLATE_LANDMARKS).max() < 3  # of 112 pixels
