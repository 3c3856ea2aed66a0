"""Deterministic fill used for the golden vectors (numpy only; written for this project).

h32(stream, n): uint32 array, one value per flat C-order index i = 0..n-1
    x = (i + 1) + (stream + 1) * 0x9E3779B9          (mod 2**32)
    x ^= x >> 16 ; x *= 0x7FEB352D ; x ^= x >> 15 ; x *= 0x846CA68B ; x ^= x >> 16
u01 = h32 / 2**32  (float64, in [0,1));  s11 = 2*u01 - 1
"""

import numpy as np


def h32(stream, n):
    with np.errstate(over="ignore"):
        x = np.arange(1, n + 1, dtype=np.uint32)
        x += np.uint32(((stream + 1) * 0x9E3779B9) % 2**32)
        x ^= x >> np.uint32(16)
        x *= np.uint32(0x7FEB352D)
        x ^= x >> np.uint32(15)
        x *= np.uint32(0x846CA68B)
        x ^= x >> np.uint32(16)
    return x


def u01(stream, shape):
    n = int(np.prod(shape))
    return (h32(stream, n).astype(np.float64) / 2.0**32).reshape(shape)


def s11(stream, shape):
    return 2.0 * u01(stream, shape) - 1.0


def param(key, shape, index):
    """Value of the state_dict entry number `index` (0-based, in key order)."""
    shape = tuple(shape)
    s = s11(index, shape)
    if key.endswith("bias"):
        v = 0.1 * s
    elif len(shape) >= 2:  # any conv weight; "fan" = product of all dims but the first
        v = s * np.sqrt(6.0 / np.prod(shape[1:]))
    elif key.endswith("weight"):  # 1-D weight: instance-norm gamma
        v = 1.0 + 0.2 * s
    else:
        raise KeyError(key)
    return v.astype(np.float32)


def image(stream, b, size=128, channels=3):
    """(b, channels, size, size) float32 in [-1, 1]."""
    bb, cc, hh, ww = np.meshgrid(
        np.arange(b), np.arange(channels), np.arange(size), np.arange(size), indexing="ij"
    )
    smooth = np.sin(2.0 * np.pi * ((cc + 1) * hh + (bb + 2) * ww) / size)
    noise = s11(1000000 + stream, (b, channels, size, size))
    return (0.6 * smooth + 0.4 * noise).astype(np.float32)


def cond(stream, shape, signed=False):
    v = s11(2000000 + stream, shape) if signed else u01(2000000 + stream, shape)
    return v.astype(np.float32)


def alpha(stream, b):
    """gradient-penalty mixing weights, one per sample, in [0, 1)."""
    return u01(3000000 + stream, (b,)).astype(np.float32)
