"""The seed's generator by every engine found here: python -m benchmarks backends.

What is compared is the network alone, on one face and on batches. Engines take turns, three edits
in a row as an animation makes them: threads of the one before may still spin during the first.
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
from moodganimation.runtime.backends import optimize, psnr
from moodganimation.runtime.openvino import compiled, with_instance_norms
from moodganimation.runtime.quantization import Painting
from moodganimation.runtime.threads import cores

from .inference import seed_generator
from .timing import interleaved, machine

LOG = logging.getLogger("benchmarks.backends")
IN_A_ROW = 3
BATCHES = (1, 8)
EAGER = "torch, eager float32"  # as the seed runs it


@torch.inference_mode()
def compare_backends(animator: Animator, photo: np.ndarray, rounds: int = 15) -> dict[str, object]:
    """Milliseconds a face, how many times quicker than eager float32, and how alike, by engine."""
    torch.set_num_threads(cores())
    device, network = animator.device, seed_generator().to(animator.device)
    source = animator._source(animator.locate(photo), network.config.image_size)
    condition = source.new_ones(1, network.config.condition_dim)
    found = _engines(network, device)
    wanted = found[EAGER](source, condition)
    result = {
        "machine": machine(device, "all"),
        "dB (PSNR) between its composite and float32's": {
            name: round(psnr(shown(source, condition), wanted), 1)
            for name, shown in found.items()
            if name != EAGER
        },
    }
    for batch in BATCHES:
        faces = [x.expand(batch, *x.shape[1:]).contiguous() for x in (source, condition)]

        def work(shown, faces=faces):
            for _ in range(IN_A_ROW):
                shown(*faces)

        works = {name: lambda shown=shown: work(shown) for name, shown in found.items()}
        times = interleaved(works, rounds, device)
        title = f"in batches of {batch}"
        result |= {
            f"ms a face, {title}": {
                name: round(1000 * taken / IN_A_ROW / batch, 2) for name, taken in times.items()
            },
            f"times faster, {title}": {
                name: round(times[EAGER] / taken, 1) for name, taken in times.items()
            },
        }
    return result


def _engines(
    network: nn.Module, device: torch.device
) -> dict[str, Callable[[Tensor, Tensor], Tensor]]:
    """From photo and condition to the composite, by name."""
    generators = {
        EAGER: with_instance_norms(copy.deepcopy(network)),
        "torch, bf16": optimize(copy.deepcopy(network), device, ["bf16"]),
        "OpenVINO, float32": compiled(network, INFERENCE_PRECISION_HINT="f32"),
        "OpenVINO, its own choice": compiled(network),
        "OpenVINO, int8": compiled(network, int8=True),
    }
    found = {
        name: lambda *inputs, generator=generator: generator(*inputs)[0].composite
        for name, generator in generators.items()
        if generator
    }
    if device.type == "cpu" and (onnx := _onnx(network)):
        found["ONNX Runtime, float32"] = onnx
    return found


def _onnx(network: nn.Module) -> Callable[[Tensor, Tensor], Tensor] | None:
    """By ONNX Runtime; None, which the log says, where it or the exporter is missing."""
    try:
        import onnxruntime
        import onnxscript  # noqa: F401  torch's exporter needs it
    except ImportError as problem:
        LOG.info("ONNX Runtime is left out: %s", problem)
        return None
    side, axes = network.config.image_size, network.config.condition_dim
    batch = torch.export.Dim("batch")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = cores()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder) / "network.onnx"
        with contextlib.redirect_stdout(io.StringIO()):
            torch.onnx.export(
                Painting(copy.deepcopy(network).cpu()).eval(),
                (torch.zeros(2, 3, side, side), torch.zeros(2, axes)),
                path,
                dynamic_shapes=({0: batch}, {0: batch}),
                verbose=False,
            )
        session = onnxruntime.InferenceSession(path, options, ["CPUExecutionProvider"])
    names = [given.name for given in session.get_inputs()]

    def shown(*inputs: Tensor) -> Tensor:
        arrays = [x.cpu().contiguous().numpy() for x in inputs]
        return torch.from_numpy(session.run(None, dict(zip(names, arrays, strict=True)))[0])

    return shown
