"""Golden training files: recompute what the reference systems reported, term by term.

A file holds one training step of a branch at weights, images and conditions that `golden_fill`
makes from nothing: the terms there (A), and the terms and weights after one step of Adam (B).
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator

from moodganimation.expressions.spaces import space_of_size

from ..data.batches import Batch
from . import golden_fill
from .critics import CriticConfig
from .experiments import EXPERIMENTS, Experiment, Weights, in_space
from .objectives import critic_losses, generate, generator_losses, penalties
from .steps import Players, adversarial_step
from .train import build

BRANCHES = {  # branch of the reference -> experiment, and the seed of its photos if it has photos
    "gani": "ganimation",
    "master": "ganimation",
    "moods_static_images": "mood",
    "video_ganimation": "video",
    "convgru_disc": "convgru_disc",
    "convgru_unet_gen": "convgru_unet",
    "spatiotemporal_disc": "spatiotemporal",
}
NAMES = {  # our term -> the reference's
    "g.realism": "g_mskd_fake",
    "g.condition": "g_mskd_cond",
    "g.reconstruction": "g_cyc",
    "g.attention": "g_m1",
    "g.attention_back": "g_m2",
    "g.smoothness": "g_m1_s",
    "g.smoothness_back": "g_m2_s",
    "d.realism_real": "d_real",
    "d.realism_fake": "d_fake",
    "d.condition": "d_cond",
    "d.penalty": "d_gp",
}
CLIP_NAMES = NAMES | {  # with a clip critic, which takes over the names of conditions
    "g.condition": "g_frame_cond",
    "g.clip_condition": "g_mskd_cond",
    "g.clip_realism": "g_temp_fake",
    "d.condition": "d_frame_cond",
    "d.clip_condition": "d_cond",
    "d.clip_realism_real": "d_temp_real",
    "d.clip_realism_fake": "d_temp_fake",
    "d.clip_penalty": "d_temp_gp",
}
LAST_ONLY = ("video_ganimation", "convgru_unet_gen")  # report the penalty of the last frame alone


def verify(path: Path) -> None:
    """Print every term of a golden file with its error; raises ValueError where one is off."""
    try:
        golden = json.loads(Path(path).read_text())
        comparison = _compare(path, golden, experiment_of(golden))
    except (OSError, UnicodeDecodeError, KeyError, TypeError, AttributeError, RuntimeError) as e:
        raise ValueError(f"{path} is not a golden training file ({e!r}).") from None
    if comparison.off:
        raise ValueError(f"{len(comparison.off)} values are off: {', '.join(comparison.off)}.")
    if not comparison.count:
        raise ValueError(f"{path} holds no losses to compare with.")
    print(f"All values agree: {comparison.count} of them.")


class Comparison:
    """Prints our values beside the reference's, counts them, and keeps the names of what is off."""

    def __init__(self):
        self.off, self.count = [], 0

    def compare(self, section: str, ours: dict, theirs: dict, tolerance: float) -> None:
        """Compare the values of a section; tolerance: of the error relative to the reference."""
        for name, value in theirs.items():
            self.count += 1
            if name not in ours:
                print(f"{section:12} {name:14} {value:16.8f} has no counterpart")
                self.off.append(name)
                continue
            error = abs(ours[name] - value) / max(abs(value), 1e-12)
            bad = not error <= tolerance
            mark = "  OFF" if bad else ""
            print(f"{section:12} {name:14} {value:16.8f} {ours[name]:16.8f} {error:.1e}{mark}")
            self.off.extend([f"{section} {name}"] * bad)


def _compare(path: Path, golden: dict, experiment: Experiment) -> Comparison:
    """Compare all sections that a golden file has."""
    comparison = Comparison()
    print(f"{path}: {golden['branch']}, {experiment.name}")
    if "A_losses_at_filled_weights" in golden:
        _compare_losses(comparison, golden, experiment, torch.float32)
    if "A_losses_float64" in golden:
        _compare_losses(comparison, golden, experiment, torch.float64)
    if "B_losses_after_step" in golden:
        _compare_step(comparison, golden, experiment)
    return comparison


def _compare_losses(
    comparison: Comparison, golden: dict, experiment: Experiment, dtype: torch.dtype
) -> None:
    """Compare the terms, and each call of the frame penalty, at the filled weights."""
    if dtype == torch.float32:
        losses, penalty, tolerance = "A_losses_at_filled_weights", "A_gp_calls", 1e-4
    else:
        losses, penalty, tolerance = "A_losses_float64", "A_gp_calls_float64", 1e-6
    players, batch, mix = filled(golden, experiment, dtype)
    values, calls = at_these_weights(players, batch, mix, experiment, golden["branch"])
    comparison.compare(str(dtype).removeprefix("torch."), values, golden[losses], tolerance)
    calls = {f"call {i}": value for i, value in enumerate(calls)}
    reference = dict(zip(calls, golden.get(penalty, ()), strict=False))
    comparison.compare("penalty", calls, reference, tolerance)


def _compare_step(comparison: Comparison, golden: dict, experiment: Experiment) -> None:
    """Compare the terms during one step of Adam, and the weights and terms after it."""
    players, batch, mix = filled(golden, experiment, torch.float32)
    terms = adversarial_step(
        players, batch, experiment, mix, Accelerator(cpu=True), experiment.feed
    )
    last_only = golden["branch"] in LAST_ONLY
    during = {
        reported(name, experiment): float(value)
        for name, value in terms.items()
        if "." in name and not (name == "d.penalty" and last_only)
    }
    reference = golden["B_losses_reported_during_step"]
    if last_only:  # the step needs the sum, the report was of one frame
        reference = {name: value for name, value in reference.items() if name != "d_gp"}
    comparison.compare("in step", during, reference, 1e-2)
    comparison.compare("weights", *weights(players, golden["B_params_after_step"]), 1e-2)
    values, _ = at_these_weights(players, batch, mix, experiment, golden["branch"])
    comparison.compare("after step", values, golden["B_losses_after_step"], 1e-2)


def experiment_of(golden: dict) -> Experiment:
    """The experiment that a golden file was made with."""
    options, widths = golden["options"], golden["conv_dim"]
    base = EXPERIMENTS[BRANCHES[golden["branch"]]]
    size = options.get("image_size", 128)
    base = in_space(base, space_of_size(options["cond_nc"]).name, size)
    saturate = bool(options.get("do_saturate_mask", False))
    # Only the first branch on clips listens to its flag while it trains.
    recurrent = options.get("recurrent") and golden["branch"] == "video_ganimation"
    width = widths.get("G", base.generator.width)
    critic_width = widths.get("D", base.frame_critic.width)
    return replace(
        base,
        data=replace(base.data, frames=options["frames_cnt"] if base.data.frames > 1 else 1),
        generator=replace(base.generator, width=width, saturate=saturate),
        frame_critic=replace(base.frame_critic, width=critic_width),
        clip_critic=clip_critic_of(golden, base.clip_critic, critic_width),
        feed="generated" if recurrent else "portrait",
        weights=weights_of(options, with_clip_critic=base.clip_critic is not None),
        batch=options["batch_size"],
        rate=options.get("lr_G", 1e-4),
        critic_rate=options.get("lr_D", 1e-4),
        beta1=options.get("G_adam_b1", 0.5),
        beta2=options.get("G_adam_b2", 0.999),
        n_critic=1,
        ema=0.0,
    )


def clip_critic_of(golden: dict, base: CriticConfig | None, width: int) -> CriticConfig | None:
    """The clip critic of a golden file; width: where the file does not say."""
    if base is None:
        return None
    # It forgets its state in the published code.
    carry = "replaced by the recurrent" in golden.get("note", "")
    return replace(base, width=golden["conv_dim"].get("D_temp", width), carry=carry)


def weights_of(options: dict, with_clip_critic: bool) -> Weights:
    """The weights of the terms, by the reference's options."""
    condition = options["lambda_D_cond"]  # of the clip critic where there is one
    return Weights(
        realism=options["lambda_D_prob"],
        condition=options["lambda_D_frame_cond"] if with_clip_critic else condition,
        penalty=options["lambda_D_gp"],
        reconstruction=options["lambda_cyc"],
        attention=options["lambda_mask"],
        smoothness=options["lambda_mask_smooth"],
        clip_realism=options.get("lambda_D_temp", 1.0),
        clip_condition=condition,
        clip_penalty=options.get("lambda_D_temp_gp", 10.0),
    )


def filled(golden: dict, experiment: Experiment, dtype: torch.dtype):
    """Players, batch and penalty mixing of a golden file."""
    players, _ = build(experiment, "cpu", dtype)
    networks = [players.generator.network, *(p.network for p in players.critics.values())]
    for network in networks:
        state = network.state_dict()
        for i, (key, value) in enumerate(state.items()):
            value.copy_(torch.from_numpy(golden_fill.param(key, value.shape, i)))
    b, size = experiment.batch, experiment.generator.image_size
    axes, frames = experiment.generator.condition_dim, experiment.data.frames
    if frames == 1:
        signed = golden["branch"] == "moods_static_images"
        pictures = golden_fill.image(40, b, size)[:, None]
        conditions, targets = (golden_fill.cond(s, (b, axes), signed)[:, None] for s in (40, 41))
    else:
        pictures = np.stack([golden_fill.image(50 + t, b, size) for t in range(frames)], 1)
        conditions = golden_fill.cond(50, (b, frames, axes), signed=True)
        targets = conditions[:, 1:]
    arrays = (pictures, conditions, np.ascontiguousarray(targets))
    batch = Batch(*(torch.from_numpy(x) for x in arrays)).to("cpu", dtype)
    calls = targets.shape[1] + (experiment.clip_critic is not None)
    alphas = golden.get("A_alphas") or [golden_fill.alpha(100 + k, b) for k in range(calls)]
    alphas = torch.tensor(np.array(alphas, np.float32)).to(dtype)
    count = targets.shape[1]
    mix = {"frame": alphas[:count], "clip": alphas[count : count + 1]}
    return players, batch, mix


def at_these_weights(players: Players, batch: Batch, mix, experiment, branch: str):
    """Every term under the reference's name, without a step; and each frame penalty."""
    generator = players.generator.network
    critics = {kind: player.network for kind, player in players.critics.items()}
    there = generate(generator, batch, experiment.feed)
    fake, terms = there.composite, generator_losses(there, generator, critics, batch, experiment)
    for kind, critic in critics.items():
        terms |= critic_losses(kind, critic, fake, batch, experiment)
    calls = penalties("frame", critics["frame"], fake, batch, experiment, mix["frame"])
    terms["d.penalty"] = calls[-1] if branch in LAST_ONLY else calls.sum()
    if "clip" in critics:
        clip = penalties("clip", critics["clip"], fake, batch, experiment, mix["clip"])
        terms["d.clip_penalty"] = clip.sum()
    values = {reported(k, experiment): float(v.detach()) for k, v in terms.items() if "." in k}
    return values, calls.tolist()


def reported(name: str, experiment: Experiment) -> str:
    return (CLIP_NAMES if experiment.clip_critic else NAMES)[name]


def weights(players: Players, wanted: dict) -> tuple[dict, dict]:
    """Sum of absolute values of every tensor, ours and the reference's."""
    networks = {"G": players.generator.network, "D": players.critics["frame"].network}
    if "clip" in players.critics:
        networks["D_temp"] = players.critics["clip"].network
    ours, theirs = {}, {}
    for name, network in networks.items():
        for key, value in network.state_dict().items():
            original = key.replace("attention_reg", "attetion_reg")
            ours[f"{name} {key}"] = float(value.double().abs().sum())
            theirs[f"{name} {key}"] = wanted[name][original][1]
    return ours, theirs
