"""Time every stage on this machine in one run: python -m benchmarks inference.

The baseline is the reference generator: the network of the code of Pumarola et al. 2018 as it was
published (resnet, width 64, eager, float32). Every round times each function once, so that other
load on the machine affects all of them; medians are reported.
"""

import itertools
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import imageio.v3
import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from moodganimation.animation.easing import interpolate
from moodganimation.animator import Animator
from moodganimation.checkpoints.files import build_generator, generators_in, load_generator
from moodganimation.expressions.spaces import ACTION_UNITS, FACS, Expression
from moodganimation.faces.portrait import Portrait
from moodganimation.frame import Frame
from moodganimation.media.images import read_image, write_image
from moodganimation.media.video_reader import open_film
from moodganimation.media.video_writer import write_animation
from moodganimation.networks.base import Generator, GeneratorConfig
from moodganimation.resources import CHECKPOINTS
from moodganimation.runtime.backends import optimize
from moodganimation.runtime.openvino import use_instance_norms
from moodganimation.runtime.threads import limit_torch_threads, usable_cores
from moodganimation.video.editing import edit_video, offset_by
from moodganimation.video.live import Live
from training.data.units import in_facs, units_of

from .keys import BASELINE, FASTER_THAN_BASELINE
from .scaling import scaling
from .timing import describe_machine, median_seconds, time_interleaved

REFERENCE = GeneratorConfig(architecture="resnet", condition_dim=17, width=64)
# Sliders that only generators of FACS have, one example of each kind: name in the results -> axis.
SLIDERS = {"one side (AU12L)": "AU12L", "gaze (AU61)": "AU61", "head (AU51)": "AU51"}
SIDE = 512  # side of the photo, and of the face crop in the close-up [px]
UPLOAD_ROUNDS = 5
ANIMATION_FRAMES = (24, 120)
FILM_SIDES = (720, 1280)  # height and width of the edited video [px]
FILM_FRAMES, CAMERA_FRAMES = 72, 40
CAMERA_STEP = 3  # frames of the camera stream have every third pixel of the video's


def reference_generator() -> Generator:
    """Build the reference generator (width 64) with weights that give the output of `ganimation`.

    The shipped `ganimation` is half as wide. Every channel of its weights is duplicated, so that
    pictures can be compared as well as speed.
    """
    narrow = load_generator(CHECKPOINTS / "ganimation.safetensors")
    wide = build_generator(REFERENCE)
    for narrow_module, wide_module in zip(narrow.modules(), wide.modules(), strict=True):
        input_dim = 0 if isinstance(wide_module, nn.ConvTranspose2d) else 1
        for name, parameter in wide_module.named_parameters(recurse=False):
            weight = getattr(narrow_module, name)
            for dim, size in enumerate(parameter.shape):
                copies = size // weight.shape[dim]
                weight = torch.cat([weight] * copies, dim) / (copies if dim == input_dim else 1)
            parameter.data.copy_(weight)
    return wide.eval()


def giga_multiply_adds(function: Callable) -> float:
    """Count the giga multiply-adds of a call."""
    with FlopCounterMode(display=False) as counter:
        function()
    return counter.get_total_flops() / 2e9


@dataclass(frozen=True)
class Subject:
    """What is measured: an animator with a photo, a close-up of its face, and the reference."""

    animator: Animator
    portrait: Portrait  # of the photo, at most SIDE pixels a side
    close_up: Portrait  # of the close-up, whose face crop has SIDE pixels a side
    reference: nn.Module  # the reference generator
    source: torch.Tensor  # (1, 3, H, W): the close-up's face, for the reference generator
    units: Expression  # the reading of the close-up in Action Units
    smile: Expression  # `units` with a smile

    @classmethod
    def of(cls, animator: Animator, photo: np.ndarray) -> "Subject":
        """Prepare what is measured from an animator and a photo."""
        portrait = animator.locate(photo).downscaled(SIDE)
        close_up = animator.locate(crop_close_up(portrait))
        reference = use_instance_norms(reference_generator()).to(animator.device)
        source = animator._source(close_up, reference.config.image_size).contiguous()
        units = Expression.clipped(ACTION_UNITS, units_of(close_up.reading.vector()))
        smile = units.replace(AU12=0.9, AU25=0.6)
        return cls(animator, portrait, close_up, reference, source, units, smile)

    def run_reference(self) -> None:
        """Run the reference generator on the close-up's face."""
        self.reference(self.source, self.animator._condition(self.units))

    def encode(self) -> Portrait:
        """Encode the close-up."""
        return self.animator.encode(self.close_up)

    def generate(self) -> Frame:
        """Edit the close-up, without pasting the picture."""
        return self.animator.edit(self.close_up, self.smile)


@torch.inference_mode()
def measure_inference(
    animator: Animator, photo: np.ndarray, rounds: int = 15, short: bool = False
) -> dict[str, object]:
    """Measure all stages; return values by title.

    photo: (H, W, 3) uint8 RGB. short: the stages only, without the other generators, scaling, whole
    requests and videos.
    """
    # All cores, as in the reference code and in programs that only import the library.
    torch.set_num_threads(usable_cores())
    subject = Subject.of(animator, photo)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "photo.jpg"
        write_image(path, subject.close_up.photo)
        times = _stage_times(subject, path, rounds)
        result = _stage_figures(subject, times)
        if not short:
            result["networks [ms]"] = _networks(animator, subject.reference, subject.source, rounds)
            limit_torch_threads()  # as commands and the page do
            result |= scaling(animator, subject.close_up.photo, subject.smile)
            result["whole [s]"] = _requests(animator, path, Path(folder), subject.smile)
            result["frames a second"] = _videos(animator, subject.close_up.photo, Path(folder))
    return result


def _stage_times(subject: Subject, path: Path, rounds: int) -> dict[str, float]:
    """Measure the median seconds of each stage, and from a slider to the picture."""
    animator, close_up = subject.animator, subject.close_up
    to_face, frame = animator.find(close_up.photo)[0], subject.generate()
    unit_keys, calls = ACTION_UNITS.keys, itertools.count()

    def move_sliders(portrait: Portrait, *keys: str, **others: float) -> None:
        """For each key, edit the initial expression with this axis alone at `level`, and paste.

        others: further axes with fixed values, set in every edit.
        """
        # The keys are Action Units, which the space of a mood generator lacks.
        start = animator.start(portrait) if animator.space == FACS else portrait.reading
        # It differs from call to call, so that nothing is cached.
        level = 0.5 + (next(calls) % 40) / 80
        for key in keys:
            target = start.replace(**{key: level}, **others)
            animator.edit(portrait, target).image  # noqa: B018  pasted on access

    stages = {
        BASELINE: subject.run_reference,
        "decode": lambda: read_image(path),
        "detect": lambda: animator.find(close_up.photo),
        "align and read": lambda: animator.track_crop(close_up.photo, to_face),
        "encode": subject.encode,
        "generate": subject.generate,
        "paste": lambda: close_up.paste(*_paste_inputs(frame)),
        "encode JPEG": lambda: cv2.imencode(".jpg", close_up.photo),
    }
    portraits = {"slider to photo": subject.portrait, "slider to face": close_up}
    for name, portrait in portraits.items():
        stages[f"{name}, open mouth"] = partial(move_sliders, portrait, "AU12", AU25=0.6)
        stages[f"{name}, mean of all units"] = partial(move_sliders, portrait, *unit_keys)
        for slider, key in SLIDERS.items() if animator.space == FACS else ():
            stages[f"{name}, {slider}"] = partial(move_sliders, portrait, key)
    times = time_interleaved(stages, rounds, animator.device)
    for name in portraits:
        times[f"{name}, mean of all units"] /= len(unit_keys)
    return times


def _stage_figures(subject: Subject, times: dict[str, float]) -> dict[str, dict]:
    """Compute the figures of the stages, also relative to the baseline and the machine's peak."""
    animator, baseline = subject.animator, times[BASELINE]
    description = describe_machine(animator.device, animator.generator.backend)
    multiply_adds = {
        BASELINE: giga_multiply_adds(subject.run_reference),
        "encode": giga_multiply_adds(subject.encode),
        "generate": giga_multiply_adds(subject.generate),
    }
    peak = description["matmul float32 [GFLOP/s]"]
    return {
        "machine": description,
        "sides [px]": {
            "photo": max(subject.portrait.photo.shape[:2]),
            "face in the photo": round(subject.portrait.side),
            "face in the close-up": SIDE,
        },
        "ms": {name: round(1000 * value, 2) for name, value in times.items()},
        FASTER_THAN_BASELINE: {
            name: round(baseline / value, 1)
            for name, value in times.items()
            if name.startswith("slider") or (name == "encode" and animator.space == FACS)
        },
        "giga multiply-adds": {name: round(count, 3) for name, count in multiply_adds.items()},
        # Share of the measured peak rate of float32 matrix products.
        "of the machine's products of matrices in float32": {
            name: f"{2 * count / times[name] / peak:.0%}" for name, count in multiply_adds.items()
        },
    }


def crop_close_up(portrait: Portrait) -> np.ndarray:
    """Cut out a face with a margin, scaled so that its crop has SIDE pixels a side."""
    x0, y0, x1, y1 = portrait.box
    margin, scale = round(portrait.side / 8), SIDE / portrait.side
    cut = portrait.photo[max(0, y0 - margin) : y1 + margin, max(0, x0 - margin) : x1 + margin]
    return cv2.resize(cut, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)


def _paste_inputs(frame: Frame) -> tuple:
    """Convert an edit to the arguments of `Portrait.paste`: arrays (h, w[, C]) float32."""
    attention, color, motion, light = (x[0].float().numpy() for x in frame.edit[1:5])
    return attention[0], color.transpose(1, 2, 0), motion.transpose(1, 2, 0), light[0]


def _requests(animator: Animator, path: Path, folder: Path, target: Expression) -> dict[str, float]:
    """Measure the seconds from a file to its first picture, and of animations.

    Titles of animations: *drawn*: all frames are rendered; *coded*: the rendered frames are encoded
    and written; *whole*: both together, frame by frame.
    """

    def upload():
        portrait = animator.locate(read_image(path))
        return animator.edit(portrait, portrait.reading.replace(AU12=0.9)).image

    result = {"upload to first picture": median_seconds(upload, animator.device, UPLOAD_ROUNDS)}
    portrait = animator.locate(read_image(path))
    for count in ANIMATION_FRAMES:
        trajectory = interpolate(portrait.reading, target, count)
        started = time.perf_counter()
        frames = [frame.view("face", SIDE) for frame in animator.animate(portrait, trajectory)]
        drawn = time.perf_counter() - started
        result[f"{count} frames, drawn"] = drawn
        for ending in ("gif", "mp4"):
            started = time.perf_counter()
            write_animation(folder / f"a.{ending}", iter(frames))
            result[f"{count} frames, {ending.upper()} coded"] = time.perf_counter() - started
            started = time.perf_counter()
            views = (frame.view("face", SIDE) for frame in animator.animate(portrait, trajectory))
            write_animation(folder / f"b.{ending}", views)
            result[f"{count} frames, {ending.upper()} whole"] = time.perf_counter() - started
        started = time.perf_counter()
        imageio.v3.imwrite(folder / "c.gif", frames, duration=1000 / 24, loop=0)
        result[f"{count} frames, GIF coded by imageio"] = time.perf_counter() - started
    return {name: round(value, 3) for name, value in result.items()}


def _videos(animator: Animator, photo: np.ndarray, folder: Path) -> dict[str, float]:
    """Measure frames per second of editing a video of the moving photo, and a camera stream.

    A frame of the camera stream is decoded from JPEG, edited and encoded again.
    """
    change = offset_by({"AU12": 0.5, "AU25": 0.4})
    write_animation(folder / "film.mp4", _moving_photo(photo, FILM_FRAMES))
    started = time.perf_counter()
    report = edit_video(animator, open_film(folder / "film.mp4"), folder / "out.mp4", change)
    film_rate = report.frames / (time.perf_counter() - started)
    frames = (frame[::CAMERA_STEP, ::CAMERA_STEP] for frame in _moving_photo(photo, CAMERA_FRAMES))
    camera_jpegs = [cv2.imencode(".jpg", frame)[1] for frame in frames]
    live, times = Live(animator), []
    for jpeg in camera_jpegs:
        started = time.perf_counter()
        picture = live.edit(cv2.imdecode(jpeg, cv2.IMREAD_COLOR_RGB), change)
        cv2.imencode(".jpg", picture)
        times.append(time.perf_counter() - started)
    return {"film of 720p": round(film_rate, 1), "camera": round(1 / statistics.mean(times), 1)}


def _moving_photo(photo: np.ndarray, count: int) -> Iterator[np.ndarray]:
    """Yield frames of FILM_SIDES in which the photo moves sideways before a grey background."""
    (film_height, film_width), (height, width) = FILM_SIDES, photo.shape[:2]
    center, amplitude = 150, 120  # of the photo's left edge [px]
    max_width = 900  # of the photo [px]: it stays within the frame at 150 + 120
    size = round(film_height * width / height), film_height
    scaled = cv2.resize(photo, size)[:, :max_width]
    for i in range(count):
        frame = np.full((film_height, film_width, 3), 90, np.uint8)
        x = round(center + amplitude * np.sin(i / 15))
        frame[:, x : x + scaled.shape[1]] = scaled
        yield frame


def _networks(animator: Animator, reference, source, rounds: int) -> dict[str, float]:
    """Measure the milliseconds of encoding and editing one face by every shipped generator.

    reference: the reference generator. source: (1, 3, H, W).
    """
    optimized = build_generator(REFERENCE).eval()
    optimized.load_state_dict(reference.state_dict())
    optimized = optimize(optimized, animator.device)
    functions = {
        BASELINE: lambda: reference(source, _ones(reference, source)),
        f"seed generator, optimized ({optimized.backend})": lambda: optimized(
            source, _ones(optimized, source)
        ),
    }
    for name, path in generators_in(CHECKPOINTS).items():
        functions[name] = partial(_edit_all_axes, animator.with_checkpoint(path), source)
    times = time_interleaved(functions, rounds, animator.device)
    return {name: round(1000 * value, 2) for name, value in times.items()}


def _edit_all_axes(animator: Animator, source: torch.Tensor) -> None:
    """Encode a face and set every axis to 1; in FACS every Action Unit, without gaze and head."""
    generator = animator.generator
    if animator.space != FACS:
        generator(source, _ones(generator, source))
        return
    encoding = generator.encode(source)
    reading = generator.reading(encoding)
    generator.edit(encoding, in_facs(reading.new_ones(1, len(ACTION_UNITS.axes)), reading))


def _ones(generator: Generator, source: torch.Tensor) -> torch.Tensor:
    """Make a condition (N, D) of ones."""
    return source.new_ones(len(source), generator.config.condition_dim)
