// The fast lane of the page: while a slider is dragged, small previews go straight to the server
// and back, only the newest request waits, and once the hand rests the full result is asked for.
const shown = { result: "#result img", attention: "#attention img", color: "#color img", motion: "#motion img" };
let busy = false, waiting = null, rest = null;

async function ask(request) {
  if (!props.value) return;
  clearTimeout(rest);
  if (busy) { waiting = request; return; }
  busy = true;
  try {
    const pictures = await server.preview({ token: props.value, ...request });
    for (const [name, selector] of Object.entries(shown)) {
      const image = document.querySelector(selector);
      if (image && pictures[name]) image.src = pictures[name];
    }
  } finally {
    busy = false;
  }
  if (waiting) { const next = waiting; waiting = null; ask(next); return; }
  rest = setTimeout(() => trigger("input", request), 250);
}

window.moodganimation = { ask };
