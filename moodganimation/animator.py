"""The library's main class: locate a face in a photo, edit and animate its expression."""

import copy
import dataclasses
import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from .checkpoints.files import Checkpoint, device_named, load_checkpoint
from .deprecation import renamed_parameters
from .errors import InvalidValue, NoFaceFound, Problem, short_repr
from .expressions.moods import convert_reading, convert_trajectory
from .expressions.request import MAX_DETAIL
from .expressions.spaces import FACS, SPACES, Expression, space_of_size
from .faces.alignment import Aligner, align, load_aligner, to_tensor
from .faces.detection import (
    Finder,
    UnavailableFinder,
    check_box,
    crop_from_box,
    default_finder,
)
from .faces.inspection import COVERED_THRESHOLD, Inspector, inspect_crops, load_inspector
from .faces.masks import upper_face_mask
from .faces.portrait import Portrait, center_side_roll
from .faces.search import find_faces, rotate_upright
from .frame import Frame, compose_edits, mask_tensor
from .media.images import check_photo
from .networks.compositing import Edit, compose, confine, resize
from .networks.head import MAX_ANGLES
from .networks.rollout import rollout
from .networks.warp import WarpGenerator
from .resources import CHECKPOINTS
from .runtime.backends import optimize
from .runtime.threads import prefetch

DEFAULT_CHECKPOINT = CHECKPOINTS / "warp.safetensors"  # also the reader, for all generators
ALIGNER = CHECKPOINTS / "aligner.safetensors"
INSPECTOR = CHECKPOINTS / "inspector.safetensors"
NO_FACE = (
    "No face was found in the picture. Use one in which the face looks towards the camera, "
    "or draw a box around the face, forehead to chin."
)


class Animator:
    """Locates faces in photos, edits and animates their expressions.

    Immutable and safe to share between threads: it holds the networks, while everything that
    belongs to one photo is in its Portrait.
    """

    @renamed_parameters(path="checkpoint_path")
    def __init__(
        self,
        checkpoint: Checkpoint,
        *,
        reader: WarpGenerator,
        finder: Finder,
        aligner: Aligner | None,
        device: torch.device,
        inspector: Inspector | None = None,
        unavailable: tuple[UnavailableFinder, ...] = (),
        checkpoint_path: Path = DEFAULT_CHECKPOINT,
    ):
        """checkpoint: the generator that edits, with its space. reader: the shipped `warp`
        generator, which reads photos in ACTION_UNITS or FACS. aligner: None for finders that return
        canonical crops. inspector: without it, faces must be upright and their mouths visible.
        unavailable: finders that are better but cannot be used.
        """
        layout = torch.channels_last
        self.generator = checkpoint.generator.to(device, memory_format=layout)
        self.space, self.card = checkpoint.space, checkpoint.card
        self.checkpoint_path = checkpoint_path
        self.reader = reader.to(device, memory_format=layout)
        self.reader_space = space_of_size(reader.config.condition_dim)
        self.finder, self.aligner, self.device = finder, aligner, device
        self.inspector, self.unavailable = inspector, unavailable
        self.detail = 1.0  # strength of skin folds, see `with_detail`

    @classmethod
    def load(
        cls,
        checkpoint: str | Path | None = None,
        device: str = "auto",
        finder: Finder | None = None,
        backends: Sequence[str] | None = None,
    ) -> "Animator":
        """Load the shipped generator or a checkpoint, with finder, aligner, inspector and reader.

        device: "cpu", "cuda", "mps" or "auto", which is CUDA where available, else the CPU.
        finder: by default the best one installed. backends: names of `runtime.backends.BACKENDS` to
        try in order; by default the fastest on this machine. Raises NotACheckpoint, and
        DeviceMissing.
        """
        torch_device = device_named(device)
        reader, space, card = load_checkpoint(DEFAULT_CHECKPOINT)
        reader = optimize(reader, torch_device, backends)
        finder, unavailable = (finder, []) if finder else default_finder()
        shipped = cls(
            Checkpoint(reader, space, card),
            reader=reader,
            finder=finder,
            aligner=load_aligner(ALIGNER),
            device=torch_device,
            inspector=load_inspector(INSPECTOR),
            unavailable=tuple(unavailable),
        )
        return shipped if checkpoint is None else shipped.with_checkpoint(checkpoint, backends)

    def with_checkpoint(
        self, checkpoint: str | Path, backends: Sequence[str] | None = None
    ) -> "Animator":
        """Return an animator with another generator and detail 1. Raises NotACheckpoint."""
        generator, space, card = load_checkpoint(Path(checkpoint))
        if Path(checkpoint).resolve() == DEFAULT_CHECKPOINT:
            generator = self.reader  # one network, so that a photo is encoded only once
        else:
            generator = optimize(generator, self.device, backends)
        other = copy.copy(self)
        other.generator = generator.to(self.device, memory_format=torch.channels_last)
        other.space, other.card = space, {"name": Path(checkpoint).stem} | card
        other.checkpoint_path, other.detail = Path(checkpoint), 1.0
        return other

    @property
    def checkpoint(self) -> Path:
        """Deprecated name of `checkpoint_path`."""
        message = "Animator.checkpoint is now Animator.checkpoint_path."
        warnings.warn(message, DeprecationWarning, stacklevel=2)
        return self.checkpoint_path

    def with_detail(self, detail: float) -> "Animator":
        """Return an animator that scales the strength of skin folds by `detail`, 0 to MAX_DETAIL.

        Portraits have the detail of the animator that encoded them. Raises InvalidValue for a
        number out of range, and for a generator without folds.
        """
        if not 0 <= detail <= MAX_DETAIL:
            raise InvalidValue(
                "Detail is a number from 0 to {}, not {}.", MAX_DETAIL, short_repr(detail)
            )
        if detail != 1 and not self.generator.config.folds:
            raise InvalidValue(
                "The model {} renders no skin folds, so detail has no effect: leave it out.",
                self.checkpoint_path.stem,
            )
        other = copy.copy(self)
        other.detail = detail
        return other

    def find(self, photo: np.ndarray) -> list[np.ndarray]:
        """Find the coarse crops (`to_face` matrices) of all faces, largest first.

        Faces may have any orientation, see `find_faces`. Raises UnreadableImage for an array that
        is no photo.
        """
        return find_faces(self.finder, self.inspector, check_photo(photo))

    def locate(
        self,
        photo: np.ndarray,
        box: tuple[float, float, float, float] | None = None,
        face: np.ndarray | None = None,
    ) -> Portrait:
        """Detect, align, read and encode the face of a photo (H, W, 3) uint8 RGB.

        Of several faces the largest is taken, and `portrait.found_by` says so. Instead of
        detection, box gives the face by x0, y0, x1, y1 [px], forehead to chin, or face by an item
        of the list that `find` returns. Raises NoFaceFound, and UnreadableImage for an array that
        is no photo.
        """
        check_photo(photo)
        found_by = getattr(self.finder, "name", "finder")
        if face is not None:
            to_face = face
        elif box is not None:
            to_face, found_by = crop_from_box(*check_box(box, photo.shape)), "box drawn by hand"
            if self.inspector is not None:
                upright = rotate_upright(self.inspector, photo, to_face)
                to_face = to_face if upright is None else upright
        else:
            faces = self.find(photo)
            if not faces:
                raise NoFaceFound(NO_FACE)
            to_face = faces[0]
            if len(faces) > 1:
                found_by += f", the largest of {len(faces)} faces"
        if self.aligner is not None:
            to_face = align(self.aligner, photo, to_face)
        return self.encode(Portrait(photo, to_face, found_by))

    @torch.inference_mode()
    def track_crop(self, photo: np.ndarray, to_face: np.ndarray) -> Portrait:
        """Align and read the face at a coarse crop, without encoding it: enough to track a face."""
        if self.aligner is not None:
            to_face = align(self.aligner, photo, to_face)
        portrait = Portrait(photo, to_face, "tracking")
        units = self.reader.read(self._source(portrait, self.reader.config.image_size))
        reading, covered = self._to_expression(units, portrait), self._covered(portrait)
        return dataclasses.replace(portrait, reading=reading, covered=covered)

    @torch.inference_mode()
    def encode(self, portrait: Portrait, reading: Expression | None = None) -> Portrait:
        """Return the portrait with this animator's encoding and the shipped reader's reading.

        reading: Action Units that replace the reader's; edits then start from them.
        """
        source = self._source(portrait, self.reader.config.image_size)
        same_network = self.generator is self.reader
        encoding = self.reader.encode(source) if same_network else None
        units = self.reader.reading(encoding) if same_network else self.reader.read(source)
        if reading is None:
            # Rounded to 2 decimals, as the values of sliders are: with untouched sliders the
            # expression equals `start(portrait)`, and the edit the photo.
            reading = self._to_expression(units, portrait)
            reading = Expression(reading.space, tuple(reading.vector().round(2)))
        if not same_network:
            source = self._source(portrait, self.generator.config.image_size)
            encoding = self.generator.encode(source)
        covered = self._covered(portrait) if portrait.covered is None else portrait.covered
        portrait = dataclasses.replace(
            portrait, encoding=encoding, reading=reading, covered=covered
        )
        encoding = self.generator.with_reading(encoding, self._condition(self.start(portrait)))
        encoding = self.generator.with_detail(encoding, self.detail)
        return dataclasses.replace(portrait, encoding=encoding)

    def read(self, portrait: Portrait) -> Expression:
        """Return the portrait's reading: the shipped reader's, or the one given to `encode`."""
        return portrait.reading

    @torch.inference_mode()
    def measure(self, frame: Frame) -> Expression:
        """Read the Action Units in the edited face of a frame by the shipped reader, but for the
        tilt of the head (AU55, AU56), which is that of the photo."""
        size = (self.reader.config.image_size,) * 2
        face = resize(frame.edit.composite.to(self.device), size)
        return self._to_expression(self.reader.read(face), frame.portrait)

    def start(self, portrait: Portrait) -> Expression:
        """Return the portrait's reading in the generator's space: the expression of the photo.

        An edit to it leaves the photo unchanged. In spaces `cN`, whose axes have no known meaning,
        it is neutral, and an edit to it changes the photo.
        """
        return convert_reading(portrait.reading, self.space)

    def edit(
        self, portrait: Portrait, expression: Expression, where: np.ndarray | None = None
    ) -> Frame:
        """Edit the photo to another expression. where: a mask, see `animate`.

        A mood changes only the 17 axes of ACTION_UNITS; gaze, head and the other axes that only
        FACS has stay as read in the photo.
        """
        return next(self.animate(portrait, [expression], where=where))

    @torch.inference_mode()
    def animate(
        self,
        portrait: Portrait,
        trajectory: Iterable[Expression] | np.ndarray,
        feed: Literal["portrait", "generated"] = "portrait",
        where: np.ndarray | None = None,
    ) -> Iterator[Frame]:
        """Yield a frame for each expression, or for each row (D,) of an array in `self.space`.

        Recurrent generators keep their state from frame to frame. feed: what each edit starts from:
        the photo ("portrait") or the last composite ("generated"), for generators that repaint.
        where: mask (h, w) in [0, 1] over the face crop, 0 where only a turn of the head may change
        the photo (see `faces.masks`); it turns along with the head. Raises InvalidExpression; and
        Problem for an invalid mask, and for "generated" with the warp generator.
        """
        targets = [
            t if isinstance(t, Expression) else Expression(self.space, tuple(t)) for t in trajectory
        ]
        targets = convert_trajectory(targets, self.space, portrait.reading)
        source = self.generator.source(portrait.encoding)
        start = self.start(portrait) if self.space.name in SPACES else None
        total, edit_mask = None, self._edit_mask(portrait, where)
        edits = self._edits(portrait, targets, feed)
        if len(targets) > 1 and self.generator.moves_pixels:
            # While a frame is pasted, a thread computes the next edit. Generators that repaint use
            # all cores already, unless `limit_torch_threads` was called.
            edits = prefetch(edits)
        for target, edit in zip(targets, edits, strict=True):
            if feed == "generated":
                total = edit if total is None else compose_edits(total, edit)
            elif target == start:  # exactly the photo, without rounding errors of the network
                keep_all, no_motion = torch.ones_like(edit.attention), torch.zeros_like(edit.motion)
                no_light = no_motion[:, :1]
                edit = compose(source, keep_all, edit.color, no_motion, no_light)
            results = [edit] if total is None else [edit, total]
            if edit_mask is not None:
                results = [confine(source, result, edit_mask) for result in results]
                # `edit` may start from the last composite, not from `source`; `total` never does.
                results[0] = results[0]._replace(composite=results[-1].composite)
            yield Frame(portrait, *(result.map(Tensor.cpu) for result in results))

    @torch.inference_mode()
    def _edits(self, portrait: Portrait, targets: list[Expression], feed: str) -> Iterator[Edit]:
        """Yield the generator's edits to target expressions of its space.

        Raises Problem for the feed "generated" with a generator that moves pixels.
        """
        if feed != "portrait" and self.generator.moves_pixels:
            raise Problem(
                "The warp generator moves the photo's own pixels, so that every frame starts from "
                "the photo; feed 'generated' is for checkpoints that repaint the face."
            )
        if targets:
            conditions = torch.stack([self._condition(target) for target in targets], 1)
            source = self.generator.source(portrait.encoding)
            yield from rollout(self.generator, source, conditions, feed, encoding=portrait.encoding)

    def warm_up(self) -> None:
        """Run the networks once, since the first calls are slow.

        Left out are the aligner, and CenterFace's network for large photos.
        """
        # A crop of 128 pixels around the corner of a black photo; the results do not matter.
        portrait = self.encode(Portrait(np.zeros((128, 128, 3), np.uint8), np.eye(2, 3) / 64, ""))
        highest = Expression.clipped(self.space, np.ones(len(self.space.axes)))
        self.edit(portrait, highest).image  # noqa: B018
        self.find(portrait.photo)

    def _covered(self, portrait: Portrait) -> float:
        """Compute `Portrait.covered`: 1.0 if something hides the mouth, else 0.0."""
        if self.inspector is None:
            return 0.0
        (inspection,) = inspect_crops(self.inspector, portrait.photo, [portrait.to_face])
        return float(inspection.covered_probability > COVERED_THRESHOLD)

    def _edit_mask(self, portrait: Portrait, where: np.ndarray | None) -> Tensor | None:
        """Return the mask of edits, (1, 1, h, w) in [0, 1]; None if it is 1 everywhere.

        It is `where`, on the lower face times 1 - `portrait.covered`.
        """
        if where is None and not portrait.covered:
            return None
        size = self.generator.config.image_size
        allowed = torch.ones(1, 1, size, size) if where is None else mask_tensor(where)
        upper = resize(torch.from_numpy(upper_face_mask(size))[None, None], allowed.shape[-2:])
        return (allowed * (1 - (portrait.covered or 0) * (1 - upper))).to(self.device)

    def _source(self, portrait: Portrait, size: int) -> Tensor:
        """Return the face crop as a tensor (1, 3, size, size) in [-1, 1]."""
        face = to_tensor(portrait.face(size), self.device)
        return face.contiguous(memory_format=torch.channels_last)

    def _condition(self, expression: Expression) -> Tensor:
        """Return an expression as a condition (1, D)."""
        return torch.tensor(expression.values, dtype=torch.float32, device=self.device)[None]

    def _to_expression(self, units: Tensor, portrait: Portrait) -> Expression:
        """Convert the reader's output (1, D) for the portrait's crop to an expression.

        The crop is upright, so that the tilt of the head (AU55 to the person's left, AU56 to the
        right) cannot be read in it. The tilt is the roll of the crop, minus the nearest multiple of
        90 degrees, since whole photos may be rotated.
        """
        reading = Expression.clipped(self.reader_space, units[0].cpu().double().numpy())
        if self.reader_space != FACS:
            return reading
        tilt = (np.degrees(center_side_roll(portrait.to_face)[3]) + 45) % 90 - 45
        tilt = tilt / MAX_ANGLES[2]
        left, right = (float(np.clip(sign * tilt, 0, 1)) for sign in (1, -1))
        return reading.replace(AU55=left, AU56=right)
