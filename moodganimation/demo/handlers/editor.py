"""Handlers of the open photo; all but `save` and `copy_expression` are called without a queue."""

from pathlib import Path

from ...errors import Problem
from ...expressions.moods import mood_of
from ...expressions.sides import units_of
from ...media.images import write_image
from ..comparison import comparison_table
from ..i18n import localize, localized_axis_name
from ..recipe_io import current_recipe
from ..sessions import Session, Sessions
from ..state import State
from . import actions, keyframes, views
from .answers import (
    PRESET_OF_BUTTON,
    device_text,
    face_answer,
    preset_pictures,
    state_answer,
)
from .common import (
    download_name,
    file_data,
    job_number,
    new_path,
    problems_as_answers,
    values_of,
    webp_data_url,
)
from .requests import requested_state

ACTIONS = {action.__name__: action for action in (*actions.ACTIONS, *keyframes.ACTIONS)}
FACE_ACTIONS = {"select_face", "apply_to_all_faces"}  # they may change what `face_answer` has


class EditHandlers:
    """Handlers of previews, actions and views; see assets/store.js."""

    def __init__(self, sessions: Sessions):
        self.sessions = sessions

    def preview(self, request: dict) -> dict:
        """Preview a request during a drag, without committing it; see `requested_state`.

        Answer: {"picture", "expression", "mood", "changed_controls": see `requested_state`}; {}
        for an invalid request.
        """
        try:
            session = self.sessions[request.get("token")]
            state, changed_controls = requested_state(session, request)
            face, view = session.face, views.requested_view(request)
            return {
                "picture": views.edited_url(face, face.target_of(state), view, draft=True),
                "expression": values_of(state.expression),
                "mood": [round(value, 2) for value in _mood(state)],
                "changed_controls": changed_controls,
            }
        except (Problem, AttributeError):
            return {}

    @problems_as_answers
    def act(self, request: dict) -> dict:
        """Do the action `request["action"]`, a name in ACTIONS, and answer with the new state."""
        session, name = self._session(request), request.get("action")
        if not isinstance(name, str) or name not in ACTIONS:
            raise Problem("There is no action called {}.", repr(name))
        if name == "apply_preset" and isinstance(preset := request.get("name"), str):
            request = request | {"name": PRESET_OF_BUTTON.get(preset, preset)}
        ACTIONS[name](session, request)
        if name == "cancel_job":
            return {}
        answer = face_answer if name in FACE_ACTIONS else state_answer
        return answer(session, views.requested_view(request))

    @problems_as_answers
    def show_view(self, request: dict) -> dict:
        """Show the selected face in another view ("view"). Answer: `face_answer`."""
        return face_answer(self._session(request), views.requested_view(request))

    @problems_as_answers
    def draw_presets(self, request: dict) -> dict:
        """Draw the presets on the selected face: {"presets": {name: picture}}."""
        return {"presets": preset_pictures(self._session(request))}

    @problems_as_answers
    def explain(self, request: dict) -> dict:
        """Show how the result was made.

        Answer: {"attention", "color", "motion", "composite"} as pictures, {"comparison"}: requested
        and detected values as HTML, and {"device"}, a line of text.
        """
        session = self._session(request)
        face = session.face
        frame = session.animator.edit(face.portrait, face.target, face.edit_mask)
        pictures = {"attention": frame.attention, "color": frame.color, "motion": frame.motion}
        answer = {name: webp_data_url(picture) for name, picture in pictures.items()}
        answer["composite"] = webp_data_url(frame.face)
        return answer | {
            "comparison": comparison_table(face, frame),
            "device": device_text(session),
        }

    @problems_as_answers
    def progress(self, request: dict) -> dict:
        """Answer {"label", "done", "total"} of a job ("job", its number).

        {} before it runs, and once another job has begun.
        """
        progress = self._session(request).progress
        if progress.job != job_number(request):
            return {}
        done, total = progress.done, progress.total
        return {"label": localize(progress.step_text), "done": done, "total": total}

    @problems_as_answers
    def motion_map(self, request: dict) -> dict:
        """Answer which axes move each place of the face; see manipulation/motion_map.py. The labels
        are those of the sliders in the visitor's language.

        {} for models that do not move pixels.
        """
        face = self._session(request).face
        if not face.animator.generator.moves_pixels:
            return {}
        answer = face.manipulation.motion_map()
        return answer | {"labels": {key: localized_axis_name(key) for key in answer["labels"]}}

    @problems_as_answers
    def save(self, request: dict, tab_hash: str | None) -> dict:
        """Write the edited photo at its own size: {"file"}, a PNG."""
        session = self._session(request)
        name = download_name(session, session.face.state.preset or "", ".png")
        return {"file": file_data(write_result(session), name)}

    @problems_as_answers
    def copy_expression(self, request: dict, tab_hash: str | None = None) -> dict:
        """Copy the expression of another photo; see `actions.copy_expression`."""
        session = self._session(request)
        actions.copy_expression(session, request)
        return state_answer(session, views.requested_view(request))

    def _session(self, request: object) -> Session:
        """Return the session of a request. Raises Problem."""
        token = request.get("token") if isinstance(request, dict) else None
        return self.sessions[token]


def write_result(session: Session) -> Path:
    """Write the edited photo with its recipe into the session's folder, and return the path."""
    face, photo = session.face, session.base_photo
    frame = session.animator.edit(face.portrait, face.target, face.edit_mask)
    path, recipe = new_path(session, "result", ".png", keep=3), current_recipe(session, face.target)
    write_image(
        path, frame.render_for_file(photo), recipe=recipe.text(), label=session.label, source=photo
    )
    return path


def _mood(state: State) -> tuple[float, ...]:
    """Return pleasure, arousal and dominance of a state."""
    return state.mood or mood_of(units_of(state.expression)).values
