"""Which data a run reads, and how it is augmented."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Data:
    """Where files lie below --data; "" looks for the usual names (see `data/annotations.py`)."""

    kind: Literal["stills", "clips", "pairs"]
    images: str = ""  # --train_images_folder
    annotations: str = ""  # --training_aus_file, --train_info_file
    ids: str = ""  # --train_ids_file; {split} stands for train, val or test
    frames: int = 1  # --frames_cnt: of a clip, the first one included
    augment: Literal["flip", "crop", "view"] = "flip"  # crop: and turn; view: and tone
    target_noise: float = 0.1  # uniform, to both sides
    target_floor: bool = False  # raise targets below 0 to 0
    target_reach: float = 10.0  # redraw targets of which a component is farther from the photo's
    target_apart: float = 0.0  # ... or nearer
