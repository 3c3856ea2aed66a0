"""What becomes of skin that moves: where in the photo it takes its looks from, and its light."""

import numpy as np

from .lips import lip_gap
from .source import Source
from .surface import Surface

KEY_LIGHT = np.float32([0, 0.5, 0.86])  # shows folds where the photo's light is flat
DARKEST, BRIGHTEST = 0.6, 1.35  # gain


def looks(
    surface: Surface, source: Source, vertices: np.ndarray, shown: np.ndarray, points: np.ndarray
) -> np.ndarray:
    """(skin, 2) places of the photo that the skin looks like [px of SIDE].

    vertices (V, 3) and points (468, 2): the mesh and its landmarks after the edit; shown (V,): the
    vertices in sight then. Unmoved skin looks like itself.
    """
    skin = surface.model.skin
    places = source.vertices[:skin, :2].copy()
    appears = source.hidden & shown[:skin] & ~source.shown[:skin]
    places[appears] = source.lent[appears]
    # stretched skin must not take lashes, or teeth behind the lips' edges, for its own
    lowered = vertices[:skin, 1] - source.vertices[:skin, 1]
    places[:, 1] -= 0.30 * np.clip(lowered, 0, 12) * surface.lid
    before, after = lip_gap(source.points), lip_gap(points)
    closing = _closing(before, after)
    moved = np.clip(abs(after - before) / 6, 0, 1) * (1 - closing)
    places[:, 1] -= 2.2 * moved * surface.inner_edge + 3.0 * closing * surface.inner_rim
    return places


def gain(
    surface: Surface, source: Source, normals: np.ndarray, vertices: np.ndarray, points: np.ndarray
) -> np.ndarray:
    """(skin,) factor of brightness, from the light of the photo on normals (skin, 3) of the edit.

    1 where nothing moves.
    """
    key = _key(normals) / _key(source.normals)
    factor = source.light.on(normals) / source.light.on(source.normals) * key**1.5
    factor = np.clip(factor, DARKEST, BRIGHTEST)
    near_eyes = surface.to_eyes < 1.6
    factor[source.hidden & near_eyes] = 1  # its light in the photo is not known
    skin = surface.model.skin
    lowered = vertices[:skin, 1] - source.vertices[:skin, 1]
    lid = np.clip(lowered / 8, 0, 1) * np.clip(1.4 - surface.to_eyes, 0, 1)
    factor = factor * (1 - lid) + lid * np.clip(factor, 0.80, 0.97)
    factor *= 1 - 0.45 * surface.lash * np.clip((lowered - 3) / 5, 0, 1)
    closing = _closing(lip_gap(source.points), lip_gap(points))
    return factor * (1 - 0.22 * closing * surface.contact)


def _key(normals: np.ndarray) -> np.ndarray:
    return 0.75 + 0.25 * np.clip(normals @ KEY_LIGHT, 0, 1)


def _closing(before: float, after: float) -> float:
    """0 where the lips stay apart or were closed before, 1 where they come together."""
    return float(np.clip((before - after) / 8, 0, 1) * np.clip((5 - after) / 4, 0, 1))
