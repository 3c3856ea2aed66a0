"""The page in a real browser: one test for each of the things that it promises."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from moodganimation.demo.words import TEXTS
from moodganimation.expressions import ACTION_UNITS
from moodganimation.images import read_image
from moodganimation.moods import MOODS

from .conftest import PHOTO
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
    frames = [portrait.photo] * 75 + [talk] * 15
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


def test_two_visitors_of_one_photo_both_see_everything(page):
    tabs = [visit(page), visit(page)]
    for tab in tabs:
        for name in ("attention", "color", "motion"):
            image = f"document.querySelector('#{name} img')"
            wait_for(lambda tab=tab, image=image: tab.evaluate(f"{image}?.naturalWidth > 0"))
        tab.context.close()


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
    wanted = {"photo submit", "model text", "pad slider", "pleasure number", "undo submit",
              "part radio", "painting submit", "brush submit", "pin submit", "pins submit",
              "restore submit", "both slider", "at number", "scrub number"}  # fmt: skip
    assert not wanted - set(reached), " ".join(reached)
    handle = tab.locator("#both [role=slider]")
    before = handle.get_attribute("style")
    handle.press("ArrowLeft")
    wait_for(lambda: handle.get_attribute("style") != before)
    assert 0 < int(handle.get_attribute("aria-valuenow")) < 50
    tab.context.close()


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


def test_a_photo_mirrors_the_visitor_and_the_recording_becomes_keyframes(page):
    tab = visit(page)
    tab.get_by_role("tab", name="Live").click()
    tab.locator("#what").get_by_text("the photo, as my mirror").click()
    tab.locator("#camera").click()
    live = tab.locator("#live [data-settled]")
    wait_for(lambda: live.get_attribute("data-settled") == "false")
    assert "hold still" in tab.inner_text("#live [role=status]")
    wait_for(lambda: live.get_attribute("data-settled") == "true")
    tab.locator("#calm").click()
    wait_for(lambda: live.get_attribute("data-settled") == "false")
    wait_for(lambda: live.get_attribute("data-settled") == "true")
    tab.locator("#record").click()
    wait_for(lambda: "● 4 s" in tab.inner_text("#live [role=status]"))
    tab.locator("#camera").click()
    tab.locator("#save-recording").click()
    tab.wait_for_selector("#recording video", timeout=30_000)
    with tab.expect_download() as download:
        tab.locator("#played a").first.click()
    rows = Path(download.value.path()).read_text().splitlines()
    opened = [float(row.split(",")[1 + ACTION_UNITS.index("AU26")]) for row in rows[1:]]
    assert len(rows) > 5 and max(opened) - min(opened) > 0.3
    tab.locator("#edit-recording").click()
    tab.wait_for_selector("#timeline img")
    assert "keyframes:" in tab.inner_text("#keys")
    before = source(tab)
    tab.locator("#scrub input[type=range]").press("End")
    wait_for(lambda: source(tab) != before)
    tab.context.close()
