"""Edit every photo in a folder in the same way: python -m moodganimation batch FOLDER --out DIR.

Each result is written to a journal as soon as it is known, so that the same command resumes where
it stopped. A photo that cannot be edited is reported as failed and the others are edited; files
that are no photos are reported as skipped.
"""

import argparse
import functools
import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import InvalidValue, Problem, Unwritable
from ..files.atomic import check_writable
from ..media.formats import READABLE_ENDINGS, WRITABLE_FORMATS
from ..recipe import Recipe, read_recipe
from ..runtime.executors import check_engine, map_items

JOURNAL, REPORT = ".batch.jsonl", "report.json"
MAX_REASONS, MAX_NAMES, MAX_NOTES = 8, 5, 5  # in the summary; the report has all of them
EXPRESSION_OPTIONS = ("set", "preset", "like", "intensity", "look")


@dataclass
class Report:
    """The results of a folder. Photos and files are named by their paths below it.

    The summary and report.json call `failed` "left out" and `skipped` "passed over".
    """

    edited: int = 0  # photos edited by this run
    edited_before: int = 0  # photos edited by earlier runs
    failed: dict[str, str] = field(default_factory=dict)  # photo -> reason
    skipped: dict[str, str] = field(default_factory=dict)  # file that is no photo -> reason
    notes: dict[str, list[str]] = field(default_factory=dict)  # photo -> what was changed or lost
    results: dict[str, str] = field(default_factory=dict)  # photo -> its edited file

    def text(self) -> str:
        """The summary for the terminal."""
        lines = [
            f"edited: {self.edited}, edited before: {self.edited_before}, "
            f"left out: {len(self.failed)}, passed over: {len(self.skipped)}"
        ]
        notes = Counter(note for notes in self.notes.values() for note in notes)
        lines += [*_reason_lines(self.failed), *_reason_lines(self.skipped)]
        lines += [f"note, {n} x {note}" for note, n in notes.most_common(MAX_NOTES)]
        return "\n".join(lines)

    def json(self) -> str:
        """The content of report.json; bytes of names that are not UTF-8 are escaped."""
        values = {
            "edited": self.edited + self.edited_before,
            "left out": self.failed,
            "passed over": self.skipped,
            "results": self.results,
        }
        values |= {"notes": self.notes} if self.notes else {}
        text = json.dumps(values, indent=1, ensure_ascii=False) + "\n"
        return re.sub("[\ud800-\udfff]", lambda found: f"\\u{ord(found[0]):04x}", text)

    def add(self, item: dict, result: dict) -> None:
        """Add the result of a photo. item, result: as for `edit_one`."""
        name = item["name"]
        if "notes" in result:
            self.notes[name] = result["notes"]
        if "why" in result:
            self.failed[name] = result["why"]
        else:
            self.results[name] = item["out"]


def _reason_lines(reasons: dict[str, str]) -> list[str]:
    """Lines with the most frequent reasons, and the names of some files."""
    lines = []
    for reason, count in Counter(reasons.values()).most_common(MAX_REASONS):
        names = [name for name in reasons if reasons[name] == reason]
        more = ", ..." if count > MAX_NAMES else ""
        lines.append(f"{count} x {reason} ({', '.join(names[:MAX_NAMES])}{more})")
    return lines


def batch(options, progress=lambda done, total: None) -> Report:
    """Edit every photo in `options.folder` and below, and write it to `options.out` under its name.

    options: `folder`, `out`, `recipe` (a file) or the options of `edit` (set, preset, like,
    intensity, look; a recipe overrides them), `checkpoint`, `device`, `detail`, `label`, `engine`,
    `workers`. progress: called with the number of photos that are done, and of all. Raises Problem
    if the request is invalid, or if there is neither a photo nor an earlier result.
    """
    from .option_values import BATCH_CHANGE_OPTIONS, expression_request, require_change

    folder, out = Path(options.folder).resolve(), Path(options.out).resolve()
    expression_request(options)  # raises for an invalid request
    _check_engine_and_folders(options, folder, out)
    request = _collect_request(options)
    key = hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()[:16]
    photos, skipped = _find_photos(folder)
    report, journal_entries = Report(skipped=skipped), _read_journal(out, key)
    if not photos and not journal_entries:
        reasons = "".join(f"; {line}" for line in _reason_lines(skipped))
        raise Unwritable("There are no photos in {}{}.", folder, reasons)
    require_change(options, *BATCH_CHANGE_OPTIONS)
    _prepare_request(request, options.engine)
    _make_folder(out)
    check_writable(out / REPORT)
    items = _unfinished(folder, out, photos, journal_entries, report)
    work = functools.partial(edit_one, request=request, out_folder=str(out))
    _end_last_line(out / JOURNAL)
    with open(out / JOURNAL, "a", encoding="utf-8") as journal:
        results = _edit_all(work, items, options)
        for done, (item, result) in enumerate(zip(items, results, strict=True), 1):
            journal.write(json.dumps({"key": key, **item, **result}) + "\n")
            journal.flush()
            report.edited += "why" not in result
            report.add(item, result)
            progress(done, len(items))
    names = [path.relative_to(folder).as_posix() for path in photos]
    report.results = {name: report.results[name] for name in names if name in report.results}
    report.failed = {name: report.failed[name] for name in names if name in report.failed}
    (out / REPORT).write_text(report.json(), encoding="utf-8")
    return report


def _collect_request(options) -> dict:
    """Collect the options that determine the results, as JSON values."""
    request = {
        name: getattr(options, name)
        for name in (*EXPRESSION_OPTIONS, "checkpoint", "device", "label")
    }
    recipe = read_recipe(options.recipe) if options.recipe else None
    request["expression"] = _recipe_expression(recipe, options.recipe) if recipe else None
    # The recipe's detail applies unless --detail is given; 1, its default, counts as not given.
    request["detail"] = recipe.detail if recipe and options.detail == 1 else options.detail
    request["like"] = request["like"] and str(Path(request["like"]).resolve())
    return request


def _edit_all(work, items: list[dict], options) -> Iterator[dict]:
    """Yield the result of every item, in order; turn an executor's ValueError into InvalidValue."""
    try:
        yield from map_items(work, items, options.engine, options.workers)
    except ValueError as problem:
        raise problem if isinstance(problem, Problem) else InvalidValue(str(problem)) from None


def _prepare_request(request: dict, engine: str) -> None:
    """Load the model and resolve the request for a neutral face, so that errors come first.

    Adds to the request the reading of --like, and for other engines than "plain" the backends that
    all workers use. Raises Problem.
    """
    from ..expressions.schema import expression_to_json
    from ..expressions.spaces import Expression
    from .option_values import like_reading, print_unknown_axes

    animator = _animator(request["checkpoint"], request["device"], None)
    animator.with_detail(request["detail"])
    like = like_reading(argparse.Namespace(**request), animator)
    request["like_reading"] = like and expression_to_json(like)
    if not request["expression"]:
        print_unknown_axes(animator.space)
    _target_expression(request, animator, Expression.neutral(animator.reader_space))
    if engine != "plain":  # so that no worker measures which backend is the fastest
        request["backends"] = animator.generator.backends


def _check_engine_and_folders(options, folder: Path, out: Path) -> None:
    """Raise Problem for an unknown engine or for unsuitable folders."""
    try:
        check_engine(options.engine)
    except ValueError as problem:
        raise InvalidValue(str(problem)) from None
    if not folder.is_dir():
        raise Unwritable("There is no folder {}.", folder)
    if out == folder or folder in out.parents or out in folder.parents:
        raise Unwritable(
            "The output folder {} and the photo folder {} must not contain each other: name "
            "another folder with --out.",
            out,
            folder,
        )


def _make_folder(out: Path) -> None:
    """Create the output folder. Raises Unwritable."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise Unwritable("{} cannot be created ({}).", out, problem.strerror) from None


def _unfinished(
    folder: Path, out: Path, photos: list[Path], journal_entries: dict[str, dict], report: Report
) -> list[dict]:
    """The photos to edit; those that an earlier run has edited or failed at go to the report.

    A failed photo is tried again only after its file has changed. Returns items for `edit_one`.
    """
    items, done = [], {}
    for path in photos:
        name, stat = path.relative_to(folder).as_posix(), path.stat()
        stamp, entry = [stat.st_size, stat.st_mtime_ns], journal_entries.get(name)
        if (
            entry
            and entry["stamp"] == stamp
            and (entry.get("why") or (out / entry["out"]).is_file())
        ):
            report.edited_before += "why" not in entry
            report.add(entry, entry)
            done[name] = entry["out"]
        else:
            items.append({"name": name, "photo": str(path), "stamp": stamp})
    names = result_names([item["name"] for item in items], done.values())
    return [item | {"out": name} for item, name in zip(items, names, strict=True)]


def result_names(names: list[str], taken: Collection[str] = ()) -> list[str]:
    """The names of the results of photos.

    A result has the name of its photo if that format can be written, else with the ending .png. If
    two results would have the same name, .png is appended to the photo's name (a.bmp.png). taken:
    names of existing results.
    """
    defaults = [
        name if _is_writable(name) else str(Path(name).with_suffix(".png")) for name in names
    ]
    counts, results, used = Counter(map(str.casefold, defaults)), [], {*taken}
    # File systems of macOS and Windows ignore case, so new names must differ in more than case.
    reserved = {name.casefold() for name in (*taken, *filter(_is_writable, names))}
    for name, result in zip(names, defaults, strict=True):
        if _is_writable(name):  # names of photos may differ in case only: their folder holds both
            is_free = result not in used
        else:
            is_free = counts[result.casefold()] == 1 and result.casefold() not in reserved
        if not is_free:
            result = f"{name}.png"
            while result.casefold() in reserved:
                result = f"{result}.png"
        used.add(result)
        reserved.add(result.casefold())
        results.append(result)
    return results


def _is_writable(name: str) -> bool:
    """Whether pictures of this name can be written."""
    return Path(name).suffix.lower() in WRITABLE_FORMATS


def edit_one(item: dict, request: dict, out_folder: str) -> dict:
    """Edit one photo and write the result.

    item: {"name": path below the folder, "photo": path, "stamp": size and time of the file, "out":
    path of the result below `out_folder`}. Returns {"finder": how the face was found, "notes":
    sentences, if any}, or {"why": the reason of a failure, without the path}.
    """
    from ..media.images import holds_16bit, read_photo, write_image
    from .option_values import recipe_text

    try:
        animator = _animator(request["checkpoint"], request["device"], request.get("backends"))
        animator = animator.with_detail(request.get("detail", 1.0))
        photo = read_photo(item["photo"], holds_16bit(item["out"]))
        portrait = animator.locate(photo.pixels)
        options = argparse.Namespace(**request)
        target = _target_expression(request, animator, portrait.reading)
        path = Path(out_folder) / item["out"]
        path.parent.mkdir(parents=True, exist_ok=True)
        if os.path.realpath(path) == os.path.realpath(item["photo"]):
            raise Unwritable("{} leads to the photo that is read; choose another folder.", path)
        edited = animator.edit(portrait, target).render_for_file(photo)
        recipe = recipe_text(options, portrait, expression=target)
        losses = write_image(path, edited, recipe=recipe, label=options.label, source=photo)
    except (Problem, OSError) as problem:
        return {"why": str(problem).replace(item["photo"], "the file")}
    notes = [
        str(note).replace(item["photo"], "The photo").replace(path.name, "the result")
        for note in (*photo.notes, *portrait.notes, *losses)
    ]
    return {"finder": portrait.found_by} | ({"notes": notes} if notes else {})


def _target_expression(request: dict, animator, reading):
    """The target expression of a face with this reading: that of the recipe, or of the options."""
    from ..expressions.moods import convert_expression
    from ..expressions.schema import expression_from_json
    from .option_values import target_function

    if request["expression"]:
        return convert_expression(
            expression_from_json(request["expression"]), animator.space, reading
        )
    like = request.get("like_reading") and expression_from_json(request["like_reading"])
    return target_function(argparse.Namespace(**request), animator, like)(reading)


@functools.cache
def _animator(checkpoint: str | None, device: str, backends: tuple[str, ...] | None):
    """Load the animator, once per process."""
    import torch

    from ..animator import Animator
    from ..runtime.threads import usable_cores

    torch.set_num_threads(usable_cores())
    return Animator.load(checkpoint, device, backends=backends)


def _recipe_expression(recipe: Recipe, path: str) -> dict:
    """The target expression of a recipe as JSON values; of a timeline, that of the last keyframe.

    path: of the recipe, for the error message.
    """
    from ..expressions.schema import expression_to_json

    target = recipe.expression or recipe.timeline.keyframes[-1].expression
    if target is None:
        raise InvalidValue("The recipe in {} contains no expression.", path)
    return expression_to_json(target)


def _find_photos(folder: Path) -> tuple[list[Path], dict[str, str]]:
    """Files below a folder that may be photos, sorted by name, and why others are skipped.

    Links are not followed. The reasons are by path below the folder.
    """
    found, skipped = [], {}

    def name_of(path: str | Path) -> str:
        return Path(path).relative_to(folder).as_posix()

    def skip_folder(problem: OSError) -> None:
        skipped[name_of(problem.filename)] = f"a folder that cannot be read ({problem.strerror})"

    for root, folders, names in os.walk(folder, onerror=skip_folder, followlinks=False):
        folders.sort()
        links = {name for name in folders if (Path(root) / name).is_symlink()}
        skipped |= {name_of(Path(root) / name): "a link to a folder" for name in sorted(links)}
        for path in (Path(root) / name for name in sorted(names)):
            if reason := _skip_reason(path):
                skipped[name_of(path)] = reason
            else:
                found.append(path)
    return found, skipped


def _skip_reason(path: Path) -> str | None:
    """Why a file is no photo; None if it may be one."""
    if path.name.startswith("."):
        return "a hidden file"
    if path.is_symlink():
        return "a link"
    if path.suffix.lower() not in READABLE_ENDINGS:
        return "not a kind of picture that can be read"
    return None if path.is_file() else "not a regular file"


def _end_last_line(path: Path) -> None:
    """Add the end of the last line of a file, if it has none because a run has stopped in it."""
    if path.is_file() and path.read_bytes()[-1:] not in (b"", b"\n"):
        with path.open("a", encoding="utf-8") as file:
            file.write("\n")


def _read_journal(out: Path, key: str) -> dict[str, dict]:
    """The entries of earlier runs of the same request, by name; incomplete lines are ignored.

    key: hash of the request. An entry is an item with its result, see `edit_one`.
    """
    journal_entries = {}
    try:
        lines = (out / JOURNAL).read_text("utf-8").splitlines()
    except OSError:
        return {}
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if entry.get("key") == key:
            journal_entries[entry["name"]] = entry
    return journal_entries
