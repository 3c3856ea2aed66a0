"""Runs: folders with the settings, log, sample sheets, state and weights of an experiment."""

import dataclasses
import json
import os
from pathlib import Path

import torch

# Settings that may differ when a run is resumed.
CHANGEABLE = ("steps", "log_every", "save_every", "sample_every")


class Run:
    """The folder of a run, new or to be resumed.

    It holds experiment.json, log.jsonl, samples/, events of TensorBoard, state.pt to resume from,
    and generator.safetensors to use.
    """

    def __init__(self, folder: Path, experiment, is_writer: bool = True):
        """Open the folder, and store the settings in it.

        experiment: a dataclass; its FORMER_NAMES, if any, are former names of settings -> names.
        is_writer: whether this process writes the files. Raises ValueError if the folder holds a
        run of another experiment.
        """
        self.folder, self.is_writer = folder, is_writer
        self.tensorboard = None  # a writer from the first log line on; False if not installed
        self.settings = settings = json.loads(json.dumps(dataclasses.asdict(experiment)))
        if stored := stored_experiment(folder):
            names = getattr(experiment, "FORMER_NAMES", {})
            stored = {names.get(key, key): value for key, value in stored.items()}
            _check_unchanged(folder, _defaults(experiment) | stored, settings)
        if is_writer:
            (folder / "samples").mkdir(parents=True, exist_ok=True)
            _write_atomically(folder / "experiment.json", json.dumps(settings, indent=1))

    def log(self, step: int, **values) -> None:
        """Append values to log.jsonl, and numbers to TensorBoard. Only the writer may call it."""
        with open(self.folder / "log.jsonl", "a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step} | values) + "\n")
        if self.tensorboard is None:
            self.tensorboard = _open_tensorboard(self.folder, step)
        for name, value in values.items() if self.tensorboard else ():
            if isinstance(value, int | float):
                self.tensorboard.add_scalar(name.replace(".", "/"), value, step)

    def forget_after(self, step: int) -> None:
        """Remove the log lines after `step`, that of the saved state: those steps are repeated."""
        path = self.folder / "log.jsonl"
        if self.is_writer and path.exists():
            lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
            _write_atomically(path, "".join(line for line in lines if _step_of(line) <= step))

    def read_log(self) -> list[dict]:
        """Read the values of all lines of the log."""
        path = self.folder / "log.jsonl"
        if not path.exists():
            return []
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]

    def save_state(self, state: dict) -> None:
        """Replace state.pt atomically. Only the writer may call it."""
        part = self.folder / "state.part"
        torch.save(state, part)
        os.replace(part, self.folder / "state.pt")

    def load_state(self, device) -> dict | None:
        """Return the saved state; None if there is none. Raises ValueError for a damaged file."""
        path = self.folder / "state.pt"
        try:
            return torch.load(path, map_location=device, weights_only=True)
        except FileNotFoundError:
            return None
        except Exception as problem:  # torch raises many kinds for a damaged file
            raise ValueError(
                f"{path} is damaged ({str(problem).splitlines()[0][:100]}): the run cannot be "
                "resumed. Start again in another folder with --start "
                f"{self.folder / 'generator.safetensors'}."
            ) from None


def _defaults(experiment) -> dict:
    """The defaults of an experiment's top-level settings, for runs stored before one existed."""
    defaults = {
        field.name: field.default
        for field in dataclasses.fields(experiment)
        if field.default is not dataclasses.MISSING
    }
    return json.loads(json.dumps(defaults, default=dataclasses.asdict))


def _write_atomically(path: Path, text: str) -> None:
    """Write or replace a text file, which is never there in part."""
    part = path.with_suffix(".part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)


def _open_tensorboard(folder: Path, step: int):
    """Open TensorBoard's writer, which hides earlier events from `step` on.

    Without TensorBoard print a note and return False.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        print("TensorBoard is not installed: the values are in log.jsonl only.")
        return False
    return SummaryWriter(str(folder), purge_step=step)


def is_due(steps_done: int, every: int, total_steps: int) -> bool:
    """Whether an action is due: after each `every` steps of a run, and after the last."""
    return steps_done % every == 0 or steps_done == total_steps


def step_seed(seed: int, step: int) -> int:
    """The seed of torch's random numbers for a step; distinct for runs of up to a million steps."""
    return seed * 1_000_003 + step


def stored_experiment(folder: Path) -> dict:
    """Read the settings in a folder's experiment.json; empty where there is none.

    Raises ValueError for a damaged file.
    """
    path = folder / "experiment.json"
    try:
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except ValueError:
        raise ValueError(f"{path} is damaged; choose another folder for --out.") from None


def _check_unchanged(folder: Path, old: dict, new: dict) -> None:
    """Raise ValueError if settings other than CHANGEABLE differ."""
    changed = [key for key in new if old.get(key) != new[key] and key not in CHANGEABLE]
    if changed:
        raise ValueError(
            f"{folder} holds a run of another experiment (different: {', '.join(changed)}); choose "
            "another folder for --out, or repeat the options it was started with (experiment.json)."
        )


def _step_of(line: str) -> float:
    """The step of a log line; infinite for a line that a crash truncated."""
    try:
        return json.loads(line)["step"]
    except (ValueError, KeyError):
        return float("inf")
