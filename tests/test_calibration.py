"""Calibration of the reader by pairs of photographs, and the checkpoints of commands for `warp`."""

import numpy as np
import pytest
import torch

from moodganimation.animator import DEFAULT_CHECKPOINT
from moodganimation.checkpoints.files import save_generator
from moodganimation.expressions.axis_map import axis_map
from moodganimation.expressions.spaces import ACTION_UNITS, FACS
from moodganimation.networks.base import GeneratorConfig
from moodganimation.networks.warp import WarpGenerator
from training.__main__ import main
from training.warp import calibrate as calibration
from training.warp.loading import load_warp
from training.warp.train import set_axes


class Photographs:
    """Pairs of random pictures with a motion, as `Pairs` gives them."""

    space, second_photo_rows = FACS, [0, 1, 2]

    def pair(self, index: int, rng: np.random.Generator) -> tuple:
        faces = rng.uniform(-1, 1, (2, 3, 32, 32)).astype(np.float32)
        plane = np.zeros((1, 32, 32), np.float32)
        flow = np.full((2, 32, 32), 0.02, np.float32)
        axes, jaws = np.zeros(50, np.float32), np.zeros(15, np.float32)
        maps = plane + 1, plane, plane, jaws, plane, plane, plane, np.zeros((1, 1, 1), np.float32)
        return *faces, axes, axes, flow, *maps

    def draw_photo(self, rng: np.random.Generator, opening_share: float) -> tuple:
        photo = rng.uniform(-1, 1, (3, 32, 32)).astype(np.float32)
        return photo, rng.uniform(0, 1, 50).astype(np.float32)


@pytest.fixture
def generator() -> WarpGenerator:
    torch.manual_seed(0)
    config = GeneratorConfig(
        architecture="warp",
        condition_dim=50,
        unit_fields=len(axis_map(FACS).fields),
        image_size=32,
        width=32,  # with fewer channels this torch crashes in the backward pass of a convolution
        extra_fields=3,
    )
    generator = WarpGenerator(config)
    set_axes(generator, FACS)
    return generator


def test_calibration_changes_only_the_reader_and_lowers_its_errors(generator, monkeypatch):
    monkeypatch.setattr(calibration, "STEPS", 40)
    monkeypatch.setattr(calibration, "RATE", 1e-2)
    before = {key: value.clone() for key, value in generator.state_dict().items()}
    errors = calibration.calibrate(generator, Photographs())
    changed = {key for key, x in generator.state_dict().items() if not torch.equal(x, before[key])}
    assert changed and all(key.startswith("reader.") for key in changed)
    assert errors["labels, last"] < errors["labels, first"]


def test_calibration_without_pairs_of_photographs_raises_readable_error(generator):
    data = Photographs()
    data.second_photo_rows = []
    with pytest.raises(ValueError, match="pairs of two photographs"):
        calibration.calibrate(generator, data)
    without_sides = Photographs()
    without_sides.space = ACTION_UNITS
    with pytest.raises(ValueError, match="generator of FACS"):
        calibration.calibrate(generator, without_sides)


@pytest.mark.parametrize("command", ["pairs", "ablation", "calibrate", "folds", "refine"])
def test_commands_for_warp_refuse_another_generator(command, tmp_path, capsys):
    path = DEFAULT_CHECKPOINT.with_name("mood.safetensors")
    options = ["--data", str(tmp_path), "--checkpoint", str(path), "--out", str(tmp_path / "out")]
    assert main([command, *options]) == 2
    assert "resnet of pad; this command takes warp of" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["calibrate", "folds", "refine"])
def test_commands_for_facs_refuse_action_units(command, tiny, tmp_path, capsys):
    path = tmp_path / "units.safetensors"
    save_generator(path, tiny, ACTION_UNITS, {})
    options = ["--data", str(tmp_path), "--checkpoint", str(path), "--out", str(tmp_path / "out")]
    assert main([command, *options]) == 2
    assert "warp of action_units; this command takes warp of facs" in capsys.readouterr().err


def test_loading_without_motion_fields_of_units_raises_readable_error(tmp_path):
    path = tmp_path / "facs.safetensors"
    config = GeneratorConfig(architecture="warp", condition_dim=50, image_size=32, width=8)
    save_generator(path, WarpGenerator(config), FACS, {})
    with pytest.raises(ValueError, match=r"no motion fields of units \(unit_fields is 0\)"):
        load_warp(path, facs_only=True)
