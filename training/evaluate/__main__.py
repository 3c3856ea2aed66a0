"""Measure a generator checkpoint on held-out photos: python -m training.evaluate --help"""

import argparse
import hashlib
import sys
from pathlib import Path

from moodganimation.errors import Problem

from .documents import add_write_option, requested_blocks, write_blocks


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        run(options)
    except (Problem, ValueError, OSError) as problem:
        print(f"training.evaluate: {problem}", file=sys.stderr)
        return 2
    return 0


def run(options) -> None:
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
        name: evaluate_file(path, options.out / name, options) for name, path in shipped().items()
    }
    write_blocks(names, BLOCKS, values)


def shipped() -> dict[str, Path]:
    """The shipped generator checkpoints by name."""
    from moodganimation.checkpoints.files import generators_in
    from moodganimation.resources import CHECKPOINTS

    return generators_in(CHECKPOINTS)


def evaluate_file(checkpoint: Path, out: Path, options) -> dict:
    """Evaluate one checkpoint, write both files into `out`, print the table, return the values."""
    from moodganimation.animator import DEFAULT_CHECKPOINT
    from moodganimation.checkpoints.files import device_named, load_checkpoint

    from .estimator import reader_of
    from .output import table, write
    from .page import page
    from .photos import open_photos
    from .recognizer import Recognizer
    from .report import evaluate, plain

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
        reader_of(reader, generator, card),
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
    values = {"checkpoint": plain(about)} | evaluation.values
    write(out, values, page(values, evaluation))
    print(table(values))
    print(f"\n{out / 'evaluation.json'}\n{out / 'evaluation.html'}")
    return values


def _open_clips(options, photos, space, size: int) -> list:
    """The filmed clips of the split, if there are any; the photos' remarks say what is missing."""
    from .photos import open_clips, within

    try:
        clips, remarks = open_clips(options.data, options.split, space, size)
    except ValueError as problem:
        clips, remarks = [], [f"No filmed clips: {within(options.data, problem)}"]
    photos.remarks.extend(remarks)
    return clips


def _about(checkpoint: Path, generator, space, card: dict) -> dict:
    """The file and the network of a checkpoint."""
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
    parser.add_argument("checkpoint", type=Path, nargs="?", metavar="CHECKPOINT")
    parser.add_argument("--all", action="store_true", help="evaluate every shipped checkpoint")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="imgs/ and ids")
    parser.add_argument("--split", default="test", help="of DIR/SPLIT_ids.csv (default: test)")
    parser.add_argument("--count", type=int, default=24, help="photos to edit (default: 24)")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("evaluation"),
        metavar="FOLDER",
        help="of evaluation.json and .html; with --all, a folder in it per checkpoint",
    )
    parser.add_argument("--seed", type=int, default=0, help="of photos and random moods")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument(
        "--recognizer", type=Path, metavar="FILE.onnx", help="OpenCV's SFace, to measure identity"
    )
    add_write_option(parser, ["models", "systems", "systems-comparison", "systems-restlessness"])
    return parser


if __name__ == "__main__":
    sys.exit(main())
