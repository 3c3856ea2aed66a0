"""OpenVINO as a backend, on CPUs, for `resnet` generators: they neither warp nor keep a state."""

import copy
import logging
import warnings

import numpy as np
import torch
from torch import Tensor, nn

from ..networks.compositing import compose_unwarped
from .quantization import FusedGenerator
from .threads import usable_cores

LOG = logging.getLogger("moodganimation.runtime.openvino")


def compile_generator(network: nn.Module, int8: bool = False, **settings: str) -> nn.Module | None:
    """Return a copy of a `resnet` generator whose `edit` runs in OpenVINO, or None.

    int8: quantize convolutions as `FusedGenerator` does; otherwise OpenVINO chooses the precision.
    settings: further properties of the compiled model. It takes one face, which is fastest; a batch
    is edited face by face. Returns None if the generator is not a `resnet` (has no method
    `attention_and_color`) or not on the CPU, if OpenVINO is not installed, or if it cannot compile
    the generator (logged).
    """
    is_resnet = hasattr(network, "attention_and_color")
    if not is_resnet or next(network.parameters()).device.type != "cpu":
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
        # The outputs are copies, which the next use of the request does not change.
        outputs = request.infer([x.float().contiguous().numpy() for x in inputs])
        idle.append(request)
        return list(outputs.values())

    def edit(encoding: Tensor, condition: Tensor, state=None):
        faces = [infer(*one) for one in zip(encoding.split(1), condition.split(1), strict=True)]
        parts = (np.concatenate(part) for part in zip(*faces, strict=True))
        composite, attention, color = map(torch.from_numpy, parts)
        return compose_unwarped(encoding, attention, color, composite), ()

    version = copy.copy(network)  # shares the parameters
    version.edit = edit
    return version


def _compile_or_none(openvino, network: nn.Module, int8: bool, settings: dict[str, str]):
    """Return the compiled model; None, with a warning in the log, if OpenVINO cannot compile it."""
    root = logging.getLogger()
    level, filters = root.level, list(root.filters)
    try:
        return _compile(openvino, network, int8, settings)
    except Exception as problem:  # of many types; another backend can run the network
        reason = (str(problem).splitlines() or [repr(problem)])[0]
    finally:
        root.setLevel(level)  # OpenVINO's conversion silences the log of the whole process
        root.filters = filters
    LOG.warning(
        "OpenVINO cannot compile this %s generator%s (%s); another backend is used.",
        network.config.architecture,
        " in int8" if int8 else "",
        reason,
    )
    return None


def _compile(openvino, network: nn.Module, int8: bool, settings: dict[str, str]):
    """Return the model of a copy of `network`, compiled for one face on the CPU."""
    side, axes = network.config.image_size, network.config.condition_dim
    properties = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": usable_cores()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tracing warns that sizes become constants
        model = openvino.convert_model(
            FusedGenerator(use_instance_norms(copy.deepcopy(network)), int8).eval(),
            input=[(1, 3, side, side), (1, axes)],
            example_input=(torch.zeros(1, 3, side, side), torch.zeros(1, axes)),
        )
    return openvino.Core().compile_model(model, "CPU", properties | settings)


def use_instance_norms(network: nn.Module) -> nn.Module:
    """Replace every GroupNorm by InstanceNorm2d, in place; return the network.

    It computes the same if each GroupNorm has one channel per group. OpenVINO crashes on group
    norms.
    """
    for module in list(network.modules()):
        for name, norm in module.named_children():
            if isinstance(norm, nn.GroupNorm):
                instance = nn.InstanceNorm2d(norm.num_channels, norm.eps, affine=True)
                instance.load_state_dict(norm.state_dict())
                setattr(module, name, instance)
    return network
