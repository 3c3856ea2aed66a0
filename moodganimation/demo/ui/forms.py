"""HTML of the panels beside the stage: film, camera, sheets, animation, explanation, menu."""

from ...animation.easing import EASINGS, MAX_FPS
from ...animation.timeline import MODES
from ...contact_sheets import KINDS
from ...expressions.presets import PRESETS, SHEET_PRESET_NAMES
from ...expressions.request import MAX_DETAIL
from ...expressions.spaces import FACS
from ...faces.masks import LOCKS
from ...video.editing import MAX_FACES, MAX_STRENGTH
from ...video.reenactment import regions_of
from ..handlers.camera import CAMERA_EDITED, CAMERA_MODES, PHOTO_MIRRORS
from ..handlers.film import DEFAULT_TRAJECTORY_FPS
from ..handlers.settings import (
    DEFAULTS,
    END_CHOICES,
    FORMATS,
    MAX_HOLD_FRAMES,
    MAX_SIZE,
    MAX_TRANSITION_FRAMES,
    MIN_SIZE,
)
from ..handlers.views import VIEWS
from .markup import (
    aria_label,
    button,
    checkbox,
    checkboxes,
    file_input,
    radio_buttons,
    range_input,
    select,
    text,
    text_attribute,
    text_input,
)
from .parts import job_progress

REGIONS = regions_of(FACS)
VIDEO_TYPES = "video/*,.mkv,.webm,.mp4,.mov,.gif"
FORMULA = (
    "Result = attention x moved photo + (1 - attention) x color: white keeps the photo's own "
    "pixels, black is painted; arrows show where they moved."
)


def panel(name: str, title: str, inner: str) -> str:
    """Return a panel with its heading."""
    heading = text(title, "h2")
    region = f'role="region" tabindex="0" {aria_label(title)}'  # focusable, so that keys scroll it
    return f'<div id="panel-{name}" class="panel" {region}>{heading}{inner}</div>'


def _options(names) -> list[tuple[str, str]]:
    """Return (value, text) of options whose texts are their values."""
    return [(name, name) for name in names]


def _submit(english: str, id_: str) -> str:
    """Return the button that submits a form."""
    return text(english, "button", f'type="submit" class="primary" id="{id_}"')


def film() -> str:
    """Return the panel that edits films, and animates the photo by a film or trajectory file."""
    modes = [
        ("change", "Apply my edit of the photo to the video"),
        ("drive", "Animate the photo by the video"),
    ]
    strength = range_input("strength", "Strength", 1, (0, MAX_STRENGTH, 0.05))
    regions = checkboxes("regions", "Regions", _options(REGIONS), REGIONS)
    form = (
        '<form id="film-form" data-needs-photo>'
        + file_input("film-file", "Video", VIDEO_TYPES)
        + radio_buttons("what", "What to do", modes, "change")
        + f'<div data-for="change">{range_input("faces", "Faces", 1, (1, MAX_FACES, 1))}</div>'
        + f'<div data-for="drive">{strength}{regions}'
        + radio_buttons("by", "Carry over", _options(("units", "moods")), "units")
        + "</div>"
        + _submit("Make the video", "make-film")
        + job_progress()
        + '<img class="curves-drawing" alt="" hidden></form>'
    )
    trajectory = (
        f'<details id="follow">{text("Animate the photo along a trajectory file", "summary")}'
        '<form id="follow-form" data-needs-photo>'
        + text(
            "Each row is a frame, as Action Units or moods; the first belongs to the photo. The "
            "video shows original, generated, attention, color and the ground truth.",
            "p",
        )
        + file_input("trajectory", "Trajectory: .csv, .npy or .pkl", ".csv,.npy,.pkl")
        + file_input("ground-truth", "Ground truth: a video, if you have it", VIDEO_TYPES)
        + text_input("clip_name", "Clip in a .pkl")
        + range_input("fps", "Frames per second", DEFAULT_TRAJECTORY_FPS, (1, MAX_FPS, 1))
        + _submit("Animate along it", "make-follow")
        + job_progress()
        + "</form></details>"
    )
    return panel("film", "Film", form + trajectory)


def live() -> str:
    """Return the panel of the camera."""
    mirror_settings = range_input("strength", "Strength", 1, (0, MAX_STRENGTH, 0.05))
    mirror_settings += checkboxes("regions", "Regions", _options(REGIONS), REGIONS)
    hint = text(MIRROR_HINT, "p", 'class="fine-print"')
    return panel(
        "live",
        "Live",
        text(
            "The camera's face changes as the sliders change the photo. Frames are edited on the "
            "server and forgotten, but for what you record.",
            "p",
        )
        + '<form id="live-form">'
        + radio_buttons("what", "What the camera drives", _options(CAMERA_MODES), CAMERA_EDITED)
        + f'<div data-mirror="{PHOTO_MIRRORS}" hidden>{mirror_settings}{hint}</div>'
        + '<div id="live"><video muted playsinline hidden></video>'
        + text("▶ Start the camera", "button", 'type="button" id="camera" class="accent"')
        + text("● Record", "button", 'type="button" id="record" disabled')
        + button("calibrate", "This is my neutral face", "disabled hidden")
        + '<p role="status"></p></div>'
        + _submit("Save the recording", "save-recording")
        + button("edit-recording", "Edit the recording as keyframes")
        + job_progress()
        + "</form>",
    )


MIRROR_HINT = (
    "The photo follows the changes of your face from its neutral expression. That is measured in "
    "the first second, and again when you press “This is my neutral face”."
)


def explore() -> str:
    """Return the panel of contact sheets."""
    kinds = [(name, title[0].upper() + title[1:]) for name, (title, _) in KINDS.items()]
    return panel(
        "explore",
        "Explore",
        text("What every slider does to this face, on one sheet.", "p")
        + '<form id="explore-form" data-needs-photo>'
        + radio_buttons("kind", "Sheet", kinds, "units")
        + _submit("Draw the sheet", "draw")
        + job_progress()
        + "</form>",
    )


def export() -> str:
    """Return the panel that writes animations."""
    ends = _options(END_CHOICES)
    form = (
        '<form id="export-form" data-needs-photo>'
        + checkboxes("formats", "Write", _options(FORMATS), DEFAULTS["formats"])
        + radio_buttons("view", "Picture", _options(VIEWS), DEFAULTS["view"])
        + range_input("size", "Longest side [px]", DEFAULTS["size"], (MIN_SIZE, MAX_SIZE, 2))
        + range_input("fps", "Frames per second", DEFAULTS["fps"], (1, MAX_FPS, 1))
        + _submit("Make the animation", "make")
        + job_progress()
        + '<img id="curves" alt="">'
        + radio_buttons("mode", "Keyframes", _options(MODES), DEFAULTS["mode"])
        + checkbox("blinks", "Blinks", DEFAULTS["blinks"])
        + button("remove-keyframes", "Remove all keyframes")
        + f"<details open>{text('Without keyframes', 'summary')}"
        + select("start", "From", ends, DEFAULTS["start"])
        + select("end", "To", ends, DEFAULTS["end"])
        + select("easing", "Easing", _options(EASINGS), DEFAULTS["easing"])
        + range_input("frames", "Frames", DEFAULTS["frames"], (2, MAX_TRANSITION_FRAMES, 1))
        + range_input("hold", "Hold at the end [frames]", DEFAULTS["hold"], (0, MAX_HOLD_FRAMES, 1))
        + checkbox("ping_pong", "There and back", DEFAULTS["ping_pong"])
        + "</details>"
        + checkbox("panels", "With attention and color", DEFAULTS["panels"])
        + "</form>"
    )
    return panel("export", "Animation", form)


def explanation() -> str:
    """Return the panel that shows how the result was made."""
    pictures = "".join(
        f'<figure><img id="{name}" alt="">{text(label, "figcaption")}</figure>'
        for name, label in (
            ("composite", "Result"),
            ("attention", "Attention"),
            ("color", "Color"),
            ("motion", "Motion"),
        )
    )
    return panel(
        "explanation",
        "How it was made",
        f'<div id="explanation-pictures">{pictures}</div>'
        + text(FORMULA, "p", 'class="fine-print"')
        + text("Requested and detected", "h2")
        + '<div id="comparison"></div>'
        + text(
            "The detected values come from the reader of warp. For edits by warp it is the network "
            "that made them, so they are no independent measurement.",
            "p",
            'class="fine-print"',
        )
        + '<p id="device" class="fine-print"></p>',
    )


def menu(models: list[str]) -> str:
    """Return the menu: presets, locks, recipes and models."""
    options = "".join(f'<option value="{name}">{name}</option>' for name in models)
    rows = button("reset-all", "Reset") + button("neutral", "Neutral face")
    rows += button("all-faces", "Apply to all faces")
    return panel(
        "menu",
        "Menu",
        f'<div class="row" data-needs-photo>{rows}</div>'
        + '<form id="preset-form" data-needs-photo>'
        + _presets()
        + range_input("intensity", "Intensity", 1, (0, 1, 0.01))
        + "</form><div data-needs-photo>"
        + checkboxes("locked", "Locked parts", _options(LOCKS), ())
        + range_input("detail", "Folds of the skin", 1, (0, MAX_DETAIL, 0.1))
        + checkbox("label", "Write in a corner that it was edited")
        + "</div>"
        + text("Recipe", "h2")
        + _recipe()
        + f"<details>{text('Research models', 'summary')}"
        + text("They work at 128 pixels, so that large faces blur.", "p", 'class="fine-print"')
        + f'<label class="field">{text("Model")}<select id="model">{options}</select></label>'
        + "</details>"
        + text("Please edit only faces of people who agree to it.", "p", 'class="fine-print"'),
    )


def _presets() -> str:
    """Return the list of all presets, in groups."""
    items = f'<option value="" data-text="{text_attribute("None")}">None</option>'
    for label, names in (
        ("Basic emotions", [name for name in PRESETS if name not in SHEET_PRESET_NAMES]),
        ("From the figure of MoodGANimation", SHEET_PRESET_NAMES),
    ):
        options = "".join(text(name, "option", f'value="{name}"') for name in names)
        attributes = f'label="{text_attribute(label)}" {aria_label(label)}'
        items += f"<optgroup {attributes}>{options}</optgroup>"
    heading = text("All expressions")
    return f'<label class="field">{heading}<select name="name">{items}</select></label>'


def _recipe() -> str:
    """Return the form that opens and hands out recipes."""
    return (
        text(
            "Every file that is made here carries its recipe. Open it to have all settings back.",
            "p",
            'class="fine-print"',
        )
        + '<form id="restore-form">'
        + file_input("recipe-source", "A picture, video or .json that was made here", "")
        + text_input("link", "Or a link", "link")
        + '<div class="row">'
        + _submit("Open the recipe", "restore")
        + button("copy-link", "Copy a link")
        + button("recipe-file", "Save as a file")
        + '</div><p id="copied" class="fine-print" role="status"></p></form>'
    )
