"""Repainting networks run by OpenVINO, on CPUs where that package is installed."""

import copy
import logging
import warnings

import torch
from torch import Tensor, nn

LOG = logging.getLogger("moodganimation.compiled")


def compiled(network: nn.Module) -> nn.Module | None:
    """The generator, its `attend` compiled in the precision that OpenVINO holds for best; None
    where it has none, where the package is missing, or, which the log says, where it fails."""
    if not hasattr(network, "attend"):
        return None
    try:
        import openvino
    except ImportError:
        return None
    root, engine = logging.getLogger(), None
    kept = root.level, list(root.filters)
    try:
        engine = _engine(openvino, network)
    except Exception as problem:  # of many kinds; torch can do all of it
        why = (str(problem).splitlines() or [repr(problem)])[0]
    finally:
        root.setLevel(kept[0])  # a conversion silences the log of the whole process
        root.filters = kept[1]
    if engine is None:
        LOG.warning("OpenVINO cannot run this %s generator, so torch does: %s",
                    network.config.architecture, why)  # fmt: skip
        return None

    def attend(source: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        inputs = [x.float().contiguous().numpy() for x in (source, condition)]
        attention, color = engine.infer_new_request(inputs).values()  # own request: threads
        return torch.from_numpy(attention), torch.from_numpy(color)

    quick = copy.copy(network)  # of the same parameters
    quick.attend = attend
    return quick


def _engine(openvino, network: nn.Module):
    side, axes = network.config.image_size, network.config.condition_dim
    settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": torch.get_num_threads()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tracing warns of what is fixed: sizes
        model = openvino.convert_model(
            Painting(network).eval(),
            input=[(-1, 3, side, side), (-1, axes)],
            example_input=(torch.zeros(1, 3, side, side), torch.zeros(1, axes)),
        )
    return openvino.Core().compile_model(model, "CPU", settings)


class Painting(nn.Module):
    """`attend` as a network of its own."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = with_instance_norms(copy.deepcopy(network))

    def forward(self, source: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        return self.network.attend(source, condition)


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
