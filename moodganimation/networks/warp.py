"""The default generator: it warps the photo by motion fields and inpaints the mouth.

Every unit of the condition has a motion field over the photo. An edit moves the photo's own pixels
by the sum of the fields, weighted by the change of each unit, so skin, hair and resolution are
kept. A third channel of every field relights the skin. A painter adds attention and color as in
Pumarola et al. 2018 for what no pixel of the photo shows, the inside of a mouth, with rendered
teeth (`teeth.Jaws`) where the photo shows none. At inference a refiner, as in the shipped
checkpoint, paints instead, from the painter's mouth mask and the rendered teeth. Folds of the skin
(`folds`) and turns of the head (`head`) are added to the result.

Axes of both sides share the field of their unit: the fields are summed for each side, and the sums
are blended along the midline of the face. docs/algorithm.md describes the whole method.

B batch · D axes · U units · S sides (2, or 1 in spaces without sides) · K = U + extra fields
C channels · N channels of the basis · H x W pixels of the crop · h x w pixels of the mouth window
"""

from functools import partial

import torch
from torch import Tensor, nn

from .base import Generator, GeneratorConfig, State, conv_bn_relu, residual_blocks, upsample2x
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
from .refiner import EDIT_WHITENESS, MouthDrawing, Refiner, shrink_hole, soft_hole
from .teeth import JawPlacement, Jaws, below_gums, lower_hidden_jaw

INVERSION_STEPS = 5  # see `invert_motion`


class WarpGenerator(Generator):
    """A sum of motion fields, weighted as blendshapes are, that warps the photo, and a painter.

    A point s of the photo goes to s + F(s), F(s) = sum_k weight_k field_k(s). The result at x shows
    the photo at x + m(x), where m solves m(x) = -F(x + m(x)). If the condition equals the reading,
    motion, light and paint are 0 and the result is the photo, whatever the parameters.
    """

    moves_pixels = True

    def __init__(self, config: GeneratorConfig):
        super().__init__(config)
        self._add_encoder()
        self._add_fields()
        shallow, deep, hidden = self._scaled_all(24, 96, 48)  # shallow, deep: of down2 and up4
        self.painter = Painter(shallow, deep, conditioning=2 * self.unit_count, scaled=self.scaled)
        if config.refiner:
            self.refiner = Refiner(self.scaled)
        if config.folds:
            self.folds = Folds(deep, hidden=hidden, units=self.unit_count, pictures=config.folds)
        self._init_weights()

    @property
    def unit_count(self) -> int:
        """U, the number of units."""
        return self.config.unit_fields or self.config.condition_dim

    @property
    def mode(self) -> Mode:
        """TRAINING after `train()`, INFERENCE after `eval()`."""
        return TRAINING if self.training else INFERENCE

    def scaled(self, channels: int) -> int:
        """Scale a number of channels from a width of 64 to that of the configuration."""
        return max(1, channels * self.config.width // 64)

    def _scaled_all(self, *channels: int) -> list[int]:
        """Scale some numbers of channels. Below, n24 is 24 channels at a width of 64."""
        return [self.scaled(n) for n in channels]

    def _add_encoder(self) -> None:
        """Add the encoder, and what is predicted from its features besides motion fields. Names of
        layers are keys of checkpoints."""
        axes, cells = self.config.condition_dim, self.config.image_size // 16
        n12, n24, n32, n48 = self._scaled_all(12, 24, 32, 48)
        n64, n96, n128, n192 = self._scaled_all(64, 96, 128, 192)
        # downN and upN have feature maps of 1/N of the crop's side.
        self.down2 = conv_bn_relu(3, n24, 7, 2)
        self.down4 = conv_bn_relu(n24, n64, 3, 2)
        self.down8 = nn.Sequential(conv_bn_relu(n64, n128, 3, 2), *residual_blocks(n128, 4))
        self.down16 = nn.Sequential(
            conv_bn_relu(n128, n192, 3, 2), *residual_blocks(n192, self.config.deep_blocks)
        )
        self.up8 = conv_bn_relu(n192 + n128, n128)
        self.up4 = conv_bn_relu(n128 + n64, n96)
        self.reader = FaceReader(n192, n48, cells, axes)
        if self.config.eye_reader:
            self.eyes = EyeReader(n24, n12, n48, self.config.image_size, axes)
        self.jaws = Jaws(n192, n48, cells, self.unit_count)
        self.rim = nn.Sequential(conv_bn_relu(n96, n32), nn.Conv2d(n32, 1, 1))  # face distance
        if self.config.has_sides:  # depth, and lateral position
            self.geometry = nn.Sequential(conv_bn_relu(n96, n32), nn.Conv2d(n32, 2, 1))

    def _add_fields(self) -> None:
        """Add motion fields at the crop's resolution, since lids and lips are a few pixels wide."""
        axes, units, extra = self.config.condition_dim, self.unit_count, self.config.extra_fields
        n8, n24, n32, n64, n96 = self._scaled_all(8, 24, 32, 64, 96)
        self.texture = conv_bn_relu(3, n8)
        self.field2 = conv_bn_relu(n96 + n24, n32)
        self.field1 = conv_bn_relu(n32 + n8, n32)
        self.fields = nn.Conv2d(n32, 2 * (units + extra), 1)  # motion [px of the crop]
        self.lights = nn.Conv2d(n32, units + extra, 1)  # log gain of brightness [LIGHT_SCALE]
        # Factors on the unit fields, set after training from measured results (`training ship`).
        self.register_buffer("gain", torch.ones(units))
        # 1 for units that may open or close the mouth, whose inside is then painted; else 0. This
        # and the next three are set by `set_axes` of training/warp/train.py.
        self.register_buffer("paints", torch.ones(units))
        if self.config.has_sides:  # from axes to units and turns, see `expressions.axis_map`
            self.register_buffer("left_units", torch.zeros(axes, units))
            self.register_buffer("right_units", torch.zeros(axes, units))
            self.register_buffer("turns", torch.zeros(axes, 3))
        # Weights of the extra fields, see `GeneratorConfig.extra_fields`
        self.extra = nn.Sequential(
            nn.Linear(2 * units, n64), nn.ReLU(), nn.Linear(n64, extra), nn.Tanh()
        )

    def _init_weights(self) -> None:
        nn.init.zeros_(self.rim[-1].weight)
        nn.init.constant_(self.rim[-1].bias, -1.0)  # at first, every pixel is well inside the face
        nn.init.zeros_(self.fields.bias)
        nn.init.normal_(self.fields.weight, 0, 0.02)
        nn.init.zeros_(self.lights.weight)
        nn.init.zeros_(self.lights.bias)

    def encode(self, source: Tensor) -> Encoding:
        size = self.config.image_size
        shallow, _, _, coarsest = pyramid = self.pyramid(source)
        deep = self.deep_features(pyramid)
        basis = self.field2(torch.cat([upsample2x(deep), shallow], 1))
        basis = self.field1(torch.cat([upsample2x(basis), self.texture(source)], 1))
        face_distance = self.rim(deep).float()
        encoding = Encoding(
            photo=source,
            reading=self._reading(pyramid),
            basis=basis,
            shallow_features=shallow,
            deep_features=deep,
            jaw_numbers=self.jaws(coarsest),
            face_distance=resize(face_distance, source.shape[-2:]),
            window=Window.whole(size),
            saturation=saturation(source),
        )
        if self.config.has_sides:
            depth, lateral = self.geometry(deep).float().split(1, 1)
            left = resize(left_weight(lateral), source.shape[-2:])
            encoding = encoding._replace(lateral_position=lateral, left_weight=left, depth=depth)
        if self.config.folds:
            encoding = encoding._replace(fold_map=self.folds.fold_map(deep, face_distance))
        if self.mode.mouth_only:
            upper = encoding.jaw_placement.upper  # the last column is the center
            encoding = encoding._replace(window=Window.mouth(upper[:, :, 2].tolist(), size))
            encoding = self._prepare_mouth(encoding)
        return encoding

    def pyramid(self, source: Tensor) -> tuple[Tensor, ...]:
        """Features at 1/2 (the shallow ones), 1/4, 1/8 and 1/16 of the crop's resolution."""
        x2 = self.down2(source)
        x4 = self.down4(x2)
        x8 = self.down8(x4)
        return x2, x4, x8, self.down16(x8)

    def deep_features(self, pyramid: tuple[Tensor, ...]) -> Tensor:
        """Features (B, C, H/4, W/4) whose receptive field is the whole face, from `pyramid`."""
        _, x4, x8, x16 = pyramid
        x8 = self.up8(torch.cat([upsample2x(x16), x8], 1))
        return self.up4(torch.cat([upsample2x(x8), x4], 1))

    def _prepare_mouth(self, encoding: Encoding) -> Encoding:
        """Add what all edits share at inference: the mask of teeth that the photo shows, rendered
        upper teeth, and, for a refiner, a lower jaw that is lowered if no teeth show."""
        photo, window = encoding.photo, encoding.window
        cropped = window.crop(photo)  # all inputs of the painter are those of the unedited photo
        condition_and_change = self._condition_and_change(encoding, encoding.reading).mean(1)
        features = window.crop(encoding.deep_features), window.crop(encoding.shallow_features)
        no_motion = torch.zeros_like(cropped[:, :2])
        mouth_mask = self.painter(*features, cropped, no_motion, condition_and_change).mouth_mask
        jaw_numbers = encoding.jaw_numbers.float()
        teeth_mask = visible_teeth_mask(cropped, mouth_mask, JawPlacement.of(jaw_numbers).white)
        hidden = 1 - teeth_mask.amax((1, 2, 3))  # (B,): 1 where the photo shows no teeth
        if self.config.refiner:
            jaw_numbers = lower_hidden_jaw(jaw_numbers, hidden)
        centers = window.cell_centers(self.mode.paint_scale * window.crop_size, photo)
        upper_teeth = self.jaws.render_upper(JawPlacement.of(jaw_numbers), centers)
        if not self.config.refiner:  # only a refiner can join rendered teeth to visible ones
            upper_teeth = upper_teeth * hidden[:, None, None, None]
        # Features may be bf16. Edits sample them and the photo in float32.
        return encoding._replace(
            photo=photo.contiguous(),
            basis=encoding.basis.float(),
            deep_features=encoding.deep_features.float(),
            shallow_features=encoding.shallow_features.float(),
            jaw_numbers=jaw_numbers,
            visible_teeth_mask=teeth_mask,
            upper_teeth=upper_teeth,
        )

    def source(self, encoding: Encoding) -> Tensor:
        return encoding.photo

    def reading(self, encoding: Encoding) -> Tensor:
        return encoding.reading

    def with_reading(self, encoding: Encoding, reading: Tensor) -> Encoding:
        return encoding._replace(reading=reading)

    def with_detail(self, encoding: Encoding, detail: float) -> Encoding:
        return encoding._replace(detail=encoding.reading.new_tensor([detail]))

    def read(self, source: Tensor) -> Tensor:
        """Read the expression (B, D) in a photo, as `encode` does, without the rest of it."""
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
            change = self._to_units(condition - encoding.reading)
            size = self.mode.paint_scale * self.config.image_size
            edit = self.folds.add_to(edit, encoding.fold_map, change, size, encoding.detail)
        turn = self.head_turn(encoding, condition)
        if turn is not None and turn.any():
            edit = turn_head(encoding.photo, edit, backward_head_motion(encoding.depth, turn))
        return edit, ()

    def head_turn(self, encoding: Encoding, condition: Tensor) -> Tensor | None:
        """The turn of the head (B, 3), see `head`; None for generators without sides."""
        if not self.config.has_sides:
            return None
        return ((condition - encoding.reading) @ self.turns).clamp(-1, 1)

    def _edit_face(self, encoding: Encoding, condition: Tensor) -> Edit:
        """Make the edit without folds and without the turn of the head."""
        painted = self._paint_amount(encoding, condition) > 0
        if self.mode.mouth_only and not painted.any():
            motion, light = self.motion_and_light(encoding, condition)
            warped = relight(backward_warp(encoding.photo, motion), light)
            return Edit(warped, torch.ones_like(light), warped, motion, light)
        motion, light, warped, attention, color, _ = self.render(encoding, condition)
        window = encoding.window
        cropped, scale = window.crop(warped), color.shape[-1] // window.width
        enlarged = resize(warped, (scale * window.crop_size,) * 2)  # to the cells of painted layers
        # Samples that are not painted get the warped photo as color, as in a batch of one, above.
        color = torch.where(painted, color, window.crop(enlarged))
        layers = (resize(layer, cropped.shape[-2:]) for layer in (attention, color))
        window_composite = blend(cropped, *layers)
        composite, color = window.insert(window_composite, warped), window.insert(color, enlarged)
        attention = window.insert(attention, torch.ones_like(enlarged[:, :1]))
        return Edit(composite, attention, color, motion, light)

    def _to_units(self, values: Tensor) -> Tensor:
        """Convert values (B, D) of axes to values of units on each side, (B, S, U), left first."""
        if not self.config.has_sides:
            return values[:, None]
        return torch.stack([values @ self.left_units, values @ self.right_units], 1)

    def _condition_and_change(self, encoding: Encoding, condition: Tensor) -> Tensor:
        """The condition and the change of the units, concatenated to (B, S, 2U)."""
        change = condition - encoding.reading
        return torch.cat([self._to_units(condition), self._to_units(change)], 2)

    def field_kernels(self) -> tuple[Tensor, Tensor]:
        """The kernels (K, 3, N) and biases (K, 3) of all fields, those of units first: motion [face
        coordinates], then log gain of brightness."""
        pixel, channels = 2 / self.config.image_size, self.fields.in_channels
        motion, light = self.fields.weight, self.lights.weight
        kernels = pixel * motion.view(-1, 2, channels), LIGHT_SCALE * light.view(-1, 1, channels)
        biases = pixel * self.fields.bias.view(-1, 2), LIGHT_SCALE * self.lights.bias[:, None]
        return torch.cat(kernels, 1), torch.cat(biases, 1)

    def mixed_fields(self, encoding: Encoding, condition: Tensor) -> MixedFields:
        """Sum all fields for a condition: unit fields with the changes times the gains as weights,
        extra fields with those of the perceptron `extra`, times a ramp from 0 without change to 1
        at a change of 1 / FULL_EFFECT_GAIN."""
        condition_and_change = self._condition_and_change(encoding, condition)
        change = condition_and_change[:, :, self.unit_count :]
        amount = (FULL_EFFECT_GAIN * change.abs().amax(2, keepdim=True)).clamp(0, 1)
        weights = torch.cat([change * self.gain, amount * self.extra(condition_and_change)], 2)
        return mix_fields(weights, *self.field_kernels())

    def forward_fields(self, encoding: Encoding, fields: MixedFields) -> Tensor:
        """Evaluate mixed fields at the pixels of the photo: forward motion and log gain, (B, 3, H,
        W); at inference fading to 0 outside the face."""
        values = evaluate_fields(fields, encoding.basis, encoding.left_weight)
        return fade_out(values, encoding.face_distance) if self.mode.fade_motion else values

    def motion_and_light(self, encoding: Encoding, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Compute backward flow (B, 2, H, W) and light (B, 1, H, W), without folds and turn."""
        fields = self.mixed_fields(encoding, condition)
        forward, log_gain = self.forward_fields(encoding, fields).split([2, 1], 1)
        motion = invert_motion(forward, partial(backward_warp, forward), INVERSION_STEPS)
        light = log_gain.clamp(-MAX_LOG_GAIN, MAX_LOG_GAIN).exp() - 1
        return motion, backward_warp(light, motion)

    def _paint_amount(self, encoding: Encoding, condition: Tensor) -> Tensor:
        """The factor on the opacity of paint, (B, 1, 1, 1) in [0, 1]: 0 unless a unit of `paints`
        changes, so that all other edits stay as sharp as the photo."""
        change = self._to_units(condition - encoding.reading).abs() * self.paints
        return (FULL_EFFECT_GAIN * change.amax((1, 2))).clamp(0, 1)[:, None, None, None]

    def render(self, encoding: Encoding, condition: Tensor) -> Rendering:
        """Warp the photo and paint the mouth; then add teeth, or let the refiner paint instead."""
        mouth, warped, motion, light = self.inpaint(encoding, condition)
        if self.config.refiner and self.mode.mouth_only:
            drawing = self.drawing(encoding, condition, mouth, warped)
            attention, color = 1 - drawing.paint, 2 * self.refiner(drawing) - 1
        else:  # no gradient flows to the jaw numbers: they are trained by their own loss alone
            placement = JawPlacement.of(encoding.jaw_numbers.detach())
            teeth = self.render_teeth(encoding, placement, condition, self.mode.paint_scale)
            white = placement.white
            attention, color = add_rendered_teeth(mouth, teeth, white, encoding.saturation)
        return Rendering(motion, light, warped, attention, color, mouth.mouth_mask)

    def inpaint(
        self, encoding: Encoding, condition: Tensor
    ) -> tuple[MouthLayers, Tensor, Tensor, Tensor]:
        """Paint the mouth without rendered teeth; return it, the warped and relit photo (B, 3, H,
        W), motion and light."""
        motion, light = self.motion_and_light(encoding, condition)
        mouth = self._run_painter(encoding, condition, motion, light)
        amount = self._paint_amount(encoding, condition)
        mouth = suppress_paint(mouth, self.mode.paint_threshold, amount)
        if encoding.visible_teeth_mask is not None:
            mask, window = encoding.visible_teeth_mask, encoding.window
            mouth, motion, light = keep_visible_teeth(mouth, mask, window, motion, light)
        return mouth, relight(backward_warp(encoding.photo, motion), light), motion, light

    def _run_painter(
        self, encoding: Encoding, condition: Tensor, motion: Tensor, light: Tensor
    ) -> MouthLayers:
        """Run the painter in the mouth window, on warped features and the warped photo."""
        window, motion = encoding.window, encoding.window.crop(motion)

        def warp_into_window(field: Tensor) -> Tensor:
            """Warp a field over the crop; return its part in the window."""
            centers = window.cell_centers(field.shape[-1], field)
            return backward_warp(field, resize(motion, centers.shape[-2:]), centers)

        deep = warp_into_window(encoding.deep_features)
        shallow = warp_into_window(encoding.shallow_features)
        photo = relight(warp_into_window(encoding.photo), window.crop(light))
        condition_and_change = self._condition_and_change(encoding, condition).mean(1)
        output = self.painter(deep, shallow, photo, motion, condition_and_change)
        color, mask = compose_color(photo, output, encoding.saturation), output.mouth_mask
        return MouthLayers(1 - output.attention, color, mask, mask.detach())

    def render_teeth(
        self, encoding: Encoding, placement: JawPlacement, condition: Tensor, scale: int
    ) -> Tensor:
        """Render both jaws in the mouth window, `scale` cells along each side of a pixel."""
        window = encoding.window
        centers = window.cell_centers(scale * window.crop_size, encoding.jaw_numbers)
        upper = encoding.upper_teeth
        upper = self.jaws.render_upper(placement, centers) if upper is None else upper
        change = self._to_units(condition - encoding.reading).mean(1) * self.gain
        return self.jaws.render_teeth(upper, placement, change, centers)

    def drawing(
        self, encoding: Encoding, condition: Tensor, mouth: MouthLayers, warped: Tensor
    ) -> MouthDrawing:
        """Make the input of the refiner from the mouth and the warped photo, see `inpaint`."""
        window, scale = encoding.window, self.mode.paint_scale
        size = scale * window.height, scale * window.width
        amount, placement = self._paint_amount(encoding, condition), encoding.jaw_placement
        centers = window.cell_centers(scale * window.crop_size, encoding.jaw_numbers)
        hole = shrink_hole(soft_hole(mouth.mouth_mask * amount, size))
        return MouthDrawing(
            photo=resize((window.crop(warped) + 1) / 2, size),
            hole=hole * below_gums(placement, centers),
            known=resize(mouth.mouth_mask - mouth.rendered_teeth_mask, size),  # visible teeth
            teeth=self.render_teeth(encoding, placement, condition, scale),
            white=EDIT_WHITENESS * placement.white,
            saturation=encoding.saturation,
        )
