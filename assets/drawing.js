// Drawing on the stage: by the brush a mask, which protects what is painted or restricts edits to it;
// and a box around a face that was not found.
window.moodganimation.mount(element, () => {
  const page = window.moodganimation, { on, session } = page;
  const canvas = element.querySelector("#stage-canvas"), frame = element.querySelector("#stage-frame");
  const brushBar = element.querySelector("#brush-bar"), brushButton = element.querySelector("#brush");
  // The diameter of the brush, as a fraction of the width of the picture on the stage.
  const size = brushBar.querySelector("[name=size]");
  const context = canvas.getContext("2d");
  const noFaceBar = element.querySelector("#no-face"), boxElement = element.querySelector("#stage-box");
  const MIN_BOX = 0.02;  // least side of a box, as a fraction of the photo's; a smaller one is a click
  let strokes = [], currentStroke = null;  // all strokes, and the one that is being drawn
  const strokesByMask = new Map();  // {number of a brush mask of this photo: the strokes that painted it}
  let unanswered = 0;  // requests of strokes without an answer
  let startCorner = null;  // of the box that is being drawn

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
      const [x0, y0, x1] = session.view_boxes[session.view];
      context.lineWidth = 2 * radius * area.width / (x1 - x0);
      points.forEach(([x, y], number) => {
        const [left, top] = page.stage.fromPhoto(x, y);
        context[number ? "lineTo" : "moveTo"](left - area.left, top - area.top);
      });
      if (points.length === 1)
        context.lineTo(
          ...page.stage.fromPhoto(...points[0]).map((v, i) => v - [area.left, area.top][i] + 0.1),
        );
      context.stroke();
    }
  }

  function setBrushOpen(isOpen) {
    brushBar.hidden = canvas.hidden = !isOpen;
    brushButton.ariaPressed = String(isOpen || session.state.painted);
    if (isOpen) drawStrokes();
  }
  brushButton.addEventListener("click", () => setBrushOpen(brushBar.hidden));
  canvas.addEventListener("pointerdown", (event) => {
    const position = page.stage.toPhoto(event.clientX, event.clientY);
    if (!position) return;
    canvas.setPointerCapture(event.pointerId);
    const [x0, , x1] = session.view_boxes[session.view];
    currentStroke = { points: [position], radius: size.value / 2 * (x1 - x0) };
    strokes.push(currentStroke);
    drawStrokes();
  });
  canvas.addEventListener("pointermove", (event) => {
    const position = currentStroke && page.stage.toPhoto(event.clientX, event.clientY);
    if (!position) return;
    currentStroke.points.push(position);
    drawStrokes();
  });
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, () => {
      if (!currentStroke) return;
      currentStroke = null;
      applyStrokes();
    });
  }

  // Send all strokes: after each stroke, Clear or a change of the mode.
  async function applyStrokes() {
    const sent = [...strokes];
    const onlyPainted = brushBar.querySelector("[name=brush-mode]:checked").value === "edit";
    unanswered += 1;
    const answer = await page.act("set_brush_mask", { strokes: sent, only_painted: onlyPainted });
    unanswered -= 1;
    if (answer.problem) showStrokesOf(session.state);
    else if (answer.state.brush_mask !== null) strokesByMask.set(answer.state.brush_mask, sent);
  }
  // Show the strokes of a state's brush mask, after Undo or with another face.
  function showStrokesOf(state) {
    if (unanswered) return;
    strokes = [...strokesByMask.get(state.brush_mask) ?? [], ...currentStroke ? [currentStroke] : []];
    if (!brushBar.hidden) drawStrokes();
  }
  on("state", ({ state }) => showStrokesOf(state));
  for (const choice of brushBar.querySelectorAll("[name=brush-mode]")) choice.addEventListener("change", applyStrokes);
  brushBar.querySelector("#brush-clear").addEventListener("click", () => {
    strokes = [];
    drawStrokes();
    applyStrokes();
  });
  brushBar.querySelector("#brush-done").addEventListener("click", () => setBrushOpen(false));
  on("face", () => {
    if (!brushBar.hidden) drawStrokes();
  });
  on("photo", ({ token }) => {
    if (!token) return;  // another model; the mask and its strokes stay
    strokes = [];
    strokesByMask.clear();
    setBrushOpen(false);
  });
  new ResizeObserver(() => {
    if (!canvas.hidden) drawStrokes();
  }).observe(frame);

  // ---- The box around a face that was not found ----

  on("no-face", (answer) => {
    const image = element.querySelector("#stage-image");
    image.src = answer.no_face;
    element.querySelector("#stage").dataset.photo = "no-face";
    session.view = "photo";
    session.view_boxes = { ...session.view_boxes, photo: [0, 0, 1, 1] };
    noFaceBar.hidden = false;
    noFaceBar.querySelector("p").textContent = answer.problem;
    boxElement.hidden = true;
    setBrushOpen(false);
  });
  // The position of the pointer on the stage, as fractions of the photo's width and height.
  const positionOf = (event) => {
    const area = frame.getBoundingClientRect();
    return [(event.clientX - area.left) / area.width, (event.clientY - area.top) / area.height].map((v) =>
      Math.max(0, Math.min(1, v)),
    );
  };
  const boxLayer = element.querySelector("#stage-boxes");
  boxLayer.addEventListener("pointerdown", (event) => {
    startCorner = positionOf(event);
    boxLayer.setPointerCapture(event.pointerId);
  });
  boxLayer.addEventListener("pointermove", (event) => {
    if (startCorner) showBox(startCorner, positionOf(event));
  });
  boxLayer.addEventListener("pointerup", (event) => {
    if (!startCorner) return;
    const [x, y] = positionOf(event), box = [...startCorner, x, y];
    startCorner = null;
    if (Math.abs(box[2] - box[0]) < MIN_BOX || Math.abs(box[3] - box[1]) < MIN_BOX) return;
    openBox(box);
  });
  boxLayer.addEventListener("pointercancel", () => {
    startCorner = null;
    boxElement.hidden = true;
  });

  function showBox([x0, y0], [x1, y1]) {
    boxElement.hidden = false;
    Object.assign(boxElement.style, {
      left: `${100 * Math.min(x0, x1)}%`,
      top: `${100 * Math.min(y0, y1)}%`,
      width: `${100 * Math.abs(x1 - x0)}%`,
      height: `${100 * Math.abs(y1 - y0)}%`,
    });
  }
  function openBox(box) {
    session.view = "face";
    for (const button of element.querySelectorAll("#views button"))
      button.ariaPressed = String(button.dataset.view === "face");
    page.openBox(box);
  }
  // The middle of the photo, for visitors without a pointer.
  noFaceBar.querySelector("button").addEventListener("click", () => openBox([0.25, 0.1, 0.75, 0.8]));
});
