"""Where programs reach the API: parts of the page that nobody sees."""

import inspect

import gradio as gr

from ...animator import Animator
from ..api import API
from .controls import PhotoInput

VERSION = "v1"  # of the endpoints' names and parameters


class Blocks(gr.Blocks):
    """gr.Blocks whose endpoints may get more parameters: those that a program leaves out at the end
    have their defaults."""

    def validate_inputs(self, block_fn, inputs):
        if str(block_fn.api_name).startswith(f"{VERSION}_"):
            inputs += [part.value for part in block_fn.inputs[len(inputs) :]]
        super().validate_inputs(block_fn, inputs)


def endpoints(animator: Animator) -> None:
    """Invisible parts of a page, through which programs call the API."""
    api = API(animator)
    photo = PhotoInput(type="filepath", image_mode=None, visible=False, label="photo")
    video = gr.Video(visible=False, label="video")
    box, axes, timeline = (
        gr.JSON(visible=False, label=name) for name in ("box", "axes", "timeline")
    )
    preset, format, kind, look = (
        gr.Textbox(value, visible=False, label=name)
        for name, value in (("preset", None), ("format", "mp4"), ("kind", "figure"), ("look", None))
    )
    numbers = {
        name: gr.Number(value, visible=False, label=name)
        for name, value in (("intensity", 1), ("size", 384), ("faces", 1), ("strength", 1))
    }
    regions = gr.JSON(visible=False, label="regions")
    picture = gr.Image(visible=False, label="picture", format="png")
    file = gr.File(visible=False, label="file")
    table = gr.File(visible=False, label="table")
    values, said = gr.JSON(visible=False, label="values"), gr.Textbox(visible=False, label="said")
    for work, inputs, outputs in (
        (api.read, [photo, box], values),
        (api.edit, [photo, axes, preset, numbers["intensity"], box, look], [file, values]),
        (api.animate, [photo, axes, preset, timeline, format, numbers["size"], box, look], file),
        (api.sheet, [photo, kind, box], picture),
        (api.film, [video, axes, numbers["faces"]], [file, said]),
        (api.drive, [photo, video, numbers["strength"], regions, box], [file, table]),
    ):
        gr.Button(visible=False).click(
            work,
            inputs,
            outputs,
            api_name=f"{VERSION}_{work.__name__}",
            api_description=inspect.getdoc(work),
            concurrency_id="api",
            concurrency_limit=1,
        )
