"""Presets: named expressions, and gestures that set some axes of FACS only."""

from ..errors import InvalidExpression, short_repr
from .spaces import ACTION_UNITS, Expression

# The seven combinations of Action Units in the figure of the original MoodGANimation repository.
_FIGURE_PRESETS = {
    "happy": Expression.of(ACTION_UNITS, AU12=1, AU25=1),
    "sad": Expression.of(ACTION_UNITS, AU04=1, AU15=1),
    "disgusted": Expression.of(ACTION_UNITS, AU09=1, AU10=1, AU17=1),
    "appalled": Expression.of(ACTION_UNITS, AU04=1, AU09=1, AU10=1),
    "hatred": Expression.of(ACTION_UNITS, AU04=1, AU07=1, AU10=1),
    "awed": Expression.of(ACTION_UNITS, AU01=1, AU02=1, AU05=1, AU25=1),
    "surprised": Expression.of(ACTION_UNITS, AU01=1, AU02=1, AU25=1, AU26=1),
}
# Ekman's six emotions and contempt. Their names are nouns, since the figure has the adjectives. The
# units follow Ekman & Friesen 1983, EMFACS; the intensities are ours.
_EMFACS_PRESETS = {
    "happiness": Expression.of(ACTION_UNITS, AU06=0.7, AU12=0.85, AU25=0.5),
    "sadness": Expression.of(ACTION_UNITS, AU01=0.8, AU04=0.5, AU15=0.8, AU17=0.3),
    "fear": Expression.of(
        ACTION_UNITS, AU01=0.8, AU02=0.5, AU04=0.6, AU05=0.8, AU20=0.7, AU25=0.5, AU26=0.35
    ),
    "anger": Expression.of(ACTION_UNITS, AU04=0.9, AU05=0.4, AU07=0.7, AU17=0.2, AU23=0.7),
    "disgust": Expression.of(ACTION_UNITS, AU07=0.3, AU09=0.9, AU10=0.5, AU15=0.35, AU17=0.5),
    "surprise": Expression.of(ACTION_UNITS, AU01=0.8, AU02=0.8, AU05=0.7, AU25=0.5, AU26=0.6),
    "contempt": Expression.of(ACTION_UNITS, AU12=0.2, AU14=0.9),
}
# Offered by the page and drawn on sheets; UNIT_PRESETS adds the rest of EMOTION_PRESETS.
PRESETS = _FIGURE_PRESETS | _EMFACS_PRESETS
SHEET_PRESET_NAMES = tuple(_FIGURE_PRESETS)  # rows of the contact sheet that repeats the figure

# Presets for the 16 emotion labels of the original repository: six basic emotions and ten
# compounds. Four basic emotions (happy, sad, disgusted, surprised) and two compounds (appalled,
# awed) are presets of its figure, whose "hatred" is not a label. The others have the units that
# most faces of the emotion show (Du, Tao & Martinez 2014, "Compound facial expressions of
# emotion"). "angry" lacks AU24, which is not in ACTION_UNITS.
EMOTION_PRESETS = {name: PRESETS[name] for name in _FIGURE_PRESETS if name != "hatred"} | {
    "fearful": Expression.of(ACTION_UNITS, AU01=1, AU04=1, AU20=1, AU25=1),
    "angry": Expression.of(ACTION_UNITS, AU04=1, AU07=1),
    "happily_surprised": Expression.of(ACTION_UNITS, AU01=1, AU02=1, AU12=1, AU25=1),
    "happily_disgusted": Expression.of(ACTION_UNITS, AU10=1, AU12=1, AU25=1),
    "sadly_angry": Expression.of(ACTION_UNITS, AU04=1, AU07=1, AU15=1),
    "sadly_disgusted": Expression.of(ACTION_UNITS, AU04=1, AU10=1),
    "fearfully_angry": Expression.of(ACTION_UNITS, AU04=1, AU20=1, AU25=1),
    "fearfully_surprised": Expression.of(ACTION_UNITS, AU01=1, AU02=1, AU05=1, AU20=1, AU25=1),
    "angrily_surprised": Expression.of(ACTION_UNITS, AU04=1, AU25=1, AU26=1),
    "angrily_disgusted": Expression.of(ACTION_UNITS, AU04=1, AU10=1, AU17=1),
}
UNIT_PRESETS = PRESETS | EMOTION_PRESETS  # all presets except gestures, in ACTION_UNITS

# Gestures set these axes of FACS and leave all others unchanged, except their opposites, which
# become 0; after the descriptions of Ekman, Friesen & Hager 2002.
GESTURES = {
    "wink": {"AU45L": 1.0, "AU06L": 0.4, "AU12L": 0.3},
    "side_eye": {"AU62": 0.9, "AU07": 0.3, "AU14R": 0.25},
    "kiss": {"AU18": 0.9, "AU23": 0.2, "AU25": 0.0, "AU26": 0.0},
}
PRESET_NAMES = (*UNIT_PRESETS, *GESTURES)  # what a request may name


def preset_named(name: str) -> Expression:
    """Return a preset in ACTION_UNITS, one of UNIT_PRESETS.

    Raises InvalidExpression for a gesture, which has no full expression, and for an unknown name.
    """
    check_preset(name, tuple(UNIT_PRESETS))
    return UNIT_PRESETS[name]


def check_preset(name: str, names: tuple[str, ...] = PRESET_NAMES) -> None:
    """Raise InvalidExpression unless `name` is one of `names`."""
    if not (isinstance(name, str) and name in names):
        raise InvalidExpression(
            "There is no preset called {}; there are {}.", short_repr(name), ", ".join(names)
        )
