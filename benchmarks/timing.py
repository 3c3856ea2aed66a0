"""Describe this machine, and time functions on it."""

import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch

from moodganimation.runtime.threads import usable_cores

# Instruction sets that speed up networks, as /proc/cpuinfo names them.
FLAGS = ("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16", "amx_int8")


def describe_processor() -> dict[str, object]:
    """Describe the processor, and torch's version and threads."""
    path = Path("/proc/cpuinfo")
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    fields = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    fields = {key.strip(): value.strip() for key, value in fields.items()}
    flags = set(fields.get("flags", "").split())
    return {
        "processor": fields.get("model name") or platform.processor() or platform.machine(),
        "flags": [flag for flag in FLAGS if flag in flags],
        "cores": usable_cores(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }


def describe_machine(device: torch.device, backend: str) -> dict[str, object]:
    """Describe the processor, the device and its measured peak rates.

    backend: the one that is timed, for instance "bf16" or "OpenVINO int8"; "all" if several are
    compared. Its key in the results is "precision".
    """
    description = describe_processor() | {"device": str(device), "precision": backend}
    if device.type == "cuda":
        description["gpu"] = torch.cuda.get_device_name(device)
    return description | peak_rates(device)


def peak_rates(device: torch.device, side: int = 1024) -> dict[str, float]:
    """Measure GFLOP/s of matrix products in float32 and bf16, and GB/s of copies."""
    rates = {}
    for name, dtype in (("float32", torch.float32), ("bf16", torch.bfloat16)):
        a = torch.randn(side, side, device=device).to(dtype)
        seconds = median_seconds(lambda a=a: a @ a, device)
        rates[f"matmul {name} [GFLOP/s]"] = 2 * side**3 / 1e9 / seconds
    floats = torch.zeros(2**25, device=device)
    rates["copied [GB/s]"] = 2 * floats.numel() * 4 / 1e9 / median_seconds(floats.clone, device)
    return {key: round(value, 1) for key, value in rates.items()}


def median_seconds(function: Callable, device: torch.device, rounds: int = 7) -> float:
    """Measure the median seconds of a function."""
    return time_interleaved({"": function}, rounds, device)[""]


def time_interleaved(
    functions: dict[str, Callable], rounds: int, device: torch.device
) -> dict[str, float]:
    """Measure the median seconds of each function.

    Each round calls all of them, so that other load on the machine affects all; the first round is
    a warm-up and does not count.
    """
    times = {name: [] for name in functions}
    for round_number in range(rounds + 1):
        for name, function in functions.items():
            started = time.perf_counter()
            function()
            if device.type == "cuda":
                torch.cuda.synchronize()
            if round_number > 0:
                times[name].append(time.perf_counter() - started)
    return {name: statistics.median(taken) for name, taken in times.items()}
