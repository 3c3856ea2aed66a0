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

window.moodganimation = { ask, cancel, token: () => props.value };
