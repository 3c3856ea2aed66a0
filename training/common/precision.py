"""The precision of a training run, decided by the hardware."""

from functools import cache
from pathlib import Path


@cache
def has_amx_bf16() -> bool:
    """Whether the processor multiplies bf16 matrices in hardware (AMX), as Linux reports it."""
    cpuinfo = Path("/proc/cpuinfo")
    return cpuinfo.exists() and "amx_bf16" in cpuinfo.read_text(encoding="utf-8")


def suitable_precision(device_type: str) -> str:
    """Return "bf16" for a GPU and for a processor with AMX, else "float32".

    device_type: as of torch.device. Nothing is timed, so the same command on the same machine
    trains in the same precision.
    """
    return "bf16" if device_type == "cuda" or has_amx_bf16() else "float32"
