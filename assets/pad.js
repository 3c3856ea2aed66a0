// The mood pad: pleasure to the right, arousal upwards. Drag the dot, click a place or a name, or use
// the arrow keys, Page Up and Page Down; `input` is triggered with [pleasure, arousal], and with the
// dominance of a name, and a new value from outside moves the dot.
const pad = element.querySelector("svg"), dot = pad.querySelector(".dot");
const moods = [...pad.querySelectorAll("g")].map((group) => ({
  text: Object.assign(group.querySelector("text"), { textContent: say(group.dataset.name) }),
  x: group.transform.baseVal[0].matrix.e, y: group.transform.baseVal[0].matrix.f,
  dominance: Number(group.dataset.dominance) }));
const NEAR = 2;  // of a name, for the dot to be said to be there
const clamp = (x) => Math.round(100 * Math.max(-1, Math.min(1, x))) / 100;
let held = false;

function show() {
  const [pleasure, arousal] = props.value || [0, 0];
  dot.setAttribute("cx", 100 * pleasure);
  dot.setAttribute("cy", -100 * arousal);
  const here = moods.find((mood) => Math.hypot(mood.x - 100 * pleasure, mood.y + 100 * arousal) < NEAR);
  pad.setAttribute("aria-valuenow", pleasure);
  pad.setAttribute("aria-valuetext", (here ? `${here.text.textContent}: ` : "")
    + `${say("pleasure")} ${pleasure}, ${say("arousal")} ${arousal}`);
}

function put(...mood) {
  props.value = mood.map(clamp);
  show();
  trigger("input");
}

function name(mood) { put(mood.x / 100, -mood.y / 100, mood.dominance); }

function point(event) {
  const place = new DOMPoint(event.clientX, event.clientY).matrixTransform(pad.getScreenCTM().inverse());
  put(place.x / 100, -place.y / 100);
}

// Beside its dot every name takes the first place that is free; if none is, the one with most room.
function arrange() {
  const taken = moods.map(({ x, y }) => [x - 2, y - 2, x + 2, y + 2]);
  for (const { text, x, y } of moods) {
    const { width, height } = text.getBBox();
    const places = [0.5, 0.2, 0.8, -0.2, 1.2].flatMap((up) => [[4, -up * height], [-4 - width, -up * height]])
      .concat([[-width / 2, -height - 2], [-width / 2, 2]]);
    const cost = ([left, top]) => {
      const box = [x + left, y + top, x + left + width, y + top + height];
      const outside = box[0] < -124 || box[2] > 124 || box[1] < -107 || box[3] > 107;
      return taken.reduce((sum, [x0, y0, x1, y1]) => sum + Math.max(0, Math.min(box[2], x1) - Math.max(box[0], x0))
        * Math.max(0, Math.min(box[3], y1) - Math.max(box[1], y0)), outside ? 1e6 : 0);
    };
    const [left, top] = places.reduce((best, place) => (cost(place) < cost(best) ? place : best));
    text.setAttribute("x", left);
    text.setAttribute("y", top);
    taken.push([x + left, y + top, x + left + width, y + top + height]);
  }
}

pad.addEventListener("pointerdown", (event) => {
  const chosen = moods.find(({ text }) => text === event.target);
  if (chosen) return name(chosen);
  held = true;
  pad.setPointerCapture(event.pointerId);
  point(event);
});
pad.addEventListener("pointermove", (event) => { if (held) point(event); });
pad.addEventListener("pointerup", () => { held = false; });
pad.addEventListener("pointercancel", () => { held = false; });
pad.addEventListener("keydown", (event) => {
  const step = { ArrowLeft: [-0.05, 0], ArrowRight: [0.05, 0], ArrowUp: [0, 0.05], ArrowDown: [0, -0.05] }[event.key];
  const turn = { PageDown: 1, PageUp: -1 }[event.key];
  if (!step && !turn) return;
  event.preventDefault();
  const [pleasure, arousal] = props.value || [0, 0];
  if (step) return put(pleasure + step[0], arousal + step[1]);
  const far = moods.map((mood) => Math.hypot(mood.x - 100 * pleasure, mood.y + 100 * arousal));
  const at = far.indexOf(Math.min(...far));  // the nearest name comes first, then its neighbors
  name(moods[far[at] < NEAR ? (at + turn + moods.length) % moods.length : at]);
});
new ResizeObserver(() => { if (pad.clientWidth) arrange(); }).observe(pad);  // it may be in a closed tab
pad.setAttribute("aria-label", say(pad.dataset.says));
watch("value", show);
show();
