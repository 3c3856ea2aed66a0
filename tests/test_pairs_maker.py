"""Making pairs: the face model, its fit, its re-rendering, and the command around them."""

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from moodganimation.expressions.spaces import ACTION_UNITS, FACS
from moodganimation.faces.portrait import Portrait, photo_to_crop_matrix
from moodganimation.media.images import read_image
from training.data.landmarks import Landmarks, to_face_of_landmarks
from training.data.pairs import Pairs
from training.data.pickles import read_pickle, write_pickle
from training.data.prepare import crops, renders
from training.data.prepare import face_mesh_landmarks as script
from training.data.prepare import pairs as pairs_maker
from training.data.prepare.__main__ import main
from training.data.prepare.files import PictureIndex
from training.rendering import checks, facs, units
from training.rendering.fit import Fit, Fitter
from training.rendering.model import CROP_SIDE, MODEL_FILE, RENDER_SIDE, load_model, project
from training.rendering.raster import nearest_known
from training.rendering.render import Renderer, downsample_2x, upsample_2x
from training.rendering.targets import TargetOptions, draw_target

ROOT = Path(__file__).parent.parent
MESH = ROOT / "tests" / "golden" / "landmarks.npz"
PORTRAITS = ("astronaut.png", "portrait-calm.png", "portrait-dark.png", "portrait-narrow.png")
UNIT_KEYS = ACTION_UNITS.keys


@pytest.fixture(scope="module")
def model():
    return load_model()


@pytest.fixture(scope="module")
def fitter(model):
    return Fitter(model)


@pytest.fixture(scope="module")
def renderer(model):
    return Renderer(model)


@pytest.fixture(scope="module")
def sources(fitter, renderer) -> list:
    """The portraits, fitted."""
    table, made = Landmarks(MESH), []
    for name in PORTRAITS:
        points = table.points[table.row(name), :, :2]
        to_face = to_face_of_landmarks(points)
        to_crop = photo_to_crop_matrix(to_face, CROP_SIDE)
        fit = fitter.fit(points @ to_crop[:, :2].T + to_crop[:, 2])
        photo = read_image(ROOT / "assets" / name)
        landmarks = points @ to_crop[:, :2].T + to_crop[:, 2]
        made.append(renderer.source(Portrait(photo, to_face, "").face(RENDER_SIDE), fit, landmarks))
    return made


def unit_intensities(fit: Fit) -> np.ndarray:
    """(17,) Action Units 0..5."""
    return units.intensities(fit.expression[: units.UNIT_COUNT])


def shown(source) -> np.ndarray:
    """(50,) the intensities of a photo."""
    return facs.intensities(source.fit, None)


def target_of(source, **values) -> np.ndarray:
    """(50,) the same, but for those named."""
    target = shown(source)
    for key, value in values.items():
        target[list(FACS.indices(key))] = value
    return target


def edited(renderer, source, **values):
    return renderer.edit(source, target_of(source, **values), shown(source))


# the model


def test_face_model_is_small_and_has_its_licence_beside_it(model):
    assert MODEL_FILE.stat().st_size < 5_000_000
    licence = (MODEL_FILE.parent / "FACE_MODEL_LICENSE.txt").read_text()
    assert "MIT License" in licence and "USC Institute for Creative Technologies" in licence
    count = len(model.neutral)
    assert model.expressions.shape == (len(units.PARAMETERS), count, 3)
    assert model.identities.shape == (50, count, 3) and model.landmarks.shape == (468,)
    assert model.triangles.max() < count and model.landmarks.max() < model.skin_count < count
    assert all(np.abs(movement).max() > 0.1 for movement in model.expressions)
    left = model.neutral[model.landmarks[263], 0]
    assert (
        left > 1
        and model.lower_face[model.landmarks[17]]
        and not model.lower_face[model.landmarks[0]]
    )


def test_damaged_face_model_raises_readable_error(tmp_path):
    (tmp_path / "model.npz").write_bytes(MODEL_FILE.read_bytes()[:100_000])
    whole = bytearray(MODEL_FILE.read_bytes())
    whole[1_000_000] ^= 255
    (tmp_path / "bit.npz").write_bytes(whole)
    for path in (tmp_path / "model.npz", tmp_path / "bit.npz", tmp_path / "none.npz"):
        with pytest.raises(ValueError, match=r"is missing or damaged .* install it once more"):
            load_model(path)


def test_face_model_can_be_rebuilt(model, tmp_path, monkeypatch):
    from training.rendering import build

    square = "".join(f"v {x} 0 {{z}}\n" for x in range(7)) + "vt 0 0\nf 1/1 2/1 3/1 4/1\nf 5 6 7\n"
    for name, z in (("generic_neutral_mesh", 0), ("jawOpen", 0.5), ("mouthClose", 9)):
        (tmp_path / f"{name}.obj").write_text(square.format(z=z))
    for i in range(2):
        (tmp_path / f"identity{i:03d}.obj").write_text(square.format(z=-1 - i))
    (tmp_path / "vertex_indices.json").write_text('{"expressions": ["jawOpen", "mouthClose"]}')
    monkeypatch.setattr(build, "PARTS", {"teeth": (4, 7, 1, 2), "face": (0, 4, 0, 1)})
    monkeypatch.setattr(build, "IDENTITIES", 2)
    out = tmp_path / "made.npz"
    monkeypatch.setattr(sys, "argv", ["build", str(tmp_path), "--out", str(out)])
    build.main()
    with (
        np.load(out, allow_pickle=False) as made,
        np.load(MODEL_FILE, allow_pickle=False) as shipped,
    ):
        assert set(made.files) == set(shipped.files)
        assert made["triangles"].tolist() == [[0, 1, 2], [3, 4, 5], [3, 5, 6]]
        assert made["vertex_ends"].tolist() == [3, 7] and made["triangle_ends"].tolist() == [1, 3]
        assert made["expressions"][0, 2].tolist() == [1024] * 7  # in steps of 1 / 2048
        assert made["expression_names"].tolist() == ["jawOpen"]
        np.testing.assert_array_equal(made["landmarks"], shipped["landmarks"])


# the fit


def test_fit_recovers_a_projected_model(model, fitter):
    pose = np.array([0.08, -0.2, 0.03, np.log(6.1), 72.0, 78.0])
    expression = np.zeros(len(units.PARAMETERS))
    for key, activation in (("AU12", 0.7), ("AU25", 0.8), ("AU26", 0.6)):
        expression[UNIT_KEYS.index(key)] = activation
    shape = model.shape(model.identity_mean, expression)
    fit = fitter.fit(project(shape, pose)[model.landmarks])
    assert np.degrees(np.abs(fit.pose[:3] - pose[:3])).max() < 2 and fit.error < 0.3
    np.testing.assert_allclose(
        unit_intensities(fit), units.intensities(expression[: units.UNIT_COUNT]), atol=1.2
    )
    plain = fitter.fit(
        project(model.shape(model.identity_mean, 0 * expression), pose)[model.landmarks]
    )
    assert unit_intensities(plain).max() < 0.2


def test_fit_sets_blinks_by_the_gap_of_the_lids(model, fitter):
    expression = np.zeros(len(units.PARAMETERS))
    expression[units.AU45] = 1
    pose = np.array([0, 0, 0, np.log(6.0), 72.0, 78.0])
    fit = fitter.fit(project(model.shape(model.identity_mean, expression), pose)[model.landmarks])
    assert unit_intensities(fit)[units.AU45] > 4


def test_activations_have_the_target_intensities():
    rng = np.random.default_rng(0)
    for _ in range(50):
        source, target = (
            rng.uniform(0, 1.2, units.UNIT_COUNT),
            units.suppress_hidden_chin(rng.uniform(0.1, 5, units.UNIT_COUNT)),
        )
        now = units.intensities(source)
        np.testing.assert_array_equal(units.activations(now, source, now), source)
        target[units.AU17] = 0  # not visible where the mouth is open
        shown = units.intensities(units.activations(target, source, now))
        np.testing.assert_allclose(
            np.delete(shown, units.AU17), np.delete(target, units.AU17), atol=1e-6
        )


# the edit


def test_render_without_a_change_is_the_photo(sources, renderer):
    for source in sources:
        render = edited(renderer, source)
        assert np.array_equal(render.picture, source.picture)
        assert not render.flow.any() and (render.brightness_gain == 1).all()
        np.testing.assert_allclose(render.points, (source.points - 0.5) / 2)


@pytest.mark.parametrize("key", ["AU02", "AU04", "AU06", "AU09", "AU12", "AU25", "AU26", "AU45"])
def test_fit_of_an_edit_shows_the_target_unit(key, sources, renderer, fitter):
    """Units that landmarks show well; others are held back by the fit and fall short."""
    place = UNIT_KEYS.index(key)
    for source in sources[:2]:
        now = unit_intensities(source.fit)
        target = target_of(source, **{key: min(5, now[place] + 3)})
        points = renderer.edit(source, target, shown(source)).points
        change = unit_intensities(fitter.fit(points, source.fit.identity)) - now
        assert 0.5 < change[place] / (facs.mean_of_sides(target) - now)[place] < 1.2
        assert np.abs(np.delete(change, place)).max() < 1


def test_photo_warped_by_the_flow_is_the_edit(sources, renderer):
    here = np.stack(np.meshgrid(np.arange(RENDER_SIDE), np.arange(RENDER_SIDE)), -1).astype(
        np.float32
    )
    for source, change in zip(
        sources, ({"AU12": 0}, {"AU26": 5}, {"AU01": 5, "AU02": 5}, {"AU45": 5}), strict=True
    ):
        render = edited(renderer, source, **change)
        after, photo = render.picture.astype(float), source.picture
        moved = cv2.remap(photo, here + 2 * render.flow, None, cv2.INTER_LINEAR)
        known = render.segmentation != 1  # less the mouth, which is painted
        before = np.abs(after - photo)[known].mean()
        assert np.abs(after - moved)[known].mean() < 0.75 * before
        relight = moved * render.brightness_gain[..., None]
        assert np.abs(after - relight)[known].mean() < 0.35 * before
        assert checks.overlap_share(render) < checks.MAX_OVERLAP_SHARE


def test_flow_is_0_away_from_the_face(sources, renderer):
    source = sources[1]
    render = edited(renderer, source, AU26=5, AU12=5)
    distance, _ = nearest_known((render.segmentation >= 0) | (source.segmentation >= 0))
    longest = np.linalg.norm(render.flow, axis=-1).max()
    assert longest > 5 and not render.flow[distance > 2 * (8 + 2.2 * longest) + 2].any()
    assert not render.flow[:30, :20].any() and (render.brightness_gain[:30, :20] == 1).all()
    assert render.brightness_gain.min() >= 0.55 and render.brightness_gain.max() <= 1.35 + 1e-5
    assert np.array_equal(render.picture[:30, :20], source.picture[:30, :20])


def test_closed_lips_and_lids_leave_no_slit(sources, renderer):
    source = sources[0]  # smiles with her teeth
    assert (source.segmentation == 1).sum() > 500
    render = renderer.edit(source, np.zeros(50), shown(source))
    assert (render.segmentation == 1).sum() < checks.MAX_SLIT
    render = edited(renderer, source, AU45=5, AU05=0)
    assert (render.segmentation == 2).sum() < checks.MAX_SLIT


def test_halving_a_doubled_picture_restores_it():
    picture = cv2.GaussianBlur(
        np.random.default_rng(0).integers(0, 256, (72, 72, 3), np.uint8), (0, 0), 1
    )
    difference = np.abs(downsample_2x(upsample_2x(picture)).astype(int) - picture)
    assert difference.max() <= 2 and difference.mean() < 0.4


def test_misfits_have_a_reason():
    fit = Fit(np.zeros(6), np.zeros(50), np.zeros(len(units.PARAMETERS)), np.zeros((468, 2)), 0.9)
    assert checks.fit_problem(fit) == ""
    for pose, error, reason in (
        ((0, 0.6), 0.9, checks.TURNED),
        ((0.4, 0), 0.9, checks.TURNED),
        ((0, 0), 1.6, checks.UNFITTED),
        ((0, 0), np.nan, checks.UNFITTED),
    ):
        whole = np.array([*pose, 0, 0, 0, 0])
        assert (
            checks.fit_problem(Fit(whole, fit.identity, fit.expression, fit.offsets, error))
            == reason
        )


def test_one_side_moves_alone(sources, renderer):
    for source in sources[1:3]:
        render = edited(renderer, source, AU12L=5)
        length = np.linalg.norm(render.flow, axis=-1)
        corner = {
            side: render.points[i].round().astype(int) * 2 for side, i in (("L", 291), ("R", 61))
        }
        left, right = (length[y - 4 : y + 5, x - 4 : x + 5].mean() for x, y in corner.values())
        assert left > 2.5 and right < 0.25 * left


def test_eyes_turn_inside_their_lids(sources, renderer):
    source = sources[1]
    for key, way in (("AU61", (1, 0)), ("AU62", (-1, 0)), ("AU63", (0, -1))):
        render = edited(renderer, source, **{key: 5})
        for iris, width in zip(source.irises, source.eye_widths, strict=True):
            x, y = (iris + 0.1 * width * np.array(way)).round().astype(int)
            shift = -2 * render.flow[y, x] / width  # pixels of the result, where it came from
            assert shift @ way > 0.1
        assert np.abs(render.flow[:40]).max() < 0.2


def test_a_turned_head_goes_where_depth_says(sources, renderer):
    source = sources[1]
    for key, axis, sign in (("AU51", 0, 1), ("AU52", 0, -1), ("AU53", 1, -1), ("AU54", 1, 1)):
        render = edited(renderer, source, **{key: 5})
        moved = render.points - (source.points - 0.5) / 2
        nose, edge = moved[1], moved[[234, 454]].mean(0)
        assert sign * nose[axis] > 8 and abs(nose[axis]) > 1.5 * abs(edge[axis])


def test_targets_satisfy_their_options():
    rng, now = np.random.default_rng(0), np.zeros(50)
    now[facs.indices("AU12L", "AU12R", "AU25", "AU26")] = 3, 3, 2, 1
    pool = facs.cancel_opposites(rng.uniform(0, 5, 50))[None]
    places = [*FACS.indices("AU04"), *FACS.indices("AU09")]
    jaw = set(facs.indices("AU16", "AU17", "AU25", "AU26", "AU27"))
    for _ in range(300):
        kind, target = draw_target(rng, now, pool, TargetOptions(("AU04", "AU09"), 2.5))
        assert kind == "chosen" and set(np.flatnonzero(target != now)) == set(places)
        assert target[places].min() >= 2.5
        kind, target = draw_target(rng, now, pool, TargetOptions((), 2.0, 1.0))
        changed = set(np.flatnonzero(target != now))
        sides = {FACS.keys[i][:-1] for i in changed}
        assert kind.startswith("single") and (len(changed) <= 1 or len(sides) == 1 or changed & jaw)
        kind, target = draw_target(rng, now, pool, TargetOptions())
        assert ((target >= 0) & (target <= 5)).all()
        assert np.array_equal(facs.cancel_opposites(target), target)
    drawn = [draw_target(np.random.default_rng(7), now, pool, TargetOptions()) for _ in range(2)]
    assert drawn[0][0] == drawn[1][0] and np.array_equal(drawn[0][1], drawn[1][1])


def test_canonical_crop_is_computed_from_landmarks():
    table = Landmarks(MESH)
    points = table.points[table.row("portrait-calm.png")]
    to_crop = photo_to_crop_matrix(to_face_of_landmarks(points), CROP_SIDE)
    crop = points[:468, :2] @ to_crop[:, :2].T + to_crop[:, 2]
    assert np.ptp(crop[:, 1]) == pytest.approx(CROP_SIDE / 1.25)
    assert abs(crop[[33, 133], 1].mean() - crop[[263, 362], 1].mean()) < 1e-4
    with pytest.raises(ValueError, match="not form a face"):
        to_face_of_landmarks(np.full((478, 3), np.nan))


def arrays() -> dict:
    with np.load(MESH, allow_pickle=False) as file:
        return {key: file[key] for key in file.files}


MALFORMED = {
    "lacks points": lambda a: a.pop("points"),
    "points must be numbers of shape": lambda a: a.update(points=a["points"][:, :68]),
    "sizes must be numbers of shape": lambda a: a.update(sizes=a["sizes"][1:]),
    "not a readable .npz": lambda a: a.update(points=np.array([{}, None], object)),
    "as many as names": lambda a: a.update(names=a["names"][:2]),
    "got <U1": lambda a: a.update(points=np.full((4, 478, 3), "x")),
}


@pytest.mark.parametrize("output", MALFORMED)
def test_malformed_landmarks_raise_readable_errors(output, tmp_path, capsys):
    held = arrays()
    MALFORMED[output](held)
    np.savez(tmp_path / "landmarks.npz", **held)
    shutil.copy(ROOT / "assets" / PORTRAITS[0], tmp_path)
    assert run("pairs", tmp_path, "--out", tmp_path.with_name("out")) == 2
    error = capsys.readouterr().err
    assert output in error and "training/data/prepare/face_mesh_landmarks.py" in error
    assert not tmp_path.with_name("out").exists()


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04broken", b"\x93NUMPY\x01\x00", None])
def test_files_without_landmarks_raise_readable_errors(data, tmp_path):
    if data is not None:
        (tmp_path / "a.npz").write_bytes(data)
    with pytest.raises(ValueError, match=r"face_mesh_landmarks\.py"):
        Landmarks(tmp_path / "a.npz")


def test_landmarks_in_quarters_of_pixels_are_read(tmp_path):
    offsets = np.arange(2 * 478 * 2, dtype=np.int16).reshape(2, 478, 2)
    np.savez(
        tmp_path / "a.npz",
        names=np.array(["a", "b"]),
        lm478_x4_minus_mean=offsets,
        mean_x4=np.full((478, 2), 4, np.int16),
    )
    table = Landmarks(tmp_path / "a.npz")
    assert table.row("b.jpg") == 1 and table.row("c.jpg") is None
    assert table.points[0, 1].tolist() == [1.5, 1.75, 0] and table.sizes[0].tolist() == [144, 144]


# the script that finds them


@pytest.fixture
def photos(tmp_path) -> Path:
    (tmp_path / "photos" / "sub").mkdir(parents=True)
    for i, name in enumerate(("a.png", "sub/b.jpg", "wall.png", "crowd.png")):
        (tmp_path / "photos" / name).write_bytes(bytes([i]))
    return tmp_path / "photos"


def test_landmark_script_resumes_and_reports(photos, monkeypatch, capsys):
    looked = []

    def detect(mesh, path):
        looked.append(path.name)
        if len(looked) == 3:
            raise KeyboardInterrupt
        if path.name == "wall.png":
            return {"dropped": script.NO_FACE}
        faces = 3 if path.name == "crowd.png" else 1
        return {"size": [30, 40], "faces": faces, "points": [[1.5, 2, 3]] * 478}

    monkeypatch.setattr(script, "face_mesh", object)
    monkeypatch.setattr(script, "detect", detect)
    monkeypatch.setattr(sys, "argv", ["landmarks", str(photos)])
    assert script.main() == 130 and not (photos / "landmarks.npz").exists()
    (log,) = photos.glob(".*.jsonl")
    with open(log, "a") as file:
        file.write('{"name": "wal')  # what a power cut leaves
    assert script.main() == 0
    assert looked == ["a.png", "crowd.png", "b.jpg", "b.jpg", "wall.png"]
    output = capsys.readouterr().out
    assert (
        "1 x no face was found (wall.png)" in output and "1 x several faces: the largest" in output
    )
    table = Landmarks(photos / "landmarks.npz")
    assert list(table.row_of) == ["a.png", "crowd.png", "sub/b.jpg"]
    assert table.points[2, 5].tolist() == [1.5, 2, 3] and table.sizes[0].tolist() == [30, 40]
    assert not log.exists()
    assert script.main() == 2  # nothing is overwritten
    assert "landmarks.npz exists" in capsys.readouterr().err


def test_landmark_script_imports_nothing_of_the_project(photos, tmp_path):
    def output(*arguments) -> str:
        command = [
            sys.executable,
            ROOT / "training/data/prepare/face_mesh_landmarks.py",
            *arguments,
        ]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 2
        return done.stderr

    (tmp_path / "empty").mkdir()
    assert "holds no photos" in output(tmp_path / "empty")
    assert "must end in .npz" in output(photos, "--out", tmp_path / "a.txt")
    try:
        import mediapipe  # noqa: F401
    except ImportError:
        assert "Face Mesh is missing" in output(photos)


# the command


def run(*arguments) -> int:
    return main([str(argument) for argument in arguments])


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def album(tmp_path_factory) -> Path:
    """The portraits with their landmarks, and photos that cannot be used."""
    folder = tmp_path_factory.mktemp("album")
    held = arrays()
    for name in PORTRAITS:
        shutil.copy(ROOT / "assets" / name, folder)
    shutil.copy(ROOT / "assets" / PORTRAITS[1], folder / "stranger.png")
    (folder / "torn.png").write_bytes(b"no picture")
    small = cv2.resize(cv2.imread(str(ROOT / "assets" / PORTRAITS[1])), (90, 90))
    cv2.imwrite(str(folder / "small.png"), small)
    cv2.imwrite(str(folder / "other.png"), small)
    cv2.imwrite(str(folder / "flat.png"), np.full((432, 432, 3), 90, np.uint8))
    calm = list(held["names"]).index(PORTRAITS[1])
    points, size = held["points"][calm], held["sizes"][calm]
    further = {
        "torn.png": (points, size),
        "small.png": (points * (90 / 432), (90, 90)),
        "other.png": (points, size),
        "flat.png": (points, size),
        "broken.png": (np.full_like(points, np.nan), size),
        "gone.png": (points, size),
    }
    shutil.copy(ROOT / "assets" / PORTRAITS[1], folder / "broken.png")
    np.savez(
        folder / "landmarks.npz",
        names=[*held["names"], *further],
        points=np.stack([*held["points"], *(p for p, _ in further.values())]),
        sizes=np.stack([*held["sizes"], *(s for _, s in further.values())]),
    )
    return folder


ARGUMENTS = ("--size", 144, "--per-photo", 3, "--singles", 0.3, "--flow-size", 36)


@pytest.fixture(scope="module")
def made(album, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("made") / "out"
    assert run("pairs", album, "--out", out, *ARGUMENTS) == 0
    return out


def test_pairs_can_be_read_by_training(made):
    assert sorted(path.stem for path in (made / "imgs").iterdir()) == sorted(
        name.removesuffix(".png") for name in PORTRAITS
    )
    with open(made / "pairs.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert 8 <= len(rows) <= 12
    assert {row["file"] for row in rows} == {path.name for path in (made / "pairs").iterdir()}
    labels, moods = read_pickle(made / "aus_openface.pkl"), read_pickle(made / "moods.pkl")
    for row in rows:
        assert float(row["s_AU12"]) == pytest.approx(labels[row["source"]][8], abs=0.006)
        assert 0 <= float(row["fold"]) <= checks.MAX_OVERLAP_SHARE
    assert all(mood.shape == (3,) for mood in moods.values())
    with np.load(made / "flow.npz", allow_pickle=False) as flow:
        assert flow["names"].tolist() == [row["file"] for row in rows]
        assert flow["flow"].shape == (len(rows), 36, 36, 2) and flow["flow"].dtype == np.float16
        assert flow["mouth"].shape == (len(rows), 36, 36) and flow["mouth"].dtype == np.uint8
        assert flow["shade"].shape == (len(rows), 36, 36) and flow["shade"].dtype == np.float16
        assert 1 < np.abs(flow["flow"]).max() < 20 and np.isfinite(flow["flow"]).all()
        assert 0.55 < flow["shade"].min() <= flow["shade"].max() < 1.36
    with np.load(made / "jaws.npz", allow_pickle=False) as jaws:
        assert sorted(jaws["names"]) == sorted({row["source"] for row in rows})
        for place in (*jaws["upper"], *jaws["lower"]):  # around the mouth, not turned
            assert 0.2 < place[0, 0] < 0.7 and 0.1 < place[1, 1] < 0.5 and abs(place[0, 1]) < 0.1
            assert abs(place[0, 2]) < 0.2 and 0.1 < place[1, 2] < 0.8
        assert (jaws["upper"][:, 1, 2] < jaws["lower"][:, 1, 2]).all()
        assert 0.2 < jaws["white"].min() <= jaws["white"].max() <= 1
        assert jaws["depth"].shape == jaws["across"].shape == (len(jaws["names"]), 36, 36)
        low, high = jaws["outline"].min(1), jaws["outline"].max(1)
        assert (low < -0.4).all() and (high > 0.4).all() and (np.abs(low + high) < 0.4).all()
    splits = {row["split"] for row in rows}
    assert splits == {"train", "val", "test"}
    data = Pairs([made], "train", 128, FACS)
    kept = [row for row in rows if row["split"] == "train" and row["kind"] != "turn"]
    assert len(data.keep_pairs_with_motion().rows) == len(kept)
    few = Pairs([made], "train", 128)  # the 17 units cannot show the others
    assert 0 < len(few.rows) < len(rows)
    seen = data.pair(0)._asdict()
    assert seen["source"].shape == seen["target"].shape == (3, 128, 128)
    assert np.abs(seen["source"] - seen["target"]).max() > 0.05
    assert seen["flow"].shape == (2, 128, 128) and np.abs(seen["flow"]).max() > 0.01
    assert 0.2 < seen["depth"].max() < 1.5 and -1.5 < seen["lateral_position"].min() < -0.5
    assert seen["field_weight"].max() == 1 and 0 < np.abs(seen["light"]).max() < 0.5


def test_unusable_photos_are_reported_with_reasons(made):
    facts = json.loads((made / "report.json").read_text())
    dropped = {reason: entry["examples"] for reason, entry in facts["dropped"].items()}
    assert dropped["no landmarks of that photo"] == ["stranger.png"]
    assert dropped[crops.UNREADABLE] == ["torn"] and dropped[crops.TOO_SMALL] == ["small"]
    assert dropped[renders.OTHER_SIZE] == ["other"] and dropped[renders.NO_FACE] == ["broken"]
    assert dropped[checks.COVERED] == ["flat"]
    assert any("FIT" in note for note in facts["notes"])
    assert not (made / "unfinished").exists() and not (made / "unfinished.jsonl").exists()


def test_split_of_another_name_is_refused_before_photos_are_fitted(album, tmp_path, capsys):
    photos = tmp_path / "photos"
    (photos / "imgs").mkdir(parents=True)
    shutil.copy(album / PORTRAITS[1], photos / "imgs")
    shutil.copy(album / "landmarks.npz", photos)
    rows = "name,part,split,person\nportrait-calm,a,train,\nportrait-dark,b,holdout,\n"
    (photos / "faces.csv").write_text(rows)
    assert run("pairs", photos, "--out", tmp_path / "out") == 2
    assert "train, val, test, but not 'holdout'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_names_of_the_table_of_faces_match_photos_with_unsafe_names(tmp_path):
    (tmp_path / "imgs").mkdir()
    (tmp_path / "imgs" / "a b (1).png").touch()
    (tmp_path / "faces.csv").write_text("name,part,split,person\na b (1),a,train,p\n")
    np.savez(
        tmp_path / "landmarks.npz",
        names=["a b (1).png"],
        points=np.zeros((1, 478, 3)),
        sizes=[[9, 9]],
    )
    listed = pairs_maker._read_faces_table(tmp_path, ())
    pictures, table = PictureIndex(tmp_path / "imgs"), Landmarks(tmp_path / "landmarks.npz")
    (item,) = pairs_maker._photo_items(None, pictures, table, {}, listed)
    assert listed[item["name"]]["person"] == "p"


def test_unusable_second_photo_is_counted_and_left_out(tmp_path, monkeypatch):
    def fail(*_):
        raise renders.UnusablePhoto(crops.TOO_SMALL)

    monkeypatch.setattr(renders, "_portrait", fail)
    np.save(tmp_path / "pool.npy", np.zeros((1, 50)))
    options = renders.RenderOptions(
        str(tmp_path), "", False, str(tmp_path / "pool.npy"), 0, [], 2.0, 0.0, 144, 36, 96
    )
    item = {"name": "a", "intensities": [0.0] * 50, "others": [{}, {}]}
    found = renders._render_pairs(item, None, options)
    assert found == {"pairs": [], "rejected": {crops.TOO_SMALL: 2}, "files": []}


def test_resumed_run_ends_with_the_same_bytes(album, made, tmp_path, monkeypatch):
    out, render, calls = tmp_path / "out", renders.render_photo, []

    def counted(item, **options):
        calls.append(item["name"])
        if len(calls) == 3:
            raise KeyboardInterrupt
        return render(item, **options)

    monkeypatch.setattr(renders, "render_photo", counted)
    assert run("pairs", album, "--out", out, *ARGUMENTS) == 130
    first = json.loads((out / "unfinished.jsonl").read_text().splitlines()[-1])["result"]
    (out / first["files"][1]).unlink(missing_ok=True) if "files" in first else None
    assert run("pairs", album, "--out", out, *ARGUMENTS) == 0
    assert contents(out) == contents(made)


@pytest.mark.slow
def test_several_processes_write_the_same_bytes(album, made, tmp_path):
    out = tmp_path / "out"
    assert (
        run("pairs", album, "--out", out, *ARGUMENTS, "--engine", "processes", "--workers", 2) == 0
    )
    assert contents(out) == contents(made)


def test_a_prepared_folder_keeps_its_labels_and_splits(made, tmp_path, capsys):
    folder, table = tmp_path / "data", Landmarks(MESH)
    shutil.copytree(made / "imgs", folder / "imgs")
    labels = read_pickle(made / "aus_openface.pkl")
    names, points = list(labels), []
    for name in names:
        mesh = table.points[table.row(f"{name}.png")]
        to_crop = photo_to_crop_matrix(to_face_of_landmarks(mesh), CROP_SIDE)
        points.append(np.pad(mesh[:, :2] @ to_crop[:, :2].T + to_crop[:, 2], ((0, 0), (0, 1))))
    np.savez(folder / "landmarks.npz", names=names, points=points, sizes=np.full((4, 2), 144))
    labels[names[0]] = np.array([1.25, *labels[names[0]][1:]])
    write_pickle(folder / "aus_openface.pkl", labels)
    out = tmp_path / "out"
    assert run("pairs", folder, "--out", out) == 2
    assert "no labels or *_ids.csv" in capsys.readouterr().err
    (folder / "val_ids.csv").write_text("".join(f"{name}.jpg\n" for name in names[:3]))
    assert run("pairs", folder, "--out", out, "--aus", "4,AU09", "--low", 4) == 0
    assert sorted(path.name for path in out.iterdir()) == [
        "flow.npz",
        "jaws.npz",
        "pairs",
        "pairs.csv",
        "report.json",
        "report.txt",
    ]
    with open(out / "pairs.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["source"] for row in rows} <= set(names[:3]) and len(rows) > 3
    for row in rows:
        assert row["split"] == "val" and float(row["t_AU04"]) >= 4 <= float(row["t_AU09"])
        assert row["source"] != names[0] or float(row["s_AU01"]) == float(row["t_AU01"]) == 1.25


@pytest.mark.parametrize(
    "arguments",
    [("--aus", "4,99"), ("--low", 6), ("--flow-size", 300), ("--singles", 1.5), ("--per-photo", 0)],
)
def test_invalid_options_are_refused(arguments, album, tmp_path):
    with pytest.raises(SystemExit):
        run("pairs", album, "--out", tmp_path / "out", *arguments)


def test_folders_without_a_usable_photo_are_refused(tmp_path, capsys):
    assert run("pairs", tmp_path, "--out", tmp_path / "out") == 2
    assert "must lie outside" in capsys.readouterr().err
    (tmp_path / "photos").mkdir()
    shutil.copy(ROOT / "assets" / PORTRAITS[0], tmp_path / "photos" / "unknown.png")
    arguments = ("pairs", tmp_path / "photos", "--out", tmp_path / "out")
    assert run(*arguments) == 2
    assert "There is no file" in capsys.readouterr().err
    assert run(*arguments, "--landmarks", MESH) == 2
    assert "No photo can be used: 1 x no landmarks of that photo" in capsys.readouterr().err
