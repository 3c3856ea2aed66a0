"""A run: a folder that remembers an experiment, its log, its pictures and its weights."""

import dataclasses
import json
import os
from pathlib import Path

import torch

FREE = ("steps", "log_every", "save_every", "sample_every")  # may change when a run goes on


class Run:
    """experiment.json, log.jsonl, samples/, events for TensorBoard, state.pt to resume,
    generator.safetensors to use."""

    def __init__(self, folder: Path, experiment, writes: bool = True):
        """writes: whether this process is the one that does. Raises ValueError where the folder
        holds a run of another experiment."""
        self.folder, self.writes, self.board = folder, writes, None
        self.values = values = json.loads(json.dumps(dataclasses.asdict(experiment)))
        path = folder / "experiment.json"
        if old := begun(folder):
            _compare(folder, _usual(experiment) | old, values)
        if writes:
            (folder / "samples").mkdir(parents=True, exist_ok=True)
            _replace(path, json.dumps(values, indent=1))

    def log(self, step: int, **values) -> None:
        with open(self.folder / "log.jsonl", "a") as file:
            file.write(json.dumps({"step": step} | values) + "\n")
        if self.board is None:
            self.board = _board(self.folder, step)
        for name, value in values.items() if self.board else ():
            if isinstance(value, int | float):
                self.board.add_scalar(name.replace(".", "/"), value, step)

    def forget_after(self, step: int) -> None:
        """Take back log lines of steps that were not saved: they will be done again."""
        path = self.folder / "log.jsonl"
        if self.writes and path.exists():
            lines = path.read_text().splitlines(keepends=True)
            _replace(path, "".join(line for line in lines if _step(line) <= step))

    def rows(self) -> list[dict]:
        """What was logged so far."""
        path = self.folder / "log.jsonl"
        return list(map(json.loads, path.read_text().splitlines())) if path.exists() else []

    def save_state(self, state: dict) -> None:
        """Replace state.pt as a whole: a crash leaves the old one."""
        part = self.folder / "state.part"
        torch.save(state, part)
        os.replace(part, self.folder / "state.pt")

    def load_state(self, device) -> dict | None:
        path = self.folder / "state.pt"
        try:
            return torch.load(path, map_location=device, weights_only=True)
        except FileNotFoundError:
            return None
        except Exception as problem:  # torch raises many kinds for a damaged file
            raise ValueError(
                f"{path} is damaged ({str(problem).splitlines()[0][:100]}): the run cannot go on. "
                "Begin again in another folder with --start "
                f"{self.folder / 'generator.safetensors'}."
            ) from None


def _usual(experiment) -> dict:
    """The defaults of an experiment's settings: what a run that does not know one yet had."""
    usual = {
        field.name: field.default
        for field in dataclasses.fields(experiment)
        if field.default is not dataclasses.MISSING
    }
    return json.loads(json.dumps(usual, default=dataclasses.asdict))


def _replace(path: Path, text: str) -> None:
    part = path.with_suffix(".part")
    part.write_text(text)
    os.replace(part, path)


def _board(folder: Path, step: int):
    """TensorBoard's writer, which hides what a run that is repeated from `step` on had written;
    False, said once, where it is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        print("TensorBoard is not installed: this run draws no curves, log.jsonl has them all.")
        return False
    return SummaryWriter(str(folder), purge_step=step)


def is_due(done: int, every: int, total: int) -> bool:
    """Whether what happens every so many steps, and after the last one, happens after `done`."""
    return done % every == 0 or done == total


def begun(folder: Path) -> dict:
    """The values of the experiment that a folder holds a run of; none where none has begun."""
    path = folder / "experiment.json"
    try:
        return json.loads(path.read_text()) if path.exists() else {}
    except ValueError:
        raise ValueError(f"{path} is damaged; choose another folder for --out.") from None


def _compare(folder: Path, old: dict, new: dict) -> None:
    other = [key for key in new if old.get(key) != new[key] and key not in FREE]
    if other:
        raise ValueError(
            f"{folder} holds a run of another experiment (other: {', '.join(other)}); choose "
            "another folder for --out, or repeat the options it was started with (experiment.json)."
        )


def _step(line: str) -> float:
    """The step of a log line; one that a crash cut short counts as never written."""
    try:
        return json.loads(line)["step"]
    except (ValueError, KeyError):
        return float("inf")
