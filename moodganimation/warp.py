"""The default generator: motion fields, one per axis of the condition, and a painter.

The photo's own pixels are moved by a sum of fields weighted by the *change* of each axis, so an
edit keeps skin, hair and resolution; a third channel of every field relights them, so that folds
and dimples show; the painter adds the paper's attention and color for what
no pixel of the photo shows yet (lids, the inside of a mouth, with the teeth of `jaws`).

B batch · D axes · K = D + extra fields · H x W pixels of the crop.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .compositing import Edit, blend, lit, move, positions, resize
from .generators import Generator, GeneratorConfig, ResidualBlock, State
from .jaws import Jaws, Places, shaded

INVERSIONS = 5  # steps of the fixed point that turns fields at the source into a backward flow

BRIGHTEST = 0.7  # logarithm of the largest relighting

NOSE = (-0.05, 0.15)  # heights between which painting goes from the eyes' to the mouth's

HARDLY = 0.06  # share of paint below which there is none

FINER = 2  # cells of what is painted to a cell of the crop


class Encoding(NamedTuple):
    """What `WarpGenerator.encode` knows of a photo; an edit never looks at anything else."""

    photo: Tensor  # (B, 3, H, W) in [-1, 1]
    reading: Tensor  # (B, D): the expression read in the photo, where every change starts
    basis: Tensor  # (B, N, H, W): features of which every field is a linear combination
    shallow: Tensor  # (B, 24, H/2, W/2)
    deep: Tensor  # (B, 96, H/4, W/4)
    jaws: Tensor  # (B, 15): where the teeth are and how white, see `jaws.Places`


class Painting(NamedTuple):
    """What `WarpGenerator.paint` makes of an encoding and a condition."""

    motion: Tensor  # (B, 2, H, W) backward flow
    light: Tensor  # (B, 1, H, W)
    moved: Tensor  # (B, 3, H, W): the photo, moved and relit
    attention: Tensor  # (B, 1, h, w); h x w is finer than H x W where nothing is learned
    color: Tensor  # (B, 3, h, w)
    inside: Tensor  # (B, 1, H, W) in [0, 1]: where the mouth is open


class WarpGenerator(Generator):
    """Fields at the places of the *photo* are linear in the change, as blendshapes are:

    F(s) = sum_k weight_k field_k(s), and the result at x shows the photo at x + m(x), where m is
    the fixed point of m(x) = -F(x + m(x)). Nothing asked for, nothing moved or painted: the photo
    comes back whatever the weights are.
    """

    def __init__(self, config: GeneratorConfig):
        super().__init__(config)
        axes, fields = config.condition_dim, config.condition_dim + config.extra_fields
        n8, n24, n32, n40, n48, n64, n96, n128, n192 = (
            max(1, n * config.width // 64) for n in (8, 24, 32, 40, 48, 64, 96, 128, 192)
        )
        # Encoder: 64, 32, 16, 8 pixels for a crop of 128, and back up to 32.
        self.down2 = _conv(3, n24, 7, 2)
        self.down4 = _conv(n24, n64, 3, 2)
        self.down8 = nn.Sequential(_conv(n64, n128, 3, 2), *_blocks(n128, 4))
        self.down16 = nn.Sequential(_conv(n128, n192, 3, 2), *_blocks(n192, 3))
        self.up8 = _conv(n192 + n128, n128)
        self.up4 = _conv(n128 + n64, n96)
        # Reader: the expression in the photo.
        self.reader = nn.Sequential(
            nn.Conv2d(n192, n48, 1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Dropout(0.3),
            nn.Linear(n48 * (config.image_size // 16) ** 2, axes),
        )
        self.jaws = Jaws(n192, n48, config.image_size // 16, axes)
        # Fields at full resolution: lids and lips are a few pixels.
        self.texture = _conv(3, n8)
        self.field2 = _conv(n96 + n24, n32)
        self.field1 = _conv(n32 + n8, n32)
        self.fields = nn.Conv2d(n32, 2 * fields, 1)
        self.lights = nn.Conv2d(n32, fields, 1)
        # How far an axis goes at 1, against the training pairs; set by measuring the result.
        self.register_buffer("gain", torch.ones(axes))
        # Which axes paint: above the nose, and below; set by the space that it learns.
        self.register_buffer("paints", torch.ones(2, axes))
        # Mixing: what is not linear (lips meeting, lids closing) has fields and weights of its own.
        self.extra = nn.Sequential(
            nn.Linear(2 * axes, n64), nn.ReLU(), nn.Linear(n64, config.extra_fields), nn.Tanh()
        )
        # Painter: attention, lightness and chroma on the moved photo.
        self.wish = nn.Sequential(nn.Linear(2 * axes, n128), nn.ReLU(), nn.Linear(n128, n64))
        self.paint4 = Stroke(n96 + 2, n96, n64)
        self.paint2 = Stroke(n96 + n24, n64, n64)
        self.paint2b = Stroke(n64, n40, n64)
        self.paint1 = Stroke(n40 + 3 + 2, n24, n64)
        self.heads = nn.Conv2d(n24, 5, 3, padding=1)
        self.inside = nn.Conv2d(n24, 1, 3, padding=1)
        nn.init.zeros_(self.fields.bias)
        nn.init.normal_(self.fields.weight, 0, 0.02)
        nn.init.zeros_(self.lights.weight)
        nn.init.zeros_(self.lights.bias)
        nn.init.zeros_(self.heads.weight)
        self.heads.bias.data = torch.tensor([3.0, 0, 0, 0, 0])  # attention begins closed

    def encode(self, source: Tensor) -> Encoding:
        shallow = self.down2(source)
        x4 = self.down4(shallow)
        x8 = self.down8(x4)
        x16 = self.down16(x8)
        deep = self.up8(torch.cat([_double(x16), x8], 1))
        deep = self.up4(torch.cat([_double(deep), x4], 1))
        x = self.field2(torch.cat([_double(deep), shallow], 1))
        x = self.field1(torch.cat([_double(x), self.texture(source)], 1))
        return Encoding(source, self._reading(x16), x, shallow, deep, self.jaws(x16))

    def read(self, source: Tensor) -> Tensor:
        """The expression in a photo, (B, D) in [0, 1]: the reading of `encode` without the rest."""
        return self._reading(self.down16(self.down8(self.down4(self.down2(source)))))

    def _reading(self, x16: Tensor) -> Tensor:
        reading = self.reader(x16).float()
        return reading if self.training else reading.clamp(0, 1)

    def edit(self, encoding: Encoding, condition: Tensor, state: State | None = None):
        motion, light, moved, attention, color, _ = self.paint(encoding, condition)
        seen = (resize(picture, moved.shape[-2:]) for picture in (attention, color))
        return Edit(blend(moved, *seen), attention, color, motion, light), ()

    def paint(self, encoding: Encoding, condition: Tensor) -> Painting:
        motion, light, wish = self.motion(encoding, condition)
        moved = lit(move(encoding.photo, motion), light)
        small, half = (resize(motion, x.shape[-2:]) for x in (encoding.deep, encoding.shallow))
        wish = self.wish(wish)
        x = self.paint4(torch.cat([move(encoding.deep, small), 5 * small], 1), wish)
        x = self.paint2(torch.cat([_double(x), move(encoding.shallow, half)], 1), wish)
        x = self.paint2b(x, wish)
        x = self.paint1(torch.cat([_double(x), moved, 5 * motion], 1), wish)
        attention, lightness, chroma = self.heads(x).float().split([1, 1, 3], 1)
        inside = self.inside(x).float().sigmoid()
        painted = 1 - attention.sigmoid()
        if not self.training:  # what is hardly painted is not: the photo stays as sharp as it is
            painted = ((painted - HARDLY) / (1 - HARDLY)).clamp(min=0)
        painted = self.asked(encoding, condition, painted.shape[-2:]) * painted
        colorful = saturation(encoding.photo)
        tint = 0.5 * chroma.tanh() * colorful
        color = moved + 1.5 * lightness.tanh() + tint
        # Mouths are red to white: paint is no greener or bluer than the photo is at that place,
        # in proportion to its red, so that dark paint is not blue where the photo is white.
        cast = ((moved + 1.1) / (moved[:, :1] + 1.1)).clamp(min=1)
        color = torch.minimum(color, (color[:, :1].clamp(min=-1) + 1) * cast - 1).clamp(-1, 1)
        # Teeth are drawn, not learned from pictures: the painter only learns what is around them.
        painted, color, seen = (self._finer(n) for n in (painted, color, inside.detach()))
        change = (condition - encoding.reading) * self.gain
        teeth = self.jaws.draw(Places.of(encoding.jaws.detach()), change, color.shape[-2:])
        drawn = shaded(teeth[:, :3], seen, colorful)
        color = (color + 1) * (1 - seen * teeth[:, 3:]) + 2 * seen * drawn - 1
        attention = 1 - painted.clamp(0, 1)
        return Painting(motion, light, moved, attention, color.clamp(-1, 1), inside)

    def _finer(self, picture: Tensor) -> Tensor:
        """Teeth deserve more pixels than a crop has, where nothing is learned."""
        if self.training:
            return picture
        return F.interpolate(picture, scale_factor=FINER, mode="bicubic", align_corners=False)

    def motion(self, encoding: Encoding, condition: Tensor) -> tuple[Tensor, ...]:
        """Backward flow (B, 2, H, W) and light (B, 1, H, W) at places of the result, and the wish
        (B, 2D) they answer."""
        change = condition - encoding.reading
        wish = torch.cat([condition, change], 1)
        amount = (5 * change.abs().amax(1, keepdim=True)).clamp(0, 1)
        weights = torch.cat([change * self.gain, amount * self.extra(wish)], 1)
        forward, light = self.mix(encoding.basis, weights).split([2, 1], 1)
        motion = -forward
        for _ in range(INVERSIONS):  # half steps: whole ones swing where the fields are steep
            motion = (motion - move(forward, motion)) / 2
        return motion, move(light.clamp(-BRIGHTEST, BRIGHTEST).expm1(), motion), wish

    def asked(self, encoding: Encoding, condition: Tensor, size: tuple[int, int]) -> Tensor:
        """How much may be painted where, (B, 1, H, 1) in [0, 1]: eyes only where lids were asked
        to change, mouths only where lips or jaw were, so that all else stays as sharp as it is."""
        change = (condition - encoding.reading).abs()
        above, below = (5 * (change[:, None] * self.paints).amax(2)).clamp(0, 1).split(1, 1)
        height = positions(size, encoding.photo)[:, 1:, :, :1].float()
        share = ((height - NOSE[0]) / (NOSE[1] - NOSE[0])).clamp(0, 1)
        return above[..., None, None] * (1 - share) + below[..., None, None] * share

    def mix(self, basis: Tensor, weights: Tensor) -> Tensor:
        """The sum of all fields, weighted by (B, K), at places of the photo: (B, 3, H, W), where
        they go and the logarithm of how much brighter they get.

        Fields are a 1 x 1 convolution of the basis, so mixing its weights gives their sum at once.
        """
        size, fields, lights = self.config.image_size, self.fields, self.lights
        bias = torch.cat([2 / size * fields.bias.view(-1, 2), 0.1 * lights.bias[:, None]], 1)
        flat = fields.weight.view(-1, 2, basis.shape[1]), lights.weight.view(-1, 1, basis.shape[1])
        kernel = torch.cat([2 / size * flat[0], 0.1 * flat[1]], 1)
        kernel = torch.einsum("bk,kcn->bnc", weights, kernel)
        pixels = basis.permute(0, 2, 3, 1).flatten(1, 2)  # no copy where channels come last
        forward = torch.bmm(pixels, kernel.to(pixels.dtype)).float() + (weights @ bias)[:, None]
        return forward.movedim(1, 2).unflatten(2, basis.shape[-2:]).contiguous()


class Stroke(nn.Module):
    """Convolution, norm, then scale and shift by the wish (Perez et al. 2018, FiLM), and ReLU."""

    def __init__(self, inputs: int, outputs: int, wish: int):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)
        self.film = nn.Linear(wish, 2 * outputs)

    def forward(self, x: Tensor, wish: Tensor) -> Tensor:
        scale, shift = self.film(wish)[..., None, None].chunk(2, 1)
        return F.relu(self.norm(self.conv(x)) * (1 + scale) + shift)


def saturation(photo: Tensor) -> Tensor:
    """How colorful a photo is, (B, 1, 1, 1) in [0, 1]: a grey photograph stays grey."""
    return (8 * (photo - photo.mean(1, keepdim=True)).abs().mean((1, 2, 3), keepdim=True)).clamp(
        0, 1
    )


def _double(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


def _conv(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


def _blocks(channels: int, count: int) -> list[nn.Module]:
    return [ResidualBlock(channels, nn.BatchNorm2d) for _ in range(count)]
