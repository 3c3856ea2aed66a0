"""What the page looks like, and which handler answers what."""

from pathlib import Path

import gradio as gr
from PIL import Image

from ..animator import DEFAULT_CHECKPOINT, Animator
from ..expressions import ACTION_UNITS, PAD, PRESETS
from ..video import EASINGS, MOST_FRAMES
from .handlers import NEUTRAL, PHOTO, SLIDERS, Page

ASSETS = Path(__file__).resolve().parents[2] / "assets"
REGIONS = tuple(dict.fromkeys(axis.region for axis in ACTION_UNITS.axes))


class PhotoInput(gr.Image):
    """gr.Image that hands over the file as it came, and says what is wrong with it."""

    is_template = True  # for Gradio: shown by the page's own gr.Image

    def preprocess(self, payload):
        try:
            return super().preprocess(payload)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            raise gr.Error(
                "This is not a picture that can be read, or it is far too large: "
                "use a JPEG, PNG or WebP photo.",
                duration=None,
                print_exception=False,
            ) from None


def build(animator: Animator) -> gr.Blocks:
    """The whole page over one animator."""
    page = Page(animator)
    names = [PHOTO, NEUTRAL, SLIDERS, *PRESETS]

    def preview(request: dict) -> dict:
        return page.preview(request)

    with gr.Blocks(title="MoodGANimation", delete_cache=(300, 3000)) as demo:
        gr.Markdown(
            "# MoodGANimation\nMove a muscle or a mood: your own photo changes, at its own "
            "resolution. Please edit only faces of people who agree to it.\n\n" + _status(animator)
        )
        lane = gr.HTML(
            "",
            html_template="",
            js_on_load=(ASSETS / "page.js").read_text(),
            server_functions=[preview],
            elem_id="lane",
        )
        with gr.Row():
            with gr.Column(scale=5, min_width=420):
                photo = PhotoInput(
                    type="filepath",
                    image_mode=None,
                    sources=["upload", "webcam", "clipboard"],
                    label="Photo",
                    height=240,
                    elem_id="photo",
                )
                note = gr.Markdown("Upload a photo of a face.", elem_id="note")
                gr.Examples([str(p) for p in sorted(ASSETS.glob("*.png"))], photo, label="Examples")
                with gr.Accordion("Another face, or none found?", open=False):
                    share = gr.Slider(5, 100, 50, step=1, label="Height of the face, % of photo")
                    outline = gr.Image(
                        label="Click on the middle of the face", interactive=False, buttons=[]
                    )
                model = gr.Dropdown(
                    page.models.names, value=page.models.first, label="Model", elem_id="model"
                )
                units, moods, preset, intensity = _controls()
                with gr.Row():
                    reset = gr.Button("Reset", elem_id="reset")
                    neutral = gr.Button("Neutral first", elem_id="neutral")
            with gr.Column(scale=6, min_width=420, elem_id="sight"):
                result = gr.Image(
                    label="Result",
                    interactive=False,
                    buttons=["download", "fullscreen"],
                    height=480,
                    elem_id="result",
                )
                with gr.Row():
                    panels = [
                        gr.Image(
                            label=label,
                            interactive=False,
                            format="jpeg",
                            buttons=[],
                            height=190,
                            min_width=120,
                            elem_id=label.lower(),
                        )
                        for label in ("Attention", "Color", "Motion")
                    ]
                gr.Markdown(
                    "Result = attention x moved photo + (1 - attention) x color: **white** keeps "
                    "the photo's own pixels, **black** is painted; arrows show where they moved."
                )
        with gr.Accordion("Animation", open=True):
            with gr.Row():
                start = gr.Dropdown(names, value=PHOTO, label="From")
                end = gr.Dropdown(names, value=SLIDERS, label="To", elem_id="end")
                easing = gr.Dropdown(list(EASINGS), value="smooth", label="Easing")
                view = gr.Radio(["face", "photo"], value="face", label="Picture")
            with gr.Row():
                frames = gr.Slider(2, MOST_FRAMES // 4, 24, step=1, label="Frames", buttons=[])
                fps = gr.Slider(1, 60, 24, step=1, label="Frames per second", buttons=[])
                hold = gr.Slider(0, 120, 6, step=1, label="Hold at the end [frames]", buttons=[])
                size = gr.Slider(64, 1024, 384, step=2, label="Longest side [px]", buttons=[])
                ping_pong = gr.Checkbox(True, label="There and back")
            scrub = gr.Slider(0, 1, 0, step=0.01, label="Scrub", elem_id="scrub", buttons=[])
            with gr.Row():
                formats = gr.CheckboxGroup(
                    ["GIF", "MP4", "WebP"], value=["GIF", "MP4"], label="Write"
                )
                make = gr.Button("Make the animation", variant="primary", elem_id="make")
            with gr.Row():
                moving = gr.Image(
                    label="GIF or WebP", interactive=False, buttons=["download"], elem_id="gif"
                )
                film = gr.Video(label="MP4", interactive=False, loop=True, elem_id="mp4")
                files = gr.Files(label="Downloads", elem_id="files")

        placed = [*units, *moods, result, *panels]
        private = {"api_visibility": "private", "trigger_mode": "always_last"}
        drawn = private | {"concurrency_id": "draw", "concurrency_limit": 2}
        anew = drawn | {"js": "(...v) => { window.moodganimation.cancel(); return v; }"}
        opened = [lane, note, outline, *placed]
        photo.change(page.open, [photo, lane, model], opened, **anew)
        outline.select(page.open_at, [photo, lane, model, share], opened, **anew)
        model.input(page.choose, [lane, model], placed, **anew)
        lane.input(page.settle, lane, placed, show_progress="hidden", **drawn)
        ask = "window.moodganimation.ask"
        gr.on(
            [slider.input for slider in units],
            None,
            units,
            js=f"(...v) => {{ {ask}({{units: v}}) }}",
            **private,
        )
        gr.on(
            [slider.input for slider in moods],
            None,
            [*moods, *units],
            js=f"(p, a, d, ...v) => {{ {ask}({{mood: [p, a, d], units: v}}) }}",
            **private,
        )
        scrub.input(
            None,
            [start, end, easing, scrub, *units],
            js=f"(a, b, e, t, ...v) => {{ {ask}({{way: [a, b, e, t], units: v}}) }}",
            **private,
        )
        gr.on([preset.input, intensity.input], page.put, [lane, preset, intensity], placed, **anew)
        for button, name in ((reset, PHOTO), (neutral, NEUTRAL)):

            def put(token, name=name):
                return None, *page.put(token, name, 1.0)

            button.click(put, lane, [preset, *placed], **anew)
        make.click(
            page.make,
            [lane, start, end, frames, fps, easing, ping_pong, hold, view, size, formats, *units],
            [film, moving, files],
            concurrency_id="animate",
            concurrency_limit=1,
            **private,
        )
        demo.unload(page.leave)
    return demo


def _controls() -> tuple[list, list, gr.Radio, gr.Slider]:
    """Sliders of the Action Units in their order, of the mood, and the emotions, in three tabs."""
    with gr.Tab("Action Units"), gr.Row():
        units = {}
        for regions in (REGIONS[:-1], REGIONS[-1:]):
            with gr.Column(min_width=190, elem_classes="slim"):
                for region in regions:
                    gr.Markdown(f"**{region.capitalize()}**")
                    for axis in (a for a in ACTION_UNITS.axes if a.region == region):
                        label = f"{axis.key} {axis.label}"
                        units[axis.key] = gr.Slider(
                            0, 1, 0, step=0.01, label=label, elem_id=axis.key, buttons=[]
                        )
    with gr.Tab("Mood"):
        moods = [
            gr.Slider(-1, 1, 0, step=0.01, label=a.label, elem_id=a.key, buttons=[])
            for a in PAD.axes
        ]
        gr.Markdown(
            "Moods and Action Units are tied by a documented mapping. *Dominance* follows its "
            "definition only: no data set of faces carries it, so it is not validated."
        )
    with gr.Tab("Emotions"):
        preset = gr.Radio(list(PRESETS), label="Emotion", elem_id="preset")
        intensity = gr.Slider(
            0, 1, 1, step=0.01, label="Intensity", elem_id="intensity", buttons=[]
        )
    return [units[key] for key in ACTION_UNITS.keys], moods, preset, intensity


def _status(animator: Animator) -> str:
    device = "CPU" if animator.device.type == "cpu" else "GPU"
    name = animator.card.get("name", DEFAULT_CHECKPOINT.stem)
    line = (
        f"Device: **{device}** · checkpoint: **{name}** · face finder: **{animator.finder.name}**"
    )
    missing = (f"; {m.name} cannot be used here ({m.reason})" for m in animator.unavailable)
    return line + "".join(missing)
