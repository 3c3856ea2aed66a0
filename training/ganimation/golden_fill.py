"""Deterministic values for golden files: weights, images and conditions from a hash of the index.

Only numpy is used, so that the program that makes golden files from the original code can compute
the same values. `stream` is the number of an array, like a seed: arrays of different streams are
unrelated.

    hash32(stream, n): for i = 0..n-1 in C order, modulo 2**32,
        x = (i + 1) + (stream + 1) * 0x9E3779B9
        x ^= x >> 16; x *= 0x7FEB352D; x ^= x >> 15; x *= 0x846CA68B; x ^= x >> 16
"""

import numpy as np

# Added to the streams of pictures, conditions and interpolation weights, so that they differ from
# those of parameters.
IMAGE_STREAMS, CONDITION_STREAMS, INTERPOLATION_STREAMS = 1_000_000, 2_000_000, 3_000_000


def hash32(stream: int, n: int) -> np.ndarray:
    """The hashes of the indices 0..n-1, (n,) uint32."""
    with np.errstate(over="ignore"):
        x = np.arange(1, n + 1, dtype=np.uint32)
        x += np.uint32(((stream + 1) * 0x9E3779B9) % 2**32)
        x ^= x >> np.uint32(16)
        x *= np.uint32(0x7FEB352D)
        x ^= x >> np.uint32(15)
        x *= np.uint32(0x846CA68B)
        x ^= x >> np.uint32(16)
    return x


def unsigned(stream: int, shape: tuple[int, ...]) -> np.ndarray:
    """Values in [0, 1), float64."""
    n = int(np.prod(shape))
    return (hash32(stream, n).astype(np.float64) / 2.0**32).reshape(shape)


def signed(stream: int, shape: tuple[int, ...]) -> np.ndarray:
    """Values in [-1, 1), float64."""
    return 2.0 * unsigned(stream, shape) - 1.0


def parameter(key: str, shape: tuple[int, ...], index: int) -> np.ndarray:
    """Values for the tensor `index` of a state_dict, named `key`; index: from 0, in order of keys.

    Convolutions are uniform with the bound of He et al. 2015.
    """
    shape = tuple(shape)
    values = signed(index, shape)
    if key.endswith("bias"):
        values = 0.1 * values
    elif len(shape) >= 2:  # weights of a convolution, scaled by the product of all other dimensions
        values = values * np.sqrt(6.0 / np.prod(shape[1:]))
    elif key.endswith("weight"):  # of an instance norm
        values = 1.0 + 0.2 * values
    else:
        raise KeyError(key)
    return values.astype(np.float32)


def images(stream: int, count: int, size: int = 128, channels: int = 3) -> np.ndarray:
    """Waves with noise, (count, channels, size, size) float32 in [-1, 1]."""
    b, c, y, x = np.meshgrid(
        np.arange(count), np.arange(channels), np.arange(size), np.arange(size), indexing="ij"
    )
    waves = np.sin(2.0 * np.pi * ((c + 1) * y + (b + 2) * x) / size)
    noise = signed(IMAGE_STREAMS + stream, (count, channels, size, size))
    return (0.6 * waves + 0.4 * noise).astype(np.float32)


def conditions(stream: int, shape: tuple[int, ...], is_signed: bool = False) -> np.ndarray:
    """Conditions in [0, 1), or in [-1, 1) if signed, float32."""
    values = signed if is_signed else unsigned
    return values(CONDITION_STREAMS + stream, shape).astype(np.float32)


def interpolation_weights(stream: int, count: int) -> np.ndarray:
    """Interpolation weights of a gradient penalty, one per sample, (count,) float32 in [0, 1)."""
    return unsigned(INTERPOLATION_STREAMS + stream, (count,)).astype(np.float32)
