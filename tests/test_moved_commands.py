"""Documented commands that moved name their new form and exit with 2."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize(
    "command, successor",
    [
        (["-m", "moodganimation", "bench", "--short"], "python -m benchmarks inference"),
        (["-m", "training", "bench", "--batch", "2"], "python -m benchmarks training"),
        (["-m", "training.measure", "SWEEPS"], "python -m training.evaluate.judges.face_mesh"),
        (["-m", "training.identity", "SWEEPS"], "python -m training.evaluate.judges.identity"),
        (["training/landmarks.py", "X"], "python training/data/prepare/face_mesh_landmarks.py"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[1],
)
def test_moved_command_names_its_successor(command, successor):
    result = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 2
    assert successor in result.stderr
