"""Terminal output of characters that its encoding lacks."""

import sys


def escape_unprintable() -> None:
    r"""Print characters that the encoding of stdout or stderr lacks as escapes, such as \u4eba.

    Windows consoles, and redirected output there, often have the characters of one region only.
    File names may have any character, and on Linux even bytes that are no characters.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a stream that a program put in place may lack it
            stream.reconfigure(errors="backslashreplace")
