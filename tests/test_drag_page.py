"""Dragging on the face in a real browser: assets/drag.js on a stage of its own."""

import base64
import re
from pathlib import Path

import cv2
import pytest

from moodganimation.demo.i18n import TEXTS
from moodganimation.expressions.spaces import FACS, Expression
from moodganimation.manipulation.face import Manipulation
from moodganimation.manipulation.motion_map import texts
from moodganimation.media.images import read_image

from .conftest import ASSETS
from .studio import chromium, needs_chromium

pytestmark = needs_chromium
SCRIPT = (ASSETS / "drag.js").read_text("utf-8")
PAGE = (Path(__file__).parent / "pages" / "drag.html").read_text("utf-8")
# Pixels of assets/portrait-calm.png.
CORNER, LID, IRIS, FOREHEAD, CHIN = (157, 297), (152, 146), (281, 154), (217, 60), (217, 365)


class Face:
    """The server's part: a photo, and what drags do to it."""

    def __init__(self, animator):
        self.animator = animator
        self.portrait = animator.locate(read_image(ASSETS / "portrait-calm.png"))
        self.manipulation = Manipulation(animator, self.portrait)
        self.start = self.manipulation.reading.asdict()

    def answer(self, request: dict) -> dict:
        before = Expression(FACS, tuple(request["expression"][key] for key in FACS.keys))
        if "reset" in request:
            drag = self.manipulation.reset(before, request["reset"])
        else:
            drag = self.manipulation.drag(before, **request["drag"])
        return {"expression": drag.expression.asdict(), "changed_controls": list(drag.keys)}


class Stage:
    """A tab with the stage, and a hand on it."""

    def __init__(self, context, face: Face, words: dict[str, str] | None = None):
        self.tab, self.face = context.new_page(), face
        self.problems = []
        self.tab.on("pageerror", lambda problem: self.problems.append(str(problem)))
        self.map = face.manipulation.motion_map()
        self.tab.expose_function("server", face.answer)
        self.tab.expose_function("map", lambda: self.map)
        self.tab.set_content(PAGE)
        self.tab.evaluate("words => { window.words = words; }", words or {})
        jpeg = cv2.imencode(".jpg", face.portrait.photo[..., ::-1])[1].tobytes()
        picture = "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()
        self.tab.evaluate("([start, picture]) => open(start, picture)", [face.start, picture])
        self.tab.add_script_tag(content=f"const element = document.body;\n{SCRIPT}")
        self.tab.wait_for_selector(".drag .handle", state="attached")

    def at(self, pixel, beside=(0, 0)) -> tuple[float, float]:
        """Where a pixel of the photo is on the screen."""
        height, width = self.face.portrait.photo.shape[:2]
        place = [(pixel[0] + 0.5) / width, (pixel[1] + 0.5) / height]
        x, y = self.tab.evaluate("at => window.moodganimation.stage.fromPhoto(...at)", place)
        return x + beside[0], y + beside[1]

    def log(self) -> dict:
        return self.tab.evaluate("log")

    def expression(self) -> dict:
        return self.tab.evaluate("expression")

    def text(self) -> str:
        return self.tab.text_content(".drag .caption")

    def press(self, pixel, way, steps: int = 4):
        self.tab.mouse.move(*self.at(pixel))
        self.tab.mouse.down()
        self.tab.mouse.move(*self.at(pixel, way), steps=steps)

    def settled(self, times: int = 1):
        self.tab.wait_for_function("times => log.settled === times", arg=times)


@pytest.fixture(scope="module")
def face(animator):
    return Face(animator)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("camera")) as browser:
        yield browser


@pytest.fixture
def opened(browser, face):
    """Opens stages in contexts of their own."""
    contexts, stages = [], []

    def open_(words=None, **options) -> Stage:
        contexts.append(browser.new_context(viewport={"width": 800, "height": 720}, **options))
        stages.append(Stage(contexts[-1], face, words))
        return stages[-1]

    yield open_
    for context in contexts:
        context.close()
    assert not [problem for stage in stages for problem in stage.problems]


def test_a_drag_moves_the_face_and_says_what_it_moves(opened, face):
    stage = opened()
    stage.press(CORNER, (-24, -36))
    stage.tab.wait_for_function(
        "document.querySelector('.drag .caption').textContent.includes('AU12')"
    )
    expression = stage.expression()
    value = (expression["AU12L"] + expression["AU12R"]) / 2
    assert stage.text() == f"AU12 Lip corner puller  {value:.2f}"
    assert value > face.start["AU12L"] + 0.3 and stage.log()["settled"] == 0
    stage.tab.mouse.up()
    stage.settled()
    log = stage.log()
    assert all(ask["expression"] == face.start for ask in log["asks"])  # from before the drag
    assert log["asks"][-1]["drag"]["side"] == "both" and log["settled"] == 1
    x, y = log["asks"][0]["drag"]["at"]
    assert (x * 432, y * 432) == pytest.approx((157.5, 297.5), abs=0.5)
    assert stage.text() == ""


def test_alt_drags_one_side(opened, face):
    stage = opened()
    stage.tab.keyboard.down("Alt")
    stage.press(LID, (0, 20))
    stage.tab.mouse.up()
    stage.tab.keyboard.up("Alt")
    stage.settled()
    expression = stage.expression()
    assert expression["AU45R"] > 0.4 and expression["AU45L"] == face.start["AU45L"]


def test_escape_takes_the_drag_back(opened, face):
    stage = opened()
    stage.press(CHIN, (0, 60))
    stage.tab.wait_for_function("expression.AU26 > 0.3")
    stage.tab.keyboard.press("Escape")
    stage.tab.mouse.move(*stage.at(CHIN, (0, 90)))
    stage.tab.mouse.up()
    assert stage.expression() == face.start
    log = stage.log()
    assert log["cancelled"] == 1 and log["settled"] == 0 and stage.text() == ""
    stage.press(CHIN, (0, 60))
    stage.tab.mouse.up()
    stage.settled()
    assert stage.expression()["AU26"] > 0.3


def test_the_name_stays_where_the_stage_shows_it(opened):
    stage = opened()
    for pixel in (FOREHEAD, (375, 200), (55, 200), (330, 350)):
        stage.tab.mouse.move(*stage.at(pixel, (1, 0)))
        stage.tab.mouse.move(*stage.at(pixel))
        stage.tab.wait_for_function("document.querySelector('.drag .caption').textContent")
        said = stage.tab.locator(".drag .caption").bounding_box()
        seen = stage.tab.locator("#stage").bounding_box()
        assert seen["x"] <= said["x"] and seen["y"] <= said["y"]
        assert said["x"] + said["width"] <= seen["x"] + seen["width"]
        assert said["y"] + said["height"] <= seen["y"] + seen["height"]
        stage.tab.mouse.move(5, 5)


@pytest.mark.parametrize(
    "pixel, text",
    [
        (CORNER, "AU12 Lip corner puller"),
        (LID, "AU45 Blink"),
        (CHIN, "AU26 Jaw drop"),
        (IRIS, "Gaze"),
        (FOREHEAD, "Head"),
    ],
)
def test_the_place_under_the_pointer_is_named_with_arrows(opened, pixel, text):
    stage = opened()
    stage.tab.mouse.move(*stage.at(pixel, (1, 0)))
    stage.tab.mouse.move(*stage.at(pixel))
    stage.tab.wait_for_function("document.querySelector('.drag .caption').textContent")
    assert stage.text() == text
    assert stage.tab.get_attribute(".drag path", "d").count("M") >= 2
    stage.tab.mouse.move(5, 5)
    stage.tab.wait_for_function("!document.querySelector('.drag .caption').textContent")
    assert stage.tab.get_attribute(".drag path", "d") == ""
    assert stage.log()["asks"] == []


def test_a_double_click_returns_the_place_to_the_photo(opened, face):
    stage = opened()
    stage.press(LID, (0, 20))
    stage.tab.mouse.up()
    stage.settled()
    assert stage.expression()["AU45L"] > face.start["AU45L"] + 0.2
    stage.tab.mouse.dblclick(*stage.at(LID, (0, 20)))
    stage.settled(2)
    assert stage.expression() == face.start
    assert list(stage.log()["asks"][-1]) == ["reset", "expression"]


def test_a_click_goes_to_what_lies_below(opened):
    stage = opened()
    box = stage.tab.locator("#below").bounding_box()
    stage.tab.mouse.click(box["x"] + 10, box["y"] + 10)
    log = stage.log()
    assert log["below"] == 1 and log["asks"] == [] and log["settled"] == 0


def test_handles_move_by_keys_and_go_along_with_the_face(opened, face):
    stage = opened()
    handle = stage.tab.locator("[data-handle=AU12L]")
    assert handle.get_attribute("aria-label") == "AU12L Lip corner puller, left"
    assert stage.tab.locator(".handle").count() == 10
    before = handle.bounding_box()
    handle.focus()
    for _ in range(3):
        stage.tab.keyboard.press("ArrowUp")
        stage.tab.keyboard.press("ArrowRight")
    stage.settled()  # one step to undo
    expression, after = stage.expression(), handle.bounding_box()
    assert expression["AU12L"] > face.start["AU12L"] + 0.3
    assert float(handle.get_attribute("aria-valuenow")) == pytest.approx(expression["AU12L"])
    assert after["y"] < before["y"] - 8 and after["x"] > before["x"] + 4
    stage.tab.keyboard.press("Delete")
    stage.settled(2)
    assert stage.expression() == pytest.approx(face.start)
    stage.tab.keyboard.press("ArrowUp")
    stage.tab.keyboard.press("Escape")
    assert stage.expression() == pytest.approx(face.start) and stage.log()["cancelled"] == 1


def test_one_finger_drags_and_two_taps_reset(opened, face):
    stage = opened(has_touch=True, is_mobile=True)
    touch = stage.tab.context.new_cdp_session(stage.tab)

    def send(kind: str, *points):
        places = [{"x": x, "y": y} for x, y in points]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

    send("touchStart", stage.at(CHIN))
    for step in (15, 30, 45):
        send("touchMove", stage.at(CHIN, (0, step)))
    send("touchEnd")
    stage.settled()
    assert stage.expression()["AU26"] > face.start["AU26"] + 0.3
    for _ in range(2):
        send("touchStart", stage.at(CHIN, (0, 45)))
        send("touchEnd")
    stage.settled(2)
    assert stage.expression() == pytest.approx(face.start)
    action = "e => getComputedStyle(document.querySelector(e)).touchAction"
    assert stage.tab.evaluate(action, ".drag") == "none"
    assert stage.tab.evaluate(action, "#stage") == stage.tab.evaluate(action, "body") == "auto"


def test_another_photo_brings_another_map_and_none_ends_drags(opened, face):
    stage = opened()
    stage.map = {}
    stage.tab.evaluate("start => open(start)", face.start)
    stage.tab.wait_for_selector(".drag", state="hidden")
    stage.press(CHIN, (0, 60))
    stage.tab.mouse.up()
    assert stage.log()["asks"] == [] and stage.tab.locator(".handle").count() == 0
    stage.map = face.manipulation.motion_map()
    stage.tab.evaluate("start => open(start)", face.start)
    stage.tab.wait_for_selector(".drag .handle", state="attached")
    stage.press(CHIN, (0, 60))
    stage.tab.mouse.up()
    stage.settled()


def test_all_texts_are_translated(opened):
    said = {*re.findall(r'const HELP = "(.*)";', SCRIPT), *texts()}
    assert said <= {*TEXTS} and len(said) > 60
    stage = opened(words={text: TEXTS[text]["es"] for text in said})
    stage.tab.mouse.move(*stage.at(FOREHEAD))
    stage.tab.wait_for_function("document.querySelector('.drag .caption').textContent === 'Cabeza'")
    label = stage.tab.get_attribute("[data-handle=AU12L]", "aria-label")
    assert label == TEXTS["AU12L Lip corner puller, left"]["es"]
    used = {*stage.map["labels"].values(), *stage.map["groups"].values()}
    assert used <= said
