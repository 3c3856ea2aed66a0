"""A run: a folder that remembers an experiment, its log, its pictures and its weights."""

import dataclasses
import json
import os
from pathlib import Path

import torch


class Run:
    """experiment.json, log.jsonl, samples/, state.pt to resume, generator.safetensors to use."""

    def __init__(self, folder: Path, experiment):
        self.folder = folder
        (folder / "samples").mkdir(parents=True, exist_ok=True)
        values = json.loads(json.dumps(dataclasses.asdict(experiment)))
        path = folder / "experiment.json"
        if path.exists() and json.loads(path.read_text()) != values:
            raise ValueError(
                f"{folder} holds a run of another experiment; choose another folder for --out, "
                "or repeat the options that it was started with (experiment.json)."
            )
        path.write_text(json.dumps(values, indent=1))

    def log(self, **values) -> None:
        with open(self.folder / "log.jsonl", "a") as file:
            file.write(json.dumps(values) + "\n")

    def save_state(self, state: dict) -> None:
        """Replace state.pt as a whole: a crash leaves the old one."""
        part = self.folder / "state.part"
        torch.save(state, part)
        os.replace(part, self.folder / "state.pt")

    def load_state(self, device) -> dict | None:
        path = self.folder / "state.pt"
        return torch.load(path, map_location=device, weights_only=True) if path.exists() else None
