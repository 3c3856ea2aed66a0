"""HTML of the page's parts: header, rail, stage, sliders and timeline."""

from ...expressions.moods import NAMED_MOODS
from ...expressions.spaces import FACS
from ..labels import (
    BIPOLAR_SLIDERS,
    GESTURE_LABELS,
    MORE_MOUTH_UNITS,
    MUSCLES,
    PRESET_LABELS,
    TIMELINE_LABELS,
    UNIT_LABELS,
    UNITS_BY_REGION,
    BipolarSlider,
)
from .markup import (
    button,
    checks,
    file_input,
    icon,
    labelled,
    range_input,
    select,
    text,
    text_attribute,
    titled,
)

MOOD_PAD_HINT = (
    "Mood: pleasure across, arousal up. Arrow keys move it, Page Up and Page Down go from name to "
    "name."
)
MOOD_PAD_AXIS_LABELS = {  # (x, y, text-anchor) in units of its SVG
    "pleasant": (122, -4, "end"),
    "unpleasant": (-122, -4, "start"),
    "excited": (0, -117, "middle"),
    "calm": (0, 108, "middle"),
}
TABS = {"photo": "Photo", "film": "Film", "live": "Live", "explore": "Explore"}
EDIT_TABS = {"face": "Face", "mood": "Mood", "copy": "Copy from photo"}
PHONE_FILTERS = {  # on a phone, the panel shows one of these at a time
    "presets": "Presets",
    "brows": "Brows",
    "eyes": "Eyes",
    "mouth": "Mouth",
    "mood": "Mood",
    "more": "More",
    "copy": "Copy from photo",
}
HALF_LABELS = {
    "their left half": "Left",
    "whole face": "Both",
    "their right half": "Right",
}
TOOLBAR_LABEL = "Faces, brush and sides"


def header() -> str:
    """Return the header: name, tabs, and the buttons of undo, reset and save."""
    tabs = "".join(
        text(label, "button", f'type="button" role="tab" id="tab-{tab}" data-mode="{tab}"')
        for tab, label in TABS.items()
    )
    return (
        f'<div id="header" role="banner"><h1>MoodGANimation</h1>'
        f'<div role="tablist" {labelled("What to work on")}>{tabs}</div><div class="actions">'
        + button("reset", "Reset")
        + '<div class="quick">'
        + icon("undo", "↶", "Undo")
        + icon("redo", "↷", "Redo")
        + button("before", "Hold for before", 'aria-pressed="false"')
        + button("save", "Save", 'class="primary"')
        + "</div>"
        + icon("menu", "⋯", "Menu", 'aria-expanded="false"')
        + "</div></div>"
    )


def rail(examples: dict[str, str]) -> str:
    """Return the rail: the upload, the faces of the photo, and examples; {name: picture}."""
    pictures = "".join(
        f'<button type="button" data-name="{name}" {titled("Example photo")}>'
        f'<img src="{picture}" alt=""></button>'
        for name, picture in examples.items()
    )
    return (
        f'<div id="rail" role="region" {labelled("Photos and faces")}>'
        f'<label id="photo" {titled("Add a photo")}><span aria-hidden="true">+</span>'
        f'<input type="file" {labelled("Add a photo")}></label>'
        f'<div id="faces"></div>{text("Examples", "small")}'
        f'<div id="examples">{pictures}</div></div>'
    )


def stage(first: str) -> str:
    """Return the stage and its tools; first: URL of the first picture."""
    views = "".join(
        text(
            label,
            "button",
            f'type="button" id="view-{view}" data-view="{view}" aria-pressed="{pressed}"',
        )
        for view, label, pressed in (("face", "Face", "true"), ("photo", "Whole photo", "false"))
    )
    sides = "".join(
        text(
            label,
            "button",
            f'type="button" data-half="{half}" data-text-title="{text_attribute(half)}" '
            f'title="{half}" aria-pressed="{str(half == "whole face").lower()}"',
        )
        for half, label in HALF_LABELS.items()
    )
    tools = (
        f'<div id="stage-tools" role="toolbar" data-needs-photo {labelled(TOOLBAR_LABEL)}>'
        f'<div id="views" class="group">{views}</div>'
        + button("compare", "Compare", 'aria-pressed="false"')
        + button("brush", "Brush", 'aria-pressed="false"')
        + f'<div id="sides" class="group">{sides}</div>'
        + button("made", "How it was made")
        + "</div>"
    )
    return f'<div id="stage" role="region" {labelled("Picture")}>{_frame(first)}{tools}</div>'


def _frame(first: str) -> str:
    """Return the picture with its layers, and the film, the camera and the sheet in its place."""
    brush_modes = "".join(
        f'<label class="check"><input type="radio" name="alone" value="{value}"{on}>{text(label)}'
        "</label>"
        for value, label, on in (
            ("stays as it is", "Protect what I paint", " checked"),
            ("alone is edited", "Edit only what I paint", ""),
        )
    )
    use_middle = button("box-middle", "Use the middle of the photo")
    buttons = button("brush-clear", "Clear") + button("brush-done", "Done")
    return (
        f'<div id="stage-frame"><img id="stage-image" src="{first}" {labelled("The edited photo")}>'
        f'<img id="stage-before" {labelled("The photo before")} hidden>'
        '<div id="stage-places"></div><div id="stage-overlay"></div>'
        f'<canvas id="stage-canvas" {labelled("Paint on the face")} hidden></canvas>'
        f'<div id="stage-split" role="slider" tabindex="0" aria-valuemin="0" aria-valuemax="100" '
        f"{labelled('Before and after')} hidden></div>"
        '<div id="stage-boxes"><div id="stage-box" hidden></div></div></div>'
        f'<video id="stage-film" controls loop playsinline {labelled("Film")} hidden></video>'
        f'<img id="stage-camera" {labelled("The camera, edited")} hidden>'
        f'<img id="stage-sheet" {labelled("Sheet")}>'
        f'<button type="button" id="inset" {titled("Show the whole photo")} hidden>'
        '<img alt=""></button>'
        f'<div id="no-face" hidden><p></p>{use_middle}</div>'
        f'<div id="painting" hidden>{text("Size")}'
        f'<input type="range" name="size" min="0.03" max="0.25" step="0.01" value="0.1" '
        f"{labelled('Size')}>{brush_modes}{buttons}</div>"
        '<div id="stage-note"></div><div id="drop">'
        f"{text('Drop the photo anywhere')}</div>"
    )


def controls() -> str:
    """Return the panel of the tab Photo: presets, sliders, mood pad and copy."""
    presets = "".join(
        f'<button type="button" id="preset-{name}" data-preset="{name}" aria-pressed="false">'
        f'<img alt="">{text(label)}</button>'
        for name, label in PRESET_LABELS.items()
    )
    gestures = _needing_gaze("preset", GESTURE_LABELS) + _needing_gaze("movement", TIMELINE_LABELS)
    modes = "".join(
        text(label, "button", f'type="button" role="tab" id="way-{mode}" data-way="{mode}"')
        for mode, label in EDIT_TABS.items()
    )
    chips = "".join(
        text(label, "button", f'type="button" data-chip="{chip}" aria-pressed="false"')
        for chip, label in PHONE_FILTERS.items()
    )
    return (
        f'<div id="panel-photo" class="panel" role="region" tabindex="0" data-needs-photo '
        f"{labelled('Face')}>"
        f'<div id="chips" role="toolbar" {labelled("Part of the face")}>{chips}</div>'
        f'<div id="presets" data-chip="presets">{presets}</div>'
        f'<div id="gestures" data-chip="presets">{gestures}</div>'
        f'<div id="ways" role="tablist" {labelled("Way to change the face")}>{modes}</div>'
        f'<div id="sliders" data-way="face">{_regions()}{_more()}</div>'
        f'<div id="mood" data-way="mood">{mood_pad()}{_moods()}</div>'
        f'<div id="copy" data-way="copy">{_copy()}</div></div>'
    )


def _needing_gaze(kind: str, labels: dict[str, str]) -> str:
    """Return buttons for models with gaze (AU61); kind: "preset" or "movement"."""
    return "".join(
        text(
            label,
            "button",
            f'type="button" id="{kind}-{name}" data-{kind}="{name}" data-needs-gaze',
        )
        for name, label in labels.items()
    )


def _regions() -> str:
    """Return the 17 sliders of every model, by region."""
    return "".join(
        f'<div class="region" data-chip="{_phone_filter(region)}">'
        f"{_heading(region)}{''.join(map(_unit_slider, units))}</div>"
        for region, units in UNITS_BY_REGION.items()
    )


def _phone_filter(region: str) -> str:
    """Return the filter that shows a region: the nose is shown with the eyes."""
    return "eyes" if region == "nose" else region


def _heading(region: str) -> str:
    """Return the heading of a region, with the button that resets it."""
    name = text(region.capitalize(), "h2")
    sign = icon(f"reset-{region}", "↺", f"Reset {region}", f'data-reset="{region}"')
    return f'<div class="head">{name}{sign}</div>'


def _more() -> str:
    """Return the sliders of gaze, head, and further units of lips and jaw, folded away."""
    groups = (
        ("Look", [*map(_bipolar_slider, BIPOLAR_SLIDERS["gaze"])]),
        ("Head", [*map(_bipolar_slider, BIPOLAR_SLIDERS["head"])]),
        (
            "More lips",
            [*map(_unit_slider, MORE_MOUTH_UNITS), *map(_bipolar_slider, BIPOLAR_SLIDERS["lips"])],
        ),
    )
    inner = "".join(
        f'<div class="region" data-chip="more"><div class="head">{text(label, "h2")}</div>'
        f"{''.join(rows)}</div>"
        for label, rows in groups
    )
    return f'<details id="more">{text("Look, head, more lips", "summary")}{inner}</details>'


def _unit_slider(key: str) -> str:
    """Return the slider of a unit, and those of its sides, which are hidden at first."""
    name, title = UNIT_LABELS[key], f"{key}: {MUSCLES[key]}"
    lateral = key in FACS.lateral
    sides = ""
    if lateral:
        sides = "".join(
            _slider(
                f"{key}{side}", f'data-high="{key}{side}" data-of="{key}" hidden', label, title, "0"
            )
            for side, label in (("L", "their left"), ("R", "their right"))
        )
    sides_button = (
        f'<button type="button" class="sides" aria-pressed="false" '
        f"{titled('Left and right apart')}>⇆</button>"
        if lateral
        else ""
    )
    return _slider(key, f'data-high="{key}"', name, title, "0", sides_button) + sides


def _bipolar_slider(slider: BipolarSlider) -> str:
    """Return the slider of two opposite axes."""
    axes = f'data-low="{slider.low}" data-high="{slider.high}"'
    return _slider(slider.key, axes, slider.name, slider.title, "-1")


def _slider(key: str, data: str, name: str, title: str, low: str, more: str = "") -> str:
    """Return a slider with its name and a text input of its value.

    data: attributes with its axes; low: its least value, 0 or -1; more: HTML at its end.
    """
    return (
        f'<div class="slider" {data} data-text-title="{text_attribute(title)}" title="{title}">'
        + text(name, "label", f'for="slider-{key}"')
        + f'<span class="track"><i></i><input type="range" id="slider-{key}" min="{low}" max="1" '
        f'step="0.01" value="0"><b></b></span>'
        f'<input class="value" type="text" inputmode="decimal" value="0.00" {labelled(name)}>'
        f"{more}</div>"
    )


def _moods() -> str:
    """Return the sliders of pleasure, arousal and dominance."""
    return "".join(
        _slider(name, f'data-mood="{number}"', label, title, "-1")
        for number, (name, label, title) in enumerate(
            (
                ("pleasure", "Pleasure", "unpleasant to pleasant"),
                ("arousal", "Arousal", "calm to excited"),
                ("dominance", "Dominance", "submissive to dominant"),
            )
        )
    ) + text(
        "Moods are converted to sliders by a fixed formula. Dominance is not validated: no data "
        "set of faces has labels of it.",
        "p",
        'class="fine"',
    )


def mood_pad() -> str:
    """Return the plane of pleasure and arousal, with named moods and the labels of its axes."""
    names = "".join(
        f'<g data-name="{text_attribute(name)}" data-dominance="{dominance}" transform="translate('
        f'{100 * pleasure:.0f} {-100 * arousal:.0f})"><circle r="1.5"/><text></text></g>'
        for name, (pleasure, arousal, dominance) in NAMED_MOODS.items()
    )
    axis_labels = "".join(
        f'<text class="end" data-axis="{text_attribute(label)}" x="{x}" y="{y}" '
        f'text-anchor="{anchor}"></text>'
        for label, (x, y, anchor) in MOOD_PAD_AXIS_LABELS.items()
    )
    return (
        '<svg id="mood-pad" viewBox="-125 -120 250 240" tabindex="0" role="slider" '
        f'aria-valuemin="-1" aria-valuemax="1" aria-valuenow="0" '
        f'data-hint="{text_attribute(MOOD_PAD_HINT)}">'
        '<rect x="-100" y="-100" width="200" height="200"/><path d="M-100 0H100M0 -100V100"/>'
        f'{names}{axis_labels}<circle class="dot" r="5"/></svg>'
    )


def _copy() -> str:
    """Return the form that copies the expression of another photo."""
    regions = [(region, region) for region in UNITS_BY_REGION]
    return (
        f'<form id="copy-form">{text("Give this face the expression of another photo.", "p")}'
        + file_input("other", "Another photo", "image/*")
        + checks("regions", "Regions", regions, set(UNITS_BY_REGION))
        + text("Copy", "button", 'type="submit" class="primary"')
        + job_progress()
        + "</form>"
    )


def job_progress() -> str:
    """Return the progress bar of a job with its cancel button, and the place of its outcome."""
    cancel = text("Cancel", "button", 'type="button" class="cancel"')
    return (
        '<div class="working" role="status" hidden><span></span><progress></progress>'
        f"{cancel}</div>"
        '<div class="outcome" role="status"></div>'
    )


def timeline(easings) -> str:
    """Return the timeline: play head, keyframes, pins, and the button of the export."""
    choices = [(name, name) for name in easings]
    card = (
        '<div id="key-card" hidden>'
        + range_input("hold", "Hold [s]", 0.3, (0, 3, 0.1))
        + select("easing", "Easing to the next", choices, "smooth")
        + button("key-update", "Use the sliders")
        + button("key-remove", "Remove")
        + icon("key-close", "✕", "Close")
        + "</div>"
    )
    return (
        f'<div id="timeline" role="region" data-needs-photo {labelled("Timeline")}>'
        + icon("play", "▶", "Play", 'aria-pressed="false"')
        + f'<div id="track"><div id="length"></div><input type="range" id="scrub" min="0" max="2" '
        f'step="0.01" value="0" {labelled("Moment of the animation")}><div id="moment"></div>'
        '<div id="keys"></div></div>'
        + button("add-key", "+ key", 'class="add"')
        + '<div id="pins"></div>'
        + button("pin", "+ pin", 'class="add"')
        + button("export", "GIF / MP4", 'class="accent"')
        + card
        + "</div>"
    )
