"""The page: its components, its scripts, and the handler of each event."""

import json

import gradio as gr

from ...animation.easing import EASINGS
from ...animator import Animator
from ...media.formats import READABLE_ENDINGS
from ...resources import ASSETS
from ..handlers.camera import CameraHandlers
from ..handlers.editor import EditHandlers
from ..handlers.film import FilmHandlers
from ..handlers.photo import PhotoHandlers, example_pictures
from ..handlers.sheets import SheetHandlers
from ..handlers.timeline import TimelineHandlers
from ..i18n import LANGUAGES, TEXTS
from ..recipe_io import RecipeIO
from ..server.quotas import UPLOAD_LIFETIME_S
from . import forms, parts
from .endpoints import Blocks, endpoints
from .markup import texts_in

PART_SCRIPTS = {  # {part: names of its scripts in assets/}
    "header-part": ("header",),
    "rail-part": ("rail",),
    "stage-part": ("stage", "drawing", "drag"),
    "controls-part": ("controls", "mood_pad", "forms", "camera"),
    "timeline-part": ("timeline",),
}
SCRIPTS = (
    "store",
    "request_channel",
    "answer_channel",
    *(name for names in PART_SCRIPTS.values() for name in names),
)
# Texts that assets/drag.js translates without a literal `translate("...")`, which `texts_in` finds.
DRAG_TEXTS = (
    "The face: drag it, or move its handles with the arrow keys. Delete undoes the change at a "
    "handle.",
    "Gaze",
    "Head",
)
# Queues of the handlers: of about a second, and jobs of up to minutes. `copy_expression` is in the
# first one, although it has a progress bar, so that it does not wait for the films of others.
QUICK_QUEUE = {"concurrency_id": "quick", "concurrency_limit": 2}
JOB_QUEUE = {"concurrency_id": "jobs", "concurrency_limit": 1}
DELETE_EVERY_S = 300  # how often Gradio deletes old files


def build(animator: Animator) -> gr.Blocks:
    """Build the whole page over one animator."""
    photos = PhotoHandlers(animator)
    sessions, editor = photos.sessions, EditHandlers(photos.sessions)
    timeline, films = TimelineHandlers(sessions), FilmHandlers(sessions)
    sheets, camera = SheetHandlers(sessions), CameraHandlers(sessions, animator)
    tabs = (timeline, films, camera, sheets)
    recipes = RecipeIO(sessions, photos.models, [tab.restore_settings for tab in tabs])
    quick = {  # the events of `quick` and `jobs` are also in EVENTS of assets/request_channel.js
        "open_photo": photos.open,
        "open_example": photos.open_example,
        "switch_model": photos.switch_model,
        "copy_expression": editor.copy_expression,
        "save_photo": editor.save,
        "share_recipe": recipes.share,
        "restore_recipe": recipes.restore,
        "edit_recording": camera.edit_recording,
    }
    jobs = {
        "write_animation": timeline.write,
        "edit_film": films.edit,
        "drive_photo": films.drive,
        "follow_trajectory": films.follow_trajectory,
        "draw_sheet": sheets.draw,
        "save_recording": camera.save_recording,
    }
    deletion = DELETE_EVERY_S, UPLOAD_LIFETIME_S
    with Blocks(title="MoodGANimation", delete_cache=deletion, fill_width=True) as page:
        requests = _request_channel(_direct_functions(editor, timeline, camera))
        answers = _answer_channel()
        with gr.Column(elem_id="studio"):  # the root element of the page
            _parts(animator, photos.models.names)
        for handlers, queue in ((quick, QUICK_QUEUE), (jobs, JOB_QUEUE)):
            for name, handler in handlers.items():
                _bind_event(requests, answers, name, handler, queue)
        endpoints(animator)
        page.unload(_close_listener(photos))
    return page


def _close_listener(photos: PhotoHandlers):
    """Return the listener of a closed browser tab."""

    def close(request: gr.Request) -> None:
        photos.close_tab(request.session_hash)

    return close


def _direct_functions(
    editor: EditHandlers, timeline: TimelineHandlers, camera: CameraHandlers
) -> list:
    """Return the handlers that the page calls without a queue, as plain functions for Gradio."""

    def as_function(method):
        def function(request: dict) -> dict:
            return method(request)

        function.__name__ = method.__name__
        return function

    methods = (editor.preview, editor.act, editor.show_view, editor.draw_presets, editor.explain)
    methods += (editor.progress, editor.motion_map, timeline.draw_curves, camera.process_frame)
    return list(map(as_function, methods))


def _request_channel(functions: list) -> gr.HTML:
    """Return the hidden element whose custom events carry requests, and which has the functions."""
    return gr.HTML(
        None,
        html_template="",
        js_on_load=script("request_channel"),
        server_functions=functions,
        elem_id="request-channel",
    )


def _answer_channel() -> gr.HTML:
    """Return the hidden element whose value is the newest answer of a queued handler."""
    return gr.HTML(
        None,
        html_template="",
        js_on_load=script("answer_channel"),
        elem_id="answer-channel",
    )


def _bind_event(requests: gr.HTML, answers: gr.HTML, name: str, handler, queue: dict) -> None:
    """Bind a handler to an event of the request channel; queue: options of its queue.

    The answer has the job number of its request, by which the page tells answers apart.
    """

    def run(event: gr.EventData, request: gr.Request) -> dict:
        values = event._data if isinstance(event._data, dict) else {}
        return handler(values, request.session_hash) | {"job": values.get("job")}

    options = {"api_visibility": "private", "trigger_mode": "multiple", "show_progress": "hidden"}
    getattr(requests, name)(run, None, answers, **options, **queue)


def _parts(animator: Animator, models: list[str]) -> None:
    """Add the parts of the page, in the order in which the Tab key reaches them."""
    for name, template in templates(*example_pictures(animator), models).items():
        scripts = (script(part_script) for part_script in PART_SCRIPTS.get(name, ()))
        code = "\n".join(f"(() => {{\n{code}\n}})();" for code in scripts)
        gr.HTML(
            None,
            html_template=template,
            js_on_load=code or None,
            apply_default_css=False,
            elem_id=name,
        )


def templates(first_picture: str, examples: dict[str, str], models: list[str]) -> dict[str, str]:
    """Return {part: HTML}; first_picture: its URL; examples: {name: URL}."""
    panels = [parts.controls(), forms.film(), forms.live(), forms.explore(), forms.export()]
    panels += [forms.explanation(), forms.menu(models)]
    return {
        "header-part": parts.header(),
        "rail-part": parts.rail(examples),
        "stage-part": parts.stage(first_picture),
        "controls-part": "".join(panels),
        "timeline-part": parts.timeline(EASINGS),
        "toasts-part": '<div id="toasts" role="alert"></div>',
    }


def script(name: str) -> str:
    """Return one of assets/*.js.

    Gradio runs them with `element`, `props`, `server`, `trigger`, `upload` and `watch` defined;
    store.js has none of these.
    """
    return (ASSETS / f"{name}.js").read_text("utf-8")


def head() -> str:
    """Return HTML for the head of the page: assets/store.js, with all texts in every language and
    the endings of picture files that can be read."""
    used = texts_in(*templates("", {"": ""}, []).values(), *map(script, SCRIPTS))
    used |= {*parts.NAMED_MOODS, *parts.MOOD_PAD_AXIS_LABELS, parts.MOOD_PAD_HINT, *DRAG_TEXTS}
    texts = {code: {text: TEXTS[text][code] for text in sorted(used)} for code in LANGUAGES}
    endings = json.dumps(sorted(READABLE_ENDINGS))
    constants = f"const texts = {json.dumps(texts)}, pictureEndings = {endings};"
    return f"<script>(() => {{ {constants}\n{script('store')} }})();</script>"
