"""Comparison with golden files: terms and weights that the original code computed.

A file holds one training step of a branch of the original with the weights, images and conditions
of `golden_fill`: the terms at these weights (A), and the terms and weights after one step of Adam
(B). "gp" is the gradient penalty, "alphas" are its interpolation weights.
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor

from moodganimation.expressions.spaces import space_of_size

from ..data.batches import Batch
from . import golden_fill
from .critics import CriticConfig
from .experiments import EXPERIMENTS, Experiment, Weights, in_space
from .objectives import (
    Terms,
    critic_losses,
    generate,
    generator_losses,
    gradient_penalties,
    is_loss,
)
from .steps import Networks, adversarial_step
from .train import build_networks

BRANCHES = {  # branch of the original -> experiment
    "gani": "ganimation",  # GANimation itself, not a branch of MoodGANimation
    "master": "ganimation",
    "moods_static_images": "mood",
    "video_ganimation": "video",
    "convgru_disc": "convgru_disc",
    "convgru_unet_gen": "convgru_unet",
    "spatiotemporal_disc": "spatiotemporal",
}
ORIGINAL_NAMES = {  # our term -> the original's
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
# With a clip critic, whose condition terms have the names that are the frame critic's elsewhere.
ORIGINAL_NAMES_WITH_CLIP_CRITIC = ORIGINAL_NAMES | {
    "g.condition": "g_frame_cond",
    "g.clip_condition": "g_mskd_cond",
    "g.clip_realism": "g_temp_fake",
    "d.condition": "d_frame_cond",
    "d.clip_condition": "d_cond",
    "d.clip_realism_real": "d_temp_real",
    "d.clip_realism_fake": "d_temp_fake",
    "d.clip_penalty": "d_temp_gp",
}
# Branches that report the gradient penalty of the last frame instead of the sum over frames.
LAST_FRAME_PENALTY = ("video_ganimation", "convgru_unet_gen")
# Tolerances of errors relative to the original's values:
TOLERANCE = {torch.float32: 1e-4, torch.float64: 1e-6}  # of terms at the same weights
STEP_TOLERANCE = 1e-2  # of terms during a step of Adam
# Relative, of the sum of absolute values of a tensor after the step. A weight that moves in the
# other direction (see below) adds twice the rate, 2e-4, to the error of the sum; relative errors in
# the golden files are up to 3e-4. The step itself changes at least one sum of every file by more
# than 8e-4 of itself, but most by less than the tolerance.
WEIGHT_SUM_TOLERANCE = 7e-4
# Of terms after the step. Adam's first step moves each weight by its rate along the sign of the
# gradient, which rounding decides where the gradient is nearly zero. The golden files hold float32:
# in train_master_full.json, of 128 pixels, the penalty after the same step computed in float64
# differs by 1.5e-2 from the original's.
AFTER_STEP_TOLERANCE = 5e-2


def verify(path: Path) -> None:
    """Print every term of a golden file with its error. Raises ValueError if one exceeds its
    tolerance."""
    try:
        golden = json.loads(Path(path).read_text(encoding="utf-8"))
        comparison = _compare(path, golden, experiment_of(golden))
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RuntimeError) as e:
        raise ValueError(f"{path} is not a golden training file ({e!r}).") from None
    if comparison.differing:
        raise ValueError(
            f"{len(comparison.differing)} of {comparison.count} values differ from the original "
            f"by more than the tolerance: {', '.join(comparison.differing)}."
        )
    if not comparison.count:
        raise ValueError(f"{path} holds no losses to compare with.")
    print(f"All values agree: {comparison.count} of them.")


class Comparison:
    """Prints our values beside the original's, and counts them.

    `differing` are the names of those whose error exceeds the tolerance, and of those that only the
    original has.
    """

    def __init__(self):
        self.differing, self.count = [], 0

    def compare(self, section: str, ours: dict, original: dict, tolerance: float) -> None:
        """Compare the values of a section of the golden file by name.

        tolerance: greatest error relative to the original.
        """
        for name, value in original.items():
            self.count += 1
            if name not in ours:
                print(f"{section:12} {name:14} {value:16.8f} has no counterpart")
                self.differing.append(name)
                continue
            error = abs(ours[name] - value) / max(abs(value), 1e-12)
            differs = not error <= tolerance  # also if it is NaN
            mark = "  differs" if differs else ""
            print(f"{section:12} {name:14} {value:16.8f} {ours[name]:16.8f} {error:.1e}{mark}")
            self.differing.extend([f"{section} {name}"] * differs)


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
    """Compare the terms, and the gradient penalty of each frame, at the filled weights."""
    if dtype == torch.float32:
        losses, penalty = "A_losses_at_filled_weights", "A_gp_calls"
    else:
        losses, penalty = "A_losses_float64", "A_gp_calls_float64"
    tolerance = TOLERANCE[dtype]
    networks, batch, interpolation = filled_networks(golden, experiment, dtype)
    terms, frame_penalties = evaluate_terms(
        networks, batch, interpolation, experiment, golden["branch"]
    )
    comparison.compare(str(dtype).removeprefix("torch."), terms, golden[losses], tolerance)
    frame_penalties = {f"frame {i}": value for i, value in enumerate(frame_penalties)}
    original = dict(zip(frame_penalties, golden.get(penalty, ()), strict=False))
    comparison.compare("penalty", frame_penalties, original, tolerance)


def _compare_step(comparison: Comparison, golden: dict, experiment: Experiment) -> None:
    """Compare the terms during one step of Adam, and the sums of weights and the terms after it."""
    networks, batch, interpolation = filled_networks(golden, experiment, torch.float32)
    terms = adversarial_step(
        networks, batch, experiment, interpolation, Accelerator(cpu=True), experiment.feed
    )
    original = golden["B_losses_reported_during_step"]
    if golden["branch"] in LAST_FRAME_PENALTY:  # the step returns the sum over frames
        original = {name: value for name, value in original.items() if name != "d_gp"}
    comparison.compare("in step", original_terms(terms, experiment), original, STEP_TOLERANCE)
    sums = weight_sums(networks, golden["B_params_after_step"])
    comparison.compare("weights", *sums, WEIGHT_SUM_TOLERANCE)
    terms, _ = evaluate_terms(networks, batch, interpolation, experiment, golden["branch"])
    comparison.compare("after step", terms, golden["B_losses_after_step"], AFTER_STEP_TOLERANCE)


def experiment_of(golden: dict) -> Experiment:
    """Return the experiment that a golden file was made with."""
    options, widths = golden["options"], golden["conv_dim"]
    base = EXPERIMENTS[BRANCHES[golden["branch"]]]
    size = options.get("image_size", 128)
    base = in_space(base, space_of_size(options["cond_nc"]).name, size)
    saturate = bool(options.get("do_saturate_mask", False))
    # The other branches on clips have this option, too, but do not use it in training.
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
    """Return the clip critic of a golden file; width: used if the file does not state one."""
    if base is None:
        return None
    # The published code does not carry the state from frame to frame; golden files of the corrected
    # code say so in their note.
    carry = "replaced by the recurrent" in golden.get("note", "")
    return replace(base, width=golden["conv_dim"].get("D_temp", width), carry=carry)


def weights_of(options: dict, with_clip_critic: bool) -> Weights:
    """Return the weights of the terms, by the original's options."""
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


def filled_networks(
    golden: dict, experiment: Experiment, dtype: torch.dtype
) -> tuple[Networks, Batch, dict[str, Tensor]]:
    """Build networks with the weights of a golden file.

    Returns them with its batch, and with its interpolation weights of gradient penalties, (K, B)
    for each kind of critic.
    """
    networks, _ = build_networks(experiment, "cpu", dtype)
    for network in (networks.generator.network, *(c.network for c in networks.critics.values())):
        for i, (key, tensor) in enumerate(network.state_dict().items()):
            tensor.copy_(torch.from_numpy(golden_fill.parameter(key, tensor.shape, i)))
    batch = filled_batch(golden, experiment).to("cpu", dtype)
    frames, has_clip_critic = batch.targets.shape[1], experiment.clip_critic is not None
    streams = range(100, 100 + frames + has_clip_critic)
    rows = golden.get("A_alphas") or [
        golden_fill.interpolation_weights(stream, experiment.batch) for stream in streams
    ]
    weights = torch.tensor(np.array(rows, np.float32)).to(dtype)
    return networks, batch, {"frame": weights[:frames], "clip": weights[frames:]}


def filled_batch(golden: dict, experiment: Experiment) -> Batch:
    """Return the batch of a golden file.

    Numbers of streams are those of the program that made the files.
    """
    count, size = experiment.batch, experiment.generator.image_size
    axes, frames = experiment.generator.condition_dim, experiment.data.frames
    if frames == 1:
        is_signed = golden["branch"] == "moods_static_images"
        pictures = golden_fill.images(40, count, size)[:, None]
        conditions, targets = (
            golden_fill.conditions(stream, (count, axes), is_signed)[:, None] for stream in (40, 41)
        )
    else:
        pictures = np.stack([golden_fill.images(50 + t, count, size) for t in range(frames)], 1)
        conditions = golden_fill.conditions(50, (count, frames, axes), is_signed=True)
        targets = np.ascontiguousarray(conditions[:, 1:])
    return Batch(*(torch.from_numpy(x) for x in (pictures, conditions, targets)))


def evaluate_terms(
    networks: Networks, batch: Batch, interpolation: dict, experiment: Experiment, branch: str
) -> tuple[dict[str, float], list[float]]:
    """Evaluate all terms at the present weights.

    Returns them by the original's names, and the gradient penalty of each frame.
    """
    generator = networks.generator.network
    critics = {kind: trainable.network for kind, trainable in networks.critics.items()}
    edit = generate(generator, batch, experiment.feed)
    fake, terms = edit.composite, generator_losses(edit, generator, critics, batch, experiment)
    for kind, critic in critics.items():
        terms |= critic_losses(kind, critic, fake, batch, experiment)
    penalties = {
        kind: gradient_penalties(kind, critic, fake, batch, experiment, interpolation[kind])
        for kind, critic in critics.items()
    }
    per_frame = penalties["frame"]
    terms["d.penalty"] = per_frame[-1] if branch in LAST_FRAME_PENALTY else per_frame.sum()
    if "clip" in penalties:
        terms["d.clip_penalty"] = penalties["clip"].sum()
    return original_terms(terms, experiment), per_frame.tolist()


def original_terms(terms: Terms, experiment: Experiment) -> dict[str, float]:
    """The terms of the loss by the original's names."""
    names = ORIGINAL_NAMES_WITH_CLIP_CRITIC if experiment.clip_critic else ORIGINAL_NAMES
    return {names[name]: float(x.detach()) for name, x in terms.items() if is_loss(name)}


def weight_sums(networks: Networks, original: dict) -> tuple[dict, dict]:
    """Return the sum of absolute values of every tensor, of ours and of the original's.

    original: for each network, key -> [sum, sum of absolute values, ...].
    """
    modules = {"G": networks.generator.network, "D": networks.critics["frame"].network}
    if "clip" in networks.critics:
        modules["D_temp"] = networks.critics["clip"].network
    ours, originals = {}, {}
    for name, network in modules.items():
        for key, tensor in network.state_dict().items():
            # The original spells it that way.
            original_key = key.replace("attention_reg", "attetion_reg")
            ours[f"{name} {key}"] = float(tensor.double().abs().sum())
            originals[f"{name} {key}"] = original[name][original_key][1]
    return ours, originals
