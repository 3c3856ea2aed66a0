"""Repainting networks run by OpenVINO, on CPUs where that package is installed."""

import copy
import logging
import warnings

import numpy as np
import torch
from torch import Tensor, nn

from ..networks.compositing import repaint
from .quantization import Painting
from .threads import cores

LOG = logging.getLogger("moodganimation.runtime.openvino")


def compiled(network: nn.Module, int8: bool = False, **settings: str) -> nn.Module | None:
    """The generator, its edits made by OpenVINO: in the precision that it holds for best, int8:
    in that where a `Painting` says so. None where the generator is none that repaints, is not on
    the CPU, where the package is missing, or, which the log says, where it fails.

    What is compiled takes one face, the quickest; a batch is edited face by face.
    settings: more of OpenVINO's.
    """
    if not hasattr(network, "attend") or next(network.parameters()).device.type != "cpu":
        return None
    try:
        import openvino
    except ImportError:
        return None
    engine = _engine_or_none(openvino, network, int8, settings)
    if engine is None:
        return None
    idle = []  # requests: as many as threads have edited at once

    def painted(*inputs: Tensor) -> list[np.ndarray]:
        try:
            request = idle.pop()
        except IndexError:
            request = engine.create_infer_request()
        found = request.infer([x.float().contiguous().numpy() for x in inputs])  # copied
        idle.append(request)
        return list(found.values())

    def edit(encoding: Tensor, condition: Tensor, state=None):
        faces = [painted(*one) for one in zip(encoding.split(1), condition.split(1), strict=True)]
        parts = (np.concatenate(part) for part in zip(*faces, strict=True))
        composite, attention, color = map(torch.from_numpy, parts)
        return repaint(encoding, attention, color, composite), ()

    quick = copy.copy(network)  # of the same parameters
    quick.edit = edit
    return quick


def _engine_or_none(openvino, network: nn.Module, int8: bool, settings: dict[str, str]):
    """The compiled network; None, with a warning in the log, where OpenVINO cannot compile it."""
    root = logging.getLogger()
    kept = root.level, list(root.filters)
    try:
        return _engine(openvino, network, int8, settings)
    except Exception as problem:  # of many kinds; torch can do all of it
        why = (str(problem).splitlines() or [repr(problem)])[0]
    finally:
        root.setLevel(kept[0])  # a conversion silences the log of the whole process
        root.filters = kept[1]
    LOG.warning(
        "OpenVINO cannot run this %s generator%s, so something else does: %s",
        network.config.architecture,
        " in int8" * int8,
        why,
    )
    return None


def _engine(openvino, network: nn.Module, int8: bool, settings: dict[str, str]):
    side, axes = network.config.image_size, network.config.condition_dim
    settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": cores()} | settings
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tracing warns of what is fixed: sizes
        model = openvino.convert_model(
            Painting(with_instance_norms(copy.deepcopy(network)), int8).eval(),
            input=[(1, 3, side, side), (1, axes)],
            example_input=(torch.zeros(1, 3, side, side), torch.zeros(1, axes)),
        )
    return openvino.Core().compile_model(model, "CPU", settings)


def with_instance_norms(network: nn.Module) -> nn.Module:
    """The network, for good with instance norms where it has group norms of one channel a group:
    how the seed has them, and an operation of OpenVINO, whose own group norms crash."""
    for module in list(network.modules()):
        for name, norm in module.named_children():
            if isinstance(norm, nn.GroupNorm):
                own = nn.InstanceNorm2d(norm.num_channels, norm.eps, affine=True)
                own.load_state_dict(norm.state_dict())
                setattr(module, name, own)
    return network
