// Direct manipulation of the face. The part under the pointer is named, with arrows that show how it
// moves; a drag moves it. Alt moves one side alone, Escape cancels the drag, and a double click or tap
// undoes the changes at a place. Focusable handles do the same with the arrow keys; Delete resets them.
//
// It needs `stage`, `state`, `preview`, `commit`, `cancel`, `motionMap` and `translate` of
// window.moodganimation. A drag previews {drag: {at, to, side}, units}, a reset {reset: at, units}:
// places are shares of the photo, units those before the drag. The server resolves which units move.
// `motionMap` is described in manipulation/motion_map.py.
(() => {
  const page = window.moodganimation ??= {};
  const CLICK_SLOP_PX = { mouse: 3, touch: 8, pen: 5 };  // that a click may move
  const DOUBLE_CLICK_MS = 350, DOUBLE_CLICK_PX = 24;  // between two clicks, at most
  const ARROW_CELLS = 3;  // on each side of the pointer that show arrows
  const ARROW_CHANGE = 0.35;  // of the unit, which an arrow shows
  const ARROW_KEY_STEP = 0.012;  // in sides of the face's crop
  const ARROW_KEY_REST_MS = 600;  // without a key, after which a drag by keys is committed
  const ARROW_KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  // Also in DRAG_TEXTS of demo/ui/page.py, where the translations of the page are collected.
  const HELP = "The face: drag it, or move its handles with the arrow keys. Delete undoes the change at a handle.";
  const STYLE = `
    #stage-overlay .drag { position: absolute; inset: 0; touch-action: none; cursor: grab; pointer-events: auto; user-select: none; }
    #stage-overlay .drag.held { cursor: grabbing; }
    .drag svg { position: absolute; inset: 0; width: 100%; height: 100%; overflow: visible; pointer-events: none; }
    .drag path { stroke: #fff; stroke-opacity: 0.6; stroke-width: 1.5; fill: none; filter: drop-shadow(0 0 1px #000); }
    .drag .caption { position: absolute; max-width: 60%; padding: 2px 8px; border-radius: 8px; background: rgb(21 22 26 / 0.85); color: #fff; font-size: 13px; width: max-content; white-space: pre-line; pointer-events: none; }
    .drag .caption:empty { display: none; }
    .drag .handle { position: absolute; width: 12px; height: 12px; margin: -6px 0 0 -6px; border: 2px solid #fff; border-radius: 50%; background: #FF6A3D; opacity: 0; pointer-events: none; }
    .drag:hover .handle { opacity: 0.35; }
    .drag .handle:focus { opacity: 1; outline: 2px solid #15161A; box-shadow: 0 0 0 4px #fff; }`;

  function attach(stage) {
    const overlay = stage.element.querySelector("#stage-overlay") ?? document.querySelector("#stage-overlay");
    if (!overlay || overlay.querySelector(".drag")) return;
    const { translate } = page;
    const layer = make("div", { className: "drag", role: "group", ariaLabel: translate(HELP) });
    const arrows = document.createElementNS("http://www.w3.org/2000/svg", "svg"), path = document.createElementNS(arrows.namespaceURI, "path");
    const caption = make("div", { className: "caption", role: "status" });
    if (!document.querySelector("#drag-style")) document.head.append(make("style", { id: "drag-style", textContent: STYLE }));
    arrows.append(path);
    arrows.ariaHidden = "true";
    layer.append(arrows, caption);
    overlay.append(layer);
    let map = null;  // the motion map; null: nothing can be dragged
    let loads = 0;  // number of the newest request of a map
    let held = null;  // the drag of a pointer: {id, at, units, x, y, isMoved, lastPreview}
    let keyDrag = null;  // the drag of keys: {handle, at, to, units, lastPreview}; lastPreview: a promise
    let lastClick = null;  // {time, x, y}
    let timer = null, animationFrame = null, handles = [];

    // ---- Places ----

    // From the screen [px] to shares of the photo, also outside of it, where `stage.toPhoto` is null.
    function toPhoto(x, y) {
      const [left, top] = stage.fromPhoto(0, 0), across = stage.fromPhoto(1, 0), down = stage.fromPhoto(0, 1);
      const [a, b, c, d] = [across[0] - left, down[0] - left, across[1] - top, down[1] - top];
      const determinant = a * d - b * c;
      return [(d * (x - left) - b * (y - top)) / determinant, (a * (y - top) - c * (x - left)) / determinant];
    }

    // From shares of the photo to the layer [px].
    function inLayer(x, y) {
      const box = layer.getBoundingClientRect(), [left, top] = stage.fromPhoto(x, y);
      return [left - box.left, top - box.top];
    }

    // The cell of the map at a place: [column, row, index]; null outside.
    function cellAt([x, y]) {
      const [[a, b, e], [c, d, f]] = map.to_photo, determinant = a * d - b * c;
      const column = Math.round((d * (x - e) - b * (y - f)) / determinant), row = Math.round((a * (y - f) - c * (x - e)) / determinant);
      return Math.min(column, row) < 0 || Math.max(column, row) >= map.grid ? null : [column, row, row * map.grid + column];
    }

    const placeOf = (column, row) => map.to_photo.map(([a, b, e]) => a * column + b * row + e);

    // ---- Values ----

    // The value of an axis, of a unit (the mean of its sides), or of two opposite axes as one.
    function value(units, key, side = "") {
      const valueOf = (name) => units[name + side] ?? units[name] ?? ((units[`${name}L`] ?? 0) + (units[`${name}R`] ?? 0)) / 2;
      return valueOf(key) - (key in map.opposites ? valueOf(map.opposites[key]) : 0);
    }

    // Where the expression has moved the place of a handle.
    function placeOfHandle({ at, moves, side }) {
      const { units } = page.state(), place = [...at];
      for (const [key, move] of Object.entries(moves)) {
        const change = value(units, key, side) - value(map.start, key, side);
        move.forEach((distance, i) => { place[i] += change * distance * map.scale; });
      }
      return place;
    }

    const title = (key) => translate(map.labels[key] ?? key);
    const valuesText = (names, units) => names.map((name) => `${title(name)}  ${(units[name] ?? value(units, name)).toFixed(2)}`).join("\n");

    // ---- What is shown ----

    // Show a text beside a place of the layer [px], within the visible part of the stage.
    function showCaption(text, x, y) {
      caption.textContent = text;
      if (!text) return;
      const box = layer.getBoundingClientRect(), visible = stage.element.getBoundingClientRect();
      const [left, right] = [Math.max(0, visible.left - box.left), Math.min(box.width, visible.right - box.left)];
      const top = Math.max(0, visible.top - box.top), above = y - caption.offsetHeight - 12;
      caption.style.left = `${Math.max(left + 4, Math.min(x + 16, right - caption.offsetWidth - 4))}px`;
      caption.style.top = `${above < top + 4 ? Math.max(y, top) + 20 : above}px`;
    }

    function clear() {
      path.setAttribute("d", "");
      caption.textContent = "";
    }

    // Name the part under the pointer, and show how it moves.
    function hover(x, y) {
      const cell = map && cellAt(toPhoto(x, y)), control = cell && map.cells[cell[2]];
      if (!cell || control < 0) return clear();
      let drawn = "";
      for (let row = cell[1] - ARROW_CELLS; row <= cell[1] + ARROW_CELLS; row += 1) {
        for (let column = cell[0] - ARROW_CELLS; column <= cell[0] + ARROW_CELLS; column += 1) {
          const index = row * map.grid + column, isInside = Math.min(column, row) >= 0 && Math.max(column, row) < map.grid;
          if (isInside && map.cells[index] === control) drawn += arrow(placeOf(column, row), map.vectors.slice(2 * index, 2 * index + 2));
        }
      }
      path.setAttribute("d", drawn);
      const key = map.names[control], box = layer.getBoundingClientRect();
      showCaption(translate(map.groups[key] ?? map.labels[key]), x - box.left, y - box.top);
    }

    // An arrow from a place, as data of an SVG path.
    function arrow(place, vector) {
      const [x, y] = inLayer(...place), [u, v] = inLayer(...place.map((p, i) => p + ARROW_CHANGE * map.scale * vector[i]));
      const length = Math.hypot(u - x, v - y);
      if (length < 2) return "";
      const [a, b] = [(u - x) / length, (v - y) / length], head = Math.min(5, length / 2);
      const wing = (sign) => `${(u - head * (a - sign * b * 0.6)).toFixed(1)} ${(v - head * (b + sign * a * 0.6)).toFixed(1)}`;
      return `M${x.toFixed(1)} ${y.toFixed(1)}L${u.toFixed(1)} ${v.toFixed(1)}M${wing(1)}L${u.toFixed(1)} ${v.toFixed(1)}L${wing(-1)}`;
    }

    function placeHandles() {
      for (const element of handles) {
        const [x, y] = inLayer(...placeOfHandle(element.handle)), { name, side } = element.handle, { units } = page.state();
        Object.assign(element.style, { left: `${x}px`, top: `${y}px` });
        element.ariaValueNow = value(units, name, side).toFixed(2);
      }
    }

    // ---- Drags ----

    // Preview a request of a drag (held or keyDrag), and show its values beside a place [px].
    async function preview(request, x, y, drag) {
      let answer = null;
      try { answer = await page.preview(request); } catch (error) { console.warn("no drag", error); }
      if (!map) return;
      placeHandles();
      // A newer request replaced this one, another drag has begun, or the drag is over.
      if (!answer?.names || (drag && drag !== held && drag !== keyDrag)) return;
      showCaption(valuesText(answer.names, answer.units ?? page.state().units), x, y);
    }

    // The request of a drag; isOneSided: as Alt says.
    const dragRequest = (at, to, isOneSided, units) => ({ drag: { at, to, side: isOneSided ? "one" : "both" }, units });

    function move(event) {
      const box = layer.getBoundingClientRect(), { at, units } = held;
      const request = dragRequest(at, toPhoto(event.clientX, event.clientY), event.altKey, units);
      held.lastPreview = preview(request, event.clientX - box.left, event.clientY - box.top, held);
    }

    // Commit a drag, once its last preview is there: one step to undo.
    async function commit({ lastPreview }) {
      await lastPreview;
      await page.commit();
      if (map) placeHandles();
      if (!held && !keyDrag) clear();
    }

    async function reset(at) {
      await preview({ reset: at, units: page.state().units });
      commit({});
    }

    // End the drag of the pointer, and return it.
    function release() {
      const drag = held;
      held = null;
      layer.classList.remove("held");
      clear();
      return drag;
    }

    // Cancel the drag of the pointer or of keys.
    function cancel() {
      const hasBegun = held?.isMoved || keyDrag;
      release();
      keyDrag = null;
      clearTimeout(timer);
      if (hasBegun) { page.cancel(); placeHandles(); }
    }

    layer.addEventListener("pointerdown", (event) => {
      if (!map || event.button || held || !event.isPrimary) return;
      const at = stage.toPhoto(event.clientX, event.clientY);
      if (!at) return;
      endKeys();
      held = { id: event.pointerId, at, units: { ...page.state().units }, x: event.clientX, y: event.clientY, isMoved: false };
      layer.setPointerCapture(event.pointerId);
      layer.classList.add("held");
    });
    layer.addEventListener("pointermove", (event) => {
      if (held?.id === event.pointerId) {
        const distance = Math.hypot(event.clientX - held.x, event.clientY - held.y);
        held.isMoved ||= distance > (CLICK_SLOP_PX[event.pointerType] ?? CLICK_SLOP_PX.mouse);
        path.setAttribute("d", "");
        if (held.isMoved) move(event);
      } else if (!held && event.pointerType !== "touch" && !animationFrame) {
        animationFrame = requestAnimationFrame(() => { animationFrame = null; if (!held) hover(event.clientX, event.clientY); });
      }
    });
    layer.addEventListener("pointerup", (event) => {
      if (held?.id !== event.pointerId) return;
      const drag = release();
      if (drag.isMoved) { lastClick = null; commit(drag); } else click(event, drag.at);
    });
    layer.addEventListener("pointercancel", (event) => { if (held?.id === event.pointerId) cancel(); });
    layer.addEventListener("pointerleave", () => { if (!held && !keyDrag) clear(); });

    // A double click resets the place; a single one goes to a button below, such as the outline of
    // another face.
    function click({ clientX: x, clientY: y, timeStamp: time }, at) {
      if (lastClick && time - lastClick.time < DOUBLE_CLICK_MS && Math.hypot(x - lastClick.x, y - lastClick.y) < DOUBLE_CLICK_PX) {
        lastClick = null;
        return reset(at);
      }
      lastClick = { time, x, y };
      const below = document.elementsFromPoint(x, y).find((part) => !layer.contains(part) && part.closest("button"));
      below?.closest("button").click();
    }

    document.addEventListener("keydown", (event) => {
      if (!layer.isConnected || !(held || keyDrag)) return;
      if (event.key === "Escape") { event.preventDefault(); event.stopPropagation(); cancel(); }
      if (event.key === "Alt") event.preventDefault();  // would open the browser's menu
    }, true);

    // ---- Keys ----

    function endKeys() {
      clearTimeout(timer);
      const drag = keyDrag;
      keyDrag = null;
      if (drag) { clear(); commit(drag); }
    }

    function press(event, handle) {
      if (!map) return;
      const direction = ARROW_KEYS[event.key], isReset = event.key === "Delete" || event.key === "Backspace";
      if (!direction && !isReset) return;
      event.preventDefault();
      event.stopPropagation();  // the page has shortcuts of its own
      if (isReset) { endKeys(); return reset(placeOfHandle(handle)); }
      if (keyDrag?.handle !== handle) {
        endKeys();
        const at = placeOfHandle(handle);
        keyDrag = { handle, at, to: at, units: { ...page.state().units } };
      }
      // Directions are those of the screen, however the face is tilted.
      const [x, y] = stage.fromPhoto(...keyDrag.to), step = ARROW_KEY_STEP * cropSide();
      keyDrag.to = toPhoto(x + step * direction[0], y + step * direction[1]);
      const request = dragRequest(keyDrag.at, keyDrag.to, event.altKey, keyDrag.units);
      keyDrag.lastPreview = preview(request, ...inLayer(...keyDrag.to), keyDrag);
      clearTimeout(timer);
      timer = setTimeout(endKeys, ARROW_KEY_REST_MS);
    }

    // The side of the face's crop on the screen [px].
    function cropSide() {
      const [[x, y], [u, v]] = [placeOf(0, 0), placeOf(map.grid, 0)].map((at) => stage.fromPhoto(...at));
      return Math.hypot(u - x, v - y);
    }

    // The element of a handle of the map.
    function handleElement(handle) {
      const name = title(handle.name + handle.side in map.labels ? handle.name + handle.side : handle.name);
      const element = make("div", { className: "handle", tabIndex: 0, role: "slider", ariaLabel: name, ariaValueMin: "0", ariaValueMax: "1" });
      element.handle = handle;
      element.dataset.handle = handle.name + handle.side;
      element.addEventListener("keydown", (event) => press(event, handle));
      element.addEventListener("focus", placeHandles);
      element.addEventListener("blur", endKeys);
      return element;
    }

    // ---- Another photo or face ----

    // Load the motion map of the selected face.
    async function load() {
      const mine = loads += 1;
      map = held = keyDrag = null;
      clearTimeout(timer);
      clear();
      handles.forEach((element) => element.remove());
      handles = [];
      layer.hidden = true;
      let found = null;
      try { found = await page.motionMap(); } catch (error) { console.warn("no motion map", error); }
      if (mine !== loads || !found?.cells) return;
      map = found;
      layer.hidden = false;
      handles = map.handles.map(handleElement);
      layer.append(...handles);
      placeHandles();
    }

    stage.element.addEventListener("face-changed", load);
    stage.image.addEventListener("load", () => { if (map) placeHandles(); });
    new ResizeObserver(() => { if (map) placeHandles(); }).observe(layer);
    load();
  }

  function make(tag, values) { return Object.assign(document.createElement(tag), values); }

  // The script of the stage may run later.
  function attachWhenReady() {
    if (page.stage) attach(page.stage); else setTimeout(attachWhenReady, 100);
  }
  attachWhenReady();
})();
