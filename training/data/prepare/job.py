"""A run of a command: its folder, a log of finished items for resuming, and its report.

The first line of `unfinished.jsonl` has the options; each further line is a finished item with the
stamps of its source files and its result. A resumed run skips these items. Tables and report are
written at the end from all items, so they do not depend on interruptions.
"""

import functools
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from moodganimation.runtime.executors import check_engine, map_items

from .files import write_atomically
from .report import Report

TABLE_SETTINGS = ("val", "test", "seed", "person")  # may change on resume: tables are written anew


class Job:
    """A resumable run of a command that writes into a folder."""

    def __init__(self, command: str, out: Path, settings: dict, engine="plain", workers=None):
        """settings: the options that the result depends on, as JSON values. Raises ValueError for a
        folder with other contents."""
        check_engine(engine)
        self.out, self.engine, self.workers = Path(out).resolve(), engine, workers
        self.settings = json.loads(json.dumps({"command": command} | settings))
        self.report = Report(command, self.settings)
        self.log = self.out / "unfinished.jsonl"
        self.scratch = self.out / "unfinished"  # intermediate files, deleted at the end
        self.finished = self._resume()

    def _resume(self) -> dict[str, dict]:
        """Read the finished items of an interrupted run; start a new log if there is none."""
        if not self.log.exists():
            if self.out.exists() and (not self.out.is_dir() or any(self.out.iterdir())):
                raise ValueError(
                    f"{self.out} is neither an empty folder nor an unfinished run of this command: "
                    "choose another folder, or delete it."
                )
            self.out.mkdir(parents=True, exist_ok=True)
            write_atomically(self.log, json.dumps(self.settings) + "\n")
            return {}
        first, *lines = self.log.read_bytes().splitlines(keepends=True)
        self._check_settings(json.loads(first))
        whole = [line for line in lines if line.endswith(b"}}\n")]
        if len(whole) < len(lines):  # the last line is truncated
            write_atomically(self.log, first + b"".join(whole))
        entries = map(json.loads, whole)
        return {entry["item"]: entry for entry in entries}

    def _check_settings(self, stored: dict) -> None:
        """Raise ValueError if the stored options differ from the present ones."""
        different = [
            key
            for key in sorted({*stored, *self.settings})
            if stored.get(key) != self.settings.get(key) and key not in TABLE_SETTINGS
        ]
        if different:
            raise ValueError(
                f"{self.out} was started with other options ({', '.join(different)}): resume it "
                "with the same ones, or choose another folder."
            )

    def map(self, stage: str, function: Callable, items: list[dict], **options) -> list[dict]:
        """Return function(item, **options) of every item, in order; skip finished ones.

        item: {"name": unique in its stage, "made_from": paths of the files it depends on, ...};
        its result is a dict, which may name a "picture", "files" or "clips" that were written. For
        results that `kept` takes, "dropped" is the reason why an item cannot be used; of others it
        holds counts by reason (`crop_video`, `read_table`).
        """
        from tqdm import tqdm

        stamps = {item["name"]: _stamp(item) for item in items}
        results = {}
        for name, stamp in stamps.items():
            entry = self.finished.get(f"{stage}/{name}")
            if entry and entry["stamp"] == stamp and self._outputs_exist(entry["result"]):
                results[name] = entry["result"]
        todo = [item for item in items if item["name"] not in results]
        found = map_items(functools.partial(function, **options), todo, self.engine, self.workers)
        bar = tqdm(total=len(items), initial=len(results), desc=stage, mininterval=0.5)
        with open(self.log, "a", encoding="utf-8") as log, bar:
            for item, result in zip(todo, found, strict=True):
                name = item["name"]
                entry = {"item": f"{stage}/{name}", "stamp": stamps[name], "result": result}
                text = json.dumps(entry)
                log.write(text + "\n")
                log.flush()
                results[name] = json.loads(text)["result"]
                bar.update()
        return [results[item["name"]] for item in items]

    def kept(self, items: list[dict], results: list[dict]) -> list[tuple[dict, dict]]:
        """Pair items with their results; report and leave out dropped ones, and report notes."""
        kept = []
        for item, result in zip(items, results, strict=True):
            if "dropped" in result:
                self.report.drop(result["dropped"], item["name"])
                continue
            kept.append((item, result))
            for note in result.get("notes", ()):
                self.report.note(note, 1)
        return kept

    def _outputs_exist(self, result: dict) -> bool:
        """Whether the files of a result exist."""
        clips = (self.out / "clips" / clip["clip"] for clip in result.get("clips", ()))
        named = [result["picture"]] if "picture" in result else result.get("files", ())
        files = all((self.out / file).is_file() for file in named)
        return files and all(clip.is_dir() for clip in clips)

    def finish(self) -> Report:
        """Write the report, then delete the log and intermediate files."""
        write_atomically(self.out / "report.json", self.report.json())
        write_atomically(self.out / "report.txt", self.report.text())
        for part in self.out.rglob(".*.part"):  # left by an interrupted write
            part.unlink()
        shutil.rmtree(self.scratch, ignore_errors=True)
        os.remove(self.log)
        return self.report


def _stamp(item: dict) -> list:
    """Size and time of the source files of an item, and its other values: if any of them changes,
    the item is processed anew."""
    files = [os.stat(path) for path in item["made_from"]]
    values = {key: value for key, value in item.items() if key != "made_from"}
    return json.loads(json.dumps([[(f.st_size, f.st_mtime_ns) for f in files], values]))
