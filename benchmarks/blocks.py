"""Format the blocks of figures of docs/performance.md as Markdown.

values: the results of a measurement, by title.
"""

import re
from collections.abc import Iterable

from training.evaluate.documents import FigureBlock
from training.evaluate.markdown import duration, short, significant, table, word

from .keys import BASELINE, EAGER, FASTER_THAN_BASELINE, PSNR_TO_EAGER

# Sliders that every generator has: name in the values -> heading of a column.
SLIDER_COLUMNS = {"mean of all units": "mean of all units", "open mouth": "open mouth (worst case)"}
EQUAL_PSNR = 120  # [dB]; above it, two float32 pictures differ by rounding only


def machine(values: dict) -> str:
    """Describe the processor, the measured peak rates and the backend that was chosen.

    The rates are those of the device: with CUDA, of the GPU.
    """
    description = values["machine"]
    name = re.sub(r"\((R|TM)\)|\b(CPU|Processor)\b|@.*", "", description["processor"])
    name = " ".join(name.split()) or "unknown processor"
    article = "an" if name[0] in "AEIOaeiou" else "a"
    cores = "core" if description["cores"] == 1 else "cores"
    amx = " with AMX" if "amx_bf16" in description["flags"] else ""
    gpu = f", and one {description['gpu']}" if "gpu" in description else ""
    float32, bf16 = (
        significant(description[f"matmul {kind} [GFLOP/s]"]) for kind in ("float32", "bf16")
    )
    return (
        f"{word(description['cores']).capitalize()} {cores} of {article} {name}{amx}{gpu}. "
        f"Matrix products: {float32} GFLOP/s in float32, {bf16} GFLOP/s in bf16. "
        f"{description['precision']} was chosen by the measurement at start."
    )


def speed_slider(values: dict) -> str:
    """Format the times from a slider to the picture, beside the reference generator."""
    times, sides = values["ms"], values["sides [px]"]
    faster = values[FASTER_THAN_BASELINE]
    subjects = {
        "slider to photo": f"a photo of {sides['photo']} pixels, "
        f"the face {sides['face in the photo']} of them",
        "slider to face": f"a face of {sides['face in the close-up']} pixels",
    }

    def cells(subject: str, sliders: Iterable[str]) -> list[str]:
        titles = [f"{subject}, {name}" for name in sliders]
        return [f"{short(times[t])} ms, {short(faster[t])} times faster" for t in titles]

    rows = [[text, *cells(key, SLIDER_COLUMNS)] for key, text in subjects.items()]
    baseline = f"{short(times[BASELINE])} ms"
    rows.append(["baseline: GANimation's generator, 128 pixels", baseline, ""])
    units = table(["", *SLIDER_COLUMNS.values()], rows)
    sliders = [title.partition(", ")[2] for title in times if title.startswith("slider to face, ")]
    sliders = [name for name in sliders if name not in SLIDER_COLUMNS]
    if not sliders:
        return units
    rows = [[text, *cells(key, sliders)] for key, text in subjects.items()]
    return (
        f"{units}\n\n{table(['', *sliders], rows)}\n\n"
        f"Encoding a photo, once, is {short(faster['encode'])} times faster than the baseline."
    )


def speed_stages(values: dict) -> str:
    """Format the times of the stages, and the multiply-adds of encoding and generating."""
    stages = {  # key in the values -> heading
        "decode": "decode",
        "detect": "detect",
        "align and read": "align and read",
        "encode": "encode, once per photo",
        "generate": "generate, open mouth",
        "paste": "paste",
        "encode JPEG": "encode JPEG",
    }
    row = [f"{short(values['ms'][stage])} ms" for stage in stages]
    multiply_adds = values["giga multiply-adds"]
    return (
        f"{table(list(stages.values()), [row])}\n\n"
        f"Giga multiply-adds: encode {significant(multiply_adds['encode'])}, "
        f"generate {significant(multiply_adds['generate'])}."
    )


def speed_whole(values: dict) -> str:
    """Format the times of requests from end to end."""
    seconds, rate = values["whole [s]"], values["frames a second"]

    def times(*titles: str) -> str:
        return "; ".join(duration(seconds[title]) for title in titles)

    gif_encoding = "120 frames, GIF coded", "120 frames, GIF coded by imageio"
    short_animations = "24 frames, MP4 whole", "24 frames, GIF whole"
    rows = [
        ["a file to its first picture", times("upload to first picture")],
        ["120 frames, drawn", times("120 frames, drawn")],
        ["120 frames, drawn and written as MP4", times("120 frames, MP4 whole")],
        ["120 frames, drawn and written as GIF", times("120 frames, GIF whole")],
        ["encoding of that GIF; by imageio's writer", times(*gif_encoding)],
        ["24 frames, drawn and written as MP4; as GIF", times(*short_animations)],
        ["editing a 720p video", f"{rate['film of 720p']:.0f} frames per second"],
        ["editing a camera stream", f"{rate['camera']:.0f} frames per second"],
    ]
    return table(["request", "time"], rows)


def speed_scaling(values: dict) -> str:
    """Format the times by the number of frames and faces, and the size of the photo."""
    subjects = {
        "drawing [ms] by frames": "frames",
        "editing [ms] by faces": "faces in one photo (detection not included)",
    }
    rows = []
    for title, text in subjects.items():
        counts = [key for key in values[title] if key.isdigit()]
        each, fit = values[title]["each"], values[title]["R2"]
        rows.append([text, f"{short(each)} ms", f"{fit:.3f}", f"{counts[0]} to {counts[-1]}"])
    lines = table(["cost against", "each", "R² of a line", "range"], rows)
    generate, paste = (
        values[f"{stage} [ms] by side of the photo"] for stage in ("generate", "paste")
    )
    sizes = table(
        ["side of the photo, nearly all of it face [px]", *generate],
        [
            ["generate", *(f"{time:.0f} ms" for time in generate.values())],
            ["paste", *(f"{time:.0f} ms" for time in paste.values())],
        ],
    )
    return f"{lines}\n\n{sizes}"


def speed_backends(values: dict) -> str:
    """Format the backends of one generator, the slowest first."""
    times = {
        int(title.rpartition(" ")[2]): times
        for title, times in values.items()
        if title.startswith("ms a face")
    }
    single = times[min(times)]
    others = sorted((name for name in single if name != EAGER), key=single.get, reverse=True)
    names = {"OpenVINO, its own choice": "OpenVINO, automatic precision"}
    rows = []
    for batch, row in times.items():
        title = "ms per face" if batch == 1 else f"ms per face in batches of {batch}"
        cells = [f"{short(row[name])} ({row[EAGER] / row[name]:.1f})" for name in others]
        if others and not rows:
            cells[0] = cells[0].replace(")", " times faster)")
        rows.append([title, short(row[EAGER]), *cells])
    psnr = values[PSNR_TO_EAGER]
    rows.append(["PSNR to eager float32", "", *(_psnr(psnr[name]) for name in others)])
    return table(["", "eager float32", *(names.get(name, name) for name in others)], rows)


def _psnr(value: float) -> str:
    """Format a PSNR [dB]."""
    return f"above {EQUAL_PSNR} dB" if value > EQUAL_PSNR else f"{value:.0f} dB"


def speed_training(values: dict) -> str:
    """Format a training step in the chosen precision, and in float32 if that is not chosen."""
    rows = []
    for run in values["runs"]:
        precision = run["precision of ours"]
        names = ("reference", f"ours, {precision} (chosen)")
        if rows:
            names = (f"reference, in the run with {precision}", f"ours, {precision}")
        faster = ("1", f"{run['ours faster, times']:.1f}")
        for key, name, gain in zip(("reference", "ours"), names, faster, strict=True):
            steps = run[f"{key}: critic alone, with generator [s]"]
            rate = run[f"{key}: images a second"]
            rows.append([name, *(f"{step:.2f} s" for step in steps), f"{rate:.2f}", gain])
    headings = ["", "critic's step", "with the generator's", "images per second", "faster"]
    batch = values["runs"][0]["batch"]
    photos = "photo" if batch == 1 else "photos"
    return f"{table(headings, rows)}\n\nBatches of {word(batch)} {photos}."


def speed_training_penalty(values: dict) -> str:
    """Format the speed of training with the penalty in every step, and every few steps."""
    rows = []
    for run in values["runs"]:
        every = run["ours: penalty in one step of"]
        title = "every step (default)" if every == 1 else f"one of {word(every)} steps"
        rate, faster = run["ours: images a second"], run["ours faster, times"]
        rows.append([title, f"{rate:.2f}", f"{faster:.1f}"])
    return table(["penalty in", "images per second", "faster than the reference"], rows)


INFERENCE = "python -m benchmarks inference --write"
BLOCKS = {
    "machine": FigureBlock(INFERENCE, machine),
    "speed-slider": FigureBlock(INFERENCE, speed_slider),
    "speed-stages": FigureBlock(INFERENCE, speed_stages),
    "speed-whole": FigureBlock(INFERENCE, speed_whole),
    "speed-scaling": FigureBlock(INFERENCE, speed_scaling),
    "speed-backends": FigureBlock("python -m benchmarks backends --write", speed_backends),
    "speed-training": FigureBlock("python -m benchmarks training --write", speed_training),
    "speed-training-penalty": FigureBlock(
        "python -m benchmarks training --penalty-every 4 --write speed-training-penalty",
        speed_training_penalty,
    ),
}
