// The stage: shows the edited picture, the photo before the edit, the camera, a film or a sheet. It
// converts between places on the screen and places in the photo, for all that is drawn or dragged.
window.moodganimation.mount(element, () => {
  const page = window.moodganimation, { on, data, translate } = page;
  const stage = element.querySelector("#stage"), frame = element.querySelector("#stage-frame");
  const image = element.querySelector("#stage-image"), before = element.querySelector("#stage-before");
  const film = element.querySelector("#stage-film"), camera = element.querySelector("#stage-camera");
  const inset = element.querySelector("#inset"), split = element.querySelector("#stage-split");
  const places = element.querySelector("#stage-places"), note = element.querySelector("#stage-note");
  const INSET_DELAY_MS = 700;
  const otherView = () => (data.view === "face" ? "photo" : "face");
  let isDivided = false, share = 0.5;  // of the picture that shows the photo before the edit
  let insetTimer = null;

  // ---- Places ----

  // Make the frame as large as the stage allows, in the proportions of the picture.
  function fit() {
    const { naturalWidth: width, naturalHeight: height } = image;
    if (!width || !stage.clientWidth) return;
    const scale = Math.min(stage.clientWidth / width, stage.clientHeight / height);
    frame.style.width = `${width * scale}px`;
    frame.style.height = `${height * scale}px`;
  }

  // x0, y0, x1, y1 of the view, in shares of the photo.
  const viewBox = () => data.views[data.view];

  // From the screen [px] to shares of the photo; null outside the picture.
  function toPhoto(clientX, clientY) {
    const box = image.getBoundingClientRect(), [x0, y0, x1, y1] = viewBox();
    const x = (clientX - box.left) / box.width, y = (clientY - box.top) / box.height;
    if (!(x >= 0 && x <= 1 && y >= 0 && y <= 1)) return null;
    return [x0 + x * (x1 - x0), y0 + y * (y1 - y0)];
  }

  // From shares of the photo to the screen [px].
  function fromPhoto(x, y) {
    const box = image.getBoundingClientRect(), [x0, y0, x1, y1] = viewBox();
    return [box.left + box.width * (x - x0) / (x1 - x0), box.top + box.height * (y - y0) / (y1 - y0)];
  }
  page.stage = { element: stage, image, toPhoto, fromPhoto };
  new ResizeObserver(fit).observe(stage);
  image.addEventListener("load", fit);

  // ---- What is shown ----

  function setPicture(picture) { if (picture) image.src = picture; }

  // Show one of "picture", "camera", "film" and "sheet".
  function showOnStage(what) {
    stage.dataset.shows = what;
    if (what !== "film") film.pause();
    film.hidden = what !== "film";
    camera.hidden = what !== "camera";
    frame.hidden = what === "film" || what === "camera";
    inset.hidden = what !== "picture";
    if (what === "picture") fit();
  }
  page.showOnStage = showOnStage;
  page.showFilm = (file) => {
    film.src = file.url;
    film.dataset.name = file.orig_name;
    showOnStage("film");
    film.play().catch(() => {});
  };
  page.showSheet = (file) => {
    showOnStage("sheet");
    element.querySelector("#stage-sheet").src = file.url;
  };

  on("preview", ({ picture }) => {
    if (!picture) return;
    if (stage.dataset.shows !== "picture" && stage.dataset.shows !== "camera") showOnStage("picture");
    setPicture(picture);
  });
  on("state", ({ picture, state }) => {
    if (picture && stage.dataset.shows !== "camera") showOnStage("picture");
    setPicture(picture);
    for (const side of element.querySelectorAll("#sides button")) side.ariaPressed = String(side.dataset.half === state.half);
    element.querySelector("#brush").ariaPressed = String(state.painted || !element.querySelector("#painting").hidden);
    clearTimeout(insetTimer);
    insetTimer = setTimeout(drawInset, INSET_DELAY_MS);
  });
  // Draw the other view in the small picture, once nothing has changed for a while.
  async function drawInset() {
    const answer = await page.call("show_view", { view: otherView() }).catch(() => ({}));
    if (answer.picture) inset.firstElementChild.src = answer.picture;
  }
  on("face", (answer) => {
    before.src = answer.before;
    inset.firstElementChild.src = answer.inset;
    outline();
    stage.dispatchEvent(new CustomEvent("face-changed"));
  });
  on("faceless", () => { showOnStage("picture"); note.textContent = ""; inset.hidden = true; });
  on("photo", () => {
    element.querySelector("#no-face").hidden = true;
    stage.dataset.photo = "there";
    note.textContent = `${data.photo.name} · ${data.pixels}`;
    showOnStage("picture");
  });

  async function switchView(name) {
    if (!data.token) return;
    await page.commit();
    data.view = name;
    for (const button of element.querySelectorAll("#views button")) button.ariaPressed = String(button.dataset.view === name);
    page.applyAnswer(await page.call("show_view", {}));
  }
  for (const button of element.querySelectorAll("#views button")) button.addEventListener("click", () => switchView(button.dataset.view));
  inset.addEventListener("click", () => switchView(otherView()));
  const describe = () => { inset.ariaLabel = inset.title = data.view === "face" ? translate("Show the whole photo") : translate("Show the face"); };
  on("face", describe);

  // ---- Before and after ----

  // isHeld: the whole photo before the edit, while the button is held.
  function compare(isHeld) {
    before.hidden = !isHeld && !isDivided;
    before.style.clipPath = isHeld ? "none" : `inset(0 ${100 - 100 * share}% 0 0)`;
    split.hidden = !isDivided;
    split.style.left = `${100 * share}%`;
    split.ariaValueNow = Math.round(100 * share);
  }
  on("before", (isHeld) => { stage.dataset.before = isHeld; compare(isHeld); });
  const toggle = element.querySelector("#compare");
  toggle.addEventListener("click", () => {
    isDivided = !isDivided;
    toggle.ariaPressed = String(isDivided);
    compare(false);
  });
  function divide(value) { share = Math.max(0, Math.min(1, value)); compare(false); }
  split.addEventListener("pointerdown", (event) => { split.setPointerCapture(event.pointerId); event.preventDefault(); split.focus(); });
  split.addEventListener("pointermove", (event) => {
    if (!split.hasPointerCapture(event.pointerId)) return;
    const box = frame.getBoundingClientRect();
    divide((event.clientX - box.left) / box.width);
  });
  split.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -0.05, ArrowRight: 0.05 }[event.key];
    if (step) { event.preventDefault(); divide(share + step); }
  });

  // ---- Outlines of the faces; a click selects one ----

  function outline() {
    const [x0, y0, x1, y1] = viewBox();
    places.replaceChildren(...data.places.map((corners, number) => {
      const xs = corners.map(([x]) => (x - x0) / (x1 - x0)), ys = corners.map(([, y]) => (y - y0) / (y1 - y0));
      const button = Object.assign(document.createElement("button"), { type: "button", ariaLabel: `${translate("Face")} ${number + 1}` });
      const [left, top] = [Math.min(...xs), Math.min(...ys)];
      Object.assign(button.style, { left: `${100 * left}%`, top: `${100 * top}%`, width: `${100 * (Math.max(...xs) - left)}%`, height: `${100 * (Math.max(...ys) - top)}%` });
      button.ariaPressed = String(number === data.face_index);
      button.hidden = data.view === "face" && number === data.face_index;  // it fills the stage
      button.addEventListener("click", () => { if (number !== data.face_index) page.act("select_face", { face: number }); });
      return button;
    }));
    describe();
  }

  // ---- Sides ----

  for (const side of element.querySelectorAll("#sides button")) {
    side.addEventListener("click", () => page.act("confine", { half: side.dataset.half }));
  }
  const sheet = element.querySelector("#stage-sheet");
  sheet.addEventListener("click", () => sheet.toggleAttribute("data-zoom"));
  element.querySelector("#made").addEventListener("click", () => page.togglePanel("made"));
  // The tab Photo shows the picture in place of a film or sheet; other tabs end the camera.
  on("mode", (mode) => { if (stage.dataset.shows === "camera" ? mode !== "live" : mode === "photo") showOnStage("picture"); });
  showOnStage("picture");
});
