"""Training on a folder of drawn faces whose pairs and motion are known exactly."""

import contextlib
import csv
import dataclasses
import json
import pickle

import cv2
import numpy as np
import pytest
import torch
from accelerate import Accelerator

from moodganimation.checkpoints.files import build_generator, load_checkpoint
from moodganimation.expressions.spaces import ACTION_UNITS
from moodganimation.faces.alignment import INPUT_SHARE, SIZE
from moodganimation.networks.base import GeneratorConfig
from moodganimation.networks.compositing import backward_warp, relight
from training.common.aligner import draw_sample
from training.common.runs import Run
from training.data.augment import CROP_SIDE, View
from training.data.average_portraits import MIRROR
from training.data.pair_batches import SamplingOptions
from training.data.pairs import Pairs
from training.data.pickles import read_pickle
from training.evaluate import blocks
from training.warp import losses
from training.warp.critic import Critics, adversarial_terms, critic_loss
from training.warp.evaluate import measure_ablation, measure_pairs, measure_reader, without_parts
from training.warp.experiment import PAINTER_WEIGHTS, Phase, experiment_for
from training.warp.train import train

SHIFT = 4.0  # of the mouth in every pair, down [px of the frame]


def face(name: str, smile: float, mouth: float = 0.0) -> np.ndarray:
    """A drawn face, (144, 144, 3); the lower half lies `mouth` pixels lower."""
    rng = np.random.default_rng(sum(map(ord, name)))
    y, x = np.mgrid[:CROP_SIDE, :CROP_SIDE].astype(np.float32)
    y = y - mouth * np.clip((y - 60) / 20, 0, 1)
    skin = rng.uniform(120, 220, 3)
    picture = skin + 30 * np.sin(x / 9 + rng.uniform(0, 6))[..., None]
    for spot in ((49, 53), (94, 53)):
        picture[np.hypot(x - spot[0], y - spot[1]) < 7] = 30
    picture[np.abs(y - 101 + smile * (np.abs(x - 72) / 20) ** 2 * 6) < 3] = (150, 40, 50)
    return np.uint8(np.clip(cv2.GaussianBlur(picture, (0, 0), 1.5), 0, 255))


def save_jaws(path, names: list[str]) -> None:
    """The same places of teeth and outline for six pictures."""
    place = np.float32([[0.5, 0, 0.1], [0, 0.3, 0.4]])
    np.savez(
        path,
        names=names,
        upper=np.tile(place, (6, 1, 1)),
        lower=np.tile(place + 0.1, (6, 1, 1)),
        white=np.full((6, 3), 0.8),
        outline=np.tile(
            np.float32([[-0.5, -0.6], [0.5, -0.6], [0.4, 0.7], [-0.4, 0.7]]), (6, 1, 1)
        ),
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("faces")
    (folder / "imgs").mkdir()
    (folder / "pairs").mkdir()
    names, units, rows = [f"p{i}" for i in range(8)], {}, []
    jaw = ACTION_UNITS.index("AU26")
    y = np.mgrid[:CROP_SIDE, :CROP_SIDE][0].astype(np.float32)
    light = -0.1 * (y > 110)  # the chin is darker in every pair
    down = SHIFT * np.clip((y - 60) / 20, 0, 1)
    for i, name in enumerate(names):
        units[name] = np.zeros(17, np.float32)
        cv2.imwrite(str(folder / "imgs" / f"{name}.jpg"), face(name, i / 8))
        after = face(name, i / 8, SHIFT) * (1 + light[..., None])
        cv2.imwrite(str(folder / "pairs" / f"{name}_0.jpg"), np.uint8(after))
        after = units[name].copy()
        after[jaw] = 5
        rows.append([f"{name}_0.jpg", name, "train", *units[name], *after])
    columns = [f"{side}_{key}" for side in "st" for key in ACTION_UNITS.keys]
    with open(folder / "pairs.csv", "w", newline="") as file:
        csv.writer(file).writerows([["file", "source", "split", *columns], *rows])
    (folder / "train_ids.csv").write_text("\n".join(f"{name}.jpg" for name in names))
    (folder / "aus_openface.pkl").write_bytes(pickle.dumps(units, protocol=2))
    flow = np.repeat(np.stack([0 * down, -down], -1)[None], len(names), 0)
    mouth = np.zeros((len(names), CROP_SIDE, CROP_SIDE), np.uint8)
    np.savez(
        folder / "flow.npz",
        names=[row[0] for row in rows],
        flow=flow[:, ::2, ::2],
        mouth=mouth[:, ::2, ::2],
        shade=1 + np.repeat(light[None, ::2, ::2], len(names), 0),
    )
    save_jaws(folder / "jaws.npz", names[:6])
    return folder


@pytest.fixture(scope="module")
def data(folder) -> Pairs:
    return Pairs([folder], "train", 64).keep_pairs_with_motion()


@pytest.fixture
def experiment():
    phases = (
        Phase(steps=2, batch=4, photos=2, rate=1e-3, final_rate=1e-3, warmup=1),
        Phase(
            steps=2,
            batch=4,
            photos=2,
            rate=1e-3,
            final_rate=1e-4,
            warmup=1,
            reverse=0.5,
            weights=dataclasses.replace(PAINTER_WEIGHTS, realism=0.1),
            critic_from=0.5,
        ),
    )
    config = GeneratorConfig(
        architecture="warp", condition_dim=17, image_size=64, width=8, extra_fields=3
    )
    return dataclasses.replace(
        experiment_for(ACTION_UNITS),
        generator=config,
        phases=phases,
        critic_width=4,
        log_every=1,
        save_every=2,
        sample_every=4,
    )


def test_source_warped_by_the_flow_is_the_target(data):
    batch = data.batch(
        np.random.default_rng(0), SamplingOptions(8, 1)
    )  # augmented: crops, turns, mirrors
    copied = (batch.source - batch.target).abs().mean()
    moved = relight(backward_warp(batch.source, batch.flow), batch.light)
    moved = (moved - batch.target).abs()[..., 6:-6, 6:-6].mean()
    assert moved < 0.4 * copied


def test_reversed_pairs_have_no_flow(data):
    batch = data.batch(np.random.default_rng(0), SamplingOptions(6, 1, reverse_share=1.0))
    assert not batch.flow.any() and not batch.field_weight.any()
    assert (batch.before.sum(1) > batch.after.sum(1)).all()


def test_view_transforms_pictures_and_masks_equally():
    spot = np.zeros((CROP_SIDE, CROP_SIDE), np.float32)
    spot[80:88, 40:48] = 1
    view = View(np.random.default_rng(3), 128)
    picture = view.convert_picture(np.uint8(np.repeat(255 * spot[..., None], 3, 2))) + 1
    cells = view.resample(cv2.resize(spot, (72, 72), interpolation=cv2.INTER_AREA))
    centre = [np.argwhere(x[0] > 0.5 * x[0].max()).mean(0) for x in (picture, cells)]
    np.testing.assert_allclose(*centre, atol=0.7)


def test_unknown_light_is_unknown_outside_the_crop_too():
    unknown = np.full((36, 36), np.nan, np.float16)
    for seed in range(8):
        light = View(np.random.default_rng(seed), 64).convert_light(unknown)
        assert light.shape == (1, 64, 64) and light.dtype == np.float32 and np.isnan(light).all()


class Dead(Exception):
    """What ends a run as a power cut does."""


def run_for(experiment, data, folder, steps):
    """Train on, in a folder, until the state of `steps` is saved, and die right after it."""
    run = Run(folder, experiment)
    save = run.save_state

    def save_and_die(state):
        save(state)
        if state["step"] == steps < experiment.steps:
            raise Dead

    run.save_state = save_and_die
    with contextlib.suppress(Dead):
        train(experiment, data, run, Accelerator(cpu=True))
    return run.load_state("cpu")


def test_resumed_run_equals_an_uninterrupted_one(experiment, data, tmp_path):
    once = run_for(experiment, data, tmp_path / "once", 4)
    assert run_for(experiment, data, tmp_path / "twice", 2)["step"] == 2
    with open(tmp_path / "twice" / "log.jsonl", "a") as file:
        file.write('{"step": 3, "lost": 1}\n{"st')  # written after the last saved state
    twice = run_for(experiment, data, tmp_path / "twice", 4)
    assert once["step"] == twice["step"] == 4
    flat = lambda state: torch.utils._pytree.tree_flatten(state)[0]  # noqa: E731
    for one, two in zip(flat(once), flat(twice), strict=True):
        assert torch.equal(one, two) if isinstance(one, torch.Tensor) else one == two
    logs = [
        [json.loads(line) for line in (tmp_path / run / "log.jsonl").read_text().splitlines()]
        for run in ("once", "twice")
    ]
    logs = [[{k: v for k, v in row.items() if k != "seconds"} for row in log] for log in logs]
    assert logs[0] == logs[1]


def test_run_writes_log_sample_sheets_and_a_checkpoint(experiment, data, tmp_path):
    run_for(experiment, data, tmp_path, 4)
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in log] == [1, 2, 3, 4]
    assert {"flow", "reading", "composite", "critic", "realism"} <= log[-1].keys()
    assert all(np.isfinite(value) for line in log for value in line.values())
    assert cv2.imread(str(tmp_path / "samples" / "0000004.png")) is not None
    generator, space, _ = load_checkpoint(tmp_path / "generator.safetensors")
    assert space == ACTION_UNITS
    photos = measure_reader(generator, data)
    values = measure_pairs(generator, data) | photos
    assert values["true flow"] < values["copy"] and values["photos"] == 8
    read = {f"read {key}": value for key, value in photos.items()}
    assert blocks.reading(read).endswith("\n\n8 photos.")
    torch.nn.init.normal_(generator.lights.weight)
    found = measure_ablation(generator, data)
    rows, whole = found["parts"], "+ inpainting and teeth"
    assert [*rows] == ["fields of the axes", "+ extra fields", "+ light", whole]
    assert rows[whole] == measure_pairs(generator, data)
    assert "inpainting and teeth" in blocks.ablation(found)
    explained = [row["light variance explained"] for row in rows.values()]
    assert explained[:2] == [0, 0] and explained[2] == explained[3] != 0
    assert rows["fields of the axes"]["result"] == rows["fields of the axes"]["moved photo"]


@torch.inference_mode()
def test_without_the_falloff_there_is_motion_outside_the_face(tiny):
    torch.nn.init.constant_(tiny.rim[-1].bias, 1.0)  # nothing is face
    source = torch.rand(2, 3, 32, 32) * 2 - 1
    motions = []
    for generator in (tiny, without_parts(tiny, ["falloff"])):
        encoding = generator.encode(source)
        motions.append(generator.edit(encoding, encoding.reading + 0.5)[0].motion)
    assert not motions[0].any() and motions[1].any()


def moving_generator(experiment):
    """A generator with folds and a refiner, whose weights move, paint and relight."""
    torch.manual_seed(0)
    config = dataclasses.replace(experiment.generator, folds=1, refiner=True)
    generator = build_generator(config).eval()
    torch.nn.init.normal_(generator.painter.heads.weight, 0, 0.5)
    for layer in (generator.fields, generator.lights):
        torch.nn.init.normal_(layer.weight, 0, 0.5)
    generator.folds.pictures.fill_(0.2)
    generator.folds.units[ACTION_UNITS.index("AU26")] = 1
    return generator


def test_pairs_are_measured_without_folds(experiment, data):
    generator = moving_generator(experiment)
    found = measure_ablation(generator, data)["parts"]["+ inpainting and teeth"]
    assert found == measure_pairs(without_parts(generator, ["folds"]), data)
    assert found["result"] != found["moved photo"] and generator.folds.units.any()


@torch.inference_mode()
def test_without_inpainting_a_refiner_paints_nothing(experiment):
    generator = moving_generator(experiment)
    source = torch.rand(2, 3, 64, 64) * 2 - 1
    encoding = generator.encode(source)

    def edit(parts):
        return without_parts(generator, parts).edit(encoding, encoding.reading + 0.5)[0]

    assert edit(["light"]).attention.min() < 0.9
    kept = edit(["inpainting and teeth", "light"])
    assert (kept.attention > 1 - 1e-6).all() and not kept.light.any()
    torch.testing.assert_close(kept.composite, backward_warp(source, kept.motion))


def test_run_with_a_start_checkpoint_skips_the_first_phase(experiment, data, tmp_path):
    run_for(experiment, data, tmp_path / "first", 4)
    start = tmp_path / "first" / "generator.safetensors"
    train(experiment, data, Run(tmp_path / "on", experiment), Accelerator(cpu=True), start)
    log = [json.loads(line) for line in (tmp_path / "on" / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in log] == [3, 4]


def test_critic_learns_realism_and_expression():
    torch.manual_seed(0)
    critics, side = Critics(4, 2), 64
    step = torch.optim.Adam(critics.parameters(), 3e-3)
    dark, bright = (torch.full((4, 3, side, side), value) for value in (-0.5, 0.5))
    units = torch.tensor([[1.0, 0.0]]).expand(4, 2)
    for _ in range(30):  # photographs are dark with the first unit and bright with the second
        loss = critic_loss(critics, (dark, units), (bright, units), r1_weight=0.01)
        loss = loss + critic_loss(critics, (bright, 1 - units), (dark, 1 - units), r1_weight=0.01)
        step.zero_grad()
        loss.backward()
        step.step()
    right, wrong = (adversarial_terms(critics, dark, x, dark) for x in (units, 1 - units))
    assert right["realism"] < 0.5 * wrong["realism"]
    assert right["features"] == 0 < adversarial_terms(critics, bright, units, dark)["features"]


def test_run_of_another_experiment_is_refused(experiment, tmp_path):
    Run(tmp_path, experiment)
    with pytest.raises(ValueError, match="another experiment"):
        Run(tmp_path, dataclasses.replace(experiment, seed=1))


def test_fields_are_learned(experiment, data, tmp_path):
    phase = Phase(steps=60, batch=8, photos=2, rate=4e-3, final_rate=1e-3, warmup=5)
    train(
        dataclasses.replace(experiment, phases=(phase,), log_every=10, save_every=60, ema=0.9),
        data,
        Run(tmp_path, experiment),
        Accelerator(cpu=True),
    )
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert log[-1]["flow"] < 0.5 * log[0]["flow"]
    jaws = load_checkpoint(tmp_path / "generator.safetensors").generator.jaws
    assert jaws.usual[:6].tolist() == pytest.approx([0.5, 0, 0.1, 0, 0.3, 0.4], abs=1e-3)
    assert log[-1]["outside"] < 0.5 * log[0]["outside"]
    assert jaws.falls[ACTION_UNITS.index("AU26")] > 0.5 and jaws.upper[3].max() == 1


def test_folders_without_pairs_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"pairs\.csv"):
        Pairs([tmp_path], "train", 64)


def test_pickles_that_run_code_are_refused(tmp_path):
    class Evil:
        def __reduce__(self):
            return (print, ("gotcha",))

    path = tmp_path / "aus.pkl"
    path.write_bytes(pickle.dumps({"a": Evil()}))
    with pytest.raises(ValueError, match="nothing in it was run"):
        read_pickle(path)
    path.write_bytes(b"no pickle")
    with pytest.raises(ValueError, match="not a plain pickle"):
        read_pickle(path)


def test_pickles_of_python_2_are_read(tmp_path):
    path = tmp_path / "aus.pkl"
    path.write_bytes(pickle.dumps({"a": np.arange(17.0), "b": np.float64(2)}, protocol=0))
    table = read_pickle(path)
    np.testing.assert_array_equal(table["a"], np.arange(17.0))
    assert table["b"] == 2


def test_aligner_samples_have_the_true_offset(data):
    """The eyes, moved by the offset from the canonical crop to the coarse view, are dark there."""
    for seed in range(4):
        view, (x, y, scale, roll) = draw_sample(data, np.random.default_rng(seed))
        # the eyes of the drawn faces, canonical coordinates -> pixels of the view
        eyes = (np.array([(49, 53), (94, 53)]) - (CROP_SIDE - 1) / 2) / (CROP_SIDE / 2)
        turn = [[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]]
        places = eyes @ np.transpose(turn) * np.exp(scale) + (x, y)
        places = ((places / INPUT_SHARE + 1) * SIZE - 1) / 2
        grey = view.astype(float).mean(2)
        for column, row in places.round().astype(int):
            if 3 <= column < SIZE - 3 and 3 <= row < SIZE - 3:
                assert grey[row, column] < np.median(grey) - 25


def test_aligner_samples_of_small_pictures_show_the_whole_face(data, monkeypatch):
    whole, offset = draw_sample(data, np.random.default_rng(0))
    picture = data.picture
    monkeypatch.setattr(data, "picture", lambda path: cv2.resize(picture(path), (96, 96)))
    small, same_offset = draw_sample(data, np.random.default_rng(0))
    assert (offset == same_offset).all()
    assert np.abs(small.astype(float) - whole).mean() < 8


def test_flow_error_is_zero_at_the_truth_and_relative_to_the_motion_of_a_face():
    truth = torch.zeros(2, 2, 16, 16)
    truth[0, 1, 4:8, 4:8], truth[1, 1, 4:8, 4:8] = 8.0, 2.0
    known = torch.ones(2, 1, 16, 16)
    assert losses.flow_error(truth, truth, known) == 0
    large, small = (losses.flow_error(0 * truth[i:], truth[i : i + 1], known[:1]) for i in (0, 1))
    assert 1 < large / small < 4  # not 16, as the squares are
    assert losses.flow_error(truth + 1, truth, 0 * known) == 0


def test_total_variation_of_a_step_is_its_height_over_the_differences_in_a_row():
    attention = torch.ones(1, 1, 8, 8)
    attention[..., 4:] = 0.5
    assert losses.total_variation(attention) == pytest.approx(0.5 / 7)


def test_logistic_loss_is_small_when_scores_are_separated():
    assert losses.logistic_loss(torch.full((4,), 50.0), torch.full((4,), -50.0)) < 1e-6
    assert losses.logistic_loss(torch.zeros(4), torch.zeros(4)) == pytest.approx(2 * np.log(2))
    photo = torch.rand(2, 3, 4, 4).requires_grad_()
    assert losses.r1_penalty(3 * photo, photo).item() == pytest.approx(48 * (3 / 48) ** 2)


def test_saturated_attention_has_a_gradient_where_it_must_fall():
    logit = torch.full((1, 1, 8, 8), 6.0, requires_grad=True)
    paint_region = torch.zeros(1, 1, 8, 8)
    paint_region[..., :4, :4] = 1
    losses.mask_error(logit.sigmoid(), paint_region, 1 - paint_region).backward()
    assert logit.grad[..., :4, :4].min() > 1e-3
    assert logit.grad[..., 4:, 4:].max() <= 0


def test_mirroring_landmarks_twice_is_the_identity():
    assert (MIRROR[MIRROR] == np.arange(68)).all()


@pytest.mark.parametrize("seed", range(4))
def test_view_transforms_placements_of_teeth(seed):
    rng = np.random.default_rng(seed)
    view = View(rng, 128)
    place, own = rng.normal(0, 0.3, (2, 3)), np.array([0.4, -0.7])
    pixel = (place[:, :2] @ own + place[:, 2] + 1) * (CROP_SIDE / 2) - 0.5
    seen = (view.to_view[:, :2] @ pixel + view.to_view[:, 2] + 0.5) / 64 - 1
    found = view.convert_placement(place)
    mirrored = own * ([-1, 1] if view.mirror else 1)
    np.testing.assert_allclose(found[:, :2] @ mirrored + found[:, 2], seen, atol=1e-9)
