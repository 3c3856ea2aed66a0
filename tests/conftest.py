"""What many tests need: the shipped animator, a real photograph, tiny networks."""

from pathlib import Path

import pytest
import torch

from moodganimation.animator import Animator
from moodganimation.checkpoints.files import build_generator, load_checkpoint, save_generator
from moodganimation.expressions.spaces import FACS
from moodganimation.media.images import read_image
from moodganimation.networks.base import GeneratorConfig

from . import watch

ASSETS = Path(__file__).parent.parent / "assets"
PHOTO = ASSETS / "astronaut.png"


def pytest_addoption(parser):
    parser.addoption(
        "--write-references",
        action="store_true",
        help="write tests/reference anew instead of comparing with it",
    )


def pytest_configure(config):
    # The default run measures no time, so that a busy machine does not fail it.
    watch.time_limits = "not slow" not in config.option.markexpr


@pytest.fixture(scope="session")
def animator() -> Animator:
    return Animator.load(device="cpu")


@pytest.fixture(scope="session")
def photo():
    return read_image(PHOTO)


@pytest.fixture(scope="session")
def portrait(animator, photo):
    return animator.locate(photo)


@pytest.fixture
def tiny():
    """A warp generator with weights that move and paint, unlike fresh ones."""
    return _moving(GeneratorConfig(architecture="warp", condition_dim=17, image_size=32, width=8))


@pytest.fixture(scope="session")
def facs_animator(animator, tmp_path_factory) -> Animator:
    """An animator whose generator and reader have the space FACS, with weights that move, paint and
    read something."""
    path = tmp_path_factory.mktemp("facs") / "facs.safetensors"
    config = GeneratorConfig(architecture="warp", condition_dim=50, image_size=64, width=16)
    save_generator(path, _moving(config), FACS, {"name": "facs"})
    checkpoint = load_checkpoint(path)
    return Animator(
        checkpoint,
        reader=checkpoint.generator,
        finder=animator.finder,
        aligner=animator.aligner,
        device=animator.device,
        checkpoint_path=path,
    )


@pytest.fixture(scope="session")
def facs_portrait(facs_animator, photo):
    return facs_animator.locate(photo)


def _moving(config: GeneratorConfig):
    torch.manual_seed(0)
    generator = build_generator(config).eval()
    torch.nn.init.normal_(generator.painter.heads.weight, 0, 0.5)
    torch.nn.init.normal_(generator.fields.weight, 0, 1.0)
    return generator
