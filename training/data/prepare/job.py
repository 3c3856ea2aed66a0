"""A run of a command: its folder, what is finished already, and its report at the end.

`unfinished.jsonl` in the folder begins with the options and then has a line for every finished
item: what it was made from and what came of it. A run that was cut off skips those lines' items;
its tables and its report are made at the end, from all of them, so they do not show the cut.
"""

import functools
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from moodganimation.runtime.executors import check_engine, mapped

from .files import write
from .report import Report

LATE = ("val", "test", "seed", "person")  # may change until the end: only tables depend on them


class Job:
    def __init__(self, command: str, out: Path, settings: dict, engine="plain", workers=None):
        """settings: the options that the result depends on, as JSON can say them."""
        check_engine(engine)
        self.out, self.engine, self.workers = Path(out).resolve(), engine, workers
        self.settings = json.loads(json.dumps({"command": command} | settings))
        self.report = Report(command, self.settings)
        self.log = self.out / "unfinished.jsonl"
        self.scratch = self.out / "unfinished"  # for what only goes into tables; gone at the end
        self.done = self._resumed()

    def _resumed(self) -> dict[str, dict]:
        """Finished items of an earlier run; begins a new run where there was none."""
        if not self.log.exists():
            if self.out.exists() and (not self.out.is_dir() or any(self.out.iterdir())):
                raise ValueError(
                    f"{self.out} is not an empty folder, and no unfinished run of this command: "
                    "choose another one, or delete it."
                )
            self.out.mkdir(parents=True, exist_ok=True)
            write(self.log, json.dumps(self.settings) + "\n")
            return {}
        first, *lines = self.log.read_bytes().splitlines(keepends=True)
        self._check(json.loads(first))
        whole = [line for line in lines if line.endswith(b"}}\n")]
        if len(whole) < len(lines):  # cut off in the middle of a line
            write(self.log, first + b"".join(whole))
        entries = map(json.loads, whole)
        return {entry["item"]: entry for entry in entries}

    def _check(self, begun: dict) -> None:
        different = [
            key
            for key in sorted({*begun, *self.settings})
            if begun.get(key) != self.settings.get(key) and key not in LATE
        ]
        if different:
            raise ValueError(
                f"{self.out} was begun with other options ({', '.join(different)}): finish it "
                "with the same ones, or choose another folder."
            )

    def map(self, stage: str, function: Callable, items: list[dict], **options) -> list[dict]:
        """function(item, **options) of every item, in order, without what is done already.

        item: {"name": unique in its stage, "made_from": paths of the files it depends on, ...};
        its result is a dict and may name a "picture", "files" or "clips" that were written.
        """
        from tqdm import tqdm

        stamps = {item["name"]: _stamp(item) for item in items}
        results = {}
        for name, stamp in stamps.items():
            entry = self.done.get(f"{stage}/{name}")
            if entry and entry["stamp"] == stamp and self._still_there(entry["result"]):
                results[name] = entry["result"]
        todo = [item for item in items if item["name"] not in results]
        found = mapped(functools.partial(function, **options), todo, self.engine, self.workers)
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

    def _still_there(self, result: dict) -> bool:
        clips = (self.out / "clips" / clip["clip"] for clip in result.get("clips", ()))
        named = [result["picture"]] if "picture" in result else result.get("files", ())
        files = all((self.out / file).is_file() for file in named)
        return files and all(clip.is_dir() for clip in clips)

    def finish(self) -> Report:
        """Write the report, the last thing but the log's end."""
        write(self.out / "report.json", self.report.json())
        write(self.out / "report.txt", self.report.text())
        for part in self.out.rglob(".*.part"):  # of a write that was cut off
            part.unlink()
        shutil.rmtree(self.scratch, ignore_errors=True)
        os.remove(self.log)
        return self.report


def _stamp(item: dict) -> list:
    """Size and time of the files an item is made from, and all else that is known of it."""
    files = [os.stat(path) for path in item["made_from"]]
    facts = {key: value for key, value in item.items() if key != "made_from"}
    return json.loads(json.dumps([[(f.st_size, f.st_mtime_ns) for f in files], facts]))
