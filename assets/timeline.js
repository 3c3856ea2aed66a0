// The timeline: keyframes to drag along it, pins to drop on it, and the play head. Without keyframes
// it goes from the photo to the sliders and back, as the form of the export says.
window.moodganimation.mount(element, () => {
  const page = window.moodganimation, { on, act, data, translate } = page;
  const track = element.querySelector("#track"), scrub = element.querySelector("#scrub");
  const list = element.querySelector("#keys"), pins = element.querySelector("#pins"), play = element.querySelector("#play");
  const card = element.querySelector("#key-card"), head = element.querySelector("#moment");
  const MIN_SPAN = 3;  // that the track shows [s]
  const TIME_STEP = 0.05, ARROW_KEY_STEP = 0.1;  // of keyframes that are dragged, and of arrow keys [s]
  const NEW_KEY_GAP = 0.7;  // after the last keyframe [s]
  const DRAG_PX = 4, PIN_DRAG_PX = 6, DROP_MARGIN_PX = 24, PLAY_STEP_MS = 40;
  let seconds = 2.2, span = MIN_SPAN;  // length of the timeline, and of what the track shows [s]
  let chosen = null;  // number of the chosen keyframe
  let isPlaying = false, latestRequest = 0;
  let isHeld = false, deferredDraws = [];  // a keyframe or pin is being dragged; it is redrawn later

  // Draw, but not while the pointer holds an element that would be replaced.
  function redraw(draw) {
    if (!isHeld) return draw();
    if (!deferredDraws.includes(draw)) deferredDraws.push(draw);
  }
  element.addEventListener("pointerdown", (event) => { isHeld = event.target.closest(".key, #pins button") !== null; }, true);
  for (const end of ["pointerup", "pointercancel"]) {
    document.addEventListener(end, () => {
      isHeld = false;
      setTimeout(() => { const draws = deferredDraws; deferredDraws = []; for (const draw of draws) redraw(draw); });
    });
  }

  // The settings of the timeline, in the form of the export.
  const form = () => document.getElementById("export-form");
  page.timelineSettings = () => { const { start, end, frames, fps, easing, ping_pong, hold, mode, blinks } = page.values(form()); return { start, end, frames, fps, easing, ping_pong, hold, mode, blinks }; };
  // A moment [s] as a request of a preview names it.
  const momentRequest = (time) => ({ share: seconds ? Math.min(1, time / seconds) : 0, ...page.timelineSettings() });

  // Update length and curves after a change of the keyframes or the settings.
  async function measure() {
    const mine = latestRequest += 1, answer = await page.call("curves", page.timelineSettings()).catch(() => ({}));
    if (mine !== latestRequest || !answer.frames) return;
    seconds = answer.seconds;
    span = Math.max(MIN_SPAN, seconds, ...data.state.keys.map(({ at, hold }) => at + hold));
    scrub.max = seconds;
    track.style.setProperty("--length", Math.min(1, seconds / span));
    const drawing = document.getElementById("curves");
    if (drawing) drawing.src = answer.curves;
    redraw(drawKeyframes);
    // For tests.
    Object.assign(track.dataset, { keys: data.state.keys.length, seconds: seconds.toFixed(2) });
  }
  page.measureTimeline = measure;
  // The place of the pointer on the track, as a share and as a time [s].
  const share = (event) => { const box = track.getBoundingClientRect(); return Math.max(0, Math.min(1, (event.clientX - box.left) / box.width)); };
  const timeAt = (event) => rounded(share(event) * span);
  const rounded = (time) => Math.round(time / TIME_STEP) / Math.round(1 / TIME_STEP);

  // ---- Keyframes ----

  function drawKeyframes() {
    list.replaceChildren(...data.state.keys.map(({ at, hold }, number) => {
      const key = Object.assign(document.createElement("button"), { type: "button", className: "key", id: `key-${number}` });
      key.style.left = `${100 * at / span}%`;
      key.style.setProperty("--hold", hold / span);
      key.ariaLabel = `${translate("Keyframe")} ${number + 1}: ${at.toFixed(2)} s`;
      key.title = key.ariaLabel;
      key.ariaPressed = String(number === chosen);
      drag(key, number);
      return key;
    }));
  }
  // Let a keyframe be dragged, clicked and moved by keys.
  function drag(key, number) {
    let isMoved = false, startX = 0;
    key.addEventListener("pointerdown", (event) => { key.setPointerCapture(event.pointerId); isMoved = false; startX = event.clientX; event.stopPropagation(); });
    key.addEventListener("pointermove", (event) => {
      if (!key.hasPointerCapture(event.pointerId) || (!isMoved && Math.abs(event.clientX - startX) < DRAG_PX)) return;
      isMoved = true;
      key.style.left = `${100 * timeAt(event) / span}%`;
    });
    key.addEventListener("pointerup", async (event) => {
      if (isMoved) { await act("change_keyframe", { key: number, at: timeAt(event), ...page.timelineSettings() }); drawKeyframes(); }
      else choose(number);
    });
    key.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -ARROW_KEY_STEP, ArrowRight: ARROW_KEY_STEP }[event.key];
      if (step) { event.preventDefault(); act("change_keyframe", { key: number, at: Math.max(0, data.state.keys[number].at + step), ...page.timelineSettings() }).then(() => document.getElementById(`key-${number}`)?.focus()); }
      if (event.key === "Delete" || event.key === "Backspace") { event.preventDefault(); remove(number); }
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(number); }
    });
  }
  function choose(number) {
    chosen = number;
    const key = data.state.keys[number];
    card.hidden = false;
    card.querySelector("[name=hold]").value = key.hold;
    card.querySelector("[name=hold]").nextElementSibling.value = key.hold;
    card.querySelector("[name=easing]").value = key.easing;
    act("show_keyframe", { key: number });
  }
  function remove(number) { chosen = null; card.hidden = true; return act("remove_keyframe", { key: number, ...page.timelineSettings() }); }
  card.querySelector("#key-remove").addEventListener("click", () => remove(chosen));
  card.querySelector("#key-update").addEventListener("click", () => change({ update: true }));
  card.querySelector("#key-close").addEventListener("click", () => { card.hidden = true; chosen = null; drawKeyframes(); });
  card.querySelector("[name=hold]").addEventListener("change", (event) => change({ hold_s: Number(event.target.value) }));
  card.querySelector("[name=easing]").addEventListener("change", (event) => change({ key_easing: event.target.value }));
  async function change(more) { await page.commit(); return act("change_keyframe", { key: chosen, ...more, ...page.timelineSettings() }); }
  element.querySelector("#add-key").addEventListener("click", async () => {
    await page.commit();
    // At the play head, if it was moved and is at no keyframe, or else after the last keyframe.
    const last = data.state.keys.at(-1), free = last ? last.at + last.hold + NEW_KEY_GAP : 0;
    const now = Number(scrub.value);
    const isTaken = data.state.keys.some(({ at, hold }) => now >= at - TIME_STEP && now <= at + hold + TIME_STEP);
    await act("add_keyframe", { at: rounded(now > 0 && !isTaken ? now : free), ...page.timelineSettings() });
  });

  // ---- Pins ----

  function drawPins() {
    pins.replaceChildren(...data.state.pins.map((picture, number) => {
      const pin = Object.assign(document.createElement("button"), { type: "button", id: `pin-${number}`, ariaLabel: `${translate("Pin")} ${number + 1}` });
      pin.append(Object.assign(document.createElement("img"), { src: picture, alt: "", draggable: false }));
      let ghost = null, start = null;  // the picture under the pointer; where the drag began
      pin.addEventListener("pointerdown", (event) => { start = [event.clientX, event.clientY]; pin.setPointerCapture(event.pointerId); });
      pin.addEventListener("pointermove", (event) => {
        if (!start || (!ghost && Math.hypot(event.clientX - start[0], event.clientY - start[1]) < PIN_DRAG_PX)) return;
        if (!ghost) { ghost = pin.firstElementChild.cloneNode(); ghost.className = "ghost"; document.body.append(ghost); }
        ghost.style.left = `${event.clientX}px`;
        ghost.style.top = `${event.clientY}px`;
      });
      const drop = (event) => {
        const isDragged = ghost !== null;
        ghost?.remove();
        ghost = start = null;
        if (!isDragged) return;
        const box = track.getBoundingClientRect();
        const isOverTrack = event.type === "pointerup" && event.clientY > box.top - DROP_MARGIN_PX && event.clientY < box.bottom + DROP_MARGIN_PX && event.clientX > box.left && event.clientX < box.right;
        pin.dataset.dragged = "";
        if (isOverTrack) act("add_keyframe", { pin: number, at: timeAt(event), ...page.timelineSettings() });
      };
      pin.addEventListener("pointerup", drop);
      pin.addEventListener("pointercancel", drop);
      pin.addEventListener("click", () => {
        if ("dragged" in pin.dataset) { delete pin.dataset.dragged; return; }
        act("restore_pin", { pin: number });
      });
      return pin;
    }));
  }
  element.querySelector("#pin").addEventListener("click", async () => { await page.commit(); act("pin"); });

  // ---- Play head ----

  function moveHead(time) {
    scrub.value = time;
    head.style.left = `${100 * time / span}%`;
  }
  scrub.addEventListener("input", () => {
    stop();
    moveHead(Number(scrub.value));
    page.showOnStage("picture");
    page.preview({ moment: momentRequest(Number(scrub.value)), units: data.state.units });
  });
  scrub.addEventListener("change", () => page.commitSoon());
  function stop() {
    if (!isPlaying) return;
    isPlaying = false;
    play.textContent = "▶";
    play.ariaPressed = "false";
    page.cancel();
  }
  // Play or stop; once: stop at the end, else start again from the beginning.
  page.togglePlay = async (once = false) => {
    if (isPlaying) return stop();
    await page.commit();
    await measure();
    isPlaying = true;
    play.textContent = "❚❚";
    play.ariaPressed = "true";
    page.showOnStage("picture");
    const began = performance.now();
    const step = () => {
      if (!isPlaying) return;
      const passed = (performance.now() - began) / 1000;
      if (once && passed > seconds) { stop(); return moveHead(0); }
      moveHead(passed % seconds);
      page.preview({ moment: momentRequest(passed % seconds), units: data.state.units });
      setTimeout(step, PLAY_STEP_MS);
    };
    step();
  };
  play.addEventListener("click", () => page.togglePlay());
  document.addEventListener("pointerdown", (event) => { if (isPlaying && !element.contains(event.target)) stop(); }, true);

  let measuredKeys = "";  // keyframes of the last measurement, as JSON
  on("state", ({ state }) => {
    redraw(drawKeyframes);
    redraw(drawPins);
    if (chosen !== null && chosen >= state.keys.length) { chosen = null; card.hidden = true; }
    const keys = JSON.stringify(state.keys);
    if (keys !== measuredKeys) { measuredKeys = keys; measure(); }
  });
  on("photo", () => { measuredKeys = ""; moveHead(0); card.hidden = true; measure(); });
  on("opening", stop);
  element.querySelector("#export").addEventListener("click", () => page.togglePanel("export"));
});
