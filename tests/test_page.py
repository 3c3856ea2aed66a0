"""The page in a real browser: one test for each of the things that it promises."""

from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from moodganimation.demo.i18n import TEXTS
from moodganimation.expressions.moods import MOODS
from moodganimation.expressions.spaces import ACTION_UNITS
from moodganimation.media.images import read_image, write_image

from .conftest import ASSETS, PHOTO
from .studio import chromium, needs_chromium, opened, served, source, wait_for

pytestmark = needs_chromium
WIDE = {"viewport": {"width": 1300, "height": 1000}}
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
# Every text that can be read on the page, and what is told to those who cannot see it; Gradio's own
# checkboxes say in a title what they mean to the program, and its painter speaks for itself.
SAID = """() => [...document.querySelectorAll("body *:not([type=checkbox], #painting *)")]
  .filter((e) => e.checkVisibility())
  .flatMap((e) => [
    ...[...e.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data),
    e.role === "combobox" && e.value, e.title, e.alt, e.ariaLabel, e.placeholder])
  .filter((text) => typeof text === "string" && text.trim()).map((text) => text.trim())"""
WIDTH = "document.documentElement.scrollWidth"
OVERLAPS = """() => {
  const boxes = [...document.querySelectorAll("#pad text")].map((e) => e.getBoundingClientRect());
  return boxes.flatMap((a, i) => boxes.slice(0, i).filter((b) =>
    Math.min(a.right, b.right) - Math.max(a.left, b.left) > 0.5
    && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 0.5)).length;
}"""


@pytest.fixture(scope="module")
def page(animator, tmp_path_factory):
    portrait = animator.locate(read_image(PHOTO))
    talk = animator.edit(portrait, portrait.reading.replace(AU26=1.0, AU02=0.8)).image
    frames = [portrait.photo] * 75 + [talk] * 30
    with served(animator) as url, chromium(tmp_path_factory.mktemp("camera"), frames) as browser:
        yield SimpleNamespace(url=url, browser=browser)


def visit(page, **options):
    return opened(
        page.browser, page.url, **{"viewport": {"width": 1300, "height": 1000}, **options}
    )


def unfold(tab) -> None:
    """Every accordion of the page."""
    tab.evaluate(
        "document.querySelectorAll('button.label-wrap:not(.open)').forEach((b) => b.click())"
    )
    tab.wait_for_timeout(300)


def number(tab, name: str) -> float:
    return float(tab.input_value(f"#{name} input[type=number]"))


@pytest.mark.slow
@pytest.mark.parametrize("locale", ["es-ES", "zh-CN"])
def test_no_english_is_left(page, locale):
    tab = visit(page, locale=locale)
    foreign = {text for text, others in TEXTS.items() if others[locale[:2]] != text}
    for name in range(tab.get_by_role("tab").count()):
        tab.get_by_role("tab").nth(name).click()
        unfold(tab)
        left = foreign & set(tab.evaluate(SAID))
        assert not left, left
    tab.locator("#remove-key").dispatch_event("click")
    tab.get_by_text(TEXTS["There is no keyframe to take away."][locale[:2]]).wait_for()
    tab.context.close()


@pytest.mark.slow
def test_two_visitors_of_one_photo_both_see_everything(page):
    tabs = [visit(page), visit(page)]
    for tab in tabs:
        for name in ("attention", "color", "motion"):
            image = f"document.querySelector('#{name} img')"
            wait_for(lambda tab=tab, image=image: tab.evaluate(f"{image}?.naturalWidth > 0"))
        tab.context.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    "options", [{"locale": "en"}, {"locale": "es-ES", **PHONE}, {"locale": "zh-CN"}]
)
def test_moods_have_names_that_can_be_read_and_chosen(page, options):
    tab = visit(page, **options)
    tab.get_by_role("tab").nth(1).click()
    wait_for(lambda: tab.locator("#pad text[x]").count() == len(MOODS) >= 20)
    assert tab.evaluate(OVERLAPS) == 0
    size = tab.evaluate("document.querySelector('#pad text').getBoundingClientRect().height")
    assert (
        size > 9
        and tab.evaluate("document.documentElement.scrollWidth") <= tab.viewport_size["width"]
    )
    said = TEXTS["terrified"].get(options["locale"][:2], "terrified")
    before = source(tab)
    tab.locator("#pad text", has_text=said).click()
    names = ("pleasure", "arousal", "dominance")
    wait_for(lambda: tuple(number(tab, name) for name in names) == MOODS["terrified"])
    wait_for(lambda: source(tab) != before and source(tab).startswith("http"))
    tab.locator("#pad svg").press("PageDown")
    wait_for(lambda: number(tab, "pleasure") != MOODS["terrified"][0])
    here = tuple(number(tab, name) for name in names)
    assert here in MOODS.values()
    tab.locator("#pad svg").press("ArrowRight")
    wait_for(lambda: number(tab, "pleasure") == pytest.approx(here[0] + 0.05))
    tab.context.close()


# What can be acted on or looked at, and has no name for those who cannot see it.
NAMELESS = """() => [...document.querySelectorAll(
    "button, input, select, textarea, a[href], [role=slider], svg[tabindex], img, canvas")]
  .filter((e) => e.checkVisibility({ visibilityProperty: true }))
  .filter((e) => ![e.ariaLabel, e.alt, e.title, e.placeholder, e.textContent,
    ...[...(e.labels ?? [])].map((label) => label.textContent), e.parentElement.ariaLabel]
    .some((name) => name?.trim()))
  .map((e) => e.outerHTML.slice(0, 200))"""
FOCUSED = """() => {
  const e = document.activeElement;
  return e.closest("[id]:not([id^=range], [id^=html])")?.id + " " + (e.type || e.role || e.tagName);
}"""


@pytest.mark.slow
def test_everything_has_a_name_and_the_keyboard_reaches_it(page):
    tab = visit(page)
    unfold(tab)
    tab.locator("#pin").click()
    tab.wait_for_selector("#pins img")
    tab.get_by_role("tab", name="Live").click()
    tab.wait_for_timeout(300)
    reached, names = [], ["Mood", "Before and after", "Film", "Explore", "Animate"]
    for name in names:
        tab.get_by_role("tab", name=name, exact=True).press("Enter")
        tab.wait_for_timeout(500)  # what is new gets its name
        assert tab.evaluate(NAMELESS) == []
    tab.locator("h1").click()
    for _ in range(130):
        tab.keyboard.press("Tab")
        reached.append(tab.evaluate(FOCUSED))
    wanted = {
        "photo submit",
        "model text",
        "pad slider",
        "pleasure number",
        "undo submit",
        "part radio",
        "painting submit",
        "brush submit",
        "pin submit",
        "pins submit",
        "restore submit",
        "both slider",
        "at number",
        "scrub number",
    }
    assert not wanted - set(reached), " ".join(reached)
    handle = tab.locator("#both [role=slider]")
    before = handle.get_attribute("style")
    handle.press("ArrowLeft")
    wait_for(lambda: handle.get_attribute("style") != before)
    assert 0 < int(handle.get_attribute("aria-valuenow")) < 50
    tab.context.close()


@pytest.mark.slow
def test_on_a_phone_the_result_is_seen_while_a_slider_moves(page):
    tab = visit(page, **PHONE, color_scheme="dark")
    slider = tab.locator("#AU26 input[type=range]")
    slider.scroll_into_view_if_needed()
    slider.press("End")
    wait_for(lambda: source(tab).startswith("data:"))
    place = tab.locator("#result").bounding_box()
    assert place["y"] >= 0 and place["y"] + place["height"] <= 844
    assert place["x"] >= 0 and place["x"] + place["width"] <= 390
    for name in ("Animate", "Film", "Live", "Explore"):
        tab.get_by_role("tab", name=name).click()
        unfold(tab)
        assert tab.evaluate(WIDTH) <= 390, name
    assert "zygomaticus" in tab.get_attribute("#AU12", "title")
    tab.context.close()


@pytest.mark.slow
def test_a_photo_mirrors_the_visitor_and_the_recording_becomes_keyframes(page):
    tab = visit(page)
    tab.get_by_role("tab", name="Live").click()
    tab.locator("#what").get_by_text("the photo, as my mirror").click()
    tab.locator("#mirror-strength").wait_for()
    tab.locator("#camera").click()
    live = tab.locator("#live [data-settled]")
    wait_for(lambda: live.get_attribute("data-settled") == "false")
    assert "hold still" in tab.inner_text("#live [role=status]")
    wait_for(lambda: live.get_attribute("data-settled") == "true")
    tab.locator("#calm").click()
    wait_for(lambda: live.get_attribute("data-settled") == "false")
    wait_for(lambda: live.get_attribute("data-settled") == "true")
    tab.locator("#record").click()
    wait_for(lambda: "● 5 s" in tab.inner_text("#live [role=status]"))
    tab.locator("#camera").click()
    tab.locator("#save-recording").click()
    tab.wait_for_selector("#recording video", timeout=30_000)
    with tab.expect_download() as download:
        tab.locator("#played a").first.click()
    rows = Path(download.value.path()).read_text().splitlines()
    units = np.array([[float(value) for value in row.split(",")[1:18]] for row in rows[1:]])
    assert len(units) > 5 and np.ptp(units, 0).max() > 0.25
    tab.locator("#edit-recording").click()
    tab.wait_for_selector("#timeline img")
    assert "keyframes:" in tab.inner_text("#keys")
    before = source(tab)
    tab.locator("#scrub input[type=range]").press("End")
    wait_for(lambda: source(tab) != before)
    tab.context.close()


def shown(tab) -> np.ndarray:
    """The picture in the result, as the visitor downloads it."""
    with tab.expect_download() as download:
        tab.locator("#result").get_by_label("Download").click()
    return read_image(download.value.path())


def settled(tab, act) -> None:
    """Act, and wait for the full result."""
    before = source(tab)
    act()
    wait_for(lambda: source(tab) != before and source(tab).startswith("http"))


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A photo of 1200 pixels with two faces."""
    photo = cv2.resize(read_image(PHOTO)[:400], (1200, 938), interpolation=cv2.INTER_CUBIC)
    calm = read_image(ASSETS / "portrait-calm.png")
    calm = cv2.resize(calm, (938, 938), interpolation=cv2.INTER_CUBIC)
    path = tmp_path_factory.mktemp("photos") / "large.png"
    write_image(path, np.concatenate([photo, calm], 1))
    return path


@pytest.mark.slow
def test_every_face_at_full_resolution_from_exactly_the_photo(page, large):
    tab, photo = opened(page.browser, page.url, large, **WIDE), read_image(large)
    np.testing.assert_array_equal(shown(tab), photo)
    assert tab.locator("#faces img").count() == 2
    settled(tab, lambda: tab.locator("#AU26 input[type=number]").fill("1"))
    one = (shown(tab) != photo).any((0, 2))
    settled(tab, tab.locator("#faces button:has(img)").nth(1).click)
    settled(tab, lambda: tab.locator("#AU26 input[type=number]").fill("1"))
    both = (shown(tab) != photo).any((0, 2))
    assert [half.any() for half in np.split(one, [1200])].count(True) == 1
    assert all(half.any() for half in np.split(both, [1200]))
    settled(tab, tab.locator("#neutral").click)
    assert all(number(tab, key) == 0 for key in ACTION_UNITS.keys)
    tab.context.close()


@pytest.mark.slow
def test_parts_are_kept_and_expressions_borrowed(page):
    tab, photo = visit(page), read_image(PHOTO)
    settled(tab, lambda: tab.locator("#AU45 input[type=number]").fill("1"))
    whole = (shown(tab) != photo).any(2).sum()
    settled(tab, tab.locator("#part").get_by_text("their left half").click)
    left = (shown(tab) != photo).any(2).sum()
    settled(tab, tab.locator("#locked").get_by_text("eyes").click)
    assert (shown(tab) != photo).any(2).sum() < left < 0.8 * whole
    assert tab.locator("#bars .plane .seen").count() == 1
    assert "did not respond" in tab.inner_text("#bars")  # locked eyes do not blink
    tab.get_by_text("Copy the expression of another photo").click()
    tab.set_input_files("#other input[type=file]", str(ASSETS / "portrait-calm.png"))
    tab.wait_for_selector("#other img")
    settled(tab, tab.locator("#borrow").click)
    assert number(tab, "AU45") < 0.5
    tab.context.close()


@pytest.mark.slow
def test_a_picture_that_is_dropped_back_brings_its_controls(page):
    tab = visit(page)
    tab.get_by_role("tab", name="Emotions").click()
    settled(tab, tab.locator("#preset").get_by_text("sad", exact=True).click)
    settled(tab, tab.locator("#part").get_by_text("their left half").click)
    with tab.expect_download() as download:
        tab.locator("#result").get_by_label("Download").click()
    kept, picture = Path(download.value.path()).with_suffix(".png"), shown(tab)
    kept.write_bytes(Path(download.value.path()).read_bytes())
    tab.context.close()
    tab = visit(page)
    tab.get_by_text("Recipe: restore or copy").click()
    tab.set_input_files("#made input[type=file]", str(kept))
    tab.get_by_text(kept.name).wait_for()
    settled(tab, tab.locator("#restore").click)
    np.testing.assert_array_equal(shown(tab), picture)
    assert (
        number(tab, "AU15") == 1
        and tab.locator("#part input:checked").input_value() != "whole face"
    )
    tab.get_by_role("tab", name="Emotions").click()
    assert tab.locator("#preset input:checked").count() == 1
    tab.locator("#recipe").click()
    wait_for(lambda: tab.input_value("#link input, #link textarea").startswith("#recipe="))
    tab.context.close()


@pytest.mark.slow
def test_the_studio_writes_every_format_and_scrubs_every_mode(page):
    tab = visit(page)
    settled(tab, lambda: tab.locator("#AU26 input[type=number]").fill("1"))
    tab.get_by_text("Keyframes, instead").click()
    for moment, value in (("0", "1"), ("0.4", "0")):
        settled(tab, lambda value=value: tab.locator("#AU26 input[type=number]").fill(value + ".0"))
        tab.locator("#at input").fill(moment)
        tab.locator("#add-key").click()
        tab.get_by_text(f"{1 + (moment != '0')} keyframes").wait_for()
    tab.get_by_label("ping-pong").check()
    tab.get_by_label("Blinks").check()
    for name in ("WebP", "PNG strip"):
        tab.get_by_label(name, exact=True).check()
    settled(tab, lambda: tab.locator("#scrub input[type=range]").press("End"))
    turned = shown(tab)
    settled(tab, lambda: tab.locator("#scrub input[type=number]").fill("0.5"))
    assert (shown(tab) != turned).any()  # there and back: the end is not where it turns
    tab.locator("#make").click()
    wait_for(lambda: tab.locator("#files a").count() >= 4, 60)
    names = tab.inner_text("#files")
    assert all(ending in names for ending in (".gif", ".mp4", ".webp", ".png"))
    tab.context.close()
