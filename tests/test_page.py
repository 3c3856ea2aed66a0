"""The page in a real browser: what it promises, at the size of a desk and of a phone."""

import base64
import os
import re
import time
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from moodganimation.animation.easing import interpolate
from moodganimation.demo.i18n import TEXTS
from moodganimation.demo.labels import UNITS_BY_REGION
from moodganimation.expressions.moods import NAMED_MOODS
from moodganimation.media.images import read_image, write_image
from moodganimation.media.video_writer import write_animation

from .conftest import ASSETS, PHOTO
from .studio import (
    chromium,
    needs_chromium,
    opened,
    saved,
    served,
    settled,
    slide,
    source,
    started,
    states,
    upload,
    value,
    wait_for,
)

pytestmark = needs_chromium
DESK = {"viewport": {"width": 1440, "height": 900}}
WIDE = {"viewport": {"width": 1920, "height": 1080}}
TABLET = {"viewport": {"width": 1024, "height": 768}}
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
SIZES = [pytest.param(DESK, id="desk"), pytest.param(PHONE, id="phone")]
UNITS = [key for keys in UNITS_BY_REGION.values() for key in keys]
PANELS = ("film", "live", "explore", "export", "explanation", "menu")
# Every text that can be read on the page, and what is told to those who cannot see it.
SAID = """() => [...document.querySelectorAll("#studio *")]
  .filter((e) => e.checkVisibility())
  .flatMap((e) => [
    ...[...e.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data),
    e.title, e.alt, e.ariaLabel, e.placeholder])
  .filter((text) => typeof text === "string" && text.trim()).map((text) => text.trim())"""
OVERLAPS = """() => {
  const boxes = [...document.querySelectorAll("#mood-pad g text")]
    .map((e) => e.getBoundingClientRect());
  return boxes.flatMap((a, i) => boxes.slice(0, i).filter((b) =>
    Math.min(a.right, b.right) - Math.max(a.left, b.left) > 0.5
    && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 0.5)).length;
}"""
# Whether the middle of an element is in the window, in all panels that scroll, and not covered.
SEEN = """(e) => {
  const box = e.getBoundingClientRect(), x = box.x + box.width / 2, y = box.y + box.height / 2;
  if (!box.width || box.top < 0 || box.left < 0) return false;
  if (box.bottom > innerHeight + 0.5 || box.right > innerWidth + 0.5) return false;
  const top = document.elementFromPoint(x, y);
  return e.contains(top) || top?.contains(e) || e.parentElement.contains(top);
}"""
# The side of the face's crop, in heights of what is shown.
CROP = """() => {
  const { face_corners, view_boxes: { face: [, y0, , y1] } } = window.moodganimation.session;
  const ys = face_corners[0].map(([, y]) => y);
  return (Math.max(...ys) - Math.min(...ys)) / (y1 - y0);
}"""
SCROLLS = """() => [document.documentElement, ...document.querySelectorAll("#studio, #studio *")]
  .filter((e) => e.checkVisibility() && e.scrollHeight > e.clientHeight + 1
    && (e === document.documentElement || /auto|scroll/.test(getComputedStyle(e).overflowY)))
  .map((e) => e.id || e.tagName)"""


@pytest.fixture(scope="module")
def page(animator, tmp_path_factory):
    portrait = animator.locate(read_image(PHOTO))
    talk = animator.edit(portrait, portrait.reading.replace(AU26=1.0, AU02=0.8)).image
    frames = [portrait.photo] * 75 + [talk] * 30
    with served(animator) as url, chromium(tmp_path_factory.mktemp("camera"), frames) as browser:
        yield SimpleNamespace(url=url, browser=browser)


@pytest.fixture
def visit(page):
    """Opens tabs, and closes them; none may have met an error in a script."""
    tabs, problems = [], []

    def open_(photo=PHOTO, **options):
        tab = opened(page.browser, page.url, photo, **{**DESK, **options})
        tab.on("pageerror", lambda problem: problems.append(str(problem)))
        tabs.append(tab)
        return tab

    yield open_
    for tab in tabs:
        tab.context.close()
    assert problems == []


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A photo of 1200 pixels with two faces."""
    photo = cv2.resize(read_image(PHOTO)[:400], (1200, 938), interpolation=cv2.INTER_CUBIC)
    calm = read_image(ASSETS / "portrait-calm.png")
    calm = cv2.resize(calm, (938, 938), interpolation=cv2.INTER_CUBIC)
    path = tmp_path_factory.mktemp("photos") / "large.png"
    write_image(path, np.concatenate([photo, calm], 1))
    return path


@pytest.fixture(scope="module")
def clip(animator, tmp_path_factory):
    """A face that opens its mouth, one second."""
    portrait = animator.locate(read_image(ASSETS / "portrait-calm.png"))
    way = interpolate(portrait.reading, portrait.reading.replace(AU26=1.0), 10)
    frames = (frame.view("photo", 256) for frame in animator.animate(portrait, way))
    return write_animation(tmp_path_factory.mktemp("films") / "clip.mp4", frames, 10)


def region(tab, name: str) -> None:
    """On a phone, show one region of the sheet."""
    chip = tab.locator(f"#phone-filters [data-filter={name}]")
    if chip.is_visible():
        chip.click()


def mode(tab, name: str) -> None:
    """Open a panel."""
    if name in ("export", "explanation", "menu"):
        tab.locator(f"#{name}").click()
    else:
        tab.locator(f"#tab-{name}").click()
    tab.locator(f"#panel-{name}").wait_for()


def at(tab, x: float, y: float) -> tuple[float, float]:
    """A place on the stage's picture, in shares of it."""
    box = tab.locator("#stage-image").bounding_box()
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


# ---- What is in view ----


@pytest.mark.slow
@pytest.mark.parametrize("size", [DESK, WIDE], ids=["1440", "1920"])
def test_everything_is_in_view_without_scrolling(visit, size):
    tab = visit(**size)
    parts = [f"slider-{key}" for key in UNITS] + ["undo", "redo", "before", "save", "menu"]
    parts += [f"preset-{name}" for name in ("happiness", "sadness", "surprise", "fear", "anger")]
    parts += ["preset-disgust", "preset-contempt", "preset-awe", "timeline", "stage", "face-0"]
    hidden = [part for part in parts if not tab.locator(f"#{part}").evaluate(SEEN)]
    assert hidden == [] and tab.evaluate(SCROLLS) == []
    stage = tab.locator("#stage").bounding_box()["height"]
    image = tab.locator("#stage-image").bounding_box()["height"]
    side = tab.evaluate(CROP)
    assert stage >= 600 and image * side / 1.25 >= 0.79 * stage
    assert tab.locator(".slider").first.bounding_box()["height"] == 28


@pytest.mark.slow
def test_on_a_tablet_at_most_one_panel_scrolls(visit):
    tab = visit(**TABLET)
    assert len(tab.evaluate(SCROLLS)) <= 1
    assert tab.evaluate("document.documentElement.scrollWidth") <= 1024


@pytest.mark.slow
def test_on_a_phone_the_stage_stays_and_a_swipe_changes_nothing(visit):
    tab = visit(**PHONE)
    for name in ("presets", "brows", "eyes", "mouth", "mood", "more", "copy"):
        region(tab, name)
        stage = tab.locator("#stage").bounding_box()
        assert stage["y"] >= 0 and stage["y"] + stage["height"] <= 0.46 * 844
        assert tab.locator("#stage-image").evaluate(SEEN)
        assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    region(tab, "mouth")
    before, units = states(tab), tab.evaluate("window.moodganimation.expression()")
    touch = tab.context.new_cdp_session(tab)
    for key, way in (("AU12", -160), ("AU14", 120), ("AU10", -60)):
        box = tab.locator(f"#slider-{key}").bounding_box()
        x, y = box["x"] + 0.8 * box["width"], box["y"] + box["height"] / 2
        swipe(touch, [(x, y + way * step / 8) for step in range(9)])
    tab.wait_for_timeout(500)
    assert states(tab) == before and tab.evaluate("window.moodganimation.expression()") == units
    tab.locator("#slider-AU12").scroll_into_view_if_needed()
    box = tab.locator("#slider-AU12").bounding_box()
    x, y = box["x"] + 0.3 * box["width"], box["y"] + box["height"] / 2
    settled(tab, lambda: swipe(touch, [(x + 10 * step, y) for step in range(9)]))
    assert value(tab, "AU12") > 0.6  # and a swipe along it moves it


def swipe(touch, places) -> None:
    """Move a finger along places of the screen."""
    for kind, (x, y) in zip(["touchStart"] + ["touchMove"] * 20, places, strict=False):
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


@pytest.mark.slow
@pytest.mark.parametrize("locale", ["es-ES", "zh-CN"])
def test_no_english_is_left(visit, locale):
    tab = visit(locale=locale)
    foreign = {text for text, others in TEXTS.items() if others[locale[:2]] != text}
    for name in PANELS:
        mode(tab, name)
        tab.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
        left = foreign & set(tab.evaluate(SAID))
        assert not left, left
        if name in ("export", "explanation", "menu"):
            tab.locator("#tab-photo").click()
    tab.locator("#tab-photo").click()
    for way in ("face", "mood", "copy"):
        tab.locator(f"#edit-tab-{way}").click()
        assert not foreign & set(tab.evaluate(SAID))
    mode(tab, "export")
    for name in ("GIF", "MP4"):
        tab.locator(f"#export-form [name=formats][value={name}]").uncheck()
    tab.locator("#make").click()
    wanted = TEXTS["Choose at least one of {}."][locale[:2]].split("{")[0]
    tab.locator(".toast", has_text=wanted).wait_for()


# ---- The first screen ----


@pytest.mark.slow
def test_an_example_is_there_and_smiles_once(page):
    tab = page.browser.new_context(**DESK).new_page()
    tab.goto(page.url)
    tab.wait_for_function("document.body.dataset.photo === 'there'")
    wait_for(lambda: value(tab, "AU12") > 0.6)  # nobody has touched anything
    tab.wait_for_function("'smiled' in document.body.dataset")
    assert value(tab, "AU12") == pytest.approx(0.33, abs=0.02) and tab.is_disabled("#undo")
    tab.context.close()
    tab = page.browser.new_context(**DESK, reduced_motion="reduce").new_page()
    tab.goto(page.url)
    tab.wait_for_function("document.body.dataset.photo === 'there'")
    tab.wait_for_timeout(1500)
    assert value(tab, "AU12") == pytest.approx(0.33, abs=0.02)
    tab.context.close()


@pytest.mark.slow
def test_the_page_is_light(page):
    context = page.browser.new_context(**DESK)
    tab = context.new_page()
    network, loaded = context.new_cdp_session(tab), []
    network.send("Network.enable")
    network.on("Network.loadingFinished", lambda event: loaded.append(event["encodedDataLength"]))
    tab.goto(page.url)
    tab.wait_for_function("document.body.dataset.photo === 'there'")
    assert 100_000 < sum(loaded) < 900_000
    fonts = tab.evaluate("[...document.fonts].filter((f) => f.status === 'loaded').length")
    assert fonts >= 2 and tab.evaluate("document.fonts.check('700 14px \"IBM Plex Sans\"')")
    context.close()


@pytest.mark.slow
def test_photos_are_dropped_anywhere_and_read_in_every_format(visit, tmp_path):
    tab = visit(None)
    data = tab.evaluate_handle(
        """async (address) => { const list = new DataTransfer();
          const blob = await (await fetch(address)).blob();
          list.items.add(new File([blob], "dropped.png", { type: "image/png" })); return list; }""",
        "data:image/png;base64," + base64.b64encode(PHOTO.read_bytes()).decode(),
    )
    tab.locator("#timeline").dispatch_event("drop", {"dataTransfer": data})
    tab.wait_for_function("window.moodganimation.session.photo.name === 'dropped'", timeout=30_000)
    assert ".heic" in tab.get_attribute("#photo input", "accept")
    letter = tmp_path / "face.jpg"
    letter.write_text("I am a letter.")
    tab.set_input_files("#photo input", str(letter))
    tab.get_by_text("is not a readable picture").wait_for()
    sent = []
    tab.on("request", lambda r: sent.append(r.post_data or "") if "queue/join" in r.url else None)
    upload(tab, PHOTO)
    assert tab.locator(".toast").count() == 0  # it goes with its cause
    tab.wait_for_timeout(500)
    assert sum("orig_name" in data for data in sent) == 1  # a photo is opened once


@pytest.mark.slow
def test_where_no_face_is_found_a_box_is_drawn(visit, photo, tmp_path):
    path = tmp_path / "nobody.png"
    write_image(path, np.ascontiguousarray(photo[300:, 300:]))
    tab = visit(None)
    tab.set_input_files("#photo input", str(path))
    tab.locator("#no-face").wait_for()
    assert "Drag a box" in tab.inner_text("#no-face")
    assert all(tab.locator(f"#slider-{key}").is_disabled() for key in UNITS)
    for name in ("save", "undo", "before", "preset-happiness", "play"):
        assert tab.locator(f"#{name}").is_disabled(), name
    assert tab.locator(".toast").count() == 0
    box = tab.locator("#stage-boxes").bounding_box()
    tab.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 0.2 * box["height"])
    tab.mouse.down()
    tab.mouse.move(box["x"] + 0.8 * box["width"], box["y"] + 0.9 * box["height"], steps=4)
    assert tab.locator("#stage-box").is_visible()
    tab.mouse.up()
    tab.wait_for_function("document.body.dataset.photo === 'there'")
    assert "nobody" in tab.inner_text("#photo-info") and tab.locator("#save").is_enabled()
    assert tab.locator("#slider-AU12").is_enabled() and tab.locator("#no-face").is_hidden()


# ---- Sliders ----


@pytest.mark.slow
def test_a_slider_shows_where_the_photo_began_and_goes_back(visit):
    tab = visit()
    line = tab.locator(".slider:has(#slider-AU26)")
    read = value(tab, "AU26")
    assert "masseter" in line.get_attribute("title")
    slide(tab, "AU26", 0.9)
    assert "changed" in line.get_attribute("class")
    tick, fill = (line.locator(part).bounding_box() for part in ("b", "i"))
    assert tick["x"] == pytest.approx(fill["x"], abs=3) and fill["width"] > 50
    box = line.locator(".value")
    assert box.input_value() == "0.90"
    settled(tab, lambda: (box.fill("0.4"), box.press("Enter")))
    assert value(tab, "AU26") == 0.4
    box.fill("")
    box.press("Enter")
    assert box.input_value() == "0.40"  # an emptied one says again what it was
    settled(tab, lambda: line.locator("label").dblclick())
    assert value(tab, "AU26") == read and "changed" not in line.get_attribute("class")


@pytest.mark.slow
def test_sides_part_and_the_fold_has_gaze_head_and_lips(visit):
    tab = visit()
    assert tab.locator("#slider-AU45L").is_hidden()
    tab.locator(".slider:has(#slider-AU45) > .sides").first.click()
    slide(tab, "AU45L", 1)
    assert value(tab, "AU45R") < 0.3 and 0.4 < value(tab, "AU45") < 0.7
    slide(tab, "AU45", 0.2)
    assert value(tab, "AU45L") == value(tab, "AU45R") == 0.2
    tab.locator("#further-sliders summary").click()
    for key, axis in (("gaze-x", "AU61"), ("head-tilt", "AU55"), ("jaw-side", "AD30L")):
        slide(tab, key, 0.5)
        assert tab.evaluate(f"window.moodganimation.expression().{axis}") == 0.5
        slide(tab, key, -0.5)
        assert tab.evaluate(f"window.moodganimation.expression().{axis}") == 0
    before = source(tab)
    slide(tab, "AU18", 0.8)
    assert source(tab) != before


@pytest.mark.slow
def test_axes_that_a_model_lacks_are_disabled(visit):
    tab = visit()
    mode(tab, "menu")
    tab.get_by_text("Research models").click()
    settled(tab, lambda: tab.select_option("#model", "ganimation"))
    assert tab.locator("#slider-gaze-x").is_disabled() and tab.locator("#slider-AU18").is_disabled()
    assert tab.locator("#slider-AU12").is_enabled() and tab.locator("#preset-wink").is_disabled()
    settled(tab, lambda: tab.select_option("#model", "warp"))
    assert tab.locator("#slider-AU18").is_enabled()


@pytest.mark.slow
@pytest.mark.parametrize(
    "options", [{"locale": "en"}, {"locale": "es-ES", **PHONE}, {"locale": "zh-CN"}]
)
def test_moods_have_names_that_can_be_read_and_chosen(visit, options):
    tab = visit(**options)
    region(tab, "mood")
    if tab.locator("#edit-tab-mood").is_visible():
        tab.locator("#edit-tab-mood").click()
    wait_for(lambda: tab.locator("#mood-pad g text[x]").count() == len(NAMED_MOODS) >= 20)
    assert tab.evaluate(OVERLAPS) == 0
    size = tab.evaluate("document.querySelector('#mood-pad text').getBoundingClientRect().height")
    assert size > 8
    assert tab.evaluate("document.documentElement.scrollWidth") <= tab.viewport_size["width"]
    language = options["locale"][:2]
    ends = [TEXTS[end].get(language, end) for end in ("pleasant", "unpleasant", "calm", "excited")]
    assert tab.locator("#mood-pad .axis-label").all_inner_texts() or ends
    assert set(ends) <= set(tab.locator("#mood-pad .axis-label").all_text_contents())
    said = TEXTS["terrified"].get(language, "terrified")
    before = source(tab)
    settled(tab, lambda: tab.locator("#mood-pad g text", has_text=said).click())
    names = ("pleasure", "arousal", "dominance")
    assert tuple(value(tab, name) for name in names) == NAMED_MOODS["terrified"]
    assert source(tab) != before
    settled(tab, lambda: tab.locator("#mood-pad").press("PageDown"))
    here = tuple(value(tab, name) for name in names)
    assert here in NAMED_MOODS.values() and here != NAMED_MOODS["terrified"]
    settled(tab, lambda: tab.locator("#mood-pad").press("ArrowRight"))
    assert value(tab, "pleasure") == pytest.approx(min(1, here[0] + 0.05))


# ---- Accessibility ----

# What can be acted on or looked at, and has no name for those who cannot see it.
NAMELESS = """() => [...document.querySelectorAll("#studio :is(button, input, select, textarea, \
a[href], [role=slider], svg[tabindex], img, canvas)")]
  .filter((e) => e.checkVisibility({ visibilityProperty: true }))
  .filter((e) => !(e.tagName === "IMG" && e.alt === "" && e.hasAttribute("alt")))
  .filter((e) => ![e.ariaLabel, e.alt, e.title, e.placeholder, e.textContent,
    ...[...(e.labels ?? [])].map((label) => label.textContent), e.parentElement.ariaLabel]
    .some((name) => name?.trim()))
  .map((e) => e.outerHTML.slice(0, 200))"""
FOCUSED = "document.activeElement.id || document.activeElement.closest('[id]')?.id"


@pytest.mark.slow
def test_everything_has_a_name_and_the_keyboard_reaches_it(visit):
    tab = visit()
    settled(tab, tab.locator("#pin").click)
    tab.locator("#compare").click()
    for name in PANELS:
        mode(tab, name)
        tab.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
        assert tab.evaluate(NAMELESS) == [], name
        if name in ("export", "explanation", "menu"):
            tab.locator("#tab-photo").click()
    tab.locator("#tab-photo").click()
    reached = set()
    tab.locator("#tab-photo").focus()
    for _ in range(150):
        tab.keyboard.press("Tab")
        reached.add(tab.evaluate(FOCUSED))
    wanted = {"reset", "before", "save", "menu", "face-0", "view-photo", "compare", "stage-split"}
    wanted |= {"preset-fear", "slider-AU12", "reset-mouth", "play", "scrub", "pin-0", "export"}
    assert not wanted - reached, reached
    split = tab.locator("#stage-split")
    split.press("ArrowLeft")
    assert split.get_attribute("aria-valuenow") == "45"
    assert tab.evaluate("document.documentElement.lang") == "en"


VIOLATIONS = """async () =>
  (await axe.run(document, { runOnly: ["wcag2a", "wcag2aa"] })).violations
    .filter((v) => ["serious", "critical"].includes(v.impact))
    .map((v) => [v.id, v.nodes.slice(0, 4).map((n) => n.html.slice(0, 160) + n.failureSummary)])"""


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_axe_finds_no_serious_violation(visit, size, scheme):
    """With axe-core where it is installed: npm install axe-core, or AXE=path of axe.min.js."""
    places = [os.environ.get("AXE", ""), "node_modules/axe-core/axe.min.js"]
    axe = next((Path(place) for place in places if place and Path(place).exists()), None)
    if axe is None:
        pytest.skip("axe-core is not installed")
    tab = visit(**size, color_scheme=scheme)
    tab.evaluate(axe.read_text("utf-8"))
    found = {}
    for name in ("photo", *PANELS):
        if name != "photo":
            mode(tab, name)
        if wrong := tab.evaluate(VIOLATIONS):
            found[name] = wrong
        if name in ("export", "explanation", "menu"):
            tab.locator("#tab-photo").click()
    assert found == {}


# ---- What people do ----


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
def test_a_photo_is_made_to_smile_and_saved(visit, large, size):
    tab, photo = visit(large, **size), read_image(large)
    region(tab, "presets")
    settled(tab, tab.locator("#preset-happiness").click)
    assert tab.get_attribute("#preset-happiness", "aria-pressed") == "true"
    with tab.expect_download() as download:
        tab.locator("#save").click()
    assert download.value.suggested_filename == "large-happiness.png"
    made = read_image(download.value.path())
    assert made.shape == photo.shape and (made != photo).any()
    settled(tab, tab.locator("#undo").click)
    assert tab.get_attribute("#preset-happiness", "aria-pressed") == "false"
    np.testing.assert_array_equal(saved(tab), photo)


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
def test_a_wink(visit, size):
    tab, photo = visit(**size), read_image(PHOTO)
    region(tab, "presets")
    settled(tab, tab.locator("#preset-wink").click)
    units = tab.evaluate("window.moodganimation.expression()")
    assert units["AU45L"] == 1 and units["AU45R"] < 0.5
    assert (saved(tab) != photo).any()


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
def test_the_mouth_opens_as_the_chin_is_dragged(visit, size):
    tab = visit(ASSETS / "portrait-calm.png", **size)
    tab.locator(".drag .handle").first.wait_for(state="attached")
    began, before = value(tab, "AU26"), source(tab)
    x, y = at(tab, 0.5, 0.86)
    tab.mouse.move(x, y)
    tab.mouse.down()
    tab.mouse.move(x, y + 0.07 * tab.locator("#stage-image").bounding_box()["height"], steps=6)
    wait_for(lambda: value(tab, "AU26") > began + 0.2)
    assert "Open jaw" in tab.inner_text(".drag .caption") and source(tab) != before
    settled(tab, tab.mouse.up)
    moved = value(tab, "AU26")
    assert moved > began + 0.2
    settled(tab, tab.locator("#undo").click)  # one drag is one step
    assert value(tab, "AU26") == began
    tab.mouse.move(x, y)
    tab.mouse.down()
    tab.mouse.move(x, y + 30, steps=4)
    wait_for(lambda: value(tab, "AU26") > began + 0.05)
    tab.keyboard.press("Escape")
    tab.mouse.up()
    wait_for(lambda: value(tab, "AU26") == began)


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
def test_before_and_after_are_compared(visit, size):
    tab = visit(**size)
    region(tab, "presets")
    settled(tab, tab.locator("#preset-surprise").click)
    before = tab.locator("#stage-before")
    assert before.is_hidden()
    button = tab.locator("#before").bounding_box()
    tab.mouse.move(button["x"] + 10, button["y"] + 10)
    tab.mouse.down()
    assert before.is_visible() and "none" in before.get_attribute("style")
    tab.mouse.up()
    assert before.is_hidden()
    tab.keyboard.down("b")
    assert before.is_visible()
    tab.keyboard.up("b")
    tab.locator("#compare").click()
    split = tab.locator("#stage-split").bounding_box()
    x, y = split["x"] + split["width"] / 2, split["y"] + split["height"] / 2
    tab.mouse.move(x, y)
    tab.mouse.down()
    tab.mouse.move(x - 60, y, steps=3)
    tab.mouse.up()
    assert int(tab.get_attribute("#stage-split", "aria-valuenow")) < 48
    shown = source(tab)
    region(tab, "mouth")
    slide(tab, "AU26", 0.1)  # the half of after follows a slider
    assert source(tab) != shown and before.is_visible()


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
def test_two_faces_have_expressions_of_their_own(visit, large, size):
    tab, photo = visit(large, **size), read_image(large)
    assert tab.locator("#faces img").count() == 2
    assert tab.get_attribute("#face-0", "aria-pressed") == "true"
    region(tab, "mouth")
    slide(tab, "AU26", 1)
    one = (saved(tab) != photo).any((0, 2))
    settled(tab, tab.locator("#face-1").click)
    assert value(tab, "AU26") < 0.6 and tab.get_attribute("#face-1", "aria-pressed") == "true"
    slide(tab, "AU26", 1)
    both = (saved(tab) != photo).any((0, 2))
    assert [half.any() for half in np.split(one, [1200])].count(True) == 1
    assert all(half.any() for half in np.split(both, [1200]))
    settled(tab, tab.locator("#view-photo").click)
    outline = tab.locator("#face-outlines button").first.bounding_box()
    x, y = outline["x"] + outline["width"] / 2, outline["y"] + outline["height"] / 2
    settled(tab, lambda: tab.mouse.click(x, y))  # on the stage
    assert tab.get_attribute("#face-0", "aria-pressed") == "true"


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
def test_three_keyframes_become_a_gif(visit, size):
    tab = visit(**size)
    region(tab, "presets")
    settled(tab, tab.locator("#add-keyframe").click)
    settled(tab, tab.locator("#preset-surprise").click)
    settled(tab, tab.locator("#add-keyframe").click)
    settled(tab, tab.locator("#preset-happiness").click)
    settled(tab, tab.locator("#pin").click)
    pin, track = tab.locator("#pin-0").bounding_box(), tab.locator("#track").bounding_box()
    tab.mouse.move(pin["x"] + 15, pin["y"] + 15)
    tab.mouse.down()
    tab.mouse.move(track["x"] + 0.95 * track["width"], track["y"] + 15, steps=6)
    settled(tab, tab.mouse.up)
    assert tab.locator("#keyframes .keyframe").count() == 3
    last = tab.evaluate("window.moodganimation.session.state.keyframes.at(-1).at")
    tab.locator("#track[data-keyframes='3']").wait_for()
    key = tab.locator("#keyframe-1").bounding_box()
    x, y = key["x"] + key["width"] / 2, key["y"] + key["height"] / 2
    tab.mouse.move(x, y)
    tab.mouse.down()
    tab.mouse.move(x + 0.2 * track["width"], y, steps=4)
    settled(tab, tab.mouse.up)
    moments = tab.evaluate("window.moodganimation.session.state.keyframes.map((k) => k.at)")
    assert moments == sorted(moments) and moments[1] > 1 and moments[2] == last
    before = source(tab)
    tab.locator("#scrub").fill("0.9")
    wait_for(lambda: source(tab) != before)
    shown = source(tab)
    tab.locator("#play").click()
    wait_for(lambda: source(tab) != shown)
    tab.locator("#play").click()
    mode(tab, "export")
    tab.locator("#export-form [name=formats][value=MP4]").uncheck()
    tab.locator("#make").click()
    link = tab.locator("#export-form .outcome a")
    link.wait_for(timeout=90_000)
    with tab.expect_download() as download:
        link.click()
    assert download.value.suggested_filename.endswith(".gif")
    assert Path(download.value.path()).read_bytes()[:4] == b"GIF8"


@pytest.mark.slow
def test_a_moment_with_a_slow_preview_is_committed(visit):
    tab = visit()
    settled(tab, tab.locator("#preset-happiness").click)
    reading = tab.evaluate("window.moodganimation.session.reading.AU12L")

    def delay(route):
        if '"preview"' in (route.request.post_data or ""):
            time.sleep(0.7)  # more than COMMIT_DELAY_MS of store.js
        route.continue_()

    tab.route("**/component_server/**", delay)
    settled(tab, lambda: tab.locator("#scrub").fill("0.01"))
    committed = tab.evaluate("window.moodganimation.session.confirmed.state.expression.AU12L")
    assert committed == pytest.approx(reading, abs=0.02)


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
def test_a_film_is_made_and_another_cancelled(visit, clip, size):
    tab = visit(**size)
    mode(tab, "film")
    assert tab.locator("#film-form .primary").count() == 1
    tab.set_input_files("#film-file", str(clip))
    tab.locator("#make-film").click()
    tab.get_by_text("Nothing is changed yet").wait_for()
    tab.get_by_text("Animate the photo by the video").click()
    tab.locator("#make-film").click()
    tab.locator("#film-form .outcome a").nth(1).wait_for(timeout=90_000)
    assert tab.locator(".toast").count() in (0, 1)
    wait_for(lambda: tab.evaluate("document.querySelector('#stage-film').readyState >= 2"))
    names = tab.locator("#film-form .outcome a").all_inner_texts()
    assert names == ["astronaut-driven.mp4", "astronaut-curves.csv"]
    assert tab.locator("#film-form .curves-drawing").is_visible()
    tab.evaluate("window.moodganimation.callServer('act', { action: 'cancel_job' })")
    tab.locator("#make-film").click()
    tab.locator("#film-form .job-progress").wait_for()
    assert tab.locator("#film-form .job-progress .cancel").evaluate(SEEN) or size is PHONE
    while tab.locator("#film-form .job-progress").is_visible():
        if tab.locator("#film-form .cancel").is_visible():
            tab.locator("#film-form .cancel").dispatch_event("click")
        tab.wait_for_timeout(30)
    assert tab.locator(".toast", has_text="Cancelled").count() == 0  # it is no error


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
def test_the_camera_is_edited_beside_the_sliders_and_mirrored(visit, size):
    tab = visit(**size)
    mode(tab, "live")
    tab.locator("#camera").click()
    form = tab.locator("#live-form")
    wait_for(lambda: int(form.get_attribute("data-frames") or 0) > 3)
    assert tab.locator("#stage-camera").is_visible() and tab.locator("#stage-frame").is_hidden()
    if size is DESK:
        assert tab.locator("#slider-AU02").evaluate(SEEN)
    tab.get_by_text("the photo, as my mirror").click()
    wait_for(lambda: form.get_attribute("data-calibrated") == "false")
    wait_for(lambda: form.get_attribute("data-calibrated") == "true")
    tab.locator("#calibrate").click()
    wait_for(lambda: form.get_attribute("data-calibrated") == "false")
    wait_for(lambda: form.get_attribute("data-calibrated") == "true")
    tab.locator("#record").click()
    wait_for(lambda: "● 5 s" in tab.inner_text("#live [role=status]"))
    tab.locator("#save-recording").click()
    tab.locator("#live-form .outcome a").nth(1).wait_for(timeout=60_000)
    with tab.expect_download() as download:
        tab.locator("#live-form .outcome a").nth(1).click()
    rows = Path(download.value.path()).read_text().splitlines()
    units = np.array([[float(cell) for cell in row.split(",")[1:18]] for row in rows[1:]])
    assert len(units) > 5 and np.ptp(units, 0).max() > 0.25
    tab.locator("#edit-recording").click()
    wait_for(lambda: tab.locator("#keyframes .keyframe").count() > 1)
    before = source(tab)
    tab.locator("#scrub").press("End")
    wait_for(lambda: source(tab) != before)


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
def test_a_file_brings_everything_back(visit, size, tmp_path):
    tab = visit(**size)
    region(tab, "presets")
    settled(tab, tab.locator("#preset-sadness").click)
    settled(tab, tab.locator("#halves button").first.click)
    with tab.expect_download() as download:
        tab.locator("#save").click()
    kept = tmp_path / "kept.png"
    download.value.save_as(kept)
    picture = read_image(kept)
    mode(tab, "menu")
    tab.locator("#copy-link").click()
    wait_for(lambda: "#recipe=" in tab.input_value("#link"))
    link = tab.input_value("#link")
    assert link.startswith("http://127.0.0.1")
    tab = visit(**size)
    mode(tab, "menu")
    tab.set_input_files("#recipe-source", str(kept))
    settled(tab, tab.locator("#restore").click)
    np.testing.assert_array_equal(saved(tab), picture)
    assert tab.get_attribute("#halves button:first-child", "aria-pressed") == "true"
    tab.locator("#tab-photo").click()
    assert tab.get_attribute("#preset-sadness", "aria-pressed") == "true"
    tab = tab.context.new_page()  # and a link, on the example and on the next photo
    tab.goto(link)
    started(tab)
    wait_for(lambda: value(tab, "AU15") == 0.8)
    upload(tab, PHOTO)
    wait_for(lambda: value(tab, "AU15") == 0.8)
    np.testing.assert_array_equal(saved(tab), picture)


@pytest.mark.slow
def test_in_spanish_on_a_phone(visit):
    tab = visit(locale="es-ES", **PHONE)
    tab.locator("#phone-filters").get_by_text("Boca", exact=True).click()
    slide(tab, "AU12", 1)
    before = source(tab)
    tab.locator("#phone-filters").get_by_text("Ánimo", exact=True).click()
    settled(tab, lambda: tab.locator("#mood-pad g text", has_text="triste").first.click())
    assert source(tab) != before
    assert tab.get_attribute("#before", "data-text") == "Hold for before"
    assert tab.inner_text("#before") == "Mantén: antes"
    assert (saved(tab) != read_image(PHOTO)).any()
    tab.locator("#tab-film").click()
    tab.locator("#make-film").click()
    tab.get_by_text(TEXTS["There is no video yet: upload one first."]["es"]).wait_for()


# ---- What is needed now and then ----


@pytest.mark.slow
def test_two_visitors_of_one_photo_both_see_everything(visit):
    tabs = [visit(), visit()]
    for tab in tabs:
        mode(tab, "explanation")
        for name in ("composite", "attention", "color", "motion"):
            image = f"document.querySelector('#{name}')"
            wait_for(lambda tab=tab, image=image: tab.evaluate(f"{image}.naturalWidth > 0"))


@pytest.mark.slow
def test_parts_are_kept_and_expressions_borrowed(visit):
    tab, photo = visit(), read_image(PHOTO)
    slide(tab, "AU45", 1)
    whole = (saved(tab) != photo).any(2).sum()
    settled(tab, tab.locator("#halves button").first.click)
    left = (saved(tab) != photo).any(2).sum()
    mode(tab, "menu")
    settled(tab, tab.locator("[name=locked][value=eyes]").check)
    assert (saved(tab) != photo).any(2).sum() < left < 0.8 * whole
    settled(tab, tab.locator("[name=label]").check)
    assert (saved(tab)[-30:] != photo[-30:]).any()
    mode(tab, "explanation")
    tab.locator("#comparison .plane .detected").wait_for()
    assert re.search("visible change, but|no visible change", tab.inner_text("#comparison"))
    tab.locator("#tab-photo").click()
    tab.locator("#edit-tab-copy").click()
    tab.set_input_files("#other", str(ASSETS / "portrait-calm.png"))
    settled(tab, tab.locator("#copy-form .primary").click)
    assert value(tab, "AU45") < 0.5


@pytest.mark.slow
def test_a_brush_protects_what_it_paints(visit):
    tab, photo = visit(), read_image(PHOTO)
    slide(tab, "AU26", 1)
    whole = (saved(tab) != photo).any(2).sum()
    tab.locator("#brush").click()
    tab.locator("#brush-bar [name=size]").fill("0.25")
    tab.mouse.move(*at(tab, 0.2, 0.75))
    tab.mouse.down()
    tab.mouse.move(*at(tab, 0.8, 0.75), steps=5)
    settled(tab, tab.mouse.up)
    painted = (saved(tab) != photo).any(2).sum()
    assert painted < 0.8 * whole
    settled(tab, tab.get_by_text("Edit only what I paint").click)
    assert 0 < (saved(tab) != photo).any(2).sum() < whole
    settled(tab, tab.locator("#brush-clear").click)
    assert (saved(tab) != photo).any(2).sum() == whole
    tab.locator("#brush-done").click()
    assert tab.locator("#brush-bar").is_hidden()


@pytest.mark.slow
def test_named_timelines_play_and_sheets_are_drawn(visit):
    tab = visit()
    before = source(tab)
    tab.locator("#timeline-nod").click()
    wait_for(lambda: source(tab) != before)
    wait_for(lambda: tab.get_attribute("#play", "aria-pressed") == "false")
    assert tab.locator("#keyframes .keyframe").count() > 2
    mode(tab, "menu")
    settled(tab, tab.locator("#neutral").click)
    assert all(value(tab, key) == 0 for key in UNITS)
    settled(tab, tab.locator("#reset-all").click)
    assert tab.evaluate("window.moodganimation.expression()") == tab.evaluate(
        "window.moodganimation.session.reading"
    )
    mode(tab, "explore")
    tab.get_by_text("Pleasure across, arousal down").click()
    tab.locator("#draw").click()
    tab.locator("#explore-form .outcome a").wait_for(timeout=60_000)
    wait_for(lambda: tab.evaluate("document.querySelector('#stage-sheet').naturalWidth > 300"))
    tab.locator("#tab-photo").click()
    assert tab.get_attribute("#stage", "data-shows") == "picture"


@pytest.mark.slow
def test_the_timeline_writes_every_format_and_scrubs_every_mode(visit):
    tab = visit()
    slide(tab, "AU26", 1)
    settled(tab, tab.locator("#add-keyframe").click)
    slide(tab, "AU26", 0)
    settled(tab, tab.locator("#add-keyframe").click)
    mode(tab, "export")
    tab.locator("#track[data-keyframes='2']").wait_for()
    once = float(tab.get_attribute("#track", "data-seconds"))
    tab.locator("#export-form").get_by_label("ping-pong").check()
    tab.locator("#export-form").get_by_label("Blinks").check()
    for name in ("WebP", "PNG strip"):
        tab.get_by_label(name, exact=True).check()
    wait_for(lambda: float(tab.get_attribute("#track", "data-seconds")) > once)
    tab.locator("#scrub").press("End")
    wait_for(lambda: value(tab, "AU26") > 0.8)  # there and back
    tab.locator("#make").click()
    wait_for(lambda: tab.locator("#export-form .outcome a").count() >= 4, 90)
    names = " ".join(tab.locator("#export-form .outcome a").all_inner_texts())
    assert all(ending in names for ending in (".gif", ".mp4", ".webp", ".png"))
    assert tab.evaluate("document.querySelector('#stage').dataset.shows") == "film"


@pytest.mark.slow
def test_keys_of_the_page_are_off_in_fields(visit):
    tab = visit()
    slide(tab, "AU26", 1)
    box = tab.locator(".slider:has(#slider-AU12) .value").first
    box.focus()
    tab.keyboard.press("b")
    assert tab.locator("#stage-before").is_hidden()
    tab.keyboard.press("Control+z")
    assert value(tab, "AU26") == 1
    tab.locator("#save").focus()
    settled(tab, lambda: tab.keyboard.press("Control+z"))
    assert value(tab, "AU26") < 1


@pytest.mark.slow
def test_a_drag_sends_little(visit):
    tab = visit()
    sizes = []

    def note(response) -> None:
        if '"preview"' in (response.request.post_data or ""):
            sizes.append(len(response.body()))

    tab.on("response", note)
    for step in range(12):
        tab.locator("#slider-AU12").evaluate(
            "(e, v) => { e.value = v; e.dispatchEvent(new Event('input', { bubbles: true })); }",
            step / 12,
        )
        tab.wait_for_timeout(60)
    assert len(sizes) > 3 and max(sizes) < 40_000 * 4 / 3  # as base64
