"""What this machine is, and how long work takes on it."""

import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch

from moodganimation.runtime.threads import cores

FLAGS = ("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16", "amx_int8")


def processor() -> dict[str, object]:
    """Its name, its flags, and how it is used."""
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    fields = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    fields = {key.strip(): value.strip() for key, value in fields.items()}
    flags = set(fields.get("flags", "").split())
    return {
        "processor": fields.get("model name") or platform.processor() or platform.machine(),
        "flags": [flag for flag in FLAGS if flag in flags],
        "cores": cores(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }


def machine(device: torch.device, precision: str) -> dict[str, object]:
    """The processor, what runs on it, and its measured ceilings."""
    said = processor() | {"device": str(device), "precision": precision}
    if device.type == "cuda":
        said["gpu"] = torch.cuda.get_device_name(device)
    return said | ceilings(device)


def ceilings(device: torch.device, side: int = 1024) -> dict[str, float]:
    """Giga operations a second of matrix products in float32 and bf16, and GB/s copied."""
    found = {}
    for name, kind in (("float32", torch.float32), ("bf16", torch.bfloat16)):
        a = torch.randn(side, side, device=device).to(kind)
        found[f"matmul {name} [GFLOP/s]"] = 2 * side**3 / 1e9 / median(lambda a=a: a @ a, device)
    block = torch.zeros(2**25, device=device)
    found["copied [GB/s]"] = 2 * block.numel() * 4 / 1e9 / median(block.clone, device)
    return {key: round(value, 1) for key, value in found.items()}


def median(work: Callable, device: torch.device, rounds: int = 7) -> float:
    return interleaved({"": work}, rounds, device)[""]


def interleaved(
    subjects: dict[str, Callable], rounds: int, device: torch.device
) -> dict[str, float]:
    """Median seconds of each subject; each round calls all, the first is not counted."""
    times = {name: [] for name in subjects}
    for turn in range(rounds + 1):
        for name, work in subjects.items():
            began = time.perf_counter()
            work()
            if device.type == "cuda":
                torch.cuda.synchronize()
            if turn:
                times[name].append(time.perf_counter() - began)
    return {name: statistics.median(taken) for name, taken in times.items()}
