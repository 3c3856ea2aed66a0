"""The six systems: equal to the reference, trained, resumed and shared by processes."""

import contextlib
import json
import os
import pickle
import subprocess
import sys
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from accelerate import Accelerator

from moodganimation.checkpoints.files import build_generator, load_checkpoint
from moodganimation.expressions.spaces import ACTION_UNITS, PAD, space_named
from moodganimation.networks.base import GeneratorConfig
from moodganimation.networks.convgru import ConvGRU, ConvGRUCell, init_orthogonal_
from moodganimation.networks.rollout import rollout, stack_edits
from training import load_critic
from training.common.health import PATIENCE, Guard, TrainingDiverged
from training.common.runs import Run
from training.data.batches import Batch, BatchSpec, draw_batch
from training.data.config import DataConfig
from training.data.stills import open_samples
from training.data.synthesis import make_clips, make_edits
from training.ganimation import losses
from training.ganimation.critics import CriticConfig, build_critic
from training.ganimation.experiments import EXPERIMENTS, PretrainStage
from training.ganimation.objectives import gradient_penalties
from training.ganimation.overrides import override
from training.ganimation.presets import preset
from training.ganimation.sample_sheets import SampleSheets
from training.ganimation.steps import adversarial_step
from training.ganimation.train import (
    RunningMeans,
    build_networks,
    draw_interpolation,
    feed_at,
    pretraining_rate,
    train,
)
from training.ganimation.verify import (
    WEIGHT_SUM_TOLERANCE,
    Comparison,
    experiment_of,
    filled_networks,
    verify,
    weight_sums,
)
from training.ship import ship

ROOT = Path(__file__).parent.parent
GOLDEN = ROOT / "tests" / "golden"


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted(GOLDEN.glob("train_*.json")), ids=lambda p: p.stem)
def test_every_term_and_step_equals_the_reference(path, capsys):
    verify(path)
    assert "All values agree" in capsys.readouterr().out


def test_verify_names_the_terms_that_differ(tmp_path, capsys):
    golden = json.loads((GOLDEN / "train_master_small.json").read_text())
    golden = {k: v for k, v in golden.items() if k[0] != "B" and "float64" not in k}
    golden["A_losses_at_filled_weights"]["g_cyc"] *= 1.001
    (tmp_path / "off.json").write_text(json.dumps(golden))
    with pytest.raises(ValueError, match=r"^1 of \d+ values differ .*g_cyc"):
        verify(tmp_path / "off.json")
    (tmp_path / "no.json").write_text("{}")
    with pytest.raises(ValueError, match="not a golden training file"):
        verify(tmp_path / "no.json")
    (tmp_path / "cut.json").write_text("{")
    with pytest.raises(ValueError, match=r"cut\.json is not a golden training file"):
        verify(tmp_path / "cut.json")


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("train_*_small*.json")), ids=lambda p: p.stem)
def test_verify_notices_that_weights_were_not_stepped(path, capsys):
    golden, comparison = json.loads(path.read_text()), Comparison()
    networks, *_ = filled_networks(golden, experiment_of(golden), torch.float32)
    sums = weight_sums(networks, golden["B_params_after_step"])
    comparison.compare("weights", *sums, WEIGHT_SUM_TOLERANCE)
    assert comparison.differing


def test_verify_refuses_a_golden_file_without_losses(tmp_path):
    golden = json.loads((GOLDEN / "train_master_small.json").read_text())
    bare = {key: golden[key] for key in ("options", "branch", "conv_dim")}
    (tmp_path / "bare.json").write_text(json.dumps(bare))
    with pytest.raises(ValueError, match="holds no losses"):
        verify(tmp_path / "bare.json")
    bare["A_losses_at_filled_weights"] = {"g_cyc": "much"}
    (tmp_path / "text.json").write_text(json.dumps(bare))
    with pytest.raises(ValueError, match="not a golden training file"):
        verify(tmp_path / "text.json")


def test_options_of_golden_files_set_the_experiment():
    golden = json.loads((GOLDEN / "train_video_small.json").read_text())
    options = {"recurrent": True, "do_saturate_mask": True, "frames_cnt": 6, "batch_size": 3}
    golden["options"] |= options | {"cond_nc": 2, "lambda_cyc": 1.5}
    e = experiment_of(golden)
    assert (e.feed, e.generator.saturate, e.data.frames, e.batch) == ("generated", True, 6, 3)
    assert (e.space, e.weights.reconstruction) == ("valence_arousal", 1.5)
    published = json.loads((GOLDEN / "train_spatiotemporal_small_recurrent.json").read_text())
    assert experiment_of(published).clip_critic.carry
    del published["note"]
    assert not experiment_of(published).clip_critic.carry
    assert experiment_of(published).clip_critic.width == 8


# ---- Terms ----


def test_xsigmoid_equals_the_formula_of_the_branches():
    e = torch.linspace(-6, 6, 49, dtype=torch.float64)
    torch.testing.assert_close(losses.xsigmoid(e), 2 * e * torch.sigmoid(e) - e)


@pytest.mark.parametrize("kind, scores", [("frame", 3), ("clip", 1)])
def test_penalty_of_a_linear_critic_is_the_squared_deviation_of_its_gradient_norm_from_1(
    kind, scores
):
    torch.manual_seed(0)
    slope = torch.randn(3, 3, 4, 4, dtype=torch.float64)

    class Linear:
        def __call__(self, frames):
            by_frame = (slope * frames).sum((2, 3, 4))
            realism = by_frame if kind == "frame" else by_frame.sum(1, keepdim=True)
            return type("Critique", (), {"realism": realism[..., None, None]})

    real, fake = torch.randn(2, 2, 3, 3, 4, 4, dtype=torch.float64)
    penalty = losses.gradient_penalty(Linear(), real, fake, torch.rand(scores, 2), 0.0)
    norms = slope.flatten(1).norm(dim=1) if kind == "frame" else slope.norm()[None]
    torch.testing.assert_close(penalty, (norms - 1).square())


def test_roughness_sums_differences_of_neighbours():
    step = torch.zeros(2, 1, 4, 4)
    step[1, :, :, 2:] = 0.5
    torch.testing.assert_close(losses.total_variation(step, 1), torch.tensor([0.0, 2.0]))
    torch.testing.assert_close(losses.total_variation(step, 2), torch.tensor([0.0, 1.0]))


# ---- Rollout ----


def tiny(architecture="resnet", axes=2):
    torch.manual_seed(0)
    config = GeneratorConfig(
        architecture=architecture, condition_dim=axes, image_size=16, width=4, depth=2
    )
    return build_generator(config)


def test_rollout_starts_each_frame_from_its_feed():
    generator, portrait = tiny(), torch.rand(1, 3, 16, 16)
    conditions, truth = torch.rand(1, 3, 2), torch.rand(1, 3, 3, 16, 16)
    fed = {
        feed: stack_edits(rollout(generator, portrait, conditions, feed, truth)).composite
        for feed in ("portrait", "generated", "truth")
    }
    step = [generator(portrait, c)[0].composite for c in conditions.unbind(1)]
    torch.testing.assert_close(fed["portrait"], torch.stack(step, 1))
    second = generator(fed["generated"][:, 0], conditions[:, 1])[0].composite
    torch.testing.assert_close(fed["generated"][:, 1], second)
    third = generator(truth[:, 1], conditions[:, 2])[0].composite
    torch.testing.assert_close(fed["truth"][:, 2], third)


def test_gradient_reaches_a_generated_frame_through_the_network_but_not_the_blend():
    generator, portrait = tiny(), torch.rand(1, 3, 16, 16)
    first, second = rollout(generator, portrait, torch.rand(1, 2, 2), "generated")
    (through,) = torch.autograd.grad(second.composite.sum(), first.composite, retain_graph=True)
    frame = first.composite.detach().requires_grad_()
    edit, _ = generator(frame, torch.zeros(1, 2))
    assert through.abs().sum() > 0
    (with_blend,) = torch.autograd.grad(edit.composite.sum(), frame)
    assert through.mean() < 0.5 * with_blend.mean()  # A * I of the composite adds much to it


def test_state_is_passed_between_frames_and_not_stored_in_the_network():
    generator, portrait = tiny("convgru_unet"), torch.rand(1, 3, 16, 16)
    same = torch.ones(1, 3, 2)
    once = stack_edits(rollout(generator, portrait, same)).composite
    again = stack_edits(rollout(generator, portrait, same)).composite
    torch.testing.assert_close(once, again, atol=0, rtol=0)
    assert not torch.equal(once[:, 0], once[:, 1])


def test_clip_critic_uses_all_frames_if_it_carries_its_state():
    frames = torch.rand(1, 3, 3, 16, 16)
    other = frames.clone()
    other[:, 0] = 0
    for carry in (True, False):
        torch.manual_seed(0)
        config = CriticConfig(
            kind="clip", condition_dim=2, image_size=16, width=4, depth=3, carry=carry
        )
        critic = build_critic(config)
        first_frame_counts = not torch.equal(critic(frames).realism, critic(other).realism)
        assert first_frame_counts == carry


def test_gates_can_be_initialized_orthogonal():
    for gates in ("normal", "orthogonal", "open"):
        e = small("spatiotemporal", f"gates={gates}")
        networks, _ = build_networks(e, "cpu", torch.float32)
        for network in (networks.generator.network, networks.critics["clip"].network):
            gate = next(m for m in network.modules() if isinstance(m, ConvGRUCell)).out_gate
            rows = gate.weight.flatten(1)
            size = {"normal": None, "orthogonal": 1.0, "open": 2.0}[gates]
            near = torch.allclose(rows @ rows.T, (size or 1) * torch.eye(len(rows)), atol=1e-4)
            assert near == bool(size)


def test_open_gates_keep_the_signal_of_a_stack():
    output_std = {}
    for opened in (False, True):
        torch.manual_seed(0)
        gru = ConvGRU(8, 8, kernel=7, layers=6)
        init_orthogonal_(gru, opened)
        output_std[opened] = gru(torch.randn(2, 8, 16, 16))[-1].std()
    assert output_std[True] > 5 * output_std[False]


# ---- Settings ----


def test_presets_and_settings_compose():
    e = override(preset(EXPERIMENTS["spatiotemporal"], "small"), ["space=c4", "weights.penalty=1"])
    assert (e.generator.condition_dim, e.clip_critic.condition_dim, e.clip_critic.width) == (
        4,
        4,
        8,
    )
    assert (e.weights.penalty, e.data.frames, e.batch) == (1.0, 4, 2)
    e = override(e, ["lessons=32:5:4:1e-3,64:2:2:1e-4", "feed=curriculum", "data.frames=6"])
    assert e.lessons[1] == PretrainStage(image_size=64, steps=2, batch=2, rate=1e-4)
    assert (e.pretraining_steps, e.stage_at(6)[1], e.stage_at(9)) == (7, 1, (None, 2))


def test_settings_that_only_fit_together_can_be_given_in_either_order():
    settings = ["data.kind=clips", "data.frames=4"]
    for order in (settings, settings[::-1]):
        assert override(EXPERIMENTS["mood"], order).data.frames == 4
    smaller = override(EXPERIMENTS["mood"], ["image_size=96", "frame_critic.depth=5"])
    assert smaller.generator.image_size == 96
    with pytest.raises(ValueError, match="Photos have one frame"):
        override(EXPERIMENTS["mood"], settings[1:])


@pytest.mark.parametrize(
    "setting, sentence",
    [
        ("weights.condtion=1", "'condtion' is unknown; known: .*condition"),
        ("batch=many", "needs a whole number"),
        ("rate=nan", "needs a number"),
        ("rate=inf", "needs a number"),
        ("seed=" + 400 * "1", "needs a whole number up to"),
        ("feed=backwards", "is one of portrait"),
        ("weights=3", "set one of its settings"),
        ("space=moods", "is not a space"),
        ("condition_by_batch=yes", "true or false"),
        ("data.frames=1", "at least 2 frames"),
        ("image_size=100", "multiple of"),
        ("lessons=32:5", "size:steps:batch:rate"),
        ("generator.condition_dim=5", "has 2 axes"),
        ("clip_critic=none", "set one of its settings"),
        ("clip_critic.width=8", "no settings of its own"),
        ("log_every=0", "at least 1"),
        ("penalty_every=0", "at least 1"),
        ("penalty_every=1.5", "needs a whole number"),
        ("steps=-3", "steps and seed at least 0"),
        ("image_size=0", "above 0|at least 1|multiple of"),
        ("lessons=30:5:4:1e-3", "multiple of 4"),
        ("lessons=32:5:0:1e-3", "at least 1"),
        ("ema=1.5", "ema must be"),
        ("roughness_power=-1", "1 or 2"),
        ("frame_critic.kind=clip", "of kind frame"),
        ("frame_critic.depth=0", "depth 1 to 10"),
        ("data.kind=stills", "Photos have one frame"),
    ],
)
def test_wrong_setting_raises_readable_error(setting, sentence):
    with pytest.raises(ValueError, match=sentence):
        override(EXPERIMENTS["video"], [setting])


def test_rates_decay_linearly_by_epoch():
    e = replace(EXPERIMENTS["ganimation"], batch=4, epochs=2, decay_epochs=2)
    rates = [e.rate_factor_at(step, sample_count=8) for step in range(8)]
    assert rates == [1, 1, 1, 1, 1, 1, 0.5, 0.5]
    assert e.total_steps(8) == 8 and replace(e, steps=3).total_steps(8) == 3
    fitted = replace(e, steps=8)  # however few or many the samples are
    assert [fitted.rate_factor_at(step, sample_count=2) for step in range(8)] == rates


def test_the_curriculum_goes_from_true_to_generated_frames():
    e = override(EXPERIMENTS["video"], ["feed=curriculum", "steps=200", "curriculum=0.5"])
    feeds = [feed_at(e, step, 100) for step in range(200)]
    early, late = feeds[:30].count("truth"), feeds[60:100].count("truth")
    assert early > 20 > late and set(feeds[100:]) == {"generated"}


def test_processes_share_one_draw_of_interpolation_weights():
    e = preset(EXPERIMENTS["spatiotemporal"], "small")
    whole = draw_interpolation(e, 3, 3, 0, 1)
    halves = [draw_interpolation(e, 3, 3, rank, 2) for rank in (0, 1)]
    for kind in whole:
        torch.testing.assert_close(whole[kind], torch.cat([h[kind] for h in halves], 1))


def test_pretraining_rate_warms_up_and_decays_to_a_tenth():
    stage = PretrainStage(image_size=32, steps=1000, batch=1, rate=1.0)
    assert pretraining_rate(stage, 0) < 0.05 and pretraining_rate(stage, 60) > 0.98
    assert 0.1 <= pretraining_rate(stage, 999) < 0.11


# ---- The guard ----


def test_guard_reports_each_problem_once_and_raises_for_values_that_are_not_finite():
    guard, messages = Guard(), []
    for _ in range(2 * PATIENCE):
        messages += guard.check(
            {
                "attention": 0.999,
                "d.condition": 5.0,
                "g.condition": 5.0,
                "d.realism_real": -1.0,
                "d.realism_fake": 1.0,
            }
        )
    assert len(messages) == 4
    for word in ("rose to 1", "does not learn to read", "do not take on", "scores real and"):
        assert sum(word in text for text in messages) == 1
    with pytest.raises(TrainingDiverged, match=r"d\.penalty is nan.*lower rate"):
        guard.check({"d.penalty": float("nan")})


def test_guard_continues_from_the_log_of_a_resumed_run():
    rows = [{"step": i, "d.clip_condition": 5.0 / (1 + i), "seconds": 1.0} for i in range(20)]
    guard = Guard()
    for row in rows:
        guard.check(row)
    assert not any(guard.check({"d.clip_condition": 5.0 / 20}) for _ in range(2 * PATIENCE))
    stuck = Guard()
    messages = [t for _ in range(PATIENCE) for t in stuck.check({"d.clip_condition": 5.0})]
    assert len(messages) == 1 and "d.clip_condition" in messages[0]


def test_guard_has_no_warnings_for_terms_that_are_switched_off():
    guard, names = Guard(), ("condition", "realism_real", "realism_fake")
    values = {f"d.{prefix}{name}": 0.0 for prefix in ("", "clip_") for name in names}
    values |= {"g.condition": 0.0, "g.clip_condition": 0.0, "attention": 0.6}
    assert not any(guard.check(values) for _ in range(2 * PATIENCE))


def test_guard_advises_on_collapsed_attention_whatever_its_target_is():
    guard = Guard()
    (fallen,) = [t for _ in range(PATIENCE) for t in guard.check({"attention": 0.001})]
    assert "Set attention_rest=1" in fallen and "if it is 1, raise weights.attention" in fallen


@pytest.mark.parametrize("device, dtype", [("mps", torch.float32), ("cpu", torch.float64)])
def test_means_of_terms_are_summed_in_a_precision_that_the_device_has(device, dtype):
    means = RunningMeans(SimpleNamespace(device=torch.device(device)))
    means.add({"d.condition": torch.ones(())})
    assert means.sums["d.condition"].dtype == dtype


def test_guard_has_no_warnings_for_a_healthy_run():
    guard = Guard()
    for i in range(50):
        values = {"attention": 0.6, "d.condition": 5 / (1 + i), "g.condition": 5 / (1 + i)}
        values |= {"d.realism_real": -2.0, "d.realism_fake": 1.0}
        assert guard.check(values) == []


# ---- Training ----


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Drawn faces whose mouth opens with the mood: photos and two clips."""
    folder, rng = tmp_path_factory.mktemp("faces"), np.random.default_rng(0)
    (folder / "imgs").mkdir()
    units, moods, clips = {}, {}, OrderedDict()

    def draw(path, tone, open_):
        picture = np.full((144, 144, 3), tone, np.uint8)
        cv2.ellipse(picture, (72, 72), (50, 62), 0, 0, 360, (90, 130, 190), -1)
        cv2.ellipse(picture, (72, 104), (18, 2 + int(14 * open_)), 0, 0, 360, (30, 20, 60), -1)
        cv2.imwrite(str(path), picture)

    for i in range(12):
        mood = rng.uniform(-1, 1, 3)
        draw(folder / "imgs" / f"p{i}_0.jpg", rng.integers(60, 200), (mood[0] + 1) / 2)
        moods[f"p{i}_0"] = mood
        units[f"p{i}_0"] = np.clip(5 * rng.random(17), 0, 5)
    for clip in ("one", "two"):
        (folder / "clips" / clip).mkdir(parents=True)
        tone = rng.integers(60, 200)
        for t in range(10):
            draw(folder / "clips" / clip / f"{t:04d}.jpg", tone, t / 9)
            clips[f"{clip}_{t:04d}"] = np.float32([t / 9, 0, -t / 9])
    for name, table in (("aus_openface", units), ("moods", moods), ("clips_annotations", clips)):
        (folder / f"{name}.pkl").write_bytes(pickle.dumps(table, protocol=2))
    for split, names in (("train", range(10)), ("val", (10,)), ("test", (11,))):
        (folder / f"{split}_ids.csv").write_text("\n".join(f"p{i}_0.jpg" for i in names))
    rows = ["clip,source,split,frames", "one,p0,train,10", "two,p1,train,10"]
    (folder / "clips.csv").write_text("\n".join(rows))
    return folder


def small(name: str, *settings: str):
    shrunk = ["image_size=64", "generator.width=4", "generator.depth=2", "frame_critic.width=4"]
    shrunk += ["frame_critic.depth=5", "frame_critic.memory=8", "data.frames=3", "n_critic=2"]
    shrunk += ["clip_critic.width=4", "clip_critic.depth=5"] if name == "spatiotemporal" else []
    shrunk.remove("data.frames=3") if name in ("ganimation", "mood") else None
    shrunk += ["steps=4", "log_every=1", "save_every=2", "sample_every=4"]
    return override(preset(EXPERIMENTS[name], "small"), [*shrunk, *settings])


class Dead(Exception):
    """What ends a run as a power cut does."""


def run_for(experiment, folder, out, steps):
    """Train on until the state of `steps` is saved, and die right after it."""
    samples = open_samples([folder], "train", experiment.data, space_named(experiment.space))
    run = Run(out, experiment)
    save = run.save_state

    def save_and_die(state):
        save(state)
        if state["step"] == steps < experiment.steps + experiment.pretraining_steps:
            raise Dead

    run.save_state = save_and_die
    with contextlib.suppress(Dead):
        train(experiment, samples, SampleSheets(samples, 2, 2), run, Accelerator(cpu=True))
    return run.load_state("cpu")


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_system_trains_and_resumes_to_the_bit(name, folder, tmp_path):
    e = small(name)
    once = run_for(e, folder, tmp_path / "once", 4)
    run_for(e, folder, tmp_path / "twice", 2)
    with open(tmp_path / "twice" / "log.jsonl", "a") as file:
        file.write('{"step": 3, "lost": 1}\n{"st')  # written after the last saved state
    twice = run_for(e, folder, tmp_path / "twice", 4)
    assert once["step"] == twice["step"] == 4
    torch.testing.assert_close(twice, once, atol=0, rtol=0)

    torch.manual_seed(e.seed)
    fresh = build_generator(e.generator).state_dict()
    parts = {"generator": fresh, "frame": build_critic(e.frame_critic).state_dict()}
    if e.clip_critic:
        parts["clip"] = build_critic(e.clip_critic).state_dict()
    for part, begin in parts.items():
        for key, value in begin.items():
            assert not torch.equal(value, once[part][key]), (part, key)

    logs = [
        [json.loads(line) for line in (tmp_path / run / "log.jsonl").read_text().splitlines()]
        for run in ("once", "twice")
    ]
    noise = ("seconds", "loading")
    logs = [[{k: v for k, v in row.items() if k not in noise} for row in log] for log in logs]
    assert logs[0] == logs[1]
    numbers = [v for row in logs[0] for v in row.values() if isinstance(v, float)]
    assert np.isfinite(numbers).all()
    assert {"d.realism_real", "d.condition", "d.penalty"} <= set(logs[0][0])
    assert {"g.realism", "g.condition", "g.reconstruction", "g.smoothness"} <= set(logs[0][1])
    sheet = cv2.imread(str(tmp_path / "once" / "samples" / "0000004.png"))
    assert sheet is not None and sheet.std() > 1
    critic = load_critic(tmp_path / "once" / "critic_frame.safetensors")
    assert critic.config == e.frame_critic
    assert (tmp_path / "once" / "critic_clip.safetensors").exists() == bool(e.clip_critic)
    loaded = load_checkpoint(tmp_path / "once" / "generator.safetensors")
    assert loaded.space.name == e.space and loaded.card["steps"] == 4
    assert list((tmp_path / "once").glob("events.out.tfevents.*"))


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_penalty_every_third_step_trains_and_resumes(name, folder, tmp_path):
    e = small(name, "penalty_every=3")
    once = run_for(e, folder, tmp_path / "once", 4)
    run_for(e, folder, tmp_path / "twice", 2)
    torch.testing.assert_close(run_for(e, folder, tmp_path / "twice", 4), once, atol=0, rtol=0)
    rows = map(json.loads, (tmp_path / "once" / "log.jsonl").read_text().splitlines())
    rows = [row for row in rows if "seconds" in row]
    for kind, term in (("frame", "d.penalty"), ("clip", "d.clip_penalty")):
        if kind in once:
            assert [term in row for row in rows] == [True, False, False, True]
            taken = {int(value["step"]) for value in once[f"{kind}_step"]["state"].values()}
            # The layers that realism depends on take two more steps, on the penalty.
            assert taken == {4, 6}
    card = load_checkpoint(tmp_path / "once" / "generator.safetensors").card
    assert card["experiment"]["penalty_every"] == 3


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_penalty_every_n_steps_has_n_times_the_weight_and_no_step_elsewhere(name, folder):
    samples = open_samples([folder], "train", small(name).data, space_named(small(name).space))
    batch = draw_batch(samples, 0, BatchSpec(0, 64, 2)).to("cpu", torch.float32)
    interpolation = draw_interpolation(small(name), 0, batch.targets.shape[1], 0, 1)
    interpolation = {kind: weights.float() for kind, weights in interpolation.items()}
    states, values = [], []
    for settings in ((), ("penalty_every=4",), ("penalty_apart=false", "weights.penalty=9")):
        e = small(name, *settings)
        networks, _ = build_networks(e, "cpu", torch.float32)
        critics = {kind: trainable.network for kind, trainable in networks.critics.items()}
        fake = 0.5 * batch.real[0]
        penalties = [
            gradient_penalties(kind, critics[kind], fake, batch, e, interpolation[kind])
            for kind in critics
        ]
        values.append(torch.cat(penalties).detach())
        accelerator = Accelerator(cpu=True)
        terms = adversarial_step(networks, batch, e, interpolation, accelerator, with_penalty=False)
        assert not any("penalty" in term for term in terms)
        states.append([p.optimizer.state_dict() for p in networks.critics.values()])
        states[-1] += [critic.state_dict() for critic in critics.values()]
        assert {float(s["step"]) for s in states[-1][0]["state"].values()} == {1}
    torch.testing.assert_close(values[1], 4 * values[0])
    torch.testing.assert_close(states[1:], states[:1] * 2, atol=0, rtol=0)


def test_pretraining_stages_come_first_and_resume(folder, tmp_path):
    e = small("convgru_unet", "lessons=32:2:2:1e-3,64:2:2:1e-3", "space=pad")
    e = replace(e, steps=2, data=replace(e.data, augment="view"))
    once = run_for(e, folder, tmp_path / "once", 6)
    run_for(e, folder, tmp_path / "twice", 2)
    twice = run_for(e, folder, tmp_path / "twice", 6)
    torch.testing.assert_close(twice, once, atol=0, rtol=0)
    rows = (tmp_path / "once" / "log.jsonl").read_text().splitlines()
    assert "told.color" in rows[0] and "told.color" in rows[3] and "d.penalty" in rows[-2]


def test_new_run_starts_from_given_weights(folder, tmp_path):
    first = small("mood")
    run_for(first, folder, tmp_path / "first", 4)
    e = small("mood", "space=pad", "rate=0", "steps=2")
    samples = open_samples([folder], "train", e.data, space_named(e.space))
    run, start = Run(tmp_path / "next", e), tmp_path / "first" / "generator.safetensors"
    train(e, samples, None, run, Accelerator(cpu=True), start)
    given = load_checkpoint(start).generator.state_dict()
    for key, value in run.load_state("cpu")["generator"].items():
        if key == "main.0.weight":
            assert torch.equal(value[:, :3], given[key][:, :3]) and value.shape[1] == 6
        else:
            assert torch.equal(value, given[key]), key


def test_run_of_another_experiment_is_refused(folder, tmp_path):
    Run(tmp_path / "run", small("mood"))
    with pytest.raises(ValueError, match=r"another experiment \(different: rate\)"):
        Run(tmp_path / "run", small("mood", "rate=1e-5"))
    Run(tmp_path / "run", small("mood", "steps=9"))  # it may go on for longer


def test_run_stored_with_fewer_settings_resumes_with_their_defaults(tmp_path):
    Run(tmp_path, small("mood"))
    path = tmp_path / "experiment.json"
    values = json.loads(path.read_text())
    del values["penalty_every"]
    path.write_text(json.dumps(values))
    with pytest.raises(ValueError, match=r"another experiment \(different: penalty_every\)"):
        Run(tmp_path, small("mood", "penalty_every=4"))
    Run(tmp_path, small("mood"))
    assert json.loads(path.read_text())["penalty_every"] == 1


def test_damaged_run_files_raise_readable_errors(folder, tmp_path):
    e = small("mood")
    run = Run(tmp_path / "run", e)
    (tmp_path / "run" / "state.pt").write_bytes(b"half a file")
    with pytest.raises(ValueError, match=r"state\.pt is damaged .*--start"):
        run.load_state("cpu")
    (tmp_path / "run" / "experiment.json").write_text("")
    with pytest.raises(ValueError, match="is damaged"):
        Run(tmp_path / "run", e)
    warp = ROOT / "checkpoints" / "warp.safetensors"
    samples = open_samples([folder], "train", e.data, space_named(e.space))
    with pytest.raises(ValueError, match=r"No weights in .* fit"):
        train(e, samples, None, Run(tmp_path / "new", e), Accelerator(cpu=True), warp)


def test_values_that_are_not_finite_are_never_saved(folder, tmp_path):
    e = small("ganimation", "rate=1e30", "log_every=100")
    with pytest.raises(TrainingDiverged, match=r"not finite|is nan"):
        run_for(e, folder, tmp_path / "run", 4)
    state = Run(tmp_path / "run", e).load_state("cpu")
    assert state is None or all(torch.isfinite(x).all() for x in state["generator"].values())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mood", "spatiotemporal"])
def test_two_processes_give_the_losses_of_one(name, folder, tmp_path):
    shrunk = ["generator.width=4", "generator.depth=2", "image_size=64", "frame_critic.depth=5"]
    shrunk += ["frame_critic.width=4", "n_critic=1", "steps=5", "log_every=1", "precision=float64"]
    if name == "spatiotemporal":
        shrunk += ["clip_critic.width=4", "clip_critic.depth=5", "data.frames=3"]
        shrunk += ["penalty_every=2"]
    settings = [part for text in shrunk for part in ("--set", text)]
    train_it = ["-m", "training", name, "--data", str(folder), "--preset", "small", *settings]
    train_it.append("--cpu")
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    logs = []
    for command in (train_it, [*launch, *train_it]):
        out = tmp_path / str(len(logs))
        command = [sys.executable, *command, "--out", str(out)]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-2000:]
        assert f"processes: {len(logs) + 1}" in done.stdout
        assert ("penalties in one of 2 steps" in done.stdout) == (name == "spatiotemporal")
        rows = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
        logs.append([row for row in rows if "seconds" in row])
    assert [row["step"] for row in logs[0]] == [1, 2, 3, 4, 5]
    for one, two in zip(*logs, strict=True):
        for key in set(one) - {"seconds", "loading"}:
            assert one[key] == pytest.approx(two[key], rel=1e-6, abs=1e-12), key


@pytest.mark.slow
def test_two_processes_resume_together(folder, tmp_path):
    """With pretraining stages. The log is long, so that one process reading it while the other
    rewrites it would be noticed."""
    settings = "generator.width=4 generator.depth=2 image_size=64 frame_critic.depth=5 "
    settings += "frame_critic.width=4 lessons=32:2:4:1e-3 critics_ahead=0 n_critic=1 batch=4 "
    settings += "data.frames=3 log_every=1 save_every=2 precision=float32 rate=1e-4"
    train_it = ["-m", "training", "video", "--data", str(folder), "--preset", "pretrain", "--cpu"]
    train_it += [part for text in settings.split() for part in ("--set", text)]
    launch = ["-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2"]
    launch += ["--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no"]
    states = []
    for name, stops in (("once", (4,)), ("twice", (2, 4))):
        for stop in stops:
            port = ["--main_process_port", "0"]
            command = [sys.executable, *launch, *port, *train_it, "--out", str(tmp_path / name)]
            command += ["--set", f"steps={stop}", "--set", "decay_epochs=0"]
            environment = os.environ | {"OMP_NUM_THREADS": "1"}
            done = subprocess.run(
                command, cwd=ROOT, env=environment, capture_output=True, text=True
            )
            assert done.returncode == 0, done.stderr[-2000:]
            assert "processes: 2" in done.stdout
            with open(tmp_path / name / "log.jsonl", "a") as file:
                file.writelines('{"step": 0, "seen": 1}\n' for _ in range(20_000))
        states.append(torch.load(tmp_path / name / "state.pt", weights_only=True))
    assert states[0]["step"] == states[1]["step"] == 6
    torch.testing.assert_close(states[1], states[0], atol=0, rtol=0)


def test_batch_does_not_depend_on_the_number_of_processes(folder):
    e = small("video", "batch=4")
    samples = open_samples([folder], "train", e.data, space_named(e.space))
    whole = draw_batch(samples, 0, BatchSpec(1, 32, 4))
    parts = [draw_batch(samples, 0, BatchSpec(1, 32, 4), rank, 2) for rank in (0, 1)]
    halves = Batch(*(torch.cat(pair) for pair in zip(*parts, strict=True)))
    torch.testing.assert_close(halves, whole, atol=0, rtol=0)
    with pytest.raises(ValueError, match="cannot be shared by 3 processes"):
        draw_batch(samples, 0, BatchSpec(1, 32, 4), 0, 3)


def test_shipped_run_has_its_card_and_metrics(folder, tmp_path, capsys):
    e = small("mood", "steps=2")
    run_for(e, folder, tmp_path / "run", 2)
    measured = {
        "verdict": {"passes": False},
        "measures": {"follow": 0.5},
        "mood concordance": {},
        "photos": ["p1"],
    }
    (tmp_path / "evaluation.json").write_text(json.dumps(measured))
    source, out = tmp_path / "run" / "generator.safetensors", tmp_path / "gentle.safetensors"
    about = tmp_path / "about.json"
    about.write_text('{"licence": "ours"}')
    ship(source, about, tmp_path / "evaluation.json", [], out)
    assert "MB" in capsys.readouterr().out
    card = load_checkpoint(out).card
    assert card["licence"] == "ours"
    assert card["name"] == "gentle" and card["experiment"]["name"] == "mood"
    assert card["metrics on the test split"]["measures"] == {"follow": 0.5}
    assert "photos" not in card["metrics on the test split"]
    measured["checkpoint"] = {"split": "val"}
    (tmp_path / "evaluation.json").write_text(json.dumps(measured))
    ship(source, about, tmp_path / "evaluation.json", [], out)
    assert "metrics on the val split" in load_checkpoint(out).card
    assert str(folder) not in json.dumps(card)  # nothing of the machine it was made on
    with pytest.raises(ValueError, match="Only the warp generator has gains"):
        ship(source, about, None, ["AU12=2"], out)


def test_make_clips_writes_clips_that_training_reads(folder, tmp_path):
    make_clips(folder, tmp_path, count=3, frames=3)
    samples = open_samples([tmp_path], "train", DataConfig(kind="clips", frames=3), PAD)
    frames = samples.sample(0, np.random.default_rng(0), 64).frames
    assert np.abs(np.diff(frames, axis=0)).mean() > 1e-3
    first = sorted((tmp_path / "clips").rglob("0000.jpg"))[0]
    written = first.stat().st_mtime_ns
    make_clips(folder, tmp_path, count=3, frames=3)  # again: what is there is kept
    assert first.stat().st_mtime_ns == written
    with open(tmp_path / "clips.csv") as file:
        assert len(file.read().split()) == 4


def test_make_edits_writes_pairs_that_training_reads(folder, tmp_path):
    make_edits(folder, tmp_path, count=4)
    data = DataConfig(kind="pairs", frames=2, augment="crop")
    samples = open_samples([folder, tmp_path], "train", data, ACTION_UNITS)
    edits = [row for row in samples.pairs.rows if row[1].parent.parent == tmp_path]
    changes = [np.abs(after - before).max() for _, _, before, after in edits]
    assert edits and min(changes) > 0.1
    for source, target, *_ in edits:
        assert (cv2.imread(str(source)) != cv2.imread(str(target))).any()


def test_gate_rate_scales_the_learning_rate_of_gates():
    e = preset(EXPERIMENTS["convgru_unet"], "pretrain")
    e = override(e, ["generator.width=2", "generator.depth=1", "gate_rate=0.5"])
    trainable = build_networks(e, "cpu", torch.float32)[0].generator
    trainable.set_rate(1e-3)
    others, gates = trainable.optimizer.param_groups
    assert (others["lr"], gates["lr"]) == (1e-3, 5e-4)
    assert len(gates["params"]) == 6  # weight and bias of reset, update and out
    assert len(others["params"]) + 6 == len(list(trainable.network.parameters()))
