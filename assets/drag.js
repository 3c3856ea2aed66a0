// Direct manipulation of the face. A caption names the part under the pointer, and arrows show how it
// moves. A drag moves it. Alt moves one side alone, Escape cancels the drag, and a double click or tap
// undoes the changes at a place. Focusable handles do the same with the arrow keys; Delete resets them.
//
// It needs `mount`, `stage`, `expression`, `preview`, `commit`, `cancelDrag`, `motionMap` and `translate`
// of window.moodganimation, and runs after stage.js. A drag previews {drag: {at, to, side}, expression}, a
// reset {reset: at, expression}: `at` and `to` are places, as fractions of the photo's width and height,
// and the expression is the one before the drag. The server finds which axes move.
// manipulation/motion_map.py describes what `motionMap` returns; its labels are translated by the server,
// its groups here.
window.moodganimation.mount(element, () => {
  const page = window.moodganimation;
  const CLICK_SLOP_PX = { mouse: 3, touch: 8, pen: 5 };  // a click may move by so much
  const DOUBLE_CLICK_MS = 350, DOUBLE_CLICK_PX = 24;  // between two clicks, at most
  const ARROW_CELLS = 3;  // cells on each side of the pointer that show an arrow
  const ARROW_CHANGE = 0.35;  // an arrow shows the motion when the unit changes by this
  const ARROW_KEY_STEP = 0.012;  // of a handle, in sides of the face's crop
  const ARROW_KEY_REST_MS = 600;  // without a key, after which a drag by keys is committed
  const ARROW_KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  // Also in DRAG_TEXTS of demo/ui/page.py, which collects the page's texts for translation.
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
    const layer = createElement("div", { className: "drag", role: "group", ariaLabel: translate(HELP) });
    const arrows = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const path = document.createElementNS(arrows.namespaceURI, "path");
    const caption = createElement("div", { className: "caption", role: "status" });
    const style = createElement("style", { id: "drag-style", textContent: STYLE });
    if (!document.querySelector("#drag-style")) document.head.append(style);
    arrows.append(path);
    arrows.ariaHidden = "true";
    layer.append(arrows, caption);
    overlay.append(layer);
    let motionMap = null;  // see manipulation/motion_map.py; null: nothing can be dragged
    let newestRequest = 0;  // number of the newest request of a motion map
    let pointerDrag = null;  // the drag of a pointer: {id, at, expression, x, y, isMoved, lastPreview}
    let keyDrag = null;  // the drag of keys: {handle, at, to, expression, lastPreview}; lastPreview: a promise
    let lastClick = null;  // {time, x, y}
    let keyTimer = null, animationFrame = null, markers = [];  // markers: elements of the handles

    // ---- Coordinates ----

    // From the screen [px] to fractions of the photo, also outside of it, where `stage.toPhoto` returns null.
    function toPhoto(x, y) {
      const [left, top] = stage.fromPhoto(0, 0), across = stage.fromPhoto(1, 0), down = stage.fromPhoto(0, 1);
      const [a, b, c, d] = [across[0] - left, down[0] - left, across[1] - top, down[1] - top];
      const determinant = a * d - b * c;
      return [(d * (x - left) - b * (y - top)) / determinant, (a * (y - top) - c * (x - left)) / determinant];
    }

    // From fractions of the photo to the layer [px].
    function inLayer(x, y) {
      const box = layer.getBoundingClientRect(), [left, top] = stage.fromPhoto(x, y);
      return [left - box.left, top - box.top];
    }

    // The cell of the motion map at a place in the photo: [column, row, index]; null outside.
    function cellAt([x, y]) {
      const [[a, b, e], [c, d, f]] = motionMap.to_photo, determinant = a * d - b * c;
      const column = Math.round((d * (x - e) - b * (y - f)) / determinant);
      const row = Math.round((a * (y - f) - c * (x - e)) / determinant);
      return Math.min(column, row) < 0 || Math.max(column, row) >= motionMap.grid
        ? null
        : [column, row, row * motionMap.grid + column];
    }

    const placeOf = (column, row) => motionMap.to_photo.map(([a, b, e]) => a * column + b * row + e);

    // ---- Values ----

    // The value of an axis, of a unit (the mean of its sides), or of two opposite axes as one.
    function axisValue(expression, key, side = "") {
      const valueOf = (name) =>
        expression[name + side] ??
        expression[name] ??
        ((expression[`${name}L`] ?? 0) + (expression[`${name}R`] ?? 0)) / 2;
      return valueOf(key) - (key in motionMap.opposites ? valueOf(motionMap.opposites[key]) : 0);
    }

    // Where the expression has moved the place of a handle.
    function placeOfHandle({ at, moves, side }) {
      const expression = page.expression(), place = [...at];
      for (const [key, move] of Object.entries(moves)) {
        const change = axisValue(expression, key, side) - axisValue(motionMap.start, key, side);
        move.forEach((distance, i) => {
          place[i] += change * distance * motionMap.scale;
        });
      }
      return place;
    }

    const title = (key) => translate(motionMap.labels[key] ?? key);
    const valuesText = (names, expression) =>
      names
        .map((name) => `${title(name)}  ${(expression[name] ?? axisValue(expression, name)).toFixed(2)}`)
        .join("\n");

    // ---- What is shown ----

    // Show a text beside a place in the layer [px], within the visible part of the stage.
    function showCaption(text, x, y) {
      caption.textContent = text;
      if (!text) return;
      const box = layer.getBoundingClientRect(), visible = stage.element.getBoundingClientRect();
      const left = Math.max(0, visible.left - box.left);
      const right = Math.min(box.width, visible.right - box.left);
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
      const cell = motionMap && cellAt(toPhoto(x, y)), control = cell && motionMap.cells[cell[2]];
      if (!cell || control < 0) return clear();
      let drawn = "";
      for (let row = cell[1] - ARROW_CELLS; row <= cell[1] + ARROW_CELLS; row += 1) {
        for (let column = cell[0] - ARROW_CELLS; column <= cell[0] + ARROW_CELLS; column += 1) {
          const index = row * motionMap.grid + column;
          const isInside = Math.min(column, row) >= 0 && Math.max(column, row) < motionMap.grid;
          if (isInside && motionMap.cells[index] === control)
            drawn += arrow(placeOf(column, row), motionMap.vectors.slice(2 * index, 2 * index + 2));
        }
      }
      path.setAttribute("d", drawn);
      const key = motionMap.names[control], box = layer.getBoundingClientRect();
      showCaption(translate(motionMap.groups[key] ?? motionMap.labels[key]), x - box.left, y - box.top);
    }

    // An arrow from a place, as data of an SVG path.
    function arrow(place, vector) {
      const [x, y] = inLayer(...place);
      const [u, v] = inLayer(...place.map((p, i) => p + ARROW_CHANGE * motionMap.scale * vector[i]));
      const length = Math.hypot(u - x, v - y);
      if (length < 2) return "";
      const [a, b] = [(u - x) / length, (v - y) / length], head = Math.min(5, length / 2);
      const wing = (sign) =>
        `${(u - head * (a - sign * b * 0.6)).toFixed(1)} ${(v - head * (b + sign * a * 0.6)).toFixed(1)}`;
      return `M${x.toFixed(1)} ${y.toFixed(1)}L${u.toFixed(1)} ${v.toFixed(1)}M${wing(1)}L${u.toFixed(1)} ${v.toFixed(1)}L${wing(-1)}`;
    }

    function placeMarkers() {
      for (const marker of markers) {
        const [x, y] = inLayer(...placeOfHandle(marker.handle));
        const { name, side } = marker.handle;
        const expression = page.expression();
        Object.assign(marker.style, { left: `${x}px`, top: `${y}px` });
        marker.ariaValueNow = axisValue(expression, name, side).toFixed(2);
      }
    }

    // ---- Drags ----

    // Preview a request of a drag (pointerDrag or keyDrag), and show its values beside a place in the
    // layer [px].
    async function preview(request, x, y, drag) {
      let answer = null;
      try {
        answer = await page.preview(request);
      } catch (error) {
        console.warn("no drag", error);
      }
      if (!motionMap) return;
      placeMarkers();
      // A newer request replaced this one, another drag has begun, or the drag is over.
      if (!answer?.changed_controls || (drag && drag !== pointerDrag && drag !== keyDrag)) return;
      showCaption(valuesText(answer.changed_controls, answer.expression ?? page.expression()), x, y);
    }

    // The request of a drag; isOneSided: Alt is pressed.
    const dragRequest = (at, to, isOneSided, expression) => ({
      drag: { at, to, side: isOneSided ? "one" : "both" },
      expression,
    });

    function move(event) {
      const box = layer.getBoundingClientRect(), { at, expression } = pointerDrag;
      const request = dragRequest(at, toPhoto(event.clientX, event.clientY), event.altKey, expression);
      const [x, y] = [event.clientX - box.left, event.clientY - box.top];
      pointerDrag.lastPreview = preview(request, x, y, pointerDrag);
    }

    // Commit a drag after the answer to its last preview: one step to undo.
    async function commit({ lastPreview }) {
      await lastPreview;
      await page.commit();
      if (motionMap) placeMarkers();
      if (!pointerDrag && !keyDrag) clear();
    }

    async function reset(at) {
      await preview({ reset: at, expression: page.expression() }, ...inLayer(...at));
      commit({});
    }

    // End the drag of the pointer, and return it.
    function release() {
      const drag = pointerDrag;
      pointerDrag = null;
      layer.classList.remove("held");
      clear();
      return drag;
    }

    // Cancel the drag of the pointer or of keys.
    function cancel() {
      const hasBegun = pointerDrag?.isMoved || keyDrag;
      release();
      keyDrag = null;
      clearTimeout(keyTimer);
      if (hasBegun) {
        page.cancelDrag();
        placeMarkers();
      }
    }

    layer.addEventListener("pointerdown", (event) => {
      if (!motionMap || event.button || pointerDrag || !event.isPrimary) return;
      const at = stage.toPhoto(event.clientX, event.clientY);
      if (!at) return;
      endKeyDrag();
      const { pointerId: id, clientX: x, clientY: y } = event;
      pointerDrag = { id, at, expression: page.expression(), x, y, isMoved: false };
      layer.setPointerCapture(id);
      layer.classList.add("held");
    });
    layer.addEventListener("pointermove", (event) => {
      if (pointerDrag?.id === event.pointerId) {
        const distance = Math.hypot(event.clientX - pointerDrag.x, event.clientY - pointerDrag.y);
        pointerDrag.isMoved ||= distance > (CLICK_SLOP_PX[event.pointerType] ?? CLICK_SLOP_PX.mouse);
        path.setAttribute("d", "");
        if (pointerDrag.isMoved) move(event);
      } else if (!pointerDrag && event.pointerType !== "touch" && !animationFrame) {
        animationFrame = requestAnimationFrame(() => {
          animationFrame = null;
          if (!pointerDrag) hover(event.clientX, event.clientY);
        });
      }
    });
    layer.addEventListener("pointerup", (event) => {
      if (pointerDrag?.id !== event.pointerId) return;
      const drag = release();
      if (drag.isMoved) {
        lastClick = null;
        commit(drag);
      } else click(event, drag.at);
    });
    layer.addEventListener("pointercancel", (event) => {
      if (pointerDrag?.id === event.pointerId) cancel();
    });
    layer.addEventListener("pointerleave", () => {
      if (!pointerDrag && !keyDrag) clear();
    });

    // A double click resets the place. A single click is passed on to a button below, such as the
    // outline of another face.
    function click({ clientX: x, clientY: y, timeStamp: time }, at) {
      if (
        lastClick &&
        time - lastClick.time < DOUBLE_CLICK_MS &&
        Math.hypot(x - lastClick.x, y - lastClick.y) < DOUBLE_CLICK_PX
      ) {
        lastClick = null;
        return reset(at);
      }
      lastClick = { time, x, y };
      const isBelow = (part) => !layer.contains(part) && part.closest("button");
      const below = document.elementsFromPoint(x, y).find(isBelow);
      below?.closest("button").click();
    }

    document.addEventListener("keydown", (event) => {
      if (!layer.isConnected || !(pointerDrag || keyDrag)) return;
      if (event.key === "Escape") {
        event.preventDefault();
        event.stopPropagation();
        cancel();
      }
      if (event.key === "Alt") event.preventDefault();  // would open the browser's menu
    }, true);

    // ---- Keys ----

    function endKeyDrag() {
      clearTimeout(keyTimer);
      const drag = keyDrag;
      keyDrag = null;
      if (drag) {
        clear();
        commit(drag);
      }
    }

    function onHandleKey(event, handle) {
      if (!motionMap) return;
      const direction = ARROW_KEYS[event.key], isReset = event.key === "Delete" || event.key === "Backspace";
      if (!direction && !isReset) return;
      event.preventDefault();
      event.stopPropagation();  // the page has shortcuts of its own
      if (isReset) {
        endKeyDrag();
        return reset(placeOfHandle(handle));
      }
      if (keyDrag?.handle !== handle) {
        endKeyDrag();
        const at = placeOfHandle(handle);
        keyDrag = { handle, at, to: at, expression: page.expression() };
      }
      // Arrow keys move along the screen's axes, however the face is tilted.
      const [x, y] = stage.fromPhoto(...keyDrag.to), step = ARROW_KEY_STEP * cropSidePx();
      keyDrag.to = toPhoto(x + step * direction[0], y + step * direction[1]);
      const request = dragRequest(keyDrag.at, keyDrag.to, event.altKey, keyDrag.expression);
      keyDrag.lastPreview = preview(request, ...inLayer(...keyDrag.to), keyDrag);
      clearTimeout(keyTimer);
      keyTimer = setTimeout(endKeyDrag, ARROW_KEY_REST_MS);
    }

    // The side of the face's crop on the screen [px].
    function cropSidePx() {
      const [x, y] = stage.fromPhoto(...placeOf(0, 0)), [u, v] = stage.fromPhoto(...placeOf(motionMap.grid, 0));
      return Math.hypot(u - x, v - y);
    }

    // Return the marker of a handle of the motion map.
    function createMarker(handle) {
      const key = handle.name + handle.side;
      const name = title(key in motionMap.labels ? key : handle.name);
      const marker = createElement("div", {
        className: "handle",
        tabIndex: 0,
        role: "slider",
        ariaLabel: name,
        ariaValueMin: "0",
        ariaValueMax: "1",
      });
      marker.handle = handle;
      marker.dataset.handle = key;
      marker.addEventListener("keydown", (event) => onHandleKey(event, handle));
      marker.addEventListener("focus", placeMarkers);
      marker.addEventListener("blur", endKeyDrag);
      return marker;
    }

    // ---- Another photo or face ----

    // Load the motion map of the selected face.
    async function loadMotionMap() {
      const requestNumber = newestRequest += 1;
      motionMap = pointerDrag = keyDrag = null;
      clearTimeout(keyTimer);
      clear();
      markers.forEach((marker) => marker.remove());
      markers = [];
      layer.hidden = true;
      let found = null;
      try {
        found = await page.motionMap();
      } catch (error) {
        console.warn("no motion map", error);
      }
      if (requestNumber !== newestRequest || !found?.cells) return;
      motionMap = found;
      layer.hidden = false;
      markers = motionMap.handles.map(createMarker);
      layer.append(...markers);
      placeMarkers();
    }

    stage.element.addEventListener("face-changed", loadMotionMap);
    stage.image.addEventListener("load", () => {
      if (motionMap) placeMarkers();
    });
    new ResizeObserver(() => {
      if (motionMap) placeMarkers();
    }).observe(layer);
    loadMotionMap();
  }

  const createElement = (tag, values) => Object.assign(document.createElement(tag), values);
  attach(page.stage);
});
