"""Handlers of the tab Explore: contact sheets of the selected face."""

from ...contact_sheets import KINDS, contact_sheet
from ...errors import Problem
from ...media.images import write_image
from ...recipe import Recipe
from ..recipe_io import current_recipe, panel_settings
from ..sessions import Session, Sessions
from .common import download_name, file_data, new_path, problems_as_answers, start_progress
from .settings import choice_checker

SHEET_FACE_SIDE = 160  # of one face on a sheet [px]


def check_sheet_kind(kind: object) -> str:
    """Return the kind of a sheet. Raises Problem for an unknown one."""
    if kind not in [*KINDS]:
        raise Problem("There is no sheet called {}; there are {}.", repr(kind), ", ".join(KINDS))
    return kind


class SheetHandlers:
    """Handlers of the tab Explore."""

    def __init__(self, sessions: Sessions):
        self.sessions = sessions

    def restore_settings(self, session: Session | None, recipe: Recipe) -> dict[str, dict]:
        """Return the settings of the tab that a recipe has."""
        return {"explore": panel_settings(recipe, "explore", kind=choice_checker("Sheet", *KINDS))}

    @problems_as_answers
    def draw(self, request: dict, tab_hash: str | None = None) -> dict:
        """Draw a sheet ("kind"): {"picture": file}."""
        session, kind = self.sessions[request.get("token")], check_sheet_kind(request.get("kind"))
        report = start_progress(session, request, "Drawing")
        portrait = session.face.portrait
        picture = contact_sheet(session.animator, portrait, kind, SHEET_FACE_SIDE, report)
        path = new_path(session, "sheet", ".png", keep=2)
        options = {"explore": {"kind": kind}}
        recipe = current_recipe(session, session.face.state.expression, extra_options=options)
        write_image(path, picture, recipe=recipe.text(), label=session.label)
        return {"picture": file_data(path, download_name(session, f"sheet-{kind}", ".png"))}
