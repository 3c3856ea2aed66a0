// Drawing on the stage: a mask by the brush, which protects a part of the face from edits or is all
// that is edited, and a box around a face that was not found.
window.moodganimation.mount(element, () => {
  const page = window.moodganimation, { on, data } = page;
  const canvas = element.querySelector("#stage-canvas"), frame = element.querySelector("#stage-frame");
  const bar = element.querySelector("#painting"), toggle = element.querySelector("#brush");
  const size = bar.querySelector("[name=size]"), context = canvas.getContext("2d");
  const hint = element.querySelector("#no-face"), box = element.querySelector("#stage-box");
  const MIN_BOX = 0.02;  // side of a box, in shares of the photo; a smaller one is a click
  let strokes = [], stroke = null;  // all strokes, and the one that is being drawn
  let corner = null;  // of the box that is being drawn

  function clearCanvas() {
    const area = frame.getBoundingClientRect();
    canvas.width = Math.round(area.width);
    canvas.height = Math.round(area.height);
    context.strokeStyle = "rgb(255 106 61 / 0.55)";
    context.lineCap = context.lineJoin = "round";
  }

  function drawStrokes() {
    clearCanvas();
    const area = canvas.getBoundingClientRect();
    for (const { points, radius } of strokes) {
      context.beginPath();
      const [x0, y0, x1] = data.views[data.view];
      context.lineWidth = 2 * radius * area.width / (x1 - x0);
      points.forEach(([x, y], number) => {
        const [left, top] = page.stage.fromPhoto(x, y);
        context[number ? "lineTo" : "moveTo"](left - area.left, top - area.top);
      });
      if (points.length === 1) context.lineTo(...page.stage.fromPhoto(...points[0]).map((v, i) => v - [area.left, area.top][i] + 0.1));
      context.stroke();
    }
  }

  function setBrushOpen(isOpen) {
    bar.hidden = canvas.hidden = !isOpen;
    toggle.ariaPressed = String(isOpen || data.state.painted);
    if (isOpen) drawStrokes();
  }
  toggle.addEventListener("click", () => setBrushOpen(bar.hidden));
  canvas.addEventListener("pointerdown", (event) => {
    const place = page.stage.toPhoto(event.clientX, event.clientY);
    if (!place) return;
    canvas.setPointerCapture(event.pointerId);
    const [x0, , x1] = data.views[data.view];
    stroke = { points: [place], radius: size.value / 2 * (x1 - x0) };
    strokes.push(stroke);
    drawStrokes();
  });
  canvas.addEventListener("pointermove", (event) => {
    const place = stroke && page.stage.toPhoto(event.clientX, event.clientY);
    if (!place) return;
    stroke.points.push(place);
    drawStrokes();
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => { if (stroke) { stroke = null; applyStrokes(); } });

  // Send all strokes, after each stroke.
  function applyStrokes() {
    return page.act("brush", { strokes, alone: bar.querySelector("[name=alone]:checked").value === "alone is edited" });
  }
  for (const choice of bar.querySelectorAll("[name=alone]")) choice.addEventListener("change", applyStrokes);
  bar.querySelector("#brush-clear").addEventListener("click", () => { strokes = []; drawStrokes(); applyStrokes(); });
  bar.querySelector("#brush-done").addEventListener("click", () => setBrushOpen(false));
  on("face", () => { if (!bar.hidden) drawStrokes(); });
  on("photo", () => { strokes = []; setBrushOpen(false); });
  new ResizeObserver(() => { if (!canvas.hidden) drawStrokes(); }).observe(frame);

  // ---- The box around a face that was not found ----

  on("faceless", (answer) => {
    const image = element.querySelector("#stage-image");
    image.src = answer.faceless;
    element.querySelector("#stage").dataset.photo = "faceless";
    element.querySelector("#inset").hidden = true;
    element.querySelector("#stage-places").hidden = true;
    data.view = "photo";
    data.views = { ...data.views, photo: [0, 0, 1, 1] };
    hint.hidden = false;
    hint.querySelector("p").textContent = answer.problem;
    box.hidden = true;
    setBrushOpen(false);
  });
  // A place on the stage, in shares of the photo.
  const placeOf = (event) => {
    const area = frame.getBoundingClientRect();
    return [(event.clientX - area.left) / area.width, (event.clientY - area.top) / area.height].map((v) => Math.max(0, Math.min(1, v)));
  };
  const layer = element.querySelector("#stage-boxes");
  layer.addEventListener("pointerdown", (event) => { corner = placeOf(event); layer.setPointerCapture(event.pointerId); });
  layer.addEventListener("pointermove", (event) => { if (corner) showBox(corner, placeOf(event)); });
  layer.addEventListener("pointerup", (event) => {
    if (!corner) return;
    const [x, y] = placeOf(event), shares = [...corner, x, y];
    corner = null;
    if (Math.abs(shares[2] - shares[0]) < MIN_BOX || Math.abs(shares[3] - shares[1]) < MIN_BOX) return;
    openBox(shares);
  });
  layer.addEventListener("pointercancel", () => { corner = null; box.hidden = true; });

  function showBox([x0, y0], [x1, y1]) {
    box.hidden = false;
    Object.assign(box.style, { left: `${100 * Math.min(x0, x1)}%`, top: `${100 * Math.min(y0, y1)}%`, width: `${100 * Math.abs(x1 - x0)}%`, height: `${100 * Math.abs(y1 - y0)}%` });
  }
  function openBox(shares) {
    data.view = "face";
    for (const button of element.querySelectorAll("#views button")) button.ariaPressed = String(button.dataset.view === "face");
    page.openBox(shares);
  }
  // The middle of the photo, for visitors without a pointer.
  hint.querySelector("button").addEventListener("click", () => openBox([0.25, 0.1, 0.75, 0.8]));
});
