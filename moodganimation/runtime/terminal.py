"""Printing characters that are not in the terminal's encoding."""

import sys


def escape_unprintable() -> None:
    r"""From now on, print characters that are not in the encoding as escapes, such as \u4eba.

    Applies to stdout and stderr. On Windows their encoding often has the characters of one region
    only. File names may have any character, and on Linux even bytes that are no characters.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # other programs may replace the streams
            stream.reconfigure(errors="backslashreplace")
