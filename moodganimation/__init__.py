"""Facial expressions on photographs, by Action Units or moods.

from moodganimation import ACTION_UNITS, Animator, Expression, read_image

animator = Animator.load()
portrait = animator.locate(read_image("face.jpg"))
smile = animator.read(portrait).replace(AU06=0.5, AU12=0.9)
picture = animator.edit(portrait, smile).image
"""

import importlib
import warnings

__version__ = "0.1.0"

_PUBLIC_NAMES = {  # module -> names that this package offers
    "animator": ("Animator",),
    "checkpoints.files": ("load_generator",),
    "video.reenactment": ("capture_performance", "write_curves"),
    "errors": (
        "Cancelled",
        "DeviceMissing",
        "InvalidExpression",
        "InvalidTimeline",
        "InvalidValue",
        "NoFaceFound",
        "NotACheckpoint",
        "NotARecipe",
        "Problem",
        "UnreadableFile",
        "UnreadableImage",
        "Unwritable",
    ),
    "manipulation.face": ("Manipulation",),
    "expressions.presets": ("PRESETS",),
    "expressions.gaze": ("look_at_camera",),
    "expressions.sides": ("units_of",),
    "expressions.spaces": ("ACTION_UNITS", "FACS", "PAD", "VALENCE_AROUSAL", "Expression"),
    "media.video_reader": ("open_film",),
    "frame": ("Frame",),
    "media.images": ("Photo", "read_image", "read_photo", "write_image"),
    "expressions.moods": ("action_units_of", "mood_of", "with_mood"),
    "faces.portrait": ("Portrait",),
    "recipe": ("Recipe", "read_recipe"),
    "video.editing": ("blend_to", "edit_video", "offset_by"),
    "animation.named_timelines": ("named_timeline",),
    "animation.timeline": ("Keyframe", "Timeline", "read_timeline"),
    "animation.trajectories": ("read_trajectory",),
    "animation.easing": ("interpolate",),
    "media.video_writer": ("write_animation", "write_film"),
}
_RENAMED = {  # deprecated name -> name
    "added": "offset_by",
    "perform": "capture_performance",
    "retake": "edit_video",
    "towards": "blend_to",
}
__all__ = sorted(name for names in _PUBLIC_NAMES.values() for name in names)


def __getattr__(name: str):
    """Import public names when they are first used, so that importing the package is fast."""
    if name in _RENAMED:
        message = f"moodganimation.{name} is now moodganimation.{_RENAMED[name]}."
        warnings.warn(message, DeprecationWarning, stacklevel=2)
        name = _RENAMED[name]
    for module, names in _PUBLIC_NAMES.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
