"""Measure speed on this machine: python -m benchmarks {inference,backends,training} --help"""

import argparse
import json
import sys
from pathlib import Path

from moodganimation.errors import Problem
from moodganimation.runtime.terminal import escape_unprintable
from training.evaluate.documents import add_write_option, requested_blocks, write_blocks

from .blocks import BLOCKS

PHOTO = Path(__file__).resolve().parent.parent / "assets" / "astronaut.png"
FULL_ONLY = {"speed-whole", "speed-scaling"}  # blocks whose values --short does not measure


def inference(options) -> dict:
    """Measure the stages from a photo file to a written video. Raises ValueError."""
    from .inference import measure_inference

    if options.short and FULL_ONLY & set(options.blocks):
        names = " and ".join(sorted(FULL_ONLY & set(options.blocks)))
        raise ValueError(f"--short does not measure {names}; leave it out or name other blocks.")
    return measure_inference(*_animator_and_photo(options), _rounds(options), options.short)


def backends(options) -> dict:
    """Compare the backends on the reference generator."""
    from .backends import compare_backends

    return compare_backends(*_animator_and_photo(options), _rounds(options))


def training(options) -> dict:
    """Compare training steps with the reference loop. Raises ValueError."""
    from .training import compare_penalties, compare_precisions, measure_training

    if len(options.blocks) > 1:
        raise ValueError("Write one block of training speeds at a time.")
    if "speed-training-penalty" in options.blocks:
        return compare_penalties(options)
    return compare_precisions(options) if options.blocks else measure_training(options)


def _animator_and_photo(options) -> tuple:
    """Load the animator and the photo that the options name."""
    from moodganimation.animator import Animator
    from moodganimation.media.images import read_image

    return Animator.load(options.checkpoint, options.device), read_image(options.photo)


def _rounds(options) -> int:
    """Check the number of rounds. Raises ValueError."""
    if options.rounds < 1:
        raise ValueError(f"--rounds must be at least 1, got {options.rounds}.")
    return options.rounds


def main(arguments: list[str] | None = None) -> int:
    """Run a measurement and print its results; return the exit status."""
    escape_unprintable()
    options = _parser().parse_args(arguments)
    try:
        options.blocks = requested_blocks(options)
        result = options.run(options)
        print(table(result))
        if options.json:
            options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        write_blocks(options.blocks, BLOCKS, result)
    except (Problem, ValueError, OSError) as problem:
        print(f"benchmarks: {problem}", file=sys.stderr)
        return 2
    return 0


def table(result: dict) -> str:
    """Format results for the terminal: one value per line, below the titles of their groups."""
    if "runs" in result:
        return "\n\n".join(map(table, result["runs"]))
    lines = []
    for title, values in result.items():
        if not isinstance(values, dict):
            lines.append(f"{title:<44} {values}")
        elif title == "machine":
            lines += [f"{key}: {value}" for key, value in values.items()]
        else:
            lines.append(f"\n{title}")
            lines += [f"  {name:<42} {value:>10}" for name, value in values.items()]
    return "\n".join(lines)


COMMANDS = {  # function -> help
    inference: "measure every stage from a photo file to a written video",
    backends: "compare torch, OpenVINO and ONNX Runtime on the reference generator",
    training: "compare a training step of ganimation with the reference loop",
}
# Function -> blocks that --write writes by default, and, if any, blocks that must be named.
WRITTEN = {
    inference: (("machine", "speed-slider", "speed-stages", "speed-whole", "speed-scaling"),),
    backends: (("speed-backends",),),
    training: (("speed-training",), ("speed-training-penalty",)),
}


def _parser() -> argparse.ArgumentParser:
    """The parser of all measurements; `options.run` is the function of the chosen one."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for run, text in COMMANDS.items():
        command = commands.add_parser(run.__name__, help=text, description=text)
        command.set_defaults(run=run)
        command.add_argument("--json", type=Path, metavar="FILE", help="also write the values here")
        add_write_option(command, *WRITTEN[run])
        if run is training:
            _add_training_arguments(command)
            continue
        use = "generator that is timed" if run is inference else "model that only finds the face"
        checkpoint = f"weights of the {use}; default: the shipped ones"
        command.add_argument("--checkpoint", metavar="FILE", help=checkpoint)
        device = "auto, cpu or cuda; default: auto"
        command.add_argument("--device", default="auto", help=device)
        photo = "photo to edit; default: assets/astronaut.png"
        command.add_argument("--photo", default=PHOTO, metavar="FILE", help=photo)
        rounds = "measurements of which the median counts; default: 15"
        command.add_argument("--rounds", type=int, default=15, metavar="N", help=rounds)
        if run is inference:
            command.add_argument(
                "--short",
                action="store_true",
                help="measure the stages only, not other generators, scaling, whole requests and "
                "videos",
            )
    return parser


def _add_training_arguments(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    data = "packs to train on; default: samples/aus"
    add("--data", type=Path, nargs="+", metavar="DIR", help=data)
    add("--batch", type=int, default=4, metavar="N", help="samples per step; default: 4")
    rounds = "measurements of which the median counts; default: 5"
    add("--rounds", type=int, default=5, metavar="N", help=rounds)
    add(
        "--penalty-every",
        type=int,
        default=1,
        metavar="K",
        help="compute the gradient penalty of our loop every K steps only; default: 1",
    )
    add(
        "--precision",
        choices=("quickest", "float32", "bf16"),
        default="quickest",
        help="of our loop; default: quickest, which is chosen by the device",
    )
    add("--cpu", action="store_true", help="do not use a GPU")


if __name__ == "__main__":
    sys.exit(main())
