"""Evaluations and benchmarks of generators, and by readers, that have the space FACS."""

import csv
import json
import pickle
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch

from benchmarks import blocks as speeds
from moodganimation.animator import Animator
from moodganimation.checkpoints.files import build_generator, load_checkpoint, save_generator
from moodganimation.errors import Problem
from moodganimation.expressions.axis_map import axis_map
from moodganimation.expressions.spaces import ACTION_UNITS, FACS, PAD, Expression
from moodganimation.networks.base import GeneratorConfig
from moodganimation.runtime.backends import optimize
from training.data import synthesis
from training.data.annotations import find_annotations, read_annotations
from training.data.config import DataConfig
from training.data.pairs import Pairs
from training.data.stills import open_samples
from training.data.units import in_facs, units_of
from training.evaluate import blocks
from training.evaluate.__main__ import main
from training.evaluate.estimator import Estimator, reader_estimator
from training.evaluate.judges import sharpness
from training.evaluate.judges.render_sweeps import render_sweeps
from training.evaluate.photos import Photos, open_clips, open_photos
from training.evaluate.report import evaluate
from training.evaluate.runner import Runner
from training.ship import ship
from training.warp.evaluate import measure_ablation, measure_pairs, measure_reader
from training.warp.train import set_axes

from .test_evaluate import MIXING, SIDE, Lamps, draw, see


def request(**values: float) -> torch.Tensor:
    return torch.tensor(Expression.of(FACS, **values).values).float()[None]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A small random generator of FACS that moves, paints and reads something."""
    torch.manual_seed(0)
    axes = {"condition_dim": len(FACS.axes), "unit_fields": len(axis_map(FACS).fields)}
    config = GeneratorConfig(architecture="warp", image_size=64, width=16, **axes)
    generator = build_generator(config).eval()
    set_axes(generator, FACS)
    torch.nn.init.normal_(generator.painter.heads.weight, 0, 0.5)
    torch.nn.init.normal_(generator.fields.weight, 0, 1.0)
    torch.nn.init.uniform_(generator.reader[-1].bias, 0.1, 0.9)
    path = tmp_path_factory.mktemp("facs") / "sided.safetensors"
    save_generator(path, generator, FACS, {"name": "sided"})
    return path


@pytest.fixture
def animator(animator, checkpoint):
    """The shipped finder and aligner with a generator and reader of FACS."""
    loaded = load_checkpoint(checkpoint)
    generator = optimize(loaded.generator, animator.device, ["float32"])
    return Animator(
        loaded._replace(generator=generator),
        reader=generator,
        finder=animator.finder,
        aligner=animator.aligner,
        device=animator.device,
        checkpoint_path=checkpoint,
    )


@pytest.fixture
def folder(tmp_path):
    """Three drawn photos with units of FACS, a clip with those of ACTION_UNITS, and pairs of
    both."""
    folder = tmp_path / "faces"
    for name in ("imgs", "clips/one", "pairs"):
        (folder / name).mkdir(parents=True)
    rng, values, rows = np.random.default_rng(1), {}, []
    for name in "abc":
        cv2.imwrite(str(folder / "imgs" / f"{name}.jpg"), draw(name))
        cv2.imwrite(str(folder / "pairs" / f"{name}_0.jpg"), np.roll(draw(name), 2, 0))
        values[name] = rng.uniform(0, 5, len(FACS.axes))
        after = values[name].copy()
        after[FACS.index("AU12L")] = 5
        kind = "real" if name == "c" else "side"
        rows.append([f"{name}_0.jpg", name, kind, "test", *values[name], *after])
    (folder / "test_ids.csv").write_text("a.jpg\nb.jpg\nc.jpg\n")
    (folder / "facs.pkl").write_bytes(pickle.dumps(values, protocol=2))
    columns = [f"{side}_{key}" for side in "st" for key in FACS.keys]
    with open(folder / "pairs.csv", "w", newline="") as file:
        csv.writer(file).writerows([["file", "source", "kind", "split", *columns], *rows])
    flow = np.zeros((3, 72, 72, 2), np.float32)
    mouth, shade = np.zeros(flow.shape[:3], np.uint8), np.ones(flow.shape[:3], np.float32)
    names = [row[0] for row in rows]
    shade[2] = np.nan  # a photograph in other light
    np.savez(folder / "flow.npz", names=names, flow=flow - 1, mouth=mouth, shade=shade)
    units = {f"one_{t:04d}": np.full(17, float(t)) for t in range(3)}
    (folder / "clips_aus.pkl").write_bytes(pickle.dumps(units, protocol=2))
    for t in range(3):
        cv2.imwrite(str(folder / "clips" / "one" / f"{t:04d}.jpg"), draw("c"))
    return folder


def test_units_are_means_of_sides_and_set_both_sides():
    start = request(AU12L=0.2, AU12R=0.6, AU26=0.3, AU18=0.7, AU61=0.4, AU53=0.1)
    units = units_of(start)
    assert units.shape == (1, 17) and units_of(units) is units
    assert units[0, ACTION_UNITS.index("AU12")] == pytest.approx(0.4)
    assert units[0, ACTION_UNITS.index("AU26")] == pytest.approx(0.3)
    np.testing.assert_array_equal(units_of(start.numpy()), units)
    assert torch.equal(in_facs(units, start), start)
    units[0, ACTION_UNITS.index("AU12")] = 0.9
    expected = request(AU12=0.9, AU26=0.3, AU18=0.7, AU61=0.4, AU53=0.1)
    torch.testing.assert_close(in_facs(units, start), expected)


class SidedLamps(Lamps):
    """`Lamps` of FACS: a unit lights its cell by the mean of its sides, the rest shows nothing."""

    requests = ()

    def with_reading(self, encoding, reading):
        self.start = reading
        return encoding

    def edit(self, encoding, condition, state=None):
        self.requests = [*self.requests, (condition - self.start).numpy()]
        return super().edit(encoding, units_of(condition), state)


@pytest.fixture
def photos() -> Photos:
    grey = lambda side: torch.full((2, 3, side, side), -0.3)  # noqa: E731
    return Photos(["a", "b"], grey(SIDE), grey(128), grey(128), [*"wx"], {}, [])


READS = Expression.of(FACS, AU12L=0.2, AU12R=0.4, AU18=0.3, AU61=0.5, AU54=0.2)


@pytest.mark.parametrize("read", [None, READS], ids=["17 axes", "50 axes"])
def test_generator_of_facs_has_the_figures_of_one_of_the_17_units(photos, read, monkeypatch):
    """What lies on the other axes stays as it is read."""
    monkeypatch.setattr("training.evaluate.report.TIMED_EDITS", 1)
    every = None if read is None else lambda faces: np.tile(read.vector(), (len(faces), 1))
    judge = Estimator(see, "lamp meter", True, "It sees lamps.", every)
    lamps = SidedLamps()
    found = evaluate(lamps, FACS, photos, judge)
    values = found.values
    assert tuple(values["axes"]) == tuple(values["response"]["rows"]) == ACTION_UNITS.keys
    np.testing.assert_allclose(values["response"]["values"], MIXING, atol=1e-4)
    for name in ("follow", "moved", "straightness", "gain"):
        assert values["measures"][name] == pytest.approx(1), name
    assert values["verdict"]["passes"] is True
    assert len(found.sweeps) == 17 and len(found.grids) == 2 and len(found.panels) == 3
    assert "sides, gaze, head" in values["not measured"][0]
    changes = np.concatenate(lamps.requests)
    alone = [FACS.index(key) for key in FACS.keys if key not in ACTION_UNITS]
    others = [i for i in alone if FACS.keys[i][:-1] not in FACS.lateral]
    assert np.abs(changes).max() > 0.5 and not changes[:, others].any()
    if read is None:
        same = evaluate(Lamps(), ACTION_UNITS, photos, judge).values
        for part in ("measures", "axes", "response", "distance", "mood concordance", "journeys"):
            assert same[part] == values[part], part


def test_evaluations_start_from_readings_in_facs(photos):
    every = lambda faces: np.tile(READS.vector() - 0.01, (len(faces), 1))  # noqa: E731
    runner = Runner(SidedLamps(), FACS, torch.device("cpu"))
    readings, starts = runner.starts(photos, Estimator(see, "", True, "", every))
    assert starts.shape == (2, 50) and starts.min() == 0
    assert starts[0, FACS.index("AU61")] == pytest.approx(0.49)
    assert readings[0]["AU12"] == pytest.approx(0.29)
    raised = runner.with_axis(starts, "AU12", 1.0)
    assert raised[0, list(FACS.indices("AU12"))].tolist() == [1, 1]
    assert int((raised != starts).sum()) == 2 * 2


def test_reader_of_facs_estimates_the_17_units(checkpoint, tiny):
    reader = load_checkpoint(checkpoint).generator
    judge, faces = reader_estimator(reader, tiny), torch.rand(2, 3, 64, 64) * 2 - 1
    units, features = judge.estimate(faces)
    assert units.shape == (2, 17) and features.shape == (2, 48)
    whole = judge.estimate_facs(faces)
    np.testing.assert_allclose(whole.clip(0, 1), reader.read(faces), atol=1e-5)
    np.testing.assert_allclose(units_of(whole), units)
    assert reader_estimator(tiny, reader).estimate_facs is None


@pytest.mark.parametrize("space", [FACS, ACTION_UNITS, PAD], ids=lambda space: space.name)
def test_command_accepts_a_reader_of_facs(folder, checkpoint, space, tmp_path, monkeypatch):
    monkeypatch.setattr("moodganimation.animator.DEFAULT_CHECKPOINT", checkpoint)
    path, out = checkpoint, tmp_path / "out"
    if space != FACS:
        path = tmp_path / "other.safetensors"
        config = {"condition_dim": len(space.axes), "image_size": 32, "width": 4, "depth": 1}
        generator = build_generator(GeneratorConfig(architecture="resnet", **config))
        save_generator(path, generator, space, {})
    command = [str(path), "--data", str(folder), "--out", str(out), "--count", "1"]
    assert main(command) == 0
    report = json.loads((out / "evaluation.json").read_text())
    measured = ACTION_UNITS if space == FACS else space
    assert tuple(report["axes"]) == measured.keys and report["checkpoint"]["space"] == space.name
    assert report["edits"]["not finite"] == 0
    if space == FACS:
        assert report["clips"]["one: 3 frames"]["error"] >= 0
        assert "not an independent judgement" in report["estimator"]["statement"]


def test_labels_and_clips_are_converted_to_the_measured_space(folder):
    labels = open_photos(folder, "test", 2, 32, 0).labels
    raw = read_annotations(folder / "facs.pkl", FACS).values
    assert labels["a"].shape == (17,) and raw["a"].max() <= 1
    np.testing.assert_allclose(labels["a"], units_of(raw["a"]))
    (clip,), _ = open_clips(folder, "test", FACS, 32)
    (plain,), _ = open_clips(folder, "test", ACTION_UNITS, 32)
    assert clip.conditions.shape == (3, 50)
    torch.testing.assert_close(units_of(clip.conditions), plain.conditions)
    assert not clip.conditions[:, FACS.index("AU61")].any()
    with pytest.raises(ValueError, match=r"clips in facs: none of clips_facs\.pkl"):
        find_annotations(folder, "", "clips", FACS, "test")


@pytest.mark.parametrize("kind, frames", [("stills", 1), ("pairs", 2)])
def test_mirrored_samples_of_facs_have_exchanged_sides(folder, kind, frames):
    samples = open_samples([folder], "test", DataConfig(kind=kind, frames=frames), FACS)
    left, right = FACS.indices("AU12")
    seen = {
        (int(sample.conditions[0, left] > sample.conditions[0, right]))
        for seed in range(12)
        for sample in [samples.sample(0, np.random.default_rng(seed), 32)]
    }
    assert samples.sample(0, np.random.default_rng(0), 32).conditions.shape[1] == 50
    assert seen == {0, 1}


def test_reading_of_facs_is_reported_by_unit_and_by_axis(folder, checkpoint):
    generator = load_checkpoint(checkpoint).generator
    data = Pairs([folder], "test", 64, FACS).keep_pairs_with_motion()
    found = measure_reader(generator, data)
    assert set(ACTION_UNITS.keys) | set(FACS.keys) <= set(found) and found["photos"] == 3
    assert found["mean"] == pytest.approx(np.mean([found[key] for key in ACTION_UNITS.keys]))
    errors = measure_pairs(generator, data)
    assert errors["pairs"] == 2 and np.isfinite([*errors.values()]).all()
    assert "inside mouths" in blocks.ablation(measure_ablation(generator, data))
    del found["AU55"], found["AU06R"]
    lines = blocks.reading({f"read {key}": value for key, value in found.items()}).splitlines()
    heads = [line for line in lines if "AU" in line]
    assert [line.count("AU") + line.count("AD") for line in heads] == [17, 13, 10, 9]
    assert "| - |" in next(line for line in lines if line.startswith("| right |"))
    with pytest.raises(ValueError, match=r"imgs/, facs\.pkl"):
        (folder / "facs.pkl").unlink()
        Pairs([folder], "test", 64, FACS)


def test_gains_of_facs_belong_to_units(checkpoint, tmp_path):
    about, out = tmp_path / "about.json", tmp_path / "out.safetensors"
    about.write_text("{}")
    ship(checkpoint, about, None, ["au12=1.5", "AD30=2"], out)
    generator, _, card = load_checkpoint(out)
    units = axis_map(FACS).fields
    assert tuple(card["gain"]) == units and card["gain"]["AU12"] == 1.5
    assert generator.gain[units.index("AD30")] == 2 and generator.gain.sum() == len(units) + 1.5
    for key in ("AU12L=2", "AU51=2"):
        with pytest.raises(ValueError, match="has no gain of its own"):
            ship(checkpoint, about, None, [key], out)
    with pytest.raises(Problem, match="is not an axis of facs"):
        ship(checkpoint, about, None, ["smile=2"], out)


@pytest.mark.parametrize("value", ["nan", "inf", "much", ""])
def test_a_gain_that_is_no_finite_number_is_refused(checkpoint, tmp_path, value):
    with pytest.raises(ValueError, match=f"--gain AU12={value}: give AXIS=NUMBER"):
        ship(checkpoint, tmp_path, None, [f"AU12={value}"], tmp_path / "out.safetensors")


class Screen:
    """Reads FACS in every photo, and records the requests."""

    requests = ()

    def encode(self, portrait):
        return SimpleNamespace(photo=portrait.photo, reading=READS)

    def animate(self, portrait, points):
        self.requests = [*self.requests, *points]
        return [SimpleNamespace(image=portrait.photo) for _ in points]

    def edit(self, portrait, point):
        return self.animate(portrait, [point])[0]


def test_clips_and_edits_are_requested_and_labelled_in_the_17_units(folder, tmp_path, monkeypatch):
    screen = Screen()
    monkeypatch.setattr(synthesis.Animator, "load", lambda **options: screen)
    synthesis.make_clips(folder, tmp_path / "clips", 2, 3, ("test",))
    synthesis.make_edits(folder, tmp_path / "edits", 2, ("test",))
    assert {point.space for point in screen.requests} == {ACTION_UNITS} and len(
        screen.requests
    ) == 8
    units = read_annotations(tmp_path / "clips" / "clips_aus.pkl", ACTION_UNITS).values
    assert len(units) == 6
    with open(tmp_path / "edits" / "pairs.csv") as file:
        row = next(csv.DictReader(file))
    assert float(row["s_AU12"]) == pytest.approx(5 * 0.3) and "s_AU12L" not in row


def test_speeds_of_facs_have_their_own_rows():
    names = ("mean of all units", "open mouth", "one side (AU12L)", "head (AU51)")
    titles = [f"slider to {what}, {name}" for what in ("photo", "face") for name in names]
    values = {
        "ms": dict.fromkeys(titles, 4.0) | {"seed generator (width 64, float32)": 100.0},
        "times faster than the seed's generator": dict.fromkeys([*titles, "encode"], 25.0),
        "sides [px]": {"photo": 512, "face in the photo": 137, "face in the close-up": 512},
    }
    units, sliders, encoding = speeds.speed_slider(values).split("\n\n")
    assert "open mouth (worst case)" in units and "AU12L" not in units
    assert sliders.splitlines()[0] == "| | one side (AU12L) | head (AU51) |"
    assert sliders.splitlines()[2].endswith("| 4.0 ms, 25 times faster | 4.0 ms, 25 times faster |")
    assert encoding == "Encoding a photo, once, is 25 times faster than the baseline."


@pytest.mark.slow
def test_benchmark_of_facs_times_units_a_side_gaze_and_head(animator, photo):
    from benchmarks.inference import measure_inference

    result = measure_inference(animator, photo, 1, short=True)
    faster = result["times faster than the seed's generator"]
    assert set(faster) <= set(result["ms"]) and len(faster) == 2 * 5 + 1
    assert all(value > 0 for value in faster.values())
    assert "| gaze (AU61) | head (AU51) |" in speeds.speed_slider(result)


def test_sweeps_of_facs_can_be_judged(animator, photo, tmp_path, monkeypatch):
    monkeypatch.setattr("training.evaluate.judges.render_sweeps.LEVELS", (0.0, 1.0))
    path = tmp_path / "someone.png"
    cv2.imwrite(str(path), photo[..., ::-1])
    render_sweeps(animator, [path], tmp_path / "out", scale=1)
    written = {path.stem for path in (tmp_path / "out" / "someone").glob("*_100.png")}
    assert written == {f"{key}_100" for key in (*ACTION_UNITS.keys, *PAD.keys)}
    assert sharpness.measure_sweeps(tmp_path / "out")["AU12"]["outside"] == 0
