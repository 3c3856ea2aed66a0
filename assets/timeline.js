// The timeline: keyframes to drag along it, pins to drop on it, and the play head. Without keyframes
// it goes from the photo to the sliders and back, as the form of the export says.
window.moodganimation.mount(element, () => {
  const page = window.moodganimation, { on, act, session, translate } = page;
  const track = element.querySelector("#track"), scrub = element.querySelector("#scrub");
  const keyframeList = element.querySelector("#keyframes");
  const pins = element.querySelector("#pins");
  const playButton = element.querySelector("#play");
  const keyframeCard = element.querySelector("#keyframe-card"), playHead = element.querySelector("#play-head");
  const MIN_TRACK_SECONDS = 3;  // least time that the track shows [s]
  const DRAG_STEP = 0.05, ARROW_KEY_STEP = 0.1;  // of dragged keyframes, and of arrow keys [s]
  const NEW_KEYFRAME_GAP = 0.7;  // between the last keyframe and a new one [s]
  const DRAG_PX = 4, PIN_DRAG_PX = 6, DROP_MARGIN_PX = 24, PLAY_STEP_MS = 40;
  let duration = 2.2, trackSeconds = MIN_TRACK_SECONDS;  // of the timeline, and of what the track shows [s]
  let chosenIndex = null;  // of the keyframe whose card is open
  let isPlaying = false, newestRequest = 0;
  let lastPreview = null;  // the promise of the answer to the last preview of a moment
  let isHeld = false, deferredDraws = [];  // a keyframe or pin is held; functions that redraw it afterwards

  // Call a function that draws, but not while the pointer holds an element that it would replace.
  function redraw(draw) {
    if (!isHeld) return draw();
    if (!deferredDraws.includes(draw)) deferredDraws.push(draw);
  }
  element.addEventListener(
    "pointerdown",
    (event) => {
      isHeld = event.target.closest(".keyframe, #pins button") !== null;
    },
    true,
  );
  for (const end of ["pointerup", "pointercancel"]) {
    document.addEventListener(end, () => {
      isHeld = false;
      setTimeout(() => {
        const draws = deferredDraws;
        deferredDraws = [];
        for (const draw of draws) redraw(draw);
      });
    });
  }

  // The settings of the timeline, from the form of the panel Animation.
  const form = () => document.getElementById("export-form");
  page.timelineSettings = () => {
    const { start, end, frames, fps, easing, ping_pong, hold, mode, blinks } = page.formValues(form());
    return { start, end, frames, fps, easing, ping_pong, hold, mode, blinks };
  };
  // A moment [s] as the request of a preview contains it.
  const momentRequest = (time) => ({
    fraction: duration ? Math.min(1, time / duration) : 0,
    ...page.timelineSettings(),
  });

  // Update length and curves after a change of the keyframes or the settings.
  async function measureTimeline() {
    const requestNumber = newestRequest += 1;
    const answer = await page.callServer("draw_curves", page.timelineSettings()).catch(() => ({}));
    if (requestNumber !== newestRequest || !answer.frames) return;
    duration = answer.seconds;
    trackSeconds = Math.max(
      MIN_TRACK_SECONDS,
      duration,
      ...session.state.keyframes.map(({ at, hold }) => at + hold),
    );
    scrub.max = duration;
    track.style.setProperty("--length", Math.min(1, duration / trackSeconds));
    const drawing = document.getElementById("curves");
    if (drawing) drawing.src = answer.curves;
    redraw(drawKeyframes);
    // For tests.
    Object.assign(track.dataset, { keyframes: session.state.keyframes.length, seconds: duration.toFixed(2) });
  }
  page.measureTimeline = measureTimeline;
  // The position of the pointer on the track, from 0 to 1, and as a time [s].
  const trackFraction = (event) => {
    const box = track.getBoundingClientRect();
    return Math.max(0, Math.min(1, (event.clientX - box.left) / box.width));
  };
  const timeAt = (event) => rounded(trackFraction(event) * trackSeconds);
  const rounded = (time) => Math.round(time / DRAG_STEP) / Math.round(1 / DRAG_STEP);

  // ---- Keyframes ----

  function drawKeyframes() {
    keyframeList.replaceChildren(...session.state.keyframes.map(({ at, hold }, index) => {
      const marker = Object.assign(document.createElement("button"), {
        type: "button",
        className: "keyframe",
        id: `keyframe-${index}`,
      });
      marker.style.left = `${100 * at / trackSeconds}%`;
      marker.style.setProperty("--hold", hold / trackSeconds);
      marker.ariaLabel = `${translate("Keyframe")} ${index + 1}: ${at.toFixed(2)} s`;
      marker.title = marker.ariaLabel;
      marker.ariaPressed = String(index === chosenIndex);
      enableDrag(marker, index);
      return marker;
    }));
  }
  // Let a keyframe be dragged, clicked, and moved by keys.
  function enableDrag(marker, index) {
    let isMoved = false, startX = 0;
    marker.addEventListener("pointerdown", (event) => {
      marker.setPointerCapture(event.pointerId);
      isMoved = false;
      startX = event.clientX;
      event.stopPropagation();
    });
    marker.addEventListener("pointermove", (event) => {
      if (
        !marker.hasPointerCapture(event.pointerId) ||
        (!isMoved && Math.abs(event.clientX - startX) < DRAG_PX)
      )
        return;
      isMoved = true;
      marker.style.left = `${100 * timeAt(event) / trackSeconds}%`;
    });
    marker.addEventListener("pointerup", async (event) => {
      if (isMoved) {
        await act("change_keyframe", { keyframe: index, at: timeAt(event), ...page.timelineSettings() });
        drawKeyframes();
      } else chooseKeyframe(index);
    });
    marker.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -ARROW_KEY_STEP, ArrowRight: ARROW_KEY_STEP }[event.key];
      if (step) {
        event.preventDefault();
        const before = session.state.keyframes;
        act("change_keyframe", {
          keyframe: index,
          at: Math.max(0, before[index].at + step),
          ...page.timelineSettings(),
        }).then(() => document.getElementById(`keyframe-${indexAfter(before, index)}`)?.focus());
      }
      if (event.key === "Delete" || event.key === "Backspace") {
        event.preventDefault();
        removeKeyframe(index);
      }
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        chooseKeyframe(index);
      }
    });
  }
  // The present index of the keyframe that was number `index` of `before`: the one at its old time, or else
  // the only one whose time is new; null if there is none.
  function indexAfter(before, index) {
    const { keyframes } = session.state;
    const same = keyframes.findIndex(({ at }) => at === before[index].at);
    if (same >= 0) return same;
    const times = before.map(({ at }) => at), moved = keyframes.filter(({ at }) => !times.includes(at));
    return keyframes.length === before.length && moved.length === 1 ? keyframes.indexOf(moved[0]) : null;
  }
  function chooseKeyframe(index) {
    chosenIndex = index;
    const keyframe = session.state.keyframes[index];
    keyframeCard.hidden = false;
    keyframeCard.querySelector("[name=hold]").value = keyframe.hold;
    keyframeCard.querySelector("[name=hold]").nextElementSibling.value = keyframe.hold;
    keyframeCard.querySelector("[name=easing]").value = keyframe.easing;
    act("show_keyframe", { keyframe: index });
  }
  function closeCard() {
    chosenIndex = null;
    keyframeCard.hidden = true;
  }
  function removeKeyframe(index) {
    closeCard();
    return act("remove_keyframe", { keyframe: index, ...page.timelineSettings() });
  }
  keyframeCard.querySelector("#keyframe-remove").addEventListener("click", () => removeKeyframe(chosenIndex));
  keyframeCard.querySelector("#keyframe-update").addEventListener("click", () => changeChosen({ use_sliders: true }));
  keyframeCard.querySelector("#keyframe-close").addEventListener("click", () => {
    closeCard();
    drawKeyframes();
  });
  keyframeCard
    .querySelector("[name=hold]")
    .addEventListener("change", (event) => changeChosen({ hold_s: Number(event.target.value) }));
  keyframeCard
    .querySelector("[name=easing]")
    .addEventListener("change", (event) => changeChosen({ keyframe_easing: event.target.value }));
  // Commit a moment that is shown, after the answer to its preview, which a commit would drop.
  async function commitMoment() {
    isPlaying = false;
    showPlaying();
    await lastPreview;
    return page.commit();
  }
  async function changeChosen(more) {
    await commitMoment();
    if (chosenIndex === null) return undefined;
    return act("change_keyframe", { keyframe: chosenIndex, ...more, ...page.timelineSettings() });
  }
  element.querySelector("#add-keyframe").addEventListener("click", async () => {
    await commitMoment();
    // At the play head if it was moved and is at no keyframe, else after the last keyframe.
    const last = session.state.keyframes.at(-1), free = last ? last.at + last.hold + NEW_KEYFRAME_GAP : 0;
    const now = Number(scrub.value);
    const isTaken = session.state.keyframes.some(
      ({ at, hold }) => now >= at - DRAG_STEP && now <= at + hold + DRAG_STEP,
    );
    await act("add_keyframe", { at: rounded(now > 0 && !isTaken ? now : free), ...page.timelineSettings() });
  });

  // ---- Pins ----

  function drawPins() {
    pins.replaceChildren(...session.state.pins.map((picture, index) => {
      const pin = Object.assign(document.createElement("button"), {
        type: "button",
        id: `pin-${index}`,
        ariaLabel: `${translate("Pin")} ${index + 1}`,
      });
      pin.append(Object.assign(document.createElement("img"), { src: picture, alt: "", draggable: false }));
      let ghost = null, start = null;  // the picture under the pointer; where the drag began
      pin.addEventListener("pointerdown", (event) => {
        start = [event.clientX, event.clientY];
        delete pin.dataset.dragged;
        pin.setPointerCapture(event.pointerId);
      });
      pin.addEventListener("pointermove", (event) => {
        if (
          !start ||
          (!ghost && Math.hypot(event.clientX - start[0], event.clientY - start[1]) < PIN_DRAG_PX)
        )
          return;
        if (!ghost) {
          ghost = pin.firstElementChild.cloneNode();
          ghost.className = "ghost";
          document.body.append(ghost);
        }
        ghost.style.left = `${event.clientX}px`;
        ghost.style.top = `${event.clientY}px`;
      });
      const drop = (event) => {
        const isDropped = ghost !== null && event.type === "pointerup";
        ghost?.remove();
        ghost = start = null;
        if (!isDropped) return;
        pin.dataset.dragged = "";  // the click that follows is no click on the pin
        const { left, right, top, bottom } = track.getBoundingClientRect();
        const { clientX: x, clientY: y } = event;
        if (x > left && x < right && y > top - DROP_MARGIN_PX && y < bottom + DROP_MARGIN_PX)
          act("add_keyframe", { pin: index, at: timeAt(event), ...page.timelineSettings() });
      };
      pin.addEventListener("pointerup", drop);
      pin.addEventListener("pointercancel", drop);
      pin.addEventListener("click", () => {
        if ("dragged" in pin.dataset) {
          delete pin.dataset.dragged;
          return;
        }
        act("restore_pin", { pin: index });
      });
      return pin;
    }));
  }
  element.querySelector("#pin").addEventListener("click", async () => {
    await commitMoment();
    act("add_pin");
  });

  // ---- Play head ----

  function moveHead(time) {
    scrub.value = time;
    playHead.style.left = `${100 * time / trackSeconds}%`;
  }
  function previewMoment(time) {
    lastPreview = page.preview({ moment: momentRequest(time), expression: session.state.expression });
  }
  scrub.addEventListener("input", () => {
    stop();
    moveHead(Number(scrub.value));
    page.showOnStage("picture");
    previewMoment(Number(scrub.value));
  });
  scrub.addEventListener("change", () => page.commitSoon());
  function stop() {
    if (!isPlaying) return;
    isPlaying = false;
    showPlaying();
    page.cancelDrag();
  }
  function showPlaying() {
    playButton.textContent = isPlaying ? "❚❚" : "▶";
    playButton.ariaPressed = String(isPlaying);
  }
  // Play or stop; once: stop at the end instead of starting again.
  page.togglePlay = async (once = false) => {
    if (isPlaying) return stop();
    await page.commit();
    await measureTimeline();
    isPlaying = true;
    showPlaying();
    page.showOnStage("picture");
    const startTime = performance.now();
    const step = () => {
      if (!isPlaying) return;
      const elapsed = (performance.now() - startTime) / 1000;
      if (once && elapsed > duration) {
        stop();
        return moveHead(0);
      }
      moveHead(elapsed % duration);
      previewMoment(elapsed % duration);
      setTimeout(step, PLAY_STEP_MS);
    };
    step();
  };
  playButton.addEventListener("click", () => page.togglePlay());
  for (const kind of ["pointerdown", "keydown"]) {
    document.addEventListener(
      kind,
      (event) => {
        if (!element.contains(event.target)) stop();
      },
      true,
    );
  }

  let lastKeyframes = [];  // of the last state
  let measuredKeys = "";  // keyframes of the last measurement, as JSON
  on("state", ({ state }) => {
    if (chosenIndex !== null) chosenIndex = indexAfter(lastKeyframes, chosenIndex);
    if (chosenIndex === null) closeCard();
    lastKeyframes = session.state.keyframes;
    redraw(drawKeyframes);
    redraw(drawPins);
    const keys = JSON.stringify(state.keyframes);
    if (keys !== measuredKeys) {
      measuredKeys = keys;
      measureTimeline();
    }
  });
  on("photo", () => {
    measuredKeys = "";
    moveHead(0);
    measureTimeline();
  });
  on("opening", stop);
  on("committing", stop);  // an action is about the sliders, not about the moment that is played
  element.querySelector("#export").addEventListener("click", () => page.togglePanel("export"));
});
