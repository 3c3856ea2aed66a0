"""The scripts of the page without a browser, run by Playwright's Node."""

import importlib.util
import json
import subprocess
from pathlib import Path

import pytest

from .conftest import ASSETS

PLAYWRIGHT = importlib.util.find_spec("playwright")
NODE = PLAYWRIGHT and Path(PLAYWRIGHT.origin).parent / "driver" / "node"
PAGE = Path(__file__).parent / "pages" / "scripts.js"

pytestmark = pytest.mark.skipif(not (NODE and NODE.exists()), reason="no Node of Playwright")

# Functions of the tests: an answer that opens a photo or edits it.
ANSWERS = """
const photo = { name: "face" }, view_boxes = { face: [0, 0, 1, 1], photo: [0, 0, 1, 1] };
const empty = { expression: {}, mood: [0, 0, 0], keyframes: [], pins: [], brush_mask: null };
const state = (more) => ({ ...empty, ...more });
const open = (token, more = {}, reading = {}) => page.applyAnswer(
  { ...token && { token }, photo, view_boxes, reading, axes: [], state: state(more) });
"""


def run(test: str, *scripts: str, before: str = ""):
    """What JavaScript returns after store.js and these scripts, see tests/pages/scripts.js; before:
    JavaScript before them."""
    sources = [(ASSETS / f"{name}.js").read_text("utf-8") for name in ("store", *scripts)]
    request = json.dumps({"before": before, "scripts": sources, "test": ANSWERS + test})
    done = subprocess.run([NODE, PAGE], input=request, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stdout, done.stderr
    return json.loads(done.stdout)


def test_a_slider_keeps_its_value_while_an_earlier_one_is_committed():
    sent = run("""
      let answer;
      const waits = new Promise((resolve) => { answer = resolve; });
      answers.preview = ({ expression }) => ({ picture: "x", mood: [0, 0, 0], expression });
      let commits = 0;
      answers.act = async ({ expression }) => {
        commits += 1;
        if (commits === 1) await waits;
        return { state: state({ expression }) };
      };
      open("a");
      page.preview({ expression: { AU12: 0.2 } });
      const first = page.commit();
      page.preview({ expression: { AU12: 0.6 } });
      answer();
      await first;
      await page.commit();
      return asked.filter(([name]) => name === "act").map(([_, { expression }]) => expression.AU12);
    """)
    assert sent == [0.2, 0.6]


def test_moods_of_one_drag_start_from_the_expression_before_it():
    sent = run("""
      answers.preview = () => ({ picture: "x", mood: [0, 0, 0], expression: { AU12: 0.9 } });
      answers.act = () => ({ state: state({ expression: { AU12: 0.7 } }), picture: "x" });
      open("a", { expression: { AU12: 0.1 } });
      const drag = () => page.preview({ mood: [1, 0, 0] });
      await drag(); await drag(); await page.commit();  // 0.1
      await drag(); page.cancelDrag();  // 0.7, the committed one
      await drag();
      await page.preview({ expression: { AU12: 0.4 } });  // a slider
      await drag();
      return asked.map(([name, { expression }]) => expression.AU12);
    """)
    assert sent == [0.1, 0.1, 0.1, 0.7, 0.7, 0.4, 0.4]


def test_strokes_stay_with_another_model_and_go_with_another_photo():
    counts = run(
        """
      const canvas = element.querySelector("#stage-canvas");
      answers.act = ({ strokes }) => ({ state: state({ brush_mask: strokes.length }) });
      const paint = async () => {
        await canvas.dispatchEvent({ type: "pointerdown", clientX: 50, clientY: 50 });
        await canvas.dispatchEvent({ type: "pointerup" });
        await page.commit();
      };
      open("a"); await paint();
      open(null, { brush_mask: 1 }); await paint();
      open("b"); await paint();
      return asked.filter(([name]) => name === "act").map(([_, { strokes }]) => strokes.length);
    """,
        "stage",
        "drawing",
    )
    assert counts == [1, 2, 1]


def test_a_photo_without_a_face_hides_comparison_and_outlines_until_the_next_photo():
    hidden = run(
        """
      const ids = ["#stage-before", "#stage-split", "#face-outlines"];
      const parts = ids.map((id) => element.querySelector(id));
      const found = [], note = () => found.push(parts.map((part) => part.hidden));
      open("a");
      await element.querySelector("#compare").dispatchEvent({ type: "click" });
      note();
      page.session.token = null;
      page.emit("no-face", { no_face: "x", problem: "" });
      note();
      open("b");
      note();
      return found;
    """,
        "stage",
        "drawing",
    )
    assert hidden == [[False] * 3, [True] * 3, [False] * 3]


@pytest.mark.parametrize(
    "left, right, shown", [(0.1, 0.6, True), (0.6, 0.1, True), (0.1, 0.12, False)]
)
def test_sides_that_differ_get_sliders_if_either_has_changed(left, right, shown):
    test = """
      const reading = { AU12L: 0.1, AU12R: 0.1 };
      open("a", { expression: reading }, reading);
      page.applyAnswer({ state: state({ expression: { AU12L: LEFT, AU12R: RIGHT } }) });
      return !element.lists[".slider"][1].hidden;
    """
    sliders = """
      const data = [{ high: "AU12" }, { high: "AU12L", sideOf: "AU12" }];
      element.lists[".slider"] = data.map((dataset) => Object.assign(new Part(), { dataset }));
    """
    test = test.replace("LEFT", str(left)).replace("RIGHT", str(right))
    assert run(test, "controls", before=sliders) is shown


def test_the_chosen_keyframe_stays_chosen_when_the_order_changes():
    requests = run(
        """
      const keyframes = (...times) => state({ keyframes: times.map((at) => ({ at, hold: 0 })) });
      const markers = () => element.querySelector("#keyframes").children;
      const card = element.querySelector("#keyframe-card");
      const hold = async () => {
        const event = { type: "change", target: { value: 0.5 } };
        await card.querySelector("[name=hold]").dispatchEvent(event);
        return asked.at(-1)[1].keyframe;
      };
      open("a"); page.applyAnswer({ state: keyframes(0, 1, 2) });
      await markers()[0].dispatchEvent({ type: "pointerup" });
      await page.commit();
      const found = [await hold()];
      page.applyAnswer({ state: keyframes(1, 1.5, 2) });  // it was dragged from 0 s to 1.5 s
      found.push(await hold(), markers().findIndex((marker) => marker.ariaPressed === "true"));
      page.applyAnswer({ state: keyframes(0.5, 1, 1.5, 2) });  // another one was added
      found.push(await hold(), card.hidden);
      page.applyAnswer({ state: keyframes(0.5, 1, 2) });  // it was removed
      return [...found, card.hidden];
    """,
        "timeline",
    )
    assert requests == [0, 1, 1, 2, False, True]


def test_the_caption_of_a_reset_is_at_the_place():
    left = run(
        """
      answers.preview = () => ({ picture: "x", expression: {}, changed_controls: ["AU12"] });
      open("a");
      await new Promise(setImmediate);  // the motion map is loaded
      const [layer] = element.querySelector("#stage").querySelector("#stage-overlay").children;
      await layer.children.at(-1).dispatchEvent({ type: "keydown", key: "Delete" });
      await page.commit();
      return layer.children[1].style.left;
    """,
        "stage",
        "drag",
        before="""
      element.querySelector("#stage").querySelector("#stage-overlay").parts[".drag"] = null;
      const handles = [{ name: "AU12", side: "", at: [0.5, 0.5], moves: {} }];
      answers.motion_map = () => ({ cells: [0], handles, labels: {}, opposites: {}, start: {} });
    """,
    )
    assert left == "66px"
