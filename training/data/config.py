"""Settings of the data of a run: files, clips, augmentation and targets."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """Settings of a run's data. Files lie below --data; "" stands for the default name, for
    annotations one of DEFAULT_NAMES in `data/annotations.py`."""

    kind: Literal["stills", "clips", "pairs"]
    # After "original:", options of the original repositories.
    images: str = ""  # original: --train_images_folder
    annotations: str = ""  # original: --training_aus_file, --train_info_file
    ids: str = ""  # original: --train_ids_file; {split} stands for train, val or test
    frames: int = 1  # original: --frames_cnt; of a clip: the input and frames - 1 to generate
    # flip: mirror images only; crop: also random crops and rolls; view: also random tones
    augment: Literal["flip", "crop", "view"] = "flip"
    # Targets of photos: expressions of other photos, with uniform noise of this half width.
    target_noise: float = 0.1
    target_floor: bool = False  # raise targets below 0 to 0
    # Greatest and least distance of that expression from the photo's label, on every axis. No
    # two values are 10 apart: it means no limit.
    target_reach: float = 10.0
    target_apart: float = 0.0
