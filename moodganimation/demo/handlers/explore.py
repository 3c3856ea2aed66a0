"""Contact sheets of the photo that is open."""

import time
from pathlib import Path

import gradio as gr

from ...contact_sheets import KINDS, contact_sheet
from ...errors import Problem
from ...media.images import write_image
from ...recipe import Recipe
from ..recipe_io import choice, recipe_of, said
from ..sessions import Session, Sessions
from .common import reported, telling

SIDE = 160  # of a face on a sheet [px]


class Explorer:
    """Handlers of the tab Explore."""

    def __init__(self, visits: Sessions):
        self.visits = visits

    def restored(self, visit: Session, recipe: Recipe) -> list:
        """Which sheet a recipe is of."""
        return said(recipe, "explore", kind=choice(*KINDS))

    @reported
    def draw(self, token, kind, progress=gr.Progress()):
        """A sheet of that kind, as a file of the visit."""
        visit = self.visits[token]
        if kind not in KINDS:
            raise Problem("There is no sheet called {}.", repr(kind))

        tell = telling(visit, progress, "Drawing", "faces")
        picture = contact_sheet(visit.animator, visit.face.portrait, kind, SIDE, tell)
        folder = Path(visit.folder.name)
        path = folder / f"sheet-{time.monotonic_ns()}.png"
        recipe = recipe_of(visit, visit.face.anchor, made={"explore": {"kind": kind}})
        write_image(path, picture, recipe=recipe.text(), label=visit.label)
        for old in sorted(folder.glob("sheet-*.png"))[:-2]:
            old.unlink(missing_ok=True)
        return str(path)
