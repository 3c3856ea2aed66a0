"""Dependencies are stated once, and an installed wheel works without the repository."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import urllib.request
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from moodganimation import __version__
from moodganimation.checkpoints.files import generators_in
from moodganimation.resources import ASSETS, CHECKPOINTS

from .conftest import PHOTO

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # a dependency of pytest there

ROOT = Path(__file__).parent.parent
WHEEL_BYTES = 60 * 10**6
FILE_BYTES = 9.9e6  # a Space takes files of at most 10 MB without LFS
SOURCES = (
    "pyproject.toml",
    "setup.py",
    "README.md",
    "LICENSE",
    "moodganimation",
    "training",
    "checkpoints",
    "assets",
)
DEVELOPMENT = ("demo", "training", "face-alignment", "test")  # the extras in requirements.txt


# ---- Dependencies ----


def parsed(lines) -> dict[str, SpecifierSet]:
    """Requirements by canonical name."""
    texts = [text for line in lines if (text := line.partition("#")[0].strip())]
    requirements = [Requirement(text) for text in texts]
    return {canonicalize_name(r.name): r.specifier for r in requirements}


def listed(name: str) -> dict[str, SpecifierSet]:
    return parsed((ROOT / name).read_text().splitlines())


def settings() -> dict:
    """What pyproject.toml says."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def declared(*extras: str) -> dict[str, SpecifierSet]:
    project = settings()["project"]
    groups = [project["optional-dependencies"][extra] for extra in extras]
    return parsed([*project["dependencies"], *(line for group in groups for line in group)])


def test_requirements_of_the_page_are_the_core_and_the_demo_extra():
    assert listed("requirements-app.txt") == declared("demo")


def test_requirements_for_development_lie_within_the_declared_ranges():
    ours, ranges = listed("requirements.txt"), declared(*DEVELOPMENT)
    assert ours.keys() == ranges.keys()
    for name, specifier in ours.items():
        pin = re.fullmatch(r"==([\w.]+)", str(specifier))
        assert ranges[name].contains(pin[1]) if pin else specifier == ranges[name], name


def test_every_extra_is_documented():
    project = settings()["project"]
    rows = re.findall(r"(?m)^\| `([\w-]+)` \|", (ROOT / "docs" / "install.md").read_text())
    assert set(rows) == project["optional-dependencies"].keys()


def test_files_of_the_repository_stay_below_the_limit_of_a_space():
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if names.returncode:
        pytest.skip("not a git checkout")
    paths = [ROOT / name for name in names.stdout.split("\0") if name]
    assert [path for path in paths if path.exists() and path.stat().st_size > FILE_BYTES] == []


def test_demo_without_gradio_names_the_extra_to_install():
    code = (
        "import sys; sys.modules['gradio'] = None\n"
        "from moodganimation.cli.commands import main; main(['demo'])"
    )
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 2 and result.stderr.count("\n") == 1
    assert 'pip install "moodganimation[demo]"' in result.stderr


# ---- The wheel ----


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """A wheel built from a copy of the sources that belong to it."""
    folder = tmp_path_factory.mktemp("wheel")
    (folder / "source").mkdir()
    for name in SOURCES:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, folder / "source" / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, folder / "source")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "-w",
        folder / "dist",
        folder / "source",
    ]
    subprocess.run(command, check=True)
    (path,) = (folder / "dist").glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """`bin` of a fresh environment with the wheel and, by reference, the packages it depends on."""
    folder = tmp_path_factory.mktemp("fresh") / ".venv"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / "bin" / "python"
    report = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = subprocess.run([python, "-c", report], check=True, capture_output=True, text=True)
    # Appended to sys.path, after the new environment's own packages. torch is not installed twice.
    (Path(packages.stdout.strip()) / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    command = [python, "-m", "pip", "install", "-q", "--no-deps", "--no-index", wheel]
    subprocess.run(command, check=True)
    return folder / "bin"


def environment() -> dict[str, str]:
    """The variables of a shell that knows nothing of the repository."""
    return {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}


def run(installed: Path, folder: Path, program: str, *arguments) -> str:
    command = [installed / program, *map(str, arguments)]
    result = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.slow
def test_wheel_carries_code_weights_and_assets_and_nothing_else(wheel):
    assert wheel.stat().st_size < WHEEL_BYTES
    assert wheel.name == f"moodganimation-{__version__}-py3-none-any.whl"
    names = set(zipfile.ZipFile(wheel).namelist())
    code = {
        p.relative_to(ROOT).as_posix()
        for top in ("moodganimation", "training")
        for p in (ROOT / top).rglob("*.py")
    }
    data = {f"moodganimation/data/checkpoints/{p.name}" for p in CHECKPOINTS.glob("*.*")}
    data |= {f"moodganimation/data/checkpoints/cards/{p.name}" for p in CHECKPOINTS.glob("*/*")}
    for ending in ("js", "css", "csv", "png"):
        data |= {f"moodganimation/data/assets/{p.name}" for p in ASSETS.glob(f"*.{ending}")}
    data |= {f"moodganimation/data/assets/fonts/{p.name}" for p in ASSETS.glob("fonts/*")}
    data |= {
        "moodganimation/data/assets/README.md",
        "training/rendering/face_model.npz",
        "training/rendering/FACE_MODEL_LICENSE.txt",
    }
    assert {name for name in names if ".dist-info/" not in name} == code | data
    licenses = {name.partition("/licenses/")[2] for name in names} - {""}
    others = {"training/rendering/FACE_MODEL_LICENSE.txt", "assets/fonts/OFL.txt"}
    assert licenses == {"LICENSE"} | others


@pytest.mark.slow
def test_installed_modules_and_data_come_from_the_wheel(installed, tmp_path):
    report = (
        "import moodganimation.cli.commands as c, moodganimation.resources as r, "
        "moodganimation.demo.ui.page as p, training.__main__ as t, "
        "training.rendering.model as m\n"
        "print(c.__file__, r.CHECKPOINTS, r.ASSETS, p.__file__, t.__file__, m.MODEL_FILE)\n"
        "import sys; print(*sys.path)"
    )
    paths, search = run(installed, tmp_path, "python", "-c", report).splitlines()
    for path in paths.split():
        assert Path(path).is_relative_to(installed.parent) and Path(path).exists(), path
    assert str(ROOT) not in search.split()


@pytest.mark.slow
def test_installed_command_edits_a_photo_from_an_empty_folder(installed, tmp_path):
    shutil.copy(PHOTO, tmp_path / "photo.png")
    run(
        installed,
        tmp_path,
        "moodganimation",
        "edit",
        "photo.png",
        "--set",
        "AU12=0.8",
        "--out",
        "smile.png",
    )
    assert {path.name for path in tmp_path.iterdir()} == {"photo.png", "smile.png"}
    assert "warp" in run(installed, tmp_path, "python", "-m", "training", "--help")


@pytest.mark.slow
def test_installed_command_serves_the_page_and_stops(installed, tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [installed / "moodganimation", "demo", "--port", str(port)]
    server = subprocess.Popen(command, cwd=tmp_path, env=environment())
    try:
        page = answer(f"http://127.0.0.1:{port}/", server)
        assert b"MoodGANimation" in page
        assert b"portrait-calm" in page  # an example, whose picture is in the page
        for font in (ASSETS / "fonts").glob("*.woff2"):
            url = f"http://127.0.0.1:{port}/studio/fonts/{font.name}"
            assert urllib.request.urlopen(url).read() == font.read_bytes()
        for name in generators_in(CHECKPOINTS):
            assert name.encode() in page
    finally:
        server.send_signal(signal.SIGTERM)
        assert server.wait(30) == 0


def answer(url: str, server: subprocess.Popen, seconds: float = 300) -> bytes:
    """The first answer of a server that is starting."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and server.poll() is None:
        try:
            return urllib.request.urlopen(url, timeout=5).read()
        except OSError:
            time.sleep(0.2)
    raise AssertionError("the page does not answer")
