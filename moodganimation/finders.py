"""Deprecated name of `moodganimation.faces.detection`."""

import warnings

from .faces.detection import *  # noqa: F403

warnings.warn(
    "moodganimation.finders is now moodganimation.faces.detection.",
    DeprecationWarning,
    stacklevel=2,
)
