"""Measure a generator checkpoint on held-out photos: python -m training.evaluate --help"""

import argparse
import sys
from pathlib import Path

from moodganimation.errors import Problem


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        run(options)
    except (Problem, ValueError, OSError) as problem:
        print(f"training.evaluate: {problem}", file=sys.stderr)
        return 2
    return 0


def run(options) -> None:
    import hashlib

    from moodganimation.animator import DEFAULT_CHECKPOINT
    from moodganimation.checkpoints.files import device_named, load_checkpoint

    from .estimator import reader_of
    from .output import table, write
    from .page import page
    from .photos import open_clips, open_photos, within
    from .recognizer import Recognizer
    from .report import evaluate, plain

    if options.count < 1:
        raise ValueError(f"--count must be at least 1, got {options.count}.")
    if options.out.exists() and not options.out.is_dir():
        raise ValueError(f"{options.out} is a file; --out names a folder.")
    device = device_named(options.device)
    generator, space, card = load_checkpoint(options.checkpoint)
    size = generator.config.image_size
    photos = open_photos(options.data, options.split, options.count, size, options.seed)
    try:
        clips, remarks = open_clips(options.data, options.split, space, size)
        photos.remarks.extend(remarks)
    except ValueError as problem:
        clips = []
        photos.remarks.append(f"No filmed clips: {within(options.data, problem)}")
    recognizer = Recognizer(options.recognizer) if options.recognizer else None
    reader = load_checkpoint(DEFAULT_CHECKPOINT).generator.to(device)
    estimator = reader_of(reader, generator, card)
    about = {
        "file": options.checkpoint.name,
        "sha256": hashlib.sha256(options.checkpoint.read_bytes()).hexdigest(),
        "megabytes": round(options.checkpoint.stat().st_size / 1e6, 2),
        "architecture": generator.config.architecture,
        "space": space.name,
        "side": size,
        "card": card,
        "data": options.data.resolve().name,
        "split": options.split,
        "recognizer": recognizer.name if recognizer else None,
    }
    evaluation = evaluate(
        generator,
        space,
        photos,
        estimator,
        clips=clips,
        recognizer=recognizer,
        seed=options.seed,
        device=device,
    )
    values = {"checkpoint": plain(about)} | evaluation.values
    write(options.out, values, page(values, evaluation))
    print(table(values))
    print(f"\n{options.out / 'evaluation.json'}\n{options.out / 'evaluation.html'}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.evaluate", description=__doc__)
    parser.add_argument("checkpoint", type=Path, metavar="CHECKPOINT")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="imgs/ and ids")
    parser.add_argument("--split", default="test", help="of DIR/SPLIT_ids.csv (default: test)")
    parser.add_argument("--count", type=int, default=24, help="photos to edit (default: 24)")
    parser.add_argument("--out", type=Path, default=Path("evaluation"), metavar="FOLDER")
    parser.add_argument("--seed", type=int, default=0, help="of photos and random moods")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument(
        "--recognizer", type=Path, metavar="FILE.onnx", help="OpenCV's SFace, to measure identity"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
