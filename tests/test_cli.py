import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks import blocks
from benchmarks.__main__ import main as benchmarks
from benchmarks.inference import reference_generator
from benchmarks.scaling import fit_line, scaling
from moodganimation.checkpoints.files import build_generator, load_generator, save_generator
from moodganimation.cli.commands import main
from moodganimation.expressions.moods import values_by_axis
from moodganimation.expressions.presets import EMOTION_PRESETS, PRESETS
from moodganimation.expressions.spaces import space_named
from moodganimation.media.images import read_image
from moodganimation.networks.base import GeneratorConfig
from moodganimation.resources import CHECKPOINTS

from .conftest import PHOTO


def run(*arguments) -> int:
    return main([str(a) for a in arguments])


def bench(*arguments) -> int:
    return benchmarks([str(a) for a in arguments])


def test_edit_writes_the_photo_and_its_panels(tmp_path, photo):
    out, panels = tmp_path / "smile.png", tmp_path / "panels.png"
    assert (
        run(
            "edit", PHOTO, "--set", "AU26=0.9", "--set", "AU1=0.7", "--out", out, "--panels", panels
        )
        == 0
    )
    assert (read_image(out) != photo).any()
    assert read_image(panels).shape == (256, 4 * 256, 3)
    assert "edited" in Image.open(out).getexif()[0x010E]


def test_edit_without_a_wish_returns_the_photo(tmp_path, photo):
    assert run("edit", PHOTO, "--out", tmp_path / "same.png") == 0
    np.testing.assert_array_equal(read_image(tmp_path / "same.png"), photo)


def test_a_label_is_written_where_it_is_asked(tmp_path, photo):
    assert run("edit", PHOTO, "--label", "--out", tmp_path / "labeled.png") == 0
    labeled = read_image(tmp_path / "labeled.png")
    assert (labeled[-30:] != photo[-30:]).any() and (labeled[:-60] == photo[:-60]).all()


@pytest.mark.parametrize(
    "options", [["--set", "pleasure=-0.8"], ["--preset", "sad", "--intensity", "0.7"]]
)
def test_moods_and_presets_can_be_requested(tmp_path, photo, options):
    assert run("edit", PHOTO, *options, "--out", tmp_path / "a.png") == 0
    assert (read_image(tmp_path / "a.png") != photo).any()


def test_read_prints_units_and_mood(capsys, portrait):
    assert run("read", PHOTO) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["AU12"] == pytest.approx(portrait.reading["AU12"])
    assert list(values) == list(values_by_axis(portrait.reading)) and -1 <= values["dominance"] <= 1


def test_animate_writes_as_many_frames_as_asked(tmp_path):
    out = tmp_path / "happy.gif"
    assert run("animate", PHOTO, "--preset", "sad", "--frames", 6, "--out", out) == 0
    assert Image.open(out).n_frames == 6


def test_sheet_draws_seven_rows_of_seven(tmp_path):
    assert run("sheet", PHOTO, "--out", tmp_path / "sheet.png") == 0
    assert read_image(tmp_path / "sheet.png").shape == (7 * 256 + 22, 92 + 7 * 256, 3)


@pytest.mark.parametrize(
    "kind, shape",
    [
        ("units", (17, 5)),
        ("moods", (5, 5)),
        ("scales", (6, 5)),
        ("emotions", (1, len(PRESETS))),
        ("limits", (1, 8)),
        ("fields", None),
    ],
)
def test_other_sheets(tmp_path, animator, kind, shape):
    assert run("sheet", PHOTO, "--kind", kind, "--out", tmp_path / "sheet.png") == 0
    rows, columns = shape or (-(-len(animator.space.axes) // 6), 6)
    if kind == "fields":
        expected = rows * (256 + 22), columns * 256, 3
    else:
        expected = rows * 256 + 22, 92 + columns * 256, 3
    assert read_image(tmp_path / "sheet.png").shape == expected


def test_sheets_have_the_names_of_the_command_line():
    from moodganimation.contact_sheets import KINDS

    with pytest.raises(SystemExit):
        run("sheet", PHOTO, "--kind", "nothing", "--out", "x.png")
    kinds = {"figure", "units", "moods", "scales", "emotions", "limits", "fields", "muscles"}
    assert set(KINDS) == kinds


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    """Fresh generators of valence and arousal, and of four axes without names."""
    folder = tmp_path_factory.mktemp("checkpoints")
    for name in ("valence_arousal", "c4"):
        space = space_named(name)
        config = GeneratorConfig(
            architecture="convgru_unet",
            condition_dim=len(space.axes),
            image_size=32,
            width=4,
            depth=1,
        )
        save_generator(folder / name, build_generator(config), space, {})
    return folder


@pytest.mark.parametrize(
    "name, options",
    [
        ("valence_arousal", ["--set", "valence=-1"]),
        ("valence_arousal", ["--set", "AU12=1"]),
        ("valence_arousal", ["--set", "pleasure=0.2", "--preset", "angry"]),
        ("c4", ["--set", "c3=1"]),
    ],
)
def test_requests_are_in_the_axes_of_the_checkpoint(
    tmp_path, photo, checkpoints, name, options, capsys
):
    out = tmp_path / "a.png"
    assert run("edit", PHOTO, "--checkpoint", checkpoints / name, *options, "--out", out) == 0
    assert (read_image(out) != photo).any()
    assert ("They start at 0" in capsys.readouterr().err) == (name == "c4")


def test_batch_prints_the_note_on_unknown_axes_once(tmp_path, checkpoints, capsys):
    folder, out = tmp_path / "photos", tmp_path / "out"
    folder.mkdir()
    for name in ("a.png", "b.png"):
        shutil.copy(PHOTO, folder / name)
    options = ["--checkpoint", checkpoints / "c4", "--set", "c3=1", "--out", out]
    assert run("batch", folder, *options) == 0
    said = capsys.readouterr()
    assert "edited: 2" in said.out and said.err.count("They start at 0") == 1


@pytest.mark.parametrize("workers", ["abc", "0", "1.5"])
def test_invalid_number_of_workers_prints_a_readable_error(tmp_path, workers, capsys):
    with pytest.raises(SystemExit):
        run("batch", tmp_path, "--out", tmp_path / "out", "--workers", workers)
    assert f"must be a whole number, 1 or more, got {workers}" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options",
    [["--preset", "happy"], ["--set", "AU12=1"], ["--set", "c4=1"], ["--set", "c0=2"]],
)
def test_checkpoints_without_axis_names_take_no_other_requests(
    tmp_path, checkpoints, options, capsys
):
    out = tmp_path / "a.png"
    assert run("edit", PHOTO, "--checkpoint", checkpoints / "c4", *options, "--out", out) == 2
    assert "c0" in capsys.readouterr().err and not out.exists()


def test_valence_is_pleasure_to_a_checkpoint_of_units(tmp_path, photo):
    for options in ("valence=-0.8", "pleasure=-0.8"):
        assert (
            run(
                "edit",
                PHOTO,
                "--set",
                options,
                "--out",
                tmp_path / f"{options}.png",
            )
            == 0
        )
    valence, pleasure = (read_image(path) for path in sorted(tmp_path.iterdir(), reverse=True))
    assert (valence != photo).any() and (pleasure != photo).any()


def test_an_expression_is_borrowed_from_another_photo(tmp_path, photo, capsys):
    smile = tmp_path / "smile.png"
    assert run("edit", PHOTO, "--set", "AU12=1", "--set", "AU25=0.6", "--out", smile) == 0
    assert run("edit", PHOTO, "--like", smile, "--out", tmp_path / "like.png") == 0
    assert f"face of {smile}" in capsys.readouterr().err
    smiling, like = (read_image(tmp_path / f"{name}.png") for name in ("smile", "like"))
    apart = [np.abs(x.astype(int) - smiling).mean() for x in (photo, like)]
    assert apart[1] < 0.7 * apart[0]


def test_compound_emotions_are_presets(tmp_path, photo):
    names = {
        name: {k for k, v in e.asdict().items() if v == 1} for name, e in EMOTION_PRESETS.items()
    }
    assert len(names) == 16 and names["happily_surprised"] == {"AU01", "AU02", "AU12", "AU25"}
    assert all(
        EMOTION_PRESETS[name] == PRESETS[name] for name in EMOTION_PRESETS.keys() & PRESETS.keys()
    )
    assert run("edit", PHOTO, "--preset", "sadly_angry", "--out", tmp_path / "a.png") == 0
    assert (read_image(tmp_path / "a.png") != photo).any()


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (["edit", PHOTO, "--set", "AU12=nan"], "must be a number from 0 to 1"),
        (["edit", PHOTO, "--set", "AU12=2"], "must be a number from 0 to 1"),
        (["edit", PHOTO, "--set", "AU99=1"], "not an axis"),
        (["edit", PHOTO, "--set", "smile"], "AXIS=NUMBER"),
        (["edit", PHOTO, "--preset", "sad", "--intensity", "nan"], "Intensity"),
        (["edit", PHOTO, "--box", "0,0,4,4"], "at least 16 pixels"),
        (["edit", PHOTO, "--checkpoint", PHOTO], "not a readable checkpoint"),
        (["edit", __file__], "not a readable picture"),
        (["animate", PHOTO, "--frames", "1"], "frames"),
        (["animate", PHOTO, "--easing", "bouncy"], "easing"),
        (["animate", PHOTO, "--size", "1"], "from 64 to 4096"),
        (["animate", PHOTO, "--fps", "nan"], "Frames per second"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_written(arguments, sentence, tmp_path, capsys):
    out = tmp_path / ("a.gif" if arguments[0] == "animate" else "a.png")
    assert run(*arguments, "--out", out) == 2
    stderr = capsys.readouterr().err
    assert sentence in stderr and "Traceback" not in stderr
    assert list(tmp_path.iterdir()) == []


def test_panels_that_cannot_be_written_stop_the_edit_too(tmp_path, capsys):
    assert run("edit", PHOTO, "--out", tmp_path / "a.png", "--panels", tmp_path / "p.gif") == 2
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_said_before_any_work(tmp_path, capsys):
    assert run("edit", PHOTO, "--out", tmp_path / "no" / "a.png") == 2
    assert "no folder" in capsys.readouterr().err


@pytest.mark.slow
def test_bench_tells_every_stage_and_the_machine(tmp_path, capsys):
    assert bench("inference", "--short", "--rounds", 1, "--json", tmp_path / "bench.json") == 0
    result = json.loads((tmp_path / "bench.json").read_text())
    assert result["machine"]["cores"] >= 1 and result["machine"]["precision"] in ("bf16", "float32")
    assert all(value > 0 for value in result["ms"].values())
    faster = result["times faster than the seed's generator"]
    assert {name for name in faster if name.startswith("slider")} <= set(result["ms"])
    assert len(faster) == 11 and min(faster.values()) > 1  # sliders of both pictures, and encode
    operations = result["giga multiply-adds"]
    assert operations["seed generator (width 64, float32)"] == pytest.approx(10.6, abs=0.2)
    assert operations["encode"] + operations["generate"] < 2
    assert "Matrix products:" in blocks.machine(result)
    assert "a face of 512 pixels" in blocks.speed_slider(result)
    assert "Giga multiply-adds: encode 1." in blocks.speed_stages(result)
    assert "times faster than the seed's generator" in capsys.readouterr().out


@pytest.mark.slow
def test_curves_tell_the_line_through_them(animator, photo, monkeypatch):
    fit = fit_line({1: 0.012, 2: 0.022, 4: 0.042})
    assert fit == {"each": 10, "before": 2, "R2": 1}
    for name, value in {
        "FRAMES": (2, 3),
        "FACES": (1, 2),
        "SIDES": (128, 256),
        "ROUNDS": 1,
    }.items():
        monkeypatch.setattr(f"benchmarks.scaling.{name}", value)
    found = scaling(animator, photo, animator.locate(photo).reading.replace(AU12=0.9))
    assert list(found["drawing [ms] by frames"]) == ["2", "3", "each", "before", "R2"]
    assert min(found["editing [ms] by faces"][count] for count in "12") > 0
    assert found["generate [ms] by side of the photo"]["256"] > 0
    assert list(found["paste [ms] by side of the photo"]) == ["128", "256"]
    assert "| frames |" in blocks.speed_scaling(found)


@pytest.mark.slow
def test_bench_compares_engines_and_what_they_show(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("benchmarks.backends.BATCHES", (1,))
    monkeypatch.setattr("benchmarks.backends.EDITS_IN_A_ROW", 1)
    assert bench("backends", "--rounds", 1, "--json", tmp_path / "bench.json") == 0
    result = json.loads((tmp_path / "bench.json").read_text())
    assert result["times faster, in batches of 1"]["torch, eager float32"] == 1
    assert result["ms a face, in batches of 1"]["torch, bf16"] > 0
    assert min(result["dB (PSNR) between its composite and float32's"].values()) > 40
    assert "torch, bf16" in capsys.readouterr().out
    assert "| torch, bf16 |" in blocks.speed_backends(result)


@torch.inference_mode()
def test_the_bench_runs_a_wide_generator_that_shows_what_the_shipped_one_does():
    wide, narrow = reference_generator(), load_generator(CHECKPOINTS / "ganimation.safetensors")
    assert wide.config.width == 2 * narrow.config.width
    source, condition = torch.rand(1, 3, 128, 128) * 2 - 1, torch.rand(1, 17)
    for one, other in zip(wide(source, condition)[0], narrow(source, condition)[0], strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=0)
