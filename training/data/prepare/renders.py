"""What the command `pairs` does to a photo, and how the motion of all pairs gets into a file."""

import io
import zipfile
import zlib
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from moodganimation.errors import UnreadableImage
from moodganimation.faces.portrait import Portrait, cells
from moodganimation.media.images import read_image

from ...rendering import checks, teeth
from ...rendering.fit import Fitter
from ...rendering.mesh_points import OVAL
from ...rendering.model import SIDE, load_model
from ...rendering.render import Render, Renderer, doubled, halved
from ...rendering.targets import Wish, draw, worthwhile
from ..augment import FRAME, WHOLE
from ..landmarks import Landmarks, canonical
from . import crops
from .files import write

OTHER_SIZE = "its landmarks are of a picture of another size"
NO_FACE = "its landmarks are no face"
NO_CROP = "not a canonical crop of 144 pixels"
OUTSIDE = "too much of the face's crop lies outside the photo"
ALIKE = "targets that the photo nearly shows already"
MOST_OUTSIDE = 0.3  # share of the crop
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
    to_face = WHOLE if prepared else canonical(points)
    to_crop = cells(to_face, FRAME)
    return to_face, points @ to_crop[:, :2].T + to_crop[:, 2]


def fit_photo(item: dict, landmarks: str, prepared: bool) -> dict:
    """{"units": 17 intensities 0..5} of {name, place}, or {"dropped": why}."""
    try:
        _, points = _face(_table(landmarks), item["place"], prepared)
        fit = _tools()[0].fit(points)
    except ValueError:
        return {"dropped": NO_FACE}
    reason = checks.misfit(fit)
    return {"dropped": reason} if reason else {"units": fit.intensities.tolist()}


def render_photo(item: dict, out: str, landmarks: str, prepared: bool, bank: str, per_photo: int,
                 aus: list[int], low: float, singles: float, flow_size: int, smallest: int
                 ) -> dict:  # fmt: skip
    """Write the pairs of {name, picture, place, units, seed}, and its crop unless `prepared`.

    bank: file of the intensities (P, 17) of all photos. Returns {"pairs": [file, kind, folded
    share, 17 intensities], "spoilt": reason -> count, "files": all that was written, "jaws":
    `jaws.places`} or {"dropped": why}.
    """
    table, (fitter, renderer), folder = _table(landmarks), _tools(), Path(out)
    with crops.single_threaded():
        try:
            photo = read_image(Path(item["picture"]))
        except UnreadableImage:
            return {"dropped": crops.UNREADABLE}
        if tuple(table.sizes[item["place"]]) != photo.shape[1::-1]:
            return {"dropped": NO_CROP if prepared else OTHER_SIZE}
        to_face, points = _face(table, item["place"], prepared)
        portrait = Portrait(photo, to_face, "")
        if not prepared and portrait.side < smallest:
            return {"dropped": crops.SMALL}
        if _outside(portrait) > MOST_OUTSIDE:
            return {"dropped": OUTSIDE}
        picture = doubled(photo) if prepared else portrait.face(SIDE)
        source = renderer.source(picture, fitter.fit(points))
        reason = checks.covered(renderer.surface.model, source)
        if reason:
            return {"dropped": reason}
        files, pairs, spoilt = [], [], {}
        now, others, wish = np.array(item["units"]), np.load(bank), Wish(tuple(aus), low, singles)
        for turn in range(per_photo):
            rng = np.random.default_rng([item["seed"], zlib.crc32(item["name"].encode()), turn])
            kind, target = draw(rng, now, others, wish)
            target = target.round(2)  # as the table says it, and what is the same stays the same
            reason = ALIKE
            if worthwhile(target, now):
                render = renderer.edit(source, target, now)
                reason = checks.spoilt(render, target)
            if reason:
                spoilt[reason] = spoilt.get(reason, 0) + 1
                continue
            file = f"{item['name']}_{turn}.jpg"
            files += [f"pairs/{file}", f"unfinished/{file}.npz"]
            write(folder / files[-2], crops.encoded(halved(render.picture)))
            write(folder / files[-1], _motion(render, flow_size))
            pairs.append([file, kind, checks.folded(render), target.tolist()])
        if not prepared:
            files.append(f"imgs/{item['name']}.jpg")
            write(folder / files[-1], crops.encoded(halved(picture)))
    places = teeth.places(renderer.surface, source)
    places["outline"] = (2 * points[OVAL] + 1) / FRAME - 1
    places = {key: place.tolist() for key, place in places.items()}
    return {"pairs": pairs, "spoilt": spoilt, "files": files, "jaws": places}


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

    def reduced(field: np.ndarray) -> np.ndarray:
        return cv2.resize(field, (size, size), interpolation=cv2.INTER_AREA)

    fields = {
        "flow": reduced(render.flow),
        "mouth": np.round(255 * reduced(render.mouth)),
        "shade": reduced(render.shade),
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
                        header = {"descr": kind, "fortran_order": False,
                                  "shape": (len(files), *field.shape)}  # fmt: skip
                        np.lib.format.write_array_header_1_0(entry, header)
                    entry.write(field.tobytes())
    part.replace(path)
