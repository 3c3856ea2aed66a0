"""Functions that worker processes run in tests; apart, so that a worker starts quickly."""

import os
import signal
from pathlib import Path

from moodganimation.files.atomic import atomic_write


def begun(item: dict) -> dict:
    """Begin the file `out`, and let the process that waits for it be ended."""
    with atomic_write(Path(item["out"])) as part:
        part.write_text("half")
        Path(item["out"] + ".begun").touch()
        os.kill(os.getppid(), signal.SIGTERM)
        while True:
            signal.pause()
