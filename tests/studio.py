"""The page, served, and Chromium looking at it."""

import contextlib
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from moodganimation.animator import Animator
from moodganimation.demo.serve import launch
from moodganimation.media.images import read_image

from .conftest import PHOTO

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]

needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium: apt-get install chromium"
)


@contextlib.contextmanager
def served(animator: Animator, **options) -> Iterator[str]:
    """The address of a page, with options of `launch`."""
    page = launch(animator, prevent_thread_lock=True, quiet=True, **options)
    try:
        yield page.local_url
    finally:
        page.close()


@contextlib.contextmanager
def chromium(folder: Path, frames=None, flags=()):
    """A browser whose camera sees these pictures, thirty a second, again and again; or else the
    face of the test photo."""
    from playwright.sync_api import sync_playwright

    camera = folder / "camera.mjpeg"
    with camera.open("wb") as file:
        for frame in frames or [read_image(PHOTO)] * 30:
            small = cv2.resize(frame, (480, 480), interpolation=cv2.INTER_AREA)[..., ::-1]
            file.write(cv2.imencode(".jpg", small)[1].tobytes())
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[*FLAGS, *flags, f"--use-file-for-fake-video-capture={camera}"],
        )
        yield browser
        browser.close()


def opened(browser, url: str, photo: Path | None = PHOTO, **options):
    """A tab of a visitor of its own, with a photo; None: the example that is there at first."""
    tab = browser.new_context(**options).new_page()
    tab.goto(url)
    started(tab)
    if photo is not None:
        upload(tab, photo)
    return tab


def started(tab) -> None:
    """Wait for the example, and end its smile."""
    tab.wait_for_function("document.body.dataset.photo === 'there'", timeout=60_000)
    tab.keyboard.press("Shift")


def upload(tab, photo: Path) -> None:
    """Open a photo, and wait until the stage shows it."""
    tab.set_input_files("#photo input[type=file]", str(photo))
    name = f"window.moodganimation.session.photo.name === {Path(photo).stem!r}"
    tab.wait_for_function(f"!document.body.dataset.busy && {name}", timeout=60_000)


def source(tab) -> str:
    """The picture on the stage."""
    return tab.get_attribute("#stage-image", "src")


def states(tab) -> int:
    """How many states the page has settled on."""
    return int(tab.evaluate("document.body.dataset.states ?? 0"))


def settled(tab, act) -> None:
    """Act, and wait until the page has settled on a state."""
    before = states(tab)
    act()
    wait_for(lambda: states(tab) > before)


def value(tab, key: str) -> float:
    """What a slider says."""
    return float(tab.input_value(f"#slider-{key}"))


def slide(tab, key: str, to: float) -> None:
    """Move a slider, and wait for its state."""
    settled(tab, lambda: tab.locator(f"#slider-{key}").fill(f"{to:g}"))


def saved(tab) -> np.ndarray:
    """The picture that Save hands over."""
    with tab.expect_download() as download:
        tab.locator("#save").click()
    return read_image(download.value.path())


def wait_for(condition, seconds=30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the page did not answer in time"
        time.sleep(0.05)
