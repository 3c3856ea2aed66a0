"""Sessions: what the server keeps of each open photo, under a secret token and within bounds."""

import copy
import secrets
import tempfile
import threading
from collections import OrderedDict, deque
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import cv2
import numpy as np

from ..animation.timeline import Keyframe
from ..animator import Animator
from ..errors import Problem
from ..expressions import schema
from ..expressions.spaces import PAD, Expression
from ..faces.masks import half_face_mask, unlocked_mask
from ..faces.portrait import Portrait
from ..frame import Frame
from ..manipulation.face import Manipulation
from ..media.images import Photo
from .state import HALVES, MASK_SIDE, History, State

# Limits of all open sessions together; the least recently used one is removed first.
MAX_SESSIONS, MAX_TOTAL_BYTES = 128, 600_000_000
MAX_CANCELLED_JOBS = 32  # of a session whose numbers are remembered
ENCODING_BYTES = 4_000_000  # estimated memory of one portrait's encoding
# About the size of the stage on the page [px].
PREVIEW_SIDE = 720  # longest side of the copy that shows the whole photo
CLOSE_UP_SIDE = 620  # side of the face's crop in the copy that shows the face
BRUSH_BLUR = 2  # standard deviation of the blur of a brush mask, in its cells


def temporary_folder() -> tempfile.TemporaryDirectory:
    """Create a folder that is removed with the returned object.

    Windows deletes no file that a program has open; such files stay until the system clears its
    temporary files.
    """
    return tempfile.TemporaryDirectory(prefix="moodganimation-", ignore_cleanup_errors=True)


@dataclass(eq=False)
class FaceEdit:
    """One face of an open photo, its edit and the history of its edits."""

    animator: Animator  # the model that encoded the face
    portrait: Portrait  # in the whole photo, with the edits of all other faces
    reduced_portrait: Portrait  # the same face in a copy of at most PREVIEW_SIDE pixels
    close_up: Portrait  # the same face in a copy of its surroundings, see `close_up_of`
    state: State
    mood_start: Expression  # the last expression that no mood set; moods start from it
    history: History = field(default_factory=History)
    # The edit of the committed state; None before the first one, and after a failed `restore`
    frame: Frame | None = None
    _manipulation: Manipulation | None = None  # created by the first drag

    @classmethod
    def of(cls, animator: Animator, portrait: Portrait) -> "FaceEdit":
        """Return an unedited face."""
        state = State(portrait.reading)
        reduced, close_up = portrait.downscaled(PREVIEW_SIDE), close_up_of(portrait)
        face = cls(animator, portrait, reduced, close_up, state, state.expression)
        face.history.add(state)
        return face

    def copy(self) -> "FaceEdit":
        """Return a copy whose state and history can be set without effect on this one."""
        return replace(self, history=copy.copy(self.history))

    @property
    def manipulation(self) -> Manipulation:
        """The drags of this face. Raises Problem for models that do not move pixels."""
        if self._manipulation is None:
            self._manipulation = Manipulation(self.animator, self.portrait)
        return self._manipulation

    @property
    def reading(self) -> Expression:
        """The expression that was read in the photo, rounded to hundredths as sliders show it."""
        return self.portrait.reading

    @property
    def target(self) -> Expression:
        """The target expression of the current state."""
        return self.target_of(self.state)

    def target_of(self, state: State) -> Expression:
        """Return the target expression of a state: the mood itself for a generator of moods."""
        if state.mood is not None and self.animator.space == PAD:
            return Expression(PAD, state.mood)
        return state.expression

    @property
    def edit_mask(self) -> np.ndarray | None:
        """(MASK_SIDE, MASK_SIDE) over the face's crop, float in [0, 1]: 1 where edits act fully, 0
        where they do not act; the border of what the brush painted is soft.

        None if they act everywhere.
        """
        side, state, masks = HALVES[self.state.half], self.state, []
        masks += [] if side is None else [half_face_mask(MASK_SIDE, side)]
        masks += [unlocked_mask(MASK_SIDE, state.locked)] if state.locked else []
        masks += [] if state.brush_mask is None else [self._soft_brush_mask]
        return np.prod(masks, 0) if masks else None

    @property
    def _soft_brush_mask(self) -> np.ndarray:
        """(MASK_SIDE, MASK_SIDE) in [0, 1], 1 where edits act; blurred, so that no seam shows."""
        blurred = cv2.GaussianBlur(np.float32(self.state.brush_mask), (0, 0), BRUSH_BLUR)
        painted = np.clip(blurred, 0, 1)
        return painted if self.state.only_painted else 1 - painted

    def commit(self, state: State) -> None:
        """Set the state, add it to the history and edit the photo."""
        self.apply(state)
        if state.mood is None:
            self.mood_start = state.expression
        self.history.add(state)
        self.frame = self.animator.edit(self.portrait, self.target, self.edit_mask)

    def restore(self, state: State) -> None:
        """Return to a state of the history, and edit the photo."""
        self.apply(state)
        self.frame = None  # so that a failure of the edit leaves no frame of another state
        if state.mood is None:
            self.mood_start = state.expression
        self.frame = self.animator.edit(self.portrait, self.target, self.edit_mask)

    def apply(self, state: State) -> None:
        """Set the state, and the strength of folds in the encoding; the history stays as it is."""
        if state.detail != self.state.detail:
            generator, encoding = self.animator.generator, self.portrait.encoding
            encoding = generator.with_detail(encoding, state.detail)
            self._set_encoding(replace(self.portrait, encoding=encoding))
        self.state = state

    def reencode(self, animator: Animator) -> None:
        """Encode the face by another model, unless it is the current one. The state stays."""
        if animator is self.animator:
            return
        portrait = animator.encode(self.portrait)
        encoding = animator.generator.with_detail(portrait.encoding, self.state.detail)
        self._set_encoding(replace(portrait, encoding=encoding))
        self.animator, self._manipulation = animator, None

    def _set_encoding(self, portrait: Portrait) -> None:
        """Set `portrait`, and give its encoding and reading to the smaller copies."""
        common = {"encoding": portrait.encoding, "reading": portrait.reading}
        self.portrait = portrait
        self.reduced_portrait = replace(self.reduced_portrait, **common)
        self.close_up = replace(self.close_up, **common)


def close_up_of(portrait: Portrait) -> Portrait:
    """Return the face in a copy of its surroundings, which turns of the head stay within.

    The side of its crop is at most CLOSE_UP_SIDE pixels.
    """
    x0, y0, x1, y1 = portrait.surroundings.box
    photo = np.ascontiguousarray(portrait.photo[y0:y1, x0:x1])
    linear, offset = portrait.to_face[:, :2], portrait.to_face[:, 2]
    to_face = np.c_[linear, linear @ (x0, y0) + offset]
    alpha = None if portrait.alpha is None else portrait.alpha[y0:y1, x0:x1]
    close_up = replace(portrait, photo=photo, to_face=to_face, alpha=alpha)
    return close_up.downscaled(round(CLOSE_UP_SIDE * max(photo.shape[:2]) / portrait.side))


class JobProgress(NamedTuple):
    """How far a job is."""

    job: str = ""  # its number
    step_text: str = ""  # what the job does, in English; translated when the page asks
    done: int = 0  # steps
    total: int = 0  # all steps; 0 if that is unknown


@dataclass(eq=False)
class Session:
    """One open photo with its edits, kept until the visitor closes the page or opens another."""

    animator: Animator  # the model that the visitor chose
    name: str  # of the uploaded file, without its suffix
    original: Photo
    # `to_face` matrices, largest face first: coarse, as Animator.find returns them, or canonical
    # for a drawn box, an example or a recipe.
    found_crops: list[np.ndarray]
    face: FaceEdit  # the selected face
    tab_hash: str | None  # Gradio's id of the browser tab
    face_index: int = 0  # of the selected face, in `found_crops`
    label: bool = False  # whether a label in a corner of written files says that they were edited
    faces: dict[int, FaceEdit] = field(default_factory=dict)  # by index; only those used so far
    keyframes: list[Keyframe] = field(default_factory=list)  # of the timeline
    # Numbers of jobs to end, which may still wait in the queue.
    cancelled_jobs: deque[str] = field(default_factory=lambda: deque(maxlen=MAX_CANCELLED_JOBS))
    closed: threading.Event = field(default_factory=threading.Event)  # set on removal; ends jobs
    progress: JobProgress = field(default_factory=JobProgress)  # of the session's last job
    pins: list[tuple[np.ndarray, State]] = field(default_factory=list)  # (picture, state)
    folder: tempfile.TemporaryDirectory = field(default_factory=temporary_folder)

    def __post_init__(self):
        self.faces[self.face_index] = self.face
        self.reduced_photo = self.face.reduced_portrait.photo  # at most PREVIEW_SIDE pixels

    @property
    def photo(self) -> np.ndarray:
        """The uploaded photo as the networks take it, (H, W, 3) uint8 in sRGB."""
        return self.original.pixels

    @property
    def base_photo(self) -> Photo:
        """The original file with the edits of all faces but the selected one.

        The selected face's edit is rendered over it for saving. With alpha, `portrait.photo` lies
        over white, so the edits are rendered into the original colors instead.
        """
        if self.original.alpha is None:
            return replace(self.original, color=self.face.portrait.photo)
        photo = self.original
        for face in self.faces.values():
            if face is not self.face and face.frame:
                photo = replace(photo, color=face.frame.render_for_file(photo)[..., :3])
        return photo

    @property
    def nbytes(self) -> int:
        """Estimated memory of the session [bytes]."""
        # A photo of several faces has a second copy, with the edits of the other faces.
        count = min(2, len(self.found_crops))
        pictures = count * (self.photo.nbytes + self.reduced_photo.nbytes)
        pictures += self.face.close_up.photo.nbytes * len(self.faces)
        # With alpha, the original keeps its own colors beside `pixels`.
        pictures += 0 if self.original.alpha is None else 2 * self.photo.nbytes
        return pictures + ENCODING_BYTES * len(self.faces)

    def other_faces(self) -> dict[str, dict]:
        """Return the edits of the faces that are not selected, by index, for a recipe."""
        return {
            str(index): schema.expression_to_json(face.state.expression)
            | {"options": face.state.recipe_options()}
            for index, face in self.faces.items()
            if index != self.face_index and face.frame
        }

    def restore_recipe(self, face: FaceEdit, options: dict) -> None:
        """Select the face of a recipe, and restore the edits of other faces from its options.

        Raises Problem for damaged options.
        """
        index, others = options.get("at", self.face_index), options.get("others", {})
        is_known = isinstance(index, int) and 0 <= index < len(self.found_crops)
        if not (is_known and isinstance(others, dict)):
            raise Problem("There is no such face in the photo.")
        for key, values in others.items():
            values = schema.check_keys(
                values, "A face of the recipe", ("options",), ("space", "expression")
            )
            if not (isinstance(values["options"], dict) and key.isdecimal()):
                raise Problem("A face of the recipe is damaged.")
            other = self.face_at(int(key))
            plain = {name: values[name] for name in ("space", "expression") if name in values}
            other.commit(State.from_json(plain | values["options"], other.reading))
        self.faces[index], self.found_crops[index] = face, face.portrait.to_face
        self.select_face(index)

    def draft(self) -> "Session":
        """Return a copy whose model, faces and keyframes can be set without effect on this one."""
        draft = copy.copy(self)
        draft.faces = {index: face.copy() for index, face in self.faces.items()}
        draft.face = draft.faces[self.face_index]
        draft.found_crops = list(self.found_crops)
        return draft

    def adopt(self, draft: "Session") -> None:
        """Take model, faces and keyframes from a draft of this session."""
        for name in ("animator", "found_crops", "face", "face_index", "faces", "keyframes"):
            setattr(self, name, getattr(draft, name))

    def face_at(self, index: int) -> FaceEdit:
        """Return a face by its index, encoded by the session's model. Raises Problem."""
        if not 0 <= index < len(self.found_crops):
            raise Problem("There is no such face in the photo.")
        if index not in self.faces:
            portrait = self.animator.locate(self.photo, face=self.found_crops[index])
            self.faces[index] = FaceEdit.of(self.animator, portrait)
        self.faces[index].reencode(self.animator)
        return self.faces[index]

    def select_face(self, index: int) -> None:
        """Select a face, and compose its photos anew with the edits of all other faces.

        Raises Problem.
        """
        self.face_index, self.face = index, self.face_at(index)
        for attribute in ("portrait", "reduced_portrait"):
            background = self.photo if attribute == "portrait" else self.reduced_photo
            for other in self.faces.values():
                if other is not self.face and other.frame:
                    other_portrait = replace(getattr(other, attribute), photo=background)
                    background = replace(other.frame, portrait=other_portrait).image
            composed = replace(getattr(self.face, attribute), photo=background)
            setattr(self.face, attribute, composed)
        self.face.close_up = close_up_of(self.face.portrait)


class Sessions:
    """All open sessions, by secret token."""

    def __init__(self):
        self._sessions, self._lock = OrderedDict(), threading.Lock()

    def open(self, session: Session) -> str:
        """Add a session and return its token; over a limit, remove the least recently used ones."""
        token = secrets.token_urlsafe(24)
        with self._lock:
            self._sessions[token] = session
            while len(self._sessions) > 1 and (
                len(self._sessions) > MAX_SESSIONS
                or sum(kept.nbytes for kept in self._sessions.values()) > MAX_TOTAL_BYTES
            ):
                self._sessions.popitem(last=False)[1].closed.set()
        return token

    def __getitem__(self, token: str) -> Session:
        """Return the session of a token. Raises Problem for an unknown one."""
        with self._lock:
            session = self._sessions.get(token) if isinstance(token, str) else None
            if session is None:
                raise Problem(
                    "There is no open photo, or the server has removed it to free memory: upload "
                    "it again."
                )
            self._sessions.move_to_end(token)
            return session

    def close(self, token: str | None) -> None:
        """Close the session of a token, if there is one."""
        with self._lock:
            if isinstance(token, str) and (session := self._sessions.pop(token, None)):
                session.closed.set()

    def close_tab(self, tab_hash: str | None) -> None:
        """Close the sessions of a browser tab."""
        with self._lock:
            tokens = [key for key, kept in self._sessions.items() if kept.tab_hash == tab_hash]
            for token in tokens:
                self._sessions.pop(token).closed.set()
