// The mood pad: pleasure to the right, arousal upwards. Drag the dot, click, or use the arrow keys;
// `input` is triggered with [pleasure, arousal], and a new value from outside moves the dot.
const pad = element.querySelector("svg"), dot = pad.querySelector(".dot");
const clamp = (x) => Math.round(100 * Math.max(-1, Math.min(1, x))) / 100;
let held = false;

function show() {
  const [pleasure, arousal] = props.value || [0, 0];
  dot.setAttribute("cx", 100 * pleasure);
  dot.setAttribute("cy", -100 * arousal);
  pad.setAttribute("aria-valuetext", `pleasure ${pleasure}, arousal ${arousal}`);
}

function put(pleasure, arousal) {
  props.value = [clamp(pleasure), clamp(arousal)];
  show();
  trigger("input");
}

function point(event) {
  const place = new DOMPoint(event.clientX, event.clientY).matrixTransform(pad.getScreenCTM().inverse());
  put(place.x / 100, -place.y / 100);
}

pad.addEventListener("pointerdown", (event) => {
  held = true;
  pad.setPointerCapture(event.pointerId);
  point(event);
});
pad.addEventListener("pointermove", (event) => { if (held) point(event); });
pad.addEventListener("pointerup", () => { held = false; });
pad.addEventListener("keydown", (event) => {
  const step = { ArrowLeft: [-0.05, 0], ArrowRight: [0.05, 0], ArrowUp: [0, 0.05], ArrowDown: [0, -0.05] }[event.key];
  if (!step) return;
  event.preventDefault();
  const [pleasure, arousal] = props.value || [0, 0];
  put(pleasure + step[0], arousal + step[1]);
});
watch("value", show);
show();
