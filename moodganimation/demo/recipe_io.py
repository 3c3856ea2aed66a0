"""What made a picture: into its file, out of a file again, and as JSON and as a link to copy."""

import functools
import time
from pathlib import Path

import gradio as gr

from ..animation.timeline import Timeline
from ..animator import Animator
from ..errors import Problem
from ..expressions import schema
from ..expressions.moods import in_space
from ..expressions.spaces import ACTION_UNITS, Expression
from ..recipe import Face as Place
from ..recipe import Fingerprint, Recipe, read_recipe
from .models import Models
from .sessions import Face, Session, Sessions


@functools.cache
def fingerprint(checkpoint: Path) -> Fingerprint:
    return Fingerprint.of(checkpoint)


def recipe_of(
    visit: Session,
    expression: Expression | None = None,
    timeline: Timeline | None = None,
    made: dict | None = None,
    **output,
) -> Recipe:
    """Of what is shown of a visit; made: what the controls of a tab said, by the tab's name."""
    place, options = Place.of(visit.face.portrait), visit.face.options()
    if "mood" in visit.face.turned:
        options["sliders"] = schema.of_expression(visit.face.mooded)["expression"]
    options |= made or {}
    options |= {"others": others, "at": visit.at} if (others := visit.others()) else {}
    checkpoint = fingerprint(visit.animator.checkpoint)
    return Recipe(checkpoint, place, expression, timeline, options=options, **output)


def said(recipe: Recipe, tab: str, otherwise=None, **controls) -> list:
    """What a recipe says of each of a tab's controls, as the function of its name checks it, or
    else what `otherwise` does; untouched where neither says anything. Raises Problem."""
    name = f"What the recipe says of {tab}"
    values = schema.fields(recipe.options.get(tab, {}), name, (), controls)
    values = (otherwise or {}) | values
    return [check(values[key]) if key in values else gr.skip() for key, check in controls.items()]


def between(low: float, high: float):
    return functools.partial(schema.check, schema.number("A number of the recipe", low, high))


def whole(low: int, high: int):
    return functools.partial(schema.check, schema.whole("A number of the recipe", low, high))


def choice(*choices: str):
    return functools.partial(schema.check, schema.choice("A choice of the recipe", choices))


def several(*choices: str):
    one = schema.choice("A choice of the recipe", choices)
    kind = schema.several("The choices of the recipe", one, 0, len(choices))
    return lambda values: list(schema.check(kind, values))


truth = functools.partial(schema.check, schema.truth("A choice of the recipe"))


class RecipeIO:
    """Restores what a file or a link says, and shows what may be copied."""

    def __init__(self, visits: Sessions, models: Models):
        self.visits, self.models = visits, models

    def read(self, token, path: str | None, link: str) -> tuple[Session | None, Recipe, Expression]:
        """The visit, put back to a recipe's model and face, the recipe, and its Action Units. What
        was recorded without a photo has no face to put back, and needs no visit."""
        if path is None and not link:
            raise Problem("Choose a file that was made here, or paste a link to a recipe.")
        recipe = read_recipe(path) if path is not None else Recipe.of_link(link.split("#")[-1])
        camera = recipe.options.get("live")
        if recipe.expression and isinstance(camera, dict) and camera.get("photo") is False:
            visit = self.visits[token] if token else None
            units = in_space(recipe.expression, ACTION_UNITS, Expression.neutral(ACTION_UNITS))
            if visit:
                visit.face.turned = {}
            return visit, recipe, units
        visit = self.visits[token]
        animator = self._model(visit.animator, recipe.checkpoint)
        portrait = recipe.face.locate(animator, visit.photo)
        visit.animator = animator
        visit.restore(Face.of(animator, portrait), recipe.options)
        reading = visit.face.portrait.reading
        if "sliders" in recipe.options:
            asked = schema.to_expression({"expression": recipe.options["sliders"]})
        else:
            asked = recipe.expression or recipe.timeline.keyframes[-1].expression or reading
        return visit, recipe, in_space(asked, ACTION_UNITS, reading)

    def show(self, token) -> tuple[str, str]:
        """The JSON file and the link of what is shown."""
        visit = self.visits[token]
        recipe = recipe_of(visit, visit.face.anchor)
        path = Path(visit.folder.name) / f"recipe-{time.monotonic_ns()}.json"
        for old in Path(visit.folder.name).glob("recipe-*.json"):
            old.unlink(missing_ok=True)
        path.write_text(recipe.text())
        return str(path), "#" + recipe.link()

    def _model(self, now: Animator, wanted: Fingerprint) -> Animator:
        """The model that made it. Raises Problem where it is not here."""
        if fingerprint(now.checkpoint).sha256 == wanted.sha256:
            return now
        for name in self.models.names:
            animator = self.models[name]
            if fingerprint(animator.checkpoint).sha256 == wanted.sha256:
                return animator
        raise Problem(
            "It was made by the model {}, of which this program has another version or none: what "
            "it says cannot be made again here.",
            repr(wanted.name),
        )
