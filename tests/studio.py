"""The page, served, and Chromium looking at it."""

import contextlib
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
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
def served(animator: Animator) -> Iterator[str]:
    """The address of a page."""
    page = launch(animator, prevent_thread_lock=True, quiet=True)
    try:
        yield page.local_url
    finally:
        page.close()


@contextlib.contextmanager
def chromium(folder: Path, frames=None):
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
            executable_path=CHROMIUM, args=[*FLAGS, f"--use-file-for-fake-video-capture={camera}"]
        )
        yield browser
        browser.close()


def opened(browser, url: str, photo: Path = PHOTO, **options):
    """A tab of a visitor of its own, with a photo."""
    tab = browser.new_context(**options).new_page()
    tab.goto(url)
    tab.set_input_files("#photo input[type=file]", str(photo))
    tab.wait_for_selector("#result img", timeout=60_000)
    return tab


def source(tab) -> str:
    """Where the result comes from: data: for a preview, http: for the full one."""
    return tab.get_attribute("#result img", "src")


def wait_for(condition, seconds=30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the page did not answer in time"
        time.sleep(0.05)
