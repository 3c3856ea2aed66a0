"""What everything costs on this machine, side by side in one run: python -m benchmarks inference.

The baseline is the seed's generator as everybody runs it: width 64, eager, float32. Every round
times each subject once, so that what disturbs the machine disturbs all of them; medians are told.
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
from moodganimation.runtime.openvino import with_instance_norms
from moodganimation.runtime.threads import cores, limit_torch_threads
from moodganimation.video.editing import edit_video, offset_by
from moodganimation.video.live import Live
from training.data.units import in_facs, units_of

from .scaling import curves
from .timing import interleaved, machine, median

SEED = GeneratorConfig(architecture="resnet", condition_dim=17, width=64)
BASELINE = "seed generator (width 64, float32)"
# Sliders that only generators of FACS have, an example of each kind, by what they are called here.
SLIDERS = {"one side (AU12L)": "AU12L", "gaze (AU61)": "AU61", "head (AU51)": "AU51"}
SIDE = 512  # of a picture: of a whole photo, or of the crop of its face [px]


def seed_generator() -> Generator:
    """The seed's generator, which shows what the shipped one of half its width does: every channel
    is there twice, so that its pictures can be compared, not only its speed."""
    narrow = load_generator(CHECKPOINTS / "ganimation.safetensors")
    wide = build_generator(SEED)
    for known, module in zip(narrow.modules(), wide.modules(), strict=True):
        inputs = 0 if isinstance(module, nn.ConvTranspose2d) else 1
        for name, value in module.named_parameters(recurse=False):
            weight = getattr(known, name)
            for dim, size in enumerate(value.shape):
                times = size // weight.shape[dim]
                weight = torch.cat([weight] * times, dim) / (times if dim == inputs else 1)
            value.data.copy_(weight)
    return wide.eval()


def operations(work: Callable) -> float:
    """Giga multiply-adds of a call."""
    with FlopCounterMode(display=False) as counter:
        work()
    return counter.get_total_flops() / 2e9


@dataclass(frozen=True)
class Subject:
    """What is measured: an animator on a photo and on a close-up of its face."""

    animator: Animator
    whole: Portrait  # of the photo, at most SIDE pixels
    portrait: Portrait  # of the close-up: the face has SIDE pixels
    seed: nn.Module
    source: torch.Tensor  # (1, 3, H, W): the close-up's face, for the seed's generator
    units: Expression  # the Action Units read in the close-up
    smile: Expression  # in Action Units: what else is read stays as it is

    @classmethod
    def of(cls, animator: Animator, photo: np.ndarray) -> "Subject":
        whole = animator.locate(photo).within(SIDE)
        portrait = animator.locate(close_up(whole))
        seed = with_instance_norms(seed_generator()).to(animator.device)
        source = animator._source(portrait, seed.config.image_size).contiguous()
        units = Expression.clipped(ACTION_UNITS, units_of(portrait.reading.vector()))
        smile = units.replace(AU12=0.9, AU25=0.6)
        return cls(animator, whole, portrait, seed, source, units, smile)

    def run_seed(self) -> None:
        self.seed(self.source, self.animator._condition(self.units))

    def encode(self) -> Portrait:
        return self.animator.encode(self.portrait)

    def generate(self) -> Frame:
        return self.animator.edit(self.portrait, self.smile)


@torch.inference_mode()
def bench(
    animator: Animator, photo: np.ndarray, rounds: int = 15, short: bool = False
) -> dict[str, object]:
    """Measured values by title. short: the stages alone, without animations, videos and scaling."""
    torch.set_num_threads(cores())  # as the seed runs, and whoever calls the library
    subject = Subject.of(animator, photo)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "photo.jpg"
        write_image(path, subject.portrait.photo)
        times = _stage_times(subject, path, rounds)
        result = _stage_figures(subject, times)
        if not short:
            result["networks [ms]"] = _networks(animator, subject.seed, subject.source, rounds)
            limit_torch_threads()  # as commands and the page do
            result |= curves(animator, subject.portrait.photo, subject.smile)
            result["whole [s]"] = _whole(animator, path, Path(folder), subject.smile)
            result["frames a second"] = _films(animator, subject.portrait.photo, Path(folder))
    return result


def _stage_times(subject: Subject, path: Path, rounds: int) -> dict[str, float]:
    """Median seconds of each stage and of a whole edit, which take turns in one run."""
    animator, portrait = subject.animator, subject.portrait
    to_face, frame = animator.find(portrait.photo)[0], subject.generate()
    keys, turn = ACTION_UNITS.keys, itertools.count()

    def move(portrait: Portrait, *keys: str, **others: float) -> None:
        """One after the other, by sliders of the expression that the animator starts from."""
        start = animator.start(portrait) if animator.space == FACS else portrait.reading
        level = 0.5 + (next(turn) % 40) / 80  # never the same twice
        for key in keys:
            target = start.replace(**{key: level}, **others)
            animator.edit(portrait, target).image  # noqa: B018  it is drawn when it is read

    stages = {
        BASELINE: subject.run_seed,
        "decode": lambda: read_image(path),
        "detect": lambda: animator.find(portrait.photo),
        "align and read": lambda: animator.track_crop(portrait.photo, to_face),
        "encode": subject.encode,
        "generate": subject.generate,
        "paste": lambda: portrait.paste(*_pasted(frame)),
        "encode JPEG": lambda: cv2.imencode(".jpg", portrait.photo),
    }
    pictures = {"slider to photo": subject.whole, "slider to face": portrait}
    for name, of in pictures.items():
        stages[f"{name}, open mouth"] = partial(move, of, "AU12", AU25=0.6)
        stages[f"{name}, mean of all units"] = partial(move, of, *keys)
        for slider, key in SLIDERS.items() if animator.space == FACS else ():
            stages[f"{name}, {slider}"] = partial(move, of, key)
    times = interleaved(stages, rounds, animator.device)
    for name in pictures:
        times[f"{name}, mean of all units"] /= len(keys)
    return times


def _stage_figures(subject: Subject, times: dict[str, float]) -> dict[str, dict]:
    """The times of the stages, and what they are worth on this machine."""
    animator, baseline = subject.animator, times[BASELINE]
    here = machine(animator.device, animator.generator.backend)
    works = {
        BASELINE: operations(subject.run_seed),
        "encode": operations(subject.encode),
        "generate": operations(subject.generate),
    }
    peak = here["matmul float32 [GFLOP/s]"]
    return {
        "machine": here,
        "sides [px]": {
            "photo": max(subject.whole.photo.shape[:2]),
            "face in the photo": round(subject.whole.side),
            "face in the close-up": SIDE,  # in the stages and all below
        },
        "ms": {name: round(1000 * value, 2) for name, value in times.items()},
        "times faster than the seed's generator": {
            name: round(baseline / value, 1)
            for name, value in times.items()
            if name.startswith("slider") or (name == "encode" and animator.space == FACS)
        },
        "giga multiply-adds": {name: round(work, 3) for name, work in works.items()},
        "of the machine's products of matrices in float32": {
            name: f"{2 * work / times[name] / peak:.0%}" for name, work in works.items()
        },
    }


def close_up(portrait: Portrait) -> np.ndarray:
    """What is around a face, enlarged until the crop of the face has SIDE pixels a side."""
    x0, y0, x1, y1 = portrait.box
    margin, scale = round(portrait.side / 8), SIDE / portrait.side
    around = portrait.photo[max(0, y0 - margin) : y1 + margin, max(0, x0 - margin) : x1 + margin]
    return cv2.resize(around, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)


def _pasted(frame) -> tuple:
    attention, color, motion, light = (x[0].float().numpy() for x in frame.edit[1:5])
    return attention[0], color.transpose(1, 2, 0), motion.transpose(1, 2, 0), light[0]


def _whole(animator: Animator, path: Path, folder: Path, wish) -> dict[str, float]:
    """Seconds from a file to its first picture, and for animations of 24 and 120 frames."""

    def upload():
        portrait = animator.locate(read_image(path))
        return animator.edit(portrait, portrait.reading.replace(AU12=0.9)).image

    result = {"upload to first picture": median(upload, animator.device, 5)}
    portrait = animator.locate(read_image(path))
    for count in (24, 120):
        way = interpolate(portrait.reading, wish, count)
        began = time.perf_counter()
        frames = [frame.view("face", SIDE) for frame in animator.animate(portrait, way)]
        drawn = time.perf_counter() - began
        result[f"{count} frames, drawn"] = drawn
        for ending in ("gif", "mp4"):
            began = time.perf_counter()
            write_animation(folder / f"a.{ending}", iter(frames))
            result[f"{count} frames, {ending.upper()} coded"] = time.perf_counter() - began
            began = time.perf_counter()
            shown = (frame.view("face", SIDE) for frame in animator.animate(portrait, way))
            write_animation(folder / f"b.{ending}", shown)
            result[f"{count} frames, {ending.upper()} whole"] = time.perf_counter() - began
        began = time.perf_counter()
        imageio.v3.imwrite(folder / "c.gif", frames, duration=1000 / 24, loop=0)
        result[f"{count} frames, GIF coded by imageio"] = time.perf_counter() - began
    return {name: round(value, 3) for name, value in result.items()}


def _films(animator: Animator, photo: np.ndarray, folder: Path) -> dict[str, float]:
    """Frames a second of a film in which the photo wanders, and of a camera that sees it so."""
    side, change = 720, offset_by({"AU12": 0.5, "AU25": 0.4})
    height, width = photo.shape[:2]
    small = cv2.resize(photo, (round(side * width / height), side))[:, :900]

    def wandering(count: int) -> Iterator[np.ndarray]:
        for i in range(count):
            frame = np.full((side, 1280, 3), 90, np.uint8)
            x = round(150 + 120 * np.sin(i / 15))
            frame[:, x : x + small.shape[1]] = small
            yield frame

    write_animation(folder / "film.mp4", wandering(72))
    began = time.perf_counter()
    made = edit_video(animator, open_film(folder / "film.mp4"), folder / "out.mp4", change)
    result = {"film of 720p": made.frames / (time.perf_counter() - began)}
    sent = [cv2.imencode(".jpg", frame[::3, ::3])[1] for frame in wandering(40)]
    live, taken = Live(animator), []
    for data in sent:
        began = time.perf_counter()
        picture = live.edit(cv2.imdecode(data, cv2.IMREAD_COLOR_RGB), change)
        cv2.imencode(".jpg", picture)
        taken.append(time.perf_counter() - began)
    return {k: round(v, 1) for k, v in (result | {"camera": 1 / statistics.mean(taken)}).items()}


def _networks(animator: Animator, seed, source, rounds: int) -> dict[str, float]:
    """Every shipped generator, encoding and editing one face."""
    quick = build_generator(SEED).eval()
    quick.load_state_dict(seed.state_dict())
    quick = optimize(quick, animator.device)
    optimized = f"seed generator, optimized ({quick.backend})"
    works = {
        BASELINE: lambda: seed(source, _ones(seed, source)),
        optimized: lambda: quick(source, _ones(quick, source)),
    }
    for name, path in generators_in(CHECKPOINTS).items():
        works[name] = partial(_edit_all, animator.with_checkpoint(path), source)
    times = interleaved(works, rounds, animator.device)
    return {name: round(1000 * value, 2) for name, value in times.items()}


def _edit_all(animator: Animator, source: torch.Tensor) -> None:
    """Encode a face and edit every axis; of FACS every Action Unit, without a turn of the head."""
    generator = animator.generator
    if animator.space != FACS:
        generator(source, _ones(generator, source))
        return
    encoding = generator.encode(source)
    reading = generator.reading(encoding)
    generator.edit(encoding, in_facs(reading.new_ones(1, len(ACTION_UNITS.axes)), reading))


def _ones(generator, source):
    return source.new_ones(len(source), generator.config.condition_dim)
