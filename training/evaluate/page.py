"""The page of an evaluation: one self-contained HTML file with embedded pictures."""

import base64
import json
from html import escape

import cv2
import numpy as np

from .animations import FrameStrip
from .output import COLUMNS, bounds, number, passed
from .report import Evaluation
from .sheets import Sheet
from .style import STYLE

QUALITY = 88  # of JPEG
GAP = 2  # white space between pictures [px]
STRIP_FRAMES = 8  # frames of an animation on the page, at equal intervals


def page(values: dict, evaluation: Evaluation) -> str:
    """Format the page; values: those of evaluation.json; evaluation: has the sheets."""
    about, verdict = values["checkpoint"], values["verdict"]["passes"]
    title = f"{about['file']}: {about['architecture']}, {about['space']}"
    parts = [
        f"<h1>{escape(title)} {_chip(verdict)}</h1>",
        f"<p>{len(values['photos']['edited'])} photos of “{escape(about['split'])}” in "
        f"{escape(about['data'])}, {about['side']} pixels a side.</p>",
        _section("verdict", "Verdict", _verdict(values)),
        _section("axes", "By axis", _axes(values)),
        _section("response", "Response and leakage", _response(values["response"])),
        _section("moods", "Moods", _moods(values) + _sheets(evaluation.grids)),
        _section("sweeps", "Every axis from end to end", _sheets(evaluation.sweeps)),
        _section("panels", "Outputs of the network", _sheets(evaluation.panels)),
        _section("time", "Over time", "".join(map(_frame_strip, evaluation.strips))),
        _section("cost", "Cost", _rows({**values["cost"], "file [MB]": about["megabytes"]})),
        _section("definitions", "Definitions", _definitions(values["definitions"])),
        _section("photos", "Photos and checkpoint", _photos(values)),
    ]
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style><main>{''.join(parts)}</main></html>"
    )


def _section(key: str, title: str, content: str) -> str:
    """Format a section; key: its id."""
    return f'<section id="{key}"><h2>{title}</h2>{content}</section>'


def _chip(passes) -> str:
    """Format a verdict as a colored label."""
    kind = {True: "good", False: "bad", None: "open"}[passes]
    return f'<span class="chip {kind}">{passed(passes)}</span>'


def _table(headings: list[str], rows: list[list[str]]) -> str:
    """Format a table. Headings are escaped, cells are not; the first cell of a row is a heading."""
    top = "".join(f'<th scope="col">{escape(heading)}</th>' for heading in headings)
    lines = "".join(
        f'<tr><th scope="row">{row[0]}</th>{"".join(f"<td>{cell}</td>" for cell in row[1:])}</tr>'
        for row in rows
    )
    return f'<div class="wide"><table><tr>{top}</tr>{lines}</table></div>'


def _rows(figures: dict) -> str:
    """Format names and figures as a table with one row each."""
    rows = []
    for name, value in figures.items():
        text = value if isinstance(value, str) else number(value)
        rows.append([escape(name), escape(text)])
    return f'<div class="text">{_table(["", ""], rows)}</div>'


def _list(items: list[str]) -> str:
    """Format a list of texts; empty without items."""
    return f"<ul>{''.join(f'<li>{escape(item)}</li>' for item in items)}</ul>" if items else ""


def _verdict(values: dict) -> str:
    """Format the criteria, the estimator, the other figures and what was not measured."""
    rows = [
        [escape(name), number(c["value"]), escape(bounds(c)), _chip(c["passes"])]
        for name, c in values["verdict"]["criteria"].items()
    ]
    estimator = values["estimator"]
    kind = "" if estimator["independent"] else " class=warn"
    others = {k: v for k, v in values["measures"].items() if k not in values["verdict"]["criteria"]}
    distance = {
        f"KID-like distance, {k}": values["distance"][k]
        for k in ("added", "edited", "deviation", "unedited", "against")
    }
    return (
        _table(["criterion", "value", "required", ""], rows)
        + f"<p{kind}><b>Estimator: {escape(estimator['name'])}.</b> "
        + f"{escape(estimator['statement'])}</p>"
        + _rows(others | distance)
        + "<h3>Not measured</h3>"
        + _list(values["not measured"])
    )


def _axes(values: dict) -> str:
    """Format the figures of every axis."""
    columns = [
        (key, digits)
        for key, digits in COLUMNS.values()
        if any(axis.get(key) is not None for axis in values["axes"].values())
    ]
    rows = [
        [escape(name), *(_with_bar(figures.get(key), key, digits) for key, digits in columns)]
        for name, figures in {**values["axes"], "all": values["measures"]}.items()
    ]
    return _table(["axis", *(key for key, _ in columns)], rows)


def _with_bar(value, key: str, digits: int) -> str:
    """Format a figure, with a bar in the background if it is a share."""
    text = number(value, digits)
    if value is None or key not in ("follow", "moved", "straightness", "likeness"):
        return text
    width = 100 * min(1, max(0, value))
    return f'<span class="bar" style="--w:{width:.0f}%">{text}</span>'


def _response(response: dict) -> str:
    """Format a table whose cells are colored by the change of the estimate: blue up, red down."""
    table = np.array(response["values"], float)
    largest = max(float(np.abs(table).max()), 1e-6)
    rows = []
    for name, line in zip(response["rows"], table, strict=True):
        cells = []
        for column, value in zip(response["columns"], line, strict=True):
            color = "38,110,220" if value > 0 else "214,60,48"
            own, opacity = " own" if column == name else "", abs(value) / largest
            cells.append(
                f'<span class="cell{own}" style="background:rgba({color},{opacity:.2f})">'
                f"{_short(value)}</span>"
            )
        rows.append([escape(name), *cells])
    text = (
        "Rows: the requested axis, from its lowest level to its highest. Columns: mean change of "
        "the estimates. Framed: the axis itself."
    )
    return f'<p>{text}</p><div class="matrix">{_table(["", *response["columns"]], rows)}</div>'


def _short(value: float) -> str:
    """Format a change in few characters: +.12, -.05, 0."""
    return f"{value:+.2f}".replace("0.", ".") if abs(value) >= 0.005 else "0"


def _moods(values: dict) -> str:
    """Format the mood concordance by axis."""
    rows = [
        [escape(key), *(number(value, 2) for value in figures.values())]
        for key, figures in values["mood concordance"].items()
    ]
    if not rows:
        return "<p>The axes of this space are not moods and cannot be converted to moods.</p>"
    note = "The formula for dominance has not been validated against human ratings."
    return (
        _table(["axis", "concordance, requested and estimated", "correlation", "ceiling"], rows)
        + f"<p>{note}</p>"
    )


def _sheets(sheets: list[Sheet]) -> str:
    """Format contact sheets."""
    return "".join(_strips(sheet.title, sheet.headings, sheet.rows) for sheet in sheets)


def _frame_strip(strip: FrameStrip) -> str:
    """Format STRIP_FRAMES of an animation, and its figures."""
    rows = []
    for name, frames in strip.rows:
        chosen = np.linspace(0, len(frames) - 1, min(STRIP_FRAMES, len(frames))).round().astype(int)
        rows.append((name, frames[chosen]))
    return _strips(strip.title, [str(i + 1) for i in chosen], rows) + _rows(strip.values)


def _strips(title: str, headings: list[str], rows: list[tuple[str, np.ndarray]]) -> str:
    """Format rows of pictures of equal width under their headings."""
    columns = f'style="--n:{len(headings)}"'
    top = "".join(f"<span>{escape(heading)}</span>" for heading in headings)
    lines = "".join(
        f'<span class="name">{escape(name)}</span><img alt="{escape(f"{title}, {name}")}" '
        f'loading="lazy" src="{_picture(pictures)}">'
        for name, pictures in rows
    )
    return (
        f"<figure><figcaption>{escape(title)}</figcaption>"
        f'<div class="strips"><span></span><div class="heads" {columns}>{top}</div>{lines}</div>'
        "</figure>"
    )


def _picture(pictures: np.ndarray) -> str:
    """Encode pictures (n, S, S, 3) uint8 RGB side by side as a data URL of a JPEG."""
    gap = np.full((pictures.shape[1], GAP, 3), 255, np.uint8)
    row = np.concatenate([x for picture in pictures for x in (picture, gap)][:-1], 1)
    coded = cv2.imencode(".jpg", row[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1]
    return f"data:image/jpeg;base64,{base64.b64encode(coded).decode()}"


def _definitions(definitions: dict) -> str:
    """Format the definitions of the figures."""
    items = (f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in definitions.items())
    return f"<dl>{''.join(items)}</dl>"


def _photos(values: dict) -> str:
    """Format the photos, and the card of the checkpoint."""
    about = dict(values["checkpoint"])
    card = {k: v if isinstance(v, str) else json.dumps(v) for k, v in about.pop("card").items()}
    return (
        _list(values["photos"]["remarks"])
        + f"<p>{escape(', '.join(values['photos']['edited']))}</p>"
        + _rows(about)
        + f"<details><summary>Card of the checkpoint</summary>{_rows(card)}</details>"
    )
