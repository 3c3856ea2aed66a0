"""Labels of sliders and buttons in English, which is the key of their translations."""

from dataclasses import dataclass

# First the 17 units that every model has, then further ones of FACS.
UNIT_LABELS = {
    "AU01": "Raise inner brows",
    "AU02": "Raise outer brows",
    "AU04": "Lower brows",
    "AU05": "Widen eyes",
    "AU06": "Raise cheeks",
    "AU07": "Squint",
    "AU45": "Close eyes",
    "AU09": "Wrinkle nose",
    "AU10": "Raise upper lip",
    "AU12": "Smile",
    "AU14": "Dimples",
    "AU15": "Corners down",
    "AU17": "Raise chin",
    "AU20": "Stretch lips",
    "AU23": "Tighten lips",
    "AU25": "Part lips",
    "AU26": "Open jaw",
    "AU16": "Lower lip down",
    "AU18": "Pucker lips",
    "AU22": "Funnel lips",
    "AU24": "Press lips",
    "AU27": "Mouth wide open",
    "AU28": "Suck lips in",
    "AD29": "Jaw forward",
    "AD34": "Puff cheeks",
}

# The muscles of each unit (Ekman, Friesen & Hager 2002), for the sliders' tooltips.
MUSCLES = {
    "AU01": "frontalis, inner part",
    "AU02": "frontalis, outer part",
    "AU04": "corrugator supercilii and depressor supercilii",
    "AU05": "levator palpebrae superioris",
    "AU06": "orbicularis oculi, around the eye",
    "AU07": "orbicularis oculi, in the lids",
    "AU09": "levator labii superioris alaeque nasi",
    "AU10": "levator labii superioris",
    "AU12": "zygomaticus major",
    "AU14": "buccinator",
    "AU15": "depressor anguli oris",
    "AU16": "depressor labii inferioris",
    "AU17": "mentalis",
    "AU18": "incisivii labii",
    "AU20": "risorius",
    "AU22": "orbicularis oris, both lips turned out",
    "AU23": "orbicularis oris",
    "AU24": "orbicularis oris, lips against each other",
    "AU25": "depressor labii inferioris, or orbicularis oris at rest",
    "AU26": "masseter at rest, so that the jaw drops",
    "AU27": "pterygoids and digastric, the mouth pulled open",
    "AU28": "orbicularis oris, lips rolled in",
    "AU45": "levator palpebrae at rest, orbicularis oculi closing the lids",
    "AD29": "lateral pterygoids",
    "AD34": "buccinator at rest, air in the cheeks",
}

# The 17 sliders of every model, from top to bottom of the face.
UNITS_BY_REGION = {
    "brows": ("AU01", "AU02", "AU04"),
    "eyes": ("AU05", "AU06", "AU07", "AU45"),
    "nose": ("AU09",),
    "mouth": ("AU10", "AU12", "AU14", "AU15", "AU17", "AU20", "AU23", "AU25", "AU26"),
}
MORE_MOUTH_UNITS = ("AU16", "AU18", "AU22", "AU24", "AU27", "AU28", "AD29", "AD34")


@dataclass(frozen=True)
class BipolarSlider:
    """A slider of two opposite axes: its negative values are one axis, its positive the other."""

    key: str  # of the slider's id
    low: str  # the axis of negative values
    high: str  # the axis of positive values
    name: str
    title: str  # its tooltip


# Sides are seen from the viewer: right on the screen is the person's left.
BIPOLAR_SLIDERS = {
    "gaze": (
        BipolarSlider("gaze-x", "AU62", "AU61", "Look aside", "AU61 and AU62: both eyes to a side"),
        BipolarSlider(
            "gaze-y", "AU64", "AU63", "Look up or down", "AU63 and AU64: both eyes up or down"
        ),
    ),
    "head": (
        BipolarSlider(
            "head-turn", "AU52", "AU51", "Turn head", "AU51 and AU52: the head to a side"
        ),
        BipolarSlider("head-nod", "AU54", "AU53", "Nod", "AU53 and AU54: the head up or down"),
        BipolarSlider(
            "head-tilt", "AU56", "AU55", "Tilt head", "AU55 and AU56: the head to a shoulder"
        ),
    ),
    "lips": (
        BipolarSlider("jaw-side", "AD30R", "AD30L", "Jaw sideways", "AD30: the jaw to a side"),
    ),
}
PRESET_LABELS = {  # button of the page -> its label; for the presets see PRESET_OF_BUTTON
    "happiness": "Happiness",
    "sadness": "Sadness",
    "surprise": "Surprise",
    "fear": "Fear",
    "anger": "Anger",
    "disgust": "Disgust",
    "contempt": "Contempt",
    "awe": "Awe",
}
GESTURE_LABELS = {"wink": "Wink", "kiss": "Kiss", "side_eye": "Side eye"}
TIMELINE_LABELS = {"nod": "Nod", "shake": "Shake", "thinking": "Thinking"}
