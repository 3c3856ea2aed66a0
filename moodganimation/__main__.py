"""The command line: python -m moodganimation COMMAND --help"""

import sys

from .cli.commands import main

if __name__ == "__main__":
    sys.exit(main())
