"""The precision that trains quicker: measured, since processors of one name differ."""

import time

import torch

from moodganimation.checkpoints.files import build_generator
from moodganimation.networks.base import GeneratorConfig
from moodganimation.runtime.backends import WORTH


def quicker(config: GeneratorConfig, device: torch.device) -> str:
    """bf16 where a generator's forward and backward pass takes clearly less time in it on the
    device, else float32."""
    network = build_generator(config).to(device)
    source = torch.zeros(1, 3, config.image_size, config.image_size, device=device)
    condition = torch.ones(1, config.condition_dim, device=device)
    times = {"float32": [], "bf16": []}
    for _ in range(3):
        for name, taken in times.items():
            began = time.perf_counter()
            with torch.autocast(device.type, torch.bfloat16, enabled=name == "bf16"):
                edit, _ = network(source, condition)
            edit.composite.float().mean().backward()
            if device.type == "cuda":
                torch.cuda.synchronize()
            taken.append(time.perf_counter() - began)
    return "bf16" if min(times["bf16"]) < WORTH * min(times["float32"]) else "float32"
