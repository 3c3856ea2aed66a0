// The mood pad: pleasure to the right, arousal upwards, in units of its SVG from -100 to 100. Drag
// the dot, click a place or the name of a mood, or use the arrow keys, Page Up and Page Down. A name
// sets dominance, too.
window.moodganimation.mount(element, () => {
  const page = window.moodganimation, { on, session, translate } = page;
  const pad = element.querySelector("#mood-pad"), dot = pad.querySelector(".dot");
  const moods = [...pad.querySelectorAll("g[data-name]")].map((group) => ({
    text: Object.assign(group.querySelector("text"), { textContent: translate(group.dataset.name) }),
    x: group.transform.baseVal[0].matrix.e, y: group.transform.baseVal[0].matrix.f,
    dominance: Number(group.dataset.dominance) }));
  const AT_MOOD = 2;  // distance within which the dot counts as being at a named mood
  const ARROW_KEY_STEP = 0.05;  // change of pleasure or arousal
  // The dots of moods, their labels, and the area for labels, in units of the SVG.
  const DOT_RADIUS = 2, LABEL_GAP = 4, MAX_X = 124, MAX_Y = 107;
  const LABEL_SHIFTS = [0.5, 0.2, 0.8, -0.2, 1.2];  // of a label's top above its dot, in label heights
  const OUTSIDE_COST = 1e6;  // of a position outside; more than the area of any overlap
  const AXES = ["pleasure", "arousal", "dominance"];
  const rounded = (x) => Math.round(100 * Math.max(-1, Math.min(1, x))) / 100;
  let current = [0, 0, 0], isHeld = false;

  const slider = (axis) => element.querySelector(`#slider-${axis}`);

  // Move the dot, and describe the mood to screen readers.
  function show(mood) {
    current = mood;
    const [pleasure, arousal] = mood;
    dot.setAttribute("cx", 100 * pleasure);
    dot.setAttribute("cy", -100 * arousal);
    const named = moods.find((m) => Math.hypot(m.x - 100 * pleasure, m.y + 100 * arousal) < AT_MOOD);
    pad.setAttribute("aria-valuenow", pleasure);
    pad.setAttribute(
      "aria-valuetext",
      (named ? `${named.text.textContent}: ` : "") +
        `${translate("pleasure")} ${pleasure}, ${translate("arousal")} ${arousal}`,
    );
  }

  // Set the mood: dot, sliders and preview.
  function setMood(pleasure, arousal, dominance = current[2]) {
    if (!session.token) return;
    show([pleasure, arousal, dominance].map(rounded));
    AXES.forEach((axis, i) => {
      slider(axis).value = current[i];
    });
    page.preview({ mood: current });
  }
  on("mood", () => {
    const mood = AXES.map((axis) => Number(slider(axis).value));
    show(mood);
    page.preview({ mood });
  });
  on("state", ({ state }) => show(state.mood));
  on("preview", ({ mood, request }) => {
    if (mood && !request.mood) show(mood);
  });

  function chooseNamed(mood) {
    setMood(mood.x / 100, -mood.y / 100, mood.dominance);
    page.commit();
  }
  function setMoodAt(event) {
    const position = new DOMPoint(event.clientX, event.clientY).matrixTransform(pad.getScreenCTM().inverse());
    setMood(position.x / 100, -position.y / 100);
  }

  // Put every name beside its dot, at the first free position, or else that with the least overlap.
  function arrangeNames() {
    const taken = moods.map(({ x, y }) => [x - DOT_RADIUS, y - DOT_RADIUS, x + DOT_RADIUS, y + DOT_RADIUS]);
    for (const { text, x, y } of moods) {
      const { width, height } = text.getBBox();
      const places = LABEL_SHIFTS.flatMap((up) => [
        [LABEL_GAP, -up * height],
        [-LABEL_GAP - width, -up * height],
      ]).concat([
        [-width / 2, -height - DOT_RADIUS],
        [-width / 2, DOT_RADIUS],
      ]);
      const cost = ([left, top]) => {
        const box = [x + left, y + top, x + left + width, y + top + height];
        const outside = box[0] < -MAX_X || box[2] > MAX_X || box[1] < -MAX_Y || box[3] > MAX_Y;
        return taken.reduce(
          (sum, [x0, y0, x1, y1]) =>
            sum +
            Math.max(0, Math.min(box[2], x1) - Math.max(box[0], x0)) *
              Math.max(0, Math.min(box[3], y1) - Math.max(box[1], y0)),
          outside ? OUTSIDE_COST : 0,
        );
      };
      const [left, top] = places.reduce((best, place) => (cost(place) < cost(best) ? place : best));
      text.setAttribute("x", left);
      text.setAttribute("y", top);  // page.css has dominant-baseline: hanging
      taken.push([x + left, y + top, x + left + width, y + top + height]);
    }
  }

  pad.addEventListener("pointerdown", (event) => {
    const chosen = moods.find(({ text }) => text === event.target);
    if (chosen) return chooseNamed(chosen);
    isHeld = true;
    pad.setPointerCapture(event.pointerId);
    setMoodAt(event);
  });
  pad.addEventListener("pointermove", (event) => {
    if (isHeld) setMoodAt(event);
  });
  for (const end of ["pointerup", "pointercancel"])
    pad.addEventListener(end, () => {
      if (isHeld) page.commit();
      isHeld = false;
    });
  pad.addEventListener("keydown", (event) => {
    const step = {
      ArrowLeft: [-ARROW_KEY_STEP, 0],
      ArrowRight: [ARROW_KEY_STEP, 0],
      ArrowUp: [0, ARROW_KEY_STEP],
      ArrowDown: [0, -ARROW_KEY_STEP],
    }[event.key];
    const neighbor = { PageDown: 1, PageUp: -1 }[event.key];
    if (!step && !neighbor) return;
    event.preventDefault();
    if (step) {
      setMood(current[0] + step[0], current[1] + step[1]);
      return page.commitSoon();
    }
    const distances = moods.map((mood) => Math.hypot(mood.x - 100 * current[0], mood.y + 100 * current[1]));
    const nearest = distances.indexOf(Math.min(...distances));  // chosen first, and then its neighbors
    chooseNamed(
      moods[distances[nearest] < AT_MOOD ? (nearest + neighbor + moods.length) % moods.length : nearest],
    );
  });
  new ResizeObserver(() => {
    if (pad.clientWidth) arrangeNames();
  }).observe(pad);  // not while its tab is closed
  pad.setAttribute("aria-label", translate(pad.dataset.hint));
  for (const end of pad.querySelectorAll("[data-axis]")) end.textContent = translate(end.dataset.axis);
  show([0, 0, 0]);
});
