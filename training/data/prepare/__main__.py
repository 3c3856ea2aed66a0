"""Prepare data sets for training: python -m training.data.prepare COMMAND --help"""

import sys

from moodganimation.errors import Problem
from moodganimation.runtime.terminal import escape_unprintable

from .arguments import build_parser


def main(arguments: list[str] | None = None) -> int:
    escape_unprintable()
    options = build_parser(__doc__).parse_args(arguments)
    try:
        job = _command(options.command)(options)
        if job is not None:
            job.finish()
            print(job.report.text())
            print(f"written: {options.out}, with report.txt and report.json")
    except (Problem, ValueError, OSError) as problem:
        print(f"prepare: {problem}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("prepare: stopped; run the same command to resume.", file=sys.stderr)
        return 130
    return 0


def _command(name: str):
    """Import the command of a name; only that one, so that --help does not import torch."""
    if name == "openface":
        from .openface import openface as command
    elif name == "affectnet":
        from .affectnet import affectnet as command
    elif name == "affwild":
        from .affwild import affwild as command
    elif name == "photos":
        from .photos import photos as command
    elif name == "pairs":
        from .pairs import pairs as command
    else:
        from .samples import samples as command
    return command


if __name__ == "__main__":
    sys.exit(main())
