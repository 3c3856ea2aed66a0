"""The three verbs over everything else: locate a face, edit it, animate it."""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from .checkpoints.files import Checkpoint, device_named, load_checkpoint
from .errors import NoFaceFound, Problem
from .expressions.moods import as_read, trajectory_in_space
from .expressions.spaces import FACS, SPACES, Expression, space_of_size
from .faces.alignment import Aligner, align, load_aligner
from .faces.detection import Finder, Unavailable, check_box, default_finder, from_box
from .faces.portrait import Portrait, placed
from .frame import Frame, compose_edits, mask
from .media.images import check_photo
from .networks.base import Generator
from .networks.compositing import Edit, compose, confine, resize
from .networks.head import MAX_ANGLES
from .networks.rollout import rollout
from .resources import CHECKPOINTS
from .runtime.backends import optimize
from .runtime.threads import prefetch

DEFAULT_CHECKPOINT = CHECKPOINTS / "warp.safetensors"  # also the reader, whatever generates
ALIGNER = CHECKPOINTS / "aligner.safetensors"
NOBODY = (
    "No face was found in the picture. Use one in which the face looks towards the camera, "
    "or draw a box around the face, forehead to chin."
)


class Animator:
    """Immutable and shared: nothing of a visitor is kept here, portraits carry what is theirs."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        *,
        reader: Generator,
        finder: Finder,
        aligner: Aligner | None,
        device: torch.device,
        unavailable: tuple[Unavailable, ...] = (),
        path: Path = DEFAULT_CHECKPOINT,
    ):
        """reader: the shipped `warp` generator, which reads photos, in ACTION_UNITS or FACS; path:
        of the checkpoint."""
        layout = torch.channels_last
        self.generator = checkpoint.generator.to(device, memory_format=layout)
        self.reader = reader.to(device, memory_format=layout)
        self.reader_space = space_of_size(reader.config.condition_dim)
        self.space, self.card, self.checkpoint = checkpoint.space, checkpoint.card, path
        self.finder, self.aligner, self.device = finder, aligner, device
        self.unavailable = unavailable

    @classmethod
    def load(
        cls,
        checkpoint: str | Path | None = None,
        device: str = "auto",
        finder: Finder | None = None,
        backends: Sequence[str] | None = None,
    ) -> "Animator":
        """The shipped generator, or that of a checkpoint; on CUDA if it is there and asked for.

        backends: names of `runtime.backends.BACKENDS` to try in order; by default the quickest
        here. Raises NotACheckpoint, and DeviceMissing for a device that is not there.
        """
        place = device_named(device)
        reader, space, card = load_checkpoint(DEFAULT_CHECKPOINT)
        reader = optimize(reader, place, backends)
        found, unavailable = (finder, []) if finder else default_finder()
        shipped = cls(
            Checkpoint(reader, space, card),
            reader=reader,
            finder=found,
            aligner=load_aligner(ALIGNER),
            device=place,
            unavailable=tuple(unavailable),
        )
        return shipped if checkpoint is None else shipped.with_checkpoint(checkpoint, backends)

    def with_checkpoint(
        self, checkpoint: str | Path, backends: Sequence[str] | None = None
    ) -> "Animator":
        """The same finder, aligner and reader with another generator. Raises NotACheckpoint."""
        generator, space, card = load_checkpoint(Path(checkpoint))
        card = {"name": Path(checkpoint).stem} | card
        if Path(checkpoint).resolve() == DEFAULT_CHECKPOINT:
            generator = self.reader  # which encodes and reads in one go
        else:
            generator = optimize(generator, self.device, backends)
        return Animator(
            Checkpoint(generator, space, card),
            reader=self.reader,
            finder=self.finder,
            aligner=self.aligner,
            device=self.device,
            unavailable=self.unavailable,
            path=Path(checkpoint),
        )

    def find(self, photo: np.ndarray) -> list[np.ndarray]:
        """The coarse crops (`to_face`) of all faces, largest first."""
        return self.finder(check_photo(photo))

    def locate(
        self,
        photo: np.ndarray,
        box: tuple[float, float, float, float] | None = None,
        face: np.ndarray | None = None,
    ) -> Portrait:
        """The face of a photo (H, W, 3) uint8 RGB: found, aligned, read and encoded, once.

        box: x0, y0, x1, y1 [px] around a face, forehead to chin, instead of looking for one; face:
        one of those that `find` found. Of several faces the largest is taken and `portrait.finder`
        says so. Raises NoFaceFound, and UnreadableImage for an array that is no photo.
        """
        check_photo(photo)
        if face is not None:
            to_face, how = face, getattr(self.finder, "name", "finder")
        elif box is not None:
            to_face, how = from_box(*check_box(box, photo.shape)), "box drawn by hand"
        else:
            faces = self.find(photo)
            if not faces:
                raise NoFaceFound(NOBODY)
            to_face, how = faces[0], getattr(self.finder, "name", "finder")
            if len(faces) > 1:
                how += f", the largest of {len(faces)} faces"
        if self.aligner is not None:
            to_face = align(self.aligner, photo, to_face)
        return self.encode(Portrait(photo, to_face, how))

    @torch.inference_mode()
    def track_crop(self, photo: np.ndarray, to_face: np.ndarray) -> Portrait:
        """The face at a coarse crop, aligned and read but not encoded: enough to follow it."""
        if self.aligner is not None:
            to_face = align(self.aligner, photo, to_face)
        portrait = Portrait(photo, to_face, "followed")
        units = self.reader.read(self._source(portrait, self.reader.config.image_size))
        return dataclasses.replace(portrait, reading=self._reading(units, portrait))

    @torch.inference_mode()
    def encode(self, portrait: Portrait, reading: Expression | None = None) -> Portrait:
        """The portrait with this animator's encoding and the shipped reader's reading, or with
        another reading (Action Units), from which every change then starts."""
        source = self._source(portrait, self.reader.config.image_size)
        same = self.generator is self.reader
        encoding = self.reader.encode(source) if same else None
        units = self.reader.reading(encoding) if same else self.reader.read(source)
        if reading is None:  # hundredths, as sliders have them: an untouched one is no change
            reading = self._reading(units, portrait)
            reading = Expression(reading.space, tuple(reading.vector().round(2)))
        if not same:
            source = self._source(portrait, self.generator.config.image_size)
            encoding = self.generator.encode(source)
        portrait = dataclasses.replace(portrait, encoding=encoding, reading=reading)
        encoding = self.generator.rebase(encoding, self._condition(self.start(portrait)))
        return dataclasses.replace(portrait, encoding=encoding)

    def read(self, portrait: Portrait) -> Expression:
        """The Action Units that the shipped reader sees in the photo."""
        return portrait.reading

    @torch.inference_mode()
    def measure(self, frame: Frame) -> Expression:
        """The Action Units that the shipped reader sees in a frame's face."""
        size = (self.reader.config.image_size,) * 2
        face = resize(frame.edit.composite.to(self.device), size)
        return self._reading(self.reader.read(face), frame.portrait)

    def start(self, portrait: Portrait) -> Expression:
        """What `read` says in the generator's words; neutral where nobody knows its axes."""
        return as_read(portrait.reading, self.space)

    def edit(
        self, portrait: Portrait, expression: Expression, where: np.ndarray | None = None
    ) -> Frame:
        """The photo with another expression; a mood changes the units it says something about.

        where: as for `animate`.
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
        """A frame for each expression, or for each row (D,) of an array in `self.space`.

        Generators with a memory keep it from frame to frame. feed "generated" makes every step
        start from the last one's face instead of the photo's, for networks that repaint faces.
        where: (h, w) in [0, 1] over the face crop, 0 where the photo must stay as it is (see
        `portraits.half`). Raises Problem for "generated" and the warp generator, and
        InvalidExpression.
        """
        points = [
            p if isinstance(p, Expression) else Expression(self.space, tuple(p)) for p in trajectory
        ]
        points = trajectory_in_space(points, self.space, portrait.reading)
        source = self.generator.source(portrait.encoding)
        nothing = self.start(portrait) if self.space.name in SPACES else None
        whole, open_ = None, None if where is None else mask(where).to(self.device)
        edits = self._edits(portrait, points, feed)
        if len(points) > 1 and self.generator.moves_pixels:
            edits = prefetch(edits)  # while frames are pasted and written; others want all cores
        for point, edit in zip(points, edits, strict=True):
            if feed == "generated":
                whole = edit if whole is None else compose_edits(whole, edit)
            elif point == nothing:  # nothing asked: the photo, whatever the network says
                keep, still = torch.ones_like(edit.attention), torch.zeros_like(edit.motion)
                edit = compose(source, keep, edit.color, still, still[:, :1])
            shown = [edit] if whole is None else [edit, whole]
            if open_ is not None:
                shown = [confine(source, edit, open_) for edit in shown]
            yield Frame(portrait, *(edit.map(Tensor.cpu) for edit in shown))

    @torch.inference_mode()
    def _edits(self, portrait: Portrait, points: list[Expression], feed: str) -> Iterator[Edit]:
        if feed != "portrait" and self.generator.moves_pixels:
            raise Problem(
                "The warp generator moves the photo's own pixels, so that every frame starts from "
                "the photo; feed 'generated' is for checkpoints that repaint the face."
            )
        if points:
            conditions = torch.stack([self._condition(point) for point in points], 1)
            source = self.generator.source(portrait.encoding)
            yield from rollout(self.generator, source, conditions, feed, encoding=portrait.encoding)

    def warm_up(self) -> None:
        """Pay once for what a first call costs, before a visitor has to."""
        portrait = self.encode(Portrait(np.zeros((128, 128, 3), np.uint8), np.eye(2, 3) / 64, ""))
        asked = Expression.clipped(self.space, np.ones(len(self.space.axes)))
        self.edit(portrait, asked).image  # noqa: B018
        self.find(portrait.photo)

    def _source(self, portrait: Portrait, size: int) -> torch.Tensor:
        face = torch.from_numpy(portrait.face(size)).to(self.device)
        return (face.movedim(-1, 0)[None].float() / 127.5 - 1).contiguous(
            memory_format=torch.channels_last
        )

    def _condition(self, expression: Expression) -> torch.Tensor:
        return torch.tensor(expression.values, dtype=torch.float32, device=self.device)[None]

    def _reading(self, units: Tensor, portrait: Portrait) -> Expression:
        """The expression (1, D) that the reader sees in a portrait's crop. The crop is upright: how
        far the head is tilted, the place of the crop says."""
        reading = Expression.clipped(self.reader_space, units[0].cpu().double().numpy())
        if self.reader_space != FACS:
            return reading
        tilt = np.degrees(placed(portrait.to_face)[3]) / MAX_ANGLES[2]
        left, right = (float(np.clip(way * tilt, 0, 1)) for way in (1, -1))
        return reading.replace(AU55=left, AU56=right)
