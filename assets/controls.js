// The sliders of a face, and the presets and named timelines above them. A slider has a tick at its reading,
// the value that was read in the photo, and is colored from there to its current value. A double click
// returns it to the reading. The slider of a unit with two sides moves both; ⇆ shows one for each.
window.moodganimation.mount(element, () => {
  const page = window.moodganimation, { on, act, session, translate } = page;
  const sliders = [...element.querySelectorAll(".slider")].map(attachSlider);
  const axesByUnit = {};  // {unit: keys of FACS that its slider moves}
  const SIDEWAYS_PX = 6;  // a finger that moves sideways by less is scrolling
  const MIN_CHANGE = 0.006;  // difference from the reading above which a slider is marked as changed
  const BACK_AT_READING = 0.005;  // difference from the reading below which a slider is back at it
  // Between the sides, and of one side from its reading: over both differences the sides get sliders of
  // their own.
  const SIDES_DIFFER = 0.1, SIDE_CHANGED = 0.01;
  const PRESETS_DELAY_MS = 60;  // without another face, until the pictures of presets are drawn

  // ---- One slider ----

  // Make a slider work. Returns {root, range, textInput: its text input, low, high: its axes, or moodIndex:
  // the index of its axis in the mood, as a text}.
  function attachSlider(root) {
    const range = root.querySelector("input[type=range]"), textInput = root.querySelector(".value");
    const { low, high, mood: moodIndex } = root.dataset;
    const self = { root, range, textInput, low, high, moodIndex };
    let startValue = null;
    // Whether moves count: for a finger or pen only once it has moved sideways or is lifted.
    let isArmed = true;
    let downAt = null;  // where the pointer went down

    range.addEventListener("pointerdown", (event) => {
      startValue = Number(range.value);
      downAt = [event.clientX, event.clientY];
      isArmed = event.pointerType === "mouse";
    });
    range.addEventListener("pointermove", (event) => {
      if (!downAt || isArmed) return;
      const [dx, dy] = [Math.abs(event.clientX - downAt[0]), Math.abs(event.clientY - downAt[1])];
      if (dx > SIDEWAYS_PX && dx > dy) {
        isArmed = true;
        onMoved();
      }
    });
    // The browser takes the finger's move as scrolling: restore the value.
    range.addEventListener("pointercancel", () => {
      if (!isArmed) setValue(startValue, false);
      downAt = null;
      isArmed = true;
    });
    range.addEventListener("pointerup", () => {
      if (!isArmed) {
        isArmed = true;
        onMoved();
        page.commitSoon();
      }
      downAt = null;
    });
    range.addEventListener("input", () => {
      if (isArmed) onMoved();
      else paint(self);
    });
    range.addEventListener("change", () => {
      if (isArmed) page.commitSoon();
      else setValue(startValue, false);
    });
    range.addEventListener("dblclick", returnToReading);
    root.querySelector("label").addEventListener("dblclick", returnToReading);
    textInput.addEventListener("change", () => {
      const typed = Number(textInput.value.replace(",", "."));
      if (textInput.value.trim() && Number.isFinite(typed)) {
        setValue(typed, true);
        page.commitSoon();
      } else paint(self);
    });
    textInput.addEventListener("keydown", (event) => {
      if (event.key === "Enter") textInput.blur();
      if (event.key === "Escape") {
        paint(self);
        textInput.blur();
      }
    });
    textInput.addEventListener("focus", () => textInput.select());
    root.querySelector(".sides")?.addEventListener("click", () => showSidesApart(self));

    function setValue(value, isSent) {
      range.value = value;
      if (isSent) onMoved();
      else paint(self);
    }
    function onMoved() {
      paint(self);
      previewSlider(self);
    }
    function returnToReading() {
      if (moodIndex) return;
      setValue(valueIn(session.reading, self), true);
      page.commit();
    }
    return self;
  }

  // Draw a slider's value: its colored part, and the number in its text input.
  function paint({ root, range, textInput, moodIndex }) {
    const { min, max } = range, value = Number(range.value), fraction = (v) => (v - min) / (max - min);
    const start = moodIndex ? 0 : Number(root.dataset.reading ?? 0);
    root.style.setProperty("--reading", fraction(start));
    root.style.setProperty("--low", fraction(Math.min(start, value)));
    root.style.setProperty("--high", fraction(Math.max(start, value)));
    root.classList.toggle("changed", Math.abs(start - value) > MIN_CHANGE);
    if (document.activeElement !== textInput) textInput.value = value.toFixed(2);
  }

  // The axes of FACS that the slider of a unit moves: those of both sides, if the unit has sides.
  function axesOfUnit(unit) {
    return (axesByUnit[unit] ??= [`${unit}L`, `${unit}R`].every((side) => side in session.reading)
      ? [`${unit}L`, `${unit}R`]
      : [unit]);
  }
  // The value of a unit: the mean of its sides.
  function unitMean(unit, expression) {
    const values = axesOfUnit(unit).map((key) => expression[key] ?? 0);
    return values.reduce((sum, value) => sum + value, 0) / values.length;
  }
  // The value of a slider in an expression: for two opposite axes, their difference.
  function valueIn(expression, { low, high }) {
    return low ? (expression[high] ?? 0) - (expression[low] ?? 0) : unitMean(high, expression);
  }

  // Preview the expression with the value of a slider that was moved.
  function previewSlider(self) {
    if (self.moodIndex) return page.emit("mood", element);
    const value = Number(self.range.value), expression = { ...session.state.expression };
    if (self.low) {
      expression[self.high] = Math.max(0, value);
      expression[self.low] = Math.max(0, -value);
    } else {
      // Back at the reading, each side gets its own value again.
      const isBack = Math.abs(value - unitMean(self.high, session.reading)) < BACK_AT_READING;
      for (const key of axesOfUnit(self.high)) expression[key] = isBack ? session.reading[key] : value;
    }
    page.preview({ expression });
    updateRelated(self, expression);
  }

  // Show or hide the sliders of the two sides of a unit.
  function showSidesApart(self, apart = self.root.querySelector(".sides").ariaPressed !== "true") {
    self.root.querySelector(".sides").ariaPressed = String(apart);
    for (const side of sliders) if (side.root.dataset.sideOf === self.high) side.root.hidden = !apart;
  }
  // After a unit was moved, set the sliders of its sides; after a side was moved, that of the unit.
  function updateRelated(changed, expression) {
    for (const other of sliders) {
      if (other === changed || other.moodIndex) continue;
      if (other.root.dataset.sideOf === changed.high || changed.root.dataset.sideOf === other.high)
        showValue(other, expression);
    }
  }
  function showValue(self, expression) {
    self.range.value = valueIn(expression, self);
    paint(self);
  }
  function showMood(mood) {
    for (const self of sliders) {
      if (!self.moodIndex) continue;
      self.range.value = mood[Number(self.moodIndex)];
      paint(self);
    }
  }
  function showAll(expression, mood) {
    for (const self of sliders) if (!self.moodIndex) showValue(self, expression);
    if (mood) showMood(mood);
  }
  on("preview", ({ expression, mood, request }) => {
    if (request.expression && !page.isResolvedByServer(request)) {
      if (mood) showMood(mood);
      return;
    }
    if (expression) showAll(expression, request.mood ? null : mood);
  });

  on("state", ({ state }) => {
    showAll(state.expression, state.mood);
    for (const [key, value] of Object.entries(state.expression)) {
      if (!key.endsWith("L")) continue;
      const unit = key.slice(0, -1), right = `${unit}R`;
      const self = sliders.find((other) => other.high === unit && other.root.querySelector(".sides"));
      const isChanged = (side) => Math.abs(state.expression[side] - session.reading[side]) > SIDE_CHANGED;
      const differ =
        Math.abs(value - state.expression[right]) > SIDES_DIFFER && (isChanged(key) || isChanged(right));
      if (self && differ) showSidesApart(self, true);
    }
    // The button "awe" sets the preset "awed".
    const button = state.preset === "awed" ? "awe" : state.preset;
    for (const other of element.querySelectorAll("[data-preset]"))
      other.ariaPressed = String(other.dataset.preset === button);
  });
  // Disable the sliders of axes that the model does not have.
  function disableUnavailable() {
    const available = new Set(session.axes);
    for (const self of sliders) {
      if (self.moodIndex) continue;
      const isUnavailable = ![self.low, self.high]
        .filter(Boolean)
        .every((key) => axesOfUnit(key).every((k) => available.has(k)));
      self.range.disabled = self.textInput.disabled = isUnavailable;
      self.root.classList.toggle("unavailable", isUnavailable);
      const sides = self.root.querySelector(".sides");
      if (sides) sides.disabled = isUnavailable;
    }
    for (const button of element.querySelectorAll("[data-needs-facs]")) button.disabled = !available.has("AU61");
  }
  on("face", () => {
    for (const self of sliders) {
      if (self.moodIndex) continue;
      self.root.dataset.reading = valueIn(session.reading, self);
      if (self.root.querySelector(".sides")) showSidesApart(self, false);
    }
    disableUnavailable();
  });
  on("enabled", (enabled) => {
    if (enabled) return disableUnavailable();
    for (const self of sliders) {
      self.root.dataset.reading = 0;
      self.range.value = 0;
      paint(self);
    }
  });

  // ---- Regions ----

  for (const button of element.querySelectorAll("[data-reset]")) {
    button.addEventListener("click", async () => {
      await page.commit();
      act("reset_sliders", { region: button.dataset.reset, expression: session.state.expression });
    });
  }

  // ---- Presets, gestures and named timelines ----

  for (const button of element.querySelectorAll("[data-preset]")) {
    button.addEventListener("click", () => act("apply_preset", { name: button.dataset.preset }));
  }
  for (const button of element.querySelectorAll("[data-timeline]")) {
    button.addEventListener("click", async () => {
      const answer = await act("set_named_timeline", { name: button.dataset.timeline, ...page.timelineSettings() });
      if (!answer.problem) page.togglePlay(true);
    });
  }
  let presetsTimer = null;
  on("face", () => {
    clearTimeout(presetsTimer);
    const { token, face_index: faceIndex } = session;
    presetsTimer = setTimeout(async () => {
      const answer = await page.callServer("draw_presets", {}).catch(() => ({}));
      if (token !== session.token || faceIndex !== session.face_index || !answer.presets) return;
      for (const [name, picture] of Object.entries(answer.presets)) {
        const image = element.querySelector(`#preset-${name} img`);
        if (image) image.src = picture;
      }
    }, PRESETS_DELAY_MS);
  });

  // ---- Tabs of the panel; on a phone, filters that show one region at a time ----

  const tabs = [...element.querySelectorAll("#edit-tabs [role=tab]")];
  function openTab(name) {
    for (const tab of tabs) {
      tab.ariaSelected = String(tab.dataset.editTab === name);
      tab.tabIndex = tab.dataset.editTab === name ? 0 : -1;
    }
    element.querySelector("#panel-photo").dataset.editTab = name;
  }
  for (const tab of tabs) tab.addEventListener("click", () => openTab(tab.dataset.editTab));
  page.enableArrowKeys(tabs);
  const filters = [...element.querySelectorAll("#phone-filters button")];
  function showFilter(name) {
    element.querySelector("#panel-photo").dataset.filter = name;
    for (const button of filters) button.ariaPressed = String(button.dataset.filter === name);
    openTab(name === "mood" || name === "copy" ? name : "face");
    if (name === "more") element.querySelector("#further-sliders").open = true;
  }
  for (const button of filters) button.addEventListener("click", () => showFilter(button.dataset.filter));
  showFilter("presets");
  openTab("face");
  for (const self of sliders) paint(self);

  // ---- Copy from a photo ----

  const copyForm = element.querySelector("#copy-form");
  copyForm.addEventListener("submit", async (event) => {
    event.preventDefault();
    const regions = page.formValues(copyForm).regions ?? [];
    const other = await page.uploadOrToast(copyForm.querySelector("#other"));
    if (other === null) return;
    const answer = await page.runWithProgress("copy_expression", { other, regions }, copyForm);
    if (!answer.problem) page.applyAnswer(answer);
  });
});
