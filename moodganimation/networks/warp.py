"""The default generator: it warps the photo by motion fields and inpaints the mouth.

Every unit of the condition has a motion field over the photo. An edit moves the photo's own pixels
by the sum of the fields, weighted by the change of each unit, so skin, hair and resolution are
kept. A third channel of every field relights the skin. A painter adds attention and color as in
Pumarola et al. 2018 for what no pixel of the photo shows, the inside of a mouth, with rendered
teeth (`teeth.Jaws`) where the photo shows none. Turns of the head come last (`head`).

Axes of both sides share the field of their unit: the fields are summed for each side, and the sums
are blended along the midline of the face. docs/algorithm.md describes the whole method.

B batch · D axes · U units · S sides (2, or 1 in spaces without sides) · K = U + extra fields
N features of the basis · H x W pixels of the crop · h x w pixels of the mouth window
"""

from functools import partial

import torch
from torch import Tensor, nn

from .base import Generator, GeneratorConfig, State, batchnorm_blocks, conv_bn_relu, upsample2x
from .compositing import Edit, backward_warp, blend, invert_motion, relight, resize, turn_head
from .encoding import INFERENCE, TRAINING, Encoding, Mode
from .folds import Folds
from .head import backward_head_motion, left_weight
from .inpainting import Painter, Window, compose_color, saturation, visible_teeth_mask
from .motion_fields import (
    FULL_EFFECT_GAIN,
    LIGHT_SCALE,
    MAX_LOG_GAIN,
    MixedFields,
    evaluate_fields,
    fade_out,
    mix_fields,
)
from .mouth import MouthLayers, Rendering, add_rendered_teeth, keep_visible_teeth, suppress_paint
from .reader import EyeReader, FaceReader
from .refiner import MouthDrawing, Refiner, close_lips, soft_hole
from .teeth import JawPlacement, Jaws, below_gums, lower_hidden_jaw

INVERSION_STEPS = 5


class WarpGenerator(Generator):
    """Motion fields that are linear in the change, as blendshapes are, and a painter.

    A point s of the photo goes to s + F(s), F(s) = sum_k weight_k field_k(s). The result at x shows
    the photo at x + m(x), where m solves m(x) = -F(x + m(x)). If the condition equals the reading,
    motion, light and paint are 0 and the result is the photo, whatever the parameters.
    """

    moves_pixels = True

    def __init__(self, config: GeneratorConfig):
        super().__init__(config)
        self._add_encoder()
        self._add_fields()
        self.painter = Painter(*self._channels(24, 96), 2 * self.unit_count, self.scaled)
        if self.config.refiner:
            self.refiner = Refiner(self.scaled)
        if self.config.folds:
            self.folds = Folds(*self._channels(96, 48), self.unit_count, self.config.folds)
        self._init_weights()

    @property
    def unit_count(self) -> int:
        """U, the number of units."""
        return self.config.unit_fields or self.config.condition_dim

    @property
    def mode(self) -> Mode:
        """The mode of `train()` or `eval()`."""
        return TRAINING if self.training else INFERENCE

    def scaled(self, channels: int) -> int:
        """A number of channels, given for a width of 64, in proportion to the width."""
        return max(1, channels * self.config.width // 64)

    def _channels(self, *channels: int) -> list[int]:
        return [self.scaled(n) for n in channels]

    def _add_encoder(self) -> None:
        """Add the encoder and what it predicts. Names of layers are keys of checkpoints."""
        axes, cells = self.config.condition_dim, self.config.image_size // 16
        n12, n24, n32, n48 = self._channels(12, 24, 32, 48)
        n64, n96, n128, n192 = self._channels(64, 96, 128, 192)
        # 64, 32, 16, 8 pixels for a crop of 128, and back up to 32.
        self.down2 = conv_bn_relu(3, n24, 7, 2)
        self.down4 = conv_bn_relu(n24, n64, 3, 2)
        self.down8 = nn.Sequential(conv_bn_relu(n64, n128, 3, 2), *batchnorm_blocks(n128, 4))
        self.down16 = nn.Sequential(
            conv_bn_relu(n128, n192, 3, 2), *batchnorm_blocks(n192, self.config.deep_blocks)
        )
        self.up8 = conv_bn_relu(n192 + n128, n128)
        self.up4 = conv_bn_relu(n128 + n64, n96)
        self.reader = FaceReader(n192, n48, cells, axes)
        if self.config.eye_reader:
            self.eyes = EyeReader(n24, n12, n48, self.config.image_size, axes)
        self.jaws = Jaws(n192, n48, cells, self.unit_count)
        self.rim = nn.Sequential(conv_bn_relu(n96, n32), nn.Conv2d(n32, 1, 1))  # face distance
        if self.config.unit_fields:  # depth, and position across the face
            self.geometry = nn.Sequential(conv_bn_relu(n96, n32), nn.Conv2d(n32, 2, 1))

    def _add_fields(self) -> None:
        """Add the fields, at full resolution, since lids and lips are a few pixels wide."""
        axes, units, extra = self.config.condition_dim, self.unit_count, self.config.extra_fields
        n8, n24, n32, n64, n96 = self._channels(8, 24, 32, 64, 96)
        self.texture = conv_bn_relu(3, n8)
        self.field2 = conv_bn_relu(n96 + n24, n32)
        self.field1 = conv_bn_relu(n32 + n8, n32)
        self.fields = nn.Conv2d(n32, 2 * (units + extra), 1)  # motion [px of the crop]
        self.lights = nn.Conv2d(n32, units + extra, 1)
        # Factors on the fields, set after training from measured results (`training ship`).
        self.register_buffer("gain", torch.ones(units))
        # 1 for units that may open a mouth, which is then painted; set by `set_axes`.
        self.register_buffer("paints", torch.ones(units))
        if self.config.unit_fields:  # what axes mean, see `expressions.axis_map`
            self.register_buffer("left_units", torch.zeros(axes, units))
            self.register_buffer("right_units", torch.zeros(axes, units))
            self.register_buffer("turns", torch.zeros(axes, 3))
        # Weights of the extra fields, for what is not linear: lips meeting, lids closing.
        self.extra = nn.Sequential(
            nn.Linear(2 * units, n64), nn.ReLU(), nn.Linear(n64, extra), nn.Tanh()
        )

    def _init_weights(self) -> None:
        nn.init.zeros_(self.rim[-1].weight)
        nn.init.constant_(self.rim[-1].bias, -1.0)  # training starts with the face everywhere
        nn.init.zeros_(self.fields.bias)
        nn.init.normal_(self.fields.weight, 0, 0.02)
        nn.init.zeros_(self.lights.weight)
        nn.init.zeros_(self.lights.bias)

    def encode(self, source: Tensor) -> Encoding:
        mode, size = self.mode, self.config.image_size
        shallow, _, _, coarsest = pyramid = self.pyramid(source)
        deep = self.deep(pyramid)
        basis = self.field2(torch.cat([upsample2x(deep), shallow], 1))
        basis = self.field1(torch.cat([upsample2x(basis), self.texture(source)], 1))
        face_distance = self.rim(deep).float()
        jaws = self.jaws(coarsest)
        encoding = Encoding(
            photo=source,
            reading=self._reading(pyramid),
            basis=basis,
            shallow=shallow,
            deep=deep,
            jaws=jaws,
            face_distance=resize(face_distance, source.shape[-2:]),
            window=Window.whole(size),
            saturation=saturation(source),
        )
        if self.config.unit_fields:
            depth, across = self.geometry(deep).float().split(1, 1)
            left = resize(left_weight(across), source.shape[-2:])
            encoding = encoding._replace(across=across, left_weight=left, depth=depth)
        if self.config.folds:
            encoding = encoding._replace(fold_map=self.folds.fold_map(deep, face_distance))
        if mode.mouth_only:
            teeth = jaws[:, [2, 5]].tolist()  # center of the upper teeth
            encoding = encoding._replace(window=Window.mouth(teeth, size))
            encoding = self._with_visible_teeth(encoding)
        return encoding

    def pyramid(self, source: Tensor) -> tuple[Tensor, ...]:
        """Features at a half, a quarter, an eighth and a sixteenth of the resolution."""
        shallow = self.down2(source)
        x4 = self.down4(shallow)
        x8 = self.down8(x4)
        return shallow, x4, x8, self.down16(x8)

    def deep(self, pyramid: tuple[Tensor, ...]) -> Tensor:
        """Features (B, C, H/4, W/4) that see the whole face, from those of `pyramid`."""
        _, x4, x8, x16 = pyramid
        deep = self.up8(torch.cat([upsample2x(x16), x8], 1))
        return self.up4(torch.cat([upsample2x(deep), x4], 1))

    def _with_visible_teeth(self, encoding: Encoding) -> Encoding:
        """Add the teeth that the photo shows, and the rendered upper teeth, which edits share."""
        photo, window = encoding.photo, encoding.window
        cropped, conditioning = window.crop(photo), self._conditioning(encoding, encoding.reading)
        no_motion = torch.zeros_like(cropped[:, :2])
        features = window.crop(encoding.deep), window.crop(encoding.shallow)
        inside = self.painter(*features, cropped, no_motion, conditioning.mean(1)).inside
        jaws = encoding.jaws.float()
        visible_teeth = visible_teeth_mask(cropped, inside, JawPlacement.of(jaws).white)
        hidden = 1 - visible_teeth.amax((1, 2, 3))
        centers = window.cell_centers(self.mode.paint_scale * window.size, photo)
        if self.config.refiner:  # it fits rendered teeth to visible ones
            jaws = lower_hidden_jaw(jaws, hidden)
            upper_teeth = self.jaws.render_upper(JawPlacement.of(jaws), centers)
        else:
            upper_teeth = self.jaws.render_upper(JawPlacement.of(jaws), centers)
            upper_teeth = upper_teeth * hidden[:, None, None, None]
        # Features may be bf16; edits sample float32, so that they do not round the photo.
        return encoding._replace(
            photo=photo.contiguous(),
            basis=encoding.basis.float(),
            deep=encoding.deep.float(),
            shallow=encoding.shallow.float(),
            jaws=jaws,
            visible_teeth=visible_teeth,
            upper_teeth=upper_teeth,
        )

    def source(self, encoding: Encoding) -> Tensor:
        return encoding.photo

    def reading(self, encoding: Encoding) -> Tensor:
        return encoding.reading

    def rebase(self, encoding: Encoding, reading: Tensor) -> Encoding:
        return encoding._replace(reading=reading)

    def with_detail(self, encoding: Encoding, detail: float) -> Encoding:
        return encoding._replace(detail=encoding.reading.new_tensor([detail]))

    def read(self, source: Tensor) -> Tensor:
        """The expression in a photo, (B, D): the reading of `encode` without the rest."""
        return self._reading(self.pyramid(source))

    def _reading(self, pyramid: tuple[Tensor, ...]) -> Tensor:
        reading = self.unclamped_reading(pyramid)
        return reading.clamp(0, 1) if self.mode.clamp_reading else reading

    def unclamped_reading(self, pyramid: tuple[Tensor, ...]) -> Tensor:
        """The regressed reading (B, D), which may leave [0, 1], from the features of `pyramid`."""
        reading = self.reader(pyramid[-1])
        if self.config.eye_reader:
            reading = reading + self.eyes(pyramid[0])
        return reading.float()

    def edit(
        self, encoding: Encoding, condition: Tensor, state: State | None = None
    ) -> tuple[Edit, State]:
        edit = self._edit_face(encoding, condition)
        if self.config.folds and self.mode.folds:
            change = self._by_side(condition - encoding.reading)
            size = self.mode.paint_scale * self.config.image_size
            edit = self.folds.add_to(edit, encoding.fold_map, change, size, encoding.detail)
        turn = self.head_turn(encoding, condition)
        if turn is not None and turn.any():
            edit = turn_head(encoding.photo, edit, backward_head_motion(encoding.depth, turn))
        return edit, ()

    def head_turn(self, encoding: Encoding, condition: Tensor) -> Tensor | None:
        """The turn of the head (B, 3), see `head.rotation_matrices`; None without unit fields."""
        if not self.config.unit_fields:
            return None
        return ((condition - encoding.reading) @ self.turns).clamp(-1, 1)

    def _edit_face(self, encoding: Encoding, condition: Tensor) -> Edit:
        """The edit before folds and the turn of the head are added."""
        painted = self._paint_amount(encoding, condition) > 0
        if self.mode.mouth_only and not painted.any():
            motion, light = self.motion(encoding, condition)
            warped = relight(backward_warp(encoding.photo, motion), light)
            return Edit(warped, torch.ones_like(light), warped, motion, light)
        motion, light, warped, attention, color, _ = self.render(encoding, condition)
        window = encoding.window
        cropped, scale = window.crop(warped), color.shape[-1] // window.width
        enlarged = resize(warped, (scale * window.size,) * 2)  # to the cells of painted layers
        color = torch.where(painted, color, window.crop(enlarged))
        mouth = blend(cropped, *(resize(x, cropped.shape[-2:]) for x in (attention, color)))
        attention = window.insert(attention, torch.ones_like(enlarged[:, :1]))
        color = window.insert(color, enlarged)
        return Edit(window.insert(mouth, warped), attention, color, motion, light)

    def _by_side(self, values: Tensor) -> Tensor:
        """Values (B, D) of the axes as values of the units on each side, (B, S, U), left first."""
        if not self.config.unit_fields:
            return values[:, None]
        return torch.stack([values @ self.left_units, values @ self.right_units], 1)

    def _conditioning(self, encoding: Encoding, condition: Tensor) -> Tensor:
        """Condition and change of the units, (B, S, 2U): input of `extra` and of the painter."""
        values = condition, condition - encoding.reading
        return torch.cat([self._by_side(part) for part in values], 2)

    def field_kernels(self) -> tuple[Tensor, Tensor]:
        """Kernels (K, 3, N) and biases (K, 3) of all fields: motion [face coordinates], log gain
        of brightness."""
        pixel, features = 2 / self.config.image_size, self.fields.in_channels
        motion, light = self.fields.weight, self.lights.weight
        kernels = pixel * motion.view(-1, 2, features), LIGHT_SCALE * light.view(-1, 1, features)
        biases = pixel * self.fields.bias.view(-1, 2), LIGHT_SCALE * self.lights.bias[:, None]
        return torch.cat(kernels, 1), torch.cat(biases, 1)

    def mixed_fields(self, encoding: Encoding, condition: Tensor) -> MixedFields:
        """The sum of all fields for a condition: unit fields weighted by the change, extra fields
        by a perceptron."""
        conditioning = self._conditioning(encoding, condition)
        change = conditioning[:, :, self.unit_count :]
        amount = (FULL_EFFECT_GAIN * change.abs().amax(2, keepdim=True)).clamp(0, 1)
        weights = torch.cat([change * self.gain, amount * self.extra(conditioning)], 2)
        return mix_fields(weights, *self.field_kernels())

    def forward_fields(self, encoding: Encoding, fields: MixedFields) -> Tensor:
        """Forward motion and log gain at the cells of the photo, (B, 3, H, W), 0 beyond the
        face."""
        values = evaluate_fields(fields, encoding.basis, encoding.left_weight)
        return fade_out(values, encoding.face_distance) if self.mode.limit_motion else values

    def motion(self, encoding: Encoding, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Backward flow (B, 2, H, W) and light (B, 1, H, W) without the turn of the head."""
        fields = self.mixed_fields(encoding, condition)
        forward, log_gain = self.forward_fields(encoding, fields).split([2, 1], 1)
        motion = invert_motion(forward, partial(backward_warp, forward), INVERSION_STEPS)
        light = log_gain.clamp(-MAX_LOG_GAIN, MAX_LOG_GAIN).exp() - 1
        return motion, backward_warp(light, motion)

    def _paint_amount(self, encoding: Encoding, condition: Tensor) -> Tensor:
        """How much is painted, (B, 1, 1, 1) in [0, 1]: 0 unless a unit that may open the mouth
        changes, so that all other edits stay as sharp as the photo."""
        change = self._by_side(condition - encoding.reading).abs() * self.paints
        return (FULL_EFFECT_GAIN * change.amax((1, 2))).clamp(0, 1)[:, None, None, None]

    def render(self, encoding: Encoding, condition: Tensor) -> Rendering:
        """Warp the photo and paint the mouth: `inpaint`, then the refiner or, without one, rendered
        teeth."""
        mouth, warped, motion, light = self.inpaint(encoding, condition)
        if self.config.refiner and self.mode.mouth_only:
            drawing = self.drawing(encoding, condition, mouth, warped)
            attention, color = 1 - drawing.paint, 2 * self.refiner(drawing) - 1
        else:  # no gradient reaches the teeth: the painter learns only what is around them
            placement = JawPlacement.of(encoding.jaws.detach())
            teeth = self.render_teeth(encoding, placement, condition, self.mode.paint_scale)
            white = placement.white
            attention, color = add_rendered_teeth(mouth, teeth, white, encoding.saturation)
        return Rendering(motion, light, warped, attention, color, mouth.inside)

    def inpaint(
        self, encoding: Encoding, condition: Tensor
    ) -> tuple[MouthLayers, Tensor, Tensor, Tensor]:
        """The mouth without rendered teeth, the warped and relit photo (B, 3, H, W), motion and
        light."""
        motion, light = self.motion(encoding, condition)
        mouth = self._run_painter(encoding, condition, motion, light)
        amount = self._paint_amount(encoding, condition)
        mouth = suppress_paint(mouth, self.mode.paint_threshold, amount)
        if encoding.visible_teeth is not None:
            photo, teeth, window = encoding.photo, encoding.visible_teeth, encoding.window
            mouth, motion, light = keep_visible_teeth(mouth, photo, teeth, window, motion, light)
        return mouth, relight(backward_warp(encoding.photo, motion), light), motion, light

    def _run_painter(
        self, encoding: Encoding, condition: Tensor, motion: Tensor, light: Tensor
    ) -> MouthLayers:
        """The painter's layers, from warped features and the warped photo."""
        window, motion = encoding.window, encoding.window.crop(motion)

        def warped(picture: Tensor) -> Tensor:
            centers = window.cell_centers(picture.shape[-1], picture)
            return backward_warp(picture, resize(motion, centers.shape[-2:]), centers)

        deep, shallow = warped(encoding.deep), warped(encoding.shallow)
        photo = relight(warped(encoding.photo), window.crop(light))
        conditioning = self._conditioning(encoding, condition).mean(1)
        output = self.painter(deep, shallow, photo, motion, conditioning)
        color = compose_color(photo, output, encoding.saturation)
        return MouthLayers(1 - output.attention, color, output.inside, output.inside.detach())

    def render_teeth(
        self, encoding: Encoding, placement: JawPlacement, condition: Tensor, scale: int
    ) -> Tensor:
        """Both jaws in the mouth window, in `scale` times its cells, see `Jaws.render_teeth`."""
        window = encoding.window
        centers = window.cell_centers(scale * window.size, encoding.jaws)
        upper = encoding.upper_teeth
        upper = self.jaws.render_upper(placement, centers) if upper is None else upper
        change = self._by_side(condition - encoding.reading).mean(1) * self.gain
        return self.jaws.render_teeth(upper, placement, change, centers)

    def drawing(
        self, encoding: Encoding, condition: Tensor, mouth: MouthLayers, warped: Tensor
    ) -> MouthDrawing:
        """What the refiner turns into a photograph, at the resolution of painted layers."""
        # The scale of inference in either mode: the refiner is trained separately, at that scale.
        window, scale = encoding.window, INFERENCE.paint_scale
        size = scale * window.height, scale * window.width
        amount = self._paint_amount(encoding, condition)
        own = mouth.inside - mouth.cavity  # what `keep_visible_teeth` took out of the cavity
        placement = JawPlacement.of(encoding.jaws)
        below = below_gums(placement, window.cell_centers(scale * window.size, encoding.jaws))
        hole = below * close_lips(soft_hole(mouth.inside * amount, size))
        teeth = self.render_teeth(encoding, placement, condition, scale)
        photo = resize((window.crop(warped) + 1) / 2, size)
        white, saturation = placement.white, encoding.saturation
        return MouthDrawing(photo, hole, resize(own, size), teeth, white, saturation)
