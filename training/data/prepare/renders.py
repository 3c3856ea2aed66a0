"""Fitting and re-rendering one photo for the command `pairs`, and writing the motion of all."""

import io
import zipfile
import zlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from moodganimation.errors import UnreadableImage
from moodganimation.expressions.sides import GAZE_AND_HEAD
from moodganimation.expressions.spaces import FACS
from moodganimation.faces.portrait import Portrait, photo_to_crop_matrix
from moodganimation.media.images import read_image

from ...rendering import checks, facs, teeth
from ...rendering.eyes import gaze_of, has_irises
from ...rendering.fit import Fitter
from ...rendering.head import DEPTH_CELLS
from ...rendering.mesh_points import FACE_POINTS, OVAL, RIGID
from ...rendering.model import RENDER_SIDE, crop_to_render, load_model
from ...rendering.render import Render, Renderer, upsample_2x
from ...rendering.source import Source
from ...rendering.targets import TargetOptions, differs_enough, draw_target
from ..augment import CROP_SIDE, crop_to_face_matrix
from ..landmarks import Landmarks, to_face_of_landmarks
from . import crops
from .files import write_atomically

OTHER_SIZE = "its landmarks are of a picture of another size"
NO_FACE = "its landmarks do not form a face"
OTHER_CROP_SIZE = "its landmarks are of a canonical crop of another size"
OUTSIDE = "too much of the face's crop lies outside the photo"
TOO_SIMILAR = "targets that hardly differ from the photo"
MAX_OUTSIDE = 0.3  # share of the crop outside the photo
MAX_SHARP_SCALE = 0.8  # photos that are reduced more are blurred first, which prevents aliasing
ANTIALIAS_STD = 0.4  # of that blur at scale 1 [px]
STORED_TYPES = {"flow": "<f2", "mouth": "|u1", "shade": "<f2"}  # dtypes of the arrays of flow.npz


@cache
def _fitter_and_renderer() -> tuple[Fitter, Renderer]:
    """The fitter and the renderer of this process."""
    model = load_model()
    return Fitter(model), Renderer(model)


@cache
def _landmarks(path: str) -> Landmarks:
    return Landmarks(Path(path))


def _face(table: Landmarks, row: int, prepared: bool) -> tuple[np.ndarray, np.ndarray]:
    """`to_face` (2, 3) of the canonical crop, and landmarks (478, 2) [crop px].

    prepared: whether the photo is a canonical crop already.
    """
    points = table.points[row, :, :2].astype(np.float64)
    to_face = crop_to_face_matrix(table.sizes[row][0]) if prepared else to_face_of_landmarks(points)
    to_crop = photo_to_crop_matrix(to_face, CROP_SIDE)
    return to_face, points @ to_crop[:, :2].T + to_crop[:, 2]


def fit_photo(item: dict, landmarks: str, prepared: bool) -> dict:
    """Fit the face of a `pairs.PhotoItem`: {"intensities": (50,) 0..5} or {"dropped": reason}.

    landmarks: path of the file. prepared: see `RenderOptions`.
    """
    try:
        _, points = _face(_landmarks(landmarks), item["row"], prepared)
        fit = _fitter_and_renderer()[0].fit(points)
    except ValueError:
        return {"dropped": NO_FACE}
    reason = checks.fit_problem(fit)
    if reason:
        return {"dropped": reason}
    gaze = gaze_of(points, fit.yaw, fit.pitch) if has_irises(points) else None
    return {"intensities": facs.intensities(fit, gaze).tolist()}


@dataclass(frozen=True)
class RenderOptions:
    """Options of `render_photo` that are the same for all photos."""

    out: str  # folder
    landmarks: str  # file
    prepared: bool  # photos are canonical crops already
    pool: str  # file of the intensities (P, 50) of all photos, see `draw_target`
    per_photo: int  # how many targets are drawn
    units: list[str]  # with low and single_share: which targets, see `TargetOptions`
    low: float
    single_share: float
    size: int  # side of the written pictures [px]
    flow_size: int  # cells along a side of the stored motion
    smallest: int  # least side of the crop in the photo [px]


class UnusablePhoto(Exception):
    """A photo cannot be used; the message is the reason."""


def render_photo(item: dict, options: RenderOptions) -> dict:
    """Write the pairs of a complete `pairs.PhotoItem`, and its crop unless `prepared`.

    Returns {"pairs": [file, kind, overlap share, 50 intensities], "rejected": reason -> count of
    targets and second photos, "files": written files, "jaws": see `_geometry`} or {"dropped":
    reason}.
    """
    renderer, folder = _fitter_and_renderer()[1], Path(options.out)
    with crops.single_threaded():
        try:
            picture, source, points = _source(item, options)
        except UnusablePhoto as problem:
            return {"dropped": str(problem)}
        result = _render_pairs(item, source, options)
        if not options.prepared:
            file = f"imgs/{item['name']}.jpg"
            write_atomically(folder / file, crops.as_jpeg(_reduced(picture, options.size)))
            result["files"].append(file)
    geometry = _geometry(renderer, source, points)
    return result | {"jaws": {key: value.tolist() for key, value in geometry.items()}}


def _geometry(renderer: Renderer, source: Source, points: np.ndarray) -> dict[str, np.ndarray]:
    """Compute the geometry that generators learn to predict: `teeth.jaw_placement`, the outline of
    the face (P, 2), and the maps of depth [halves of the side] and lateral position
    (`head.lateral_position_map`), both (DEPTH_CELLS, DEPTH_CELLS)."""
    geometry = teeth.jaw_placement(renderer.surface, source)
    geometry["outline"] = (2 * points[OVAL] + 1) / CROP_SIDE - 1
    geometry["depth"] = _reduced(source.depth, DEPTH_CELLS).round(4) * (2 / RENDER_SIDE)
    geometry["across"] = _reduced(source.lateral_position, DEPTH_CELLS).round(4)
    return geometry


def _reduced(picture: np.ndarray, size: int) -> np.ndarray:
    """Reduce (S, S[, C]) to (size, size[, C]) by means over cells."""
    if size == len(picture):
        return picture
    return cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)


def _source(item: dict, options: RenderOptions) -> tuple[np.ndarray, Source, np.ndarray]:
    """Crop and analyze the photo: return the crop of RENDER_SIDE pixels a side, its analysis, and
    the landmarks (478, 2) [crop px].

    Raises UnusablePhoto.
    """
    fitter, renderer = _fitter_and_renderer()
    photo, portrait, points = _portrait(item, options)
    is_crop_sized = options.prepared and 2 * len(photo) == RENDER_SIDE
    picture = upsample_2x(photo) if is_crop_sized else portrait.face(RENDER_SIDE)
    source = renderer.source(picture, fitter.fit(points), points)
    reason = checks.photo_problem(renderer.surface.model, source)
    if reason:
        raise UnusablePhoto(reason)
    return picture, source, points


def _portrait(item: dict, options: RenderOptions) -> tuple[np.ndarray, Portrait, np.ndarray]:
    """Read the photo: its pixels, its face, and landmarks (478, 2) [crop px].

    Raises UnusablePhoto.
    """
    table = _landmarks(options.landmarks)
    try:
        photo = read_image(Path(item["picture"]))
    except UnreadableImage:
        raise UnusablePhoto(crops.UNREADABLE) from None
    if tuple(table.sizes[item["row"]]) != photo.shape[1::-1]:
        raise UnusablePhoto(OTHER_CROP_SIZE if options.prepared else OTHER_SIZE)
    to_face, points = _face(table, item["row"], options.prepared)
    portrait = Portrait(photo, to_face, "")
    if not options.prepared and portrait.side < options.smallest:
        raise UnusablePhoto(crops.TOO_SMALL)
    if _outside_share(portrait) > MAX_OUTSIDE:
        raise UnusablePhoto(OUTSIDE)
    return photo, portrait, points


def _render_pairs(item: dict, source: Source, options: RenderOptions) -> dict:
    """Write a pair for each target that can be rendered, and for each other photo of the person;
    return "pairs", "rejected" and "files" of `render_photo`."""
    files, pairs, rejected = [], [], {}
    current, pool = np.array(item["intensities"]), np.load(options.pool)
    target_options = TargetOptions(tuple(options.units), options.low, options.single_share)
    for number in range(options.per_photo):
        rng = np.random.default_rng([item["seed"], zlib.crc32(item["name"].encode()), number])
        kind, target = draw_target(rng, current, pool, target_options)
        target = target.round(2)  # as in the table, so that unchanged axes are exactly equal
        render, reason = _render(source, target, current)
        if reason:
            rejected[reason] = rejected.get(reason, 0) + 1
            continue
        file = f"{item['name']}_{number}.jpg"
        files += _write_pair(file, render, options)
        pairs.append([file, kind, checks.overlap_share(render), target.tolist()])
    for number, other in enumerate(item["others"]):
        file = f"{item['name']}_real{number}.jpg"
        try:
            render = _second_photo_pair(source, other, options)
        except UnusablePhoto as problem:
            reason = str(problem)
            rejected[reason] = rejected.get(reason, 0) + 1
            continue
        target = _with_pose_of(current, np.array(other["intensities"]))
        files += _write_pair(file, render, options)
        pairs.append([file, "real", checks.overlap_share(render), target.tolist()])
    return {"pairs": pairs, "rejected": rejected, "files": files}


def _second_photo_pair(source: Source, other: dict, options: RenderOptions) -> Render:
    """Align another photo of the person to the head of the source; return it as a render, with the
    motion between their landmarks. Raises UnusablePhoto."""
    photo, _, points = _portrait(other, options)
    fitter, renderer = _fitter_and_renderer()
    to_crop = photo_to_crop_matrix(
        _face(_landmarks(options.landmarks), other["row"], options.prepared)[0], RENDER_SIDE
    )
    other_points = crop_to_render(points[:FACE_POINTS])
    alignment, _ = cv2.estimateAffinePartial2D(
        other_points[RIGID], source.points[RIGID], method=cv2.LMEDS, refineIters=10
    )
    to_aligned_crop = alignment @ np.vstack([to_crop, [0, 0, 1]])
    scale = np.sqrt(abs(np.linalg.det(to_aligned_crop[:, :2])))
    if scale < MAX_SHARP_SCALE:
        photo = cv2.GaussianBlur(photo, (0, 0), ANTIALIAS_STD / scale)
    picture = cv2.warpAffine(
        photo, to_aligned_crop, (RENDER_SIDE, RENDER_SIDE), borderMode=cv2.BORDER_REFLECT_101
    )
    return renderer.from_photo(source, fitter.fit(points, source.fit.identity), picture)


def _with_pose_of(current: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Intensities (50,) with gaze and head of `current`, since the pair's motion excludes them."""
    is_pose = np.array([axis.region in GAZE_AND_HEAD for axis in FACS.axes])
    return np.where(is_pose, current, values)


def _render(source: Source, target: np.ndarray, current: np.ndarray) -> tuple[Render | None, str]:
    """Render a target; return the render, and the reason to reject it or ""."""
    if not differs_enough(target, current):
        return None, TOO_SIMILAR
    render = _fitter_and_renderer()[1].edit(source, target, current)
    return render, checks.edit_problem(render, target)


def _write_pair(file: str, render: Render, options: RenderOptions) -> list[str]:
    """Write the picture and the motion of a pair; return the names of both files."""
    files, folder = [f"pairs/{file}", f"unfinished/{file}.npz"], Path(options.out)
    write_atomically(folder / files[0], crops.as_jpeg(_reduced(render.picture, options.size)))
    write_atomically(folder / files[1], _motion(render, options.flow_size))
    return files


def _outside_share(portrait: Portrait) -> float:
    """The share of the crop that lies outside the photo, from a grid of 32 x 32 points."""
    grid = (np.arange(32) + 0.5) / 16 - 1  # face coordinates
    to_face = portrait.to_face
    points = np.stack(np.meshgrid(grid, grid), -1).reshape(-1, 2) - to_face[:, 2]
    points = points @ np.linalg.inv(to_face[:, :2]).T  # pixels of the photo
    end = np.array(portrait.photo.shape[1::-1]) - 0.5
    return float(((points < -0.5) | (points > end)).any(1).mean())


def _motion(render: Render, size: int) -> bytes:
    """Encode flow (size, size, 2), mouth and shade (the gain of brightness, both (size, size)) as
    .npz, means over cells."""
    fields = {
        "flow": _reduced(render.flow, size),
        "mouth": np.round(255 * _reduced(render.mouth, size)),
        "shade": _reduced(render.brightness_gain, size),
    }
    data = io.BytesIO()
    np.savez_compressed(data, **{key: fields[key].astype(STORED_TYPES[key]) for key in fields})
    return data.getvalue()


def write_flows(path: Path, files: list[str], folder: Path) -> None:
    """Write one .npz of the motion of all pairs: names and the arrays of STORED_TYPES.

    folder: where `_write_pair` wrote FILE.npz of each. Arrays are streamed, since they may not fit
    into memory.
    """
    part = path.with_name(f".{path.name}.part")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("names.npy", "w") as entry:
            np.lib.format.write_array(entry, np.array(files), allow_pickle=False)
        for key, dtype in STORED_TYPES.items():
            with archive.open(f"{key}.npy", "w", force_zip64=True) as entry:
                for number, file in enumerate(files):
                    with np.load(folder / f"{file}.npz", allow_pickle=False) as motion:
                        field = motion[key]
                    if number == 0:
                        header = {
                            "descr": dtype,
                            "fortran_order": False,
                            "shape": (len(files), *field.shape),
                        }
                        np.lib.format.write_array_header_1_0(entry, header)
                    entry.write(field.tobytes())
    part.replace(path)
