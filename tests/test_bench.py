"""The training bench compares like with like, and what is quicker is chosen once a run."""

import copy
import json
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import pytest
import torch
from accelerate import Accelerator, PartialState

from benchmarks.blocks import speed_training, speed_training_penalty
from benchmarks.training import (
    SAMPLES,
    ReferenceLoop,
    compare_penalties,
    compare_precisions,
    measure,
    measure_training,
    reference_layers,
)
from training.common.precision import suitable_precision
from training.data.batches import Batch
from training.ganimation.critics import StridedConv2d
from training.ganimation.experiments import GANIMATION
from training.ganimation.overrides import override
from training.ganimation.run import with_precision
from training.ganimation.steps import adversarial_step
from training.ganimation.train import build_networks, draw_interpolation

TINY = override(
    GANIMATION,
    [
        "image_size=64",
        "batch=2",
        "generator.width=4",
        "generator.depth=1",
        "frame_critic.width=4",
        "precision=float32",
    ],
)


@pytest.mark.slow
def test_reference_loop_and_ours_give_the_same_weights():
    cpu = torch.device("cpu")
    ours, _ = build_networks(TINY, cpu, torch.float32)
    reference = ReferenceLoop(TINY, cpu)
    networks = (
        (ours.generator.network, reference.generator),
        (
            ours.critics["frame"].network,
            reference.critic,
        ),
    )
    for own, other in networks:
        other.load_state_dict(own.state_dict())
    batch = Batch(torch.rand(2, 1, 3, 64, 64) * 2 - 1, torch.rand(2, 1, 17), torch.rand(2, 1, 17))
    before = copy.deepcopy(reference.generator.state_dict())
    for moved in (False, True):
        interpolation = {"frame": draw_interpolation(TINY, moved, 1, 0, 1)["frame"].float()}
        adversarial_step(
            ours, batch, TINY, interpolation, Accelerator(cpu=True), update_generator=moved
        )
        reference.step(batch, interpolation, moved)
    for own, other in networks:
        for key, value in other.state_dict().items():  # a step moves by 1e-4 at most
            apart = (value - own.state_dict()[key]).abs()
            assert apart.mean() < 2e-6, key
    moved = [
        not torch.equal(value, before[key]) for key, value in networks[0][1].state_dict().items()
    ]
    assert all(moved)


@pytest.mark.parametrize("cells", [2, 16, 32])
def test_strided_convolution_equals_its_matrix_product(cells):
    layer = StridedConv2d(3, 5, 4, 2, 1).bfloat16()
    x = torch.rand(2, 3, cells, cells).bfloat16()
    expected = torch.nn.functional.conv2d(x.float(), layer.weight.float(), layer.bias.float(), 2, 1)
    torch.testing.assert_close(layer(x).float(), expected, atol=0.02, rtol=0)
    assert not any(
        isinstance(m, StridedConv2d) for m in reference_layers(torch.nn.Sequential(layer)).modules()
    )


@pytest.mark.slow
def test_benchmark_reports_the_machine_and_both_loops():
    found = measure(replace(TINY, penalty_every=2), [SAMPLES], 1, cpu=True)
    assert found["device"] == "cpu" and found["batch"] == 2 and found["cores"] >= 1
    assert found["ours: images a second"] > 0 < found["reference: images a second"]
    assert found["loader: samples a second"] > 0
    assert "ours, float32 (chosen)" in speed_training({"runs": [found]})
    assert "one of two steps" in speed_training_penalty({"runs": [found]})


@pytest.mark.parametrize("every, ours", [(1, 18 / 5), (4, 36 / 20), (5, 8 / 5)])
def test_benchmark_averages_steps_with_and_without_penalty(every, ours, monkeypatch):
    cost = {(False, False): 1.0, (False, True): 3.0, (True, False): 2.0, (True, True): 6.0}
    requested = []

    def time_interleaved(subjects, *_):
        requested.extend(subjects)
        return {(name, turn): cost[turn] for name, turn in subjects}

    monkeypatch.setattr("benchmarks.training.time_interleaved", time_interleaved)
    found = measure(replace(TINY, penalty_every=every), [SAMPLES], 1, cpu=True)
    assert found["ours: penalty in one step of"] == every
    assert found["reference: images a second"] == round(2 / (18 / 5), 2)
    assert found["ours: images a second"] == round(2 / ours, 2)
    assert {turn for name, turn in requested if name == "reference"} == {
        (False, True),
        (True, True),
    }


def test_benchmark_with_an_invalid_penalty_interval_is_refused():
    with pytest.raises(ValueError, match="--penalty-every must be at least 1"):
        measure_training(SimpleNamespace(batch=1, rounds=1, penalty_every=0))


def test_comparisons_measure_what_their_blocks_compare(monkeypatch):
    def settings(experiment, options):
        return experiment.precision, experiment.penalty_every, experiment.batch

    monkeypatch.setattr("benchmarks.training._measure_in_process", settings)
    options = {"batch": 2, "rounds": 1, "precision": "bf16", "penalty_every": 1, "cpu": True}
    float32 = SimpleNamespace(**options | {"precision": "float32"})
    every_third = SimpleNamespace(**options | {"penalty_every": 3})
    options = SimpleNamespace(**options)
    assert compare_precisions(options)["runs"] == [("bf16", 1, 2), ("float32", 1, 2)]
    assert compare_precisions(float32)["runs"] == [("float32", 1, 2)]
    assert compare_penalties(every_third)["runs"] == [("bf16", 1, 2), ("bf16", 3, 2)]
    with pytest.raises(ValueError, match="needs --penalty-every"):
        compare_penalties(options)
    with pytest.raises(ValueError, match="takes the block speed-training-penalty"):
        compare_precisions(every_third)


def test_resumed_run_keeps_its_precision(tmp_path, monkeypatch):
    assert suitable_precision("cuda") == "bf16"
    monkeypatch.setattr("training.common.precision.has_amx_bf16", lambda: False)
    assert suitable_precision("cpu") == "float32"
    monkeypatch.setattr("training.common.precision.has_amx_bf16", lambda: True)
    assert suitable_precision("cpu") == "bf16"
    monkeypatch.setattr("training.ganimation.run.suitable_precision", lambda *_: "bf16")
    settle = partial(with_precision, folder=tmp_path, state=PartialState(cpu=True))
    left_open = replace(TINY, precision="quickest")
    assert settle(TINY) == TINY
    assert settle(left_open).precision == "bf16"
    (tmp_path / "experiment.json").write_text(json.dumps({"precision": "float32"}))
    assert settle(left_open).precision == "float32"
    (tmp_path / "experiment.json").write_text("{")
    with pytest.raises(ValueError, match="is damaged"):
        settle(left_open)
