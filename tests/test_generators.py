from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from moodganimation.checkpoints.files import (
    build_generator,
    generators_in,
    load_checkpoint,
    save_generator,
)
from moodganimation.errors import NotACheckpoint
from moodganimation.expressions.spaces import ACTION_UNITS
from moodganimation.media.images import read_image
from moodganimation.networks.base import GeneratorConfig
from moodganimation.networks.compositing import cell_centers, resize
from moodganimation.networks.inpainting import Window, visible_teeth_mask
from moodganimation.networks.motion_fields import MOTION_FALLOFF, mix_fields
from moodganimation.networks.mouth import MouthLayers, keep_visible_teeth
from moodganimation.resources import CHECKPOINTS
from training.warp.train import set_axes

from .conftest import ASSETS


def test_nothing_asked_nothing_changed(tiny):
    source = torch.rand(2, 3, 32, 32) * 2 - 1
    encoding = tiny.encode(source)
    edit, _ = tiny.edit(encoding, encoding.reading)
    torch.testing.assert_close(edit.composite, source, atol=1e-5, rtol=0)
    assert not edit.motion.any()
    assert (edit.attention == 1).all()


def test_only_what_may_open_a_mouth_paints_and_only_near_it(tiny):
    torch.nn.init.normal_(tiny.painter.heads.weight)
    tiny.painter.heads.bias.data[0] = -3.0  # paints wherever it may
    set_axes(tiny, ACTION_UNITS)
    encoding = tiny.encode(torch.rand(1, 3, 32, 32) * 2 - 1)
    encoding = encoding._replace(reading=torch.zeros(1, 17), visible_teeth_mask=None)
    window = encoding.window
    assert 100 < window.height * window.width < 32 * 32
    for key, paints in (("AU45", False), ("AU12", False), ("AU26", True)):
        asked = torch.zeros(1, 17)
        asked[0, ACTION_UNITS.index(key)] = 1.0
        attention = tiny.edit(encoding, asked)[0].attention
        assert bool((attention == 1).all()) != paints
    around = window.insert(torch.ones(1, 1, 2 * window.height, 2 * window.width), attention)
    assert (around == 1).all() and (window.crop(attention) < 1).float().mean() > 0.5


def test_a_window_is_a_part_that_can_be_put_back():
    field = torch.rand(1, 2, 64, 64)
    window = Window.mouth([(0.1, 0.3)], 128)
    part = window.crop(field)
    assert part.shape[2:] == (window.height // 2, window.width // 2)
    assert torch.equal(
        window.insert(part, 0 * field) != 0, window.insert(0 * part + 1, 0 * field) != 0
    )
    x, y = window.cell_centers(128, field).mean((0, 2, 3)).tolist()
    assert x == pytest.approx(0.1, abs=0.04) and 0.3 < y < 0.6  # teeth above, room for a jaw below
    corner = Window.mouth([(5.0, 5.0)], 128)
    assert corner.corners == ((128 - corner.height, 128 - corner.width),)
    assert torch.equal(Window.whole(128).crop(field), field)


def test_windows_of_a_batch_are_those_of_its_rows():
    field = torch.rand(2, 2, 64, 64)
    teeth = [(0.1, 0.3), (-0.2, 0.1)]
    window, alone = Window.mouth(teeth, 128), [Window.mouth([place], 128) for place in teeth]
    part = window.crop(field)
    assert torch.equal(
        part, torch.cat([w.crop(f) for w, f in zip(alone, field.split(1), strict=True)])
    )
    inserted = window.insert(0 * part, field)
    rows = zip(alone, part.split(1), field.split(1), strict=True)
    assert torch.equal(inserted, torch.cat([w.insert(0 * p, f) for w, p, f in rows]))
    places = window.cell_centers(128, field)
    assert torch.equal(places, torch.cat([w.cell_centers(128, field) for w in alone]))


@pytest.mark.parametrize("name", sorted(generators_in(CHECKPOINTS)))
@torch.inference_mode()
def test_a_row_of_a_batch_equals_a_batch_of_one(name):
    generator, space, _ = load_checkpoint(CHECKPOINTS / f"{name}.safetensors")
    side, axes = generator.config.image_size, len(space.axes)
    corners = ((100, 80), (60, 110), (120, 60))  # so that mouths lie at three places
    photos = zip(sorted(ASSETS.glob("portrait-*.png")), corners, strict=True)
    faces = [read_image(path)[y : y + 300, x : x + 300] for path, (y, x) in photos]
    faces = np.stack([cv2.resize(face, (side, side)) for face in faces])
    source = torch.from_numpy(faces).movedim(-1, 1).float() / 127.5 - 1
    condition = torch.rand(3, axes, generator=torch.Generator().manual_seed(0))
    encoding, start = generator.encode(source), torch.zeros(3, axes)
    if generator.moves_pixels:
        start = generator.reading(encoding).round(decimals=2)
        paints = generator.paints > 0
        if generator.config.has_sides:
            paints = (generator.left_units.abs() @ paints.float()) > 0
            paints |= generator.turns.any(1)  # turned colors are finer or coarser by more
        condition[1] = torch.where(paints, start[1], condition[1])  # nothing painted
        assert len(set(encoding.window.corners)) == 3
    batch, _ = generator.edit(generator.with_reading(encoding, start), condition)
    for i in range(3):
        encoding = generator.with_reading(generator.encode(source[i : i + 1]), start[i : i + 1])
        alone, _ = generator.edit(encoding, condition[i : i + 1])
        for field, expected in zip(batch[:5], alone[:5], strict=True):
            expected = resize(expected, field.shape[-2:])  # an unpainted row alone is coarser
            torch.testing.assert_close(field[i : i + 1], expected, atol=1e-4, rtol=0)


def test_teeth_that_a_photo_shows_are_kept_and_dark_mouths_are_not():
    inside = torch.zeros(1, 1, 16, 16)
    inside[:, :, 4:12, 2:14] = 1
    white = torch.full((1, 3), 0.9)
    for brightness, share in ((0.8, 1.0), (0.2, 0.0)):
        photo = torch.full((1, 3, 16, 16), 2 * brightness - 1)
        teeth = visible_teeth_mask(photo, inside, white)
        assert teeth.max().item() == share and not teeth[inside == 0].any()


@pytest.mark.parametrize(("lip", "rises"), [(0.125, True), (-0.125, False)])
def test_visible_teeth_follow_a_lip_that_rises_and_stay_when_one_falls(lip, rises):
    mask = torch.zeros(1, 1, 16, 16)
    mask[:, :, 6:10, 4:12] = 1
    ones, motion = torch.ones_like(mask), torch.zeros(1, 2, 16, 16)
    motion[:, 1] = lip  # one pixel; the backward flow of what rises leads down
    layers = MouthLayers(ones, ones, ones, ones)
    mouth, motion, light = keep_visible_teeth(layers, mask, Window.whole(16), motion, ones)
    teeth = mask.roll(-1, 2) if rises else mask
    torch.testing.assert_close(mouth.opacity, 1 - teeth)
    torch.testing.assert_close(mouth.rendered_teeth_mask, 1 - teeth)
    torch.testing.assert_close(light, 1 - teeth)
    torch.testing.assert_close(motion[:, 1:], torch.where(teeth > 0, max(lip, 0), lip))


def test_motion_ends_beside_the_face(tiny):
    encoding = tiny.encode(torch.rand(1, 3, 32, 32) * 2 - 1)._replace(reading=torch.zeros(1, 17))
    distance = torch.linspace(-1, 1, 32).expand(1, 1, 32, 32)  # the face is the left half
    motion, light = tiny.motion_and_light(
        encoding._replace(face_distance=distance), torch.ones(1, 17)
    )
    length = motion.norm(dim=1)[0]
    assert length[:, :14].max() > 0.01
    far = distance[0, 0] > MOTION_FALLOFF[0] + (MOTION_FALLOFF[1] + 1) * length.max()
    assert far.any() and not length[far].any() and not light[0, 0][far].any()


def test_reading_alone_equals_the_reading_of_encode(tiny):
    source = torch.rand(2, 3, 32, 32)
    torch.testing.assert_close(tiny.read(source), tiny.encode(source).reading)


def test_mixing_weights_equals_mixing_fields(tiny):
    encoding, weights = tiny.encode(torch.rand(2, 3, 32, 32)), torch.randn(2, 32)
    encoding = encoding._replace(face_distance=-torch.ones(2, 1, 32, 32))
    torch.nn.init.normal_(tiny.lights.weight)
    motion = tiny.fields(encoding.basis).unflatten(1, (-1, 2)) * (2 / 32)
    fields = torch.cat([motion, 0.1 * tiny.lights(encoding.basis)[:, :, None]], 2)
    wanted = torch.einsum("bkcyx,bk->bcyx", fields, weights)
    mixed = mix_fields(weights[:, None], *tiny.field_kernels())
    values = tiny.forward_fields(encoding, mixed)
    torch.testing.assert_close(values, wanted, atol=1e-5, rtol=1e-4)


def test_teeth_show_where_the_mouth_is_open_and_the_lower_ones_follow_the_jaw(tiny):
    source = torch.rand(1, 3, 32, 32) * 2 - 1
    jaws = tiny.jaws
    torch.nn.init.zeros_(jaws.find[-1].weight)
    jaws.upper.zero_()
    jaws.lower.fill_(1.0)
    jaws.falls[ACTION_UNITS.index("AU26")] = 0.5
    jaws.usual.copy_(torch.tensor([1.0, 0, 0, 0, 1, 0, 0.5, 0, 0, 0, 0.25, 0.25, 1, 0, 0]))
    encoding = tiny.encode(source)._replace(
        reading=torch.zeros(1, 17), visible_teeth_mask=None, upper_teeth=None
    )
    closed, opened = torch.zeros(1, 17), torch.zeros(1, 17)
    opened[0, ACTION_UNITS.index("AU26")] = 1.0
    for condition, middle in ((closed, 0.25), (opened, 0.375)):
        places, at = encoding.jaw_placement, cell_centers((64, 64), source)
        drawn = jaws.render_teeth(jaws.render_upper(places, at), places, condition, at)
        alpha = drawn[0, 3]
        assert alpha.sum().item() == pytest.approx(64 * 64 * 0.5 * 0.25, rel=0.05)
        rows, columns = (alpha.sum(n) @ torch.linspace(-1, 1, 64) / alpha.sum() for n in (1, 0))
        assert rows.item() == pytest.approx(middle, abs=0.01) and abs(columns.item()) < 0.01
        assert (drawn[0, :3] == alpha).all()  # white under white light
    for open_, red in ((-30.0, False), (30.0, True)):
        torch.nn.init.zeros_(tiny.painter.heads.weight)
        tiny.painter.heads.bias.data[5] = open_
        color = tiny.edit(encoding, opened)[0].color[0, :, 44, 32]
        assert bool(color[0] > 0.5 and color[1] < -0.9) == red


def test_a_grey_photo_stays_grey(tiny):
    source = (torch.rand(1, 1, 32, 32) * 2 - 1).expand(1, 3, 32, 32)
    color = tiny(source, torch.ones(1, 17))[0].color
    torch.testing.assert_close(color[:, :1].expand_as(color), color, atol=1e-5, rtol=0)


def test_a_recurrent_generator_without_layers_is_refused():
    sizes = {"condition_dim": 17, "image_size": 32, "width": 8, "depth": 0}
    with pytest.raises(ValueError, match="depth"):
        GeneratorConfig(architecture="convgru_unet", **sizes)
    assert GeneratorConfig(architecture="resnet", **sizes).depth == 0


@pytest.mark.parametrize("architecture", ["warp", "resnet", "convgru_unet"])
def test_gradients_reach_every_parameter(architecture):
    torch.manual_seed(0)
    config = GeneratorConfig(
        architecture=architecture, condition_dim=17, image_size=32, width=8, depth=1
    )
    generator = build_generator(config).train()
    if architecture == "warp":  # fresh heads say nothing, so that nothing behind them learns
        torch.nn.init.normal_(generator.painter.heads.weight)
        torch.nn.init.normal_(generator.rim[-1].weight)
    source, state = torch.rand(2, 3, 32, 32), None
    for _ in range(2):  # what a memory forgets shows when there is something to forget
        edit, state = generator(source, torch.rand(2, 17), state)
    told = edit.composite.square().mean() + edit.color.mean()
    if architecture == "warp":  # what is told apart from the picture
        encoding = generator.encode(source)
        told = told + generator.render(encoding, torch.rand(2, 17)).mouth_mask.mean()
        told = told + encoding.jaw_numbers.square().mean() + encoding.face_distance.square().mean()
    told.backward()
    dead = [n for n, p in generator.named_parameters() if p.grad is None or not p.grad.any()]
    assert dead == []


def test_a_checkpoint_gives_the_same_edits(tiny, tmp_path):
    path = tmp_path / "tiny.safetensors"
    save_generator(path, tiny.half().float(), ACTION_UNITS, {"name": "tiny", "licence": "none"})
    loaded, space, card = load_checkpoint(path)
    assert (space, card["name"], loaded.config) == (ACTION_UNITS, "tiny", tiny.config)
    source, condition = torch.rand(1, 3, 32, 32), torch.rand(1, 17)
    for ours, theirs in zip(tiny(source, condition)[0], loaded(source, condition)[0], strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=0)
    assert list(tmp_path.iterdir()) == [path]


def damaged(path: Path, tiny) -> None:
    save_generator(path, tiny, ACTION_UNITS, {})
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def foreign(path: Path, tiny) -> None:
    from safetensors.torch import save_file

    save_file({"x": torch.zeros(1)}, path)


def text(path: Path, tiny) -> None:
    path.write_text("not weights at all")


def pickled(path: Path, tiny) -> None:
    torch.save(tiny.state_dict(), path)


def huge(path: Path, tiny) -> None:
    import json

    from safetensors.torch import save_file

    config = {"architecture": "warp", "condition_dim": 17, "width": 10**9}
    header = {"format": "moodganimation-generator-1", "generator": json.dumps(config)}
    save_file({"x": torch.zeros(1)}, path, header | {"space": "action_units", "card": "{}"})


def not_numbers(path: Path, tiny) -> None:
    tiny.fields.weight.data[:] = torch.nan
    save_generator(path, tiny, ACTION_UNITS, {})


def missing(path: Path, tiny) -> None:
    pass


@pytest.mark.parametrize("spoil", [damaged, foreign, text, pickled, huge, not_numbers, missing])
def test_bad_checkpoints_are_refused_with_a_sentence(spoil, tiny, tmp_path):
    path = tmp_path / "bad.safetensors"
    spoil(path, tiny)
    with pytest.raises(NotACheckpoint, match=r"bad\.safetensors"):
        load_checkpoint(path)
