"""The page: one HTML file that holds its pictures and asks nobody for anything."""

import base64
import json
from html import escape

import cv2
import numpy as np

from .motion import Walk
from .output import COLUMNS, bounds, number, passed
from .pictures import Sheet
from .report import Evaluation
from .style import STYLE

QUALITY = 88  # of JPEG
GAP = 2  # white between pictures [px]
STRIP = 8  # frames shown of a walk


def page(values: dict, evaluation: Evaluation) -> str:
    """`values` is what evaluation.json holds."""
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
        _section("panels", "What the network says", _sheets(evaluation.panels)),
        _section("time", "Over time", "".join(map(_walk, evaluation.walks))),
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
    return f'<section id="{key}"><h2>{title}</h2>{content}</section>'


def _chip(passes) -> str:
    kind = {True: "good", False: "bad", None: "open"}[passes]
    return f'<span class="chip {kind}">{passed(passes)}</span>'


def _table(heads: list[str], rows: list[list[str]]) -> str:
    """Heads are escaped, cells are not; the first cell of a row is its head."""
    top = "".join(f'<th scope="col">{escape(head)}</th>' for head in heads)
    lines = "".join(
        f'<tr><th scope="row">{row[0]}</th>{"".join(f"<td>{cell}</td>" for cell in row[1:])}</tr>'
        for row in rows
    )
    return f'<div class="wide"><table><tr>{top}</tr>{lines}</table></div>'


def _rows(figures: dict) -> str:
    """Names and figures below each other."""
    rows = []
    for name, value in figures.items():
        text = value if isinstance(value, str) else number(value)
        rows.append([escape(name), escape(text)])
    return f'<div class="text">{_table(["", ""], rows)}</div>'


def _list(items: list[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(item)}</li>' for item in items)}</ul>" if items else ""


def _verdict(values: dict) -> str:
    rows = [
        [escape(name), number(c["value"]), escape(bounds(c)), _chip(c["passes"])]
        for name, c in values["verdict"]["criteria"].items()
    ]
    judge = values["estimator"]
    kind = "" if judge["independent"] else " class=warn"
    others = {k: v for k, v in values["measures"].items() if k not in values["verdict"]["criteria"]}
    distance = {
        f"KID-like distance, {k}": values["distance"][k]
        for k in ("added", "edited", "deviation", "unedited", "against")
    }
    return (
        _table(["criterion", "value", "wanted", ""], rows)
        + f"<p{kind}><b>Judge: {escape(judge['name'])}.</b> {escape(judge['statement'])}</p>"
        + _rows(others | distance)
        + "<h3>Not measured</h3>"
        + _list(values["not measured"])
    )


def _axes(values: dict) -> str:
    shown = [
        (head, key, digits)
        for head, (key, digits) in COLUMNS.items()
        if any(axis.get(key) is not None for axis in values["axes"].values())
    ]
    rows = [
        [escape(name), *(_graded(figures.get(key), key, digits) for _, key, digits in shown)]
        for name, figures in {**values["axes"], "all": values["measures"]}.items()
    ]
    return _table(["axis", *(key for _, key, _ in shown)], rows)


def _graded(value, key: str, digits: int) -> str:
    """A figure with a bar behind it where it is a share."""
    text = number(value, digits)
    if value is None or key not in ("follow", "moved", "straightness", "likeness"):
        return text
    width = 100 * min(1, max(0, value))
    return f'<span class="bar" style="--w:{width:.0f}%">{text}</span>'


def _response(response: dict) -> str:
    """A table whose cells are colored by how far the estimate moved, blue up and red down."""
    table = np.array(response["values"], float)
    most = max(float(np.abs(table).max()), 1e-6)
    rows = []
    for name, line in zip(response["rows"], table, strict=True):
        cells = []
        for column, value in zip(response["columns"], line, strict=True):
            color = "38,110,220" if value > 0 else "214,60,48"
            own = " own" if column == name else ""
            cells.append(
                f'<span class="cell{own}" style="background:rgba({color},{abs(value) / most:.2f})">'
                f"{_short(value)}</span>"
            )
        rows.append([escape(name), *cells])
    text = (
        "Rows: the axis asked for, from its lowest level to its highest. Columns: mean change of "
        "what the estimator sees. Framed: the axis itself."
    )
    return f'<p>{text}</p><div class="matrix">{_table(["", *response["columns"]], rows)}</div>'


def _short(value: float) -> str:
    return f"{value:+.2f}".replace("0.", ".") if abs(value) >= 0.005 else "0"


def _moods(values: dict) -> str:
    rows = [
        [escape(key), *(number(value, 2) for value in both.values())]
        for key, both in values["mood concordance"].items()
    ]
    if not rows:
        return "<p>The axes of this space are no moods and cannot be turned into them.</p>"
    note = "Dominance is a definition and was never validated."
    return (
        _table(["concordance", "asked and estimated", "correlation", "ceiling"], rows)
        + f"<p>{note}</p>"
    )


def _sheets(sheets: list[Sheet]) -> str:
    return "".join(_strips(sheet.title, sheet.heads, sheet.rows) for sheet in sheets)


def _walk(walk: Walk) -> str:
    rows = []
    for name, frames in walk.rows:
        chosen = np.linspace(0, len(frames) - 1, min(STRIP, len(frames))).round().astype(int)
        rows.append((name, frames[chosen]))
    return _strips(walk.title, [str(i + 1) for i in chosen], rows) + _rows(walk.values)


def _strips(title: str, heads: list[str], rows: list[tuple[str, np.ndarray]]) -> str:
    """Rows of pictures of one width under their heads."""
    columns = f'style="--n:{len(heads)}"'
    top = "".join(f"<span>{escape(head)}</span>" for head in heads)
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
    """(n, S, S, 3) uint8 RGB side by side, as a data URL of a JPEG."""
    gap = np.full((pictures.shape[1], GAP, 3), 255, np.uint8)
    row = np.concatenate([x for picture in pictures for x in (picture, gap)][:-1], 1)
    coded = cv2.imencode(".jpg", row[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1]
    return f"data:image/jpeg;base64,{base64.b64encode(coded).decode()}"


def _definitions(definitions: dict) -> str:
    items = (f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in definitions.items())
    return f"<dl>{''.join(items)}</dl>"


def _photos(values: dict) -> str:
    about = dict(values["checkpoint"])
    card = {k: v if isinstance(v, str) else json.dumps(v) for k, v in about.pop("card").items()}
    return (
        _list(values["photos"]["remarks"])
        + f"<p>{escape(', '.join(values['photos']['edited']))}</p>"
        + _rows(about)
        + f"<details><summary>Card of the checkpoint</summary>{_rows(card)}</details>"
    )
