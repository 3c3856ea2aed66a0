"""What the visitor turns: Action Units, moods, emotions."""

from dataclasses import dataclass

import gradio as gr
from gradio.components.base import server
from gradio.components.image_editor import AcceptBlobs
from PIL import Image

from ...expressions.moods import MOODS
from ...expressions.presets import PRESETS
from ...expressions.spaces import ACTION_UNITS, PAD
from ...faces.portrait import LOCKS
from ...media.headers import opening
from ..handlers.edit import PAINTED
from ..i18n import choices, say, script, told
from ..sessions import HALVES

REGIONS = tuple(dict.fromkeys(axis.region for axis in ACTION_UNITS.axes))

MOST_PAINTINGS, LARGEST_PAINTING = 64, 2048  # that wait to be applied; their longer side [px]
PAINT = "This is no painting on the face: show the face and paint once more."

# What moves when a unit rises, for people who hover over its name (Ekman, Friesen & Hager 2002).
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
    "AU17": "mentalis",
    "AU20": "risorius",
    "AU23": "orbicularis oris",
    "AU25": "depressor labii inferioris, or orbicularis oris at rest",
    "AU26": "masseter at rest, so that the jaw drops",
    "AU45": "levator palpebrae at rest, orbicularis oculi closing the lids",
}


PAD_SAYS = (
    "Mood: pleasure across, arousal up. Arrow keys move it, Page Up and Page Down go from name to "
    "name."
)


class PhotoInput(gr.Image):
    """gr.Image that hands over the file as it came: `read_image` looks at it with more care."""

    is_template = True  # for Gradio: shown by the page's own gr.Image

    def preprocess(self, payload):
        return payload and payload.path


class Painting(gr.ImageEditor):
    """gr.ImageEditor for pictures about as large as the face that it shows."""

    is_template = True

    @server
    def accept_blobs(self, data: AcceptBlobs):
        while len(self.blob_storage) > MOST_PAINTINGS:  # the oldest, which nobody came back for
            self.blob_storage.pop(next(iter(self.blob_storage)), None)
        if not str(data.data["index"] or 0).isdecimal() or int(data.data["index"] or 0) > 9:
            raise gr.Error(told("A painting has ten layers at most."), print_exception=False)
        return super().accept_blobs(data)

    def convert_and_format_image(self, file, **options):
        try:
            if file is not None:
                with opening(getattr(file, "path", file), ("PNG", "WEBP", "JPEG")) as picture:
                    if max(picture.size) > LARGEST_PAINTING:
                        raise ValueError("it is too large")
            return super().convert_and_format_image(file, **options)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            raise gr.Error(
                told(PAINT), title=told("Error"), duration=None, print_exception=False
            ) from None


@dataclass(frozen=True)
class Controls:
    units: list[gr.Slider]  # in the order of ACTION_UNITS
    resets: dict[str, gr.Button]  # of a region's sliders
    moods: list[gr.Slider]  # in the order of PAD
    pad: gr.HTML
    preset: gr.Radio
    intensity: gr.Slider


def controls() -> Controls:
    """Three tabs: sliders of the Action Units, of the mood with its pad, and the emotions."""
    with gr.Tab(say("Action Units")), gr.Row():
        units, resets = {}, {}
        for regions in (REGIONS[:-1], REGIONS[-1:]):
            with gr.Column(min_width=190, elem_classes="slim"):
                for region in regions:
                    with gr.Row(elem_classes="region"):
                        gr.Markdown(f"**{say(region.capitalize())}**")
                        resets[region] = gr.Button(
                            say(f"Reset {region}"), size="sm", elem_id=f"reset-{region}"
                        )
                    for axis in (a for a in ACTION_UNITS.axes if a.region == region):
                        units[axis.key] = gr.Slider(
                            0,
                            1,
                            0,
                            step=0.01,
                            label=say(f"{axis.key} {axis.label}"),
                            elem_id=axis.key,
                            buttons=[],
                        )
    with gr.Tab(say("Mood")):
        pad = mood_pad()
        moods = [
            gr.Slider(-1, 1, 0, step=0.01, label=say(a.label), elem_id=a.key, buttons=[])
            for a in PAD.axes
        ]
        gr.Markdown(
            say(
                "Moods and Action Units are tied by a documented mapping. *Dominance* follows its "
                "definition only: no data set of faces carries it, so it is not validated."
            )
        )
    with gr.Tab(say("Emotions")):
        preset = gr.Radio(choices(PRESETS), label=say("Emotion"), elem_id="preset")
        intensity = gr.Slider(
            0, 1, 1, step=0.01, label=say("Intensity"), elem_id="intensity", buttons=[]
        )
    return Controls([units[k] for k in ACTION_UNITS.keys], resets, moods, pad, preset, intensity)


def mood_pad() -> gr.HTML:
    """The plane of pleasure and arousal with named moods; value [pleasure, arousal], and dominance
    where a name was chosen."""
    names = "".join(
        f'<g data-name="{name}" data-dominance="{dominance}" transform="translate('
        f'{100 * pleasure:.0f} {-100 * arousal:.0f})"><circle r="1.5"/><text></text></g>'
        for name, (pleasure, arousal, dominance) in MOODS.items()
    )
    drawing = (
        '<svg viewBox="-125 -108 250 216" tabindex="0" role="slider" aria-valuemin="-1" '
        f'aria-valuemax="1" data-says="{PAD_SAYS}">'
        '<rect x="-100" y="-100" width="200" height="200"/><path d="M-100 0H100M0 -100V100"/>'
        f'{names}<circle class="dot" r="5"/></svg>'
    )
    return gr.HTML(
        [0, 0],
        html_template=drawing,
        js_on_load=script("pad.js", PAD_SAYS, "pleasure", "arousal", *MOODS),
        elem_id="pad",
    )


def tools() -> dict:
    """Buttons, masks, pins and another photo, by name."""
    with gr.Row():
        undo = gr.Button(say("Undo"), elem_id="undo")
        redo = gr.Button(say("Redo"), elem_id="redo")
        reset = gr.Button(say("Reset"), elem_id="reset")
        neutral = gr.Button(say("Neutral first"), elem_id="neutral")
        everyone = gr.Button(say("For every face"), elem_id="everyone")
    part = gr.Radio(choices(HALVES), value="whole face", label=say("Edit"), elem_id="part")
    label = gr.Checkbox(False, label=say("Say in a corner that it was edited"), elem_id="label")
    locked = gr.CheckboxGroup(choices(LOCKS), label=say("Lock"), elem_id="locked")
    with gr.Accordion(say("Lock a part with a brush"), open=False):
        painting = Painting(
            type="numpy",
            image_mode="RGBA",
            sources=[],
            transforms=[],
            brush=gr.Brush(default_size=14, colors=["#ff5500"], color_mode="fixed"),
            layers=False,
            buttons=[],
            height=360,
            label=say("Paint on the face"),
            elem_id="painting",
        )
        with gr.Row():
            canvas = gr.Button(say("Show the face"), elem_id="canvas")
            painted = gr.Radio(choices(PAINTED), value=PAINTED[0], label=say("What is painted"))
            brush = gr.Button(say("Apply"), elem_id="brush")
    with gr.Accordion(say("Pinned"), open=False):
        pin = gr.Button(say("Pin what is shown"), elem_id="pin")
        pins = gr.Gallery(
            label=say("Click to go back"),
            columns=6,
            height=150,
            interactive=False,
            allow_preview=False,
            buttons=[],
            elem_id="pins",
        )
    with gr.Accordion(say("Copy the expression of another photo"), open=False):
        other = PhotoInput(
            type="filepath",
            image_mode=None,
            sources=["upload", "clipboard"],
            label=say("Another photo"),
            height=160,
            elem_id="other",
        )
        regions = gr.CheckboxGroup(choices(REGIONS), value=list(REGIONS), label=say("Regions"))
        borrow = gr.Button(say("Copy"), elem_id="borrow")
    with gr.Accordion(say("Recipe: restore or copy what made a picture"), open=False):
        made = gr.File(label=say("A picture, film or .json that was made here"), elem_id="made")
        link = gr.Textbox(label=say("Or a link"), max_lines=1, elem_id="link")
        with gr.Row():
            restore = gr.Button(say("Restore"), elem_id="restore")
            show = gr.Button(say("Show the recipe"), elem_id="recipe")
        file = gr.File(label=say("The recipe"), interactive=False, elem_id="recipe-file")
    return {
        "made": made,
        "link": link,
        "restore": restore,
        "show": show,
        "file": file,
        "undo": undo,
        "redo": redo,
        "reset": reset,
        "neutral": neutral,
        "everyone": everyone,
        "part": part,
        "label": label,
        "locked": locked,
        "painting": painting,
        "canvas": canvas,
        "painted": painted,
        "brush": brush,
        "pin": pin,
        "pins": pins,
        "other": other,
        "regions": regions,
        "borrow": borrow,
    }
