"""Backends of inference: fused norms, and the precision and library measured to be fastest."""

import copy
import logging
import time
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from .openvino import compile_generator

LOG = logging.getLogger("moodganimation.runtime.backends")
INT8 = "OpenVINO int8"
ROUNDS = 5  # timings per network; the minimum counts
MAX_TIME_SHARE = 0.9  # float32 is replaced only by a backend that takes less than 0.9 of its time
MIN_PSNR = 40  # [dB] of int8 against float32; below it int8 is not used
# Names of backends, the fastest first, by configuration and device.
_RANKED: dict[tuple, list[str]] = {}


def fuse_batchnorm(network: nn.Module) -> nn.Module:
    """Fuse every BatchNorm2d that follows a Conv2d into it, in place; return the network."""
    for module in list(network.modules()):
        for (first, conv), (second, norm) in pairwise(list(module.named_children())):
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(module, first, fuse_conv_bn_eval(conv, norm))
                setattr(module, second, nn.Identity())
    return network


def optimize(
    network: nn.Module, device: torch.device, backends: Sequence[str] | None = None
) -> nn.Module:
    """Return a generator with fused norms on a device, run by one of BACKENDS.

    The norms are fused and the generator is moved in place; with float32 it is itself returned.
    The backend is the first that is available and, for int8, accurate enough (see
    `outputs_match`); float32 if there is none. backends: names of BACKENDS in order of preference.
    By default they are ranked by speed, measured once per process, so that all its pictures are
    computed in the same way. The result has the attributes `backend`, its name, and `backends`, the
    names in order. Raises ValueError for an unknown name.
    """
    if backends is not None and (
        isinstance(backends, str) or not backends or not set(backends) <= set(BACKENDS)
    ):
        raise ValueError(f"backends must be a list of {', '.join(BACKENDS)}, not {backends!r}.")
    network = fuse_batchnorm(network).to(device, memory_format=torch.channels_last)
    key, versions = (network.config, device), {}
    if backends is None and key not in _RANKED:
        versions = {
            backend: version
            for backend, build in BACKENDS.items()
            if (version := build(network)) is not None
        }
        _RANKED[key] = _rank(versions, device)
    backends = tuple(backends or _RANKED[key])
    for backend in (*backends, "float32"):
        version = versions.get(backend)
        if version is None:
            version = BACKENDS[backend](network)
        if version is not None and (backend != INT8 or outputs_match(version, network)):
            break
    version.backend, version.backends = backend, backends
    return version


def _rank(versions: dict[str, nn.Module], device: torch.device) -> list[str]:
    """Sort the names of backends by the measured time of their versions of a generator.

    versions: name of a backend -> the generator run by it.
    """
    times = dict(zip(versions, min_forward_times(list(versions.values()), device), strict=True))
    times["float32"] *= MAX_TIME_SHARE  # so that a backend that is hardly faster comes after it
    return sorted(times, key=times.get)


@torch.inference_mode()
def outputs_match(quantized: nn.Module, reference: nn.Module) -> bool:
    """Whether the composites of an int8 and a float32 generator agree to MIN_PSNR.

    Compared on a bright and a dark synthetic face, with the first axis at 1 and with all axes at 1.
    The face has no texture, since errors are hard to see in texture. Logs a warning if they differ.
    """
    axes, bright = reference.config.condition_dim, synthetic_face(reference.config.image_size)
    dark = (bright - 3) / 4  # from -1 to -0.5
    source = torch.cat([bright, dark]).repeat(2, 1, 1, 1)
    condition = torch.cat([torch.eye(1, axes), torch.ones(1, axes)]).repeat_interleave(2, 0)
    composites = (network(source, condition)[0].composite for network in (quantized, reference))
    psnr = lowest_psnr(*composites)
    if psnr < MIN_PSNR:
        LOG.warning(
            "The int8 version of this %s generator differs too much from float32 (PSNR %.1f dB, at "
            "least %d needed), so it is not used.",
            reference.config.architecture,
            psnr,
            MIN_PSNR,
        )
    return psnr >= MIN_PSNR


def lowest_psnr(pictures: Tensor, references: Tensor) -> float:
    """Return the lowest PSNR [dB] in a batch (B, 3, H, W) in [-1, 1]; at most 126, if equal."""
    errors = (pictures - references).square().mean(dim=(1, 2, 3))
    return float(10 * torch.log10(4 / errors.max().clamp(min=1e-12)))


def synthetic_face(side: int) -> Tensor:
    """Draw a bright disk with two eyes and a mouth, (1, 3, side, side) in [-1, 1]."""
    x = torch.linspace(-1, 1, side)

    def spot(center_x: float, center_y: float, radius: float) -> Tensor:
        return torch.exp(-((x - center_x) ** 2 + (x[:, None] - center_y) ** 2) / radius**2)

    dark = spot(-0.35, -0.2, 0.15) + spot(0.35, -0.2, 0.15) + spot(0, 0.45, 0.2)
    brightness = 1.4 * spot(0, 0, 0.7) - 0.9 * dark - 0.8
    return (brightness * torch.tensor([1.0, 0.85, 0.7])[:, None, None])[None].clamp(-1, 1)


def use_bf16_convs(network: nn.Module) -> nn.Module:
    """Cast all convolutions with a kernel larger than 1x1 to bfloat16, in place.

    Returns the network. These layers do nearly all of the arithmetic. Hooks cast the input of each
    layer to the dtype of its weights; operations without weights keep the dtype of their input.
    """

    def cast_input(module: nn.Module, inputs: tuple) -> tuple:
        return (inputs[0].to(module.weight.dtype),)

    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d) and module.kernel_size != (1, 1):
            module.bfloat16()
        # On CUDA, group norms need input and weights of one dtype; on CPUs they do not.
        strict_norm = isinstance(module, nn.GroupNorm) and module.weight.is_cuda
        if strict_norm or isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            module.register_forward_pre_hook(cast_input)
    return network


# Name -> function from a generator to a version of it run by that backend, or None where the
# backend is unavailable.
BACKENDS = {
    "float32": lambda network: network,
    "bf16": lambda network: use_bf16_convs(copy.deepcopy(network)),
    "OpenVINO": lambda network: compile_generator(network),
    INT8: lambda network: compile_generator(network, int8=True),
}


@torch.inference_mode()
def min_forward_times(networks: list[nn.Module], device: torch.device) -> list[float]:
    """Return the minimum of ROUNDS timings [s] of encoding and editing one face, per generator.

    All generators have the same configuration. The minimum is taken because other work on the
    machine can only add time. Speed is measured, not derived from the processor's name: AMX
    multiplies bfloat16 in hardware, while AVX-512 alone is hardly faster with it.
    """
    size, axes = networks[0].config.image_size, networks[0].config.condition_dim
    source = torch.zeros(1, 3, size, size, device=device).contiguous(
        memory_format=torch.channels_last
    )
    condition = torch.ones(1, axes, device=device)
    times = [[] for _ in networks]
    for i in range(ROUNDS + 1):
        for network, durations in zip(networks, times, strict=True):
            start = time.perf_counter()
            network(source, condition)
            if device.type == "cuda":
                torch.cuda.synchronize()
            if i > 0:  # the first call warms up
                durations.append(time.perf_counter() - start)
    return [min(durations) for durations in times]
