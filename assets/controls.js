// The sliders of a face, and the presets and movements above them. Each slider has a tick at the value
// read in the photo, is colored from there to its current value, and returns to it on a double click.
// The slider of a unit with two sides moves both; the sides can have sliders of their own.
window.moodganimation.mount(element, () => {
  const page = window.moodganimation, { on, act, data, translate } = page;
  const sliders = [...element.querySelectorAll(".slider")].map(slider);
  const axes = {};  // {unit: keys of FACS that its slider moves}
  const SCROLL_SLOP_PX = 6;  // a finger that moves less than this sideways is scrolling
  const CHANGED = 0.006;  // difference from the reading from which on a slider is marked as changed
  const BACK_AT_READING = 0.005;  // difference at which a slider is back at the reading
  const SIDES_DIFFER = 0.1, SIDE_CHANGED = 0.01;  // from which on the sides get their own sliders
  const PRESETS_DELAY_MS = 60;

  // ---- One slider ----

  // Make a slider work. Returns {root, range, box: its text input, low, high: its axes, or moodIndex:
  // the number of its axis in the mood, a text}.
  function slider(root) {
    const range = root.querySelector("input[type=range]"), box = root.querySelector(".value");
    const { low, high, mood: moodIndex } = root.dataset, self = { root, range, box, low, high, moodIndex };
    let startValue = null;
    let isArmed = true;  // whether moves count; those of a finger count once it moves sideways
    let downAt = null;  // where the pointer went down

    range.addEventListener("pointerdown", (event) => {
      startValue = Number(range.value);
      downAt = [event.clientX, event.clientY];
      isArmed = event.pointerType === "mouse";
    });
    range.addEventListener("pointermove", (event) => {
      if (!downAt || isArmed) return;
      const [dx, dy] = [Math.abs(event.clientX - downAt[0]), Math.abs(event.clientY - downAt[1])];
      if (dx > SCROLL_SLOP_PX && dx > dy) { isArmed = true; onMoved(); }
    });
    // The browser has taken the finger for scrolling: restore the value.
    range.addEventListener("pointercancel", () => { if (!isArmed) setValue(startValue, false); downAt = null; isArmed = true; });
    range.addEventListener("pointerup", () => { if (!isArmed) { isArmed = true; onMoved(); page.commitSoon(); } downAt = null; });
    range.addEventListener("input", () => { if (isArmed) onMoved(); else paint(self); });
    range.addEventListener("change", () => { if (isArmed) page.commitSoon(); else setValue(startValue, false); });
    range.addEventListener("dblclick", returnToReading);
    root.querySelector("label").addEventListener("dblclick", returnToReading);
    box.addEventListener("change", () => {
      const typed = Number(box.value.replace(",", "."));
      if (box.value.trim() && Number.isFinite(typed)) { setValue(typed, true); page.commitSoon(); }
      else paint(self);
    });
    box.addEventListener("keydown", (event) => { if (event.key === "Enter") box.blur(); if (event.key === "Escape") { paint(self); box.blur(); } });
    box.addEventListener("focus", () => box.select());
    root.querySelector(".sides")?.addEventListener("click", () => showSidesApart(self));

    function setValue(value, isSent) {
      range.value = value;
      if (isSent) onMoved();
      else paint(self);
    }
    function onMoved() { paint(self); send(self); }
    function returnToReading() {
      if (moodIndex) return;
      setValue(valueIn(data.reading, self), true);
      page.commit();
    }
    return self;
  }

  // Draw a slider's value: its colored part, and the number in its text input.
  function paint({ root, range, box, moodIndex }) {
    const { min, max } = range, value = Number(range.value), share = (v) => (v - min) / (max - min);
    const start = moodIndex ? 0 : Number(root.dataset.read ?? 0);
    root.style.setProperty("--read", share(start));
    root.style.setProperty("--low", share(Math.min(start, value)));
    root.style.setProperty("--high", share(Math.max(start, value)));
    root.classList.toggle("changed", Math.abs(start - value) > CHANGED);
    if (document.activeElement !== box) box.value = value.toFixed(2);
  }

  // The axes of FACS that the slider of a unit moves: both sides, if it has any.
  function keys(unit) {
    return axes[unit] ??= [`${unit}L`, `${unit}R`].every((side) => side in data.reading) ? [`${unit}L`, `${unit}R`] : [unit];
  }
  // The value of a unit: the mean of its sides.
  function mean(unit, units) {
    const values = keys(unit).map((key) => units[key] ?? 0);
    return values.reduce((sum, value) => sum + value, 0) / values.length;
  }
  // The value of a slider in an expression: for two opposite axes, their difference.
  function valueIn(units, { low, high }) {
    return low ? (units[high] ?? 0) - (units[low] ?? 0) : mean(high, units);
  }

  // Preview the expression with the value of a slider that was moved.
  function send(self) {
    if (self.moodIndex) return page.emit("mood", element);
    const value = Number(self.range.value), units = { ...data.state.units };
    if (self.low) { units[self.high] = Math.max(0, value); units[self.low] = Math.max(0, -value); }
    else {
      // Back at the reading, each side gets its own value again.
      const isBack = Math.abs(value - mean(self.high, data.reading)) < BACK_AT_READING;
      for (const key of keys(self.high)) units[key] = isBack ? data.reading[key] : value;
    }
    page.preview({ units });
    updateRelated(self, units);
  }

  // Show or hide the sliders of the two sides of a unit.
  function showSidesApart(self, apart = self.root.querySelector(".sides").ariaPressed !== "true") {
    self.root.querySelector(".sides").ariaPressed = String(apart);
    for (const side of sliders) if (side.root.dataset.of === self.high) side.root.hidden = !apart;
  }
  // After a unit was moved, set the sliders of its sides; after a side was moved, that of the unit.
  function updateRelated(changed, units) {
    for (const other of sliders) {
      if (other === changed || other.moodIndex) continue;
      if (other.root.dataset.of === changed.high || changed.root.dataset.of === other.high) showUnits(other, units);
    }
  }
  function showUnits(self, units) { self.range.value = valueIn(units, self); paint(self); }
  function showMood(mood) {
    for (const self of sliders) if (self.moodIndex) { self.range.value = mood[Number(self.moodIndex)]; paint(self); }
  }
  function showAll(units, mood) {
    for (const self of sliders) if (!self.moodIndex) showUnits(self, units);
    if (mood) showMood(mood);
  }
  on("preview", ({ units, mood, request }) => {
    if (request.units && !page.isResolvedByServer(request)) { if (mood) showMood(mood); return; }
    if (units) showAll(units, request.mood ? null : mood);
  });

  on("state", ({ state }) => {
    showAll(state.units, state.mood);
    for (const [key, value] of Object.entries(state.units)) {
      if (!key.endsWith("L")) continue;
      const unit = key.slice(0, -1), self = sliders.find((other) => other.high === unit && other.root.querySelector(".sides"));
      const differ = Math.abs(value - state.units[`${unit}R`]) > SIDES_DIFFER && Math.abs(value - data.reading[key]) > SIDE_CHANGED;
      if (self && differ) showSidesApart(self, true);
    }
    // The button "awe" sets the preset "awed".
    const button = state.preset === "awed" ? "awe" : state.preset;
    for (const other of element.querySelectorAll("[data-preset]")) other.ariaPressed = String(other.dataset.preset === button);
  });
  // Disable the sliders of axes that the model does not have.
  function disableUnknown() {
    const known = new Set(data.axes);
    for (const self of sliders) {
      if (self.moodIndex) continue;
      const isUnknown = ![self.low, self.high].filter(Boolean).every((key) => keys(key).every((k) => known.has(k)));
      self.range.disabled = self.box.disabled = isUnknown;
      self.root.classList.toggle("lacking", isUnknown);
      const sides = self.root.querySelector(".sides");
      if (sides) sides.disabled = isUnknown;
    }
    for (const button of element.querySelectorAll("[data-needs-gaze]")) button.disabled = !known.has("AU61");
  }
  on("face", () => {
    for (const self of sliders) {
      if (self.moodIndex) continue;
      self.root.dataset.read = valueIn(data.reading, self);
      if (self.root.querySelector(".sides")) showSidesApart(self, false);
    }
    disableUnknown();
  });
  on("enabled", (enabled) => {
    if (enabled) return disableUnknown();
    for (const self of sliders) { self.root.dataset.read = 0; self.range.value = 0; paint(self); }
  });

  // ---- Regions ----

  for (const button of element.querySelectorAll("[data-reset]")) {
    button.addEventListener("click", async () => { await page.commit(); act("reset", { region: button.dataset.reset, units: data.state.units }); });
  }

  // ---- Presets, gestures and movements ----

  for (const button of element.querySelectorAll("[data-preset]")) {
    button.addEventListener("click", () => act("preset", { name: button.dataset.preset }));
  }
  for (const button of element.querySelectorAll("[data-movement]")) {
    button.addEventListener("click", async () => {
      const answer = await act("movement", { name: button.dataset.movement, ...page.timelineSettings() });
      if (!answer.problem) page.togglePlay(true);
    });
  }
  let presetsTimer = null;
  on("face", () => {
    clearTimeout(presetsTimer);
    const { token, face_index: faceIndex } = data;
    presetsTimer = setTimeout(async () => {
      const answer = await page.call("presets", {}).catch(() => ({}));
      if (token !== data.token || faceIndex !== data.face_index || !answer.presets) return;
      for (const [name, picture] of Object.entries(answer.presets)) {
        const image = element.querySelector(`#preset-${name} img`);
        if (image) image.src = picture;
      }
    }, PRESETS_DELAY_MS);
  });

  // ---- Tabs of the panel; on a phone, filters that show one region at a time ----

  const tabs = [...element.querySelectorAll("#ways [role=tab]")];
  function openTab(name) {
    for (const tab of tabs) { tab.ariaSelected = String(tab.dataset.way === name); tab.tabIndex = tab.dataset.way === name ? 0 : -1; }
    element.querySelector("#panel-photo").dataset.way = name;
  }
  for (const tab of tabs) tab.addEventListener("click", () => openTab(tab.dataset.way));
  page.enableArrowKeys(tabs);
  const filters = [...element.querySelectorAll("#chips button")];
  function filter(name) {
    element.querySelector("#panel-photo").dataset.chip = name;
    for (const button of filters) button.ariaPressed = String(button.dataset.chip === name);
    openTab(name === "mood" || name === "copy" ? name : "face");
    if (name === "more") element.querySelector("#more").open = true;
  }
  for (const button of filters) button.addEventListener("click", () => filter(button.dataset.chip));
  filter("presets");
  openTab("face");
  for (const self of sliders) paint(self);

  // ---- Copy from a photo ----

  const copy = element.querySelector("#copy-form");
  copy.addEventListener("submit", async (event) => {
    event.preventDefault();
    const regions = page.values(copy).regions ?? [], other = await page.uploadFile(copy.querySelector("#other"));
    const answer = await page.runWithProgress("copying", { other, regions }, copy);
    if (!answer.problem) page.applyAnswer(answer);
  });
});
