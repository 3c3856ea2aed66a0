"""A visitor of the page without a browser: the handlers that the page calls, with plain values."""

import secrets
import shutil
from pathlib import Path

import numpy as np
from gradio.utils import get_upload_folder

from moodganimation.animator import Animator
from moodganimation.demo.handlers import actions
from moodganimation.demo.handlers.camera import CameraHandlers
from moodganimation.demo.handlers.editor import EditHandlers
from moodganimation.demo.handlers.film import FilmHandlers
from moodganimation.demo.handlers.photo import PhotoHandlers
from moodganimation.demo.handlers.sheets import SheetHandlers
from moodganimation.demo.handlers.timeline import TimelineHandlers
from moodganimation.demo.recipe_io import RecipeIO
from moodganimation.media.images import read_image

from .conftest import PHOTO

VISITOR = "visitor"  # the session of a browser tab


def sent(path: Path | str) -> dict:
    """A file as the page sends it, after an upload."""
    folder = Path(get_upload_folder()) / secrets.token_hex(8)
    folder.mkdir(parents=True)
    copy = shutil.copy(path, folder / Path(path).name)
    return {"path": str(copy), "orig_name": Path(path).name}


class Visit:
    """A photo that is open on a page."""

    def __init__(self, animator: Animator, path: Path | str | None = PHOTO, page=None):
        """page: the `PhotoHandlers` of the server; its own by default."""
        self.page = page or PhotoHandlers(animator)
        visits = self.page.sessions
        self.studio, self.animations = EditHandlers(visits), TimelineHandlers(visits)
        self.filming, self.explorer = FilmHandlers(visits), SheetHandlers(visits)
        self.streams = CameraHandlers(visits, animator)
        tabs = (self.animations, self.filming, self.streams, self.explorer)
        self.recipes = RecipeIO(visits, self.page.models, [tab.restore_settings for tab in tabs])
        self.token = None
        if path is not None:
            self.opened = self.open(path)

    def open(self, path: Path | str, **more) -> dict:
        """What the page is told of an uploaded photo."""
        answer = self.page.open({"photo": sent(path), "token": self.token, **more}, VISITOR)
        self.token = answer.get("token", self.token)
        return answer

    @property
    def session(self):
        return self.page.sessions[self.token]

    @property
    def face(self):
        return self.session.face

    @property
    def units(self) -> dict[str, float]:
        """The sliders."""
        return self.face.state.expression.asdict()

    @property
    def reading(self) -> dict[str, float]:
        return self.face.reading.asdict()

    def act(self, do: str, **more) -> dict:
        """Press a button that works: the answer."""
        answer = self.studio.act({"token": self.token, "action": do, **more})
        assert "problem" not in answer, answer
        return answer

    def refused(self, do: str, **more) -> str:
        """Press a button that does not work: its sentence."""
        return self.studio.act({"token": self.token, "action": do, **more})["problem"]

    def settle(self, *, mood=None, **axes) -> dict:
        """Move sliders, or the mood pad, and let go."""
        units = self.face.state.expression.replace(**axes).asdict()
        return self.act("commit", expression=units, **({} if mood is None else {"mood": mood}))

    def preset(self, name: str, **more) -> dict:
        return self.act("apply_preset", name=name, **more)

    def borrow(self, path: Path | str, regions) -> None:
        actions.copy_expression(self.session, {"other": sent(path), "regions": regions})

    def saved(self) -> Path:
        """The file that Save makes."""
        answer = self.studio.save({"token": self.token}, VISITOR)
        return Path(answer["file"]["path"])

    def picture(self) -> np.ndarray:
        """What it shows."""
        return read_image(self.saved())

    def restore(self, path: Path | str | None = None, **more) -> dict:
        """Open a file that was made here, or a link."""
        made = {} if path is None else {"file": sent(path)}
        return self.recipes.restore({"token": self.token, **made, **more}, VISITOR)

    def ask(self, work, **more) -> dict:
        """The answer of long work."""
        return work({"token": self.token, **more}, VISITOR)
