"""Original checkpoints: loading, conversion, and messages for files that are none."""

import json
import pickle
import random
import re
import struct
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from moodganimation import Animator, Expression, NotACheckpoint, Unwritable, load_generator
from moodganimation.checkpoints.convert import convert
from moodganimation.checkpoints.files import build_generator, load_checkpoint, save_generator
from moodganimation.checkpoints.original import read_original
from moodganimation.checkpoints.unwrap import unwrap
from moodganimation.cli.commands import main
from moodganimation.expressions.spaces import ACTION_UNITS
from moodganimation.networks.base import GeneratorConfig
from moodganimation.runtime.openvino import use_instance_norms
from training import load_critic
from training.ganimation.critic_checkpoint import save_critic
from training.ganimation.critics import CriticConfig, build_critic

KEYS = json.loads((Path(__file__).parent / "golden" / "state_dict_keys.json").read_text())


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def generator(architecture="resnet", condition_dim=17):
    config = GeneratorConfig(
        architecture=architecture, condition_dim=condition_dim, image_size=32, width=4, depth=2
    )
    return build_generator(config).eval().requires_grad_(False)


def critic(kind, **config):
    config = {"condition_dim": 3, "image_size": 32, "width": 4, "depth": 3, "memory": 5} | config
    return build_critic(CriticConfig(kind=kind, **config)).eval().requires_grad_(False)


def original(network) -> dict[str, torch.Tensor]:
    """The state dict under the names of the original program."""
    return {k.replace("attention", "attetion"): v for k, v in network.state_dict().items()}


def converted(path, **options) -> str:
    """Convert a file to one beside it and return the line that describes it."""
    line = convert(path, path.with_suffix(".safetensors"), **options)
    assert not list(path.parent.glob("*.part"))
    return line


def same(ours, theirs, atol=0.0):
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, atol=atol, rtol=0)


def edits(network, axes=17):
    """Edits of a clip of two frames."""
    generate, state, pictures = torch.Generator().manual_seed(1), None, []
    for _ in range(2):
        source = torch.rand(2, 3, 32, 32, generator=generate) * 2 - 1
        edit, state = network(source, torch.rand(2, axes, generator=generate), state)
        pictures += edit[:3]
    return pictures


def with_statistics(weights) -> dict[str, torch.Tensor]:
    """As PyTorch 0.3 saved instance norms."""
    more = dict(weights)
    for key, value in weights.items():
        if value.ndim == 1 and key.endswith(".weight"):
            more[key.replace("weight", "running_mean")] = torch.randn_like(value)
            more[key.replace("weight", "running_var")] = torch.rand_like(value)
    return more


@pytest.mark.parametrize("new", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize(
    "architecture, axes, origin, space",
    [
        ("resnet", 17, "GANimation", "action_units"),
        ("resnet", 4, "GANimation", "c4"),
        ("convgru_unet", 2, "MoodGANimation", "valence_arousal"),
    ],
)
def test_converted_generators_of_every_branch_give_the_same_edits(
    architecture, axes, origin, space, new, tmp_path
):
    network, path = generator(architecture, axes), tmp_path / "net_epoch_30_id_G.pth"
    torch.save(original(network), path, _use_new_zipfile_serialization=new)
    sizes = f"width 4, depth 2, {axes} condition values"
    assert converted(path) == f"{origin} generator, {architecture}, {sizes} -> {space}"
    for file in (path, path.with_suffix(".safetensors")):
        loaded = load_generator(file)
        assert not loaded.training and not any(p.requires_grad for p in loaded.parameters())
        same(edits(loaded, axes), edits(network, axes))
    assert load_checkpoint(path).card == {"name": path.stem, "origin": origin}
    assert load_checkpoint(path).space.name == space


def test_old_format_of_pickle_protocol_3_is_converted(tmp_path):
    network, path = generator("resnet"), tmp_path / "net_epoch_30_id_G.pth"
    old_format = {"_use_new_zipfile_serialization": False, "pickle_protocol": 3}
    torch.save(original(network), path, **old_format)
    assert converted(path).startswith("GANimation generator, resnet")
    same(edits(load_generator(path), 17), edits(network, 17))


@pytest.mark.parametrize(
    "kind, config, found",
    [
        ("frame", {}, "GANimation critic, frame, width 4, depth 3"),
        ("frame_gru", {}, "MoodGANimation critic, frame_gru, width 4, depth 3, memory 5"),
        ("frame_gru", {"memory": 16}, "frame_gru, width 4, depth 3, memory 16"),
        ("clip", {"carry": False}, "clip, width 4, depth 3, GRU state reset on every frame"),
    ],
)
def test_converted_critics_of_every_branch_give_the_same_scores(kind, config, found, tmp_path):
    network, path = critic(kind, **config), tmp_path / "net_epoch_30_id_D.pth"
    torch.save(network.state_dict(), path, _use_new_zipfile_serialization=False)
    assert found + ", 32 pixels, 3 condition values -> pad" in converted(path)
    frames = torch.rand(2, 3, 3, 32, 32)
    for file in (path, path.with_suffix(".safetensors")):
        loaded = load_critic(file)
        same(loaded(frames), network(frames))
        assert not loaded.training and not any(p.requires_grad for p in loaded.parameters())


def test_clip_critic_carries_its_state_as_stored_or_as_requested(tmp_path):
    network, frames = critic("clip", carry=True), torch.rand(2, 3, 3, 32, 32)
    torch.save(network.state_dict(), tmp_path / "theirs.pth")
    save_critic(tmp_path / "ours.safetensors", network, ACTION_UNITS, {})
    assert not load_critic(tmp_path / "theirs.pth").config.carry
    same(load_critic(tmp_path / "theirs.pth", carry=True)(frames), network(frames))
    same(load_critic(tmp_path / "ours.safetensors")(frames), network(frames))
    save_critic(tmp_path / "frame.safetensors", critic("frame"), ACTION_UNITS, {})
    with pytest.raises(ValueError, match="only clip critics carry"):
        load_critic(tmp_path / "frame.safetensors", carry=True)


def test_module_prefix_and_running_statistics_are_removed(tmp_path):
    network, path = generator(), tmp_path / "net_epoch_1_id_G.pth"
    weights = with_statistics(original(network))
    torch.save({f"module.{key}": value for key, value in weights.items()}, path)
    assert converted(path).endswith("; left out: 18 running statistics")
    same(edits(load_generator(path)), edits(network))


def python2(weights: dict[str, torch.Tensor]) -> bytes:
    """What PyTorch 0.3.1 on Python 2 wrote of a state dict on a GPU: byte strings, old storages."""

    def text(value: str) -> bytes:
        return b"U" + bytes([len(value)]) + value.encode()

    def whole(value: int) -> bytes:
        return b"\x8a\x08" + struct.pack("<q", value)

    def numbers(values) -> bytes:
        return b"(" + b"".join(map(whole, values)) + b"t"

    items, data = b"", b""
    for i, (key, value) in enumerate(weights.items()):
        storage = text("storage") + b"ctorch.cuda\nFloatStorage\n" + text(str(i)) + text("cuda:0")
        storage = b"(" + storage + whole(value.numel()) + b"NtQ"  # ... a persistent id
        tensor = storage + whole(0) + numbers(value.shape) + numbers(value.stride())
        tensor = b"ctorch._utils\n_rebuild_tensor\n(" + tensor + b"tR"
        items += b"](" + text(key) + tensor + b"e"
        data += struct.pack("<q", value.numel()) + value.numpy().tobytes()
    pickled = b"\x80\x02ccollections\nOrderedDict\n](" + items + b"e\x85R."
    system = {"protocol_version": 1001, "little_endian": True}
    start = [pickle.dumps(x, 2) for x in (0x1950A86A20F9469CFC6C, 1001, system)]
    names = pickle.dumps([str(i) for i in range(len(weights))], 2)
    return b"".join([*start, pickled, names, data])


def test_files_of_python_2_are_read(tmp_path):
    network, path = generator(), tmp_path / "net_epoch_30_id_G.pth"
    path.write_bytes(python2(with_statistics(original(network))))
    assert "18 running statistics" in converted(path)
    same(edits(load_generator(path.with_suffix(".safetensors"))), edits(network))


class Replicated(nn.Module):
    """donydchen's generator, by its checkpoints: biases in convolutions, none in norms."""

    def __init__(self, axes=17, width=4, blocks=2):
        super().__init__()

        def layer(conv):
            return [conv, nn.InstanceNorm2d(conv.out_channels), nn.ReLU()]

        def block():
            inner = nn.Module()
            convs = [nn.Conv2d(4 * width, 4 * width, 3, 1, 1) for _ in range(2)]
            inner.conv_block = nn.Sequential(*layer(convs[0]), *layer(convs[1])[:2])
            return inner

        self.model = nn.Sequential(
            *layer(nn.Conv2d(3 + axes, width, 7, 1, 3)),
            *layer(nn.Conv2d(width, 2 * width, 4, 2, 1)),
            *layer(nn.Conv2d(2 * width, 4 * width, 4, 2, 1)),
            *[block() for _ in range(blocks)],
            *layer(nn.ConvTranspose2d(4 * width, 2 * width, 4, 2, 1)),
            *layer(nn.ConvTranspose2d(2 * width, width, 4, 2, 1)),
        )
        self.color_top = nn.Sequential(nn.Conv2d(width, 3, 7, 1, 3, bias=False), nn.Tanh())
        self.au_top = nn.Sequential(nn.Conv2d(width, 1, 7, 1, 3, bias=False), nn.Sigmoid())

    def forward(self, source, condition):
        x = torch.cat([source, condition[..., None, None].expand(-1, -1, *source.shape[2:])], 1)
        for module in self.model:
            x = x + module.conv_block(x) if hasattr(module, "conv_block") else module(x)
        color, mask = self.color_top(x), self.au_top(x)
        return mask * source + (1 - mask) * color, mask, color


def test_biases_before_norms_of_donydchen_are_removed(tmp_path):
    network, path = Replicated(), tmp_path / "30_net_gen.pth"
    for parameter in network.parameters():
        nn.init.normal_(parameter, 0, 0.3)
    torch.save(network.state_dict(), path)
    assert converted(path) == (
        "donydchen/ganimation_replicate generator, resnet, width 4, depth 2, 17 condition values "
        "-> action_units; left out: 9 biases that norms cancel"
    )
    source, condition = torch.rand(2, 3, 32, 32) * 2 - 1, torch.rand(2, 17)
    edit, _ = load_generator(path.with_suffix(".safetensors"))(source, condition)
    with torch.no_grad():
        same(edit[:3], network(source, condition), 1e-4)  # rounding differs by CPU


def test_converted_critic_of_donydchen_gives_the_same_scores(tmp_path):
    network, path = critic("frame", condition_dim=17), tmp_path / "30_net_dis.pth"
    names = {"main.": "model.", "conv1": "dis_top", "conv2": "aus_top"}
    weights = network.state_dict()
    for ours, theirs in names.items():
        weights = {key.replace(ours, theirs): value for key, value in weights.items()}
    torch.save(weights, path)
    assert converted(path).startswith("donydchen/ganimation_replicate critic, frame")
    frames = torch.rand(2, 1, 3, 32, 32)
    same(load_critic(path)(frames), network(frames))


def test_vipermu_norms_use_statistics_of_the_picture(tmp_path):
    network, path = generator(), tmp_path / "10-1-G.ckpt"
    for parameter in network.parameters():
        nn.init.normal_(parameter, 0, 0.3)
    theirs = use_instance_norms(generator()).train()  # whose norms keep statistics
    theirs.load_state_dict(network.state_dict())
    for module in theirs.modules():
        if isinstance(module, nn.InstanceNorm2d):
            module.track_running_stats = True
            for name in ("running_mean", "running_var"):
                module.register_buffer(name, torch.rand(module.num_features))
            module.register_buffer("num_batches_tracked", torch.tensor(7))
    names = {"img_reg": "im_reg", "attention_reg": "im_att"}
    weights = theirs.state_dict()
    main = {key: value for key, value in weights.items() if key.startswith("main.")}
    for ours, name in names.items():
        weights = {key.replace(ours, name): value for key, value in weights.items()}
    for i in range(1, 5):
        weights |= {key.replace("main", f"debug{i}", 1): value for key, value in main.items()}
    torch.save(weights, path)
    line = converted(path)
    sizes = "width 4, depth 2, 17 condition values"
    assert line.startswith(f"vipermu/ganimation generator, resnet, {sizes}")
    assert "left out: 135 running statistics, 108 duplicates of layers" in line
    same(edits(load_generator(path)), edits(theirs), 1e-5)
    assert (edits(theirs.eval())[0] - edits(network)[0]).abs().max() > 0.1


@pytest.mark.parametrize(
    "origin, left_out",
    [
        ("donydchen", {"biases that norms cancel": 17}),
        ("vipermu", {"running statistics": 159, "duplicates of layers": 108}),
    ],
)
def test_full_size_replications_have_keys_and_shapes_of_the_original(origin, left_out, tmp_path):
    layers, weights = {}, {}
    for key, shape in KEYS[origin]["G"]:
        dtype = torch.long if key.endswith("tracked") else torch.float32
        layer = re.sub(r"^debug\d", "main", key)  # names of the same tensor
        weights[key] = layers.setdefault(layer, torch.zeros(shape, dtype=dtype))
    torch.save(weights, tmp_path / "G.ckpt")
    found = read_original(tmp_path / "G.ckpt")
    wanted = [[k.replace("attetion", "attention"), shape] for k, shape in KEYS["gani"]["G"]]
    assert [[key, list(value.shape)] for key, value in found.weights.items()] == wanted
    assert found.left_out == left_out


@pytest.mark.parametrize(
    "axes, space, wanted",
    [(2, None, "valence_arousal"), (3, None, "pad"), (5, None, "c5"), (17, "c17", "c17")],
)
def test_space_is_named_or_follows_from_the_size_of_the_condition(axes, space, wanted, tmp_path):
    path = tmp_path / "net_epoch_1_id_G.pth"
    torch.save(original(generator(condition_dim=axes)), path)
    assert converted(path, space=space).endswith(f"{axes} condition values -> {wanted}")
    assert load_checkpoint(path.with_suffix(".safetensors")).space.name == wanted


def test_options_set_what_an_original_file_does_not_store(tmp_path):
    path, out = tmp_path / "net_epoch_1_id_G.pth", tmp_path / "net_epoch_1_id_G.safetensors"
    torch.save(original(generator()), path)
    converted(path)
    exact, config = out.stat().st_size, load_generator(out).config
    assert (config.image_size, config.saturate) == (128, False)
    converted(path, image_size=64, saturate=True, float16=True)
    config = load_generator(out).config
    assert (config.image_size, config.saturate) == (64, True)
    assert out.stat().st_size < 0.7 * exact
    with safe_open(out, "pt") as file:
        assert file.get_tensor("main.0.weight").dtype == torch.float16
    assert out.stat().st_mode == path.stat().st_mode  # same permissions as the original
    changed(main__3__weight=lambda x: x * 1e9)(path)
    with pytest.raises(Unwritable, match="out of the range of float16"):
        converted(path, float16=True)


@pytest.mark.slow
def test_animator_loads_original_files(animator, photo, tmp_path):
    path = tmp_path / "net_epoch_1_id_G.pth"
    torch.save(original(generator()), path)
    theirs = Animator.load(path, "cpu", finder=animator.finder)
    portrait = theirs.locate(photo)
    image = theirs.edit(portrait, Expression.neutral(ACTION_UNITS)).image
    assert image.shape == photo.shape and (image != photo).any()
    assert theirs.card["origin"] == "GANimation"


def saved(content, **options):
    return lambda path: torch.save(content() if callable(content) else content, path, **options)


def changed(**changes):
    """A generator's file with some weights others, or, for None, without them."""

    def write(path):
        weights = original(generator())
        for key, change in changes.items():
            key = key.replace("__", ".")
            weights[key] = change(weights.get(key)) if change else None
        torch.save({k: v for k, v in weights.items() if v is not None}, path)

    return write


def cut(new):
    def write(path):
        torch.save(original(generator()), path, _use_new_zipfile_serialization=new)
        path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])

    return write


class Hostile:
    def __reduce__(self):
        return exec, ("raise SystemExit('code of a file was run')",)


def packed(path):
    torch.save({"main.0.weight": torch.zeros(1000, 1000)}, path)
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)


def one_for_many(path):
    weights = original(generator())
    torch.save({key: torch.zeros(1).expand(value.shape) for key, value in weights.items()}, path)


def huge_storage(path):
    start = [pickle.dumps(x, 2) for x in (0x1950A86A20F9469CFC6C, 1001, {})]
    storage = pickle.dumps(("storage", "TYPE", "0", "cpu", 1 << 60, None), 2)[2:-1]
    storage = storage.replace(pickle.dumps("TYPE", 2)[2:-3], b"ctorch\nFloatStorage\n")
    tensor = b"ctorch._utils\n_rebuild_tensor\n(" + storage + b"QK\x00K\x01\x85K\x01\x85tR"
    pickled = b"\x80\x02}U\x01a" + tensor + b"s."
    path.write_bytes(
        b"".join([*start, pickled, pickle.dumps(["0"], 2), struct.pack("<q", 1 << 60)])
    )


def ours(path):
    save_generator(path, generator(), ACTION_UNITS, {})


def optimizer():
    network = generator().requires_grad_(True)
    return torch.optim.Adam(network.parameters()).state_dict()


REFUSED = {
    "an optimizer's": (saved(optimizer), "optimizer.*net_epoch"),
    "an unknown layer": (
        changed(extra__0__weight=lambda _: torch.zeros(1)),
        "extra weights.*extra.0",
    ),
    "a layer less": (changed(main__1__bias=None), "missing.*main.1.bias"),
    "no first layer": (changed(main__0__weight=None), "main.0.weight is missing"),
    "no blocks": (saved({"img_reg.0.weight": torch.zeros(3, 4, 7, 7)}), "blocks"),
    "a layer too wide": (
        changed(main__4__bias=lambda x: torch.zeros(9)),
        r"main.4.bias has the shape \(9,\)",
    ),
    "not numbers": (
        changed(main__3__weight=lambda x: x * torch.nan),
        "not finite",
    ),
    "whole numbers": (
        changed(main__3__weight=lambda x: x.long()),
        "not a dense tensor",
    ),
    "sparse": (changed(main__3__weight=lambda x: x.to_sparse()), "not a dense tensor"),
    "no numbers": (
        changed(main__3__weight=lambda x: x.to("meta")),
        "not a dense tensor",
    ),
    "one for many": (one_for_many, "weights are larger than the file"),
    "a huge storage": (huge_storage, "damaged"),
    "compressed": (packed, "declared larger than the file"),
    "another network": (saved({"net.0.weight": torch.zeros(1)}), "layers are called net.0.weight"),
    "too many layers": (
        saved(
            {f"main.{i}.weight": torch.zeros(1, 1, 1, 1) for i in range(99)}
            | {"conv2.weight": torch.zeros(1, 1, 1, 1)}
        ),
        "99 layers of stride 2",
    ),
    "batch norms": (
        saved(
            {"model.1.weight": torch.zeros(1), "color_top.0.weight": torch.zeros(1)},
        ),
        "batch norms",
    ),
    "more than a network": (saved({"epoch": 3}), "'epoch' is not a tensor"),
    "a list": (saved([torch.zeros(1)]), "holds a list, not a network"),
    "a tensor": (saved(torch.zeros(1)), "holds a Tensor, not a network"),
    "nothing": (saved({}), "holds a dict, not a network"),
    "a whole module": (saved(lambda: nn.Linear(1, 1)), "would run code .*Linear"),
    "code": (saved(Hostile()), "would run code .*exec"),
    "old code": (saved(Hostile(), _use_new_zipfile_serialization=False), "would run code"),
    "a bare pickle": (
        lambda path: path.write_bytes(pickle.dumps(Hostile())),
        "a pickle|not a read",
    ),
    "cut off": (cut(True), "damaged or cut off"),
    "cut off, old": (cut(False), "damaged or cut off"),
    "a text": (lambda path: path.write_text("weights"), "not a readable checkpoint"),
    "empty": (lambda path: path.write_bytes(b""), "not a readable checkpoint"),
    "a folder": (lambda path: path.mkdir(), "is a folder; choose the file"),
    "no file": (lambda path: None, "There is no checkpoint"),
}


@pytest.mark.filterwarnings("ignore:Validating sparse")
@pytest.mark.parametrize("spoil, sentence", REFUSED.values(), ids=REFUSED)
def test_file_without_a_network_raises_readable_error(spoil, sentence, tmp_path):
    path = tmp_path / "bad.pth"
    spoil(path)
    for read in (converted, load_generator, load_critic):
        with pytest.raises(NotACheckpoint, match=rf"(?s)bad\.pth.*({sentence})|{sentence}") as said:
            read(path)
        assert "\n" not in str(said.value) and str(said.value).count("bad.pth") == 1
    assert list(tmp_path.glob("*.safetensors*")) == []


def test_generator_is_refused_as_critic_and_critic_as_generator(tmp_path):
    torch.save(original(generator()), tmp_path / "G.pth")
    torch.save(critic("frame").state_dict(), tmp_path / "D.pth")
    for name in "GD":
        converted(tmp_path / f"{name}.pth")
    for end in ("pth", "safetensors"):
        with pytest.raises(NotACheckpoint, match="of a generator, not a critic"):
            load_critic(tmp_path / f"G.{end}")
        with pytest.raises(NotACheckpoint, match="of a critic, not a generator"):
            load_generator(tmp_path / f"D.{end}")
    with pytest.raises(NotACheckpoint, match="a checkpoint of MoodGANimation already; use it as"):
        convert(tmp_path / "G.safetensors", tmp_path / "again.safetensors")
    for options in ({"saturate": True}, {"image_size": 64}):
        with pytest.raises(NotACheckpoint, match="critic of 32-pixel crops"):
            converted(tmp_path / "D.pth", **options)
    assert converted(tmp_path / "D.pth", image_size=32)


@pytest.mark.parametrize(
    "values",
    [[], {}, {"width": 10**9}, {"depth": 10**9}, {"depth": "6"}, {"image_size": 33}, {"kind": "x"}],
)
def test_critics_of_impossible_sizes_are_refused(values, tmp_path):
    path = tmp_path / "bad.safetensors"
    if values:
        values = {"kind": "frame", "condition_dim": 3} | values
    header = {"format": "moodganimation-critic-1", "critic": json.dumps(values)}
    save_file({"x": torch.zeros(1)}, path, header)
    with pytest.raises(NotACheckpoint, match=r"bad\.safetensors is not a readable"):
        load_critic(path)


def test_damaged_file_loads_or_raises_not_a_checkpoint(tmp_path):
    chance, path = random.Random(0), tmp_path / "f"
    files = []
    for new in (True, False):
        torch.save(original(generator()), path, _use_new_zipfile_serialization=new)
        files.append(path.read_bytes())
    refused = 0
    for i in range(120):
        data = bytearray(files[i % 2])
        for _ in range(chance.choice((1, 8))):
            data[chance.randrange(min(len(data), 6000))] = chance.randrange(256)
        if i % 3 == 0:
            start = chance.randrange(4, 40)
            data[start:] = chance.randbytes(chance.randrange(1000))
        path.write_bytes(data)
        try:
            load_generator(path)
        except NotACheckpoint:
            refused += 1
    assert refused > 60


def run(*arguments) -> int:
    return main([str(a) for a in arguments])


def test_convert_command_prints_what_it_recognized(tmp_path, capsys):
    path, out = tmp_path / "net_epoch_30_id_G.pth", tmp_path / "mine.safetensors"
    torch.save(original(generator()), path)
    assert run("convert", path, "--out", out) == 0
    assert capsys.readouterr().out == (
        "GANimation generator, resnet, width 4, depth 2, 17 condition values -> action_units\n"
    )
    same(edits(load_generator(out)), edits(load_generator(path)))


@pytest.mark.parametrize(
    "options, sentence",
    [
        (["--space", "pad"], "takes 17 condition values and does not fit pad, which has 3 axes"),
        (["--space", "happy"], "is not a space"),
        (["--image-size", "30"], "multiple of 4 from 4 to 1024 pixels"),
        (["--image-size", "0"], "multiple of 4 from 4 to 1024 pixels"),
        (["--out", "a.pth"], "written as .safetensors"),
        (["--out", "no/where.safetensors"], "no folder"),
    ],
)
def test_convert_command_prints_why_it_failed(options, sentence, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save(original(generator()), "G.pth")
    assert run("convert", "G.pth", "--out", "a.safetensors", *options) == 2
    said = capsys.readouterr()
    assert sentence in said.err and said.out == ""
    assert [path.name for path in tmp_path.iterdir()] == ["G.pth"]


def test_failed_conversion_leaves_no_file(tmp_path):
    torch.save(original(generator()), tmp_path / "G.pth")
    (tmp_path / "G.safetensors").mkdir()
    with pytest.raises(Unwritable, match="not a regular file"):
        convert(tmp_path / "G.pth", tmp_path / "G.safetensors")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["G.pth", "G.safetensors"]


@pytest.mark.parametrize("key", ["net.G", 0])
def test_a_network_under_a_key_with_a_dot_or_a_number_has_no_entries_beside_it(key):
    weights = {f"{i}.weight": torch.ones(1) for i in range(3)}
    assert unwrap(Path("x.pth"), {key: weights}, None) == (weights, {})
