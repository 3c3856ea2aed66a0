"""The tabs beside Edit: each builds its parts and binds them to its handlers."""

import gradio as gr

from ...animation.easing import EASINGS, FASTEST
from ...animation.timeline import MODES
from ...contact_sheets import KINDS
from ...expressions.presets import PRESETS
from ...video.editing import MOST_FACES, STRONGEST
from ...video.reenactment import REGIONS
from ..handlers.animate import FORMATS, MOST_HELD, MOST_WAY, Animations
from ..handlers.common import NEUTRAL, PHOTO, SLIDERS
from ..handlers.explore import Explorer
from ..handlers.film import Filming
from ..handlers.live import CAMERAS, Streams
from ..i18n import choices, say, script
from .controls import Controls

CAMERA = """
<video muted playsinline hidden></video>
<img />
<div>
  <button id="camera"></button>
  <button id="record"></button>
  <button id="calm"></button>
  <span role="status"></span>
</div>
"""
CAMERA_SAYS = (
    "▶ Camera",
    "■ Camera",
    "● Record",
    "■ Record",
    "no face",
    "The camera cannot be used",
    "This is my neutral face",
    "hold still: reading your neutral face",
    "The camera's picture, edited",
)
PRIVATE = {"api_visibility": "private", "trigger_mode": "always_last"}


def animate_tab(lane: gr.HTML, controls: Controls, animations: Animations) -> list:
    """Returns the controls that `Animations.restored` sets."""
    names = [PHOTO, NEUTRAL, SLIDERS, *PRESETS]
    with gr.Row():
        start = gr.Dropdown(choices(names), value=PHOTO, label=say("From"))
        end = gr.Dropdown(choices(names), value=SLIDERS, label=say("To"), elem_id="end")
        easing = gr.Dropdown(choices(EASINGS), value="smooth", label=say("Easing"))
        view = gr.Radio(choices(("face", "photo")), value="face", label=say("Picture"))
    with gr.Row():
        frames = gr.Slider(2, MOST_WAY, 24, step=1, label=say("Frames"), buttons=[])
        fps = gr.Slider(1, FASTEST, 24, step=1, label=say("Frames per second"), buttons=[])
        hold = gr.Slider(0, MOST_HELD, 6, step=1, label=say("Hold at the end [frames]"), buttons=[])
        size = gr.Slider(64, 1024, 384, step=2, label=say("Longest side [px]"), buttons=[])
        ping_pong = gr.Checkbox(True, label=say("There and back"))
    with gr.Accordion(say("Keyframes, instead of from and to"), open=False) as folder:
        with gr.Row():
            at = gr.Number(0, label=say("Moment [s]"), minimum=0, step=0.1, elem_id="at")
            rest = gr.Number(0.3, label=say("Hold [s]"), minimum=0, step=0.1)
            way = gr.Dropdown(choices(EASINGS), value="smooth", label=say("Easing to the next"))
            mode = gr.Radio(choices(MODES), value="once", label=say("Mode"))
            blinks = gr.Checkbox(False, label=say("Blinks"))
        with gr.Row():
            add = gr.Button(say("Add the sliders as a keyframe"), elem_id="add-key")
            remove = gr.Button(say("Remove the nearest keyframe"), elem_id="remove-key")
        keys = gr.Markdown("", elem_id="keys")
        drawing = gr.Image(
            label=say("Curves"), interactive=False, buttons=[], height=240, elem_id="timeline"
        )
    scrub = gr.Slider(0, 1, 0, step=0.01, label=say("Scrub"), elem_id="scrub", buttons=[])
    with gr.Row():
        formats = gr.CheckboxGroup(choices(FORMATS), value=["GIF", "MP4"], label=say("Write"))
        panels = gr.Checkbox(False, label=say("With attention and color"), elem_id="panels")
        make = gr.Button(say("Make the animation"), variant="primary", elem_id="make")
    with gr.Row():
        moving = gr.Image(
            label=say("GIF or WebP"), interactive=False, buttons=["download"], elem_id="gif"
        )
        film = gr.Video(label=say("MP4"), interactive=False, loop=True, elem_id="mp4")
        files = gr.Files(label=say("Downloads"), elem_id="files")
    settings = [start, end, frames, fps, easing, ping_pong, hold, mode, blinks]
    scrub.input(
        None,
        [scrub, *settings, *controls.units],
        js="(...v) => { window.moodganimation.ask({way: v.splice(0, 10), units: v}) }",
        **PRIVATE,
    )
    pace = [fps, mode, blinks]
    added = [lane, at, rest, way, *pace, *controls.units]
    add.click(animations.add, added, [keys, drawing], **PRIVATE)
    remove.click(animations.remove, [lane, at, *pace], [keys, drawing], **PRIVATE)
    gr.on([mode.input, blinks.input], animations.draw, [lane, *pace], [keys, drawing], **PRIVATE)
    make.click(
        animations.make,
        [lane, *settings, view, size, formats, panels, *controls.units],
        [film, moving, files],
        concurrency_id="animate",
        concurrency_limit=1,
        **PRIVATE,
    )
    return [*settings, view, size, formats, panels, keys, drawing, folder]


def explore_tab(lane: gr.HTML, explorer: Explorer) -> list:
    """Returns the control that `Explorer.restored` sets."""
    gr.Markdown(say("All that the sliders do to this face, on one sheet."))
    with gr.Row():
        kind = gr.Radio(
            [(say(what[0].upper() + what[1:]), name) for name, (what, _) in KINDS.items()],
            value="units",
            label=say("Sheet"),
            elem_id="kind",
        )
        draw = gr.Button(say("Draw the sheet"), variant="primary", elem_id="draw")
    sheet = gr.Image(
        label=say("Sheet"), interactive=False, buttons=["download", "fullscreen"], elem_id="sheet"
    )
    draw.click(
        explorer.draw,
        [lane, kind],
        sheet,
        concurrency_id="animate",
        concurrency_limit=1,
        **PRIVATE,
    )
    return [kind]


def live_tab(lane: gr.HTML, streams: Streams, animated: list) -> list:
    """The camera, edited as the sliders edit the photo, or by all they say if there is none; or a
    mirror, whose recordings are `animated`: pace, mode, blinks, keyframes, curves and what folds
    them. Returns the controls that `Streams.restored` sets."""

    def frame(request: dict) -> dict:
        return streams.frame(request)

    gr.Markdown(
        say(
            "The camera's face changes as the sliders change the photo. Frames are edited here "
            "and forgotten, but for what you record."
        )
    )
    with gr.Row():
        what = gr.Radio(
            choices(CAMERAS), value=CAMERAS[0], label=say("What the camera drives"), elem_id="what"
        )
        strength = gr.Slider(
            0,
            STRONGEST,
            1,
            step=0.05,
            label=say("Strength"),
            buttons=[],
            visible=False,
            elem_id="mirror-strength",
        )
        regions = gr.CheckboxGroup(
            choices(REGIONS), value=list(REGIONS), label=say("Regions"), visible=False
        )
    gr.Markdown(
        say(
            "As a mirror, the photo plays what your face does beyond its neutral, which is read in "
            "the first second and whenever you say so."
        )
    )
    camera = gr.HTML(
        "",
        html_template=CAMERA,
        js_on_load=script("live.js", *CAMERA_SAYS),
        server_functions=[frame],
        elem_id="live",
    )
    with gr.Row():
        save = gr.Button(say("Save the recording"), elem_id="save-recording")
        edit = gr.Button(say("Edit the recording as keyframes"), elem_id="edit-recording")
    with gr.Row():
        film = gr.Video(label=say("Film"), interactive=False, elem_id="recording")
        table = gr.File(label=say("The curves as a table"), interactive=False, elem_id="played")
    said = [what, strength, regions]
    js = (
        f"(what, strength, regions) => {{ window.moodganimation.mirror = what === {CAMERAS[1]!r} "
        "? { strength, regions } : null; }"
    )
    gr.on([part.change for part in said], None, said, js=js, **PRIVATE)
    what.change(
        lambda name: [gr.update(visible=name == CAMERAS[1])] * 2,
        what,
        [strength, regions],
        **PRIVATE,
    )
    save.click(streams.save, camera, [film, table], **PRIVATE)
    edited = edit.click(streams.keyframes, [camera, lane], animated, **PRIVATE)
    edited.success(None, js="() => document.getElementById('animate-button').click()", **PRIVATE)
    return said


def film_tab(lane: gr.HTML, controls: Controls, filming: Filming) -> list:
    """A clip, and what to do with it: take it again with the sliders' change, or let the photo
    play it. Both can be cancelled and leave nothing half-written. Returns the controls that
    `Filming.restored` sets."""
    with gr.Row():
        with gr.Column():
            clip = gr.Video(label=say("Clip"), sources=["upload", "webcam"], elem_id="clip")
            most = gr.Slider(1, MOST_FACES, 1, step=1, label=say("Faces"), buttons=[])
            edit_video = gr.Button(
                say("Change the clip as the sliders change the photo"),
                variant="primary",
                elem_id="retake",
            )
            strength = gr.Slider(
                0, STRONGEST, 1, step=0.05, label=say("Strength"), buttons=[], elem_id="strength"
            )
            regions = gr.CheckboxGroup(choices(REGIONS), value=list(REGIONS), label=say("Regions"))
            by = gr.Radio(choices(("units", "moods")), value="units", label=say("Carry over"))
            drive = gr.Button(
                say("Let the photo play what the clip plays"), variant="primary", elem_id="drive"
            )
            cancel = gr.Button(say("Cancel"), elem_id="cancel")
        with gr.Column():
            film = gr.Video(label=say("Film"), interactive=False, elem_id="film")
            said = gr.Markdown("", elem_id="film-note")
            drawing = gr.Image(
                label=say("What was played"), interactive=False, buttons=[], elem_id="curves"
            )
            table = gr.File(label=say("The curves as a table"), interactive=False, elem_id="table")
    with gr.Accordion(say("Let the photo follow a trajectory file"), open=False):
        with gr.Row():
            way = gr.File(
                label=say("Trajectory: .csv, .npy or .pkl"),
                elem_id="way",
                file_types=[".csv", ".npy", ".pkl"],
            )
            truth = gr.Video(
                label=say("What was filmed, if you have it"), sources=["upload"], elem_id="truth"
            )
            with gr.Column():
                name = gr.Textbox(label=say("Clip in a .pkl"), max_lines=1, elem_id="clip-name")
                pace = gr.Slider(1, FASTEST, 25, step=1, label=say("Frames per second"), buttons=[])
                follow = gr.Button(say("Follow it"), variant="primary", elem_id="follow")
        gr.Markdown(
            say(
                "A row a frame, as Action Units or moods; the first belongs to the photo. The film "
                "shows original, generated, attention, color and what was filmed."
            )
        )
        strips = gr.Files(label=say("Downloads"), elem_id="strips")
    once = PRIVATE | {"concurrency_id": "animate", "concurrency_limit": 1}
    once["trigger_mode"] = "once"
    sent = [lane, clip, most, *controls.units]
    edit_video.click(filming.edit_video, sent, [film, said], **once)
    played = [lane, clip, strength, regions, by]
    drive.click(filming.drive, played, [film, drawing, table, said], **once)
    follow.click(filming.follow, [lane, way, name, pace, truth], [film, strips, said], **once)
    cancel.click(filming.cancel, lane, **PRIVATE)
    return [most, strength, regions, by, name, pace]
