"""Repainting generators run by OpenVINO, on CPUs where that package is installed."""

import copy
import logging
import warnings

import numpy as np
import torch
from torch import Tensor, nn

from ..networks.compositing import repaint
from .quantization import FusedGenerator
from .threads import cores

LOG = logging.getLogger("moodganimation.runtime.openvino")


def compile_generator(network: nn.Module, int8: bool = False, **settings: str) -> nn.Module | None:
    """Return a copy of a repainting generator whose `edit` runs in OpenVINO, or None.

    int8: with the convolutions quantized that `FusedGenerator` quantizes; otherwise OpenVINO
    chooses the precision. settings: further ones of OpenVINO. The compiled model takes one face,
    which is fastest; a batch is edited face by face. Returns None if the generator does not
    repaint (has no `attend`) or is not on the CPU, if OpenVINO is missing, or if it fails (logged).
    """
    if not hasattr(network, "attend") or next(network.parameters()).device.type != "cpu":
        return None
    try:
        import openvino
    except ImportError:
        return None
    model = _compile_or_none(openvino, network, int8, settings)
    if model is None:
        return None
    idle = []  # inference requests, one per thread that edits at once; pop and append are atomic

    def infer(*inputs: Tensor) -> list[np.ndarray]:
        try:
            request = idle.pop()
        except IndexError:
            request = model.create_infer_request()
        outputs = request.infer([x.float().contiguous().numpy() for x in inputs])  # copies
        idle.append(request)
        return list(outputs.values())

    def edit(encoding: Tensor, condition: Tensor, state=None):
        faces = [infer(*one) for one in zip(encoding.split(1), condition.split(1), strict=True)]
        parts = (np.concatenate(part) for part in zip(*faces, strict=True))
        composite, attention, color = map(torch.from_numpy, parts)
        return repaint(encoding, attention, color, composite), ()

    version = copy.copy(network)  # with the same parameters
    version.edit = edit
    return version


def _compile_or_none(openvino, network: nn.Module, int8: bool, settings: dict[str, str]):
    """Return the compiled model, or None and log a warning if OpenVINO cannot compile it."""
    root = logging.getLogger()
    level, filters = root.level, list(root.filters)
    try:
        return _compile(openvino, network, int8, settings)
    except Exception as problem:  # of many kinds; torch can run every network
        reason = (str(problem).splitlines() or [repr(problem)])[0]
    finally:
        root.setLevel(level)  # a conversion silences the log of the whole process
        root.filters = filters
    LOG.warning(
        "OpenVINO cannot compile this %s generator%s (%s); another backend is used.",
        network.config.architecture,
        " in int8" * int8,
        reason,
    )
    return None


def _compile(openvino, network: nn.Module, int8: bool, settings: dict[str, str]):
    side, axes = network.config.image_size, network.config.condition_dim
    settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": cores()} | settings
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tracing warns of sizes that it takes to be constant
        model = openvino.convert_model(
            FusedGenerator(use_instance_norms(copy.deepcopy(network)), int8).eval(),
            input=[(1, 3, side, side), (1, axes)],
            example_input=(torch.zeros(1, 3, side, side), torch.zeros(1, axes)),
        )
    return openvino.Core().compile_model(model, "CPU", settings)


def use_instance_norms(network: nn.Module) -> nn.Module:
    """Replace every GroupNorm of one channel per group by InstanceNorm2d, in place; return it.

    The function stays the same. The original code has instance norms, and OpenVINO's own group
    norms crash.
    """
    for module in list(network.modules()):
        for name, norm in module.named_children():
            if isinstance(norm, nn.GroupNorm):
                instance = nn.InstanceNorm2d(norm.num_channels, norm.eps, affine=True)
                instance.load_state_dict(norm.state_dict())
                setattr(module, name, instance)
    return network
