"""Every network of the original programs, number by number: see ganimation/golden_fill.py."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from moodganimation.checkpoints.files import build_generator
from moodganimation.checkpoints.original import critic_shapes
from moodganimation.networks.base import GeneratorConfig
from moodganimation.networks.convgru import ConvGRU
from moodganimation.networks.rollout import rollout, stack_edits
from training.ganimation import golden_fill
from training.ganimation.critics import CriticConfig, build_critic

GOLDEN = Path(__file__).parent / "golden"
SMALL = np.load(GOLDEN / "small_nets.npz")
KEYS = json.loads((GOLDEN / "state_dict_keys.json").read_text())
BRANCHES = [name for name in KEYS if name not in ("donydchen", "vipermu")]


def filled(network: torch.nn.Module):
    state = network.state_dict()
    for i, (key, value) in enumerate(state.items()):
        state[key] = torch.from_numpy(golden_fill.parameter(key, value.shape, i))
    network.load_state_dict(state)
    return network.eval().requires_grad_(False)


def generator(architecture, condition_dim, **sizes):
    config = {"architecture": architecture, "condition_dim": condition_dim, **sizes}
    return build_generator(GeneratorConfig(**config))


def critic(kind, condition_dim, **sizes):
    return build_critic(CriticConfig(kind=kind, condition_dim=condition_dim, **sizes))


def picture(stream, size=128, count=2):
    return torch.from_numpy(golden_fill.images(stream, count, size))


def near(ours, golden, atol=1e-4):
    np.testing.assert_allclose(ours, golden, atol=atol, rtol=0)


def of_branch(branch: str, network: str):
    """What this library builds where a branch has `network`; weightless."""
    axes = KEYS[branch]["cond_nc"]
    with torch.device("meta"):
        if network == "G":
            unet = KEYS[branch]["G"][0][0].startswith("first_conv")
            kind = ("convgru_unet", axes) if unet else ("resnet", axes)
            return generator(*kind, width=8 if unet else 64)
        if network == "D_temp":
            return critic("clip", axes)
        return critic("frame" if len(KEYS[branch]["D"]) == 14 else "frame_gru", axes)


@pytest.mark.parametrize(
    "branch, network",
    [(branch, network) for branch in BRANCHES for network in KEYS[branch] if network != "cond_nc"],
)
def test_parameters_are_those_of_the_branch_in_their_order(branch, network):
    ours = [
        [key, list(value.shape)] for key, value in of_branch(branch, network).state_dict().items()
    ]
    theirs = [[key.replace("attetion", "attention"), shape] for key, shape in KEYS[branch][network]]
    assert ours == theirs


@pytest.mark.parametrize(
    "network, sizes",
    [
        (lambda c: generator("resnet", c), {17: 8_471_296, 2: 8_424_256, 4: 8_430_528}),
        (lambda c: critic("frame", c), {17: 44_860_352, 2: 44_737_472, 4: 44_753_856}),
        (lambda c: critic("frame_gru", c), {4: 52_243_776}),
        (lambda c: generator("convgru_unet", c, width=8), {4: 1_842_104}),
        (lambda c: critic("clip", c), {4: 271_252_416}),
    ],
)
def test_networks_are_as_large_as_the_originals(network, sizes):
    with torch.device("meta"):
        ours = {c: sum(p.numel() for p in network(c).parameters()) for c in sizes}
    assert ours == sizes


@pytest.mark.parametrize("kind", ["frame", "frame_gru", "clip"])
def test_the_converter_knows_the_shapes_of_critics(kind):
    sizes = {"image_size": 64, "width": 8, "depth": 4}
    memory = {"memory": 5} if kind == "frame_gru" else {}
    with torch.device("meta"):
        wanted = critic(kind, 3, **sizes, **memory).state_dict()
    shapes = critic_shapes(kind, 3, **sizes, **memory)
    assert list(shapes.items()) == [(key, tuple(value.shape)) for key, value in wanted.items()]


def test_the_generator_of_ganimation_equals_the_reference():
    golden, network = np.load(GOLDEN / "master_G.npz"), filled(generator("resnet", 17))
    numbers = b"".join(value.numpy().tobytes() for value in network.state_dict().values())
    sums = json.loads((GOLDEN / "params_sha256.json").read_text())
    assert hashlib.sha256(numbers).hexdigest() == sums["master_G_params_sha256"]
    condition = torch.from_numpy(golden_fill.conditions(0, (1, 17)))
    edit, state = network(picture(0, count=1), condition)
    assert state == ()
    near(edit.color, golden["color"])
    near(edit.attention, golden["mask"])
    near(edit.composite[..., ::2, ::2], golden["composed_s2"])
    assert not edit.motion.any()


def test_a_small_generator_equals_the_reference():
    network = filled(generator("resnet", 5, image_size=32, width=8, depth=2))
    source, condition = torch.from_numpy(SMALL["G8_x"]), torch.from_numpy(SMALL["G8_c"])
    near(picture(7, 32), SMALL["G8_x"], 0)
    edit, _ = network(source, condition)
    near(edit.color, SMALL["G8_color"], 2e-5)
    near(edit.attention, SMALL["G8_mask"], 2e-5)


def test_convgru_steps_equal_the_reference():
    network, state = filled(ConvGRU(3, 4, kernel=3, layers=2)), None
    for step in range(2):
        x = torch.from_numpy(golden_fill.signed(1_000_200 + step, (2, 3, 5, 5)).astype(np.float32))
        state = network(x, state)
        for layer in range(2):
            near(state[layer], SMALL[f"gru_step{step}_layer{layer}"], 1e-5)


def test_the_convgru_unet_equals_the_reference():
    """Its attention, its pictures and what a critic says of them, as the sums over a clip that the
    reference reports in a training step at these weights (in float64)."""
    network, judge = (
        filled(generator("convgru_unet", 4, width=8)),
        filled(critic("frame", 4, width=8)),
    )
    frames = torch.stack([picture(50 + t) for t in range(4)], 1)
    conditions = torch.from_numpy(golden_fill.conditions(50, (2, 4, 4), is_signed=True))
    edit = stack_edits(rollout(network, frames[:, 0], conditions[:, 1:]))
    near(edit.attention.mean((0, 2, 3, 4)).sum(), 1.2482656594706296)
    distances = (edit.composite - frames[:, 1:]).abs().mean((0, 2, 3, 4))
    near(distances.sum(), 1.2902294822966557)
    near(judge(edit.composite).realism.mean((0, 2, 3)).sum(), 0.23262117020339385)
    near(judge(frames[:, 1:]).realism.mean((0, 2, 3)).sum(), 0.12383616396489716)


def test_the_critic_of_ganimation_equals_the_reference():
    golden, network = np.load(GOLDEN / "master_D.npz"), filled(critic("frame", 17))
    judged = network(picture(0)[:, None])
    near(judged.realism[:, 0], golden["prob_b2"])
    near(judged.condition[:, 0], golden["cond_b2"])
    alone = network(picture(0)[:1, None])
    near(alone.realism[0, 0], golden["prob_b1"])  # the reference squeezes a batch of one away
    near(alone.condition[0, 0], golden["cond_b1"])


def test_a_small_critic_equals_the_reference():
    network = filled(critic("frame", 5, image_size=32, width=8, depth=3))
    judged = network(torch.from_numpy(SMALL["G8_x"])[:, None])
    assert judged.realism.shape == (2, 1, 4, 4)
    near(judged.realism[:, 0], SMALL["D8_prob"], 1e-5)
    near(judged.condition[:, 0], SMALL["D8_cond"], 1e-5)


def clip():
    return torch.stack([picture(30 + t) for t in range(3)], 1)


def test_a_critic_that_remembers_expressions_equals_the_reference():
    network = filled(critic("frame_gru", 4, width=8))
    judged = network(clip())
    for t in range(3):
        near(judged.realism[:, t], SMALL[f"gdisc8_prob_{t}"], 1e-5)
        near(judged.condition[:, t], SMALL[f"gdisc8_cond_{t}"], 1e-5)
    state = None
    for t in range(3):
        state = network.gru(network.main(clip()[:, t]), state)
        near(state[0], SMALL[f"gdisc8_hidden_{t}"], 1e-5)


@pytest.mark.parametrize("carry, tag", [(False, "asis"), (True, "recurrent")])
def test_the_critic_of_clips_equals_the_reference(carry, tag):
    judged = filled(critic("clip", 4, width=8, carry=carry))(clip())
    assert judged.realism.shape == (2, 1, 2, 2) and judged.condition.shape == (2, 3, 4)
    near(judged.realism[:, 0], SMALL[f"dtemp8_prob_{tag}"], 1e-5)
    near(judged.condition, SMALL[f"dtemp8_cond_{tag}"], 1e-5)


@pytest.mark.parametrize("carry", [False, True])
def test_earlier_frames_count_only_if_the_memory_is_carried(carry):
    judge, frames = filled(critic("clip", 4, width=8, carry=carry)), clip()
    other = judge(frames[:, [1, 0, 2]]).realism
    assert torch.equal(judge(frames).realism, other) != carry
