"""Appearance of moved skin: texture positions in the photo, and gain of brightness."""

import numpy as np

from .lips import mean_lip_gap
from .source import Source
from .surface import Surface

# Texture positions. Stretched skin must not sample lashes, or teeth behind the edges of the lips:
# it takes its texture from farther away from the edge [render px].
LID_SHIFT, MAX_LID_DROP = 0.30, 12  # px per px that an upper lid is lowered, up to that drop
LIP_SHIFT, LIP_MOTION = 2.2, 6  # at the edges of moving lips; change of the gap for all of it
CLOSING_SHIFT = 3.0  # at the edges of closing lips
# Lips close fully if their gap narrows by FULL_NARROWING or more, to SHUT_GAP or less; not at all
# if it stays at OPEN_GAP or more.
FULL_NARROWING, OPEN_GAP, SHUT_GAP = 8, 5, 1

# Gain of brightness.
KEY_LIGHT = np.float32([0, 0.5, 0.86])  # direction of a weak light that shows folds in flat light
KEY_LIGHT_SHARE = 0.25  # of the brightness
KEY_LIGHT_EXPONENT = 1.5  # of the gain by that light; above 1 it deepens folds
MIN_GAIN, MAX_GAIN = 0.6, 1.35
# Occluded skin nearer to the eyes keeps its brightness, since its light is not known [lengths].
UNKNOWN_LIGHT_DISTANCE = 1.6
LID_FADE_DISTANCE = 1.4  # from the eyes, at which the gain of a lid ends [lengths]
FULL_LID_DROP = 8  # of a lid, from which on its gain is within LID_GAIN_RANGE [render px]
LID_GAIN_RANGE = (0.80, 0.97)
LASH_SHADOW = 0.45  # of lowered lashes
LASH_DROPS = (3, 8)  # from which on it begins, and is full [render px]
CONTACT_SHADOW = 0.22  # of lips that close


def texture_positions(
    surface: Surface, source: Source, vertices: np.ndarray, is_drawn: np.ndarray, points: np.ndarray
) -> np.ndarray:
    """Compute texture positions (skin_count, 2) of skin vertices in the photo [render px].

    vertices (V, 3), points (468, 2): the mesh and its landmarks after the edit. is_drawn: (V,)
    bool, vertices visible after it. Unmoved skin keeps its position.
    """
    count = surface.model.skin_count
    positions = source.vertices[:count, :2].copy()
    appears = source.is_occluded & is_drawn[:count] & ~source.is_drawn[:count]
    positions[appears] = source.substitute_positions[appears]
    drop = vertices[:count, 1] - source.vertices[:count, 1]
    positions[:, 1] -= LID_SHIFT * np.clip(drop, 0, MAX_LID_DROP) * surface.upper_lid
    before, after = mean_lip_gap(source.points), mean_lip_gap(points)
    closing = _closing(before, after)
    moving = np.clip(abs(after - before) / LIP_MOTION, 0, 1) * (1 - closing)
    positions[:, 1] -= (
        LIP_SHIFT * moving * surface.inner_lip_narrow
        + CLOSING_SHIFT * closing * surface.inner_lip_wide
    )
    return positions


def brightness_gain(
    surface: Surface, source: Source, normals: np.ndarray, vertices: np.ndarray, points: np.ndarray
) -> np.ndarray:
    """Compute the gain of brightness (skin_count,) by the photo's light; 1 where nothing moves.

    normals (skin_count, 3), vertices (V, 3), points (468, 2): of the mesh after the edit.
    """
    key = _key_light(normals) / _key_light(source.normals)
    gain = source.light.brightness(normals) / source.light.brightness(source.normals)
    gain = np.clip(gain * key**KEY_LIGHT_EXPONENT, MIN_GAIN, MAX_GAIN)
    gain[source.is_occluded & (surface.eye_distance < UNKNOWN_LIGHT_DISTANCE)] = 1
    count = surface.model.skin_count
    drop = vertices[:count, 1] - source.vertices[:count, 1]
    lid = np.clip(drop / FULL_LID_DROP, 0, 1) * np.clip(
        LID_FADE_DISTANCE - surface.eye_distance, 0, 1
    )
    gain = gain * (1 - lid) + lid * np.clip(gain, *LID_GAIN_RANGE)
    first, last = LASH_DROPS
    gain *= 1 - LASH_SHADOW * surface.lashes * np.clip((drop - first) / (last - first), 0, 1)
    closing = _closing(mean_lip_gap(source.points), mean_lip_gap(points))
    return gain * (1 - CONTACT_SHADOW * closing * surface.lip_contact)


def _key_light(normals: np.ndarray) -> np.ndarray:
    """The relative brightness (N,) of normals (N, 3) with a share of light from KEY_LIGHT."""
    return (1 - KEY_LIGHT_SHARE) + KEY_LIGHT_SHARE * np.clip(normals @ KEY_LIGHT, 0, 1)


def _closing(before: float, after: float) -> float:
    """Compute how far lips close, 0 to 1, from their gaps [render px]; 0 if they were closed."""
    narrowed = np.clip((before - after) / FULL_NARROWING, 0, 1)
    shut = np.clip((OPEN_GAP - after) / (OPEN_GAP - SHUT_GAP), 0, 1)
    return float(narrowed * shut)
