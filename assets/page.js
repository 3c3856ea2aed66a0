// The fast lane of the page: while a slider is dragged, small previews go straight to the server
// and back, only the newest request waits, and once the hand rests the full result is asked for.
// A generation ends when a photo, a preset or a button takes over: what was under way is dropped.
const shown = { result: "#result img", attention: "#attention img", color: "#color img", motion: "#motion img" };
let busy = false, waiting = null, rest = null, generation = 0;

function cancel() {
  generation += 1;
  waiting = null;
  clearTimeout(rest);
}

async function ask(request) {
  if (!props.value) return;
  clearTimeout(rest);
  if (busy) { waiting = request; return; }
  const mine = generation;
  busy = true;
  let pictures = {};
  try {
    pictures = await server.preview({ token: props.value, ...request });
  } catch (problem) {
    console.warn("no preview", problem);  // the full result below says what is wrong
  }
  busy = false;
  if (mine === generation && !waiting) {
    for (const [name, selector] of Object.entries(shown)) {
      const image = document.querySelector(selector);
      if (image && pictures[name]) image.src = pictures[name];
    }
    rest = setTimeout(() => trigger("input", { token: props.value, ...request }), 250);
  }
  if (waiting) { const next = waiting; waiting = null; ask(next); }
}

window.moodganimation = { ask, cancel, token: () => props.value, mirror: null };

// Gradio leaves pictures, and what wraps them alone, without names for those who cannot see them, and
// its slider between two pictures without keys: they are called as their part is, and arrows move it.
function name() {
  for (const part of document.querySelectorAll("img:not([alt]), img[alt=''], canvas, button, a")) {
    if (part.ariaLabel || part.textContent.trim() || part.title) continue;
    const block = part.closest(".block, fieldset"), label = block?.querySelector("label, .label")?.textContent.trim();
    const alike = block ? [...block.querySelectorAll(part.tagName)].filter((other) => other.className === part.className) : [];
    if (label) part.ariaLabel = alike.length > 1 ? `${label} ${1 + alike.indexOf(part)}` : label;
  }
  for (const handle of document.querySelectorAll("[data-testid=slider]:not([tabindex])")) {
    handle.tabIndex = 0;
    handle.role = "slider";
    handle.ariaLabel = handle.closest(".block").querySelector("label").textContent.trim();
    handle.addEventListener("keydown", (event) => slide(handle, { ArrowLeft: -16, ArrowRight: 16 }[event.key], event));
  }
}

function slide(handle, step, event) {
  if (!step) return;
  event.preventDefault();
  const { x, y, width, height } = handle.querySelector(".inner").getBoundingClientRect();
  for (const [type, to] of [["mousedown", 0], ["mousemove", step], ["mouseup", step]]) {
    (to ? window : handle).dispatchEvent(new MouseEvent(type, {
      bubbles: true, cancelable: true, view: window, clientX: x + width / 2 + to, clientY: y + height / 2 }));
  }
  const frame = handle.parentElement.getBoundingClientRect();
  handle.ariaValueNow = Math.round((100 * (x + width / 2 + step - frame.x)) / frame.width);
}

let naming = false;
new MutationObserver(() => {
  if (naming) return;
  naming = true;
  setTimeout(() => { naming = false; name(); }, 200);
}).observe(document.body, { childList: true, subtree: true });
