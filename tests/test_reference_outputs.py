"""Outputs that a change of the code must not change: pictures and numbers of the shipped examples.

The references in tests/reference were written by `python -m pytest tests/test_reference_outputs.py
--write-references` before the code was moved. All networks run in float32, since the precision that
is chosen otherwise depends on the processor.
"""

import json

import numpy as np
import pytest
import torch
from gradio_client import Client, handle_file

from moodganimation.animator import Animator
from moodganimation.checkpoints.files import generators_in, load_checkpoint
from moodganimation.cli.commands import main
from moodganimation.expressions.moods import mood_of
from moodganimation.expressions.spaces import SPACES, Expression
from moodganimation.media.images import read_image, write_image
from moodganimation.media.video_reader import read_frames
from moodganimation.networks.rollout import rollout
from moodganimation.resources import CHECKPOINTS

from .conftest import ASSETS
from .studio import served

PHOTOS = [*sorted(ASSETS.glob("portrait-*.png")), ASSETS / "astronaut.png"]
PORTRAIT = ASSETS / "portrait-calm.png"
VIDEO = ASSETS.parent / "samples" / "videos" / "calm.mp4"
CHECKPOINT_NAMES = sorted(generators_in(CHECKPOINTS))
EDITS = {
    "smile": ["--set", "AU06=0.6", "--set", "AU12=0.9"],
    "open-mouth": ["--set", "AU25=0.8", "--set", "AU26=0.9"],
    "brows-and-lids": ["--set", "AU01=1", "--set", "AU04=0.7", "--set", "AU45=0.8"],
    "sad-preset": ["--preset", "sad", "--intensity", "0.7"],
    "mood": ["--set", "pleasure=0.8", "--set", "arousal=0.5"],
    "compound": ["--preset", "happily_surprised"],
}


def load_in_float32(checkpoint=None, device="cpu", **options) -> Animator:
    return LOAD(checkpoint, "cpu", **options | {"backends": ["float32"]})


LOAD = Animator.load


@pytest.fixture(scope="module")
def float32_animator():
    return load_in_float32()


@pytest.fixture
def run(monkeypatch):
    """The command line, in float32."""
    monkeypatch.setattr(Animator, "load", load_in_float32)

    def run(*arguments) -> None:
        assert main([str(a) for a in arguments]) == 0

    return run


def tile(pictures: list[np.ndarray]) -> np.ndarray:
    """Pictures side by side, (H, W, 3) uint8; the lower ones are continued in black."""
    height = max(len(picture) for picture in pictures)
    return np.hstack([np.pad(p, [(0, height - len(p)), (0, 0), (0, 0)]) for p in pictures])


def every_second_pixel_of_box(image: np.ndarray, animator: Animator, path=PORTRAIT) -> np.ndarray:
    """The edited part of a photo at half its sampling rate; outside of it the photo must stand."""
    photo = read_image(path)
    x0, y0, x1, y1 = animator.locate(photo).box
    outside = np.ones(photo.shape[:2], bool)
    outside[y0:y1, x0:x1] = False
    np.testing.assert_array_equal(image[outside], photo[outside])
    return image[y0:y1:2, x0:x1:2]


def as_pixels(picture: torch.Tensor) -> np.ndarray:
    """(C, H, W) in [-1, 1] as (H, W, 3) uint8."""
    picture = picture.expand(3, -1, -1).movedim(0, -1)
    return ((picture + 1) * 127.5).round().clamp(0, 255).byte().numpy()


def fixed_source(side: int) -> torch.Tensor:
    """(1, 3, side, side): the face of the astronaut, or near it."""
    photo = read_image(ASSETS / "astronaut.png")[60:188, 164:292].astype(np.float32)
    photo = torch.from_numpy(photo).movedim(-1, 0)[None] / 127.5 - 1
    return torch.nn.functional.interpolate(photo, size=(side, side), mode="bilinear")


@pytest.mark.parametrize("name", CHECKPOINT_NAMES)
def test_generator_outputs_stay(name, reference):
    generator, space, _ = load_checkpoint(CHECKPOINTS / f"{name}.safetensors")
    top = torch.tensor([axis.high for axis in space.axes])
    conditions = torch.stack([0.6 * top, torch.zeros_like(top), top * (torch.arange(len(top)) % 2)])
    source = fixed_source(generator.config.image_size)
    with torch.inference_mode():
        edits = list(rollout(generator, source, conditions[None]))
    pictures = [
        as_pixels(picture[0])
        for edit in edits[::2]
        for picture in (edit.composite, 2 * edit.attention - 1, edit.color)
    ]
    reference.picture(f"generator-{name}", tile([p[::2, ::2] for p in pictures]))
    fields = {key: getattr(edits[-1], key)[0] for key in ("motion", "light")}
    numbers = {key: [field.abs().mean(), field.abs().amax()] for key, field in fields.items()}
    reference.numbers(f"generator-{name}", {k: [float(x) for x in v] for k, v in numbers.items()})


@pytest.mark.parametrize("path", PHOTOS, ids=lambda path: path.stem)
def test_readings_stay(path, float32_animator, reference):
    portrait = float32_animator.locate(read_image(path))
    values = portrait.reading.asdict() | mood_of(portrait.reading).asdict()
    values["to_face"] = portrait.to_face.tolist()
    reference.numbers(f"read-{path.stem}", values)


def test_read_command_prints_the_reading(run, capsys, reference):
    run("read", PORTRAIT)
    reference.numbers("read-command", json.loads(capsys.readouterr().out))


@pytest.mark.parametrize("name", EDITS)
def test_edits_stay(name, run, tmp_path, float32_animator, reference):
    run(
        "edit",
        PORTRAIT,
        *EDITS[name],
        "--out",
        tmp_path / "edited.png",
        "--panels",
        tmp_path / "panels.png",
    )
    image = every_second_pixel_of_box(read_image(tmp_path / "edited.png"), float32_animator)
    panels = read_image(tmp_path / "panels.png")[::3, ::3]
    reference.picture(f"edit-{name}", tile([image, panels]))


@pytest.mark.parametrize("name", CHECKPOINT_NAMES)
def test_edits_of_every_checkpoint_stay(name, float32_animator, reference):
    animator = float32_animator.with_checkpoint(CHECKPOINTS / f"{name}.safetensors", ["float32"])
    assert animator.space.name in SPACES
    path = ASSETS / "portrait-dark.png"
    portrait = animator.locate(read_image(path))
    top = np.array([axis.high for axis in animator.space.axes])
    frame = animator.edit(portrait, Expression.clipped(animator.space, 0.7 * top))
    reference.picture(f"checkpoint-{name}", every_second_pixel_of_box(frame.image, animator, path))


@pytest.mark.parametrize("name", ["warp", "spatiotemporal"])
def test_animations_stay(name, run, tmp_path, reference):
    run(
        "animate",
        PORTRAIT,
        "--trajectory",
        ASSETS / "moods.csv",
        "--frames",
        7,
        "--columns",
        "--checkpoint",
        CHECKPOINTS / f"{name}.safetensors",
        "--out",
        tmp_path / "a.gif",
    )
    strips = [read_image(path)[::3, ::3] for path in sorted(tmp_path.glob("*.png"))]
    assert len(strips) == 3  # composite, attention, color
    reference.picture(f"animate-{name}", np.vstack(strips))


def test_animation_files_stay(run, tmp_path, reference):
    out = tmp_path / "happy.mp4"
    run("animate", PORTRAIT, "--preset", "happy", "--frames", 9, "--size", 160, "--out", out)
    frames = [frame for _, frame in read_frames(out, range(9))]
    reference.picture("animate-file", tile(frames[::4]), CODED)


@pytest.mark.parametrize("kind", ["figure", "scales", "fields"])
def test_sheets_stay(kind, run, tmp_path, reference):
    run("sheet", PORTRAIT, "--kind", kind, "--out", tmp_path / "sheet.png")
    reference.picture(f"sheet-{kind}", read_image(tmp_path / "sheet.png")[::6, ::6])


def test_films_stay(run, tmp_path, reference):
    out = tmp_path / "film.mp4"
    run("film", VIDEO, "--add", "AU12=0.8", "--add", "AU26=0.5", "--out", out)
    frames = [frame for _, frame in read_frames(out, range(16))]
    assert len(frames) == 16
    reference.picture("film", tile(frames[::5]), CODED)


def test_driven_photos_stay(run, tmp_path, reference):
    out, curves = tmp_path / "driven.mp4", tmp_path / "curves.csv"
    run("drive", PORTRAIT, "--by", VIDEO, "--csv", curves, "--size", 160, "--out", out)
    header, *rows = curves.read_text().splitlines()
    values = [[float(v) for v in row.split(",") if v] for row in rows]
    reference.numbers("drive", {"columns": len(header.split(",")), "rows": values[::5]})
    frames = [frame for _, frame in read_frames(out, range(16))]
    reference.picture("drive", tile(frames[::5]), CODED)


def test_v1_edit_answers_as_before(float32_animator, reference, tmp_path):
    with served(float32_animator) as url:
        client = Client(url, verbose=False, download_files=str(tmp_path))
        photo = handle_file(str(PORTRAIT))
        axes = {"AU12": 0.8, "AU25": 0.4, "arousal": 0.3}
        path, values = client.predict(photo, axes, "happy", 0.5, None, api_name="/v1_edit")
    reference.numbers("v1-edit", values)
    image = every_second_pixel_of_box(read_image(path), float32_animator)
    reference.picture("v1-edit", image)


# A codec makes more of a difference of 1, and other processors round otherwise: of coded frames.
CODED = (6, 32, 0.995)


class Reference:
    """Stored pictures and numbers, compared with new ones, or written anew."""

    folder = ASSETS.parent / "tests" / "reference"

    def __init__(self, write: bool):
        self.write = write

    def picture(self, name: str, found: np.ndarray, within: tuple = (1, 3, 0.999)) -> None:
        """A share of the values (the third number) within the first of 255, all in the second."""
        path = self.folder / f"{name}.png"
        if self.write:
            write_image(path, np.ascontiguousarray(found))
        expected = read_image(path)
        assert found.shape == expected.shape
        difference = np.abs(found.astype(int) - expected)
        most, all_, least = within
        assert difference.max() <= all_, f"{name}: a pixel changed by {difference.max()} of 255"
        share = (difference <= most).mean()
        assert share >= least, f"{name}: {1 - share:.2%} of the pixels changed by more than {most}"

    def numbers(self, name: str, found: dict) -> None:
        path = self.folder / f"{name}.json"
        if self.write:
            path.write_text(json.dumps(found, indent=1) + "\n")
        expected = json.loads(path.read_text())
        assert list(found) == list(expected)
        for key, value in expected.items():
            np.testing.assert_allclose(found[key], value, rtol=1e-3, atol=0.0051, err_msg=key)


@pytest.fixture
def reference(request):
    return Reference(request.config.getoption("--write-references"))
