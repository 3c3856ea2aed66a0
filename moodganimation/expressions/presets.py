"""Named expressions: the emotions of the sheets, of EMFACS and of the compound labels."""

from ..errors import InvalidExpression, shown
from .spaces import ACTION_UNITS, Expression

# The seven combinations of the MoodGANimation figure, then Ekman's six and contempt under their
# nouns (Ekman & Friesen 1983, EMFACS), with the share of each unit ours.
PRESETS = {
    "happy": Expression.of(ACTION_UNITS, AU12=1, AU25=1),
    "sad": Expression.of(ACTION_UNITS, AU04=1, AU15=1),
    "disgusted": Expression.of(ACTION_UNITS, AU09=1, AU10=1, AU17=1),
    "appalled": Expression.of(ACTION_UNITS, AU04=1, AU09=1, AU10=1),
    "hatred": Expression.of(ACTION_UNITS, AU04=1, AU07=1, AU10=1),
    "awed": Expression.of(ACTION_UNITS, AU01=1, AU02=1, AU05=1, AU25=1),
    "surprised": Expression.of(ACTION_UNITS, AU01=1, AU02=1, AU25=1, AU26=1),
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
SHEET_PRESETS = tuple(PRESETS)[:7]  # the rows of the figure

# The 16 emotions by which MoodGANimation labels faces: the six basic ones and ten compounds, each
# the units that most of its faces show (Du, Tao & Martinez 2014, "Compound facial expressions of
# emotion"). Anger lacks AU24, which is not among the 17. Six names are those of PRESETS, which
# win; they mean the same units.
COMPOUND = {name: PRESETS[name] for name in SHEET_PRESETS if name != "hatred"} | {
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
ALL_PRESETS = PRESETS | COMPOUND  # by units that every model has

# Values of axes that only FACS has, after what Ekman, Friesen & Hager 2002 say of these movements.
# All other axes stay as they are.
GESTURES = {
    "wink": {"AU45L": 1.0, "AU06L": 0.4, "AU12L": 0.3},
    "side_eye": {"AU62": 0.9, "AU07": 0.3, "AU14R": 0.25},
    "kiss": {"AU18": 0.9, "AU23": 0.2, "AU25": 0.0, "AU26": 0.0},
}
PRESET_NAMES = (*ALL_PRESETS, *GESTURES)  # what a request may name


def preset_named(name: str) -> Expression:
    """The Action Units of a preset. Raises InvalidExpression for a gesture or an unknown name."""
    check_preset(name, tuple(ALL_PRESETS))
    return ALL_PRESETS[name]


def check_preset(name: str, names: tuple[str, ...] = PRESET_NAMES) -> None:
    """Raise InvalidExpression if a name is none of these."""
    if not (isinstance(name, str) and name in names):
        raise InvalidExpression(
            "There is no emotion called {}; there are {}.", shown(name), ", ".join(names)
        )
