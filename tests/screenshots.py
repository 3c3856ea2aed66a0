"""assets/screenshots/: the page as a visitor sees it. make screenshots"""

import io
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from moodganimation.animation.easing import interpolate
from moodganimation.animator import Animator
from moodganimation.media.images import read_image
from moodganimation.media.video_writer import write_animation
from moodganimation.resources import ASSETS

from .studio import chromium, opened, served, settled, value, wait_for

FOLDER = ASSETS / "screenshots"
CALM = ASSETS / "portrait-calm.png"
DESK, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
DRAG_SIZE = (720, 450)  # of the moving picture [px]


def shoot(tab, name: str) -> None:
    tab.wait_for_timeout(900)
    tab.screenshot(path=FOLDER / f"{name}.jpg", type="jpeg", quality=80)
    print(FOLDER / f"{name}.jpg")


def clip(animator: Animator, path: Path) -> Path:
    portrait = animator.locate(read_image(CALM))
    there = portrait.reading.replace(AU12=0.9, AU06=0.5, AU25=0.6)
    way = interpolate(portrait.reading, there, 16, ping_pong=True)
    frames = (frame.view("photo", 360) for frame in animator.animate(portrait, way))
    return write_animation(path, frames, 12)


def drag(tab, path: Path) -> None:
    """The moving picture: a corner of the mouth is dragged, then the chin."""
    tab.locator(".drag .handle").first.wait_for(state="attached")
    box, frames = tab.locator("#stage-image").bounding_box(), []

    def seen() -> None:
        picture = Image.open(io.BytesIO(tab.screenshot())).convert("RGB")
        frames.append(np.asarray(picture.resize(DRAG_SIZE, Image.Resampling.LANCZOS)))

    for (x, y), (dx, dy) in (((0.365, 0.69), (-0.045, -0.06)), ((0.5, 0.86), (0, 0.07))):
        x, y = box["x"] + x * box["width"], box["y"] + y * box["height"]
        tab.mouse.move(x, y)
        tab.wait_for_timeout(400)
        seen()
        tab.mouse.down()
        for step in range(1, 13):
            tab.mouse.move(x + dx * box["width"] * step / 12, y + dy * box["height"] * step / 12)
            tab.wait_for_timeout(150)
            seen()
        settled(tab, tab.mouse.up)
        frames.extend(frames[-1:] * 6)
    write_animation(path, frames, 10)
    print(path)


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    animator = Animator.load(device="cpu")
    with tempfile.TemporaryDirectory() as folder, served(animator) as url:
        film = clip(animator, Path(folder) / "clip.mp4")
        with chromium(Path(folder)) as browser:
            dark = {"viewport": DESK, "color_scheme": "dark"}
            tab = opened(browser, url, **dark)
            settled(tab, tab.locator("#preset-happiness").click)
            shoot(tab, "edit")
            tab.locator("#explanation").click()
            shoot(tab, "made")
            tab.locator("#tab-photo").click()
            tab.locator("#edit-tab-mood").click()
            shoot(tab, "mood")
            tab.locator("#edit-tab-face").click()
            for name in ("surprise", "sadness", "happiness"):
                settled(tab, tab.locator(f"#preset-{name}").click)
                settled(tab, tab.locator("#add-keyframe").click)
                settled(tab, tab.locator("#pin").click)
            tab.locator("#export").click()
            tab.wait_for_function("document.querySelector('#curves').src")
            shoot(tab, "animate")
            drag(opened(browser, url, CALM, **dark), FOLDER / "drag.gif")
            others(browser, url, film)


def others(browser, url: str, film: Path) -> None:
    """Film, camera, sheets, light, phone and Spanish."""
    tab = opened(browser, url, viewport=DESK)
    tab.locator("#tab-film").click()
    tab.set_input_files("#film-file", str(film))
    tab.get_by_text("Animate the photo by the video").click()
    tab.locator("#make-film").click()
    tab.locator("#film-form .outcome a").first.wait_for(timeout=180_000)
    shoot(tab, "film")
    tab.locator("#tab-live").click()
    tab.locator("#camera").click()
    form = tab.locator("#live-form")
    wait_for(lambda: int(form.get_attribute("data-frames") or 0) > 20)
    shoot(tab, "live")
    tab.locator("#tab-explore").click()
    tab.locator("#draw").click()
    tab.locator("#explore-form .outcome a").wait_for(timeout=120_000)
    shoot(tab, "explore")
    tab.locator("#tab-photo").click()
    settled(tab, tab.locator("#preset-happiness").click)
    shoot(tab, "light")
    tab = opened(browser, url, viewport=PHONE, is_mobile=True, has_touch=True, color_scheme="dark")
    settled(tab, tab.locator("#preset-happiness").click)
    tab.locator("#phone-filters [data-filter=mouth]").click()
    assert value(tab, "AU12") > 0.5
    shoot(tab, "phone")
    tab = opened(browser, url, viewport=DESK, locale="es-ES", color_scheme="dark")
    tab.locator("#edit-tab-mood").click()
    shoot(tab, "spanish")


if __name__ == "__main__":
    main()
