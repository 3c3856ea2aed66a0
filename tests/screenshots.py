"""assets/screenshots/: the page as a visitor sees it. make screenshots"""

import tempfile
from pathlib import Path

from moodganimation.animation.easing import interpolate
from moodganimation.animator import Animator
from moodganimation.media.images import read_image
from moodganimation.media.video_writer import write_animation
from moodganimation.resources import ASSETS

from .conftest import PHOTO
from .studio import chromium, opened, served, source, wait_for

FOLDER = ASSETS / "screenshots"
WIDE, PHONE = {"width": 1400, "height": 1050}, {"width": 390, "height": 844}


def settled(tab, act) -> None:
    """Act, and wait for the full result."""
    before = source(tab)
    act()
    wait_for(lambda: source(tab) != before and source(tab).startswith("http"))
    tab.wait_for_timeout(700)


def choose(tab, emotion: str) -> None:
    tab.get_by_role("tab", name="Emotions").click()
    settled(tab, tab.locator("#preset").get_by_text(emotion, exact=True).click)
    tab.get_by_role("tab", name="Action Units").click()


def shoot(tab, name: str) -> None:
    tab.wait_for_timeout(300)
    tab.screenshot(path=FOLDER / f"{name}.jpg", type="jpeg", quality=80)
    print(FOLDER / f"{name}.jpg")


def clip(animator: Animator, path: Path) -> Path:
    portrait = animator.locate(read_image(ASSETS / "portrait-calm.png"))
    there = portrait.reading.replace(AU12=0.9, AU06=0.5, AU25=0.6)
    way = interpolate(portrait.reading, there, 16, ping_pong=True)
    frames = (frame.view("photo", 360) for frame in animator.animate(portrait, way))
    return write_animation(path, frames, 12)


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    animator = Animator.load(device="cpu")
    with tempfile.TemporaryDirectory() as folder, served(animator) as url:
        film = clip(animator, Path(folder) / "clip.mp4")
        with chromium(Path(folder)) as browser:
            tab = opened(browser, url, viewport=WIDE)
            choose(tab, "happy")
            shoot(tab, "edit")
            tab.get_by_role("tab", name="Mood").click()
            shoot(tab, "mood")
            tab.get_by_text("Keyframes, instead").click()
            for moment, emotion in enumerate(("surprise", "sad", "fear")):
                choose(tab, emotion)
                tab.locator("#at input").fill(str(1 + 1.5 * moment))
                tab.locator("#add-key").click()
                tab.get_by_text(f"{moment + 1} keyframes").wait_for(timeout=20_000)
            tab.locator("#make").click()
            tab.wait_for_selector("#files a", timeout=180_000)
            tab.wait_for_selector("#mp4 video", timeout=20_000)
            tab.locator("#make").scroll_into_view_if_needed()
            tab.locator("#timeline").scroll_into_view_if_needed()
            shoot(tab, "animate")
            tab.get_by_role("tab", name="Film").click()
            tab.set_input_files("#clip input[type=file]", str(film))
            tab.wait_for_selector("#clip video", timeout=30_000)
            tab.locator("#drive").click()
            tab.wait_for_selector("#film video", timeout=180_000)
            tab.wait_for_selector("#curves img", timeout=20_000)
            tab.locator("#curves").scroll_into_view_if_needed()
            shoot(tab, "film")
            tab.get_by_role("tab", name="Live").click()
            tab.locator("#camera").click()
            wait_for(lambda: int(tab.get_attribute("#live [data-frames]", "data-frames") or 0) > 20)
            tab.locator("#live").scroll_into_view_if_needed()
            shoot(tab, "live")
            tab.locator("#camera").click()
            tab.get_by_role("tab", name="Explore").click()
            tab.locator("#draw").click()
            tab.wait_for_selector("#sheet img", timeout=120_000)
            tab.locator("#sheet").scroll_into_view_if_needed()
            shoot(tab, "explore")

            tab = opened(browser, url, PHOTO, viewport=WIDE, color_scheme="dark")
            choose(tab, "happy")
            shoot(tab, "dark")
            tab = opened(browser, url, PHOTO, viewport=PHONE, is_mobile=True, has_touch=True)
            choose(tab, "happy")
            tab.locator("#AU12").scroll_into_view_if_needed()
            shoot(tab, "phone")
            tab = opened(browser, url, PHOTO, viewport=WIDE, locale="es-ES")
            tab.get_by_role("tab").nth(1).click()
            shoot(tab, "spanish")


if __name__ == "__main__":
    main()
