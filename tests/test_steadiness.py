"""The judge of steadiness, on points that are known."""

import numpy as np
import pytest

from training.evaluate.judges import steadiness


def turning(frames: int, noise: float = 0.0) -> np.ndarray:
    """(T, 478, 3): a sphere of points that turns about the vertical axis, to the left."""
    rng = np.random.default_rng(0)
    face = rng.normal(0, 1, (478, 3))
    face = 50 * face / np.linalg.norm(face, axis=1, keepdims=True)
    seen = []
    for angle in np.radians(np.linspace(0, 10, frames)):
        cos, sin = np.cos(angle), np.sin(angle)
        turn = np.array([[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]])
        seen.append(face @ turn.T)
    return np.array(seen) + rng.normal(0, noise, (frames, 478, 3))


def test_restlessness_is_low_for_steady_motion_and_high_for_noise():
    assert steadiness.jitter(turning(20)) < 0.05
    assert steadiness.speed(turning(20)) > 0.2
    # the second difference of independent noise has six times its variance, in two coordinates
    expected = np.sqrt(12) * 0.5
    assert steadiness.jitter(turning(60, 0.5)) == pytest.approx(expected, rel=0.1)


def test_yaw_to_the_left_is_positive():
    turns = steadiness.yaw(turning(5))
    assert turns[0] == pytest.approx(0, abs=1e-6) and turns[-1] == pytest.approx(10, abs=0.5)


def test_gaze_is_in_widths_of_the_eye():
    points = np.zeros((1, 478, 2))
    points[0, [33, 133, 362, 263], 0] = 0, 10, 20, 30
    points[0, [468, 473], 0] = 6, 26  # a tenth of the width towards the viewer's right
    assert steadiness.horizontal_gaze(points)[0] == pytest.approx(0.1)


def test_file_without_frames_raises_readable_error(tmp_path, capsys):
    (tmp_path / "no.mp4").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="not a readable video"):
        next(steadiness.read_frames(tmp_path / "no.mp4"))
