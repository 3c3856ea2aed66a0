"""Measure a generator checkpoint on held-out photos: python -m training.evaluate --help"""

import argparse
import hashlib
import sys
from pathlib import Path

from moodganimation.errors import Problem
from moodganimation.runtime.terminal import escape_unprintable

from .documents import add_write_option, requested_blocks, write_blocks


def main(arguments: list[str] | None = None) -> int:
    escape_unprintable()
    options = _parser().parse_args(arguments)
    try:
        run(options)
    except (Problem, ValueError, OSError) as problem:
        print(f"training.evaluate: {problem}", file=sys.stderr)
        return 2
    return 0


def run(options) -> None:
    """Check the options, evaluate, and write the requested blocks. Raises ValueError."""
    from .blocks import BLOCKS

    if options.count < 1:
        raise ValueError(f"--count must be at least 1, got {options.count}.")
    if options.out.exists() and not options.out.is_dir():
        raise ValueError(f"{options.out} is a file; --out names a folder.")
    if bool(options.checkpoint) == options.all:
        raise ValueError("Name one CHECKPOINT, or use --all for every shipped one.")
    names = requested_blocks(options)
    if not options.all:
        if names:
            raise ValueError("--write needs --all: the tables compare all shipped checkpoints.")
        evaluate_file(options.checkpoint, options.out, options)
        return
    values = {
        name: evaluate_file(path, options.out / name, options)
        for name, path in shipped_checkpoints().items()
    }
    write_blocks(names, BLOCKS, values)


def shipped_checkpoints() -> dict[str, Path]:
    """Find the shipped generator checkpoints, by name."""
    from moodganimation.checkpoints.files import generators_in
    from moodganimation.resources import CHECKPOINTS

    return generators_in(CHECKPOINTS)


def evaluate_file(checkpoint: Path, out: Path, options) -> dict:
    """Evaluate a checkpoint, write both files into `out`, print the table, and return the values.

    The values are those of evaluation.json. options: the parsed command line.
    """
    from moodganimation.animator import DEFAULT_CHECKPOINT
    from moodganimation.checkpoints.files import device_named, load_checkpoint

    from .estimator import reader_estimator
    from .output import table, write_files
    from .page import page
    from .photos import open_photos
    from .recognizer import Recognizer
    from .report import evaluate, json_values

    device = device_named(options.device)
    generator, space, card = load_checkpoint(checkpoint)
    size = generator.config.image_size
    photos = open_photos(options.data, options.split, options.count, size, options.seed)
    clips = _open_clips(options, photos, space, size)
    recognizer = Recognizer(options.recognizer) if options.recognizer else None
    reader = load_checkpoint(DEFAULT_CHECKPOINT).generator.to(device)
    evaluation = evaluate(
        generator,
        space,
        photos,
        reader_estimator(reader, generator, card),
        clips=clips,
        recognizer=recognizer,
        seed=options.seed,
        device=device,
    )
    about = _about(checkpoint, generator, space, card) | {
        "data": options.data.resolve().name,
        "split": options.split,
        "recognizer": recognizer.name if recognizer else None,
    }
    values = {"checkpoint": json_values(about)} | evaluation.values
    write_files(out, values, page(values, evaluation))
    print(table(values))
    print(f"\n{out / 'evaluation.json'}\n{out / 'evaluation.html'}")
    return values


def _open_clips(options, photos, space, size: int) -> list:
    """Open the clips of the split, if any; append notes to those of the photos."""
    from .photos import open_clips, with_relative_paths

    try:
        clips, notes = open_clips(options.data, options.split, space, size)
    except ValueError as problem:
        clips, notes = [], [f"No filmed clips: {with_relative_paths(options.data, problem)}"]
    photos.notes.extend(notes)
    return clips


def _about(checkpoint: Path, generator, space, card: dict) -> dict:
    """Describe the file and the network of a checkpoint."""
    data = checkpoint.read_bytes()
    return {
        "file": checkpoint.name,
        "sha256": hashlib.sha256(data).hexdigest(),
        "megabytes": round(len(data) / 1e6, 2),
        "architecture": generator.config.architecture,
        "space": space.name,
        "side": generator.config.image_size,
        "card": card,
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.evaluate", description=__doc__)
    add = parser.add_argument
    add("checkpoint", type=Path, nargs="?", metavar="CHECKPOINT")
    add("--all", action="store_true", help="evaluate every shipped checkpoint")
    data_help = "folder with imgs/ and SPLIT_ids.csv, a name per line"
    add("--data", type=Path, required=True, metavar="DIR", help=data_help)
    add("--split", default="test", help="the photos listed in DIR/SPLIT_ids.csv (default: test)")
    add("--count", type=int, default=24, help="photos to edit (default: 24)")
    out_help = "for evaluation.json and evaluation.html; with --all, a subfolder per checkpoint"
    add("--out", type=Path, default=Path("evaluation"), metavar="FOLDER", help=out_help)
    add("--seed", type=int, default=0, help="seed of photos and random moods")
    add("--device", default="auto", help="auto, cpu or cuda")
    recognizer_help = "OpenCV's SFace, to measure identity"
    add("--recognizer", type=Path, metavar="FILE.onnx", help=recognizer_help)
    add_write_option(parser, ["models", "systems", "systems-comparison", "systems-restlessness"])
    return parser


if __name__ == "__main__":
    sys.exit(main())
