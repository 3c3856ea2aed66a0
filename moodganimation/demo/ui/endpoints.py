"""The endpoints of the API, as hidden components of the page."""

import inspect

import gradio as gr

from ...animator import Animator
from ..api import API

VERSION = "v1"  # prefix of the endpoints' names
NUMBER_DEFAULTS = {"intensity": 1, "size": 384, "faces": 1, "strength": 1, "detail": 1}


class PhotoInput(gr.Image):
    """gr.Image that passes on the path of the uploaded file, undecoded.

    `read_photo` checks the size of a picture before it decodes it.
    """

    is_template = True  # Gradio shows it by the front end of gr.Image

    def preprocess(self, payload):
        return payload and payload.path


class Blocks(gr.Blocks):
    """gr.Blocks whose endpoints fill trailing parameters that a program omits with their defaults.

    So programs written before a parameter was added keep working.
    """

    def validate_inputs(self, block_fn, inputs):
        if str(block_fn.api_name).startswith(f"{VERSION}_"):
            inputs += [component.value for component in block_fn.inputs[len(inputs) :]]
        super().validate_inputs(block_fn, inputs)


def endpoints(animator: Animator) -> None:
    """Add the endpoints of the API to a page."""
    api, component = API(animator), _components()
    for endpoint, inputs, outputs in (
        (api.read, "photo box", "values"),
        (api.locate, "photo box", "values"),
        (api.edit, "photo axes preset intensity box look detail", "file values"),
        (api.animate, "photo axes preset timeline format size box look", "file"),
        (api.sheet, "photo kind box", "picture"),
        (api.film, "video axes faces", "file sentence"),
        (api.drive, "photo video strength regions box", "file table"),
    ):
        gr.Button(visible=False).click(
            endpoint,
            [component[name] for name in inputs.split()],
            [component[name] for name in outputs.split()],
            api_name=f"{VERSION}_{endpoint.__name__}",
            api_description=inspect.getdoc(endpoint),
            concurrency_id="api",
            concurrency_limit=1,
        )


def _components() -> dict[str, gr.components.Component]:
    """Return {name: component} of all parameters and results."""
    text_defaults = {"preset": None, "format": "mp4", "kind": "figure", "look": None}
    hidden = {"visible": False}
    return {
        "photo": PhotoInput(type="filepath", image_mode=None, visible=False, label="photo"),
        "video": gr.Video(**hidden, label="video"),
        "picture": gr.Image(**hidden, label="picture", format="png"),
        "file": gr.File(**hidden, label="file"),
        "table": gr.File(**hidden, label="table"),
        "sentence": gr.Textbox(**hidden, label="said"),  # clients know it by this label
        **{
            name: gr.JSON(**hidden, label=name)
            for name in ("box", "axes", "timeline", "regions", "values")
        },
        **{name: gr.Textbox(value, **hidden, label=name) for name, value in text_defaults.items()},
        **{name: gr.Number(value, **hidden, label=name) for name, value in NUMBER_DEFAULTS.items()},
    }
