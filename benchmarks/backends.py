"""Time the reference generator with every installed backend: python -m benchmarks backends.

Only the network is timed, on one face and on batches. The backends alternate. EDITS_IN_A_ROW edits
of each are timed together, since threads of the previous backend may still be busy-waiting during
the first one: that weighs less in the mean of several.
"""

import contextlib
import copy
import io
import logging
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from moodganimation.animator import Animator
from moodganimation.runtime.backends import lowest_psnr, optimize
from moodganimation.runtime.openvino import compile_generator, use_instance_norms
from moodganimation.runtime.quantization import FusedGenerator
from moodganimation.runtime.threads import usable_cores

from .inference import reference_generator
from .keys import EAGER, PSNR_TO_EAGER
from .timing import describe_machine, time_interleaved

LOG = logging.getLogger("benchmarks.backends")
EDITS_IN_A_ROW = 3
BATCHES = (1, 8)


@torch.inference_mode()
def compare_backends(animator: Animator, photo: np.ndarray, rounds: int = 15) -> dict[str, object]:
    """Measure milliseconds per face, speed relative to eager float32, and PSNR to it, by backend.

    animator: locates the face; its own generator is not timed. photo: (H, W, 3) uint8 RGB. Returns
    values by title.
    """
    torch.set_num_threads(usable_cores())
    device, network = animator.device, reference_generator().to(animator.device)
    source = animator._source(animator.locate(photo), network.config.image_size)
    condition = source.new_ones(1, network.config.condition_dim)
    backends = _backends(network, device)
    expected = backends[EAGER](source, condition)
    result = {
        "machine": describe_machine(device, "all"),
        PSNR_TO_EAGER: {
            name: round(lowest_psnr(composite(source, condition), expected), 1)
            for name, composite in backends.items()
            if name != EAGER
        },
    }
    for batch in BATCHES:
        inputs = [x.expand(batch, *x.shape[1:]).contiguous() for x in (source, condition)]

        def edit_in_a_row(composite, inputs=inputs):
            for _ in range(EDITS_IN_A_ROW):
                composite(*inputs)

        functions = {
            name: lambda composite=composite: edit_in_a_row(composite)
            for name, composite in backends.items()
        }
        times = time_interleaved(functions, rounds, device)
        title = f"in batches of {batch}"
        result |= {
            f"ms a face, {title}": {
                name: round(1000 * taken / EDITS_IN_A_ROW / batch, 2)
                for name, taken in times.items()
            },
            f"times faster, {title}": {
                name: round(times[EAGER] / taken, 1) for name, taken in times.items()
            },
        }
    return result


def _backends(
    network: nn.Module, device: torch.device
) -> dict[str, Callable[[Tensor, Tensor], Tensor]]:
    """Make functions from source and condition to the composite, by name of the backend.

    Source (N, 3, side, side), condition (N, D), composite (N, 3, side, side).
    """
    generators = {
        EAGER: use_instance_norms(copy.deepcopy(network)),
        "torch, bf16": optimize(copy.deepcopy(network), device, ["bf16"]),
        "OpenVINO, float32": compile_generator(network, INFERENCE_PRECISION_HINT="f32"),
        "OpenVINO, its own choice": compile_generator(network),
        "OpenVINO, int8": compile_generator(network, int8=True),
    }
    backends = {
        name: lambda *inputs, generator=generator: generator(*inputs)[0].composite
        for name, generator in generators.items()
        if generator
    }
    if device.type == "cpu" and (onnx := _onnx(network)):
        backends["ONNX Runtime, float32"] = onnx
    return backends


def _onnx(network: nn.Module) -> Callable[[Tensor, Tensor], Tensor] | None:
    """Make a function from source and condition to the composite, by ONNX Runtime.

    Logs a message and returns None if ONNX Runtime or torch's exporter is missing.
    """
    try:
        import onnxruntime
        import onnxscript  # noqa: F401  torch's exporter needs it
    except ImportError as problem:
        LOG.info("ONNX Runtime is left out: %s", problem)
        return None
    side, axes = network.config.image_size, network.config.condition_dim
    batch = torch.export.Dim("batch")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = usable_cores()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder) / "network.onnx"
        with contextlib.redirect_stdout(io.StringIO()):
            torch.onnx.export(
                FusedGenerator(copy.deepcopy(network).cpu()).eval(),
                (torch.zeros(2, 3, side, side), torch.zeros(2, axes)),
                path,
                dynamic_shapes=({0: batch}, {0: batch}),
                verbose=False,
            )
        session = onnxruntime.InferenceSession(path, options, ["CPUExecutionProvider"])
    names = [node.name for node in session.get_inputs()]

    def composite(*inputs: Tensor) -> Tensor:
        arrays = [x.cpu().contiguous().numpy() for x in inputs]
        return torch.from_numpy(session.run(None, dict(zip(names, arrays, strict=True)))[0])

    return composite
