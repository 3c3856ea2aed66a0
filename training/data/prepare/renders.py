"""What the command `pairs` does to a photo, and how the motion of all pairs gets into a file."""

import io
import zipfile
import zlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from moodganimation.errors import UnreadableImage
from moodganimation.expressions.spaces import FACS
from moodganimation.faces.portrait import Portrait, cells
from moodganimation.media.images import read_image

from ...rendering import checks, facs, teeth
from ...rendering.eyes import gaze_of, has_irises
from ...rendering.fit import Fitter
from ...rendering.mesh_points import COUNT, OVAL, RIGID
from ...rendering.model import SIDE, load_model
from ...rendering.render import Render, Renderer, doubled
from ...rendering.source import Source
from ...rendering.targets import Wish, draw, worthwhile
from ..augment import FRAME, whole
from ..landmarks import Landmarks, canonical
from . import crops
from .files import write

OTHER_SIZE = "its landmarks are of a picture of another size"
NO_FACE = "its landmarks are no face"
NO_CROP = "not the canonical crop of its landmarks"
OUTSIDE = "too much of the face's crop lies outside the photo"
ALIKE = "targets that the photo nearly shows already"
MOST_OUTSIDE = 0.3  # share of the crop
CELLS = 36  # along a side of the maps of depth and lateral place
KEPT = {"flow": "<f2", "mouth": "|u1", "shade": "<f2"}  # types of the arrays


@cache
def _tools() -> tuple[Fitter, Renderer]:
    """Made once a process."""
    model = load_model()
    return Fitter(model), Renderer(model)


@cache
def _table(path: str) -> Landmarks:
    return Landmarks(Path(path))


def _face(table: Landmarks, place: int, prepared: bool) -> tuple[np.ndarray, np.ndarray]:
    """`to_face` of the canonical crop, and landmarks (478, 2) in its pixels of 144."""
    points = table.points[place, :, :2].astype(np.float64)
    to_face = whole(table.sizes[place][0]) if prepared else canonical(points)
    to_crop = cells(to_face, FRAME)
    return to_face, points @ to_crop[:, :2].T + to_crop[:, 2]


def fit_photo(item: dict, landmarks: str, prepared: bool) -> dict:
    """{"units": 50 intensities 0..5 of FACS} of {name, place}, or {"dropped": why}."""
    try:
        _, points = _face(_table(landmarks), item["place"], prepared)
        fit = _tools()[0].fit(points)
    except ValueError:
        return {"dropped": NO_FACE}
    reason = checks.misfit(fit)
    if reason:
        return {"dropped": reason}
    gaze = gaze_of(points, fit.yaw, fit.pitch) if has_irises(points) else None
    return {"units": facs.intensities(fit, gaze).tolist()}


@dataclass(frozen=True)
class RenderOptions:
    """Options of `render_photo` that are the same for all photos."""

    out: str
    landmarks: str
    prepared: bool  # photos are canonical crops already
    bank: str  # file of the intensities (P, 50) of all photos
    per_photo: int  # how many targets are drawn
    aus: list[str]  # with low and singles: which targets, see `Wish`
    low: float
    singles: float
    size: int  # side of the pictures
    flow_size: int  # cells along a side of the stored motion
    smallest: int  # side of the crop in the photo [pixels]


class Unusable(Exception):
    """A photo that gives no pairs; its text is the reason."""


def render_photo(item: dict, options: RenderOptions) -> dict:
    """Write the pairs of {name, picture, place, units, seed, others}, and its crop unless
    `prepared`.

    Returns {"pairs": [file, kind, folded share, 50 intensities], "spoilt": reason -> count,
    "files": all that was written, "jaws": see `_places`} or {"dropped": why}.
    """
    renderer, folder = _tools()[1], Path(options.out)
    with crops.single_threaded():
        try:
            picture, source, points = _source(item, options)
        except Unusable as problem:
            return {"dropped": str(problem)}
        result = _render_pairs(item, source, options)
        if not options.prepared:
            file = f"imgs/{item['name']}.jpg"
            write(folder / file, crops.encoded(_reduced(picture, options.size)))
            result["files"].append(file)
    places = _places(renderer, source, points)
    return result | {"jaws": {key: place.tolist() for key, place in places.items()}}


def _places(renderer: Renderer, source: Source, points: np.ndarray) -> dict[str, np.ndarray]:
    """What generators must find in a photo: teeth (`teeth.places`), the face's outline (P, 2), and
    maps of its depth [halves of the side] and of `head.lateral_map`, (CELLS, CELLS)."""
    places = teeth.places(renderer.surface, source)
    places["outline"] = (2 * points[OVAL] + 1) / FRAME - 1
    places["depth"] = _reduced(source.depth, CELLS).round(4) * (2 / SIDE)
    places["across"] = _reduced(source.across, CELLS).round(4)
    return places


def _reduced(picture: np.ndarray, size: int) -> np.ndarray:
    """(SIDE, SIDE[, C]) -> (size, size[, C]), means over cells."""
    if size == len(picture):
        return picture
    return cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)


def _source(item: dict, options: RenderOptions) -> tuple[np.ndarray, Source, np.ndarray]:
    """The crop of SIDE pixels, the face model in it, and landmarks (478, 2) in pixels of 144.

    Raises Unusable.
    """
    fitter, renderer = _tools()
    photo, portrait, points = _portrait(item, options)
    exact = options.prepared and 2 * len(photo) == SIDE
    picture = doubled(photo) if exact else portrait.face(SIDE)
    source = renderer.source(picture, fitter.fit(points), points)
    reason = checks.covered(renderer.surface.model, source)
    if reason:
        raise Unusable(reason)
    return picture, source, points


def _portrait(item: dict, options: RenderOptions) -> tuple[np.ndarray, Portrait, np.ndarray]:
    """The photo, its face, and landmarks (478, 2) in pixels of 144. Raises Unusable."""
    table = _table(options.landmarks)
    try:
        photo = read_image(Path(item["picture"]))
    except UnreadableImage:
        raise Unusable(crops.UNREADABLE) from None
    if tuple(table.sizes[item["place"]]) != photo.shape[1::-1]:
        raise Unusable(NO_CROP if options.prepared else OTHER_SIZE)
    to_face, points = _face(table, item["place"], options.prepared)
    portrait = Portrait(photo, to_face, "")
    if not options.prepared and portrait.side < options.smallest:
        raise Unusable(crops.SMALL)
    if _outside(portrait) > MOST_OUTSIDE:
        raise Unusable(OUTSIDE)
    return photo, portrait, points


def _render_pairs(item: dict, source: Source, options: RenderOptions) -> dict:
    """Write a pair for each target that can be rendered; "pairs", "spoilt" and "files"."""
    files, pairs, spoilt = [], [], {}
    before, bank = np.array(item["units"]), np.load(options.bank)
    wish = Wish(tuple(options.aus), options.low, options.singles)
    for turn in range(options.per_photo):
        rng = np.random.default_rng([item["seed"], zlib.crc32(item["name"].encode()), turn])
        kind, target = draw(rng, before, bank, wish)
        target = target.round(2)  # as the table says it, and what is the same stays the same
        render, reason = _render(source, target, before)
        if reason:
            spoilt[reason] = spoilt.get(reason, 0) + 1
            continue
        file = f"{item['name']}_{turn}.jpg"
        files += _write_pair(file, render, options)
        pairs.append([file, kind, checks.folded(render), target.tolist()])
    for turn, other in enumerate(item["others"]):
        file = f"{item['name']}_real{turn}.jpg"
        render = _real(source, other, options)
        target = _expression_of(np.array(other["units"]), before)
        files += _write_pair(file, render, options)
        pairs.append([file, "real", checks.folded(render), target.tolist()])
    return {"pairs": pairs, "spoilt": spoilt, "files": files}


def _real(source: Source, other: dict, options: RenderOptions) -> Render:
    """A photo of the same person with another expression, moved so that the head lies on that of
    the source, with the motion that landmarks show."""
    photo, _, points = _portrait(other, options)
    fitter, renderer = _tools()
    to_crop = cells(_face(_table(options.landmarks), other["place"], options.prepared)[0], SIDE)
    seen, here = 2 * points[:COUNT] + 0.5, source.points
    onto, _ = cv2.estimateAffinePartial2D(
        seen[RIGID], here[RIGID], method=cv2.LMEDS, refineIters=10
    )
    moved = onto @ np.vstack([to_crop, [0, 0, 1]])
    scale = np.sqrt(abs(np.linalg.det(moved[:, :2])))
    if scale < 0.8:  # without aliasing
        photo = cv2.GaussianBlur(photo, (0, 0), 0.4 / scale)
    picture = cv2.warpAffine(photo, moved, (SIDE, SIDE), borderMode=cv2.BORDER_REFLECT_101)
    return renderer.seen(source, fitter.fit(points, source.fit.identity), picture)


def _expression_of(values: np.ndarray, before: np.ndarray) -> np.ndarray:
    """(50,) intensities, with gaze and head as before: what landmarks show without them."""
    kept = np.array([axis.region in ("gaze", "head") for axis in FACS.axes])
    return np.where(kept, before, values)


def _render(source: Source, target: np.ndarray, before: np.ndarray) -> tuple[Render | None, str]:
    """The face with another expression, and the reason to leave it out or ""."""
    if not worthwhile(target, before):
        return None, ALIKE
    render = _tools()[1].edit(source, target, before)
    return render, checks.spoilt(render, target)


def _write_pair(file: str, render: Render, options: RenderOptions) -> list[str]:
    """Write the picture and the motion of a pair; the names of both files."""
    files, folder = [f"pairs/{file}", f"unfinished/{file}.npz"], Path(options.out)
    write(folder / files[0], crops.encoded(_reduced(render.picture, options.size)))
    write(folder / files[1], _motion(render, options.flow_size))
    return files


def _outside(portrait: Portrait) -> float:
    """Share of the crop that lies outside the photo."""
    grid = (np.arange(32) + 0.5) / 16 - 1  # face coordinates
    to_face = portrait.to_face
    spots = np.stack(np.meshgrid(grid, grid), -1).reshape(-1, 2) - to_face[:, 2]
    spots = spots @ np.linalg.inv(to_face[:, :2]).T
    last = np.array(portrait.photo.shape[1::-1]) - 0.5
    return float(((spots < -0.5) | (spots > last)).any(1).mean())


def _motion(render: Render, size: int) -> bytes:
    """A file of flow (size, size, 2), mouth and shade (size, size), means over cells."""

    fields = {
        "flow": _reduced(render.flow, size),
        "mouth": np.round(255 * _reduced(render.mouth, size)),
        "shade": _reduced(render.shade, size),
    }
    data = io.BytesIO()
    np.savez_compressed(data, **{key: fields[key].astype(KEPT[key]) for key in fields})
    return data.getvalue()


def write_flows(path: Path, files: list[str], folder: Path) -> None:
    """One .npz of the motion of all pairs: names, and KEPT; without holding them in memory."""
    part = path.with_name(f".{path.name}.part")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("names.npy", "w") as entry:
            np.lib.format.write_array(entry, np.array(files), allow_pickle=False)
        for key, kind in KEPT.items():
            with archive.open(f"{key}.npy", "w", force_zip64=True) as entry:
                for place, file in enumerate(files):
                    with np.load(folder / f"{file}.npz", allow_pickle=False) as motion:
                        field = motion[key]
                    if place == 0:
                        header = {
                            "descr": kind,
                            "fortran_order": False,
                            "shape": (len(files), *field.shape),
                        }
                        np.lib.format.write_array_header_1_0(entry, header)
                    entry.write(field.tobytes())
    part.replace(path)
