"""What the page looks like, and which handler answers what."""

import json

import gradio as gr

from ...animator import DEFAULT_CHECKPOINT, Animator
from ...resources import ASSETS
from ..handlers.animate import Animations
from ..handlers.common import NEUTRAL, PHOTO
from ..handlers.edit import Changes
from ..handlers.explore import Explorer
from ..handlers.film import Filming
from ..handlers.live import Streams
from ..handlers.photo import Page
from ..i18n import say, told, words
from ..recipe_io import RecipeIO
from ..server.quotas import KEPT
from .controls import MUSCLES, Controls, PhotoInput, controls, tools
from .endpoints import Blocks, endpoints
from .tabs import PRIVATE, animate_tab, explore_tab, film_tab, live_tab

DRAWN = PRIVATE | {"concurrency_id": "draw", "concurrency_limit": 2}
ANEW = DRAWN | {"js": "(...v) => { window.moodganimation.cancel(); return v; }"}
ASK = "window.moodganimation.ask"


def build(animator: Animator) -> gr.Blocks:
    """The whole page over one animator."""
    page = Page(animator)
    animations, filming = Animations(page.visits), Filming(page.visits)
    explorer, streams = Explorer(page.visits), Streams(page.visits, animator, animations.show)

    def preview(request: dict) -> dict:
        return page.preview(request)

    with Blocks(title="MoodGANimation", delete_cache=(300, KEPT)) as demo:
        gr.Markdown("# MoodGANimation")
        gr.Markdown(
            say(
                "Move a muscle or a mood: your own photo changes, at its own resolution. Please "
                "edit only faces of people who agree to it."
            )
        )
        status = gr.Markdown()
        lane = gr.HTML(
            "",
            html_template="",
            js_on_load=(ASSETS / "page.js").read_text(),
            server_functions=[preview],
            elem_id="lane",
        )
        with gr.Row():
            with gr.Column(scale=5, min_width=420):
                opening = _photo(page)
                turned = controls()
                buttons = tools()
            with gr.Column(scale=6, min_width=420, elem_id="sight"):
                shown = _sight()
        with gr.Tab(say("Animate"), elem_id="animate"):
            restored = animate_tab(lane, turned, animations)
        with gr.Tab(say("Film")):
            restored += film_tab(lane, turned, filming)
        with gr.Tab(say("Live")):
            animated = [*restored[3:4], *restored[7:9], *restored[13:16]]
            restored += live_tab(lane, streams, animated)
        with gr.Tab(say("Explore")):
            restored += explore_tab(lane, explorer)
        restorers = [t.restored for t in (animations, filming, streams, explorer)]
        changes = Changes(page.visits, RecipeIO(page.visits, page.models), restorers)
        _bind(page, changes, lane, opening, turned, buttons, shown, restored)
        endpoints(animator)
        demo.load(lambda: _status(animator), None, status, js=_titles(), **PRIVATE)
        demo.unload(page.leave)
    return demo


def _photo(page: Page) -> dict:
    """Where a photo comes from, where its face is, and which model edits it."""
    photo = PhotoInput(
        type="filepath",
        image_mode=None,
        sources=["upload", "webcam", "clipboard"],
        label=say("Photo"),
        height=240,
        elem_id="photo",
    )
    note = gr.Markdown(say("Upload a photo of a face."), elem_id="note")
    gr.Examples([str(p) for p in sorted(ASSETS.glob("*.png"))], photo, label=say("Examples"))
    faces = gr.Gallery(
        label=say("Faces"),
        columns=6,
        height=150,
        visible=False,
        interactive=False,
        allow_preview=False,
        buttons=[],
        elem_id="faces",
    )
    with gr.Accordion(say("Another face, or none found?"), open=False):
        share = gr.Slider(5, 100, 50, step=1, label=say("Height of the face, % of photo"))
        outline = gr.Image(
            label=say("Click on the middle of the face"), interactive=False, buttons=[]
        )
    model = gr.Dropdown(
        page.models.names, value=page.models.first, label=say("Model"), elem_id="model"
    )
    return {
        "photo": photo,
        "note": note,
        "share": share,
        "outline": outline,
        "model": model,
        "faces": faces,
    }


def _sight() -> list:
    """The result, the three panels, the bars of what was asked and seen, and before and after."""
    with gr.Tab(say("Result")):
        result = gr.Image(
            label=say("Result"),
            interactive=False,
            buttons=["download", "fullscreen"],
            height=480,
            elem_id="result",
        )
    with gr.Tab(say("Before and after")):
        both = gr.ImageSlider(
            label=say("Photo, result"), interactive=False, buttons=[], height=480, elem_id="both"
        )
    with gr.Row():
        panels = [
            gr.Image(
                label=say(label),
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
        say(
            "Result = attention x moved photo + (1 - attention) x color: **white** keeps the "
            "photo's own pixels, **black** is painted; arrows show where they moved."
        )
    )
    with gr.Accordion(say("Asked and seen"), open=True):
        bars = gr.HTML("", elem_id="bars")
        gr.Markdown(say("The reader is the network that moves the face: a witness, not a judge."))
    return [result, *panels, bars, both]


def _bind(
    page: Page,
    changes: Changes,
    lane: gr.HTML,
    opening: dict,
    turned: Controls,
    buttons: dict,
    shown: list,
    restored: list,
) -> None:
    units, moods, pad = turned.units, turned.moods, turned.pad
    placed = [*units, *moods, *shown]
    photo, model = opening["photo"], opening["model"]
    opened = [lane, opening["note"], opening["outline"], opening["faces"], *placed]
    photo.change(page.open, [photo, lane, model], opened, **ANEW)
    where = [photo, lane, model, opening["share"]]
    opening["outline"].select(page.open_at, where, opened, **ANEW)
    opening["faces"].select(page.turn, lane, placed, **ANEW)
    model.input(page.choose, [lane, model], placed, **ANEW)
    lane.input(page.settle, lane, placed, show_progress="hidden", **DRAWN)
    gr.on(
        [slider.input for slider in units],
        None,
        units,
        js=f"(...v) => {{ {ASK}({{units: v}}) }}",
        **PRIVATE,
    )
    gr.on(
        [slider.input for slider in moods],
        None,
        [*moods, *units],
        js=f"(p, a, d, ...v) => {{ {ASK}({{mood: [p, a, d], units: v}}) }}",
        **PRIVATE,
    )
    pad.input(
        None,
        [pad, moods[2], *units],
        moods,
        js=f"(at, d, ...v) => {{ const mood = [...at.slice(0, 2), at[2] ?? d]; "
        f"{ASK}({{mood, units: v}}); return mood; }}",
        **PRIVATE,
    )
    gr.on([m.change for m in moods[:2]], None, moods[:2], pad, js="(p, a) => [[p, a]]", **PRIVATE)

    preset, intensity = turned.preset, turned.intensity
    chosen = [lane, preset, intensity]
    gr.on([preset.input, intensity.input], changes.put, chosen, placed, **ANEW)
    for button, name in (("reset", PHOTO), ("neutral", NEUTRAL)):

        def put(token, name=name):
            return None, *changes.put(token, name, 1.0)

        buttons[button].click(put, lane, [preset, *placed], **ANEW)
    buttons["undo"].click(changes.undo, lane, placed, **ANEW)
    buttons["everyone"].click(changes.everyone, [lane, *units], placed, **ANEW)
    buttons["redo"].click(changes.redo, lane, placed, **ANEW)
    parts = [buttons["part"], buttons["locked"]]
    gr.on([p.input for p in parts], changes.confine, [lane, *parts, *units], placed, **ANEW)
    buttons["label"].input(changes.label, [lane, buttons["label"], *units], placed, **ANEW)
    photo.change(None, None, buttons["label"], js="() => false", **PRIVATE)
    buttons["canvas"].click(changes.canvas, lane, buttons["painting"], **DRAWN)
    lock = [lane, buttons["painting"], buttons["painted"], *units]
    buttons["brush"].click(changes.brush, lock, placed, **ANEW)
    buttons["pin"].click(changes.pin, [lane, *units], buttons["pins"], **DRAWN)
    buttons["pins"].select(changes.unpin, lane, placed, **ANEW)
    kept = [lane, buttons["made"], buttons["link"]]
    found = [model, *parts, buttons["painted"], turned.preset, turned.intensity]
    found += [*placed, *restored]
    buttons["restore"].click(changes.restore, kept, found, **ANEW)
    buttons["show"].click(changes.recipe, lane, [buttons["file"], buttons["link"]], **DRAWN)
    source = [lane, buttons["other"], buttons["regions"], *units]
    buttons["borrow"].click(changes.borrow, source, placed, **ANEW)
    for region, button in turned.resets.items():

        def reset(token, *values, region=region):
            return changes.reset(token, region, *values)

        button.click(reset, [lane, *units], placed, **ANEW)


def _titles() -> str:
    """Over a unit's slider the pointer shows which muscle it is."""
    titles = {key: f"{key}: {muscle}" for key, muscle in MUSCLES.items()}
    return (
        f"() => {{ {words(*titles.values())} for (const [key, text] of "
        f"Object.entries({json.dumps(titles)})) "
        "document.getElementById(key)?.setAttribute('title', say(text)); }"
    )


def _status(animator: Animator) -> str:
    device = "CPU" if animator.device.type == "cpu" else "GPU"
    name = animator.card.get("name", DEFAULT_CHECKPOINT.stem)
    parts = [told("Device: {}", f"**{device}**"), told("checkpoint: {}", f"**{name}**")]
    parts += [told("face finder: {}", f"**{animator.finder.name}**")]
    missing = animator.unavailable
    parts += [told("{} cannot be used here ({})", one.name, one.reason) for one in missing]
    return " · ".join(parts)
