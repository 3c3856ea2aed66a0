"""Recipes of the page: hand out the current one, and restore the recipe of a file or link."""

import functools
from collections.abc import Callable, Sequence
from pathlib import Path

from ..animation.timeline import Timeline
from ..animator import Animator
from ..errors import Message, Problem
from ..expressions import schema
from ..expressions.moods import convert_expression
from ..expressions.spaces import FACS, Expression
from ..recipe import FacePlace, Fingerprint, Output, Recipe, read_recipe
from .handlers import views
from .handlers.answers import face_answer
from .handlers.common import (
    download_name,
    file_data,
    new_path,
    problems_as_answers,
    rounded_to_slider_steps,
    uploaded_path,
    values_of,
)
from .models import Models
from .sessions import FaceEdit, Session, Sessions
from .state import State

# A function that returns the settings of one panel in a recipe, {panel: {control: value}}. It may
# also set the session, as that of the timeline sets the keyframes. The session is None if no photo
# is open.
SettingsRestorer = Callable[[Session | None, Recipe], dict[str, dict]]


@functools.cache
def fingerprint(checkpoint: Path) -> Fingerprint:
    """Return the fingerprint of a checkpoint, computed once for each file."""
    return Fingerprint.of(checkpoint)


def current_recipe(
    session: Session,
    expression: Expression | None = None,
    timeline: Timeline | None = None,
    extra_options: dict | None = None,
    output: Output | None = None,
) -> Recipe:
    """Return the recipe that reproduces the current result of a session.

    extra_options: {panel: its settings}, and further options of the recipe.
    """
    place, options = FacePlace.of(session.face.portrait), session.face.state.recipe_options()
    options |= extra_options or {}
    if others := session.other_faces():
        options |= {"others": others, "at": session.face_index}
    checkpoint = fingerprint(session.animator.checkpoint_path)
    return Recipe(checkpoint, place, expression, timeline, output or Output(), options)


def panel_settings(recipe: Recipe, panel: str, defaults=None, **checkers) -> dict[str, object]:
    """Return the settings of a panel that a recipe has, each passed through its checker.

    Settings that the recipe lacks come from `defaults`, or are left out. Raises Problem.
    """
    name = Message("What the recipe says of {}", panel)
    values = schema.check_keys(recipe.options.get(panel, {}), name, (), checkers)
    values = (defaults or {}) | values
    return {key: check(values[key]) for key, check in checkers.items() if key in values}


class RecipeIO:
    """Handlers that restore the recipe of a file or a link, and hand out the current one."""

    def __init__(
        self, sessions: Sessions, models: Models, restore_settings: Sequence[SettingsRestorer] = ()
    ):
        """restore_settings: a function for each panel with settings."""
        self.sessions, self.models, self.restore_settings = sessions, models, restore_settings

    @problems_as_answers
    def restore(self, request: dict, tab_hash: str | None = None) -> dict:
        """Restore the recipe of an uploaded file or of a link.

        request: {"file": {"path"}} or {"link"}, "token", "view"; "anywhere": of a recipe of a photo
        of another size, restore only the state and the settings: neither model, nor place, nor
        other faces. Answer: {"settings": {panel: {control: value}}} with "model" and `face_answer`,
        or with "expression" if no photo is open.
        """
        path, link = uploaded_path(request, "file"), str(request.get("link") or "")
        if path is None and not link:
            raise Problem("Choose a file that was made here, or paste a link to a recipe.")
        recipe = read_recipe(path) if path is not None else Recipe.from_link(link.split("#")[-1])
        session = self._session(request, recipe)
        draft = session and session.draft()  # so that a problem leaves the session as it was
        if draft:
            self._restore_face(draft, request, recipe)
        settings = {}
        for restore_settings in self.restore_settings:
            settings |= restore_settings(draft, recipe)
        if session is None:
            expression = convert_expression(recipe.expression, FACS, Expression.neutral(FACS))
            return {"settings": settings, "expression": values_of(expression)}
        session.adopt(draft)
        answer = {"settings": settings, "model": self.models.name_of(session.animator)}
        return answer | face_answer(session, views.requested_view(request))

    @problems_as_answers
    def share(self, request: dict, tab_hash: str | None = None) -> dict:
        """Answer {"file", "link"}: the current recipe as a JSON file and as a URL's fragment."""
        session = self.sessions[request.get("token")]
        recipe = current_recipe(session, session.face.target)
        path = new_path(session, "recipe", ".json")
        path.write_text(recipe.text(), encoding="utf-8")
        name = download_name(session, session.face.state.preset or "", ".json")
        return {"file": file_data(path, name), "link": recipe.link()}

    def _session(self, request: dict, recipe: Recipe) -> Session | None:
        """Return the session of a request. A recipe without a face needs none."""
        token = request.get("token")
        return self.sessions[token] if token or not _lacks_face(recipe) else None

    def _restore_face(self, session: Session, request: dict, recipe: Recipe) -> None:
        """Restore model, faces and state of a recipe, or without a face its sliders.

        With "anywhere", of a recipe of a photo of another size only the state.
        """
        if _lacks_face(recipe):
            start = session.face.reading
            expression = convert_expression(recipe.expression, start.space, start)
            return session.face.commit(State(rounded_to_slider_steps(expression)))
        size = session.photo.shape[1], session.photo.shape[0]
        if request.get("anywhere") and recipe.face.photo != size:
            return session.face.commit(State.from_recipe(recipe, session.face.reading))
        animator = self._model(session.animator, recipe.checkpoint)
        face = FaceEdit.of(animator, recipe.face.locate(animator, session.photo))
        state = State.from_recipe(recipe, face.reading)
        session.animator = animator
        session.restore_recipe(face, recipe.options)
        face.commit(state)

    def _model(self, current: Animator, recipe_checkpoint: Fingerprint) -> Animator:
        """Return the model of a recipe. Raises Problem if it is not installed."""
        if fingerprint(current.checkpoint_path).sha256 == recipe_checkpoint.sha256:
            return current
        for name in self.models.names:
            animator = self.models[name]
            if fingerprint(animator.checkpoint_path).sha256 == recipe_checkpoint.sha256:
                return animator
        raise Problem(
            "The recipe needs the model {}, which is not installed here in that version, so its "
            "result cannot be made again. Open it where that version is installed.",
            repr(recipe_checkpoint.name),
        )


def _lacks_face(recipe: Recipe) -> bool:
    """Return whether a recipe is of a camera recording without a photo, which has no face."""
    camera = recipe.options.get("live")
    return bool(recipe.expression and isinstance(camera, dict) and camera.get("photo") is False)
