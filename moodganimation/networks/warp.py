"""The default generator: motion fields, one per axis of the condition, and a painter.

The photo's own pixels are moved by a sum of fields weighted by the *change* of each axis, so an
edit keeps skin, hair and resolution; a third channel of every field relights them, so that folds
and dimples show; the painter adds the paper's attention and color for what no pixel of the photo
shows yet, the inside of a mouth, with the teeth of `teeth.Jaws` where it shows none of its own.

Axes that name a side share the field of their unit: fields are mixed once for each side, and the
face is divided along its own midline. Turns of the head come last, a rotation by a depth map.

B batch · D axes · U units, each with a field · S sides, 2 or 1 · K = U + extra fields
H x W pixels of the crop · h x w in a window
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from .base import Generator, GeneratorConfig, ResidualBlock, State
from .compositing import Edit, blend, relight, resize, smoothstep, turned, warp
from .head import backward_turn, left_half
from .inpainting import Painter, Window, compose_color, double, saturation, visible_teeth_mask
from .teeth import Jaws, Places, shadowed

INVERSIONS = 5  # steps of the fixed point that turns fields at the source into a backward flow
MAX_LOG_GAIN = 0.7  # of relighting
PAINT_SCALE = 2  # cells of painted layers to a cell of the crop: teeth need more than it has
PAINT_THRESHOLD = 0.06  # share of paint below which paint is suppressed
# Face distance at which motion ends: a constant [halves of the side] plus a share of its length.
MOTION_FALLOFF = (0.11, 0.7)


class Mode(NamedTuple):
    """What differs between training and use; `WarpGenerator.mode` is the only place that chooses.

    In training the whole crop is painted on its own grid, from differentiable steps alone.
    """

    clamp_reading: bool  # to [0, 1]
    limit_motion: bool  # to the face: a motion that ends sooner than it is long folds the picture
    mouth_only: bool  # paint in a window around the mouth, with the teeth that the photo shows
    paint_threshold: float
    paint_scale: int  # cells of painted layers to a cell of the crop, along a side


TRAINING = Mode(False, False, False, 0.0, 1)
INFERENCE = Mode(True, True, True, PAINT_THRESHOLD, PAINT_SCALE)


class Encoding(NamedTuple):
    """What `WarpGenerator.encode` knows of a photo; an edit never looks at anything else."""

    photo: Tensor  # (B, 3, H, W) in [-1, 1]
    reading: Tensor  # (B, D): the expression read in the photo, where every change starts
    basis: Tensor  # (B, N, H, W): features of which every field is a linear combination
    shallow: Tensor  # (B, 24, H/2, W/2)
    deep: Tensor  # (B, 96, H/4, W/4)
    jaws: Tensor  # (B, 15): where the teeth are and how white, see `teeth.Places`
    face_distance: Tensor  # (B, 1, H, W): how far from the face [halves of the side], 0 in it
    window: Window  # where the painter looks
    colorful: Tensor  # (B, 1, 1, 1), see `inpainting.saturation`
    # See `head`; None without sides.
    across: Tensor | None = None  # (B, 1, H/4, W/4): where across the face
    left: Tensor | None = None  # (B, 1, H, W) in [0, 1]: 1 on the person's left half
    depth: Tensor | None = None  # (B, 1, H/4, W/4)
    teeth: Tensor | None = None  # (B, 1, h, w), see `inpainting.visible_teeth_mask`
    front: Tensor | None = None  # (B, 4, 2h, 2w), the upper teeth that are drawn, see `Jaws.front`


class Mouth(NamedTuple):
    """What is painted in a window, from step to step of `WarpGenerator.paint`."""

    paint: Tensor  # (B, 1, h, w) in [0, 1]: 1 shows the color, 0 the moved photo
    color: Tensor  # (B, 3, h, w) in [-1, 1]
    inside: Tensor  # (B, 1, h, w) in [0, 1]: where the mouth is open
    cavity: Tensor  # (B, 1, h, w) in [0, 1]: where rendered teeth may show; without gradient


class Painting(NamedTuple):
    """What `WarpGenerator.paint` makes of an encoding and a condition."""

    motion: Tensor  # (B, 2, H, W) backward flow
    light: Tensor  # (B, 1, H, W)
    moved: Tensor  # (B, 3, H, W): the photo, moved and relit
    attention: Tensor  # (B, 1, h, w) of the window, or finer where nothing is learned
    color: Tensor  # (B, 3, h, w), likewise
    inside: Tensor  # (B, 1, h, w) in [0, 1]: where the mouth is open


class WarpGenerator(Generator):
    """Fields at the places of the *photo* are linear in the change, as blendshapes are:

    F(s) = sum_k weight_k field_k(s), and the result at x shows the photo at x + m(x), where m is
    the fixed point of m(x) = -F(x + m(x)). Nothing asked for, nothing moved or painted: the photo
    comes back whatever the weights are.
    """

    moves_pixels = True

    def __init__(self, config: GeneratorConfig):
        super().__init__(config)
        self._add_encoder()
        self._add_fields()
        self.painter = Painter(*self._channels(24, 96), 2 * self.units, self._scaled)
        self._init_weights()

    @property
    def units(self) -> int:
        return self.config.unit_fields or self.config.condition_dim

    def _scaled(self, channels: int) -> int:
        """So many channels at a width of 64, in proportion at another."""
        return max(1, channels * self.config.width // 64)

    def _channels(self, *channels: int) -> list[int]:
        return [self._scaled(n) for n in channels]

    def _add_encoder(self) -> None:
        """Features of the photo, and what is read in them: expression, jaws, the face's edge."""
        axes, cells = self.config.condition_dim, self.config.image_size // 16
        n24, n32, n48, n64, n96, n128, n192 = self._channels(24, 32, 48, 64, 96, 128, 192)
        # 64, 32, 16, 8 pixels for a crop of 128, and back up to 32.
        self.down2 = _conv(3, n24, 7, 2)
        self.down4 = _conv(n24, n64, 3, 2)
        self.down8 = nn.Sequential(_conv(n64, n128, 3, 2), *_blocks(n128, 4))
        self.down16 = nn.Sequential(_conv(n128, n192, 3, 2), *_blocks(n192, 3))
        self.up8 = _conv(n192 + n128, n128)
        self.up4 = _conv(n128 + n64, n96)
        self.reader = nn.Sequential(
            nn.Conv2d(n192, n48, 1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Dropout(0.3),
            nn.Linear(n48 * cells**2, axes),
        )
        self.jaws = Jaws(n192, n48, cells, self.units)
        self.rim = nn.Sequential(_conv(n96, n32), nn.Conv2d(n32, 1, 1))
        if self.config.unit_fields:  # depth, and where across the face
            self.geometry = nn.Sequential(_conv(n96, n32), nn.Conv2d(n32, 2, 1))

    def _add_fields(self) -> None:
        """Motion and light fields, at full resolution: lids and lips are a few pixels."""
        axes, units, extra = self.config.condition_dim, self.units, self.config.extra_fields
        n8, n24, n32, n64, n96 = self._channels(8, 24, 32, 64, 96)
        self.texture = _conv(3, n8)
        self.field2 = _conv(n96 + n24, n32)
        self.field1 = _conv(n32 + n8, n32)
        self.fields = nn.Conv2d(n32, 2 * (units + extra), 1)
        self.lights = nn.Conv2d(n32, units + extra, 1)
        # How far a unit goes at 1, against the training pairs; set by measuring the result.
        self.register_buffer("gain", torch.ones(units))
        # Which units may open a mouth, so that it is painted; set by the space that it learns.
        self.register_buffer("paints", torch.ones(units))
        if self.config.unit_fields:  # what axes mean, see `expressions.axis_map`
            self.register_buffer("left_units", torch.zeros(axes, units))
            self.register_buffer("right_units", torch.zeros(axes, units))
            self.register_buffer("turns", torch.zeros(axes, 3))
        # Mixing: what is not linear (lips meeting, lids closing) has fields and weights of its own.
        self.extra = nn.Sequential(
            nn.Linear(2 * units, n64), nn.ReLU(), nn.Linear(n64, extra), nn.Tanh()
        )

    def _init_weights(self) -> None:
        nn.init.zeros_(self.rim[-1].weight)
        nn.init.constant_(self.rim[-1].bias, -1.0)  # all is face until it learns
        nn.init.zeros_(self.fields.bias)
        nn.init.normal_(self.fields.weight, 0, 0.02)
        nn.init.zeros_(self.lights.weight)
        nn.init.zeros_(self.lights.bias)

    @property
    def mode(self) -> Mode:
        return TRAINING if self.training else INFERENCE

    def encode(self, source: Tensor) -> Encoding:
        mode, size = self.mode, self.config.image_size
        shallow, x4, x8, x16 = self._pyramid(source)
        deep = self.up8(torch.cat([double(x16), x8], 1))
        deep = self.up4(torch.cat([double(deep), x4], 1))
        basis = self.field2(torch.cat([double(deep), shallow], 1))
        basis = self.field1(torch.cat([double(basis), self.texture(source)], 1))
        face_distance = resize(self.rim(deep).float(), source.shape[-2:])
        jaws, window = self.jaws(x16), Window.whole(size)
        if mode.mouth_only:
            window = Window.mouth(jaws[:, [2, 5]].tolist(), size)
        reading, colorful = self._reading(x16), saturation(source)
        encoding = Encoding(
            source, reading, basis, shallow, deep, jaws, face_distance, window, colorful
        )
        if self.config.unit_fields:
            depth, across = self.geometry(deep).float().split(1, 1)
            left = resize(left_half(across), source.shape[-2:])
            encoding = encoding._replace(across=across, left=left, depth=depth)
        return self._with_visible_teeth(encoding) if mode.mouth_only else encoding

    def _pyramid(self, source: Tensor) -> tuple[Tensor, ...]:
        """Features at a half, a quarter, an eighth and a sixteenth of the resolution."""
        shallow = self.down2(source)
        x4 = self.down4(shallow)
        x8 = self.down8(x4)
        return shallow, x4, x8, self.down16(x8)

    def _with_visible_teeth(self, encoding: Encoding) -> Encoding:
        """The encoding with the teeth that the photo shows, and what is rendered once a photo."""
        source, window, places = encoding.photo, encoding.window, Places.of(encoding.jaws)
        near, request = window.crop(source), self._request(encoding, encoding.reading).mean(1)
        still = torch.zeros_like(near[:, :2])
        features = window.crop(encoding.deep), window.crop(encoding.shallow)
        output = self.painter(*features, near, still, request)
        teeth = visible_teeth_mask(near, output.inside, places.white)
        at = window.places(self.mode.paint_scale * window.size, source)
        front = self.jaws.front(places, at) * (1 - teeth.amax((1, 2, 3), keepdim=True))
        # Converted once: an edit looks up float32, and must not round the photo.
        return encoding._replace(
            photo=source.contiguous(),
            basis=encoding.basis.float(),
            deep=encoding.deep.float(),
            shallow=encoding.shallow.float(),
            teeth=teeth,
            front=front,
        )

    def source(self, encoding: Encoding) -> Tensor:
        return encoding.photo

    def reading(self, encoding: Encoding) -> Tensor:
        return encoding.reading

    def rebase(self, encoding: Encoding, reading: Tensor) -> Encoding:
        return encoding._replace(reading=reading)

    def read(self, source: Tensor) -> Tensor:
        """The expression in a photo, (B, D) in [0, 1]: the reading of `encode` without the rest."""
        return self._reading(self._pyramid(source)[-1])

    def _reading(self, x16: Tensor) -> Tensor:
        reading = self.reader(x16).float()
        return reading.clamp(0, 1) if self.mode.clamp_reading else reading

    def edit(self, encoding: Encoding, condition: Tensor, state: State | None = None):
        edit, turn = self._edit_face(encoding, condition), self._turn(encoding, condition)
        if turn is not None and turn.any():
            edit = turned(encoding.photo, edit, backward_turn(encoding.depth, turn))
        return edit, ()

    def _turn(self, encoding: Encoding, condition: Tensor) -> Tensor | None:
        """How far the head turns, (B, 3), see `head.rotation`; None if it cannot."""
        if not self.config.unit_fields:
            return None
        return ((condition - encoding.reading) @ self.turns).clamp(-1, 1)

    def _edit_face(self, encoding: Encoding, condition: Tensor) -> Edit:
        """The edit without a turn of the head."""
        painted = self._paint_share(encoding, condition) > 0
        if self.mode.mouth_only and not painted.any():
            motion, light = self.motion(encoding, condition)
            moved = relight(warp(encoding.photo, motion), light)
            return Edit(moved, torch.ones_like(light), moved, motion, light)
        motion, light, moved, kept, tint, _ = self.paint(encoding, condition)
        window, part = encoding.window, encoding.window.crop(moved)
        around = resize(moved, (window.size * kept.shape[-1] // window.width,) * 2)
        tint = torch.where(painted, tint, window.crop(around))
        mixed = blend(part, *(resize(picture, part.shape[-2:]) for picture in (kept, tint)))
        attention = window.insert(kept, torch.ones_like(around[:, :1]))
        color = window.insert(tint, around)
        return Edit(window.insert(mixed, moved), attention, color, motion, light)

    def paint(self, encoding: Encoding, condition: Tensor) -> Painting:
        """Move the photo and paint the inside of its mouth, in four steps."""
        motion, light = self.motion(encoding, condition)
        mouth = self._inpaint(encoding, condition, motion, light)
        mouth = self._suppress_paint(mouth, encoding, condition)
        mouth, motion, light = self._keep_visible_teeth(mouth, encoding, motion, light)
        attention, color = self._add_rendered_teeth(mouth, encoding, condition)
        moved = relight(warp(encoding.photo, motion), light)
        return Painting(motion, light, moved, attention, color, mouth.inside)

    def _inpaint(
        self, encoding: Encoding, condition: Tensor, motion: Tensor, light: Tensor
    ) -> Mouth:
        """Step 1: paint and color of the network, from features and photo moved into place."""
        window = encoding.window
        near = window.crop(motion)
        deep, shallow, photo = (
            warp(picture, resize(near, places.shape[-2:]), places)
            for picture in (encoding.deep, encoding.shallow, encoding.photo)
            for places in (window.places(picture.shape[-1], picture),)
        )
        moved = relight(photo, window.crop(light))
        request = self._request(encoding, condition).mean(1)
        output = self.painter(deep, shallow, moved, near, request)
        color = compose_color(moved, output, encoding.colorful)
        return Mouth(1 - output.attention, color, output.inside, output.inside.detach())

    def _suppress_paint(self, mouth: Mouth, encoding: Encoding, condition: Tensor) -> Mouth:
        """Step 2: no paint below the threshold, so that the photo stays as sharp as it is, and
        none where neither lips nor jaw are to change."""
        threshold = self.mode.paint_threshold
        paint = ((mouth.paint - threshold) / (1 - threshold)).clamp(min=0)
        return mouth._replace(paint=self._paint_share(encoding, condition) * paint)

    def _keep_visible_teeth(
        self, mouth: Mouth, encoding: Encoding, motion: Tensor, light: Tensor
    ) -> tuple[Mouth, Tensor, Tensor]:
        """Step 3: teeth that the photo shows stay where they are, unpainted and unmoved."""
        if encoding.teeth is None:
            return mouth, motion, light
        window, own = encoding.window, encoding.teeth * mouth.inside
        still = 1 - own * mouth.paint
        motion = window.insert(window.crop(motion) * still, motion)
        light = window.insert(window.crop(light) * still, light)
        color = blend(window.crop(encoding.photo), own, mouth.color)
        paint, cavity = mouth.paint * (1 - own), mouth.cavity * (1 - own)
        return Mouth(paint, color, mouth.inside, cavity), motion, light

    def _add_rendered_teeth(
        self, mouth: Mouth, encoding: Encoding, condition: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Step 4: attention and color with rendered teeth, at the resolution of painted layers.

        Teeth are rendered, not learned from pictures: the painter only learns what is around them.
        """
        window, scale = encoding.window, self.mode.paint_scale
        bright = mouth.cavity * shadowed(mouth.cavity)
        layers = torch.cat([mouth.paint, mouth.color, mouth.cavity, bright], 1)
        layers = resize(layers, (scale * window.height, scale * window.width))
        paint, color, cavity, bright = layers.split([1, 3, 1, 1], 1)
        at, places = window.places(scale * window.size, color), Places.of(encoding.jaws.detach())
        front = self.jaws.front(places, at) if encoding.front is None else encoding.front
        change = self._by_side(condition - encoding.reading).mean(1) * self.gain
        teeth, alpha = self.jaws.render_teeth(front, places, change, at).split([3, 1], 1)
        teeth = blend(teeth, encoding.colorful, teeth.mean(1, keepdim=True))
        color = (color + 1) * (1 - cavity * alpha) + 2 * bright * teeth - 1
        return 1 - paint.clamp(0, 1), color.clamp(-1, 1)

    def _by_side(self, values: Tensor) -> Tensor:
        """Values (B, D) of the axes by unit and side, (B, S, U): left, right; one for both where
        axes have no sides."""
        if not self.config.unit_fields:
            return values[:, None]
        return torch.stack([values @ self.left_units, values @ self.right_units], 1)

    def _request(self, encoding: Encoding, condition: Tensor) -> Tensor:
        """What the networks of an edit are told, (B, S, 2U): the condition and the change."""
        values = condition, condition - encoding.reading
        return torch.cat([self._by_side(part) for part in values], 2)

    def _paint_share(self, encoding: Encoding, condition: Tensor) -> Tensor:
        """How much may be painted, (B, 1, 1, 1) in [0, 1]: nothing unless lips or jaw change, so
        that all else stays as sharp as it is."""
        change = self._by_side(condition - encoding.reading).abs() * self.paints
        return (5 * change.amax((1, 2))).clamp(0, 1)[:, None, None, None]

    def motion(self, encoding: Encoding, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Backward flow (B, 2, H, W) and light (B, 1, H, W) at places of the result, unturned."""
        request = self._request(encoding, condition)
        change = request[:, :, self.units :]
        amount = (5 * change.abs().amax(2, keepdim=True)).clamp(0, 1)
        weights = torch.cat([change * self.gain, amount * self.extra(request)], 2)
        forward = self.mix(encoding.basis, weights, encoding.left)
        if self.mode.limit_motion:
            length = forward[:, :2].square().sum(1, keepdim=True).sqrt()
            share = encoding.face_distance / (MOTION_FALLOFF[0] + MOTION_FALLOFF[1] * length)
            forward = forward * (1 - smoothstep(share.clamp(0, 1)))
        forward, light = forward.split([2, 1], 1)
        motion = -forward
        for _ in range(INVERSIONS):  # half steps: whole ones swing where the fields are steep
            motion = (motion - warp(forward, motion)) / 2
        return motion, warp(light.clamp(-MAX_LOG_GAIN, MAX_LOG_GAIN).exp() - 1, motion)

    def mix(self, basis: Tensor, weights: Tensor, left: Tensor | None = None) -> Tensor:
        """The sum of all fields, weighted by (B, S, K), at places of the photo: (B, 3, H, W), where
        they go and the logarithm of how much brighter they get.

        left: (B, 1, H, W), how far each place takes the weights of the first side; None for one.
        Fields are a 1 x 1 convolution of the basis, so mixing its weights gives their sum at once.
        """
        size, fields, lights = self.config.image_size, self.fields, self.lights
        bias = torch.cat([2 / size * fields.bias.view(-1, 2), 0.1 * lights.bias[:, None]], 1)
        flat = fields.weight.view(-1, 2, basis.shape[1]), lights.weight.view(-1, 1, basis.shape[1])
        kernel = torch.cat([2 / size * flat[0], 0.1 * flat[1]], 1)
        kernel = torch.einsum("bsk,kcn->bnsc", weights, kernel).flatten(2)
        pixels = basis.permute(0, 2, 3, 1).flatten(1, 2)  # no copy where channels come last
        sums = torch.bmm(pixels, kernel.to(pixels.dtype)).float()
        sums = sums + (weights @ bias).flatten(1)[:, None]
        sums = sums.movedim(1, 2).unflatten(2, basis.shape[-2:]).contiguous()
        if left is None:
            return sums
        first, second = sums.chunk(2, 1)
        return blend(first, left, second)


def _conv(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


def _blocks(channels: int, count: int) -> list[nn.Module]:
    return [ResidualBlock(channels, nn.BatchNorm2d) for _ in range(count)]
