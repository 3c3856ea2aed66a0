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
    aria_label,
    button,
    checkboxes,
    file_input,
    icon_button,
    range_input,
    select,
    text,
    text_attribute,
    tooltip,
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
PHONE_FILTERS = {  # on a phone, the panel Photo shows one of these parts at a time
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
TOOLBAR_LABEL = "View, comparison, brush and halves"


def header() -> str:
    """Return the header: name, tabs, and the buttons of undo, reset and save."""
    tabs = "".join(
        text(label, "button", f'type="button" role="tab" id="tab-{tab}" data-panel="{tab}"')
        for tab, label in TABS.items()
    )
    return (
        f'<div id="header" role="banner"><h1>MoodGANimation</h1>'
        f'<div role="tablist" {aria_label("What to work on")}>{tabs}</div><div class="actions">'
        + button("reset", "Reset")
        + '<div class="quick-buttons">'
        + icon_button("undo", "↶", "Undo")
        + icon_button("redo", "↷", "Redo")
        + button("before", "Hold for before", 'aria-pressed="false"')
        + button("save", "Save", 'class="primary"')
        + "</div>"
        + icon_button("menu", "⋯", "Menu", 'aria-expanded="false"')
        + "</div></div>"
    )


def rail(examples: dict[str, str]) -> str:
    """Return the rail: the upload, the faces of the photo, and examples; {name: picture}."""
    pictures = "".join(
        f'<button type="button" data-name="{name}" {tooltip("Example photo")}>'
        f'<img src="{picture}" alt=""></button>'
        for name, picture in examples.items()
    )
    return (
        f'<div id="rail" role="region" {aria_label("Photos and faces")}>'
        f'<label id="photo" {tooltip("Add a photo")}><span aria-hidden="true">+</span>'
        f'<input type="file" {aria_label("Add a photo")}></label>'
        f'<div id="faces"></div>{text("Examples", "small")}'
        f'<div id="examples">{pictures}</div></div>'
    )


def stage(first_picture: str) -> str:
    """Return the stage and its tools; first_picture: URL of what it shows at first."""
    views = "".join(
        text(
            label,
            "button",
            f'type="button" id="view-{view}" data-view="{view}" aria-pressed="{pressed}"',
        )
        for view, label, pressed in (("face", "Face", "true"), ("photo", "Whole photo", "false"))
    )
    halves = "".join(
        text(
            label,
            "button",
            f'type="button" data-half="{half}" data-text-title="{text_attribute(half)}" '
            f'title="{half}" aria-pressed="{str(half == "whole face").lower()}"',
        )
        for half, label in HALF_LABELS.items()
    )
    tools = (
        f'<div id="stage-tools" role="toolbar" data-needs-photo {aria_label(TOOLBAR_LABEL)}>'
        f'<div id="views" class="group">{views}</div>'
        + button("compare", "Compare", 'aria-pressed="false"')
        + button("brush", "Brush", 'aria-pressed="false"')
        + f'<div id="halves" class="group">{halves}</div>'
        + button("explanation", "How it was made")
        + "</div>"
    )
    frame = _frame(first_picture)
    return f'<div id="stage" role="region" {aria_label("Picture")}>{frame}{tools}</div>'


def _frame(first_picture: str) -> str:
    """Return the picture with its layers, and the film, the camera and the sheet in its place."""
    brush_modes = "".join(
        f'<label class="check"><input type="radio" name="brush-mode" value="{value}"{checked}>'
        f"{text(label)}</label>"
        for value, label, checked in (
            ("protect", "Protect what I paint", " checked"),
            ("edit", "Edit only what I paint", ""),
        )
    )
    use_middle = button("box-middle", "Use the middle of the photo")
    buttons = button("brush-clear", "Clear") + button("brush-done", "Done")
    return (
        f'<div id="stage-frame">'
        f'<img id="stage-image" src="{first_picture}" {aria_label("The edited photo")}>'
        f'<img id="stage-before" {aria_label("The photo before")} hidden>'
        '<div id="face-outlines"></div><div id="stage-overlay"></div>'
        f'<canvas id="stage-canvas" {aria_label("Paint on the face")} hidden></canvas>'
        f'<div id="stage-split" role="slider" tabindex="0" aria-valuemin="0" aria-valuemax="100" '
        f"{aria_label('Before and after')} hidden></div>"
        '<div id="stage-boxes"><div id="stage-box" hidden></div></div></div>'
        f'<video id="stage-film" controls loop playsinline {aria_label("Video")} hidden></video>'
        f'<img id="stage-camera" {aria_label("The camera, edited")} hidden>'
        f'<img id="stage-sheet" {aria_label("Sheet")}>'
        f'<button type="button" id="inset" {tooltip("Show the whole photo")} hidden>'
        '<img alt=""></button>'
        f'<div id="no-face" hidden><p></p>{use_middle}</div>'
        f'<div id="brush-bar" hidden>{text("Size")}'
        f'<input type="range" name="size" min="0.03" max="0.25" step="0.01" value="0.1" '
        f"{aria_label('Size')}>{brush_modes}{buttons}</div>"
        '<div id="photo-info"></div><div id="drop-hint">'
        f"{text('Drop the photo anywhere')}</div>"
    )


def controls() -> str:
    """Return the panel of the tab Photo: presets, sliders, mood pad and copy."""
    presets = "".join(
        f'<button type="button" id="preset-{name}" data-preset="{name}" aria-pressed="false">'
        f'<img alt="">{text(label)}</button>'
        for name, label in PRESET_LABELS.items()
    )
    gestures = _facs_buttons("preset", GESTURE_LABELS) + _facs_buttons("timeline", TIMELINE_LABELS)
    modes = "".join(
        text(
            label, "button", f'type="button" role="tab" id="edit-tab-{mode}" data-edit-tab="{mode}"'
        )
        for mode, label in EDIT_TABS.items()
    )
    filters = "".join(
        text(label, "button", f'type="button" data-filter="{name}" aria-pressed="false"')
        for name, label in PHONE_FILTERS.items()
    )
    return (
        f'<div id="panel-photo" class="panel" role="region" tabindex="0" data-needs-photo '
        f"{aria_label('Face')}>"
        f'<div id="phone-filters" role="toolbar" {aria_label("Part of the face")}>{filters}</div>'
        f'<div id="presets" data-filter="presets">{presets}</div>'
        f'<div id="gestures" data-filter="presets">{gestures}</div>'
        f'<div id="edit-tabs" role="tablist" {aria_label("How to change the face")}>{modes}</div>'
        f'<div id="sliders" data-edit-tab="face">{_region_sliders()}{_further_sliders()}</div>'
        f'<div id="mood" data-edit-tab="mood">{mood_pad()}{_mood_sliders()}</div>'
        f'<div id="copy" data-edit-tab="copy">{_copy_form()}</div></div>'
    )


def _facs_buttons(kind: str, labels: dict[str, str]) -> str:
    """Return buttons of gestures ("preset") or named timelines ("timeline"), for models of FACS."""
    return "".join(
        text(
            label,
            "button",
            f'type="button" id="{kind}-{name}" data-{kind}="{name}" data-needs-facs',
        )
        for name, label in labels.items()
    )


def _region_sliders() -> str:
    """Return the 17 sliders of every model, by region."""
    return "".join(
        f'<div class="region" data-filter="{_phone_filter(region)}">'
        f"{_heading(region)}{''.join(map(_unit_slider, units))}</div>"
        for region, units in UNITS_BY_REGION.items()
    )


def _phone_filter(region: str) -> str:
    """Return the filter that shows a region: the nose is shown with the eyes."""
    return "eyes" if region == "nose" else region


def _heading(region: str) -> str:
    """Return the heading of a region, with the button that resets it."""
    name = text(region.capitalize(), "h2")
    reset_button = icon_button(f"reset-{region}", "↺", f"Reset {region}", f'data-reset="{region}"')
    return f'<div class="head">{name}{reset_button}</div>'


def _further_sliders() -> str:
    """Return the sliders of gaze, head, and further units of lips and jaw; closed at first."""
    groups = (
        ("Look", [*map(_bipolar_slider, BIPOLAR_SLIDERS["gaze"])]),
        ("Head", [*map(_bipolar_slider, BIPOLAR_SLIDERS["head"])]),
        (
            "More lips",
            [*map(_unit_slider, MORE_MOUTH_UNITS), *map(_bipolar_slider, BIPOLAR_SLIDERS["lips"])],
        ),
    )
    inner = "".join(
        f'<div class="region" data-filter="more"><div class="head">{text(label, "h2")}</div>'
        f"{''.join(rows)}</div>"
        for label, rows in groups
    )
    return (
        f'<details id="further-sliders">{text("Look, head, more lips", "summary")}{inner}</details>'
    )


def _unit_slider(key: str) -> str:
    """Return the slider of a unit, and those of its sides, which are hidden at first."""
    name, title = UNIT_LABELS[key], f"{key}: {MUSCLES[key]}"
    is_lateral = key in FACS.lateral
    sides = ""
    if is_lateral:
        sides = "".join(
            _slider(
                f"{key}{side}",
                f'data-high="{key}{side}" data-side-of="{key}" hidden',
                label,
                title,
                "0",
            )
            for side, label in (("L", "their left"), ("R", "their right"))
        )
    sides_button = (
        f'<button type="button" class="sides" aria-pressed="false" '
        f"{tooltip('Left and right apart')}>⇆</button>"
        if is_lateral
        else ""
    )
    return _slider(key, f'data-high="{key}"', name, title, "0", sides_button) + sides


def _bipolar_slider(slider: BipolarSlider) -> str:
    """Return the slider of two opposite axes."""
    axes = f'data-low="{slider.low}" data-high="{slider.high}"'
    return _slider(slider.key, axes, slider.name, slider.title, "-1")


def _slider(key: str, axes: str, name: str, title: str, low: str, extra: str = "") -> str:
    """Return a slider with its name and a text input of its value.

    axes: attributes with its axes; low: its least value, 0 or -1; extra: HTML at its end.
    """
    return (
        f'<div class="slider" {axes} data-text-title="{text_attribute(title)}" title="{title}">'
        + text(name, "label", f'for="slider-{key}"')
        + f'<span class="track"><i></i><input type="range" id="slider-{key}" min="{low}" max="1" '
        f'step="0.01" value="0"><b></b></span>'
        f'<input class="value" type="text" inputmode="decimal" value="0.00" {aria_label(name)}>'
        f"{extra}</div>"
    )


def _mood_sliders() -> str:
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
        'class="fine-print"',
    )


def mood_pad() -> str:
    """Return the plane of pleasure and arousal, with named moods and the labels of its axes."""
    names = "".join(
        f'<g data-name="{text_attribute(name)}" data-dominance="{dominance}" transform="translate('
        f'{100 * pleasure:.0f} {-100 * arousal:.0f})"><circle r="1.5"/><text></text></g>'
        for name, (pleasure, arousal, dominance) in NAMED_MOODS.items()
    )
    axis_labels = "".join(
        f'<text class="axis-label" data-axis="{text_attribute(label)}" x="{x}" y="{y}" '
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


def _copy_form() -> str:
    """Return the form that copies the expression of another photo."""
    regions = [(region, region) for region in UNITS_BY_REGION]
    return (
        f'<form id="copy-form">{text("Give this face the expression of another photo.", "p")}'
        + file_input("other", "Another photo", "image/*")
        + checkboxes("regions", "Regions", regions, set(UNITS_BY_REGION))
        + text("Copy", "button", 'type="submit" class="primary"')
        + job_progress()
        + "</form>"
    )


def job_progress() -> str:
    """Return the progress bar of a job with its cancel button, and the element of its outcome."""
    cancel = text("Cancel", "button", 'type="button" class="cancel"')
    return (
        '<div class="job-progress" role="status" hidden><span></span><progress></progress>'
        f"{cancel}</div>"
        '<div class="outcome" role="status"></div>'
    )


def timeline(easings) -> str:
    """Return the timeline: play head, keyframes, pins, and the button of the panel Animation."""
    choices = [(name, name) for name in easings]
    card = (
        '<div id="keyframe-card" hidden>'
        + range_input("hold", "Hold [s]", 0.3, (0, 3, 0.1))
        + select("easing", "Easing to the next", choices, "smooth")
        + button("keyframe-update", "Use the sliders")
        + button("keyframe-remove", "Remove")
        + icon_button("keyframe-close", "✕", "Close")
        + "</div>"
    )
    return (
        f'<div id="timeline" role="region" data-needs-photo {aria_label("Timeline")}>'
        + icon_button("play", "▶", "Play", 'aria-pressed="false"')
        + '<div id="track"><div id="timeline-length"></div>'
        '<input type="range" id="scrub" min="0" max="2" step="0.01" value="0" '
        f'{aria_label("Moment of the animation")}><div id="play-head"></div>'
        '<div id="keyframes"></div></div>'
        + button("add-keyframe", "+ key", 'class="add"')
        + '<div id="pins"></div>'
        + button("pin", "+ pin", 'class="add"')
        + button("export", "GIF / MP4", 'class="accent"')
        + card
        + "</div>"
    )
