"""A folder of photos, each edited alike: python -m moodganimation batch FOLDER --out DIR.

What becomes of every photo is written down as it becomes known, so that the same command goes on
where it stopped; a photo that cannot be edited is told, and the others are.
"""

import argparse
import functools
import hashlib
import json
import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import InvalidValue, Problem, Unwritable
from ..media.images import WRITTEN
from ..recipe import read_recipe
from ..runtime.executors import check_engine, mapped

JOURNAL, REPORT = ".batch.jsonl", "report.json"
READ = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".avif"}
SAID = ("set", "preset", "like", "intensity", "look")  # options that say what is wanted


@dataclass
class Report:
    """What became of a folder."""

    edited: int = 0
    before: int = 0  # edited by an earlier run
    left_out: dict[str, str] = field(default_factory=dict)  # photo -> why, as a sentence

    def text(self) -> str:
        lines = [
            f"edited: {self.edited}, edited before: {self.before}, left out: {len(self.left_out)}"
        ]
        lines += [f"{n} x {why}" for why, n in Counter(self.left_out.values()).most_common(5)]
        return "\n".join(lines)


def batch(options, progress=lambda done, total: None) -> Report:
    """Edit every photo under `options.folder` into `options.out`, under the same name.

    options: `folder`, `out`, `recipe` (a file) or what `edit` takes (set, preset, like, intensity,
    look), `checkpoint`, `device`, `label`, `engine`, `workers`. Raises Problem where nothing can be
    done.
    """
    from .requests import expression_request

    folder, out = Path(options.folder).resolve(), Path(options.out).resolve()
    expression_request(options)  # an invalid request is reported before any work
    _check(options, folder, out)
    request = {name: getattr(options, name) for name in (*SAID, "checkpoint", "device", "label")}
    request["expression"] = _expression(options.recipe) if options.recipe else None
    request["like"] = request["like"] and str(Path(request["like"]).resolve())
    _make_folder(out)
    key = hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()[:16]
    if options.engine != "plain":  # all workers use the backend that is quickest here
        network = _animator(options.checkpoint, options.device, None).generator
        request["backends"] = network.backends
    report = Report()
    items = _unfinished(folder, out, _known(out, key), report)
    work = functools.partial(edit_one, request=request, out=str(out))
    with open(out / JOURNAL, "a") as journal:
        results = mapped(work, items, options.engine, options.workers)
        for done, (item, result) in enumerate(zip(items, results, strict=True), 1):
            journal.write(json.dumps({"key": key, **item, **result}) + "\n")
            journal.flush()
            report.edited += "why" not in result
            report.left_out |= {item["name"]: result["why"]} if "why" in result else {}
            progress(done, len(items))
    counts = {"edited": report.edited + report.before, "left out": report.left_out}
    (out / REPORT).write_text(json.dumps(counts, indent=1, ensure_ascii=False) + "\n")
    return report


def _check(options, folder: Path, out: Path) -> None:
    """Raises Problem where nothing could be done."""
    try:
        check_engine(options.engine)
    except ValueError as problem:
        raise InvalidValue(str(problem)) from None
    if not folder.is_dir():
        raise Unwritable("There is no folder {}.", folder)
    if out == folder or folder in out.parents or out in folder.parents:
        raise Unwritable("{} and {} must lie apart: name another folder with --out.", out, folder)


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise Unwritable("{} cannot be made ({}).", out, problem.strerror) from None


def _unfinished(folder: Path, out: Path, known: dict[str, dict], report: Report) -> list[dict]:
    """The photos that no earlier run finished; those that one did are counted in the report.

    Raises Unwritable where there are no photos at all.
    """
    items = []
    for path in _photos(folder):
        name = path.relative_to(folder).as_posix()
        stat = path.stat()
        stamp = [stat.st_size, stat.st_mtime_ns]
        done = known.get(name)
        if done and done["stamp"] == stamp and (done.get("why") or (out / done["out"]).is_file()):
            report.before += "why" not in done
            report.left_out |= {name: done["why"]} if "why" in done else {}
            continue
        ending = path.suffix.lower() if path.suffix.lower() in WRITTEN else ".png"
        target = Path(name).with_suffix(ending).as_posix()
        items.append({"name": name, "photo": str(path), "stamp": stamp, "out": target})
    if not items and not known:
        raise Unwritable("There are no photos in {}.", folder)
    return items


def edit_one(item: dict, request: dict, out: str) -> dict:
    """Edit the photo of {photo, out}: {"finder": how its face was found}, or {"why": a sentence
    without its path}."""
    from ..expressions.moods import in_space
    from ..expressions.schema import to_expression
    from ..media.images import read_image, write_image
    from .requests import recipe, target_function

    try:
        animator = _animator(request["checkpoint"], request["device"], request.get("backends"))
        portrait = animator.locate(read_image(item["photo"]))
        options = argparse.Namespace(**request)
        if request["expression"]:
            expression = to_expression(request["expression"])
            target = in_space(expression, animator.space, portrait.reading)
        else:
            target = target_function(options, animator)(portrait.reading)
        path = Path(out) / item["out"]
        path.parent.mkdir(parents=True, exist_ok=True)
        image = animator.edit(portrait, target).image
        text = recipe(options, portrait, expression=target)
        write_image(path, image, recipe=text, label=options.label)
    except (Problem, OSError) as problem:
        return {"why": str(problem).replace(item["photo"], "the file")}
    return {"finder": portrait.finder}


@functools.cache
def _animator(checkpoint: str | None, device: str, backends: tuple[str, ...] | None):
    """Made once a process."""
    import torch

    from ..animator import Animator
    from ..runtime.threads import cores

    torch.set_num_threads(cores())
    return Animator.load(checkpoint, device, backends=backends)


def _expression(path: str) -> dict:
    """What a recipe wants, as plain values: where its face was does not matter here."""
    from ..expressions.schema import of_expression

    recipe = read_recipe(path)
    wanted = recipe.expression or recipe.timeline.keyframes[-1].expression
    if wanted is None:
        raise InvalidValue("The recipe in {} asks for no expression.", path)
    return of_expression(wanted)


def _photos(folder: Path) -> list[Path]:
    """Files that may be photos, by name; links are not followed."""
    found = []
    for root, folders, names in os.walk(folder, followlinks=False):
        folders.sort()
        for name in sorted(names):
            path = Path(root) / name
            if path.suffix.lower() in READ and not name.startswith(".") and not path.is_symlink():
                found.append(path)
    return found


def _known(out: Path, key: str) -> dict[str, dict]:
    """What earlier runs of the same wish found, by name; a line that was cut short is forgotten."""
    known = {}
    try:
        lines = (out / JOURNAL).read_text().splitlines()
    except OSError:
        return {}
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if entry.get("key") == key:
            known[entry["name"]] = entry
    return known
